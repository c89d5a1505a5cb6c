"""Enterprises: the list with its numbers, and the card of one with its line of time."""

from collections.abc import Collection
from datetime import timedelta
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from liandong.base.gates import open_to
from liandong.base.params import words
from liandong.base.viewers import viewer_of
from liandong.cases import portal_wording, wording
from liandong.cases.models import Case, VisitItem
from liandong.cases.policies import SEE_ENTERPRISE, VISIT
from liandong.cases.queries.cases import PAGE
from liandong.cases.queries.enterprises import (
    Moment,
    cases_of,
    financing_of,
    line_of_time,
    listed_enterprises,
    plans_of,
    seen_cases,
    seen_enterprise,
    visits_of,
)
from liandong.cases.queries.mandates import mandates_of
from liandong.kernel.casework import OVER

from .lists import row_of

FORGOTTEN = timedelta(days=90)  # without a visit


@require_safe
@open_to(SEE_ENTERPRISE)
def show_enterprises(request: HttpRequest) -> HttpResponse:
    """Enterprises whose card this person may see; `?unvisited=1`: not visited for 90 days."""
    viewer, said = viewer_of(request), words(request.GET.get("q"))
    is_unvisited = bool(request.GET.get("unvisited"))
    since = timezone.localdate() - FORGOTTEN if is_unvisited else None
    rows = listed_enterprises(
        viewer, words=said, after=words(request.GET.get("after")), unvisited_since=since
    )
    context = {
        "rows": rows[:PAGE],
        "after": rows[PAGE - 1].code if len(rows) > PAGE else "",
        "words": said,
        "is_unvisited": is_unvisited,
        "days": FORGOTTEN.days,
        "may_visit": VISIT.may(viewer),
    }
    return render(request, "cases/enterprises.html", context)


@require_safe
@open_to(SEE_ENTERPRISE)
def show_enterprise(request: HttpRequest, enterprise: str) -> HttpResponse:
    """The card of one enterprise: `?kind=` and `?open=1` narrow the cases in its line of time."""
    viewer, today, now = viewer_of(request), timezone.localdate(), timezone.now()
    unit = seen_enterprise(enterprise.replace("\0", ""), viewer=viewer)
    if unit is None:
        raise Http404
    visits = visits_of(unit, viewer=viewer, today=today)
    cases = cases_of(unit, viewer=viewer)
    only = {name: words(request.GET.get(name)) for name in ("show", "kind", "open")}
    shown = [one for one in cases if _fits(one, only)]
    line = line_of_time(
        [] if only["show"] == "cases" else visits, [] if only["show"] == "visits" else shown,
        viewer=viewer,
    )  # fmt: skip
    mandates = mandates_of(unit, today=today)
    seen = seen_cases([item for one in line for item in one.items], viewer=viewer)
    context = {
        "enterprise": unit,
        "crumbs": [(_("企业"), "/enterprises/"), (unit.name, "")],
        "numbers": _numbers(visits, cases),
        "financing": financing_of(cases),
        "line": [_moment(one, seen, now) for one in line],
        "visitors": list(dict.fromkeys(one.unit.name for one in visits)),
        "mandates": [(one, portal_wording.scope_word(one.scope)) for one in mandates],
        "plans": plans_of(unit, today=today) if VISIT.may(viewer) else [],
        "may_visit": VISIT.may(viewer),
        "is_staff": VISIT.may(viewer),
        "narrowed": any(only.values()),
    }
    return render(request, "cases/enterprise.html", context)


def _fits(case: Case, only: dict[str, str]) -> bool:
    is_open = case.state not in OVER
    return (not only["kind"] or case.kind == only["kind"]) and (not only["open"] or is_open)


def _numbers(visits: list[Any], cases: list[Case]) -> list[dict[str, Any]]:
    """Counts, each with the address of the rows behind it."""
    found = [
        {"label": _("走访"), "count": len(visits), "query": "show=visits"},
        {"label": _("事项"), "count": len(cases), "query": "show=cases"},
        {"label": _("在办"), "count": sum(one.state not in OVER for one in cases),
         "query": "show=cases&open=1"},
    ]  # fmt: skip
    for kind in dict.fromkeys(one.kind for one in cases):
        count = sum(one.kind == kind for one in cases)
        query = f"show=cases&kind={kind}"
        found.append({"label": wording.kind_word(kind), "count": count, "query": query})
    return found


def _moment(moment: Moment, seen: Collection[int], now: Any) -> dict[str, Any]:
    row = row_of(moment.case, now) if moment.case else {}
    items = [item_row(one, seen) for one in moment.items]
    return {"on": moment.on, "visit": moment.visit, "items": items, **row}


_TONES = {
    VisitItem.Became.OPEN: "decide", VisitItem.Became.ON_SPOT: "done",
    VisitItem.Became.INFORMATION: "note", VisitItem.Became.CASE: "running",
}  # fmt: skip


def item_row(item: VisitItem, seen: Collection[int]) -> dict[str, Any]:
    """An item of a visit as pages show it; its case is a link where it is among the `seen`."""
    case = item.case
    return {
        "may_open": item.case_id in seen,
        "item": item,
        "became": item.get_became_display(),
        "tone": _TONES[VisitItem.Became(item.became)],
        "case": case,
        "case_state": wording.state_word(case.state) if case else "",
        "case_tone": wording.TONES.get(case.state, "idle") if case else "",
    }
