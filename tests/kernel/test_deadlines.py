"""Deadlines: units, pauses, inverses, and the oracle of a city's recorded on-time flags."""

import csv
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from liandong.kernel.calendars import catalogue_calendar
from liandong.kernel.deadlines import (
    WORK_UNITS,
    Limit,
    Pause,
    Unit,
    deadline,
    elapsed,
    merged,
    months_later,
    overdue,
)

ZONE = ZoneInfo("Asia/Shanghai")
OFFICE = catalogue_calendar()
_FROM, _TO = datetime(2024, 12, 1), datetime(2027, 12, 1)  # noqa: DTZ001
MOMENTS = st.datetimes(_FROM, _TO, timezones=st.just(ZONE)).map(
    lambda moment: moment.replace(second=0, microsecond=0)
)
AMOUNTS = {
    Unit.WORK_MINUTE: 5000, Unit.WORK_HOUR: 200, Unit.WORK_DAY: 90, Unit.MINUTE: 9000,
    Unit.HOUR: 900, Unit.CALENDAR_DAY: 120, Unit.CALENDAR_MONTH: 14,
}  # fmt: skip
LIMITS = st.sampled_from(list(Unit)).flatmap(
    lambda unit: st.builds(Limit, st.integers(1, AMOUNTS[unit]), st.just(unit))
)
WORK_LIMITS = LIMITS.filter(lambda limit: limit.unit in WORK_UNITS)
SPANS = st.tuples(MOMENTS, MOMENTS).map(lambda pair: Pause(min(pair), max(pair)))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


@pytest.mark.parametrize(
    ("start", "amount", "unit", "due"),
    [
        ("2026-11-26 11:00", 120, "work_minute", "2026-11-26 15:00"),  # over lunch
        ("2026-11-26 10:00", 2, "work_hour", "2026-11-26 12:00"),  # the close, not 14:00
        ("2026-11-27 17:00", 60, "work_minute", "2026-11-30 09:00"),  # over a weekend
        ("2026-11-28 20:00", 60, "work_minute", "2026-11-30 09:30"),  # begun on a weekend
        ("2026-11-26 10:00", 1, "work_day", "2026-11-27 17:30"),
        ("2026-11-26 20:00", 1, "work_day", "2026-11-27 17:30"),
        ("2026-11-28 10:00", 1, "work_day", "2026-11-30 17:30"),
        ("2025-01-24 10:00", 6, "work_day", "2025-02-08 17:30"),  # two weekend days worked
        ("2026-02-13 10:00", 2, "work_day", "2026-02-24 17:30"),  # 14 February is worked
        ("2026-09-30 10:00", 3, "work_day", "2026-10-10 17:30"),  # a Saturday is worked
        ("2027-02-04 10:00", 2, "work_day", "2027-02-10 17:30"),  # statutory days only
        ("2026-11-26 10:00", 24, "hour", "2026-11-27 10:00"),
        ("2026-09-30 23:30", 60, "minute", "2026-10-01 00:30"),
        ("2026-11-23 10:00", 3, "calendar_day", "2026-11-27 00:00"),  # 24:00 of the third day
        ("2026-11-24 10:00", 4, "calendar_day", "2026-12-01 00:00"),  # a Saturday: to Monday
        ("2026-09-28 10:00", 5, "calendar_day", "2026-10-09 00:00"),  # in a holiday
        ("2026-01-30 10:00", 1, "calendar_month", "2026-03-01 00:00"),  # February; 28th is worked
        ("2025-12-31 10:00", 2, "calendar_month", "2026-03-01 00:00"),
        ("2026-10-31 10:00", 1, "calendar_month", "2026-12-01 00:00"),  # 30 November
    ],
)
def test_each_unit_counts_as_the_law_counts(start: str, amount: int, unit: str, due: str) -> None:
    assert deadline(at(start), amount, unit, OFFICE) == at(due)


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        ("2026-01-31", 1, "2026-02-28"),
        ("2028-01-31", 1, "2028-02-29"),
        ("2026-03-31", 1, "2026-04-30"),
        ("2026-12-15", 1, "2027-01-15"),
        ("2026-11-30", 3, "2027-02-28"),
        ("2026-05-05", 12, "2027-05-05"),
    ],
)
def test_a_month_ends_on_the_same_day_or_the_last(day: str, months: int, later: str) -> None:
    assert months_later(date.fromisoformat(day), months) == date.fromisoformat(later)


def test_a_pause_takes_business_time_out_not_the_time_on_the_wall() -> None:
    """A weekend of 63.5 hours between Friday 17:00 and Monday 09:00 is one business hour."""
    pause = Pause(at("2026-11-27 17:00"), at("2026-11-30 09:00"))
    assert deadline(at("2026-11-27 16:00"), 120, "work_minute", OFFICE) == at("2026-11-30 09:00")
    moved = deadline(at("2026-11-27 16:00"), 120, "work_minute", OFFICE, [pause])
    assert moved == at("2026-11-30 10:00")
    assert elapsed(at("2026-11-27 16:00"), moved, OFFICE, [pause]) == 120


def test_a_pause_at_night_moves_nothing() -> None:
    pause = Pause(at("2026-11-26 18:00"), at("2026-11-27 08:00"))
    due = deadline(at("2026-11-26 10:00"), 3, "work_day", OFFICE)
    assert deadline(at("2026-11-26 10:00"), 3, "work_day", OFFICE, [pause]) == due


def test_a_pause_that_lasts_counts_up_to_now() -> None:
    start, paused = at("2026-11-26 09:00"), Pause(at("2026-11-26 10:00"))
    with pytest.raises(ValueError, match="no end"):
        deadline(start, 120, "work_minute", OFFICE, [paused])
    due = deadline(start, 120, "work_minute", OFFICE, [paused], now=at("2026-11-26 11:00"))
    assert due == at("2026-11-26 12:00")
    assert elapsed(start, at("2026-11-26 17:00"), OFFICE, [paused]) == 60


def test_a_pause_after_the_limit_has_expired_moves_nothing() -> None:
    pause = Pause(at("2026-11-27 17:30"), at("2026-12-03 12:00"))
    assert deadline(at("2026-11-26 10:00"), 1, "work_day", OFFICE, [pause]) == at(
        "2026-11-27 17:30"
    )


def test_a_pause_on_the_free_day_after_the_last_still_moves_a_limit_of_days() -> None:
    """The last day is a Saturday, so the limit runs to Monday 24:00; it rests from Sunday on."""
    pause = Pause(at("2026-11-29 08:00"), at("2026-12-01 08:00"))
    due = deadline(at("2026-11-24 10:00"), 4, "calendar_day", OFFICE, [pause])
    assert due == at("2026-12-02 00:00")


def test_done_at_the_very_instant_is_in_time() -> None:
    due = at("2026-11-27 17:30")
    assert not overdue(due, due)
    assert overdue(due, due + timedelta(microseconds=1))


@pytest.mark.parametrize("unit", list(Unit))
def test_naive_datetimes_are_refused(unit: Unit) -> None:
    naive, aware = datetime(2026, 11, 26, 10), at("2026-11-26 10:00")  # noqa: DTZ001
    for start, pauses, now in (
        (naive, [], None),
        (aware, [(naive, aware)], None),
        (aware, [(aware, None)], naive),
    ):
        with pytest.raises((ValueError, TypeError)):
            deadline(start, 1, unit, OFFICE, pauses, now=now)
    with pytest.raises(ValueError, match="naive"):
        elapsed(naive, aware, OFFICE)


def test_what_makes_no_sense_is_refused_with_words() -> None:
    start = at("2026-11-26 10:00")
    with pytest.raises(ValueError, match="negative"):
        deadline(start, -1, "work_day", OFFICE)
    with pytest.raises(ValueError, match="fortnight"):
        deadline(start, 1, "fortnight", OFFICE)
    with pytest.raises(ValueError, match="ends before it starts"):
        deadline(start, 1, "work_day", OFFICE, [(start, start - timedelta(1))])
    with pytest.raises(ValueError, match="before the start"):
        elapsed(start, start - timedelta(1), OFFICE)


def test_a_limit_of_nothing_expires_at_once() -> None:
    assert deadline(at("2026-11-28 10:00"), 0, "work_day", OFFICE) == at("2026-11-28 10:00")


@given(MOMENTS, st.integers(1, 20000))
def test_the_time_that_passed_up_to_a_deadline_is_its_limit(start: datetime, amount: int) -> None:
    assert elapsed(start, deadline(start, amount, "work_minute", OFFICE), OFFICE) == amount


@given(MOMENTS, MOMENTS)
def test_a_deadline_of_the_time_that_passed_is_where_it_passed(
    one: datetime, other: datetime
) -> None:
    start, end = min(one, other), max(one, other)
    minutes = elapsed(start, end, OFFICE)
    due = deadline(start, minutes, "work_minute", OFFICE)
    assert due <= end
    assert OFFICE.worked(due, end) == timedelta(0)


@given(MOMENTS, MOMENTS, MOMENTS, st.lists(SPANS, max_size=4))
def test_time_that_passed_adds_up(
    one: datetime, two: datetime, three: datetime, pauses: list[Pause]
) -> None:
    first, middle, last = sorted([one, two, three])
    parts = elapsed(first, middle, OFFICE, pauses) + elapsed(middle, last, OFFICE, pauses)
    assert parts == elapsed(first, last, OFFICE, pauses)


@given(MOMENTS, st.integers(1, 2000), st.integers(1, 2000))
def test_minutes_add_up(start: datetime, one: int, other: int) -> None:
    steps = deadline(deadline(start, one, "work_minute", OFFICE), other, "work_minute", OFFICE)
    assert steps == deadline(start, one + other, "work_minute", OFFICE)


@given(MOMENTS, st.integers(1, 60), st.integers(1, 60))
def test_workdays_add_up(start: datetime, one: int, other: int) -> None:
    steps = deadline(deadline(start, one, "work_day", OFFICE), other, "work_day", OFFICE)
    assert steps == deadline(start, one + other, "work_day", OFFICE)


@given(MOMENTS, LIMITS, st.lists(SPANS, max_size=3))
def test_more_never_expires_earlier(start: datetime, limit: Limit, pauses: list[Pause]) -> None:
    due = deadline(start, limit.amount, limit.unit, OFFICE, pauses)
    assert due >= start
    assert deadline(start, limit.amount + 1, limit.unit, OFFICE, pauses) >= due


@given(MOMENTS, MOMENTS, LIMITS)
def test_a_later_start_never_expires_earlier(one: datetime, other: datetime, limit: Limit) -> None:
    dues = [deadline(start, limit.amount, limit.unit, OFFICE) for start in sorted([one, other])]
    assert dues == sorted(dues)


@given(MOMENTS, WORK_LIMITS, SPANS)
def test_a_pause_moves_a_limit_by_exactly_its_business_time(
    start: datetime, limit: Limit, pause: Pause
) -> None:
    plain = deadline(start, limit.amount, limit.unit, OFFICE)
    assume(pause.start < plain)
    assert pause.end
    begins = max(pause.start, start)
    out = OFFICE.worked(begins, max(begins, pause.end))
    moved = deadline(start, limit.amount, limit.unit, OFFICE, [pause])
    if OFFICE.position(begins) < OFFICE.position(plain):
        assert OFFICE.position(moved) - OFFICE.position(plain) == out // timedelta(microseconds=1)
    assert moved >= plain


@given(MOMENTS, WORK_LIMITS, st.lists(SPANS, max_size=5))
def test_the_time_that_passed_without_pauses_is_that_of_the_plain_limit(
    start: datetime, limit: Limit, pauses: list[Pause]
) -> None:
    plain = deadline(start, limit.amount, limit.unit, OFFICE)
    moved = deadline(start, limit.amount, limit.unit, OFFICE, pauses)
    assert elapsed(start, moved, OFFICE, pauses) == elapsed(start, plain, OFFICE)


@given(MOMENTS, LIMITS, st.lists(SPANS, max_size=5))
def test_neither_order_nor_zone_nor_repetition_changes_an_answer(
    start: datetime, limit: Limit, pauses: list[Pause]
) -> None:
    due = deadline(start, limit.amount, limit.unit, OFFICE, pauses)
    again = [*reversed(pauses), *pauses]
    assert deadline(start.astimezone(UTC), limit.amount, limit.unit, OFFICE, again) == due
    assert due.utcoffset() == timedelta(hours=8)


@given(st.lists(SPANS, max_size=6), MOMENTS)
def test_merged_pauses_rise_and_do_not_touch(pauses: list[Pause], since: datetime) -> None:
    spans = list(merged(pauses, since, None))
    edges = [edge for span in spans for edge in span]
    assert edges == sorted(set(edges))
    assert all(since <= start for start, _end in spans)


def test_an_instant_in_another_zone_counts_by_the_clocks_of_the_office() -> None:
    evening = datetime(2026, 11, 25, 20, 0, tzinfo=timezone(timedelta(hours=-5)))  # 09:00 there
    assert deadline(evening, 60, "work_minute", OFFICE) == at("2026-11-26 10:00")
    assert deadline(evening, 1, "work_day", OFFICE) == at("2026-11-27 17:30")


def test_the_recorded_flag_of_a_city_is_ours_in_every_closed_case(shared_data: Path) -> None:
    """City of Boston 2015 service requests: OnTime_Status is `closed <= target`."""
    folder = shared_data / "service_requests"
    if not folder.is_dir():
        pytest.skip("no service requests among the real input")
    compared = 0
    for file in sorted(folder.glob("*.csv")):
        with file.open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                if not row.get("TARGET_DT") or not row.get("CLOSED_DT"):
                    continue
                late = overdue(_boston(row["TARGET_DT"]), _boston(row["CLOSED_DT"]))
                assert late == (row["OnTime_Status"] == "OVERDUE"), row["CASE_ENQUIRY_ID"]
                compared += 1
    assert compared > 4000


def _boston(text: str) -> datetime:
    return datetime.strptime(text, "%m/%d/%Y %I:%M:%S %p").replace(tzinfo=UTC)
