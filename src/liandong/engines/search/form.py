"""What an index of records holds; another form is another index."""

import hashlib
import json
from collections.abc import Mapping

from liandong.kernel.ports import FACETS

SCHEMA_VERSION = 2  # raise it when the meaning of a field changes
FACTS: Mapping[str, bool] = {  # True: whole number
    "level": True, "open_from": True, "personal": True, "unit": False, "shares": False,
}  # fmt: skip
DATED = ("open_from",)  # facts that are days


def stamp(facts: Mapping[str, bool]) -> str:
    """Eight hexadecimal digits that tell indexes of different forms apart."""
    form = json.dumps([SCHEMA_VERSION, FACETS, DATED, sorted(facts.items())])
    return hashlib.sha256(form.encode()).hexdigest()[:8]
