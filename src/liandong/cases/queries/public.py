"""Cases that anybody may know of: kinds that are open by the catalogue, and nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet

from liandong.cases.models import Case, CaseEvent, Evidence
from liandong.kernel import catalog
from liandong.kernel.casework import STATE, kinds

from .situations import case_by_number

MOST = 1000  # rows of one answer, GeoReport v2
_CLOSED = {
    row["code"]
    for row in catalog.rows("case_states")
    if row["axis"] == STATE and row["open311_status"] == "closed"
}


@dataclass(frozen=True, slots=True)
class Asked:
    """Conditions of a list: empty means none."""

    since: datetime  # submitted
    until: datetime
    codes: Sequence[str] = ()
    status: frozenset[str] = frozenset()  # open, closed
    changed_since: datetime | None = None
    changed_until: datetime | None = None


def public_cases() -> QuerySet[Case]:
    """Every case of a public kind, the newest first."""
    open_kinds = [one.code for one in kinds().values() if one.open311]
    return Case.objects.filter(kind__in=open_kinds).select_related("lead_unit").order_by("-pk")


def public_case(number: str) -> Case | None:
    """The public case of this number, or None."""
    case = case_by_number(number)
    return public_cases().filter(pk=case.pk).first() if case else None


def public_list(asked: Asked) -> QuerySet[Case]:
    """Public cases by the conditions."""
    rows = public_cases().filter(submitted_at__gte=asked.since, submitted_at__lte=asked.until)
    if asked.codes:
        rows = rows.filter(category__in=asked.codes)
    if asked.changed_since:
        rows = rows.filter(changed_at__gte=asked.changed_since)
    if asked.changed_until:
        rows = rows.filter(changed_at__lte=asked.changed_until)
    if len(asked.status) == 1:
        closed = Q(state__in=sorted(_CLOSED))
        rows = rows.filter(closed if asked.status == {"closed"} else ~closed)
    return rows


def public_photo(photo: UUID) -> Evidence | None:
    """A picture of a public case that a person has covered and confirmed, or None."""
    rows = Evidence.objects.filter(uuid=photo, blurred_at__isnull=False, event__isnull=False)
    return rows.filter(case__in=public_cases()).first()


def first_photos(cases: Sequence[Case]) -> dict[int, UUID]:
    """The first such picture of each report that has one, by key of the case."""
    rows = Evidence.objects.filter(case__in=cases, part=Evidence.Part.BEFORE)
    rows = rows.filter(blurred_at__isnull=False, event__isnull=False).order_by("-pk")
    return dict(rows.values_list("case_id", "uuid"))


def public_moves(since: datetime, until: datetime, *, limit: int = MOST) -> list[CaseEvent]:
    """Events that moved a public case to another state, by time."""
    open_kinds = [one.code for one in kinds().values() if one.open311]
    rows = CaseEvent.objects.filter(axis=STATE, case__kind__in=open_kinds)
    rows = rows.filter(at__gte=since, at__lte=until).select_related("case").order_by("at", "pk")
    return [one for one in rows[:limit] if one.before != one.after]
