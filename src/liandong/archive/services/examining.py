"""Looking for personal information in a record: pure work on lines and description, no rows read.

What a detector finds becomes unsaved `PersonalHit` rows; `privacy` writes them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import accumulate
from typing import Any

from liandong.archive.models import PersonalHit
from liandong.archive.policies import EXAMINED_CLEAN, PERSONAL, SENSITIVE
from liandong.archive.queries.privacy import MASKING
from liandong.kernel.pages import Box
from liandong.kernel.privacy import Hit, find_in_texts, hides
from liandong.kernel.privacy.places import clipped, span_box

_PERSONS = {"personal_names": "人名：", "author": "作者：", "described_by": "著录者："}
_NOT_EXAMINED = frozenset({  # codes, dates and names of bodies of our own making
    "archival_code", "fonds_number", "fonds_name", "archives_name", "archives_code",
    "archival_category", "filing_year", "retention_period", "org_or_subject", "item_number",
    "document_number", "document_date", "security_class", "opening_status", "page_count",
    "volume_number", "catalogue_number", "series_code", "sequence_number",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class ExaminedPage:
    """What a detector needs of a page."""

    number: int  # in the record, from 1
    lines: Sequence[Mapping[str, Any]]  # as `RecordPage.lines`
    width: int
    height: int


def examine(
    description: Mapping[str, str],
    pages: Iterable[ExaminedPage],
    *,
    today: date,
    names: frozenset[str] = frozenset(),
) -> list[PersonalHit]:
    """Unsaved hits of one record, without their record; a name found once is found everywhere.

    `names` are known from parts of the record that are not given.
    """
    fields = [(name, text) for name, text in description.items() if text and _is_read(name)]
    sheets = list(pages)
    heads = [_PERSONS.get(name, "") for name, _ in fields]
    texts = [head + str(text) for head, (_, text) in zip(heads, fields, strict=True)]
    texts += ["\n".join(line["text"] for line in page.lines) for page in sheets]
    found = find_in_texts(texts, today=today, names=names)
    hits = [
        row
        for (name, _), head, ones in zip(fields, heads, found, strict=False)
        for hit in ones
        if (row := _on_field(name, len(head), hit)) is not None
    ]
    for page, ones in zip(sheets, found[len(fields) :], strict=True):
        hits += _on_page(page, ones)
    return hits


def _is_read(field: str) -> bool:
    return field not in _NOT_EXAMINED


def _on_field(name: str, head: int, hit: Hit) -> PersonalHit | None:
    if hit.start < head or not hides(hit.kind, hit.text):
        return None
    return _row(hit, page=0, field=name, start=hit.start - head, end=hit.end - head)


def _on_page(page: ExaminedPage, hits: Iterable[Hit]) -> Iterator[PersonalHit]:
    starts = [0, *accumulate(len(line["text"]) + 1 for line in page.lines)]
    at = 0
    for hit in hits:  # in order
        while starts[at + 1] <= hit.start:
            at += 1
        last = at
        while starts[last + 1] < hit.end:
            last += 1
        if not hides(hit.kind, hit.text):
            continue
        row = _row(
            hit, page=page.number, line=at, start=hit.start - starts[at],
            last_line=last, end=hit.end - starts[last],
        )  # fmt: skip
        row.boxes = boxes_of(row, page)
        yield row


def _row(hit: Hit, **place: Any) -> PersonalHit:
    return PersonalHit(
        kind=hit.kind,
        sensitive=hit.sensitive,
        confidence=hit.confidence,
        method=hit.method,
        **place,
    )


def boxes_of(hit: PersonalHit, page: ExaminedPage) -> list[list[float]]:
    """One rectangle per line of the hit on the page image; none when the page has no image.

    The whole page stands for a line whose place is not known.
    """
    if not page.width:
        return []
    boxes = []
    for line in range(hit.line, hit.last_line + 1):
        row = page.lines[line]
        start = hit.start if line == hit.line else 0
        end = hit.end if line == hit.last_line else len(row["text"])
        boxes.append(_box(row, start, end, page))
    return boxes


def _box(row: Mapping[str, Any], start: int, end: int, page: ExaminedPage) -> list[float]:
    whole = [0.0, 0.0, float(page.width), float(page.height)]
    box = Box(*row["box"])
    if box.right <= box.left or box.bottom <= box.top:
        return whole
    wide = span_box(row["text"], box, start, end, vertical=row.get("vertical", False))
    inside = clipped(wide, page.width, page.height)
    return [round(edge, 1) for edge in inside] if inside else whole


def level_of(hits: Iterable[PersonalHit]) -> int:
    """The fact `personal` of a record with these hits (archive.policies)."""
    level = EXAMINED_CLEAN
    for hit in hits:
        if hit.state in MASKING:
            level = max(level, SENSITIVE if hit.sensitive else PERSONAL)
    return level
