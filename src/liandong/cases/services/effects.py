"""What each action changes besides the axis it moves: columns, facts of the event, side rows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.utils import timezone
from django.utils.dateparse import parse_date

from liandong.base.models import Unit
from liandong.cases.flow import Situation
from liandong.cases.models import Case, Escalation, SubTask
from liandong.cases.queries.situations import case_by_number
from liandong.kernel import catalog
from liandong.kernel.casework import EXITS, OVER, SEVERITIES, Move
from liandong.kernel.flows import StepRefused

Said = Mapping[str, str]


@dataclass(slots=True)
class Effect:
    """`sets` are columns of Case.PROJECTED, `facts` go into the event beside them."""

    sets: dict[str, Any] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    round: int = 0  # of the event and of the case from now on; 0: as it is


def of(case: Case, move: Move, one: Situation, said: Said, *, now: datetime) -> Effect:
    """What the move does.  Raises StepRefused (bad-value) for words that name nothing."""
    effect = Effect()
    for need in move.needs:
        if need in _READERS and need in said:
            _READERS[need](move, said[need], effect)
    _keep_in_circle(case, move, effect)
    if make := _EFFECTS.get(move.action):
        make(case, one, effect)
    if move.source == move.target:
        return effect  # what is over was over before
    if move.target in EXITS or move.target == "closed":
        case.over_at = now
        _set_ends(case, now)
    elif move.axis == "state" and move.target not in OVER:
        case.over_at = case.contact_until = case.originals_until = None
    return effect


def _set_ends(case: Case, now: datetime) -> None:
    """Until when contact data and photos as sent are kept, from the day on which it is over."""
    day = timezone.localtime(now).date()
    if case.contact is not None:
        case.contact_until = day + timedelta(days=settings.CASE_CONTACT_DAYS)
    if case.evidence.exists():
        case.originals_until = day + timedelta(days=case.kind_of.original_days)


# Words that name something ------------------------------------------------------------------------


def _bad(move: Move, need: str, text: str) -> StepRefused:
    return StepRefused(move.action, "bad-value", f"{need} {text[:60]}")


def _keep_in_circle(case: Case, move: Move, effect: Effect) -> None:
    """What belongs to supervision goes to a unit that was given it, never to the one concerned."""
    if not case.kind_of.circle:
        return
    for need, named in (("lead_unit", effect.sets), ("unit", effect.facts)):
        if need in named and named[need] not in case.overseers:
            raise _bad(move, need, str(named[need]))


def _read_category(move: Move, text: str, effect: Effect) -> None:
    if not any(row["local_code"] == text for row in catalog.rows("problem_categories")):
        raise _bad(move, "category", text)
    effect.sets["category"] = text


def _read_severity(move: Move, text: str, effect: Effect) -> None:
    if text not in SEVERITIES:
        raise _bad(move, "severity", text)
    effect.sets["severity"] = text


def _read_lead(move: Move, text: str, effect: Effect) -> None:
    if not Unit.objects.filter(code=text, closed_at__isnull=True).exists():
        raise _bad(move, "lead_unit", text)
    effect.sets["lead_unit"] = text


def _read_unit(move: Move, text: str, effect: Effect) -> None:
    if not Unit.objects.filter(code=text, closed_at__isnull=True).exists():
        raise _bad(move, "unit", text)
    effect.facts["unit"] = text


def _read_outcome(move: Move, text: str, effect: Effect) -> None:
    row = catalog.by_key("case_outcomes", "code").get(text)
    if row is None or row["set_in"] != "handled":
        raise _bad(move, "outcome", text)
    effect.sets["outcome"] = text


def _read_score(move: Move, text: str, effect: Effect) -> None:
    if text not in {"1", "2", "3", "4", "5"}:
        raise _bad(move, "score", text)
    effect.facts["score"] = int(text)


def _read_day(move: Move, text: str, effect: Effect) -> None:
    try:
        day = parse_date(text)
    except ValueError:
        day = None
    if day is None:
        raise _bad(move, "until", text)
    effect.facts["until"] = day.isoformat()


def _read_parent(move: Move, text: str, effect: Effect) -> None:
    parent = case_by_number(text)
    if parent is None:
        raise _bad(move, "parent", text)
    effect.sets["parent"] = str(parent.uuid)


def _reader_of_reason(need: str, action: str) -> Callable[[Move, str, Effect], None]:
    def read(move: Move, text: str, effect: Effect) -> None:
        rows = catalog.rows("case_reasons")
        if not any((row["action"], row["code"]) == (action, text) for row in rows):
            raise _bad(move, need, text)
        effect.facts[need] = text

    return read


def _read_clause(_move: Move, text: str, effect: Effect) -> None:
    effect.facts["clause"] = text[:200]


_READERS: Final[Mapping[str, Callable[[Move, str, Effect], None]]] = {
    "category": _read_category,
    "severity": _read_severity,
    "lead_unit": _read_lead,
    "unit": _read_unit,
    "outcome": _read_outcome,
    "score": _read_score,
    "until": _read_day,
    "parent": _read_parent,
    "clause": _read_clause,
    "reason_class": _reader_of_reason("reason_class", "park"),
    "route": _reader_of_reason("route", "refer"),
    "level": _reader_of_reason("level", "escalate"),
    "no_progress": _reader_of_reason("no_progress", "no_progress"),
}


# Columns by action --------------------------------------------------------------------------------


def _set_outcome(code: str) -> Callable[[Case, Situation, Effect], None]:
    def make(_case: Case, _one: Situation, effect: Effect) -> None:
        effect.sets["outcome"] = code

    return make


def _take_in(_case: Case, one: Situation, effect: Effect) -> None:
    effect.sets["desk_unit"] = one.unit


def _ask(_case: Case, one: Situation, effect: Effect) -> None:
    effect.sets["asked_from"] = one.state


def _answer(_case: Case, _one: Situation, effect: Effect) -> None:
    effect.sets["asked_from"] = ""


def _solve(_case: Case, one: Situation, effect: Effect) -> None:
    effect.sets["lead_unit"] = one.unit


def _next_round(case: Case, _one: Situation, effect: Effect) -> None:
    """A new round: its outcome and score are open again, the old ones stand in the events."""
    effect.round = case.round + 1
    effect.sets["outcome"] = ""
    case.score, case.extended_to = None, None


def _rate(case: Case, _one: Situation, effect: Effect) -> None:
    case.score = effect.facts["score"]


def _file(_case: Case, one: Situation, effect: Effect) -> None:
    """The record that it became; its code comes back with the last event.  `services.filing`."""
    effect.facts["package"] = one.said.get("package", "")
    if code := one.said.get("code", ""):
        effect.sets["code"] = code


def _extend(case: Case, one: Situation, _effect: Effect) -> None:
    case.extended_to = one.until


_EFFECTS: Final[Mapping[str, Callable[[Case, Situation, Effect], None]]] = {
    "accept_for_verification": _take_in,
    "accept": _take_in,
    "ask": _ask,
    "answer": _answer,
    "lapse": _set_outcome("withdrawn"),
    "withdraw": _set_outcome("withdrawn"),
    "merge": _set_outcome("duplicate"),
    "refer": _set_outcome("not_responsible"),
    "not_found": _set_outcome("unfounded"),
    "solve_on_site": _solve,
    "fail": _next_round,
    "accept_reopen": _next_round,
    "rate": _rate,
    "extend": _extend,
    "file": _file,
}


# Side rows ----------------------------------------------------------------------------------------


def write_rows(case: Case, move: Move, said: Said, *, by: str, unit: str, now: datetime) -> None:
    """What waits for an answer because of this step, or has got one."""
    if move.action == "request_assist":
        SubTask.objects.create(
            case=case, unit=Unit.objects.get(code=said["unit"]), round=case.round,
            text=said["text"], asked_at=now, asked_by=by,
        )  # fmt: skip
    elif move.action == "answer_assist":
        rows = case.subtasks.filter(unit__code=unit, answered_at__isnull=True)
        rows.update(answered_at=now, answered_by=by, answer=said["text"])
    elif move.action == "escalate":
        Escalation.objects.create(
            case=case, level=said["level"], unit=Unit.objects.get(code=case.lead),
            text=said["text"], raised_at=now, raised_by=by, due_on=said["until"],
        )  # fmt: skip
    elif move.action == "answer_escalation":
        waiting = case.escalations.filter(unit__code=unit, answered_at__isnull=True)
        waiting.update(answered_at=now, answered_by=by, answer=said["text"])
