"""A certified copy as PDF: the certificate with its code, then the pages; not yet sealed."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from django.utils.translation import gettext as _
from reportlab.graphics import renderPDF
from reportlab.graphics.barcode.qr import QrCodeWidget
from reportlab.graphics.shapes import Drawing
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

FONT = "STSong-Light"  # a standard CID font: readers bring it, nothing is embedded
_WIDTH, _HEIGHT = A4
_LEFT, _RIGHT = 22 * mm, A4[0] - 22 * mm
_RED = HexColor("#b3261e")
_GREY = HexColor("#4a5463")
_QR = 34 * mm
_LINE = 36  # Chinese characters of 11 points on a line
_HANGING = "，。；：、”》）！？"  # never the first of a line


@dataclass(frozen=True, slots=True)
class Certificate:
    """What the certificate says."""

    archive: str
    number: str
    code: str
    rows: Sequence[tuple[str, str]]  # name and value
    text: str
    address: str  # of the page where the code is checked; "" when none is known
    notices: Sequence[str]  # what must be said: no certified module, local clock, masks


def make_pdf(certificate: Certificate, pages: Sequence[tuple[int, bytes]]) -> bytes:
    """The PDF: one sheet of certificate, one sheet a page; `pages` are numbers and JPEG bytes."""
    pdfmetrics.registerFont(UnicodeCIDFont(FONT))
    out = BytesIO()
    canvas = Canvas(out, pagesize=A4, pageCompression=1)
    canvas.setTitle(f"{certificate.archive} {certificate.number}")
    canvas.setAuthor(certificate.archive)
    canvas.setCreator("liandong")
    total = len(pages) + 1
    _draw_certificate(canvas, certificate)
    _draw_foot(canvas, certificate, 1, total)
    canvas.showPage()
    for at, (number, picture) in enumerate(pages, start=2):
        _draw_page(canvas, certificate, number, picture)
        _draw_foot(canvas, certificate, at, total)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def _draw_certificate(canvas: Canvas, certificate: Certificate) -> None:
    canvas.setFont(FONT, 24)
    canvas.drawCentredString(_WIDTH / 2, _HEIGHT - 42 * mm, _("档案证明"))
    canvas.setFont(FONT, 11)
    canvas.setFillColor(_GREY)
    canvas.drawCentredString(_WIDTH / 2, _HEIGHT - 51 * mm, certificate.number)
    canvas.setFillColor(HexColor("#000000"))
    top = _HEIGHT - 70 * mm
    for line in _wrapped(certificate.text, _LINE):
        canvas.drawString(_LEFT, top, line)
        top -= 8 * mm
    top -= 3 * mm
    for name, value in certificate.rows:
        canvas.setFillColor(_GREY)
        canvas.drawString(_LEFT, top, name)
        canvas.setFillColor(HexColor("#000000"))
        for line in _wrapped(value, _LINE - 8) or [""]:
            canvas.drawString(_LEFT + 30 * mm, top, line)
            top -= 7 * mm
    _draw_seal(canvas, certificate.archive, _RIGHT - 28 * mm, 88 * mm)
    _draw_code(canvas, certificate)
    canvas.setFont(FONT, 8.5)
    canvas.setFillColor(_GREY)
    low = 30 * mm
    for notice in certificate.notices:
        for line in _wrapped(notice, 58):
            canvas.drawString(_LEFT, low, line)
            low -= 4.4 * mm


def _draw_code(canvas: Canvas, certificate: Certificate) -> None:
    widget: Any = QrCodeWidget(certificate.address or certificate.code, barLevel="M")
    left, low, right, high = widget.getBounds()
    scale = _QR / (right - left), _QR / (high - low)
    drawing = Drawing(_QR, _QR, transform=[scale[0], 0, 0, scale[1], 0, 0])
    drawing.add(widget)
    renderPDF.draw(drawing, canvas, _LEFT, 62 * mm)
    canvas.setFillColor(HexColor("#000000"))
    canvas.setFont(FONT, 10)
    canvas.drawString(_LEFT, 56 * mm, _("核验码"))
    canvas.setFont("Courier-Bold", 13)
    canvas.drawString(_LEFT + 14 * mm, 56 * mm, certificate.code)
    canvas.setFont(FONT, 8.5)
    canvas.setFillColor(_GREY)
    if certificate.address:
        canvas.drawString(_LEFT, 50 * mm, certificate.address.split("?", 1)[0])
    canvas.drawString(
        _LEFT,
        45 * mm,
        _("也可离线核验：用 verify_certified_copy.py 检查本文件，任何改动都会被指出"),
    )


def _draw_seal(canvas: Canvas, archive: str, x: float, y: float) -> None:
    """A round mark with the name of the archive; the signature, not the mark, is what counts."""
    radius = 21 * mm
    canvas.saveState()
    canvas.setStrokeColor(_RED)
    canvas.setFillColor(_RED)
    canvas.setLineWidth(1.6)
    canvas.circle(x, y, radius)
    size = 13 if len(archive) <= 10 else 10
    canvas.setFont(FONT, size)
    spread = min(260, 24 * max(len(archive) - 1, 1))
    for at, sign in enumerate(archive):
        angle = 90 + spread / 2 - (spread * at / max(len(archive) - 1, 1))
        canvas.saveState()
        canvas.translate(
            x + (radius - 5.5 * mm) * math.cos(math.radians(angle)),
            y + (radius - 5.5 * mm) * math.sin(math.radians(angle)),
        )
        canvas.rotate(angle - 90)
        canvas.drawCentredString(0, -size / 3, sign)
        canvas.restoreState()
    _draw_star(canvas, x, y, 5.5 * mm)
    canvas.setFont(FONT, 8.5)
    canvas.drawCentredString(x, y - 13 * mm, _("档案证明专用"))
    canvas.restoreState()


def _draw_star(canvas: Canvas, x: float, y: float, size: float) -> None:
    path = canvas.beginPath()
    for at in range(10):
        reach = size if at % 2 == 0 else size * 0.382
        angle = math.radians(90 + 36 * at)
        point = (x + reach * math.cos(angle), y + reach * math.sin(angle))
        (path.moveTo if at == 0 else path.lineTo)(*point)
    path.close()
    canvas.drawPath(path, stroke=0, fill=1)


def _draw_page(canvas: Canvas, certificate: Certificate, number: int, picture: bytes) -> None:
    image = ImageReader(BytesIO(picture))
    width, height = image.getSize()
    room = (_WIDTH - 30 * mm, _HEIGHT - 44 * mm)
    scale = min(room[0] / width, room[1] / height)
    left, low = (_WIDTH - width * scale) / 2, 18 * mm + (room[1] - height * scale)
    canvas.drawImage(image, left, low, width * scale, height * scale)
    canvas.setStrokeColor(_GREY)
    canvas.setLineWidth(0.4)
    canvas.rect(left, low, width * scale, height * scale)
    canvas.setFont(FONT, 9)
    canvas.setFillColor(_GREY)
    head = _("{archive}　复制件　原件第 {n} 页").format(archive=certificate.archive, n=number)
    canvas.drawString(15 * mm, _HEIGHT - 14 * mm, head)
    canvas.setFillColor(HexColor("#000000"))


def _draw_foot(canvas: Canvas, certificate: Certificate, at: int, total: int) -> None:
    canvas.setFont(FONT, 8.5)
    canvas.setFillColor(_GREY)
    left = _("{number}　核验码 {code}").format(number=certificate.number, code=certificate.code)
    canvas.drawString(15 * mm, 10 * mm, left)
    canvas.drawRightString(_WIDTH - 15 * mm, 10 * mm, f"{at} / {total}")
    canvas.setFillColor(HexColor("#000000"))


def _wrapped(text: str, width: int) -> list[str]:
    """Lines of at most `width` Chinese characters; two Latin ones count as one."""
    lines, line, used = [], "", 0.0
    for sign in text:
        step = 0.55 if sign.isascii() else 1.0
        if (used + step > width and sign not in _HANGING) or sign == "\n":
            lines.append(line)
            line, used = "", 0.0
        if sign != "\n":
            line, used = line + sign, used + step
    return [*lines, line] if line else lines
