"""Lists of cases, one case, its timeline, and the steps that are open to a person."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Exists, Model, OuterRef, Q, QuerySet

from liandong.base.access import Lookup, to_q
from liandong.base.models import Account, Role, Unit
from liandong.cases.flow import REQUESTER, SYSTEM, true_guards
from liandong.cases.models import (
    Case,
    CaseEvent,
    DutyClause,
    GridCell,
    SavedView,
    SubTask,
)
from liandong.cases.policies import Bearer, may_see, standings
from liandong.kernel.access import ways
from liandong.kernel.casework import DISCIPLINE, LEDGER, STATE, Move, flow_of, kinds
from liandong.kernel.viewer import Viewer

from .mandates import mandated
from .situations import case_by_number, situation_of, standing_of
from .words import found_by

PAGE = 50


def _assisting(codes: Sequence[str | int]) -> Q:
    return Q(pk__in=SubTask.objects.filter(unit__code__in=codes).values("case"))


def _keyed(column: str, model: type[Model], name: str) -> Callable[[Sequence[str | int]], Q]:
    """A fact of another table, by its keys: the database then reads the index of the column."""

    def where(values: Sequence[str | int]) -> Q:
        keys = list(model._default_manager.filter(**{f"{name}__in": values}).values_list("pk"))
        found = [key for (key,) in keys]
        return Q(**{column: found[0]}) if len(found) == 1 else Q(**{f"{column}__in": found})

    return where


def _overseen(codes: Sequence[str | int]) -> Q:
    through = Case.overseer_units.through
    return Q(pk__in=through._default_manager.filter(unit__code__in=codes).values("case"))


def _in_cells_of(codes: Sequence[str | int]) -> Q:
    return Q(grid__in=GridCell.objects.filter(unit__code__in=codes))


_BY_LEAD = _keyed("lead_unit", Unit, "code")
_BY_REQUESTER = _keyed("requester", Account, "username")
LOOKUPS: Mapping[str, Lookup] = {
    "requested_by": _BY_REQUESTER,
    "firm": _keyed("enterprise", Unit, "code"),
    "lead": _BY_LEAD,
    "grid_unit": _in_cells_of,
    "units": _assisting,
    "chambers": mandated,
    "overseers": _overseen,
}


def visible(viewer: Viewer) -> QuerySet[Case]:
    """Cases that `viewer` may see."""
    return Case.objects.filter(to_q(may_see(viewer), LOOKUPS))


def seen_case(number: str, *, viewer: Viewer) -> Case | None:
    """The case of this number; None when there is none or the viewer may not see it."""
    case = case_by_number(number)
    if case is None or not visible(viewer).filter(pk=case.pk).exists():
        return None
    return case


@dataclass(frozen=True, slots=True)
class Filters:
    """Conditions of the list, as they stand in the address; "" is no condition."""

    state: str = ""
    kind: str = ""
    category: str = ""
    unit: str = ""
    words: str = ""
    late: str = ""  # "1": past the due instant of the clock that runs


def listed(
    filters: Filters, *, viewer: Viewer, now: datetime, before: int = 0
) -> list[Case]:  # fmt: skip
    """Up to a page of cases and one more, the newest first, below the key `before`.

    Each way to be granted is asked for by itself and reads its own index: a clerk with few cases
    among a million does not pay for the others.
    """
    found: set[int] = set()
    asked = meant(filters, now=now, before=before)
    for way in ways(may_see(viewer)):
        rows = Case.objects.filter(to_q(way, LOOKUPS), asked)
        if before:
            rows = rows.filter(pk__lt=before)
        found.update(rows.order_by("-pk").values_list("pk", flat=True)[: PAGE + 1])
    return table_rows(sorted(found, reverse=True)[: PAGE + 1])


def table_rows(keys: Sequence[int]) -> list[Case]:
    """The cases of these keys, in their order, with what a row of a table shows."""
    return _in_order(Case.objects.select_related("lead_unit").only(*_SHOWN), keys)


def whole_rows(keys: Sequence[int]) -> list[Case]:
    """The cases of these keys, in their order, with everything."""
    return _in_order(Case.objects.select_related("lead_unit", "grid"), keys)


def _in_order(rows: QuerySet[Case], keys: Sequence[int]) -> list[Case]:
    by_key = {one.pk: one for one in rows.filter(pk__in=keys).order_by()}
    return [by_key[key] for key in keys if key in by_key]


_SHOWN = (
    "submitted_at", "title", "address", "kind", "category", "state", "due_at", "lead_unit__name",
)  # fmt: skip


def meant(filters: Filters, *, now: datetime, before: int = 0) -> Q:
    """The conditions, for cases below the key `before`."""
    named = ("state", "kind", "category")
    asked = Q(**{name: value for name in named if (value := getattr(filters, name))})
    if filters.unit:
        asked &= _BY_LEAD([filters.unit])
    if filters.late:
        asked &= Q(due_at__lt=now)
    if filters.words:
        asked &= found_by(filters.words, before=before)
    return asked


def lead_units() -> list[Unit]:
    """Units that lead or led a case."""
    led = Exists(Case.objects.filter(lead_unit=OuterRef("pk")))
    return list(Unit.objects.filter(led, closed_at__isnull=True))


def saved_views(account: int | None) -> list[SavedView]:
    """The views that an account (by key) has kept, in the order they were made."""
    return list(SavedView.objects.filter(account=account)) if account else []


# What waits for whom ------------------------------------------------------------------------------


def waiting(viewer: Viewer, *, limit: int = PAGE) -> list[int]:
    """Keys of what this person should act on, the one whose time runs out first on top.

    What a person raised waits for others.  Each state is read by itself, in the order of its index.
    """
    seen = visible(viewer).exclude(_BY_REQUESTER([viewer.name]))
    parts = [seen.filter(one) for one in (*_waits_for(viewer), *_waits_for_supervision(viewer))]
    found: set[tuple[datetime, int]] = set()
    for rows in parts:
        running = rows.filter(due_at__isnull=False).order_by("due_at", "pk")
        first = running.values_list("due_at", "pk")[:limit]
        found.update((due, key) for due, key in first if due is not None)
    keys = [key for _due, key in sorted(found)][:limit]
    rest: set[int] = set()
    for rows in parts if len(keys) < limit else ():
        without = rows.filter(due_at__isnull=True).order_by("pk")
        rest.update(without.values_list("pk", flat=True)[:limit])
    return [*keys, *sorted(rest)][:limit]


def _waits_for(viewer: Viewer) -> list[Q]:
    """One condition for each state in which a case waits for this person."""
    found: list[Q] = []
    unit = viewer.unit
    if Role.DESK in viewer.roles:
        found.append(Q(state="submitted"))
        if unit:
            found.append(Q(state="reopen_review") & ~Q(desk_unit__code=unit))
    if Role.GRID_WORKER in viewer.roles:
        found.append(Q(state="verifying", kind="snap_report"))
    if Role.DISPATCHER in viewer.roles:
        found += (Q(state=state) for state in ("accepted", "returned"))
    if Role.HANDLER in viewer.roles and unit:
        ours = _BY_LEAD([unit])
        found += (ours & Q(state=state) for state in ("dispatched", "in_progress"))
        open_ = SubTask.objects.filter(unit__code=unit, answered_at__isnull=True)
        found.append(Q(pk__in=open_.values("case")))
    if Role.INSPECTOR in viewer.roles and unit:
        found.append(Q(state="inspecting") & ~Q(lead_unit__code=unit))
    if Role.LEADER in viewer.roles:
        found.append(Q(state="parked"))
    return found


_TAKING = ("submitted", "verifying", "accepted", "returned", "reopen_review")


def _waits_for_supervision(viewer: Viewer) -> list[Q]:
    unit = viewer.unit
    if Role.DISCIPLINE not in viewer.roles or not unit:
        return []
    ours = Q(kind__in=[one.code for one in kinds().values() if one.circle == DISCIPLINE])
    taking = Q(state__in=_TAKING)
    handling = Q(state__in=["dispatched", "in_progress"], lead_unit__code=unit)
    inspecting = Q(state="inspecting") & ~Q(lead_unit__code=unit)
    return [ours & (taking | handling | inspecting)]


def inbox(viewer: Viewer, *, limit: int = PAGE) -> list[int]:
    """Keys of what waits at the acceptance desk (受理), the oldest first."""
    rows = visible(viewer).filter(state="submitted").order_by("pk")
    return list(rows.values_list("pk", flat=True)[:limit])


# One case -----------------------------------------------------------------------------------------


def open_moves(case: Case, bearer: Bearer, *, now: datetime) -> list[Move]:
    """Steps that whoever acts may take now, evidence and words aside, in order of the table."""
    roles = standings(bearer, standing_of(case))
    held = true_guards(situation_of(case, bearer, {}, now=now)) | _PERHAPS
    flow = flow_of(case.kind)
    rows = [*flow.leaving(STATE, case.state), *flow.leaving(LEDGER, case.ledger)]
    return [move for move in rows if move.actors & roles and move.guards <= held]


_PERHAPS = frozenset({"parent_open", "not_lead", "later_than_due"})  # depend on what is said


def timeline(case: Case) -> list[dict[str, Any]]:
    """The chain of events with their words and evidence, the newest first."""
    events = case.events.select_related("words").prefetch_related("attached").order_by("-number")
    rows = list(events)
    names = dict(
        Account.objects.filter(username__in={one.by for one in rows}).values_list(
            "username", "full_name"
        )
    )
    units = dict(
        Unit.objects.filter(code__in={one.unit for one in rows}).values_list("code", "name")
    )
    return [{**_told(one, names), "unit": units.get(one.unit, one.unit)} for one in rows]


def _told(event: CaseEvent, names: Mapping[str, str]) -> dict[str, Any]:
    words = getattr(event, "words", None)
    return {
        "event": event,
        "who": names.get(event.by) or ("" if event.by in {REQUESTER, SYSTEM, ""} else event.by),
        "said": dict(words.said) if words and words.erased_at is None else {},
        "is_erased": words is not None and words.erased_at is not None,
        "evidence": list(event.attached.all()),
    }


def duties_for(case: Case) -> list[DutyClause]:
    """Clauses of the duty list that speak for a unit, the most special first.

    A clause for the subclass goes before one for its class, one for the area before one for all.
    """
    if not case.category:
        return []
    codes = [case.category, case.category[:3]]
    rows = DutyClause.objects.filter(category__in=codes, unit__closed_at__isnull=True)
    rows = rows.filter(Q(severity="") | Q(severity=case.severity)).select_related("unit")
    day, area = case.submitted_at.date(), case.grid.code if case.grid else ""
    fitting = [
        one for one in rows
        if area.startswith(one.area)
        and (one.valid_from is None or one.valid_from <= day)
        and (one.valid_until is None or day <= one.valid_until)
    ]  # fmt: skip
    return sorted(fitting, key=lambda one: (len(one.category), len(one.area)), reverse=True)
