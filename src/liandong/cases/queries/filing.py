"""Where the filing of a case stands: whether it may be filed, and what became of its hand-over."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID, uuid5

from django.db.models import QuerySet

from liandong.archive.models import Record
from liandong.archive.queries import record_by_code
from liandong.cases.models import Case
from liandong.intake.models import Batch, BatchState, Item, ItemFinding, ItemState
from liandong.kernel.calendars import catalogue_calendar
from liandong.kernel.casework import EXITS, ON_LEDGER, STATE, flow_of
from liandong.kernel.deadlines import deadline
from liandong.kernel.viewer import Viewer

from .clocks import policy_of

DUE: Final = "due"
FEEDBACK: Final = "T10"  # as long may an exit be disputed
ENDED: Final = frozenset({"closed", *EXITS})
NONE, FAILED = "none", "failed"  # beside the states of an item
STOPPED: Final = frozenset({"returned", FAILED})
"""A hand-over that will not become a record: a person may send the case again."""


@dataclass(frozen=True, slots=True)
class Filing:
    """The last hand-over of a case as it stands now."""

    attempt: int = 1
    batch: Batch | None = None
    state: str = NONE  # NONE, received, a state of its item, or FAILED
    item: Item | None = None

    @property
    def record(self) -> Record | None:
        """The record that it became."""
        return self.item.record if self.item and self.state == ItemState.ADMITTED else None


def batch_uuid(case: Case, attempt: int) -> UUID:
    """The id of a hand-over: the same case as it stands gives the same, so it is handed over once.

    A case that was reopened after its hand-over has more events, and is another package.
    """
    return uuid5(case.uuid, f"filing:{case.last}:{attempt}")


def filing_of(case: Case) -> Filing:
    """The hand-over of a case that is due; NONE before the first."""
    attempt, found = 1, Filing()
    while batch := Batch.objects.filter(uuid=batch_uuid(case, attempt)).first():
        found = _standing(attempt, batch)
        if found.state not in STOPPED:
            return found
        attempt += 1
    return found


def _standing(attempt: int, batch: Batch) -> Filing:
    item = batch.items.select_related("record").first()
    if item is not None:
        return Filing(attempt, batch, item.state, item)
    state = FAILED if batch.state == BatchState.FAILED else ItemState.RECEIVED
    return Filing(attempt, batch, state)


def disputable_until(case: Case) -> datetime | None:
    """Until when a dispute holds up the filing; None when none can come any more.

    Whoever was refused has as long to ask for a review as others have to rate; so has an
    enterprise whose demand was cleared, when the problem comes back.
    """
    leaving = [
        one for one in flow_of(case.kind).leaving(STATE, case.state) if one.action == "dispute"
    ]
    if not any("cleared" not in one.guards or case.ledger == "cleared" for one in leaving):
        return None
    if case.over_at is None or case.events.filter(axis=STATE, action="dispute").exists():
        return None
    limit = policy_of(case).limits.get(FEEDBACK)
    if limit is None:
        return None
    return deadline(case.over_at, limit.amount, limit.unit, catalogue_calendar())


def is_ready(case: Case, *, now: datetime) -> bool:
    """Whether it is over, due for filing, and nobody's time to dispute runs.

    What is still on the ledger waits to be cleared until its filing time (T12) has run out.
    """
    if case.record != DUE or case.state not in ENDED:
        return False
    filing_due = case.running.get("T12")
    if case.ledger in ON_LEDGER and case.state == "closed" and filing_due and now <= filing_due:
        return False  # first it is cleared, as long as there is time for it
    until = disputable_until(case)
    return until is None or until < now


def due_cases(*, after: int = 0, limit: int = 500) -> list[Case]:
    """Cases that are due for filing, in order of their keys."""
    rows = Case.objects.filter(record=DUE, state__in=sorted(ENDED), pk__gt=after)
    related = rows.select_related("lead_unit", "desk_unit", "parent", "requester", "enterprise")
    return list(related.order_by("pk")[:limit])


def record_of(case: Case, *, viewer: Viewer, today: int) -> Record | None:
    """The record of a filed case, if this person may see it."""
    return record_by_code(case.code, viewer=viewer, today=today) if case.code else None


def findings_of(filing: Filing) -> QuerySet[ItemFinding]:
    """What the checks found of the hand-over, notes left out."""
    if filing.batch is None:
        return ItemFinding.objects.none()
    return filing.batch.findings.exclude(severity="note").order_by("pk")
