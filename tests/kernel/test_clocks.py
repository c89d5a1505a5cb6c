"""Clocks of a case: the ten lines of the contract, one test each, and every row of the table."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liandong.kernel import catalog
from liandong.kernel.calendars import calendar_of, catalogue_calendar
from liandong.kernel.clocks import (
    ClockRun,
    Moment,
    Policy,
    catalogue_policy,
    clock_kinds,
    running_clocks,
)
from liandong.kernel.deadlines import Limit, Unit, deadline, elapsed
from liandong.kernel.escalation import SILENT, notices
from liandong.kernel.explanations import explain

ZONE = ZoneInfo("Asia/Shanghai")
OFFICE = catalogue_calendar()
POLICY = catalogue_policy()


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


LATER = at("2027-01-20 10:00")
OPENED = (
    Moment(at("2026-11-02 09:00"), "submitted", "submit"),
    Moment(at("2026-11-02 10:00"), "accepted", "accept"),
    Moment(at("2026-11-02 11:00"), "dispatched", "dispatch"),
    Moment(at("2026-11-02 15:00"), "in_progress", "sign_in"),
)
HANDED_IN = (
    *OPENED,
    Moment(at("2026-11-05 10:00"), "handled", "hand_in"),
    Moment(at("2026-11-05 10:00"), "inspecting", "submit_inspection"),
)
PASSED = (*HANDED_IN, Moment(at("2026-11-06 10:00"), "resolved", "pass"))


def clocks(
    moments: Sequence[Moment],
    now: datetime = LATER,
    policy: Policy | Sequence[Policy] = POLICY,
) -> dict[str, list[ClockRun]]:
    """The runs of a case by clock."""
    found: dict[str, list[ClockRun]] = {}
    for run in running_clocks(moments, policy, OFFICE, now):
        found.setdefault(run.code, []).append(run)
    return found


def only(moments: Sequence[Moment], code: str, now: datetime = LATER) -> ClockRun:
    (run,) = clocks(moments, now)[code]
    return run


# The contract -------------------------------------------------------------------------------------


def test_contract_1_pauses_take_business_time_out_not_time_on_the_wall() -> None:
    """Asked on Friday 17:00, answered on Monday 09:00: one business hour, not 64."""
    moments = (
        *OPENED,
        Moment(at("2026-11-06 17:00"), "needs_info", "ask"),
        Moment(at("2026-11-09 09:00"), "in_progress", "answer"),
    )
    plain, asked = only(OPENED, "T5"), only(moments, "T5")
    assert plain.due_at == at("2026-11-09 17:30")
    assert asked.due_at == at("2026-11-10 09:30")
    assert OFFICE.worked(plain.due_at, asked.due_at) == timedelta(hours=1)


def test_contract_2_a_case_that_is_reopened_is_computed_anew() -> None:
    moments = (
        *PASSED,
        Moment(at("2026-11-09 10:00"), "reopen_review", "dispute"),
        Moment(at("2026-11-10 10:00"), "dispatched", "accept_reopen", round=2),
    )
    old, new = clocks(moments)["T5"]
    assert (old.round, old.stopped_at, old.overdue) == (1, at("2026-11-05 10:00"), False)
    assert (new.round, new.started_at) == (2, at("2026-11-10 10:00"))
    assert new.due_at == at("2026-11-17 17:30")
    assert [run.round for run in clocks(moments)["T4"]] == [1, 2]


@pytest.mark.parametrize("state", sorted(SILENT))
def test_contract_3_a_merged_closed_or_parked_case_is_never_escalated(state: str) -> None:
    moments = (*OPENED, Moment(at("2026-11-03 10:00"), state, ledger="listed"))
    runs = running_clocks(moments, POLICY, OFFICE, LATER)
    assert any(run.stopped_at is None for run in runs) or state == "filed"
    assert [notice for run in runs for notice in notices(run, OFFICE)] == []


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 1), timezones=st.just(ZONE)),  # noqa: DTZ001
    st.sampled_from(["submitted", "accepted", "dispatched", "inspecting", "resolved", "verifying"]),
    st.sampled_from(["", "hotline_draft", "enterprise_fast"]),
)
def test_contract_4_reminders_are_sent_in_service_hours_only(
    start: datetime, state: str, profile: str
) -> None:
    runs = running_clocks([Moment(start, state)], catalogue_policy(profile), OFFICE, start)
    assert runs
    for run in runs:
        told = notices(run, OFFICE)
        assert all(OFFICE.is_open(notice.at) for notice in told)
        assert all(notice.at >= run.started_at for notice in told)
        late = [notice.at for notice in told if notice.level != "nearly_due"]
        assert all(run.due_at <= moment for moment in late)


def test_contract_5_first_response_and_update_have_clocks_of_their_own() -> None:
    policy = catalogue_policy("enterprise_fast")
    listed = Moment(at("2026-11-02 16:00"), "in_progress", "list", ledger="listed")
    contact = Moment(at("2026-11-02 16:20"), "in_progress", "contact", ledger="listed")
    update = Moment(at("2026-11-20 10:00"), "in_progress", "log_progress", ledger="listed")
    found = clocks([*OPENED, listed, update], policy=policy)
    assert found["CONTACT"][0].stopped_at is None  # an update is no first contact
    assert found["CONTACT"][0].overdue
    assert len(found["T7"]) == 2
    found = clocks([*OPENED, listed, contact], policy=policy)
    assert found["CONTACT"][0].stopped_at == contact.at
    assert len(found["T7"]) == 1  # and a contact is no update


def test_contract_6_paused_time_stays_when_the_policy_changes() -> None:
    newer = replace(
        POLICY, version="v2", limits={**POLICY.limits, "T5": Limit(10, Unit.WORK_DAY)},
        since=at("2026-11-04 00:00"),
    )  # fmt: skip
    parked = (
        *OPENED,
        Moment(at("2026-11-03 09:00"), "parked", "park"),
        Moment(at("2026-11-05 09:00"), "in_progress", "resume"),
    )
    decided = (*parked, Moment(at("2026-11-05 10:00"), "in_progress", "decide", policy="v2"))
    (old,) = clocks(parked, policy=[POLICY, newer])["T5"]
    (new,) = clocks(decided, policy=[POLICY, newer])["T5"]
    assert (old.policy.version, new.policy.version) == (POLICY.version, "v2")
    assert old.pauses == new.pauses
    for run, days in ((old, 5), (new, 10)):
        plain = deadline(run.started_at, days, "work_day", OFFICE)
        assert OFFICE.worked(plain, run.due_at) == timedelta(hours=14)


def test_contract_7_a_day_has_several_intervals() -> None:
    moments = [Moment(at("2026-11-02 11:30"), "submitted", "submit")]
    assert only(moments, "T1").due_at == at("2026-11-02 15:30")  # 30 minutes, lunch, 90 minutes
    three = calendar_of(
        [], [("08:00", "11:00"), ("13:00", "16:00"), ("19:00", "20:00")], name="three"
    )
    (run,) = running_clocks(
        [Moment(at("2026-11-02 15:30"), "submitted")], POLICY, three, at("2026-11-02 15:30")
    )
    assert run.due_at == at("2026-11-03 08:30")


def test_contract_8_holidays_and_make_up_days_are_known_and_editable() -> None:
    start = Moment(at("2026-09-30 10:00"), "dispatched", "dispatch")
    assert only([start], "T5").due_at == at("2026-10-13 17:30")  # Saturday the 10th is worked
    edited = calendar_of(
        [(day, "holiday") for day in OFFICE.holidays]
        + [(day, "workday") for day in OFFICE.makeup_days],
        [("08:30", "12:00"), ("14:00", "17:30")],
        name="office",
        closures=[at("2026-10-12 00:00").date()],
    )
    (run,) = [run for run in running_clocks([start], POLICY, edited, LATER) if run.code == "T5"]
    assert run.due_at == at("2026-10-14 17:30")


def test_contract_9_each_deadline_is_explained_as_arithmetic() -> None:
    moments = (
        Moment(at("2026-09-30 10:00"), "dispatched", "dispatch"),
        Moment(at("2026-09-30 11:00"), "in_progress", "sign_in"),
        Moment(at("2026-10-08 10:00"), "parked", "park"),
        Moment(at("2026-10-08 15:00"), "in_progress", "resume"),
    )
    lines = explain(only(moments, "T5", at("2026-10-09 10:00")), OFFICE)
    by_code = {line.code: line.params for line in lines}
    assert by_code["calendar"] == {
        "calendar": OFFICE.version, "intervals": "08:30–12:00、14:00–17:30", "minutes": 420,
    }  # fmt: skip
    assert by_code["policy"]["policy"] == POLICY.version
    assert (by_code["policy"]["amount"], by_code["policy"]["unit"]) == (5, "work_day")
    assert by_code["holiday"]["days"] == "2026-10-01–2026-10-02、2026-10-05–2026-10-07"
    assert by_code["makeup"]["days"] == "2026-10-10"
    assert by_code["pause"]["minutes"] == 180
    assert by_code["unpaused"] == {"due": "2026-10-13 17:30"}
    assert by_code["due"] == {"due": "2026-10-14 11:30"}
    assert str(lines[-1]) == "届满：2026-10-14 11:30"
    assert "、" not in lines[0].text("en")
    for line in lines:
        assert "{" not in line.text("zh") + line.text("en")


def test_contract_10_a_past_deadline_is_computed_again_with_the_same_answer() -> None:
    """What came later, is left out: the answer of that day is the answer of today."""
    parked = (
        *OPENED,
        Moment(at("2026-11-03 09:00"), "parked", "park"),
        Moment(at("2026-11-05 09:00"), "in_progress", "resume"),
        Moment(at("2026-11-12 09:00"), "handled", "hand_in"),
    )
    for count in range(1, len(parked) + 1):
        then = parked[count - 1].at
        of_that_day = running_clocks(parked[:count], POLICY, OFFICE, then)
        assert running_clocks(parked, POLICY, OFFICE, then) == of_that_day


# Clocks -------------------------------------------------------------------------------------------


def test_every_clock_of_an_opened_case_starts_and_stops_by_the_table() -> None:
    found = clocks(PASSED, at("2026-11-06 11:00"))
    times = {code: (runs[0].started_at, runs[0].stopped_at) for code, runs in found.items()}
    instants = [moment.at for moment in PASSED]
    assert times == {
        "T1": (instants[0], instants[1]),
        "T3": (instants[1], instants[2]),
        "T4": (instants[2], instants[3]),
        "T5": (instants[2], instants[4]),
        "T9": (instants[5], instants[6]),
        "T10": (instants[6], None),
    }
    assert not any(run.overdue for runs in found.values() for run in runs)


def test_a_question_pauses_the_clock_of_the_desk_and_starts_that_of_the_requester() -> None:
    moments = (
        Moment(at("2026-11-02 09:00"), "submitted", "submit"),
        Moment(at("2026-11-02 09:30"), "needs_info", "ask"),
    )
    found = clocks(moments, at("2026-11-03 09:30"))
    assert found["T1"][0].paused
    assert not found["T1"][0].overdue
    assert found["T1"][0].due_at == at("2026-11-03 11:00")  # 90 minutes are left
    assert found["TQ"][0].due_at == at("2026-11-10 00:00")  # the 7th is a Saturday
    assert notices(found["T1"][0], OFFICE) == ()
    assert [notice.level for notice in notices(found["TQ"][0], OFFICE)] == ["nearly_due"]


def test_an_objection_pauses_the_clock_of_the_lead_unit_and_a_redispatch_goes_on() -> None:
    moments = (
        *OPENED[:3],
        Moment(at("2026-11-03 09:00"), "returned", "object"),
        Moment(at("2026-11-03 11:00"), "dispatched", "redispatch"),
    )
    found = clocks(moments)
    assert [run.started_at for run in found["T4"]] == [OPENED[2].at, at("2026-11-03 11:00")]
    assert found["T3R"][0].stopped_at == at("2026-11-03 11:00")
    (lead,) = found["T5"]
    assert lead.due_at == at("2026-11-10 10:30")


def test_a_failed_inspection_lets_the_clock_of_the_lead_unit_go_on() -> None:
    """Not reset: what was left on handing in is left again; the inspection does not count."""
    moments = (*HANDED_IN, Moment(at("2026-11-06 10:00"), "in_progress", "fail", round=2))
    (lead,) = clocks(moments)["T5"]
    assert (lead.round, lead.started_at, lead.stopped_at) == (1, OPENED[2].at, None)
    assert [pause.reason for pause in lead.pauses] == ["inspecting"]
    left = elapsed(at("2026-11-05 10:00"), at("2026-11-09 17:30"), OFFICE)
    assert elapsed(at("2026-11-06 10:00"), lead.due_at, OFFICE) == left


def test_handing_in_late_stays_late_after_a_failed_inspection() -> None:
    moments = (
        *OPENED,
        Moment(at("2026-11-10 10:00"), "inspecting", "hand_in"),
        Moment(at("2026-11-11 10:00"), "in_progress", "fail", round=2),
    )
    lead = only(moments, "T5")
    assert lead.due_at == at("2026-11-09 17:30")
    assert lead.overdue


def test_an_extension_moves_the_clock_of_the_lead_unit_and_later_pauses_move_it_on() -> None:
    until = at("2026-11-20 23:59")
    extended = (*OPENED, Moment(at("2026-11-04 10:00"), "in_progress", "extend", until=until))
    assert only(extended, "T5").due_at == until
    parked = (
        *extended,
        Moment(at("2026-11-05 09:00"), "parked", "park"),
        Moment(at("2026-11-05 11:00"), "in_progress", "resume"),
    )
    assert only(parked, "T5").due_at == at("2026-11-23 10:30")
    assert "extended" in {line.code for line in explain(only(parked, "T5"), OFFICE)}


def test_each_assisting_unit_has_a_clock_of_its_own() -> None:
    moments = (
        *OPENED,
        Moment(at("2026-11-03 09:00"), "in_progress", "request_assist", unit="A"),
        Moment(at("2026-11-03 10:00"), "in_progress", "request_assist", unit="B"),
        Moment(at("2026-11-04 09:00"), "needs_info", "ask"),
        Moment(at("2026-11-04 10:00"), "in_progress", "answer"),
        Moment(at("2026-11-05 09:00"), "in_progress", "answer_assist", unit="A"),
    )
    runs = {run.unit: run for run in clocks(moments, at("2026-11-05 10:00"))["T6"]}
    assert runs["A"].stopped_at == at("2026-11-05 09:00")
    assert runs["B"].stopped_at is None
    assert runs["B"].due_at == at("2026-11-09 09:30")
    handed = (*moments, Moment(at("2026-11-06 09:00"), "handled", "hand_in"))
    assert all(run.stopped_at for run in clocks(handed)["T6"])


def test_progress_starts_the_monthly_clock_of_the_ledger_anew_until_it_is_cleared() -> None:
    def listed(when: str, action: str, ledger: str = "listed") -> Moment:
        return Moment(at(when), "in_progress", action, ledger=ledger)

    moments = (
        *OPENED,
        listed("2026-11-02 16:00", "list"),
        listed("2026-11-30 10:00", "log_progress"),
        listed("2026-12-10 10:00", "propose_clear", "proposed"),
        listed("2026-12-11 10:00", "clear", "cleared"),
        listed("2026-12-12 10:00", "log_progress", "cleared"),
    )
    runs = clocks(moments)["T7"]
    assert [(run.started_at, run.stopped_at) for run in runs] == [
        (at("2026-11-02 16:00"), at("2026-11-30 10:00")),
        (at("2026-11-30 10:00"), at("2026-12-11 10:00")),
    ]
    assert [run.due_at for run in runs] == [at("2026-12-03 00:00"), at("2026-12-31 00:00")]


def test_a_review_starts_the_clock_of_a_parked_case_anew() -> None:
    moments = (
        *OPENED,
        Moment(at("2026-11-03 09:00"), "parked", "park"),
        Moment(at("2026-12-01 09:00"), "parked", "review"),
    )
    first, second = clocks(moments)["T8"]
    assert first.stopped_at == second.started_at == at("2026-12-01 09:00")
    (lead,) = clocks(moments)["T5"]
    assert lead.paused
    assert len(lead.pauses) == 1


@pytest.mark.parametrize("state", ["rejected", "merged", "withdrawn", "referred"])
def test_an_exit_stops_every_clock_but_that_of_filing(state: str) -> None:
    moments = (*OPENED, Moment(at("2026-11-03 09:00"), state, ledger="listed"))
    running = [
        run.code for run in running_clocks(moments, POLICY, OFFICE, LATER) if not run.stopped_at
    ]
    assert running == ["T12"]


def test_a_change_of_policy_counts_for_new_rounds_only() -> None:
    newer = replace(
        POLICY, version="v2", limits={**POLICY.limits, "T5": Limit(3, Unit.WORK_DAY)},
        since=at("2026-11-04 00:00"),
    )  # fmt: skip
    moments = (
        *PASSED,
        Moment(at("2026-11-09 10:00"), "reopen_review", "dispute"),
        Moment(at("2026-11-10 10:00"), "dispatched", "accept_reopen", round=2),
    )
    old, new = clocks(moments, policy=[newer, POLICY])["T5"]
    assert (old.policy.version, old.limit.amount) == (POLICY.version, 5)
    assert (new.policy.version, new.limit.amount) == ("v2", 3)


def test_a_decision_leaves_clocks_that_had_stopped_alone() -> None:
    newer = replace(POLICY, version="v2", since=at("2026-11-04 00:00"))
    decided = (*OPENED, Moment(at("2026-11-04 10:00"), "in_progress", "decide", policy="v2"))
    found = clocks(decided, policy=[POLICY, newer])
    assert found["T1"][0].policy.version == POLICY.version
    assert found["T5"][0].policy.version == "v2"


def test_what_makes_no_sense_is_refused_with_words() -> None:
    naive = Moment(datetime(2026, 11, 2), "submitted")  # noqa: DTZ001
    cases: tuple[tuple[Sequence[Moment], Policy | list[Policy], str], ...] = (
        ([naive], POLICY, "naive"),
        (OPENED[::-1], POLICY, "order"),
        ([replace(OPENED[3], action="extend")], POLICY, "no new date"),
        ([replace(OPENED[3], policy="v9")], POLICY, "v9"),
        (OPENED, [], "none is given"),
    )
    for moments, policy, words in cases:
        with pytest.raises(ValueError, match=words):
            running_clocks(moments, policy, OFFICE, LATER)
    with pytest.raises(ValueError, match="naive"):
        running_clocks(OPENED, POLICY, OFFICE, datetime(2026, 11, 2))  # noqa: DTZ001
    other = calendar_of([], [("09:00", "17:00")], name="other")
    with pytest.raises(ValueError, match="other"):
        explain(only(OPENED, "T5"), other)


def test_a_case_without_events_has_no_clocks() -> None:
    assert running_clocks([], POLICY, OFFICE, LATER) == ()
    assert running_clocks(OPENED, POLICY, OFFICE, at("2026-11-01 09:00")) == ()


STATES = sorted({state for kind in clock_kinds().values() for state in kind.stays})
ACTIONS = ["", "fail", "review", "log_progress", "request_assist", "answer_assist", "contact"]


@st.composite
def histories(draw: st.DrawFn) -> list[Moment]:
    """Any events in order of time, likely and unlikely ones."""
    moment, found = at("2026-01-05 09:00"), []
    for _ in range(draw(st.integers(1, 14))):
        moment += timedelta(minutes=draw(st.integers(0, 6000)))
        state, action = draw(st.sampled_from(STATES)), draw(st.sampled_from(ACTIONS))
        ledger = draw(st.sampled_from(["none", "listed", "proposed", "cleared", "relisted"]))
        found.append(Moment(moment, state, action, ledger=ledger, unit=draw(st.sampled_from("AB"))))
    return found


@given(histories(), st.integers(0, 20000))
def test_whatever_happened_every_run_is_whole(moments: list[Moment], later: int) -> None:
    now = moments[-1].at + timedelta(minutes=later)
    runs = running_clocks(moments, POLICY, OFFICE, now)
    running = [(run.code, run.unit) for run in runs if run.stopped_at is None]
    assert len(running) == len(set(running))
    for run in runs:
        ends = [pause.end or now for pause in run.pauses]
        edges = [
            edge for pause, end in zip(run.pauses, ends, strict=True) for edge in (pause.start, end)
        ]
        times = [run.started_at, *edges, run.stopped_at or now]
        assert times == sorted(times)
        assert run.paused == any(pause.end is None for pause in run.pauses)
        assert run.due_at >= run.started_at
        assert run.overdue == ((run.stopped_at or now) > run.due_at)
        assert explain(run, OFFICE)[0].code == "calendar"
        assert all(OFFICE.is_open(notice.at) for notice in notices(run, OFFICE))


# Escalation ---------------------------------------------------------------------------------------


def test_the_levels_follow_one_another_in_working_days() -> None:
    lead = only(OPENED, "T5", at("2026-11-03 09:00"))
    assert [(notice.level, notice.at) for notice in notices(lead, OFFICE)] == [
        ("nearly_due", at("2026-11-06 16:36")),  # 80 in 100 of 39.5 hours
        ("reminder", at("2026-11-10 08:30")),
        ("supervision", at("2026-11-13 08:30")),
        ("criticism", at("2026-11-17 08:30")),
    ]


def test_a_limit_over_night_is_not_reminded_of_out_of_hours() -> None:
    policy = replace(POLICY, limits={"T5": Limit(2, Unit.HOUR)})
    start = at("2026-11-02 22:00")
    (run,) = running_clocks([Moment(start, "dispatched")], policy, OFFICE, start)
    assert run.due_at == at("2026-11-03 00:00")
    assert [notice.level for notice in notices(run, OFFICE)] == [
        "reminder",
        "supervision",
        "criticism",
    ]


# The tables ---------------------------------------------------------------------------------------


def test_a_clock_begins_where_it_runs_and_names_known_states_only() -> None:
    seen = {
        "submitted", "needs_info", "verifying", "accepted", "dispatched", "returned", "in_progress",
        "parked", "handled", "inspecting", "resolved", "reopen_review", "closed", "filed",
        "rejected", "merged", "withdrawn", "referred", "listed", "proposed", "cleared", "relisted",
    }  # fmt: skip
    for kind in clock_kinds().values():
        assert kind.runs_in | kind.pauses_in <= seen, kind.code
        assert not kind.runs_in & kind.pauses_in, kind.code
        assert kind.axis == "unit" or kind.starts <= kind.runs_in, kind.code


def test_every_row_of_a_profile_has_a_known_clock_and_unit() -> None:
    elsewhere = {"EXTEND", "REVIEW", "THIRD"}  # limits that a clock of the table does not keep
    levels = {row["code"] for row in catalog.rows("escalation_levels")}
    for row in catalog.rows("timer_profiles"):
        assert row["clock"] in clock_kinds().keys() | levels | elsewhere, dict(row)
        assert Limit(int(row["value"]), Unit(row["unit"])).amount > 0


@pytest.mark.parametrize(
    ("profile", "applies_to", "amount", "unit"),
    [
        ("", "ordinary", 5, "work_day"),
        ("hotline_draft", "emergency", 2, "hour"),
        ("hotline_draft", "ordinary", 7, "calendar_day"),
        ("bureau", "complaint", 13, "work_day"),
        ("petition", "ordinary", 60, "calendar_day"),
    ],
)
def test_a_profile_gives_the_limit_of_the_lead_unit(
    profile: str, applies_to: str, amount: int, unit: str
) -> None:
    assert catalogue_policy(profile, applies_to).limits["T5"] == Limit(amount, Unit(unit))


def test_other_values_are_another_version_of_the_policy() -> None:
    versions = {
        catalogue_policy(profile, applies_to).version
        for profile, applies_to in (("", ""), ("bureau", "complaint"), ("petition", "ordinary"))
    }
    assert len(versions) == 3
    assert catalogue_policy().version == POLICY.version
    assert catalogue_policy("bureau", "complaint").version.startswith("bureau-complaint-")


def test_a_profile_that_does_not_say_is_refused() -> None:
    with pytest.raises(ValueError, match="no such profile"):
        catalogue_policy("nowhere")
    with pytest.raises(ValueError, match="has no T5"):
        catalogue_policy("bureau")


def test_every_unit_has_a_sentence_in_both_languages() -> None:
    rows = catalog.by_key("deadline_lines", "code")
    assert {unit.value for unit in Unit} <= rows.keys()
    assert all(row["message_zh"] and row["message_en"] for row in rows.values())
