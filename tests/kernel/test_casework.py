"""Kinds of cases and their flow: the linter passes ours and names each way to go wrong."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from liandong.kernel.casework import (
    EXITS,
    STATE,
    CaseFlow,
    Move,
    flow_of,
    kinds,
    lint,
    moves,
)
from liandong.kernel.flows import StepRefused

SNAP = kinds()["snap_report"]


@pytest.mark.parametrize("kind", list(kinds()))
def test_the_linter_has_nothing_to_say_about_a_kind_of_ours(kind: str) -> None:
    assert lint(flow_of(kind)) == []


def _without(*, source: str, target: str) -> Callable[[Move], Move | None]:
    return lambda move: None if (move.source, move.target) == (source, target) else move


def _changed(action: str, **values: object) -> Callable[[Move], Move | None]:
    return lambda move: replace(move, **values) if move.action == action else move


BROKEN = [
    (_changed("pass", actors=frozenset({"lead_unit"})), "independent inspector"),
    (_changed("pass", guards=frozenset()), "independent inspector"),
    (_changed("pass", needs=("note",)), "its own evidence"),
    (_changed("pass", source="in_progress"), "an inspection of its own"),
    (_changed("hand_in", target="closed"), "closes in_progress without inspection"),
    (_changed("reject", needs=("public_text",)), "exit without a reason"),
    (_changed("merge", needs=()), "exit without a reason"),
    (_changed("file", source="closed", target="closed"), "no way to filed"),
    (_without(source="submitted", target="verifying"), "cannot be reached"),
    (_without(source="parked", target="in_progress"), "parked: no way to filed"),
    (_changed("annex", target="closed"), "leaves filed"),
    (_changed("sign_in", guards=frozenset({"moon_is_full"})), "unknown guard"),
    (_changed("sign_in", needs=("crown",)), "unknown need"),
    (_changed("sign_in", target="dancing"), "unknown state dancing"),
]


@pytest.mark.parametrize(("change", "words"), BROKEN)
def test_the_linter_finds_what_is_wrong(change: Callable[[Move], Move | None], words: str) -> None:
    table = [made for move in moves() if (made := change(move)) is not None]
    assert any(words in said for said in lint(CaseFlow(SNAP, table)))


def test_the_linter_wants_a_rule_of_filing() -> None:
    assert any("class" in one for one in lint(CaseFlow(replace(SNAP, archive_class=""))))
    assert any("retention" in one for one in lint(CaseFlow(replace(SNAP, exit_retention="D5"))))


@pytest.mark.parametrize("kind", list(kinds()))
def test_a_state_that_is_off_is_neither_entered_nor_left(kind: str) -> None:
    flow = flow_of(kind)
    touched = {value for one in flow.moves for value in (one.source, one.target)}
    assert not touched & flow.kind.states_off
    assert touched >= EXITS


def take(action: str, value: str, role: str, *given: str, held: str = "") -> str:
    flow = flow_of("snap_report")
    return flow.take(
        STATE, action, value, {role}, given=given, held=held.split()
    )[0].target  # fmt: skip


def test_a_step_is_refused_for_its_first_reason() -> None:
    with pytest.raises(StepRefused) as refused:
        take("pass", "in_progress", "inspector", "proof", "note")
    assert refused.value.reason == "wrong-state"
    with pytest.raises(StepRefused) as refused:
        take("pass", "inspecting", "lead_unit", "proof", "note")
    assert refused.value.reason == "wrong-role"
    with pytest.raises(StepRefused) as refused:
        take("pass", "inspecting", "inspector", "proof", "note")
    assert (refused.value.reason, refused.value.detail) == ("guard", "inspector_independent")
    with pytest.raises(StepRefused) as refused:
        take("pass", "inspecting", "inspector", "note", held="inspector_independent")
    assert (refused.value.reason, refused.value.detail) == ("missing-evidence", "proof")
    passed = take("pass", "inspecting", "inspector", "proof", "note", held="inspector_independent")
    assert passed == "resolved"


@pytest.mark.parametrize("state", ["submitted", "verifying", "in_progress"])
def test_an_answer_goes_back_to_the_state_that_asked(state: str) -> None:
    assert take("answer", "needs_info", "reporter", "answer", held=f"asked_from_{state}") == state


def test_a_kind_without_places_asks_for_none() -> None:
    flow = flow_of("enterprise_demand")
    (confirm,) = (one for one in flow.moves if one.action == "confirm")
    assert flow.needs(confirm) == ("proof",)
    (confirm,) = (one for one in flow_of("snap_report").moves if one.action == "confirm")
    assert flow_of("snap_report").needs(confirm) == ("proof", "place")
