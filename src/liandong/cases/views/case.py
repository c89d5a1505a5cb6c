"""One case: its facts, its timeline, its clocks, and the steps that are open to this person."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from liandong.base.audit import record_act
from liandong.base.gates import open_to
from liandong.base.models import Unit
from liandong.base.params import number as whole
from liandong.base.params import way_back
from liandong.base.viewers import may, viewer_of
from liandong.cases import wording
from liandong.cases.models import Case, Evidence
from liandong.cases.policies import (
    BLUR,
    FILE,
    INSPECT,
    PUBLISH,
    REACH,
    SEE,
    STEP,
    UNCOVER,
    Bearer,
    may_reach,
    standings,
)
from liandong.cases.queries.cases import duties_for, open_moves, seen_case, timeline
from liandong.cases.queries.clocks import explained
from liandong.cases.queries.portal import raised_by_mandate
from liandong.cases.queries.situations import standing_of
from liandong.cases.queries.ties import tie_to
from liandong.cases.queries.visits import visit_behind
from liandong.cases.services.photos import BadPhoto, add_photo, clean_path, original_of
from liandong.cases.services.stepping import Given, Stale, take_step
from liandong.kernel.casework import LEDGER, STATE, Move, flow_of
from liandong.kernel.flows import StepRefused
from liandong.kernel.names import safe_name
from liandong.kernel.sealed import CannotOpen

from .similar import similar_context

_NO_WORDS = frozenset({"channel", "score", "on_behalf_of", "mandate", "visit", "item"})
PARTS: Mapping[str, str] = {
    "confirm": "check", "not_found": "check", "pass": "inspection", "fail": "inspection",
}  # fmt: skip
LONGEST_WORDS = 4000


def case_or_404(request: HttpRequest, number: str) -> Case:
    """The case, if whoever asks may see it; the same answer for hidden and for absent."""
    case = seen_case(number, viewer=viewer_of(request))
    if case is None:
        raise Http404
    return case


@require_safe
@open_to(SEE)
def show_case(request: HttpRequest, number: str) -> HttpResponse:
    """Everything about one case that this person may see."""
    return render(request, "cases/case.html", case_context(request, case_or_404(request, number)))


def case_context(request: HttpRequest, case: Case) -> dict[str, Any]:
    """What the templates of one case need."""
    now, bearer = timezone.now(), Bearer(viewer_of(request))
    moves = open_moves(case, bearer, now=now)
    return {
        "case": case,
        "crumbs": [(_("事项"), "/cases/"), (case.number, "")],
        "kind": wording.kind_word(case.kind),
        "state": wording.state_word(case.state),
        "tone": wording.TONES.get(case.state, "idle"),
        "ledger": wording.state_word(case.ledger, LEDGER) if case.ledger != "none" else "",
        "ledger_tone": wording.TONES.get(case.ledger, "idle"),
        "facts": facts_of(case),
        "events": [_event(one, case) for one in timeline(case)],
        "clocks": [_clock(run, lines, now) for run, lines in explained(case, now=now)],
        "steps": [step_of(case, move) for move in moves],
        "photos": _photos(case),
        "behalf": raised_by_mandate(case),
        "papers": case.evidence.filter(part=Evidence.Part.PAPER, event__isnull=False),
        "visit": visit_behind(case, viewer=bearer.viewer),
        "may_cover": BLUR.may(viewer_of(request)),
        "may_publish": PUBLISH.may(bearer.viewer) and case.kind_of.open311,
        "may_uncover": UNCOVER.may(bearer.viewer),
        "may_reach": REACH.may(bearer.viewer) and may(may_reach(bearer.viewer), case),
        "tie": tie_to(case, bearer.viewer.name),
        "similar": similar_context(request, case),
        "may_inspect": INSPECT.may(bearer.viewer) and case.state == "inspecting",
        "may_file": FILE.may(bearer.viewer),
        "roles": [
            str(wording.ROLE_WORDS.get(one, one))
            for one in sorted(standings(bearer, standing_of(case)))
        ],
    }


def facts_of(case: Case) -> list[dict[str, Any]]:
    """What the case says of itself, a label and a value each, blanks left out."""
    rows = [
        (_("类别"), wording.category_word(case.category)),
        (_("紧急程度"), str(wording.SEVERITY_WORDS.get(case.severity, ""))),
        (_("地点"), case.address),
        (_("坐标（WGS 84）"), f"{case.lat:.5f}, {case.lon:.5f}" if case.lat is not None else ""),
        (_("网格"), str(case.grid or "")),
        (_("渠道"), str(wording.CHANNELS.get(case.channel, case.channel))),
        (_("主办单位"), str(case.lead_unit or "")),
        (_("结果"), wording.outcome_word(case.outcome)),
        (_("轮次"), str(case.round)),
        (_("企业"), str(case.enterprise or "")),
        (_("并入"), str(case.parent or "")),
        (_("档号"), case.code),
        *((wording.field_word(case.kind, code), text) for code, text in case.form.items()),
    ]
    return [{"label": label, "value": value} for label, value in rows if value]


def _event(told: dict[str, Any], case: Case) -> dict[str, Any]:
    event = told["event"]
    facts = [
        (wording.need_word(code), _fact_word(event.action, code, text))
        for code, text in {**event.facts, **told["said"]}.items()
        if code not in _NO_WORDS and str(text).strip()
    ]
    if "on_behalf_of" in event.facts and case.enterprise:
        behalf = _("{enterprise}（委托 {number}）").format(
            enterprise=case.enterprise, number=event.facts.get("mandate", "")
        )
        facts.insert(0, (_("代为办理，企业"), behalf))
    if "score" in event.facts:
        facts.append((wording.need_word("score"), f"{event.facts['score']} / 5"))
    return {
        **told,
        "word": wording.action_word(event.action),
        "role": str(wording.ROLE_WORDS.get(event.role, event.role)),
        "before": wording.state_word(event.before, event.axis),
        "after": wording.state_word(event.after, event.axis),
        "is_move": event.before != event.after,
        "facts": facts,
    }


def _fact_word(action: str, code: str, text: Any) -> str:
    """A code that stands in an event, in words."""
    match code:
        case "category":
            return wording.category_word(str(text))
        case "severity":
            return str(wording.SEVERITY_WORDS.get(str(text), text))
        case "outcome":
            return wording.outcome_word(str(text))
        case "route" | "reason_class" | "level" | "no_progress":
            return wording.reason_word(_REASONS[code], str(text))
        case "unit" | "lead_unit":
            return str(Unit.objects.filter(code=text).first() or text)
        case "tie":
            return _("办理人申报过与该企业的关系，仍由其办理")
    return str(text)


def _clock(run: Any, lines: Any, now: datetime) -> dict[str, Any]:
    language = "en" if (get_language() or "").startswith("en") else "zh"
    return {
        "run": run,
        "name": run.kind.name[language],
        "lines": [one.text(language) for one in lines],
        "late": run.overdue,
        "runs": run.stopped_at is None and not run.paused,
        "rests": run.paused and run.stopped_at is None,
    }


def _photos(case: Case) -> dict[str, list[Evidence]]:
    rows: dict[str, list[Evidence]] = {"before": [], "after": [], "other": []}
    for one in case.evidence.filter(event__isnull=False):
        rows[one.part if one.part in rows else "other"].append(one)
    return rows


# Steps --------------------------------------------------------------------------------------------


def step_of(case: Case, move: Move) -> dict[str, Any]:
    """A step as a form: its needs with the control and the choices of each."""
    return {
        "move": move,
        "word": wording.move_word(move),
        "needs": [_need(case, code) for code in flow_of(case.kind).needs(move)],
    }


def _need(case: Case, code: str) -> dict[str, Any]:
    """One control: its label, its choices, and what is proposed."""
    control = _CONTROLS.get(code, "longtext")
    if code == "proof" and case.kind_of.proof != "photo":
        control = "longtext"
    if code == "place" and case.lat is not None:
        control = "none"
    made = {"code": code, "label": wording.need_word(code), "control": control, "value": ""}
    return {**made, **_proposed(case, code)}


def _proposed(case: Case, code: str) -> dict[str, Any]:
    """Choices of a need, and the value that the duty list or the case speaks for."""
    if code in _REASONS:
        return {"choices": wording.reasons_of(_REASONS[code])}
    if code in {"lead_unit", "unit", "clause"}:
        duty = next(iter(duties_for(case)), None)
        if code == "clause":
            return {"value": duty.clause if duty else ""}
        open_units = Unit.objects.filter(closed_at__isnull=True)
        if case.kind_of.circle:
            open_units = open_units.filter(code__in=case.overseers)
        units = open_units.values_list("code", "name")
        return {"choices": list(units), "value": duty.unit.code if duty else case.lead}
    choices: dict[str, dict[str, Any]] = {
        "severity": {"choices": list(wording.SEVERITY_WORDS.items())},
        "outcome": {"choices": [(one, wording.outcome_word(one)) for one in _OUTCOMES]},
        "score": {"choices": [(str(one), str(one)) for one in range(5, 0, -1)]},
        "category": {"groups": wording.categories(), "value": case.category},
    }
    return choices.get(code, {})


_REASONS: Mapping[str, str] = {
    "reason_class": "park", "route": "refer", "level": "escalate", "no_progress": "no_progress",
}  # fmt: skip
_OUTCOMES = ("solved", "partly", "explained", "policy_limited")
_CONTROLS: Mapping[str, str] = {
    "severity": "choice", "outcome": "choice", "reason_class": "choice", "route": "choice",
    "level": "choice", "score": "choice", "category": "groups", "lead_unit": "choice",
    "unit": "choice", "clause": "line", "until": "date", "parent": "line", "place": "line",
    "proof": "photo", "no_progress": "choice",
}  # fmt: skip


@require_POST
@open_to(STEP)
def take(request: HttpRequest, number: str) -> HttpResponse:
    """Take one step; what is wrong with it comes back as words, and nothing is written."""
    case, now = case_or_404(request, number), timezone.now()
    bearer = Bearer(viewer_of(request))
    action = request.POST.get("action", "")
    axis = LEDGER if request.POST.get("axis") == LEDGER else STATE
    back = way_back(request, f"/cases/{number}/")
    known = {move.action for move in flow_of(case.kind).moves if move.axis == axis}
    if action not in known:
        messages.error(request, _("没有这一步。"))
        return redirect(back)
    try:
        evidence = _photos_sent(request, case, action, now=now)
        given = Given(said_in(request), evidence)
        seen = whole(request.POST.get("seen"), default=case.last)
        done = take_step(case.pk, action, by=bearer, now=now, given=given, seen=seen, axis=axis)
    except BadPhoto as bad:
        messages.error(request, photo_words(bad))
    except Stale:
        messages.error(request, _("别人刚刚办理了这个事项，请看过最新情况再办。"))
    except StepRefused as refused:
        messages.error(request, wording.refusal_words(refused.reason, refused.detail))
    else:
        word = wording.state_word(getattr(done, axis), axis)
        messages.success(request, _("{step}：已办，现在是“{state}”。").format(
            step=wording.action_word(action), state=word
        ))  # fmt: skip
    return redirect(back)


def said_in(request: HttpRequest) -> dict[str, str]:
    """What a form says to a step: words by code of need."""
    names = (row for row in request.POST if row.startswith("said_"))
    return {
        name.removeprefix("said_"): request.POST[name].replace("\0", "")[:LONGEST_WORDS]
        for name in names
    }


def _photos_sent(request: HttpRequest, case: Case, action: str, *, now: datetime) -> list[UUID]:
    part = PARTS.get(action, "after")
    by = viewer_of(request).name
    kept = []
    for file in request.FILES.getlist("photo")[:6]:
        if isinstance(file, UploadedFile) and file.size:
            one = add_photo(
                case, file.read(), part=part, name=file.name or "photo.jpg", by=by, now=now
            )
            kept.append(one.uuid)
    return kept


def photo_words(bad: BadPhoto) -> str:
    """Why a photo was not taken, as a sentence."""
    return {
        "empty": _("照片是空的。"),
        "too-large": _("照片太大。"),
        "unknown-format": _("照片须是 JPEG、PNG 或 WebP。"),
        "broken": _("照片打不开，请重新拍摄。"),
    }[bad.code]


@require_safe
@open_to(SEE)
def send_photo(request: HttpRequest, number: str, photo: UUID) -> HttpResponseBase:
    """The picture without metadata."""
    case = case_or_404(request, number)
    one = case.evidence.filter(uuid=photo, event__isnull=False).first()
    if one is None or not clean_path(one).is_file():
        raise Http404
    return FileResponse(clean_path(one).open(), content_type="image/jpeg")


@require_safe
@open_to(SEE)
def send_paper(request: HttpRequest, number: str, paper: UUID) -> HttpResponse:
    """A material as a download, as it was sent; never shown inline."""
    case = case_or_404(request, number)
    papers = case.evidence.filter(part=Evidence.Part.PAPER, event__isnull=False)
    one = papers.filter(uuid=paper).first()
    if one is None:
        raise Http404
    try:
        content = original_of(one)
    except (FileNotFoundError, CannotOpen):
        raise Http404 from None
    record_act(
        "open_paper", by=viewer_of(request).name, now=timezone.now(),
        object=f"case:{case.number}", facts={"sha256": one.sha256},
    )  # fmt: skip
    answer = HttpResponse(content, content_type="application/octet-stream")
    answer["Content-Disposition"] = (
        content_disposition_header(as_attachment=True, filename=safe_name(one.name)) or ""
    )
    answer["Content-Security-Policy"] = "default-src 'none'; sandbox"
    answer["Cache-Control"] = "private, no-store"
    return answer
