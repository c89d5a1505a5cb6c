"""Time brings steps to a case: each once, in service hours, and never twice however it is run."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from pytest_django import Settings
from tests.cases.build import (
    CITY,
    NOW,
    TO_DISPATCHED,
    TO_INSPECTING,
    cell,
    drive,
    opened,
    people,
    step,
)

from liandong.archive.services.keyring import key_of
from liandong.base.models import AuditRow, Notice
from liandong.cases.models import Case
from liandong.cases.services import tending
from liandong.cases.services.photos import add_photo, clean_path, original_of, original_path
from liandong.cases.services.proving import faults_of
from liandong.cases.services.sealing import contact_of, contact_urn
from liandong.cases.services.tending import tend_due
from liandong.kernel.sealed import CannotOpen

pytestmark = pytest.mark.django_db
ZONE = ZoneInfo("Asia/Shanghai")
CONTACT = {"name": "张某某", "phone": "13800138000", "email": "zhang@example.cn"}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


@pytest.fixture(autouse=True)
def _people() -> None:
    people()
    cell()


def actions(case: Case) -> list[str]:
    return list(case.events.order_by("number").values_list("action", flat=True))


def hourly(start: str, days: int) -> Iterator[datetime]:
    """Every hour of some days, nights included."""
    for hour in range(days * 24):
        yield at(start) + timedelta(hours=hour)


def in_progress(now: datetime) -> Case:
    case = opened(now=now).case
    for action, by in (*TO_DISPATCHED, ("sign_in", "city")):
        case = step(case, action, by, now=now)
    return case


# A question ---------------------------------------------------------------------------------------


def asked(now: datetime) -> Case:
    return step(opened(now=now).case, "ask", "desk", now=now)


def test_a_question_lapses_after_a_notice_and_not_before() -> None:
    case = asked(at("2026-11-02 09:00"))  # a Monday: five calendar days end on Saturday, so Monday
    seen = {}
    for now in hourly("2026-11-02 10:00", 9):
        tend_due(now=now)
        for action in actions(case):
            seen.setdefault(action, now)
    assert seen["remind_answer"] < at("2026-11-09 17:30")
    assert at("2026-11-10 00:00") <= seen["lapse"] <= at("2026-11-10 02:00")
    case.refresh_from_db()
    assert (case.state, case.outcome, case.record) == ("withdrawn", "withdrawn", "due")
    assert actions(case).count("remind_answer") == actions(case).count("lapse") == 1
    assert faults_of(Case.objects.get(pk=case.pk)) == []


def test_after_a_standstill_the_notice_comes_first_and_the_lapse_a_day_later() -> None:
    case = asked(at("2026-11-02 09:00"))
    late = at("2026-12-01 10:00")
    assert tend_due(now=late)["remind_answer"] == 1
    assert "lapse" not in actions(case)
    assert tend_due(now=late + timedelta(hours=23)).get("lapse", 0) == 0
    assert tend_due(now=late + timedelta(hours=24)).get("lapse") == 1


def test_an_answer_in_time_keeps_the_case_open_and_a_new_question_is_reminded_anew() -> None:
    case = asked(at("2026-11-02 09:00"))
    tend_due(now=at("2026-11-09 10:00"))
    case = step(case, "answer", "requester", now=at("2026-11-09 11:00"))
    tend_due(now=at("2026-11-30 10:00"))
    assert "lapse" not in actions(case)
    case = step(case, "ask", "desk", now=at("2026-12-01 09:00"))
    tend_due(now=at("2026-12-09 10:00"))
    assert actions(case).count("remind_answer") == 2


def test_the_requester_reads_the_notice_on_the_tracking_page() -> None:
    from liandong.cases.queries.tracking import story

    case = asked(at("2026-11-02 09:00"))
    tend_due(now=at("2026-11-09 10:00"))
    assert story(case)[0].action == "remind_answer"


# Silence ------------------------------------------------------------------------------------------


def test_silence_closes_and_counts_as_no_reply() -> None:
    case = drive(opened().case, (*TO_INSPECTING, ("pass", "inspector")))
    due = case.running["T10"]
    assert tend_due(now=due).get("silence", 0) == 0
    assert tend_due(now=due + timedelta(seconds=1))["silence"] == 1
    case.refresh_from_db()
    assert (case.state, case.record, case.score) == ("closed", "due", None)


# Escalations --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "levels"),
    [
        # T5 ends on Monday 9 November 2026; a day, three and five workdays after the reminder.
        ("2026-11-02 09:00", {
            "remind": "2026-11-10", "supervise": "2026-11-13", "notice": "2026-11-17",
        }),
        # From Sunday 28 September 2025 over the holidays to Saturday 11 October: both make-up days.
        ("2025-09-28 09:00", {
            "remind": "2025-10-13", "supervise": "2025-10-16", "notice": "2025-10-20",
        }),
        # 2027 has no published arrangement yet: statutory days only.
        ("2027-03-01 09:00", {
            "remind": "2027-03-09", "supervise": "2027-03-12", "notice": "2027-03-16",
        }),
    ],
)  # fmt: skip
def test_each_level_is_raised_once_on_its_day_in_service_hours(
    start: str, levels: dict[str, str]
) -> None:
    case = in_progress(at(start))
    for now in hourly(start[:10] + " 00:30", 26):
        if now > at(start):
            tend_due(now=now)
    raised = {row.level: row for row in case.escalations.all()}
    days = {one: row.raised_at.astimezone(ZONE).date().isoformat() for one, row in raised.items()}
    assert days == levels
    assert case.escalations.count() == 3
    for row in raised.values():
        assert row.raised_by == "system"
        assert row.unit.code == CITY
        hour = row.raised_at.astimezone(ZONE)
        assert (8, 30) <= (hour.hour, hour.minute) < (17, 30)
        assert row.due_on > hour.date()
    assert faults_of(Case.objects.get(pk=case.pk)) == []


def test_an_escalation_of_the_system_must_be_answered_by_the_lead_unit() -> None:
    case = in_progress(at("2026-11-02 09:00"))
    tend_due(now=at("2026-11-10 09:00"))
    escalation = case.escalations.get()
    assert escalation.is_late(escalation.due_on + timedelta(days=1))
    step(case, "answer_escalation", "city", now=at("2026-11-10 10:00"))
    assert case.escalations.get().answered_by == "city"
    told = Notice.objects.filter(kind="escalate", number=case.number)
    assert set(told.values_list("account__username", flat=True)) == {"city"}


def test_after_a_standstill_levels_come_one_a_day() -> None:
    case = in_progress(at("2026-11-02 09:00"))
    for day, count in (("2026-12-07", 1), ("2026-12-08", 2), ("2026-12-09", 3), ("2026-12-10", 3)):
        for hour in (7, 9, 10, 15, 20):
            tend_due(now=at(f"{day} {hour:02}:00"))
        assert case.escalations.count() == count


def test_a_failed_inspection_does_not_begin_the_levels_again() -> None:
    case = in_progress(at("2026-11-02 09:00"))
    tend_due(now=at("2026-11-10 09:00"))
    for action, by in (("hand_in", "city"), ("fail", "inspector")):
        case = step(case, action, by, now=at("2026-11-11 09:00"))
    assert case.round == 2
    tend_due(now=at("2026-11-11 10:00"))
    assert [row.level for row in case.escalations.all()] == ["remind"]


@pytest.mark.parametrize("state", ["parked", "inspecting", "needs_info", "returned", "resolved"])
def test_nothing_is_raised_while_the_clock_of_the_lead_unit_rests(state: str) -> None:
    way = {
        "parked": [("park", "leader")], "inspecting": [("hand_in", "city")],
        "needs_info": [("ask", "city")],
        "resolved": [("hand_in", "city"), ("pass", "inspector")],
    }  # fmt: skip
    if state == "returned":
        case = opened(now=at("2026-11-02 09:00")).case
        for action, by in (*TO_DISPATCHED, ("object", "city")):
            case = step(case, action, by, now=at("2026-11-02 09:00"))
    else:
        case = in_progress(at("2026-11-02 09:00"))
        for action, by in way[state]:
            case = step(case, action, by, now=at("2026-11-02 10:00"))
    assert case.state == state
    for day in range(60):
        tend_due(now=at("2026-11-03 10:00") + timedelta(days=day))
    assert case.escalations.count() == 0


@pytest.mark.parametrize("exit_by", ["reject", "refer", "withdraw", "merge"])
def test_nothing_is_raised_after_an_exit(exit_by: str) -> None:
    case, parent = opened(now=at("2026-11-02 09:00")).case, opened(now=at("2026-11-02 09:00")).case
    by = "requester" if exit_by == "withdraw" else "desk"
    case = step(case, exit_by, by, now=at("2026-11-02 09:10"), parent=parent.number)
    Notice.objects.all().delete()
    for day in range(40):
        tend_due(now=at("2026-11-03 10:00") + timedelta(days=day))
    told = set(Notice.objects.filter(number=case.number).values_list("kind", flat=True))
    assert not told & {"nearly_due", "late", "escalate"}


def test_other_limits_are_told_as_nearly_due_and_as_late_to_their_owner() -> None:
    case = opened(now=at("2026-11-02 09:00")).case  # two hours for the desk
    for now in hourly("2026-11-02 09:40", 3):
        tend_due(now=now)
    told = Notice.objects.filter(number=case.number, kind__in=["nearly_due", "late"])
    assert set(told.values_list("account__username", "kind")) == {
        ("desk", "nearly_due"), ("desk2", "nearly_due"), ("desk", "late"), ("desk2", "late"),
    }  # fmt: skip
    assert told.count() == 4


# Once ---------------------------------------------------------------------------------------------


def test_run_again_at_the_same_moment_nothing_happens() -> None:
    in_progress(at("2026-11-02 09:00"))
    asked(at("2026-11-02 09:00"))
    now = at("2026-11-10 09:00")
    assert tend_due(now=now)["remind"] == 1
    before = (list(Case.objects.values()), Notice.objects.count(), AuditRow.objects.count())
    assert {name: n for name, n in tend_due(now=now).items() if n} == {}
    after = (list(Case.objects.values()), Notice.objects.count(), AuditRow.objects.count())
    assert after == before


@pytest.mark.parametrize("name", ["take_step", "tell_events", "tell_of_clock"])
def test_cut_off_in_the_middle_the_next_run_does_the_rest_once(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The work itself was done when the kill comes, the transaction was not committed."""
    cases = [in_progress(at("2026-11-02 09:00")), opened(now=at("2026-11-09 16:10")).case]
    now, real = at("2026-11-10 09:00"), getattr(tending, name)

    def killed(*args: object, **named: object) -> None:
        real(*args, **named)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(tending, name, killed)
        with pytest.raises(KeyboardInterrupt):
            tend_due(now=now)
    tend_due(now=now)
    assert cases[0].escalations.count() == 1
    assert all(case.last == case.told for case in Case.objects.all())
    keys = list(Notice.objects.values_list("account", "key"))
    assert len(keys) == len(set(keys)) > 0


def test_one_case_that_cannot_be_tended_does_not_hold_up_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bad, good = in_progress(at("2026-11-02 09:00")), in_progress(at("2026-11-02 09:00"))
    real = tending.take_step

    def broken(case_id: int, *args: object, **named: object) -> Case:
        if case_id == bad.pk:
            raise RuntimeError
        return real(case_id, *args, **named)

    monkeypatch.setattr(tending, "take_step", broken)
    done = tend_due(now=at("2026-11-10 09:00"))
    assert (done["failed"], good.escalations.count(), bad.escalations.count()) == (1, 1, 0)


def test_a_dry_run_counts_and_writes_nothing() -> None:
    in_progress(at("2026-11-02 09:00"))
    before = list(Case.objects.values())
    assert tend_due(now=at("2026-11-10 09:00"), dry_run=True) == {"remind": 1}
    assert list(Case.objects.values()) == before


def test_the_case_says_when_it_is_next_looked_at() -> None:
    case = in_progress(at("2026-11-02 09:00"))
    assert case.tend_at is not None
    tend_due(now=at("2026-11-10 09:00"))
    case.refresh_from_db()
    assert case.tend_at == at("2026-11-13 08:30")
    for action, by in (("hand_in", "city"), ("pass", "inspector"), ("rate", "requester")):
        case = step(case, action, by, now=at("2026-11-10 10:00"))
    assert case.tend_at is None


# Erasure ------------------------------------------------------------------------------------------


def closed_with_contact() -> Case:
    case = opened(contact=CONTACT).case
    return drive(case, (*TO_INSPECTING, ("pass", "inspector"), ("rate", "requester")))


def bytes_everywhere(home: Path) -> bytes:
    """Every byte of the data folder, and every text and blob of the database."""
    found = [path.read_bytes() for path in home.rglob("*") if path.is_file()]
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608
            for row in cursor.fetchall():
                found += [
                    cell.encode() if isinstance(cell, str) else bytes(cell)
                    for cell in row if isinstance(cell, (str, bytes, memoryview))
                ]  # fmt: skip
    return b"\0".join(found)


def test_contact_data_is_kept_from_the_end_for_the_days_of_the_setting(
    settings: Settings,
) -> None:
    settings.CASE_CONTACT_DAYS = 30
    case = opened(contact=CONTACT).case
    assert case.contact_until is None
    case = closed_with_contact()
    assert case.contact_until == date(2026, 12, 25)
    case = step(opened(contact=CONTACT).case, "reject", "desk")
    assert case.contact_until == date(2026, 12, 25)
    case = step(case, "dispute", "requester")
    assert case.contact_until is None  # it is open again


def test_after_its_day_no_byte_of_the_contact_data_can_be_read(home: Path) -> None:
    case = closed_with_contact()
    sealed, until = bytes(Case.objects.get(pk=case.pk).contact or b""), case.contact_until
    assert until is not None
    last = datetime(until.year, until.month, until.day, 15, 59, tzinfo=UTC)  # 23:59 in Shanghai
    tend_due(now=last)
    assert contact_of(Case.objects.get(pk=case.pk)) == CONTACT
    assert tend_due(now=last + timedelta(minutes=1))["contacts"] == 1
    case = Case.objects.get(pk=case.pk)
    assert (contact_of(case), case.contact, case.contact_until) == ({}, None, None)
    case.contact = sealed  # as from a backup
    with pytest.raises(CannotOpen):
        contact_of(case)
    with pytest.raises(CannotOpen):
        key_of(contact_urn(case))
    everything = bytes_everywhere(home)
    assert all(text.encode() not in everything for text in CONTACT.values())
    assert AuditRow.objects.filter(act="erase_contact", object=f"case:{case.number}").count() == 1
    assert faults_of(Case.objects.get(pk=case.pk)) == []


def test_an_erasure_cut_off_after_the_key_is_finished_by_the_next_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    case = closed_with_contact()
    now = NOW + timedelta(days=400)

    def killed(*_args: object, **_named: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("liandong.cases.services.sealing.record_act", killed)
        with pytest.raises(KeyboardInterrupt):
            tend_due(now=now)
    with pytest.raises(CannotOpen):
        contact_of(Case.objects.get(pk=case.pk))
    tend_due(now=now)
    assert contact_of(Case.objects.get(pk=case.pk)) == {}


def test_photos_as_sent_go_after_the_days_of_the_kind_and_the_clean_ones_stay() -> None:
    from tests.cases.test_pages import photo

    case = opened().case
    one = add_photo(case, photo().getvalue(), part="before", name="x.jpg", by="", now=NOW)
    case = step(case, "reject", "desk")
    assert case.originals_until == date(2026, 11, 25) + timedelta(days=90)
    tend_due(now=NOW + timedelta(days=90))
    assert original_of(one)
    assert tend_due(now=NOW + timedelta(days=91))["originals"] == 1
    assert not original_path(one).is_file()
    assert clean_path(one).is_file()
    assert AuditRow.objects.filter(act="erase_originals").count() == 1
    assert faults_of(Case.objects.get(pk=case.pk)) == []
