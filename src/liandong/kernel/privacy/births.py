"""Dates of birth, minors, and words that make what is said of a person sensitive."""

import re
from collections.abc import Iterator, Sequence
from datetime import date
from functools import cache

from .digits import birth_date
from .folding import as_digits
from .kinds import Hit, any_of, kinds, make_hit

_DATE = (
    r"(?P<year>(?:19|20)[0-9]{2})(?: ?年 ?(?P<month>[0-9]{1,2}) ?月(?: ?(?P<day>[0-9]{1,2}) ?日)?"
    r"|(?P<mark>[\-./])(?P<month2>[0-9]{1,2})(?:(?P=mark)(?P<day2>[0-9]{1,2}))?"
    r"|(?P<month3>0[1-9]|1[0-2])(?P<day3>[0-3][0-9]))(?![0-9])"
)
_CHILD = 14  # years.  个人信息保护法 (2021) art. 31
_NEAR = 200  # characters between a word and the person it is said of
_PERSONS = frozenset({
    "person_name", "resident_id", "resident_id_15", "hmt_residence_permit", "mobile", "passport",
    "foreign_permanent_residence", "hkmo_permit", "birth_date", "bank_card",
})  # fmt: skip
_SENSITIVE = ("health", "finance", "biometric", "belief", "identity")


@cache
def _labels() -> re.Pattern[str]:
    return re.compile(rf"{any_of('birth_label')}[ :\n]{{0,3}}(?P<date>{_DATE})")


@cache
def _born() -> re.Pattern[str]:
    return re.compile(rf"(?<![0-9])(?P<date>{_DATE})(?= ?(?:日)?(?:出生|生(?![\u4e00-\u9fff])))")


@cache
def _after_sex() -> re.Pattern[str]:
    """男|1958-07-28, 女，汉族，1986年9月…: a register or a judgement."""
    gap = r"[ ,，、|/;\n]{1,3}"
    return re.compile(rf"(?<=[男女]){gap}(?:[\u4e00-\u9fff]{{1,3}}族{gap})?(?P<date>{_DATE})")


def find_births(folded: str, text: str) -> Iterator[Hit]:
    """Dates of birth with at least their month, in a folded text."""
    for pattern in (_labels(), _born(), _after_sex()):
        for match in pattern.finditer(folded):
            if _real(match) is not None:
                start, end = match.span("date")
                yield make_hit(kinds()["birth_date"], text, start, end, 0.95, "label")


def _real(match: re.Match[str]) -> date | None:
    month = match["month"] or match["month2"] or match["month3"]
    day = match["day"] or match["day2"] or match["day3"] or "1"
    try:
        return date(int(match["year"]), int(month), int(day))
    except ValueError:
        return None


def find_minors(hits: Sequence[Hit], today: date) -> Iterator[Hit]:
    """Numbers and dates of birth of persons under fourteen on this day."""
    kind = kinds()["minor_under_14"]
    for hit in hits:
        born = _birth_of(hit, today)
        if born is not None and _age(born, today) < _CHILD:
            yield Hit(
                kind.code, hit.start, hit.end, hit.text, kind.sensitive, hit.confidence, hit.method
            )


def _birth_of(hit: Hit, today: date) -> date | None:
    if hit.kind == "birth_date":
        match = re.match(_DATE, hit.text.replace("\n", ""))
        born = _real(match) if match else None
        return born if born and born <= today else None
    if hit.kind in {"resident_id", "hmt_residence_permit"}:
        plain = as_digits(re.sub(r"[\s\-·]", "", hit.text))
        return birth_date(plain, today) if len(plain) == 18 and plain[:17].isdecimal() else None
    return None


def _age(born: date, today: date) -> int:
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


@cache
def _sensitive_words() -> re.Pattern[str]:
    return re.compile("|".join(any_of(f"sensitive_{name}") for name in _SENSITIVE))


def find_sensitive(folded: str, text: str, hits: Sequence[Hit]) -> Iterator[Hit]:
    """Words on health, money, body, belief or standing that are said of somebody on the page."""
    kind = kinds()["health_finance_biometric_belief"]
    places = sorted(hit.start for hit in hits if hit.kind in _PERSONS)
    if not places:
        return
    at = 0
    for match in _sensitive_words().finditer(folded):
        while at < len(places) and places[at] < match.start() - _NEAR:
            at += 1
        if at < len(places) and places[at] <= match.end() + _NEAR:
            yield make_hit(kind, text, match.start(), match.end(), 0.6, "words")
