"""Partial dates: what is printed parses to itself; what is no date is refused."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liandong.kernel.dates import BadDate, PartialDate


@pytest.mark.parametrize(
    "text",
    [
        "2023年5月6日",
        "2023年05月06日",
        "2023-5-6",
        "2023/05/06",
        "2023.5.6",
        "20230506",
        "二〇二三年五月六日",
        "二○二三年五月六日",
        "２０２３年５月６日",
        "2023-05-06 00:00:00",
        20230506,
        date(2023, 5, 6),
        datetime(2023, 5, 6, 12, tzinfo=UTC),
    ],
)
def test_any_common_form_is_read(text: str | int | date) -> None:
    assert PartialDate.parse(text) == PartialDate(2023, 5, 6)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1987年", 19870000),
        ("1987", 19870000),
        ("1987年12月", 19871200),
        ("1987-00-00", 19870000),
        ("19871200", 19871200),
        ("一九八七年十二月三十一日", 19871231),
        ("一九四九年十月一日", 19491001),
        ("一九五〇年二十月", None),
    ],
)
def test_what_is_unknown_stays_zero(text: str, number: int | None) -> None:
    if number is None:
        with pytest.raises(BadDate):
            PartialDate.parse(text)
    else:
        assert PartialDate.parse(text).number == number


@pytest.mark.parametrize(
    "text",
    [
        "",
        "20230230",
        "2023-13-01",
        "20230006",
        "202305",
        "5月6日",
        "0",
        "二〇二三年五五月",
        "45000",
    ],
)
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(BadDate):
        PartialDate.parse(text)


def test_a_researched_date_keeps_its_brackets() -> None:
    assert str(PartialDate.parse("[19450815]")) == "[19450815]"
    assert PartialDate.parse("[1945]").researched


@given(st.dates(min_value=date(1000, 1, 1)), st.integers(0, 2), st.booleans())
def test_print_and_parse_are_inverses(day: date, known: int, researched: bool) -> None:
    month = day.month if known else 0
    one = PartialDate(day.year, month, day.day if known == 2 else 0, researched)
    assert PartialDate.parse(str(one)) == one
    assert PartialDate.parse(one) == one
    plain = PartialDate(one.year, one.month, one.day)
    assert PartialDate.parse(plain.in_words()) == plain
    assert plain.is_whole == (known == 2)
