"""The steps of a review, one function each.  Each is one transaction, or nothing."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from liandong.archive.models import OpeningReview, OpeningState, Verdict
from liandong.base.params import words
from liandong.kernel.flows import StepRefused

from .people import unit_to_ask
from .settling import day_of
from .taking import Choice, complete, take

_OF_VERDICT: Final = {  # names of the two ways to open, by verdict
    Verdict.OPEN: ("open", "restore_open"),
    Verdict.MASKED: ("open_masked", "restore_masked"),
}


# Deciding -----------------------------------------------------------------------------------------


def decide(review_id: int, choice: Choice, *, by: str, now: datetime) -> OpeningReview:
    """Say open, masked or delay: as first review, opinion, second review or final decision.

    Which of them, the state of the review says.  Raises OpeningReview.DoesNotExist and StepRefused:
    wrong-state, wrong-role, missing-evidence, same-person, not-examined, personal-data,
    no-personal-data, no-such-ground.
    """
    review = OpeningReview.objects.select_related("record").get(pk=review_id)
    said = complete(review, choice)
    return take(review, step_of(review, said.verdict), said, by=by, now=now)


def step_of(review: OpeningReview, verdict: str) -> str:
    """The step that says this verdict in the state of the review; raises StepRefused."""
    match review.state:
        case OpeningState.FIRST_REVIEW:
            return "first_ask" if unit_to_ask(review.record.unit) else "first_alone"
        case OpeningState.UNIT_OPINION:
            return "answer"
        case OpeningState.RE_REVIEW:
            return "second"
        case OpeningState.FINAL:
            return _OF_VERDICT[Verdict(verdict)][0] if verdict in _OF_VERDICT else "delay"
    raise StepRefused("decide", "wrong-state", review.state)


# The other steps ----------------------------------------------------------------------------------


def record_consent(review_id: int, number: str, *, by: str, now: datetime) -> OpeningReview:
    """The archives authority consents to a delay, under this number: deferred.

    Source: 档案法实施条例 (2024) art. 31.  Raises StepRefused.
    """
    return _step(review_id, "consent", by=by, now=now, given={"consent_number": number})


def refuse_consent(review_id: int, reason: str, *, by: str, now: datetime) -> OpeningReview:
    """The archives authority does not consent: the final decision is to be made again."""
    return _step(review_id, "refuse_consent", reason, by=by, now=now)


def send_back(review_id: int, reason: str, *, by: str, now: datetime) -> OpeningReview:
    """Back to the first review, as if nothing had been said; the decisions stay readable."""
    return _step(review_id, "send_back", reason, by=by, now=now)


def drop(review_id: int, reason: str, *, by: str, now: datetime) -> OpeningReview:
    """Take a record off the plan; it stands on the due list again."""
    return _step(review_id, "drop", reason, by=by, now=now)


def withdraw(review_id: int, reason: str, *, by: str, now: datetime) -> OpeningReview:
    """Close a wrongly opened record at once; a second person confirms or restores afterwards."""
    return _step(review_id, "withdraw", reason, by=by, now=now)


def confirm_withdrawal(review_id: int, *, by: str, now: datetime) -> OpeningReview:
    """A second person agrees that the record stays closed; it is due for review again."""
    return _step(review_id, "confirm", by=by, now=now)


def restore(review_id: int, reason: str, *, by: str, now: datetime) -> OpeningReview:
    """A second person finds that the record was rightly open."""
    review = OpeningReview.objects.get(pk=review_id)
    if review.verdict not in _OF_VERDICT:
        raise StepRefused("restore", "wrong-state", review.state)
    return _step(review_id, _OF_VERDICT[Verdict(review.verdict)][1], reason, by=by, now=now)


def lapse_overdue(*, now: datetime, limit: int = 500) -> int:
    """Go on without the unit where its time is over; its silence is noted, never a consent."""
    late = OpeningReview.objects.filter(
        state=OpeningState.UNIT_OPINION, answer_until__lt=day_of(now)
    )
    ids = list(late.order_by("pk").values_list("pk", flat=True)[:limit])
    for review_id in ids:
        _step(review_id, "lapse", by="system", now=now)
    return len(ids)


def _step(
    review_id: int,
    step: str,
    reason: str = "",
    *,
    by: str,
    now: datetime,
    given: Mapping[str, str] | None = None,
) -> OpeningReview:
    review = OpeningReview.objects.select_related("record").get(pk=review_id)
    choice = Choice(reason=words(reason.strip()))
    known = {name: words(text.strip())[:100] for name, text in (given or {}).items()}
    return take(review, step, choice, by=by, now=now, given=known)
