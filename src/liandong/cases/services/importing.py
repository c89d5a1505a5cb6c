"""Bulk import (批量导入): rows of another system become cases, each with a chain that says whence.

A row whose id is known is the case that is there: an import that was cut off is simply begun
again.  What was closed elsewhere comes in by a step of its own, `import`, and goes to the archive
like everything else; what is open there is submitted here and begins at the desk.
"""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from itertools import islice
from typing import Any, Final
from uuid import NAMESPACE_URL, UUID, uuid5

from django.conf import settings
from django.db import transaction

from liandong.base.audit import record_act
from liandong.base.rows import AlikeRows
from liandong.cases.models import Case, CaseEvent, GridCell
from liandong.kernel.calendars import catalogue_calendar
from liandong.kernel.case_events import event_hash
from liandong.kernel.case_imports import BadRow, Layout, SourceRow
from liandong.kernel.casework import IMPORT, RECORD, STARTS, STATE, Move, kinds, moves
from liandong.kernel.clocks import Moment, catalogue_policy, running_clocks

from .opening import first_sets, is_inside
from .stepping import at_text

CHUNK: Final = 1000
CHANNEL: Final = "import"
Progress = Callable[[int, int], None]  # rows read; the total is not known


@dataclass(slots=True)
class Refused:
    """A row that was not taken: its line in the file (the header is line 1), and why."""

    line: int
    code: str
    name: str
    text: str
    row: Mapping[str, str]


@dataclass(slots=True)
class Counts:
    """Rows read are rows imported, known already and refused."""

    read: int = 0
    imported: int = 0
    closed: int = 0  # of those imported
    known: int = 0
    refused: int = 0
    reasons: dict[str, int] = field(default_factory=dict)

    def refuse(self, code: str) -> None:
        """Count a refused row."""
        self.refused += 1
        self.reasons[code] = self.reasons.get(code, 0) + 1


class BadFile(Exception):
    """A file that cannot be read as the layout says: `code` is empty, columns, or not-csv."""

    def __init__(self, code: str, text: str = "") -> None:
        super().__init__(f"{code} {text}".strip())
        self.code, self.text = code, text


def import_rows(
    lines: Iterable[str], layout: Layout, *, by: str, now: datetime,
    refuse: Callable[[Refused], None] = lambda one: None, dry_run: bool = False,
    progress: Progress = lambda done, total: None,
) -> Counts:  # fmt: skip
    """Import a CSV, a thousand rows in a transaction; `refuse` is told of every refused row.

    Raises BadFile before the first row is written, or at the place where the file is no CSV.
    """
    counts = Counts()
    reader = csv.DictReader(lines, strict=True)
    if not (header := _header(reader)):
        raise BadFile("empty")
    if missing := layout.missing(header):
        raise BadFile("columns", "、".join(missing))
    maker = _Maker(layout, by=by, now=now)
    rows = _read(reader, layout, counts, refuse, now=now)
    while chunk := list(islice(rows, CHUNK)):
        _import_chunk(chunk, maker, counts, dry_run=dry_run)
        progress(counts.read, 0)
    return counts


def _header(reader: "csv.DictReader[str]") -> Sequence[str]:
    try:
        return reader.fieldnames or []
    except csv.Error as error:
        raise BadFile("not-csv", str(error)) from None


def _read(
    reader: "csv.DictReader[str]", layout: Layout, counts: Counts,
    refuse: Callable[[Refused], None], *, now: datetime,
) -> Iterator[SourceRow]:  # fmt: skip
    try:
        for row in reader:
            counts.read += 1
            try:
                if None in row or None in row.values():
                    raise BadRow("columns", "")
                yield layout.read(row, now=now)
            except BadRow as bad:
                counts.refuse(bad.code)
                refuse(Refused(reader.line_num, bad.code, bad.name, bad.text, row))
    except csv.Error as error:
        raise BadFile("not-csv", f"{reader.line_num}: {error}") from None


def case_uuid(source: str, source_id: str) -> UUID:
    """The id of a case that came from another system: the same row is the same case."""
    return uuid5(NAMESPACE_URL, f"urn:liandong:import:{source}:{source_id}")


def _import_chunk(
    rows: Sequence[SourceRow], maker: "_Maker", counts: Counts, *, dry_run: bool
) -> None:
    by_uuid = {case_uuid(maker.layout.source, one.source_id): one for one in rows}
    known = set(Case.objects.filter(uuid__in=list(by_uuid)).values_list("uuid", flat=True))
    fresh = {uuid: one for uuid, one in by_uuid.items() if uuid not in known}
    counts.known += len(known)
    counts.imported += len(fresh)
    counts.closed += sum(one.closed_at is not None for one in fresh.values())
    if dry_run or not fresh:
        return
    with transaction.atomic():
        maker.write(fresh)
        record_act(
            "import_cases", by=maker.by, now=maker.now, object=f"source:{maker.layout.source}",
            facts={"cases": len(fresh)},
        )  # fmt: skip


# Rows ---------------------------------------------------------------------------------------------


_OF_CASE: Final = (
    "uuid", "title", "text", "category", "address", "lat", "lon", "datum", "grid_id",
    "submitted_at", "over_at",
)  # fmt: skip
_OF_EVENT: Final = ("case_id", "sets", "facts", "previous", "hash")
_PROJECTED: Final = ("category", "lat", "lon")  # columns of events that rows bring along
_CHAINS: Final[Mapping[str, Sequence[tuple[str, str, str]]]] = {  # axis, action, role
    "submitted": ((STATE, "submit", "reporter"),),
    "closed": ((STATE, IMPORT, "system"), (RECORD, "case_ended", "system")),
}


@cache
def _move(axis: str, action: str) -> Move:
    return next(one for one in moves() if (one.axis, one.action) == (axis, action))


class _Maker:
    """Writes cases that come in at one moment, with their chains."""

    def __init__(self, layout: Layout, *, by: str, now: datetime) -> None:
        self.layout, self.by, self.now = layout, by, now
        self.kind = kinds()[layout.kind]
        self.cells = list(GridCell.objects.all())
        self.algorithm = settings.AUDIT_DIGEST
        likes = {state: self._like(state) for state in _CHAINS}
        self.sets = {state: first_sets(like) for state, like in likes.items()}
        self.cases = {state: AlikeRows(like, _OF_CASE) for state, like in likes.items()}
        self.steps = {
            state: [self._step(number, *one) for number, one in enumerate(chain, start=1)]
            for state, chain in _CHAINS.items()
        }

    def _like(self, state: str) -> Case:
        """What all cases that come in so have alike: clocks begin now, for all of them."""
        policy, calendar = catalogue_policy(self.kind.timers, "ordinary"), catalogue_calendar()
        runs = running_clocks([Moment(at=self.now, state=state)], policy, calendar, self.now)
        dues = {one.code: one.due_at for one in runs if not one.stopped_at and not one.paused}
        clock = min(dues, key=lambda code: dues[code], default="")
        return Case(
            kind=self.kind.code, channel=CHANNEL, state=state, ledger="none", round=1,
            record="due" if state == "closed" else "active", level=self.kind.level,
            policy=policy.version, calendar=calendar.version, clock=clock, due_at=dues.get(clock),
            dues={code: due.isoformat() for code, due in dues.items()}, changed_at=self.now,
            last=len(_CHAINS[state]), told=len(_CHAINS[state]),
        )  # fmt: skip

    def _step(
        self, number: int, axis: str, action: str, role: str
    ) -> tuple[dict[str, Any], AlikeRows]:
        """The cells that an event of every case has alike, and what inserts it."""
        target = _move(axis, action).target
        cells = {
            "number": number, "by": self.by, "role": role, "unit": "", "axis": axis,
            "action": action, "before": STARTS[axis], "after": target, "round": 1,
            "evidence": [], "payload": "",
        }  # fmt: skip
        rows = AlikeRows(CaseEvent(**cells, at=self.now), _OF_EVENT)
        return {**cells, "at": at_text(self.now)}, rows

    def write(self, fresh: Mapping[UUID, SourceRow]) -> None:
        """Write cases and their events in the caller's transaction."""
        for state in _CHAINS:
            rows = {
                uuid: self._case(uuid, one) for uuid, one in fresh.items()
                if (one.closed_at is not None) == (state == "closed")
            }  # fmt: skip
            self.cases[state].insert(rows.values())
            found = Case.objects.filter(uuid__in=list(rows))
            keys = dict(found.values_list("uuid", "pk"))
            previous = dict.fromkeys(rows, "")
            for cells, table in self.steps[state]:
                events = [
                    self._event(uuid, keys[uuid], row, cells, fresh[uuid], previous[uuid])
                    for uuid, row in rows.items()
                ]
                table.insert(events)
                previous = {
                    uuid: event["hash"] for uuid, event in zip(rows, events, strict=True)
                }  # fmt: skip

    def _case(self, uuid: UUID, one: SourceRow) -> dict[str, Any]:
        return {
            "uuid": uuid, "title": one.title, "text": one.text, "category": one.category,
            "address": one.address, "lat": one.lat, "lon": one.lon,
            "datum": "wgs84" if one.lat is not None else "", "grid_id": self._cell(one),
            "submitted_at": one.submitted_at, "over_at": one.closed_at,
        }  # fmt: skip

    def _cell(self, one: SourceRow) -> int | None:
        if one.lat is None or one.lon is None:
            return None
        lat, lon = one.lat, one.lon
        return next(
            (
                cell.pk for cell in self.cells
                if cell.south <= lat <= cell.north and cell.west <= lon <= cell.east
                and is_inside(lon, lat, cell.outline)
            ),
            None,
        )  # fmt: skip

    def _event(
        self, uuid: UUID, key: int, row: Mapping[str, Any], cells: Mapping[str, Any],
        one: SourceRow, previous: str,
    ) -> dict[str, Any]:  # fmt: skip
        """What varies of an event, its hash included: the first says where the case came from."""
        sets: dict[str, Any] = {}
        facts: dict[str, Any] = {}
        if not previous:
            state = "closed" if one.closed_at else "submitted"
            sets = {**self.sets[state], **{name: row[name] for name in _PROJECTED}}
            facts = {"channel": CHANNEL, "source": self.layout.source, "source_id": one.source_id}
            if one.closed_at:
                facts |= {
                    "submitted_at": at_text(one.submitted_at), "closed_at": at_text(one.closed_at),
                }  # fmt: skip
        whole = {**cells, "case": str(uuid), "sets": sets, "facts": facts, "previous": previous}
        made = event_hash(whole, self.algorithm)
        return {"case_id": key, "sets": sets, "facts": facts, "previous": previous, "hash": made}
