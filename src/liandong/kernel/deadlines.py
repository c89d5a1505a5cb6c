"""Deadlines as arithmetic: when a limit expires, and how much business time passed.

How days and months are counted: the day of the start does not count; a period of months ends on
the day of the same number, else on the last of the month; a last day that is no workday moves to
the next one; hours and minutes count from the start itself.
Source: 民法典 arts. 201-203 (memory-high); casework rules, section 3.
"""

from calendar import monthrange
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from .calendars import MINUTE, Calendar

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TICK: Final = timedelta(microseconds=1)
_MONTHS = 12


class Unit(StrEnum):
    """What a limit is counted in."""

    WORK_MINUTE = "work_minute"  # 工作分钟
    WORK_HOUR = "work_hour"  # 工作时
    WORK_DAY = "work_day"  # 工作日: to the close of business of the last one
    MINUTE = "minute"  # by the clock on the wall, day and night
    HOUR = "hour"
    CALENDAR_DAY = "calendar_day"  # 自然日: to 24:00 of the last one
    CALENDAR_MONTH = "calendar_month"


WORK_UNITS: Final = frozenset({Unit.WORK_MINUTE, Unit.WORK_HOUR, Unit.WORK_DAY})
ROLLED_UNITS: Final = frozenset({Unit.CALENDAR_DAY, Unit.CALENDAR_MONTH})
_MINUTES = {Unit.WORK_MINUTE: 1, Unit.WORK_HOUR: 60, Unit.MINUTE: 1, Unit.HOUR: 60}


@dataclass(frozen=True, slots=True)
class Limit:
    """So much of a unit.  Raises ValueError for an amount below 0 or an unknown unit."""

    amount: int
    unit: Unit

    def __post_init__(self) -> None:
        """Check both."""
        if self.amount < 0:
            raise ValueError(f"a limit must not be negative: {self.amount}")
        object.__setattr__(self, "unit", Unit(self.unit))


class Pause(NamedTuple):
    """A time that does not count; without an end it still lasts."""

    start: datetime
    end: datetime | None = None
    reason: str = ""  # the state that made it


Pauses = Iterable[Pause | tuple[datetime, datetime | None]]


def deadline(
    start: datetime,
    amount: int,
    unit: Unit | str,
    calendar: Calendar,
    pauses: Pauses = (),
    *,
    now: datetime | None = None,
) -> datetime:
    """When a limit of so many units expires that began at `start`, on the calendar's clocks.

    Pauses that begin before it expires move it, in work units by their business time, else by
    their length, days and months on to 24:00.  A pause that still lasts counts up to `now`: the
    answer is then when the limit would expire if work went on at once.  Whoever finishes at that
    instant is in time.  Raises ValueError for naive datetimes, an amount below 0, an unknown unit,
    a pause that ends before it starts, and a pause without end when `now` is missing.
    """
    limit = Limit(amount, Unit(unit))
    if not amount:
        return calendar.local(start)
    return postpone(unpaused(start, limit, calendar), start, limit.unit, calendar, pauses, now=now)


def unpaused(start: datetime, limit: Limit, calendar: Calendar) -> datetime:
    """When a limit expires with no pause, before a last day that is no workday is moved."""
    local, amount, unit = calendar.local(start), limit.amount, limit.unit
    match unit:
        case Unit.WORK_MINUTE | Unit.WORK_HOUR:
            return calendar.instant(calendar.position(local) + amount * _MINUTES[unit] * MINUTE)
        case Unit.WORK_DAY:
            return calendar.closing(calendar.add_workdays(local.date(), amount))
        case Unit.MINUTE | Unit.HOUR:
            return calendar.local(_at(_clock(local) + amount * _MINUTES[unit] * MINUTE))
        case Unit.CALENDAR_DAY:
            return calendar.midnight(local.date() + timedelta(amount + 1))
        case Unit.CALENDAR_MONTH:
            return calendar.midnight(months_later(local.date(), amount) + timedelta(1))


def postpone(
    due: datetime,
    since: datetime,
    unit: Unit,
    calendar: Calendar,
    pauses: Pauses,
    *,
    now: datetime | None = None,
) -> datetime:
    """A due instant moved by the pauses after `since`, and off days that are no workdays.

    Raises ValueError as `deadline` does.
    """
    taken = list(merged(pauses, since, now))
    if unit in WORK_UNITS:
        position = unmoved = calendar.position(due)
        for pause_start, pause_end in taken:
            begins = calendar.position(pause_start)
            if begins >= position:
                break
            position += calendar.position(pause_end) - begins
        return calendar.local(due) if position == unmoved else calendar.instant(position)
    moved = _clock(calendar.local(due))
    for pause_start, pause_end in taken:
        if pause_start >= _rolled(_at(moved), unit, calendar):
            break
        length = _clock(pause_end) - _clock(pause_start)
        moved = max(moved + length, _clock(pause_end))  # it may begin on the days moved over
    return _rolled(_at(moved), unit, calendar)


def elapsed(start: datetime, end: datetime, calendar: Calendar, pauses: Pauses = ()) -> int:
    """Whole business minutes from start to end, less those of the pauses; a rest is cut off.

    Raises ValueError for naive datetimes, an end before the start, or a pause that does so.
    """
    worked = calendar.worked(start, end)
    for pause_start, pause_end in merged(pauses, start, end):
        if pause_start < end:
            worked -= calendar.worked(pause_start, min(pause_end, end))
    return worked // timedelta(minutes=1)


def overdue(due: datetime, at: datetime) -> bool:
    """Whether something done (or still undone) at an instant is late: exactly at it is in time."""
    return at > due


def merged(
    pauses: Pauses, since: datetime, now: datetime | None
) -> Iterator[tuple[datetime, datetime]]:
    """The pauses after `since` by time, none touching another; one without end lasts until `now`.

    Raises ValueError for naive datetimes, a pause that ends before it starts or has no end when
    `now` is missing.
    """
    spans = sorted(filter(None, (_span(*pause[:2], since, now) for pause in pauses)))
    if not spans:
        return
    start, end = spans[0]
    for next_start, next_end in spans[1:]:
        if next_start > end:
            yield start, end
            start, end = next_start, next_end
        end = max(end, next_end)
    yield start, end


def months_later(day: date, months: int) -> date:
    """The day of the same number so many months later, else the last day of that month."""
    year, month = divmod(day.year * _MONTHS + day.month - 1 + months, _MONTHS)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def last_day(due: datetime, calendar: Calendar) -> date:
    """The day on which a limit expires: 24:00 still belongs to the day that ends."""
    return (calendar.local(due) - _TICK).date()


def _span(
    start: datetime, end: datetime | None, since: datetime, now: datetime | None
) -> tuple[datetime, datetime] | None:
    if end is None:
        if now is None:
            raise ValueError(f"the pause since {start} has no end: say what time it is")
        end = max(start, now)
    for moment in (start, end, since):
        if moment.utcoffset() is None:
            raise ValueError(f"a naive datetime has no place on a calendar: {moment}")
    if end < start:
        raise ValueError(f"a pause ends before it starts: {start} to {end}")
    start = max(start, since)
    return (start, end) if start < end else None


def _rolled(due: datetime, unit: Unit, calendar: Calendar) -> datetime:
    """For days and months: 24:00 of the last day, or of the next workday when that is none."""
    local = calendar.local(due)
    if unit not in ROLLED_UNITS:
        return local
    day = last_day(local, calendar)
    if not calendar.is_workday(day):
        day = calendar.add_workdays(day, 1)
    return calendar.midnight(day + timedelta(1))


def _clock(moment: datetime) -> int:
    return (moment - _EPOCH) // _TICK


def _at(clock: int) -> datetime:
    return _EPOCH + timedelta(microseconds=clock)
