"""What is kept, and who may use it.  Only `services` writes these rows."""

from .privacy import NO_LINE, HitState, PersonalHit
from .records import (
    ArchivalClass,
    FileRole,
    FixityRun,
    Fonds,
    HeldNumber,
    LineCorrection,
    PreservationEvent,
    Record,
    RecordFile,
    RecordPage,
    RetentionRule,
)
from .shares import SharedRecord, ShareGrant

__all__ = [
    "NO_LINE",
    "ArchivalClass",
    "FileRole",
    "FixityRun",
    "Fonds",
    "HeldNumber",
    "HitState",
    "LineCorrection",
    "PersonalHit",
    "PreservationEvent",
    "Record",
    "RecordFile",
    "RecordPage",
    "RetentionRule",
    "ShareGrant",
    "SharedRecord",
]
