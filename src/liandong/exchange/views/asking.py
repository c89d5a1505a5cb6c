"""Asking for use: the form, drafts, papers, the basket."""

from collections.abc import Sequence
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from liandong.archive.models import Record
from liandong.archive.viewers import viewer_of
from liandong.base.audit import record_act
from liandong.base.gates import open_to
from liandong.base.params import number, way_back, words
from liandong.exchange.forms import RequestForm
from liandong.exchange.models import UseRequest
from liandong.exchange.policies import ASK, SEE_OWN
from liandong.exchange.queries.requests import (
    basket_of,
    draft_by_id,
    may_open_papers,
    papers_of,
    seen_records,
    visible,
)
from liandong.exchange.services import basket, drafting
from liandong.exchange.services.drafting import Asked, PaperRefused
from liandong.exchange.services.people import day_of, today_number
from liandong.exchange.services.steps import object_of
from liandong.kernel.flows import StepRefused
from liandong.kernel.names import safe_name
from liandong.kernel.viewer import Viewer

from .standing import say_refusal

USUAL_DAYS = 30


@require_http_methods(["GET", "HEAD", "POST"])
@open_to(ASK)
def show_new(request: HttpRequest) -> HttpResponse:
    """A new request; `?record=` and the basket offer records, `?q=` a query."""
    viewer = viewer_of(request)
    if request.method == "POST":
        return _keep(request, viewer, None)
    until = day_of(timezone.now()) + timedelta(days=USUAL_DAYS)
    initial = {"query": words(request.GET.get("q")), "until": until, "uses": ["look"]}
    form = RequestForm(initial=initial, may_ask_for_unit=_may_ask_for_unit(viewer))
    chosen = [number(text) for text in request.GET.getlist("record")[: drafting.MOST_RECORDS]]
    return _show(request, form, viewer, chosen, None)


@require_http_methods(["GET", "HEAD", "POST"])
@open_to(ASK)
def show_draft(request: HttpRequest, draft_id: int) -> HttpResponse:
    """A draft of the own hand, to go on with."""
    viewer = viewer_of(request)
    draft = draft_by_id(draft_id, viewer=viewer)
    if draft is None:
        raise Http404
    if request.method == "POST":
        return _keep(request, viewer, draft)
    fields = ("purpose_kind", "purpose", "legal_basis", "wanted", "query", "whole", "until",
              "for_unit")  # fmt: skip
    initial: dict[str, Any] = {name: getattr(draft, name) for name in fields}
    initial["uses"] = draft.uses.split(",")
    form = RequestForm(initial=initial, may_ask_for_unit=_may_ask_for_unit(viewer))
    chosen = list(draft.records.values_list("record_id", flat=True))
    return _show(request, form, viewer, chosen, draft)


def _may_ask_for_unit(viewer: Viewer) -> bool:
    return viewer.is_clerk and bool(viewer.unit)


def _show(
    request: HttpRequest,
    form: RequestForm,
    viewer: Viewer,
    chosen: Sequence[int],
    draft: UseRequest | None,
) -> HttpResponse:
    today = today_number(timezone.now())
    named = seen_records(chosen, viewer=viewer, today=today)
    offered: dict[int, Record] = {pk: named[pk] for pk in chosen if pk in named}
    offered |= {row.pk: row for row in basket_of(viewer, today=today) if row.pk not in offered}
    context = {
        "form": form,
        "draft": draft,
        "papers": papers_of(draft) if draft else [],
        "records": [(row, row.pk in named) for row in offered.values()],
        "most_papers": drafting.MOST_PAPERS,
        "paper_mb": drafting.PAPER_BYTES // 1024**2,
        "days": settings.SHARE_DAYS,
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return render(request, "exchange/new.html", context, status=status)


def _keep(request: HttpRequest, viewer: Viewer, draft: UseRequest | None) -> HttpResponse:
    """Save what was written; hand it in when that was asked and nothing is missing."""
    is_submitted = request.POST.get("act") == "submit"
    form = RequestForm(
        request.POST, may_ask_for_unit=_may_ask_for_unit(viewer), draft=not is_submitted
    )
    chosen = [number(text) for text in request.POST.getlist("record")[: drafting.MOST_RECORDS]]
    if not form.is_valid():
        return _show(request, form, viewer, chosen, draft)
    now = timezone.now()
    said = {key: _clean(value) for key, value in form.cleaned_data.items()}
    asked = Asked(**{**said, "uses": tuple(said["uses"]), "record_ids": tuple(chosen)})
    kept = drafting.save_draft(asked, by=viewer.name, now=now, draft_id=draft.pk if draft else None)
    are_kept = _keep_papers(request, kept, viewer)
    if is_submitted and are_kept:
        try:
            done = drafting.submit(kept.pk, by=viewer.name, now=now)
        except StepRefused as refused:
            say_refusal(request, refused)
            return redirect("exchange:draft", kept.pk)
        messages.success(request, _("已提交，编号 {number}").format(number=done.number))
        return redirect("exchange:request", done.number)
    messages.success(request, _("草稿已保存"))
    return redirect("exchange:draft", kept.pk)


def _clean(value: Any) -> Any:
    return value.replace("\0", "") if isinstance(value, str) else value


def _keep_papers(request: HttpRequest, draft: UseRequest, viewer: Viewer) -> bool:
    sent, fine = request.FILES.getlist("papers"), True
    for file in sent:
        too_large = (file.size or 0) > drafting.PAPER_BYTES
        content = b"x" * (drafting.PAPER_BYTES + 1) if too_large else file.read()
        try:
            drafting.attach(
                draft.pk, str(file.name), content, by=viewer.name, now=timezone.now()
            )  # fmt: skip
        except PaperRefused as refused:
            fine = False
            messages.error(request, f"{file.name}：{_paper_words(refused.reason)}")
    return fine


def _paper_words(reason: str) -> str:
    return {
        "too-many": _("材料已满 {n} 份").format(n=drafting.MOST_PAPERS),
        "too-large": _("超过 {n} MB").format(n=drafting.PAPER_BYTES // 1024**2),
        "empty": _("是空文件"),
        "kind": _("只收 PDF、JPEG、PNG"),
        "virus": _("病毒检测未通过"),
    }.get(reason, reason)


@require_POST
@open_to(ASK)
def drop_paper(request: HttpRequest, draft_id: int, paper_id: int) -> HttpResponse:
    """Take a paper out of the own draft."""
    draft = draft_by_id(draft_id, viewer=viewer_of(request))
    if draft is None or not draft.attachments.filter(pk=paper_id).exists():
        raise Http404
    drafting.detach(draft.pk, paper_id, by=viewer_of(request).name, now=timezone.now())
    return redirect("exchange:draft", draft.pk)


@require_safe
@open_to(SEE_OWN)
def send_paper(request: HttpRequest, request_id: int, paper_id: int) -> HttpResponse:
    """A paper as a download, never shown inline: to the asker and to those who decide."""
    viewer = viewer_of(request)
    row = visible(viewer).filter(pk=request_id).first()
    if row is None or not may_open_papers(row, viewer):
        raise Http404
    paper = row.attachments.filter(pk=paper_id).first()
    if paper is None:
        raise Http404
    record_act(
        "open_paper", by=viewer.name, now=timezone.now(), object=object_of(row),
        facts={"sha256": paper.sha256},
    )  # fmt: skip
    answer = HttpResponse(bytes(paper.content), content_type="application/octet-stream")
    answer["Content-Disposition"] = (
        content_disposition_header(as_attachment=True, filename=safe_name(paper.name)) or ""
    )
    answer["Content-Security-Policy"] = "default-src 'none'; sandbox"
    answer["Cache-Control"] = "private, no-store"
    return answer


# Basket -----------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@open_to(ASK)
def show_basket(request: HttpRequest) -> HttpResponse:
    """The records that were set aside; a POST puts in, takes out or empties."""
    viewer, now = viewer_of(request), timezone.now()
    if request.method == "POST":
        _change_basket(request, viewer)
        return redirect(way_back(request, "/exchange/basket/"))
    rows = basket_of(viewer, today=today_number(now))
    return render(request, "exchange/basket.html", {"records": rows})


def _change_basket(request: HttpRequest, viewer: Viewer) -> None:
    ids = [number(text) for text in request.POST.getlist("record")[: basket.MOST]]
    act = request.POST.get("act")
    if act == "empty":
        basket.empty(by=viewer.name)
        return
    if act == "out":
        basket.take_out(ids, by=viewer.name)
        return
    try:
        count = basket.put_in(ids, by=viewer.name, now=timezone.now())
    except basket.BasketFull:
        messages.warning(request, _("查档篮最多放 {n} 件").format(n=basket.MOST))
        return
    messages.success(request, _("已放入查档篮 {n} 件").format(n=count))
