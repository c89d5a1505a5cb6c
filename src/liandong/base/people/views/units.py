"""The organisation tree: units added, renamed and moved by one, closed by two persons."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from liandong.base import approvals
from liandong.base.approvals import ActRefused
from liandong.base.gates import open_to
from liandong.base.models import Unit, UnitKind
from liandong.base.params import words
from liandong.base.people.policies import ASK_RIGHTS, KEEP_UNITS, SEE_UNITS, is_system
from liandong.base.people.queries import open_units, unit_tree
from liandong.base.people.services import units
from liandong.base.viewers import viewer_of


@never_cache
@require_safe
@open_to(SEE_UNITS)
def show_units(request: HttpRequest) -> HttpResponse:
    """The tree, each unit with its open accounts."""
    may_keep = is_system(viewer_of(request))
    context = {
        "rows": unit_tree(), "may_keep": may_keep, "parents": open_units(),
        "kinds": UnitKind.choices,
    }  # fmt: skip
    return render(request, "people/units.html", context)


@require_POST
@open_to(KEEP_UNITS)
def open_new_unit(request: HttpRequest) -> HttpResponse:
    """Add a unit."""
    given = {name: words(request.POST.get(name)).strip() for name in ("code", "name", "parent")}
    try:
        units.open_unit(
            given["code"], given["name"], parent=_parent(given["parent"]),
            kind=words(request.POST.get("kind")) or UnitKind.DEPARTMENT,
            by=viewer_of(request).name, now=timezone.now(),
        )  # fmt: skip
    except ActRefused as refusal:
        messages.error(request, str(refusal.words))
    else:
        messages.success(request, _("已增设机构 {name}").format(name=given["name"]))
    return redirect("base:units")


@never_cache
@require_safe
@open_to(SEE_UNITS)
def show_unit(request: HttpRequest, unit_code: str) -> HttpResponse:
    """One unit and what may be changed about it."""
    unit = _found(unit_code)
    return render(request, "people/unit.html", _context(request, unit))


@never_cache
@require_POST
@open_to(KEEP_UNITS)
def change_unit(request: HttpRequest, unit_code: str) -> HttpResponse:
    """Rename or move a unit: first what will change is shown, then it is done."""
    unit, by, now = _found(unit_code), viewer_of(request).name, timezone.now()
    act = words(request.POST.get("act"))
    name, parent = words(request.POST.get("name")), words(request.POST.get("parent"))
    kind = words(request.POST.get("kind"))
    try:
        doing: dict[str, tuple[str, Callable[[], None]]] = {
            "rename_unit": (
                _("{before} 将改名为 {after}；机构代码 {code} 和档案归属不变。").format(
                    before=unit.name, after=name, code=unit.code
                ),
                lambda: units.rename_unit(unit, name, by=by, now=now),
            ),
            "move_unit": (
                _("{unit} 将由 {before} 之下移到 {after} 之下。").format(
                    unit=unit.name, before=unit.parent or "—", after=_parent(parent) or "—"
                ),
                lambda: units.move_unit(unit, _parent(parent), by=by, now=now),
            ),
            "set_unit_kind": (
                _("{unit} 的性质将由 {before} 改为 {after}。").format(
                    unit=unit.name,
                    before=unit.get_kind_display(),
                    after=dict(UnitKind.choices).get(kind, kind),
                ),
                lambda: units.set_unit_kind(unit, kind, by=by, now=now),
            ),
        }
        if act not in doing:
            return redirect("base:unit", unit_code)
        line, change = doing[act]
        if request.POST.get("sure") != "1":
            hidden = {"act": act, "name": name, "parent": parent, "kind": kind, "sure": "1"}
            context = {**_context(request, unit), "line": line, "hidden": hidden}
            return render(request, "people/sure.html", context)
        change()
    except ActRefused as refusal:
        messages.error(request, str(refusal.words))
    else:
        messages.success(request, _("已修改。"))
    return redirect("base:unit", unit_code)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@open_to(ASK_RIGHTS)
def ask_to_close(request: HttpRequest, unit_code: str) -> HttpResponse:
    """What closing a unit would do, and asking for it."""
    unit = _found(unit_code)
    context: dict[str, Any] = {**_context(request, unit), "name": _("撤销机构"), "hidden": {}}
    try:
        context["lines"] = approvals.preview("close_unit", {"unit": unit_code})
        if request.method == "POST":
            approval = approvals.ask(
                "close_unit", {"unit": unit_code}, why=words(request.POST.get("why")),
                by=viewer_of(request).name, now=timezone.now(),
            )  # fmt: skip
            messages.success(request, _("已提交申请，等另一人审批。"))
            return redirect("base:approval", approval.pk)
    except ActRefused as refusal:
        context["refusal"] = refusal.words
    return render(request, "people/ask.html", context)


def _context(request: HttpRequest, unit: Unit) -> dict[str, Any]:
    return {
        "unit": unit,
        "accounts": unit.accounts.filter(is_active=True),
        "may_keep": is_system(viewer_of(request)) and unit.closed_at is None,
        "parents": [one for one in open_units() if one.pk != unit.pk],
        "kinds": UnitKind.choices,
        "crumbs": [(_("机构"), "/admin/units/"), (unit.name, "")],
    }


def _found(code: str) -> Unit:
    unit = Unit.objects.select_related("parent").filter(code=code.replace("\0", "")).first()
    if unit is None:
        raise Http404
    return unit


def _parent(code: str) -> Unit | None:
    if not code:
        return None
    found = open_units().filter(code=code).first()
    if found is None:
        raise ActRefused(_("没有这个机构。"))
    return found
