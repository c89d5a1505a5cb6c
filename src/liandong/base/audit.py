"""The audit chain: the only writer of audit rows.  Rows are added in the transaction of the act."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime

from django.conf import settings
from django.db import connection, transaction

from liandong.kernel import catalog
from liandong.kernel.audit import FIELDS, row_hash

from .middleware import CURRENT_ORIGIN, CURRENT_REQUEST
from .models import Account, AuditRow, Outcome

_CHAIN = 0x6C64_6175_6469_7431  # key of the PostgreSQL lock that writers of the chain take in turn


class UnknownAct(KeyError):
    """The act is no row of `catalog/audit_acts.csv`."""


@transaction.atomic
def record_act(
    act: str,
    *,
    by: str,
    now: datetime,
    object: str = "",  # the field's own word
    outcome: str = Outcome.DONE,
    why: str = "",
    facts: Mapping[str, str | int] | None = None,
) -> AuditRow:
    """Add one row to the chain; the act fails when the row cannot be written.

    `by` is an account name, whose roles and unit are looked up as they are now, or "system",
    "cli", or "" for a stranger.  Address and id come from the request in progress.
    Source: GB/T 22239-2019 8.1.4.3.  Raises UnknownAct.
    """
    if act not in catalog.by_key("audit_acts", "code"):
        raise UnknownAct(act)
    roles, unit = _standing(by)
    _take_turn()
    last = AuditRow.objects.order_by("-number").values("number", "hash").first()
    row = AuditRow(
        number=last["number"] + 1 if last else 1,
        at=now,
        by=by,
        roles=roles,
        unit=unit,
        act=act,
        object=_clean(object, 200),
        outcome=str(outcome),
        why=_clean(why, 500),
        origin=CURRENT_ORIGIN.get(),
        request=CURRENT_REQUEST.get(),
        facts=json.dumps(dict(facts), ensure_ascii=False, sort_keys=True) if facts else "",
        previous=last["hash"] if last else "",
    )
    row.hash = row_hash(plain(row), settings.AUDIT_DIGEST)
    row.save(force_insert=True)
    return row


def plain(row: AuditRow) -> dict[str, str | int]:
    """A row as the plain values that the chain covers."""
    at = row.at.astimezone(UTC).isoformat(timespec="microseconds")
    return {name: at if name == "at" else getattr(row, name) for name in FIELDS}


def _clean(text: str, most: int) -> str:
    return text.replace("\0", "").encode("utf-8", "replace").decode()[:most]


def _standing(name: str) -> tuple[str, str]:
    """Roles and unit of an account as they are now."""
    account = Account.objects.filter(username=name).select_related("unit").first()
    if account is None:
        return "", ""
    roles = [account.officer] if account.officer else account.posts.values_list("role", flat=True)
    return ",".join(sorted(roles)), account.unit.code if account.unit else ""


def _take_turn() -> None:
    """One writer of the chain at a time; SQLite's IMMEDIATE transactions are that already."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_CHAIN])
