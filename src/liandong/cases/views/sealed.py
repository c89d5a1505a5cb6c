"""What is sealed of a case, opened for a reason that is kept: contact data, photos as sent."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from liandong.base.gates import open_to, refuse
from liandong.base.params import words
from liandong.base.viewers import may, viewer_of
from liandong.cases import wording
from liandong.cases.models import Case
from liandong.cases.policies import REACH, UNCOVER, may_reach
from liandong.cases.services.opening_sealed import NoReason, open_contact, open_original
from liandong.kernel.sealed import CannotOpen

from .case import case_or_404


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@open_to(REACH)
def show_contact(request: HttpRequest, number: str) -> HttpResponse:
    """Ask for a reason; then the contact data, once, on the answer to the form."""
    case, viewer = case_or_404(request, number), viewer_of(request)
    if not may(may_reach(viewer), case):
        refuse(request)
    facts: list[dict[str, str]] = []
    if request.method == "POST" and case.contact is not None:
        why = words(request.POST.get("why"))
        try:
            found = open_contact(case, why=why, by=viewer.name, now=timezone.now())
        except NoReason:
            messages.error(request, _("请写明为什么要看。"))
        except CannotOpen:
            messages.error(request, _("密钥已销毁或取不到，打不开。"))
        else:
            facts = [{"label": _label(case, name), "value": text} for name, text in found.items()]
    context = {"facts": facts, "has_contact": case.contact is not None}
    return render(request, "cases/contact.html", _context(case, _("联系方式")) | context)


def _label(case: Case, name: str) -> str:
    known = {"name": _("姓名"), "phone": _("电话"), "email": _("邮箱")}
    return known.get(name) or wording.field_word(case.kind, name)


def _context(case: Case, last: str) -> dict[str, Any]:
    number = case.number
    return {
        "case": case,
        "crumbs": [(_("事项"), "/cases/"), (number, f"/cases/{number}/"), (last, "")],
    }


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@open_to(UNCOVER)
def show_original(request: HttpRequest, number: str, photo: UUID) -> HttpResponse:
    """Ask for a reason; then the photo as it was sent, as a file."""
    case = case_or_404(request, number)
    one = case.evidence.filter(uuid=photo, event__isnull=False).first()
    if one is None:
        raise Http404
    if request.method == "POST":
        why, by = words(request.POST.get("why")), viewer_of(request).name
        try:
            content = open_original(one, why=why, by=by, now=timezone.now())
        except NoReason:
            messages.error(request, _("请写明为什么要看。"))
        except (FileNotFoundError, CannotOpen):
            messages.error(request, _("原样照片已按期删除，或密钥取不到。"))
        else:
            answer = HttpResponse(content, content_type="application/octet-stream")
            answer["Content-Disposition"] = f'attachment; filename="{one.uuid}.original"'
            return answer
    context = _context(case, _("原样照片")) | {"one": one}
    return render(request, "cases/original.html", context)
