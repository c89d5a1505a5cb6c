"""Many reviews at once: a preview that writes nothing, then one outcome per review."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from liandong.archive.models import OpeningReview
from liandong.kernel.flows import StepRefused

from .steps import decide, step_of
from .taking import Choice, check, complete


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came, or would come, of one review."""

    review: OpeningReview
    verdict: str  # what is said of it
    state: str = ""  # after the step
    refused: StepRefused | None = None


def preview(review_ids: Sequence[int], choice: Choice, *, by: str) -> list[Outcome]:
    """What `decide_many` would do, review by review, in the order given."""

    def try_one(review: OpeningReview) -> str:
        said = complete(review, choice)
        return check(review, step_of(review, said.verdict), said, by=by)

    return _each(review_ids, choice, try_one)


def decide_many(
    review_ids: Sequence[int], choice: Choice, *, by: str, now: datetime
) -> list[Outcome]:
    """Say the same of each review; one that is refused stops no other.  Not one transaction."""

    def do_one(review: OpeningReview) -> str:
        return str(decide(review.pk, choice, by=by, now=now).state)

    return _each(review_ids, choice, do_one)


def _each(
    review_ids: Sequence[int], choice: Choice, act: Callable[[OpeningReview], str]
) -> list[Outcome]:
    reviews = OpeningReview.objects.select_related("record").in_bulk(list(review_ids))
    outcomes = []
    for review_id in dict.fromkeys(review_ids):
        review = reviews.get(review_id)
        if review is None:
            continue
        verdict = complete(review, choice).verdict
        try:
            outcomes.append(Outcome(review, verdict, act(review)))
        except StepRefused as refused:
            outcomes.append(Outcome(review, verdict, refused=refused))
    return outcomes
