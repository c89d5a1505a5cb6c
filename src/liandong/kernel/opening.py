"""Opening review (开放审核): when a closed period is over, and what rules say of a record.

A rule only suggests: a person decides, and each decision names the version of the rules.
Source: 档案法 (2020) art. 27; 档案法实施条例 (2024) arts. 30, 31; 国家档案局令第19号.
"""

import hashlib
import re
from calendar import isleap, monthrange
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import cache
from typing import Final

from . import catalog
from .codes import half_width
from .documents.marks import classified_mark
from .pages import Page

NEVER: Final = 99991231  # YYYYMMDD: no day is known
LOGIC: Final = "1"  # of this module; one more when it decides otherwise with the same tables
_TABLES = ("opening_periods", "opening_words", "opening_grounds")
_PLACES = 3  # of each group of words that are named
_LEAP_DAY = (2, 29)


class Verdict(StrEnum):
    """What is said of a record."""

    OPEN = "open"  # 开放
    MASKED = "masked"  # 遮盖个人信息后开放
    DELAY = "delay"  # 延期开放


# When ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Period:
    """How long one class of records stays closed; the first that fits a record counts."""

    code: str
    years: int
    category: str = ""  # first part of the 门类; "": any
    field: str = ""  # description field that must have one of the words; "": no words asked
    words: tuple[str, ...] = ()

    def fits(self, category: str, description: Mapping[str, str]) -> bool:
        """Whether a record of this category and description is of this class."""
        if self.category and category.split("·")[0] != self.category:
            return False
        text = description.get(self.field, "")
        return not self.field or any(word in text for word in self.words)


@cache
def catalogue_periods() -> tuple[Period, ...]:
    """The periods of `catalog/opening_periods.csv`: the longest of the later classes first.

    A record of two classes is closed for the longer period; 25 years stand last.
    """
    order = {"later": 0, "earlier": 1, "default": 2}
    rows = sorted(
        catalog.rows("opening_periods"),
        key=lambda row: (order[row["direction"]], -int(row["years"])),
    )
    return tuple(
        Period(
            code=row["code"],
            years=int(row["years"]),
            category=row["category"],
            field=row["field"],
            words=tuple(filter(None, row["words"].split("|"))),
        )
        for row in rows
    )


def period_of(category: str, description: Mapping[str, str], own: Iterable[Period] = ()) -> Period:
    """The period of a record: the first of the fonds' own that fits, else of the catalogue."""
    for period in (*own, *catalogue_periods()):
        if period.fits(category, description):
            return period
    raise LookupError("the catalogue has no default period")


def due_day(document_date: int, filing_year: str, years: int) -> int:
    """The day (YYYYMMDD) on which a closed period of so many years is over; NEVER when unknown.

    `document_date` is YYYYMMDD with 00 for unknown parts, 0 for none: then the filing year counts.
    What is unknown is taken as late as it can be, so that nothing is due too early.  The period
    ends on the day of the same number, and on 28 February where 29 February is not there.
    """
    last = last_day(document_date) or last_day(_year_number(filing_year))
    return add_years(last, years) if last else NEVER


def last_day(number: int) -> int:
    """The last day that a partial date (YYYYMMDD, 00 unknown) can mean; 0 when it is no date."""
    year, month, day = number // 10000, number // 100 % 100, number % 100
    if not 1 <= year <= date.max.year or (day and not month):
        return 0
    try:
        month = month or 12
        return _number(date(year, month, day or monthrange(year, month)[1]))
    except ValueError:  # no such day, month or year
        return 0


def _number(day: date) -> int:
    return day.year * 10000 + day.month * 100 + day.day


def add_years(day: int, years: int) -> int:
    """The same day so many years on (YYYYMMDD); NEVER beyond the year 9999."""
    year, month_day = day // 10000 + years, day % 10000
    if year > date.max.year:
        return NEVER
    if (month_day // 100, month_day % 100) == _LEAP_DAY and not isleap(year):
        month_day -= 1
    return year * 10000 + month_day


def add_days(day: int, days: int) -> int:
    """The day so many days on (YYYYMMDD)."""
    start = date(day // 10000, day // 100 % 100, day % 100)
    return _number(start + timedelta(days=days))


def _year_number(filing_year: str) -> int:
    text = half_width(filing_year).strip()
    return int(text) * 10000 if re.fullmatch("[0-9]{4}", text) else 0


# What is said -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One reason to look: a word, a mark, a field of the description, or personal data."""

    code: str  # row of opening_words.csv, MARK or PERSONAL
    ground: str  # of opening_grounds.csv, "" for none
    effect: str  # delay, masked, look: what it does to the verdict
    what: str  # the words that were found
    page: int = 0  # number within the record, 0: of the description
    line: int = -1  # index within the page, from 0


@dataclass(frozen=True, slots=True)
class Proposed:
    """What rules and detectors say of a record; "" as verdict: nobody looked for personal data."""

    verdict: str
    ground: str
    suggestions: tuple[Suggestion, ...]


@dataclass(frozen=True, slots=True)
class _Words:
    code: str
    field: str
    ground: str
    effect: str
    pattern: re.Pattern[str]


@cache
def _word_rules() -> tuple[_Words, ...]:
    return tuple(
        _Words(row["code"], row["field"], row["ground"], row["effect"], re.compile(row["words"]))
        for row in catalog.rows("opening_words")
    )


def rules_version() -> str:
    """Version of the rules: logic and tables.  Kept with every proposal and decision."""
    return version_of(LOGIC, _TABLES)


@cache
def version_of(logic: str, tables: tuple[str, ...]) -> str:
    """A version of some logic and of tables of the catalogue, whose every cell counts."""
    digest = hashlib.sha256()
    for name in tables:
        for row in catalog.rows(name):
            digest.update(repr(sorted(row.items())).encode())
    return f"{logic}-{digest.hexdigest()[:12]}"


def grounds() -> tuple[str, ...]:
    """Codes of the grounds (G1 to G4) on which opening may be delayed."""
    rows = catalog.rows("opening_grounds")
    return tuple(row["code"] for row in rows if row["regime"] == "archives_opening")


def propose(
    description: Mapping[str, str], pages: Sequence[Page], *, personal: int | None
) -> Proposed:
    """What the rules say of a record.  `pages` are numbered through the record.

    `personal` is 0 for examined and clean, above for personal data found, None for not examined:
    then only a delay can be proposed.
    """
    found = [*_marks(pages), *_of_description(description), *_of_pages(pages)]
    if personal:
        found.append(Suggestion("PERSONAL", "G3", "masked", ""))
    effects = {one.effect for one in found}
    if "delay" in effects:
        ground = next(one.ground for one in found if one.effect == "delay")
        return Proposed(Verdict.DELAY, ground, tuple(found))
    if personal is None:
        return Proposed("", "", tuple(found))
    verdict = Verdict.MASKED if "masked" in effects else Verdict.OPEN
    return Proposed(verdict, "", tuple(found))


def _marks(pages: Sequence[Page]) -> Iterator[Suggestion]:
    """A classified mark on the first page."""
    mark = classified_mark(pages[:1])
    if mark is not None:
        yield Suggestion("MARK", "G1", "delay", mark.value, mark.page)


def _of_description(description: Mapping[str, str]) -> Iterator[Suggestion]:
    for rule in _word_rules():
        name = "title" if rule.field == "any" else rule.field
        for match in rule.pattern.finditer(description.get(name, "")):
            yield Suggestion(rule.code, rule.ground, rule.effect, match[0])
            break


def _of_pages(pages: Sequence[Page]) -> Iterator[Suggestion]:
    """Words in the text, the first places of each group."""
    rules = [rule for rule in _word_rules() if rule.field in {"any", "text"}]
    left = dict.fromkeys((rule.code for rule in rules), _PLACES)
    for page in pages:
        for at, line in enumerate(page.lines):
            for rule in rules:
                match = rule.pattern.search(line.text) if left[rule.code] else None
                if match:
                    left[rule.code] -= 1
                    yield Suggestion(rule.code, rule.ground, rule.effect, match[0], page.number, at)
