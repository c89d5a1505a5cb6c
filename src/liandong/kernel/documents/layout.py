"""The lines of a document as rows with places: what is beside, above, centred, large."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from liandong.kernel.pages import Box, Line, Page

_CJK = "\u2e80-\u9fff\uf900-\ufaff\u3000-\u303f\uff00-\uffef"
_BLANKS_IN_CHINESE = re.compile(rf"(?<=[{_CJK}])\s+|\s+(?=[{_CJK}])")
_HALF_MARKS = str.maketrans({"(": "（", ")": "）", ":": "：", ",": "，", ";": "；"})
_ASCII_CONTEXT = re.compile(r"(?<=[A-Za-z0-9])[,:](?=[A-Za-z0-9])")


@dataclass(frozen=True, slots=True)
class ExtractedField:
    """A value read off the pages: a proposal until a person accepts it."""

    name: str  # `field` of catalog/official_document_fields.csv, or document_type
    value: str  # normalised: 〔〕, YYYYMMDD, no blanks inside Chinese
    page: int  # as `Page.number` says
    box: Box | None  # on that page; None when the page has no places
    confidence: float  # 0.0 to 1.0: strength of the rule × confidence of the lines
    method: str  # how the page was read and what decided: "ocr:pattern", "markup:position"
    raw: str  # as it stands on the page


def fold_line(text: str) -> str:
    """The line half width and without blanks, compatibility characters replaced: for patterns."""
    return "".join(_fold_sign(sign) for sign in text if not sign.isspace())


def fold_keeping_blanks(text: str) -> str:
    """The line half width, of the same length."""
    return "".join(_fold_sign(sign) for sign in text)


def _fold_sign(sign: str) -> str:
    plain = unicodedata.normalize("NFKC", sign)
    return plain if len(plain) == 1 else sign


def as_printed(text: str) -> str:
    """Text as a person would type it: Chinese marks full width, no blanks between characters."""
    text = "".join(
        unicodedata.normalize("NFKC", sign) if "\u2e80" <= sign <= "\u2fdf" else sign
        for sign in " ".join(text.split())
    )
    text = _BLANKS_IN_CHINESE.sub("", text)
    if not re.search(rf"[{_CJK}]", text):
        return text
    kept = {found.start() for found in _ASCII_CONTEXT.finditer(text)}
    return "".join(
        sign if at in kept else sign.translate(_HALF_MARKS) for at, sign in enumerate(text)
    )


@dataclass(frozen=True)
class Row:
    """What stands side by side on one page; usually one line."""

    page: Page
    lines: tuple[Line, ...]  # from left to right

    @cached_property
    def raw(self) -> str:
        """The lines as they were read, two blanks between them."""
        return "  ".join(line.text for line in self.lines)

    @cached_property
    def tight(self) -> str:
        """The row for patterns: half width, without blanks."""
        return fold_line(self.raw)

    @cached_property
    def cells(self) -> tuple[str, ...]:
        """Each line for patterns."""
        return tuple(fold_line(line.text) for line in self.lines)

    @cached_property
    def box(self) -> Box | None:
        """Around all lines; None when the page has no places."""
        if not has_places(self.page):
            return None
        return around([line.box for line in self.lines])

    @cached_property
    def confidence(self) -> float:
        """Mean of the lines, weighted by characters."""
        letters = sum(len(line.text) for line in self.lines) or 1
        return sum(line.confidence * len(line.text) for line in self.lines) / letters

    @cached_property
    def height(self) -> float:
        """Of the tallest line, in pixels; 0.0 without places."""
        return max(line.box.bottom - line.box.top for line in self.lines) if self.box else 0.0

    @property
    def top(self) -> float:
        """Place on the page, 0.0 (top) to 1.0; 0.0 without places."""
        return self.box.top / self.page.height if self.box else 0.0


def has_places(page: Page) -> bool:
    """Whether boxes on this page mean anything: horizontal text on a page of known size."""
    if page.width <= 0 or page.height <= 0 or not page.lines:
        return False
    placed = [line for line in page.lines if line.box.right > line.box.left and not line.vertical]
    return 2 * len(placed) > len(page.lines)


def around(boxes: Sequence[Box]) -> Box:
    """The smallest box around all boxes (at least one)."""
    return Box(
        min(box.left for box in boxes),
        min(box.top for box in boxes),
        max(box.right for box in boxes),
        max(box.bottom for box in boxes),
    )


def rows_of(page: Page) -> list[Row]:
    """The rows of a page from top to bottom; without places, its lines in order.  Blank ones go."""
    lines = [line for line in page.lines if line.text.strip()]
    if not has_places(page):
        return [Row(page, (line,)) for line in lines]
    rows: list[list[Line]] = []
    for line in sorted(lines, key=lambda one: (one.box.top + one.box.bottom, one.box.left)):
        if rows and _beside(rows[-1][-1], line):
            rows[-1].append(line)
        else:
            rows.append([line])
    return [Row(page, tuple(sorted(row, key=lambda one: one.box.left))) for row in rows]


def _beside(left: Line, right: Line) -> bool:
    """Same height on the page, and neither stands above the other."""
    first, second = left.box, right.box
    shared = min(first.bottom, second.bottom) - max(first.top, second.top)
    smaller = min(first.bottom - first.top, second.bottom - second.top)
    apart = first.right <= second.left + smaller or second.right <= first.left + smaller
    return shared > 0.5 * smaller and apart


@dataclass(frozen=True, slots=True)
class Frame:
    """Where the running text of a document stands, in pixels; all 0.0 without places."""

    left: float
    right: float
    letter: float  # height of a line of running text

    @classmethod
    def of(cls, rows: Sequence[Row]) -> "Frame":
        """The frame of these rows: margins of the wide ones, height of most text."""
        placed = [(row, row.box) for row in rows if row.box is not None]
        if not placed:
            return cls(0.0, 0.0, 0.0)
        widest = max(box.right - box.left for _, box in placed)
        wide = [(row, box) for row, box in placed if box.right - box.left > 0.7 * widest]
        by_letter = [row.height for row, _ in placed for _ in range(max(1, len(row.tight)))]
        return cls(
            left=_quantile([box.left for _, box in wide], 0.15),
            right=_quantile([box.right for _, box in wide], 0.9),
            letter=_quantile(by_letter, 0.4),  # a long title never makes the half of a text
        )

    def is_centred(self, row: Row) -> bool:
        """Equal room left and right of the row, and some of it."""
        if row.box is None or not self.letter:
            return False
        left, right = row.box.left - self.left, self.right - row.box.right
        return left > 0.8 * self.letter and abs(left - right) < 0.08 * (self.right - self.left)

    def is_large(self, row: Row) -> bool:
        """Clearly larger than the running text (二号 is 1.4 times 三号)."""
        return bool(self.letter) and row.height > 1.18 * self.letter

    def is_flush(self, row: Row) -> bool:
        """Begins at the left margin, not indented by two characters as a paragraph is."""
        return row.box is None or row.box.left - self.left < 1.1 * self.letter

    def is_full(self, row: Row) -> bool:
        """Reaches the right margin: the text goes on in the next row."""
        return row.box is None or self.right - row.box.right < 2.2 * self.letter


def _quantile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
