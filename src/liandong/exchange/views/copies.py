"""Certified copies: issue, the register, the file, revocation."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from liandong.archive.models import Record
from liandong.archive.queries import pages_of, record_by_code, record_by_id
from liandong.archive.tiles import NoImage
from liandong.archive.viewers import today_of, viewer_of
from liandong.base.gates import open_to
from liandong.base.params import number, words
from liandong.base.signing import notice
from liandong.exchange.models import CertifiedCopy
from liandong.exchange.policies import CERTIFY, HOLD
from liandong.exchange.queries.copies import PAGE, copy_by_number, listed
from liandong.exchange.services import certifying
from liandong.kernel.flows import StepRefused

from .standing import say_refusal


@require_safe
@open_to(HOLD)
def show_copies(request: HttpRequest) -> HttpResponse:
    """The register, newest first."""
    state = words(request.GET.get("state"))
    year = number(request.GET.get("year"))
    rows = listed(
        state=state, year=year if 1900 < year < 9000 else 0,
        before=number(request.GET.get("after")),
    )  # fmt: skip
    shown = rows[:PAGE]
    context = {
        "rows": shown,
        "state": state,
        "after": shown[-1].pk if len(rows) > PAGE else "",
        "notice": notice(),
    }
    return render(request, "exchange/copies.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@open_to(CERTIFY)
def show_new_copy(request: HttpRequest) -> HttpResponse:
    """Choose pages of a record and the application for which they are certified."""
    viewer, today = viewer_of(request), today_of(request)
    record = _record(request)
    source = words(request.POST.get("source") or request.GET.get("source")).strip()
    if request.method == "POST" and record is not None:
        copy = _issue(request, record, source)
        if copy is not None:
            return redirect("exchange:copy", copy.number)
    pages = pages_of(record, viewer=viewer, today=today, limit=500) if record else []
    chosen = {number(text) for text in request.POST.getlist("page")}
    context = {
        "record": record,
        "code": words(request.GET.get("code")),
        "source": source,
        "pages": [(page.number, page.number in chosen) for page in pages if page.width],
        "most": certifying.MOST_PAGES,
        "notice": notice(),
    }
    return render(request, "exchange/newcopy.html", context)


def _record(request: HttpRequest) -> Record | None:
    viewer, today = viewer_of(request), today_of(request)
    pk = number(request.POST.get("record") or request.GET.get("record"))
    if pk:
        found = record_by_id(pk, viewer=viewer, today=today)
        if found is None:
            raise Http404
        return found
    code = words(request.GET.get("code")).strip()
    found = record_by_code(code, viewer=viewer, today=today) if code else None
    if code and found is None:
        messages.error(request, _("没有这个档号：{code}").format(code=code))
    return found


def _issue(request: HttpRequest, record: Record, source: str) -> CertifiedCopy | None:
    pages = [number(text) for text in request.POST.getlist("page")]
    try:
        return certifying.issue(
            record.pk, pages, source=source, by=viewer_of(request).name, now=timezone.now(),
            address=verify_address(request),
        )  # fmt: skip
    except StepRefused as refused:
        say_refusal(request, refused)
    except NoImage:
        messages.error(request, _("所选的页没有图像，不能出证"))
    except OSError:
        messages.error(request, _("签名钥匙现在不能用，没有出证"))
    return None


def verify_address(request: HttpRequest) -> str:
    """The address of the page where codes are checked, as the outside knows it."""
    path = reverse("exchange:verify")
    origins = settings.CSRF_TRUSTED_ORIGINS
    return f"{origins[0]}{path}" if origins else request.build_absolute_uri(path)


def copy_or_404(no: str) -> CertifiedCopy:
    """The copy of this number."""
    copy = copy_by_number(no)
    if copy is None:
        raise Http404
    return copy


@require_safe
@open_to(HOLD)
def show_copy(request: HttpRequest, no: str) -> HttpResponse:
    """One copy: its facts, its file while it is kept, revocation."""
    copy = copy_or_404(no)
    kept = getattr(copy, "kept", None)
    is_kept = kept is not None and kept.keep_until > timezone.now()
    context: dict[str, Any] = {
        "copy": copy,
        "facts": _facts(copy),
        "is_kept": is_kept,
        "keep_until": kept.keep_until if kept else None,
        "notice": copy.facts.get("notice", ""),
    }
    return render(request, "exchange/copy.html", context)


def _facts(copy: CertifiedCopy) -> list[dict[str, Any]]:
    said = copy.facts
    rows = [
        (_("档号"), said["record"]),
        (_("题名"), said["title"]),
        (_("原件页码"), "、".join(str(page) for page in said["pages"])),
        (_("个人信息"), _("已遮盖") if copy.masked else _("未遮盖")),
        (_("申请"), copy.source),
        (_("用途"), said["purpose"]),
        (_("经办"), said["issued_by"]),
        (_("核验码"), copy.code),
        ("SHA-256", copy.sha256),
    ]
    return [{"label": label, "value": value} for label, value in rows]


@require_safe
@open_to(HOLD)
def send_copy(request: HttpRequest, no: str) -> HttpResponse:
    """The sealed PDF, as long as it is kept."""
    copy = copy_or_404(no)
    content = certifying.collect(copy.pk, by=viewer_of(request).name, now=timezone.now())
    if content is None:
        raise Http404
    headers = {
        "Content-Disposition": f'attachment; filename="{copy.number}.pdf"',
        "Cache-Control": "private, no-store",
    }
    return HttpResponse(content, content_type="application/pdf", headers=headers)


@require_POST
@open_to(HOLD)
def revoke_copy(request: HttpRequest, no: str) -> HttpResponse:
    """Say that a copy stands no more."""
    copy = copy_or_404(no)
    try:
        certifying.revoke(
            copy.pk, why=words(request.POST.get("why")), by=viewer_of(request).name,
            now=timezone.now(),
        )  # fmt: skip
    except StepRefused as refused:
        say_refusal(request, refused)
    else:
        messages.success(request, _("已撤销；核验页从现在起会说明"))
    return redirect("exchange:copy", copy.number)
