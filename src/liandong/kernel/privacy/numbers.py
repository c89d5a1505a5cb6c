"""Numbers of persons: words of digits and letters, joined over blanks and one line end.

The text is cut into words once; every kind is asked about each word and each short chain of words.
A word is whole, so that no number is found inside a longer one, and the work grows with the text
only, whatever it holds.
"""

import operator
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import NamedTuple

from .digits import birth_date, proves
from .folding import as_digits, without_o_and_i
from .kinds import CONNECTORS, Hit, Kind, any_of, kinds, make_hit, words

_WORD = re.compile(r"(?<![0-9A-Za-z])(?:[A-Za-z]{0,8}+[0-9][0-9A-Za-z]*+|[Xx](?![0-9A-Za-z]))")
_GAP = re.compile(r" {1,3}| ?[\-·] ?| *\n *")
_SHORTEST, _LONGEST = 7, 24  # characters of a number, blanks aside
_MOST_WORDS = 6  # of a number that is printed in groups
_BEFORE = 48  # characters that are looked at for a label
_MOST_REPAIRS, _MOST_PROVEN_REPAIRS = 2, 6  # misread letters; beside a check digit more
_GROUPS = {  # how a number is printed in groups; others only beside a label
    "mobile": {(3, 4, 4), (3, 8), (7, 4), (2, 11), (2, 3, 4, 4), (4, 3, 4, 4)},
    "bank_card": {
        (4, 4, 4, 4),
        (4, 4, 4, 4, 1),
        (4, 4, 4, 4, 2),
        (4, 4, 4, 4, 3),
        (6, 13),
        (6, 10),
    },
}
_PROVEN = frozenset({"resident_id", "uscc", "luhn"})  # checks that chance seldom passes
_FREE_GROUPS = frozenset({"resident_id", "uscc"})
_KEEPS_LETTER = frozenset({"passport", "hkmo_permit", "foreign_permanent_residence"})
_ALPHABET = frozenset({"uscc", "org_code"})
_WEAK = {"resident_id_15": 0.65, "passport": 0.6, "bank_card": 0.9}
_SURE = 0.95


class Word(NamedTuple):
    """A run of digits and letters."""

    start: int
    end: int
    text: str  # upper case


@dataclass(frozen=True, slots=True)
class Chain:
    """One word, or several with only blanks, hyphens or a line end between."""

    start: int
    end: int
    text: str  # without what stands between
    groups: tuple[int, ...]
    breaks: int  # line ends inside


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What stands around a chain, and on which day it is read."""

    before: str
    after: str
    today: date

    def label_of(self, kind: Kind) -> int:
        """Length of the label of the kind that stands directly before; 0 without one."""
        if kind.label is None or not any(map(self.before.__contains__, kind.labels)):
            return 0
        found = kind.label.search(self.before)
        return len(found[0]) if found else 0


def find_numbers(folded: str, text: str, today: date) -> list[Hit]:
    """Numbers in a folded text; hits quote `text`.  They may overlap."""
    found = []
    for chain in _chains(_words(folded), folded):
        around = Surroundings(
            folded[max(0, chain.start - _BEFORE) : chain.start],
            folded[chain.end : chain.end + 8],
            today,
        )
        best = max(
            _readings(chain, around),
            key=lambda one: (one[1], around.label_of(one[0]), -one[0].order),
            default=None,
        )
        if best is not None:
            kind, confidence, method = best
            found.append(make_hit(kind, text, chain.start, chain.end, confidence, method))
    return found


def _words(folded: str) -> list[Word]:
    return [_without_label(match) for match in _WORD.finditer(folded)]


@cache
def _latin_label() -> re.Pattern[str]:
    return re.compile(rf"{any_of('letters_before')}(?=[0-9])", re.IGNORECASE)


def _without_label(match: re.Match[str]) -> Word:
    """The word, without a Latin label that sticks to its digits: tel13812345678."""
    label = _latin_label().match(match[0])
    cut = label.end() if label else 0
    return Word(match.start() + cut, match.end(), match[0][cut:].upper() if cut else match[0])


def _chains(found: Sequence[Word], folded: str) -> Iterator[Chain]:
    for at, first in enumerate(found):
        if len(first.text) > _LONGEST:
            continue
        text, breaks, end = "", 0, first.start
        groups: tuple[int, ...] = ()
        for word in found[at : at + _MOST_WORDS]:
            if groups:
                gap = folded[end : word.start]
                breaks += gap.count("\n")
                if not _GAP.fullmatch(gap) or breaks > 1:
                    break
            text, groups, end = text + word.text, (*groups, len(word.text)), word.end
            if len(text) > _LONGEST:
                break
            if len(text) >= _SHORTEST:
                yield Chain(first.start, end, text, groups, breaks)


Reading = tuple[Kind, float, str]


@cache
def _asked() -> tuple[tuple[Kind, Callable[[str], str]], ...]:
    """The kinds that are numbers, each with how a misread letter is mended."""
    return tuple(
        (kind, _mend_of(kind.code))
        for kind in kinds().values()
        if kind.form == "code" or (kind.form == "text" and kind.loose)
    )


def _could_be_any(text: str, raw: str) -> bool:
    """Whether any pattern fits the chain as it stands or mended: most chains are ruled out here."""
    fits = _any_pattern().fullmatch
    if fits(raw):
        return True
    return not raw.isdecimal() and any(
        fits(mended)
        for mended in (
            as_digits(text).upper(),
            without_o_and_i(raw),
            text[0].upper() + as_digits(text[1:]).upper(),
        )
    )


@cache
def _any_pattern() -> re.Pattern[str]:
    patterns = [
        pattern.pattern
        for kind, _ in _asked()
        for pattern in (kind.regex if kind.form == "code" else None, kind.loose)
        if pattern
    ]
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns))


def _mend_of(code: str) -> Callable[[str], str]:
    if code in _ALPHABET:
        return lambda text: without_o_and_i(text.upper())
    if code in _KEEPS_LETTER:
        return lambda text: text[0].upper() + as_digits(text[1:]).upper()
    return lambda text: as_digits(text).upper()


def _readings(chain: Chain, around: Surroundings) -> Iterator[Reading]:
    """What the chain may be, with confidence and how it was known."""
    raw = chain.text.upper()
    if not _could_be_any(chain.text, raw):
        return
    for kind, mend in _asked():
        mended = mend(chain.text)
        changes = mended != raw and sum(map(operator.ne, raw, mended))
        for text, repairs in ((raw, 0), (mended, changes)) if changes else ((raw, 0),):
            most = _MOST_PROVEN_REPAIRS if kind.check in _PROVEN else _MOST_REPAIRS
            reading = _read(kind, text, chain, around) if repairs <= most else None
            if reading is not None:
                confidence, method = reading
                yield (
                    (kind, round(confidence * 0.9, 4), "repaired")
                    if repairs
                    else (kind, confidence, method)
                )
                break


def _read(kind: Kind, text: str, chain: Chain, around: Surroundings) -> tuple[float, str] | None:
    stands = kind.form == "code" and kind.regex is not None and kind.regex.fullmatch(text)
    answer = _by_itself(kind, text, chain, around) if stands else None
    if answer is not None:
        return answer
    if kind.loose is None or not kind.loose.fullmatch(text) or not around.label_of(kind):
        return None
    if _is_amount(around) or _is_cut(around):
        return None
    return (0.9 if proves(kind.check, text, around.today) else 0.6), "label"


def _by_itself(
    kind: Kind, text: str, chain: Chain, around: Surroundings
) -> tuple[float, str] | None:
    """A number that its shape and its check digit tell."""
    if not proves(kind.check, text, around.today):
        return None
    labelled = around.label_of(kind) > 0
    if not labelled and not _may_stand_alone(kind, text, chain, around):
        return None
    method = "check" if kind.check in _PROVEN else "pattern"
    if labelled:
        return 0.99, method
    return _WEAK.get(kind.code, _SURE if method == "check" else 0.9), method


def _may_stand_alone(kind: Kind, text: str, chain: Chain, around: Surroundings) -> bool:
    """Whether a number without a label is printed as one, and is not part of something else."""
    if not _is_printed_so(kind, chain, around):
        return False
    if kind.code == "uscc" and text.isdecimal() and birth_date(text, around.today):
        return False  # an identity number with a wrong digit
    if kind.check in _FREE_GROUPS:
        return True
    return not (_other_number().search(around.before) or _is_amount(around) or _is_cut(around))


def _is_printed_so(kind: Kind, chain: Chain, around: Surroundings) -> bool:
    if len(chain.groups) == 1:
        return True
    if chain.breaks:
        return kind.check in _PROVEN and len(chain.groups) == 2
    if _ROW_BEFORE.search(around.before) or _ROW_AFTER.match(around.after):
        return False  # cells of a row of figures
    return kind.check in _FREE_GROUPS or chain.groups in _GROUPS.get(kind.code, ())


@cache
def _other_number() -> re.Pattern[str]:
    return re.compile(rf"{any_of('other_number')}{CONNECTORS}{{0,6}}\Z")


@cache
def _amount() -> re.Pattern[str]:
    units = "|".join(map(re.escape, words("amount_after")))
    return re.compile(rf" ?(?:{units})(?![\u4e00-\u9fa5]{{0,1}}[路街村])")


_ROW_BEFORE, _ROW_AFTER = (
    re.compile(r"(?<![0-9])[0-9]{1,5} {1,3}\Z"),
    re.compile(r" {1,3}[0-9]{1,5}(?![0-9])"),
)
_CURRENCY = re.compile(r"[¥￥$€] ?\Z")
_CUT_BEFORE = re.compile(
    r"[0-9A-Za-z][.\-/_]\Z|[_=&?#]\Z|[0-9],\Z|[(〔\[][0-9]{4}[)〕\]][^\n]{0,6}\Z"
)
_CUT_AFTER = re.compile(r"[.\-][0-9A-Za-z]|[_&@]|,[0-9]{3}(?![0-9])")


def _is_amount(around: Surroundings) -> bool:
    return bool(_amount().match(around.after) or _CURRENCY.search(around.before))


def _is_cut(around: Surroundings) -> bool:
    """Part of a longer code, a decimal, an address of the web or a file name."""
    return bool(_CUT_BEFORE.search(around.before) or _CUT_AFTER.match(around.after))
