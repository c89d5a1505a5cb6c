"""Clocks of a case, computed from its events; the row keeps what lists sort by."""

from collections.abc import Iterable
from datetime import datetime

from liandong.cases.models import Case, CaseEvent
from liandong.cases.queries.clocks import clocks_of, policy_of
from liandong.kernel.calendars import catalogue_calendar
from liandong.kernel.tending import next_duty

HANDLING = "T5"


def set_clocks(
    case: Case, *, now: datetime, events: Iterable[CaseEvent] | None = None
) -> None:  # fmt: skip
    """Put on the case which clocks run, whose time runs out next, and when; the caller saves.

    `events` are all of the case, where they are at hand.
    """
    runs = clocks_of(case, now=now, events=events)
    running = {one.code: one.due_at for one in runs if not one.stopped_at and not one.paused}
    case.dues = {code: due.isoformat() for code, due in running.items()}
    case.clock = min(running, key=lambda code: running[code], default="")
    case.due_at = running.get(case.clock)
    case.handle_by = next(
        (one.due_at for one in reversed(runs) if one.code == HANDLING), None
    )  # fmt: skip
    case.tend_at = next_duty(runs, catalogue_calendar(), now)
    case.policy, case.calendar = policy_of(case).version, catalogue_calendar().version
