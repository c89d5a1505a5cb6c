"""Page images: opening them safely, and what can be measured of their quality.

Source: DA/T 31-2017, acceptance of scanned pages; the thresholds are rows of
`catalog/page_measures.csv` and are a design, except the resolution.
"""

import warnings
from pathlib import Path
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from liandong.kernel.ports import Unreadable

Pixels = NDArray[np.uint8]  # rows, columns, 3 channels (RGB)
Grey = NDArray[np.uint8]

FORMATS = ("JPEG", "PNG", "TIFF", "JPEG2000", "BMP", "GIF", "WEBP", "PPM")  # none runs code
MOST_PIXELS = 400_000_000  # an A0 sheet at 400 dpi has 250 million
READING_SIDE = 2000  # pixels of the long side: 170 dpi on A4, enough to read and to measure
HASH_SIDE = 32  # cells; 16 bytes are too few to tell two full pages of text apart
UNSET_DPI = (0, 1, 72, 96)  # what software writes when it does not know
MM_PER_INCH = 25.4
INK_DEPTH = 40  # grey levels below the paper around it
TOO_LITTLE_INK = 0.0002  # share of pixels: a page number has half of it


def open_image(file: Path, number: int = 1) -> tuple[Pixels, int]:
    """Pixels as a person sees them (EXIF orientation applied), and the dpi tag, 0 when unset.

    `number` is the page in a file of several, from 1.  Raises Unreadable.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PIL warns of large images and odd tags
            with Image.open(file, formats=FORMATS) as image:
                image.seek(number - 1)
                if image.width * image.height > MOST_PIXELS:
                    raise Unreadable("FILE-TOO-LARGE", reason=f"{image.width}×{image.height}")
                dpi = _dpi(image.info.get("dpi"))
                return _to_rgb(ImageOps.exif_transpose(image)), dpi
    except Image.DecompressionBombError as error:
        raise Unreadable("FILE-TOO-LARGE", reason=str(error)) from error
    except (OSError, ValueError, EOFError, SyntaxError, MemoryError, OverflowError) as error:
        raise Unreadable("FILE-DAMAGED", reason=str(error)) from error


def _dpi(tag: object) -> int:
    try:
        dpi = round(float(cast(tuple[float, float], tag)[0]))
    except (TypeError, ValueError, IndexError, OverflowError, ZeroDivisionError):
        return 0
    return 0 if dpi in UNSET_DPI or dpi < 0 else dpi


def _to_rgb(image: Image.Image) -> Pixels:
    if image.mode.startswith("I") or image.mode == "F":  # 16 bits a pixel: PIL would cut them off
        deep = np.asarray(image, np.float32)
        top = float(deep.max()) or 1.0
        return to_pixels((deep * (255.0 / top)).astype(np.uint8))
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        sheet = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(sheet, image.convert("RGBA"))
    return np.array(image.convert("RGB"), np.uint8)


def to_pixels(image: NDArray[np.generic]) -> Pixels:
    """RGB pixels from grey, RGB or RGBA; raises ValueError for anything else."""
    if image.dtype != np.uint8 or image.ndim not in (2, 3) or 0 in image.shape:
        raise ValueError(f"not an image: {image.dtype} {image.shape}")
    pixels = cast(Pixels, image)
    if pixels.ndim == 2:
        return np.repeat(pixels[:, :, None], 3, axis=2)
    match pixels.shape[2]:
        case 1:
            return np.repeat(pixels, 3, axis=2)
        case 3:
            return pixels
        case 4:
            cover = pixels[:, :, 3:].astype(np.float32) / 255
            return (pixels[:, :, :3] * cover + 255 * (1 - cover)).astype(np.uint8)
    raise ValueError(f"not an image: {pixels.shape}")


def shrink(image: Pixels, long_side: int = READING_SIDE) -> tuple[Pixels, float]:
    """The image with its long side at most so many pixels, and new size ÷ old size (≤ 1.0)."""
    height, width = image.shape[:2]
    ratio = long_side / max(height, width)
    if ratio >= 1:
        return image, 1.0
    size = (max(1, round(width * ratio)), max(1, round(height * ratio)))
    return cast(Pixels, cv2.resize(image, size, interpolation=cv2.INTER_AREA)), ratio


def measure(image: Pixels) -> dict[str, float]:
    """Ink, sharpness and dark border of a page image (any size); keys as in the catalogue."""
    grey = _grey(image, READING_SIDE)
    depth = cv2.subtract(_paper(grey), grey)
    ink = _ink(depth)
    return {
        "ink": round(ink, 6),
        "sharpness": round(_sharpness(grey, depth), 4) if ink >= TOO_LITTLE_INK else 1.0,
        "dark_border": round(_dark_border(grey), 4),
    }


def measure_resolution(width: int, height: int, dpi: int) -> dict[str, float]:
    """The dpi tag and the paper it implies; empty when the tag is unset."""
    if dpi in UNSET_DPI or dpi < 0:
        return {}
    longest = max(width, height) / dpi * MM_PER_INCH
    return {"dpi": float(dpi), "paper_mm": round(longest, 1)}


def _grey(image: Pixels, long_side: int) -> Grey:
    return cast(Grey, cv2.cvtColor(shrink(image, long_side)[0], cv2.COLOR_RGB2GRAY))


def _ink(depth: cv2.typing.MatLike) -> float:
    """Share of pixels clearly darker than the paper around them; edges of the sheet left out."""
    margin_y, margin_x = depth.shape[0] // 25, depth.shape[1] // 25
    inner = depth[margin_y : depth.shape[0] - margin_y, margin_x : depth.shape[1] - margin_x]
    dark = (inner > INK_DEPTH).astype(np.uint8)
    strokes = cv2.morphologyEx(dark, cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))  # not dust
    return float(np.count_nonzero(strokes)) / max(1, inner.size)


def _paper(grey: Grey) -> Grey:
    """The brightness of the paper at every pixel, without the ink on it."""
    quarter = (max(1, grey.shape[1] // 4), max(1, grey.shape[0] // 4))
    small = cv2.resize(grey, quarter, interpolation=cv2.INTER_AREA)
    side = max(3, min(small.shape[:2]) // 20 | 1)
    wide = cv2.medianBlur(cv2.dilate(small, np.ones((side, side), np.uint8)), 5)
    return cast(Grey, cv2.resize(wide, (grey.shape[1], grey.shape[0])))


def _sharpness(grey: Grey, depth: cv2.typing.MatLike) -> float:
    """How steep the edges of strokes are: slope of the steepest ones ÷ depth of the ink.

    Near 1 for a printed page, below 0.25 when a stroke is smeared over five pixels.  It is the
    variance of the Laplacian freed of how much text there is and how black it is.
    """
    quiet = cv2.GaussianBlur(grey, (3, 3), 0)  # noise has edges too
    across = cv2.Sobel(quiet, cv2.CV_32F, 1, 0, ksize=3) / 8
    down = cv2.Sobel(quiet, cv2.CV_32F, 0, 1, ksize=3) / 8
    slope = float(np.percentile(cv2.magnitude(across, down), 99.5))
    return 2 * slope / max(1.0, float(np.percentile(depth, 99.5)))


def _dark_border(grey: Grey) -> float:
    """The largest share of one edge of the image that is black: a scan beyond the paper."""
    rows, columns = max(1, grey.shape[0] // 100), max(1, grey.shape[1] // 100)
    sides = (grey[:rows], grey[-rows:], grey[:, :columns], grey[:, -columns:])
    return max(float(np.mean(side < 50)) for side in sides)


def page_hash(image: Pixels) -> str:
    """A picture of the page in 256 hex digits: near-equal for two scans of one page.

    Compare with `hash_distance`.  Where ink grows to the right of a cell, the bit is set.  A page
    with hardly any ink gives "", because blank pages are not copies of one another.
    """
    grey = _grey(image, 1000)
    depth = cv2.subtract(_paper(grey), grey)
    if _ink(depth) < TOO_LITTLE_INK:
        return ""
    ink = cv2.GaussianBlur(depth, (0, 0), max(grey.shape) / 200)
    cells = cv2.resize(ink, (HASH_SIDE + 1, HASH_SIDE), interpolation=cv2.INTER_AREA)
    return np.packbits(cells[:, 1:] > cells[:, :-1]).tobytes().hex()


def hash_distance(one: str, other: str) -> float:
    """Share of bits that differ: below 0.15 it is the same page, 1.0 when one is blank."""
    if len(one) != len(other) or not one:
        return 1.0
    return (int(one, 16) ^ int(other, 16)).bit_count() / (4 * len(one))
