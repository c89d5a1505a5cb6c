"""What one line of text says.

The network reads a strip 48 pixels high and gives, for every step along it, how likely each
letter is; letter 0 means "no letter" (connectionist temporal classification, CTC).
"""

import math
import unicodedata
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np

from .detection import to_input
from .models import Network, Pixels, Reals

STRIP_HEIGHT = 48  # pixels, what the network was trained with
LONGEST = 3200  # pixels of a strip; a longer line is squeezed
SHORTEST = 16


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter of a line, as the network gave it."""

    text: str
    confidence: float  # 0.0 to 1.0
    place: float  # where along the strip, 0.0 at its start to 1.0 at its end


@dataclass(frozen=True, slots=True)
class Transcript:
    """A line of text and how sure each letter is."""

    letters: tuple[Letter, ...] = ()

    @property
    def text(self) -> str:
        """The line, NFC."""
        return unicodedata.normalize("NFC", "".join(letter.text for letter in self.letters))

    @property
    def confidence(self) -> float:
        """The mean over the letters, 0.0 to 1.0; 0.0 for no text."""
        if not self.letters:
            return 0.0
        return min(1.0, sum(letter.confidence for letter in self.letters) / len(self.letters))


class LineReader:
    """Reads strips of text with one network."""

    def __init__(self, model: Path, letters: Path | None = None) -> None:
        self._network = Network(model)
        known = _read_letters(letters) if letters else self._network.letters()
        self._letters = ["", *known, " "]

    def read(self, strip: Pixels) -> Transcript:
        """The text of one upright strip of any size."""
        height, width = strip.shape[:2]
        if height < 2 or width < 2:
            return Transcript()
        columns = int(np.clip(np.ceil(STRIP_HEIGHT * width / height), SHORTEST, LONGEST))
        way = cv2.INTER_AREA if height > 2 * STRIP_HEIGHT else cv2.INTER_LINEAR
        likely = self._network.run(
            to_input(cv2.resize(strip, (columns, STRIP_HEIGHT), interpolation=way))
        )[0]
        best = likely.argmax(axis=1)
        kept = (best != 0) & np.concatenate(([True], best[1:] != best[:-1]))
        places = (np.flatnonzero(kept) + 0.5) / len(best)
        return Transcript(
            tuple(
                Letter(self._letters[index], float(sure), float(place))
                for index, sure, place in zip(
                    best[kept], likely[kept, best[kept]], places, strict=True
                )
            )
        )


def _read_letters(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8").removesuffix("\n").split("\n")


def cut_strip(image: Pixels, quad: Reals) -> Pixels:
    """The line inside the quad, made level; the first corner of the quad becomes its top left."""
    width, height = sides(quad)
    columns, rows = max(1, round(width)), max(1, round(height))
    corners = np.array([[0, 0], [columns, 0], [columns, rows], [0, rows]], np.float32)
    return cv2.warpPerspective(  # type: ignore[return-value]  # cv2 does not know its own dtype
        image,
        cv2.getPerspectiveTransform(quad, corners),
        (columns, rows),
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REPLICATE,
    )


def sides(quad: Reals) -> tuple[float, float]:
    """Length of the quad along its first side and across it, in pixels."""
    first, second, third, fourth = quad.tolist()
    along = max(math.dist(first, second), math.dist(third, fourth))
    across = max(math.dist(fourth, first), math.dist(third, second))
    return along, across


def lay_flat(column: Pixels) -> Pixels:
    """A column of upright letters as a row: its letters are cut apart and set side by side."""
    width = column.shape[1]
    grey = cv2.cvtColor(column, cv2.COLOR_RGB2GRAY)
    limit, _ = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    dark = grey <= limit
    ink = dark if dark.mean() < 0.5 else ~dark  # light letters on dark ground
    cells = _cells(ink.sum(axis=1), width)
    if not cells:
        return column
    ground = np.median(column[~ink].reshape(-1, 3), axis=0) if (~ink).any() else 255
    row = np.empty((width, width * len(cells), 3), np.uint8)
    row[:] = ground
    for place, (top, bottom) in enumerate(cells):
        part = column[top : min(bottom, top + width)]
        start = (width - len(part)) // 2
        row[start : start + len(part), place * width : (place + 1) * width] = part
    return row


def _cells(ink: np.ndarray[tuple[int], np.dtype[np.int_]], width: int) -> list[tuple[int, int]]:
    """Rows of each letter in a column: runs of ink, joined while they fit one letter."""
    filled = np.concatenate(([0], (ink > 0).astype(np.int8), [0]))
    edges = np.flatnonzero(np.diff(filled))
    cells: list[tuple[int, int]] = []
    for top, bottom in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if cells and bottom - cells[-1][0] <= 0.95 * width:
            cells[-1] = (cells[-1][0], bottom)  # the parts of one letter, as of 二 or 言
        else:
            cells.extend(_split(top, bottom, width))
    return cells


def _split(top: int, bottom: int, width: int) -> list[tuple[int, int]]:
    """Letters that touch are cut at equal heights."""
    count = max(1, round((bottom - top) / width)) if bottom - top > 1.3 * width else 1
    marks = np.linspace(top, bottom, count + 1).astype(int).tolist()
    return list(pairwise(marks))
