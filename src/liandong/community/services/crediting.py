"""Points for reports that passed inspection, and taken back where a case is opened again.

What a case should have given is compared with what it has given: a job that runs twice, or is
killed and runs again, changes nothing.  Source: casework design §11.7.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils import timezone

from liandong.base.viewers import viewer_of_account
from liandong.cases.models import Case, CaseEvent, Evidence
from liandong.cases.policies import is_staff
from liandong.community.models import PointsAccount, PointsPosting
from liandong.community.queries.points import (
    PASSED,
    Owner,
    credited_on,
    due_events,
    held_of,
    reporters_of,
)
from liandong.kernel.points import CONFIRMATION, FIRST, Rules, rules_on

from .posting import post

ISSUED = PointsAccount.House.ISSUED.value
FULL, CONFIRMED, CAPPED, HELD = "full", "confirmed", "capped", "held"
NOBODY, STAFF, SAME, NO_RULES = "nobody", "staff", "same", "no_rules"
OPENED, NOTHING = "opened_again", "nothing"


@dataclass(frozen=True, slots=True)
class _Given:
    """What a report is to be credited, and why so much."""

    account: PointsAccount | None
    points: int
    why: str


def settle_due(*, now: datetime, limit: int = 500) -> int:
    """Post every event that waits; how many events."""
    return sum(settle(event, now=now) for event in due_events(limit=limit))


def settle(event_id: int, *, now: datetime) -> bool:
    """Post one event, for the first reporter and all who were merged; False when it was there."""
    try:
        with transaction.atomic():
            event = CaseEvent.objects.select_related("case__requester", "case__pseudonym").get(
                pk=event_id
            )
            if PointsPosting.objects.filter(event=event, case=event.case).exists():
                return False
            if event.action == PASSED:
                _credit_all(event, now=now)
            else:
                for case in reporters_of(event.case):
                    _take_back(case, event, now=now)
    except IntegrityError:
        return False  # another process posted it at the same time
    return True


def _credit_all(event: CaseEvent, *, now: datetime) -> None:
    rules = rules_on(timezone.localtime(event.at).date())
    thanked: set[int] = set()
    for case in reporters_of(event.case):
        given = _given(case, event, rules, thanked, now=now)
        if given.account:
            thanked.add(given.account.pk)
        post(
            given.account, given.points, house=ISSUED, at=now, act=PointsPosting.Act.CREDIT,
            why=given.why, event=event, case=case, by="system",
            version=rules.version if rules else "",
        )  # fmt: skip


def _given(
    case: Case, event: CaseEvent, rules: Rules | None, thanked: set[int], *, now: datetime
) -> _Given:
    owner = case.pseudonym or case.requester
    if owner is None:
        return _Given(None, 0, NOBODY)
    if rules is None:
        return _Given(None, 0, NO_RULES)
    if case.pseudonym is None and case.requester and is_staff(viewer_of_account(case.requester)):
        return _Given(None, 0, STAFF)
    account = _locked_account(owner, now=now)
    if account.pk in thanked:
        return _Given(None, 0, SAME)
    is_first = case.pk == event.case_id
    worth = rules.worth(
        FIRST if is_first else CONFIRMATION,
        has_photo=case.evidence.filter(part=Evidence.Part.BEFORE).exists(),
        has_place=case.lat is not None,
    )
    owed = worth - held_of(case).get(account.pk, 0)
    room = rules.daily_cap - credited_on(account, timezone.localtime(event.at).date())
    points = max(0, min(owed, room))
    if points:
        return _Given(account, points, FULL if is_first else CONFIRMED)
    return _Given(account, 0, HELD if owed <= 0 else CAPPED)


def _locked_account(owner: Owner, *, now: datetime) -> PointsAccount:
    field = "pseudonym" if owner._meta.model_name == "pseudonym" else "holder"
    made, _ = PointsAccount.objects.get_or_create(**{field: owner}, defaults={"opened_at": now})
    return PointsAccount.objects.select_for_update().get(pk=made.pk)


def _take_back(case: Case, event: CaseEvent, *, now: datetime) -> None:
    """Take back what the case gave, as far as it was not redeemed: a balance is never negative.

    What is left counts as held: the next credit of the same case is smaller by it.
    """
    account, points = None, 0
    for key, held in held_of(case).items():
        account = PointsAccount.objects.select_for_update().get(pk=key)
        points = min(held, account.balance)
    post(
        account, -points, house=ISSUED, at=now, act=PointsPosting.Act.TAKE_BACK,
        why=OPENED if points else NOTHING, event=event, case=case, by="system",
    )  # fmt: skip
