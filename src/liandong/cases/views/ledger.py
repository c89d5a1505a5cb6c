"""The ledger (台账): what stands on it, this month's entries in place, sheets out and in."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from django.contrib import messages
from django.core import signing
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from liandong.base.audit import record_act
from liandong.base.gates import open_to
from liandong.base.models import Role, Unit
from liandong.base.params import number as whole
from liandong.base.params import way_back, words
from liandong.base.tables import XLSX
from liandong.base.viewers import viewer_of
from liandong.cases import ledger_words, wording
from liandong.cases.models import Case
from liandong.cases.policies import ENTER, LEDGER_PAGES, Bearer
from liandong.cases.queries.cases import PAGE
from liandong.cases.queries.ledger import (
    ANSWERS,
    HOLDS,
    TABS,
    UNLISTED,
    Filters,
    Row,
    ledger_page,
    rows_of,
    tab_counts,
)
from liandong.cases.services.ledger import (
    NO_PROGRESS,
    PROGRESS,
    BadSheet,
    RowOutcome,
    SheetRow,
    enter,
    preview_sheet,
    read_sheet,
    sheet_of,
    take_sheet,
)
from liandong.cases.services.stepping import Given, Stale
from liandong.kernel.casework import LEDGER, STATE, flow_of, kinds
from liandong.kernel.flows import StepRefused
from liandong.kernel.ledger_months import Month
from liandong.kernel.viewer import Viewer

from .case import case_or_404

_MOST: Final = 5000  # rows of an exported sheet
_SALT: Final = "cases.ledger.sheet"
_SHOWN_FOR_S: Final = 3600  # a preview may be confirmed within an hour


@require_safe
@open_to(LEDGER_PAGES)
def show_ledger(request: HttpRequest) -> HttpResponse:
    """The items of one tab under the filters of the address."""
    viewer, now = viewer_of(request), timezone.now()
    filters, month = _asked(request), Month.of(now)
    found = ledger_page(
        filters, viewer=viewer, now=now, before=whole(request.GET.get("after"))
    )  # fmt: skip
    rows = rows_of(found[:PAGE], month=month, now=now)
    context = {
        "month": month,
        "filters": filters,
        "tabs": _tabs(request, filters, viewer, now),
        "rows": [row_context(one, viewer, now) for one in rows],
        "after": found[PAGE - 1].pk if len(found) > PAGE else "",
        "kinds": [(one.code, wording.kind_word(one.code)) for one in _ledger_kinds()],
        "units": Unit.objects.filter(closed_at__isnull=True, led_cases__isnull=False).distinct(),
        "answers": [(one, ledger_words.ANSWERS[one]) for one in ANSWERS],
        "holds": [(one, ledger_words.HOLDS[one]) for one in HOLDS],
        "reasons": wording.reasons_of(NO_PROGRESS),
        "may_enter": ENTER.may(viewer),
        "chips": _chips(request, filters),
        "here": request.get_full_path(),
        "query": request.GET.urlencode(),
    }
    return render(request, "cases/ledger.html", context)


def _asked(request: HttpRequest) -> Filters:
    got = request.GET
    filters = Filters(
        tab=words(got.get("tab")), kind=words(got.get("kind")), unit=words(got.get("unit")),
        words=words(got.get("q")), answer=words(got.get("answer")), hold=words(got.get("hold")),
    )  # fmt: skip
    return replace(
        filters,
        tab=filters.tab if filters.tab in (*TABS, UNLISTED) else "",
        answer=filters.answer if filters.answer in ANSWERS else "",
        hold=filters.hold if filters.hold in HOLDS else "",
    )


def _ledger_kinds() -> list[Any]:
    return [one for one in kinds().values() if one.ledger != "none"]


def _tabs(
    request: HttpRequest, filters: Filters, viewer: Viewer, now: datetime
) -> list[dict[str, Any]]:
    counts = tab_counts(filters, viewer=viewer, now=now)
    return [
        {
            "word": ledger_words.TABS[code],
            "count": counts[code],
            "url": f"?{_with(request, tab=code)}",
            "on": filters.tab == code,
        }
        for code in ("", *TABS, UNLISTED)
        if code != UNLISTED or counts[code]
    ]


def _chips(request: HttpRequest, filters: Filters) -> list[dict[str, str]]:
    shown = [
        ("kind", _("种类"), wording.kind_word(filters.kind) if filters.kind else ""),
        ("unit", _("主办单位"), filters.unit),
        ("q", _("词语"), filters.words),
        ("answer", _("本月填报"), str(ledger_words.ANSWERS.get(filters.answer, ""))),
        ("hold", _("搁置"), str(ledger_words.HOLDS.get(filters.hold, ""))),
    ]
    return [
        {"label": label, "value": value, "url": f"?{_with(request, **{name: ''})}"}
        for name, label, value in shown
        if value
    ]


def _with(request: HttpRequest, **changes: str) -> str:
    kept = request.GET.copy()
    kept.pop("after", None)
    for name, value in changes.items():
        kept.pop(name, None)
        if value:
            kept[name] = value
    return kept.urlencode()


def row_context(one: Row, viewer: Viewer, now: datetime) -> dict[str, Any]:
    """An item as a row of a table."""
    case, stand = one.case, one.stand
    is_stuck = one.item.after.is_stuck(one.item.end)
    held = ""
    if stand.state == "parked":
        held = ledger_words.parked_words(stand)
    elif is_stuck:
        held = ledger_words.stuck_words(stand)
    return {
        "case": case,
        "stand": stand,
        "ledger": wording.state_word(stand.ledger, LEDGER),
        "ledger_tone": wording.TONES.get(stand.ledger, "idle"),
        "state": wording.state_word(stand.state),
        "tone": wording.TONES.get(stand.state, "idle"),
        "notes": [
            {"at": entry.at, "words": ledger_words.answer_words(entry, note),
             "is_none": entry.action == NO_PROGRESS}
            for entry, note in one.notes
        ],
        "last_note": "" if one.notes else one.last_note,
        "held": held,
        "is_stuck": is_stuck,
        "is_missing": one.item.is_missing,
        "is_past": one.item.is_past_target,
        "may_enter": _may_enter(case, viewer),
        "changes": [],
        "now": now,
    }  # fmt: skip


def _may_enter(case: Case, viewer: Viewer) -> bool:
    """Whether the lead unit may enter something now; the engine decides when it does."""
    if Role.HANDLER not in viewer.roles or viewer.officer or viewer.unit != case.lead:
        return False
    moves = flow_of(case.kind).leaving(STATE, case.state)
    return case.ledger not in {"none", "cleared"} and any(
        one.action == NO_PROGRESS for one in moves
    )


@require_POST
@open_to(ENTER)
def take_entry(request: HttpRequest, number: str) -> HttpResponse:
    """The entry of this month: progress, or a reason why there was none."""
    case, now = case_or_404(request, number), timezone.now()
    reason, note = words(request.POST.get("reason")), request.POST.get("note", "")
    note = note.replace("\0", "").strip()[:4000]
    action = NO_PROGRESS if reason else PROGRESS
    given = Given({"no_progress": reason, "note": note} if reason else {"note": note})
    try:
        enter(case, given, action, by=Bearer(viewer_of(request)), now=now)
    except Stale:
        messages.error(request, _("别人刚刚办理了这个事项，请看过最新情况再办。"))
    except StepRefused as refused:
        messages.error(request, wording.refusal_words(refused.reason, refused.detail))
    else:
        messages.success(request, _("{number}：本月填报已记入。").format(number=case.number))
    return redirect(way_back(request, "/ledger/"))


# Sheets -------------------------------------------------------------------------------------------


@require_safe
@open_to(LEDGER_PAGES)
def send_sheet(request: HttpRequest) -> HttpResponse:
    """The items of the same filters as a workbook, with columns to fill in."""
    viewer, now = viewer_of(request), timezone.now()
    filters, month = _asked(request), Month.of(now)
    found = ledger_page(filters, viewer=viewer, now=now, limit=_MOST)
    rows = rows_of(found, month=month, now=now)
    said = [
        (wording.state_word(one.stand.ledger, LEDGER), wording.state_word(one.stand.state))
        for one in rows
    ]
    record_act(
        "export_ledger", by=viewer.name, now=now, facts={"rows": len(rows), "month": str(month)}
    )
    headers = {"Content-Disposition": f'attachment; filename="ledger-{month}.xlsx"'}
    return HttpResponse(sheet_of(rows, month, said), content_type=XLSX, headers=headers)


@require_http_methods(["GET", "HEAD", "POST"])
@open_to(ENTER)
def show_sheet(request: HttpRequest) -> HttpResponse:
    """Upload a sheet and see what would become of each row; then take it."""
    by, now = Bearer(viewer_of(request)), timezone.now()
    context: dict[str, Any] = {
        "month": Month.of(now), "crumbs": [(_("台账"), "/ledger/"), (_("上传填报表"), "")],
    }  # fmt: skip
    if request.method == "POST" and "rows" in request.POST:
        rows = _unsigned(request)
        if rows is None:
            messages.error(request, _("预览已经过期，请重新上传。"))
            return redirect("cases:ledger_sheet")
        done = take_sheet(rows, by=by, now=now)
        counts = _counts(done)
        facts = {code: count for code, _word, count in counts}
        record_act("import_ledger", by=by.viewer.name, now=now, facts=facts)
        context |= {"outcomes": _told(done), "counts": counts, "is_done": True}
    elif request.method == "POST":
        context |= _preview(request, by, now)
    return render(request, "cases/sheet.html", context)


def _preview(request: HttpRequest, by: Bearer, now: datetime) -> dict[str, Any]:
    file = request.FILES.get("sheet")
    if not isinstance(file, UploadedFile):
        return {"fault": _("请选择一个 xlsx 文件。")}
    try:
        rows = read_sheet(file.read())
    except BadSheet as bad:
        return {"fault": str(ledger_words.SHEET_FAULTS[bad.code]).format(what=bad.text)}
    done = preview_sheet(rows, by=by, now=now)
    ready = [one.row for one in done if one.outcome != "empty"]
    cells = [[one.line, one.number, one.month, one.progress, one.reason, one.note] for one in ready]
    return {
        "outcomes": _told(done),
        "counts": _counts(done),
        "rows": signing.dumps([by.viewer.name, cells], salt=_SALT, compress=True),
        "takes": sum(one.outcome == "ready" for one in done),
    }


def _unsigned(request: HttpRequest) -> list[SheetRow] | None:
    """The rows of a preview of the same person; None when it is too old or of another."""
    try:
        name, cells = signing.loads(request.POST["rows"], salt=_SALT, max_age=_SHOWN_FOR_S)
    except signing.BadSignature:
        return None
    return [SheetRow(*one) for one in cells] if name == viewer_of(request).name else None


def _told(done: Sequence[RowOutcome]) -> list[dict[str, Any]]:
    return [
        {
            "one": one,
            "word": ledger_words.OUTCOMES[one.outcome][0],
            "tone": ledger_words.OUTCOMES[one.outcome][1],
            "why": ledger_words.refused_row(one.why, one.detail) if one.why else "",
        }
        for one in done
    ]


def _counts(done: Sequence[RowOutcome]) -> list[tuple[str, Any, int]]:
    counted = [(code, sum(one.outcome == code for one in done)) for code in ledger_words.OUTCOMES]
    return [(code, ledger_words.OUTCOMES[code][0], count) for code, count in counted if count]
