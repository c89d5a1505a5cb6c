"""Enterprises as the city knows them: who visited, what was raised, what came of it, one line."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from liandong.base.access import Lookup, to_q
from liandong.base.models import Unit, UnitKind
from liandong.cases.models import Case, Visit, VisitItem, VisitPlan
from liandong.cases.models.mandates import ALL
from liandong.cases.policies import is_visitor, may_see_enterprise
from liandong.kernel.casework import OVER, kinds
from liandong.kernel.viewer import RESTRICTED, Viewer

from .cases import PAGE, visible
from .mandates import mandates_of, members_of

FINANCED = "asked_amount"  # the field by which a service request asks for financing
_LOOKUPS: Mapping[str, Lookup] = {"firm": "code", "chambers": members_of}


def seen_enterprises(viewer: Viewer) -> QuerySet[Unit]:
    """Enterprises whose card `viewer` may see."""
    rows = Unit.objects.filter(to_q(may_see_enterprise(viewer), _LOOKUPS))
    return rows.filter(kind=UnitKind.ENTERPRISE)


def seen_enterprise(code: str, *, viewer: Viewer) -> Unit | None:
    """The enterprise of this code; None when there is none or the viewer may not see its card."""
    return seen_enterprises(viewer).filter(code=code).first()


def listed_enterprises(
    viewer: Viewer, *, words: str = "", after: str = "", unvisited_since: date | None = None
) -> list[Unit]:
    """A page of enterprises and one more, by code after `after`, each with three numbers.

    `visit_count`, `case_count` and `open_count` of what the viewer may see; `last_visit`.
    """
    cases = visible(viewer).filter(enterprise=OuterRef("pk")).order_by().values("enterprise")
    still = cases.exclude(state__in=sorted(OVER))
    visits = Visit.objects.filter(enterprise=OuterRef("pk")).order_by()
    rows = seen_enterprises(viewer).annotate(
        case_count=Coalesce(Subquery(cases.annotate(n=Count("pk")).values("n")), 0),
        open_count=Coalesce(Subquery(still.annotate(n=Count("pk")).values("n")), 0),
        visit_count=Coalesce(
            Subquery(visits.values("enterprise").annotate(n=Count("pk")).values("n")), 0
        ),
        last_visit=Subquery(visits.order_by("-visited_on").values("visited_on")[:1]),
    )
    if words:
        rows = rows.filter(Q(name__icontains=words) | Q(code__icontains=words))
    if unvisited_since:
        rows = rows.filter(Q(last_visit__isnull=True) | Q(last_visit__lt=unvisited_since))
    if after:
        rows = rows.filter(code__gt=after)
    return list(rows.order_by("code")[: PAGE + 1])


@dataclass(frozen=True, slots=True)
class Moment:
    """One entry of the line of time of an enterprise: a visit, or a case that was raised."""

    on: date
    visit: Visit | None = None
    case: Case | None = None
    items: Sequence[VisitItem] = ()


@dataclass(frozen=True, slots=True)
class Financing:
    """What enterprises asked banks for and got, in yuan, and how many requests that is."""

    count: int = 0
    asked: Decimal = Decimal(0)
    granted: Decimal = Decimal(0)
    cases: Sequence[Case] = field(default_factory=list)


def sees_visits(enterprise: Unit, *, viewer: Viewer, today: date) -> bool:
    """Whether the visits stand on the card: not for a chamber whose mandate is for one kind."""
    if is_visitor(viewer) or viewer.unit == enterprise.code:
        return True
    mandates = mandates_of(enterprise, today=today)
    return any(one.chamber.code == viewer.unit and one.scope == ALL for one in mandates)


def visits_of(enterprise: Unit, *, viewer: Viewer, today: date) -> list[Visit]:
    """Visits to an enterprise that may stand on its card, the newest first."""
    if not sees_visits(enterprise, viewer=viewer, today=today):
        return []
    return list(enterprise.visits.select_related("unit").order_by("-visited_on", "-pk")[:PAGE])


def items_of(visit: Visit, *, viewer: Viewer) -> list[VisitItem]:
    """Items of a visit that this person may read.

    Those of employees only the visiting unit and who is cleared for what is restricted; the
    enterprise never.
    """
    rows = visit.items.select_related("case")
    is_ours = is_visitor(viewer) and (
        viewer.unit == visit.unit.code or viewer.clearance >= RESTRICTED
    )
    return list(rows if is_ours else rows.filter(party=VisitItem.Party.ENTERPRISE))


def seen_cases(items: Iterable[VisitItem], *, viewer: Viewer) -> frozenset[int]:
    """Keys of the cases of these items that this person may see."""
    keys = [one.case_id for one in items if one.case_id]
    return frozenset(visible(viewer).filter(pk__in=keys).values_list("pk", flat=True))


def cases_of(enterprise: Unit, *, viewer: Viewer) -> list[Case]:
    """Cases of an enterprise that this person may see, the newest first."""
    rows = visible(viewer).filter(enterprise=enterprise).select_related("lead_unit")
    return list(rows.order_by("-pk")[:PAGE])


def line_of_time(
    visits: Sequence[Visit], cases: Sequence[Case], *, viewer: Viewer
) -> list[Moment]:  # fmt: skip
    """Visits and cases in one line, the newest first."""
    rows = [Moment(one.visited_on, visit=one, items=items_of(one, viewer=viewer)) for one in visits]
    rows += [Moment(one.submitted_at.date(), case=one) for one in cases]
    return sorted(rows, key=lambda one: one.on, reverse=True)


def financing_of(cases: Sequence[Case]) -> Financing:
    """Sums over the cases that ask for financing: a query, never a typed figure."""
    codes = {one.code for one in kinds().values() if FINANCED in {f.code for f in one.fields}}
    rows = [
        one for one in cases
        if one.kind in codes and one.form.get("bank") and one.form.get(FINANCED)
    ]  # fmt: skip
    return Financing(
        count=len(rows), asked=sum((_yuan(one.form.get(FINANCED)) for one in rows), Decimal(0)),
        granted=sum((_yuan(one.form.get("granted_amount")) for one in rows), Decimal(0)),
        cases=rows,
    )  # fmt: skip


def _yuan(text: str | None) -> Decimal:
    try:
        found = Decimal(text or "0")
    except InvalidOperation:
        return Decimal(0)
    return found if found.is_finite() else Decimal(0)


def plans_of(enterprise: Unit, *, today: date) -> list[VisitPlan]:
    """Plans of all units for an enterprise that are not over."""
    rows = enterprise.planned_visits.filter(ends_on__gte=today).select_related("unit")
    return list(rows.order_by("starts_on"))
