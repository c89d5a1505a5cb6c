"""The filing of a case: what becomes the record, what is in the way, and the receipt afterwards."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from liandong.base.gates import open_to
from liandong.base.viewers import viewer_of
from liandong.cases import wording
from liandong.cases.models import Case
from liandong.cases.policies import FILE
from liandong.cases.queries.filing import (
    DUE,
    FAILED,
    NONE,
    STOPPED,
    Filing,
    disputable_until,
    filing_of,
    findings_of,
    is_ready,
    record_of,
)
from liandong.cases.services.filing import NotReady, file_now
from liandong.cases.services.packing import responsible_unit
from liandong.cases.services.photos import clean_path
from liandong.intake.models import ItemState
from liandong.kernel.casework import EXITS, RECORD
from liandong.kernel.findings import word

from .case import case_or_404

_TONES = {
    "admitted": "done", "held": "failed", "quarantined": "failed", FAILED: "failed",
    "returned": "rejected", NONE: "idle",
}  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
@open_to(FILE)
def show_closing(request: HttpRequest, number: str) -> HttpResponse:
    """The page; POST hands the case over now."""
    case = case_or_404(request, number)
    if request.method == "POST":
        return _file(request, case)
    return render(request, "cases/closing.html", _context(request, case))


def _file(request: HttpRequest, case: Case) -> HttpResponse:
    try:
        file_now(case.pk, by=viewer_of(request).name, now=timezone.now())
    except NotReady:
        messages.error(
            request, _("现在不能归档：事项没有结束、没有销号、还在申请重办的期限内，或者已经移交。")
        )
    else:
        messages.success(request, _("已移交归档，检测通过后档号会写回本事项。"))
    return redirect("cases:close", case.number)


def _context(request: HttpRequest, case: Case) -> dict[str, Any]:
    now, viewer = timezone.now(), viewer_of(request)
    filing = filing_of(case) if case.record == DUE else Filing()
    today = int(timezone.localtime(now).strftime("%Y%m%d"))
    record = record_of(case, viewer=viewer, today=today)
    return {
        "case": case,
        "crumbs": [(_("事项"), "/cases/"), (case.number, f"/cases/{case.number}/"),
                   (_("归档"), "")],
        "kind": wording.kind_word(case.kind),
        "record_word": wording.state_word(case.record, RECORD),
        "facts": _facts(case),
        "parts": _parts(case),
        "missing": _missing(case),
        "filing": filing,
        "filing_word": _filing_word(filing),
        "filing_tone": _TONES.get(filing.state, "running"),
        "findings": [_finding(one) for one in findings_of(filing)],
        "until": disputable_until(case) if case.record == DUE else None,
        "record": record,
        "filed_at": case.events.filter(axis=RECORD, action="file").last(),
        "may_file": is_ready(case, now=now) and filing.state in {NONE, *STOPPED},
    }  # fmt: skip


def _facts(case: Case) -> list[dict[str, Any]]:
    kind = case.kind_of
    unit = responsible_unit(case)
    rows = [
        (_("责任单位"), str(unit or "")),
        (_("门类与类别"), f"ZY·{kind.archive_class}"),
        (_("保管期限"), kind.exit_retention if case.state in EXITS else kind.retention),
        (_("状态"), wording.state_word(case.state)),
        (_("档号"), case.code),
    ]
    return [{"label": label, "value": value} for label, value in rows if value]


def _parts(case: Case) -> list[tuple[str, str]]:
    """What becomes the record: name and what it is."""
    parts = [
        ("结案单.pdf", _("事项、结果、经过、期限；个人信息已遮盖")),
        ("事项.json", _("表单与全部经过，逐步带摘要；个人信息已遮盖")),
    ]
    parts += [
        (f"{one.get_part_display()} {one.name}", _("照片，不含拍摄信息"))
        for one in case.evidence.filter(event__isnull=False)
        if clean_path(one).is_file()
    ]
    if case.kind_of.keeps_annex and case.contact is not None:
        parts.append(("密封附件.json", _("联系方式与未遮盖的文字，加密，可单独销毁")))
    return parts


def _missing(case: Case) -> list[str]:
    """What a person may want to know before it is filed; none of it stands in the way."""
    found = []
    lost = [
        one for one in case.evidence.filter(event__isnull=False) if not clean_path(one).is_file()
    ]
    if lost:
        found.append(_("{count} 份佐证没有可归档的图像").format(count=len(lost)))
    if case.kind_of.keeps_annex and case.contact is None:
        found.append(_("没有联系方式，不附密封附件"))
    if case.state == "closed" and case.score is None:
        found.append(_("诉求人没有评价，不计为满意"))
    if case.escalations.filter(answered_at__isnull=True).exists():
        found.append(_("有督办没有答复"))
    return found


def _filing_word(filing: Filing) -> str:
    if filing.state == NONE:
        return _("尚未移交")
    if filing.state == FAILED:
        return _("无法处理")
    return str(ItemState(filing.state).label)


def _finding(one: Any) -> dict[str, Any]:
    language = "en" if (get_language() or "").startswith("en") else "zh"
    message, remedy = word(one.code, one.facts, language)
    return {
        "severity": one.severity, "code": one.code, "where": one.where, "row": None,
        "column": one.column, "page": one.page, "message": message, "remedy": remedy,
    }  # fmt: skip
