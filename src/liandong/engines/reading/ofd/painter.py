"""Paints the shapes of an OFD page into pixels.

No colour profiles, patterns, shadings or clipping: a picture to look at and to read, not a proof.
"""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import assert_never

import cv2
import numpy as np
from numpy.typing import NDArray
from ofdkit.errors import OFDError
from ofdkit.package import Package
from PIL import Image, ImageFont

from liandong.engines.reading.images import MAX_PIXELS, flat

from .drawing import Colour, Drawn, Letter, Outline, Picture, SealPicture, Shape, Text
from .fonts import at_size, embedded, is_serif, system_face
from .geometry import Matrix, Point
from .structure import Font

_FINE = 4  # bits of a pixel that OpenCV draws to
_MOST_GLYPH_PIXELS = 2000
_IMAGE_MARKS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a", b"GIF87a")

Canvas = NDArray[np.uint8]
Cover = NDArray[np.uint8]
RenderSeal = Callable[[bytes, tuple[int, int]], Image.Image | None]


@dataclass(slots=True)
class Painter:
    """A white page of so many pixels; `scale` is pixels per millimetre."""

    package: Package
    drawn: Drawn
    scale: float
    size: tuple[int, int]
    render_seal: RenderSeal
    undrawn_letters: int = 0  # no font of the system or the file has them
    undrawn_pictures: int = 0  # missing in the package, or of a kind that cannot be decoded
    _fonts: dict[tuple[Font, int], ImageFont.FreeTypeFont | None] = field(default_factory=dict)
    _covers: dict[tuple[Font, int, str], tuple[Cover, int, int] | None] = field(
        default_factory=dict
    )

    def paint(self) -> Image.Image:
        """The picture of the page."""
        width, height = self.size
        canvas: Canvas = np.full((height, width, 3), 255, np.uint8)
        left, top = self.drawn.area[:2]
        to_pixels = Matrix(self.scale, 0, 0, self.scale, -left * self.scale, -top * self.scale)
        for shape in self.drawn.shapes:
            self._paint(canvas, shape, to_pixels)
        return Image.fromarray(canvas)

    def _paint(self, canvas: Canvas, shape: Shape, to_pixels: Matrix) -> None:
        match shape:
            case Text():
                self._paint_text(canvas, shape, to_pixels)
            case Outline():
                _paint_outline(canvas, shape, to_pixels)
            case Picture():
                image = self._image(shape.entry)
                if image is not None:
                    _place(canvas, image, to_pixels.after(shape.matrix), shape.alpha)
            case SealPicture():
                self._paint_seal(canvas, shape, to_pixels)
            case _:
                assert_never(shape)

    def _paint_text(self, canvas: Canvas, text: Text, to_pixels: Matrix) -> None:
        if not text.visible or text.alpha <= 0:
            return
        whole = to_pixels.after(text.matrix)
        for letter in text.letters:
            if not letter.text.isspace():
                self._paint_letter(canvas, text, letter, whole)

    def _paint_letter(self, canvas: Canvas, text: Text, letter: Letter, whole: Matrix) -> None:
        pixels = round(letter.size * whole.size)
        if not 1 <= pixels <= _MOST_GLYPH_PIXELS:
            return
        x, y = whole(*letter.at)
        found = self._cover(text.font, pixels, letter.text)
        if found is None:
            self.undrawn_letters += 1
            corners = [whole(letter.at[0] + dx, letter.at[1] - dy) for dx, dy in _cell(letter)]
            cv2.polylines(canvas, [_fine(corners)], True, text.colour, 1, cv2.LINE_AA, _FINE)
            return
        cover, left, top = found
        unit = whole.size
        turn = (whole.a / unit, whole.b / unit, whole.c / unit, whole.d / unit)
        if max(abs(turn[0] - 1), abs(turn[1]), abs(turn[2]), abs(turn[3] - 1)) < 0.05:
            _blend(canvas, cover, (round(x) + left, round(y) + top), text.colour, text.alpha)
        else:
            _blend_turned(canvas, cover, (left, top), turn, (x, y), text)

    def _cover(self, font: Font, pixels: int, letter: str) -> tuple[Cover, int, int] | None:
        """How much of each pixel the character covers, and where it is beside its origin."""
        key = (font, pixels, letter)
        if key not in self._covers:
            if len(self._covers) > 5000:
                self._covers.clear()
            self._covers[key] = self._new_cover(font, pixels, letter)
        return self._covers[key]

    def _new_cover(self, font: Font, pixels: int, letter: str) -> tuple[Cover, int, int] | None:
        face = system_face(is_serif(font.name))
        own = self._embedded(font, pixels)
        for candidate in (own, at_size(face, pixels) if face else None):
            if candidate is None:
                continue
            cover = _letter_cover(candidate, letter)
            if cover is not None and not (candidate is own and _is_absent(candidate, cover[0])):
                return cover
        return None

    def _embedded(self, font: Font, pixels: int) -> ImageFont.FreeTypeFont | None:
        if not font.entry:
            return None
        key = (font, pixels)
        if key not in self._fonts:
            try:
                self._fonts[key] = embedded(self.package.read(font.entry), pixels)
            except OFDError:
                self._fonts[key] = None
        return self._fonts[key]

    def _image(self, entry: str) -> Image.Image | None:
        try:
            image = _decoded(self.package.read(entry))
        except OFDError:
            image = None
        self.undrawn_pictures += image is None
        return image

    def _paint_seal(self, canvas: Canvas, seal: SealPicture, to_pixels: Matrix) -> None:
        x, y, width, height = seal.box
        matrix = to_pixels.after(Matrix(width, 0, 0, height, x, y))
        pixels = (max(1, round(abs(matrix.a))), max(1, round(abs(matrix.d))))
        try:
            content = self.package.read(seal.entry)
        except OFDError:
            content = b""
        image = _picture_inside(content) or self._document_inside(content, pixels)
        if image is None:
            self.undrawn_pictures += 1
        else:
            _place(canvas, image, matrix, 1.0, on_paper=True)

    def _document_inside(self, content: bytes, pixels: tuple[int, int]) -> Image.Image | None:
        """A seal may hold its picture as an OFD file of its own (GM/T 0031)."""
        start = content.find(b"PK\x03\x04")
        end = content.rfind(b"PK\x05\x06")
        if start < 0 or end < start or max(pixels) > _MOST_GLYPH_PIXELS:
            return None
        return self.render_seal(content[start : end + 22], pixels)


def _cell(letter: Letter) -> tuple[Point, ...]:
    rise, fall = 0.85 * letter.size, -0.1 * letter.size
    return ((0, rise), (letter.advance, rise), (letter.advance, fall), (0, fall))


def _fine(points: Sequence[Point]) -> NDArray[np.int32]:
    limit = 2**26
    scaled = np.asarray(points, np.float64) * (1 << _FINE)
    return np.clip(np.round(scaled), -limit, limit).astype(np.int32)


def _paint_outline(canvas: Canvas, outline: Outline, to_pixels: Matrix) -> None:
    chains = [_fine([to_pixels(*point) for point in chain]) for chain in outline.chains]
    target = canvas.copy() if outline.alpha < 1 else canvas
    if outline.fill is not None:
        # Even-odd within one object; the difference to non-zero is rare in documents.
        cv2.fillPoly(target, chains, outline.fill, cv2.LINE_AA, _FINE)
    if outline.stroke is not None:
        width = max(1, round(outline.width * to_pixels.size))
        cv2.polylines(target, chains, False, outline.stroke, min(width, 255), cv2.LINE_AA, _FINE)
    if outline.alpha < 1:
        cv2.addWeighted(target, outline.alpha, canvas, 1 - outline.alpha, 0, canvas)


def _letter_cover(font: ImageFont.FreeTypeFont, letter: str) -> tuple[Cover, int, int] | None:
    try:
        mask, (left, top) = font.getmask2(letter, mode="L", anchor="ls")
    except (OSError, ValueError):
        return None
    width, height = mask.size
    if not width or not height:
        return None
    cover = np.frombuffer(bytes(mask), np.uint8).reshape(height, width)
    return cover, round(left), round(top)


def _is_absent(font: ImageFont.FreeTypeFont, cover: Cover) -> bool:
    """Whether the font drew its sign for a character that it does not have."""
    absent = _letter_cover(font, "\U0010fffd")
    return absent is not None and np.array_equal(absent[0], cover)


def _blend(
    canvas: Canvas, cover: Cover, corner: tuple[int, int], colour: Colour, alpha: float
) -> None:
    x, y = corner
    left, top = max(x, 0), max(y, 0)
    right, bottom = (
        min(x + cover.shape[1], canvas.shape[1]),
        min(y + cover.shape[0], canvas.shape[0]),
    )
    if left >= right or top >= bottom:
        return
    share = cover[top - y : bottom - y, left - x : right - x, None].astype(np.float32) * (
        alpha / 255
    )
    part = canvas[top:bottom, left:right]
    part[:] = (part * (1 - share) + np.asarray(colour, np.float32) * share).astype(np.uint8)


def _blend_turned(
    canvas: Canvas,
    cover: Cover,
    offset: tuple[int, int],
    turn: tuple[float, float, float, float],
    at: Point,
    text: Text,
) -> None:
    a, b, c, d = turn
    rows, columns = cover.shape
    corners = [
        (a * px + c * py, b * px + d * py)
        for px in (offset[0], offset[0] + columns)
        for py in (offset[1], offset[1] + rows)
    ]
    low_x, low_y = (int(np.floor(min(corner[axis] for corner in corners))) - 1 for axis in (0, 1))
    high_x, high_y = (int(np.ceil(max(corner[axis] for corner in corners))) + 1 for axis in (0, 1))
    size = (high_x - low_x, high_y - low_y)
    if max(size) > 2 * _MOST_GLYPH_PIXELS:
        return
    shift_x = a * offset[0] + c * offset[1] - low_x
    shift_y = b * offset[0] + d * offset[1] - low_y
    affine = np.array([[a, c, shift_x], [b, d, shift_y]], np.float64)
    turned = np.asarray(cv2.warpAffine(cover, affine, size), np.uint8)
    _blend(canvas, turned, (round(at[0]) + low_x, round(at[1]) + low_y), text.colour, text.alpha)


def _place(
    canvas: Canvas, image: Image.Image, matrix: Matrix, alpha: float, *, on_paper: bool = False
) -> None:
    """The image into its parallelogram; `on_paper` lets what is below show through (a seal)."""
    pixels = np.asarray(image.convert("RGBA"))
    rows, columns = pixels.shape[:2]
    target = (
        max(1, round(np.hypot(matrix.a, matrix.b))),
        max(1, round(np.hypot(matrix.c, matrix.d))),
    )
    if target[0] < columns and target[1] < rows and target[0] * target[1] < MAX_PIXELS:
        pixels = np.asarray(cv2.resize(pixels, target, interpolation=cv2.INTER_AREA))
        rows, columns = pixels.shape[:2]
    affine = np.array(
        [
            [matrix.a / columns, matrix.c / rows, matrix.e],
            [matrix.b / columns, matrix.d / rows, matrix.f],
        ],
        np.float64,
    )
    height, width = canvas.shape[:2]
    warped = np.asarray(cv2.warpAffine(pixels, affine, (width, height), flags=cv2.INTER_LINEAR))
    touched = np.flatnonzero(warped[:, :, 3].any(axis=1))
    if not touched.size:
        return
    columns_touched = np.flatnonzero(warped[:, :, 3].any(axis=0))
    top, bottom = int(touched[0]), int(touched[-1]) + 1
    left, right = int(columns_touched[0]), int(columns_touched[-1]) + 1
    part = warped[top:bottom, left:right]
    if alpha == 1 and not on_paper and part[:, :, 3].min() == 255:
        canvas[top:bottom, left:right] = part[:, :, :3]
        return
    share = part[:, :, 3:].astype(np.float32) * (alpha / 255)
    below = canvas[top:bottom, left:right].astype(np.float32)
    above = part[:, :, :3].astype(np.float32)
    if on_paper:
        above = np.minimum(above, below)
    canvas[top:bottom, left:right] = (below * (1 - share) + above * share).astype(np.uint8)


def _decoded(content: bytes) -> Image.Image | None:
    try:
        with Image.open(io.BytesIO(content)) as image:
            if image.width * image.height > MAX_PIXELS:
                return None
            return image.convert("RGBA") if image.mode in ("RGBA", "LA", "P", "PA") else flat(image)
    except Exception:  # noqa: BLE001 - Pillow's readers raise what they like
        return None


def _picture_inside(content: bytes) -> Image.Image | None:
    """The picture of a seal: the first image in the ASN.1 structure of GM/T 0031."""
    for mark in _IMAGE_MARKS:
        at = content.find(mark)
        if 0 <= at < 4096:
            found = _decoded(content[at:])
            if found is not None:
                return found
    return None
