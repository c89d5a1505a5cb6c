"""Corrections of recognised lines and of descriptions; each ends as a new version of the object.

A corrected line counts at once (row, then index); its bytes follow by a job.  A description is
changed in the store first, then in the row: `recover` makes the rows follow a version that was
stored when the process died.
"""

import shutil
import unicodedata
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import transaction

from liandong.archive.models import (
    LineCorrection,
    PreservationEvent,
    Record,
    RecordFile,
    RecordPage,
)
from liandong.base.audit import Act, record_act, record_acts
from liandong.base.locks import hold
from liandong.kernel.metadata import check_value
from liandong.kernel.packages.ocfl import (
    object_path,
    publish_version,
    write_version,
)
from liandong.kernel.pages import Method, Page

from . import objects, privacy
from .admission import Event
from .contents import Contents, contents_of, stored, version_contents
from .due import follow_description
from .jobs import PACK_AFTER, PACK_CORRECTIONS, enqueue_after_commit
from .objects import Packed, PackedFile, blob_store, record_urn
from .opening import keeping
from .packing import TOOL, bind_pages, find_object, workspace

FIXED = frozenset({  # parts of the archival code: a code never changes
    "archival_code", "fonds_number", "archival_category", "filing_year", "retention_period",
    "org_or_subject", "series_code", "catalogue_number", "volume_number", "item_number",
})  # fmt: skip


class LineChanged(Exception):
    """Someone else changed the line; `text` is what it says now."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class NoSuchLine(Exception):
    """The page has no line with this index."""


class CodeFixed(Exception):
    """`field` is part of the archival code and cannot change."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


class BadDescription(Exception):
    """Values that cannot stand: `faults` are (finding code, facts)."""

    def __init__(self, faults: list[tuple[str, dict[str, str]]]) -> None:
        super().__init__(faults)
        self.faults = faults


class RecordChanged(Exception):
    """Someone else changed the record; it is at `version` now."""

    def __init__(self, version: int) -> None:
        super().__init__(version)
        self.version = version


# Lines --------------------------------------------------------------------------------------------


@transaction.atomic
def correct_line(
    page_id: int, line: int, text: str, *, by: str, now: datetime, expected_before: str
) -> RecordPage:
    """Set the text of a line (index from 0); the page as it is now.

    The same text confirms the line as it stands.  The bytes follow by a job.
    Raises RecordPage.DoesNotExist, NoSuchLine, and LineChanged when the line does not say
    `expected_before` any more.
    """
    page = RecordPage.objects.select_for_update().get(pk=page_id)
    old = _line(page, line)
    if old["text"] != expected_before:
        raise LineChanged(old["text"])
    text = _one_line(text)
    if text == old["text"] and old.get("corrected"):
        return page
    first = old.get("recognised") or [old["text"], old["confidence"]]
    new = {**old, "text": text, "confidence": 1.0, "corrected": True, "recognised": first}
    _write_line(page, line, new, before=old["text"], by=by, now=now)
    _note("correct_text", page.record, by=by, now=now, page=page.number, line=line)
    return page


@transaction.atomic
def undo(correction_id: int, *, by: str, now: datetime) -> RecordPage:
    """Take a correction back, as a further correction; the page as it is now.

    Raises LineCorrection.DoesNotExist, and LineChanged when the line was changed since.
    """
    correction = LineCorrection.objects.get(pk=correction_id)
    page = RecordPage.objects.select_for_update().get(pk=correction.page_id)
    old = _line(page, correction.line)
    if old["text"] != correction.after:
        raise LineChanged(old["text"])
    recognised = old.get("recognised")
    new = {**old, "text": correction.before}
    if recognised and recognised[0] == correction.before:
        new = {key: value for key, value in new.items() if key not in {"corrected", "recognised"}}
        new["confidence"] = recognised[1]
    _write_line(page, correction.line, new, before=old["text"], by=by, now=now)
    facts = {"page": page.number, "line": correction.line}
    _note("undo_correction", page.record, by=by, now=now, **facts)
    return page


def _note(act: str, record: Record, *, by: str, now: datetime, **facts: object) -> None:
    record_act(act, by=by, now=now, object=f"record:{record.code}", facts=facts)


def _line(page: RecordPage, line: int) -> Mapping[str, Any]:
    if not 0 <= line < len(page.lines):
        raise NoSuchLine(line)
    found: Mapping[str, Any] = page.lines[line]
    return found


def _one_line(text: str) -> str:
    plain = unicodedata.normalize("NFC", text).encode("utf-8", "replace").decode()
    return " ".join(plain.replace("\0", "").splitlines()).strip()


def _write_line(
    page: RecordPage, line: int, new: Mapping[str, Any], *, before: str, by: str, now: datetime
) -> None:
    if not LineCorrection.objects.filter(page__record=page.record_id, packed=False).exists():
        enqueue_after_commit(PACK_CORRECTIONS, page.record_id, run_after=now + PACK_AFTER)
    page.lines[line] = dict(new)
    for name, value in objects.text_columns(page.lines).items():
        setattr(page, name, value)
    page.save(update_fields=["lines", "text", "confidence", "corrected_lines"])
    LineCorrection.objects.create(
        page=page, line=line, before=before, after=new["text"], at=now, by=by
    )
    privacy.examine_line(page, line, before, now=now)


def is_resting(record_id: int, *, now: datetime) -> bool:
    """Whether nobody corrected the record or decided on it within `PACK_AFTER`."""
    since = now - PACK_AFTER
    recent = LineCorrection.objects.filter(page__record=record_id, at__gt=since, packed=False)
    decided = privacy.undecided_packing(record_id).filter(decided_at__gt=since)
    return not (recent.exists() or decided.exists())


# Versions -----------------------------------------------------------------------------------------


def pack_corrections(record: Record, *, by: str, now: datetime) -> Record:
    """Write corrections and decisions that are in no version yet as the next one.

    Without such nothing is written.  The record as it is now.  Raises BrokenObject, OSError.
    """
    with object_lock(record.object_id):
        record = recover(record)
        if LineCorrection.objects.filter(page__record=record, packed=False).exists():
            record = privacy.examine_record(record.pk, now=now)  # new names, on every page
            event = Event("modification", now, by, TOOL, "success", {"what": "text"})
            record = _write_next(record, record.description, event, "校对识别文本")
        elif privacy.undecided_packing(record.pk).exists():
            event = Event("metadata modification", now, by, TOOL, "success", {"what": "personal"})
            record = _write_next(record, record.description, event, "判定个人信息")
    return record


def describe(
    record: Record,
    changes: Mapping[str, str],
    *,
    by: str,
    now: datetime,
    expected_version: int = 0,
) -> Record:
    """Change the description (著录) in store and row; an empty value takes a field away.

    Raises CodeFixed, BadDescription, KeyError (unknown field), RecordChanged (`expected_version`
    is given and is not the version now), BrokenObject, OSError; then nothing is changed.
    """
    with object_lock(record.object_id):
        record = recover(record)
        if expected_version and record.version != expected_version:
            raise RecordChanged(record.version)
        wanted = {name: text.strip() for name, text in changes.items()}
        real = {name: text for name, text in wanted.items()
                if record.description.get(name, "") != text}  # fmt: skip
        if not real:
            return record
        _refuse(real)
        merged = {name: text for name, text in {**record.description, **real}.items() if text}
        detail = {"what": "description", "fields": sorted(real)}
        event = Event("metadata modification", now, by, TOOL, "success", detail)
        act = Act("describe_record", f"record:{record.code}", facts={"fields": " ".join(real)})
        return _write_next(record, merged, event, "修改著录", act)


def write_event(record: Record, event: Event, message: str) -> Record:
    """A version that adds an event; call it under `object_lock`, after `recover`."""
    return _write_next(record, record.description, event, message)


def write_settled_reviews(record: Record) -> Record:
    """Write settled opening reviews that are in no version yet; call it under `object_lock`."""
    if not keeping.is_waiting(record):
        return record
    return _write_next(record, record.description, None, "开放审核")


def _refuse(changes: Mapping[str, str]) -> None:
    for name in sorted(changes.keys() & FIXED):
        raise CodeFixed(name)
    faults = [fault for name, text in changes.items() for fault in check_value(name, text)]
    if faults:
        raise BadDescription(faults)


def object_lock(object_id: UUID) -> AbstractContextManager[None]:
    """Keep other processes of this machine from writing to the object; 256 locks for all."""
    return hold(f"object-{object_id.hex[:2]}", wait=True)


def _write_next(
    record: Record,
    description: Mapping[str, str],
    event: Event | None,  # None: what happened stands in the rows already
    message: str,
    *acts: Act,
) -> Record:
    """The next version of the object, then the rows; first of all the audit rows of the acts."""
    held = contents_of(record_urn(record.object_id))
    kept = objects.read_object(record.object_id)
    packed = next_packed(record, kept, description, event)
    author = event or packed.events[-1]
    with workspace() as folder:
        changes = changed_files(kept, packed, folder, held)
        contents = version_contents(held, changes, folder / "sealed")
        inventory = write_version(
            folder / "version", held.inventory, contents,
            message=message, user=author.by, created=author.at,
        )  # fmt: skip
        with transaction.atomic():
            Record.objects.select_for_update().get(pk=record.pk)
            record_acts(acts, by=author.by, now=author.at)
            publish_version(blob_store(), folder / "version", inventory)
            return follow(record, objects.read_object(record.object_id))


def next_packed(
    record: Record, kept: Packed, description: Mapping[str, str], event: Event | None
) -> Packed:
    """What the next version says: this description, and text and corrections as the rows are."""
    with transaction.atomic():  # pages and corrections as of one moment
        pages = _current_pages(record, kept)
        corrections = _corrections(record)
        personal = privacy.decisions_of(record)
        events = _events(record)
        opening = keeping.settled_reviews(record)
        access = Record.objects.values("level", "open_from").get(pk=record.pk)
    return replace(
        kept,
        version=kept.version + 1,
        description=dict(description),
        pages=pages,
        events=(*events, event) if event else events,
        corrections=corrections,
        opening=opening,
        **access,
        personal=personal,
    )


def _current_pages(record: Record, kept: Packed) -> tuple[Mapping[str, Any], ...]:
    lines = dict(RecordPage.objects.filter(record=record).values_list("number", "lines"))
    return tuple(
        {**page, "lines": lines.get(number, page["lines"])}
        for number, page in enumerate(kept.pages, start=1)
    )


def _corrections(record: Record) -> tuple[Mapping[str, Any], ...]:
    rows = LineCorrection.objects.filter(page__record=record).select_related("page").order_by("id")
    return tuple(
        {
            "page": row.page.number,
            "line": row.line,
            "before": row.before,
            "after": row.after,
            "at": row.at.isoformat(),
            "by": row.by,
        }
        for row in rows
    )


def _events(record: Record) -> tuple[Event, ...]:
    rows = PreservationEvent.objects.filter(record=record).order_by("id")
    return tuple(Event(row.kind, row.at, row.by, row.tool, row.outcome, row.detail) for row in rows)


def changed_files(
    kept: Packed, packed: Packed, folder: Path, held: Contents
) -> dict[str, Path | bytes]:
    """Contents of the next version that differ, by logical path; files are made in `folder`."""
    changes: dict[str, Path | bytes] = {
        objects.DESCRIPTION: objects.description_json(packed),
        objects.EVENTS: objects.events_json(packed.events),
        objects.TEXT: objects.text_json(packed.pages),
    }
    if packed.corrections:
        changes[objects.CORRECTIONS] = objects.to_json(list(packed.corrections))
    if packed.opening:
        changes[objects.OPENING] = objects.to_json(list(packed.opening))
    if packed.personal != kept.personal:
        changes[objects.PERSONAL] = objects.to_json(list(packed.personal))
    if packed.pages != kept.pages and (bound := _bind_again(packed, folder, held)) is not None:
        changes[objects.DOUBLE_LAYER] = bound
    files = {file.path: file for file in packed.files} | {
        path: _fact(path, source) for path, source in changes.items()
    }
    return changes | objects.standard_metadata(objects.with_files(packed, files.values()))


def _fact(path: str, source: Path | bytes) -> PackedFile:
    content = source if isinstance(source, bytes) else source.read_bytes()
    return objects.derived_file(path, content)


def _bind_again(packed: Packed, folder: Path, held: Contents) -> Path | None:
    """A new double-layer PDF with the text as it is now; None when there was none."""
    if not any(page["method"] == Method.OCR for page in packed.pages):
        return None
    pages = [
        (Page.from_json(page), image)
        for number, page in enumerate(packed.pages)
        if (image := _image(packed, held, page["image"], folder / f"page-{number}")) is not None
    ]
    target = folder / "double-layer.pdf"
    done = bind_pages(pages, target, packed.description.get("title", "")) if pages else "failure"
    return target if done == "success" else None


def _image(packed: Packed, held: Contents, path: str, copy: Path) -> Path | None:
    """The image of a page: in the store, or of a sealed object as `copy` in the work folder."""
    place = next((file.content_path for file in packed.files if file.path == path), "")
    if not place:
        return None
    image = stored(record_urn(packed.object_id), place, held.key)
    if image.sealed is None:
        return image.find()
    with image.open() as stream, copy.open("xb") as target:
        shutil.copyfileobj(stream, target)
    return copy


# Rows follow the store ----------------------------------------------------------------------------


def recover(record: Record) -> Record:
    """The record as its object stands, after a process died between store and rows.

    Raises FileNotFoundError and BrokenObject.  Call it under `object_lock`.
    """
    record = Record.objects.get(pk=record.pk)
    key = object_path(record_urn(record.object_id))
    if blob_store().exists(f"{key}/v{record.version + 1}/inventory.json"):
        objects.repair_object(record.object_id)
    kept = find_object(record.object_id)
    if kept is None:
        raise FileNotFoundError(key)
    if kept.version == record.version:
        return record
    last = max(kept.events, key=lambda event: event.at)
    with transaction.atomic():
        record = follow(record, kept)
        facts = {"version": kept.version, "changed_by": last.by}
        _note("recover_record", record, by="system", now=last.at, **facts)
    return record


@transaction.atomic
def follow(record: Record, kept: Packed) -> Record:
    """Make the rows of a record those of the head of its object; text rows stay as they are."""
    row = Record.objects.select_for_update(of=("self",)).select_related("fonds").get(pk=record.pk)
    for name, value in objects.described_columns(kept.description).items():
        setattr(row, name, value)
    row.version, row.indexed_version = kept.version, 0
    row.encryption = kept.encryption
    follow_description(row)
    row.save()
    RecordFile.objects.filter(record=row).delete()
    RecordFile.objects.bulk_create(objects.file_rows(row.pk, kept))
    known = {(event.kind, event.at, event.by) for event in _events(row)}
    PreservationEvent.objects.bulk_create(
        [one for one in objects.event_rows(row.pk, kept)
         if (one.kind, one.at, one.by) not in known]
    )  # fmt: skip
    _mark_packed(row, kept)
    keeping.mark_packed(row, kept.opening)
    privacy.mark_packed(row, kept)
    privacy.examine_description(row, now=max(event.at for event in kept.events))
    return row


def _mark_packed(record: Record, kept: Packed) -> None:
    stored = {
        (one["page"], one["line"], one["after"], one["at"], one["by"]) for one in kept.corrections
    }
    waiting = LineCorrection.objects.filter(page__record=record, packed=False)
    done = [
        row.pk
        for row in waiting.select_related("page")
        if (row.page.number, row.line, row.after, row.at.isoformat(), row.by) in stored
    ]
    LineCorrection.objects.filter(pk__in=done).update(packed=True)
