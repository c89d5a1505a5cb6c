"""Grants of use: the only writer.  A grant begins and ends by the clock, and can be withdrawn.

Who may decide is the business of the room that asks for it; here the grant, its records, the mark
for the index and the audit row are written together or not at all.
"""

from collections.abc import Collection, Sequence
from datetime import datetime

from django.db import transaction

from liandong.archive.models import Record, SharedRecord, ShareGrant
from liandong.base.audit import record_act
from liandong.base.models import Account, Unit
from liandong.kernel.viewer import USES

from .indexing import mark_stale


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
    facts = {"records": len(records), "uses": grant.uses, "whole": int(whole)}
    _note("grant_share", grant, by=by, now=now, facts={**facts, "until": ends_at.isoformat()})
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


def note_use(grant: ShareGrant, record: Record, use: str, *, by: str, now: datetime, page: int = 0) -> None:  # fmt: skip
    """One audit row of a read under a grant."""
    facts: dict[str, str | int] = {"record": record.code, "use": use}
    if page:
        facts["page"] = page
    record_act(
        "use_share", by=by, now=now, object=f"share:{grant.code}", why=grant.purpose, facts=facts
    )


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
