"""Visits for those who work at the desk."""

from datetime import datetime

from django.db.models import QuerySet

from liandong.exchange.models import Visit, VisitState

PAGE = 50
OPEN_STATES = (VisitState.RECEIVED, VisitState.IDENTIFIED, VisitState.PROPOSED, VisitState.APPROVED)


def visit_by_number(number: str) -> Visit | None:
    """The visit of this number, for the desk, or None."""
    return Visit.objects.select_related("session").filter(number=number).first()


def listed(
    *, state: str = "", archive: str = "", before: int = 0, limit: int = PAGE + 1
) -> list[Visit]:
    """Visits, newest first; `state` "open" means: something is to be done."""
    rows: QuerySet[Visit] = Visit.objects.all()
    if state == "open":
        rows = rows.filter(state__in=OPEN_STATES)
    elif state:
        rows = rows.filter(state=state)
    if archive:
        rows = rows.filter(archive=archive)
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
