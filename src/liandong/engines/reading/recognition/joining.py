"""Lines the detector broke: the parts are one line again before anybody reads them.

Seals, stains and wide spaces break lines; half a letter at the break is read wrongly.
"""

import numpy as np

from liandong.engines.reading.order import is_columnar
from liandong.kernel.pages import Box

from .models import Reals
from .transcription import sides

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
    lines: list[Reals] = []
    for part in parts:  # the longest first: it knows the direction best
        for index, line in enumerate(lines):
            joined = _join(line, part, space)
            if joined is not None:
                lines[index] = joined
                break
        else:
            lines.append(part)
    if len(lines) < len(parts):
        return join(np.stack(lines))
    return np.stack(lines)


def _join(line: Reals, part: Reals, space: float) -> Reals | None:
    along, across, length, height = _axes(line)
    offset = part - line.mean(axis=0)
    reach, drift = offset @ along, offset @ across
    gap = max(reach.min() - length / 2, -length / 2 - reach.max())
    continues = (
        height / SAME_HEIGHT < np.ptp(drift) < SAME_HEIGHT * height
        and abs(drift.mean()) <= SAME_MIDDLE * height
        and -OVERLAP * height <= gap <= space * height
    )
    if not continues:
        return line if _covers(reach, drift, length, height) else None
    first, last = min(reach.min(), -length / 2), max(reach.max(), length / 2)
    top, bottom = min(drift.min(), -height / 2), max(drift.max(), height / 2)
    corners = [
        r * along + d * across
        for r, d in ((first, top), (last, top), (last, bottom), (first, bottom))
    ]
    quad: Reals = (np.stack(corners) + line.mean(axis=0)).astype(np.float32)
    if length == sides(line)[0]:
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


def _covers(reach: Reals, drift: Reals, length: float, height: float) -> bool:
    """Whether the part lies inside the line, so that it is the same ink found twice."""
    inside = abs(reach.mean()) < length / 2 and abs(drift.mean()) < height / 2
    return bool(
        inside and np.abs(reach).max() < 0.55 * length and np.abs(drift).max() < 0.6 * height
    )


def _box(quad: Reals) -> Box:
    (left, top), (right, bottom) = quad.min(axis=0), quad.max(axis=0)
    return Box(float(left), float(top), float(right), float(bottom))
