"""What is kept, and who may use it.  Only `services` writes these rows."""

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
    "ArchivalClass",
    "FileRole",
    "FixityRun",
    "Fonds",
    "HeldNumber",
    "LineCorrection",
    "PreservationEvent",
    "Record",
    "RecordFile",
    "RecordPage",
    "RetentionRule",
    "ShareGrant",
    "SharedRecord",
]
