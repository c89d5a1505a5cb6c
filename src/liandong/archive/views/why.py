"""Why one sees what one sees: of one record, and of everything."""

from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import Resolver404, resolve
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from liandong.archive.models import Record
from liandong.archive.policies import READ_RECORD, may_read, may_read_whole
from liandong.archive.queries import Explanation, Sight, explain, readers_of, record_by_code
from liandong.archive.queries.sight import is_withheld
from liandong.archive.queries.why import (
    knows_readers,
    level_word,
    rule_words,
    unit_name,
    use_word,
)
from liandong.archive.viewers import today_of, viewer_of
from liandong.base.audit import act_word
from liandong.base.gates import ANYONE, open_to
from liandong.base.models import Officer, Role
from liandong.base.params import number, words
from liandong.kernel.viewer import Viewer

from .records import crumbs_of, record_or_404

LOOKS = 20  # of a page
ASK = "/exchange/new/"  # where one asks for a grant; a higher room has it


@require_safe
@open_to(READ_RECORD)
def show_why(request: HttpRequest, record_id: int) -> HttpResponse:
    """Each clause and whether it holds, what is masked and why, what to do, and who has seen it."""
    viewer, today = viewer_of(request), today_of(request)
    record = record_or_404(request, record_id)
    why = explain(viewer, record, today=today)
    before = number(request.GET.get("before", ""))
    looks = readers_of(record, viewer=viewer, before=before, limit=LOOKS + 1)
    language = "en" if (get_language() or "").startswith("en") else "zh"
    context = {
        "record": record,
        "crumbs": crumbs_of(record, (_("为什么"), "")),
        "why": why,
        "withheld": is_withheld(record),
        "sight_words": _sight_words(why),
        "next": _what_next(record, why, viewer),
        "knows_readers": knows_readers(record, viewer=viewer),
        "looks": [{"look": one, "act": act_word(one.act, language)} for one in looks[:LOOKS]],
        "older": looks[LOOKS - 1].number if len(looks) > LOOKS else "",
    }
    return render(request, "archive/why.html", context)


def _sight_words(why: Explanation) -> str:
    if why.sight == Sight.WHOLE:
        return _("您看到全文。")
    if not why.is_examined:
        return _("您可以知道有这件档案；个人信息审查以前，题名、正文和图像暂不提供。")
    return _("您看到遮盖个人信息后的文字和图像。")


def _what_next(record: Record, why: Explanation, viewer: Viewer) -> list[tuple[str, str]]:
    """What a person can do who wants more: words and address."""
    if why.sight == Sight.WHOLE and all(held for _words, held in why.uses):
        return []
    if not viewer.is_signed_in:
        return [(_("登录后按您的身份再看"), f"/login/?next=/records/{record.pk}/")]
    if not viewer.officer and _exists(ASK):
        return [(_("申请利用：说明目的，由保管单位决定"), f"{ASK}?record={record.pk}")]
    return []


def _exists(path: str) -> bool:
    try:
        resolve(path)
    except Resolver404:
        return False
    return True


@require_safe
@open_to(ANYONE)
def show_my_access(request: HttpRequest) -> HttpResponse:
    """Who I am to the rules and what they let me see; with `?code=` the page of that record.

    A hidden record is not found, as an absent one.
    """
    viewer, today = viewer_of(request), today_of(request)
    code = words(request.GET.get("code"))
    record = record_by_code(code, viewer=viewer, today=today) if code else None
    if record is not None:
        return redirect("archive:why", record.pk)
    context = {
        "code": code,
        "facts": _my_facts(viewer),
        "shares": [
            {
                "code": share.code,
                "sight": _("全文") if share.whole else _("遮盖个人信息"),
                "uses": _("、").join(use_word(use) for use in sorted(share.uses)),
            }
            for share in viewer.shares
        ],
        "read": rule_words(may_read(viewer, today)),
        "whole": rule_words(may_read_whole(viewer, today)),
    }
    status = HTTPStatus.NOT_FOUND if code else HTTPStatus.OK
    return render(request, "archive/my_access.html", context, status=status)


def _my_facts(viewer: Viewer) -> list[dict[str, Any]]:
    roles = _("、").join(str(Role(role).label) for role in sorted(viewer.roles))
    officer = str(Officer(viewer.officer).label) if viewer.officer else ""
    return [
        {"label": _("账号"), "value": viewer.name or _("未登录")},
        {"label": _("单位"), "value": unit_name(viewer.unit)},
        {"label": _("身份"), "value": roles or officer},
        {"label": _("可阅级别"), "value": level_word(viewer.clearance)},
    ]
