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
        cases = Case.objects.bulk_create([maker.case(uuid, one) for uuid, one in fresh.items()])
        events = [
            event
            for case, one in zip(cases, fresh.values(), strict=True)
            for event in maker.events(case, one)
        ]
        CaseEvent.objects.bulk_create(events)
        record_act(
            "import_cases", by=maker.by, now=maker.now, object=f"source:{maker.layout.source}",
            facts={"cases": len(cases), "first": cases[0].number, "last": cases[-1].number},
        )  # fmt: skip


# Rows ---------------------------------------------------------------------------------------------


@cache
def _move(axis: str, action: str) -> Move:
    return next(one for one in moves() if (one.axis, one.action) == (axis, action))


class _Maker:
    """Makes the rows of cases that come in at one moment."""

    def __init__(self, layout: Layout, *, by: str, now: datetime) -> None:
        self.layout, self.by, self.now = layout, by, now
        self.kind = kinds()[layout.kind]
        self.cells = list(GridCell.objects.all())
        self.policy = catalogue_policy(self.kind.timers, "ordinary")
        self.dues = {state: self._dues(state) for state in ("submitted", "closed")}
        self.algorithm = settings.AUDIT_DIGEST
        self.at = at_text(now)

    def _dues(self, state: str) -> dict[str, datetime]:
        """Clocks begin when the case comes in here, so they are alike for all of them."""
        moments = [Moment(at=self.now, state=state, action="")]
        runs = running_clocks(moments, self.policy, catalogue_calendar(), self.now)
        return {one.code: one.due_at for one in runs if not one.stopped_at and not one.paused}

    def case(self, uuid: UUID, one: SourceRow) -> Case:
        """The row of a case."""
        state = "closed" if one.closed_at else "submitted"
        dues = self.dues[state]
        clock = min(dues, key=lambda code: dues[code], default="")
        return Case(
            uuid=uuid, kind=self.kind.code, channel=CHANNEL, state=state, ledger="none",
            record="due" if one.closed_at else "active", round=1, title=one.title, text=one.text,
            category=one.category, address=one.address, lat=one.lat, lon=one.lon,
            datum="wgs84" if one.lat is not None else "", grid=self._cell(one),
            level=self.kind.level, policy=self.policy.version,
            calendar=catalogue_calendar().version, clock=clock, due_at=dues.get(clock),
            dues={code: due.isoformat() for code, due in dues.items()},
            submitted_at=one.submitted_at, changed_at=self.now, over_at=one.closed_at,
            last=2 if one.closed_at else 1,
        )  # fmt: skip

    def _cell(self, one: SourceRow) -> GridCell | None:
        if one.lat is None or one.lon is None:
            return None
        lat, lon = one.lat, one.lon
        return next(
            (
                cell for cell in self.cells
                if cell.south <= lat <= cell.north and cell.west <= lon <= cell.east
                and is_inside(lon, lat, cell.outline)
            ),
            None,
        )  # fmt: skip

    def events(self, case: Case, one: SourceRow) -> Iterator[CaseEvent]:
        """Its chain: where it came from, and that it waits for filing when it is over."""
        facts = {"channel": CHANNEL, "source": self.layout.source, "source_id": one.source_id}
        sets = first_sets(case)
        if one.closed_at is None:
            yield self._event(case, _move(STATE, "submit"), "reporter", 1, sets, facts, "")
            return
        facts |= {
            "submitted_at": at_text(one.submitted_at), "closed_at": at_text(one.closed_at),
        }  # fmt: skip
        came = self._event(case, _move(STATE, IMPORT), "system", 1, sets, facts, "")
        yield came
        yield self._event(case, _move(RECORD, "case_ended"), "system", 2, {}, {}, came.hash)

    def _event(
        self, case: Case, move: Move, role: str, number: int, sets: dict[str, Any],
        facts: dict[str, Any], previous: str,
    ) -> CaseEvent:  # fmt: skip
        cells: dict[str, Any] = {
            "case": str(case.uuid), "number": number, "at": self.at, "by": self.by, "role": role,
            "unit": "", "axis": move.axis, "action": move.action, "before": STARTS[move.axis],
            "after": move.target, "round": 1, "sets": sets, "facts": facts, "evidence": [],
            "payload": "", "previous": previous,
        }  # fmt: skip
        made = event_hash(cells, self.algorithm)
        return CaseEvent(**{**cells, "case": case, "at": self.now}, hash=made)
