"""Stations: the public list and file, and the pages of those who keep them."""

from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from liandong.base.gates import ANYONE, open_to
from liandong.base.middleware import HEADERS, origin_of
from liandong.base.models import Account
from liandong.base.params import words
from liandong.base.viewers import viewer_of
from liandong.cases.policies import Bearer
from liandong.cases.services.opening import BadReport
from liandong.cases.services.reporting import TooMany
from liandong.community.forms import StationForm, plain
from liandong.community.models import Station
from liandong.community.policies import KEEP_STATIONS
from liandong.community.queries import stations as queries
from liandong.community.queries.points import receipt
from liandong.community.services import redeeming, stations
from liandong.community.wording import choices_of, facilities, hours, name_of
from liandong.kernel import catalog

_WITH_PLACE: Final = HEADERS["Permissions-Policy"].replace("geolocation=()", "geolocation=(self)")
GEOJSON: Final = "application/geo+json"


@require_safe
@open_to(ANYONE)
def show_stations(request: HttpRequest) -> HttpResponse:
    """Every open station.  The nearest is found in the browser: no position is sent."""
    has = words(request.GET.get("has"))
    at = timezone.localtime().time()
    rows = [_row(one, at) for one in queries.open_stations() if not has or has in one.facilities]
    context = {"rows": rows, "has": has, "choices": _used()}
    answer = render(request, "community/stations.html", context)
    answer.headers["Permissions-Policy"] = _WITH_PLACE
    return answer


def _row(one: Station, at: Any) -> dict[str, Any]:
    return {
        "station": one,
        "hours": hours(one),
        "is_open": queries.is_open_at(one, at),
        "facilities": facilities(one.facilities),
    }


def _used() -> list[tuple[str, str]]:
    return facilities(code for one in queries.open_stations() for code in one.facilities)


@require_safe
@open_to(ANYONE)
def send_geojson(request: HttpRequest) -> HttpResponse:
    """Every open station as a file (RFC 7946)."""
    return JsonResponse(
        queries.geojson(dict(choices_of("station_facilities"))), content_type=GEOJSON,
        json_dumps_params={"ensure_ascii": False},
    )  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
@open_to(ANYONE)
def tell(request: HttpRequest, station: str) -> HttpResponse:
    """Tell of a defect of a station: a report like any other, at its place."""
    one = queries.open_station(station)
    if one is None:
        raise Http404
    text, refused = words(request.POST.get("text")).strip(), ""
    if request.method == "POST":
        try:
            if not text:
                raise BadReport([("text", "missing")])
            opened = stations.tell_defect(
                one, words(request.POST.get("facility")), text, by=Bearer(viewer_of(request)),
                origin=origin_of(request), now=timezone.now(),
            )  # fmt: skip
        except TooMany:
            refused = _("这个网络地址上报过于频繁，请稍后再试。")
        except BadReport:
            refused = _("请写清楚哪里坏了、缺什么。")
        else:
            messages.success(
                request, _("已收到，编号 {number}。").format(number=opened.case.number)
            )
            return redirect("cases:track", opened.token)
    context = {
        "station": one, "choices": facilities(one.facilities), "refused": refused, "text": text,
        "crumbs": [(_("驿站"), "/stations/"), (one.name, "")],
    }  # fmt: skip
    return render(request, "community/tell.html", context, status=422 if refused else 200)


# For those who keep them --------------------------------------------------------------------------


def _kept(request: HttpRequest, code: str) -> Station:
    one = queries.kept_station(code, viewer=viewer_of(request))
    if one is None:
        raise Http404
    return one


@require_safe
@open_to(KEEP_STATIONS)
def show_kept(request: HttpRequest) -> HttpResponse:
    """The stations of the own unit, each with today's count and its last check."""
    today = timezone.localdate()
    rows = [
        {
            "station": one, "hours": hours(one), "today": queries.visits_on(one, today),
            "check": one.checks.first(),
        }
        for one in queries.kept_stations(viewer_of(request))
    ]  # fmt: skip
    return render(request, "community/kept.html", {"rows": rows})


@require_http_methods(["GET", "HEAD", "POST"])
@open_to(KEEP_STATIONS)
def add(request: HttpRequest) -> HttpResponse:
    """A new station of the own unit."""
    return _edit(request, None)


@require_http_methods(["GET", "HEAD", "POST"])
@open_to(KEEP_STATIONS)
def edit(request: HttpRequest, station: str) -> HttpResponse:
    """Change a station."""
    return _edit(request, _kept(request, station))


def _edit(request: HttpRequest, one: Station | None) -> HttpResponse:
    names = StationForm.base_fields
    initial = {name: getattr(one, name) for name in names} if one else None
    form = StationForm(request.POST or None, initial=initial)
    if one:
        form.fields["code"].disabled = True
    if request.method == "POST" and form.is_valid():
        said = plain(form)
        user = request.user
        assert isinstance(user, Account)  # noqa: S101 - the policy let an account with a unit pass
        assert user.unit is not None  # noqa: S101
        try:
            made = stations.keep_station(
                said, code=said["code"], operator=user.unit, by=user.username, now=timezone.now()
            )
        except PermissionError:
            form.add_error("code", _("这个编号已由别的单位使用。"))
        else:
            messages.success(request, _("已保存。"))
            return redirect("community:kept_station", made.code)
    context = {
        "form": form, "station": one,
        "crumbs": [
            (_("驿站管理"), "/community/stations/"), (one.name if one else _("新增驿站"), ""),
        ],
    }  # fmt: skip
    return render(request, "community/edit.html", context, status=422 if form.errors else 200)


@require_safe
@open_to(KEEP_STATIONS)
def show_one(request: HttpRequest, station: str) -> HttpResponse:
    """One station: count, redeem, check."""
    one = _kept(request, station)
    goods = catalog.by_key("points_goods", "code")
    context = {
        "station": one,
        "crumbs": [(_("驿站管理"), "/community/stations/"), (one.name, "")],
        "hours": hours(one),
        "facilities": facilities(one.facilities),
        "today": queries.visits_on(one, timezone.localdate()),
        "days": one.days.all()[:14],
        "goods": [(code, f"{name}（{goods[code]['points']}）")
                  for code, name in choices_of("points_goods")],
        "checks": [
            {"check": check, "defects": [name for _code, name in facilities(check.defects)]}
            for check in one.checks.all()[:10]
        ],
        "redeemed": [
            {"posting": row, "goods": name_of("points_goods", row.goods)}
            for row in one.postings.order_by("-id")[:20]
        ],
    }  # fmt: skip
    return render(request, "community/keptstation.html", context)


@require_POST
@open_to(KEEP_STATIONS)
def count(request: HttpRequest, station: str) -> HttpResponse:
    """One more visit."""
    one = _kept(request, station)
    number = stations.count_visit(one, now=timezone.now())
    messages.success(request, _("今天第 {number} 位。").format(number=number))
    return redirect("community:kept_station", station)


@require_POST
@open_to(KEEP_STATIONS)
def check(request: HttpRequest, station: str) -> HttpResponse:
    """Write a round of checking down."""
    one = _kept(request, station)
    ok = set(request.POST.getlist("ok"))
    made = stations.check_station(
        one, [code for code in one.facilities if code not in ok],
        words(request.POST.get("note")), by=viewer_of(request).name, now=timezone.now(),
    )  # fmt: skip
    messages.success(request, _("巡检已记录，{count} 项不正常。").format(count=len(made.defects)))
    return redirect("community:kept_station", station)


@require_POST
@open_to(KEEP_STATIONS)
def redeem(request: HttpRequest, station: str) -> HttpResponse:
    """Redeem points by the code that somebody shows; to the receipt, or back with the reason."""
    one = _kept(request, station)
    code, goods = words(request.POST.get("code")), words(request.POST.get("goods"))
    try:
        made = redeeming.redeem(code, goods, one, by=viewer_of(request).name, now=timezone.now())
    except redeeming.BadCode:
        messages.error(request, _("兑换码不对、已用过或者已过期，请让对方重新出示。"))
    except redeeming.TooManyTries:
        messages.error(request, _("输错太多次，请稍后再试。"))
    except redeeming.TooFewPoints:
        messages.error(request, _("积分不够，没有兑换；兑换码还可以用。"))
    except redeeming.UnknownGoods:
        messages.error(request, _("没有这种兑换品。"))
    else:
        return redirect(reverse("community:receipt", args=[station, made.pk]))
    return redirect("community:kept_station", station)


@require_safe
@open_to(KEEP_STATIONS)
def show_receipt(request: HttpRequest, station: str, posting: int) -> HttpResponse:
    """The receipt of a redemption: what, where, when; not who."""
    one, made = _kept(request, station), receipt(posting)
    if made is None or made.station_id != one.pk:
        raise Http404
    context = {
        "station": one, "posting": made, "goods": name_of("points_goods", made.goods),
        "crumbs": [(_("驿站管理"), "/community/stations/"),
                   (one.name, reverse("community:kept_station", args=[station])),
                   (made.receipt, "")],
    }  # fmt: skip
    return render(request, "community/receipt.html", context)
