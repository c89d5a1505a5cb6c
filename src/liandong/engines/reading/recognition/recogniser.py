"""The confidence cascade: every line by the quick recogniser, what is doubtful by the careful one.

The page is shrunk, lines are found once, and each is cut out level, so skew and quarter turns
cost no second look at the page.  Boxes always refer to the pixels of the image that was given.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from liandong.engines.reading import imaging, order
from liandong.kernel.pages import Box, Line

from .detection import detect
from .doubt import read_doubtful
from .joining import join
from .models import ModelFiles, Network, Pixels, Reals
from .sheet import Sheet, lay_out
from .transcription import LineReader, Transcript, cut_strip, lay_flat, sides

THRESHOLD = 0.985  # below it a line is read again; docs/adr/0020 has the figures
LEGIBLE = 0.5  # what is surer than this is text; the rest is stains and ornaments
TALL = 1.5  # a line so much higher than wide runs downwards
SAMPLE = 5  # lines tried in another orientation
NARROW = 1.6  # a tall box not higher than this, in line heights, is one narrow letter
UPRIGHT = 0.7  # confidence of letters read as upright ones; lying ones stay near 0.5
POOR = 0.88  # mean confidence at which another orientation is tried
END_PADDING = 0.3  # of the line height: commas at the ends are missed by the detector
EDGE = 0.004  # of the page: a line so near to the edge was cut


@dataclass(frozen=True, slots=True)
class Recognised:
    """What a page image says."""

    lines: tuple[Line, ...]  # in reading order
    width: int  # of the image, pixels
    height: int
    rotation: int  # quarter turns clockwise, in degrees, that make the page upright
    skew: float  # degrees; above 0 when lines sink to the right
    measures: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Networks:
    detector: Network
    first: LineReader
    second: LineReader


@dataclass(frozen=True, slots=True)
class _Read:
    quad: Reals  # its first corner is the top left of the page turned upright
    transcript: Transcript
    strip: Pixels  # what was read
    vertical: bool = False


class Recogniser:
    """Reads page images; one per worker process.  Models are loaded with the first page."""

    def __init__(
        self, threshold: float = THRESHOLD, models: Mapping[str, Path | str] | None = None
    ) -> None:
        """`models` replaces files of `ModelFiles` by name; the rest is taken as installed."""
        self._threshold = threshold
        self._models = {name: Path(file) for name, file in (models or {}).items()}
        self._loaded: _Networks | None = None

    def recognise(self, image: NDArray[np.generic]) -> Recognised:
        """The lines of a page (grey, RGB or RGBA, 8 bits) in reading order.

        Raises ValueError when it is no image, ModelsAbsent when a model file is missing.
        """
        pixels = imaging.to_pixels(image)
        height, width = pixels.shape[:2]
        measures = imaging.measure(pixels)
        sheet = lay_out(pixels)
        quads = join(detect(self._networks.detector, sheet.image))
        turn, reads = self._read_upright(sheet.image, quads)
        kept = [read for read in reads if read.transcript.confidence >= LEGIBLE]
        skew = _skew(kept)
        measures |= {"skew": round(abs(skew), 2)}
        if not sheet.margin:
            measures |= {"cut_lines": _cut_lines(kept, sheet.image)}
        lines = _in_order(kept, turn, skew, sheet)
        return Recognised(lines, width, height, 90 * turn, round(skew, 2), measures)

    @property
    def _networks(self) -> _Networks:
        if self._loaded is None:
            files = replace(ModelFiles.installed(), **self._models).check()
            self._loaded = _Networks(
                Network(files.detector, same_sizes=True),  # lines have each their own width
                LineReader(files.first, files.first_letters),
                LineReader(files.second),
            )
        return self._loaded

    def _read_upright(self, image: Pixels, quads: Reals) -> tuple[int, list[_Read]]:
        """Quarter turns clockwise to make the page upright, and its lines."""
        turn = self._quarter_turn(image, quads)
        reads = self._read_all(image, np.roll(quads, turn, axis=1))
        if _is_poor(reads) and self._is_upside_down(image, np.roll(quads, turn, axis=1)):
            turn = (turn + 2) % 4
            reads = self._read_all(image, np.roll(quads, turn, axis=1))
        return turn, [self._read_again(read) for read in reads]

    def _quarter_turn(self, image: Pixels, quads: Reals) -> int:
        """0 for upright pages, vertical text among them; 1 or 3 for pages on their side.

        The networks also know letters that lie on their left side: columns of upright letters,
        seen as rows.  So lines that run down are a page on its side only if their letters cannot
        be read upright.
        """
        tall = [quad for quad in quads if _is_tall(quad)]
        if 2 * sum(max(sides(quad)) for quad in tall) <= sum(max(sides(q)) for q in quads):
            return 0
        sample = _longest(np.stack(tall))
        upwards, downwards = (
            _mean([self._read_row(image, quad) for quad in np.roll(sample, turn, axis=1)])
            for turn in (1, 3)
        )
        if upwards > downwards:
            return 1
        upright = _mean([self._read_flat(image, quad) for quad in sample])
        return 0 if upright > UPRIGHT else 3

    def _is_upside_down(self, image: Pixels, quads: Reals) -> bool:
        sample = _longest(quads)
        turned = np.roll(sample, 2, axis=1)
        return (
            _mean([self._read_row(image, quad) for quad in turned])
            > _mean([self._read_row(image, quad) for quad in sample]) + 0.05
        )

    def _read_all(self, image: Pixels, quads: Reals) -> list[_Read]:
        unit = float(np.median([min(sides(quad)) for quad in quads])) if len(quads) else 0.0
        return [
            self._read_column(image, quad)
            if _is_tall(quad) and max(sides(quad)) > NARROW * unit
            else self._read_row(image, quad)
            for quad in quads
        ]

    def _read_row(self, image: Pixels, quad: Reals) -> _Read:
        strip = cut_strip(image, _pad(quad))
        return _Read(quad, self._networks.first.read(strip), strip)

    def _read_column(self, image: Pixels, quad: Reals) -> _Read:
        """A column as the row it is when the page lies on its side, or letter by letter."""
        lying = replace(self._read_row(image, np.roll(quad, 3, axis=0)), quad=quad, vertical=True)
        if lying.transcript.confidence >= self._threshold:
            return lying
        flat = self._read_flat(image, quad)
        return max(lying, flat, key=lambda read: read.transcript.confidence)

    def _read_flat(self, image: Pixels, quad: Reals) -> _Read:
        strip = lay_flat(cut_strip(image, quad))
        return _Read(quad, self._networks.first.read(strip), strip, vertical=True)

    def _read_again(self, read: _Read) -> _Read:
        if read.transcript.confidence >= self._threshold:
            return read
        again = read_doubtful(self._networks.second.read, read.strip, read.transcript)
        return replace(read, transcript=again) if again.text else read


def _is_tall(quad: Reals) -> bool:
    width, height = sides(quad)
    return height >= TALL * width


def _pad(quad: Reals) -> Reals:
    """The quad with both ends moved out along the line."""
    along = (quad[1] - quad[0] + quad[2] - quad[3]) / 2
    length = max(float(np.linalg.norm(along)), 1.0)
    step = along / length * (END_PADDING * sides(quad)[1])
    return cast(Reals, quad + np.stack([-step, step, step, -step]))


def _longest(quads: Reals) -> Reals:
    lengths = [max(sides(quad)) for quad in quads]
    return quads[np.argsort(lengths)[::-1][:SAMPLE]]


def _mean(reads: Sequence[_Read]) -> float:
    return sum(read.transcript.confidence for read in reads) / max(1, len(reads))


def _is_poor(reads: Sequence[_Read]) -> bool:
    letters = sum(len(read.transcript.text) for read in reads)
    sure = sum(read.transcript.confidence * len(read.transcript.text) for read in reads)
    return bool(reads) and sure < POOR * max(1, letters)


def _skew(reads: Sequence[_Read]) -> float:
    """The slant of the lines in degrees, in the page as it was given."""
    angles, weights = [], []
    for read in reads:
        width, height = sides(read.quad)
        x, y = (read.quad[3] - read.quad[0]) if read.vertical else (read.quad[1] - read.quad[0])
        angle = float(np.degrees(np.arctan2(y, x)))
        angles.append((angle + 45) % 90 - 45)
        weights.append(max(width, height))
    return order.skew(angles, weights)


def _cut_lines(reads: Sequence[_Read], image: Pixels) -> float:
    """How many lines touch an edge of the image."""
    height, width = image.shape[:2]
    margin = EDGE * max(height, width)
    count = 0
    for read in reads:
        (left, top), (right, bottom) = read.quad.min(axis=0), read.quad.max(axis=0)
        count += bool(min(left, top) < margin or right > width - margin or bottom > height - margin)
    return float(count)


def _in_order(reads: Sequence[_Read], turn: int, skew: float, sheet: Sheet) -> tuple[Line, ...]:
    height, width = sheet.image.shape[:2]
    running = sum(max(sides(read.quad)) for read in reads)
    vertical = 2 * sum(max(sides(read.quad)) for read in reads if read.vertical) > running
    boxes = [order.level(_upright(read.quad, turn, width, height), skew) for read in reads]
    return tuple(
        Line(text, sheet.place(read.quad), round(read.transcript.confidence, 4), read.vertical)
        for read in (reads[i] for i in order.reading_order(boxes, vertical=vertical))
        if (text := read.transcript.text.strip())
    )


def _upright(quad: Reals, turn: int, width: int, height: int) -> Box:
    """The level box with the middle and sides of the quad, on the page turned upright."""
    x, y = quad.mean(axis=0).tolist()
    x, y = ((x, y), (height - y, x), (width - x, height - y), (y, width - x))[turn]
    along, across = sides(quad)
    return Box(x - along / 2, y - across / 2, x + along / 2, y + across / 2)
