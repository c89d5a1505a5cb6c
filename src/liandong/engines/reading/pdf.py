"""Pages of PDF files: the text layer where it is good, recognition of the rendered page else."""

import ctypes
import math
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from threading import RLock

import numpy as np
import pypdfium2 as pdfium
import pypdfium2.raw as raw
from PIL import Image

from liandong.kernel.pages import Box, Line, Method, Page
from liandong.kernel.ports import Unreadable

from . import imaging
from .images import LONG_SIDE, Recognise, recognised_page, save_page_image
from .layer import Glyph, in_reading_order, lines_of

_TEXT_DPI = 200
_SCAN_DPI = (200, 300)
_GARBAGE = 0.3  # share of characters without meaning that makes a text layer worthless
_FEW_LETTERS = 30  # a text layer shorter than this over a page-size image is a stamp or a footer
_LITTLE_HEIGHT = 0.05  # share of the page height that lines fill at least, else the same
_PAGE_SIZE = 0.5  # share of the page that an image covers to count as the page itself
_OBJECTS_LOOKED_AT = 3000
_MAX_LETTERS = 200_000  # of one page

# pdfium keeps global state: one call at a time in a process.
_PDFIUM = RLock()


@dataclass(frozen=True, slots=True)
class _Layer:
    lines: list[Line]
    letters: int  # characters that are no blanks
    garbage: float  # share of them without meaning


class PdfFile:
    """A PDF file; every page is judged for itself."""

    def __init__(self, file: Path, recognise: Recognise) -> None:
        self._recognise = recognise
        with _PDFIUM:
            try:
                self._pdf = pdfium.PdfDocument(file)
            except pdfium.PdfiumError as error:
                if getattr(error, "err_code", None) == raw.FPDF_ERR_PASSWORD:
                    raise Unreadable("FILE-ENCRYPTED") from error
                raise Unreadable("FILE-DAMAGED", reason="PDF 结构无法解析") from error
            self._count = len(self._pdf)
            if not self._count:
                self._pdf.close()
                raise Unreadable("FILE-DAMAGED", reason="PDF 中没有页")

    def __len__(self) -> int:
        return self._count

    def page(self, number: int, images: Path | None) -> Page:
        """The page from its text layer, or recognised from its picture at 200–300 dpi."""
        with _PDFIUM:
            page = self._get(number)
            try:
                layer = _layer(page, _scale(page, _TEXT_DPI))
                recognise = _needs_recognition(page, layer)
                native = _native_dpi(page) if recognise else 0
                dpi = min(max(native or _SCAN_DPI[1], _SCAN_DPI[0]), _SCAN_DPI[1])
                scale = _scale(page, dpi if recognise else _TEXT_DPI)
                picture = _render(page, scale) if recognise or images is not None else None
                size = _size(page, scale)
            finally:
                page.close()
        dpi = round(scale * 72)
        if recognise and picture is not None:
            found = recognised_page(picture, number, dpi, self._recognise)
            scan = imaging.measure_resolution(*_native_size(size, dpi, native), native)
            found = replace(found, measures={**found.measures, **scan})
        else:
            lines = tuple(in_reading_order(layer.lines))
            method = Method.TEXT_LAYER if lines else Method.NONE
            # how well a page was scanned is no question where nothing was scanned
            blank = picture is not None and not lines
            measures = imaging.measure(np.asarray(picture)) if blank else {}
            found = Page(number, *size, lines, method, dpi=dpi, measures=measures)
        if picture is not None and images is not None:
            return replace(found, image=save_page_image(picture, images, number, dpi))
        return found

    def text(self) -> str | None:
        """The text of all pages; None when one of them needs recognition."""
        texts: list[str] = []
        for number in range(1, self._count + 1):
            with _PDFIUM:
                page = self._get(number)
                try:
                    scale = _scale(page, _TEXT_DPI)
                    layer = _layer(page, scale)
                    if _needs_recognition(page, layer):
                        return None
                finally:
                    page.close()
            texts.extend(line.text for line in in_reading_order(layer.lines))
        return "\n".join(texts)

    def close(self) -> None:
        """Let go of the file."""
        with _PDFIUM:
            self._pdf.close()

    def _get(self, number: int) -> pdfium.PdfPage:
        try:
            return self._pdf[number - 1]
        except pdfium.PdfiumError as error:
            raise Unreadable("FILE-DAMAGED", reason=f"第 {number} 页无法打开") from error


def _scale(page: pdfium.PdfPage, dpi: int) -> float:
    """Pixels per point at this resolution, less where the page would be larger than LONG_SIDE."""
    width, height = page.get_size()
    return float(min(dpi / 72, LONG_SIDE / max(width, height, 1.0)))


def _size(page: pdfium.PdfPage, scale: float) -> tuple[int, int]:
    width, height = page.get_size()
    return max(1, math.ceil(width * scale)), max(1, math.ceil(height * scale))


def _render(page: pdfium.PdfPage, scale: float) -> Image.Image:
    try:
        picture: Image.Image = page.render(scale=scale).to_pil()
    except (pdfium.PdfiumError, ValueError) as error:
        raise Unreadable("FILE-DAMAGED", reason="页面无法成像") from error
    return picture.convert("RGB")


def _native_dpi(page: pdfium.PdfPage) -> int:
    """The resolution of the largest image on the page; 0 when it has none."""
    found = largest = 0.0
    for image in _images(page):
        left, bottom, right, top = image.get_bounds()
        area = (right - left) * (top - bottom)
        if right - left > 1 and area > largest:
            largest, found = area, max(image.get_px_size()) / max(right - left, top - bottom) * 72
    return round(found)


def _native_size(size: tuple[int, int], dpi: int, native: int) -> tuple[int, int]:
    """The page in pixels at its native resolution."""
    return round(size[0] * native / max(dpi, 1)), round(size[1] * native / max(dpi, 1))


def _needs_recognition(page: pdfium.PdfPage, layer: _Layer) -> bool:
    """Whether the text layer is missing, meaningless, or only a footer on the image of a page."""
    if layer.letters and layer.garbage > _GARBAGE:
        return True
    if not layer.letters:
        return bool(raw.FPDFPage_CountObjects(page.raw) > 0)
    height = page.get_size()[1] * _scale(page, _TEXT_DPI)
    filled = sum(line.box.bottom - line.box.top for line in layer.lines) / max(height, 1.0)
    if layer.letters >= _FEW_LETTERS and filled >= _LITTLE_HEIGHT:
        return False
    return _is_covered_by_an_image(page)


def _is_covered_by_an_image(page: pdfium.PdfPage) -> bool:
    width, height = page.get_size()
    for image in _images(page):
        left, bottom, right, top = image.get_bounds()
        if (right - left) * (top - bottom) >= _PAGE_SIZE * width * height:
            return True
    return False


def _images(page: pdfium.PdfPage) -> Iterator[pdfium.PdfImage]:
    objects = page.get_objects(max_depth=3)
    for _, item in zip(range(_OBJECTS_LOOKED_AT), objects, strict=False):
        if isinstance(item, pdfium.PdfImage):
            yield item


def _layer(page: pdfium.PdfPage, scale: float) -> _Layer:
    """The text layer with places on the page image."""
    textpage = page.get_textpage()
    try:
        place = _placement(page, scale)
        width, height = _size(page, scale)
        runs: list[list[Glyph]] = [[]]
        letters = bad = 0
        for index in range(min(textpage.count_chars(), _MAX_LETTERS)):
            letter = chr(raw.FPDFText_GetUnicode(textpage.raw, index))
            if letter in "\r\n":
                runs.append([])
                continue
            if letter == "\x02":  # how pdfium gives the hyphen of a divided word
                letter = "-"
            blank = letter.isspace()
            inferred = raw.FPDFText_IsGenerated(textpage.raw, index) == 1
            if not blank and not inferred:
                letters += 1
                bad += _is_meaningless(letter) or (
                    raw.FPDFText_HasUnicodeMapError(textpage.raw, index) == 1
                )
            box = _box(textpage, index, place)
            if box is not None and _touches(box, width, height):
                runs[-1].append(Glyph(letter, box, inferred))
    finally:
        textpage.close()
    return _Layer(lines_of(runs), letters, bad / letters if letters else 0.0)


def _is_meaningless(letter: str) -> bool:
    return letter == "\ufffd" or unicodedata.category(letter) in ("Co", "Cn", "Cc", "Cs")


def _touches(box: Box, width: int, height: int) -> bool:
    x, y = (box.left + box.right) / 2, (box.top + box.bottom) / 2
    return 0 <= x <= width and 0 <= y <= height


@dataclass(frozen=True, slots=True)
class _Placement:
    """From points on the page to pixels on its image, crop box and rotation included."""

    origin: tuple[float, float]
    x: tuple[float, float]
    y: tuple[float, float]

    def __call__(self, left: float, bottom: float, right: float, top: float) -> Box:
        xs = [
            self.origin[0] + self.x[0] * h + self.y[0] * v
            for h in (left, right)
            for v in (bottom, top)
        ]
        ys = [
            self.origin[1] + self.x[1] * h + self.y[1] * v
            for h in (left, right)
            for v in (bottom, top)
        ]
        return Box(*(round(value, 1) for value in (min(xs), min(ys), max(xs), max(ys))))


def _placement(page: pdfium.PdfPage, scale: float) -> _Placement:
    fine = 100  # pdfium answers in whole pixels: ask on a page image so many times as large
    width, height = (round(side * scale * fine) for side in page.get_size())
    span = 1000.0

    def pixel(x: float, y: float) -> tuple[float, float]:
        across, down = ctypes.c_int(), ctypes.c_int()
        raw.FPDF_PageToDevice(page.raw, 0, 0, width, height, 0, x, y, across, down)
        return across.value / fine, down.value / fine

    origin, x, y = pixel(0, 0), pixel(span, 0), pixel(0, span)
    return _Placement(
        origin,
        ((x[0] - origin[0]) / span, (x[1] - origin[1]) / span),
        ((y[0] - origin[0]) / span, (y[1] - origin[1]) / span),
    )


def _box(textpage: pdfium.PdfTextPage, index: int, place: _Placement) -> Box | None:
    rect = raw.FS_RECTF()
    if not raw.FPDFText_GetLooseCharBox(textpage.raw, index, rect):
        return None
    values = (rect.left, rect.bottom, rect.right, rect.top)
    if not all(math.isfinite(value) for value in values):
        return None
    return place(*values)
