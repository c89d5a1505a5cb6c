"""The papers of a destruction list in the store: the list, what became of it, the certificate.

`metadata/destroyed.json` is readable without keys: a rebuild must know what may not come back.
Source: 档案法实施条例 (2024) art. 24; GB/T 32918 (signature).
"""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial
from io import BytesIO
from typing import Any, Final
from xml.sax.saxutils import escape

from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import override
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer

from liandong.archive.models import DestructionItem, DestructionList, Outcome, PreservationEvent
from liandong.base.models import Account
from liandong.base.printed import FONT, number_page, paper_table
from liandong.base.signing import sign_detached
from liandong.kernel.digests import digest_bytes

from .objects import to_json
from .papers import keep_paper, read_paper

DESTRUCTION_URN: Final = "urn:liandong:destruction:"
LIST, DESTROYED = "metadata/list.json", "metadata/destroyed.json"
FACTS, SIGNATURE = "certificate/certificate.json", "certificate/signature.json"
HTML, PDF = "certificate/certificate.html", "certificate/certificate.pdf"
_table = partial(paper_table, most_letters=400)


def urn_of(one: DestructionList) -> str:
    """The OCFL id of a list."""
    return f"{DESTRUCTION_URN}{one.uuid}"


def keep_list(one: DestructionList, *, by: str, now: datetime) -> None:
    """Write the list as it stands; once it is done, with its certificate.  Raises OSError."""
    items = list(one.items.select_related("record").order_by("pk"))
    inside = {LIST: to_json(_list(one, items))}
    if one.ended_at is not None:
        facts = to_json(certificate_facts(one, items))
        signed = sign_detached(facts, now=one.ended_at)
        inside |= {
            FACTS: facts,
            SIGNATURE: to_json(signed),
            HTML: _html(json.loads(facts), signed, digest_bytes(facts).sm3),
            PDF: _pdf(json.loads(facts), signed, digest_bytes(facts).sm3),
        }
    outside = {DESTROYED: to_json(_destroyed(one, items))}
    message = "销毁证书" if one.ended_at else "销毁清册"
    keep_paper(urn_of(one), inside, outside, message=message, by=by, now=now)


def read_certificate(one: DestructionList, path: str) -> bytes:
    """HTML, PDF, FACTS or SIGNATURE.  Raises FileNotFoundError, KeyError, CannotOpen."""
    return read_paper(urn_of(one), path)


# What a rebuild needs -----------------------------------------------------------------------------


def _list(one: DestructionList, items: list[DestructionItem]) -> dict[str, Any]:
    steps = ("proposed", "decided", "first", "second", "started", "ended")
    told = {
        f"{step}_{name}": _text(getattr(one, f"{step}_{name}"))
        for step in steps
        for name in ("at", "by")
    }
    return {
        "list": {"id": str(one.uuid), "number": one.number, "fonds": one.fonds.number,
                 "reason": one.reason, "opinion": one.opinion, "state": one.state, **told},
        "items": [_item(item) for item in items],
    }  # fmt: skip


def _item(item: DestructionItem) -> dict[str, Any]:
    record = item.record
    events = PreservationEvent.objects.filter(record=record).order_by("id")
    return {
        "object_id": str(record.object_id), "version": record.version,
        "description": record.description, "level": record.level, "open_from": record.open_from,
        "unit": record.unit, "looked_at": record.looked_at, "encryption": record.encryption,
        "admitted_at": record.admitted_at.isoformat(), "admitted_by": record.admitted_by,
        "page_count": record.page_count, "file_count": record.file_count,
        "size_bytes": record.size_bytes, "retain_until": record.retain_until,
        "clause": item.clause, "reason": item.reason, "outcome": item.outcome,
        "done_at": _text(item.done_at),
        "events": [
            {"kind": event.kind, "at": event.at.isoformat(), "by": event.by, "tool": event.tool,
             "outcome": event.outcome, "detail": event.detail}
            for event in events
        ],
    }  # fmt: skip


def _destroyed(one: DestructionList, items: list[DestructionItem]) -> dict[str, Any]:
    return {
        "id": str(one.uuid),
        "number": one.number,
        "state": one.state,
        "records": [
            {"object_id": str(item.record.object_id), "outcome": item.outcome,
             "done_at": _text(item.done_at)}
            for item in items
        ],
    }  # fmt: skip


def _text(value: datetime | str | None) -> str:
    return value.isoformat() if isinstance(value, datetime) else value or ""


# The certificate ----------------------------------------------------------------------------------


def certificate_facts(one: DestructionList, items: list[DestructionItem]) -> dict[str, Any]:
    """Everything that the certificate says, in Chinese as it stands on paper."""
    with override("zh-hans"):
        return {
            "title": "档案销毁证书",
            "number": one.number,
            "fonds": str(one.fonds),
            "reason": one.reason,
            "opinion": one.opinion,
            "steps": [list(step) for step in _steps(one)],
            "items": [
                {
                    "code": item.record.code,
                    "title": item.record.title,
                    "year": item.record.year,
                    "retention": item.record.retention,
                    "pages": item.record.page_count,
                    "clause": item.clause,
                    "outcome": str(Outcome(item.outcome).label),
                    "at": _local(item.done_at),
                }
                for item in items
            ],
            "totals": _totals(items),
            "note": "目录和元数据予以保留。本证书所列档案的加密副本因密钥销毁而不能再打开；"
            "未加密档案在旧备份中的副本，须按备份制度另行销毁。",
        }


def _steps(one: DestructionList) -> Iterator[tuple[str, str, str]]:
    names = dict(Account.objects.values_list("username", "full_name"))
    for word, step in (
        ("提出", "proposed"), ("批准", "decided"), ("监销人", "first"), ("监销人", "second"),
        ("执行", "started"), ("完成", "ended"),
    ):  # fmt: skip
        by = getattr(one, f"{step}_by")
        person = "系统" if by == "system" else names.get(by) or by
        yield word, person, _local(getattr(one, f"{step}_at"))


def _totals(items: list[DestructionItem]) -> dict[str, int]:
    gone = [item for item in items if item.outcome != Outcome.HELD]
    return {
        "records": len(gone),
        "pages": sum(item.record.page_count for item in gone),
        "shredded": sum(item.outcome == Outcome.SHREDDED for item in gone),
        "deleted": sum(item.outcome == Outcome.DELETED for item in gone),
        "held": len(items) - len(gone),
    }


def _local(at: datetime | None) -> str:
    return timezone.localtime(at).strftime("%Y-%m-%d %H:%M:%S") if at else ""


def _html(facts: Mapping[str, Any], signed: Mapping[str, Any], digest: str) -> bytes:
    context = {"facts": facts, "signed": signed, "digest": digest}
    with override("zh-hans"):
        return render_to_string("archive/certificate.html", context).encode()


def _pdf(facts: Mapping[str, Any], signed: Mapping[str, Any], digest: str) -> bytes:
    pdfmetrics.registerFont(UnicodeCIDFont(FONT))
    small = ParagraphStyle("small", fontName=FONT, fontSize=9, leading=13, wordWrap="CJK")
    title = ParagraphStyle("title", parent=small, fontSize=18, leading=30, alignment=1)
    out = BytesIO()
    page = SimpleDocTemplate(
        out, pagesize=A4, leftMargin=16 * mm, rightMargin=16 * mm, topMargin=18 * mm,
        bottomMargin=16 * mm, title=facts["title"], author="liandong",
    )  # fmt: skip
    totals = facts["totals"]
    head = [
        ("清册编号", facts["number"]), ("全宗", facts["fonds"]), ("鉴定意见", facts["reason"]),
        ("审批意见", facts["opinion"]),
        ("合计", f"销毁 {totals['records']} 件，{totals['pages']} 页；"
                 f"密钥销毁 {totals['shredded']} 件，删除字节 {totals['deleted']} 件；"
                 f"因冻结未销毁 {totals['held']} 件"),
    ]  # fmt: skip
    rows = [
        [number, item["code"], item["title"], item["retention"], item["pages"], item["clause"],
         item["outcome"], item["at"]]
        for number, item in enumerate(facts["items"], 1)
    ]  # fmt: skip
    names = ["序", "档号", "题名", "期限", "页", "条款", "方式", "时间"]
    page.build([
        Paragraph(escape(facts["title"]), title),
        _table([], head, (24, 154), small),
        Spacer(1, 4 * mm),
        _table(["环节", "何人", "何时"], facts["steps"], (40, 70, 68), small),
        Spacer(1, 4 * mm),
        _table(names, rows, (9, 38, 45, 12, 9, 22, 22, 21), small),
        Spacer(1, 4 * mm),
        Paragraph(escape(facts["note"]), small),
        Paragraph(escape(
            f"SM3 {digest}　"
            f"签名密钥 {signed['signature']['key_id']}　{signed['notice']}"
        ), small),
    ], onFirstPage=number_page, onLaterPages=number_page)  # fmt: skip
    return out.getvalue()
