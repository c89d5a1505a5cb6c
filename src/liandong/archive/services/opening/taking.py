"""How one step of a review is taken: who may, what is asked for, what it changes.

A refused step leaves no row.  Three different persons decide, and nobody decides for the unit.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.db import transaction

from liandong.archive.flow import OPENING_FLOW
from liandong.archive.models import (
    OpeningDecision,
    OpeningReview,
    OpeningState,
    Opinion,
    Record,
    Verdict,
)
from liandong.archive.policies import EXAMINED_CLEAN, UNEXAMINED
from liandong.archive.services.correcting import object_lock
from liandong.base.audit import record_act
from liandong.base.params import words
from liandong.kernel.flows import StepRefused
from liandong.kernel.opening import add_days, grounds, rules_version
from liandong.kernel.viewer import Viewer

from .people import actor_of, roles_in, unit_to_ask
from .settling import day_of, settle

SETTLED: Final = frozenset({
    OpeningState.OPENED, OpeningState.PARTLY, OpeningState.DEFERRED, OpeningState.WITHDRAWN,
    OpeningState.RECALLED,
})  # fmt: skip
UNDOABLE: Final = frozenset({"first_ask", "first_alone", "answer", "second", "delay"})
_OTHERS: Final = {  # whoever takes the step is none of these persons
    "answer": ("first_by",),
    "second": ("first_by", "opinion_by"),
    "open": ("first_by", "second_by", "opinion_by"),
    "open_masked": ("first_by", "second_by", "opinion_by"),
    "delay": ("first_by", "second_by", "opinion_by"),
    "confirm": ("withdrawn_by",),
    "restore_open": ("withdrawn_by",),
    "restore_masked": ("withdrawn_by",),
}
_CLEARED: Final[Mapping[str, Mapping[str, Any]]] = {  # columns that a step empties
    "refuse_consent": {"final_by": ""},
    "send_back": {
        "first_by": "", "second_by": "", "final_by": "", "asked_unit": "", "answer_until": 0,
        "opinion": "", "opinion_by": "", "verdict": "", "ground": "", "reason": "",
    },
    "restore_open": {"withdrawn_by": ""},
    "restore_masked": {"withdrawn_by": ""},
}  # fmt: skip
_NAMES: Final = {  # the column that names whoever took the step
    "first_ask": "first_by", "first_alone": "first_by", "answer": "opinion_by",
    "second": "second_by", "open": "final_by", "open_masked": "final_by", "delay": "final_by",
    "withdraw": "withdrawn_by", "confirm": "confirmed_by",
}  # fmt: skip
_SAYS: Final = frozenset({"first_ask", "first_alone", "second", "open", "open_masked", "delay"})


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person says.  Without a verdict: agreed with what was said last."""

    verdict: str = ""  # Verdict
    ground: str = ""  # catalog/opening_grounds.csv, for a delay
    reason: str = ""


def standing(review: OpeningReview) -> Choice:
    """What was said last: by the rules before the first review, then by a person."""
    if review.state != OpeningState.FIRST_REVIEW:
        return Choice(review.verdict, review.ground, review.reason)
    why = [one for one in review.suggestions if one["effect"] == "delay"]
    ground = why[0]["ground"] if review.proposed == Verdict.DELAY and why else ""
    named = dict.fromkeys(one["what"] for one in why if one["what"])
    return Choice(review.proposed, ground, "、".join(named)[:200])


def complete(review: OpeningReview, choice: Choice) -> Choice:
    """The choice with what an agreement leaves unsaid."""
    before = standing(review)
    said = replace(choice, reason=words(choice.reason.strip()))
    if not said.verdict:
        said = replace(said, verdict=before.verdict)
    if said.verdict == before.verdict and said.verdict == Verdict.DELAY:
        said = replace(
            said, ground=said.ground or before.ground, reason=said.reason or before.reason
        )
    return said if said.verdict == Verdict.DELAY else replace(said, ground="")


# Taking a step ------------------------------------------------------------------------------------


def check(
    review: OpeningReview, step: str, choice: Choice, *, by: str, given: Mapping[str, str] = {}
) -> str:
    """The state after the step; raises StepRefused.  Writes nothing."""
    actor = actor_of(by)
    role = _role(review, step, actor, by)
    said = {"verdict": choice.verdict, "ground": choice.ground, "reason": choice.reason}
    named = {name for name, text in {**said, **given}.items() if text}
    target = OPENING_FLOW.take(step, review.state, role, named)
    if by in {getattr(review, column) for column in _OTHERS.get(step, ())}:
        raise StepRefused(step, "same-person")
    if choice.verdict:
        _check_verdict(review, step, choice)
    return target


def _role(review: OpeningReview, step: str, actor: Viewer, by: str) -> str:
    """A role of the actor that may take the step, "" when none may."""
    able = roles_in(review, actor, by) & OPENING_FLOW.steps[step].roles
    cleared = review.record.level <= actor.clearance
    return min(able) if able and cleared else ""


def _check_verdict(review: OpeningReview, step: str, choice: Choice) -> None:
    """Whether this can be said of this record, and with reasons where they are asked for."""
    if choice.verdict not in Verdict.values:
        raise StepRefused(step, "missing-evidence", "verdict")
    delays = choice.verdict == Verdict.DELAY
    if delays and choice.ground not in grounds():
        raise StepRefused(step, "no-such-ground", choice.ground)
    differs = bool(standing(review).verdict) and choice.verdict != standing(review).verdict
    if (delays or differs) and not choice.reason:
        raise StepRefused(step, "missing-evidence", "reason")
    if step != "answer" and not delays:
        _check_personal(review.record, step, choice.verdict)


def _check_personal(record: Record, step: str, verdict: str) -> None:
    """Nothing opens unexamined; with personal data it opens masked, without it unmasked."""
    if record.personal == UNEXAMINED:
        raise StepRefused(step, "not-examined")
    clean = record.personal == EXAMINED_CLEAN
    if verdict == Verdict.OPEN and not clean:
        raise StepRefused(step, "personal-data")
    if verdict == Verdict.MASKED and clean:
        raise StepRefused(step, "no-personal-data")


def take(
    review: OpeningReview,
    step: str,
    choice: Choice,
    *,
    by: str,
    now: datetime,
    given: Mapping[str, str] | None = None,
) -> OpeningReview:
    """Take one step: check, write review, decision, record and audit row, or none of them."""
    with _lock_for(review, step), transaction.atomic():
        rows = OpeningReview.objects.select_for_update(of=("self",))
        review = rows.select_related("record").get(pk=review.pk)
        before = review.state
        target = check(review, step, choice, by=by, given=given or {})
        changes = _changes(review, step, choice, given or {}, by, now)
        overwrote = {name: getattr(review, name) for name in changes}
        for name, value in changes.items():
            setattr(review, name, value)
        review.state, review.changed_at = target, now
        _carry(review, step, choice, by, now)
        review.save()
        noted: dict[str, Any] = dict(given or {})
        if review.asked_unit and step == "first_ask":
            noted |= {"unit": review.asked_unit, "until": review.answer_until}
        _write_decision(review, step, before, choice, noted, overwrote, by, now)
        return review


def _lock_for(review: OpeningReview, step: str) -> AbstractContextManager[None]:
    """Steps that change the record keep writers of its object away."""
    settles = OPENING_FLOW.steps[step].target in SETTLED
    return object_lock(review.record.object_id) if settles else nullcontext()


def _changes(
    review: OpeningReview,
    step: str,
    choice: Choice,
    given: Mapping[str, str],
    by: str,
    now: datetime,
) -> dict[str, Any]:
    """Columns of the review that the step sets."""
    changes: dict[str, Any] = dict(_CLEARED.get(step, {}))
    if step in _NAMES:
        changes[_NAMES[step]] = by
    if step in _SAYS:
        changes |= {"verdict": choice.verdict, "ground": choice.ground, "reason": choice.reason}
    match step:
        case "first_ask":
            until = add_days(day_of(now), settings.OPENING_OPINION_DAYS)
            changes |= {"asked_unit": unit_to_ask(review.record.unit), "answer_until": until}
        case "answer":
            changes["opinion"] = choice.verdict
        case "lapse":
            changes["opinion"] = Opinion.SILENT
        case "consent":
            changes["consent_number"] = given["consent_number"]
    return changes


def _carry(review: OpeningReview, step: str, choice: Choice, by: str, now: datetime) -> None:
    """What the step does to the record, and the row of the audit."""
    if review.state in SETTLED:
        settle(review, by=by, now=now, why=choice.reason or review.reason)
        return
    if step == "drop":
        Record.objects.filter(pk=review.record_id).update(awaits_opening=True)
    facts: dict[str, str | int] = {"step": step, "review": review.pk, "verdict": choice.verdict}
    record_act(
        "review_opening", by=by, now=now, object=f"record:{review.record.code}",
        why=choice.reason, facts=facts,
    )  # fmt: skip


def _write_decision(
    review: OpeningReview,
    step: str,
    before: str,
    choice: Choice,
    given: Mapping[str, Any],
    overwrote: Mapping[str, Any],
    by: str,
    now: datetime,
) -> None:
    OpeningDecision.objects.create(
        review=review, step=step, before=before, after=review.state, verdict=choice.verdict,
        ground=choice.ground, reason=choice.reason, at=now, by=by, rules=rules_version(),
        detectors=review.detectors, given=dict(given), overwrote=dict(overwrote),
    )  # fmt: skip


# Undoing ------------------------------------------------------------------------------------------


@transaction.atomic
def undo_last(*, by: str, now: datetime) -> OpeningReview | None:
    """Take back the own last step, if nobody has gone on since; the review, or None.

    What opened or closed a record is not undone here: see `withdraw`.
    """
    own = OpeningDecision.objects.filter(by=by).order_by("-pk").first()
    if own is None or own.step not in UNDOABLE:
        return None
    review = OpeningReview.objects.select_for_update().get(pk=own.review_id)
    newest = review.decisions.order_by("-pk").values_list("pk", flat=True).first()
    if newest != own.pk:
        return None
    for name, value in own.overwrote.items():
        setattr(review, name, value)
    review.state, review.changed_at = own.before, now
    review.save()
    _write_decision(review, "undo", own.after, Choice(), {"step": own.step}, {}, by, now)
    record_act("review_opening", by=by, now=now, object=f"record:{review.record.code}",
               facts={"step": "undo", "review": review.pk})  # fmt: skip
    return review
