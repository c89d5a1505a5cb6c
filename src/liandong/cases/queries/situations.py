"""What a case is at this moment, in the plain facts that policies and guards ask for."""

from collections.abc import Iterable, Mapping
from datetime import datetime, time
from typing import Final

from django.utils import timezone
from django.utils.dateparse import parse_date

from liandong.cases.flow import REQUESTER, SYSTEM, Situation
from liandong.cases.models import Case, CaseEvent
from liandong.cases.policies import Bearer, Standing
from liandong.kernel.casework import STATE

_WORKING: Final = frozenset({"lead_unit", "assisting_unit"})
_HANDS_IN: Final = frozenset({"hand_in", "solve_on_site"})


def standing_of(case: Case) -> Standing:
    """The facts that decide what a person is to the case; one that is not saved has no helpers."""
    return Standing(
        kind=case.kind_of,
        requester=case.requested_by,
        enterprise=case.firm,
        lead_unit=case.lead,
        desk_unit=case.desk_unit.code if case.desk_unit else "",
        assisting=open_assists(case) if case.pk else frozenset(),
        chambers=case.chambers,
        overseers=case.overseers if case.kind_of.circle and case.pk else frozenset(),
    )


def open_assists(case: Case) -> frozenset[str]:
    """Codes of the units whose sub-task waits for an answer."""
    rows = case.subtasks.filter(answered_at__isnull=True)
    return frozenset(rows.values_list("unit__code", flat=True))


def situation_of(
    case: Case, bearer: Bearer, said: Mapping[str, str], *, now: datetime
) -> Situation:
    """Everything that guards may know; reads the events of the case once."""
    events = list(case.events.order_by("number"))
    this_round = [one for one in events if one.round == case.round]
    standing, viewer = standing_of(case), bearer.viewer
    waiting = case.escalations.filter(answered_at__isnull=True)
    parent = _parent(case, said.get("parent", ""))
    return Situation(
        kind=standing.kind, state=case.state, round=case.round, now=now, said=said,
        person=_person(bearer), unit=viewer.unit, ledger=case.ledger, asked_from=case.asked_from,
        requester=standing.requester, lead_unit=standing.lead_unit,
        assisting=frozenset(case.subtasks.values_list("unit__code", flat=True)),
        open_assists=standing.assisting,
        open_escalations=frozenset(waiting.values_list("unit__code", flat=True)),
        workers=workers_of(events), work_units=_work_units(events),
        objections=_count(this_round, "object"),
        is_adjudicated=_count(this_round, "adjudicate") > 0,
        disputes=_count(events, "dispute"),
        is_handed_in=any(one.action in _HANDS_IN for one in this_round),
        is_passed=_count(this_round, "pass") > 0,
        is_urged=_count(this_round, "urge") > 0, warned_at=warned_at(events),
        score=case.score, dues=case.running, handle_by=case.handle_by,
        parent_state=parent.state if parent else "",
        is_own_parent=parent is not None and parent.pk == case.pk,
        until=end_of_day(said.get("until", "")),
    )  # fmt: skip


def _person(bearer: Bearer) -> str:
    if bearer.is_system:
        return SYSTEM
    return bearer.viewer.name or REQUESTER


def _count(events: Iterable[CaseEvent], action: str) -> int:
    return sum(one.axis == STATE and one.action == action for one in events)


def warned_at(events: Iterable[CaseEvent]) -> datetime | None:
    """When the requester was told that the last question will lapse; None before it."""
    at = None
    for one in events:
        if one.action in {"ask", "remind_answer"}:
            at = one.at if one.action == "remind_answer" else None
    return at


def workers_of(events: Iterable[CaseEvent]) -> frozenset[str]:
    """Persons who worked on the matter itself, in any round; none of them inspects it."""
    return frozenset(
        one.by for one in events if one.role in _WORKING or one.action == "solve_on_site"
    )


def _work_units(events: Iterable[CaseEvent]) -> frozenset[str]:
    units: set[str] = set()
    for one in events:
        units.add(str(one.sets.get("lead_unit", "")))
        if one.role in _WORKING or one.action == "solve_on_site":
            units.add(one.unit)
    return frozenset(units - {""})


def _parent(case: Case, number: str) -> Case | None:
    return case_by_number(number) if number else None


def case_by_number(number: str) -> Case | None:
    """The case of this number, whoever asks; None when there is none."""
    day, _dash, digits = number.partition("-")
    if not digits.isascii() or not digits.isdigit() or len(digits) > 18:
        return None
    case = Case.objects.filter(pk=int(digits)).first()
    return case if case is not None and case.number == f"{day}-{digits}" else None


def end_of_day(text: str) -> datetime | None:
    """The last moment of a day YYYY-MM-DD in the city; None for what is no day."""
    try:
        day = parse_date(text) if text else None
    except ValueError:
        return None
    if day is None:
        return None
    return timezone.make_aware(datetime.combine(day, time(23, 59, 59)))
