"""Marks of state secrets (密级标志): the product refuses what bears one."""

from collections.abc import Sequence

from liandong.kernel.pages import Page

from .layout import ExtractedField, Row, has_places, rows_of
from .patterns import as_digits, pattern

TOP = 0.15  # share of page 1 in which the mark stands.  Source: GB/T 9704-2012, 密级 (design limit)
_TOP_ROWS = 4  # the same for a page without places
_STARRED = 0.97  # strength with a star or period
_BARE = 0.85  # the word alone


def classified_mark(pages: Sequence[Page]) -> ExtractedField | None:
    """The classified mark (密级和保密期限) at a line start in the top of the first page, or None.

    Only there: 商业秘密 and 国家秘密 stand in every other law.  Source: GB/T 9704-2012.
    """
    if not pages:
        return None
    rows = rows_of(pages[0])
    top = [row for row in rows if row.top < TOP] if has_places(pages[0]) else rows[:_TOP_ROWS]
    for row in top:
        for cell in row.cells if len(row.cells) == 1 else (*row.cells, row.tight):
            mark = _mark(row, cell)
            if mark:
                return mark
    return None


def _mark(row: Row, cell: str) -> ExtractedField | None:
    found = pattern("security_mark").match(cell)
    if found is None:
        return None
    level = found["level"].replace("機", "机").replace("絕", "绝")
    period = as_digits(found["period"] or "")
    if period.isdigit():
        period += "年"  # the character after the number was lost
    strength = _STARRED if period or "★" in cell else _BARE
    return ExtractedField(
        name="security_mark",
        value=f"{level}★{period}" if period else level,
        page=row.page.number,
        box=row.box,
        confidence=round(strength * row.confidence, 4),
        method=f"{row.page.method.value}:pattern",
        raw=row.raw,
    )


def classified_words(pages: Sequence[Page]) -> list[ExtractedField]:
    """Marks with star and period anywhere in the text: for a person to look at."""
    return [
        ExtractedField(
            name="security_word_in_text",
            value=match[0],
            page=page.number,
            box=row.box,
            confidence=round(row.confidence, 4),
            method=f"{page.method.value}:pattern",
            raw=row.raw,
        )
        for page in pages
        for row in rows_of(page)
        for match in pattern("security_word_in_text").finditer(row.tight)
    ]
