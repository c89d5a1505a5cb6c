"""What a person says of proposals: accept, edit, reject, undo.  An accepted value describes."""

import hashlib
import logging
from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from liandong.archive.services import correcting
from liandong.base.audit import record_act
from liandong.intake.models import Batch, Item, Proposal, ProposalState, StepRun
from liandong.kernel.metadata import fields as description_fields

logger = logging.getLogger(__name__)

REVIEW = "review"  # `StepRun.step` of a decision
_DECIDED = ["state", "decided_value", "decided_at", "decided_by"]
DECISIONS: Mapping[str, ProposalState] = {
    "accept": ProposalState.ACCEPTED,
    "edit": ProposalState.EDITED,
    "reject": ProposalState.REJECTED,
}
DESCRIBES: Mapping[str, str] = {  # field of a proposal → identifier of the description
    "title": "title",
    "document_number": "document_number",
    "order_number": "document_number",
    "issuer_signature": "author",
    "document_date": "document_date",
    "document_type": "document_type",
    "urgency": "urgency",
    "main_addressee": "main_addressee",
    "copy_addressee": "copy_addressee",
    "attachment_note": "attachment",
}


class AlreadyDecided(Exception):
    """Someone decided the proposal meanwhile; it is in `state` now."""

    def __init__(self, proposal_id: int, state: str) -> None:
        super().__init__(f"{proposal_id}: {state}")
        self.proposal_id = proposal_id
        self.state = state


def decide_proposal(
    proposal: Proposal, decision: str, *, value: str = "", by: str, now: datetime
) -> Proposal:
    """Decide one open proposal; `decision` is accept, edit (with `value`) or reject.

    A value that maps to a field of the description is written there, and into the admitted record
    too.  Raises AlreadyDecided, ValueError (unknown decision, empty edit) and what
    `archive.services.correcting.describe` raises; then nothing is changed.
    """
    state = DECISIONS.get(decision)
    value = value.strip() if decision == "edit" else proposal.value
    if state is None or not value:
        raise ValueError(f"no such decision, or no value: {decision!r}")
    if decision == "edit" and value == proposal.value:
        state = ProposalState.ACCEPTED
    return _decide(proposal.pk, state, value, by, now)


def _decide(proposal_id: int, state: ProposalState, value: str, by: str, now: datetime) -> Proposal:
    with transaction.atomic():
        fresh = Proposal.objects.select_for_update().get(pk=proposal_id)
        if fresh.state != ProposalState.PROPOSED:
            raise AlreadyDecided(fresh.pk, fresh.state)
        fresh.state, fresh.decided_at, fresh.decided_by = state, now, by
        fresh.decided_value = "" if state == ProposalState.REJECTED else value
        fresh.save(update_fields=_DECIDED)
        before = _write(fresh, fresh.decided_value) if fresh.decided_value else None
        _remember(fresh, before, by, now)
        _note("decide_field", fresh, by=by, now=now)
    if before is not None:
        try:
            _carry_to_record(fresh, by, now)
        except Exception:
            undo_decision(fresh, by=by, now=now)
            raise
    logger.info("proposal.decided id=%s state=%s by=%s", fresh.pk, state.value, by)
    return fresh


def _note(act: str, proposal: Proposal, *, by: str, now: datetime) -> None:
    facts = {
        "proposal": proposal.pk, "field": proposal.field, "state": str(proposal.state),
    }  # fmt: skip
    record_act(act, by=by, now=now, object=f"item:{proposal.item_id}", facts=facts)


def _write(proposal: Proposal, value: str) -> str | None:
    """Write a value into the item's description; what stood there, None for no such field."""
    identifier = DESCRIBES.get(proposal.field)
    if identifier is None:
        return None
    item = Item.objects.select_for_update().get(pk=proposal.item_id)
    before = str(item.description.get(identifier, ""))
    merged = {**item.description, identifier: value[: description_fields()[identifier].max_length]}
    item.description = {name: text for name, text in merged.items() if text}
    item.save(update_fields=["description"])
    return before


def _carry_to_record(proposal: Proposal, by: str, now: datetime) -> None:
    """Write the field of an admitted item into its record; takes the lock of the object.

    Outside the transaction of the decision: whoever holds that lock may wait for the database.
    """
    item = Item.objects.select_related("record").get(pk=proposal.item_id)
    identifier = DESCRIBES[proposal.field]
    if item.record is not None:
        changes = {identifier: item.description.get(identifier, "")}
        correcting.describe(item.record, changes, by=by, now=now)


def _remember(proposal: Proposal, before: str | None, by: str, now: datetime) -> None:
    """The decision as a step row: who, when, and what stood there before."""
    key = f"{proposal.pk} {proposal.state} {now.isoformat()}"
    StepRun.objects.bulk_create(
        [
            StepRun(
                item_id=proposal.item_id,
                step=REVIEW,
                tool=by,
                started_at=now,
                ended_at=now,
                input_digest=hashlib.sha256(key.encode()).hexdigest(),
                outcome="done",
                detail={"proposal": proposal.pk, "state": proposal.state, "before": before},
            )
        ],
        ignore_conflicts=True,
    )


def decide_proposals_above(
    batch: Batch, confidence: float, *, by: str, now: datetime, preview: bool = False
) -> list[Proposal]:
    """Accept every open proposal of a batch at or above a confidence (0.0 to 1.0).

    Returns those accepted (with `preview`, those that would be), surest first; one that somebody
    decides meanwhile is left out.
    """
    open_ones = (
        Proposal.objects.filter(
            item__batch=batch, state=ProposalState.PROPOSED, confidence__gte=confidence
        )
        .select_related("item")
        .order_by("-confidence", "id")
    )
    if preview:
        return list(open_ones)
    done = []
    for proposal in reversed(open_ones):  # the surest is written last and stands
        try:
            decided = decide_proposal(proposal, "accept", by=by, now=now)
        except AlreadyDecided:
            continue
        done.append(decided)
    return done[::-1]


def undo_decision(proposal: Proposal, *, by: str, now: datetime) -> Proposal:
    """Open a decided proposal again; the description gets back what stood there before.

    A field that was changed since stays as it is.  Raises ValueError when the proposal is not
    decided, and what `archive.services.correcting.describe` raises.
    """
    with transaction.atomic():
        fresh = Proposal.objects.select_for_update().select_related("item").get(pk=proposal.pk)
        if fresh.state == ProposalState.PROPOSED:
            raise ValueError(f"proposal {fresh.pk} is not decided")
        written, identifier = fresh.decided_value, DESCRIBES.get(fresh.field, "")
        fresh.state, fresh.decided_value = ProposalState.PROPOSED, ""
        fresh.decided_at, fresh.decided_by = None, ""
        fresh.save(update_fields=_DECIDED)
        stands = bool(written) and fresh.item.description.get(identifier) == written
        if stands:
            _write(fresh, _before(fresh))
        _remember(fresh, None, by, now)
        _note("undo_field", fresh, by=by, now=now)
    if stands:
        _carry_to_record(fresh, by, now)
    logger.info("proposal.reopened id=%s by=%s", fresh.pk, by)
    return fresh


def _before(proposal: Proposal) -> str:
    """What stood in the description when the proposal was last decided."""
    runs = StepRun.objects.filter(
        item=proposal.item_id, step=REVIEW, detail__proposal=proposal.pk
    ).order_by("-id")
    return next((str(run.detail["before"]) for run in runs if run.detail.get("before")), "")
