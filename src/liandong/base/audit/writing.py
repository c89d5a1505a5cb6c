"""The only writer of audit rows.  Rows are added in the transaction of the act.

Record an act last in its transaction: on PostgreSQL whoever has recorded one keeps every other
writer of the chain waiting until the transaction ends.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from django.conf import settings
from django.db import connection, transaction

from liandong.base.middleware import CURRENT_ORIGIN, CURRENT_REQUEST
from liandong.base.models import Account, AuditRow, Outcome
from liandong.kernel import catalog
from liandong.kernel.audit import FIELDS, cell_sums, row_code, row_hash

from .heads import follow, key

_CHAIN = 0x6C64_6175_6469_7431  # key of the PostgreSQL lock that writers of the chain take in turn


Facts = Mapping[str, object]  # text and whole numbers by name


class UnknownAct(KeyError):
    """The act is no row of `catalog/audit_acts.csv`."""


@dataclass(frozen=True, slots=True)
class Act:
    """One act to be recorded; see `record_act`."""

    act: str
    object: str = ""
    outcome: str = Outcome.DONE
    why: str = ""
    facts: Facts = field(default_factory=dict)


def record_act(
    act: str,
    *,
    by: str,
    now: datetime,
    object: str = "",  # the field's own word
    outcome: str = Outcome.DONE,
    why: str = "",
    facts: Facts | None = None,
) -> AuditRow:
    """Add one row to the chain; the act fails when the row cannot be written.

    `by` is an account name, whose roles and unit are looked up as they are now, or "system",
    "cli", or "" for a stranger.  Address and id come from the request in progress.
    Source: GB/T 22239-2019 8.1.4.3.  Raises UnknownAct.
    """
    return record_acts([Act(act, object, outcome, why, facts or {})], by=by, now=now)[0]


def record_acts(acts: Sequence[Act], *, by: str, now: datetime) -> list[AuditRow]:
    """Add a row for each of several acts of one person, in their order; see `record_act`."""
    if unknown := {one.act for one in acts} - catalog.by_key("audit_acts", "code").keys():
        raise UnknownAct(*unknown)
    by, secret = _clean(by, 150), key()
    standing = _standing(by)
    with transaction.atomic(savepoint=False):  # whoever catches an error still loses what was done
        rows = _chained([_row(one, standing, by, now) for one in acts], secret)
        AuditRow.objects.bulk_create(rows, batch_size=200)
        if rows:
            transaction.on_commit(lambda: follow(rows[0], rows[-1]), robust=True)
    return rows


def _chained(rows: list[AuditRow], secret: bytes) -> list[AuditRow]:
    """The rows with the numbers and hashes that come next, once it is this writer's turn."""
    _take_turn()
    last = AuditRow.objects.order_by("-number").values_list("number", "hash").first()
    number, previous = last or (0, "")
    for row in rows:
        row.number, row.previous = number + 1, previous
        row.mac = row_code(plain(row), secret, settings.AUDIT_DIGEST)
        row.hash = row_hash(plain(row), settings.AUDIT_DIGEST)
        number, previous = row.number, row.hash
    return rows


def _row(one: Act, standing: tuple[str, str], by: str, now: datetime) -> AuditRow:
    roles, unit = standing
    told = json.dumps(dict(one.facts), ensure_ascii=False, sort_keys=True) if one.facts else ""
    row = AuditRow(
        at=now.astimezone(UTC),
        by=by,
        roles=roles,
        unit=unit,
        act=one.act,
        object=_clean(one.object, 200),
        outcome=str(one.outcome),
        why=_clean(one.why, 500),
        origin=CURRENT_ORIGIN.get(),
        request=CURRENT_REQUEST.get(),
        facts=told.encode("utf-8", "replace").decode(),
    )
    row.cells = cell_sums(plain(row))
    return row


def plain(row: AuditRow) -> dict[str, str | int]:
    """A row as the plain values that the chain covers."""
    at = row.at.astimezone(UTC).isoformat(timespec="microseconds")
    return {name: at if name == "at" else getattr(row, name) for name in FIELDS}


def _clean(text: str, most: int) -> str:
    return text.replace("\0", "").encode("utf-8", "replace").decode()[:most]


def _standing(name: str) -> tuple[str, str]:
    """Roles and unit of an account as they are now; one query."""
    if not name:
        return "", ""
    held = Account.objects.filter(username=name)
    rows = list(held.values_list("officer", "unit__code", "posts__role"))
    roles = {officer or role or "" for officer, _, role in rows} - {""}
    return ",".join(sorted(roles)), (rows[0][1] or "") if rows else ""


def _take_turn() -> None:
    """One writer of the chain at a time; SQLite's IMMEDIATE transactions are that already."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_CHAIN])
