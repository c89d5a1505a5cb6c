"""When a retention period ends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liandong.kernel.retention import PERMANENT, UNKNOWN, longer, retention_end


@pytest.mark.parametrize(
    ("code", "year", "end"),
    [
        ("D10", "2011", 20211231),
        ("D30", "1995", 20251231),
        ("D5", "2020", 20251231),
        ("Y", "2011", PERMANENT),
        ("Y", "", PERMANENT),
        ("LONG", "1980", UNKNOWN),
        ("SHORT", "1980", UNKNOWN),
        ("", "2011", UNKNOWN),
        ("D10", "", UNKNOWN),
        ("D10", "２０１１", UNKNOWN),
        ("D１０", "2011", UNKNOWN),
        ("D10x", "2011", UNKNOWN),
    ],
)
def test_a_period_ends_on_the_last_day_of_its_last_year(code: str, year: str, end: int) -> None:
    assert retention_end(code, year) == end


@given(st.integers(1, 998), st.integers(1000, 2999))
def test_a_longer_period_never_ends_earlier(years: int, year: int) -> None:
    end = retention_end(f"D{years}", str(year))
    assert end < retention_end(f"D{years + 1}", str(year))
    assert longer(end, 10) > end
    assert longer(end, 10) % 10000 == 1231
