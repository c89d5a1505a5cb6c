"""The order in which a person reads the lines of a page: pure functions over boxes.

Columns are read one after the other, tables row by row, vertical text from right to left.  Boxes
must be level: turn slanted lines by `skew` first (`level`).  Sorting by top and left alone puts
81 % of a two-column page in the wrong place.
"""

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from liandong.kernel.pages import Box

SAME_ROW = 0.5  # two boxes share a row when their middles differ by less, in line heights
GUTTER = 0.7  # narrowest space between columns, in line heights
CROSSING = 0.2  # share of lines that may cross a gutter: titles over all columns
FEWEST_LINES = 3  # a column has at least so many lines
FILLED = 0.72  # lines of running text fill their column; cells of a table do not
NARROWEST = 5.0  # a column of running text is at least so wide, in line heights
APART = 1.2  # a header or footer stands so far from the text, in line heights


class _Gutter(NamedTuple):
    left: float
    right: float
    crossing: int


def reading_order(boxes: Sequence[Box], *, vertical: bool = False) -> list[int]:
    """Indices of `boxes` in reading order; each index exactly once."""
    if vertical:  # a quarter turn makes columns from the right into rows from the top
        return _order([Box(b.top, -b.right, b.bottom, -b.left) for b in boxes])
    return _order(boxes)


def rows_of(boxes: Sequence[Box]) -> list[list[int]]:
    """Rows of boxes side by side, from the top; indices within a row from the left."""
    return _rows(boxes, range(len(boxes)))


def is_columnar(boxes: Sequence[Box]) -> bool:
    """Whether some rows hold text of several columns or cells, so that rows must not be joined."""
    rows = rows_of(boxes)
    return sum(len(row) > 1 for row in rows) > 0.25 * len(rows)


def skew(angles: Iterable[float], weights: Iterable[float]) -> float:
    """The slant most lines share, in degrees: the weighted median; 0.0 without lines."""
    pairs = sorted(zip(angles, weights, strict=True))
    half = sum(weight for _, weight in pairs) / 2
    for angle, weight in pairs:
        half -= weight
        if half <= 0:
            return angle
    return 0.0


def level(box: Box, degrees: float) -> Box:
    """The box of the same size with its middle turned back by the slant about the page's corner."""
    turn = math.radians(-degrees)
    x, y = (box.left + box.right) / 2, (box.top + box.bottom) / 2
    x, y = x * math.cos(turn) - y * math.sin(turn), x * math.sin(turn) + y * math.cos(turn)
    width, height = (box.right - box.left) / 2, (box.bottom - box.top) / 2
    return Box(x - width, y - height, x + width, y + height)


def _order(boxes: Sequence[Box]) -> list[int]:
    if not boxes:
        return []
    unit = median(max(1.0, box.bottom - box.top) for box in boxes)
    rows = _rows(boxes, range(len(boxes)))
    head, body, foot = _peel(boxes, rows, unit)
    order = [index for row in head for index in row]
    order += _region(boxes, [index for row in body for index in row], unit)
    return order + [index for row in foot for index in row]


def _peel(
    boxes: Sequence[Box], rows: list[list[int]], unit: float
) -> tuple[list[list[int]], list[list[int]], list[list[int]]]:
    """Header and footer: a first and a last row that stand apart from the rest."""
    if len(rows) < 2 * FEWEST_LINES:
        return [], rows, []
    gaps = [
        min(boxes[i].top for i in below) - max(boxes[i].bottom for i in above)
        for above, below in pairwise(rows)
    ]
    apart = max(0.0, median(gaps)) + APART * unit
    first = 1 if gaps[0] > apart else 0
    last = len(rows) - 1 if gaps[-1] > apart else len(rows)
    return rows[:first], rows[first:last], rows[last:]


def _region(boxes: Sequence[Box], members: list[int], unit: float) -> list[int]:
    gutter = _gutter(boxes, members, unit)
    if gutter is None:
        return [index for row in _rows(boxes, members) for index in row]
    middle = (gutter.left + gutter.right) / 2
    left = [i for i in members if boxes[i].right <= middle]
    right = [i for i in members if boxes[i].left >= middle]
    crossing = sorted(set(members) - set(left) - set(right), key=lambda i: _middle(boxes[i]))
    order: list[int] = []
    for line in [*crossing, None]:  # a line over both columns ends the columns above it
        limit = math.inf if line is None else _middle(boxes[line])
        for side in (left, right):
            above = [i for i in side if _middle(boxes[i]) < limit]
            side[:] = [i for i in side if _middle(boxes[i]) >= limit]
            order += _region(boxes, above, unit)
        order += [] if line is None else [line]
    return order


def _gutter(boxes: Sequence[Box], members: list[int], unit: float) -> _Gutter | None:
    """The best space between two columns of running text; None for one column or a table."""
    if len(members) < 2 * FEWEST_LINES:
        return None
    found = [
        gutter
        for gutter in _spaces(boxes, members)
        if gutter.right - gutter.left >= GUTTER * unit
        and gutter.crossing <= CROSSING * len(members)
        and _runs_on_both_sides(boxes, members, gutter, unit)
    ]
    return min(found, key=lambda g: (g.crossing, g.left - g.right), default=None)


def _spaces(boxes: Sequence[Box], members: list[int]) -> list[_Gutter]:
    """Intervals across the page, each with how many lines cross it."""
    edges = sorted([(boxes[i].left, 1) for i in members] + [(boxes[i].right, -1) for i in members])
    spaces = []
    crossing = 0
    for (start, step), (end, _) in pairwise(edges):
        crossing += step
        if end > start:
            spaces.append(_Gutter(start, end, crossing))
    return _widen(spaces)


def _widen(spaces: list[_Gutter]) -> list[_Gutter]:
    """Spaces at their narrowest crossing, joined with neighbours only a ragged edge cuts off."""
    return [
        space
        for before, space, after in zip(spaces, spaces[1:], spaces[2:], strict=False)
        if space.crossing < before.crossing and space.crossing < after.crossing
    ]


def _runs_on_both_sides(
    boxes: Sequence[Box], members: list[int], gutter: _Gutter, unit: float
) -> bool:
    middle = (gutter.left + gutter.right) / 2
    left = [boxes[i] for i in members if boxes[i].right <= middle]
    right = [boxes[i] for i in members if boxes[i].left >= middle]
    return _is_running(left, unit) and _is_running(right, unit) and _beside(left, right)


def _is_running(lines: list[Box], unit: float) -> bool:
    """Whether the lines are running text, in one or more columns, and not cells of a table."""
    if len(lines) < FEWEST_LINES:
        return False
    widths = [line.right - line.left for line in lines]
    column = sorted(widths)[int(0.9 * (len(widths) - 1))]  # a title may be wider
    full = sum(width >= FILLED * column for width in widths)
    return column >= NARROWEST * unit and full >= 0.5 * len(lines)


def _beside(left: list[Box], right: list[Box]) -> bool:
    """Whether the two sides share some height of the page, rather than one following the other."""
    top = max(min(b.top for b in left), min(b.top for b in right))
    bottom = min(max(b.bottom for b in left), max(b.bottom for b in right))
    return bottom > top


def _rows(boxes: Sequence[Box], members: Iterable[int]) -> list[list[int]]:
    rows: list[list[int]] = []
    for index in sorted(members, key=lambda i: (_middle(boxes[i]), boxes[i].left)):
        if rows and _shares_row(boxes, rows[-1], index):
            rows[-1].append(index)
        else:
            rows.append([index])
    return [sorted(row, key=lambda i: (boxes[i].left, boxes[i].top)) for row in rows]


def _shares_row(boxes: Sequence[Box], row: list[int], index: int) -> bool:
    """In the row by height, and not on top of what is there already."""
    box = boxes[index]
    heights = [boxes[i].bottom - boxes[i].top for i in row]
    middle = sum(_middle(boxes[i]) for i in row) / len(row)
    height = min(box.bottom - box.top, median(heights))
    if abs(_middle(box) - middle) >= SAME_ROW * height:
        return False
    return all(
        min(box.right, boxes[i].right) - max(box.left, boxes[i].left)
        < 0.5 * min(box.right - box.left, boxes[i].right - boxes[i].left)
        for i in row
    )


def _middle(box: Box) -> float:
    return (box.top + box.bottom) / 2
