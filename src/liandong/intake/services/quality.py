"""Quality of page images after digitising: what a machine can see of it.  Source: DA/T 31-2017.

Limits are rows of `catalog/page_measures.csv`; the measures come with the pages.
"""

from collections.abc import Iterator, Mapping, Sequence

from liandong.intake.models import HandedFile, ItemPage
from liandong.kernel.catalog import by_key, rows
from liandong.kernel.checks import Finding
from liandong.kernel.pages import Method

BETWEEN_PAGES = "hash_distance"  # the measure that compares two pages
_BLANK = "PAGE-BLANK"
_COMPARED = 300  # earlier pages that a page is compared with: bounds the work of long volumes

Shown = tuple[HandedFile, ItemPage]


def page_findings(file: HandedFile, pages: Sequence[ItemPage]) -> list[Finding]:
    """What is wrong with the page images of one file: blank, skewed, blurred, cropped, dpi, twice.

    A page has each fault once.  Pages without an image have no measures and no findings, and a
    blank page is only blank.
    """
    found: list[Finding] = []
    shown: list[Shown] = []
    for row in pages:
        faults = list(_faults(file, row.number, row.page.get("measures") or {}))
        blank = [fault for fault in faults if fault.code == _BLANK]
        found += blank if _has_no_text(row) and blank else [f for f in faults if f not in blank]
        if not blank:
            shown.append((file, row))
    return found + repeated_pages(shown)


def repeated_pages(pages: Sequence[Shown]) -> list[Finding]:
    """Pages whose picture is that of an earlier one; also between the files of one item."""
    found: list[Finding] = []
    seen: list[Shown] = []  # one of each look
    for file, row in pages:
        if not row.look:
            continue
        twin, distance = _nearest(row, seen[-_COMPARED:])
        if twin is None:
            seen.append((file, row))
        else:
            found.append(_repeated(file, row, twin, distance))
    return found


def _has_no_text(row: ItemPage) -> bool:
    """A page with text is not blank, however little ink it has."""
    return row.page.get("method") == Method.NONE or not any(
        line["text"].strip() for line in row.page.get("lines", ())
    )


def _faults(file: HandedFile, number: int, measures: Mapping[str, float]) -> Iterator[Finding]:
    told: set[str] = set()
    for row in rows("page_measures"):
        name, code = row["identifier"], row["finding"]
        if not code or name == BETWEEN_PAGES or code in told or name not in measures:
            continue
        value, threshold = measures[name], float(row["threshold"])
        if not _is_known(name, value) or not _is_over(value, threshold, row["direction"]):
            continue
        told.add(code)
        facts = {
            "measure": row["name_zh"],
            "value": f"{value:.4g}",
            "threshold": row["threshold"],
        }
        yield Finding(code, file.path, page=number, facts=facts)


def _is_known(name: str, value: float) -> bool:
    """A file that says no resolution is not wrong: 0 means unknown."""
    return name not in {"dpi", "paper_mm"} or value > 0


def _is_over(value: float, threshold: float, direction: str) -> bool:
    return value > threshold if direction == "above" else value < threshold


def _nearest(row: ItemPage, seen: Sequence[Shown]) -> tuple[Shown | None, float]:
    """The first earlier page of the same look, and the share of bits that differ."""
    limit = float(by_key("page_measures", "identifier")[BETWEEN_PAGES]["threshold"])
    look = int(row.look, 16)
    bits = 4 * len(row.look)
    for shown in seen:
        if len(shown[1].look) == len(row.look):
            distance = (look ^ int(shown[1].look, 16)).bit_count() / bits
            if distance < limit:
                return shown, distance
    return None, 1.0


def _repeated(file: HandedFile, row: ItemPage, twin: Shown, distance: float) -> Finding:
    threshold = by_key("page_measures", "identifier")[BETWEEN_PAGES]["threshold"]
    other = str(twin[1].number) if twin[0] is file else f"{twin[0].path} {twin[1].number}"
    facts = {"other": other, "value": f"{distance:.2f}", "threshold": threshold}
    return Finding("PAGE-DUPLICATE", file.path, page=row.number, facts=facts)
