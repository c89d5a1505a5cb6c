"""Sharing (共享利用): a department's system asks for the use of records and follows the request."""

from datetime import date
from http import HTTPStatus
from typing import Annotated, Final

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from ninja import Path, Router, Status

from liandong.exchange.models import UseRequest
from liandong.exchange.queries.requests import lines_of, visible
from liandong.exchange.services.drafting import Asked
from liandong.kernel.flows import StepRefused
from liandong.portal.policies import ASK_USE, SEE_USE, Entry
from liandong.portal.services.asking import Wish, ask_for_use
from liandong.portal.services.handing import id_of

from . import shapes
from .gate import Caller, admits, caller_of, trace
from .paging import USUAL, Cursor, Limit, page_of
from .problems import Problem, place

router = Router(tags=["shares"])
ASK: Final = Entry(ASK_USE, "shares:request")
LIST: Final = Entry(SEE_USE, "shares:read", refuses=("bad-cursor",))
LOOK: Final = Entry(SEE_USE, "shares:read", act="read_request", refuses=("not-found",))

Number = Annotated[
    str, Path(pattern=r"^[A-Z]{2}-[0-9]{4}-[0-9]{1,8}$", description="申请编号，如 LY-2026-0001")
]


def _own(caller: Caller) -> QuerySet[UseRequest]:
    """Requests of the department that were handed in; those of others stay their own."""
    rows = visible(caller.viewer).exclude(number="")
    return rows.filter(asker_unit=caller.viewer.unit)


@router.post(
    "/shares",
    response={201: shapes.ShareOut},
    summary="申请共享利用",
    description="以本单位名义申请，由保管单位按同样的程序决定。"
    "看不到的档案也可以写档号：回答不透露它们是否存在。",
)
@admits(ASK)
def ask(request: HttpRequest, response: HttpResponse, body: shapes.ShareIn) -> Status:  # type: ignore[type-arg]
    """A request is handed in for the department."""
    caller = caller_of(request)
    wish = Wish(
        Asked(
            purpose_kind=body.purpose_kind, purpose=body.purpose, legal_basis=body.legal_basis,
            wanted=body.wanted, uses=tuple(body.uses), whole=body.whole,
            until=_day(body.until), for_unit=True,
        ),
        body.records,
    )  # fmt: skip
    try:
        made = ask_for_use(
            id_of(caller.key, caller.token), wish, caller.key, caller.viewer, today=caller.today,
            by=caller.by, now=caller.now,
        )  # fmt: skip
    except StepRefused as error:
        raise Problem("invalid", where=_missing(error)) from None
    response.headers["Location"] = reverse("portal:api-1:show_share", args=[made.number])
    return Status(HTTPStatus.CREATED, _shown(caller, made))


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Problem("invalid", where=[place("body.until", _("没有这一天"))]) from None


def _missing(error: StepRefused) -> list[dict[str, str]]:
    words = {"past": _("日期已过"), "too-long": _("超过最长的利用期限")}
    if error.reason in words:
        return [place("body.until", words[error.reason], error.reason)]
    return [place("body", error.reason, error.reason)]


@router.get(
    "/shares",
    response=shapes.SharesOut,
    summary="列出共享申请",
    description="本单位的申请，新的在前。",
)
@admits(LIST)
def list_shares(
    request: HttpRequest, cursor: Cursor = "", limit: Limit = USUAL
) -> shapes.SharesOut:
    """Requests of the department, newest first."""
    caller = caller_of(request)
    question = {"shares": caller.viewer.unit}
    rows, after = page_of(_own(caller), cursor, limit, question, newest=True)
    return shapes.SharesOut(items=[_brief(caller, row) for row in rows], next=after)


@router.get(
    "/shares/{number}",
    response=shapes.ShareOut,
    summary="看一件共享申请",
    description="状态、逐件的决定、授权的方式与期限。",
)
@admits(LOOK)
def show_share(request: HttpRequest, number: Number) -> shapes.ShareOut:
    """A request with what was decided of each record."""
    caller = caller_of(request)
    found = _own(caller).filter(number=number).first()
    if found is None:
        raise Problem("not-found")
    trace(request, f"request:{found.number}")
    return _shown(caller, found)


def _brief(caller: Caller, row: UseRequest) -> shapes.ShareBriefOut:
    return shapes.ShareBriefOut.model_validate(_facts(caller, row))


def _facts(caller: Caller, row: UseRequest) -> dict[str, object]:
    grant = row.grant
    return {
        "number": row.number,
        "state": row.standing(caller.now),
        "submitted_at": row.submitted_at,
        "due_on": str(row.due_on or ""),
        "uses": grant.uses.split(",") if grant else [],
        "whole": bool(grant and grant.whole),
        "begins_at": grant.begins_at if grant else None,
        "ends_at": grant.ends_at if grant else None,
        "withdrawn_at": grant.withdrawn_at if grant else None,
    }


def _shown(caller: Caller, row: UseRequest) -> shapes.ShareOut:
    lines = lines_of(row, viewer=caller.viewer, today=caller.today)
    records = [
        shapes.SharedRecordOut(code=one.row.code, title=one.title, verdict=one.row.verdict)
        for one in lines
    ]
    facts = _facts(caller, row) | {"answer": row.answer, "ground": row.ground, "records": records}
    return shapes.ShareOut.model_validate(facts)
