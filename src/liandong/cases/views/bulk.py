"""Acts on many cases (批量): choose, say, look at what would happen, then each by itself.

A step that asks for a photo is not offered: a photo is of one place.  Views kept as tabs are here
too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from liandong.base.gates import open_to
from liandong.base.models import Account
from liandong.base.params import number as whole
from liandong.base.params import way_back, words
from liandong.base.viewers import viewer_of
from liandong.cases import wording
from liandong.cases.models import Case
from liandong.cases.policies import BULK, LIST, Bearer
from liandong.cases.queries.cases import open_moves, seen_case
from liandong.cases.services import saving
from liandong.cases.services.stepping import Given, Stale, take_step
from liandong.kernel.casework import STATE, Move
from liandong.kernel.flows import StepRefused

from .case import said_in, step_of

MOST: Final = 50  # cases at once: a page of the list
_NOT_MANY: Final = frozenset({"proof", "place", "parent"})  # needs that are of one case alone


@dataclass(frozen=True, slots=True)
class _Chosen:
    """A case and the steps that this person may take on it together with others."""

    case: Case
    moves: dict[str, Move]


@require_POST
@open_to(BULK)
def act(request: HttpRequest) -> HttpResponse:
    """Without an action: the steps to choose from; with one: what would happen; with `go`: it."""
    chosen = _chosen(request)
    back = way_back(request, "/cases/")
    if not chosen:
        messages.error(request, _("没有选中事项。"))
        return redirect(back)
    action = request.POST.get("action", "")
    context: dict[str, Any] = {
        "back": back,
        "crumbs": [(_("事项"), "/cases/"), (_("批量办理"), "")],
        "rows": [_row(one, action) for one in chosen],
        "action": action,
        "word": wording.action_word(action),
        "said": list(said_in(request).items()),
        "said_words": [(wording.need_word(k), v) for k, v in said_in(request).items()],
    }
    if not action:
        context["steps"] = _steps(chosen)
    elif request.POST.get("go"):
        context["outcomes"] = [_outcome(request, one, action) for one in chosen]
    context["fit"] = sum(action in one.moves for one in chosen)
    return render(request, "cases/bulk.html", context)


def _chosen(request: HttpRequest) -> list[_Chosen]:
    viewer, now = viewer_of(request), timezone.now()
    numbers = list(dict.fromkeys(request.POST.getlist("case")))[:MOST]
    found = [case for one in numbers if (case := seen_case(one, viewer=viewer))]
    return [_Chosen(case, _moves(case, Bearer(viewer), now)) for case in found]


def _moves(case: Case, bearer: Bearer, now: Any) -> dict[str, Move]:
    return {
        one.action: one for one in open_moves(case, bearer, now=now)
        if one.axis == STATE and not _NOT_MANY & set(one.needs)
    }  # fmt: skip


def _steps(chosen: Sequence[_Chosen]) -> list[dict[str, Any]]:
    """Each step that one of them is open to, with how many of them are."""
    first: dict[str, _Chosen] = {}
    for one in chosen:
        for action in one.moves:
            first.setdefault(action, one)
    return [
        {
            **step_of(one.case, one.moves[action]),
            "count": sum(action in other.moves for other in chosen),
        }
        for action, one in first.items()
    ]


def _row(one: _Chosen, action: str) -> dict[str, Any]:
    return {
        "case": one.case,
        "state": wording.state_word(one.case.state),
        "tone": wording.TONES.get(one.case.state, "idle"),
        "fits": action in one.moves,
        "after": wording.state_word(one.moves[action].target) if action in one.moves else "",
    }


def _outcome(request: HttpRequest, one: _Chosen, action: str) -> dict[str, Any]:
    """Take the step on one case, by the version that the preview showed; how it went."""
    seen = whole(request.POST.get(f"seen_{one.case.number}"), default=one.case.last)
    told = {"case": one.case, "done": False}
    if action not in one.moves:
        return {**told, "words": str(wording.REFUSAL_WORDS["wrong-state"])}
    try:
        done = take_step(
            one.case.pk, action, by=Bearer(viewer_of(request)), now=timezone.now(),
            given=Given(said_in(request)), seen=seen,
        )  # fmt: skip
    except Stale:
        return {**told, "words": _("别人刚刚办理了这个事项，请看过最新情况再办。")}
    except StepRefused as refused:
        return {**told, "words": wording.refusal_words(refused.reason, refused.detail)}
    return {**told, "done": True, "words": wording.state_word(done.state)}


# Views kept as tabs -------------------------------------------------------------------------------

_CONDITIONS: Final = ("q", "state", "kind", "category", "unit", "late")


@require_POST
@open_to(LIST)
def save_view(request: HttpRequest) -> HttpResponse:
    """Keep the conditions of the list as a tab."""
    asked = QueryDict(words(request.POST.get("query")))
    kept = [(name, value) for name, value in asked.items() if name in _CONDITIONS and value]
    query = urlencode(kept)
    account = request.user
    try:
        if isinstance(account, Account):
            saving.keep_view(
                account, words(request.POST.get("name")), query, now=timezone.now()
            )  # fmt: skip
    except ValueError:
        messages.error(request, _("视图要有名称和至少一个条件。"))
    except saving.TooManyViews:
        messages.error(request, _("视图最多 {most} 个，请先删除一个。").format(
            most=saving.MOST_VIEWS
        ))  # fmt: skip
    return redirect(f"/cases/?{query}")


@require_POST
@open_to(LIST)
def forget_view(request: HttpRequest, key: int) -> HttpResponse:
    """Take a tab away."""
    if isinstance(request.user, Account):
        saving.forget_view(request.user, key)
    return redirect("/cases/")
