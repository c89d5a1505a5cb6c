"""Retention: what is due, holds, destruction lists with their signatures, certificates."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from liandong.archive.flow import DESTRUCTION_FLOW
from liandong.archive.models import Decision, DestructionList, Fonds, HoldKind, ListState
from liandong.archive.policies import RETAIN
from liandong.archive.queries.retention import (
    destruction_list,
    destruction_lists,
    due_count,
    due_records,
    hold_by_id,
    holds,
    items_of,
    records_with_codes,
    to_be_listed,
)
from liandong.archive.services.appraising import YEARS, CannotAppraise, Opinion, appraise
from liandong.archive.services.certificates import FACTS, HTML, PDF, SIGNATURE, read_certificate
from liandong.archive.services.destroying import CannotPropose, SamePerson, propose, take_step
from liandong.archive.services.holding import BadHold, place_hold, release_hold
from liandong.archive.viewers import today_of, viewer_of
from liandong.base.gates import open_to
from liandong.base.params import number, words
from liandong.kernel.flows import StepRefused
from liandong.kernel.retention import PERMANENT
from liandong.kernel.viewer import Viewer

from .wording import date_text

PAGE = 100
MOST_CODES = 2000
SHOWN = 5  # codes named in a refusal
TONES = {
    ListState.PROPOSED: "decide", ListState.APPROVED: "decide", ListState.HALF_SIGNED: "decide",
    ListState.SIGNED: "warn", ListState.EXECUTING: "running", ListState.DONE: "done",
    ListState.REFUSED: "rejected", ListState.WITHDRAWN: "idle",
}  # fmt: skip
PAPERS = {
    "html": (HTML, "text/html; charset=utf-8"),
    "pdf": (PDF, "application/pdf"),
    "json": (FACTS, "application/json"),
    "signature": (SIGNATURE, "application/json"),
}


# Due ----------------------------------------------------------------------------------------------


@require_safe
@open_to(RETAIN)
def show_due(request: HttpRequest) -> HttpResponse:
    """Records whose period has ended; nothing is destroyed here, an opinion is given."""
    viewer, today = viewer_of(request), today_of(request)
    fonds, after = words(request.GET.get("fonds")), words(request.GET.get("after"))
    rows = due_records(viewer=viewer, today=today, fonds=fonds, after=after, limit=PAGE)
    shown = rows[:PAGE]
    context = {
        "rows": [
            {
                "due": row,
                "until": date_text(row.record.retain_until) if row.record.retain_until else "",
                "decision": str(Decision(row.decision).label) if row.decision else "",
            }
            for row in shown
        ],
        "after": shown[-1].record.code if len(rows) > PAGE else "",
        "total": due_count(viewer=viewer, today=today, fonds=fonds),
        "fonds": fonds,
        "all_fonds": Fonds.objects.order_by("number"),
        "decisions": Decision.choices,
        "years": YEARS,
        "may_appraise": viewer.is_archivist,
    }
    return render(request, "archive/due.html", context)


@require_POST
@open_to(RETAIN)
def give_opinion(request: HttpRequest) -> HttpResponse:
    """Decide on the chosen records, all or none."""
    viewer, today = viewer_of(request), today_of(request)
    decision = request.POST.get("decision", "")
    try:
        if decision not in Decision.values or not viewer.is_archivist:
            raise CannotAppraise("no-reason")
        opinion = Opinion(
            decision=Decision(decision),
            reason=words(request.POST.get("reason")),
            clause=words(request.POST.get("clause")),
            years=number(request.POST.get("years")),
        )
        count = appraise(
            _chosen(request, viewer, today), opinion,
            by=viewer.name, now=timezone.now(), today=today,
        )  # fmt: skip
    except CannotAppraise as error:
        messages.error(request, _refused(error.reason, error.codes))
    else:
        messages.success(request, _("已鉴定 {count} 件").format(count=count))
    return redirect("archive:due")


def _chosen(request: HttpRequest, viewer: Viewer, today: int) -> list[int]:
    """Ids of the chosen records that the viewer may read."""
    codes = [words(code) for code in request.POST.getlist("code")[:MOST_CODES]]
    found, _missing = records_with_codes(codes, viewer=viewer, today=today)
    return [one.pk for one in found]


def _refused(reason: str, codes: list[str]) -> str:
    """A refusal in words, with the first codes that it is about."""
    sentences = {
        "no-records": _("请至少选一件"),
        "no-reason": _("意见、理由和依据条款都要写明"),
        "years": _("延长年限只能是 10 年或 30 年"),
        "not-due": _("保管期限未满，不能鉴定"),
        "unknown": _("保管期限不明，不能销毁，请先定期限"),
        "frozen": _("已冻结，不能销毁"),
        "listed": _("已在未办结的销毁清册上"),
        "two-fonds": _("一份清册只能列一个全宗的档案"),
        "not-appraised": _("没有销毁的鉴定意见"),
        "too-many": _("一份清册最多 2000 件"),
    }
    told = sentences[reason]
    if codes:
        more = "…" if len(codes) > SHOWN else ""
        told = f"{told}：{'、'.join(codes[:SHOWN])}{more}"
    return told


# Holds --------------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@open_to(RETAIN)
def show_holds(request: HttpRequest) -> HttpResponse:
    """Holds, and a form that places one."""
    viewer, today = viewer_of(request), today_of(request)
    given: dict[str, Any] = {"begins": date_text(today), "kind": HoldKind.LEGAL}
    if request.method == "POST":
        given = {name: words(request.POST.get(name)) for name in _HOLD_FIELDS}
        given["codes"] = request.POST.get("codes", "").replace("\0", "")
        if _place(request, given, viewer, today):
            return redirect("archive:holds")
    rows = [
        {
            "hold": one,
            "begins": date_text(one.begins),
            "until": "" if one.until == PERMANENT else date_text(one.until),
            "live": one.released_at is None and one.begins <= today <= one.until,
        }
        for one in holds(viewer=viewer, today=today)
    ]
    context = {"rows": rows, "given": given, "kinds": HoldKind.choices}
    return render(request, "archive/holds.html", context)


_HOLD_FIELDS = ("kind", "reason", "basis", "begins", "until")


def _place(request: HttpRequest, given: dict[str, Any], viewer: Viewer, today: int) -> bool:
    codes = list(dict.fromkeys(given["codes"].split()))[:MOST_CODES]
    found, missing = records_with_codes(codes, viewer=viewer, today=today)
    if missing:
        told = "、".join(missing[:SHOWN])
        messages.error(request, _("没有这些档号：{codes}").format(codes=told))
        return False
    begins, until = _day(given["begins"]), _day(given["until"]) if given["until"] else PERMANENT
    try:
        if not begins or not until:
            raise BadHold("bad-dates")
        place_hold(
            found, kind=given["kind"], reason=given["reason"], basis=given["basis"],
            begins=begins, until=until, by=viewer.name, now=timezone.now(),
        )  # fmt: skip
    except BadHold as error:
        messages.error(request, _bad_hold(error.reason))
        return False
    messages.success(request, _("已冻结 {count} 件").format(count=len(found)))
    return True


def _day(text: str) -> int:
    """YYYYMMDD of a date as a browser sends it, 0 for none."""
    parts = text.split("-")
    if len(parts) != 3 or [len(part) for part in parts] != [4, 2, 2]:
        return 0
    return number("".join(parts))


def _bad_hold(reason: str) -> str:
    return {
        "no-records": _("请写明要冻结的档号"),
        "no-reason": _("请选种类并写明事由"),
        "bad-dates": _("请写明起止日期，止日不能早于起日"),
        "released": _("这一冻结已经解除"),
    }[reason]


@require_POST
@open_to(RETAIN)
def end_hold(request: HttpRequest, hold_id: int) -> HttpResponse:
    """Release a hold."""
    viewer = viewer_of(request)
    if hold_by_id(hold_id, viewer=viewer, today=today_of(request)) is None:
        raise Http404
    try:
        release_hold(
            hold_id, reason=words(request.POST.get("reason")), by=viewer.name, now=timezone.now()
        )
    except BadHold as error:
        messages.error(request, _bad_hold(error.reason))
    else:
        messages.success(request, _("冻结已解除"))
    return redirect("archive:holds")


# Destruction lists --------------------------------------------------------------------------------


@require_safe
@open_to(RETAIN)
def show_lists(request: HttpRequest) -> HttpResponse:
    """Destruction lists, and what is appraised for destruction and on none."""
    viewer, today = viewer_of(request), today_of(request)
    context = {
        "lists": [
            {"list": one, "tone": TONES[ListState(one.state)]}
            for one in destruction_lists(viewer=viewer, today=today)
        ],
        "waiting": to_be_listed(viewer=viewer, today=today),
        "may_propose": viewer.is_archivist,
    }
    return render(request, "archive/destructions.html", context)


@require_POST
@open_to(RETAIN)
def make_list(request: HttpRequest) -> HttpResponse:
    """Put the chosen records on a list."""
    viewer, today = viewer_of(request), today_of(request)
    try:
        if not viewer.is_archivist:
            raise CannotPropose("no-records")
        made = propose(
            _chosen(request, viewer, today), reason=words(request.POST.get("reason")),
            by=viewer.name, now=timezone.now(), today=today,
        )  # fmt: skip
    except CannotPropose as error:
        messages.error(request, _refused(error.reason, error.codes))
        return redirect("archive:destructions")
    messages.success(request, _("已编入清册 {number}，待审批").format(number=made.number))
    return redirect("archive:destruction", made.pk)


@require_safe
@open_to(RETAIN)
def show_list(request: HttpRequest, list_id: int) -> HttpResponse:
    """A list with its records and signatures, and the step that is open to whoever looks."""
    viewer = viewer_of(request)
    one = _list_or_404(request, list_id)
    context = {
        "list": one,
        "tone": TONES[ListState(one.state)],
        "items": items_of(one),
        "steps": _steps(one),
        "open": _open_steps(one, viewer),
        "crumbs": [(_("销毁"), reverse("archive:destructions")), (one.number, "")],
    }
    return render(request, "archive/destruction.html", context)


def _list_or_404(request: HttpRequest, list_id: int) -> DestructionList:
    one = destruction_list(list_id, viewer=viewer_of(request), today=today_of(request))
    if one is None:
        raise Http404
    return one


def _steps(one: DestructionList) -> list[tuple[str, str, Any]]:
    ended = _("撤回") if one.state == ListState.WITHDRAWN else _("完成")
    return [
        (word, getattr(one, f"{step}_by"), getattr(one, f"{step}_at"))
        for word, step in (
            (_("提出"), "proposed"), (_("审批"), "decided"), (_("监销人一"), "first"),
            (_("监销人二"), "second"), (_("执行"), "started"), (ended, "ended"),
        )
    ]  # fmt: skip


def _open_steps(one: DestructionList, viewer: Viewer) -> set[str]:
    """Steps that the state, the role and the person allow now."""
    role = _role(viewer)
    found = {step for step in DESTRUCTION_FLOW.steps if DESTRUCTION_FLOW.may(step, one.state, role)}
    if viewer.name == one.proposed_by:
        found -= {"approve", "refuse", "sign", "countersign"}
    if viewer.name == one.first_by:
        found -= {"countersign"}
    return found


def _role(viewer: Viewer) -> str:
    return "director" if viewer.is_director else "archivist"


@require_POST
@open_to(RETAIN)
def take_list_step(request: HttpRequest, list_id: int) -> HttpResponse:
    """Take a step of a list."""
    viewer, step = viewer_of(request), words(request.POST.get("step"))
    _list_or_404(request, list_id)
    try:
        if step not in DESTRUCTION_FLOW.steps:
            raise StepRefused(step, "wrong-state")
        one = take_step(
            list_id, step, role=_role(viewer), opinion=words(request.POST.get("opinion")),
            by=viewer.name, now=timezone.now(), today=today_of(request),
        )  # fmt: skip
    except StepRefused as error:
        messages.error(request, _step_refused(error.reason))
    except SamePerson as error:
        messages.error(request, _same_person(error.reason))
    except CannotPropose as error:
        messages.error(request, _refused(error.reason, error.codes))
    else:
        messages.success(request, str(one.get_state_display()))
    return redirect("archive:destruction", list_id)


def _step_refused(reason: str) -> str:
    return {
        "wrong-state": _("清册的状态已变，这一步不能再做"),
        "wrong-role": _("您的岗位不能做这一步"),
        "missing-evidence": _("请写明意见"),
    }[reason]


def _same_person(reason: str) -> str:
    return {
        "proposer": _("提出清册的人不能审批，也不能监销"),
        "supervisor": _("两位监销人不能是同一人"),
    }[reason]


@require_safe
@open_to(RETAIN)
def send_certificate(request: HttpRequest, list_id: int, kind: str) -> HttpResponse:
    """The certificate of a list as it is kept in the store."""
    one = _list_or_404(request, list_id)
    if kind not in PAPERS or one.state != ListState.DONE:
        raise Http404
    path, media = PAPERS[kind]
    try:
        content = read_certificate(one, path)
    except (FileNotFoundError, KeyError):
        raise Http404 from None
    answer = HttpResponse(content, content_type=media)
    answer["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    return answer
