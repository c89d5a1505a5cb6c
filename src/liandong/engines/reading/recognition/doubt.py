"""What is doubtful in a line is read again, and no more of it than that.

A careful reading costs several times a quick one and grows with the length of the strip.  So the
parts around doubtful letters are cut out with some neighbours; where the outermost neighbours come
out the same, the part takes its place in the line, else the whole line is read again.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise
from statistics import median

from .models import Pixels
from .transcription import Letter, Transcript

SURE = 0.98  # a letter below it is doubtful; docs/adr/0020 has the figures
NEIGHBOURS = 3  # letters on each side that are read along
WIDE = 1.5  # times the usual step from letter to letter
MOST = 0.6  # of the strip; where more is doubtful, one reading of the whole costs less

Read = Callable[[Pixels], Transcript]
Span = tuple[int, int]  # letters of a line, from and up to


def read_doubtful(read: Read, strip: Pixels, first: Transcript) -> Transcript:
    """The line with its doubtful letters read again by `read`; `first` when it has none."""
    spans = list(_spans(first.letters))
    if not spans:
        return first
    edges = [(_edge(first.letters, start), _edge(first.letters, end)) for start, end in spans]
    if sum(right - left for left, right in edges) > MOST:
        return read(strip)
    width = strip.shape[1]
    letters: list[Letter] = []
    done = 0
    for (start, end), (left, right) in zip(spans, edges, strict=True):
        again = read(strip[:, round(left * width) : round(right * width)]).letters
        if not _fits(first.letters, (start, end), again):
            return read(strip)
        letters += first.letters[done:start]
        letters += [
            Letter(one.text, one.confidence, left + one.place * (right - left)) for one in again
        ]
        done = end
    return Transcript((*letters, *first.letters[done:]))


def _spans(letters: tuple[Letter, ...]) -> Iterator[Span]:
    """Runs of letters that hold all doubtful ones with their neighbours; none touches the next."""
    open_span: Span | None = None
    for at in _doubtful(letters):
        start, end = max(0, at - NEIGHBOURS), min(len(letters), at + NEIGHBOURS + 1)
        if open_span and start > open_span[1]:
            yield open_span
            open_span = None
        open_span = (open_span[0] if open_span else start, end)
    if open_span:
        yield open_span


def _doubtful(letters: tuple[Letter, ...]) -> list[int]:
    """Letters that are unsure, or stand before so wide a gap that one may have been missed."""
    steps = [after.place - before.place for before, after in pairwise(letters)]
    wide = WIDE * median(steps) if steps else 1.0
    return [
        at
        for at, letter in enumerate(letters)
        if letter.confidence < SURE or (at < len(steps) and steps[at] > wide)
    ]


def _edge(letters: tuple[Letter, ...], at: int) -> float:
    """Where a cut before this letter goes: half way to the one before it, or the strip's end."""
    if at in {0, len(letters)}:
        return float(at > 0)
    return (letters[at - 1].place + letters[at].place) / 2


def _fits(letters: tuple[Letter, ...], span: Span, again: tuple[Letter, ...]) -> bool:
    """Whether the outermost letters are still the same, so that no cut went through a letter."""
    start, end = span
    if not again:
        return False
    return (start == 0 or again[0].text == letters[start].text) and (
        end == len(letters) or again[-1].text == letters[end - 1].text
    )
