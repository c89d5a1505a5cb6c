"""What a person decides about items: accept, return, check again.  Each item says its outcome."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from liandong.intake.flow import ITEM_FLOW
from liandong.intake.models import Batch, BatchState, Item, ItemState
from liandong.kernel.flows import StepRefused

from .drive import close_if_done


@dataclass(frozen=True, slots=True)
class Decided:
    """The outcome for one item: `refused` is "" or the reason of kernel.flows.StepRefused."""

    item_id: int
    key: str
    refused: str = ""


@transaction.atomic
def accept(item_ids: Sequence[int], *, by: str, now: datetime) -> list[Decided]:
    """Accept waiting items; they are packed and admitted by the job that follows."""
    return _decide("accept", item_ids, by=by, now=now)


@transaction.atomic
def send_back(item_ids: Sequence[int], *, reason: str, by: str, now: datetime) -> list[Decided]:
    """Return items to the unit; the reason is required and the bytes stay until disposal."""
    return _decide("return", item_ids, by=by, now=now, reason=reason.strip())


def _decide(
    step: str, item_ids: Sequence[int], *, by: str, now: datetime, reason: str = ""
) -> list[Decided]:
    items = Item.objects.select_for_update().select_related("batch").filter(pk__in=item_ids)
    outcomes = []
    for item in items.order_by("pk"):
        try:
            state = ITEM_FLOW.take(step, item.state, "archivist", {"reason"} if reason else set())
        except StepRefused as refused:
            outcomes.append(Decided(item.pk, item.key, refused.reason))
            continue
        item.state, item.decided_at, item.decided_by, item.reason = state, now, by, reason
        item.save(update_fields=["state", "decided_at", "decided_by", "reason"])
        outcomes.append(Decided(item.pk, item.key))
    for batch in Batch.objects.filter(
        items__in=item_ids, state=BatchState.PENDING_REVIEW
    ).distinct():
        close_if_done(batch, now=now)
    return outcomes


@transaction.atomic
def check_again(batch: Batch, *, by: str) -> int:
    """Send held items through the machine once more (after a rule or the system was mended)."""
    held = batch.items.filter(state=ItemState.HELD, code="")
    batch.findings.filter(item__in=held).delete()
    for item in held:
        item.steps.all().delete()
    count = held.update(
        state=ItemState.RECEIVED, step="", blocking=0, warnings=0, checks={}, trouble=""
    )
    if count:
        batch.state, batch.ended_at = BatchState.CHECKING, None
        batch.save(update_fields=["state", "ended_at"])
    return count
