"""Inspection (核查): the photos before and after on each other, and the verdict as two forms."""

from itertools import zip_longest

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from liandong.base.gates import open_to
from liandong.base.viewers import viewer_of
from liandong.cases import wording
from liandong.cases.flow import is_independent
from liandong.cases.models import Case, Evidence
from liandong.cases.policies import INSPECT, Bearer
from liandong.cases.queries.cases import open_moves
from liandong.cases.queries.situations import situation_of

from .case import case_context, case_or_404, step_of

VERDICTS = ("pass", "fail")


@require_safe
@open_to(INSPECT)
def show_inspection(request: HttpRequest, number: str) -> HttpResponse:
    """What was reported and what was done, beside each other; who may not inspect reads why."""
    case, now = case_or_404(request, number), timezone.now()
    bearer = Bearer(viewer_of(request))
    moves = [one for one in open_moves(case, bearer, now=now) if one.action in VERDICTS]
    whole = case_context(request, case)
    context = {
        **whole,
        "crumbs": [(_("事项"), "/cases/"), (number, f"/cases/{number}/"), (_("核查"), "")],
        "steps": [step_of(case, move) for move in moves],
        "pairs": _pairs(whole["photos"]),
        "reply": _reply(case),
        "why_not": "" if moves else _why_not(case, bearer),
    }
    return render(request, "cases/inspect.html", context)


def _pairs(photos: dict[str, list[Evidence]]) -> list[tuple[Evidence | None, Evidence | None]]:
    """Photos before and after in the order they were taken; None where one side has fewer."""
    return list(zip_longest(photos["before"], photos["after"]))


def _reply(case: Case) -> dict[str, str]:
    """What the handling unit said at the end of this round."""
    rows = case.events.filter(action__in=["hand_in", "solve_on_site"], round=case.round)
    event = rows.select_related("words").order_by("-number").first()
    words = getattr(event, "words", None)
    text = words.said.get("reply", "") if words and words.erased_at is None else ""
    return {"text": text, "outcome": wording.outcome_word(case.outcome)}


def _why_not(case: Case, bearer: Bearer) -> str:
    if case.state != "inspecting":
        state = wording.state_word(case.state)
        return _("事项现在是“{state}”，不在核查中。").format(state=state)
    if not is_independent(situation_of(case, bearer, {}, now=timezone.now())):
        return str(wording.GUARD_WORDS["inspector_independent"])
    return str(wording.REFUSAL_WORDS["wrong-role"])
