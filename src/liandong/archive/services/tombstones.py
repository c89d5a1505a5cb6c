"""What a rebuild learns from destruction lists: what may not come back, and the rows that stay."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F

from liandong.archive.models import (
    ArchivalClass,
    DestructionItem,
    DestructionList,
    Fonds,
    Outcome,
    Record,
)

from .admission import Event
from .admitting import write_rows
from .certificates import DESTROYED, DESTRUCTION_URN, LIST
from .objects import Packed
from .papers import read_outside, read_paper

_STEPS = ("decided", "first", "second", "started", "ended")


def destroyed_objects(urn: str) -> set[UUID]:
    """Object ids of the records that a list destroyed; asks for no key.

    Raises BrokenInventory, FileNotFoundError, KeyError and ValueError.
    """
    known = json.loads(read_outside(urn, DESTROYED))
    return {UUID(row["object_id"]) for row in known["records"]
            if row["outcome"] in {Outcome.SHREDDED, Outcome.DELETED}}  # fmt: skip


@transaction.atomic
def restore_list(urn: str, *, by: str, now: datetime) -> None:
    """The rows of a list and of the records that it destroyed; rows that are there stay.

    Raises BrokenInventory, FileNotFoundError, KeyError, ValueError, CannotOpen, CodeTaken,
    UnknownFonds and BadCode.
    """
    known = json.loads(read_paper(urn, LIST))
    told = known["list"]
    if DestructionList.objects.filter(uuid=told["id"]).exists():
        return
    made = DestructionList.objects.create(
        uuid=UUID(urn.removeprefix(DESTRUCTION_URN)), number=told["number"],
        fonds=Fonds.objects.get(number=told["fonds"]), reason=told["reason"],
        opinion=told["opinion"], state=told["state"],
        proposed_at=datetime.fromisoformat(told["proposed_at"]), proposed_by=told["proposed_by"],
        **{f"{step}_by": told[f"{step}_by"] for step in _STEPS},
        **{f"{step}_at": _time(told[f"{step}_at"]) for step in _STEPS},
    )  # fmt: skip
    for row in known["items"]:
        record = _record(row, made, by=by, now=now)
        DestructionItem.objects.create(
            destruction=made, record=record, clause=row["clause"], reason=row["reason"],
            outcome=row["outcome"], done_at=_time(row["done_at"]),
        )  # fmt: skip


def _record(row: Mapping[str, Any], made: DestructionList, *, by: str, now: datetime) -> Record:
    """The row of a listed record: as it is, or made from what the list says."""
    object_id = UUID(row["object_id"])
    there = Record.every.filter(object_id=object_id).first()
    if there is not None:
        return there
    (record,) = write_rows([_packed(object_id, row)], by=by, now=now)
    for name in ("page_count", "file_count", "size_bytes", "retain_until"):
        setattr(record, name, row[name])
    if row["outcome"] in {Outcome.SHREDDED, Outcome.DELETED}:
        record.destroyed_at, record.destroyed_under = _time(row["done_at"]), made.number
        held = ArchivalClass.objects.filter(pk=record.archival_class_id)
        held.update(record_count=F("record_count") - 1)
    record.save()
    return record


def _packed(object_id: UUID, row: Mapping[str, Any]) -> Packed:
    return Packed(
        object_id=object_id,
        version=row["version"],
        description=row["description"],
        level=row["level"],
        open_from=row["open_from"],
        unit=row["unit"],
        looked_at=row["looked_at"],
        admitted_at=datetime.fromisoformat(row["admitted_at"]),
        admitted_by=row["admitted_by"],
        files=(),
        pages=(),
        events=tuple(_event(one) for one in row["events"]),
        encryption=row["encryption"],
    )


def _event(row: Mapping[str, Any]) -> Event:
    at = datetime.fromisoformat(row["at"])
    return Event(row["kind"], at, row["by"], row["tool"], row["outcome"], row["detail"])


def _time(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
