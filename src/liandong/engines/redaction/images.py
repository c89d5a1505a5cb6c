"""Masked copies from page images: pixels are replaced, the text layer is written anew.

Never an edit of a PDF: what a viewer does not draw (streams, earlier revisions, attachments,
previews, metadata) would go along.
"""

import math
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from PIL import Image, ImageDraw

from liandong.engines.reading.double_layer import double_layer_pdf
from liandong.engines.reading.imaging import open_image
from liandong.engines.reading.ofd.fonts import at_size, system_face
from liandong.kernel.pages import Box, Line, Page
from liandong.kernel.ports import MaskedPage

_QUALITY = 88
_SHEET = (1240, 1754)  # A4 at 150 dpi, for pages that have no image
_SHEET_DPI = 150
_MARGIN, _LETTER, _PITCH = 110, 26, 42  # pixels
_LEAST = 1.0  # pixel around a rectangle, against the blur of an enlarged image


class ImageRedactor:
    """Blackens page images and binds them with masked text."""

    def black_out(self, image: Path, black: Sequence[Box], width: int, target: Path) -> None:
        """See `kernel.ports.Redactor`."""
        pixels, _dpi = open_image(image)
        height, wide = pixels.shape[:2]
        scale = wide / width if width else 1.0
        for box in black:
            top, bottom = _edges(box.top, box.bottom, scale, height)
            left, right = _edges(box.left, box.right, scale, wide)
            pixels[top:bottom, left:right] = 0
        Image.fromarray(pixels).save(target, "JPEG", quality=_QUALITY)

    def masked_pdf(self, pages: Iterable[MaskedPage], target: Path, title: str) -> None:
        """See `kernel.ports.Redactor`."""
        with tempfile.TemporaryDirectory(dir=target.parent) as folder:
            bound = [
                sheet
                for number, page in enumerate(pages, start=1)
                for sheet in self._sheets(page, Path(folder) / f"{number:06}")
            ]
            double_layer_pdf(bound, target, title)

    def _sheets(self, masked: MaskedPage, stem: Path) -> Iterator[tuple[Page, Path]]:
        """The page as one image, or, when it has none, its lines drawn on as many as they fill."""
        if masked.image is None:
            yield from _drawn(masked.page, stem)
            return
        target = stem.with_suffix(".jpg")
        self.black_out(masked.image, masked.black, masked.page.width, target)
        with Image.open(target) as image:
            wide, height = image.size
        page = masked.page
        dpi = round(page.dpi * wide / page.width) if page.width else page.dpi
        yield replace(page, height=round(height * page.width / wide), dpi=dpi), target


def _edges(low: float, high: float, scale: float, most: int) -> tuple[int, int]:
    """Pixels from an edge to an edge, rounded outwards."""
    first = max(0, math.floor(low * scale - _LEAST))
    return first, max(first, min(most, math.ceil(high * scale + _LEAST)))


def _drawn(page: Page, stem: Path) -> Iterator[tuple[Page, Path]]:
    """The lines set on white sheets."""
    pieces = [piece for line in page.lines for piece in _wrapped(line.text)]
    room = (_SHEET[1] - 2 * _MARGIN) // _PITCH
    for at in range(0, max(1, len(pieces)), room):
        target = stem.with_name(f"{stem.name}-{at:06}.png")
        lines = tuple(_set(text, row) for row, text in enumerate(pieces[at : at + room]))
        _draw(lines, target)
        yield (
            replace(
                page, width=_SHEET[0], height=_SHEET[1], lines=lines, dpi=_SHEET_DPI, measures={}
            ),
            target,
        )


def _wrapped(text: str) -> Iterator[str]:
    """A line cut where it would leave the sheet."""
    most = (_SHEET[0] - 2 * _MARGIN) / _LETTER
    piece, used = "", 0.0
    for letter in text:
        wide = 0.5 if letter.isascii() else 1.0
        if used + wide > most:
            yield piece
            piece, used = "", 0.0
        piece, used = piece + letter, used + wide
    yield piece


def _set(text: str, row: int) -> Line:
    top = _MARGIN + row * _PITCH
    wide = sum(_LETTER / 2 if letter.isascii() else _LETTER for letter in text)
    return Line(text, Box(_MARGIN, top, _MARGIN + max(wide, 1), top + _LETTER), 1.0)


def _draw(lines: Sequence[Line], target: Path) -> None:
    sheet = Image.new("L", _SHEET, 255)
    face = system_face(serif=True)
    if face is not None:
        pen, font = ImageDraw.Draw(sheet), at_size(face, _LETTER)
        for line in lines:
            pen.text((line.box.left, line.box.top), line.text, fill=0, font=font, anchor="lt")
    sheet.save(target, "PNG", dpi=(_SHEET_DPI, _SHEET_DPI))
