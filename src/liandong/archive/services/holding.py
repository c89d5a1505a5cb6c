"""Holds (冻结): they always win over a destruction, also after the database was rebuilt."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from liandong.archive.models import HeldRecord, Hold, HoldKind, Record
from liandong.base.audit import record_act
from liandong.kernel.retention import PERMANENT
from liandong.kernel.sealed import CannotOpen

from .objects import to_json
from .papers import keep_paper, read_outside, read_paper

HOLD_URN: Final = "urn:liandong:hold:"
_INSIDE, _OUTSIDE = "metadata/hold.json", "metadata/frozen.json"


class BadHold(Exception):
    """The hold cannot stand: `reason` is no-records, no-reason, bad-dates, released."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@transaction.atomic
def place_hold(
    records: Sequence[Record],
    *,
    kind: str,
    reason: str,
    basis: str,
    begins: int,
    until: int = PERMANENT,
    by: str,
    now: datetime,
) -> Hold:
    """Freeze records from `begins` to `until` (YYYYMMDD).  Raises BadHold, OSError."""
    if not records:
        raise BadHold("no-records")
    if not reason.strip() or kind not in HoldKind.values:
        raise BadHold("no-reason")
    if not begins <= until:
        raise BadHold("bad-dates")
    hold = Hold.objects.create(
        kind=kind, reason=reason.strip()[:300], basis=basis.strip()[:200], begins=begins,
        until=until, placed_at=now, placed_by=by,
    )  # fmt: skip
    HeldRecord.objects.bulk_create(HeldRecord(hold=hold, record=record) for record in records)
    _keep(hold, by=by, now=now)
    facts: dict[str, str | int] = {"records": len(records), "until": until}
    record_act("hold_records", by=by, now=now, object=f"hold:{hold.pk}", why=reason, facts=facts)
    return hold


@transaction.atomic
def release_hold(hold_id: int, *, reason: str, by: str, now: datetime) -> Hold:
    """End a hold.  Raises Hold.DoesNotExist, BadHold."""
    hold = Hold.objects.select_for_update().get(pk=hold_id)
    if hold.released_at is not None:
        raise BadHold("released")
    if not reason.strip():
        raise BadHold("no-reason")
    hold.released_at, hold.released_by = now, by
    hold.release_reason = reason.strip()[:300]
    hold.save()
    _keep(hold, by=by, now=now)
    record_act("release_hold", by=by, now=now, object=f"hold:{hold.pk}", why=reason)
    return hold


def frozen_among(record_ids: Iterable[int], *, today: int) -> set[int]:
    """Those of the records that a live hold names."""
    held = HeldRecord.objects.filter(
        record__in=set(record_ids), hold__released_at__isnull=True,
        hold__begins__lte=today, hold__until__gte=today,
    )  # fmt: skip
    return set(held.values_list("record_id", flat=True))


def _keep(hold: Hold, *, by: str, now: datetime) -> None:
    """Write the hold into the store: a rebuild must find it, with or without keys."""
    frozen = sorted(
        str(one) for one in hold.held_records.values_list("record__object_id", flat=True)
    )
    outside = {
        "id": str(hold.uuid), "kind": hold.kind, "begins": hold.begins, "until": hold.until,
        "placed_at": hold.placed_at.isoformat(), "placed_by": hold.placed_by,
        "released_at": hold.released_at.isoformat() if hold.released_at else "",
        "released_by": hold.released_by, "records": frozen,
    }  # fmt: skip
    inside = {
        "reason": hold.reason, "basis": hold.basis, "release_reason": hold.release_reason,
    }  # fmt: skip
    keep_paper(
        f"{HOLD_URN}{hold.uuid}", {_INSIDE: to_json(inside)}, {_OUTSIDE: to_json(outside)},
        message="冻结", by=by, now=now,
    )  # fmt: skip


@transaction.atomic
def restore_hold(urn: str) -> None:
    """The rows of a hold from its object; rows that are there stay.

    Without its key the hold stands, its words are lost.  Raises BrokenInventory,
    FileNotFoundError, KeyError and ValueError.
    """
    known = json.loads(read_outside(urn, _OUTSIDE))
    words = _words(urn, is_released=bool(known["released_at"]))
    hold, fresh = Hold.objects.get_or_create(
        uuid=UUID(known["id"]),
        defaults={
            "kind": known["kind"], "begins": known["begins"], "until": known["until"],
            "placed_at": datetime.fromisoformat(known["placed_at"]),
            "placed_by": known["placed_by"], "released_by": known["released_by"],
            "released_at": _time(known["released_at"]), **words,
        },
    )  # fmt: skip
    if fresh:
        ids = Record.every.filter(object_id__in=known["records"]).values_list("pk", flat=True)
        HeldRecord.objects.bulk_create(HeldRecord(hold=hold, record_id=pk) for pk in ids)


def _words(urn: str, *, is_released: bool) -> dict[str, Any]:
    try:
        words: dict[str, Any] = json.loads(read_paper(urn, _INSIDE))
    except CannotOpen:
        words = {"reason": "—", "basis": "", "release_reason": "—" if is_released else ""}
    return words


def _time(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
