"""Whether events and rows agree: the chain of a case, and the row made from it once more."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from liandong.base.audit import record_act
from liandong.base.models import Unit
from liandong.cases.models import Case, CaseEvent
from liandong.kernel.case_events import Fault, check, payload_digest, project

from .stepping import at_text

Progress = Callable[[int, int], None]  # done, total
CHUNK = 500


def cells_of(event: CaseEvent, case_uuid: str) -> dict[str, Any]:
    """An event as its hash covers it, and its hash."""
    return {
        "case": case_uuid, "number": event.number, "at": at_text(event.at), "by": event.by,
        "role": event.role, "unit": event.unit, "axis": event.axis, "action": event.action,
        "before": event.before, "after": event.after, "round": event.round, "sets": event.sets,
        "facts": event.facts, "evidence": event.evidence, "payload": event.payload,
        "previous": event.previous, "hash": event.hash,
    }  # fmt: skip


def faults_of(case: Case) -> list[Fault]:
    """Every fault of one case: its chain, its row, and words that are not those of the digest."""
    events = list(case.events.select_related("words").order_by("number"))
    cells = [cells_of(event, str(case.uuid)) for event in events]
    return [*check(cells, {**case.cells, "round": case.round}), *_changed_words(events)]


def _changed_words(events: list[CaseEvent]) -> Iterator[Fault]:
    for event in events:
        words = getattr(event, "words", None)
        if words is None or words.erased_at is not None:
            continue
        algorithm = event.hash.partition(":")[0] or settings.AUDIT_DIGEST
        if payload_digest(words.said, algorithm) != event.payload:
            yield Fault(event.number, "words")


def verify_cases(*, progress: Progress = lambda done, total: None) -> Iterator[tuple[Case, Fault]]:
    """Every fault of every case, in order of the cases."""
    total, done, last = Case.objects.count(), 0, 0
    rows = Case.objects.select_related("lead_unit", "desk_unit", "parent").order_by("pk")
    while chunk := list(rows.filter(pk__gt=last)[:CHUNK]):
        for case in chunk:
            yield from ((case, fault) for fault in faults_of(case))
        last, done = chunk[-1].pk, done + len(chunk)
        progress(done, total)


@transaction.atomic
def rebuild_row(case_id: int, *, by: str, now: datetime) -> list[str]:
    """Write the projected columns from the events; names of those that differed.

    Raises Case.DoesNotExist, and ValueError when the chain itself is broken.
    """
    case = Case.objects.select_for_update().get(pk=case_id)
    events = [cells_of(one, str(case.uuid)) for one in case.events.order_by("number")]
    broken = [one for one in check(events, project(events)) if one.code != "column"]
    if broken:
        raise ValueError(f"{case.number}: {broken[0].code} at event {broken[0].number}")
    differing = [
        name for name, value in project(events).items()
        if {**case.cells, "round": case.round}.get(name) != value
    ]  # fmt: skip
    for name in differing:
        value = project(events)[name]
        if name in {"lead_unit", "desk_unit"}:
            value = Unit.objects.filter(code=value).first()
        elif name == "parent":
            value = Case.objects.filter(uuid=value).first() if value else None
        setattr(case, name, value)
    if differing:
        case.save()
        record_act(
            "rebuild_case", by=by, now=now, object=f"case:{case.number}",
            facts={"columns": " ".join(sorted(differing))},
        )  # fmt: skip
    return differing
