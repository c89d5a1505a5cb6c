"""Rows of one database into another, whatever the two are.

Rows go in as they are, with their keys and times, past `save` and signals.  Each table, or tables
that refer to each other in a circle, is one transaction: after a kill it is empty or whole.  Guards
of tables whose rows are only added are on all the time.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any, NamedTuple
from uuid import UUID

from django.apps import apps
from django.core.management.color import no_style
from django.db import connections, transaction
from django.db.models import Model
from django.db.models.sql import InsertQuery

Progress = Callable[[int, int], None]
NOTE = "liandong_move"  # a table of the target, there while a move is under way
NOT_MOVED = frozenset({"django_migrations", NOTE})  # tables without a model that each side has
_VALUES = 20_000  # of one INSERT
_BATCH = 500  # rows of one INSERT at most
_SUM = 1 << 512


class Told(NamedTuple):
    """What a table holds: the sum of the SHA-512 of its rows does not depend on their order."""

    rows: int
    digest: str


class UnknownTable(Exception):
    """The source has rows in a table that no model names."""


def models() -> list[type[Model]]:
    """Every model with a table."""
    found = apps.get_models(include_auto_created=True)
    return [one for one in found if one._meta.managed and not one._meta.proxy]


def groups() -> Iterator[list[type[Model]]]:
    """Models in an order in which each refers to earlier ones; a circle is one group."""
    waiting = {one: _referred(one) for one in models()}
    while waiting:
        free = [one for one, needs in waiting.items() if not needs & waiting.keys()]
        for one in free:
            del waiting[one]
            yield [one]
        if not free:
            yield list(waiting)
            return


def _referred(model: type[Model]) -> set[type[Model]]:
    relations = (field.related_model for field in model._meta.local_concrete_fields)
    return {one for one in relations if isinstance(one, type)} - {model}


def copy_rows(source: str, target: str, *, progress: Progress) -> None:
    """Copy every table that is empty in the target, then set the sequences.  Resumable.

    Raises UnknownTable, and what the target refuses (a text too long, a NUL) as DatabaseError.
    """
    _refuse_unknown(source)
    everything = list(groups())
    for number, group in enumerate(everything, 1):
        with transaction.atomic(using=target):
            for model in group:
                if not model._base_manager.using(target).exists():
                    _copy_table(model, source, target)
        progress(number, len(everything))
    statements = connections[target].ops.sequence_reset_sql(no_style(), models())
    with connections[target].cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def _copy_table(model: type[Model], source: str, target: str) -> None:
    fields = [one for one in model._meta.local_concrete_fields if not one.generated]
    size = max(1, min(_BATCH, _VALUES // len(fields)))
    rows = _rows(model, source)
    while batch := list(islice(rows, size)):
        query = InsertQuery(model)
        query.insert_values(fields, batch, raw=True)
        query.get_compiler(using=target).execute_sql()


def _rows(model: type[Model], alias: str) -> Iterator[Model]:
    return model._base_manager.using(alias).order_by("pk").iterator(chunk_size=_BATCH)


def _refuse_unknown(source: str) -> None:
    connection = connections[source]
    known = {one._meta.db_table for one in models()} | NOT_MOVED
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            if table not in known:
                name = connection.ops.quote_name(table)
                cursor.execute(f"SELECT 1 FROM {name} LIMIT 1")  # noqa: S608 - a name of the database
                if cursor.fetchone():
                    raise UnknownTable(table)


def empty_tables(target: str) -> None:
    """Remove what migrating put into the tables: the rows of the source say it all."""
    with transaction.atomic(using=target):
        for group in reversed(list(groups())):
            for model in group:
                rows = model._base_manager.using(target)
                if rows.exists():
                    rows.all()._raw_delete(target)


# Comparing ----------------------------------------------------------------------------------------


def tell(model: type[Model], alias: str) -> Told:
    """How many rows a table has, and their digest."""
    total, count = 0, 0
    fields = [one.attname for one in model._meta.local_concrete_fields]
    for row in _rows(model, alias):
        known = [_plain(getattr(row, name)) for name in fields]
        text = json.dumps(known, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        digest = hashlib.sha512(text.encode("utf-8", "surrogatepass")).digest()
        total = (total + int.from_bytes(digest, "big")) % _SUM
        count += 1
    return Told(count, f"{total:0128x}")


def _plain(value: Any) -> Any:
    """A value as both databases tell it."""
    match value:
        case datetime():
            return value.astimezone(UTC).isoformat()
        case date() | time():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case Decimal():
            return str(value.normalize())
        case UUID():
            return str(value)
        case bytes() | memoryview() | bytearray():
            return bytes(value).hex()
    return value


# The target ---------------------------------------------------------------------------------------


def state_of(target: str, move: str) -> str:
    """empty, the state of this move (new, copying, copied), or "" for a target in use."""
    connection = connections[target]
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        if not tables:
            return "empty"
        if NOTE not in tables:
            return ""
        cursor.execute(f"SELECT move, state FROM {NOTE}")  # noqa: S608 - a name of ours
        known: Sequence[tuple[str, str]] = cursor.fetchall()
    return next((state for name, state in known if name == move), "")


def set_state(target: str, move: str, state: str) -> None:
    """Note how far the move is; "" when it has ended."""
    with transaction.atomic(using=target), connections[target].cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {NOTE}")
        if state:
            cursor.execute(f"CREATE TABLE {NOTE} (move varchar(64), state varchar(16))")
            insert = f"INSERT INTO {NOTE} VALUES (%s, %s)"  # noqa: S608 - a name of ours
            cursor.execute(insert, [move, state])


def pairs(source: str, target: str) -> Iterable[tuple[str, Told, Told]]:
    """What each table holds on both sides."""
    for group in groups():
        for model in group:
            yield model._meta.db_table, tell(model, source), tell(model, target)
