"""Text as search compares it: folding, tokens, places of a match.  Plain Python, no library.

A *unit* is one Chinese (Japanese, Korean) character or one whole word of other letters and digits.
Blanks and line ends never separate Chinese characters; any other mark between two units breaks the
run.  The tokens of a run are its overlapping pairs of units and, to close it, its last unit, so
that token *n* starts at unit *n* and a phrase of two units or more is found exactly.
"""

import itertools
import operator
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

CJK = (
    "\u3005\u3007\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003fffd"
)  # for use inside [...] of a regular expression
_LONGEST_WORD = 64  # characters; longer ones are cut, in texts and questions alike
_RUN = re.compile(r"[^\W_]+(?:\s+[^\W_]+)*")
_UNIT = re.compile(rf"[{CJK}]|[^\W_{CJK}]{{1,{_LONGEST_WORD}}}")
_CHINESE = re.compile(rf"[{CJK}]+")
_BREAK = r"\s*+(?:[^\w\s]|_)[\W_]*+"
_CODE_PART = re.compile(rf"[0-9]+|[{CJK}]+|[^\W0-9_{CJK}]+")
_CODE_NOISE = re.compile(r"第|号|(?<=[0-9]{4})年")
_LONGEST_PIECE = 16  # units of a part looked for when the whole does not occur
_MOST_MATCHES = 500  # places looked at when a snippet is chosen

Fold = Callable[[str], str]

_MARKS = {
    **dict.fromkeys("•‧・∙⋅･․●", "·"),
    **dict.fromkeys("‐‑‒–—―−﹣", "-"),
    **dict.fromkeys("〔【﹝[", "("),
    **dict.fromkeys("〕】﹞]", ")"),
    **dict.fromkeys("○◯", "〇"),
    **dict.fromkeys("\u200b\u200c\u200d\u2060\ufeff\u00ad", " "),
}


class Folding(dict[int, int]):
    """Folds text for comparison: width, case, variants of characters, dots, dashes, brackets.

    Calling it gives a text of the same length, so that places stay valid, and folding again
    changes nothing.  `variants` maps single characters to single characters (traditional to
    simplified); the search engine brings it from its own library.
    """

    def __init__(self, variants: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self._variants = dict(variants or {})

    def __missing__(self, code: int) -> int:
        letter = chr(code)
        for _ in range(4):  # a step may enable another: ｛traditional, full width, upper case｝
            before, letter = letter, self._step(letter)
            if letter == before:
                break
        self[code] = ord(letter)
        return self[code]

    def _step(self, letter: str) -> str:
        if "\ud800" <= letter <= "\udfff":
            return "\ufffd"
        letter = _MARKS.get(letter, letter)
        for other in (unicodedata.normalize("NFKC", letter), letter.lower()):
            if len(other) == 1 and other != letter:
                letter = other
                break
        return self._variants.get(letter, letter)

    def __call__(self, text: str) -> str:
        """`text` folded, of the same length."""
        return text.translate(self)


fold: Fold = Folding()  # without character variants


class Phrase(NamedTuple):
    """The tokens of a phrase, in order, without gaps."""

    tokens: tuple[str, ...]
    open_end: bool  # the last token is only the first unit of the token in the text


def runs(folded: str) -> list[list[str]]:
    """Units of each unbroken run, in order."""
    return [
        list(run) if _CHINESE.fullmatch(run) else _UNIT.findall(run) for run in _RUN.findall(folded)
    ]


def bigrams(folded: str) -> str:
    """Tokens of a folded text for a whitespace tokenizer that counts positions."""
    return " ".join(token for run in runs(folded) for token in run_tokens(run))


def run_tokens(run: Sequence[str]) -> list[str]:
    """Tokens of one run, one per unit; the last is the last unit alone."""
    if is_chinese(run):
        return [*map(operator.add, run, run[1:]), run[-1]]
    tokens = [
        f"{left}{right}" if is_cjk(left) or is_cjk(right) else f"{left}_{right}"
        for left, right in itertools.pairwise(run)
    ]
    return [*tokens, run[-1]]


def phrase_tokens(folded: str) -> Phrase:
    """Tokens that a text must hold, one after the other, to contain the folded phrase."""
    parts = runs(folded)
    tokens = [token for run in parts for token in run_tokens(run)]
    open_end = bool(parts) and len(parts[-1]) == 1
    return Phrase(tuple(tokens if open_end else tokens[:-1]), open_end)


def is_chinese(run: Sequence[str]) -> bool:
    """Tell whether every unit of the run is a Chinese (Japanese, Korean) character."""
    return _CHINESE.fullmatch("".join(run)) is not None


class _Letters(dict[str, bool]):
    """Remembers which single characters are Chinese (Japanese, Korean)."""

    def __missing__(self, letter: str) -> bool:
        self[letter] = _CHINESE.match(letter) is not None
        return self[letter]


_letters = _Letters()


def is_cjk(unit: str) -> bool:
    """Tell whether the unit is a single Chinese (Japanese, Korean) character."""
    return len(unit) == 1 and _letters[unit]


# Codes --------------------------------------------------------------------------------------------


def code_key(text: str, folding: Fold = fold) -> str:
    """One spelling for all common forms of an archival code or document number.

    Separators, 第, 号, leading zeros, width and case do not count: `国办发〔2011〕第23号` and
    `国办发[2011]023` give `国办发2011.23`.  "" when there is nothing to compare.
    """
    steps = code_prefixes(text, folding)
    return steps[-1] if steps else ""


def code_prefixes(text: str, folding: Fold = fold) -> list[str]:
    """Keys of the beginnings of a code, shortest first; the last is the key of the whole code."""
    steps: list[str] = []
    key = ""
    for part in _CODE_PART.findall(_CODE_NOISE.sub(" ", folding(text))):
        if part.isdecimal():
            gap = "." if key[-1:].isdecimal() else ""
            key += gap + (part.lstrip("0") or "0")
        else:
            key += part
        steps.append(key)
    return steps


# Matches ------------------------------------------------------------------------------------------


def matches(text: str, terms: Iterable[str], folding: Fold = fold) -> list[tuple[int, int]]:
    """Places (start, end) of the terms in the text, in order, not overlapping.

    A term that does not occur whole is looked for in its longest parts of two units or more:
    the index may have found its words apart.
    """
    folded = folding(text)
    found: list[tuple[int, int]] = []
    for term in terms:
        found += _places(folded, folding(term))
    return _merged(found)


def _places(folded: str, term: str) -> list[tuple[int, int]]:
    parts = runs(term)
    whole = occurrences(folded, term)
    if whole or not parts:
        return whole
    found: list[tuple[int, int]] = []
    for run in parts:
        found += _pieces(folded, run[:_LONGEST_WORD])
    return found


def _pieces(folded: str, run: list[str]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    start = 0
    while start < len(run):
        shortest = 2 if is_cjk(run[start]) else 1
        for end in range(min(len(run), start + _LONGEST_PIECE), start + shortest - 1, -1):
            spans = _spans(folded, [run[start:end]])
            if spans:
                found += spans
                start = end - 1
                break
        start += 1
    return found


def occurrences(folded: str, term: str) -> list[tuple[int, int]]:
    """Places (start, end) where the whole folded term occurs, as the index finds phrases."""
    return _spans(folded, runs(term))


def _spans(folded: str, parts: Sequence[Sequence[str]]) -> list[tuple[int, int]]:
    if not parts:
        return []
    pattern = _BREAK.join(_run_pattern(run) for run in parts)
    if not is_cjk(parts[0][0]):
        pattern = rf"(?<![^\W_{CJK}])" + pattern
    if not is_cjk(parts[-1][-1]):
        pattern += rf"(?![^\W_{CJK}])"
    found = re.finditer(pattern, folded)
    return [match.span() for match, _ in zip(found, range(_MOST_MATCHES), strict=False)]


def _run_pattern(run: Sequence[str]) -> str:
    pattern = re.escape(run[0])
    for left, right in itertools.pairwise(run):
        apart = not is_cjk(left) and not is_cjk(right) and len(left) < _LONGEST_WORD
        pattern += (r"\s++" if apart else r"\s*+") + re.escape(right)
    return pattern


def _merged(found: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def mark(text: str, terms: Iterable[str], folding: Fold = fold) -> list[tuple[str, bool]]:
    """The whole text in pieces (text, is a match); joined they give the text again."""
    return _pieces_between(text, matches(text, terms, folding), 0, len(text))


def snippet(
    text: str, terms: Iterable[str], around: int = 40, folding: Fold = fold
) -> list[tuple[str, bool]]:
    """The part of the text with most matches, in pieces (text, is a match).

    At least `around` characters stand before and after the first match where the text has them;
    `…` shows that text was left out.  Without a match: the beginning of the text.
    """
    found = matches(text, terms, folding)[:_MOST_MATCHES]
    start, end = 0, min(len(text), 2 * around)
    if found:
        first = max(found, key=lambda place: _weight(found, place[0], 2 * around))
        start = max(0, first[0] - around)
        end = min(len(text), max(first[1], first[0] + around) + around)
    pieces = _pieces_between(text, found, start, end)
    head = [("…", False)] if start > 0 else []
    tail = [("…", False)] if end < len(text) else []
    return head + pieces + tail


def _weight(found: list[tuple[int, int]], start: int, reach: int) -> tuple[int, int]:
    """Matched characters within reach; among equals the first place wins."""
    inside = sum(end - begin for begin, end in found if start <= begin < start + reach)
    return inside, -start


def _pieces_between(
    text: str, found: list[tuple[int, int]], start: int, end: int
) -> list[tuple[str, bool]]:
    pieces: list[tuple[str, bool]] = []
    at = start
    for first, last in found:
        begin, stop = max(first, at), min(last, end)
        if begin >= stop:
            continue
        pieces += [(text[at:begin], False), (text[begin:stop], True)]
        at = stop
    pieces.append((text[at:end], False))
    return [piece for piece in pieces if piece[0]]


def find_lines(page_lines: Sequence[str], terms: Iterable[str], folding: Fold = fold) -> list[int]:
    """Indexes of the lines that hold a match or a part of one, in order.

    A match may run across a line end; then every line it touches counts.
    """
    starts: list[int] = []
    length = 0
    for line in page_lines:
        starts.append(length)
        length += len(line) + 1
    found = matches("\n".join(page_lines), terms, folding)
    return [
        number
        for number, (line, start) in enumerate(zip(page_lines, starts, strict=True))
        if any(begin < start + len(line) and stop > start for begin, stop in found)
    ]
