"""The review queue: extracted values, one key at a time or in bulk above a confidence."""

from http import HTTPStatus

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from liandong.archive.viewers import viewer_of
from liandong.archive.views.wording import method_word
from liandong.base.gates import open_to
from liandong.base.params import number, share, way_back, words
from liandong.intake.models import Batch, Proposal
from liandong.intake.policies import DECIDE
from liandong.intake.queries import (
    PAGE_SIZE,
    field_labels,
    open_proposals,
    proposal_fields,
    visible_batches,
)
from liandong.intake.services.review import (
    AlreadyDecided,
    decide_proposal,
    decide_proposals_above,
    undo_decision,
)

from .batches import page_language

SURE = 0.9


def _cursor(text: str) -> tuple[float, int] | None:
    try:
        confidence, key = text.split("-", 1)
    except ValueError:
        return None
    return share(confidence, 1.0), number(key)


def _chosen_batch(request: HttpRequest) -> Batch | None:
    asked = number(request.GET.get("batch") or request.POST.get("batch"))
    if not asked:
        return None
    return get_object_or_404(visible_batches(viewer_of(request)), pk=asked)


@require_safe
@open_to(DECIDE)
def show_review(request: HttpRequest, kind: str = "fields") -> HttpResponse:
    """Open proposals, surest first."""
    if kind != "fields":
        raise Http404
    viewer, batch = viewer_of(request), _chosen_batch(request)
    field = words(request.GET.get("field"))
    rows = open_proposals(
        viewer, batch=batch, field=field, after=_cursor(request.GET.get("after", ""))
    )
    shown = rows[:PAGE_SIZE]
    labels = field_labels(page_language())
    for row in shown:
        row.label = labels.get(row.field, row.field)  # type: ignore[attr-defined]
        row.way = method_word(row.method)  # type: ignore[attr-defined]
        row.percent = round(row.confidence * 100)  # type: ignore[attr-defined]
    last = shown[-1] if shown else None
    context = {
        "proposals": shown,
        "batch": batch,
        "facets": [
            {
                "name": "field",
                "label": _("字段"),
                "values": [
                    {
                        "value": name,
                        "label": labels.get(name, name),
                        "count": n,
                        "selected": name == field,
                    }
                    for name, n in proposal_fields(viewer, batch)
                ],
            }
        ],
        "after": f"{last.confidence!r}-{last.pk}" if last and len(rows) > PAGE_SIZE else "",
        "sure": SURE,
    }
    return render(request, "intake/review.html", context)


@require_POST
@open_to(DECIDE)
def decide(request: HttpRequest, proposal_id: int) -> HttpResponse:
    """Accept, edit or reject one proposal; htmx gets an empty row back."""
    proposal = get_object_or_404(
        Proposal.objects.filter(item__batch__in=visible_batches(viewer_of(request))), pk=proposal_id
    )
    act = request.POST.get("act", "")
    by, now = viewer_of(request).name, timezone.now()
    try:
        if act == "undo":
            undo_decision(proposal, by=by, now=now)
        else:
            decide_proposal(proposal, act, value=request.POST.get("value", ""), by=by, now=now)
    except AlreadyDecided:
        if request.htmx:  # type: ignore[attr-defined]
            return HttpResponse(status=HTTPStatus.CONFLICT)
        messages.warning(request, _("这一条已经有人处理"))
    except ValueError as error:
        messages.error(request, str(error))
    if request.htmx:  # type: ignore[attr-defined]
        return HttpResponse("")
    return redirect(way_back(request, "/review/"))


@require_POST
@open_to(DECIDE)
def decide_above(request: HttpRequest) -> HttpResponse:
    """Accept everything at or above a confidence in one batch; the first time it only counts."""
    batch = _chosen_batch(request)
    if batch is None:
        raise Http404
    confidence = share(request.POST.get("confidence"), SURE)
    preview = "sure" not in request.POST
    outcome = decide_proposals_above(
        batch, confidence, by=viewer_of(request).name, now=timezone.now(), preview=preview
    )
    if preview:
        labels = field_labels(page_language())
        for row in outcome:
            row.label = labels.get(row.field, row.field)  # type: ignore[attr-defined]
        context = {"batch": batch, "confidence": confidence, "outcome": outcome}
        return render(request, "intake/review_preview.html", context)
    messages.success(request, _("已采纳 {count} 条").format(count=len(outcome)))
    return redirect(f"{reverse('intake:review')}?batch={batch.pk}")
