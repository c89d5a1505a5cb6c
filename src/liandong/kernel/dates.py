"""Dates of records: whole or partial, sometimes only researched.  No clock, no time zone."""

import re
from dataclasses import dataclass
from datetime import date
from typing import Self

from .codes import half_width


class BadDate(ValueError):
    """The text is no date."""


@dataclass(frozen=True, slots=True, order=True)
class PartialDate:
    """A date of a record (日期): year, or year and month, or the whole date.

    Written `YYYYMMDD` with 00 for what is unknown, in brackets when researched: `[19450800]`.
    Source: DA/T 18-2022, 日期.
    """

    year: int  # 1 to 9999
    month: int = 0  # 0 when unknown
    day: int = 0  # 0 when unknown
    researched: bool = False  # not on the document, found by research

    def __post_init__(self) -> None:
        if self.day and not self.month:
            raise BadDate(f"a day without a month: {self.day}")
        try:
            date(self.year, self.month or 1, self.day or 1)
        except ValueError as error:
            raise BadDate(str(error)) from None

    @classmethod
    def parse(cls, value: "str | int | date | PartialDate") -> Self:
        """Read a date as people and tables write it; raises BadDate.

        `2023年5月6日`, `2023-5-6`, `2023/05/06`, `2023.5`, `20230506`, `二〇二三年五月六日`,
        `[19450815]`, date and datetime objects.  `PartialDate.parse(str(d)) == d`.
        """
        if isinstance(value, PartialDate):
            return cls(value.year, value.month, value.day, value.researched)
        if isinstance(value, date):  # datetime is one too
            return cls(value.year, value.month, value.day)
        text = "".join(half_width(str(value)).split())
        bracketed = re.fullmatch(r"[\[〔【](.+)[\]〕】]", text)
        year, month, day = _parts(bracketed[1] if bracketed else text)
        return cls(year, month, day, bracketed is not None)

    @property
    def number(self) -> int:
        """The date as YYYYMMDD, for comparing and for the index."""
        return self.year * 10000 + self.month * 100 + self.day

    @property
    def is_whole(self) -> bool:
        """Year, month and day are known."""
        return self.day > 0

    def __str__(self) -> str:
        text = f"{self.number:08d}"
        return f"[{text}]" if self.researched else text

    def in_words(self) -> str:
        """For people: `2023年5月6日`, as far as it is known."""
        month = f"{self.month}月" if self.month else ""
        day = f"{self.day}日" if self.day else ""
        return f"{self.year}年{month}{day}"


_DIGITS = str.maketrans("〇○零Ｏ一二三四五六七八九", "0000123456789")
_FORMS = tuple(
    re.compile(pattern)
    for pattern in (
        r"([0-9]{4})([0-9]{2})([0-9]{2})",
        r"([0-9]{4})(?:[-/.]([0-9]{1,2})(?:[-/.]([0-9]{1,2}))?)?",
        r"([0-9]{4})年(?:([0-9]{1,2})月(?:([0-9]{1,2})[日号])?)?",
        r"([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})[T ]?[0-9:.]{4,}",  # a table's date with time
    )
)
_CHINESE = re.compile(
    r"([〇○零Ｏ一二三四五六七八九]{4})年(?:([一二三四五六七八九十元]{1,3})月(?:([一二三四五六七八九十]{1,3})[日号])?)?"
)


def _parts(text: str) -> tuple[int, int, int]:
    chinese = _CHINESE.fullmatch(text)
    if chinese:
        year = int(chinese[1].translate(_DIGITS))
        return year, _chinese_number(chinese[2]), _chinese_number(chinese[3])
    for form in _FORMS:
        if found := form.fullmatch(text):
            year, month, day = (int(part or 0) for part in found.groups())
            return year, month, day
    raise BadDate(f"no date: {text[:40]!r}")


def _chinese_number(text: str | None) -> int:
    """一 to 九十九; 0 for None."""
    if not text:
        return 0
    if "十" not in text:
        if len(text) > 1:
            raise BadDate(f"no number: {text}")
        return int(text.replace("元", "1").translate(_DIGITS))
    tens, _, ones = text.partition("十")
    if "十" in ones or len(tens) > 1 or len(ones) > 1:
        raise BadDate(f"no number: {text}")
    return int(tens.translate(_DIGITS) or 1) * 10 + int(ones.translate(_DIGITS) or 0)
