"""Calendars of service hours: holidays, make-up workdays (调休), closures, several intervals a day.

Business time is counted on one line: `position` says how much of it lies before an instant and
`instant` goes back.  Both cost a search among the exceptional days, however long the span is.
Source: casework rules, contract lines 7 and 8; tables holidays.csv and service_hours.csv.
"""

import hashlib
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

from . import catalog

TIMEZONE: Final = "Asia/Shanghai"
MINUTE: Final = 60_000_000  # microseconds, the unit of every position
_DAY_MINUTES = 24 * 60
_SATURDAY = 5
_WEEK, _WEEKDAYS = 7, 5


@dataclass(frozen=True)
class Calendar:
    """When an office works.  Equal versions mean equal contents; whoever edits a table renames it.

    `intervals` are (opens, closes) in minutes of the day, rising, the same on every workday.  A
    closure (by an administrator) outweighs a make-up day, and that outweighs a weekend.  Years in
    `provisional` have no published arrangement yet.  Raises ValueError for intervals that overlap,
    are empty or leave the day, and for a day that is both holiday and make-up day.
    """

    version: str
    intervals: tuple[tuple[int, int], ...]
    holidays: frozenset[date] = frozenset()
    makeup_days: frozenset[date] = frozenset()
    closures: frozenset[date] = frozenset()
    provisional: frozenset[int] = frozenset()
    timezone: str = TIMEZONE
    zone: ZoneInfo = field(init=False, repr=False, compare=False)
    _exceptions: tuple[date, ...] = field(init=False, repr=False, compare=False)
    _corrections: tuple[int, ...] = field(init=False, repr=False, compare=False)
    _after: tuple[int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check the intervals and add the exceptional days up."""
        edges = [edge for interval in self.intervals for edge in interval]
        if not edges or any(a >= b for a, b in self.intervals) or edges != sorted(edges):
            raise ValueError(f"{self.version}: intervals must rise: {self.intervals}")
        if edges[0] < 0 or edges[-1] > _DAY_MINUTES:
            raise ValueError(f"{self.version}: an interval leaves the day: {self.intervals}")
        if both := self.holidays & self.makeup_days:
            raise ValueError(f"{self.version}: holiday and make-up day: {min(both)}")
        odd = self.holidays | self.makeup_days | self.closures
        days = tuple(sorted(day for day in odd if self.is_workday(day) != _is_weekday(day)))
        corrections = [0]
        for day in days:
            corrections.append(corrections[-1] + (1 if self.is_workday(day) else -1))
        after = (
            _weekdays_before(day.toordinal() + 1) + correction
            for day, correction in zip(days, corrections[1:], strict=True)
        )
        object.__setattr__(self, "zone", ZoneInfo(self.timezone))
        object.__setattr__(self, "_exceptions", days)
        object.__setattr__(self, "_corrections", tuple(corrections))
        object.__setattr__(self, "_after", tuple(after))

    # Days ----------------------------------------------------------------------------------------

    def is_workday(self, day: date) -> bool:
        """Whether the office works on this day."""
        if day in self.closures:
            return False
        return day in self.makeup_days or (_is_weekday(day) and day not in self.holidays)

    def add_workdays(self, start: date, count: int) -> date:
        """The `count`-th workday (1 or more) after `start`; `start` itself does not count.

        0 gives `start`.  Raises ValueError for a count below 0.
        """
        if count < 0:
            raise ValueError(f"workdays to add must not be negative: {count}")
        return self._workday(self._before(start + timedelta(1)) + count - 1) if count else start

    def workdays_between(self, start: date, end: date) -> int:
        """How many workdays lie after `start` up to and with `end`; below 0 for an earlier end."""
        return self._before(end + timedelta(1)) - self._before(start + timedelta(1))

    def exceptions(self, first: date, last: date) -> list[date]:
        """Weekdays off and weekend days worked from `first` to `last`, both included, rising."""
        days = self._exceptions
        return list(days[bisect_left(days, first) : bisect_right(days, last)])

    def is_provisional(self, year: int) -> bool:
        """Whether the holidays of a year are not published yet, or not in the table."""
        known = {day.year for day in self.holidays}
        return year in self.provisional or year > max(known, default=year)

    def _before(self, day: date) -> int:
        """How many workdays lie before a day, on an endless count."""
        return (
            _weekdays_before(day.toordinal())
            + self._corrections[bisect_left(self._exceptions, day)]
        )

    def _workday(self, number: int) -> date:
        """The workday that has so many workdays before it."""
        at = bisect_right(self._after, number)
        weeks, rest = divmod(number - self._corrections[at], _WEEKDAYS)
        day = date.fromordinal(weeks * _WEEK + rest + 1)
        if at < len(self._exceptions):  # not beyond the next exceptional day, which then works
            return min(day, self._exceptions[at])
        return day

    # Business time -------------------------------------------------------------------------------

    @property
    def day_minutes(self) -> int:
        """Business minutes of a workday."""
        return sum(closes - opens for opens, closes in self.intervals)

    def position(self, moment: datetime) -> int:
        """Business time before an instant on an endless count, in microseconds.

        Raises ValueError for a naive datetime.
        """
        local = self.local(moment)
        day = local.date()
        position = self._before(day) * self.day_minutes * MINUTE
        if self.is_workday(day):
            of_day = _of_day(local)
            for opens, closes in self.intervals:
                position += max(0, min(of_day, closes * MINUTE) - opens * MINUTE)
        return position

    def instant(self, position: int) -> datetime:
        """The first instant with so much business time before it: 17:30, not 08:30 of the next."""
        number, rest = divmod(position - 1, self.day_minutes * MINUTE)
        rest += 1
        for opens, closes in self.intervals:
            length = (closes - opens) * MINUTE
            if rest <= length:
                return self._at(self._workday(number), opens * MINUTE + rest)
            rest -= length
        raise AssertionError("a rest is never longer than a day")

    def worked(self, start: datetime, end: datetime) -> timedelta:
        """Business time from start to end.  Raises ValueError for naive ones or an earlier end."""
        length = self.position(end) - self.position(start)
        if end < start:
            raise ValueError(f"the end {end} lies before the start {start}")
        return timedelta(microseconds=length)

    def is_open(self, moment: datetime) -> bool:
        """Whether an instant lies in service hours; the closing minute does not."""
        local = self.local(moment)
        of_day = _of_day(local)
        return self.is_workday(local.date()) and any(
            opens * MINUTE <= of_day < closes * MINUTE for opens, closes in self.intervals
        )

    def next_open(self, moment: datetime) -> datetime:
        """The instant itself in service hours, else the next opening."""
        if self.is_open(moment):
            return self.local(moment)
        local = self.local(moment)
        day, of_day = local.date(), _of_day(local)
        if self.is_workday(day):
            for opens, _closes in self.intervals:
                if of_day < opens * MINUTE:
                    return self._at(day, opens * MINUTE)
        return self.opening(self.add_workdays(day, 1))

    def opening(self, day: date) -> datetime:
        """When the first interval of a day begins."""
        return self._at(day, self.intervals[0][0] * MINUTE)

    def closing(self, day: date) -> datetime:
        """When the last interval of a day ends."""
        return self._at(day, self.intervals[-1][1] * MINUTE)

    def midnight(self, day: date) -> datetime:
        """When a day begins."""
        return datetime.combine(day, time(), tzinfo=self.zone)

    def local(self, moment: datetime) -> datetime:
        """An instant on the clocks of the office.  Raises ValueError for a naive datetime."""
        if moment.utcoffset() is None:
            raise ValueError(f"a naive datetime has no place on a calendar: {moment}")
        return moment.astimezone(self.zone)

    def _at(self, day: date, of_day: int) -> datetime:
        return self.midnight(day) + timedelta(microseconds=of_day)  # by the clock on the wall


def _is_weekday(day: date) -> bool:
    return day.weekday() < _SATURDAY


def _weekdays_before(ordinal: int) -> int:
    """Mondays to Fridays since 1 January of the year 1, a Monday with ordinal 1."""
    weeks, rest = divmod(ordinal - 1, _WEEK)
    return weeks * _WEEKDAYS + min(rest, _WEEKDAYS)


def _of_day(local: datetime) -> int:
    seconds = (local.hour * 60 + local.minute) * 60 + local.second
    return seconds * 1_000_000 + local.microsecond


# Tables -------------------------------------------------------------------------------------------


def calendar_of(
    days: Iterable[tuple[date, str]],
    hours: Iterable[tuple[str, str]],
    *,
    name: str,
    closures: Iterable[date] = (),
    provisional: Iterable[int] = (),
) -> Calendar:
    """A calendar of rows (date, "holiday" or "workday") and hours ("08:30", "12:00").

    Its version is the name and a digest of all it holds, so that an edited table is another
    version.  Raises ValueError for an unknown kind of day, bad hours, or what `Calendar` refuses.
    """
    kinds: dict[str, set[date]] = {"holiday": set(), "workday": set()}
    for day, kind in days:
        if kind not in kinds:
            raise ValueError(f"{day}: a day is a holiday or a workday, not {kind!r}")
        kinds[kind].add(day)
    intervals = tuple(sorted((_minutes(opens), _minutes(closes)) for opens, closes in hours))
    shut, open_years = frozenset(closures), frozenset(provisional)
    dates = (kinds["holiday"], kinds["workday"], shut)
    parts = [",".join(day.isoformat() for day in sorted(some)) for some in dates]
    text = "|".join([TIMEZONE, str(intervals), *parts, str(sorted(open_years))])
    return Calendar(
        version=f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:8]}",
        intervals=intervals,
        holidays=frozenset(kinds["holiday"]),
        makeup_days=frozenset(kinds["workday"]),
        closures=shut,
        provisional=open_years,
    )


@cache
def catalogue_calendar(hours: str = "office") -> Calendar:
    """The calendar of `holidays.csv` with one profile of `service_hours.csv`.

    The version names its years, those not yet published marked: `office-2025-2026-2027draft-…`.
    Raises ValueError for a profile that has no hours.
    """
    rows = catalog.rows("holidays")
    draft = {row["date"][:4] for row in rows if row["confidence"] == "memory-low"}
    years = (f"{y}draft" if y in draft else y for y in sorted({r["date"][:4] for r in rows}))
    return calendar_of(
        [(date.fromisoformat(row["date"]), row["kind"]) for row in rows],
        _hours(hours),
        name="-".join([hours, *years]),
        provisional=map(int, draft),
    )


def _hours(profile: str) -> Iterator[tuple[str, str]]:
    for row in catalog.rows("service_hours"):
        if row["code"] == profile:
            yield row["opens"], row["closes"]


def _minutes(clock: str) -> int:
    if clock == "24:00":
        return _DAY_MINUTES
    read = time.fromisoformat(clock)
    return read.hour * 60 + read.minute
