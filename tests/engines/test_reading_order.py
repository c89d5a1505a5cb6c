"""Reading order: layouts made by code, shuffled and slanted; the order must come back."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liandong.engines.reading.order import is_columnar, level, reading_order, skew
from liandong.kernel.pages import Box

LINE = 30.0  # height
PITCH = 48.0


def column(left: float, top: float, lines: int, width: float, *, last: float = 0.4) -> list[Box]:
    """Running text: full lines, the last one short."""
    widths = [width] * (lines - 1) + [width * last]
    return [
        Box(left, top + i * PITCH, left + w, top + i * PITCH + LINE) for i, w in enumerate(widths)
    ]


def one_column() -> list[Box]:
    title = [Box(300, 100, 900, 145)]
    return title + column(150, 220, 20, 900) + column(150, 220 + 20 * PITCH, 4, 900)


def two_columns() -> list[Box]:
    title = [Box(300, 100, 900, 145)]
    return title + column(100, 220, 22, 480) + column(640, 220, 18, 480)


def two_columns_with_header_and_footer() -> list[Box]:
    header = [Box(100, 20, 350, 50), Box(900, 20, 1100, 50)]
    footer = [Box(560, 1600, 640, 1630)]
    return header + column(100, 220, 24, 480) + column(640, 232, 24, 480) + footer


def newspaper() -> list[Box]:
    banner = [Box(100, 60, 1120, 120)]
    left = [Box(120, 170, 700, 215), *column(100, 260, 12, 300), *column(440, 260, 12, 300)]
    return banner + left + column(800, 200, 14, 320)


def table() -> list[Box]:
    lefts = (100, 300, 620, 760, 980)
    widths = (90, 250, 60, 150, 110)
    rows = range(12)
    return [
        Box(left, 200 + row * 60, left + width * (0.5 + (row * 7 % 5) / 10), 200 + row * 60 + LINE)
        for row in rows
        for left, width in zip(lefts, widths, strict=True)
    ]


def vertical() -> list[Box]:
    return [Box(1000 - i * PITCH, 150, 1000 - i * PITCH + LINE, 1500) for i in range(15)]


def vertical_in_two_registers() -> list[Box]:
    upper = [Box(1000 - i * PITCH, 150, 1000 - i * PITCH + LINE, 750) for i in range(15)]
    return upper + [Box(box.left, 850, box.right, 1450) for box in upper]


HORIZONTAL = [one_column, two_columns, two_columns_with_header_and_footer, newspaper, table]
VERTICAL = [vertical, vertical_in_two_registers]


def slanted(boxes: list[Box], degrees: float) -> list[Box]:
    return [level(box, -degrees) for box in boxes]


@pytest.mark.parametrize("layout", HORIZONTAL + VERTICAL)
@given(seed=st.integers(0, 10_000), degrees=st.floats(-2, 2))
def test_the_order_of_a_shuffled_page_comes_back(layout, seed: int, degrees: float) -> None:
    expected = layout()
    boxes = slanted(expected, degrees)
    places = list(range(len(boxes)))
    random.Random(seed).shuffle(places)  # noqa: S311 - a layout, not a secret
    shuffled = [level(boxes[place], degrees) for place in places]

    order = reading_order(shuffled, vertical=layout in VERTICAL)

    assert [places[index] for index in order] == list(range(len(expected)))


@given(
    st.lists(
        st.tuples(
            *[st.floats(0, 2000, allow_subnormal=False)] * 2, st.floats(0, 900), st.floats(0, 90)
        ),
        max_size=60,
    ),
    st.booleans(),
)
def test_every_line_is_read_exactly_once_whatever_the_layout(places, is_vertical: bool) -> None:
    boxes = [Box(x, y, x + width, y + height) for x, y, width, height in places]

    order = reading_order(boxes, vertical=is_vertical)

    assert sorted(order) == list(range(len(boxes)))


def test_two_columns_on_one_grid_are_not_a_table() -> None:
    boxes = column(100, 100, 10, 480, last=1) + column(640, 100, 10, 480, last=1)

    assert reading_order(boxes) == list(range(20))


def test_a_table_of_two_wide_columns_with_uneven_cells_is_read_by_rows() -> None:
    widths = (400, 120, 90, 300, 60, 150, 210, 80)
    boxes = [
        box
        for i, width in enumerate(widths)
        for box in (
            Box(100, 100 + i * 60, 100 + width, 130 + i * 60),
            Box(640, 100 + i * 60, 640 + widths[-1 - i], 130 + i * 60),
        )
    ]

    assert reading_order(boxes) == list(range(16))


def test_a_table_of_figures_of_one_width_is_read_by_rows() -> None:
    boxes = [
        Box(left, 100 + row * 60, left + 120, 130 + row * 60)
        for row in range(8)
        for left in (100, 320, 540, 760)
    ]

    assert reading_order(boxes) == list(range(32))


def test_a_table_is_columnar_and_a_letter_is_not() -> None:
    assert is_columnar(table())
    assert not is_columnar(one_column())


@given(st.floats(-40, 40), st.floats(0, 2000), st.floats(0, 2000))
def test_levelling_keeps_sizes_and_undoes_itself(degrees: float, x: float, y: float) -> None:
    box = Box(x, y, x + 300, y + 30)

    turned = level(level(box, degrees), -degrees)

    assert all(math.isclose(a, b, abs_tol=1e-6) for a, b in zip(turned, box, strict=True))


def test_the_slant_of_a_page_is_that_of_its_long_lines() -> None:
    assert skew([1.5, 1.4, -30.0, 1.6], [900, 800, 40, 900]) == 1.5
    assert skew([], []) == 0.0
