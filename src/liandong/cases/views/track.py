"""The page of a report by its link: how it stands, in public words, and what may be done."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from liandong.base.gates import ANYONE, open_to
from liandong.base.middleware import origin_of
from liandong.base.params import number as whole
from liandong.base.params import words
from liandong.cases import portal_wording, wording
from liandong.cases.models import Case
from liandong.cases.queries import tracking
from liandong.cases.queries.situations import case_by_number
from liandong.cases.services.opening import token_digest
from liandong.cases.services.photos import clean_path
from liandong.cases.services.reporting import TooMany, link_by_code
from liandong.cases.services.stepping import Given, Stale, take_step
from liandong.kernel.casework import Move, flow_of
from liandong.kernel.flows import StepRefused

LONGEST: Final = 2000  # characters of an answer or a reason


def _case(token: str) -> Case:
    case = tracking.case_by_token(token_digest(token)) or tracking.case_by_letter(token)
    if case is None:
        raise Http404
    return case


@require_http_methods(["GET", "HEAD", "POST"])
@open_to(ANYONE)
def find(request: HttpRequest) -> HttpResponse:
    """Find the link again by number and code."""
    refused = ""
    if request.method == "POST":
        case = case_by_number(words(request.POST.get("number")).strip())
        code, now = words(request.POST.get("code")), timezone.now()
        try:
            token = link_by_code(case, code, origin=origin_of(request), now=now)
        except TooMany:
            token, refused = "", _("查询过于频繁，请稍后再试。")
        if token:
            return redirect("cases:track", token)
        refused = refused or _("编号或查询码不对。")
    said = {"number": words(request.POST.get("number"))}
    return render(request, "cases/find.html", {"refused": refused, "said": said})


@require_safe
@open_to(ANYONE)
def show(request: HttpRequest, token: str) -> HttpResponse:
    """How the case stands, for whoever holds its token."""
    case, now = _case(token), timezone.now()
    language = "en" if (get_language() or "").startswith("en") else "zh"
    outcome = tracking.shown_outcome(case)
    context = {
        "case": case,
        "token": token,
        "crumbs": [(_("查进度"), "/r/"), (case.number, "")],
        "state": wording.state_word(case.state),
        "tone": wording.TONES.get(case.state, "idle"),
        "stands": wording.public_state(case.state),
        "facts": _facts(case),
        "outcome": wording.outcome_word(outcome),
        "outcome_text": wording.outcome_text(outcome),
        "clocks": [
            {
                "name": run.kind.name[language],
                "run": run,
                "late": run.overdue,
                "runs": True,
                "lines": [one.text(language) for one in lines],
            }
            for run, lines in tracking.running(case, now=now)
        ],
        "story": [portal_wording.told_words(one) for one in tracking.story(case)],
        "photos": tracking.photos_of(case),
        "steps": [_step(case, move) for move in tracking.steps(case, now=now)],
        "scores": portal_wording.scores(range(5, 0, -1)),
    }
    answer = render(request, "cases/track.html", context)
    answer.headers["X-Robots-Tag"] = "noindex"
    return answer


def _facts(case: Case) -> list[dict[str, Any]]:
    rows = [
        (_("类别"), wording.category_word(case.category)),
        (_("地点"), case.address),
        (_("坐标（WGS 84）"), f"{case.lat:.5f}, {case.lon:.5f}" if case.lat is not None else ""),
        (_("主办单位"), str(case.lead_unit or "")),
        (_("提交时间"), _day(case.submitted_at)),
    ]
    return [{"label": label, "value": value} for label, value in rows if value]


def _day(at: datetime) -> str:
    return timezone.localtime(at).strftime("%Y-%m-%d %H:%M")


def _step(case: Case, move: Move) -> dict[str, Any]:
    needs = [
        {"code": code, "label": wording.need_word(code)} for code in flow_of(case.kind).needs(move)
    ]
    return {"action": move.action, "word": wording.move_word(move), "needs": needs}


@require_POST
@open_to(ANYONE)
def take(request: HttpRequest, token: str) -> HttpResponse:
    """Answer, rate, dispute, urge, add a remark or withdraw."""
    case, action = _case(token), request.POST.get("action", "")
    if action not in tracking.STEPS:
        messages.error(request, _("没有这一步。"))
        return redirect("cases:track", token)
    said = {
        name: request.POST.get(f"said_{name}", "").replace("\0", "")[:LONGEST]
        for name in ("answer", "score", "reason", "text")
    }
    try:
        done = take_step(
            case.pk, action, by=tracking.BEARER, now=timezone.now(), given=Given(said),
            seen=whole(request.POST.get("seen"), default=case.last),
        )  # fmt: skip
    except Stale:
        messages.error(request, _("情况刚刚有变化，请看过再办。"))
    except StepRefused as refused:
        messages.error(request, wording.refusal_words(refused.reason, refused.detail))
    else:
        messages.success(request, _("{step}：已办，现在是“{state}”。").format(
            step=wording.action_word(action), state=wording.state_word(done.state)
        ))  # fmt: skip
    return redirect("cases:track", token)


@require_safe
@open_to(ANYONE)
def send_photo(request: HttpRequest, token: str, photo: UUID) -> HttpResponseBase:
    """A picture of the report, or of what was done, without metadata."""
    shown = tracking.photos_of(_case(token))
    one = next((row for rows in shown.values() for row in rows if row.uuid == photo), None)
    if one is None or not clean_path(one).is_file():
        raise Http404
    return FileResponse(clean_path(one).open(), content_type="image/jpeg")
