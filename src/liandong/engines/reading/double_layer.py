"""Double-layer PDF (双层PDF): page images untouched, over them the text, invisible, to be copied.

The text is set in a font of our own with one empty glyph, so that nothing is drawn, no font is
embedded for real, and every character of Unicode can be copied.
"""

import io
import math
import struct
import unicodedata
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import img2pdf
import pikepdf
from pikepdf import Array, Dictionary, Name, Pdf, Stream
from PIL import Image

from liandong.kernel.pages import Box, Line, Page

_EM = 1000  # units of the font
_WIDE, _NARROW = 1000, 500  # advance of Chinese and of Latin characters
_BASELINE = 0.14  # of the height of a line, up from its lower edge
_MAX_CHARACTERS = 65_000  # different ones in one font
_DEFAULT_DPI = 200
# Degrees: between these lines are tilted with the page; poppler tears steeper ones apart.
_SLANT = (0.2, 1.2)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a line begins on the PDF page in points, which way it runs, its length and size."""

    x: float
    y: float
    angle: float  # degrees, counter-clockwise
    length: float
    size: float


def double_layer_pdf(pages: Sequence[tuple[Page, Path]], target: Path, title: str) -> None:
    """Write a PDF with each page's image and its recognised text to `target`.

    JPEG images keep their bytes.  The page size follows the resolution of the page, else of the
    image.  Text copies without blanks between Chinese characters.  Raises ValueError for no pages,
    OSError or ValueError for an image that cannot be taken over.
    """
    if not pages:
        raise ValueError("no pages")
    codes = _codes(line.text for page, _ in pages for line in page.lines)
    with Pdf.new() as book:
        font = _font(book, codes)
        for page, image in pages:
            with Pdf.open(io.BytesIO(_image_pdf(page, image))) as single:
                book.pages.append(single.pages[0])
            _add_text(book, book.pages[-1], page, font, codes)
        with book.open_metadata(set_pikepdf_as_editor=False) as metadata:
            metadata["dc:title"] = title
        book.docinfo[Name.Title] = title
        book.trailer.Root.Lang = pikepdf.String("zh-CN")
        book.save(target, deterministic_id=True)


def _image_pdf(page: Page, image: Path) -> bytes:
    """One page of the size of the image, with the image as it is."""
    content = image.read_bytes()
    layout = img2pdf.get_fixed_dpi_layout_fun((page.dpi, page.dpi)) if page.dpi else _own_layout
    try:
        return _converted(content, layout)
    except (img2pdf.AlphaChannelError, img2pdf.ImageOpenError, img2pdf.JpegColorspaceError):
        return _converted(_flattened(content), layout)


def _own_layout(
    width: int, height: int, dpi: tuple[float, float]
) -> tuple[float, float, float, float]:
    """Page and image size in points; an image that does not know its resolution gets a default."""
    across, down = (value if value > img2pdf.default_dpi else _DEFAULT_DPI for value in dpi)
    size = (width / across * 72, height / down * 72)
    return (*size, *size)


def _converted(content: bytes, layout: object) -> bytes:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # img2pdf warns of odd resolutions
        result = img2pdf.convert(
            content, layout_fun=layout, rotation=img2pdf.Rotation.ifvalid, first_frame_only=True
        )
    if result is None:
        raise ValueError("the image gave no page")
    return bytes(result)


def _flattened(content: bytes) -> bytes:
    with Image.open(io.BytesIO(content)) as image:
        paper = Image.new("RGBA", image.size, "white")
        flat = Image.alpha_composite(paper, image.convert("RGBA")).convert("RGB")
    buffer = io.BytesIO()
    flat.save(buffer, "PNG")
    return buffer.getvalue()


def _codes(texts: Iterable[str]) -> dict[str, int]:
    """A code for every character that occurs; those over the limit of a font are left out."""
    letters = sorted({letter for text in texts for letter in text})
    return {letter: code for code, letter in enumerate(letters[:_MAX_CHARACTERS], start=1)}


def _add_text(
    book: Pdf, sheet: pikepdf.Page, page: Page, font: pikepdf.Object, codes: Mapping[str, int]
) -> None:
    if not page.lines or not page.width or not page.height:
        return
    turn = int(sheet.obj.get("/Rotate", 0)) % 360
    box = [float(value) for value in sheet.mediabox]
    width, height = box[2] - box[0], box[3] - box[1]
    shown = (height, width) if turn in (90, 270) else (width, height)
    scale = (shown[0] / page.width, shown[1] / page.height)
    drawing = b"q " + _upright(turn, width, height) + b" cm BT 3 Tr\n"
    drawing += (
        b"".join(_show(line, page, scale, shown[1], codes) for line in page.lines) + b"ET Q\n"
    )
    sheet.contents_add(Stream(book, drawing))
    resources = sheet.obj.get("/Resources", Dictionary())
    resources["/Font"] = Dictionary({"/Unseen": font})
    sheet.obj["/Resources"] = resources


def _upright(turn: int, width: float, height: float) -> bytes:
    """From the page as shown to the page as stored, for a page that is shown turned clockwise."""
    match turn:
        case 90:
            values = (0.0, 1.0, -1.0, 0.0, width, 0.0)
        case 180:
            values = (-1.0, 0.0, 0.0, -1.0, width, height)
        case 270:
            values = (0.0, -1.0, 1.0, 0.0, 0.0, height)
        case _:
            values = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
    return " ".join(f"{value:.3f}" for value in values).encode()


def _show(
    line: Line, page: Page, scale: tuple[float, float], height: float, codes: Mapping[str, int]
) -> bytes:
    letters = [letter for letter in line.text if letter in codes]
    units = sum(_advance(letter) for letter in letters)
    if not units:
        return b""
    place = _place(line, page.measures, scale, height)
    stretch = place.length / (units / _EM * place.size) * 100
    turn = math.radians(place.angle)
    cos, sin = math.cos(turn), math.sin(turn)
    text = "".join(f"{codes[letter]:04x}" for letter in letters)
    return (
        f"/Unseen {place.size:.2f} Tf {max(1.0, min(stretch, 1000.0)):.3f} Tz "
        f"{cos:.5f} {sin:.5f} {-sin:.5f} {cos:.5f} {place.x:.2f} {place.y:.2f} Tm <{text}> Tj\n"
    ).encode()


def _place(
    line: Line, measures: Mapping[str, float], scale: tuple[float, float], height: float
) -> _Place:
    """The line on the page; its box, the turn of the page and its slant tell the direction."""
    box = _in_points(line.box, scale, height)
    wide, tall = max(box[2] - box[0], 0.5), max(box[3] - box[1], 0.5)
    angle = -measures.get("rotation", 0.0)  # the page must be turned clockwise to be upright
    if line.vertical:
        angle -= 90
    quarter = round(-angle / 90) % 4
    long, thick = (tall, wide) if quarter % 2 else (wide, tall)
    slant = 0.0 if line.vertical else measures.get("slant", 0.0)
    drop = long * math.tan(math.radians(slant))
    if abs(drop) > 0.8 * thick:
        drop = 0.0  # the box cannot hold such a line: the slant is of other lines
    size = max(thick - abs(drop), 0.5)
    if not _SLANT[0] <= abs(slant) <= _SLANT[1]:
        drop = 0.0
    # Where the line begins above its lower edge: high when it sinks, in the middle when set level.
    rise = _BASELINE * size + (max(drop, 0.0) if drop else (thick - size) / 2)
    x, y = {
        0: (box[0], box[1] + rise),
        1: (box[0] + rise, box[3]),
        2: (box[2], box[3] - rise),
        3: (box[2] - rise, box[1]),
    }[quarter]
    tilt = -math.degrees(math.atan2(drop, long))
    return _Place(x, y, -90.0 * quarter + tilt, math.hypot(long, drop), size)


def _in_points(
    box: Box, scale: tuple[float, float], height: float
) -> tuple[float, float, float, float]:
    """Left, bottom, right, top on a page with its origin at the bottom."""
    return (
        box.left * scale[0],
        height - box.bottom * scale[1],
        box.right * scale[0],
        height - box.top * scale[1],
    )


def _advance(letter: str) -> int:
    if unicodedata.combining(letter):
        return 0
    return _WIDE if unicodedata.east_asian_width(letter) in ("W", "F", "A") else _NARROW


# The font -----------------------------------------------------------------------------------------


def _font(book: Pdf, codes: Mapping[str, int]) -> pikepdf.Object:
    """A Type 0 font in which every code has the one empty glyph.  Source: ISO 32000-1, 9.7."""
    program = Stream(book, _empty_truetype())
    program.Length1 = len(program.read_bytes())
    descriptor = Dictionary(
        Type=Name.FontDescriptor, FontName=Name("/LDUNSN+Unseen"), Flags=4, ItalicAngle=0,
        FontBBox=Array([0, 0, _EM, _EM]), Ascent=_EM, Descent=0, CapHeight=_EM, StemV=80,
        FontFile2=book.make_indirect(program),
    )  # fmt: skip
    glyphs = Stream(book, bytes(2 * (len(codes) + 1)))  # every code to glyph 0
    descendant = Dictionary(
        Type=Name.Font, Subtype=Name.CIDFontType2, BaseFont=Name("/LDUNSN+Unseen"),
        CIDSystemInfo=Dictionary(
            Registry=pikepdf.String("Adobe"), Ordering=pikepdf.String("Identity"), Supplement=0
        ),
        FontDescriptor=book.make_indirect(descriptor), DW=_WIDE, W=_widths(codes),
        CIDToGIDMap=book.make_indirect(glyphs),
    )  # fmt: skip
    return book.make_indirect(
        Dictionary(
            Type=Name.Font, Subtype=Name.Type0, BaseFont=Name("/LDUNSN+Unseen"),
            Encoding=Name("/Identity-H"),
            DescendantFonts=Array([book.make_indirect(descendant)]),
            ToUnicode=book.make_indirect(Stream(book, _to_unicode(codes))),
        )
    )  # fmt: skip


def _widths(codes: Mapping[str, int]) -> Array:
    narrow = [(code, _advance(letter)) for letter, code in codes.items()]
    rows = ([code, code, advance] for code, advance in narrow if advance != _WIDE)
    return Array(value for row in rows for value in row)


def _to_unicode(codes: Mapping[str, int]) -> bytes:
    """The CMap from codes to text.  Source: ISO 32000-1, 9.10.3."""
    head = (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap\n"
        "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n"
        "/CMapName /Adobe-Identity-UCS def /CMapType 2 def\n"
        "1 begincodespacerange <0000> <ffff> endcodespacerange\n"
    )
    rows = [f"<{code:04x}> <{_utf16(letter)}>\n" for letter, code in codes.items()]
    blocks = "".join(
        f"{len(block)} beginbfchar\n{''.join(block)}endbfchar\n" for block in _hundreds(rows)
    )
    return (
        head + blocks + "endcmap CMapName currentdict /CMap defineresource pop end end\n"
    ).encode()


def _utf16(letter: str) -> str:
    return letter.encode("utf-16-be", "replace").hex()


def _hundreds(rows: list[str]) -> Iterator[list[str]]:
    for at in range(0, len(rows), 100):  # a CMap block holds at most 100 rows
        yield rows[at : at + 100]


def _blank_glyph() -> bytes:
    """A glyph of no area that fills the em: pdfium leaves out turned text without any extent."""
    outline = struct.pack(">hhhhhHH", 1, 0, 0, _EM, _EM, 2, 0) + b"\1\1\1"
    return outline + struct.pack(">hhhhhh", 0, _EM, -_EM, 0, _EM, -_EM) + bytes(1)


def _empty_truetype() -> bytes:
    """A TrueType font with one glyph that draws nothing.  Source: OpenType specification."""
    tables = {
        b"glyf": _blank_glyph(),
        b"head": struct.pack(
            ">IIIIHHQQhhhhHHhhh",
            0x00010000, 0x00010000, 0, 0x5F0F3CF5, 0, _EM, 0, 0, 0, 0, _EM, _EM, 0, 8, 2, 0, 0,
        ),
        b"hhea": struct.pack(
            ">IhhhHhhhhhh8xhH", 0x00010000, _EM, 0, 0, _EM, 0, 0, _EM, 1, 0, 0, 0, 1
        ),
        b"hmtx": struct.pack(">Hh", _EM, 0),
        b"loca": struct.pack(">HH", 0, len(_blank_glyph()) // 2),
        b"maxp": struct.pack(">I14H", 0x00010000, 1, 3, 1, 0, 0, 2, *([0] * 8)),
    }  # fmt: skip
    offset = 12 + 16 * len(tables)
    directory = struct.pack(">IHHHH", 0x00010000, len(tables), 64, 2, 32)
    body = b""
    for name, content in sorted(tables.items()):
        padded = content + bytes(-len(content) % 4)
        total = sum(struct.unpack(f">{len(padded) // 4}I", padded)) & 0xFFFFFFFF
        directory += struct.pack(">4sIII", name, total, offset + len(body), len(content))
        body += padded
    return directory + body
