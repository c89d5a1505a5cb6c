"""Appraisal (价值鉴定) of records whose period has ended: kept longer, for ever, or destroyed.

A decision counts at once; its event follows into the object by a job, so that a rebuild knows how
long a record is kept.  Source: 档案法实施条例 (2024) art. 24; 国家档案局令第8号 art. 12.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from liandong.archive.models import Appraisal, Decision, DestructionItem, ListState, Record
from liandong.base.audit import Act, record_acts
from liandong.kernel.retention import PERMANENT, UNKNOWN, longer

from .admission import Event
from .correcting import object_lock, recover, write_event
from .holding import frozen_among
from .jobs import KEEP_APPRAISALS, enqueue_after_commit
from .objects import APPRAISED, read_object
from .packing import TOOL

YEARS = (10, 30)  # by which a period is extended; 国家档案局令第8号 art. 6
OPEN_STATES = [
    ListState.PROPOSED, ListState.APPROVED, ListState.HALF_SIGNED, ListState.SIGNED,
    ListState.EXECUTING,
]  # fmt: skip


class CannotAppraise(Exception):
    """The opinion cannot stand; `codes` say of which records.

    `reason` is no-records, no-reason, years, not-due, unknown, frozen or listed.
    """

    def __init__(self, reason: str, codes: Sequence[str] = ()) -> None:
        super().__init__(f"{reason} {' '.join(codes)}".strip())
        self.reason = reason
        self.codes = list(codes)


@dataclass(frozen=True, slots=True)
class Opinion:
    """What is decided of records, and why."""

    decision: Decision
    reason: str
    clause: str  # of the retention schedule or law
    years: int = 0  # LONGER: one of YEARS


@transaction.atomic
def appraise(
    record_ids: Sequence[int], opinion: Opinion, *, by: str, now: datetime, today: int
) -> int:
    """Decide on records that are due; how many.  All or none.

    Raises CannotAppraise: nothing is changed.
    """
    records = list(Record.objects.select_for_update().filter(pk__in=record_ids).order_by("pk"))
    _refuse(records, opinion, today)
    for record in records:
        record.retain_until = _keep_until(record, opinion, today) or record.retain_until
    Record.objects.bulk_update(records, ["retain_until"], batch_size=500)
    Appraisal.objects.bulk_create(
        Appraisal(
            record=record, decision=opinion.decision, reason=opinion.reason.strip()[:300],
            keep_until=0 if opinion.decision == Decision.DESTROY else record.retain_until,
            clause=opinion.clause.strip()[:200], decided_at=now, decided_by=by,
            packed=opinion.decision == Decision.DESTROY,
        )
        for record in records
    )  # fmt: skip
    facts: dict[str, str | int] = {
        "decision": str(opinion.decision),
        "clause": opinion.clause[:200],
    }
    record_acts(
        [Act("appraise_record", f"record:{one.code}", why=opinion.reason, facts=facts)
         for one in records], by=by, now=now,
    )  # fmt: skip
    if opinion.decision != Decision.DESTROY:
        enqueue_after_commit(KEEP_APPRAISALS)
    return len(records)


def _refuse(records: Sequence[Record], opinion: Opinion, today: int) -> None:
    if not records:
        raise CannotAppraise("no-records")
    if not opinion.reason.strip() or not opinion.clause.strip():
        raise CannotAppraise("no-reason")
    if opinion.decision == Decision.LONGER and opinion.years not in YEARS:
        raise CannotAppraise("years")
    codes = {record.pk: record.code for record in records}
    if early := [one.code for one in records if one.retain_until >= today]:
        raise CannotAppraise("not-due", early)
    unknown = [one.code for one in records if one.retain_until == UNKNOWN]
    if unknown and opinion.decision == Decision.DESTROY:
        raise CannotAppraise("unknown", unknown)
    listed = DestructionItem.objects.filter(record__in=codes, destruction__state__in=OPEN_STATES)
    if found := sorted({codes[pk] for pk in listed.values_list("record_id", flat=True)}):
        raise CannotAppraise("listed", found)
    if opinion.decision == Decision.DESTROY and (held := frozen_among(codes, today=today)):
        raise CannotAppraise("frozen", sorted(codes[pk] for pk in held))


def _keep_until(record: Record, opinion: Opinion, today: int) -> int:
    match opinion.decision:
        case Decision.LONGER:
            return longer(max(record.retain_until, today - 10000), opinion.years)
        case Decision.PERMANENT:
            return PERMANENT
    return 0


def keep_appraisals(*, limit: int = 1000) -> int:
    """Write decisions into the objects of their records that are in none yet; how many.

    Killed, it goes on when called again, and writes no event twice.  Raises BrokenObject, OSError.
    """
    waiting = Appraisal.objects.filter(packed=False, record__destroyed_at__isnull=True)
    done = 0
    for one in list(waiting.select_related("record").order_by("pk")[:limit]):
        _keep(one)
        done += 1
    return done


def _keep(one: Appraisal) -> None:
    detail = {"decision": one.decision, "keep_until": one.keep_until, "reason": one.reason,
              "clause": one.clause}  # fmt: skip
    event = Event(APPRAISED, one.decided_at, one.decided_by, TOOL, "success", detail)
    with object_lock(one.record.object_id):
        record = recover(one.record)
        known = {(it.kind, it.at, it.by) for it in read_object(record.object_id).events}
        if (event.kind, event.at, event.by) not in known:
            write_event(record, event, "价值鉴定")
    Appraisal.objects.filter(pk=one.pk).update(packed=True)
