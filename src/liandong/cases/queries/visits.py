"""Visits and plans: lists, one visit, and how many of the planned ones were made."""

from dataclasses import dataclass
from datetime import date

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from liandong.base.models import Unit, UnitKind
from liandong.cases.models import Case, Visit, VisitItem, VisitPlan
from liandong.cases.policies import is_visitor
from liandong.kernel.viewer import Viewer

from .cases import PAGE


def listed_visits(
    *, unit: str = "", enterprise: str = "", is_open: bool = False, before: int = 0
) -> list[Visit]:
    """A page of visits and one more, the newest entry first, each with `item_count`, `open_items`.

    `is_open`: only those with an item that nobody has settled.
    """
    waiting = Q(items__became=VisitItem.Became.OPEN)
    rows = Visit.objects.select_related("unit", "enterprise").annotate(
        item_count=Count("items"), open_items=Count("items", filter=waiting)
    )
    if unit:
        rows = rows.filter(unit__code=unit)
    if enterprise:
        rows = rows.filter(enterprise__code=enterprise)
    if is_open:
        rows = rows.filter(open_items__gt=0)
    if before:
        rows = rows.filter(pk__lt=before)
    return list(rows.order_by("-pk")[: PAGE + 1])


def visit_by_id(visit_id: int) -> Visit | None:
    """One visit, or None."""
    return Visit.objects.select_related("unit", "enterprise").filter(pk=visit_id).first()


def item_of(visit: Visit, number: int) -> VisitItem | None:
    """The item of this number of a visit, or None."""
    return visit.items.select_related("case").filter(number=number).first()


@dataclass(frozen=True, slots=True)
class Coverage:
    """Of the planned visits, how many were made."""

    planned: int
    made: int

    @property
    def missing(self) -> int:
        """Planned and not made."""
        return self.planned - self.made

    @property
    def percent(self) -> int:
        """In whole percent, rounded down; 0 without plans."""
        return self.made * 100 // self.planned if self.planned else 0


def plans(*, unit: str = "", on: date | None = None) -> QuerySet[VisitPlan]:
    """Plans (of a unit; whose period has the day `on`), each with `is_made`.

    A plan is made by a visit of its unit to its enterprise within its period.
    """
    visits = Visit.objects.filter(
        unit=OuterRef("unit"), enterprise=OuterRef("enterprise"),
        visited_on__gte=OuterRef("starts_on"), visited_on__lte=OuterRef("ends_on"),
    )  # fmt: skip
    rows = VisitPlan.objects.annotate(is_made=Exists(visits)).select_related("unit", "enterprise")
    if unit:
        rows = rows.filter(unit__code=unit)
    if on:
        rows = rows.filter(starts_on__lte=on, ends_on__gte=on)
    return rows.order_by("-starts_on", "enterprise__code")


def coverage(rows: QuerySet[VisitPlan]) -> Coverage:
    """The two counts behind the coverage rate (走访覆盖率), over `plans`."""
    return Coverage(rows.count(), only_made(rows, made=True).count())


def only_made(rows: QuerySet[VisitPlan], *, made: bool) -> QuerySet[VisitPlan]:
    """Of `plans` those that were made, or those that were not."""
    return rows.filter(Q(("is_made", made)))


def plan_choices(*, starts_on: date, ends_on: date, by: str) -> list[tuple[Unit, list[str]]]:
    """Enterprises that may be planned, each with the names of other units that plan then."""
    near = VisitPlan.objects.filter(starts_on__lte=ends_on, ends_on__gte=starts_on)
    others: dict[int, list[str]] = {}
    for plan in near.exclude(unit__code=by).select_related("unit"):
        others.setdefault(plan.enterprise_id, []).append(plan.unit.name)
    rows = Unit.objects.filter(kind=UnitKind.ENTERPRISE, closed_at__isnull=True)
    return [(one, others.get(one.pk, [])) for one in rows]


def visit_behind(case: Case, *, viewer: Viewer) -> Visit | None:
    """The visit on which the matter of a case was noted, to those who visit; else None."""
    if not is_visitor(viewer):
        return None
    item = VisitItem.objects.filter(case=case).select_related("visit__unit").first()
    return item.visit if item else None
