"""When a closed period is over, and what rules say of a record."""

from calendar import monthrange
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liandong.kernel import catalog
from liandong.kernel.opening import (
    NEVER,
    Period,
    Verdict,
    add_days,
    add_years,
    due_day,
    grounds,
    last_day,
    period_of,
    propose,
    rules_version,
)
from liandong.kernel.pages import Box, Line, Method, Page

days = st.dates(min_value=date(1, 1, 1), max_value=date(9999, 12, 31))


def number(day: date) -> int:
    return day.year * 10000 + day.month * 100 + day.day


@pytest.mark.parametrize(
    ("document", "year", "years", "due"),
    [
        (20010506, "2001", 25, 20260506),  # on the day
        (20010506, "1999", 25, 20260506),  # the document's date counts before the filing year
        (19960229, "", 25, 20210228),  # no 29 February in 2021
        (19960229, "", 20, 20160229),
        (20010000, "", 25, 20261231),  # month and day unknown: as late as it can be
        (20010200, "", 25, 20260228),
        (20000200, "", 25, 20250228),  # 29 February 2000, then 28 February 2025
        (20011100, "", 25, 20261130),
        (0, "2001", 25, 20261231),  # only the filing year is known
        (0, "２００１", 25, 20261231),
        (0, "", 25, NEVER),
        (0, "民国三年", 25, NEVER),
        (19991332, "1999", 25, 20241231),  # no such day: the filing year counts
        (20010006, "", 25, NEVER),  # a day without a month
        (20010506, "", 0, 20010506),
        (99900101, "", 25, NEVER),
    ],
)
def test_a_period_is_over_on_the_day_of_the_same_number(
    document: int, year: str, years: int, due: int
) -> None:
    assert due_day(document, year, years) == due


@given(days, st.integers(0, 100))
def test_nothing_is_due_before_so_many_years_have_gone_by(day: date, years: int) -> None:
    due = add_years(number(day), years)
    if due == NEVER:
        assert day.year + years > 9999
        return
    found = date(due // 10000, due // 100 % 100, due % 100)
    assert (found.year - day.year, found.month) == (years, day.month)
    assert found.day == min(day.day, monthrange(found.year, found.month)[1])


@given(days)
def test_what_is_unknown_of_a_date_never_makes_it_due_earlier(day: date) -> None:
    whole = number(day)
    month, year = whole // 100 * 100, whole // 10000 * 10000
    assert last_day(whole) == whole
    assert whole <= last_day(month) <= last_day(year)
    assert last_day(month) // 100 == whole // 100


@given(st.integers(-(10**9), 10**9))
def test_no_number_breaks_the_reading_of_a_date(value: int) -> None:
    found = last_day(value)
    assert found == 0 or found // 10000 == value // 10000


@given(st.dates(min_value=date(1900, 1, 1), max_value=date(2200, 1, 1)), st.integers(0, 4000))
def test_days_are_added_as_the_calendar_has_them(day: date, more: int) -> None:
    assert add_days(number(day), more) == number(day + timedelta(days=more))


# Which period -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("category", "description", "years"),
    [
        ("WS", {"title": "关于防汛工作的通知"}, 25),
        ("RS", {"title": "关于防汛工作的通知"}, 50),
        ("RS·GB", {}, 50),
        ("RSX", {}, 25),  # another category
        ("KJ", {}, 20),
        ("KJ", {"title": "收养登记档案"}, 50),  # of two classes: the longer period
        ("WS", {"title": "1998年离婚登记"}, 50),
        ("WS", {"disclosure_attribute": "主动公开"}, 0),
        ("WS", {"annotation": "主动公开"}, 25),  # another field says it
    ],
)
def test_the_catalogue_knows_earlier_and_later_classes(
    category: str, description: dict[str, str], years: int
) -> None:
    assert period_of(category, description).years == years


def test_what_a_fonds_settled_for_itself_counts_before_the_catalogue() -> None:
    own = (Period("own", 30, field="title", words=("会议纪要",)), Period("all", 10, category="RS"))
    assert period_of("RS", {"title": "会议纪要"}, own).years == 30
    assert period_of("RS", {"title": "任免"}, own).years == 10
    assert period_of("WS", {"title": "任免"}, own).years == 25


# What is said -------------------------------------------------------------------------------------


def page(number_: int, *texts: str) -> Page:
    lines = tuple(Line(text, Box(10, 30 * at, 190, 30 * at + 20), 1.0)
                  for at, text in enumerate(texts, start=8))  # fmt: skip
    return Page(number_, 200, 1000, lines, Method.OCR)


def test_a_plain_record_without_personal_data_may_be_opened() -> None:
    found = propose({"title": "关于植树的通知"}, [page(1, "各单位：")], personal=0)
    assert (found.verdict, found.ground, found.suggestions) == (Verdict.OPEN, "", ())


def test_personal_data_asks_for_masks() -> None:
    found = propose({"title": "关于植树的通知"}, [page(1, "各单位：")], personal=2)
    assert found.verdict == Verdict.MASKED
    assert [(one.code, one.ground) for one in found.suggestions] == [("PERSONAL", "G3")]


def test_a_record_that_nobody_examined_is_never_proposed_for_opening() -> None:
    assert propose({"title": "关于植树的通知"}, [], personal=None).verdict == ""
    delayed = propose({"title": "关于国防工程的通知"}, [], personal=None)
    assert (delayed.verdict, delayed.ground) == (Verdict.DELAY, "G2")


@pytest.mark.parametrize(
    ("description", "texts", "ground", "what"),
    [
        ({}, ("关于人民防空工程的报告",), "G2", "人民防空工程"),
        ({"title": "投标报价汇总"}, (), "G3", "投标报价"),
        ({}, ("附：病历三份",), "G3", "病历"),
        ({"secrecy_change": "尚未解密"}, (), "G1", "尚未解密"),
        ({"opening_opinion": "建议延期开放"}, (), "G4", "延期"),
        ({"disclosure_attribute": "不予公开"}, (), "G4", "不予公开"),
    ],
)
def test_words_and_fields_suggest_a_ground_with_the_place(
    description: dict[str, str], texts: tuple[str, ...], ground: str, what: str
) -> None:
    found = propose({"title": "通知", **description}, [page(3, "甲", *texts)], personal=0)
    assert (found.verdict, found.ground) == (Verdict.DELAY, ground)
    (one,) = [one for one in found.suggestions if one.effect == "delay"]
    assert (one.what, one.page, one.line) == (what, 3 if texts else 0, 1 if texts else -1)


@pytest.mark.parametrize("near", ["国 防", "防国", "病厉", "同意开放"])
def test_near_misses_suggest_no_delay(near: str) -> None:
    found = propose({"title": near, "opening_opinion": "同意开放"}, [page(1, near)], personal=0)
    assert found.verdict == Verdict.OPEN


def test_a_classified_mark_on_the_first_page_asks_for_delay() -> None:
    top = Line("机密★10年", Box(10, 5, 90, 25), 1.0)
    marked = Page(1, 200, 1000, (top,), Method.OCR)
    found = propose({"title": "通知"}, [marked], personal=0)
    assert (found.verdict, found.ground, found.suggestions[0].code) == ("delay", "G1", "MARK")
    second = Page(2, 200, 1000, (top,), Method.OCR)
    assert not [one for one in propose({}, [page(1), second], personal=0).suggestions
                if one.code == "MARK"]  # fmt: skip


def test_words_only_to_look_at_do_not_change_what_is_proposed() -> None:
    found = propose({"title": "困难职工名册"}, [], personal=0)
    assert (found.verdict, [one.effect for one in found.suggestions]) == (Verdict.OPEN, ["look"])


def test_a_word_on_every_line_is_named_a_few_times() -> None:
    found = propose({}, [page(n, *["国防"] * 5) for n in (1, 2)], personal=0)
    assert [(one.page, one.line) for one in found.suggestions] == [(1, 0), (1, 1), (1, 2)]


def test_every_ground_of_the_word_list_is_a_ground() -> None:
    known = {row["ground"] for row in catalog.rows("opening_words")} - {""}
    assert known <= set(grounds()) == {"G1", "G2", "G3", "G4"}
    assert {row["effect"] for row in catalog.rows("opening_words")} <= {"delay", "masked", "look"}


def test_the_version_of_the_rules_is_of_logic_and_tables() -> None:
    assert rules_version() == rules_version()
    logic, digest = rules_version().split("-")
    assert logic.isdigit()
    assert len(digest) == 12
