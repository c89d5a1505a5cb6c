"""The enterprise's own pages (企业服务): its list, one demand, its mandates, guides to services."""

from datetime import date
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from liandong.base.gates import ANYONE, open_to
from liandong.base.models import Role, Unit
from liandong.base.params import number as whole
from liandong.base.params import words
from liandong.base.viewers import viewer_of
from liandong.cases import portal_wording, wording
from liandong.cases.forms import PAPERS, steps_of
from liandong.cases.models import Case
from liandong.cases.policies import DEMAND, GIVE_MANDATE, PORTAL
from liandong.cases.queries import portal, tracking
from liandong.cases.queries.cases import PAGE
from liandong.cases.queries.mandates import (
    mandates_for,
    may_raise_for,
    open_chambers,
    own_mandate,
)
from liandong.cases.services.mandates import (
    BadMandate,
    give_mandate,
    mandate_scopes,
    withdraw_mandate,
)
from liandong.kernel.casework import LEDGER, Move, flow_of
from liandong.kernel.clocks import catalogue_policy
from liandong.kernel.viewer import Viewer

from .case import case_or_404, facts_of
from .lists import row_of

CONFIRMING = (5, 4, 3)  # scores that confirm: cases.flow.CONTENT_AT
HANDLING = "T5"


@require_safe
@open_to(PORTAL)
def show_own(request: HttpRequest) -> HttpResponse:
    """What the enterprise, or the members of a chamber, have raised; drafts and mandates."""
    viewer, now = viewer_of(request), timezone.now()
    rows = portal.portal_cases(viewer, before=whole(request.GET.get("after")))
    chambers = portal.raised_by_chambers(rows[:PAGE])
    context = {
        "rows": [{**row_of(one, now), "chamber": chambers.get(one.pk, ""),
                  "ledger": _ledger(one)} for one in rows[:PAGE]],
        "after": rows[PAGE - 1].pk if len(rows) > PAGE else "",
        "drafts": [
            {"draft": one, "kind": wording.kind_word(one.kind)} for one in portal.drafts_of(viewer)
        ],
        "is_chamber": Role.CHAMBER in viewer.roles,
        "may_give": GIVE_MANDATE.may(viewer),
        "mandates": _mandate_rows(viewer),
        "members": may_raise_for(viewer),
    }  # fmt: skip
    return render(request, "cases/biz.html", context)


def _ledger(case: Case) -> str:
    return wording.state_word(case.ledger, LEDGER) if case.ledger != "none" else ""


def _mandate_rows(viewer: Viewer) -> list[dict[str, Any]]:
    today = timezone.localdate()
    return [
        {
            "mandate": one, "scope": portal_wording.scope_word(one.scope),
            "is_live": one.is_live(today), "is_own": one.enterprise.code == viewer.unit,
            "word": portal_wording.mandate_word(one, today),
        }
        for one in mandates_for(viewer, today=today)
    ]  # fmt: skip


# One demand ---------------------------------------------------------------------------------------


@require_safe
@open_to(DEMAND)
def show_demand(request: HttpRequest, number: str) -> HttpResponse:
    """How a demand stands, to the enterprise: progress, who and by when, confirm or send back."""
    case, now, viewer = case_or_404(request, number), timezone.now(), viewer_of(request)
    english = wording.is_english()
    outcome = tracking.shown_outcome(case)
    moves = portal.portal_moves(case, viewer, now=now)
    context = {
        "case": case,
        "crumbs": [(_("企业服务"), "/biz/"), (case.number, "")],
        "kind": wording.kind_word(case.kind),
        "state": wording.state_word(case.state),
        "tone": wording.TONES.get(case.state, "idle"),
        "stands": wording.public_state(case.state),
        "ledger": _ledger(case),
        "ledger_tone": wording.TONES.get(case.ledger, "idle"),
        "facts": facts_of(case),
        "outcome": wording.outcome_word(outcome),
        "outcome_text": wording.outcome_text(outcome),
        "behalf": portal.raised_by_mandate(case),
        "responsible": portal.responsible(case),
        "progress": portal.progress_this_month(case, now=now),
        "clocks": [
            {"name": run.kind.name["en" if english else "zh"], "run": run, "late": run.overdue,
             "runs": True, "lines": [one.text("en" if english else "zh") for one in lines]}
            for run, lines in tracking.running(case, now=now)
        ],
        "story": [portal_wording.told_words(one) for one in tracking.story(case)],
        "papers": case.evidence.filter(part="paper", event__isnull=False),
        "steps": [_step(case, move) for move in moves],
        "may_confirm": any(one.action == "rate" for one in moves),
        "may_dispute": any(one.action == "dispute" for one in moves),
        "scores": portal_wording.scores(CONFIRMING),
        "seers": portal_wording.seer_lines(
            portal.seers(case.kind_of, case.enterprise, case.lead_unit)
        ),
        "is_portal": True,
    }  # fmt: skip
    return render(request, "cases/demand.html", context)


def _step(case: Case, move: Move) -> dict[str, Any]:
    needs = [
        {"code": code, "label": wording.need_word(code)} for code in flow_of(case.kind).needs(move)
    ]
    return {"action": move.action, "word": wording.move_word(move), "needs": needs}


# Mandates -----------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@open_to(GIVE_MANDATE)
def show_mandates(request: HttpRequest) -> HttpResponse:
    """The mandates that the enterprise gave, and giving one."""
    viewer, faults = viewer_of(request), []
    said = {name: words(request.POST.get(name)).strip() for name in _MANDATE_FIELDS}
    if request.method == "POST":
        unit = Unit.objects.get(code=viewer.unit)
        try:
            mandate = give_mandate(
                unit, open_chambers().filter(code=said["chamber"]).first(), scope=said["scope"],
                valid_from=_day(said["valid_from"]), valid_until=_day(said["valid_until"]),
                by=viewer.name, now=timezone.now(),
            )  # fmt: skip
        except BadMandate as bad:
            faults = portal_wording.fault_lines(bad.faults)
        else:
            messages.success(request, _("已委托{chamber}，到 {until} 为止，可以随时撤回。").format(
                chamber=mandate.chamber, until=mandate.valid_until
            ))  # fmt: skip
            return redirect("cases:mandates")
    context = {
        "crumbs": [(_("企业服务"), "/biz/"), (_("商会委托"), "")],
        "mandates": _mandate_rows(viewer),
        "chambers": open_chambers(),
        "scopes": [(code, portal_wording.scope_word(code)) for code in mandate_scopes()],
        "said": said,
        "faults": faults,
        "bad": {one["name"]: one["text"] for one in faults},
        "today": timezone.localdate(),
    }
    return render(request, "cases/mandates.html", context, status=422 if faults else 200)


_MANDATE_FIELDS = ("chamber", "scope", "valid_from", "valid_until")


def _day(text: str) -> date | None:
    try:
        return parse_date(text)
    except ValueError:
        return None


@require_POST
@open_to(GIVE_MANDATE)
def withdraw(request: HttpRequest, mandate_id: int) -> HttpResponse:
    """Take a mandate of the own enterprise back, at once."""
    viewer = viewer_of(request)
    mandate = own_mandate(mandate_id, viewer=viewer)
    if mandate is None:
        raise Http404
    withdraw_mandate(mandate.pk, by=viewer.name, now=timezone.now())
    messages.success(request, _("已撤回对{chamber}的委托，对方即刻不能再看、再办。").format(
        chamber=mandate.chamber
    ))  # fmt: skip
    return redirect("cases:mandates")


# Guides -------------------------------------------------------------------------------------------


@require_safe
@open_to(ANYONE)
def show_services(request: HttpRequest) -> HttpResponse:
    """What the portal takes, from the catalogue: what to prepare, how long it takes, where to."""
    language, viewer = "en" if wording.is_english() else "zh", viewer_of(request)
    guides = []
    for kind in portal.portal_kinds():
        limit = catalogue_policy(kind.timers, "ordinary").limits.get(HANDLING)
        guides.append({
            "kind": kind,
            "name": wording.kind_word(kind.code),
            "limit": portal_wording.limit_word(limit, language) if limit else "",
            "needed": [wording.field_word(kind.code, f.code) for f in kind.fields if f.required],
            "optional": [
                wording.field_word(kind.code, f.code) for f in kind.fields if not f.required
            ],
            "steps": [one.word for one in steps_of(kind)],
            "has_papers": any(one.code == PAPERS for one in steps_of(kind)),
        })  # fmt: skip
    context = {
        "crumbs": [(_("企业服务"), "/biz/"), (_("帮办与融资对接"), "")],
        "guides": guides,
        "may_raise": PORTAL.may(viewer),
        "may_begin": PORTAL.may(viewer) or not viewer.is_signed_in,  # strangers sign in first
    }
    return render(request, "cases/services.html", context)
