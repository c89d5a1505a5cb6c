"""Shapes of the answers of GeoReport v2 as JSON Schema, written from the specification.

Containers are bare arrays, ids and codes strings, an empty element is null; nothing else is there.
"""

from collections.abc import Sequence
from typing import Any

import jsonschema_rs

TEXT: dict[str, Any] = {"type": "string", "minLength": 1}
MAYBE: dict[str, Any] = {"type": ["string", "null"]}
MOMENT: dict[str, Any] = {
    "type": ["string", "null"],
    "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)$",
}


def _whole(needed: Sequence[str], **parts: Any) -> dict[str, Any]:
    return {
        "type": "object", "properties": parts, "required": list(needed),
        "additionalProperties": False,
    }  # fmt: skip


def _rows(row: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": row}


_REQUEST: dict[str, Any] = {
    "service_request_id": TEXT, "status": {"enum": ["open", "closed"]}, "status_notes": MAYBE,
    "service_name": MAYBE, "service_code": MAYBE, "description": MAYBE,
    "agency_responsible": MAYBE, "service_notice": MAYBE, "requested_datetime": MOMENT,
    "updated_datetime": MOMENT, "expected_datetime": MOMENT, "address": MAYBE,
    "address_id": MAYBE, "zipcode": MAYBE, "lat": {"type": ["number", "null"]},
    "long": {"type": ["number", "null"]},
    "media_url": {"type": ["string", "null"], "pattern": "^https?://"},
}  # fmt: skip
_ATTRIBUTE: dict[str, Any] = {
    "variable": {"type": "boolean"}, "code": TEXT,
    "datatype": {
        "enum": ["string", "number", "datetime", "text", "singlevaluelist", "multivaluelist"]
    },
    "required": {"type": "boolean"}, "datatype_description": MAYBE,
    "order": {"type": "integer", "minimum": 1}, "description": TEXT,
    "values": _rows(_whole(["key", "name"], key=TEXT, name=TEXT)),
}  # fmt: skip
_ENDPOINT: dict[str, Any] = {
    "specification": {"const": "http://wiki.open311.org/GeoReport_v2"}, "url": TEXT,
    "changeset": MOMENT, "type": {"enum": ["production", "test"]},
    "formats": _rows({"enum": ["text/xml", "application/json"]}),
}  # fmt: skip
_SERVICE: dict[str, Any] = {
    "service_code": TEXT, "service_name": TEXT, "description": MAYBE,
    "metadata": {"type": "boolean"}, "type": {"enum": ["realtime", "batch", "blackbox"]},
    "keywords": MAYBE, "group": MAYBE,
}  # fmt: skip
_UPDATE: dict[str, Any] = {
    "update_id": TEXT, "service_request_id": TEXT, "status": TEXT, "updated_datetime": MOMENT,
    "description": MAYBE, "media_url": MAYBE, "external_status_code": MAYBE,
}  # fmt: skip
SCHEMAS: dict[str, dict[str, Any]] = {
    "discovery": _whole(
        ["changeset", "contact", "key_service", "endpoints"],
        changeset=MOMENT, contact=TEXT, key_service=TEXT,
        endpoints=_rows(_whole(list(_ENDPOINT), **_ENDPOINT)),
    ),
    "services": _rows(_whole(list(_SERVICE), **_SERVICE)),
    "definition": _whole(
        ["service_code", "attributes"], service_code=TEXT,
        attributes=_rows(_whole([name for name in _ATTRIBUTE if name != "values"], **_ATTRIBUTE)),
    ),
    "requests": _rows(_whole(list(_REQUEST), **_REQUEST)),
    "opened": _rows(
        _whole(
            ["service_request_id", "service_notice", "account_id"],
            service_request_id=TEXT, service_notice=MAYBE, account_id=MAYBE,
        )
    ),
    "tokens": _rows(_whole(["service_request_id", "token"], service_request_id=TEXT, token=TEXT)),
    "servicerequestupdates": _rows(_whole(list(_UPDATE), **_UPDATE)),
    "updated": _rows(_whole(["update_id"], update_id=TEXT)),
    "errors": _rows(
        _whole(["code", "description"], code={"enum": ["400", "403", "404"]}, description=TEXT)
    ),
}  # fmt: skip


def check(name: str, told: Any) -> None:
    """Raises AssertionError where an answer is not as the schema of this name has it."""
    faults = [str(one) for one in jsonschema_rs.validator_for(SCHEMAS[name]).iter_errors(told)]
    assert not faults, faults


def schema_of(path: str) -> str:
    """The schema of what a GET of this path below the endpoint answers."""
    first, _slash, rest = path.partition("/")
    return "definition" if first == "services" and rest else first
