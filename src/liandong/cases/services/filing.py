"""A case that is over becomes a record, through the same door as every hand-over.

Its id at the door is made of the case and its version: whenever a process dies, the next one finds
what is there and goes on.  What the checks hold stays due, and a person is shown why.  A record of
ours is complete by construction, so nobody has to accept it; its events say so.
"""

from datetime import datetime
from typing import Final

from django.conf import settings
from django.db import transaction

from liandong.archive.models import Fonds, Record
from liandong.archive.services.jobs import enqueue_after_commit
from liandong.archive.services.objects import record_urn
from liandong.base.audit import record_act
from liandong.base.locks import hold
from liandong.cases.flow import SYSTEM
from liandong.cases.models import Case
from liandong.cases.queries.filing import (
    DUE,
    NONE,
    STOPPED,
    Filing,
    batch_uuid,
    due_cases,
    filing_of,
    is_ready,
)
from liandong.intake.models import Batch, ItemState
from liandong.intake.services.bagging import (
    DRIVE,
    Act,
    Origin,
    process_of,
    workplace,
    write_bag,
)
from liandong.intake.services.receive import incoming_files, receive
from liandong.kernel.casework import RECORD, STATE

from .packing import Package, pack_case
from .stepping import FILE, SYSTEM_BEARER, Given, locked, take_step

TOOL: Final = "cases"
LOCKS: Final = 16
MOST: Final = 200  # hand-overs of one run: the next run goes on
UNSEEN: Final = "事项办结，各项检测通过即接收，不经人工"


class NotReady(Exception):
    """The case is not over, was filed, or can still be disputed."""


def file_due(*, now: datetime, most: int = MOST) -> dict[str, int]:
    """Hand over what is due, and write down what was admitted; how many of each."""
    done = {"handed_over": 0, "filed": 0}
    after = 0
    while chunk := due_cases(after=after):
        for case in chunk:
            if done["handed_over"] >= most:
                return done
            before = filing_of(case)
            if before.state == NONE and not is_ready(case, now=now):
                continue
            state = go_on(case.pk, now=now)
            done["handed_over"] += before.state == NONE and state != NONE
            done["filed"] += state == ItemState.ADMITTED
        after = chunk[-1].pk
    return done


def go_on(case_id: int, *, now: datetime) -> str:
    """Take the filing of a case as far as it goes now; the state of its hand-over.

    Safe to call again at any time.  Raises Case.DoesNotExist, CannotOpen and OSError.
    """
    with hold(f"case-filing-{case_id % LOCKS}", wait=True):
        case = _read(case_id)
        if case.record != DUE:
            return NONE
        filing = filing_of(case)
        if filing.state == NONE:
            if not is_ready(case, now=now):
                return NONE
            _hand_over(case, 1, by=SYSTEM, now=now)
        elif filing.record is not None:
            _settle(case, filing.record, now=now)
        return filing_of(_read(case_id)).state if filing.record is None else filing.state


def file_now(case_id: int, *, by: str, now: datetime) -> Filing:
    """Hand a case over because a person asks: the first time, or again after it was returned.

    Raises NotReady while it can be disputed or a hand-over of it is on its way.
    """
    with hold(f"case-filing-{case_id % LOCKS}", wait=True):
        case = _read(case_id)
        filing = filing_of(case)
        if not is_ready(case, now=now) or filing.state not in {NONE, *STOPPED}:
            raise NotReady
        _hand_over(case, filing.attempt + (filing.batch is not None), by=by, now=now)
        return filing_of(case)


def _read(case_id: int) -> Case:
    related = ("lead_unit", "desk_unit", "parent", "requester", "enterprise")
    return Case.objects.select_related(*related).get(pk=case_id)


def _hand_over(case: Case, attempt: int, *, by: str, now: datetime) -> Batch:
    """The bytes come first, then the rows of the batch; the jobs are enqueued last."""
    with workplace() as place:
        (place / "case").mkdir()
        package = pack_case(case, place / "case", now=now)
        acts = [*package.acts, Act("归档", "系统", now, "", UNSEEN)]
        origin = Origin(TOOL, case.number, _organisation(package))
        bag = write_bag(
            place / "bag", package.description, package.files, package.acts, origin, now=now
        )
        batch = receive(
            incoming_files(bag), name=f"事项归档 {case.number}", by=by, now=now,
            fonds=Fonds.objects.filter(number=settings.CASE_FONDS).first(), unit=package.unit,
            accept=True, uuid=batch_uuid(case, attempt), process=process_of(acts, TOOL),
            level=case.kind_of.level,
        )  # fmt: skip
    record_act(
        "hand_over_case", by=by, now=now, object=f"case:{case.number}",
        facts={"batch": batch.pk, "attempt": attempt},
    )  # fmt: skip
    enqueue_after_commit(DRIVE, batch.pk)
    enqueue_after_commit(FILE, case.pk)  # behind it in the queue: writes down what came of it
    return batch


def _organisation(package: Package) -> str:
    return package.unit.name if package.unit else str(settings.ARCHIVE_NAME)


@transaction.atomic
def _settle(case: Case, record: Record, *, now: datetime) -> None:
    """The last two events of a case: the state, then the record with its archival code."""
    fresh = locked(case.pk)
    if fresh.record != DUE or fresh.last != case.last:
        return  # another process was faster, or the case goes on: its package would be stale
    said = {"package": record_urn(record.object_id), "code": record.code}
    for axis in (STATE, RECORD):
        take_step(case.pk, "file", by=SYSTEM_BEARER, now=now, given=Given(said), axis=axis)
    record_act(
        "file_case", by=SYSTEM, now=now, object=f"case:{case.number}",
        facts={"code": record.code, "package": said["package"]},
    )  # fmt: skip
