"""Destruction (销毁): a list, approved by a director, supervised by two, and only then carried out.

Nothing is destroyed because time passed.  What is left of a record is its row with the description,
its events, and the object of the list in the store, which a rebuild reads so that nothing comes
back.  A hold wins until the last moment.
Source: 档案法 (2020) art. 31; 档案法实施条例 (2024) art. 24.
"""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Final

from django.db import transaction
from django.db.models import F

from liandong.archive.flow import DESTRUCTION_FLOW
from liandong.archive.models import (
    Appraisal,
    ArchivalClass,
    Decision,
    DestructionItem,
    DestructionList,
    ListState,
    Outcome,
    PersonalHit,
    PreservationEvent,
    Record,
    RecordFile,
    RecordPage,
    SharedRecord,
)
from liandong.base.audit import record_act
from liandong.base.engines import engine
from liandong.base.locks import hold
from liandong.kernel.packages.ocfl import OBJECT_DECLARATION, object_path

from .appraising import OPEN_STATES
from .certificates import keep_list
from .correcting import object_lock
from .holding import frozen_among
from .jobs import DESTROY, enqueue_after_commit
from .keyring import shred_key
from .objects import blob_store, record_urn
from .packing import TOOL
from .rewriting import forget_cache

logger = logging.getLogger(__name__)
MOST_RECORDS: Final = 2000  # of one list
GONE: Final = (Outcome.SHREDDED, Outcome.DELETED)


class CannotPropose(Exception):
    """`reason` is no-records, too-many, no-reason, two-fonds, not-appraised, listed or frozen."""

    def __init__(self, reason: str, codes: Sequence[str] = ()) -> None:
        super().__init__(f"{reason} {' '.join(codes)}".strip())
        self.reason = reason
        self.codes = list(codes)


class SamePerson(Exception):
    """Who did an earlier step may not do this one: `reason` is proposer or supervisor."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


# The list -----------------------------------------------------------------------------------------


@transaction.atomic
def propose(
    record_ids: Sequence[int], *, reason: str, by: str, now: datetime, today: int
) -> DestructionList:
    """Put records that were appraised for destruction on a list.  Raises CannotPropose."""
    records = list(Record.objects.select_for_update().filter(pk__in=record_ids).order_by("code"))
    last = _last_appraisals(records)
    _refuse_records(records, last, reason, today)
    made = DestructionList.objects.create(
        number=_next_number(today // 10000), fonds_id=records[0].fonds_id,
        reason=reason.strip()[:500], proposed_at=now, proposed_by=by,
    )  # fmt: skip
    DestructionItem.objects.bulk_create(
        DestructionItem(
            destruction=made, record=one, clause=last[one.pk].clause, reason=last[one.pk].reason
        )
        for one in records
    )
    facts: dict[str, str | int] = {"records": len(records)}
    record_act("propose_destruction", by=by, now=now, object=f"destruction:{made.number}",
               why=reason, facts=facts)  # fmt: skip
    return made


def _last_appraisals(records: Sequence[Record]) -> dict[int, Appraisal]:
    rows = Appraisal.objects.filter(record__in=records).order_by("pk")
    return {row.record_id: row for row in rows}


def _refuse_records(
    records: Sequence[Record], last: dict[int, Appraisal], reason: str, today: int
) -> None:
    if not records:
        raise CannotPropose("no-records")
    if len(records) > MOST_RECORDS:
        raise CannotPropose("too-many")
    if not reason.strip():
        raise CannotPropose("no-reason")
    if len({one.fonds_id for one in records}) > 1:
        raise CannotPropose("two-fonds")
    bare = [one.code for one in records
            if one.pk not in last or last[one.pk].decision != Decision.DESTROY]  # fmt: skip
    if bare:
        raise CannotPropose("not-appraised", bare)
    codes = {one.pk: one.code for one in records}
    listed = DestructionItem.objects.filter(record__in=codes, destruction__state__in=OPEN_STATES)
    if found := sorted({codes[pk] for pk in listed.values_list("record_id", flat=True)}):
        raise CannotPropose("listed", found)
    if held := frozen_among(codes, today=today):
        raise CannotPropose("frozen", sorted(codes[pk] for pk in held))


def _next_number(year: int) -> str:
    start = f"销毁-{year}-"
    known = DestructionList.objects.filter(number__startswith=start).values_list(
        "number", flat=True
    )
    last = max((int(one.removeprefix(start)) for one in known), default=0)
    return f"{start}{last + 1:03d}"


@transaction.atomic
def take_step(
    list_id: int, step: str, *, role: str, opinion: str = "", by: str, now: datetime, today: int
) -> DestructionList:
    """Take one step of the list: approve, refuse, withdraw, sign or start.

    Raises DestructionList.DoesNotExist, StepRefused, SamePerson, and CannotPropose("frozen") when
    a record was frozen meanwhile.  Safe to call twice: the second call is refused.
    """
    one = DestructionList.objects.select_for_update().get(pk=list_id)
    if step == "sign" and one.state == ListState.HALF_SIGNED:
        step = "countersign"
    given = {"opinion"} if opinion.strip() else set()
    after = DESTRUCTION_FLOW.take(step, one.state, role, given)
    _refuse_person(one, step, by)
    if step in {"approve", "sign", "countersign", "start"}:
        _refuse_frozen(one, today)
    one.state = after
    _note(one, step, opinion, by=by, now=now)
    one.save()
    record_act(f"{_ACTS[step]}_destruction", by=by, now=now, object=f"destruction:{one.number}",
               why=opinion)  # fmt: skip
    if step == "start":
        keep_list(one, by=by, now=now)
        enqueue_after_commit(DESTROY, one.pk)
    return one


_ACTS = {"approve": "approve", "refuse": "refuse", "withdraw": "withdraw", "sign": "supervise",
         "countersign": "supervise", "start": "start"}  # fmt: skip


def _refuse_person(one: DestructionList, step: str, by: str) -> None:
    """Guards that a role cannot express; the database holds the same as constraints."""
    if step in {"approve", "refuse", "sign", "countersign"} and by == one.proposed_by:
        raise SamePerson("proposer")
    if step == "countersign" and by == one.first_by:
        raise SamePerson("supervisor")


def _refuse_frozen(one: DestructionList, today: int) -> None:
    codes = dict(one.items.values_list("record_id", "record__code"))
    if held := frozen_among(codes, today=today):
        raise CannotPropose("frozen", sorted(codes[pk] for pk in held))


def _note(one: DestructionList, step: str, opinion: str, *, by: str, now: datetime) -> None:
    match step:
        case "approve" | "refuse":
            one.decided_at, one.decided_by, one.opinion = now, by, opinion.strip()[:500]
        case "sign":
            one.first_at, one.first_by = now, by
        case "countersign":
            one.second_at, one.second_by = now, by
        case "start":
            one.started_at, one.started_by = now, by
        case "withdraw":
            one.ended_at, one.ended_by = now, by


# Carrying it out ----------------------------------------------------------------------------------


def destroy_list(list_id: int, *, clock: Callable[[], datetime], today: int) -> int:
    """Destroy what is on a list that was started, and certify it; how many records are gone.

    Killed at any point, it goes on when called again.  Raises DestructionList.DoesNotExist,
    OSError, CannotOpen (the list's own paper).
    """
    with hold(f"destruction-{list_id}", wait=True):
        one = DestructionList.objects.select_related("fonds").get(pk=list_id)
        if one.state != ListState.EXECUTING:
            return 0
        waiting = one.items.filter(outcome=Outcome.WAITING).order_by("pk")
        for item in waiting.values_list("pk", flat=True):
            _destroy(item, one, now=clock(), today=today)
        _finish(one, now=clock())
    return one.items.filter(outcome__in=GONE).count()


def unfinished_lists() -> list[DestructionList]:
    """Lists whose execution was started and has not ended."""
    return list(DestructionList.objects.filter(state=ListState.EXECUTING).order_by("pk"))


def _destroy(item_id: int, one: DestructionList, *, now: datetime, today: int) -> None:
    """Index, cache, key, bytes, and at last the rows: each can be done again after a kill."""
    item = DestructionItem.objects.get(pk=item_id)
    record = Record.every.get(pk=item.record_id)
    with object_lock(record.object_id):
        if frozen_among([record.pk], today=today):
            _close(item, Outcome.HELD, now=now)
            record_act("destroy_record", by=one.started_by, now=now, outcome="refused",
                       object=f"record:{record.code}", why="冻结")  # fmt: skip
            return
        engine("search").remove([record.pk])
        forget_cache(record.object_id)
        shredded = bool(record.encryption)
        if shredded:
            shred_key(record_urn(record.object_id))
        blob_store().delete(object_path(record_urn(record.object_id)))
        _bury(record, item, one, Outcome.SHREDDED if shredded else Outcome.DELETED, now=now)
    logger.warning("archive.destroyed id=%s list=%s", record.pk, one.number)


@transaction.atomic
def _bury(
    record: Record, item: DestructionItem, one: DestructionList, outcome: str, *, now: datetime
) -> None:
    """What stays: the row with its description, and its events."""
    for model in (PersonalHit, RecordPage, RecordFile, SharedRecord):
        model._default_manager.filter(record=record).delete()
    record.destroyed_at, record.destroyed_under = now, one.number
    record.indexed_version = 0
    record.save(update_fields=["destroyed_at", "destroyed_under", "indexed_version"])
    # a job may have put it since it was taken out
    transaction.on_commit(partial(engine("search").remove, [record.pk]), robust=True)
    ArchivalClass.objects.filter(pk=record.archival_class_id).update(
        record_count=F("record_count") - 1
    )
    PreservationEvent.objects.create(
        record=record, kind="deletion", at=now, by=one.started_by, tool=TOOL, outcome="success",
        detail={"list": one.number, "how": str(outcome)},
    )  # fmt: skip
    _close(item, outcome, now=now)
    record_act("destroy_record", by=one.started_by, now=now, object=f"record:{record.code}",
               facts={"list": one.number, "how": str(outcome)})  # fmt: skip


def _close(item: DestructionItem, outcome: str, *, now: datetime) -> None:
    item.outcome, item.done_at = outcome, now
    item.save(update_fields=["outcome", "done_at"])


def _finish(one: DestructionList, *, now: datetime) -> None:
    """The certificate first, then the state that says it is there."""
    one.ended_at, one.ended_by, one.state = now, "system", ListState.DONE
    keep_list(one, by=one.started_by, now=now)
    with transaction.atomic():
        one.save()
        record_act("certify_destruction", by="system", now=now, object=f"destruction:{one.number}")


# What an old backup brings back -------------------------------------------------------------------


def destroyed_but_there() -> list[Record]:
    """Destroyed records whose bytes are in the store (again)."""
    rows = Record.every.filter(destroyed_at__isnull=False).order_by("pk")
    return [row for row in rows.iterator() if _is_there(row)]


def sweep_destroyed(*, by: str, now: datetime) -> list[Record]:
    """Throw away again what an old backup brought back; the records it was of."""
    found = destroyed_but_there()
    for record in found:
        with object_lock(record.object_id):
            shred_key(record_urn(record.object_id))
            blob_store().delete(object_path(record_urn(record.object_id)))
        record_act("destroy_record", by=by, now=now, object=f"record:{record.code}",
                   facts={"list": record.destroyed_under, "how": "again"})  # fmt: skip
    return found


def _is_there(record: Record) -> bool:
    key = object_path(record_urn(record.object_id))
    return blob_store().exists(f"{key}/{OBJECT_DECLARATION[0]}")
