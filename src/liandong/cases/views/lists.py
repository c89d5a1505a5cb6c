"""Lists of cases: what waits for me, all that I may see, the acceptance desk, the flow."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from liandong.base.gates import open_to
from liandong.base.params import number, words
from liandong.base.viewers import viewer_of
from liandong.cases import wording
from liandong.cases.models import Case
from liandong.cases.policies import BULK, EVALUATE, FIELD, IMPORT, LIST, TRIAGE, is_staff
from liandong.cases.queries.cases import (
    PAGE,
    Filters,
    duties_for,
    inbox,
    lead_units,
    listed,
    saved_views,
    table_rows,
    waiting,
    whole_rows,
)
from liandong.kernel import catalog
from liandong.kernel.casework import STATE, flow_of, kinds

from .case import case_context


@require_safe
@open_to(LIST)
def show_cases(request: HttpRequest) -> HttpResponse:
    """What waits for this person, and below it every case that the filters of the address leave."""
    viewer, now = viewer_of(request), timezone.now()
    asked = {name: words(request.GET.get(name)) for name in ("state", "kind", "category", "unit")}
    said, late = words(request.GET.get("q")), words(request.GET.get("late"))
    filters = Filters(**asked, words=said, late=late)
    rows = listed(filters, viewer=viewer, now=now, before=number(request.GET.get("after")))
    is_plain = filters == Filters() and not request.GET.get("after")
    query = _without(request)
    views = saved_views(request.user.pk)
    context = {
        "waiting": [row_of(one, now) for one in table_rows(waiting(viewer))] if is_plain else [],
        "query": query,
        "views": views,
        "saved": next((one for one in views if one.query == query), None),
        "choose": "bulk" if BULK.may(viewer) else "",
        "rows": [row_of(one, now) for one in rows[:PAGE]],
        "after": rows[PAGE - 1].pk if len(rows) > PAGE else "",
        "filters": filters,
        "states": [(one, wording.state_word(one)) for one in _states()],
        "kinds": [(code, wording.kind_word(code)) for code in kinds()],
        "units": lead_units(),
        "is_staff": is_staff(viewer),
        "may_triage": TRIAGE.may(viewer),
        "may_import": IMPORT.may(viewer),
        "may_evaluate": EVALUATE.may(viewer),
        "may_go_out": FIELD.may(viewer),
        "chips": _chips(request, filters),
    }
    return render(request, "cases/cases.html", context)


def _states() -> list[str]:
    rows = catalog.rows("case_states")
    return [row["code"] for row in rows if row["axis"] == STATE and row["code"] != "draft"]


def _chips(request: HttpRequest, filters: Filters) -> list[dict[str, str]]:
    shown = [
        ("state", _("状态"), wording.state_word(filters.state)),
        ("kind", _("种类"), wording.kind_word(filters.kind)),
        ("category", _("类别"), wording.category_word(filters.category)),
        ("unit", _("主办单位"), filters.unit),
        ("q", _("词语"), filters.words),
        ("late", _("时限"), _("已超期") if filters.late else ""),
    ]
    return [
        {"label": label, "value": str(value), "url": f"?{_without(request, name)}"}
        for name, label, value in shown
        if value
    ]


def _without(request: HttpRequest, name: str = "") -> str:
    """The conditions of the address but this one, without those that are empty."""
    kept = request.GET.copy()
    for one in (name, "after", *(key for key, value in request.GET.items() if not value)):
        kept.pop(one, None)
    return kept.urlencode()


def row_of(one: Case, now: Any) -> dict[str, Any]:
    """A case as a row of a table."""
    return {
        "case": one,
        "number": one.number,
        "url": f"/cases/{one.number}/",
        "kind": wording.kind_word(one.kind),
        "state": wording.state_word(one.state),
        "tone": wording.TONES.get(one.state, "idle"),
        "category": wording.category_word(one.category),
        "late": one.due_at is not None and one.due_at < now,
    }


@require_safe
@open_to(TRIAGE)
def show_inbox(request: HttpRequest) -> HttpResponse:
    """The acceptance desk: one case open, the others beside it, one key per decision."""
    viewer, now = viewer_of(request), timezone.now()
    rows = table_rows(inbox(viewer))
    if not rows:
        return render(request, "cases/inbox.html", {"rows": [], "current": None})
    chosen = next((one for one in rows if one.number == request.GET.get("case")), rows[0])
    (current,) = whole_rows([chosen.pk])
    context = {
        "rows": [row_of(one, now) for one in rows],
        "current": current,
        "duties": duties_for(current),
        "next": _after(rows, current),
        **case_context(request, current),
    }
    return render(request, "cases/inbox.html", context)


def _after(rows: list[Case], current: Case) -> str:
    at = rows.index(current)
    return rows[at + 1].number if at + 1 < len(rows) else ""


@require_safe
@open_to(LIST)
def show_flow(request: HttpRequest, kind: str) -> HttpResponse:
    """The flow table of a kind, as the engine obeys it."""
    if kind not in kinds():
        raise Http404
    flow = flow_of(kind)
    rows = [
        {
            "axis": move.axis,
            "source": wording.state_word(move.source, move.axis),
            "action": wording.move_word(move),
            "target": wording.state_word(move.target, move.axis),
            "actors": [wording.ROLE_WORDS.get(one, one) for one in sorted(move.actors)],
            "needs": [wording.need_word(one) for one in flow.needs(move)],
            "guards": [wording.GUARD_WORDS.get(one, one) for one in sorted(move.guards)],
        }
        for move in flow.moves
    ]
    context = {
        "rows": rows,
        "kind": wording.kind_word(kind),
        "code": kind,
        "kinds": [(code, wording.kind_word(code)) for code in kinds()],
    }
    return render(request, "cases/flow.html", context)
