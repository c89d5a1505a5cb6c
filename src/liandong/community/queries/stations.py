"""Stations as the public sees them and as their staff keeps them."""

from datetime import date, time
from typing import Any

from django.db.models import QuerySet

from liandong.base.access import to_q
from liandong.community.models import Station
from liandong.community.policies import may_keep
from liandong.kernel.viewer import Viewer

LOOKUPS = {"operator_code": "operator__code"}


def open_stations() -> QuerySet[Station]:
    """Stations that anybody may come to."""
    return Station.objects.filter(is_open=True).select_related("operator")


def open_station(code: str) -> Station | None:
    """The open station of this code, or None."""
    return open_stations().filter(code=code).first()


def kept_stations(viewer: Viewer) -> QuerySet[Station]:
    """Stations that this person keeps, closed ones too."""
    return Station.objects.filter(to_q(may_keep(viewer), LOOKUPS)).select_related("operator")


def kept_station(code: str, *, viewer: Viewer) -> Station | None:
    """The station of this code; None when this person does not keep it."""
    return kept_stations(viewer).filter(code=code).first()


def visits_on(station: Station, day: date) -> int:
    """How many came on a day."""
    return station.days.filter(day=day).values_list("visits", flat=True).first() or 0


def is_open_at(station: Station, at: time) -> bool:
    """Whether it is open at this time of the day; hours may go past midnight."""
    opens, closes = station.opens_at, station.closes_at
    if station.is_24h or opens is None or closes is None:
        return True
    if opens <= closes:
        return opens <= at < closes
    return at >= opens or at < closes


def geojson(names: dict[str, str]) -> dict[str, Any]:
    """Every open station as a FeatureCollection (RFC 7946), `names` of facilities by code."""
    return {
        "type": "FeatureCollection",
        "features": [_feature(one, names) for one in open_stations()],
    }


def _feature(one: Station, names: dict[str, str]) -> dict[str, Any]:
    hours = "" if one.is_24h or not (one.opens_at and one.closes_at) else (
        f"{one.opens_at:%H:%M}-{one.closes_at:%H:%M}"
    )  # fmt: skip
    return {
        "type": "Feature",
        "id": one.code,
        "geometry": {"type": "Point", "coordinates": [one.lon, one.lat]},
        "properties": {
            "name": one.name, "address": one.address, "operator": one.operator.name,
            "opening_hours": hours or "24/7", "seats": one.seats, "phone": one.phone,
            "facilities": [
                {"code": code, "name": names.get(code, code)} for code in one.facilities
            ],
        },
    }  # fmt: skip
