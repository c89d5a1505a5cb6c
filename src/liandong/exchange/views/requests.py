"""One request: what was asked, its history, and what each person may do with it now."""

import json
from collections.abc import Callable, Mapping
from datetime import date, datetime
from itertools import chain
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from liandong.archive.services.sharing import note_use
from liandong.archive.viewers import viewer_of
from liandong.base.gates import open_to
from liandong.base.models import Unit
from liandong.base.params import number, words
from liandong.exchange.flow import SHARE_FLOW
from liandong.exchange.models import RequestEvent, UseRequest, Verdict
from liandong.exchange.policies import SEE_OWN, STEP, standings
from liandong.exchange.queries.requests import (
    account_names,
    data_of,
    lines_of,
    may_open_papers,
    papers_of,
    request_by_number,
    seen_records,
    uses_of,
)
from liandong.exchange.services import deciding, drafting, extending, opinions
from liandong.exchange.services.deciding import Decision, Ruling
from liandong.exchange.services.people import day_of, today_number
from liandong.exchange.services.weighing import units_concerned, weigh
from liandong.exchange.wording import (
    STATE_TONES,
    STEP_WORDS,
    USE_WORDS,
    choices,
    ground_words,
    named,
    uses_words,
)
from liandong.kernel.flows import StepRefused
from liandong.kernel.viewer import USES, Viewer

from .standing import say_refusal, state_word

LISTED_USES = 100


def request_or_404(request: HttpRequest, no: str) -> UseRequest:
    """The request, if whoever asks may see it; the same answer for hidden and for absent."""
    row = request_by_number(no, viewer=viewer_of(request))
    if row is None:
        raise Http404
    return row


def _roles(row: UseRequest, viewer: Viewer) -> frozenset[str]:
    return standings(viewer, asker=row.asked_by, units=row.asked_units)


def _steps(row: UseRequest, viewer: Viewer) -> set[str]:
    """Names of the steps that the viewer may take now, evidence aside."""
    roles = _roles(row, viewer)
    return {
        name for name in SHARE_FLOW.steps
        if any(SHARE_FLOW.may(name, row.state, role) for role in roles)
    }  # fmt: skip


@require_safe
@open_to(SEE_OWN)
def show_request(request: HttpRequest, no: str) -> HttpResponse:
    """What was asked and decided, the timeline, and the forms that are open to this person."""
    viewer, now = viewer_of(request), timezone.now()
    row = request_or_404(request, no)
    steps = _steps(row, viewer)
    standing = row.standing(now)
    lines = lines_of(row, viewer=viewer, today=today_number(now))
    events = list(row.events.all())
    context = {
        "asked": row,
        "crumbs": [(_("共享利用"), "/exchange/"), (row.number, "")],
        "state": state_word(standing),
        "tone": STATE_TONES.get(standing, "idle"),
        "facts": _facts(row, now=now),
        "terms": _terms(row, now=now),
        "late": row.is_late(day_of(now)),
        "lines": [(line, ground_words(line.row.ground)) for line in lines],
        "papers": papers_of(row) if may_open_papers(row, viewer) else [],
        "opinions": _opinions(row, viewer, today=day_of(now)),
        "events": _events(events, viewer, _roles(row, viewer)),
        "steps": steps,
        "grounds": choices("opening_grounds"),
        "today": day_of(now).isoformat(),
        "uses": _uses(row, viewer),
        "has_data": any(one.code == row.number and "data" in one.uses for one in viewer.shares),
        **_deciding(row, viewer, steps, now=now),
    }
    return render(request, "exchange/request.html", context)


def _facts(row: UseRequest, *, now: datetime) -> list[dict[str, Any]]:
    unit = Unit.objects.filter(code=row.asker_unit).first()
    rows = [
        (_("申请人"), str(row.asker)),
        (_("单位"), str(unit or row.asker_unit or "—")),
        (_("目的类别"), named("use_purposes", row.purpose_kind)),
        (_("利用目的"), row.purpose),
        (_("依据"), row.legal_basis),
        (_("利用方式"), uses_words(row.uses)),
        (_("个人信息"), _("申请不遮盖") if row.whole else _("遮盖后提供")),
        (_("用到"), row.until.isoformat() if row.until else ""),
        (_("谁使用"), _("本单位的人") if row.for_unit else _("申请人本人")),
        (_("要什么档案"), "；".join(row.wanted.split("\n"))),
        (_("检索条件"), row.query),
        (_("答复期限"), row.due_on.isoformat() if row.due_on else ""),
    ]
    return [{"label": label, "value": value} for label, value in rows if value]


def _terms(row: UseRequest, *, now: datetime) -> list[dict[str, Any]]:
    """What was granted, empty without a grant."""
    if row.grant is None:
        return []
    left = row.time_left(now)
    ends = timezone.localtime(row.grant.ends_at).strftime("%Y-%m-%d %H:%M")
    remaining = _("{n} 天").format(n=left.days) if left and left.days else _("不到 1 天")
    rows = [
        (_("方式"), uses_words(row.granted_uses)),
        (_("个人信息"), _("不遮盖") if row.granted_whole else _("遮盖")),
        (_("到期"), ends),
        (_("剩余"), remaining if left else _("已结束")),
    ]
    return [{"label": label, "value": value} for label, value in rows]


def _opinions(row: UseRequest, viewer: Viewer, *, today: date) -> list[dict[str, Any]]:
    """Opinions that were asked; a unit sees its own, the asker that they were asked."""
    rows = row.opinions.select_related("unit")
    roles = _roles(row, viewer)
    may_read = bool(roles & {"holder", "director"}) or viewer.officer != ""
    return [
        {
            "opinion": one,
            "is_open": one.is_open(today),
            "shows_text": may_read or one.unit.code == viewer.unit,
        }
        for one in rows
    ]


_INSIDE = frozenset({"gather", "propose", "send_back", "propose_extension"})


def _events(
    events: list[RequestEvent], viewer: Viewer, roles: frozenset[str]
) -> list[dict[str, Any]]:
    """The timeline; what offices say to each other is told to those who decide and audit.

    A unit reads its own opinion, the asker the answer.
    """
    inside = bool(roles & {"holder", "director"}) or viewer.officer != ""
    names = account_names(events)
    return [
        {
            "event": one,
            "why": one.why if inside or _is_told(one, viewer) else "",
            "word": STEP_WORDS.get(one.step, one.step),
            "who": names.get(one.by, one.by),
        }
        for one in events
    ]


def _is_told(event: RequestEvent, viewer: Viewer) -> bool:
    if event.step == "give_opinion":
        return bool(viewer.unit) and event.facts.get("unit") == viewer.unit
    return event.step not in _INSIDE


def _uses(row: UseRequest, viewer: Viewer) -> list[dict[str, Any]]:
    """Who used the grant; not told to units that were only asked."""
    if row.grant is None or _roles(row, viewer) == {"unit"}:
        return []
    rows = uses_of(row, limit=LISTED_USES)
    names = account_names(rows)
    return [{"row": one, "who": names.get(one.by, one.by), **_use_facts(one.facts)} for one in rows]


def _use_facts(text: str) -> dict[str, Any]:

    facts = json.loads(text or "{}")
    return {
        "record": facts.get("record", ""),
        "use": USE_WORDS.get(facts.get("use", ""), ""),
        "page": facts.get("page", ""),
    }


def _deciding(row: UseRequest, viewer: Viewer, steps: set[str], *, now: datetime) -> dict[str, Any]:
    """What the archivist needs to decide: what was found, whose opinion, how many people."""
    if not steps & {"gather", "grant", "confirm", "extend", "confirm_extension"}:
        return {}
    held = list(row.records.select_related("record"))
    records = [one.record for one in held]
    weighed = weigh(row, records, whole=row.whole, now=now)
    found = deciding.candidates(row, by=viewer.name, now=now) if "gather" in steps else []
    ids = [record.pk for record in found] + [record.pk for record in records]
    shown = seen_records(ids, viewer=viewer, today=today_number(now))
    units = units_concerned(row, records, now=now) - row.asked_units
    return {
        "weighed": weighed,
        "found": [(shown[one.pk], one in records) for one in found if one.pk in shown],
        "rulings": [(one, shown.get(one.record_id)) for one in held],
        "to_ask": Unit.objects.filter(code__in=units),
        "asked_uses": [(use, USE_WORDS[use]) for use in USES if use in row.uses.split(",")],
    }


# Steps ------------------------------------------------------------------------------------------


@require_POST
@open_to(STEP)
def take_step(request: HttpRequest, no: str, step: str) -> HttpResponse:
    """Take one step; who may not see the request gets the answer for an absent one."""
    row = request_or_404(request, no)
    act = _ACTS.get(step)
    if act is None:
        raise Http404
    try:
        act(request, row, viewer_of(request).name, timezone.now())
    except StepRefused as refused:
        say_refusal(request, refused)
    else:
        done = STEP_WORDS.get(step, _("已办理"))
        messages.success(request, _("已完成：{step}").format(step=done))
    return redirect("exchange:request", row.number)


def _why(request: HttpRequest) -> str:
    return words(request.POST.get("why"))


def _day(request: HttpRequest, name: str) -> date | None:
    try:
        return parse_date(words(request.POST.get(name)))
    except ValueError:
        return None


def _ids(request: HttpRequest, name: str) -> list[int]:
    return [number(text) for text in request.POST.getlist(name)[: drafting.MOST_RECORDS]]


def _decide(request: HttpRequest, row: UseRequest, by: str, now: datetime) -> None:
    """Grant or propose, as the law asks; nothing granted is a refusal."""
    rulings = []
    for pk in _ids(request, "record"):
        is_given = request.POST.get(f"verdict-{pk}") == "granted"
        ground, reason = (words(request.POST.get(f"{part}-{pk}")) for part in ("ground", "reason"))
        rulings.append(Ruling(pk, is_given, ground, reason))
    decision = Decision(
        tuple(rulings),
        uses=tuple(request.POST.getlist("uses")),
        whole="whole" in request.POST,
        until=_day(request, "until"),
        answer=_why(request),
    )
    given = [one.record_id for one in rulings if one.granted]
    records = [one.record for one in row.records.filter(record__in=given).select_related("record")]
    two = weigh(row, records, whole=decision.whole, now=now).needs_two
    (deciding.propose if two else deciding.grant)(row.pk, decision, by=by, now=now)


def _gather(request: HttpRequest, row: UseRequest, by: str, now: datetime) -> None:
    wanted = [*_ids(request, "record")]
    codes = [code.strip() for code in words(request.POST.get("code")).split() if code.strip()]
    wanted += deciding.ids_of_codes(codes, by=by, now=now)
    kept = row.records.filter(named=False) if "more" in request.POST else row.records.none()
    wanted += list(kept.values_list("record_id", flat=True))
    deciding.gather(row.pk, wanted, by=by, now=now)


def _refuse(request: HttpRequest, row: UseRequest, by: str, now: datetime) -> None:
    ground = words(request.POST.get("ground"))
    deciding.refuse(row.pk, ground=ground, answer=_why(request), by=by, now=now)


def _ask_opinion(request: HttpRequest, row: UseRequest, by: str, now: datetime) -> None:
    units = [words(code) for code in request.POST.getlist("unit")]
    opinions.ask_opinion(row.pk, units, by=by, now=now, why=_why(request))


def _give_opinion(request: HttpRequest, row: UseRequest, by: str, now: datetime) -> None:
    agrees = request.POST.get("agrees")
    if agrees not in {"yes", "no"}:
        raise StepRefused("give_opinion", "missing-evidence", "opinion")
    opinions.give_opinion(row.pk, agrees=agrees == "yes", text=_why(request), by=by, now=now)


def _ask_extension(request: HttpRequest, row: UseRequest, by: str, now: datetime) -> None:
    until = _day(request, "until")
    extending.ask_extension(row.pk, until=until, why=_why(request), by=by, now=now)


def _extend(request: HttpRequest, row: UseRequest, by: str, now: datetime) -> None:
    """Extend alone where one is enough, else put it before the director."""
    if extending.needs_two(row, now=now):
        extending.propose_extension(row.pk, why=_why(request), by=by, now=now)
    else:
        extending.extend(row.pk, by=by, now=now)


_ACTS: Mapping[str, Callable[[HttpRequest, UseRequest, str, datetime], object]] = {
    "cancel": lambda r, row, by, now: drafting.cancel(row.pk, by=by, now=now),
    "gather": _gather,
    "grant": _decide,
    "confirm": lambda r, row, by, now: deciding.confirm(row.pk, by=by, now=now, why=_why(r)),
    "send_back": lambda r, row, by, now: deciding.send_back(row.pk, why=_why(r), by=by, now=now),
    "refuse": _refuse,
    "ask_opinion": _ask_opinion,
    "give_opinion": _give_opinion,
    "ask_extension": _ask_extension,
    "extend": _extend,
    "confirm_extension": lambda r, row, by, now: extending.confirm_extension(
        row.pk, by=by, now=now, why=_why(r)
    ),
    "refuse_extension": lambda r, row, by, now: extending.refuse_extension(
        row.pk, why=_why(r), by=by, now=now
    ),
    "withdraw": lambda r, row, by, now: deciding.withdraw(row.pk, why=_why(r), by=by, now=now),
    "give_up": lambda r, row, by, now: deciding.give_up(row.pk, by=by, now=now),
}


# Data -------------------------------------------------------------------------------------------


@require_safe
@open_to(SEE_OWN)
def send_data(request: HttpRequest, no: str) -> HttpResponseBase:
    """Descriptions and texts of the granted records as JSON lines, as the grant shows them.

    The first line says whom they were given to, for what and until when.  Only while the grant is
    live and allows data; else the answer for an absent one.
    """
    viewer, now = viewer_of(request), timezone.now()
    row = request_or_404(request, no)
    share = next((one for one in viewer.shares if one.code == row.number), None)
    if share is None or "data" not in share.uses or row.grant is None:
        raise Http404
    held = row.records.filter(verdict=Verdict.GRANTED).select_related("record")
    records = [one.record for one in held]
    for record in records:
        note_use(row.grant, record, "data", by=viewer.name, now=now)
    head = {
        "given_to": viewer.name, "grant": row.number, "purpose": row.purpose,
        "until": row.grant.ends_at.isoformat(), "at": now.isoformat(), "whole": share.whole,
    }  # fmt: skip
    lines = chain([head], data_of(records, viewer=viewer, today=today_number(now)))
    text = (json.dumps(line, ensure_ascii=False, sort_keys=True) + "\n" for line in lines)
    headers = {
        "Content-Disposition": f'attachment; filename="{row.number}.jsonl"',
        "Cache-Control": "private, no-store",
    }
    return StreamingHttpResponse(text, content_type="application/jsonl", headers=headers)
