"""Writes to many rows at once."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import connections, router
from django.db.models import Model


def update_rows(rows: Sequence[Model], names: Sequence[str]) -> None:
    """Write these fields of rows of one model, each row by its primary key.

    One prepared statement for all of them: some ten times faster than `bulk_update`, which builds
    a CASE of every row and field.  A row that was deleted meanwhile is left out.
    """
    if not rows:
        return
    meta: Any = rows[0]._meta
    connection = connections[router.db_for_write(type(rows[0]))]
    fields: list[Any] = [meta.get_field(name) for name in names]
    quote = connection.ops.quote_name
    columns = ", ".join(f"{quote(field.column)} = %s" for field in fields)
    statement = f"UPDATE {quote(meta.db_table)} SET {columns} WHERE {quote(meta.pk.column)} = %s"  # noqa: S608 - names of our own columns
    values = [
        (
            *(field.get_db_prep_save(getattr(row, field.attname), connection) for field in fields),
            row.pk,
        )
        for row in rows
    ]
    with connection.cursor() as cursor:
        cursor.executemany(statement, values)


class AlikeRows:
    """Inserts rows of a table that differ in a few columns: the others are prepared once.

    `like` has the values that all rows share, `varying` are the attribute names (`case_id`, not
    `case`) of the rest.  Constraints and triggers hold as ever; primary keys are not told.
    """

    def __init__(self, like: Model, varying: Sequence[str]) -> None:
        meta: Any = like._meta
        self._connection: Any = connections[router.db_for_write(type(like))]
        fields = [one for one in meta.concrete_fields if not one.primary_key]
        self._varying = [one for one in fields if one.attname in varying]
        shared = [one for one in fields if one.attname not in varying]
        self._shared = tuple(
            one.get_db_prep_save(getattr(like, one.attname), self._connection) for one in shared
        )
        quote = self._connection.ops.quote_name
        columns = ", ".join(quote(one.column) for one in [*shared, *self._varying])
        marks = ", ".join(["%s"] * len(fields))
        self._statement = f"INSERT INTO {quote(meta.db_table)} ({columns}) VALUES ({marks})"  # noqa: S608 - names of our own columns

    def insert(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Insert rows, each with the values of `varying` by name, in the caller's transaction."""
        values = [
            (
                *self._shared,
                *(one.get_db_prep_save(row[one.attname], self._connection)
                  for one in self._varying),
            )
            for row in rows
        ]  # fmt: skip
        if values:
            with self._connection.cursor() as cursor:
                cursor.executemany(self._statement, values)
