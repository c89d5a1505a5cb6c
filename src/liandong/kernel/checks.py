"""Findings and verdicts of the four-property check (四性检测): badness is a value.

A check never raises for a bad package or file: its findings are the result.  It raises only when
it cannot run.  Codes, severities and messages are rows of `catalog/findings.csv`.
Source: DA/T 70-2018.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Property(StrEnum):
    """The four properties (四性)."""

    AUTHENTICITY = "authenticity"  # 真实性
    INTEGRITY = "integrity"  # 完整性
    USABILITY = "usability"  # 可用性
    SECURITY = "security"  # 安全性


class Severity(StrEnum):
    """What a finding does to its item."""

    BLOCK = "block"  # the item is not admitted
    WARN = "warn"  # a person should look; the item may be admitted
    NOTE = "note"  # worth knowing; nothing to do


class Verdict(StrEnum):
    """The outcome of one check item for one batch or item; PASS only for what was checked."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FAIL = "fail"
    WARN = "warn"
    MANUAL_REVIEW = "manual_review"
    NOT_APPLICABLE = "not_applicable"


class Link(StrEnum):
    """When a check runs (检测环节)."""

    FILING = "filing"  # 归档
    TRANSFER = "transfer"  # 移交与接收
    PRESERVATION = "preservation"  # 长期保存


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem: what is wrong, where, and the facts for its message.

    `code` is a row of `catalog/findings.csv` and is never renamed or reused.
    """

    code: str  # e.g. "YJ-2-7a" or "FILE-EMPTY"
    where: str = ""  # path inside the hand-over, "" for the whole package
    row: int | None = None  # row of the catalogue, as a person counts them (header is row 1)
    column: str = ""  # column or element of the description
    page: int | None = None  # from 1
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One row of the check report."""

    item: str  # code of the check item, e.g. "YJ-1-7"
    verdict: Verdict
    expected: str = ""
    actual: str = ""
    evidence: str = ""  # where to look: file, row, tool and version, digest
