"""Reporting by whoever passes (随手拍): one page, a photo ahead, a report; no sign-in.

The page works as a plain form.  Its script keeps reports in the browser until they are acknowledged
and sends photo and text each for itself, see `frontend/src/snap.ts`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID, uuid4

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import get_random_string
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from liandong.base.front_end import module_of
from liandong.base.gates import ANYONE, open_to
from liandong.base.middleware import WITH_PLACE, origin_of
from liandong.base.models import Account
from liandong.base.params import words
from liandong.base.viewers import viewer_of
from liandong.cases import wording
from liandong.cases.policies import Bearer
from liandong.cases.queries.public import public_case
from liandong.cases.queries.similar import Nearby, similar_public
from liandong.cases.services.opening import BadReport, Opened, Report
from liandong.cases.services.photos import BadPhoto
from liandong.cases.services.reporting import (
    MOST_PHOTOS,
    TOKEN,
    Misplaced,
    PhotosMissing,
    Sent,
    TooMany,
    keep_ahead,
    may_ask,
    take_in,
)
from liandong.kernel.places import read_place

from .case import LONGEST_WORDS, photo_words

KIND: Final = "snap_report"
LARGEST_NUMBER: Final = 24  # characters of one coordinate


@dataclass(frozen=True, slots=True)
class _Refused:
    """Why nothing was taken: a status, a code for the script, and a sentence."""

    status: int
    code: str
    text: str
    more: Mapping[str, Any] = field(default_factory=dict)


@require_safe
@open_to(ANYONE)
def show_snap(request: HttpRequest) -> HttpResponse:
    """The reporter's page."""
    return _page(request, {})


def _page(
    request: HttpRequest, said: Mapping[str, str], refused: _Refused | None = None
) -> HttpResponse:
    context = {
        "said": said,
        "report": said.get("report") or str(uuid4()),
        "token": said.get("token") or get_random_string(24),
        "groups": wording.categories(),
        "script": module_of("src/snap.ts"),
        "refused": refused,
        "words": _script_words(),
        "most": MOST_PHOTOS,
    }
    answer = render(request, "cases/snap.html", context, status=refused.status if refused else 200)
    answer.headers["Permissions-Policy"] = WITH_PLACE
    return answer


def _script_words() -> dict[str, str]:
    """What the script shows."""
    return {
        "waiting": _("待发送"), "photos": _("已收到照片 {sent} / {count}"),
        "done": _("已提交，编号 {number}"), "refused": _("没有收下：{why}"),
        "track": _("看进度"), "remove": _("删除"), "again": _("现在发送"),
        "plain": _("不用化名发送"), "empty": _("请拍照，或者写几句话。"),
        "place": _("请填地点，或者点“用我的位置”。"), "noPlace": _("没有取得位置，请填写地点。"),
        "locating": _("正在定位…"), "located": _("已取得位置，可以微调。"),
        "badPhoto": _("照片打不开，请重新拍摄。"), "kept": _("已存入发件箱，有网络时自动发送。"),
        "busy": _("上报过于频繁，稍后自动再发。"), "metoo": _("我也遇到"),
        "said": _("提交后由受理员并到一起，结果一并告知。"),
    }  # fmt: skip


@require_POST
@open_to(ANYONE)
def take_report(request: HttpRequest) -> HttpResponse:
    """Take a report in: 201 with number and link, 200 when it was there, or why not.

    A script (Accept: application/json) gets JSON, a plain form the tracking page.
    """
    made = _taken(request)
    is_script = request.headers.get("Accept") == "application/json"
    if isinstance(made, _Refused):
        if is_script:
            return _refusal(made)
        said = {name: request.POST.get(name, "")[:LONGEST_WORDS] for name in _SAID}
        return _page(request, said, made)
    track = reverse("cases:track", args=[made.token]) if made.token else ""
    if is_script:
        told = {"number": made.case.number, **({"track": track} if track else {})}
        return JsonResponse(told, status=201 if made.is_fresh else 200)
    messages.success(request, _("已收到，编号 {number}。请记下本页网址，凭它看进度、评价。").format(
        number=made.case.number
    ))  # fmt: skip
    return redirect(track or reverse("cases:find"))


_SAID: Final = (
    "report", "token", "text", "category", "address", "lat", "lon", "datum", "pseudonym",
)  # fmt: skip


def _refusal(why: _Refused) -> JsonResponse:
    answer = JsonResponse({"code": why.code, "why": why.text, **why.more}, status=why.status)
    if why.status == 429:
        answer.headers["Retry-After"] = "600"
    return answer


def _taken(request: HttpRequest) -> Opened | _Refused:
    try:
        sent = _read(request)
        photos = [
            (one.name or "photo.jpg", one.read()) for one in request.FILES.getlist("photo")
            if isinstance(one, UploadedFile) and one.size
        ]  # fmt: skip
        return take_in(
            sent, by=Bearer(viewer_of(request)), origin=origin_of(request), now=timezone.now(),
            photos=photos,
        )  # fmt: skip
    except BadReport as bad:
        name, code = bad.faults[0]
        return _Refused(422, f"{name}-{code}", _fault_words(name, code))
    except BadPhoto as bad:
        return _Refused(422, f"photo-{bad.code}", photo_words(bad))
    except PhotosMissing as lost:
        missing = {"missing": [str(one) for one in lost.uuids]}
        return _Refused(409, "photos-missing", _("照片没有收到，请重新发送。"), missing)
    except TooMany:
        return _Refused(429, "too-many", _("这个网络地址上报过于频繁，请稍后再试。"))


def _fault_words(name: str, code: str) -> str:
    said = {
        ("text", "missing"): _("请拍照，或者写几句话。"),
        ("place", "missing"): _("请填写地点，或者给出位置。"),
        ("place", "bad"): _("位置不对：纬度在 -90 到 90、经度在 -180 到 180 之间。"),
        ("category", "unknown"): _("没有这个类别。"),
        ("report", "bad"): _("页面已经失效，请刷新后再提交。"),
        ("pseudonym", "too-short"): _("化名不超过 40 字，恢复码至少 8 个字符。"),
        ("pseudonym", "taken"): _("这个化名已有人用，恢复码不对。"),
        ("text", "too-long"): _("内容太长。"),
    }  # fmt: skip
    return str(said.get((name, code), _("填写有误。")))


def _read(request: HttpRequest) -> Sent:
    """The fields of the form.  Raises BadReport."""
    form = request.POST
    text = form.get("text", "").replace("\0", "")
    token = form.get("token", "")
    address = words(form.get("address")).strip()[:200]
    try:
        uuid = UUID(form.get("report", ""))
        ahead = [UUID(one) for one in form.getlist("ahead")[:MOST_PHOTOS]]
        if not TOKEN.fullmatch(token):
            raise ValueError("token")
    except ValueError:
        raise BadReport([("report", "bad")]) from None
    datum = form.get("datum") or "wgs84"
    try:
        sent_at = [form.get(name, "")[:LARGEST_NUMBER] for name in ("lat", "lon")]
        place = read_place(sent_at[0], sent_at[1], datum)
    except ValueError:
        raise BadReport([("place", "bad")]) from None
    if place is None and not address:
        raise BadReport([("place", "missing")])
    lat, lon = place or (None, None)
    report = Report(
        kind=KIND, channel="web", form={"text": text} if text.strip() else {}, uuid=uuid,
        category=words(form.get("category")), address=address, lat=lat, lon=lon,
        datum=datum if place else "", token=token,
        requester=request.user if isinstance(request.user, Account) else None,
        same_as=_same_as(form.get("same_as", "")),
    )  # fmt: skip
    return Sent(report, ahead, words(form.get("pseudonym")), words(form.get("recovery")))


def _same_as(number: str) -> str:
    """The number of a public case that the sender takes for the same; "" for anything else."""
    return number if public_case(number[:LARGEST_NUMBER]) is not None else ""


@require_POST
@open_to(ANYONE)
def find_nearby(request: HttpRequest) -> JsonResponse:
    """Public open cases like the report that is being written, as {"near": [{number, words}]}.

    By POST, so that no log keeps where somebody stands.  429 where an address asks too often.
    """
    form, now = request.POST, timezone.now()
    try:
        sent_at = [form.get(name, "")[:LARGEST_NUMBER] for name in ("lat", "lon")]
        place = read_place(sent_at[0], sent_at[1], form.get("datum") or "wgs84")
    except ValueError:
        place = None
    if place is None:
        return JsonResponse({"near": []})
    if not may_ask(origin_of(request), now=now):
        return JsonResponse({"near": []}, status=429)
    found = similar_public(
        lat=place[0], lon=place[1], category=words(form.get("category")),
        text=form.get("text", "")[:LONGEST_WORDS], now=now,
    )  # fmt: skip
    return JsonResponse({"near": [_told(one) for one in found]})


def _told(one: Nearby) -> dict[str, str]:
    said = _("{metres} 米内已有人报“{category}”，{day}上报，{state}").format(
        metres=max(100, math.ceil(one.metres / 50) * 50),
        category=wording.category_word(one.case.category),
        day=date_format(timezone.localtime(one.case.submitted_at), "MONTH_DAY_FORMAT"),
        state=wording.public_state(one.case.state),
    )  # fmt: skip
    return {"number": one.case.number, "words": said}


@require_http_methods(["PUT"])
@open_to(ANYONE)
def take_photo(request: HttpRequest, report: UUID, photo: UUID) -> HttpResponse:
    """Keep a photo ahead of its report: 201, or 200 when it was there; or why not."""
    try:
        is_new = keep_ahead(
            report, photo, request.body, name="photo.jpg", origin=origin_of(request),
            now=timezone.now(),
        )  # fmt: skip
    except BadPhoto as bad:
        return _refusal(_Refused(422, f"photo-{bad.code}", photo_words(bad)))
    except Misplaced:
        return _refusal(_Refused(409, "misplaced", _("这条上报已经提交，不能再加照片。")))
    except TooMany:
        return _refusal(_Refused(429, "too-many", _("这个网络地址上报过于频繁，请稍后再试。")))
    return JsonResponse({"photo": str(photo)}, status=201 if is_new else 200)
