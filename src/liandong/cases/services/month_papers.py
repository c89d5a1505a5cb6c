"""The monthly report of the ledger as a paper: Word, PDF, or a workbook, all of the same lists."""

from collections.abc import Callable, Mapping
from functools import partial
from io import BytesIO
from itertools import chain
from typing import Any, Final
from xml.sax.saxutils import escape

from django.utils import timezone
from django.utils.translation import gettext as _
from docx import Document
from docx.oxml.ns import qn
from docx.shared import Mm, Pt
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer

from liandong.base.printed import FONT, number_page, paper_table
from liandong.base.tables import XLSX, xlsx_bytes
from liandong.cases.queries.month_report import Report, Section

_WORD_FONT: Final = "宋体"  # named, not embedded: the reader's own
_table = partial(paper_table, most_letters=600)
DOCX: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def title_of(report: Report) -> str:
    """What stands on top of the paper."""
    return _("台账月报 {month}").format(month=report.month)


def _lead(report: Report) -> str:
    made = f"{timezone.localtime(report.made_at):%Y-%m-%d %H:%M}"
    parts = [report.scope or _("全部"), _("制表 {at}").format(at=made)]
    if not report.is_over:
        parts.append(_("本月未完，数字还会变"))
    return "　".join(parts)


def _figures(report: Report) -> Section:
    rows = [
        [one.name, str(one.count), str(one.before), f"{one.change:+d}" if one.change else "0",
         one.how]
        for one in report.figures
    ]  # fmt: skip
    head = [_("项目"), _("本月"), _("上月"), _("增减"), _("怎么数的")]
    return Section(_("数字"), head, rows, (34, 18, 18, 18, 90), "")


def _closing() -> str:
    return _("全部数字由事项经过算出，过去的月份再算结果不变；未评价不计为满意。")


def as_pdf(report: Report) -> bytes:
    """A4 pages with a number on each."""
    pdfmetrics.registerFont(UnicodeCIDFont(FONT))
    plain = ParagraphStyle("plain", fontName=FONT, fontSize=9.5, leading=14, wordWrap="CJK")
    small = ParagraphStyle("small", parent=plain, fontSize=8.5, leading=12)
    title = ParagraphStyle("title", parent=plain, fontSize=18, leading=28, alignment=1)
    head = ParagraphStyle("head", parent=plain, fontSize=11.5, leading=20)
    out = BytesIO()
    page = SimpleDocTemplate(
        out, pagesize=A4, leftMargin=16 * mm, rightMargin=16 * mm, topMargin=18 * mm,
        bottomMargin=16 * mm, title=title_of(report), author="liandong",
    )  # fmt: skip
    story: list[Any] = [
        Paragraph(escape(title_of(report)), title), Paragraph(escape(_lead(report)), small),
    ]  # fmt: skip
    for one in (_figures(report), *report.sections):
        story.append(Paragraph(escape(one.title), head))
        if one.rows:
            story.append(_table(one.head, one.rows, one.widths, small))
        else:
            story.append(Paragraph(escape(one.none), plain))
    story += [Spacer(1, 4 * mm), Paragraph(escape(_closing()), small)]
    page.build(story, onFirstPage=number_page, onLaterPages=number_page)
    return out.getvalue()


def as_docx(report: Report) -> bytes:
    """A Word document that can be edited further."""
    document = Document()
    for name in ("Normal", "Title", "Heading 2"):
        style: Any = document.styles[name]
        style.font.name = _WORD_FONT
        style.element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), _WORD_FONT)
    normal: Any = document.styles["Normal"]
    normal.font.size = Pt(10)
    page = document.sections[0]
    page.page_width, page.page_height = Mm(210), Mm(297)
    page.left_margin = page.right_margin = Mm(16)
    document.core_properties.title = title_of(report)
    document.core_properties.author = "liandong"
    document.add_heading(title_of(report), 0)
    document.add_paragraph(_lead(report))
    for one in (_figures(report), *report.sections):
        document.add_heading(one.title, 2)
        if one.rows:
            _add_table(document, one)
        else:
            document.add_paragraph(one.none)
    document.add_paragraph(_closing())
    out = BytesIO()
    document.save(out)
    return out.getvalue()


def _add_table(document: Any, section: Section) -> None:
    lines = [section.head, *section.rows]
    table = document.add_table(rows=len(lines), cols=len(section.head), style="Table Grid")
    cells = table._cells  # once: every look at the cells of a row reads the whole table
    for number, (cell, text) in enumerate(zip(cells, chain(*lines), strict=True)):
        run = cell.paragraphs[0].add_run(ILLEGAL_CHARACTERS_RE.sub("\ufffd", text))
        run.bold = number < len(section.head)
        cell.width = Mm(section.widths[number % len(section.head)])


def as_xlsx(report: Report) -> bytes:
    """One sheet: part, then what its columns say."""
    rows = [
        [section.title, *row]
        for section in (_figures(report), *report.sections)
        for row in ([*section.head], *section.rows)
    ]
    widest = max(len(row) for row in rows)
    padded = [[*row, *[""] * (widest - len(row))] for row in rows]
    head = [title_of(report), _lead(report), *[""] * (widest - 2)]
    return xlsx_bytes(str(report.month), head, padded, (16, 24, 36, 24, 24, 50))


FORMS: Final[Mapping[str, tuple[Callable[[Report], bytes], str]]] = {
    "docx": (as_docx, DOCX), "pdf": (as_pdf, "application/pdf"), "xlsx": (as_xlsx, XLSX),
}  # fmt: skip
"""How to write each form, and its media type."""
