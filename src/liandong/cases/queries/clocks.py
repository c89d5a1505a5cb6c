"""The clocks of a case: its events as moments, and the arithmetic behind each deadline."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from liandong.cases.models import Case, CaseEvent
from liandong.kernel.calendars import catalogue_calendar
from liandong.kernel.casework import LEDGER, STARTS, STATE
from liandong.kernel.clocks import ClockRun, Moment, Policy, catalogue_policy, running_clocks
from liandong.kernel.explanations import Line, explain

from .situations import end_of_day


def policy_of(case: Case) -> Policy:
    """The limits under which the case runs: profile of its kind, row of its severity."""
    return catalogue_policy(case.kind_of.timers, case.severity or "ordinary")


def clocks_of(
    case: Case, *, now: datetime, events: Iterable[CaseEvent] | None = None
) -> tuple[ClockRun, ...]:  # fmt: skip
    """Every clock that the case has had up to `now`, by start; of `events` where they are given."""
    moments = moments_of(case.events.order_by("number") if events is None else events)
    return running_clocks(moments, policy_of(case), catalogue_calendar(), now)


def moments_of(events: Iterable[CaseEvent]) -> Iterator[Moment]:
    """What the clocks see of the events: how the case stands after each."""
    stands = dict(STARTS)
    for event in events:
        stands[event.axis] = event.after
        yield Moment(
            at=event.at, state=stands[STATE], action=event.action, round=event.round,
            ledger=stands[LEDGER], unit=_unit(event), until=_until(event),
        )  # fmt: skip


def _unit(event: CaseEvent) -> str:
    if event.action == "request_assist":
        return str(event.facts.get("unit", ""))
    return event.unit if event.action == "answer_assist" else ""


def _until(event: CaseEvent) -> datetime | None:
    return end_of_day(str(event.facts.get("until", ""))) if event.action == "extend" else None


def explained(case: Case, *, now: datetime) -> list[tuple[ClockRun, list[Line]]]:
    """Each clock with its arithmetic: calendar, limit, pauses, result; the newest first."""
    calendar = catalogue_calendar()
    return [(run, explain(run, calendar)) for run in reversed(clocks_of(case, now=now))]
