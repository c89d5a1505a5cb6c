"""What Open311 shows of services and cases: public facts only, ids always strings.

Never: contact data, who reported, kinds that are not public, words that no person has read, photos
that nobody has blurred, a place finer than COARSE.  Source: GeoReport v2; casework design §8.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

from django.urls import reverse
from django.utils import timezone

from liandong.cases import wording
from liandong.cases.models import Case
from liandong.cases.queries.public import first_photos
from liandong.kernel import catalog
from liandong.kernel.casework import ENDED_PUBLICLY
from liandong.kernel.places import COARSE

from .writing import Listed

_STATES: Final = {row["code"]: row for row in catalog.rows("case_states") if row["axis"] == "state"}


def services() -> Listed:
    """Every category that can be reported, as a service."""
    rows = [row for row in catalog.rows("problem_categories") if row["subclass_name_zh"]]
    return Listed("services", "service", [_service(row) for row in rows if row["enabled"] == "Y"])


def service_row(code: str) -> dict[str, str] | None:
    """The category of this service code; None when there is none."""
    for row in catalog.rows("problem_categories"):
        if row["local_code"] == code and row["enabled"] == "Y" and row["subclass_name_zh"]:
            return dict(row)
    return None


def attributes_of(code: str) -> list[dict[str, str]]:
    """The questions of a service, in order."""
    rows = [dict(row) for row in catalog.rows("service_attributes") if row["service_code"] == code]
    return sorted(rows, key=lambda row: int(row["order"]))


def choices_of(attribute: dict[str, str]) -> list[tuple[str, str]]:
    """Key and name of each choice of a question with choices."""
    found = []
    for part in filter(None, attribute["values"].split("|")):
        key, _equals, names = part.partition("=")
        zh, _slash, en = names.partition("/")
        found.append((key, en if wording.is_english() else zh))
    return found


def _service(row: Any) -> dict[str, Any]:
    name = wording.category_word(row["local_code"])
    group = row["class_name_en"] if wording.is_english() else row["class_name_zh"]
    return {
        "service_code": row["local_code"], "service_name": name, "description": name,
        "metadata": bool(attributes_of(row["local_code"])), "type": "realtime",
        "keywords": f"{name},{group}", "group": group,
    }  # fmt: skip


def definition(code: str) -> dict[str, Any]:
    """The questions of a service."""
    rows = [
        {
            "variable": True, "code": one["code"], "datatype": one["datatype"],
            "required": one["required"] == "Y", "datatype_description": None,
            "order": int(one["order"]),
            "description": one["description_en" if wording.is_english() else "description_zh"],
            **_values(one),
        }
        for one in attributes_of(code)
    ]  # fmt: skip
    return {"service_code": code, "attributes": Listed("attributes", "attribute", rows)}


def _values(attribute: dict[str, str]) -> dict[str, Any]:
    choices = [{"key": key, "name": name} for key, name in choices_of(attribute)]
    return {"values": Listed("values", "value", choices)} if choices else {}


def requests(cases: Sequence[Case], address: Callable[[str], str]) -> Listed:
    """Cases as service requests; `address` makes a path an address."""
    photos = first_photos(cases)
    rows = []
    for one in cases:
        photo = photos.get(one.pk)
        path = reverse("cases:public_photo", args=[photo]) if photo else ""
        rows.append(request_of(one) | {"media_url": address(path) if path else None})
    return Listed("service_requests", "request", rows)


def request_of(case: Case) -> dict[str, Any]:
    """One case as anybody may see it."""
    ended = case.state in ENDED_PUBLICLY
    changed = case.over_at if ended and case.over_at else case.changed_at
    return {
        "service_request_id": case.number,
        "status": _STATES[case.state]["open311_status"] or "open",
        "status_notes": wording.outcome_text(case.outcome) if ended else None,
        "service_name": wording.category_word(case.category) or None,
        "service_code": case.category or None,
        "description": case.public_text or None,
        "agency_responsible": case.lead_unit.name if case.lead_unit else None,
        "service_notice": None,
        "requested_datetime": _at(case.submitted_at),
        "updated_datetime": _at(changed),
        "expected_datetime": _at(case.handle_by),
        "address": (case.address or None) if case.is_public else None,
        "address_id": None,
        "zipcode": None,
        "lat": round(case.lat, COARSE) if case.lat is not None else None,
        "long": round(case.lon, COARSE) if case.lon is not None else None,
        "media_url": None,
    }


def update_status(case_state: str, outcome: str) -> str:
    """The status of an update as FixMyStreet names it: FIXED is said of what was solved only."""
    row = _STATES[case_state]
    if row["fms_status"] == "FIXED" and outcome != "solved":
        return "NO_FURTHER_ACTION"
    return row["fms_status"]


def _at(at: datetime | None) -> str | None:
    """ISO 8601 with zone, to the second."""
    return timezone.localtime(at).isoformat(timespec="seconds") if at else None
