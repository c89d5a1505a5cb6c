"""The one way a case moves: lock, ask the flow, write row and event together, or nothing.

A refused step leaves no row but one in the audit, which says who was refused and why.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from liandong.archive.services.jobs import enqueue_after_commit
from liandong.base.audit import record_act
from liandong.base.models import Outcome, Unit
from liandong.base.viewers import may
from liandong.cases.flow import REQUESTER, SYSTEM, Situation, true_guards
from liandong.cases.models import Case, CaseEvent, CaseWords, Evidence
from liandong.cases.policies import Bearer, may_see, standings
from liandong.cases.queries.mandates import on_behalf
from liandong.cases.queries.situations import situation_of, standing_of
from liandong.cases.queries.ties import tie_to
from liandong.kernel.case_events import event_hash, payload_digest
from liandong.kernel.casework import LEDGER, RECORD, STATE, Move, flow_of
from liandong.kernel.flows import StepRefused

from . import effects
from .timing import set_clocks

SYSTEM_BEARER = Bearer(is_system=True)
FILE = "liandong.cases.tasks.file_case"  # what is over becomes a record


class Stale(Exception):
    """Somebody else acted on the case since `seen`; nothing was written."""

    def __init__(self, case: Case, seen: int) -> None:
        super().__init__(f"{case.pk}: {case.last}, not {seen}")
        self.case = case
        self.seen = seen


@dataclass(frozen=True, slots=True)
class Given:
    """What is handed in with a step: words by code of need, evidence sent ahead, and ids that
    another system gave it (`facts`, no words of people)."""

    said: Mapping[str, str] = field(default_factory=dict)
    evidence: Sequence[UUID] = ()
    facts: Mapping[str, str] = field(default_factory=dict)


def take_step(
    case_id: int, action: str, *, by: Bearer, now: datetime, given: Given | None = None,
    seen: int | None = None, axis: str = STATE,
) -> Case:  # fmt: skip
    """Take a step and everything that follows by itself; the case as it stands afterwards.

    `seen` is the version (number of the last event) that whoever acts has looked at.  Raises
    Case.DoesNotExist, Stale, KeyError for an unknown action, and StepRefused.
    """
    given = given or Given()
    try:
        with transaction.atomic():
            case = locked(case_id)
            if seen is not None and seen != case.last:
                raise Stale(case, seen)
            move = _take(case, axis, action, by=by, now=now, given=given)
            _follow(case, move, now=now)
            set_clocks(case, now=now)
            case.save()
    except StepRefused as refused:
        case = Case.objects.get(pk=case_id)
        record_act(
            "case_step", by=_name(by), now=now, object=f"case:{case.number}",
            outcome=Outcome.REFUSED,
            why=f"{action}: {refused.reason} {refused.detail}".strip()[:500],
        )  # fmt: skip
        raise
    return case


def locked(case_id: int) -> Case:
    """The row, locked until the transaction ends.  Raises Case.DoesNotExist."""
    rows = Case.objects.select_for_update(of=("self",))
    related = rows.select_related("requester", "enterprise", "lead_unit", "desk_unit", "parent")
    return related.get(pk=case_id)


@dataclass(frozen=True, slots=True)
class _Allowed:
    """A step that may be taken, with everything that writing it needs."""

    move: Move
    role: str
    said: Mapping[str, str]
    effect: effects.Effect
    attached: Sequence[Evidence]


def check_step(
    case: Case, action: str, *, by: Bearer, now: datetime, given: Given, axis: str = STATE
) -> None:
    """Whether the step could be taken now; nothing is written.  Raises what `take_step` raises.

    `case` is a copy that the caller throws away: an effect may have touched it.
    """
    _allowed(case, axis, action, by=by, now=now, given=given)


def _take(
    case: Case, axis: str, action: str, *, by: Bearer, now: datetime, given: Given
) -> Move:  # fmt: skip
    one = _allowed(case, axis, action, by=by, now=now, given=given)
    write_event(
        case, one.move, one.role, by=by, now=now, said=one.said, effect=one.effect,
        attached=one.attached,
    )  # fmt: skip
    return one.move


def _allowed(
    case: Case, axis: str, action: str, *, by: Bearer, now: datetime, given: Given
) -> _Allowed:  # fmt: skip
    said = {name: text.strip() for name, text in given.said.items() if text.strip()}
    situation = situation_of(case, by, said, now=now)
    roles = standings(by, standing_of(case))
    if not (by.is_system or by.holds_token or may(may_see(by.viewer), case)):
        roles = frozenset()
    attached = _attached(case, given.evidence)
    names = set(said)
    if attached or (case.kind_of.proof == "record" and "proof" in said):
        names.add("proof")
    else:
        names.discard("proof")
    if case.lat is not None:
        names.add("place")
    flow = flow_of(case.kind)
    move, role = flow.take(
        axis, action, getattr(case, axis), roles, given=names, held=true_guards(situation)
    )
    said = {name: text for name, text in said.items() if name in {*flow.needs(move), "note"}}
    effect = effects.of(case, move, situation, said, now=now)
    effect.facts |= given.facts
    effect.facts |= on_behalf(case, by.viewer) if role == "reporter" else {}
    if role != "reporter" and tie_to(case, by.viewer.name):
        effect.facts["tie"] = "declared"  # which one stays in the register of ties
    return _Allowed(move, role, said, effect, attached)


def _attached(case: Case, uuids: Sequence[UUID]) -> list[Evidence]:
    """Evidence sent ahead, in the order given; what is of another case or step is not there."""
    rows = {one.uuid: one for one in case.evidence.filter(uuid__in=uuids, event__isnull=True)}
    if missing := [str(one) for one in uuids if one not in rows]:
        raise StepRefused("evidence", "unknown-evidence", " ".join(missing))
    return [rows[one] for one in dict.fromkeys(uuids)]


def write_event(
    case: Case, move: Move, role: str, *, by: Bearer, now: datetime, said: Mapping[str, str],
    effect: effects.Effect, attached: Sequence[Evidence] = (),
) -> None:  # fmt: skip
    """The columns, the event with its hash, its words and what was attached."""
    event = event_of(case, move, role, by=by, now=now, said=said, effect=effect, attached=attached)
    event.save(force_insert=True)
    keep_words(event, said)
    if attached:
        Evidence.objects.filter(pk__in=[one.pk for one in attached]).update(event=event)
    effects.write_rows(case, move, said, by=_name(by), unit=by.viewer.unit, now=now)


def event_of(
    case: Case, move: Move, role: str, *, by: Bearer, now: datetime, said: Mapping[str, str],
    effect: effects.Effect, attached: Sequence[Evidence] = (),
) -> CaseEvent:  # fmt: skip
    """The event with its hash, not saved yet; the case has its columns, and is not saved either."""
    algorithm = settings.AUDIT_DIGEST
    for name, value in effect.sets.items():
        _set(case, name, value)
    before = getattr(case, move.axis)
    setattr(case, move.axis, move.target)
    case.round = effect.round or case.round
    previous = _last_hash(case) if case.last else ""
    cells: dict[str, Any] = {
        "case": str(case.uuid), "number": case.last + 1, "at": at_text(now), "by": _name(by),
        "role": role, "unit": by.viewer.unit, "axis": move.axis, "action": move.action,
        "before": before, "after": move.target, "round": case.round, "sets": dict(effect.sets),
        "facts": dict(effect.facts), "evidence": [one.sha256 for one in attached],
        "payload": payload_digest(said, algorithm), "previous": previous,
    }  # fmt: skip
    event = CaseEvent(**{**cells, "case": case, "at": now}, hash=event_hash(cells, algorithm))
    case.last, case.changed_at = event.number, now
    return event


def keep_words(event: CaseEvent, said: Mapping[str, str]) -> None:
    """What was written, beside the event."""
    if said:
        CaseWords(event=event, said=dict(said)).save(force_insert=True)


def _last_hash(case: Case) -> str:
    return case.events.order_by("-number").values_list("hash", flat=True).first() or ""


def _set(case: Case, name: str, value: Any) -> None:
    if name in {"lead_unit", "desk_unit"}:
        value = Unit.objects.get(code=value) if value else None
    elif name == "parent":
        value = Case.objects.get(uuid=value) if value else None
    setattr(case, name, value)


def at_text(at: datetime) -> str:
    """A moment as hashes cover it: ISO 8601 in UTC with microseconds."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _name(by: Bearer) -> str:
    if by.is_system:
        return SYSTEM
    return by.viewer.name or REQUESTER


# What follows by itself ---------------------------------------------------------------------------

_FOLLOWS: Mapping[str, Sequence[tuple[str, str]]] = {
    "hand_in": ((LEDGER, "propose_clear"), (STATE, "submit_inspection")),
    "solve_on_site": ((STATE, "submit_inspection"),),
    "fail": ((LEDGER, "not_confirmed"),),
    "dispute": ((LEDGER, "not_confirmed"),),
    "accept_reopen": ((LEDGER, "relist"), (RECORD, "case_reopened")),
}


def _follow(case: Case, move: Move, *, now: datetime) -> None:
    """Steps that a step draws after itself, where the axis stands so that they can be taken."""
    if move.axis != STATE:
        return
    for axis, action in (*_FOLLOWS.get(move.action, ()), (RECORD, "case_ended")):
        _take_if_open(case, axis, action, now=now)


def _take_if_open(case: Case, axis: str, action: str, *, now: datetime) -> None:
    situation: Situation = situation_of(case, SYSTEM_BEARER, {}, now=now)
    held = true_guards(situation)
    for move in flow_of(case.kind).leaving(axis, getattr(case, axis)):
        if move.action == action and move.guards <= held:
            effect = effects.of(case, move, situation, {}, now=now)
            write_event(case, move, "system", by=SYSTEM_BEARER, now=now, said={}, effect=effect)
            if action == "case_ended":
                enqueue_after_commit(FILE, case.pk)
            return
