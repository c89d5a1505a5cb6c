"""Kinds that a pattern finds in running text: telephones, plates, papers, mail, machines."""

import re
from collections.abc import Iterator
from datetime import date

from .digits import proves
from .folding import without_o_and_i
from .kinds import Hit, Kind, make_hit, of_form

_ANCHORS = {"email": "@", "military_id": "字第", "ipv4": ".", "mac": ""}
_NEEDS_LABEL = "needs_label"
_BEFORE = 40
_NEAR = 24  # characters: a label may stand a little before a paper's number
_CONFIDENCE = {"email": 0.99, "mac": 0.95, "plate": 0.9, "ipv4": 0.8, "landline": 0.9}
_CLAUSE = re.compile(r"(?:第|[图表附]|版本|[vV]|条款?)\s?\Z")
_CLAUSE_AFTER = re.compile(r"\s?(?:条|款|节|章|项|版|目)")
_AMOUNT = re.compile(r" ?(?:元|万元|亿元|吨|公斤|%)")


def find_strings(folded: str, text: str, today: date) -> Iterator[Hit]:
    """Hits of the kinds of form `text` in a folded text; they may overlap."""
    for kind in of_form("text"):
        if kind.regex is None or _ANCHORS.get(kind.code, "") not in folded:
            continue
        read = without_o_and_i(folded) if kind.code == "plate" else folded
        for match in kind.regex.finditer(read):
            if (confidence := _confidence(kind, match, folded, today)) > 0:
                start, end = _trimmed(match)
                yield make_hit(kind, text, start, end, confidence, "pattern")


def _trimmed(match: re.Match[str]) -> tuple[int, int]:
    """Without a bracket that opens before the value and does not close in it."""
    opens = match[0].startswith("(") and ")" not in match[0]
    return match.start() + opens, match.end()


def _confidence(kind: Kind, match: re.Match[str], folded: str, today: date) -> float:
    """0.0 when it is none."""
    before = folded[max(0, match.start() - _BEFORE) : match.start()]
    labelled = kind.label is not None and kind.label.search(before) is not None
    if kind.check == _NEEDS_LABEL:
        return 0.85 if labelled or _label_near(kind, before) else 0.0
    if not proves(kind.check, match[0], today) or _AMOUNT.match(folded, match.end()):
        return 0.0
    if kind.code == "ipv4" and not labelled and not _looks_like_a_host(match, folded):
        return 0.0
    return 0.99 if labelled else _CONFIDENCE.get(kind.code, 0.9)


def _label_near(kind: Kind, before: str) -> bool:
    return any(label in before[-_NEAR:] for label in kind.labels)


def _looks_like_a_host(match: re.Match[str], folded: str) -> bool:
    """Two parts of at least two digits, and no clause or version."""
    long = sum(len(part) > 1 for part in match[0].split("."))
    before = folded[max(0, match.start() - 4) : match.start()]
    clause = _CLAUSE.search(before) or _CLAUSE_AFTER.match(folded, match.end())
    return long > 1 and not clause
