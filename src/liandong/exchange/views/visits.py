"""The desk of the reading room: register, check the paper, decide, hand out, pass on."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from http import HTTPStatus
from io import BytesIO
from typing import Any
from xml.sax.saxutils import escape

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer

from liandong.archive.takeaway import FONT
from liandong.archive.viewers import viewer_of
from liandong.base.audit import record_act
from liandong.base.gates import open_to
from liandong.base.params import number, words
from liandong.exchange.flow import VISIT_FLOW
from liandong.exchange.forms import VisitForm
from liandong.exchange.models import Delivery, Forwarding, Visit, VisitState
from liandong.exchange.policies import HOLD, visit_standings
from liandong.exchange.queries.copies import copies_of
from liandong.exchange.queries.requests import account_names, seen_records
from liandong.exchange.queries.visits import (
    PAGE,
    VisitFilters,
    is_session_live,
    listed,
    visit_by_number,
)
from liandong.exchange.services import deciding, visiting
from liandong.exchange.services.people import day_of, today_number
from liandong.exchange.services.visiting import Application
from liandong.exchange.wording import STATE_TONES, STEP_WORDS, choices, ground_words, named
from liandong.kernel.flows import StepRefused
from liandong.kernel.person_numbers import BadNumber
from liandong.kernel.viewer import Viewer

from .standing import say_refusal, visit_word


def application_of(form: VisitForm) -> Application:
    """What a valid form says."""
    said = {
        name: value.replace("\0", "") if isinstance(value, str) else value
        for name, value in form.cleaned_data.items()
    }
    fields = ("name", "id_kind", "id_number", "phone", "address", "wanted", "purpose_kind",
              "purpose", "delivery", "archive")  # fmt: skip
    return Application(**{name: said[name] for name in fields})


def number_words(reason: str) -> str:
    """Why a number of a paper is not taken."""
    return {
        "check": _("校验位不对，请核对号码"),
        "form": _("号码的长度或字符不对"),
    }.get(reason, _("不认识的证件类型"))


@require_safe
@open_to(HOLD)
def show_visits(request: HttpRequest) -> HttpResponse:
    """The register of visits; filters stand in the address."""
    get = request.GET
    filters = VisitFilters(
        state=words(get.get("state")), delivery=words(get.get("delivery")),
        purpose=words(get.get("purpose")), timely=words(get.get("timely")),
        year=_year(get.get("year")),
    )  # fmt: skip
    rows = listed(filters, before=number(get.get("after")))
    shown, today = rows[:PAGE], day_of(timezone.now())
    context = {
        "rows": [_row(row, today=today) for row in shown],
        "after": shown[-1].pk if len(rows) > PAGE else "",
        "state": filters.state,
        "states": [("open", _("要办的")), *VisitState.choices],
    }
    return render(request, "exchange/visits.html", context)


def _year(text: str | None) -> int:
    year = number(text)
    return year if 1900 < year < 9000 else 0


def _row(row: Visit, *, today: Any) -> dict[str, Any]:
    return {
        "visit": row,
        "state": visit_word(row.state),
        "tone": STATE_TONES.get(row.state, "idle"),
        "late": row.is_late(today),
        "purpose": named("use_purposes", row.purpose_kind),
    }


@require_http_methods(["GET", "HEAD", "POST"])
@open_to(HOLD)
def show_new_visit(request: HttpRequest) -> HttpResponse:
    """Register somebody who stands at the desk; the paper is seen at once."""
    form = VisitForm(request.POST or None)
    form.fields["agreed"].label = _("已向查档人说明信息的用途和保存期限，本人同意")
    if request.method == "POST" and form.is_valid():
        by, now = viewer_of(request).name, timezone.now()
        try:
            visit, code = visiting.receive(application_of(form), now=now, by=by, at_desk=True)
            visiting.identify(
                visit.pk, number=form.cleaned_data["id_number"], by=by, now=now
            )  # fmt: skip
        except BadNumber as bad:
            form.add_error("id_number", number_words(bad.reason))
        except StepRefused as refused:
            say_refusal(request, refused)
            return redirect("exchange:visit", visit.number)
        else:
            return render(
                request, "exchange/receipt.html",
                {"visit": visit, "code": code, "archive": settings.ARCHIVE_NAME, "at_desk": True},
            )  # fmt: skip
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return render(request, "exchange/newvisit.html", {"form": form}, status=status)


def visit_or_404(no: str) -> Visit:
    """The visit of this number, for the desk."""
    visit = visit_by_number(no)
    if visit is None:
        raise Http404
    return visit


@require_safe
@open_to(HOLD)
def show_visit(request: HttpRequest, no: str) -> HttpResponse:
    """One visit with what may be done now."""
    viewer, now = viewer_of(request), timezone.now()
    visit = visit_or_404(no)
    roles = visit_standings(viewer)
    steps = {
        name for name in VISIT_FLOW.steps
        if any(VISIT_FLOW.may(name, visit.state, role) for role in roles)
    }  # fmt: skip
    events = list(visit.events.all())
    names = account_names(events)
    held = list(visit.records.select_related("record"))
    seen = seen_records([row.record_id for row in held], viewer=viewer, today=today_number(now))
    context = {
        "visit": visit,
        "state": visit_word(visit.state),
        "tone": STATE_TONES.get(visit.state, "idle"),
        "late": visit.is_late(day_of(now)),
        "facts": _facts(visit),
        "ground": ground_words(visit.ground),
        "records": [(row, seen.get(row.record_id)) for row in held],
        "needs_two": visiting.needs_two([row.record for row in held], whole=visit.whole, now=now),
        "steps": steps,
        "events": [
            (one, STEP_WORDS.get(one.step, one.step), names.get(one.by, one.by) or _("申请人"))
            for one in events
        ],
        "grounds": choices("opening_grounds"),
        "archives": choices("partner_archives"),
        "terminals": visiting.terminals(),
        "session_live": is_session_live(visit, now=now),
        "deliveries": Delivery.choices,
        "standings": Forwarding.Standing.choices[1:],
        "forwarding": Forwarding.objects.filter(visit=visit).first(),
        "copies": copies_of(visit.number),
    }  # fmt: skip
    return render(request, "exchange/visit.html", context)


def _facts(visit: Visit) -> list[dict[str, Any]]:
    kind = named("identity_kinds", visit.id_kind)
    rows = [
        (_("姓名"), visit.name),
        (_("证件"), f"{kind} …{visit.id_last}" if visit.id_last else kind),
        (_("联系电话"), visit.phone),
        (_("通信地址"), visit.address),
        (_("要查什么"), visit.wanted),
        (_("目的类别"), named("use_purposes", visit.purpose_kind)),
        (_("查档用途"), visit.purpose),
        (_("取得方式"), visit.get_delivery_display()),
        (_("向哪个档案馆查"), named("partner_archives", visit.archive) if visit.archive else ""),
        (_("来源"), _("到馆") if visit.at_desk else _("网上")),
        (_("答复期限"), visit.due_on.isoformat()),
        (_("联系信息"), _("已按期删除") if visit.contact_removed_at else ""),
    ]
    return [{"label": label, "value": value} for label, value in rows if value]


# Steps ------------------------------------------------------------------------------------------


@require_POST
@open_to(HOLD)
def take_visit_step(request: HttpRequest, no: str, step: str) -> HttpResponse:
    """Take one step of a visit."""
    visit = visit_or_404(no)
    act = _ACTS.get(step)
    if act is None:
        raise Http404
    try:
        act(request, visit, viewer_of(request), timezone.now())
    except BadNumber as bad:
        messages.error(request, number_words(bad.reason))
    except StepRefused as refused:
        say_refusal(request, refused)
    else:
        messages.success(
            request, _("已完成：{step}").format(step=STEP_WORDS.get(step, _("已办理")))
        )
    return redirect("exchange:visit", visit.number)


def _why(request: HttpRequest) -> str:
    return words(request.POST.get("why"))


def _identify(request: HttpRequest, visit: Visit, viewer: Viewer, now: datetime) -> None:
    shown = words(request.POST.get("id_number"))
    visiting.identify(visit.pk, number=shown, by=viewer.name, now=now)


def _approve(request: HttpRequest, visit: Visit, viewer: Viewer, now: datetime) -> None:
    """Approve or propose, as the law asks; records come by code and by tick box."""
    codes = words(request.POST.get("code")).replace("，", " ").replace(",", " ").split()
    ids = [number(text) for text in request.POST.getlist("record")]
    found = deciding.ids_of_codes(codes, by=viewer.name, now=now)
    if len(found) < len(set(codes)):
        raise StepRefused("approve", "no-such-code")
    whole, answer = "whole" in request.POST, _why(request)
    chosen = sorted({*ids, *found})
    two = visiting.needs_two(visiting.records_of(chosen), whole=whole, now=now)
    (visiting.propose if two else visiting.approve)(
        visit.pk, chosen, whole=whole, answer=answer, by=viewer.name, now=now
    )


def _open(request: HttpRequest, visit: Visit, viewer: Viewer, now: datetime) -> None:
    terminal, hours = words(request.POST.get("terminal")), number(request.POST.get("hours"), 4)
    visiting.open_session(visit.pk, terminal=terminal, hours=hours, by=viewer.name, now=now)


def _deliver(request: HttpRequest, visit: Visit, viewer: Viewer, now: datetime) -> None:
    post = request.POST
    visiting.deliver(
        visit.pk, delivery=words(post.get("delivery")), pages=number(post.get("pages")),
        note=_why(request), by=viewer.name, now=now,
    )  # fmt: skip


def _refuse(request: HttpRequest, visit: Visit, viewer: Viewer, now: datetime) -> None:
    ground = words(request.POST.get("ground"))
    visiting.refuse(visit.pk, ground=ground, answer=_why(request), by=viewer.name, now=now)


def _forward(request: HttpRequest, visit: Visit, viewer: Viewer, now: datetime) -> None:
    archive = words(request.POST.get("archive"))
    visiting.forward(visit.pk, archive=archive, note=_why(request), by=viewer.name, now=now)


def _note(request: HttpRequest, visit: Visit, viewer: Viewer, now: datetime) -> None:
    standing = words(request.POST.get("standing"))
    visiting.note_forwarding(
        visit.pk, standing=standing, note=_why(request), by=viewer.name, now=now
    )


_ACTS: Mapping[str, Callable[[HttpRequest, Visit, Viewer, datetime], object]] = {
    "identify": _identify,
    "approve": _approve,
    "confirm": lambda r, v, p, now: visiting.confirm(v.pk, by=p.name, now=now, why=_why(r)),
    "send_back": lambda r, v, p, now: visiting.send_back(v.pk, why=_why(r), by=p.name, now=now),
    "open_session": _open,
    "end_session": lambda r, v, p, now: visiting.end_session(v.pk, by=p.name, now=now),
    "deliver": _deliver,
    "close": lambda r, v, p, now: visiting.close(v.pk, by=p.name, now=now, why=_why(r)),
    "refuse": _refuse,
    "forward": _forward,
    "note_forwarding": _note,
    "cancel": lambda r, v, p, now: visiting.cancel(v.pk, now=now, by=p.name),
}


# Passing on -------------------------------------------------------------------------------------


@require_safe
@open_to(HOLD)
def send_package(request: HttpRequest, no: str, form: str) -> HttpResponse:
    """The application for another archive, as JSON or PDF; names of people leave with it."""
    visit = visit_or_404(no)
    if visit.state not in {VisitState.FORWARDED, VisitState.CLOSED} or form not in {"json", "pdf"}:
        raise Http404
    forwarding = Forwarding.objects.filter(visit=visit).first()
    if forwarding is None or visit.contact_removed_at is not None:
        raise Http404
    record_act(
        "visit_forward", by=viewer_of(request).name, now=timezone.now(),
        object=f"visit:{visit.number}", facts={"package": form},
    )  # fmt: skip
    said = _package(visit, forwarding)
    if form == "json":
        text = json.dumps(said, ensure_ascii=False, indent=1, sort_keys=True)
        return _file(text.encode(), "application/json", f"{visit.number}.json")
    return _file(_package_pdf(said), "application/pdf", f"{visit.number}.pdf")


def _package(visit: Visit, forwarding: Forwarding) -> dict[str, str]:
    return {
        "format": "liandong visit forwarding 1",
        "number": visit.number,
        "from": settings.ARCHIVE_NAME,
        "to": named("partner_archives", forwarding.archive),
        "sent_at": timezone.localtime(forwarding.sent_at).isoformat("T", "seconds"),
        "name": visit.name,
        "id_kind": named("identity_kinds", visit.id_kind),
        "id_last": visit.id_last,
        "phone": visit.phone,
        "address": visit.address,
        "wanted": visit.wanted,
        "purpose_kind": named("use_purposes", visit.purpose_kind),
        "purpose": visit.purpose,
        "delivery": str(visit.get_delivery_display()),
        "identity_checked": "yes" if visit.identified_at else "no",
        "note": forwarding.note,
    }


def _package_pdf(said: dict[str, str]) -> bytes:
    pdfmetrics.registerFont(UnicodeCIDFont(FONT))
    text = ParagraphStyle("text", fontName=FONT, fontSize=11, leading=20, wordWrap="CJK")
    title = ParagraphStyle("title", parent=text, fontSize=18, leading=32, alignment=1)
    labels = {
        "number": _("受理编号"), "from": _("转出"), "to": _("转入"), "sent_at": _("转递时间"),
        "name": _("姓名"), "id_kind": _("证件类型"), "id_last": _("证件末四位"),
        "phone": _("联系电话"), "address": _("通信地址"), "wanted": _("要查什么"),
        "purpose_kind": _("目的类别"), "purpose": _("查档用途"), "delivery": _("取得方式"),
        "note": _("说明"),
    }  # fmt: skip
    lines = [f"{label}：{said[name] or '—'}" for name, label in labels.items()]
    out = BytesIO()
    page = SimpleDocTemplate(
        out, pagesize=A4, leftMargin=24 * mm, rightMargin=24 * mm, topMargin=28 * mm,
        title=said["number"], author=said["from"],
    )  # fmt: skip
    head = [Paragraph(_("查档申请转递单"), title), Spacer(1, 6 * mm)]
    page.build([*head, *(Paragraph(escape(line), text) for line in lines)])
    return out.getvalue()


def _file(content: bytes, kind: str, name: str) -> HttpResponse:
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "private, no-store",
    }
    return HttpResponse(content, content_type=kind, headers=headers)
