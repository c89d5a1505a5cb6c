"""What time has brought to a case and nobody has done yet, and when to look at it again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, Q

from liandong.cases.flow import WARNED
from liandong.cases.models import Case, CaseEvent
from liandong.kernel.calendars import Calendar, catalogue_calendar
from liandong.kernel.casework import OVER
from liandong.kernel.escalation import NEARLY_DUE
from liandong.kernel.tending import LAPSE, SILENCE, TOLD, WARN, Duty, duties

from .clocks import clocks_of
from .situations import warned_at


@dataclass(frozen=True, slots=True)
class Plan:
    """The next thing to do now, None for nothing; and when to look again, None for never."""

    duty: Duty | None
    wake_at: datetime | None


def plan_of(case: Case, *, now: datetime) -> Plan:
    """What the system should do about a case now; reads its events and writes nothing."""
    calendar, events = catalogue_calendar(), list(case.events.order_by("number"))
    raised: set[str] = set()  # runs whose next level is known: levels come one after the other
    due: Duty | None = None
    later: list[datetime] = []
    for duty in duties(clocks_of(case, now=now), calendar):
        if _is_done(duty, case, events, now=now):
            continue
        if _is_level(duty):
            if duty.run.code in raised:
                continue
            raised.add(duty.run.code)
        ready = _ready_at(duty, events, calendar, now=now)
        if ready is not None and ready > now:
            later.append(ready)
        elif ready is not None:
            due = due or duty
    return Plan(due, min(later, default=None))


def _is_level(duty: Duty) -> bool:
    return duty.code not in {WARN, LAPSE, SILENCE, *TOLD}


def _is_done(duty: Duty, case: Case, events: Sequence[CaseEvent], *, now: datetime) -> bool:
    if duty.code == WARN:
        return warned_at(events) is not None
    if duty.code in TOLD:
        is_too_late = duty.code == NEARLY_DUE and duty.run.due_at <= now
        return is_too_late or duty.key in case.reminded
    return any(one.facts.get("level") == duty.code for one in _raised(duty, events))


def _raised(duty: Duty, events: Sequence[CaseEvent]) -> list[CaseEvent]:
    """What the system has raised since the clock began; a failed inspection does not begin it."""
    return [
        one for one in events
        if one.action == "escalate" and one.role == "system" and one.at >= duty.run.started_at
    ]  # fmt: skip


def _ready_at(
    duty: Duty, events: Sequence[CaseEvent], calendar: Calendar, *, now: datetime
) -> datetime | None:
    """When it may be done; None: after something else only."""
    if duty.code == LAPSE:
        warned = warned_at(events)
        return max(duty.at, warned + WARNED) if warned else None
    if not duty.waits_for_hours:
        return duty.at
    at = max(duty.at, now)
    if _is_level(duty) and (before := _raised(duty, events)):
        # After a standstill levels catch up, but a unit has a day to answer each.
        day = calendar.local(before[-1].at).date() + timedelta(days=1)
        at = max(at, calendar.midnight(day))
    return calendar.next_open(at)


def to_tend(*, now: datetime, after: int, limit: int, everything: bool = False) -> list[int]:
    """Keys of the cases whose time has come, in order of keys; `everything`: all that are open."""
    is_due = ~Q(state__in=sorted(OVER)) if everything else Q(tend_at__lte=now)
    rows = Case.objects.filter(is_due, pk__gt=after).order_by("pk")
    return list(rows.values_list("pk", flat=True)[:limit])


def to_tell(*, after: int, limit: int) -> list[int]:
    """Keys of the cases with events that nobody was told of, in order of keys."""
    rows = Case.objects.filter(told__lt=F("last"), pk__gt=after).order_by("pk")
    return list(rows.values_list("pk", flat=True)[:limit])
