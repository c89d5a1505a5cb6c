"""Loans of paper originals: asked, approved by somebody else, handed out, taken back, reminded."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction

from liandong.archive.models import Record
from liandong.archive.policies import may_read_whole
from liandong.archive.queries import record_by_code
from liandong.archive.queries.granting import granted
from liandong.base.audit import record_act
from liandong.base.models import Account, Outcome
from liandong.exchange.flow import LOAN_FLOW
from liandong.exchange.models import Condition, Loan, LoanEvent, LoanState
from liandong.exchange.policies import loan_standings, may_ask
from liandong.kernel import catalog
from liandong.kernel.flows import StepRefused
from liandong.kernel.viewer import Viewer

from .notices import account_of, holders, tell
from .numbering import take_number
from .people import day_of, today_number, viewer_by
from .steps import chosen_role
from .weighing import within_duty

SOON_DAYS = 3  # before the day on which a paper is due
LONGEST = 3  # times LOAN_DAYS that a loan may last, renewals included


@dataclass(slots=True)
class Lending:
    """A step on its way: the locked row and what the event will say."""

    loan: Loan
    viewer: Viewer
    why: str = ""
    facts: dict[str, str | int] = field(default_factory=dict)


@transaction.atomic
def ask_loan(
    record_id: int, *, purpose_kind: str, purpose: str, due_on: date, by: str, now: datetime
) -> Loan:
    """Ask to borrow the original of a record.

    Raises Record.DoesNotExist for one that the person may not read whole: paper has no masks; and
    StepRefused: missing-evidence, past, too-long, wrong-role.
    """
    viewer = viewer_by(by, now=now)
    if not may_ask(viewer):
        raise StepRefused("ask", "wrong-role")
    whole = granted(may_read_whole(viewer, today_number(now)))
    record = whole.get(pk=record_id)
    if not purpose.strip() or purpose_kind not in catalog.by_key("use_purposes", "code"):
        raise StepRefused("ask", "missing-evidence", "purpose")
    _check_due(due_on, since=day_of(now), step="ask")
    loan = Loan.objects.create(
        number=take_number("JY", day_of(now).year), record=record, borrowed_by=by,
        borrower=Account.objects.get(username=by), unit=viewer.unit, purpose_kind=purpose_kind,
        purpose=purpose.strip()[:300], due_on=due_on, asked_at=now,
    )  # fmt: skip
    facts: dict[str, str | int] = {"record": record.code, "due": str(due_on)}
    LoanEvent.objects.create(
        loan=loan, step="ask", before="", after=loan.state, at=now, by=by, facts=facts
    )
    record_act("loan_ask", by=by, now=now, object=f"loan:{loan.number}", why=purpose, facts=facts)
    keepers = [one for one in holders() if one.username != by]
    tell(keepers, "loan_asked", number=loan.number, path=_path(loan), now=now)
    return loan


def _check_due(due_on: date, *, since: date, step: str) -> None:
    if due_on < since:
        raise StepRefused(step, "past", str(due_on))
    longest = settings.LOAN_DAYS * LONGEST
    if due_on > since + timedelta(days=longest):
        raise StepRefused(step, "too-long", str(longest))


def _path(loan: Loan) -> str:
    return f"/exchange/loans/{loan.number}/"


@contextmanager
def lending(
    step: str,
    loan_id: int,
    *,
    by: str,
    now: datetime,
    given: Collection[str] = (),
    why: str = "",
) -> Iterator[Lending]:
    """One step of a loan in one transaction.

    Raises Loan.DoesNotExist and StepRefused, of which an audit row stays; busy: the paper is out.
    """
    number = Loan.objects.values_list("number", flat=True).get(pk=loan_id)
    try:
        with transaction.atomic():
            loan = Loan.objects.select_for_update().get(pk=loan_id)
            viewer, before = viewer_by(by, now=now), loan.state
            roles = loan_standings(viewer, borrower=loan.borrowed_by)
            chosen = chosen_role(LOAN_FLOW, step, before, roles)
            loan.state = LOAN_FLOW.take(step, before, chosen, given)
            taken = Lending(loan, viewer, why)
            yield taken
            _save(loan, step)
            LoanEvent.objects.create(
                loan=loan, step=step, before=before, after=loan.state, at=now, by=by,
                why=taken.why[:500], facts=taken.facts,
            )  # fmt: skip
            record_act(
                f"loan_{step}", by=by, now=now, object=f"loan:{number}", why=taken.why,
                facts=taken.facts,
            )  # fmt: skip
    except StepRefused as refused:
        record_act(
            f"loan_{step}", by=by, now=now, object=f"loan:{number}", outcome=Outcome.REFUSED,
            why=f"{refused.reason} {refused.detail}".strip(),
        )  # fmt: skip
        raise


def _save(loan: Loan, step: str) -> None:
    try:
        with transaction.atomic():
            loan.save()
    except IntegrityError:  # one original is with one person
        raise StepRefused(step, "busy") from None


def approve(loan_id: int, *, by: str, now: datetime) -> Loan:
    """Let the paper go out.  Raises StepRefused: busy when it is out, not-cleared."""
    with lending("approve", loan_id, by=by, now=now) as taken:
        loan = taken.loan
        if not within_duty(taken.viewer, [loan.record], now=now):
            raise StepRefused("approve", "not-cleared")
        loan.approved_at, loan.approved_by = now, by
        _tell_borrower(loan, "loan_approved", now=now)
    return loan


def refuse(loan_id: int, *, why: str, by: str, now: datetime) -> Loan:
    """Keep the paper in.  Raises StepRefused."""
    given = {"reason"} if why.strip() else set()
    with lending("refuse", loan_id, by=by, now=now, given=given, why=why) as taken:
        _tell_borrower(taken.loan, "loan_refused", now=now)
    return taken.loan


def cancel(loan_id: int, *, by: str, now: datetime) -> Loan:
    """Take the asking back before the paper went out.  Raises StepRefused."""
    with lending("cancel", loan_id, by=by, now=now) as taken:
        pass
    return taken.loan


def hand_out(loan_id: int, *, by: str, now: datetime) -> Loan:
    """The borrower has the paper now.  Raises StepRefused."""
    with lending("hand_out", loan_id, by=by, now=now) as taken:
        taken.loan.lent_at, taken.loan.lent_by = now, by
        taken.facts = {"due": str(taken.loan.due_on)}
    return taken.loan


def renew(loan_id: int, *, due_on: date | None, why: str, by: str, now: datetime) -> Loan:
    """Let the paper stay out longer.  Raises StepRefused: past, too-long."""
    given = ({"until"} if due_on else set()) | ({"reason"} if why.strip() else set())
    with lending("renew", loan_id, by=by, now=now, given=given, why=why) as taken:
        loan = taken.loan
        if due_on is None or due_on <= loan.due_on:
            raise StepRefused("renew", "past", str(due_on))
        since = day_of(loan.lent_at) if loan.lent_at else day_of(now)
        _check_due(due_on, since=since, step="renew")
        loan.due_on = due_on
        taken.facts = {"due": str(due_on)}
    return loan


def take_back(loan_id: int, *, condition: str, note: str, by: str, now: datetime) -> Loan:
    """The paper is back, and how it came back.  Raises StepRefused."""
    given = {"condition"} if condition in Condition.values else set()
    with lending("take_back", loan_id, by=by, now=now, given=given, why=note) as taken:
        loan = taken.loan
        loan.returned_at, loan.taken_back_by = now, by
        loan.condition, loan.note = condition, note.strip()[:300]
        taken.facts = {"condition": condition}
    return loan


def report_lost(loan_id: int, *, why: str, by: str, now: datetime) -> Loan:
    """The paper will not come back.  Raises StepRefused."""
    given = {"reason"} if why.strip() else set()
    with lending("report_lost", loan_id, by=by, now=now, given=given, why=why) as taken:
        taken.loan.note = why.strip()[:300]
    return taken.loan


def _tell_borrower(loan: Loan, kind: str, *, now: datetime, **more: str) -> None:
    tell(
        account_of(loan.borrowed_by), kind, number=loan.number, path=_path(loan), now=now,
        facts={"due": str(loan.due_on)}, **more,
    )  # fmt: skip


def remind(*, now: datetime) -> int:
    """Tell borrowers what is due soon, and borrowers and archivists once a week what is overdue."""
    today, count = day_of(now), 0
    lent = Loan.objects.filter(state=LoanState.LENT)
    for loan in lent.filter(due_on__gte=today, due_on__lte=today + timedelta(days=SOON_DAYS)):
        _tell_borrower(loan, "loan_due", now=now, occasion=str(loan.due_on))
        count += 1
    for loan in lent.filter(due_on__lt=today):
        week = (today - loan.due_on).days // 7
        people = [*account_of(loan.borrowed_by), *holders()]
        tell(
            people, "loan_overdue", number=loan.number, path=_path(loan), now=now,
            occasion=f"{loan.due_on}+{week}", facts={"due": str(loan.due_on)},
        )  # fmt: skip
        count += 1
    return count


def record_of_code(code: str, *, by: str, now: datetime) -> Record | None:
    """The record of this archival code that the person may read whole, or None."""
    found = record_by_code(code, viewer=viewer_by(by, now=now), today=today_number(now))
    whole = granted(may_read_whole(viewer_by(by, now=now), today_number(now)))
    return whole.filter(pk=found.pk).first() if found else None
