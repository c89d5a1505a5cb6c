"""What time alone brings to a case (系统步骤): lapse, silence, reminders, escalations; and when.

Told from the clocks of the case, which are told from its events.  A person's step brings the rest.
Source: casework rules, sections 2 and 3; levels are rows of `escalation_levels.csv`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from . import catalog
from .calendars import Calendar
from .clocks import ClockRun
from .escalation import NEARLY_DUE, REMINDER, SILENT, notices

QUESTION, FEEDBACK, HANDLING = "TQ", "T10", "T5"
WARN, LAPSE, SILENCE = "remind_answer", "lapse", "silence"  # actions of the flow
LATE: Final = "late"
TOLD: Final = frozenset({NEARLY_DUE, LATE})  # those that are told and leave no event
_PASSED: Final = timedelta(seconds=1)  # a limit has passed after its last instant


@dataclass(frozen=True, slots=True)
class Duty:
    """One thing that the system does by itself, from `at` on, once for each run of a clock."""

    code: str  # WARN, LAPSE, SILENCE, NEARLY_DUE, LATE, or a level of `case_reasons.csv`
    at: datetime
    run: ClockRun

    @property
    def key(self) -> str:
        """Names the duty among those of one case."""
        began = self.run.started_at.astimezone().isoformat(timespec="seconds")
        return f"{self.code}:{self.run.code}:{self.run.unit}:{began}"

    @property
    def waits_for_hours(self) -> bool:
        """Whether people are reminded by it: only in service hours."""
        return self.code not in {LAPSE, SILENCE}


def duties(runs: Iterable[ClockRun], calendar: Calendar) -> tuple[Duty, ...]:
    """What the running clocks bring, by time.  Those that rest or have stopped bring nothing.

    The limit for handling is escalated by levels that must be answered; every other limit of staff
    is told as nearly due and as late.  Whoever is asked is reminded once before the lapse.
    """
    found = [
        duty
        for run in runs
        if not run.stopped_at and not run.paused and run.state not in SILENT
        for duty in _of_run(run, calendar)
    ]
    return tuple(sorted(found, key=lambda duty: duty.at))


def _of_run(run: ClockRun, calendar: Calendar) -> Iterator[Duty]:
    if run.code == FEEDBACK:
        yield Duty(SILENCE, run.due_at + _PASSED, run)
        return
    told = {notice.level: notice.at for notice in notices(run, calendar)}
    if run.code == QUESTION:
        yield Duty(WARN, told.get(NEARLY_DUE, calendar.next_open(run.started_at)), run)
        yield Duty(LAPSE, run.due_at + _PASSED, run)
        return
    if NEARLY_DUE in told:
        yield Duty(NEARLY_DUE, told[NEARLY_DUE], run)
    if run.code == HANDLING:
        yield from (Duty(levels()[one], at, run) for one, at in told.items() if levels()[one])
    elif REMINDER in told:
        yield Duty(LATE, told[REMINDER], run)


def levels() -> dict[str, str]:
    """What each level of `escalation_levels.csv` raises, a code of `case_reasons.csv` or ""."""
    return {row["code"]: row["raises"] for row in catalog.rows("escalation_levels")}


def answer_days(raised: str) -> int:
    """Workdays within which an escalation is to be answered.  Raises KeyError."""
    rows = catalog.by_key("escalation_levels", "raises")
    return int(rows[raised]["answer_days"])


def next_duty(runs: Iterable[ClockRun], calendar: Calendar, now: datetime) -> datetime | None:
    """When the system should look at the case again: at once if something may be left undone."""
    first = min((duty.at for duty in duties(runs, calendar)), default=None)
    return max(first, now) if first else None
