"""Answers of Open311 as XML and JSON: one structure, the two writings that the standard asks for.

A list becomes a container whose children carry the name of its items; in JSON it is a bare array.
None is an empty element, `null` in JSON.  Source: GeoReport v2, "Formats".
"""

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpResponse

from liandong.kernel.xml import XmlWriter

FORMATS: Final = ("xml", "json")
TYPES: Final = {"xml": "text/xml; charset=utf-8", "json": "application/json; charset=utf-8"}


@dataclass(frozen=True, slots=True)
class Listed:
    """Items under a container: `<requests><request>…`."""

    container: str
    item: str
    rows: Sequence[Any]


def answer(
    content: Listed | Mapping[str, Any], form: str, *, root: str = "", status: int = 200
) -> HttpResponse:
    """An answer in one of FORMATS; a mapping needs the name of its root element for XML."""
    if form == "json":
        body = json.dumps(_plain(content), ensure_ascii=False).encode()
    else:
        out = io.BytesIO()
        name = content.container if isinstance(content, Listed) else root
        _write(XmlWriter(out.write), name, content)
        body = out.getvalue()
    return HttpResponse(body, content_type=TYPES[form], status=status)


def _plain(value: Any) -> Any:
    if isinstance(value, Listed):
        return [_plain(one) for one in value.rows]
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    return value


def _write(xml: XmlWriter, name: str, value: Any) -> None:
    if isinstance(value, Listed):
        xml.open(name)
        for row in value.rows:
            _write(xml, value.item, row)
        xml.close()
    elif isinstance(value, Mapping):
        xml.open(name)
        for key, part in value.items():
            _write(xml, key, part)
        xml.close()
    elif isinstance(value, bool):
        xml.leaf(name, "true" if value else "false")
    else:
        xml.leaf(name, "" if value is None else str(value))
