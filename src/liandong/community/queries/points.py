"""Points: whose, how many, why; what still waits to be posted; and the proof of the books.

There is no list of accounts by points, and no function here returns more than one owner's rows.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from django.db.models import Exists, F, OuterRef, QuerySet, Sum
from django.utils import timezone

from liandong.base.models import Account
from liandong.cases.models import Case, CaseEvent, Pseudonym
from liandong.community.models import PointsAccount, PointsEntry, PointsPosting
from liandong.kernel.casework import kinds

PASSED: Final = "pass"
OPENED_AGAIN: Final = frozenset({"accept_reopen", "relist"})
Owner = Account | Pseudonym


def account_of(owner: Owner) -> PointsAccount | None:
    """The points account of a person or a pseudonym; None before the first credit."""
    field = "holder" if isinstance(owner, Account) else "pseudonym"
    return PointsAccount.objects.filter(**{field: owner}).first()


def entries_of(account: PointsAccount, *, limit: int = 200) -> list[PointsEntry]:
    """What moved the points of one account, the newest first, each with its posting."""
    rows = account.entries.select_related("posting__case", "posting__station")
    return list(rows.order_by("-id")[:limit])


def due_events(*, limit: int = 500) -> list[int]:
    """Keys of events that must still be posted, in their order."""
    worth = [one.code for one in kinds().values() if one.points]
    posted = PointsPosting.objects.filter(event=OuterRef("pk"), case=OuterRef("case"))
    rows = CaseEvent.objects.filter(action__in=[PASSED, *OPENED_AGAIN], case__kind__in=worth)
    return list(rows.filter(~Exists(posted)).order_by("pk").values_list("pk", flat=True)[:limit])


def reporters_of(case: Case) -> list[Case]:
    """The case, and below it every case that was merged into it or into one of those."""
    found, level = [case], [case]
    while level:
        rows = Case.objects.filter(parent__in=level, outcome="duplicate").order_by("pk")
        level = [one for one in rows.select_related("requester", "pseudonym")
                 if one not in found]  # fmt: skip
        found += level
    return found


def held_of(case: Case) -> dict[int, int]:
    """What a case has given so far and not lost again: points by key of the account."""
    rows = PointsEntry.objects.filter(posting__case=case, account__house="")
    sums = rows.values_list("account").annotate(total=Sum("points")).order_by("account")
    return {account: total for account, total in sums if total}


def credited_on(account: PointsAccount, day: date) -> int:
    """Points credited for inspections of one day of the city; what was taken back still counts."""
    begin = timezone.make_aware(datetime.combine(day, time()))
    rows = account.entries.filter(
        posting__act=PointsPosting.Act.CREDIT, posting__event__at__gte=begin,
        posting__event__at__lt=begin + timedelta(days=1),
    )  # fmt: skip
    return int(rows.aggregate(total=Sum("points"))["total"] or 0)


# Proof --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong with the books: at which posting or account, and what."""

    where: str
    code: str  # sum, sides, size, event, kind, balance, negative
    detail: str = ""


def faults() -> Iterator[Fault]:
    """Every fault: postings that do not add up, credits without their event, false balances."""
    rows = PointsPosting.objects.select_related("event", "case", "event__case")
    for posting in rows.prefetch_related("entries__account").iterator(chunk_size=500):
        yield from _of_sides(posting)
        yield from _of_cause(posting)
    for account in PointsAccount.objects.filter(house="").iterator(chunk_size=500):
        yield from _of_account(account)


def _of_sides(posting: PointsPosting) -> Iterator[Fault]:
    where, sides = f"posting:{posting.pk}", [one.points for one in posting.entries.all()]
    if sum(sides):
        yield Fault(where, "sum", f"{sum(sides):+d}")
    if len(sides) != (2 if posting.points else 0):
        yield Fault(where, "sides", str(len(sides)))
    elif posting.points and {abs(one) for one in sides} != {posting.points}:
        yield Fault(where, "size", f"{sides}, not {posting.points}")


_CAUSES: Final = {
    PointsPosting.Act.CREDIT.value: frozenset({PASSED}),
    PointsPosting.Act.TAKE_BACK.value: OPENED_AGAIN,
}


def _of_cause(posting: PointsPosting) -> Iterator[Fault]:
    if posting.act == PointsPosting.Act.REDEEM:
        return
    event, where = posting.event, f"posting:{posting.pk}"
    if event is None or posting.case is None or event.action not in _CAUSES[posting.act]:
        yield Fault(where, "event", event.action if event else "")
    elif posting.points and not posting.case.kind_of.points:
        yield Fault(where, "kind", posting.case.kind)


def _of_account(account: PointsAccount) -> Iterator[Fault]:
    where, running = f"account:{account.pk}", 0
    for points in account.entries.order_by("pk").values_list("points", flat=True):
        running += points
        if running < 0:
            yield Fault(where, "negative", str(running))
            break
    total = int(account.entries.aggregate(total=Sum("points"))["total"] or 0)
    if total != account.balance:
        yield Fault(where, "balance", f"{account.balance}, not {total}")


def counts() -> dict[str, int]:
    """How many postings and accounts there are, and how many events wait; no one's points."""
    return {
        "postings": PointsPosting.objects.count(),
        "accounts": PointsAccount.objects.filter(house="").count(),
        "waiting": len(due_events()),
    }


def receipt(number: int) -> PointsPosting | None:
    """A redemption by its number."""
    rows = PointsPosting.objects.filter(act=PointsPosting.Act.REDEEM)
    return rows.select_related("station__operator").filter(pk=number).first()


def own_cases(owner: Owner, *, limit: int = 200) -> QuerySet[Case]:
    """What this person or pseudonym reported, the newest first."""
    field = "requester" if isinstance(owner, Account) else "pseudonym"
    rows = Case.objects.filter(**{field: owner}).select_related("lead_unit")
    return rows.order_by(F("submitted_at").desc(), "-pk")[:limit]
