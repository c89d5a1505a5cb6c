"""Covering faces and plates of a photo: mark, take away, confirm; works without a script."""

from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from liandong.base.gates import ANYONE, open_to
from liandong.base.params import number as whole
from liandong.base.viewers import viewer_of
from liandong.cases.models import Evidence
from liandong.cases.policies import BLUR
from liandong.cases.queries.public import public_photo
from liandong.cases.services import blurring
from liandong.cases.services.photos import clean_path, public_path
from liandong.cases.tasks import find_plates

from .case import case_or_404

WIDE: Final = 640  # CSS pixels of the picture on the page: clicks are told in these
SIDES: Final = {"small": 40, "middle": 90, "large": 180}  # CSS pixels of a box made by a click


def _photo(request: HttpRequest, number: str, photo: UUID) -> Evidence:
    case = case_or_404(request, number)
    one = case.evidence.filter(uuid=photo, event__isnull=False).first()
    if one is None or not one.width or not clean_path(one).is_file():
        raise Http404
    return one


@require_http_methods(["GET", "HEAD", "POST"])
@open_to(BLUR)
def show(request: HttpRequest, number: str, photo: UUID) -> HttpResponse:
    """The picture with its regions; a POST marks, takes away, confirms or takes back."""
    one = _photo(request, number, photo)
    if request.method == "POST":
        _act(request, one)
        return redirect("cases:blur", number, photo)
    kinds = [("face", _("人脸")), ("plate", _("车牌")), ("other", _("其他"))]
    names = dict(kinds)
    boxes = [
        {"x": x, "y": y, "width": width, "height": height, "word": names.get(kind, kind)}
        for x, y, width, height, kind in one.regions
    ]  # fmt: skip
    context: dict[str, Any] = {
        "one": one,
        "number": number,
        "crumbs": [(_("事项"), "/cases/"), (number, f"/cases/{number}/"), (_("遮挡"), "")],
        "boxes": boxes,
        "is_open": public_photo(one.uuid) is not None,
        "kinds": kinds,
        "sides": [("small", _("小")), ("middle", _("中")), ("large", _("大"))],
        "wide": WIDE,
        "high": round(one.height * WIDE / one.width),
    }
    return render(request, "cases/blur.html", context)


def _act(request: HttpRequest, one: Evidence) -> None:
    by, now, act = viewer_of(request).name, timezone.now(), request.POST.get("act", "")
    try:
        match act:
            case "remove":
                position = whole(request.POST.get("position"), default=blurring.MOST_REGIONS)
                blurring.unmark(one.pk, position, by=by, now=now)
            case "confirm":
                blurring.confirm(one.pk, by=by, now=now)
                messages.success(request, _("已确认，遮挡后的照片可以公开。"))
            case "propose":
                find_plates.enqueue(one.pk)
                messages.info(request, _("正在找车牌，稍后刷新本页。找不到的请自己点选。"))
            case "withdraw":
                blurring.withdraw(one.pk, by=by, now=now)
            case _:
                if region := _region(request, one):
                    blurring.mark(one.pk, region, by=by, now=now)
    except blurring.BadRegion:
        messages.error(request, _("框不在照片内，或者太小、太多。"))


def _region(request: HttpRequest, one: Evidence) -> blurring.Region | None:
    """A box by its numbers, or around a click on the picture; None where neither was given."""
    sent = request.POST
    kind = sent.get("kind", "")
    if sent.get("width"):
        x, y, width, height = (whole(sent.get(name)) for name in ("x", "y", "width", "height"))
        return x, y, width, height, kind
    if "at.x" not in sent:
        return None
    scale = one.width / WIDE
    side = round(SIDES.get(sent.get("side", ""), SIDES["middle"]) * scale)
    x, y = (round(whole(sent.get(name)) * scale) - side // 2 for name in ("at.x", "at.y"))
    return x, y, side, side, kind


@require_safe
@open_to(ANYONE)
def send_public(_request: HttpRequest, photo: UUID) -> HttpResponseBase:
    """The covered picture, for everybody, once it was confirmed and where the kind is public."""
    one = public_photo(photo)
    if one is None or not public_path(one).is_file():
        raise Http404
    return FileResponse(public_path(one).open(), content_type="image/jpeg")
