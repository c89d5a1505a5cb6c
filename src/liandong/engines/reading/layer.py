"""Lines of text from characters with places, as text layers of PDF and OFD hold them."""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from liandong.kernel.pages import Box, Line

from .order import reading_order

_SAME_LINE = 0.5  # share of the smaller height that two pieces on one line overlap at least
_SPLIT_GAP = 1.6  # gap in heights within one run of the file that starts a new piece (a column)
_JOIN_GAP = 0.9  # gap in heights up to which pieces of different runs are one line
_SPACE_GAP = 0.22  # gap in heights that reads as a blank between words in Latin letters


@dataclass(frozen=True, slots=True)
class Glyph:
    """A character and its rectangle on the page image; `inferred` blanks were not in the file."""

    text: str
    box: Box
    inferred: bool = False


@dataclass(slots=True)
class _Piece:
    glyphs: list[Glyph] = field(default_factory=list)
    vertical: bool = False

    @property
    def box(self) -> Box:
        boxes = [glyph.box for glyph in self.glyphs]
        return Box(
            min(box.left for box in boxes),
            min(box.top for box in boxes),
            max(box.right for box in boxes),
            max(box.bottom for box in boxes),
        )


def lines_of(runs: Iterable[Sequence[Glyph]]) -> list[Line]:
    """Lines from runs of characters in the order of the file; confidence is 1.0.

    A run is split where it jumps (columns, new lines); pieces of one printed line are joined.
    The lines come top to bottom; the reading order across columns is not decided here.
    """
    pieces = [piece for run in runs for piece in _split(run)]
    upright = _join([piece for piece in pieces if not piece.vertical])
    lines = [_line(piece) for piece in [*upright, *(p for p in pieces if p.vertical)]]
    return sorted(
        (line for line in lines if line.text), key=lambda line: (line.box.top, line.box.left)
    )


def in_reading_order(lines: Sequence[Line]) -> list[Line]:
    """The same lines in reading order: columns, tables; vertical text from the right."""
    vertical = sum(len(line.text) for line in lines if line.vertical)
    mostly = vertical * 2 > sum(len(line.text) for line in lines)
    places = reading_order([line.box for line in lines], vertical=mostly)
    return [lines[place] for place in places]


def clean(text: str) -> str:
    """NFC, without control characters; radicals of broken fonts become the characters meant."""
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    kept = "".join(
        unicodedata.normalize("NFKC", letter) if "\u2e80" <= letter <= "\u2fdf" else letter
        for letter in text
        if letter in "\t " or unicodedata.category(letter) not in ("Cc", "Cn", "Cs")
    )
    return unicodedata.normalize("NFC", kept).replace("\t", " ")


def is_wide(letter: str) -> bool:
    """Whether it is written without blanks between characters (Chinese, full-width signs)."""
    return unicodedata.east_asian_width(letter[:1] or " ") in ("W", "F")


def _split(run: Sequence[Glyph]) -> list[_Piece]:
    pieces: list[_Piece] = []
    piece = _Piece()
    for glyph in run:
        if not glyph.text.strip() and (glyph.inferred or not piece.glyphs):
            continue  # gaps are measured, not believed
        if piece.glyphs and not _follows(piece, glyph):
            pieces.append(piece)
            piece = _Piece()
        piece.glyphs.append(glyph)
    if piece.glyphs:
        pieces.append(piece)
    return pieces


def _follows(piece: _Piece, glyph: Glyph) -> bool:
    """Whether the glyph goes on the piece; decides the direction at its second character."""
    last, box = piece.glyphs[-1].box, glyph.box
    height = max(last.bottom - last.top, box.bottom - box.top, 1.0)
    if not piece.vertical and _overlap(last.top, last.bottom, box.top, box.bottom) >= _SAME_LINE:
        gap = box.left - last.right
        return -height < gap < _SPLIT_GAP * height and box.left > last.left - 0.1 * height
    below = (
        is_wide(glyph.text)
        and is_wide(piece.glyphs[-1].text)
        and _overlap(last.left, last.right, box.left, box.right) > 0.7
        and -0.5 * height < box.top - last.bottom < 0.6 * height
        and box.top > last.top
    )
    if below and (piece.vertical or len(piece.glyphs) == 1):
        piece.vertical = True
        return True
    return False


def _overlap(low: float, high: float, other_low: float, other_high: float) -> float:
    shared = min(high, other_high) - max(low, other_low)
    return shared / max(min(high - low, other_high - other_low), 0.1)


def _join(pieces: list[_Piece]) -> list[_Piece]:
    """Pieces that stand side by side on one printed line, as one piece each."""
    joined: list[tuple[Box, _Piece]] = []
    for piece in sorted(pieces, key=lambda piece: piece.box.left):
        box = piece.box
        height = box.bottom - box.top
        for index in range(len(joined) - 1, max(-1, len(joined) - 400), -1):
            other = joined[index][0]
            tall = max(height, other.bottom - other.top, 1.0)
            if (
                _overlap(box.top, box.bottom, other.top, other.bottom) >= 0.6
                and -0.5 * tall < box.left - other.right < _JOIN_GAP * tall
                and 0.5 < (height + 0.1) / (other.bottom - other.top + 0.1) < 2
            ):
                joined[index][1].glyphs.extend(piece.glyphs)
                joined[index] = (_union(box, other), joined[index][1])
                break
        else:
            joined.append((box, _Piece(list(piece.glyphs))))
    return [piece for _, piece in joined]


def _union(box: Box, other: Box) -> Box:
    return Box(
        min(box.left, other.left),
        min(box.top, other.top),
        max(box.right, other.right),
        max(box.bottom, other.bottom),
    )


def _line(piece: _Piece) -> Line:
    letters: list[str] = []
    for index, glyph in enumerate(piece.glyphs):
        if index and not piece.vertical:
            last = piece.glyphs[index - 1]
            height = max(glyph.box.bottom - glyph.box.top, 1.0)
            narrow = not is_wide(glyph.text) and not is_wide(last.text)
            blank = glyph.text.isspace() or last.text.isspace()
            if narrow and not blank and glyph.box.left - last.box.right > _SPACE_GAP * height:
                letters.append(" ")
        letters.append(glyph.text)
    return Line(clean("".join(letters)).strip(), piece.box, 1.0, piece.vertical)
