"""What people are shown of records, as audit rows: whatever shows content leaves one.

The row comes first: where it cannot be written, nothing is shown.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from liandong.archive.models import Record
from liandong.base.audit import digest_of, record_act, was_shown

MOST_WORDS: Final = 16  # of a search, in its row
SITTING: Final = timedelta(hours=1)  # parts fetched within it belong to the look before


def note_look(
    act: str, record: Record, *, by: str, now: datetime, facts: Mapping[str, object] | None = None
) -> None:
    """Record that somebody is shown a record, and whether whole or masked."""
    known = {"version": record.version, **_sight(record), **(facts or {})}
    record_act(act, by=by, now=now, object=object_name(record), facts=known)


def note_part(record: Record, *, by: str, origin: str, now: datetime) -> None:
    """Record that somebody is given text or images of a record, unless a look just now says so.

    Tiles and page texts come by the dozen for one look: they are no acts of their own, but nobody
    can fetch them without having left a row.  Strangers are told apart by their address.
    """
    if not was_shown(object_name(record), by=by, origin=origin, since=now - SITTING):
        note_look("read_part", record, by=by, now=now)


def note_search(
    words: Sequence[str], *, filters: int, found: int, offset: int = 0, by: str, now: datetime
) -> None:
    """Record a search by digests and counts: its words may be about a person."""
    facts: dict[str, object] = {"filters": filters, "found": found, "offset": offset}
    if words:
        facts["words"] = " ".join(digest_of(word) for word in words[:MOST_WORDS])
    record_act("search", by=by, now=now, facts=facts)


def object_name(record: Record) -> str:
    """How audit rows name a record."""
    return f"record:{record.code}"


def _sight(record: Record) -> dict[str, str]:
    sight = getattr(record, "sight", "")  # set by the queries that read for a viewer
    return {"sight": str(sight)} if sight else {}
