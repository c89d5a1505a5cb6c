"""Files that leave under a grant of use: never without the watermark.

A picture has it in its pixels.  A PDF whose pages have images is given as a PDF of those images,
each with the watermark.  Whatever else cannot carry one goes into a zip beside a cover sheet that
says whom it was given to, for what, and until when.
"""

import shutil
import zipfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from tempfile import SpooledTemporaryFile
from typing import IO
from xml.sax.saxutils import escape

import img2pdf
from django.utils.translation import gettext as _
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer

from liandong.archive.services.contents import StoredFile

from .tiles import NoImage
from .watermark import Mark, burned

FONT = "STSong-Light"  # a standard CID font: readers bring it, nothing is embedded
_PICTURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"II*\x00", b"MM\x00*")
_IN_MEMORY = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Taken:
    """What is given: name, media type, bytes."""

    name: str
    kind: str
    stream: IO[bytes]


def marked(
    file: StoredFile, name: str, words: Mark, pages: Sequence[StoredFile], *, until: str
) -> Taken:
    """The file as it may leave; `pages` are the images of all its pages, none where it has none.

    `until` is the day on which the grant ends.  Raises FileNotFoundError and CannotOpen.
    """
    stem = name.rsplit(".", 1)[0]
    with file.open() as stream:
        head = stream.read(16)
    with suppress(NoImage):
        if head.startswith(_PICTURES):
            content = burned(file.read_bytes(), words)
            return Taken(f"{stem}.jpg", "image/jpeg", BytesIO(content))
        if head.startswith(b"%PDF-") and pages:
            return Taken(f"{stem}.pdf", "application/pdf", marked_pdf(pages, words))
    return _with_cover(file, name, words, until)


def marked_pdf(pages: Iterable[StoredFile], words: Mark) -> IO[bytes]:
    """One PDF of page images with the watermark in each.  Raises NoImage."""
    out = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - the answer closes it
    img2pdf.convert([burned(page.read_bytes(), words) for page in pages], outputstream=out)
    out.seek(0)
    return out


def _with_cover(file: StoredFile, name: str, words: Mark, until: str) -> Taken:
    out = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - the answer closes it
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("00-利用说明.pdf", cover_sheet(name, words, until))
        with file.open() as source, archive.open(name, "w", force_zip64=True) as target:
            shutil.copyfileobj(source, target, 1 << 20)
    out.seek(0)
    return Taken(f"{name}.zip", "application/zip", out)


def cover_sheet(name: str, words: Mark, until: str) -> bytes:
    """The sheet that goes with a file which can carry no watermark."""
    pdfmetrics.registerFont(UnicodeCIDFont(FONT))
    text = ParagraphStyle("text", fontName=FONT, fontSize=11, leading=20, wordWrap="CJK")
    title = ParagraphStyle("title", parent=text, fontSize=18, leading=32, alignment=1)
    lines = [
        _("文件：{name}").format(name=name),
        words.sentence,
        _("授权到期：{until}").format(until=until),
        _("只能由上述人员为上述用途使用，不得转交、公布；到期应当删除。每次取用都有审计记录。"),
    ]
    out = BytesIO()
    page = SimpleDocTemplate(
        out, pagesize=A4, leftMargin=24 * mm, rightMargin=24 * mm, topMargin=30 * mm,
        title=_("档案利用说明"), author="liandong",
    )  # fmt: skip
    story = [Paragraph(_("档案利用说明"), title), Spacer(1, 8 * mm)]
    page.build([*story, *(Paragraph(escape(line), text) for line in lines)])
    return out.getvalue()
