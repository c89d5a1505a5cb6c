"""What is due for opening review, what waits for whom, what was opened and published.

Lists go by keyset and counts by an index that holds only what awaits a review, so that both stay
quick with a million records.  Counts are of records that the viewer may see.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from django.db.models import Count, F, Q, QuerySet

from liandong.archive.models import (
    IN_FORCE,
    UNDER_WAY,
    Fonds,
    OpeningDecision,
    OpeningPublication,
    OpeningReview,
    OpeningState,
    PersonalHit,
    Record,
    RecordPage,
)
from liandong.archive.policies import may_review
from liandong.base.access import to_q
from liandong.kernel.opening import NEVER, add_years
from liandong.kernel.viewer import Viewer

from .granting import granted, readable
from .sight import as_seen

STRANGER: Final = Viewer()
YEAR: Final = 10_000  # YYYYMMDD // YEAR is the year
SOON_YEARS: Final = 1  # a record is soon due within so many years


@dataclass(frozen=True, slots=True)
class DueCount:
    """How many records of a fonds are due in a year; `year` 0: the day is not known."""

    fonds: str
    title: str
    year: int
    count: int


def _awaiting(viewer: Viewer) -> QuerySet[Record]:
    return granted(may_review(viewer)).filter(awaits_opening=True)


def due_counts(*, viewer: Viewer, today: int) -> list[DueCount]:
    """Records that are due or soon due, or whose day is unknown, by fonds and year.

    One query that an index answers alone, and one for the names of the fonds.
    """
    rows = (
        _awaiting(viewer)
        .filter(Q(open_due__lte=add_years(today, SOON_YEARS)) | Q(open_due=NEVER))
        .order_by()
        .values("fonds", due_year=F("open_due") / YEAR)
        .annotate(count=Count("pk"))
    )
    named = Fonds.objects.in_bulk({row["fonds"] for row in rows})
    found = [
        DueCount(
            named[row["fonds"]].number,
            named[row["fonds"]].title,
            row["due_year"] if row["due_year"] != NEVER // YEAR else 0,
            row["count"],
        )
        for row in rows
    ]
    return sorted(found, key=lambda one: (one.fonds, one.year or NEVER))


def due_records(
    *,
    viewer: Viewer,
    today: int,
    fonds: str = "",
    year: int | None = None,
    after: tuple[int, int] = (0, 0),
    limit: int = 50,
) -> list[Record]:
    """Records that are due or soon due, earliest first; one more than `limit` when there are more.

    `year` 0 asks for those whose day is unknown.  `after` is day and key of the last one shown.
    """
    rows = _awaiting(viewer)
    if year is None:
        rows = rows.filter(open_due__lte=add_years(today, SOON_YEARS))
    elif year == 0:
        rows = rows.filter(open_due=NEVER)
    else:
        rows = rows.filter(open_due__gte=year * YEAR, open_due__lt=(year + 1) * YEAR)
    if fonds:
        rows = rows.filter(fonds__number=fonds)
    day, key = after
    rows = rows.filter(Q(open_due=day, pk__gt=key) | Q(open_due__gt=day), open_due__gte=day)
    return list(rows.select_related("fonds").order_by("open_due", "pk")[: limit + 1])


# Reviews ------------------------------------------------------------------------------------------


def visible_reviews(viewer: Viewer) -> QuerySet[OpeningReview]:
    """Reviews that `viewer` may see: staff within clearance, and clerks of the unit asked."""
    return OpeningReview.objects.filter(_of_staff(viewer) | _of_unit(viewer))


def _of_staff(viewer: Viewer) -> Q:
    return to_q(may_review(viewer), {"level": "record__level"})


def _of_unit(viewer: Viewer) -> Q:
    if viewer.officer or not (viewer.is_clerk and viewer.unit):
        return Q(pk__in=())
    return Q(asked_unit=viewer.unit, record__level__lte=viewer.clearance)


def review_by_id(review_id: int, *, viewer: Viewer) -> OpeningReview | None:
    """The review with its record, or None when there is none or the viewer may not see it."""
    rows = visible_reviews(viewer).select_related("record", "record__fonds", "publication")
    return rows.filter(pk=review_id).first()


def queue(viewer: Viewer) -> QuerySet[OpeningReview]:
    """Reviews that wait for a step of this person, the oldest first."""
    me, wanted = viewer.name, Q(pk__in=())
    other = ~Q(first_by=me) & ~Q(opinion_by=me)
    if viewer.is_archivist:
        wanted |= Q(state=OpeningState.FIRST_REVIEW)
    if viewer.is_archivist or viewer.is_director:
        wanted |= Q(state=OpeningState.RE_REVIEW) & other
        wanted |= Q(state=OpeningState.AUTHORITY_CONSENT)
        wanted |= Q(state=OpeningState.WITHDRAWN) & ~Q(withdrawn_by=me)
    if viewer.is_director:
        wanted |= Q(state=OpeningState.FINAL) & other & ~Q(second_by=me)
    wanted &= _of_staff(viewer)
    answers = Q(state=OpeningState.UNIT_OPINION) & ~Q(first_by=me) & _of_unit(viewer)
    return OpeningReview.objects.filter(wanted | answers).order_by("pk")


def queue_around(review_id: int, *, viewer: Viewer) -> tuple[int | None, int | None]:
    """Keys of the reviews before and after this one in the queue of the viewer."""
    mine = queue(viewer).values_list("pk", flat=True)
    before = mine.filter(pk__lt=review_id).order_by("-pk").first()
    return before, mine.filter(pk__gt=review_id).first()


def reviews(
    *,
    viewer: Viewer,
    state: str = "",
    fonds: str = "",
    year: int = 0,
    mine: bool = False,
    after: int = 0,
    limit: int = 50,
) -> list[OpeningReview]:
    """Reviews by key, after the key `after`; one more than `limit` when there are more."""
    rows = queue(viewer) if mine else visible_reviews(viewer)
    if state:
        rows = rows.filter(state=state)
    if fonds:
        rows = rows.filter(record__fonds__number=fonds)
    if year:
        rows = rows.filter(plan_year=year)
    rows = rows.filter(pk__gt=after).select_related("record", "record__fonds").order_by("pk")
    return list(rows[: limit + 1])


def review_counts(*, viewer: Viewer, year: int = 0) -> dict[str, int]:
    """How many reviews stand in each state."""
    rows = visible_reviews(viewer)
    if year:
        rows = rows.filter(plan_year=year)
    return dict(rows.order_by().values_list("state").annotate(count=Count("pk")))


@dataclass(frozen=True, slots=True)
class PlanRow:
    """How far the plan of a year is with one fonds."""

    fonds: str
    title: str
    under_way: int
    opened: int
    masked: int
    deferred: int
    total: int


def plan_rows(year: int, *, viewer: Viewer) -> list[PlanRow]:
    """The plan of a year by fonds.  One query."""
    rows = (
        visible_reviews(viewer)
        .filter(plan_year=year)
        .exclude(state=OpeningState.DROPPED)
        .order_by()
        .values("record__fonds__number", "record__fonds__title")
        .annotate(
            under_way=Count("pk", filter=Q(state__in=UNDER_WAY)),
            opened=Count("pk", filter=Q(state=OpeningState.OPENED)),
            masked=Count("pk", filter=Q(state=OpeningState.PARTLY)),
            deferred=Count("pk", filter=Q(state=OpeningState.DEFERRED)),
            total=Count("pk"),
        )
        .order_by("record__fonds__number")
    )
    return [
        PlanRow(
            row["record__fonds__number"], row["record__fonds__title"], row["under_way"],
            row["opened"], row["masked"], row["deferred"], row["total"],
        )
        for row in rows
    ]  # fmt: skip


def plan_years(*, viewer: Viewer) -> list[int]:
    """Years that have a plan, newest first."""
    years = visible_reviews(viewer).order_by().values_list("plan_year", flat=True).distinct()
    return sorted(years, reverse=True)


def decisions_of(review: OpeningReview) -> list[OpeningDecision]:
    """Every step of a review that was read under a rule, oldest first."""
    return list(review.decisions.order_by("pk"))


def rounds_before(review: OpeningReview) -> list[OpeningReview]:
    """Earlier reviews of the same record, newest first."""
    rows = OpeningReview.objects.filter(record=review.record_id, round__lt=review.round)
    return list(rows.order_by("-round"))


def page_in_review(review: OpeningReview, number: int) -> RecordPage | None:
    """One page of the record under review, whole; the review was read under a rule."""
    rows = RecordPage.objects.filter(record=review.record_id, number=number)
    return rows.select_related("record").first()


def pages_in_review(review: OpeningReview, *, limit: int = 2000) -> list[RecordPage]:
    """The pages of the record under review, without text and lines."""
    rows = RecordPage.objects.filter(record=review.record_id).defer("text", "lines")
    return list(rows.order_by("number")[:limit])


def hits_in_review(review: OpeningReview) -> list[PersonalHit]:
    """Personal data found in the record under review, rejected ones too, in order."""
    return list(PersonalHit.objects.filter(record=review.record_id))


# Published ----------------------------------------------------------------------------------------

_AT_ONCE = 500  # records of an export that are in memory


def unpublished(*, today: int) -> QuerySet[OpeningReview]:
    """Reviews in force whose records are open by now and stand in no publication."""
    return OpeningReview.objects.filter(
        state__in=IN_FORCE, publication__isnull=True, open_from__lte=today
    )


def publications(*, limit: int = 100) -> list[OpeningPublication]:
    """Publications of opened records, newest first."""
    return list(OpeningPublication.objects.order_by("-pk")[:limit])


def publication_by_number(number: str) -> OpeningPublication | None:
    """A publication, or None."""
    return OpeningPublication.objects.filter(number=number).first()


def published(
    publication: OpeningPublication, *, today: int, after: str = "", limit: int = 100
) -> list[Record]:
    """Records of a publication as a stranger sees them today, by code, after the code `after`.

    One more than `limit` when there are more.  What was withdrawn since is gone from it.
    """
    named = OpeningReview.objects.filter(publication=publication).values("record")
    rows = readable(STRANGER, today).filter(pk__in=named, code__gt=after)
    shown = rows.select_related("fonds").order_by("code")[: limit + 1]
    return as_seen(shown, viewer=STRANGER, today=today)


def all_published(publication: OpeningPublication, *, today: int) -> Iterator[Record]:
    """Every record of a publication as a stranger sees it today, by code, for an export."""
    after = ""
    while True:
        rows = published(publication, today=today, after=after, limit=_AT_ONCE)
        yield from rows[:_AT_ONCE]
        if len(rows) <= _AT_ONCE:
            return
        after = rows[_AT_ONCE - 1].code
