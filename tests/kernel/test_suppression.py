"""Small counts stay hidden from whoever reckons with the sums."""

import itertools
from collections.abc import Iterator, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liandong.kernel.privacy.suppression import ALL, Counts, count_pairs, suppress_small

Place = tuple[str, str]


def table(*rows: tuple[int, ...]) -> dict[Place, int]:
    """Counts of rows a, b, … and columns u, v, …"""
    return {
        (name, column): count
        for name, row in zip("abcdef", rows, strict=False)
        for column, count in zip("uvwxyz", row, strict=False)
    }


def solutions(counts: Counts, most: int) -> Iterator[Mapping[Place, int]]:
    """Every table of whole numbers up to `most` that agrees with all that is told."""
    rows, columns = counts.rows[:-1], counts.columns[:-1]
    inner = [(row, column) for row in rows for column in columns]
    open_ones = [place for place in inner if counts.cells[place] is None]
    for values in itertools.product(range(most + 1), repeat=len(open_ones)):
        full = {place: counts.cells[place] for place in inner} | dict(
            zip(open_ones, values, strict=True)
        )
        if _agrees(counts, full):
            yield full


def _agrees(counts: Counts, full: Mapping[Place, int | None]) -> bool:
    for (row, column), told in counts.cells.items():
        if told is None or (row != ALL and column != ALL):
            continue
        reckoned = sum(
            count or 0
            for (at_row, at_column), count in full.items()
            if row in (ALL, at_row) and column in (ALL, at_column)
        )
        if reckoned != told:
            return False
    return True


def test_a_small_count_is_hidden_and_a_large_one_told() -> None:
    counts = suppress_small(table((12, 3, 9), (20, 30, 40), (7, 8, 11)))
    assert counts.cells["a", "v"] is None
    assert counts.cells["b", "w"] == 40
    assert counts.cells[ALL, ALL] == 140


def test_the_hidden_count_does_not_follow_from_row_or_column() -> None:
    counts = suppress_small(table((6, 3), (7, 8)))
    assert {found["a", "v"] for found in solutions(counts, 10)} >= {2, 3}


def test_zero_is_told() -> None:
    counts = suppress_small(table((0, 9), (8, 7)))
    assert counts.hidden_small == counts.hidden_beside == 0
    assert counts.cells["a", "u"] == 0


def test_a_small_sum_does_not_follow_from_the_total() -> None:
    counts = suppress_small(table((1, 2), (6, 7)))
    assert counts.cells["a", ALL] is None
    sums = {sum(found["a", column] for column in "uv") for found in solutions(counts, 9)}
    assert len(sums) > 1


def test_a_table_of_one_small_number_tells_nothing() -> None:
    assert set(suppress_small(table((3,))).cells.values()) == {None}


def test_counts_below_zero_and_nameless_rows_are_refused() -> None:
    with pytest.raises(ValueError, match="counts"):
        suppress_small({("a", "u"): -1})
    with pytest.raises(ValueError, match="counts"):
        suppress_small({(ALL, "u"): 7})


def test_pairs_are_counted() -> None:
    assert count_pairs([("a", "u"), ("a", "u"), ("b", "u")]) == {("a", "u"): 2, ("b", "u"): 1}


@given(st.lists(st.lists(st.integers(0, 7), min_size=2, max_size=2), min_size=2, max_size=2))
def test_no_small_count_can_be_worked_out(rows: list[list[int]]) -> None:
    given_counts = table(*map(tuple, rows))
    counts = suppress_small(given_counts)
    found = list(solutions(counts, 9))
    small = [place for place, count in given_counts.items() if 0 < count < 5]
    assert given_counts in found
    for place in small:
        assert counts.cells[place] is None
        assert len({one[place] for one in found}) > 1, (given_counts, counts.cells)
