"""Working days (工作日): Monday to Friday, less the days that the caller names as holidays.

Moved working weekends (调休) are not known here; a calendar of the city may name them later.
"""

from collections.abc import Collection
from datetime import date, timedelta

_SATURDAY = 5
_NONE: frozenset[date] = frozenset()


def is_workday(day: date, holidays: Collection[date] = _NONE) -> bool:
    """Whether offices work on this day."""
    return day.weekday() < _SATURDAY and day not in holidays


def add_workdays(start: date, count: int, holidays: Collection[date] = _NONE) -> date:
    """The `count`-th working day after `start`; `start` itself does not count.

    `add_workdays(d, a + b) == add_workdays(add_workdays(d, a), b)` for a ≥ 1.
    """
    day = start
    while count > 0:
        day += timedelta(days=1)
        count -= is_workday(day, holidays)
    return day


def workdays_between(start: date, end: date, holidays: Collection[date] = _NONE) -> int:
    """How many working days lie after `start` up to and with `end`; below 0 for an earlier end."""
    if end < start:
        return -workdays_between(end, start, holidays)
    days = (start + timedelta(days=n) for n in range(1, (end - start).days + 1))
    return sum(is_workday(day, holidays) for day in days)
