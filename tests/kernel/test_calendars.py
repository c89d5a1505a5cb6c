"""Calendars: workdays of the published years, several intervals a day, business time and back."""

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liandong.kernel import catalog
from liandong.kernel.calendars import Calendar, calendar_of, catalogue_calendar

ZONE = ZoneInfo("Asia/Shanghai")
OFFICE = catalogue_calendar()
FIRST, LAST = date(2024, 6, 1), date(2028, 6, 1)
DAYS = st.dates(FIRST, LAST)
MOMENTS = st.datetimes(datetime(2024, 6, 1), datetime(2028, 6, 1), timezones=st.just(ZONE))  # noqa: DTZ001


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    """A calendar with any holidays, make-up days, closures and intervals."""
    days = draw(st.lists(DAYS, max_size=40, unique=True))
    cut, cut2 = sorted(draw(st.tuples(st.integers(0, len(days)), st.integers(0, len(days)))))
    edges = sorted(draw(st.sets(st.integers(0, 1440), min_size=2, max_size=8)))
    edges = edges[: len(edges) // 2 * 2]
    return Calendar(
        version="any",
        intervals=tuple(zip(edges[::2], edges[1::2], strict=True)),
        holidays=frozenset(days[:cut]),
        makeup_days=frozenset(days[cut:cut2]),
        closures=frozenset(days[cut2:]),
    )


@pytest.mark.parametrize(
    "day",
    [
        *("2025-01-26", "2025-02-08", "2025-04-27", "2025-09-28", "2025-10-11"),
        *("2026-01-04", "2026-02-14", "2026-02-28", "2026-05-09", "2026-09-20", "2026-10-10"),
    ],
)
def test_a_make_up_day_on_a_weekend_is_worked(day: str) -> None:
    assert date.fromisoformat(day).weekday() >= 5
    assert OFFICE.is_workday(date.fromisoformat(day))


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("2025-01-28", "2025-02-04"),
        ("2025-05-01", "2025-05-05"),
        ("2025-10-01", "2025-10-08"),
        ("2026-01-01", "2026-01-03"),
        ("2026-02-15", "2026-02-23"),
        ("2026-05-01", "2026-05-05"),
        ("2026-10-01", "2026-10-07"),
        ("2027-02-05", "2027-02-08"),
        ("2027-10-01", "2027-10-03"),
    ],
)
def test_no_day_of_a_holiday_is_worked(first: str, last: str) -> None:
    day = date.fromisoformat(first)
    while day <= date.fromisoformat(last):
        assert not OFFICE.is_workday(day), day
        day += timedelta(1)


@pytest.mark.parametrize(("year", "days"), [(2025, 248), (2026, 248)])
def test_a_published_year_has_as_many_workdays_as_the_law_leaves(year: int, days: int) -> None:
    """365 days less 104 weekend days and 13 statutory holidays."""
    assert OFFICE.workdays_between(date(year - 1, 12, 31), date(year, 12, 31)) == days


def test_a_year_that_is_not_published_is_said_to_be_a_draft() -> None:
    assert "2027draft" in OFFICE.version
    assert [OFFICE.is_provisional(year) for year in (2025, 2026, 2027, 2028)] == [
        False, False, True, True,
    ]  # fmt: skip
    rows = [row for row in catalog.rows("holidays") if row["date"].startswith("2027")]
    assert {row["kind"] for row in rows} == {"holiday"}
    assert {row["confidence"] for row in rows} == {"memory-low"}


def test_an_edited_table_is_another_version() -> None:
    hours, days = [("08:30", "12:00")], [(date(2026, 10, 1), "holiday")]
    one = calendar_of(days, hours, name="office")
    assert one == calendar_of(days, hours, name="office")
    others = [
        calendar_of([], hours, name="office"),
        calendar_of(days, [("08:30", "12:01")], name="office"),
        calendar_of(days, hours, name="office", closures=[date(2026, 10, 9)]),
    ]
    assert one.version not in {other.version for other in others}


def test_a_closure_by_an_administrator_outweighs_a_make_up_day() -> None:
    day = date(2026, 10, 10)
    calendar = calendar_of(
        [(day, "workday")], [("08:30", "12:00")], name="office", closures=[day, date(2026, 10, 9)]
    )
    assert not calendar.is_workday(day)
    assert not calendar.is_workday(date(2026, 10, 9))
    assert calendar.add_workdays(date(2026, 10, 8), 1) == date(2026, 10, 12)


def test_lunch_is_no_business_time() -> None:
    assert OFFICE.day_minutes == 420
    assert OFFICE.worked(at("2026-11-26 11:30"), at("2026-11-26 14:30")) == timedelta(hours=1)
    assert OFFICE.worked(at("2026-11-26 12:10"), at("2026-11-26 13:50")) == timedelta(0)
    assert not OFFICE.is_open(at("2026-11-26 12:00"))
    assert OFFICE.next_open(at("2026-11-26 12:00")) == at("2026-11-26 14:00")


def test_the_next_opening_crosses_a_holiday_and_finds_a_make_up_day() -> None:
    assert OFFICE.next_open(at("2026-09-30 17:30")) == at("2026-10-08 08:30")
    assert OFFICE.next_open(at("2026-10-09 18:00")) == at("2026-10-10 08:30")
    assert OFFICE.next_open(at("2026-10-10 09:00")) == at("2026-10-10 09:00")


@pytest.mark.parametrize(
    "intervals", [(), ((60, 60),), ((60, 50),), ((0, 1441),), ((0, 9), (5, 12))]
)
def test_intervals_that_are_none_are_refused(intervals: tuple[tuple[int, int], ...]) -> None:
    with pytest.raises(ValueError, match="interval"):
        Calendar("bad", intervals)


def test_a_day_cannot_be_holiday_and_make_up_day() -> None:
    day = frozenset({date(2026, 10, 1)})
    with pytest.raises(ValueError, match="2026-10-01"):
        Calendar("bad", ((0, 60),), holidays=day, makeup_days=day)


def test_an_unknown_kind_of_day_or_profile_is_refused() -> None:
    with pytest.raises(ValueError, match="feast"):
        calendar_of([(date(2026, 10, 1), "feast")], [("08:30", "12:00")], name="office")
    with pytest.raises(ValueError, match="interval"):
        catalogue_calendar("no such hours")


def test_naive_datetimes_are_refused() -> None:
    naive = datetime(2026, 11, 26, 10)  # noqa: DTZ001
    for call in (OFFICE.position, OFFICE.next_open, OFFICE.is_open, OFFICE.local):
        with pytest.raises(ValueError, match="naive"):
            call(naive)


def test_an_end_before_the_start_is_refused() -> None:
    with pytest.raises(ValueError, match="before"):
        OFFICE.worked(at("2026-11-26 11:00"), at("2026-11-26 10:00"))


@given(calendars(), DAYS, DAYS)
def test_workdays_between_are_those_that_a_walk_counts(
    calendar: Calendar, start: date, end: date
) -> None:
    start, end = min(start, end), max(start, end)
    days = (start + timedelta(n) for n in range(1, (end - start).days + 1))
    walked = sum(map(calendar.is_workday, days))
    assert calendar.workdays_between(start, end) == walked
    assert calendar.workdays_between(end, start) == -walked


@given(calendars(), DAYS, st.integers(1, 600))
def test_the_nth_workday_is_worked_and_has_n_workdays_up_to_it(
    calendar: Calendar, start: date, count: int
) -> None:
    day = calendar.add_workdays(start, count)
    assert calendar.is_workday(day)
    assert calendar.workdays_between(start, day) == count


@given(DAYS, st.integers(0, 300), st.integers(0, 300))
def test_workdays_add_up(start: date, one: int, other: int) -> None:
    both = OFFICE.add_workdays(OFFICE.add_workdays(start, one), other)
    assert both == OFFICE.add_workdays(start, one + other)


@given(calendars(), MOMENTS)
def test_the_first_instant_of_a_position_has_it_and_is_no_later(
    calendar: Calendar, moment: datetime
) -> None:
    position = calendar.position(moment)
    first = calendar.instant(position)
    assert calendar.position(first) == position
    assert first <= moment
    before = first - timedelta(microseconds=1)
    assert calendar.position(before) == position - 1


@given(calendars(), MOMENTS)
def test_the_next_opening_is_open_and_no_business_time_lies_before_it(
    calendar: Calendar, moment: datetime
) -> None:
    opening = calendar.next_open(moment)
    assert calendar.is_open(opening)
    assert calendar.worked(moment, opening) == timedelta(0)


@given(MOMENTS, st.integers(-12, 14))
def test_the_zone_of_an_instant_does_not_matter(moment: datetime, hours: int) -> None:
    elsewhere = moment.astimezone(timezone(timedelta(hours=hours)))
    assert OFFICE.position(elsewhere) == OFFICE.position(moment)
    assert OFFICE.position(moment.astimezone(UTC)) == OFFICE.position(moment)


def test_ten_years_are_counted_as_quickly_as_a_day() -> None:
    """By sums, not by walking: a count of a million workdays comes back at once."""
    assert OFFICE.workdays_between(
        date(2026, 1, 1), OFFICE.add_workdays(date(2026, 1, 1), 10**6)
    ) == (10**6)
