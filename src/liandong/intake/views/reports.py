"""The check report of a batch as a printable page, as xlsx and as PDF."""

from collections.abc import Iterator
from io import BytesIO
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer

from liandong.archive.viewers import viewer_of
from liandong.base.gates import open_to
from liandong.base.printed import FONT, number_page, paper_table
from liandong.base.tables import XLSX, harmless
from liandong.intake.models import Batch, ItemState
from liandong.intake.policies import HAND_OVER
from liandong.intake.queries import check_table, findings_of, progress, visible_batches
from liandong.intake.services.closing import note_report

from .batches import page_language, worded

MOST_LETTERS = 400  # of a cell: a cell taller than a page cannot be laid out


def _verdicts() -> list[tuple[str, str]]:
    return [
        ("pass", _("通过")),
        ("fail", _("不通过")),
        ("warn", _("需要看")),
        ("manual_review", _("待人工判定")),
        ("not_applicable", _("不适用")),
    ]


def _facts(batch: Batch) -> list[tuple[str, str]]:
    counts = progress(batch)
    states = "，".join(
        f"{label} {counts.states[value]}"
        for value, label in ItemState.choices
        if counts.states.get(value)
    )
    return [
        (_("批次"), f"{batch.pk}　{batch.name}"),
        (_("全宗"), str(batch.fonds or "—")),
        (_("移交单位"), str(batch.unit or "—")),
        (_("接收时间"), date_format(timezone.localtime(batch.received_at), "DATETIME_FORMAT")),
        (_("件数与文件数"), _("{items} 件，{files} 个文件，{size} 字节").format(
            items=batch.item_count, files=batch.file_count, size=f"{batch.size_bytes:,}"
        )),
        (_("结果"), states or "—"),
        (_("内容摘要"), f"SHA-256 {batch.content_digest}"),
        (_("依据"), _("依据 DA/T 70-2018 设计；未由机器检测的项目列为待人工判定")),
    ]  # fmt: skip


def _findings(batch: Batch) -> Iterator[list[Any]]:
    severities = {"block": _("不能接收"), "warn": _("需要看"), "note": _("提示")}
    for row in findings_of(batch).iterator(chunk_size=500):
        found = worded(row)
        yield [
            row.item.key if row.item else "",
            severities[found["severity"]],
            found["where"],
            found["row"] or "",
            found["column"],
            found["page"] or "",
            found["message"],
            found["remedy"],
            found["code"],
        ]


def _head() -> list[str]:
    return [
        _("件"), _("程度"), _("文件"), _("行"), _("列"), _("页"), _("问题"), _("怎么改"), _("代码"),
    ]  # fmt: skip


@require_safe
@open_to(HAND_OVER)
def show_report(request: HttpRequest, batch_id: int) -> HttpResponse:
    """The report as a page made for paper."""
    batch = _batch(request, batch_id)
    context = {
        "batch": batch,
        "facts": [{"label": label, "value": value} for label, value in _facts(batch)],
        "checks": check_table(batch, page_language()),
        "verdicts": _verdicts(),
        "findings": [worded(row) | {"item": row.item} for row in findings_of(batch)[:5000]],
    }
    _note(request, batch, "page")
    return render(request, "intake/report.html", context)


def _note(request: HttpRequest, batch: Batch, form: str) -> None:
    note_report(batch, form=form, by=viewer_of(request).name, now=timezone.now())


def _batch(request: HttpRequest, batch_id: int) -> Batch:
    return get_object_or_404(visible_batches(viewer_of(request)), pk=batch_id)


@require_safe
@open_to(HAND_OVER)
def download_xlsx(request: HttpRequest, batch_id: int) -> HttpResponse:
    """The report as a workbook: summary, checks, findings."""
    batch = _batch(request, batch_id)
    book = Workbook(write_only=True)
    _sheet(book, _("概况"), [], _facts(batch), (18, 90))
    checks = check_table(batch, page_language())
    head = [_("代码"), _("检测项目"), *(label for _name, label in _verdicts())]
    rows = [
        [row["code"], row["name"], *(row["counts"].get(name, 0) for name, _l in _verdicts())]
        for row in checks
    ]
    _sheet(book, _("检测项"), head, rows, (12, 40, 10, 10, 10, 12, 10))
    _sheet(book, _("问题"), _head(), _findings(batch), (34, 10, 40, 6, 14, 6, 50, 50, 18))
    out = BytesIO()
    book.save(out)
    _note(request, batch, "xlsx")
    return _download(out, XLSX, f"check-report-{batch.pk}.xlsx")


def _sheet(book: Any, title: str, head: list[str], rows: Any, widths: tuple[int, ...]) -> None:
    sheet = book.create_sheet(title)
    for number, width in enumerate(widths, 1):
        sheet.column_dimensions[get_column_letter(number)].width = width
    if head:
        sheet.freeze_panes = "A2"
        sheet.append([_cell(sheet, text, bold=True) for text in head])
    for row in rows:
        sheet.append([_cell(sheet, value) for value in row])


def _printable(text: str) -> str:
    """The text without characters that neither XML nor paper can hold, cut to MOST_LETTERS."""
    plain = ILLEGAL_CHARACTERS_RE.sub("\ufffd", text).encode("utf-8", "replace").decode()
    return plain if len(plain) <= MOST_LETTERS else f"{plain[:MOST_LETTERS]}…"


def _cell(sheet: Any, value: Any, *, bold: bool = False) -> Any:
    """A cell; text that a spreadsheet would take for a formula stays text."""
    if isinstance(value, str):
        value = harmless(_printable(value))
    cell = WriteOnlyCell(sheet, value)
    cell.alignment = Alignment(wrap_text=True, vertical="top")
    if bold:
        cell.font, cell.fill = Font(bold=True), PatternFill("solid", "E8EEF5")
    return cell


@require_safe
@open_to(HAND_OVER)
def download_pdf(request: HttpRequest, batch_id: int) -> HttpResponse:
    """The report as PDF, A4 landscape, heads repeated on every page."""
    batch = _batch(request, batch_id)
    pdfmetrics.registerFont(UnicodeCIDFont(FONT))
    small = ParagraphStyle("small", fontName=FONT, fontSize=8.5, leading=12, wordWrap="CJK")
    title = ParagraphStyle("title", parent=small, fontSize=16, leading=24, alignment=1)
    part = ParagraphStyle("part", parent=small, fontSize=11, leading=20, spaceBefore=8)
    out = BytesIO()
    page = SimpleDocTemplate(
        out, pagesize=landscape(A4), margin=14 * mm, leftMargin=14 * mm, rightMargin=14 * mm,
        topMargin=14 * mm, bottomMargin=14 * mm, title=_("四性检测报告"), author="liandong",
    )  # fmt: skip
    checks = check_table(batch, page_language())
    story = [
        Paragraph(_("四性检测报告"), title),
        _table([], [list(row) for row in _facts(batch)], (34, 230), small),
        Paragraph(_("检测项"), part),
        _table(
            [_("代码"), _("检测项目"), *(label for _n, label in _verdicts())],
            [
                [row["code"], row["name"], *(row["counts"].get(n, 0) for n, _l in _verdicts())]
                for row in checks
            ],
            (24, 100, 26, 26, 26, 34, 28), small,
        ),
        Paragraph(_("问题"), part),
        _table(_head(), list(_findings(batch)), (48, 18, 44, 9, 20, 9, 58, 50, 20), small),
        Spacer(1, 14 * mm),
        Paragraph(_("移交人：＿＿＿＿＿＿　　接收人：＿＿＿＿＿＿　　日期：＿＿＿＿＿＿"), small),
    ]  # fmt: skip
    page.build(story, onFirstPage=number_page, onLaterPages=number_page)
    _note(request, batch, "pdf")
    return _download(out, "application/pdf", f"check-report-{batch.pk}.pdf")


def _table(
    head: list[str], rows: list[list[Any]], widths: tuple[int, ...], style: ParagraphStyle
) -> Any:
    printed = [[_printable(str(value)) for value in row] for row in rows]
    if not (head or printed):
        printed = [[""]]
    return paper_table(head, printed, widths, style, most_letters=MOST_LETTERS + 1)


def _download(out: BytesIO, kind: str, name: str) -> HttpResponse:
    return HttpResponse(
        out.getvalue(),
        content_type=kind,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
