"""Requests about personal information, consents, impact assessments."""

from django.db.models import Q, QuerySet

from liandong.archive.models import (
    ConsentRecord,
    ImpactAssessment,
    RightsRequest,
    RightsState,
    RightsStep,
)
from liandong.kernel.viewer import Viewer

WAITING = (RightsState.RECEIVED, RightsState.IDENTIFIED)


def is_handler(viewer: Viewer) -> bool:
    """Whether this person handles requests or watches over them."""
    return (viewer.is_archivist or viewer.is_director) and not viewer.officer


def visible_requests(viewer: Viewer) -> QuerySet[RightsRequest]:
    """Requests that `viewer` may see: handlers all, everybody else the own."""
    if is_handler(viewer):
        return RightsRequest.objects.all()
    if not viewer.is_signed_in or viewer.officer:
        return RightsRequest.objects.none()
    return RightsRequest.objects.filter(account__username=viewer.name)


def request_by_number(number: str, *, viewer: Viewer) -> RightsRequest | None:
    """The request, or None when there is none or the viewer may not see it."""
    rows = visible_requests(viewer).select_related("account")
    return rows.filter(number=number).first()


def own_requests(viewer: Viewer, *, limit: int = 50) -> list[RightsRequest]:
    """What this person asked online, newest first."""
    if not viewer.is_signed_in:
        return []
    return list(RightsRequest.objects.filter(account__username=viewer.name)[:limit])


def requests_to_handle(
    *, viewer: Viewer, today: int, state: str = "", after: tuple[int, int] = (0, 0), limit: int = 50
) -> list[RightsRequest]:
    """Requests, the first to be answered first: those that wait, or those in one state.

    One more than `limit` when there are more.  `after` is last day and key of the last one shown.
    """
    rows = visible_requests(viewer) if is_handler(viewer) else RightsRequest.objects.none()
    if state == "late":
        rows = rows.filter(state__in=WAITING, answer_until__lt=today)
    else:
        rows = rows.filter(state=state) if state else rows.filter(state__in=WAITING)
    day, key = after
    rows = rows.filter(Q(answer_until=day, pk__gt=key) | Q(answer_until__gt=day))
    return list(rows.order_by("answer_until", "pk")[: limit + 1])


def rights_counts(*, viewer: Viewer, today: int) -> dict[str, int]:
    """How many requests wait and how many of them are late, for handlers."""
    if not is_handler(viewer):
        return {"waiting": 0, "late": 0}
    waiting = RightsRequest.objects.filter(state__in=WAITING)
    return {"waiting": waiting.count(), "late": waiting.filter(answer_until__lt=today).count()}


def steps_of(request: RightsRequest) -> list[RightsStep]:
    """Every step of a request that was read under a rule, oldest first."""
    return list(request.steps.order_by("pk"))


def consents(viewer: Viewer, *, mine: bool, limit: int = 200) -> list[ConsentRecord]:
    """The own consents, or for a handler the register; newest first."""
    rows = ConsentRecord.objects.all()
    if mine or not is_handler(viewer):
        rows = rows.filter(account__username=viewer.name) if viewer.name else rows.none()
    return list(rows[:limit])


def consent_by_id(consent_id: int, *, viewer: Viewer) -> ConsentRecord | None:
    """A consent of this person, or any for a handler."""
    rows = ConsentRecord.objects.all()
    if not is_handler(viewer):
        rows = rows.filter(account__username=viewer.name) if viewer.name else rows.none()
    return rows.filter(pk=consent_id).first()


def assessments(*, limit: int = 200) -> list[ImpactAssessment]:
    """The register of impact assessments, newest first."""
    return list(ImpactAssessment.objects.select_related("replaces")[:limit])


def assessment_by_number(number: str) -> ImpactAssessment | None:
    """One assessment, or None."""
    return ImpactAssessment.objects.select_related("replaces").filter(number=number).first()
