"""Opening review: three persons, the unit heard, every step kept, and what becomes of a record."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.archive.reviews import (
    AGREE,
    CLERK,
    NOW,
    OTHER_CLERK,
    TODAY,
    old_records,
    opened,
    people,
    person,
    under_review,
)

from liandong.archive.flow import OPENING_FLOW
from liandong.archive.models import (
    IN_FORCE,
    OpeningDecision,
    OpeningPublication,
    OpeningReview,
    OpeningState,
    PreservationEvent,
    Record,
    UnitSuccession,
)
from liandong.archive.policies import Viewer
from liandong.archive.queries import find, record_by_id
from liandong.archive.queries.opening import due_counts
from liandong.archive.services.indexing import index_stale
from liandong.archive.services.objects import read_object
from liandong.archive.services.opening import batching, publishing, settling, steps
from liandong.archive.services.opening.people import unit_to_ask
from liandong.archive.services.opening.planning import Planned, plan, plan_due
from liandong.archive.services.opening.proposing import propose_again, propose_planned
from liandong.archive.services.opening.taking import Choice, undo_last
from liandong.archive.services.verifying import verify
from liandong.base.models import AuditRow, Role, Unit
from liandong.kernel.flows import StepRefused
from liandong.kernel.opening import NEVER, rules_version
from liandong.kernel.query import parse

pytestmark = pytest.mark.django_db
STRANGER = Viewer()
DELAY = Choice("delay", "G2", "涉及国防工程")


@pytest.fixture(autouse=True)
def _people(db: None) -> None:
    people()


def decide(review: OpeningReview, by: str, choice: Choice = AGREE) -> OpeningReview:
    return steps.decide(review.pk, choice, by=by, now=NOW)


def refusal(review: OpeningReview, by: str, choice: Choice = AGREE) -> str:
    """Why a step is refused; nothing may have been written."""
    before = OpeningDecision.objects.count(), AuditRow.objects.count()
    state = OpeningReview.objects.values().get(pk=review.pk)
    with pytest.raises(StepRefused) as caught:
        decide(review, by, choice)
    assert (OpeningDecision.objects.count(), AuditRow.objects.count()) == before
    assert OpeningReview.objects.values().get(pk=review.pk) == state
    return caught.value.reason


# Due ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("date", "due"),
    [("19980506", 20230506), ("1998-05", 20230531), ("1998", 20231231), ("", 20361231)],
)
def test_a_record_knows_from_admission_when_it_is_due(home: Path, date: str, due: int) -> None:
    (record,) = old_records(home, 1, date=date)
    assert (record.open_due, record.awaits_opening) == (due, True)


def test_a_record_opened_on_the_way_in_awaits_nothing(home: Path) -> None:
    (record,) = old_records(home, 1, level=0, open_from=20200101)
    assert record.awaits_opening is False


def test_a_corrected_date_moves_the_day(home: Path) -> None:
    from liandong.archive.services.correcting import describe

    (record,) = old_records(home, 1)
    assert describe(record, {"document_date": "19990101"}, by="wang", now=NOW).open_due == 20240101


# Planning -----------------------------------------------------------------------------------------


def test_the_plan_of_a_year_takes_what_is_due_by_its_end_and_no_record_twice(home: Path) -> None:
    old_records(home, 1, 2)
    old_records(home, 3, date="20020101")
    assert plan_due(2026, by="wang", now=NOW) == Planned(2, 0)
    assert plan_due(2026, by="wang", now=NOW) == Planned(0, 0)
    assert plan_due(2027, by="li", now=NOW) == Planned(1, 0)
    assert list(OpeningReview.objects.values_list("plan_year", "state", "round")) == [
        (2026, "planned", 1), (2026, "planned", 1), (2027, "planned", 1),
    ]  # fmt: skip
    assert not Record.objects.filter(awaits_opening=True).exists()
    assert AuditRow.objects.filter(act="plan_opening").count() == 2


@pytest.mark.parametrize("who", [CLERK, "nobody", ""])
def test_only_staff_of_the_archive_plan(home: Path, who: str) -> None:
    (record,) = old_records(home, 1)
    assert plan([record.pk], year=2026, by=who, now=NOW).added == 0


def test_a_record_above_the_clearance_is_not_planned(home: Path) -> None:
    person("low", Role.ARCHIVIST, clearance=1)
    (record,) = old_records(home, 1, level=2)
    assert plan([record.pk], year=2026, by="low", now=NOW) == Planned(0, 1)


def test_what_is_dropped_is_due_again(home: Path) -> None:
    review = under_review(home)
    steps.drop(review.pk, "本年不审", by="wang", now=NOW)
    assert Record.objects.get().awaits_opening
    plan_due(2027, by="wang", now=NOW)
    assert list(OpeningReview.objects.values_list("round", "state")) == [
        (1, "dropped"), (2, "planned"),
    ]  # fmt: skip


# Proposals ----------------------------------------------------------------------------------------


def test_a_proposal_says_what_rules_say_and_by_which_version(home: Path) -> None:
    review = under_review(home, described={"title": "人民防空工程平面图"})
    assert (review.proposed, review.rules) == ("delay", rules_version())
    assert review.detectors
    assert [one["ground"] for one in review.suggestions] == ["G2"]
    decision = review.decisions.get(step="propose")
    assert (decision.by, decision.verdict, decision.rules) == ("system", "delay", rules_version())


def test_the_system_proposes_and_decides_nothing(home: Path) -> None:
    assert refusal(under_review(home), "system") == "wrong-role"


def test_a_proposal_is_made_anew_until_somebody_decided(home: Path) -> None:
    review = under_review(home)
    Record.objects.update(personal=2)
    assert propose_again(review.pk, by="wang", now=NOW).proposed == "masked"
    decide(review, "wang")
    with pytest.raises(StepRefused, match="wrong-state"):
        propose_again(review.pk, by="wang", now=NOW)


# The way through ----------------------------------------------------------------------------------


def test_three_persons_and_the_unit_open_a_record(home: Path) -> None:
    review = opened(home)
    record = Record.objects.get()
    assert (record.level, record.open_from, record.awaits_opening) == (0, TODAY, False)
    assert record.description["opening_status"] == "开放"
    assert (review.first_by, review.opinion_by, review.second_by, review.final_by) == (
        "wang", CLERK, "li", "zhao",
    )  # fmt: skip
    assert [(one.step, one.before, one.after) for one in review.decisions.all()] == [
        ("plan", "", "planned"),
        ("propose", "planned", "first_review"),
        ("first_ask", "first_review", "unit_opinion"),
        ("answer", "unit_opinion", "re_review"),
        ("second", "re_review", "final"),
        ("open", "final", "opened"),
    ]
    assert {one.rules for one in review.decisions.all()} == {rules_version()}


def test_a_record_nobody_formed_is_decided_by_the_archive_alone(home: Path) -> None:
    review = opened(home, unit="")
    assert (review.state, review.asked_unit, review.opinion) == ("opened", "", "")


def test_a_record_opened_ahead_of_its_day_opens_on_that_day(home: Path) -> None:
    review = opened(home, date="20021231")
    assert (review.open_from, Record.objects.get().open_from) == (20271231, 20271231)


def test_strangers_see_an_opened_record_and_did_not_before(home: Path) -> None:
    review = under_review(home)
    record_id, question = review.record_id, parse("防汛")

    def seen() -> tuple[bool, int]:
        index_stale()
        page = record_by_id(record_id, viewer=STRANGER, today=TODAY)
        return page is not None, find(question, viewer=STRANGER, today=TODAY).count

    assert seen() == (False, 0)
    for name in ("wang", CLERK, "li"):
        decide(review, name)
        assert seen() == (False, 0)
    decide(review, "zhao")
    assert seen() == (True, 1)


def test_the_object_tells_what_the_row_tells(home: Path) -> None:
    review = opened(home)
    settling.pack_opening(review.record, now=NOW)
    record = Record.objects.get()
    kept = read_object(record.object_id)
    assert (kept.version, kept.level, kept.open_from) == (2, 0, TODAY)
    assert kept.description["opening_status"] == "开放"
    assert [one["step"] for one in kept.opening[0]["decisions"]] == [
        one.step for one in review.decisions.all()
    ]
    assert kept.events[-1].kind == "appraisal"
    assert kept.events[-1].by == "zhao"
    assert OpeningReview.objects.get().packed
    settling.pack_opening(record, now=NOW)
    assert read_object(record.object_id).version == 2


def test_a_decision_whose_job_was_lost_reaches_the_object_by_the_sweep(home: Path) -> None:
    review = opened(home)
    assert verify(by="cli", now=NOW).findings == []  # its bytes are on their way: no difference
    assert settling.pack_waiting(now=NOW) == 1
    assert read_object(review.record.object_id).level == 0
    assert settling.pack_waiting(now=NOW) == 0
    assert verify(by="cli", now=NOW).findings == []


def test_opening_leaves_an_event_and_a_row_of_the_audit(home: Path) -> None:
    review = opened(home)
    event = PreservationEvent.objects.get(kind="appraisal")
    assert event.detail == {
        "what": "opening", "state": "opened", "round": 1, "rules": rules_version(),
    }  # fmt: skip
    row = AuditRow.objects.get(act="open_record")
    assert (row.by, row.roles, row.object) == ("zhao", "director", f"record:{review.record.code}")


# Who may not --------------------------------------------------------------------------------------


def test_nobody_decides_twice_and_nobody_out_of_turn(home: Path) -> None:
    review = under_review(home)
    assert {refusal(review, who) for who in (CLERK, OTHER_CLERK, "nobody", "", "cli", "zhao")} == {
        "wrong-role"
    }
    decide(review, "wang")
    assert {refusal(review, who) for who in ("wang", "li", "zhao", OTHER_CLERK, "system")} == {
        "wrong-role"
    }
    decide(review, CLERK)
    assert refusal(review, "wang") == "same-person"
    assert refusal(review, CLERK) == "wrong-role"
    decide(review, "li")
    assert {refusal(review, who) for who in ("wang", "li", CLERK)} == {"wrong-role"}
    decide(review, "zhao")
    assert refusal(review, "zhao") == "wrong-state"


def test_a_director_who_reviewed_does_not_settle(home: Path) -> None:
    review = under_review(home, unit="")
    decide(review, "wang")
    decide(review, "zhao")  # a director may give the second review
    assert refusal(review, "zhao") == "same-person"
    person("qian", Role.DIRECTOR)
    assert decide(review, "qian").state == "opened"


def test_whoever_spoke_for_the_unit_does_not_review(home: Path) -> None:
    person("both", Role.ARCHIVIST, Unit.objects.get(code="BGS")).posts.create(role=Role.CLERK)
    review = decide(under_review(home), "wang")
    decide(review, "both")
    assert refusal(review, "both") == "same-person"


def test_a_reviewer_without_the_clearance_is_refused(home: Path) -> None:
    person("low", Role.ARCHIVIST, clearance=1)
    assert refusal(under_review(home, level=2), "low") == "wrong-role"


# Reasons ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("choice", "why"),
    [
        (Choice("delay", "G2", ""), "missing-evidence"),
        (Choice("delay", "G2", "  \n"), "missing-evidence"),
        (Choice("delay", "", "涉密"), "no-such-ground"),
        (Choice("delay", "D14", "涉密"), "no-such-ground"),  # of another law
        (Choice("dance", "", "不知道"), "missing-evidence"),
        (Choice("masked", "", "有身份证号"), "no-personal-data"),
    ],
)
def test_a_choice_without_ground_or_reason_is_refused(home: Path, choice: Choice, why: str) -> None:
    assert refusal(under_review(home), "wang", choice) == why


def test_whoever_says_otherwise_than_before_says_why(home: Path) -> None:
    review = under_review(home, described={"title": "人民防空工程平面图"})
    assert refusal(review, "wang", Choice("open")) == "missing-evidence"
    assert decide(review, "wang", Choice("open", reason="工程已拆除")).verdict == "open"
    decide(review, CLERK)
    assert refusal(review, "li", Choice("delay", "G2")) == "missing-evidence"


def test_agreeing_with_a_proposed_delay_takes_over_its_ground_and_words(home: Path) -> None:
    review = decide(under_review(home, described={"title": "人民防空工程平面图"}), "wang")
    assert (review.verdict, review.ground, review.reason) == ("delay", "G2", "人民防空工程")


@pytest.mark.parametrize(
    ("personal", "verdict", "why"),
    [
        (9, "open", "not-examined"),
        (9, "masked", "not-examined"),
        (1, "open", "personal-data"),
        (2, "open", "personal-data"),
        (0, "masked", "no-personal-data"),
    ],
)
def test_nothing_opens_unexamined_or_with_personal_data_unmasked(
    home: Path, personal: int, verdict: str, why: str
) -> None:
    review = under_review(home)
    Record.objects.update(personal=personal)
    assert refusal(review, "wang", Choice(verdict, reason="可以")) == why


def test_personal_data_found_late_stops_the_final_decision(home: Path) -> None:
    review = under_review(home, unit="")
    decide(review, "wang")
    decide(review, "li")
    Record.objects.update(personal=2)
    assert refusal(review, "zhao") == "personal-data"
    assert decide(review, "zhao", Choice("masked", reason="后来发现个人信息")).state == "partly"


def test_partial_opening_shows_the_masked_view_only(home: Path) -> None:
    from liandong.archive.policies import may_read_whole
    from liandong.base.viewers import may

    review = opened(home, personal=2)
    record = Record.objects.get()
    assert (review.state, review.verdict, record.level) == ("partly", "masked", 0)
    assert record_by_id(record.pk, viewer=STRANGER, today=TODAY) is not None
    assert not may(may_read_whole(STRANGER, TODAY), record)


# The unit -----------------------------------------------------------------------------------------


def test_the_unit_speaks_and_its_opinion_is_kept_beside_what_the_archive_says(home: Path) -> None:
    review = decide(under_review(home), "wang")
    review = decide(review, CLERK, Choice("delay", "G4", "涉及在办事项"))
    assert (review.verdict, review.opinion) == ("open", "delay")
    said = review.decisions.get(step="answer")
    assert (said.verdict, said.ground, said.reason) == ("delay", "G4", "涉及在办事项")


def test_silence_is_noted_after_the_last_day_and_is_no_consent(home: Path) -> None:
    review = decide(under_review(home), "wang")
    assert review.answer_until == 20261226
    assert steps.lapse_overdue(now=NOW + timedelta(days=30)) == 0
    assert steps.lapse_overdue(now=NOW + timedelta(days=31)) == 1
    review.refresh_from_db()
    assert (review.state, review.opinion, review.opinion_by) == ("re_review", "silent", "")
    assert review.decisions.get(step="lapse").verdict == ""


def test_a_successor_answers_for_a_unit_that_is_no_more(home: Path) -> None:
    old, new = Unit.objects.get(code="BGS"), Unit.objects.get(code="CZJ")
    UnitSuccession.objects.create(unit=old, successor=new, basis="机构改革", at=NOW, by="zhao")
    review = decide(under_review(home), "wang")
    assert review.asked_unit == "CZJ"
    assert refusal(review, CLERK) == "wrong-role"
    assert decide(review, OTHER_CLERK).state == "re_review"


def test_without_a_successor_the_archive_decides_alone(home: Path) -> None:
    old = Unit.objects.get(code="BGS")
    UnitSuccession.objects.create(unit=old, successor=None, basis="撤销", at=NOW, by="zhao")
    assert decide(under_review(home), "wang").state == "re_review"


@pytest.mark.parametrize(("code", "asked"), [("BGS", "BGS"), ("", ""), ("XXX", "")])
def test_the_unit_to_ask_is_one_that_is_known(code: str, asked: str) -> None:
    assert unit_to_ask(code) == asked


# Delay --------------------------------------------------------------------------------------------


def delayed(home: Path) -> OpeningReview:
    review = under_review(home, unit="")
    for name in ("wang", "li", "zhao"):
        review = decide(review, name, DELAY)
    return review


def test_a_delay_needs_the_consent_of_the_authority_under_a_number(home: Path) -> None:
    review = delayed(home)
    assert review.state == "authority_consent"
    with pytest.raises(StepRefused, match="missing-evidence"):
        steps.record_consent(review.pk, "  ", by="wang", now=NOW)
    review = steps.record_consent(review.pk, "滨档函〔2026〕7号", by="wang", now=NOW)
    record = Record.objects.get()
    assert (review.state, review.deferred_until) == ("deferred", 20311126)
    assert (record.level, record.open_due, record.awaits_opening) == (1, 20311126, True)
    assert record.description["opening_status"] == "延期开放"
    assert AuditRow.objects.get(act="defer_record").why == "涉及国防工程"


def test_a_deferred_record_comes_back_on_its_day(home: Path) -> None:
    review = delayed(home)
    steps.record_consent(review.pk, "7号", by="wang", now=NOW)
    assert plan_due(2030, by="wang", now=NOW).added == 0
    assert plan_due(2031, by="wang", now=NOW).added == 1
    assert OpeningReview.objects.order_by("-round").values_list("round", "due").first() == (
        2, 20311126,
    )  # fmt: skip


def test_refused_consent_brings_the_decision_back_to_the_director(home: Path) -> None:
    review = delayed(home)
    review = steps.refuse_consent(review.pk, "理由不足", by="wang", now=NOW)
    assert (review.state, review.final_by) == ("final", "")
    assert decide(review, "zhao", Choice("open", reason="主管部门未同意延期")).state == "opened"


def test_what_is_sent_back_begins_anew_and_stays_readable(home: Path) -> None:
    review = decide(under_review(home, unit=""), "wang")
    review = steps.send_back(review.pk, "未看附件", by="li", now=NOW)
    assert (review.state, review.first_by, review.verdict) == ("first_review", "", "")
    assert [one.step for one in review.decisions.all()][-2:] == ["first_alone", "send_back"]
    decide(review, "li")
    decide(review, "wang")
    assert decide(review, "zhao").state == "opened"


# Wrongly opened -----------------------------------------------------------------------------------


def test_one_person_closes_a_record_at_once_and_a_second_confirms(home: Path) -> None:
    review = opened(home)
    with pytest.raises(StepRefused, match="missing-evidence"):
        steps.withdraw(review.pk, "", by="wang", now=NOW)
    steps.withdraw(review.pk, "附件有病历", by="wang", now=NOW)
    record = Record.objects.get()
    assert (record.level, record.open_from) == (1, NEVER)
    assert record_by_id(record.pk, viewer=STRANGER, today=TODAY) is None
    assert record.description["opening_status"] == "控制"
    with pytest.raises(StepRefused, match="same-person"):
        steps.confirm_withdrawal(review.pk, by="wang", now=NOW)
    assert steps.confirm_withdrawal(review.pk, by="li", now=NOW).state == "recalled"
    record.refresh_from_db()
    assert (record.level, record.awaits_opening) == (1, True)
    assert plan_due(2026, by="wang", now=NOW).added == 1


def test_a_second_person_may_restore_what_was_rightly_open(home: Path) -> None:
    review = opened(home)
    steps.withdraw(review.pk, "误报", by="wang", now=NOW)
    with pytest.raises(StepRefused, match="same-person"):
        steps.restore(review.pk, "没有问题", by="wang", now=NOW)
    assert steps.restore(review.pk, "没有问题", by="li", now=NOW).state == "opened"
    assert (Record.objects.get().level, Record.objects.get().open_from) == (0, TODAY)


def test_the_clerk_of_the_unit_withdraws_nothing(home: Path) -> None:
    review = opened(home)
    with pytest.raises(StepRefused, match="wrong-role"):
        steps.withdraw(review.pk, "不同意", by=CLERK, now=NOW)


# Undo ---------------------------------------------------------------------------------------------


def test_the_own_last_step_is_taken_back_until_somebody_went_on(home: Path) -> None:
    review = decide(under_review(home), "wang", DELAY)
    assert undo_last(by="li", now=NOW) is None
    again = undo_last(by="wang", now=NOW)
    assert again is not None
    assert (again.state, again.first_by, again.verdict, again.asked_unit) == (
        "first_review", "", "", "",
    )  # fmt: skip
    assert undo_last(by="wang", now=NOW) is None
    decide(review, "wang")
    decide(review, CLERK)
    assert undo_last(by="wang", now=NOW) is None
    undone = undo_last(by=CLERK, now=NOW)
    assert undone is not None
    assert (undone.state, undone.opinion) == ("unit_opinion", "")


def test_what_opened_a_record_is_not_undone(home: Path) -> None:
    opened(home)
    assert undo_last(by="zhao", now=NOW) is None
    assert Record.objects.get().level == 0


# Many at once -------------------------------------------------------------------------------------


def test_a_batch_tells_the_outcome_of_each_and_a_preview_writes_nothing(home: Path) -> None:
    records = old_records(home, 1, 2, 3, unit="")
    Record.objects.filter(pk=records[1].pk).update(personal=9)
    plan([one.pk for one in records], year=2026, by="wang", now=NOW)
    propose_planned(now=NOW)
    ids = list(OpeningReview.objects.order_by("pk").values_list("pk", flat=True))
    before = OpeningDecision.objects.count()

    told = batching.preview([*ids, 999], Choice("open", reason="逐件看过"), by="wang")
    assert OpeningDecision.objects.count() == before
    done = batching.decide_many(ids, Choice("open", reason="逐件看过"), by="wang", now=NOW)

    shown = [(one.state, one.refused.reason if one.refused else "") for one in told]
    assert shown == [("re_review", ""), ("", "not-examined"), ("re_review", "")]
    assert shown == [(one.state, one.refused.reason if one.refused else "") for one in done]
    assert sorted(OpeningReview.objects.values_list("state", flat=True)) == [
        "first_review", "re_review", "re_review",
    ]  # fmt: skip


# Publishing ---------------------------------------------------------------------------------------


def test_publishing_names_each_opened_record_once(home: Path) -> None:
    review = opened(home)
    made = publishing.publish(title="第一批", by="zhao", now=NOW)
    assert (made.number, made.count) == ("2026-01", 1)
    review.refresh_from_db()
    assert (review.publication, review.packed) == (made, False)
    with pytest.raises(publishing.NothingToPublish):
        publishing.publish(title="第二批", by="zhao", now=NOW)
    assert OpeningPublication.objects.count() == 1
    assert AuditRow.objects.get(act="publish_opened").object == "publication:2026-01"


def test_what_opens_only_later_is_not_published_yet(home: Path) -> None:
    opened(home, date="20021231")
    with pytest.raises(publishing.NothingToPublish):
        publishing.publish(title="第一批", by="zhao", now=NOW)


# What the database itself refuses -----------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        {"first_by": "a", "second_by": "a"},
        {"first_by": "a", "final_by": "a"},
        {"second_by": "a", "final_by": "a"},
        {"first_by": "a", "opinion_by": "a"},
        {"state": "opened", "open_from": TODAY, "first_by": "a", "second_by": "b"},
        {"state": "opened", "first_by": "a", "second_by": "b", "final_by": "c"},  # without a day
        {"state": "final", "asked_unit": "BGS"},  # without its opinion
        {"verdict": "delay", "ground": "G1"},
        {"verdict": "delay", "reason": "涉密"},
        {"state": "deferred", "first_by": "a", "second_by": "b", "final_by": "c",
         "verdict": "delay", "ground": "G1", "reason": "x", "deferred_until": 20311126},
        {"state": "nowhere"},
        {"withdrawn_by": "a", "confirmed_by": "a"},
    ],
)  # fmt: skip
def test_the_database_refuses_what_no_service_writes(home: Path, wrong: dict[str, object]) -> None:
    review = under_review(home)
    with pytest.raises(IntegrityError), transaction.atomic():
        OpeningReview.objects.filter(pk=review.pk).update(**wrong)


def test_one_record_has_one_review_under_way(home: Path) -> None:
    review = under_review(home)
    with pytest.raises(IntegrityError), transaction.atomic():
        OpeningReview.objects.create(
            record=review.record, round=2, plan_year=2027, state="planned", due=1, changed_at=NOW
        )


@pytest.mark.parametrize("act", ["update", "delete"])
def test_decisions_are_only_added(home: Path, act: str) -> None:
    under_review(home)
    rows = OpeningDecision.objects.all()
    with pytest.raises(DatabaseError), transaction.atomic():
        rows.update(by="nobody") if act == "update" else rows.delete()


# Every way ----------------------------------------------------------------------------------------

PEOPLE = ("wang", "li", "zhao", "qian", CLERK, OTHER_CLERK, "system", "nobody")
CHOICES = (
    AGREE,
    Choice("open", reason="可以"),
    Choice("masked", reason="遮"),
    DELAY,
    Choice("delay"),
)
DEEDS = ("decide", "consent", "refuse", "back", "withdraw", "confirm", "restore", "undo", "lapse")
moves = st.lists(
    st.tuples(st.sampled_from(DEEDS + ("decide",) * 8), st.sampled_from(PEOPLE),
              st.sampled_from(CHOICES), st.booleans()),
    min_size=5, max_size=40,
)  # fmt: skip


def _move(review_id: int, deed: str, who: str, choice: Choice, full: bool) -> None:
    why, number = ("理由", "7号") if full else ("", "")
    acts: dict[str, Callable[[], object]] = {
        "decide": lambda: steps.decide(review_id, choice, by=who, now=NOW),
        "consent": lambda: steps.record_consent(review_id, number, by=who, now=NOW),
        "refuse": lambda: steps.refuse_consent(review_id, why, by=who, now=NOW),
        "back": lambda: steps.send_back(review_id, why, by=who, now=NOW),
        "withdraw": lambda: steps.withdraw(review_id, why, by=who, now=NOW),
        "confirm": lambda: steps.confirm_withdrawal(review_id, by=who, now=NOW),
        "restore": lambda: steps.restore(review_id, why, by=who, now=NOW),
        "undo": lambda: undo_last(by=who, now=NOW),
        "lapse": lambda: steps.lapse_overdue(now=NOW + timedelta(days=40)),
    }
    acts[deed]()


@given(moves, st.sampled_from(["BGS", ""]), st.sampled_from([0, 2]))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_way_opens_a_record_without_three_persons_and_the_unit(
    home: Path, taken: list[tuple[str, str, Choice, bool]], unit: str, personal: int
) -> None:
    with transaction.atomic():
        person("qian", Role.DIRECTOR)
        review_id = under_review(home, unit=unit, personal=personal).pk
        for deed, who, choice, full in taken:
            state = OpeningReview.objects.values().get(pk=review_id)
            rows = OpeningDecision.objects.count()
            try:
                _move(review_id, deed, who, choice, full)
            except StepRefused:
                assert OpeningReview.objects.values().get(pk=review_id) == state
                assert OpeningDecision.objects.count() == rows
            _assert_lawful(review_id)
        transaction.set_rollback(True)


def _assert_lawful(review_id: int) -> None:
    review = OpeningReview.objects.select_related("record").get(pk=review_id)
    record, said = review.record, list(review.decisions.all())
    assert review.state in OpeningState.values
    assert review.state == "planned" or review.state in OPENING_FLOW.states
    is_open = record.level == 0 and record.open_from <= TODAY
    assert is_open == (review.state in IN_FORCE)
    if review.state in {*IN_FORCE, "deferred"}:
        persons = {review.first_by, review.second_by, review.final_by}
        assert len(persons - {""}) == 3
        assert persons <= {one.by for one in said}
        heard = [one for one in said if one.step in {"answer", "lapse"}]
        assert not review.asked_unit or heard
    if review.state == "deferred":
        assert review.consent_number
        assert review.ground
        assert review.reason
    if is_open:
        assert (record.personal > 0) == (review.state == "partly")


# The due list -------------------------------------------------------------------------------------


def test_the_due_counts_are_read_from_an_index_alone(home: Path) -> None:
    old_records(home, 1, 2)
    with CaptureQueriesContext(connection) as asked:
        counts = due_counts(viewer=Viewer("wang", clearance=2, roles=frozenset({"archivist"})),
                            today=TODAY)  # fmt: skip
    assert [(one.fonds, one.title, one.year, one.count) for one in counts] == [
        ("Z109", "临江市人民政府", 2023, 2)
    ]
    assert len(asked) == 2  # the second for the names of the fonds
    if connection.vendor == "sqlite":  # a server plans by its statistics
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {asked[0]['sql']}")
            plan_of = " ".join(str(row[3]) for row in cursor.fetchall())
        assert "COVERING INDEX record_due_of_fonds" in plan_of
