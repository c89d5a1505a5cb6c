"""Coarser values: a place to its county or city, a birth to an age band, a date to its month.

Each generaliser is a ladder: rung 0 is the value as it stands, the last rung says nothing (`ANY`).
Source: GB/T 37964-2019, 泛化 (generalisation).
"""

import re
from collections.abc import Callable, Mapping
from datetime import date
from functools import partial

ANY = "*"  # a value that says nothing
_BANDS = (5, 10, 20)  # years
_OLDEST = 90  # years: older people are few
_LEVELS = (
    re.compile(r".*?(?:街道办事处|街道|镇|乡)"),
    re.compile(r".*?(?:区|县|旗|(?<=.市).{1,6}市)"),
    re.compile(r".*?(?:自治州|地区|盟|市)"),
    re.compile(r".*?(?:省|自治区)"),
)
_DATE = re.compile(r"\s*([12][0-9]{3})(?:\s*[年./-]?\s*(0?[1-9]|1[0-2]))?(?:\D|[0-3][0-9]|$)")

Ladder = Callable[[str, int], str]


def place(text: str, rung: int) -> str:
    """山东省滨州市滨城区彭李街道 → township, county, city, province, nothing."""
    if rung == 0:
        return text
    for pattern in _LEVELS[rung - 1 :]:
        found = pattern.match(text)
        if found:
            return found[0]
    return ANY


def month(text: str, rung: int) -> str:
    """2023-05-06 → 2023-05, 2023, nothing."""
    found = _DATE.match(text)
    if rung == 0 or found is None:
        return text if rung == 0 else ANY
    year, number = found[1], found[2]
    match rung:
        case 1:
            return f"{year}-{int(number):02}" if number else year
        case 2:
            return year
    return ANY


def age(text: str, rung: int, *, today: date) -> str:
    """An age, or a date of birth → bands of 5, 10 and 20 years, nothing."""
    if rung == 0:
        return text
    years = _age_of(text, today)
    if rung > len(_BANDS) or years is None:
        return ANY
    width = _BANDS[rung - 1]
    if years >= _OLDEST:
        return f"{_OLDEST}+"
    low = years // width * width
    return f"{low}-{min(low + width, _OLDEST) - 1}"


def _age_of(text: str, today: date) -> int | None:
    plain = text.strip().removesuffix("岁")
    if re.fullmatch("[0-9]{1,3}", plain):
        return int(plain)
    found = _DATE.match(plain)
    if found is None:
        return None
    years = today.year - int(found[1])
    return max(0, years - (int(found[2] or 1) > today.month))


def category(text: str, rung: int) -> str:
    """A·B·C or A/B/C → A·B, A, nothing; a plain word → nothing."""
    parts = [part for part in re.split(r"[·/>]", text) if part]
    if rung == 0:
        return text
    return "·".join(parts[:-rung]) or ANY


def drop(text: str, rung: int) -> str:
    """Any other value: as it stands, or nothing."""
    return text if rung == 0 else ANY


def ladder(name: str, *, today: date) -> tuple[Ladder, int]:
    """The generaliser of this name and its last rung; raises KeyError.

    Names: place, age, month, category, drop.
    """
    known: Mapping[str, tuple[Ladder, int]] = {
        "place": (place, len(_LEVELS) + 1),
        "age": (partial(age, today=today), len(_BANDS) + 1),
        "month": (month, 3),
        "category": (category, 3),
        "drop": (drop, 1),
    }
    return known[name]
