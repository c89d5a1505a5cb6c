"""What is kept, and who may use it.  Only `services` writes these rows."""

from .disposal import (
    Appraisal,
    Decision,
    DestructionItem,
    DestructionList,
    HeldRecord,
    Hold,
    HoldKind,
    ListState,
    Outcome,
)
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
    "Appraisal",
    "ArchivalClass",
    "Decision",
    "DestructionItem",
    "DestructionList",
    "FileRole",
    "FixityRun",
    "Fonds",
    "HeldNumber",
    "HeldRecord",
    "HitState",
    "Hold",
    "HoldKind",
    "LineCorrection",
    "ListState",
    "Outcome",
    "PersonalHit",
    "PreservationEvent",
    "Record",
    "RecordFile",
    "RecordPage",
    "RetentionRule",
    "ShareGrant",
    "SharedRecord",
]
