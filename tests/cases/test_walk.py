"""Random walks over every kind: they end, none skips inspection, a refused step leaves no row."""

import itertools
import random
from collections.abc import Iterator

import pytest
from django.db import transaction
from tests.cases.build import PEOPLE, cell, opened, people, step

from liandong.base.models import Account
from liandong.cases.models import Case, CaseEvent, CaseWords, Escalation, SubTask
from liandong.cases.services.proving import faults_of
from liandong.kernel.casework import EXITS, STATE, Move, flow_of, kinds
from liandong.kernel.flows import StepRefused

pytestmark = pytest.mark.django_db
EVERYBODY = (*PEOPLE, "requester", "system")
WANDERS = 15  # steps tried before the walk heads for the end
OF_ACTOR = {
    "reporter": "requester", "desk": "desk", "desk_other_unit": "desk2", "verifier": "",
    "dispatcher": "dispatcher", "lead_unit": "city", "assisting_unit": "water",
    "duty_leader": "leader", "leader": "leader", "approver": "leader", "inspector": "inspector",
    "ledger_officer": "ledger", "records_clerk": "case-archivist", "archivist": "case-archivist",
    "system": "system",
}  # fmt: skip
OF_SUPERVISION = {  # who does what in a matter of supervision
    "desk": "discipline", "desk_other_unit": "discipline3", "verifier": "discipline",
    "dispatcher": "discipline", "lead_unit": "discipline2", "assisting_unit": "discipline3",
    "duty_leader": "discipline", "leader": "discipline", "approver": "discipline",
    "inspector": "discipline",
}  # fmt: skip
VERIFIERS = {"grid_worker": "grid", "desk": "desk", "inspector": "inspector"}


def who(move: Move, case: Case) -> str:
    actor = sorted(move.actors)[0]
    if case.kind_of.circle and actor in OF_SUPERVISION:
        return OF_SUPERVISION[actor]
    return OF_ACTOR[actor] or VERIFIERS[case.kind_of.verifier]


def distances(kind: str) -> dict[str, int]:
    """How many steps each state is from the end."""
    found, edge = {"filed": 0}, {"filed"}
    waits = {"question_expired", "feedback_over"}  # nobody waits here, nor asks on the way out
    moves = [
        one
        for one in flow_of(kind).moves
        if one.axis == STATE and not one.guards & waits and one.action != "ask"
    ]
    while edge:
        edge = {one.source for one in moves if one.target in edge} - found.keys()
        found |= {state: max(found.values()) + 1 for state in edge}
    return found


def tried(case: Case, dice: random.Random) -> Iterator[tuple[str, str, str]]:
    """Steps to try, mostly by the right person."""
    moves = [
        one
        for axis in ("state", "ledger")
        for one in flow_of(case.kind).leaving(axis, getattr(case, axis))
    ]
    dice.shuffle(moves)
    for move in moves:
        by = who(move, case) if dice.random() < 0.8 else dice.choice(EVERYBODY)
        yield move.axis, move.action, by


def counts() -> tuple[int, ...]:
    return tuple(one.objects.count() for one in (Case, CaseEvent, CaseWords, SubTask, Escalation))


def attempt(case: Case, axis: str, action: str, by: str) -> bool:
    """Whether the step was taken; a refused one leaves no row and changes none."""
    before = (counts(), Case.objects.values().get(pk=case.pk))
    try:
        with transaction.atomic():
            step(case, action, by, axis=axis)
    except StepRefused:
        assert (counts(), Case.objects.values().get(pk=case.pk)) == before
        return False
    return True


def laws(case: Case) -> None:
    events = list(case.events.order_by("number"))
    assert faults_of(case) == []
    for at, event in enumerate(events):
        if event.axis != STATE:
            continue
        if event.after == "resolved":
            assert (event.action, event.role) == ("pass", "inspector")
            worked = [one for one in events[:at] if one.role in {"lead_unit", "assisting_unit"}]
            assert event.by not in {one.by for one in worked}
            assert event.unit not in {"", *(one.unit for one in worked)}
            assert event.evidence
        if event.after == "closed" and event.before != "closed":
            past = [one.after for one in events[:at] if one.axis == STATE]
            assert "resolved" in past or EXITS & set(past)
            assert event.before in {"resolved", "reopen_review"}
        if event.after in {"handled", "inspecting"} and event.before == "in_progress":
            assert event.sets["outcome"]


@pytest.fixture(autouse=True)
def _people() -> None:
    people()
    cell()


@pytest.mark.parametrize("kind", list(kinds()))
@pytest.mark.parametrize("seed", range(4))
def test_a_walk_ends_and_skips_nothing(kind: str, seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - chance is no secret
    with transaction.atomic():
        own = {"requester": Account.objects.get(username="citizen")} if seed % 3 == 0 else {}
        case = opened(kind, **own).case
        for _turn in range(WANDERS):
            case = Case.objects.get(pk=case.pk)
            any(attempt(case, *one) for one in tried(case, dice))
            if case.state == "filed":
                break
        left = distances(kind)
        for _turn in range(len(left) * 3):
            case = Case.objects.get(pk=case.pk)
            if case.state == "filed":
                break
            nearer = [
                one
                for one in flow_of(kind).leaving(STATE, case.state)
                if (left[one.target] < left[case.state] and one.action != "ask")
                or one.action in {"answer", "answer_assist"}
            ]
            tries = itertools.product(nearer, EVERYBODY)
            assert any(attempt(case, STATE, one.action, by) for one, by in tries), case.state
        case = Case.objects.get(pk=case.pk)
        assert case.state == "filed"
        laws(case)
        transaction.set_rollback(True)
