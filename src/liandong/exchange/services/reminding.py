"""Reminders about requests, grants and visits: what ends soon, what ended, what is late."""

from datetime import datetime, timedelta

from liandong.archive.models import ShareGrant
from liandong.base.models import Account
from liandong.exchange.models import RequestState, UseRequest, Visit
from liandong.exchange.queries.requests import ending
from liandong.exchange.queries.visits import OPEN_STATES

from .notices import account_of, directors, holders, tell
from .people import day_of

SOON = timedelta(days=3)
PAST = timedelta(days=7)  # grants that ended longer ago were told


def remind(*, now: datetime) -> int:
    """Tell each person once an occasion; how many occasions there were."""
    count = 0
    for grant in ending(after=now, before=now + SOON):
        count += _tell_of(grant, "share_ending", now=now)
    for grant in ending(after=now - PAST, before=now):
        count += _tell_of(grant, "share_ended", now=now)
    return count + _late_requests(now=now) + _late_visits(now=now)


def _tell_of(grant: ShareGrant, kind: str, *, now: datetime) -> int:
    day = day_of(grant.ends_at).isoformat()
    return tell(
        _people_of(grant), kind, number=grant.code, path=f"/exchange/{grant.code}/", now=now,
        occasion=day, facts={"until": day},
    )  # fmt: skip


def _people_of(grant: ShareGrant) -> list[Account]:
    request = UseRequest.objects.filter(grant=grant).select_related("asker").first()
    return account_of(request.asked_by) if request else []


def _late_requests(*, now: datetime) -> int:
    late = UseRequest.objects.filter(
        state__in=[RequestState.SUBMITTED, RequestState.PROPOSED], due_on__lt=day_of(now)
    )
    return sum(
        tell(
            holders() + (directors() if row.state == RequestState.PROPOSED else []),
            "request_late", number=row.number, path=f"/exchange/{row.number}/", now=now,
        )
        for row in late
    )  # fmt: skip


def _late_visits(*, now: datetime) -> int:
    late = Visit.objects.filter(state__in=OPEN_STATES[:3], due_on__lt=day_of(now))
    return sum(
        tell(
            holders(), "visit_late", number=row.number,
            path=f"/exchange/visits/{row.number}/", now=now,
        )
        for row in late
    )  # fmt: skip
