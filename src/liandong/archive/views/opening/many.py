"""Many reviews at once: first what would come of each, then what came of each."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from liandong.archive.models import Verdict
from liandong.archive.policies import SAY_ON_OPENING
from liandong.archive.queries import opening as reads
from liandong.archive.services.opening.batching import Outcome, decide_many, preview
from liandong.archive.services.opening.taking import Choice
from liandong.archive.viewers import viewer_of
from liandong.base.gates import open_to
from liandong.base.params import number, words

from .wording import ground_word, refused_words, state_word, verdict_word

MOST = 500  # reviews of one batch


@require_POST
@open_to(SAY_ON_OPENING)
def decide_batch(request: HttpRequest) -> HttpResponse:
    """Say the same of each review chosen; the first time it only shows what would come of it."""
    viewer = viewer_of(request)
    asked = [number(text) for text in request.POST.getlist("review")[:MOST]]
    ids = list(reads.visible_reviews(viewer).filter(pk__in=asked).order_by("pk")
               .values_list("pk", flat=True))  # fmt: skip
    if not ids:
        messages.warning(request, _("没有选中任何一件"))
        return redirect(f"{reverse('archive:opening_reviews')}?mine=1")
    choice = _choice(request)
    sure = "sure" in request.POST
    if sure:
        outcomes = decide_many(ids, choice, by=viewer.name, now=timezone.now())
    else:
        outcomes = preview(ids, choice, by=viewer.name)
    context = {
        "sure": sure,
        "choice": choice,
        "said": verdict_word(choice.verdict) if choice.verdict else _("同意各件的拟办意见"),
        "ground": ground_word(choice.ground),
        "outcomes": [_row(one) for one in outcomes],
        "able": sum(1 for one in outcomes if one.refused is None),
        "crumbs": [
            (_("开放审核"), reverse("archive:opening")),
            (_("批量办理"), ""),
        ],
    }
    return render(request, "archive/opening/batch.html", context)


def _choice(request: HttpRequest) -> Choice:
    verdict = request.POST.get("verdict", "")
    verdict = verdict if verdict in Verdict.values else ""
    ground = words(request.POST.get("ground")) if verdict == Verdict.DELAY else ""
    return Choice(verdict, ground, words(request.POST.get("reason")))


def _row(one: Outcome) -> dict[str, Any]:
    return {
        "review": one.review,
        "record": one.review.record,
        "said": verdict_word(one.verdict),
        "state": state_word(one.state) if one.state else "",
        "why_not": refused_words(one.refused) if one.refused else "",
    }
