"""Changing a station, counting a visit, checking it, and telling of a defect."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from liandong.base.audit import record_act
from liandong.base.models import Unit
from liandong.cases.policies import Bearer
from liandong.cases.services.opening import Opened, Report
from liandong.cases.services.reporting import Sent, take_in
from liandong.community.models import Station, StationCheck, StationDay
from liandong.kernel import catalog

_COLUMNS = (
    "name", "address", "lat", "lon", "is_24h", "opens_at", "closes_at", "seats", "phone",
    "facilities", "is_open", "note",
)  # fmt: skip


def keep_station(
    facts: Mapping[str, Any], *, code: str, operator: Unit, by: str, now: datetime
) -> Station:
    """Make or change the station of this code, which the unit runs.

    `facts` by name of the columns.  Raises PermissionError for the station of another unit.
    """
    known = {name: facts[name] for name in _COLUMNS if name in facts}
    codes = catalog.by_key("station_facilities", "code")
    known["facilities"] = [one for one in codes if one in known.get("facilities", ())]
    with transaction.atomic():
        station = Station.objects.select_for_update().filter(code=code).first()
        if station is None:
            station = Station(code=code, operator=operator)
        if station.operator_id != operator.pk:
            raise PermissionError(code)
        for name, value in known.items():
            setattr(station, name, value)
        station.changed_at = now
        station.save()
        record_act("keep_station", by=by, now=now, object=f"station:{code}")
    return station


def count_visit(station: Station, *, now: datetime) -> int:
    """One more visit today; how many that makes."""
    day = timezone.localtime(now).date()
    with transaction.atomic():
        row, _ = StationDay.objects.get_or_create(station=station, day=day)
        StationDay.objects.filter(pk=row.pk).update(visits=F("visits") + 1)
        row.refresh_from_db()
    return row.visits


def check_station(
    station: Station, defects: Collection[str], note: str, *, by: str, now: datetime
) -> StationCheck:
    """Write down a round of checking; only facilities that the station has can be defective."""
    found = [one for one in station.facilities if one in defects]
    with transaction.atomic():
        check = StationCheck.objects.create(
            station=station, at=now, by=by, defects=found, note=note[:300]
        )
        record_act(
            "check_station", by=by, now=now, object=f"station:{station.code}",
            facts={"defects": len(found)},
        )  # fmt: skip
    return check


def tell_defect(
    station: Station, facility: str, text: str, *, by: Bearer, origin: str, now: datetime
) -> Opened:
    """Open a case about a defect, at the place of the station.

    Raises TooMany and BadReport of `cases.services`.
    """
    row = catalog.by_key("station_facilities", "code").get(facility)
    what = f"{station.name}：{row['name_zh']}" if row else station.name
    report = Report(
        "snap_report", "web", {"text": f"{what}。{text}"[:4000]}, address=station.address,
        lat=station.lat, lon=station.lon, datum="wgs84",
    )  # fmt: skip
    return take_in(Sent(report), by=by, origin=origin, now=now)
