"""JSON from outside, read strictly: no endless depth, no half characters, no odd numbers."""

import json
from typing import Any, NoReturn

from django.http import HttpRequest
from ninja.parser import Parser


class StrictParser(Parser):
    """Reads a body; whatever it raises is answered as a bad request."""

    def parse_body(self, request: HttpRequest) -> Any:
        """The body as plain values.  Raises ValueError, RecursionError."""
        text = request.body.decode("utf-8")
        found = json.loads(text, parse_constant=_refuse, object_pairs_hook=_once)
        if "\\u" in text:
            json.dumps(found, ensure_ascii=False).encode("utf-8")  # half of a pair has no bytes
        return found


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose names are unique: with two of one name, checkers and users may differ."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found
