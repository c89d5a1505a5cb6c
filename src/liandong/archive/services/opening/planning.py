"""The plan of a year (年度计划): records whose closed period is over become reviews."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Max, QuerySet

from liandong.archive.models import OpeningDecision, OpeningReview, OpeningState, Record
from liandong.archive.policies import may_review
from liandong.archive.queries.records import granted
from liandong.archive.services.jobs import PROPOSE_OPENING, enqueue_after_commit
from liandong.base.audit import record_act
from liandong.kernel.opening import rules_version

from .people import actor_of

_CHUNK = 500  # records of one transaction


@dataclass(frozen=True, slots=True)
class Planned:
    """What came of planning."""

    added: int  # reviews that are new
    skipped: int  # records in a review already, opened, or not to be seen


def plan_due(year: int, *, fonds: str = "", by: str, now: datetime, limit: int = 10_000) -> Planned:
    """Plan every record that is due by the end of `year`, earliest first, at most `limit`."""
    due = _plannable(by).filter(open_due__lte=year * 10000 + 1231)
    if fonds:
        due = due.filter(fonds__number=fonds)
    ids = list(due.order_by("open_due", "pk").values_list("pk", flat=True)[:limit])
    return plan(ids, year=year, by=by, now=now)


def plan(record_ids: Sequence[int], *, year: int, by: str, now: datetime) -> Planned:
    """Put these records on the plan of a year; those that are under way are left as they are.

    Killed, it goes on when called again: each chunk is one transaction with its audit row.
    """
    added = 0
    for at in range(0, len(record_ids), _CHUNK):
        added += _plan_chunk(record_ids[at : at + _CHUNK], year, by, now)
    return Planned(added, len(set(record_ids)) - added)


@transaction.atomic
def _plan_chunk(record_ids: Sequence[int], year: int, by: str, now: datetime) -> int:
    records = _plannable(by).select_for_update().filter(pk__in=record_ids).order_by("pk")
    chosen = list(records.only("pk", "open_due", "level"))
    if not chosen:
        return 0
    rounds = _last_rounds(chosen)
    reviews = OpeningReview.objects.bulk_create(
        OpeningReview(
            record=record,
            round=rounds.get(record.pk, 0) + 1,
            plan_year=year,
            state=OpeningState.PLANNED,
            due=record.open_due,
            closed_level=record.level,
            changed_at=now,
        )
        for record in chosen
    )
    OpeningDecision.objects.bulk_create(
        OpeningDecision(
            review=review, step="plan", after=OpeningState.PLANNED, at=now, by=by,
            rules=rules_version(), given={"year": year},
        )
        for review in reviews
    )  # fmt: skip
    Record.objects.filter(pk__in=[record.pk for record in chosen]).update(awaits_opening=False)
    record_act("plan_opening", by=by, now=now, object=f"plan:{year}", facts={"count": len(chosen)})
    enqueue_after_commit(PROPOSE_OPENING)
    return len(chosen)


def _plannable(by: str) -> QuerySet[Record]:
    return granted(may_review(actor_of(by))).filter(awaits_opening=True)


def _last_rounds(records: Iterable[Record]) -> dict[int, int]:
    rows = OpeningReview.objects.filter(record__in=records).values_list("record")
    return dict(rows.annotate(last=Max("round")))
