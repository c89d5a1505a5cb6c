"""What becomes an item, before any row is written."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import PurePosixPath
from typing import Any

from liandong.intake.models import HandedFile
from liandong.kernel.checks import Finding

KEY_MAX = 480  # characters of `Item.key`, with room for a number


@dataclass(slots=True)
class Draft:
    """One item to be: its key, what the hand-over says of it, and its files in reading order."""

    key: str
    row: int | None = None
    description: dict[str, str] = field(default_factory=dict)
    files: list[HandedFile] = field(default_factory=list)
    companions: list[HandedFile] = field(default_factory=list)  # belong to it, are no content
    findings: list[Finding] = field(default_factory=list)

    def find(self, code: str, /, where: str = "", column: str = "", **facts: str) -> None:
        """Add a finding at the row of this item."""
        self.findings.append(Finding(code, where, self.row, column, facts=facts))


def unique_keys(drafts: list[Draft]) -> None:
    """Give every draft a key of its own, not longer than the column; the first keeps its own."""
    taken: set[str] = set()
    for number, draft in enumerate(drafts, start=1):
        key = draft.key[:KEY_MAX] or f"#{number}"
        if key in taken:
            key = f"{key}#{draft.row or number}"
        while key in taken:
            key += "+"
        taken.add(key)
        draft.key = key


def finding_to_json(finding: Finding) -> dict[str, Any]:
    """A finding as JSON; `finding_from_json` is the inverse."""
    return {name: value for name, value in asdict(finding).items() if value}


def finding_from_json(one: Mapping[str, Any]) -> Finding:
    """A finding from what `finding_to_json` made."""
    return Finding(**one)


def folder_of(path: str) -> str:
    """The folder of a path, "" at the top."""
    folder = str(PurePosixPath(path).parent)
    return "" if folder == "." else folder
