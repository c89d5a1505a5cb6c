"""What rules and detectors say of a record of the plan.  It only suggests; a person decides."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.db import transaction

from liandong import __version__
from liandong.archive.models import (
    OpeningDecision,
    OpeningReview,
    OpeningState,
    Record,
    RecordPage,
)
from liandong.archive.policies import UNEXAMINED
from liandong.base.audit import record_act
from liandong.kernel.flows import StepRefused
from liandong.kernel.opening import Proposed, propose, rules_version, version_of
from liandong.kernel.pages import Page

_MOST_KEPT = 60  # suggestions of one record
_DETECTOR_TABLES = ("pii_kinds", "pii_words", "name_characters", "area_codes")


def propose_planned(*, now: datetime, limit: int = 500) -> int:
    """Propose for records of the plan, oldest first; how many.  Each is its own transaction."""
    waiting = OpeningReview.objects.filter(state=OpeningState.PLANNED).order_by("pk")
    ids = list(waiting.values_list("pk", flat=True)[:limit])
    for review_id in ids:
        _propose_one(review_id, step="propose", by="system", now=now)
    return len(ids)


def propose_again(review_id: int, *, by: str, now: datetime) -> OpeningReview:
    """Say anew what rules and detectors say, while the first review has not begun.

    Raises StepRefused when it has.
    """
    return _propose_one(review_id, step="propose_again", by=by, now=now)


@transaction.atomic
def _propose_one(review_id: int, *, step: str, by: str, now: datetime) -> OpeningReview:
    review = OpeningReview.objects.select_for_update().get(pk=review_id)
    before = review.state
    if before not in {OpeningState.PLANNED, OpeningState.FIRST_REVIEW}:
        raise StepRefused(step, "wrong-state", before)
    record = Record.objects.get(pk=review.record_id)
    said = proposal_of(record)
    review.proposed, review.state = said.verdict, OpeningState.FIRST_REVIEW
    review.suggestions = [asdict(one) for one in said.suggestions[:_MOST_KEPT]]
    review.rules, review.detectors = rules_version(), detectors_version()
    review.changed_at = now
    review.save()
    OpeningDecision.objects.create(
        review=review, step=step, before=before, after=review.state, verdict=said.verdict,
        ground=said.ground, at=now, by=by, rules=review.rules, detectors=review.detectors,
    )  # fmt: skip
    if by != "system":
        record_act("review_opening", by=by, now=now, object=f"record:{record.code}",
                   facts={"step": step, "review": review.pk})  # fmt: skip
    return review


def proposal_of(record: Record) -> Proposed:
    """What the rules of now say of a record with the personal data found in it."""
    personal = None if record.personal == UNEXAMINED else record.personal
    return propose(record.description, pages_of_record(record), personal=personal)


def detectors_version() -> str:
    """Version of what looks for personal data: of this product and of the detectors' tables."""
    return version_of(__version__, _DETECTOR_TABLES)


def pages_of_record(record: Record) -> Sequence[Page]:
    """The pages of a record as the kernel reads them, numbered through the record."""
    rows = RecordPage.objects.filter(record=record).order_by("number")
    return [_page(row) for row in rows]


def _page(row: RecordPage) -> Page:
    kept: Mapping[str, Any] = {
        "number": row.number, "width": row.width, "height": row.height, "method": row.method,
        "image": row.image, "dpi": row.dpi, "measures": {}, "lines": row.lines,
    }  # fmt: skip
    return Page.from_json(kept)
