"""Numbers of OFD: boxes, matrices, distances between characters, path commands."""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

CURVE_STEPS = 12  # straight pieces per curve
_MOST_COMMANDS = 200_000  # of one path
_ARGUMENTS = {"M": 2, "S": 2, "L": 2, "Q": 4, "B": 6, "A": 7, "C": 0}

Point = tuple[float, float]


class Matrix(NamedTuple):
    """x' = a·x + c·y + e, y' = b·x + d·y + f; millimetres, y downwards."""

    a: float = 1.0
    b: float = 0.0
    c: float = 0.0
    d: float = 1.0
    e: float = 0.0
    f: float = 0.0

    def after(self, first: "Matrix") -> "Matrix":
        """The matrix that applies `first`, then this one."""
        return Matrix(
            self.a * first.a + self.c * first.b,
            self.b * first.a + self.d * first.b,
            self.a * first.c + self.c * first.d,
            self.b * first.c + self.d * first.d,
            self.a * first.e + self.c * first.f + self.e,
            self.b * first.e + self.d * first.f + self.f,
        )

    def __call__(self, x: float, y: float) -> Point:
        return self.a * x + self.c * y + self.e, self.b * x + self.d * y + self.f

    @property
    def size(self) -> float:
        """The length that one millimetre has after the matrix, on average."""
        return math.sqrt(abs(self.a * self.d - self.b * self.c))


def numbers(text: str | None, count: int) -> tuple[float, ...] | None:
    """Exactly `count` finite numbers from a blank-separated list, or None."""
    try:
        found = tuple(float(part) for part in (text or "").replace(",", " ").split()[:count])
    except ValueError:
        return None
    return found if len(found) == count and all(abs(n) < 1e7 for n in found) else None


def number(text: str | None, otherwise: float) -> float:
    """One finite number, or `otherwise`."""
    found = numbers(text, 1)
    return found[0] if found else otherwise


def matrix(text: str | None) -> Matrix:
    """A CTM; the identity when absent or broken."""
    found = numbers(text, 6)
    return Matrix(*found) if found else Matrix()


def deltas(text: str | None, count: int) -> list[float]:
    """Distances between characters, at most `count`; `g 3 2.5` stands for 2.5 2.5 2.5."""
    found: list[float] = []
    words = iter((text or "").split())
    try:
        for word in words:
            if word == "g":
                times, value = int(float(next(words))), float(next(words))
                found.extend([value] * max(0, min(times, count - len(found))))
            else:
                found.append(float(word))
            if len(found) >= count:
                break
    except (ValueError, StopIteration, OverflowError):
        pass
    return [value if math.isfinite(value) else 0.0 for value in found[:count]]


def outlines(text: str) -> list[list[Point]]:
    """The subpaths of AbbreviatedData as chains of points; broken rests are left out.

    Source: GB/T 33190-2016, 9.1 (M, L, Q, B, A, C).
    """
    chains: list[list[Point]] = []
    for command, values in _commands(text):
        if command in "MS":
            chains.append([(values[0], values[1])])
        elif not chains:
            continue
        elif command == "C":
            chains[-1].append(chains[-1][0])
        else:
            chains[-1].extend(_piece(command, chains[-1][-1], values))
    return [chain for chain in chains if len(chain) > 1]


def _commands(text: str) -> Iterator[tuple[str, list[float]]]:
    words = text.split()
    at = 0
    for _ in range(_MOST_COMMANDS):
        if at >= len(words):
            return
        command = words[at]
        count = _ARGUMENTS.get(command, -1)
        values = numbers(" ".join(words[at + 1 : at + 1 + count]), count) if count > 0 else ()
        if count < 0 or values is None:
            return
        yield command, list(values)
        at += 1 + count


def _piece(command: str, start: Point, values: Sequence[float]) -> list[Point]:
    match command:
        case "L":
            return [(values[0], values[1])]
        case "Q":
            points = [start, (values[0], values[1]), (values[2], values[3])]
        case "B":
            points = [start, (values[0], values[1]), (values[2], values[3]), (values[4], values[5])]
        case _:
            return _arc(start, values)
    return [_bezier(points, step / CURVE_STEPS) for step in range(1, CURVE_STEPS + 1)]


def _bezier(points: Sequence[Point], share: float) -> Point:
    while len(points) > 1:
        points = [
            (p[0] + (q[0] - p[0]) * share, p[1] + (q[1] - p[1]) * share)
            for p, q in pairwise(points)
        ]
    return points[0]


def _arc(start: Point, values: Sequence[float]) -> list[Point]:
    """An elliptic arc given by its ends: rx ry rotation large sweep x y (as in SVG, F.6.5)."""
    rx, ry, rotation, large, sweep, x, y = values
    rx, ry = abs(rx), abs(ry)
    if rx < 1e-6 or ry < 1e-6 or (x, y) == start:
        return [(x, y)]
    turn = math.radians(rotation)
    cos, sin = math.cos(turn), math.sin(turn)
    dx, dy = (start[0] - x) / 2, (start[1] - y) / 2
    px, py = cos * dx + sin * dy, -sin * dx + cos * dy
    grow = math.sqrt(max(1.0, (px / rx) ** 2 + (py / ry) ** 2))
    rx, ry = rx * grow, ry * grow
    under = (rx * py) ** 2 + (ry * px) ** 2
    root = math.sqrt(max(0.0, (rx * ry) ** 2 - under) / under) * (-1 if large == sweep else 1)
    cx, cy = root * rx * py / ry, -root * ry * px / rx
    begin = math.atan2((py - cy) / ry, (px - cx) / rx)
    span = (math.atan2((-py - cy) / ry, (-px - cx) / rx) - begin) % (2 * math.pi)
    if not sweep:
        span -= 2 * math.pi
    middle = (cos * cx - sin * cy + (start[0] + x) / 2, sin * cx + cos * cy + (start[1] + y) / 2)
    points = []
    for step in range(1, 2 * CURVE_STEPS + 1):
        angle = begin + span * step / (2 * CURVE_STEPS)
        ex, ey = rx * math.cos(angle), ry * math.sin(angle)
        points.append((cos * ex - sin * ey + middle[0], sin * ex + cos * ey + middle[1]))
    return points
