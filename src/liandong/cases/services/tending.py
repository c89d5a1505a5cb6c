"""The system steps that time brings (系统步骤): lapse, silence, reminders, escalations, erasure.

Each case in a transaction of its own, under its lock; what another worker holds is left to it.
Stopped anywhere and run again, nothing happens twice: what was done stands in the events of the
case, or in the row that the same transaction wrote.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from typing import Final

from django.db import transaction
from django.utils import timezone

from liandong.archive.services.keyring import shred_key
from liandong.base.audit import record_act
from liandong.cases.flow import SYSTEM
from liandong.cases.models import Case
from liandong.cases.queries.tending import plan_of, to_tell, to_tend
from liandong.kernel.calendars import catalogue_calendar
from liandong.kernel.deadlines import last_day
from liandong.kernel.tending import LAPSE, SILENCE, TOLD, WARN, Duty, answer_days

from .photos import evidence_urn, original_path
from .sealing import erase_contact
from .stepping import SYSTEM_BEARER, Given, take_step
from .telling import tell_events, tell_of_clock

log = logging.getLogger(__name__)
CHUNK: Final = 200
MOST: Final = 5000  # cases of one run; the next run goes on


def tend_due(
    *, now: datetime, most: int = MOST, everything: bool = False, dry_run: bool = False
) -> dict[str, int]:
    """Do what is due for all cases; how many of each thing.

    `everything` looks at every open case anew, as after an edited calendar.  `dry_run` counts what
    would be done first and writes nothing.
    """
    if dry_run:
        return dict(_foreseen(now=now, everything=everything))
    done: Counter[str] = Counter()
    for pk in _keys(partial(to_tend, now=now, everything=everything), most):
        done.update(_safely(partial(_tend, pk, now=now, everything=everything)))
    for pk in _keys(to_tell, most):
        done.update(_safely(partial(_tell, pk, now=now)))
    done.update(erase_due(now=now, most=most))
    return dict(done)


def _keys(find: Callable[..., list[int]], most: int) -> Iterator[int]:
    """Keys by chunks, each read after what came before was done."""
    after, count = 0, 0
    while (chunk := find(after=after, limit=CHUNK)) and count < most:
        yield from chunk
        after, count = chunk[-1], count + len(chunk)


def _safely(do: "partial[Counter[str]]") -> Counter[str]:
    """One case that cannot be tended does not hold up the others."""
    try:
        return do()
    except Exception:
        log.exception("case.not_tended case=%s", do.args[0])
        return Counter({"failed": 1})


def _foreseen(*, now: datetime, everything: bool) -> Counter[str]:
    found: Counter[str] = Counter()
    for pk in _keys(partial(to_tend, now=now, everything=everything), MOST):
        duty = plan_of(Case.objects.get(pk=pk), now=now).duty
        found.update([duty.code] if duty else [])
    today = timezone.localtime(now).date()
    found["contacts"] = Case.objects.filter(contact_until__lt=today).count()
    found["originals"] = Case.objects.filter(originals_until__lt=today).count()
    return +found


def _held(pk: int) -> Case | None:
    """The row, locked until the transaction ends; None when another worker holds it."""
    rows = Case.objects.select_for_update(of=("self",), skip_locked=True)
    related = rows.select_related(
        "requester", "enterprise", "lead_unit", "desk_unit", "parent", "grid__unit", "grid__worker"
    )
    return related.filter(pk=pk).first()


@transaction.atomic
def _tend(pk: int, *, now: datetime, everything: bool) -> Counter[str]:
    done: Counter[str] = Counter()
    case = _held(pk)
    if case is None or not (everything or (case.tend_at and case.tend_at <= now)):
        return done
    while (plan := plan_of(case, now=now)).duty is not None:
        done[plan.duty.code] += 1
        _do(case, plan.duty, now=now)
        case.refresh_from_db()
    Case.objects.filter(pk=pk).update(tend_at=plan.wake_at)
    return done


def _do(case: Case, duty: Duty, *, now: datetime) -> None:
    if duty.code in TOLD:
        tell_of_clock(case, duty, now=now)
        Case.objects.filter(pk=case.pk).update(reminded=[*case.reminded[-20:], duty.key])
    elif duty.code in {WARN, LAPSE, SILENCE}:
        take_step(case.pk, duty.code, by=SYSTEM_BEARER, now=now)
    else:
        said = {"level": duty.code, "until": _answer_by(duty, now), "text": _words(duty)}
        take_step(case.pk, "escalate", by=SYSTEM_BEARER, now=now, given=Given(said))


def _answer_by(duty: Duty, now: datetime) -> str:
    calendar = catalogue_calendar()
    day = calendar.add_workdays(last_day(now, calendar), answer_days(duty.code))
    return day.isoformat()


def _words(duty: Duty) -> str:
    due = timezone.localtime(duty.run.due_at).strftime("%Y-%m-%d %H:%M")
    return f"{duty.run.kind.name['zh']}已于 {due} 届满，尚未反馈结果。请答复原因、进展和办结日期。"


@transaction.atomic
def _tell(pk: int, *, now: datetime) -> Counter[str]:
    case = _held(pk)
    if case is None or case.told >= case.last:
        return Counter()
    return Counter({"told": tell_events(case, now=now)})


# What is not kept for ever ------------------------------------------------------------------------


def erase_due(*, now: datetime, most: int = MOST) -> dict[str, int]:
    """Erase contact data and photos as sent whose day has passed; how many cases of each."""
    today = timezone.localtime(now).date()
    done = {"contacts": 0, "originals": 0}
    for name, column, erase in (
        ("contacts", "contact_until", erase_contact),
        ("originals", "originals_until", erase_originals),
    ):
        due = Case.objects.filter(**{f"{column}__lt": today})
        for pk in list(due.order_by(column).values_list("pk", flat=True)[:most]):
            with transaction.atomic():
                case = _held(pk)
                until = getattr(case, column) if case else None
                if case is not None and until is not None and until < today:
                    erase(case, by=SYSTEM, now=now)
                    done[name] += 1
    return done


def erase_originals(case: Case, *, by: str, now: datetime) -> None:
    """Throw the photos as they were sent and their key away; the pictures drawn anew stay.

    The key goes first and the row last, so that a run cut short is finished by the next.
    """
    shred_key(evidence_urn(case.uuid))
    for one in case.evidence.all():
        original_path(one).unlink()
    Case.objects.filter(pk=case.pk).update(originals_until=None)
    record_act("erase_originals", by=by, now=now, object=f"case:{case.number}")
