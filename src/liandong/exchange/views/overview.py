"""The first page of sharing: what waits for me, what I asked for, what is live."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from liandong.archive.viewers import viewer_of
from liandong.base.gates import open_to
from liandong.base.params import number, words
from liandong.exchange.models import RequestState, UseRequest
from liandong.exchange.policies import REPORT, SEE_OWN, holds, may_ask
from liandong.exchange.queries import loans, visits
from liandong.exchange.queries.requests import (
    PAGE,
    Filters,
    basket_of,
    listed,
    live,
    my_requests,
    notices_of,
    use_counts,
    waiting,
    years,
)
from liandong.exchange.services.notices import mark_seen
from liandong.exchange.services.people import day_of, today_number
from liandong.exchange.wording import STATE_TONES, USE_WORDS, choices, named, uses_words
from liandong.exchange.wording import notice_words as worded

from .standing import state_word


@require_safe
@open_to(SEE_OWN)
def show_exchange(request: HttpRequest) -> HttpResponse:
    """Everything of sharing that concerns whoever asks, each row a link."""
    viewer, now = viewer_of(request), timezone.now()
    open_grants = live(viewer, now=now)
    counts = use_counts([row.number for row in open_grants])
    context = {
        "notices": [(row, worded(row.kind, row.number, row.facts)) for row in notices_of(viewer)],
        "waiting": [row_of(row, now=now) for row in waiting(viewer)],
        "mine": [row_of(row, now=now) for row in my_requests(viewer)],
        "live": [row_of(row, now=now) | {"used": counts.get(row.number, 0)} for row in open_grants],
        "may_ask": may_ask(viewer),
        "holds": holds(viewer),
        "basket": len(basket_of(viewer, today=today_number(now))),
        "visits": visits.open_count() if holds(viewer) else 0,
        "overdue": len(loans.overdue(viewer, today=day_of(now))),
    }
    return render(request, "exchange/overview.html", context)


def row_of(row: UseRequest, *, now: Any) -> dict[str, Any]:
    """A request as a row of a table."""
    standing = row.standing(now)
    left = row.time_left(now)
    return {
        "request": row,
        "state": state_word(standing),
        "tone": STATE_TONES.get(standing, "idle"),
        "uses": uses_words(row.granted_uses or row.uses),
        "late": row.is_late(day_of(now)),
        "left": left,
        "days": left.days if left else None,
    }


@require_POST
@open_to(SEE_OWN)
def see_notices(request: HttpRequest) -> HttpResponse:
    """Take every notice as seen."""
    mark_seen(viewer_of(request).name, now=timezone.now())
    return redirect("exchange:overview")


@require_safe
@open_to(REPORT)
def show_requests(request: HttpRequest) -> HttpResponse:
    """The list behind every number: filters stand in the address."""
    viewer, now = viewer_of(request), timezone.now()
    filters = filters_of(request)
    before = number(request.GET.get("after"))
    rows = listed(filters, viewer=viewer, today=day_of(now), before=before)
    shown = rows[:PAGE]
    context = {
        "rows": [row_of(row, now=now) for row in shown],
        "after": shown[-1].pk if len(rows) > PAGE else "",
        "filters": filters,
        "states": [item for item in RequestState.choices if item[0] != "draft"],
        "uses": list(USE_WORDS.items()),
        "purposes": choices("use_purposes"),
        "years": years(viewer),
        "chips": _chips(request, filters),
    }
    return render(request, "exchange/requests.html", context)


def filters_of(request: HttpRequest) -> Filters:
    """The conditions of the address."""
    asked = {name: words(request.GET.get(name)) for name in ("state", "unit", "purpose", "timely")}
    use = words(request.GET.get("use"))
    year = number(request.GET.get("year"))
    return Filters(
        **asked, use=use if use in USE_WORDS else "", year=year if 1900 < year < 9000 else 0
    )  # fmt: skip


def _chips(request: HttpRequest, filters: Filters) -> list[dict[str, str]]:
    shown = [
        ("state", _("状态"), state_word(filters.state)),
        ("unit", _("单位"), filters.unit),
        ("purpose", _("目的类别"), named("use_purposes", filters.purpose)),
        ("use", _("利用方式"), str(USE_WORDS.get(filters.use, ""))),
        ("year", _("年度"), str(filters.year or "")),
        ("timely", _("答复"), timely_word(filters.timely)),
    ]
    chips = []
    for name, label, value in shown:
        if value:
            rest = request.GET.copy()
            rest.pop(name, None)
            rest.pop("after", None)
            chips.append({"label": label, "value": value, "url": f"?{rest.urlencode()}"})
    return chips


def timely_word(word: str) -> str:
    """yes, no, late in words."""
    return {"yes": _("按期答复"), "no": _("逾期答复"), "late": _("逾期未答")}.get(word, "")
