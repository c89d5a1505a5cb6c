"""The engine: one way to move, refused steps leave nothing, inspectors are independent."""

from uuid import uuid4

import pytest
from tests.cases.build import (
    CITY,
    DAY,
    NOW,
    SAID,
    TO_DISPATCHED,
    TO_INSPECTING,
    WATER,
    attach,
    bearer,
    cell,
    drive,
    opened,
    people,
    report,
    step,
)

from liandong.base.models import Account, AuditRow, Post, Role
from liandong.cases.flow import GUARDS as KNOWN
from liandong.cases.models import Case, CaseEvent
from liandong.cases.policies import Bearer
from liandong.cases.services.opening import BadReport, open_case
from liandong.cases.services.proving import faults_of, rebuild_row
from liandong.cases.services.sealing import contact_of, erase_contact
from liandong.cases.services.stepping import Given, Stale, take_step
from liandong.kernel.casework import GUARDS
from liandong.kernel.flows import StepRefused

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _people() -> None:
    people()
    cell()


@pytest.fixture
def case() -> Case:
    return opened().case


def refusal(case: Case, action: str, by: str, **said: str) -> tuple[str, str]:
    """Why a step is refused; and that it leaves no row."""
    before = (case.events.count(), Case.objects.values().get(pk=case.pk))
    with pytest.raises(StepRefused) as refused:
        step(case, action, by, **said)
    assert (case.events.count(), Case.objects.values().get(pk=case.pk)) == before
    row = AuditRow.objects.order_by("-number")[0]
    assert (row.act, row.outcome, row.object) == ("case_step", "refused", f"case:{case.number}")
    return refused.value.reason, refused.value.detail


def test_the_flow_knows_the_guards_of_the_table_and_no_others() -> None:
    assert KNOWN.keys() == GUARDS


def test_a_report_sent_twice_is_one_case_and_the_token_is_given_once() -> None:
    one = report(uuid=uuid4())
    first = open_case(one, by=Bearer(), now=NOW)
    again = open_case(one, by=Bearer(), now=NOW + DAY)
    assert (again.case.pk, again.token, again.is_fresh) == (first.case.pk, "", False)
    assert first.token
    assert first.token not in str(Case.objects.values().get(pk=first.case.pk))
    assert first.case.events.count() == 1


def test_a_report_finds_its_grid_cell(case: Case) -> None:
    assert case.grid == cell()
    assert opened(lat=38.0, lon=118.05).case.grid is None


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"form": {}}, ("text", "missing")),
        ({"form": {"text": "甲", "religion": "乙"}}, ("religion", "unknown")),
        ({"form": {"text": "甲" * 4001}}, ("text", "too-long")),
        ({"lat": 37.0, "lon": None}, ("place", "half")),
        ({"lat": 91.0}, ("place", "off-the-earth")),
        ({"category": "X99"}, ("category", "unknown")),
    ],
)
def test_a_bad_report_is_refused_with_its_fields(
    changes: dict[str, object], fault: tuple[str, str]
) -> None:
    with pytest.raises(BadReport) as bad:
        opened(**changes)
    assert fault in bad.value.faults
    assert not Case.objects.exists()


def test_the_whole_way_from_report_to_closed(case: Case) -> None:
    case = drive(case, TO_INSPECTING)
    assert (case.state, case.outcome, case.lead_unit.code) == ("inspecting", "solved", CITY)
    case = drive(case, (("pass", "inspector"), ("rate", "requester")))
    assert (case.state, case.record, case.score) == ("closed", "due", 5)
    actions = list(case.events.order_by("number").values_list("action", flat=True))
    assert actions == [
        "submit", "accept_for_verification", "confirm", "dispatch", "sign_in", "hand_in",
        "submit_inspection", "pass", "rate", "case_ended",
    ]  # fmt: skip
    assert faults_of(Case.objects.get(pk=case.pk)) == []


def test_nobody_inspects_what_the_own_unit_or_he_himself_has_handled(case: Case) -> None:
    case = drive(case, TO_INSPECTING)
    assert refusal(case, "pass", "city-inspector") == ("guard", "inspector_independent")
    # He handled it, then moved to another unit and became inspector: still refused.
    handler = Account.objects.get(username="city")
    Post.objects.create(account=handler, role=Role.INSPECTOR)
    Account.objects.filter(pk=handler.pk).update(unit=Account.objects.get(username="desk").unit)
    assert refusal(case, "pass", "city") == ("guard", "inspector_independent")
    # An inspector without a unit is of no other unit.
    Account.objects.filter(username="inspector").update(unit=None)
    assert refusal(case, "pass", "inspector") == ("guard", "inspector_independent")


def test_a_person_with_every_post_still_does_not_inspect_the_own_work(case: Case) -> None:
    all_round = Account.objects.get(username="city")
    for role in Role.values:
        Post.objects.get_or_create(account=all_round, role=role)
    case = drive(case, tuple((action, "city") for action, _by in TO_INSPECTING))
    assert refusal(case, "pass", "city") == ("guard", "inspector_independent")


@pytest.mark.parametrize("officer", ["sys_admin", "sec_admin", "audit_admin"])
def test_an_officer_takes_no_step_at_all(case: Case, officer: str) -> None:
    case = drive(case, TO_INSPECTING)
    Account.objects.create(username="officer", officer=officer, unit=None)
    assert refusal(case, "pass", "officer")[0] == "wrong-role"


def test_a_photo_report_needs_a_photo_at_each_proof(case: Case) -> None:
    case = drive(case, (("accept_for_verification", "desk"),))
    with pytest.raises(StepRefused) as refused:
        step(case, "confirm", "grid", proof=False)
    assert (refused.value.reason, refused.value.detail) == ("missing-evidence", "proof")
    foreign = attach(opened().case)
    with pytest.raises(StepRefused) as refused:
        take_step(case.pk, "confirm", by=bearer("grid"), now=NOW, given=Given(SAID, [foreign]))
    assert refused.value.reason == "unknown-evidence"


def test_one_photo_proves_one_step_only(case: Case) -> None:
    case = drive(case, (("accept_for_verification", "desk"),))
    photo = attach(case, "check")
    take_step(case.pk, "confirm", by=bearer("grid"), now=NOW, given=Given(SAID, [photo]))
    case = drive(case, (("dispatch", "dispatcher"), ("sign_in", "city")))
    with pytest.raises(StepRefused) as refused:
        take_step(case.pk, "hand_in", by=bearer("city"), now=NOW, given=Given(SAID, [photo]))
    assert refused.value.reason == "unknown-evidence"


def test_a_unit_objects_once_a_round_and_never_after_adjudication(case: Case) -> None:
    case = drive(case, (*TO_DISPATCHED, ("object", "city"), ("redispatch", "dispatcher")))
    assert refusal(case, "object", "city") == ("guard", "may_object")
    other = drive(opened().case, (*TO_DISPATCHED, ("object", "city"), ("adjudicate", "leader")))
    assert refusal(other, "object", "city") == ("guard", "may_object")


def test_the_lead_hands_in_when_every_assisting_unit_has_answered(case: Case) -> None:
    case = drive(case, (*TO_DISPATCHED, ("sign_in", "city"), ("request_assist", "city")))
    assert refusal(case, "request_assist", "city") == ("guard", "not_lead")  # asked already
    assert refusal(case, "request_assist", "city", unit=CITY) == ("guard", "not_lead")
    assert refusal(case, "hand_in", "city") == ("guard", "assists_answered")
    assert refusal(case, "answer_assist", "roads") == ("wrong-role", "")
    case = step(case, "answer_assist", "water")
    assert case.subtasks.get().answered_by == "water"
    case = step(case, "hand_in", "city")
    assert case.state == "inspecting"
    Account.objects.filter(username="inspector").update(
        unit=Account.objects.get(username="water").unit
    )
    assert refusal(case, "pass", "inspector") == ("guard", "inspector_independent")


def test_a_failed_inspection_is_a_new_round_of_the_same_unit(case: Case) -> None:
    case = drive(case, (*TO_INSPECTING, ("fail", "inspector")))
    assert (case.state, case.round, case.outcome) == ("in_progress", 2, "")
    assert case.lead_unit.code == CITY
    assert faults_of(Case.objects.get(pk=case.pk)) == []


def test_a_dispute_is_decided_by_the_desk_of_another_unit(case: Case) -> None:
    case = drive(case, (*TO_INSPECTING, ("pass", "inspector"), ("dispute", "requester")))
    assert refusal(case, "accept_reopen", "desk")[0] == "wrong-role"
    case = step(case, "accept_reopen", "desk2")
    assert (case.state, case.round, case.outcome, case.score) == ("dispatched", 2, "", None)


def test_an_exit_can_be_disputed_once(case: Case) -> None:
    case = drive(case, (("reject", "desk"), ("dispute", "requester"), ("refuse_reopen", "desk2")))
    assert (case.state, case.record) == ("closed", "due")
    other = drive(opened().case, (("reject", "desk"), ("dispute", "requester"),
                                  ("accept_reopen", "desk2")))  # fmt: skip
    assert (other.state, other.record) == ("dispatched", "active")


def test_a_case_is_merged_by_a_person_into_an_open_one_that_is_not_itself(case: Case) -> None:
    parent = opened().case
    assert refusal(case, "merge", "desk", parent=case.number) == ("guard", "parent_open")
    assert refusal(case, "merge", "desk", parent="20260101-999999")[0] == "guard"
    assert refusal(case, "merge", "system", parent=parent.number)[0] == "wrong-role"
    case = step(case, "merge", "desk", parent=parent.number)
    assert (case.state, case.outcome, case.parent) == ("merged", "duplicate", parent)
    late = opened().case
    assert refusal(late, "merge", "desk", parent=case.number) == ("guard", "parent_open")


def test_nobody_works_on_the_own_report() -> None:
    grid = Account.objects.get(username="grid")
    case = drive(opened(requester=grid).case, (("accept_for_verification", "desk"),))
    assert refusal(case, "confirm", "grid")[0] == "wrong-role"


def test_parking_is_approved_by_someone_of_another_unit(case: Case) -> None:
    case = drive(case, (*TO_DISPATCHED, ("sign_in", "city")))
    assert refusal(case, "park", "city")[0] == "wrong-role"
    city = Account.objects.get(username="city").unit
    Account.objects.filter(username="leader").update(unit=city)
    assert refusal(case, "park", "leader") == ("guard", "approver_other_unit")
    Account.objects.filter(username="leader").update(unit=Account.objects.get(username="desk").unit)
    case = step(case, "park", "leader")
    assert case.state == "parked"
    assert refusal(case, "hand_in", "city")[0] == "wrong-state"


def test_an_escalation_moves_no_state_and_waits_for_an_answer(case: Case) -> None:
    case = drive(case, (*TO_DISPATCHED, ("escalate", "leader")))
    assert case.state == "dispatched"
    assert case.escalations.get().is_late(case.escalations.get().due_on + DAY)
    assert refusal(case, "answer_escalation", "water")[0] == "wrong-role"
    case = step(case, "answer_escalation", "city")
    assert case.escalations.get().answered_by == "city"
    assert refusal(case, "answer_escalation", "city") == ("guard", "escalation_open")


def test_a_demand_is_cleared_after_inspection_and_confirmation_by_another_unit() -> None:
    case = opened("enterprise_demand").case
    steps = (("accept_for_verification", "desk"), ("confirm", "desk"), ("dispatch", "dispatcher"),
             ("sign_in", "city"))  # fmt: skip
    case = drive(case, steps)
    case = step(case, "list", "ledger", axis="ledger")
    assert case.ledger == "listed"
    case = step(case, "hand_in", "city")
    assert (case.ledger, case.state) == ("proposed", "inspecting")
    with pytest.raises(StepRefused, match="inspection_passed"):
        step(case, "clear", "ledger", axis="ledger")
    case = step(case, "pass", "inspector")
    with pytest.raises(StepRefused, match="requester_confirmed"):
        step(case, "clear", "ledger", axis="ledger")
    case = step(case, "rate", "firm", score="4")
    Account.objects.filter(username="ledger").update(unit=Account.objects.get(username="city").unit)
    with pytest.raises(StepRefused, match="wrong-role"):
        step(case, "clear", "ledger", axis="ledger")
    Account.objects.filter(username="ledger").update(unit=Account.objects.get(username="desk").unit)
    case = step(case, "clear", "ledger", axis="ledger")
    assert case.ledger == "cleared"
    assert faults_of(Case.objects.get(pk=case.pk)) == []


def test_a_low_score_and_silence_confirm_nothing() -> None:
    case = opened("enterprise_demand").case
    case = drive(case, (("accept_for_verification", "desk"), ("confirm", "desk"),
                        ("dispatch", "dispatcher"), ("sign_in", "city")))  # fmt: skip
    case = step(case, "list", "ledger", axis="ledger")
    case = drive(case, (("hand_in", "city"), ("pass", "inspector")))
    case = step(case, "rate", "firm", score="2")
    with pytest.raises(StepRefused, match="requester_confirmed"):
        step(case, "clear", "ledger", axis="ledger")


def test_whoever_looked_at_an_older_version_is_told(case: Case) -> None:
    seen = case.last
    step(case, "accept_for_verification", "desk")
    with pytest.raises(Stale):
        take_step(case.pk, "ask", by=bearer("desk"), now=NOW, given=Given(SAID), seen=seen)
    assert Case.objects.get(pk=case.pk).state == "verifying"


def test_what_was_tampered_with_is_found_and_the_row_can_be_made_again(case: Case) -> None:
    case = drive(case, TO_DISPATCHED)
    Case.objects.filter(pk=case.pk).update(state="closed", category="E0101")
    changed = Case.objects.get(pk=case.pk)
    assert [one.detail.partition(":")[0] for one in faults_of(changed)] == ["state", "category"]
    assert sorted(rebuild_row(case.pk, by="cli", now=NOW)) == ["category", "state"]
    assert faults_of(Case.objects.get(pk=case.pk)) == []
    event = case.events.get(number=2)
    event.words.said = {"severity": "别的"}
    event.words.save()
    assert [(one.number, one.code) for one in faults_of(changed) if one.number] == [(2, "words")]


def test_events_are_only_added(case: Case) -> None:
    from django.db import Error, transaction

    for change in (
        lambda: CaseEvent.objects.filter(case=case).update(by="别人"),
        lambda: CaseEvent.objects.filter(case=case).delete(),
    ):
        with pytest.raises(Error), transaction.atomic():
            change()


def test_contact_data_are_sealed_and_can_be_erased() -> None:
    case = opened("enterprise_demand", contact={"name": "联系人甲", "phone": "13800138000"}).case
    kept = str(Case.objects.values().get(pk=case.pk)) + str(list(case.events.values()))
    assert "13800138000" not in kept
    assert "联系人" not in kept.replace("联系人内容", "联系人")
    assert contact_of(case)["phone"] == "13800138000"
    erase_contact(case, by="system", now=NOW)
    assert contact_of(Case.objects.get(pk=case.pk)) == {}
    assert faults_of(Case.objects.get(pk=case.pk)) == []
    with pytest.raises(Exception, match="SEAL-KEY-LOST"):
        contact_of(case)  # a row of a backup: the key is gone


def test_private_fields_of_a_form_lie_with_the_contact() -> None:
    case = opened("employee_demand", form={"text": "欠薪", "employer": "某厂"}).case
    assert "某厂" not in str(Case.objects.values().get(pk=case.pk))
    assert all("某厂" not in str(one.said) for one in words_of(case))
    assert contact_of(case) == {"employer": "某厂"}


def words_of(case: Case) -> list[object]:
    return [one.words for one in case.events.filter(words__isnull=False)]


def test_assisting_units_are_of_other_units(case: Case) -> None:
    case = drive(case, (*TO_DISPATCHED, ("sign_in", "city")))
    assert refusal(case, "request_assist", "city", unit="NONE")[0] == "bad-value"
    case = step(case, "request_assist", "city")
    assert case.subtasks.get().unit.code == WATER


def test_what_was_solved_on_the_spot_and_fails_inspection_goes_on_with_who_solved_it() -> None:
    case = opened().case
    step(case, "accept_for_verification", "desk")
    step(case, "solve_on_site", "grid")
    case = step(case, "fail", "inspector")
    assert (case.state, case.lead) == ("in_progress", "SQ01")
    case = step(case, "hand_in", "grid")
    assert case.state == "inspecting"
