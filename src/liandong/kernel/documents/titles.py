"""The title of a document: centred, larger than the text, over one or several rows."""

import re
from collections.abc import Sequence

from .layout import Frame, Row, as_printed
from .patterns import kind_of, read_date, read_document_number

_MOST_ROWS = 6
_MOST_LETTERS = 150
_LOOK_AHEAD = 12  # rows after the heading in which a title may begin
_SHORT = 48  # letters of one row of a title without places
_ENDS_TEXT = re.compile("[。;:,!?]$")
_GOES_ON = re.compile("^(?:的|》|\\()")
_NO_TITLE = re.compile(
    r"^(?:第[一二三四五六七八九十百]+[章条节]|目录$|附件|抄送|签发人|主送|[(]?[一二三]、)"
)
_QUALIFIED = re.compile(
    r"^\((?:试行|暂行|征求意见稿|修订|送审稿|草案|代拟稿|讨论稿|节选|摘要)[^()]*\)$"
)


def find_title(rows: Sequence[Row], frame: Frame, on_first: int, start: int) -> range:
    """Indexes of the rows of the title; an empty range when there is none.

    `on_first` rows stand on page 1; the title begins at `start` or later.
    """
    stop = min(on_first, start + _LOOK_AHEAD)
    if frame.letter:
        found = _by_place(rows, frame, start, stop)
        if found:
            return found
    return _by_text(rows, frame, start, min(stop, start + 4))


def _by_place(rows: Sequence[Row], frame: Frame, start: int, stop: int) -> range:
    """The first run of centred or large rows; one that says 关于 or names a kind wins."""
    runs: list[range] = []
    at = start
    while at < stop:
        run = _run_from(rows, frame, at, stop)
        if run:
            runs.append(run)
        at = run.stop if run else at + 1
    for run in runs:
        text = _tight(rows, run)
        if "关于" in text or kind_of(text):
            return run
    large = [run for run in runs if frame.is_large(rows[run.start])]
    return (large or runs or [range(start, start)])[0]


def _run_from(rows: Sequence[Row], frame: Frame, start: int, stop: int) -> range:
    end = start
    while end < min(stop, start + _MOST_ROWS) and _may_be_title(rows[end], frame, end > start):
        if end > start and not _same_size(rows[start], rows[end]):
            break
        end += 1
        if _is_complete(rows, range(start, end), stop):
            break
    return range(start, end)


def _may_be_title(row: Row, frame: Frame, goes_on: bool) -> bool:
    text = row.tight
    if (len(text) < 2 and not goes_on) or _ENDS_TEXT.search(text) or _NO_TITLE.match(text):
        return False
    if read_document_number(text) or (read_date(text) and len(text) < 16):
        return False
    return frame.is_centred(row) or frame.is_large(row)


def _same_size(first: Row, other: Row) -> bool:
    return 0.72 < other.height / (first.height or 1) < 1.4


def _is_complete(rows: Sequence[Row], run: range, stop: int) -> bool:
    """Tell whether the title ends here: a kind at its end, and the next row does not go on."""
    text = _tight(rows, run)
    if not kind_of(text) or text.count("《") > text.count("》"):
        return False
    following = rows[run.stop].tight if run.stop < stop else ""
    return not (_GOES_ON.match(following) and (following[0] != "(" or _QUALIFIED.match(following)))


def _by_text(rows: Sequence[Row], frame: Frame, start: int, stop: int) -> range:
    """Without places: the first rows that end with a kind; else a short first row."""
    for first in range(start, stop):
        for end in range(first + 1, min(len(rows), first + 4) + 1):
            run = range(first, end)
            text = _tight(rows, run)
            if len(text) > _MOST_LETTERS or _ENDS_TEXT.search(text) or _NO_TITLE.match(text):
                break
            if kind_of(text) and text.count("《") == text.count("》"):
                return run
    if start < len(rows) and _is_plain_title(rows, start) and not frame.letter:
        return range(start, start + 1)
    return range(start, start)


def _is_plain_title(rows: Sequence[Row], at: int) -> bool:
    text = rows[at].tight
    named = re.search("[\u4e00-\u9fa5]{4}", text) and not _NO_TITLE.match(text)
    return bool(named and len(text) < _SHORT and not _ENDS_TEXT.search(text) and len(rows) > at + 1)


def _tight(rows: Sequence[Row], run: range) -> str:
    return "".join(rows[at].tight for at in run)


def joined(rows: Sequence[Row]) -> str:
    """The title as one line."""
    return as_printed("".join(row.raw.strip() for row in rows))


def strength(rows: Sequence[Row], frame: Frame) -> tuple[float, str]:
    """How much these rows are a title, 0.0 to 1.0, and what decided."""
    text = "".join(row.tight for row in rows)
    form = 2 if kind_of(text) and "关于" in text else 1 if kind_of(text) else 0
    placed = all(frame.is_centred(row) or frame.is_large(row) for row in rows)
    if placed:
        return (0.72, 0.9, 0.97)[form], "position"
    return (0.45, 0.7, 0.86)[form], "pattern"
