"""What anybody may read of a case: words that a person read and let out."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from liandong.base.gates import open_to
from liandong.base.viewers import viewer_of
from liandong.cases.policies import PUBLISH
from liandong.cases.services.publishing import (
    LONGEST,
    proposed_words,
    publish_words,
    withdraw_words,
)  # fmt: skip

from .case import case_or_404


@require_http_methods(["GET", "HEAD", "POST"])
@open_to(PUBLISH)
def show(request: HttpRequest, number: str) -> HttpResponse:
    """What was written beside what may be read; a POST lets it out or takes it back."""
    case, now = case_or_404(request, number), timezone.now()
    if not case.kind_of.open311:
        raise Http404
    by = viewer_of(request).name
    if request.method == "POST":
        if request.POST.get("act") == "withdraw":
            withdraw_words(case.pk, by=by, now=now)
            messages.success(request, _("已撤回，公众看不到这段文字了。"))
        else:
            words = request.POST.get("words", "").replace("\0", "")
            if publish_words(case.pk, words, by=by, now=now) == words.strip():
                messages.success(request, _("已公开。"))
            else:
                messages.warning(request, _("已公开；其中认出的个人信息已自动遮盖，请再看一遍。"))
        return redirect("cases:publish", number)
    context = {
        "case": case,
        "crumbs": [(_("事项"), "/cases/"), (number, f"/cases/{number}/"), (_("公开文字"), "")],
        "words": case.public_text if case.is_public else proposed_words(case, now=now),
        "longest": LONGEST,
    }
    return render(request, "cases/publish.html", context)
