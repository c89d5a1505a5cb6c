"""Severity and wording of every finding code, read from the catalogue."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from .catalog import rows
from .checks import Finding, Severity

TABLES = ("findings", "package_findings")


@dataclass(frozen=True, slots=True)
class FindingKind:
    """One row of `catalog/findings.csv`: what a code means, in both languages."""

    code: str
    property: str
    severity: Severity
    message: Mapping[str, str]  # by language: zh, en
    remedy: Mapping[str, str]


@cache
def kinds() -> Mapping[str, FindingKind]:
    """Every known finding by code.  Raises ValueError when a code stands twice."""
    found: dict[str, FindingKind] = {}
    for table in TABLES:
        for row in rows(table):
            if row["code"] in found:
                raise ValueError(f"finding code stands twice: {row['code']}")
            found[row["code"]] = FindingKind(
                code=row["code"],
                property=row["property"],
                severity=Severity(row["severity"]),
                message={"zh": row["message_zh"], "en": row["message_en"]},
                remedy={"zh": row["remedy_zh"], "en": row["remedy_en"]},
            )
    return found


def severity_of(code: str) -> Severity:
    """Severity of a code.  Raises KeyError for a code that the catalogue does not have."""
    return kinds()[code].severity


class _Facts(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "—"  # a fact that the check could not give


def word(code: str, facts: Mapping[str, str], language: str = "zh") -> tuple[str, str]:
    """Message and remedy of a finding in `language` (zh or en)."""
    kind = kinds()[code]
    known = _Facts(facts)
    return kind.message[language].format_map(known), kind.remedy[language].format_map(known)


def to_json(finding: Finding, language: str = "zh") -> dict[str, object]:
    """A finding as the command line and the package write it; empty places are left out."""
    message, remedy = word(finding.code, finding.facts, language)
    places: dict[str, object] = {
        "where": finding.where,
        "row": finding.row,
        "field": finding.column,
        "page": finding.page,
    }
    return {
        "code": finding.code,
        "severity": severity_of(finding.code).value,
        **{name: value for name, value in places.items() if value},
        "message": message,
        "remedy": remedy,
    }
