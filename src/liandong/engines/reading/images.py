"""Pages of image files: JPEG, PNG, TIFF, JPEG 2000, BMP, GIF, WebP."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from liandong.kernel.pages import Box, Line, Method, Page
from liandong.kernel.ports import Unreadable

from . import imaging

MAX_PIXELS = 200_000_000  # beyond: refused, such a file is no page
MAX_FRAMES = 10_000  # pages of one TIFF
LONG_SIDE = 3508  # of a page image in pixels: A4 at 300 dpi
JPEG_QUALITY = 85
_SHOWN_BY_BROWSERS = frozenset({"JPEG", "PNG", "MPO"})
_FORMATS = ("JPEG", "PNG", "TIFF", "JPEG2000", "BMP", "GIF", "WEBP", "MPO", "PPM")
_PLAUSIBLE_DPI = (20, 4800)

Pixels = NDArray[np.uint8]


class Recognised(Protocol):
    """What recognition gives: lines on the image that was passed in, and measures of it."""

    @property
    def lines(self) -> Sequence[Line]: ...
    @property
    def rotation(self) -> int: ...
    @property
    def skew(self) -> float: ...
    @property
    def measures(self) -> Mapping[str, float]: ...


Recognise = Callable[[Pixels], Recognised]


def recognised_page(image: Image.Image, number: int, dpi: int, recognise: Recognise) -> Page:
    """The page read from its image, which is shrunk for reading when it is larger than needed.

    Boxes are on the image as it was given.  Beside the measures of the image, `rotation` (degrees
    clockwise that make it upright) and `slant` (degrees, above 0 when lines sink to the right).
    """
    small = shrink(image)
    pixels = np.asarray(small.convert("RGB"))
    found = recognise(pixels)
    factor = image.width / small.width
    lines = tuple(_scaled(line, factor) for line in found.lines)
    turned = {"rotation": float(found.rotation), "slant": found.skew}
    return Page(
        number=number,
        width=image.width,
        height=image.height,
        lines=lines,
        method=Method.OCR if lines else Method.NONE,
        dpi=dpi,
        measures={**found.measures, **{key: value for key, value in turned.items() if value}},
        look=imaging.page_hash(pixels),
    )


def save_page_image(image: Image.Image, images: Path, number: int, dpi: int) -> str:
    """Write the page image as JPEG and return its file name, `0001.jpg` for page 1."""
    images.mkdir(parents=True, exist_ok=True)
    name = f"{number:04d}.jpg"
    plain = image if image.mode in ("L", "RGB") else image.convert("RGB")
    density = {"dpi": (dpi, dpi)} if dpi else {}
    plain.save(images / name, "JPEG", quality=JPEG_QUALITY, optimize=False, **density)
    return name


def shrink(image: Image.Image, long_side: int = LONG_SIDE) -> Image.Image:
    """The image, at most `long_side` pixels on its long side."""
    if max(image.size) <= long_side:
        return image
    factor = long_side / max(image.size)
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    source = image.convert("L") if image.mode == "1" else image
    return source.resize(size, Image.Resampling.BOX if factor < 0.5 else Image.Resampling.BILINEAR)


class ImageFile:
    """An image file with one or more pages (only TIFF has more)."""

    def __init__(self, file: Path, recognise: Recognise) -> None:
        self._recognise = recognise
        self._image = _open(file)
        several = self._image.format == "TIFF"
        try:
            self._count = _frames(self._image) if several else 1
        except Unreadable:
            self._image.close()
            raise
        except Exception as error:
            raise _damaged(error) from error

    def __len__(self) -> int:
        return self._count

    def page(self, number: int, images: Path | None) -> Page:
        """The page, recognised; formats that browsers do not show get a page image."""
        image, dpi = self._load(number)
        resolution = imaging.measure_resolution(image.width, image.height, dpi)
        if self._image.format in _SHOWN_BY_BROWSERS:
            page = recognised_page(image, number, dpi, self._recognise)
            return replace(page, measures={**page.measures, **resolution})
        small = shrink(image)
        dpi = round(dpi * small.width / image.width)
        page = recognised_page(small, number, dpi, self._recognise)
        page = replace(page, measures={**page.measures, **resolution})
        if images is None:
            return page
        return replace(page, image=save_page_image(small, images, number, dpi))

    def text(self) -> None:
        """None: an image needs recognition."""

    def close(self) -> None:
        """Let go of the file."""
        self._image.close()

    def _load(self, number: int) -> tuple[Image.Image, int]:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # odd tags are no finding here
                if self._count > 1:
                    self._image.seek(number - 1)
                _refuse_large(self._image)
                dpi = _dpi(self._image.info)
                upright = ImageOps.exif_transpose(self._image)
                return flat(upright), dpi
        except Unreadable:
            raise
        except Exception as error:
            raise _damaged(error) from error


def _frames(image: Image.Image) -> int:
    """Pages of a TIFF; each step reads one directory, so that a chain of them ends at the limit."""
    count = 1
    while True:
        try:
            image.seek(count)
        except EOFError:
            image.seek(0)
            return count
        count += 1
        if count > MAX_FRAMES:
            raise Unreadable("FILE-TOO-LARGE", reason=f"超过 {MAX_FRAMES} 页")


def _open(file: Path) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the size is judged below, by our own limit
            image = Image.open(file, formats=_FORMATS)
    except Image.DecompressionBombError as error:
        raise Unreadable("FILE-TOO-LARGE", reason=f"超过 {MAX_PIXELS // 10**6} 百万像素") from error
    except Exception as error:
        raise _damaged(error) from error
    try:
        _refuse_large(image)
    except Unreadable:
        image.close()
        raise
    return image


def _refuse_large(image: Image.Image) -> None:
    if image.width * image.height > MAX_PIXELS:
        size = f"{image.width}×{image.height} 像素，上限 {MAX_PIXELS // 10**6} 百万像素"
        raise Unreadable("FILE-TOO-LARGE", reason=size)


def _damaged(error: Exception) -> Unreadable:
    return Unreadable("FILE-DAMAGED", reason=f"图像无法解码（{type(error).__name__}）")


def _dpi(details: Mapping[Any, Any]) -> int:
    value = details.get("dpi")
    try:
        dpi = round(float(value[0])) if value else 0
    except (TypeError, ValueError, IndexError, ZeroDivisionError, OverflowError):
        return 0
    return dpi if _PLAUSIBLE_DPI[0] <= dpi <= _PLAUSIBLE_DPI[1] else 0


def flat(image: Image.Image) -> Image.Image:
    """The image in RGB or grey, transparent parts white, 16 bits brought to 8."""
    image.load()
    if image.mode in ("L", "RGB"):
        return image
    if image.mode == "1":
        return image.convert("L")
    if image.mode.startswith("I") or image.mode == "F":
        values = np.asarray(image, dtype=np.float32)
        top = 65535.0 if image.mode.startswith("I;16") else max(float(values.max(initial=1.0)), 1.0)
        return Image.fromarray((values.clip(0, top) * (255.0 / top)).astype(np.uint8))
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        paper = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(paper, image.convert("RGBA")).convert("RGB")
    return image.convert("RGB")


def _scaled(line: Line, factor: float) -> Line:
    if factor == 1:
        return line
    return replace(line, box=Box(*(round(value * factor, 1) for value in line.box)))
