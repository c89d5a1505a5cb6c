"""What intake hands to the archive: everything that one record is made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from liandong.kernel.pages import Page


@dataclass(frozen=True, slots=True)
class OriginalFile:
    """One original with what is known of it; digests are of the bytes at `source`."""

    name: str  # path below original/ in the object: NFC, relative, `/`
    source: Path
    original_name: str  # as it was handed over
    size_bytes: int
    sha512: str
    sha256: str
    sm3: str
    puid: str = ""
    mime: str = ""
    format_name: str = ""
    modified_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ReadPage:
    """One page as it was read, with the image rendered for it, if any."""

    file: str  # `OriginalFile.name` it comes from
    page: Page  # number within the file
    image: Path | None = None  # rendered page image (JPEG); None: the original is the image or none


@dataclass(frozen=True, slots=True)
class Event:
    """Something that was done on the way in: becomes a PREMIS event."""

    kind: str  # PREMIS event type
    at: datetime
    by: str
    tool: str
    outcome: str  # success, failure, warning
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Admission:
    """Everything one record is made of."""

    object_id: UUID
    description: Mapping[str, str]  # kernel.metadata; archival_code is settled
    originals: Sequence[OriginalFile]  # in reading order
    pages: Sequence[ReadPage]  # in reading order through all originals
    events: Sequence[Event]
    checks: Mapping[str, Any]  # verdicts and findings of the four-property check, JSON-ready
    fields: Sequence[Mapping[str, Any]]  # extracted fields with state, JSON-ready
    level: int
    open_from: int  # YYYYMMDD
    unit: str
    looked_at: bool  # False: no person looked
    by: str
    at: datetime
