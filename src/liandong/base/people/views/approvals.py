"""Requests that need a second person: those that wait for me, those that I made or decided."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from liandong.base import approvals
from liandong.base.approvals import ActRefused, NotForYou, NotWaiting
from liandong.base.gates import open_to
from liandong.base.models import Approval, Officer
from liandong.base.params import words
from liandong.base.people.policies import SEE_APPROVALS
from liandong.base.viewers import viewer_of
from liandong.kernel.viewer import Viewer


@never_cache
@require_safe
@open_to(SEE_APPROVALS)
def show_approvals(request: HttpRequest) -> HttpResponse:
    """What waits for my decision, and what I asked for or decided."""
    viewer, now = viewer_of(request), timezone.now()
    context = {
        "waiting": _rows(approvals.approvals(viewer=viewer, now=now)),
        "own": _rows(list(approvals.own_approvals(viewer=viewer))),
        "now": now,
    }
    return render(request, "people/approvals.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@open_to(SEE_APPROVALS)
def show_approval(request: HttpRequest, number: int) -> HttpResponse:
    """One request: what it would change, who asked and why; deciding it, or taking it back."""
    viewer = viewer_of(request)
    approval = _visible(number, viewer)
    told = ""
    if request.method == "POST":
        try:
            told = _act(request, approval, viewer)
        except NotForYou:
            raise Http404 from None
        except NotWaiting:
            messages.error(request, _("该申请已处理或已过期。"))
        approval = _visible(number, viewer)
        if not told:
            return redirect("base:approval", number)
    return render(request, "people/approval.html", _context(approval, viewer, told))


def _act(request: HttpRequest, approval: Approval, viewer: Viewer) -> str:
    """Do what the form says; the words to show once."""
    act, now = request.POST.get("act"), timezone.now()
    if act == "withdraw":
        approvals.withdraw(approval.pk, by=viewer.name, now=now)
        messages.success(request, _("申请已撤回。"))
        return ""
    if act not in {"approve", "refuse"}:
        return ""
    decided, told = approvals.decide(
        approval.pk, approve=act == "approve", answer=words(request.POST.get("answer")),
        by=viewer.name, now=now,
    )  # fmt: skip
    if decided.outcome == Approval.Outcome.FAILED:
        messages.error(request, _("没有执行：{why}").format(why=decided.answer))
    else:
        messages.success(request, str(decided.get_outcome_display()))
    return told


def _context(approval: Approval, viewer: Viewer, told: str) -> dict[str, Any]:
    now, lines, refusal = timezone.now(), [], None
    live = approvals.is_live(approval, now)
    if live:
        try:
            lines = approvals.preview(approval.act, approval.params)
        except ActRefused as found:
            refusal = found.words
    return {
        "approval": approval,
        "name": approvals.act_of(approval.act).name,
        "object": object_words(approval.object),
        "live": live,
        "lines": lines,
        "refusal": refusal,
        "words": told,
        "may_decide": live and approvals.may_decide(approval, viewer),
        "may_withdraw": live and approval.asked_by.username == viewer.name,
        "crumbs": [(_("审批"), "/admin/approvals/"), (str(approval.pk), "")],
    }


def _visible(number: int, viewer: Viewer) -> Approval:
    """The request, when the viewer asked for it, decided it, may decide it or is the auditor."""
    found = (
        Approval.objects.select_related("asked_by__unit", "decided_by").filter(pk=number).first()
    )
    if found is None:
        raise Http404
    people = {found.asked_by.username, found.decided_by.username if found.decided_by else ""}
    mine = viewer.name in people or viewer.officer == Officer.AUDIT
    if not mine and not approvals.may_decide(found, viewer):
        raise Http404
    return found


def _rows(found: list[Approval]) -> list[dict[str, Any]]:
    return [
        {"row": one, "name": approvals.act_of(one.act).name, "object": object_words(one.object)}
        for one in found
    ]


def object_words(text: str) -> str:
    """What an act is about, in words: "account:li" is 账号 li."""
    kind, _sign, name = text.partition(":")
    words_of = {"account": _("账号"), "unit": _("机构")}
    return f"{words_of[kind]} {name}" if kind in words_of else text
