"""The steps of a review: who may take which, and what it changes.  Each is one transaction.

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
from liandong.archive.policies import EXAMINED_CLEAN, UNEXAMINED, may_review
from liandong.archive.services.correcting import object_lock
from liandong.base.audit import record_act
from liandong.base.params import words
from liandong.base.viewers import may
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
_OF_VERDICT: Final = {  # names of the two ways to open, by verdict
    Verdict.OPEN: ("open", "restore_open"),
    Verdict.MASKED: ("open_masked", "restore_masked"),
}
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
_CLEARED: Final = {  # columns that a step empties
    "refuse_consent": {"final_by": ""},
    "send_back": {
        "first_by": "", "second_by": "", "final_by": "", "asked_unit": "", "answer_until": 0,
        "opinion": "", "opinion_by": "", "verdict": "", "ground": "", "reason": "",
    },
    "restore_open": {"withdrawn_by": ""},
    "restore_masked": {"withdrawn_by": ""},
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person says.  Without a verdict: agreed with what was said last."""

    verdict: str = ""  # Verdict
    ground: str = ""  # catalog/opening_grounds.csv, for a delay
    reason: str = ""


# Deciding -----------------------------------------------------------------------------------------


def decide(review_id: int, choice: Choice, *, by: str, now: datetime) -> OpeningReview:
    """Say open, masked or delay: as first review, opinion, second review or final decision.

    Which of them, the state of the review says.  Raises OpeningReview.DoesNotExist and StepRefused:
    wrong-state, wrong-role, missing-evidence, same-person, not-examined, personal-data,
    no-personal-data, no-such-ground.
    """
    review = OpeningReview.objects.select_related("record").get(pk=review_id)
    said = complete(review, choice)
    return _take(review, step_of(review, said.verdict), said, by=by, now=now)


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
    return _take(review, step, choice, by=by, now=now, given=known)


# Taking a step ------------------------------------------------------------------------------------


def check(
    review: OpeningReview, step: str, choice: Choice, *, by: str, given: Mapping[str, str] = {}
) -> str:
    """The state after the step; raises StepRefused.  Writes nothing."""
    actor = actor_of(by)
    role = _role(review, step, actor, by)
    evidence = {"verdict": choice.verdict, "ground": choice.ground, "reason": choice.reason, **given}
    named = {name for name, text in evidence.items() if text}
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
    if able and cleared and ("unit" in able or by == "system" or may(may_review(actor), review.record)):
        return sorted(able)[0]
    return ""


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


def _take(
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
    said = {"verdict": choice.verdict, "ground": choice.ground, "reason": choice.reason}
    match step:
        case "first_ask":
            until = add_days(day_of(now), settings.OPENING_OPINION_DAYS)
            unit = unit_to_ask(review.record.unit)
            return {"first_by": by, "asked_unit": unit, "answer_until": until, **said}
        case "first_alone":
            return {"first_by": by, **said}
        case "answer":
            return {"opinion": choice.verdict, "opinion_by": by}
        case "lapse":
            return {"opinion": Opinion.SILENT}
        case "second":
            return {"second_by": by, **said}
        case "open" | "open_masked" | "delay":
            return {"final_by": by, **said}
        case "consent":
            return {"consent_number": given["consent_number"]}
        case "withdraw":
            return {"withdrawn_by": by, "confirmed_by": ""}
        case "confirm":
            return {"confirmed_by": by}
    return dict(_CLEARED.get(step, {}))


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
