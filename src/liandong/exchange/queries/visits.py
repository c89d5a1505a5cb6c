"""Visits for those who work at the desk."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, QuerySet

from liandong.exchange.models import Visit, VisitState

PAGE = 50
OPEN_STATES = (VisitState.RECEIVED, VisitState.IDENTIFIED, VisitState.PROPOSED, VisitState.APPROVED)


@dataclass(frozen=True, slots=True)
class VisitFilters:
    """Conditions of the list, as they stand in its address; blank ones do not count."""

    state: str = ""  # "open": something is to be done
    delivery: str = ""
    purpose: str = ""
    timely: str = ""  # yes, no
    year: int = 0

    def apply(self, rows: QuerySet[Visit]) -> QuerySet[Visit]:
        """The rows that meet all of them."""
        if self.state:
            states = OPEN_STATES if self.state == "open" else (self.state,)
            rows = rows.filter(state__in=states)
        rows = rows.filter(delivery=self.delivery) if self.delivery else rows
        rows = rows.filter(purpose_kind=self.purpose) if self.purpose else rows
        rows = rows.filter(received_at__year=self.year) if self.year else rows
        if self.timely == "yes":
            return rows.filter(decided_at__isnull=False, decided_at__date__lte=F("due_on"))
        if self.timely == "no":
            return rows.filter(decided_at__date__gt=F("due_on"))
        return rows


def visit_by_number(number: str) -> Visit | None:
    """The visit of this number, for the desk, or None."""
    return Visit.objects.select_related("session").filter(number=number).first()


def listed(filters: VisitFilters, *, before: int = 0, limit: int = PAGE + 1) -> list[Visit]:
    """Visits that meet the filters, newest first."""
    rows = filters.apply(Visit.objects.all())
    if before:
        rows = rows.filter(pk__lt=before)
    return list(rows.order_by("-pk")[:limit])


def open_count() -> int:
    """Visits on which something is to be done."""
    return Visit.objects.filter(state__in=OPEN_STATES).count()


def is_session_live(visit: Visit, *, now: datetime) -> bool:
    """Whether a terminal shows the records of the visit now."""
    grant = visit.session
    return grant is not None and grant.withdrawn_at is None and grant.ends_at > now
