"""The closing sheet (结案单) of a case as PDF: what it was, how it came out, when, step by step.

Made from the redacted view alone: what the sheet says is what the record says.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from io import BytesIO
from typing import Any
from xml.sax.saxutils import escape

from django.utils import timezone
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer

from liandong.base.printed import FONT, number_page, paper_table
from liandong.cases import wording

_table = partial(paper_table, most_letters=600)
NAME = "结案单.pdf"


def closing_sheet(view: Mapping[str, Any]) -> bytes:
    """The PDF of a redacted view, in Chinese (call it under that language)."""
    pdfmetrics.registerFont(UnicodeCIDFont(FONT))
    plain = ParagraphStyle("plain", fontName=FONT, fontSize=9.5, leading=14, wordWrap="CJK")
    small = ParagraphStyle("small", parent=plain, fontSize=8.5, leading=12)
    title = ParagraphStyle("title", parent=plain, fontSize=18, leading=28, alignment=1)
    head = ParagraphStyle("head", parent=plain, fontSize=11.5, leading=20)
    out = BytesIO()
    page = SimpleDocTemplate(
        out, pagesize=A4, leftMargin=16 * mm, rightMargin=16 * mm, topMargin=18 * mm,
        bottomMargin=16 * mm, title=f"结案单 {view['number']}", author="liandong",
    )  # fmt: skip
    page.build([
        Paragraph("结案单", title),
        _table([], _facts(view), (32, 146), plain),
        Paragraph("办理经过", head),
        _table(["序", "时间", "步骤", "何人", "状态", "说明"], _steps(view) or [["—"] * 6],
               (9, 29, 24, 32, 28, 56), small),
        Paragraph("期限", head),
        _table(["时限", "轮次", "到期", "完成", "是否按期"], _clocks(view) or [["—"] * 5],
               (44, 14, 42, 42, 36), small),
        Spacer(1, 4 * mm),
        Paragraph(escape(f"经过共 {len(view['events'])} 步，逐步相链；末步摘要 "
                         f"{view['events'][-1]['hash']}"), small),
        Paragraph("本单不含联系方式，文字中的个人信息已遮盖。", small),
    ], onFirstPage=number_page, onLaterPages=number_page)  # fmt: skip
    return out.getvalue()


def _facts(view: Mapping[str, Any]) -> list[tuple[str, str]]:
    rows = [
        ("编号", view["number"]), ("种类", view["kind_name"]), ("标题", view["title"]),
        ("内容", view["text"]),
        *((wording.field_word(view["kind"], code), text) for code, text in view["form"].items()),
        ("类别", view["category_name"]), ("地点", view["address"]),
        ("渠道", str(wording.CHANNELS.get(view["channel"], view["channel"]))),
        ("主办单位", view["lead_unit"]["name"]),
        ("办理状态", wording.state_word(view["state"])),
        ("结果", wording.outcome_word(view["outcome"])),
        ("并入", view["parent"]),
        ("评价", f"{view['score']} / 5" if view["score"] else "未评价（不计为满意）"),
        ("提交", _time(view["submitted_at"])), ("结束", _time(view["over_at"])),
    ]  # fmt: skip
    return [(name, str(text)) for name, text in rows if str(text).strip()]


def _steps(view: Mapping[str, Any]) -> list[list[str]]:
    return [
        [
            str(one["number"]), _time(one["at"]), one["name"],
            f"{one['by']} {one['unit']}".strip(),
            _moved(one), "；".join(str(text) for text in one["said"].values()),
        ]
        for one in view["events"]
    ]  # fmt: skip


def _moved(one: Mapping[str, Any]) -> str:
    if one["before"] == one["after"]:
        return ""
    before, after = (wording.state_word(one[side], one["axis"]) for side in ("before", "after"))
    return f"{before} → {after}"


def _clocks(view: Mapping[str, Any]) -> list[list[str]]:
    return [
        [
            f"{one['name']} {one['unit']}".strip(), str(one["round"]), _time(one["due_at"]),
            _time(one["stopped_at"]) or "—", "超期" if one["late"] else "按期",
        ]
        for one in view["clocks"]
    ]  # fmt: skip


def _time(text: str) -> str:
    if not text:
        return ""
    return timezone.localtime(datetime.fromisoformat(text)).strftime("%Y-%m-%d %H:%M")
