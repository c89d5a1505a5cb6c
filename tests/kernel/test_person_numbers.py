"""Numbers of persons are compared in one writing."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from liandong.kernel import catalog
from liandong.kernel.person_numbers import NUMBERS, PAPERS, compared_as, normal_number


@pytest.mark.parametrize(
    ("kind", "written", "normal"),
    [
        ("resident_id", "11010519491231002X", "11010519491231002X"),
        ("resident_id", "11010519491231002x", "11010519491231002X"),
        ("resident_id", "１１０１０５ 19491231 002Ｘ", "11010519491231002X"),
        ("resident_id", "1l0105194912310O2X", "11010519491231002X"),  # as recognition reads it
        ("resident_id_15", "110105491231002", "11010519491231002X"),
        ("mobile", "+86 138-1234-5678", "13812345678"),
        ("bank_card", "6222 0202 0011 2230", "6222020200112230"),
        ("passport", "e12345678", "E12345678"),
        ("resident_id", "12", ""),
        ("person_name", "张三张三张三", ""),
        ("resident_id", "", ""),
    ],
)
def test_every_writing_of_a_number_is_one(kind: str, written: str, normal: str) -> None:
    assert normal_number(kind, written) == normal


@given(st.sampled_from(sorted(NUMBERS)), st.text(max_size=40))
@example("bank_card", "00000b")
@example("mobile", "o0000l")
def test_a_normal_number_stays_as_it_is(kind: str, text: str) -> None:
    once = normal_number(kind, text)
    assert normal_number(NUMBERS[kind], once) == once


def test_numbers_are_kinds_of_the_catalogue() -> None:
    known = set(catalog.by_key("pii_kinds", "kind"))
    assert set(NUMBERS) | set(PAPERS) <= known
    assert compared_as("person_name") == ""
