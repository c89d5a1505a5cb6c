"""What a settled review does to the record: opened, deferred, recalled.  One transaction with it.

The row of the record changes at once; its bytes follow by a job (`packing`), and by a sweep when
the job was lost.
"""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils import timezone

from liandong.archive.models import OpeningReview, OpeningState, PreservationEvent, Record
from liandong.archive.policies import OPEN
from liandong.archive.services.correcting import (
    object_lock,
    recover,
    write_settled_reviews,
)
from liandong.archive.services.indexing import hide_until_indexed
from liandong.archive.services.jobs import INDEX_STALE, PACK_OPENING, enqueue_after_commit
from liandong.archive.services.packing import TOOL
from liandong.base.audit import record_act
from liandong.kernel.opening import NEVER, add_years

OPENED_WORD, CLOSED_WORD, DEFERRED_WORD = "开放", "控制", "延期开放"  # 开放标识, DA/T 18-2022
ACTS = {
    OpeningState.OPENED: "open_record",
    OpeningState.PARTLY: "open_record",
    OpeningState.DEFERRED: "defer_record",
    OpeningState.WITHDRAWN: "withdraw_opening",
    OpeningState.RECALLED: "confirm_withdrawal",
}


def day_of(now: datetime) -> int:
    """The day in Asia/Shanghai as YYYYMMDD."""
    return int(timezone.localtime(now).strftime("%Y%m%d"))


def settle(review: OpeningReview, *, by: str, now: datetime, why: str) -> None:
    """Carry a review that has just reached a settled state into its record.

    Sets columns of `review` without saving it.  In the caller's transaction, under `object_lock`.
    """
    record = Record.objects.select_for_update().get(pk=review.record_id)
    match review.state:
        case OpeningState.OPENED | OpeningState.PARTLY:
            _open(review, record, now)
        case OpeningState.DEFERRED:
            _defer(review, record, now)
        case OpeningState.WITHDRAWN:
            _close(record, review.closed_level)
            hide_until_indexed([record.pk])
        case OpeningState.RECALLED:
            record.awaits_opening = True
    review.settled_at, review.packed = now, False
    record.indexed_version = 0
    record.save(update_fields=[
        "level", "open_from", "open_due", "awaits_opening", "description", "indexed_version",
    ])  # fmt: skip
    _note(review, record, by, now, why)


def _open(review: OpeningReview, record: Record, now: datetime) -> None:
    """Open from today, and not before the closed period is over."""
    if record.level != OPEN:
        review.closed_level = record.level
    today = day_of(now)
    review.open_from = max(today, review.due) if review.due != NEVER else today
    record.level, record.open_from, record.awaits_opening = OPEN, review.open_from, False
    _say(record, OPENED_WORD)


def _defer(review: OpeningReview, record: Record, now: datetime) -> None:
    """Closed until the next review; the record comes back to the due list on that day."""
    review.deferred_until = add_years(day_of(now), settings.DEFERRAL_REVIEW_YEARS)
    record.open_due, record.awaits_opening = review.deferred_until, True
    _say(record, DEFERRED_WORD)


def _close(record: Record, level: int) -> None:
    record.level, record.open_from = level, NEVER
    _say(record, CLOSED_WORD)


def _say(record: Record, word: str) -> None:
    record.description = {**record.description, "opening_status": word}


def _note(review: OpeningReview, record: Record, by: str, now: datetime, why: str) -> None:
    """The PREMIS event and the audit row, and the jobs that follow."""
    detail: dict[str, Any] = {
        "what": "opening", "state": str(review.state), "round": review.round,
        "rules": review.rules,
    }  # fmt: skip
    if review.ground:
        detail["ground"] = review.ground
    PreservationEvent.objects.create(
        record=record, kind="appraisal", at=now, by=by, tool=TOOL, outcome="success", detail=detail
    )
    facts: dict[str, str | int] = {"state": str(review.state), "review": review.pk}
    record_act(
        ACTS[OpeningState(review.state)],
        by=by, now=now, object=f"record:{record.code}", why=why, facts=facts,
    )  # fmt: skip
    enqueue_after_commit(PACK_OPENING, record.pk)
    enqueue_after_commit(INDEX_STALE)


def pack_opening(record: Record, *, now: datetime) -> Record:
    """Write settled reviews that are not in the object yet as its next version.

    Without such reviews nothing is written.  Raises BrokenObject, OSError.
    """
    with object_lock(record.object_id):
        return write_settled_reviews(recover(record))


def pack_waiting(*, now: datetime, limit: int = 500) -> int:
    """Write every settled review whose job was lost; how many records."""
    waiting = OpeningReview.objects.filter(packed=False).order_by("pk")
    ids = list(dict.fromkeys(waiting.values_list("record", flat=True)[:limit]))
    for record in Record.objects.filter(pk__in=ids).order_by("pk"):
        pack_opening(record, now=now)
    return len(ids)
