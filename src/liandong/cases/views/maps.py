"""The map of cases (一张图): a table of cells that the script draws; and an export for outside."""

import json
from datetime import date
from math import isfinite
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from liandong.base.gates import open_to
from liandong.base.middleware import POLICY
from liandong.base.params import words
from liandong.base.viewers import viewer_of
from liandong.cases import wording
from liandong.cases.models import Case
from liandong.cases.policies import LIST
from liandong.cases.queries import maps
from liandong.cases.queries.cases import PAGE, Filters
from liandong.kernel.casework import kinds
from liandong.kernel.likeness import Box

from .lists import row_of

ROWS: Final = 60  # cells in the table; the map shows all


@require_safe
@open_to(LIST)
def show_map(request: HttpRequest) -> HttpResponse:
    """Cells of the view as a table and as marks, and the newest cases in it."""
    now, (rows, asked) = timezone.now(), _asked(request)
    box = _box(request.GET.get("box")) or maps.whole(rows)
    found = maps.cells(rows, box, now=now) if box else []
    listed = maps.inside(rows, box).select_related("lead_unit") if box else Case.objects.none()
    context = {
        **asked,
        "box": _box_text(box) if box else "",
        "cells": [_row(one) for one in found[:ROWS]],
        "marks": [_mark(one) for one in found],
        "total": sum(one.count for one in found),
        "rows": [row_of(one, now) for one in listed.order_by("-pk")[:PAGE]],
        "kinds": [(code, wording.kind_word(code)) for code in kinds()],
        "groups": wording.categories(),
        "tiles": settings.MAP_TILES,
        "query": _without_box(request),
    }
    answer = render(request, "cases/map.html", context)
    if settings.MAP_TILES:
        host = urlsplit(settings.MAP_TILES).hostname
        answer.headers["Content-Security-Policy"] = POLICY.replace(
            "img-src 'self'", f"img-src 'self' https://{host}"
        )
    return answer


@require_safe
@open_to(LIST)
def export(request: HttpRequest) -> HttpResponse:
    """The cases of the conditions as GeoJSON, for giving away: coarse places, no words."""
    rows, _asked_for = _asked(request)
    told = {"type": "FeatureCollection", "features": list(maps.public_features(rows))}
    answer = HttpResponse(json.dumps(told), content_type="application/geo+json")
    answer.headers["Content-Disposition"] = 'attachment; filename="cases.geojson"'
    return answer


def _asked(request: HttpRequest) -> tuple[QuerySet[Case], dict[str, Any]]:
    """The cases that the conditions of the address leave, and the conditions for the form."""
    filters = Filters(
        kind=words(request.GET.get("kind")), category=words(request.GET.get("category")),
        late=words(request.GET.get("late")),
    )  # fmt: skip
    span = maps.Span(_day(request.GET.get("since")), _day(request.GET.get("until")))
    all_too = request.GET.get("all") == "1"
    rows = maps.on_map(
        filters, span, viewer=viewer_of(request), now=timezone.now(), only_open=not all_too
    )
    return rows, {"filters": filters, "span": span, "all_too": all_too}


def _day(text: str | None) -> date | None:
    try:
        return parse_date(words(text))
    except ValueError:
        return None


def _box(text: str | None) -> Box | None:
    """A view as "south,north,west,east" in degrees; None for anything else."""
    try:
        box = Box(*(float(part) for part in words(text).split(",")))
    except (TypeError, ValueError):
        return None
    is_whole = all(isfinite(one) for one in box) and box.south < box.north and box.west < box.east
    on_earth = (
        abs(box.south) <= 90 and abs(box.north) <= 90 and box.west >= -360 and box.east <= 360
    )
    return box if is_whole and on_earth else None


def _box_text(box: Box) -> str:
    return ",".join(f"{one:.6f}" for one in box)


def _without_box(request: HttpRequest) -> str:
    kept = request.GET.copy()
    kept.pop("box", None)
    return kept.urlencode()


def _mark(one: maps.Cell) -> dict[str, Any]:
    return {
        "lat": round(one.lat, 5), "lon": round(one.lon, 5), "count": one.count, "late": one.late,
        "box": _box_text(one.box),
        "words": _("{count} 件，其中 {late} 件超期").format(count=one.count, late=one.late),
    }  # fmt: skip


def _row(one: maps.Cell) -> dict[str, Any]:
    return {"place": f"{one.lat:.3f}, {one.lon:.3f}", **_mark(one)}
