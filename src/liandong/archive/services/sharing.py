"""Grants of use: the only writer.  A grant begins and ends by the clock, and can be withdrawn.

Who may decide is the business of the room that asks for it; here the grant, its records, the mark
for the index and the audit row are written together or not at all.
"""

import json
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from django.db import transaction

from liandong.archive.models import Record, SharedRecord, ShareGrant
from liandong.base.audit import record_act
from liandong.base.models import Account, AuditRow, Unit
from liandong.kernel.viewer import USES

from .indexing import mark_stale

_AGAIN = timedelta(minutes=10)  # within which the same page by the same person is one look


class NotLive(Exception):
    """The grant was withdrawn already."""


@transaction.atomic
def grant_share(
    code: str,
    *,
    to: Account | Unit,
    records: Sequence[Record],
    purpose: str,
    uses: Collection[str],
    whole: bool,
    begins_at: datetime,
    ends_at: datetime,
    by: str,
    now: datetime,
    reader: str = "",
) -> ShareGrant:
    """Give a person or a department the use of these records until `ends_at`.

    `reader` is whom a watermark names when it is not the account.  Raises ValueError without
    records or uses.
    """
    kept = [use for use in USES if use in uses]
    if not records or not kept:
        raise ValueError("a grant names records and uses")
    person, unit = (to, None) if isinstance(to, Account) else (None, to)
    grant = ShareGrant.objects.create(
        code=code, account=person, unit=unit, purpose=purpose, uses=",".join(kept), whole=whole,
        begins_at=begins_at, ends_at=ends_at, granted_at=now, granted_by=by, reader=reader,
    )  # fmt: skip
    SharedRecord.objects.bulk_create(
        [SharedRecord(grant=grant, record=record) for record in records]
    )
    mark_stale([record.pk for record in records])
    facts: dict[str, str | int] = {
        "records": len(records), "uses": grant.uses, "whole": int(whole),
        "until": ends_at.isoformat(),
    }  # fmt: skip
    _note("grant_share", grant, by=by, now=now, facts=facts)
    return grant


@transaction.atomic
def extend_share(grant_id: int, *, ends_at: datetime, by: str, now: datetime) -> ShareGrant:
    """Let a grant last until `ends_at`.  Raises NotLive when it was withdrawn."""
    grant = ShareGrant.objects.select_for_update().get(pk=grant_id)
    if grant.withdrawn_at is not None:
        raise NotLive
    grant.ends_at = ends_at
    grant.save(update_fields=["ends_at"])
    _note("extend_share", grant, by=by, now=now, facts={"until": ends_at.isoformat()})
    return grant


@transaction.atomic
def withdraw_share(grant_id: int, *, by: str, now: datetime, why: str = "") -> ShareGrant:
    """End a grant at once: the next page, tile and search know it no more.

    Raises NotLive when it was withdrawn before.
    """
    grant = ShareGrant.objects.select_for_update().get(pk=grant_id)
    if grant.withdrawn_at is not None:
        raise NotLive
    grant.withdrawn_at, grant.withdrawn_by = now, by
    grant.save(update_fields=["withdrawn_at", "withdrawn_by"])
    mark_stale(grant.shared_records.values_list("record_id", flat=True))
    _note("withdraw_share", grant, by=by, now=now, why=why)
    return grant


def note_use(
    grant: ShareGrant, record: Record, use: str, *, by: str, now: datetime, page: int = 0
) -> None:
    """One audit row of a use under a grant; looking at the same page again soon adds none."""
    facts: dict[str, str | int] = {"record": record.code, "use": use}
    if page:
        facts["page"] = page
    target = f"share:{grant.code}"
    if use == "look" and _was_noted(target, facts, by=by, since=now - _AGAIN):
        return
    record_act("use_share", by=by, now=now, object=target, why=grant.purpose, facts=facts)


def _was_noted(target: str, facts: dict[str, str | int], *, by: str, since: datetime) -> bool:
    text = json.dumps(facts, ensure_ascii=False, sort_keys=True)
    rows = AuditRow.objects.filter(object=target, act="use_share", by=by, at__gt=since)
    return rows.filter(facts=text).exists()


def _note(
    act: str,
    grant: ShareGrant,
    *,
    by: str,
    now: datetime,
    why: str = "",
    facts: dict[str, str | int] | None = None,
) -> None:
    record_act(
        act, by=by, now=now, object=f"share:{grant.code}", why=why or grant.purpose, facts=facts
    )
