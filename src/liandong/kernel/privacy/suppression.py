"""Counts in which small numbers are hidden, and cannot be worked out from the sums either.

A count from 1 to 4 may tell of somebody.  Hiding it alone is no use: its row and its column give
it away.  So more cells are hidden, until each small one could as well be another number.
Source: standards digest 7.2, open-data gate (design); GB/T 37964-2019, 抑制 (suppression).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

LEAST = 5  # smallest count that is told
ALL = ""  # the name of a sum, as row and as column

Place = tuple[str, str]  # row, column


@dataclass(frozen=True, slots=True)
class Counts:
    """A table of counts with its sums (row or column ALL); None stands for a hidden count."""

    cells: Mapping[Place, int | None]
    hidden_small: int  # because the count is small
    hidden_beside: int  # so that the small ones stay hidden

    @property
    def rows(self) -> list[str]:
        """Names of the rows, sorted, the sum last."""
        return _names(self.cells, 0)

    @property
    def columns(self) -> list[str]:
        """Names of the columns, sorted, the sum last."""
        return _names(self.cells, 1)


def _names(cells: Iterable[Place], axis: int) -> list[str]:
    return sorted({place[axis] for place in cells}, key=lambda name: (name == ALL, name))


def count_pairs(pairs: Iterable[Place]) -> dict[Place, int]:
    """How often each pair of row and column occurs."""
    return dict(Counter(pairs))


def suppress_small(counts: Mapping[Place, int], *, least: int = LEAST) -> Counts:
    """Hide counts and sums from 1 to `least` − 1, and as many others as it takes.

    Zeros are told as long as nothing else can be hidden: they speak of nobody.  Raises ValueError
    for a negative count or a row or column without name.
    """
    if any(count < 0 or ALL in place for place, count in counts.items()):
        raise ValueError("counts are not negative and have names")
    grid = _Grid(_with_sums(counts))
    small = [place for place, count in grid.cells.items() if 0 < count < least]
    grid.hidden.update(small)
    for place in small:
        while not grid.is_safe(place) and (more := grid.next_beside(place)) is not None:
            grid.hidden.add(more)
    for place in small:  # what was hidden later may have opened nothing, but look again
        while not grid.is_safe(place) and (more := grid.next_beside(place)) is not None:
            grid.hidden.add(more)
    shown = {place: None if place in grid.hidden else n for place, n in grid.cells.items()}
    return Counts(shown, len(small), len(grid.hidden) - len(small))


def _with_sums(counts: Mapping[Place, int]) -> dict[Place, int]:
    rows, columns = _names(counts, 0), _names(counts, 1)
    full = {(row, column): counts.get((row, column), 0) for row in rows for column in columns}
    sums: Counter[Place] = Counter()
    for (row, column), count in full.items():
        sums[row, ALL] += count
        sums[ALL, column] += count
        sums[ALL, ALL] += count
    return full | dict(sums)


class _Grid:
    """Counts with their sums, and which of them are hidden."""

    def __init__(self, cells: Mapping[Place, int]) -> None:
        self.cells = cells
        self.hidden: set[Place] = set()

    def is_safe(self, place: Place) -> bool:
        """Whether the hidden count could be one more, or one less, with all that is told the same.

        A change of one cell must be made good in its row and its column by other hidden cells, and
        so on round a closed way; no count may fall below zero.
        """
        return self._closes(place, up=True) or self._closes(place, up=False)

    def _closes(self, place: Place, *, up: bool) -> bool:
        """Whether a closed way leads from the column of the cell back to its row."""
        if not self._may(place, up=up):
            return False
        row, column = place
        seen, waiting = {("column", column)}, [("column", column)]
        while waiting:
            side, name = waiting.pop()
            for step in self._steps(side, name, place, up=up):
                if step == ("row", row):
                    return True
                if step not in seen:
                    seen.add(step)
                    waiting.append(step)
        return False

    def _steps(self, side: str, name: str, place: Place, *, up: bool) -> Iterator[tuple[str, str]]:
        """Along a column a cell changes against the first one, along a row with it."""
        for other in self.hidden:
            if other == place:
                continue
            if side == "column" and other[1] == name and self._may(other, up=not up):
                yield "row", other[0]
            if side == "row" and other[0] == name and self._may(other, up=up):
                yield "column", other[1]

    def _may(self, place: Place, *, up: bool) -> bool:
        """Whether a cell can go that way.  A sum stands on the other side of the equation."""
        is_sum = (place[0] == ALL) != (place[1] == ALL)
        return self.cells[place] > 0 or (up != is_sum)

    def next_beside(self, place: Place) -> Place | None:
        """The next cell to hide: in its row or column, the smallest, zeros and sums last."""
        row, column = place
        lines = [other for other in self.cells if other not in self.hidden]
        near = [other for other in lines if other[0] == row or other[1] == column]
        linked = {line for other in self.hidden for line in other}
        rest = near or [other for other in lines if linked & set(other)] or lines
        return min(rest, key=self._cost, default=None)

    def _cost(self, place: Place) -> tuple[bool, int, int, Place]:
        return self.cells[place] == 0, place.count(ALL), self.cells[place], place
