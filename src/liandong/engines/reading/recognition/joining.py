"""Lines the detector broke: the parts are one line again before anybody reads them.

Seals, stains and wide spaces break lines; half a letter at the break is read wrongly.
"""

from typing import cast

import numpy as np
from numpy.typing import NDArray

from liandong.engines.reading.order import is_columnar
from liandong.kernel.pages import Box

from .models import Reals
from .transcription import sides

Truths = NDArray[np.bool_]

SAME_HEIGHT = 1.4  # parts of one line differ less in height
SAME_MIDDLE = 0.3  # and their middles lie so near to one straight line, in line heights
TOUCHING = 0.5  # space that no two columns or cells are so near as, in line heights
SPACE = 1.5  # space inside a line of a page with one column
OVERLAP = 1.5  # parts may cover each other by so much
MOST = 3000  # lines; a page with more is no page, and the work grows with the square


def join(quads: Reals) -> Reals:
    """The quads with the parts of broken lines joined, and doubled ones once."""
    if not 1 < len(quads) <= MOST:
        return quads
    parts = sorted(quads, key=lambda quad: -max(sides(quad)))
    space = TOUCHING if is_columnar([_box(quad) for quad in parts]) else SPACE
    lines = _Lines(len(parts))
    for part in parts:  # the longest first: it knows the direction best
        lines.take(part, space)
    if len(lines.quads) < len(parts):
        return join(np.stack(lines.quads))
    return np.stack(lines.quads)


class _Lines:
    """The lines found so far, with what a part is compared by in one table for all of them."""

    def __init__(self, most: int) -> None:
        self.quads: list[Reals] = []
        self._middle = np.empty((most, 2), np.float32)
        self._along = np.empty((most, 2), np.float32)  # unit vectors
        self._across = np.empty((most, 2), np.float32)
        self._length = np.empty(most, np.float32)
        self._height = np.empty(most, np.float32)

    def take(self, part: Reals, space: float) -> None:
        """Join the part to the first line that it continues or doubles, or begin a line with it."""
        count = len(self.quads)
        offset = part - self._middle[:count, None]  # lines, corners, x and y
        reach = np.einsum("lcd,ld->lc", offset, self._along[:count])
        drift = np.einsum("lcd,ld->lc", offset, self._across[:count])
        continues = self._continue(reach, drift, space)
        met = np.flatnonzero(continues | self._cover(reach, drift))
        if not len(met):
            self.quads.append(part)
            self._measure(count)
        elif continues[first := int(met[0])]:
            self.quads[first] = self._joined(first, reach[first], drift[first])
            self._measure(first)

    def _measure(self, at: int) -> None:
        quad = self.quads[at]
        self._middle[at] = quad.mean(axis=0)
        self._along[at], self._across[at], self._length[at], self._height[at] = _axes(quad)

    def _continue(self, reach: Reals, drift: Reals, space: float) -> Truths:
        """Per line: whether the part goes on where the line ends, at its height."""
        length, height = self._length[: len(reach)], self._height[: len(reach)]
        gap = np.maximum(reach.min(axis=1) - length / 2, -length / 2 - reach.max(axis=1))
        spread = np.ptp(drift, axis=1)
        return cast(
            Truths,
            (height / SAME_HEIGHT < spread)
            & (spread < SAME_HEIGHT * height)
            & (abs(drift.mean(axis=1)) <= SAME_MIDDLE * height)
            & (-OVERLAP * height <= gap)
            & (gap <= space * height),
        )

    def _cover(self, reach: Reals, drift: Reals) -> Truths:
        """Per line: whether the part lies inside it, so that it is the same ink found twice."""
        length, height = self._length[: len(reach)], self._height[: len(reach)]
        return cast(
            Truths,
            (abs(reach.mean(axis=1)) < length / 2)
            & (abs(drift.mean(axis=1)) < height / 2)
            & (abs(reach).max(axis=1) < 0.55 * length)
            & (abs(drift).max(axis=1) < 0.6 * height),
        )

    def _joined(self, at: int, reach: Reals, drift: Reals) -> Reals:
        length, height = self._length[at], self._height[at]
        first, last = min(reach.min(), -length / 2), max(reach.max(), length / 2)
        top, bottom = min(drift.min(), -height / 2), max(drift.max(), height / 2)
        corners = [
            r * self._along[at] + d * self._across[at]
            for r, d in ((first, top), (last, top), (last, bottom), (first, bottom))
        ]
        quad: Reals = (np.stack(corners) + self._middle[at]).astype(np.float32)
        width, down = sides(self.quads[at])
        if width >= down:
            return quad
        turned: Reals = np.roll(quad, 1, axis=0)  # in a column the corners began at the top right
        return turned


def _axes(quad: Reals) -> tuple[Reals, Reals, float, float]:
    """Unit vectors along and across the line, and its length and height."""
    width, height = sides(quad)
    right = quad[1] - quad[0] + quad[2] - quad[3]
    right = right / max(float(np.linalg.norm(right)), 1e-6)
    down = np.array([-right[1], right[0]], np.float32)
    return (right, down, width, height) if width >= height else (down, -right, height, width)


def _box(quad: Reals) -> Box:
    (left, top), (right, bottom) = quad.min(axis=0), quad.max(axis=0)
    return Box(float(left), float(top), float(right), float(bottom))
