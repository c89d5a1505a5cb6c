"""Giving out what the audit holds: each is an act, recorded before anything leaves."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from liandong.base.models import AuditRow, Officer
from liandong.kernel.viewer import Viewer

from .evidence import Range, line_of, write_range, write_selection
from .queries import Wanted, chosen_rows
from .rows import rows_of
from .seals import seal
from .writing import record_act

CLI = Viewer(name="cli", officer=Officer.AUDIT.value)
"""The command line: whoever may start it has the data folder in hand anyway."""


def export_lines(wanted: Wanted, *, after: int = 0, by: str, now: datetime) -> Iterator[str]:
    """The rows that fit as lines of JSON, in order, as they were written up to now."""
    _note(wanted, "lines", by=by, now=now)
    return (line_of(row) for row in rows_of(chosen_rows(wanted, viewer=CLI), after=after))


def export_package(
    target: Path | BinaryIO, wanted: Wanted, *, viewer: Viewer = CLI, by: str, now: datetime
) -> int:
    """Write a package, of everything or of what was chosen, sealed up to now; how many rows."""
    _note(wanted, "package", by=by, now=now)
    seal(by=by, now=now)
    if wanted != Wanted():
        rows = chosen_rows(wanted, viewer=viewer)
        return write_selection(target, rows, conditions=wanted.as_facts(), by=by, now=now)
    last = AuditRow.objects.order_by("-number").values_list("number", flat=True).first() or 0
    held = write_range(target, Range(1, last), by=by, now=now)
    return held.last - held.first + 1


def note_reading(
    wanted: Wanted, *, row: int = 0, before: int = 0, form: str = "", by: str, now: datetime
) -> None:
    """Record that somebody reads the audit: reading it is an act as well."""
    if row:
        record_act("open_audit_row", by=by, now=now, object=f"audit:{row}")
        return
    facts: dict[str, object] = dict(wanted.as_facts())
    facts |= {"before": before} if before else {}
    act = "export_audit" if form else "read_audit"
    facts |= {"form": form} if form else {}
    record_act(act, by=by, now=now, object="audit:rows", facts=facts)


def _note(wanted: Wanted, form: str, *, by: str, now: datetime) -> None:
    facts = {"form": form, **wanted.as_facts()}
    record_act("export_audit", by=by, now=now, object="audit:rows", facts=facts)
