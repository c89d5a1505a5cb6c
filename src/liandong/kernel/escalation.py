"""When to remind and escalate (临期提醒, 催办, 督办, 通报): only ever in service hours.

Source: casework rules, section 3, contract lines 3 and 4; levels are rows of
`escalation_levels.csv` and may be set by a policy.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from .calendars import Calendar
from .casework import OVER
from .clocks import ClockRun
from .deadlines import Limit, Unit, last_day, merged, months_later, postpone, unpaused

SILENT: Final = OVER | {"parked"}  # states in which nobody is reminded of anything
NEARLY_DUE, REMINDER, SUPERVISION, CRITICISM = "nearly_due", "reminder", "supervision", "criticism"
_REQUESTER = "requester"  # is told before a lapse, and never pursued after it


@dataclass(frozen=True, slots=True)
class Notice:
    """One level of escalation, and from when it is due."""

    level: str
    at: datetime


def notices(run: ClockRun, calendar: Calendar) -> tuple[Notice, ...]:
    """When each level of a clock falls, by time; none for a clock that rests or has stopped.

    A case that is parked, merged, closed, filed or left by another exit has none.  Nearly due is
    a share of the time between start and due; it is left out where no service hours lie between it
    and the due instant.  Later levels fall at the opening of a day when counted in days.
    """
    if run.stopped_at or run.paused or run.state in SILENT:
        return ()
    told = []
    amount, _percent = run.policy.levels[NEARLY_DUE]
    if (soon := _share(run, amount, calendar)) < run.due_at:
        told.append(Notice(NEARLY_DUE, soon))
    if run.kind.owner != _REQUESTER:
        reminder = _after(run.due_at, *run.policy.levels[REMINDER], calendar)
        told.append(Notice(REMINDER, reminder))
        told += [
            Notice(level, _after(reminder, *run.policy.levels[level], calendar))
            for level in (SUPERVISION, CRITICISM)
        ]
    return tuple(sorted(told, key=lambda notice: notice.at))


def _share(run: ClockRun, percent: int, calendar: Calendar) -> datetime:
    """The first service hour when so many percent of the business time have passed."""
    begun, due = calendar.position(run.started_at), calendar.position(run.due_at)
    rested = sum(
        calendar.position(min(end, run.due_at)) - calendar.position(start)
        for start, end in merged(run.pauses, run.started_at, run.now)
        if start < run.due_at
    )
    share = calendar.instant(begun + (due - begun - rested) * percent // 100)
    share = max(share, calendar.local(run.started_at))  # no business time lies between
    pauses = run.pauses
    return calendar.next_open(
        postpone(share, run.started_at, Unit.WORK_MINUTE, calendar, pauses, now=run.now)
    )


def _after(start: datetime, amount: int, unit: str, calendar: Calendar) -> datetime:
    day = last_day(start, calendar)
    match Unit(unit):
        case Unit.WORK_DAY:
            return calendar.next_open(calendar.midnight(calendar.add_workdays(day, amount)))
        case Unit.CALENDAR_DAY:
            return calendar.next_open(calendar.midnight(day + timedelta(amount)))
        case Unit.CALENDAR_MONTH:
            return calendar.next_open(calendar.midnight(months_later(day, amount)))
        case counted:
            return calendar.next_open(unpaused(start, Limit(amount, counted), calendar))
