"""Filings of a department and where each stands."""

from dataclasses import dataclass
from typing import Final

from django.db.models import QuerySet

from liandong.intake.models import Batch, BatchState, Item, ItemState
from liandong.kernel.viewer import Viewer
from liandong.portal.models import Filing

RECEIVED: Final = "received"
FAILED: Final = "failed"
STATES: Final = (*ItemState.values, FAILED)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a filing stands: a state of its item, or failed; and the item once there is one."""

    state: str
    item: Item | None = None


def filings_of(viewer: Viewer) -> QuerySet[Filing]:
    """The filings of the department, newest first."""
    rows = Filing.objects.filter(unit__code=viewer.unit) if viewer.unit else Filing.objects.none()
    return rows.select_related("batch", "unit").order_by("-pk")


def state_of(filing: Filing) -> Standing:
    """Where a filing stands."""
    batch: Batch | None = filing.batch
    if batch is None:
        return Standing(RECEIVED)
    item = batch.items.select_related("record").prefetch_related("findings").first()
    if item is not None:
        return Standing(item.state, item)
    return Standing(FAILED if batch.state == BatchState.FAILED else RECEIVED)
