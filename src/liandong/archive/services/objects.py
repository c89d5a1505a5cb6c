"""What stands in the OCFL object of a record, and the rows that follow from it.

The rows of the database are a projection of these objects: admission and rebuild make them here,
by the same functions.  Nothing else knows the files inside an object.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

from liandong.archive.models import (
    FileRole,
    Fonds,
    LineCorrection,
    PreservationEvent,
    Record,
    RecordFile,
    RecordPage,
)
from liandong.base.engines import engine
from liandong.kernel import metadata
from liandong.kernel.codes import ArchivalCode
from liandong.kernel.dates import BadDate, PartialDate
from liandong.kernel.packages.ocfl import (
    BrokenInventory,
    object_path,
    repair,
)
from liandong.kernel.ports import BlobStore
from liandong.kernel.retention import retention_end
from liandong.kernel.sealed import CannotOpen

from .admission import Event
from .contents import Contents, contents_of
from .due import opening_columns, own_periods

DESCRIPTION = "metadata/description.json"
DAT46 = "metadata/dat46.xml"
PREMIS = "metadata/premis.xml"
CHECKS = "metadata/checks.json"
FIELDS = "metadata/fields.json"
FILES = "metadata/files.json"
EVENTS = "metadata/events.json"
CORRECTIONS = "metadata/corrections.json"
OPENING = "metadata/opening.json"
PERSONAL = "metadata/personal.json"
APPRAISED = "appraisal"  # kind of the event
TEXT = "derivative/text.json"
DOUBLE_LAYER = "derivative/double-layer.pdf"
_MIMES = {
    ".json": "application/json",
    ".xml": "application/xml",
    ".pdf": "application/pdf",
    ".jpg": "image/jpeg",
    ".png": "image/png",
}


class BrokenObject(Exception):
    """The object of a record cannot be read: `reason`."""

    def __init__(self, object_id: str, reason: str) -> None:
        super().__init__(f"{object_id}: {reason}")
        self.object_id = object_id
        self.reason = reason

    @property
    def code(self) -> str:
        """The finding that says so."""
        return "ARCH-INVENTORY-BROKEN"


class LockedObject(BrokenObject):
    """The object of a record is encrypted, and cannot be opened."""

    def __init__(self, object_id: str, error: CannotOpen) -> None:
        super().__init__(object_id, str(error))
        self.error = error

    @property
    def code(self) -> str:
        """SEAL-KEY-LOST, SEAL-MASTER-LOST, SEAL-WRONG-KEY or SEAL-BROKEN."""
        return self.error.code


@dataclass(frozen=True, slots=True)
class PackedFile:
    """One file in the head of an object."""

    path: str  # logical path, e.g. original/a.pdf
    content_path: str  # below the object, e.g. v1/content/original/a.pdf
    size_bytes: int
    sha512: str
    order: int = 0  # originals: reading order
    sha256: str = ""  # originals
    sm3: str = ""  # originals
    puid: str = ""
    mime: str = ""
    format_name: str = ""

    @property
    def role(self) -> str:
        """A value of FileRole, by the first part of the path."""
        return self.path.split("/", 1)[0]


@dataclass(frozen=True, slots=True)
class Packed:
    """A record as it stands in the store: all that its rows are made of."""

    object_id: UUID
    version: int
    description: Mapping[str, str]
    level: int
    open_from: int  # YYYYMMDD
    unit: str
    looked_at: bool
    admitted_at: datetime
    admitted_by: str
    files: tuple[PackedFile, ...]
    pages: tuple[Mapping[str, Any], ...]  # Page.to_json with the logical paths `file` and `image`
    events: tuple[Event, ...]
    corrections: tuple[Mapping[str, Any], ...] = ()  # page, line, before, after, at, by
    opening: tuple[Mapping[str, Any], ...] = ()  # settled opening reviews, oldest first
    personal: tuple[Mapping[str, Any], ...] = ()  # decisions on personal information
    encryption: str = ""  # name of the cipher of a sealed object

    @property
    def code(self) -> str:
        """The archival code (档号)."""
        return self.description["archival_code"]


def record_urn(object_id: UUID) -> str:
    """The OCFL id of a record."""
    return f"urn:uuid:{object_id}"


def blob_store() -> BlobStore:
    """The store of this installation."""
    store: BlobStore = engine("blobs")
    return store


def to_json(value: Any, *, compact: bool = False) -> bytes:
    """JSON as it is kept: UTF-8, the same value always the same bytes.

    One line per entry of the outermost list or object unless `compact`: a person can read it, and
    it is some five times faster than an indented form.
    """
    match value:
        case list() if value and not compact:
            text = "[\n" + ",\n".join(map(_dense, value)) + "\n]"
        case dict() if value and not compact:
            rows = (f"{_dense(key)}: {_dense(value[key])}" for key in sorted(value))
            text = "{\n" + ",\n".join(rows) + "\n}"
        case _:
            text = _dense(value)
    return text.encode() + b"\n"


def _dense(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


# Metadata -----------------------------------------------------------------------------------------


def description_json(packed: Packed) -> bytes:
    """`metadata/description.json`: the description, and the facts of the record around it."""
    facts = {
        "object_id": record_urn(packed.object_id),
        "level": packed.level,
        "open_from": packed.open_from,
        "unit": packed.unit,
        "looked_at": packed.looked_at,
        "admitted_at": packed.admitted_at.isoformat(),
        "admitted_by": packed.admitted_by,
    }
    return to_json({"description": dict(packed.description), "record": facts})


def events_json(events: Iterable[Event]) -> bytes:
    """`metadata/events.json`: every event with all its detail, oldest first."""
    return to_json([
        {
            "kind": event.kind,
            "at": event.at.isoformat(),
            "by": event.by,
            "tool": event.tool,
            "outcome": event.outcome,
            "detail": dict(event.detail),
        }
        for event in events
    ])  # fmt: skip


def text_json(pages: Sequence[Mapping[str, Any]]) -> bytes:
    """`derivative/text.json`: the pages in the order of the record."""
    return to_json({"pages": list(pages)}, compact=True)


def standard_metadata(packed: Packed) -> dict[str, bytes]:
    """`metadata/dat46.xml` and `metadata/premis.xml`.  DA/T 46-2009; PREMIS 3."""
    facts = [
        metadata.FileFact(
            path=file.path,
            role=file.role,
            size=file.size_bytes,
            sha512=file.sha512,
            sha256=file.sha256,
            sm3=file.sm3,
            puid=file.puid,
            format_name=file.format_name,
            mime=file.mime,
        )
        for file in packed.files
        if file.role != FileRole.METADATA
    ]
    events, agents = _premis_events(packed.events)
    return {
        DAT46: metadata.dat46_xml(packed.description, facts, events, agents),
        PREMIS: metadata.premis_xml(record_urn(packed.object_id), facts, events, agents),
    }


def _premis_events(
    events: Sequence[Event],
) -> tuple[list[metadata.Event], list[metadata.Agent]]:
    agents: dict[str, metadata.Agent] = {}
    written = []
    for number, event in enumerate(events, start=1):
        name = event.by or "system"
        kind = "software" if name == "system" else "person"
        agents.setdefault(name, metadata.Agent(f"agent-{len(agents) + 1}", name, kind))
        detail = dict(event.detail) | ({"tool": event.tool} if event.tool else {})
        text = json.dumps(detail, ensure_ascii=False, sort_keys=True) if detail else ""
        written.append(
            metadata.Event(
                identifier=f"event-{number}",
                kind=event.kind,
                at=event.at.isoformat(),
                agent=agents[name].identifier,
                outcome=event.outcome,
                detail=text,
            )
        )
    return written, list(agents.values())


# Reading ------------------------------------------------------------------------------------------


def read_object(object_id: UUID) -> Packed:
    """What the head of an object says of its record.

    Raises FileNotFoundError without an object and BrokenObject when it cannot be read: LockedObject
    when its key is lost or another.
    """
    urn = record_urn(object_id)
    try:
        return _read_packed(object_id, contents_of(urn))
    except CannotOpen as error:
        raise LockedObject(urn, error) from error
    except FileNotFoundError as error:
        if blob_store().exists(f"{object_path(urn)}/inventory.json"):
            raise BrokenObject(urn, f"missing: {error}") from error
        raise
    except (BrokenInventory, KeyError, ValueError, TypeError, AttributeError) as error:
        raise BrokenObject(urn, f"{type(error).__name__}: {error}") from error


def _read_packed(object_id: UUID, held: Contents) -> Packed:
    described = held.json(DESCRIPTION)
    facts = described["record"]
    if facts["object_id"] != record_urn(object_id):
        raise ValueError(f"description of {facts['object_id']}")
    return Packed(
        object_id=object_id,
        version=len(held.inventory.versions),
        description=described["description"],
        level=facts["level"],
        open_from=facts["open_from"],
        unit=facts["unit"],
        looked_at=facts["looked_at"],
        admitted_at=datetime.fromisoformat(facts["admitted_at"]),
        admitted_by=facts["admitted_by"],
        files=tuple(_packed_files(held)),
        pages=tuple(held.json(TEXT)["pages"]),
        events=tuple(_read_event(row) for row in held.json(EVENTS)),
        corrections=_read_rows(held, CORRECTIONS),
        opening=_read_rows(held, OPENING),
        personal=_read_rows(held, PERSONAL),
        encryption=held.key.algorithm.name if held.key else "",
    )


def _read_rows(held: Contents, path: str) -> tuple[Mapping[str, Any], ...]:
    """The rows of a file that an object may lack."""
    return tuple(held.json(path)) if path in held.paths else ()


def _read_event(row: Mapping[str, Any]) -> Event:
    at = datetime.fromisoformat(row["at"])
    return Event(row["kind"], at, row["by"], row["tool"], row["outcome"], row["detail"])


def _packed_files(held: Contents) -> Iterator[PackedFile]:
    """Files of the head; originals in reading order, then the others by path."""
    originals = held.json(FILES)
    for order, row in enumerate(originals):
        path = f"original/{row['name']}"
        yield PackedFile(
            path=path,
            content_path=held.paths[path],
            size_bytes=row["size"],
            sha512=held.sha512(path),
            order=order,
            sha256=row["sha256"],
            sm3=row["sm3"],
            puid=row["puid"],
            mime=row["mime"],
            format_name=row["format_name"],
        )
    known = {f"original/{row['name']}" for row in originals}
    for path in sorted(held.paths.keys() - known):
        size, sha512 = held.size(path), held.sha512(path)
        yield PackedFile(path, held.paths[path], size, sha512, mime=mime_of(path))


def derived_file(path: str, content: bytes) -> PackedFile:
    """The file of these bytes, not yet placed."""
    digest = hashlib.sha512(content).hexdigest()
    return PackedFile(path, "", len(content), digest, mime=mime_of(path))


def repair_object(object_id: UUID) -> None:
    """Finish or undo an interrupted version.  Raises FileNotFoundError and BrokenObject."""
    try:
        repair(blob_store(), record_urn(object_id))
    except BrokenInventory as error:
        raise BrokenObject(record_urn(object_id), str(error)) from error


def mime_of(path: str) -> str:
    """Media type of a derivative or metadata file of ours, by its extension."""
    return _MIMES.get(PurePosixPath(path).suffix, "application/octet-stream")


# Rows ---------------------------------------------------------------------------------------------


def record_row(packed: Packed, fonds: Fonds, code: ArchivalCode, class_id: int) -> Record:
    """The row of a record, not saved."""
    known = packed.description
    originals = [file for file in packed.files if file.role == FileRole.ORIGINAL]
    record = Record(
        object_id=packed.object_id,
        version=packed.version,
        code=packed.code,
        archival_class_id=class_id,
        fonds=fonds,
        category="·".join(part for part in (code.category, code.subject) if part),
        year=f"{code.year:04d}" if code.year else known.get("filing_year", "")[:4],
        retention=code.retention or metadata.retention_code(known.get("retention_period", "")),
        org=code.org or known.get("org_or_subject", "")[:40],
        number=code.number,
        **described_columns(known),
        encryption=packed.encryption,
        retain_until=retained_until(packed),
        level=packed.level,
        open_from=packed.open_from,
        unit=packed.unit,
        page_count=len(packed.pages),
        file_count=len(originals),
        size_bytes=sum(file.size_bytes for file in originals),
        looked_at=packed.looked_at,
        admitted_at=packed.admitted_at,
        admitted_by=packed.admitted_by,
    )
    for name, value in opening_columns(record, own_periods(fonds), packed.opening).items():
        setattr(record, name, value)
    return record


def retained_until(packed: Packed) -> int:
    """The last day of the retention period: as the last appraisal says, else by description."""
    for event in reversed(packed.events):
        if event.kind == APPRAISED and event.detail.get("keep_until"):
            return int(event.detail["keep_until"])
    known = packed.description
    code = metadata.retention_code(known.get("retention_period", ""))
    return retention_end(code, known.get("filing_year", "")[:4])


def described_columns(description: Mapping[str, str]) -> dict[str, Any]:
    """Columns of a record that follow from its description alone."""
    return {
        "title": description.get("title", ""),
        "document_number": description.get("document_number", "")[:100],
        "author": description.get("author", "")[:300],
        "document_date": _date_number(description.get("document_date", "")),
        "description": dict(description),
    }


def _date_number(text: str) -> int:
    try:
        return PartialDate.parse(text).number if text else 0
    except BadDate:
        return 0


def file_rows(record_id: int, packed: Packed) -> Iterator[RecordFile]:
    """The rows of the files of the head, not saved."""
    for file in packed.files:
        yield RecordFile(
            record_id=record_id,
            role=file.role,
            path=file.path,
            content_path=file.content_path,
            order=file.order,
            size_bytes=file.size_bytes,
            puid=file.puid,
            mime=file.mime[:127],
            sha512=file.sha512,
            sha256=file.sha256,
            sm3=file.sm3,
        )


def page_rows(record_id: int, packed: Packed) -> Iterator[RecordPage]:
    """The rows of the pages, numbered through the record from 1, not saved."""
    for number, page in enumerate(packed.pages, start=1):
        yield RecordPage(
            record_id=record_id,
            number=number,
            file=page["file"],
            number_in_file=page["number"],
            image=page["image"],
            width=page["width"],
            height=page["height"],
            dpi=page["dpi"],
            method=page["method"],
            **text_columns(page["lines"]),
        )


def text_columns(lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Columns of a page that follow from its lines alone."""
    letters = sum(len(line["text"]) for line in lines)
    weighed = sum(line["confidence"] * len(line["text"]) for line in lines)
    return {
        "text": "\n".join(line["text"] for line in lines),
        "lines": list(lines),
        "confidence": weighed / letters if letters else 1.0,
        "corrected_lines": sum(1 for line in lines if line.get("corrected")),
    }


def event_rows(record_id: int, packed: Packed) -> Iterator[PreservationEvent]:
    """The rows of the events, oldest first, not saved."""
    for event in packed.events:
        yield PreservationEvent(
            record_id=record_id,
            kind=event.kind,
            at=event.at,
            by=event.by,
            tool=event.tool,
            outcome=event.outcome,
            detail=dict(event.detail),
        )


def correction_rows(packed: Packed, pages: Mapping[int, int]) -> Iterator[LineCorrection]:
    """The rows of packed corrections, not saved; `pages` gives the row of a page by its number."""
    for row in packed.corrections:
        yield LineCorrection(
            page_id=pages[row["page"]],
            line=row["line"],
            before=row["before"],
            after=row["after"],
            at=datetime.fromisoformat(row["at"]),
            by=row["by"],
            packed=True,
        )


def with_files(packed: Packed, files: Iterable[PackedFile]) -> Packed:
    """The same record with these files in the head."""
    return replace(packed, files=tuple(files))
