"""Cases on the map: counted by cells on the server, so that a city of a million is drawn alike."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from django.db.models import Avg, Count, F, Max, Min, Q, QuerySet
from django.db.models.functions import Floor
from django.utils import timezone

from liandong.cases.models import Case
from liandong.kernel.casework import ENDED_PUBLICLY, kinds
from liandong.kernel.likeness import Box
from liandong.kernel.places import COARSE, MOST_CELLS, cell_side
from liandong.kernel.viewer import Viewer

from .cases import Filters, meant, visible

ROOM: Final = 0.05  # share of the size left free around all cases
LEAST: Final = 0.002  # degrees: the smallest view, some 200 m
MOST_EXPORTED: Final = 50_000


@dataclass(frozen=True, slots=True)
class Span:
    """Days of submission in the city's time, both included; None where a side is open."""

    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Cell:
    """How many cases lie in a cell, how many of them are late, where their middle is."""

    count: int
    late: int
    lat: float
    lon: float
    box: Box


def on_map(
    filters: Filters, span: Span, *, viewer: Viewer, now: datetime, only_open: bool = False
) -> QuerySet[Case]:
    """Cases with a place that `viewer` may see and the conditions leave."""
    rows = visible(viewer).filter(meant(filters, now=now), lat__isnull=False)
    if only_open:
        rows = rows.exclude(state__in=sorted(ENDED_PUBLICLY))
    if span.since:
        rows = rows.filter(submitted_at__gte=_midnight(span.since))
    if span.until:
        rows = rows.filter(submitted_at__lt=_midnight(span.until + timedelta(days=1)))
    return rows


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def whole(rows: QuerySet[Case]) -> Box | None:
    """The box that holds all of them with some room; None without any."""
    ends = rows.aggregate(Min("lat"), Max("lat"), Min("lon"), Max("lon"))
    if ends["lat__min"] is None:
        return None
    up = max(LEAST, ROOM * (ends["lat__max"] - ends["lat__min"]))
    along = max(LEAST, ROOM * (ends["lon__max"] - ends["lon__min"]))
    return Box(
        ends["lat__min"] - up, ends["lat__max"] + up, ends["lon__min"] - along,
        ends["lon__max"] + along,
    )  # fmt: skip


def inside(rows: QuerySet[Case], box: Box) -> QuerySet[Case]:
    """Those within the box."""
    return rows.filter(lat__gte=box.south, lat__lte=box.north, lon__gte=box.west, lon__lte=box.east)


def cells(rows: QuerySet[Case], box: Box, *, now: datetime) -> list[Cell]:
    """The cells of a view that hold anything, the fullest first; at most MOST_CELLS."""
    side = cell_side(box.north - box.south, box.east - box.west)
    counted = (
        inside(rows, box)
        .order_by()
        .annotate(row=Floor(F("lat") / side), column=Floor(F("lon") / side))
        .values("row", "column")
        .annotate(
            count=Count("pk"), late=Count("pk", filter=Q(due_at__lt=now)), north=Avg("lat"),
            east=Avg("lon"),
        )
        .order_by("-count", "row", "column")
    )  # fmt: skip
    return [_cell(one, side) for one in counted[:MOST_CELLS]]


def _cell(one: Mapping[str, Any], side: float) -> Cell:
    south, west = one["row"] * side, one["column"] * side
    box = Box(south, south + side, west, west + side)
    return Cell(one["count"], one["late"], one["north"], one["east"], box)


def public_features(rows: QuerySet[Case]) -> Iterator[dict[str, Any]]:
    """GeoJSON features (RFC 7946) of kinds that are shown on a map: what anybody may know.

    Places are coarse (COARSE decimals); no words, no address, no person.
    """
    shown = [one.code for one in kinds().values() if one.public == "map"]
    for one in rows.filter(kind__in=shown).order_by("-pk")[:MOST_EXPORTED].iterator(2000):
        if one.lat is None or one.lon is None:
            continue
        yield {
            "type": "Feature",
            "geometry": {
                "type": "Point", "coordinates": [round(one.lon, COARSE), round(one.lat, COARSE)],
            },
            "properties": {
                "number": one.number, "category": one.category,
                "status": "closed" if one.state in ENDED_PUBLICLY else "open",
                "submitted": timezone.localtime(one.submitted_at).date().isoformat(),
            },
        }  # fmt: skip
