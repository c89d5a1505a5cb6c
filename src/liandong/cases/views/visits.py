"""Visits (走访): the list, one visit with its items, recording one, the plan and its coverage."""

from datetime import date
from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from liandong.base.gates import open_to, refuse
from liandong.base.models import Unit, UnitKind
from liandong.base.params import number, words
from liandong.base.viewers import viewer_of
from liandong.cases import portal_wording, wording
from liandong.cases.models import Visit, VisitItem, VisitPlan
from liandong.cases.policies import SETTLE, VISIT, Bearer
from liandong.cases.queries import portal
from liandong.cases.queries import visits as queries
from liandong.cases.queries.cases import PAGE
from liandong.cases.queries.enterprises import items_of, plans_of, seen_cases
from liandong.cases.services.opening import BadReport
from liandong.cases.services.visits import (
    BadVisit,
    Noted,
    drop_plan,
    kinds_for,
    open_from_item,
    plan_visits,
    record_visit,
    settle_item,
)
from liandong.kernel.casework import kinds

from .enterprises import item_row

LONGEST = 8000  # characters of a list of needs


@require_safe
@open_to(VISIT)
def show_visits(request: HttpRequest) -> HttpResponse:
    """Visits of all units, the newest first; `?unit=`, `?enterprise=`, `?open=1` narrow."""
    viewer = viewer_of(request)
    asked = {name: words(request.GET.get(name)) for name in ("unit", "enterprise")}
    is_open = bool(request.GET.get("open"))
    rows = queries.listed_visits(
        **asked, is_open=is_open, before=number(request.GET.get("after"))
    )  # fmt: skip
    now_planned = queries.plans(unit=viewer.unit, on=timezone.localdate())
    context = {
        "rows": rows[:PAGE],
        "after": rows[PAGE - 1].pk if len(rows) > PAGE else "",
        "asked": asked,
        "is_open": is_open,
        "own": viewer.unit,
        "coverage": queries.coverage(now_planned),
    }
    return render(request, "cases/visits.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@open_to(VISIT)
def show_new(request: HttpRequest) -> HttpResponse:
    """Record a visit on one page; every line of a list is an item."""
    said = {name: request.POST.get(name, "").replace("\0", "")[:LONGEST] for name in _FIELDS}
    faults: list[dict[str, str]] = []
    if request.method == "POST":
        try:
            visit = record_visit(_noted(said), by=Bearer(viewer_of(request)), now=timezone.now())
        except BadVisit as bad:
            faults = portal_wording.fault_lines(bad.faults)
        else:
            messages.success(request, _("走访已记录。下面逐条写明怎样处理。"))
            return redirect("cases:visit", visit.pk)
    else:
        said |= {"enterprise": words(request.GET.get("enterprise")), "uuid": str(uuid4()),
                 "visited_on": timezone.localdate().isoformat()}  # fmt: skip
    context = {
        "crumbs": [(_("走访"), "/visits/"), (_("记录走访"), "")],
        "said": said,
        "faults": faults,
        "bad": {one["name"]: one["text"] for one in faults},
        "enterprises": _enterprises(),
        "today": timezone.localdate(),
    }
    return render(request, "cases/newvisit.html", context, status=422 if faults else 200)


_FIELDS = (
    "uuid", "enterprise", "visited_on", "companions", "needs", "employee_needs", "note",
)  # fmt: skip


def _noted(said: dict[str, str]) -> Noted:
    try:
        uuid = UUID(said["uuid"])
    except ValueError:
        uuid = uuid4()
    return Noted(
        uuid, said["enterprise"], _day(said["visited_on"]), companions=said["companions"],
        note=said["note"], needs=said["needs"].splitlines(),
        employee_needs=said["employee_needs"].splitlines(),
    )  # fmt: skip


def _day(text: str) -> date | None:
    try:
        return parse_date(text)
    except ValueError:
        return None


def _enterprises() -> Any:
    return Unit.objects.filter(kind=UnitKind.ENTERPRISE, closed_at__isnull=True)


# One visit ----------------------------------------------------------------------------------------


def _visit(visit_id: int) -> Visit:
    visit = queries.visit_by_id(visit_id)
    if visit is None:
        raise Http404
    return visit


@require_safe
@open_to(VISIT)
def show_visit(request: HttpRequest, visit_id: int) -> HttpResponse:
    """One visit: who came, what was said, and what becomes of each item."""
    return _page(request, _visit(visit_id))


def _page(
    request: HttpRequest, visit: Visit, item: int = 0, faults: list[dict[str, str]] | None = None
) -> HttpResponse:
    viewer = viewer_of(request)
    may_settle = viewer.unit == visit.unit.code
    items = items_of(visit, viewer=viewer)
    seen = seen_cases(items, viewer=viewer)
    rows = [
        {
            **item_row(one, seen),
            "kinds": [_choice(visit, one, code) for code in kinds_for(one.party)],
            "faults": faults if one.number == item else [],
        }
        for one in items
    ]
    context = {
        "visit": visit,
        "crumbs": [(_("走访"), "/visits/"), (str(visit.enterprise), "")],
        "rows": rows,
        "may_settle": may_settle,
        "settled": [
            (code, word) for code, word in VisitItem.Became.choices if code != "case"
        ],
        "others": plans_of(visit.enterprise, today=timezone.localdate()),
        "said": request.POST,
    }  # fmt: skip
    return render(request, "cases/visit.html", context, status=422 if faults else 200)


def _choice(visit: Visit, item: VisitItem, code: str) -> dict[str, Any]:
    """A kind that an item may become: its fields besides the text, and who will see the case."""
    kind = kinds()[code]
    firm = visit.enterprise if item.party == VisitItem.Party.ENTERPRISE else None
    return {
        "code": code,
        "word": wording.kind_word(code),
        "fields": _fields(item, code),
        "seers": portal_wording.seer_lines(portal.seers(kind, firm)),
    }


def _fields(item: VisitItem, code: str) -> list[dict[str, Any]]:
    """What a kind asks besides the words of the item; never the employer: it is known here."""
    asked = kinds()[code].fields if code in kinds() else ()
    return [
        {"code": one.code, "label": wording.field_word(code, one.code), "required": one.required,
         "value": item.text[:40] if one.code == "title" else ""}
        for one in asked
        if one.code not in {"text", "employer"} and (one.required or one.private)
    ]  # fmt: skip


@require_POST
@open_to(SETTLE)
def settle(request: HttpRequest, visit_id: int, item: int) -> HttpResponse:
    """Say what becomes of an item: solved, information, or a case."""
    visit, viewer, now = _visit(visit_id), viewer_of(request), timezone.now()
    if viewer.unit != visit.unit.code:
        refuse(request)
    row = queries.item_of(visit, item)
    if row is None:
        raise Http404
    became, kind = words(request.POST.get("became")), words(request.POST.get("kind"))
    try:
        if became == VisitItem.Became.CASE:
            form = {
                name.removeprefix("field_"): request.POST[name].replace("\0", "")
                for name in request.POST if name.startswith("field_")
            }  # fmt: skip
            case = open_from_item(row.pk, kind, form, by=Bearer(viewer), now=now)
            messages.success(request, _("已转为事项 {number}。").format(number=case.number))
        else:
            settle_item(row.pk, became, by=viewer.name, now=now)
            messages.success(request, _("第 {number} 条已更新。").format(number=row.number))
    except BadVisit as bad:
        return _page(request, visit, item, portal_wording.fault_lines(bad.faults))
    except BadReport as bad:
        names = {field["code"]: field["label"] for field in _fields(row, kind)}
        return _page(request, visit, item, portal_wording.fault_lines(bad.faults, names))
    return redirect("cases:visit", visit.pk)


# Plans --------------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@open_to(VISIT)
def show_plan(request: HttpRequest) -> HttpResponse:
    """Plans with their coverage; planning shows who else means to come in that time.

    `?all=1`: of all units; `?done=yes|no`: only those that were made or were not.
    """
    viewer, today = viewer_of(request), timezone.localdate()
    faults: list[dict[str, str]] = []
    said = {name: words(request.POST.get(name)) for name in ("starts_on", "ends_on")}
    chosen = request.POST.getlist("enterprise")[:200]
    if request.method == "POST":
        try:
            made = plan_visits(
                [words(one) for one in chosen], starts_on=_day(said["starts_on"]),
                ends_on=_day(said["ends_on"]), by=Bearer(viewer), now=timezone.now(),
            )  # fmt: skip
        except BadVisit as bad:
            names = {one.code: one.name for one in _enterprises().filter(code__in=chosen)}
            faults = portal_wording.fault_lines(bad.faults, names)
        else:
            messages.success(request, _("已计划走访 {n} 家企业。").format(n=len(made)))
            return redirect("cases:plan")
    else:
        said = {"starts_on": words(request.GET.get("from")) or f"{today.replace(day=1)}",
                "ends_on": words(request.GET.get("until")) or f"{_quarter_end(today)}"}  # fmt: skip
    is_all, done = bool(request.GET.get("all")), words(request.GET.get("done"))
    rows = queries.plans(unit="" if is_all else viewer.unit)
    coverage = queries.coverage(rows)
    if done in {"yes", "no"}:
        rows = queries.only_made(rows, made=done == "yes")
    starts, ends = _day(said["starts_on"]) or today, _day(said["ends_on"]) or today
    context = {
        "crumbs": [(_("走访"), "/visits/"), (_("走访计划"), "")],
        "rows": [_plan_row(one, viewer.unit, today) for one in rows[:500]],
        "coverage": coverage,
        "is_all": is_all,
        "done": done,
        "said": said,
        "chosen": chosen,
        "faults": faults,
        "bad": {one["name"]: one["text"] for one in faults},
        "enterprises": queries.plan_choices(starts_on=starts, ends_on=ends, by=viewer.unit),
    }
    return render(request, "cases/plan.html", context, status=422 if faults else 200)


def _plan_row(plan: VisitPlan, own: str, today: date) -> dict[str, Any]:
    is_made = bool(getattr(plan, "is_made", False))
    if is_made:
        word, tone = _("已走访"), "done"
    elif plan.ends_on < today:
        word, tone = _("逾期未走访"), "failed"
    else:
        word, tone = _("待走访"), "decide"
    return {"plan": plan, "word": word, "tone": tone, "is_made": is_made,
            "is_own": plan.unit.code == own}  # fmt: skip


def _quarter_end(today: date) -> date:
    month = (today.month - 1) // 3 * 3 + 3
    return date(today.year, month, 31 if month in {3, 12} else 30)


@require_POST
@open_to(SETTLE)
def drop(request: HttpRequest, plan_id: int) -> HttpResponse:
    """Take a plan of the own unit back."""
    viewer = viewer_of(request)
    plan = VisitPlan.objects.select_related("unit").filter(pk=plan_id).first()
    if plan is None:
        raise Http404
    if plan.unit.code != viewer.unit:
        refuse(request)
    drop_plan(plan.pk, by=viewer.name, now=timezone.now())
    messages.success(request, _("计划已撤回。"))
    return redirect("cases:plan")
