"""Pages of an OFD file: text with places, and the picture of the page."""

import io
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
from ofdkit.errors import OFDError
from ofdkit.package import Package
from PIL import Image

from liandong.engines.reading import imaging
from liandong.engines.reading.images import LONG_SIDE, Recognise, recognised_page, save_page_image
from liandong.engines.reading.layer import Glyph, in_reading_order, lines_of
from liandong.kernel.pages import Box, Line, Method, Page
from liandong.kernel.ports import Unreadable

from .drawing import Drawn, Letter, Picture, Text, draw
from .geometry import Matrix
from .painter import Painter
from .structure import open_package, read_pages

_TEXT_DPI = 200
_SCAN_DPI = 300
_MM = 25.4
_FEW_LETTERS = 30  # text shorter than this over a page-size picture is a stamp or a footer
_PAGE_SIZE = 0.5  # share of the page that a picture covers to count as the page itself
_RISE, _FALL = 0.86, 0.14  # of a character over and under its baseline, in its size


class OfdFile:
    """An OFD file (GB/T 33190-2016)."""

    def __init__(self, file: Path, recognise: Recognise) -> None:
        self._recognise = recognise
        self._package = open_package(file)
        try:
            self._pages = read_pages(self._package)
        except BaseException:
            self._package.close()
            raise

    def __len__(self) -> int:
        return len(self._pages)

    def page(self, number: int, images: Path | None) -> Page:
        """The page from its text objects, or recognised where it is the picture of a page.

        `measures` tells what the picture lacks: `undrawn_letters` (no font has them: only their
        boxes are drawn) and `undrawn_pictures`.
        """
        drawn = draw(self._package, self._pages[number - 1])
        recognise = _is_picture(drawn)
        scale = _scale(drawn, _SCAN_DPI if recognise else _TEXT_DPI)
        size = _size(drawn, scale)
        dpi = round(scale * _MM)
        lines = () if recognise else tuple(in_reading_order(_lines(drawn, scale)))
        if not recognise and images is None:
            return Page(number, *size, lines, Method.TEXT_LAYER if lines else Method.NONE, dpi=dpi)
        painter = Painter(self._package, drawn, scale, size, _render_seal)
        picture = painter.paint()
        if recognise:
            page = recognised_page(picture, number, dpi, self._recognise)
        else:
            method = Method.TEXT_LAYER if lines else Method.NONE
            measures = imaging.measure(np.asarray(picture))
            page = Page(number, *size, lines, method, dpi=dpi, measures=measures)
        lacking = {
            "undrawn_letters": float(painter.undrawn_letters),
            "undrawn_pictures": float(painter.undrawn_pictures),
        }
        lacking = {name: count for name, count in lacking.items() if count}
        name = save_page_image(picture, images, number, dpi) if images is not None else ""
        return replace(page, measures={**page.measures, **lacking}, image=name)

    def text(self) -> str | None:
        """The text of all pages; None when one of them is a picture of a page."""
        texts: list[str] = []
        for page in self._pages:
            drawn = draw(self._package, page)
            if _is_picture(drawn):
                return None
            lines = in_reading_order(_lines(drawn, _scale(drawn, _TEXT_DPI)))
            texts.extend(line.text for line in lines)
        return "\n".join(texts)

    def close(self) -> None:
        """Let go of the file."""
        self._package.close()


def _scale(drawn: Drawn, dpi: int) -> float:
    """Pixels per millimetre."""
    return min(dpi / _MM, LONG_SIDE / max(drawn.area[2:]))


def _size(drawn: Drawn, scale: float) -> tuple[int, int]:
    return max(1, math.ceil(drawn.area[2] * scale)), max(1, math.ceil(drawn.area[3] * scale))


def _is_picture(drawn: Drawn) -> bool:
    """Whether the page is a scan, or draws its characters as paths: nothing to take text from."""
    letters = sum(
        not letter.text.isspace()
        for shape in drawn.shapes
        if isinstance(shape, Text)
        for letter in shape.letters
    )
    if letters >= _FEW_LETTERS:
        return False
    if not letters:
        return bool(drawn.shapes)
    paper = drawn.area[2] * drawn.area[3]
    return any(
        abs(shape.matrix.a * shape.matrix.d - shape.matrix.b * shape.matrix.c) >= _PAGE_SIZE * paper
        for shape in drawn.shapes
        if isinstance(shape, Picture)
    )


def _lines(drawn: Drawn, scale: float) -> list[Line]:
    left, top, width, height = drawn.area
    to_pixels = Matrix(scale, 0, 0, scale, -left * scale, -top * scale)
    seen: set[tuple[str, int, int]] = set()
    runs: list[list[Glyph]] = []
    for shape in drawn.shapes:
        if isinstance(shape, Text):
            whole = to_pixels.after(shape.matrix)
            glyphs = [Glyph(letter.text, _box(letter, whole)) for letter in shape.letters]
            inside = [glyph for glyph in glyphs if _is_on(glyph.box, width * scale, height * scale)]
            runs.append([glyph for glyph in inside if _is_new(glyph, seen)])
    return lines_of(runs)


def _box(letter: Letter, whole: Matrix) -> Box:
    x, y = letter.at
    corners = [
        whole(x + dx, y + dy)
        for dx in (0, letter.advance)
        for dy in (-_RISE * letter.size, _FALL * letter.size)
    ]
    xs, ys = [corner[0] for corner in corners], [corner[1] for corner in corners]
    return Box(*(round(value, 1) for value in (min(xs), min(ys), max(xs), max(ys))))


def _is_on(box: Box, width: float, height: float) -> bool:
    x, y = (box.left + box.right) / 2, (box.top + box.bottom) / 2
    return -1 <= x <= width + 1 and -1 <= y <= height + 1


def _is_new(glyph: Glyph, seen: set[tuple[str, int, int]]) -> bool:
    """Whether the character is not there already: bold is often the same text drawn twice."""
    key = (glyph.text, round(glyph.box.left / 3), round(glyph.box.top / 3))
    if key in seen and not glyph.text.isspace():
        return False
    seen.add(key)
    return True


def _render_seal(content: bytes, pixels: tuple[int, int]) -> Image.Image | None:
    """The first page of the OFD file inside a seal; seals within it are left out."""
    try:
        package = Package(io.BytesIO(content))
    except OFDError:
        return None
    try:
        drawn = draw(package, read_pages(package)[0])
        scale = min(pixels[0] / drawn.area[2], pixels[1] / drawn.area[3])
        return Painter(package, drawn, scale, _size(drawn, scale), lambda *_: None).paint()
    except Unreadable:
        return None
    finally:
        package.close()
