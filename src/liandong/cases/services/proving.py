"""Whether events and rows agree: the chain of a case, and the row made from it once more."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from liandong.archive.models import Record
from liandong.archive.services.contents import contents_of
from liandong.archive.services.objects import record_urn
from liandong.archive.services.verifying import check_record
from liandong.base.audit import record_act
from liandong.base.models import Unit
from liandong.cases.models import Case, CaseEvent
from liandong.cases.queries.situations import case_by_number
from liandong.kernel.case_events import Fault, check, payload_digest, project
from liandong.kernel.casework import RECORD
from liandong.kernel.packages.ocfl import BrokenInventory
from liandong.kernel.sealed import CannotOpen

from .packing import VIEW
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


# Case, package and record -------------------------------------------------------------------------


def filed_faults(case: Case) -> Iterator[Fault]:
    """Every fault of a case as it is and as it was filed: chain = row = package = record.

    Beside the codes of `faults_of`: "record" (no such record, or another object), "package" (the
    object tells another history), and codes of `check_record` for its bytes and digests.
    """
    yield from faults_of(case)
    if case.record in {"active", "due"}:
        return
    filed = case.events.filter(axis=RECORD, action="file").order_by("-number").first()
    if filed is None:
        yield Fault(0, "record", "no event says so")
        return
    record = Record.objects.filter(code=case.code).first()
    urn = str(filed.facts.get("package", ""))
    if record is None or record_urn(record.object_id) != urn:
        yield Fault(filed.number, "record", f"{case.code or '—'}: {urn}")
        return
    found, _size = check_record(record)
    yield from (Fault(filed.number, one.code, one.where) for one in found)
    yield from _package_faults(case, urn, filed.number)


def _package_faults(case: Case, urn: str, last: int) -> Iterator[Fault]:
    """Where the history in the object is not the one of the chain up to the filing."""
    try:
        told = contents_of(urn).json(f"original/{VIEW}")
        kept = [(one["number"], one["hash"]) for one in told["events"]]
        uuid = told["uuid"]
    except (CannotOpen, BrokenInventory, OSError, KeyError, ValueError, TypeError) as error:
        yield Fault(last, "package", type(error).__name__)
        return
    if uuid != str(case.uuid):
        yield Fault(last, "package", f"of case {uuid}")
    ours = dict(case.events.filter(number__lt=last).values_list("number", "hash"))
    known = dict(kept)
    for number in sorted(ours.keys() | known.keys()):
        # The state goes to `filed` in the same act, after the package was made.
        is_filing = number not in known and number == last - 1
        if known.get(number) != ours.get(number) and not is_filing:
            yield Fault(number, "package", "another event")


def verify_filed(
    numbers: Sequence[str] = (), *, progress: Progress = lambda done, total: None
) -> Iterator[tuple[Case, Fault]]:
    """Every fault of the cases of these numbers, or of all; in order of the cases."""
    rows = _of_numbers(numbers)
    total, done, last = rows.count(), 0, 0
    while chunk := list(rows.filter(pk__gt=last)[:CHUNK]):
        for case in chunk:
            yield from ((case, fault) for fault in filed_faults(case))
        last, done = chunk[-1].pk, done + len(chunk)
        progress(done, total)


def count_cases(numbers: Sequence[str] = ()) -> int:
    """How many cases `verify_filed` looks at."""
    return _of_numbers(numbers).count()


def _of_numbers(numbers: Sequence[str]) -> QuerySet[Case]:
    rows = Case.objects.select_related("lead_unit", "desk_unit", "parent").order_by("pk")
    if not numbers:
        return rows
    found = [case_by_number(one) for one in numbers]
    return rows.filter(pk__in=[one.pk for one in found if one])
