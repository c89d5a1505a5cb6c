"""What a person decides about items: accept, return, check again.  Each item says its outcome."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from liandong.archive.models import Fonds
from liandong.archive.services.admitting import give_back_code
from liandong.base.audit import Act, record_act, record_acts
from liandong.base.models import Outcome
from liandong.intake.flow import ITEM_FLOW
from liandong.intake.models import Batch, BatchState, Item, ItemState, StepRun
from liandong.kernel.codes import ArchivalCode, template
from liandong.kernel.flows import StepRefused

from .drive import close_if_done
from .review import REVIEW

log = logging.getLogger(__name__)
_AGAIN = (
    "state", "step", "trouble", "blocking", "warnings", "checks", "decided_at", "decided_by",
)  # fmt: skip


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
        if step == "return" and item.code:  # it was held while being packed: its number is free
            give_back_code(_settled(item))
            item.code = ""
        item.save(update_fields=["state", "decided_at", "decided_by", "reason", "code"])
        outcomes.append(Decided(item.pk, item.key))
    for batch in Batch.objects.filter(
        items__in=item_ids, state=BatchState.PENDING_REVIEW
    ).distinct():
        close_if_done(batch, now=now)
    _note(step, item_ids, outcomes, by=by, now=now, why=reason)
    return outcomes


def _note(
    step: str,
    item_ids: Sequence[int],
    outcomes: Sequence[Decided],
    *,
    by: str,
    now: datetime,
    why: str,
) -> None:
    """One audit row per batch: what was decided of how many, and of how many it could not be."""
    act = {"accept": "accept_items", "return": "return_items"}[step]
    batches = Item.objects.filter(pk__in=item_ids).values_list("pk", "batch_id")
    refused = {one.item_id for one in outcomes if one.refused}
    items: dict[int, list[int]] = {}
    for item_id, batch_id in batches.order_by("batch_id", "pk"):
        items.setdefault(batch_id, []).append(item_id)
    acts = [
        Act(
            act, f"batch:{batch_id}", why=why,
            outcome=Outcome.REFUSED if refused.issuperset(ids) else Outcome.DONE,
            facts={"items": len(ids), "refused": len(refused.intersection(ids))},
        )
        for batch_id, ids in items.items()
    ]  # fmt: skip
    record_acts(acts, by=by, now=now)


def _settled(item: Item) -> ArchivalCode:
    fonds = Fonds.objects.get(number=item.code.split("-", 1)[0])
    return template(fonds.code_template).parse(item.code)


@transaction.atomic
def check_again(batch: Batch, *, by: str, now: datetime) -> int:
    """Send held items through the machine once more (after a rule or the system was mended).

    What unpacking said of an item stays: the hand-over itself has not changed.
    """
    held = list(batch.items.select_for_update().filter(state=ItemState.HELD))
    batch.findings.filter(item__in=held).delete()
    StepRun.objects.filter(item__in=held).exclude(step=REVIEW).delete()
    for item in held:
        item.state, item.step, item.trouble = ItemState.RECEIVED, "", ""
        item.blocking = item.warnings = 0
        item.checks = {name: told for name, told in item.checks.items() if name == "unpack"}
        item.decided_at, item.decided_by = None, ""  # it was accepted before it was held
    Item.objects.bulk_update(held, _AGAIN, batch_size=200)
    if held:
        batch.state, batch.ended_at = BatchState.CHECKING, None
        batch.save(update_fields=["state", "ended_at"])
        log.info("batch.checked_again id=%s items=%s by=%s", batch.pk, len(held), by)
        facts = {"items": len(held)}
        record_act("check_again", by=by, now=now, object=f"batch:{batch.pk}", facts=facts)
    return len(held)
