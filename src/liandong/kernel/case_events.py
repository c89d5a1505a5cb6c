"""The chain of a case: what the hash of an event covers, and the row that all events give.

Events are the truth.  The row of a case is a projection: `project` folds the events, and a command
compares.  Personal words are not in an event, only their digest, so that they can be erased while
the chain stays whole.  Source: casework design §1; RFC 6962, 2.1, for the idea of a chain.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from .audit import digest
from .casework import STARTS

FIELDS: Final = (
    "case", "number", "at", "by", "role", "unit", "axis", "action", "before", "after", "round",
    "sets", "facts", "evidence", "payload", "previous",
)  # fmt: skip
Cells = Mapping[str, Any]


def canonical(value: Any) -> str:
    """JSON with sorted keys and no blanks: the same value gives the same text."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def event_hash(cells: Cells, algorithm: str) -> str:
    """The hash of an event as it is stored, `algorithm:hex`, over the cells in order of FIELDS.

    `at` is ISO 8601 in UTC with microseconds; `sets` and `facts` are objects, `evidence` a list of
    SHA-256 digests, `payload` the digest of the words that were handed in.
    """
    return digest(canonical([cells[name] for name in FIELDS]).encode(), algorithm)


def payload_digest(form: Mapping[str, str], algorithm: str) -> str:
    """The digest of a form: what the event keeps of words that may be erased; "" without words."""
    return digest(canonical(dict(form)).encode(), algorithm) if form else ""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong with a chain: at which event (from 1), and what."""

    number: int
    code: str  # number, previous, hash, before, column
    detail: str = ""


def project(events: Iterable[Cells]) -> dict[str, Any]:
    """The columns that the events of a case set, axes and round included."""
    row: dict[str, Any] = {**STARTS, "round": 0}
    for event in events:
        row[event["axis"]] = event["after"]
        row["round"] = event["round"]
        row.update(event["sets"])
    return row


def check(events: Sequence[Cells], row: Cells) -> Iterator[Fault]:
    """Every fault of a chain and of the row that should be its projection.

    `events` carry their stored `hash` beside FIELDS; `row` has the columns of `project`.
    """
    previous, stands = "", dict(STARTS)
    for number, event in enumerate(events, start=1):
        if event["number"] != number:
            yield Fault(number, "number", str(event["number"]))
        if event["previous"] != previous:
            yield Fault(number, "previous")
        if event["before"] != stands[event["axis"]]:
            yield Fault(number, "before", f"{event['axis']} {event['before']}")
        stands[event["axis"]] = event["after"]
        algorithm = event["hash"].partition(":")[0]
        if event_hash(event, algorithm) != event["hash"]:
            yield Fault(number, "hash")
        previous = event["hash"]
    for name, value in project(events).items():
        if row.get(name) != value:
            yield Fault(0, "column", f"{name}: {row.get(name)!r}, not {value!r}")
