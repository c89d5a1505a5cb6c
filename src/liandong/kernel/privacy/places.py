"""Where characters of a line stand on the page image.  Geometry only; always a little too wide."""

import unicodedata

from liandong.kernel.pages import Box

_WIDE, _NARROW = 1.0, 0.5  # of Chinese and of Latin characters
_THIN, _BROAD = 0.28, 0.85  # of some Latin letters, unless all are of one width
_THIN_LETTERS, _BROAD_LETTERS = frozenset("iIjl|!.,:;'`tfr()[]"), frozenset("WMmw@%&—")
_EDGE = 0.35  # of a character, added at both ends
_DRIFT = 0.06  # share of the way from the nearer end of the line: widths are guessed
_MOST_DRIFT = 2.5  # characters
_ACROSS = 0.12  # of the thickness of the line, added on both sides


def span_box(text: str, box: Box, start: int, end: int, *, vertical: bool = False) -> Box:
    """The rectangle of the characters `start` to `end` (excluded) of a line with this box.

    Characters are laid along the line in proportion to their width.  A line that stands upright
    without being vertical text was turned with its page: which end comes first is unknown, so the
    rectangle is the whole line.
    """
    wide, tall = box.right - box.left, box.bottom - box.top
    if wide <= 0 or tall <= 0 or (not vertical and _is_turned(text, wide, tall)):
        return _padded(box, _ACROSS * min(wide, tall), _ACROSS * min(wide, tall))
    long, thick = (tall, wide) if vertical else (wide, tall)
    head, tail = _along(text, start, end, long, vertical=vertical)
    across = _ACROSS * thick
    if vertical:
        return Box(box.left - across, box.top + head, box.right + across, box.top + tail)
    return Box(box.left + head, box.top - across, box.left + tail, box.bottom + across)


def _is_turned(text: str, wide: float, tall: float) -> bool:
    return len(text) > 2 and tall > 1.5 * wide


def _along(text: str, start: int, end: int, long: float, *, vertical: bool) -> tuple[float, float]:
    """Beginning and end on the line in pixels, padded; may reach over the ends of the line.

    The fonts are not known: letters of one width and letters of their own are both reckoned.
    """
    if vertical:
        return _stretch([1.0] * len(text), start, end, long)
    even = _stretch([_width(letter) for letter in text], start, end, long)
    own = _stretch([_own_width(letter) for letter in text], start, end, long)
    return min(even[0], own[0]), max(even[1], own[1])


def _stretch(widths: list[float], start: int, end: int, long: float) -> tuple[float, float]:
    letter = long / (sum(widths) or 1.0)
    head, tail = sum(widths[:start]) * letter, sum(widths[:end]) * letter
    return head - _pad(head, long, letter), tail + _pad(tail, long, letter)


def _pad(at: float, long: float, letter: float) -> float:
    drift = min(_DRIFT * min(at, long - at), _MOST_DRIFT * letter)
    return _EDGE * letter + max(0.0, drift)


def _padded(box: Box, across: float, down: float) -> Box:
    return Box(box.left - across, box.top - down, box.right + across, box.bottom + down)


def _width(letter: str) -> float:
    if unicodedata.combining(letter):
        return 0.0
    return _WIDE if unicodedata.east_asian_width(letter) in ("W", "F", "A") else _NARROW


def _own_width(letter: str) -> float:
    """In a font in which an i is thin and a W is broad."""
    if letter in _THIN_LETTERS:
        return _THIN
    return _BROAD if letter in _BROAD_LETTERS else _width(letter)


def clipped(box: Box, width: int, height: int) -> Box | None:
    """The part of the box inside a page image of this size; None when nothing is."""
    left, top = max(0.0, box.left), max(0.0, box.top)
    right, bottom = min(float(width), box.right), min(float(height), box.bottom)
    return Box(left, top, right, bottom) if left < right and top < bottom else None
