"""When a guard of the flow table is true, told from plain facts of a case at one moment.

The table itself is catalogue data (`kernel.casework`).  A guard that this module does not know
fails the start of every step that names it, and a test compares both lists.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from liandong.kernel.casework import ON_LEDGER, OVER, Kind

SYSTEM: Final = "system"
REQUESTER: Final = "requester"  # whoever holds the token of a case and no account
CONTENT_AT: Final = 3  # a score from here on says that the requester confirms
WARNED: Final = timedelta(days=1)  # the least between the notice of a lapse and the lapse


@dataclass(frozen=True, slots=True)
class Situation:
    """What guards may know: the case, its history in short, who acts and what is handed in."""

    kind: Kind
    state: str
    round: int
    now: datetime
    person: str  # account name, REQUESTER or SYSTEM
    unit: str  # code of the unit of the person
    said: Mapping[str, str] = field(default_factory=dict)
    ledger: str = "none"
    asked_from: str = ""
    requester: str = ""
    lead_unit: str = ""
    assisting: frozenset[str] = frozenset()  # units asked for assistance, in any round
    open_assists: frozenset[str] = frozenset()
    open_escalations: frozenset[str] = frozenset()  # units that owe an answer
    workers: frozenset[str] = frozenset()  # persons who worked on the matter, in any round
    work_units: frozenset[str] = frozenset()  # their units then, and the lead units
    objections: int = 0  # of this round
    is_adjudicated: bool = False  # in this round: the dispatch is final
    disputes: int = 0
    is_handed_in: bool = False  # in this round
    is_passed: bool = False  # in this round
    is_urged: bool = False  # in this round
    warned_at: datetime | None = None  # that the open question will lapse
    score: int | None = None  # of this round
    dues: Mapping[str, datetime] = field(default_factory=dict)  # of the clocks that run now
    handle_by: datetime | None = None  # T5 of this round, running or not
    parent_state: str = ""  # of the case that `said["parent"]` names; "" when there is none
    is_own_parent: bool = False
    until: datetime | None = None  # end of the day that `said["until"]` names


def _is_over_at(due: datetime | None, now: datetime) -> bool:
    return due is not None and due < now


def is_independent(one: Situation) -> bool:
    """Whether this person may inspect: another person and another unit than all who worked on it.

    A person without a unit is of no other unit, and inspects nothing.
    """
    own = {one.lead_unit, *one.assisting, *one.work_units}
    return bool(one.unit) and one.unit not in own and one.person not in one.workers


def _approves_for_another(one: Situation) -> bool:
    return one.unit != one.lead_unit and one.person not in one.workers


def _may_object(one: Situation) -> bool:
    is_late = _is_over_at(one.dues.get("T4"), one.now)
    return one.objections == 0 and not one.is_adjudicated and not is_late


GUARDS: Final[Mapping[str, Callable[[Situation], bool]]] = {
    "verification_on": lambda one: one.kind.is_verified,
    "verification_off": lambda one: not one.kind.is_verified,
    "asked_from_submitted": lambda one: one.asked_from == "submitted",
    "asked_from_verifying": lambda one: one.asked_from == "verifying",
    "asked_from_in_progress": lambda one: one.asked_from == "in_progress",
    "question_expired": lambda one: _is_over_at(one.dues.get("TQ"), one.now),
    "parent_open": lambda one: (
        not one.is_own_parent and one.parent_state not in {"", *OVER, "reopen_review"}
    ),
    "verifier_not_reporter": lambda one: one.person not in {one.requester, REQUESTER},
    "may_object": _may_object,
    "not_lead": lambda one: one.said.get("unit", "") not in {one.lead_unit, *one.open_assists},
    "assist_open": lambda one: one.unit in one.open_assists,
    "approver_other_unit": _approves_for_another,
    "later_than_due": lambda one: (
        one.until is not None and one.handle_by is not None and one.now <= one.handle_by < one.until
    ),
    "assists_answered": lambda one: not one.open_assists,
    "inspector_independent": is_independent,
    "feedback_over": lambda one: _is_over_at(one.dues.get("T10"), one.now),
    "first_dispute": lambda one: one.disputes == 0,
    "ledger_kept": lambda one: one.kind.ledger != "none",
    "handed_in": lambda one: one.is_handed_in,
    "inspection_passed": lambda one: one.is_passed,
    "requester_confirmed": lambda one: one.score is not None and one.score >= CONTENT_AT,
    "case_over": lambda one: one.state in OVER,
    "case_open": lambda one: one.state not in OVER,
    "escalation_open": lambda one: one.unit in one.open_escalations,
    "overdue": lambda one: _is_over_at(one.handle_by, one.now),
    "not_urged": lambda one: not one.is_urged,
    "not_warned": lambda one: one.warned_at is None,
    "requester_warned": lambda one: one.warned_at is not None and one.warned_at + WARNED <= one.now,
    "on_ledger": lambda one: one.ledger in ON_LEDGER,
    "cleared": lambda one: one.ledger == "cleared",
}


def true_guards(one: Situation) -> frozenset[str]:
    """Names of the guards that hold."""
    return frozenset(name for name, holds in GUARDS.items() if holds(one))
