"""The last steps of an accepted item: take a code, pack, admit, index."""

import shutil
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from liandong.archive.models import Fonds
from liandong.archive.policies import INTERNAL, OPEN
from liandong.archive.services.admission import Admission, Event, OriginalFile, ReadPage
from liandong.archive.services.admitting import CodeTaken, admit_packed, settle_codes
from liandong.archive.services.indexing import index_records
from liandong.archive.services.objects import Packed
from liandong.archive.services.packing import pack_many
from liandong.base.rows import update_rows
from liandong.intake.models import (
    Batch,
    HandedFile,
    Item,
    ItemFinding,
    ItemPage,
    Proposal,
    ProposalState,
    StepRun,
)
from liandong.kernel.checks import Finding
from liandong.kernel.names import safe_name
from liandong.kernel.pages import Page

from .read import images_of
from .steps import Done

OPENED = "开放"  # 开放标识, DA/T 18-2022
OPENS_NEVER_YET = 99991231  # opening is decided by review (part of sharing), not on the way in
EVENT_KINDS = {  # PREMIS event types by step
    "identify": "format identification",
    "check": "validation",
    "read": "text recognition",
    "extract": "metadata extraction",
    "describe": "metadata modification",
}


def package(items: Sequence[Item], *, now: datetime) -> list[Done]:
    """Settle the archival code and place the OCFL object; nothing else names the object yet."""
    taken = _settle(items)
    dones = [
        Done((_code_taken(item, taken[item.pk]),)) if item.pk in taken else Done() for item in items
    ]
    ready = [item for item in items if item.pk not in taken]
    packed = pack_many(list(admissions(ready, now=now).values()))
    _packed.clear()
    _packed.update((one.object_id, one) for one in packed)
    return dones


# What `package` placed and `admit` has not yet taken: saves reading it from the store again.
_packed: dict[UUID, Packed] = {}


@transaction.atomic
def _settle(items: Sequence[Item]) -> dict[int, CodeTaken]:
    """Take codes once: a second call finds them on the items.  The refused, by item id."""
    fresh = Item.objects.select_for_update().in_bulk([item.pk for item in items])
    open_ones = [one for one in fresh.values() if not one.code]
    codes = settle_codes([(one.description, one.uuid) for one in open_ones])
    refused = {}
    for one, code in zip(open_ones, codes, strict=True):
        if isinstance(code, CodeTaken):
            refused[one.pk] = code
            continue
        one.code = str(code)
        one.description = {**one.description, "archival_code": one.code}
    update_rows([one for one in open_ones if one.code], ["code", "description"])
    for item in items:
        item.code, item.description = fresh[item.pk].code, fresh[item.pk].description
    return refused


def _code_taken(item: Item, taken: CodeTaken) -> Finding:
    return Finding("YJ-1-8c", column="archival_code", row=item.row, facts={"code": taken.code})


def admit(items: Sequence[Item], *, now: datetime) -> list[Done]:
    """Write the records of packed items; the object of an item is found again by its id."""
    known = {item.uuid: kept for item in items if (kept := _packed.pop(item.uuid, None))}
    if rest := [item for item in items if item.uuid not in known]:  # killed in between
        known |= {one.object_id: one for one in pack_many([*admissions(rest, now=now).values()])}
    records = admit_packed([known[item.uuid] for item in items], by=items[0].decided_by, now=now)
    by_object = {record.object_id: record for record in records}
    return [
        Done(state="admitted", save=_name_record(item, by_object[item.uuid].pk)) for item in items
    ]


def _name_record(item: Item, record_id: int) -> Callable[[], None]:
    def save() -> None:
        item.record_id = record_id

    return save


def index(items: Sequence[Item], *, now: datetime) -> list[Done]:
    """Make the records findable; then the staged bytes are no longer needed."""
    index_records([item.record_id for item in items if item.record_id])
    return [Done(save=_clear(items)), *(Done() for _ in items[1:])]


def _clear(items: Sequence[Item]) -> Callable[[], None]:
    def save() -> None:
        own = HandedFile.objects.filter(item__in=items, is_content=True)
        files = list(own.exclude(staged=""))
        ItemPage.objects.filter(file__item__in=items).delete()
        own.update(staged="")
        transaction.on_commit(lambda: remove_staged(files))

    return save


def remove_staged(files: Sequence[HandedFile]) -> None:
    """Remove staged files with their page images, and the folders that they leave empty."""
    for handed in files:
        file = settings.STAGING / handed.staged
        images = images_of(handed)
        shutil.rmtree(images, ignore_errors=True)
        file.unlink(missing_ok=True)
        for folder in (images.parent, *file.parents):
            if folder == settings.STAGING or not _is_removed(folder):
                break


def _is_removed(folder: Path) -> bool:
    try:
        folder.rmdir()
    except FileNotFoundError:
        return True
    except OSError:  # not empty
        return False
    return True


def admissions(items: Sequence[Item], *, now: datetime) -> dict[int, Admission]:
    """Everything that each item's record is made of, by item id; a fixed number of queries."""
    files = _grouped(
        HandedFile.objects.filter(item__in=items, is_content=True).order_by("order", "path"),
        "item_id",
    )
    pages = _grouped(
        ItemPage.objects.filter(file__item__in=items).order_by(
            "file__order", "file__path", "number"
        ),
        "file_id",
    )
    steps = _grouped(StepRun.objects.filter(item__in=items).order_by("id"), "item_id")
    found = _grouped(ItemFinding.objects.filter(item__in=items).order_by("id"), "item_id")
    fields = _grouped(Proposal.objects.filter(item__in=items).order_by("id"), "item_id")
    levels = dict(Fonds.objects.values_list("number", "default_level"))
    return {
        item.pk: _admission(
            item, files[item.pk], pages, steps[item.pk], found[item.pk], fields[item.pk],
            levels, now,
        )
        for item in items
    }  # fmt: skip


def _grouped(rows: Any, key: str) -> defaultdict[int, list[Any]]:
    groups: defaultdict[int, list[Any]] = defaultdict(list)
    for row in rows:
        groups[getattr(row, key)].append(row)
    return groups


def _admission(
    item: Item,
    files: Sequence[HandedFile],
    pages: Mapping[int, Sequence[ItemPage]],
    steps: Sequence[StepRun],
    found: Sequence[ItemFinding],
    fields: Sequence[Proposal],
    levels: Mapping[str, int],
    now: datetime,
) -> Admission:
    names = _names(files)
    return Admission(
        object_id=item.uuid,
        description=item.description,
        originals=[_original(file, names[file.pk]) for file in files],
        pages=[
            ReadPage(
                file=names[file.pk],
                page=Page.from_json(row.page),
                image=settings.STAGING / row.image if row.image else None,
            )
            for file in files
            for row in pages[file.pk]
        ],
        events=_events(item, steps),
        checks={"verdicts": item.checks, "findings": [_finding_json(row) for row in found]},
        fields=[_field_json(row) for row in fields],
        **_openness(item, levels, now),
        unit=item.batch.unit.code if item.batch.unit else "",
        looked_at=not item.batch.accept,
        by=item.decided_by,
        at=now,
    )


def _openness(item: Item, levels: Mapping[str, int], now: datetime) -> dict[str, int]:
    """Open from the day of admission what the hand-over calls opened and a person accepted.

    Everything else stays closed until it is reviewed.  Source: 档案法 (2020) arts. 27, 30.
    """
    if item.description.get("opening_status") == OPENED and not item.batch.accept:
        return {"level": OPEN, "open_from": int(now.strftime("%Y%m%d"))}
    level = levels.get(item.description.get("fonds_number", ""), INTERNAL)
    level = max(level, int(item.batch.declared.get("level", 0)))
    return {"level": level, "open_from": OPENS_NEVER_YET}


def _names(files: Sequence[HandedFile]) -> dict[int, str]:
    """Names below original/: the last part of the path, made different where two are alike."""
    names: dict[int, str] = {}
    taken: set[str] = set()
    for file in files:
        name = safe_name(file.path.rsplit("/", 1)[-1])
        if name.casefold() in taken:
            name = f"{len(names) + 1:04d}-{name}"
        taken.add(name.casefold())
        names[file.pk] = name
    return names


def _original(file: HandedFile, name: str) -> OriginalFile:
    return OriginalFile(
        name=name, source=settings.STAGING / file.staged,
        original_name=file.original_name or file.path,
        size_bytes=file.size_bytes, sha512=file.sha512, sha256=file.sha256, sm3=file.sm3,
        puid=file.puid, mime=file.mime, format_name=file.format_name, modified_at=file.modified_at,
    )  # fmt: skip


def _events(item: Item, steps: Sequence[StepRun]) -> list[Event]:
    batch = item.batch
    received = Event(
        "message digest calculation", batch.received_at, batch.received_by, "liandong", "success",
        {"batch": str(batch.uuid), "algorithms": "SHA-512 SHA-256 SM3"},
    )  # fmt: skip
    outcomes = {"done": "success", "findings": "warning", "waits": "warning"}
    return [*_process(batch), received] + [
        Event(
            EVENT_KINDS[run.step],
            run.ended_at,
            "system",
            run.tool,
            outcomes[run.outcome],
            run.detail,
        )
        for run in steps
        if run.step in EVENT_KINDS
    ]


def _process(batch: Batch) -> list[Event]:
    """What the sending system says was done before: drafted, signed.  DA/T 46, 业务实体."""
    known = {"act", "at", "by", "tool"}
    return [
        Event(
            one["act"], datetime.fromisoformat(one["at"]), one["by"], one.get("tool", ""),
            "success", {name: text for name, text in one.items() if name not in known},
        )
        for one in batch.declared.get("process", ())
    ]  # fmt: skip


def _finding_json(row: ItemFinding) -> dict[str, Any]:
    return {
        "code": row.code, "severity": row.severity, "where": row.where, "row": row.row,
        "field": row.column, "page": row.page, "facts": row.facts,
    }  # fmt: skip


def _field_json(row: Proposal) -> dict[str, Any]:
    decided = row.state in {ProposalState.ACCEPTED, ProposalState.EDITED}
    return {
        "field": row.field, "value": row.decided_value if decided else row.value,
        "proposed": row.value, "page": row.page, "box": row.box, "confidence": row.confidence,
        "method": row.method, "state": row.state, "by": row.decided_by,
        "at": row.decided_at.isoformat() if row.decided_at else "",
    }  # fmt: skip
