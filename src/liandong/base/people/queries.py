"""Every read of accounts and units: lists, one account, the review report."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from allauth.mfa.models import Authenticator
from django.db.models import Count, Q, QuerySet

from liandong.base.models import Account, Approval, Officer, Role, Unit

UNUSED: Final = timedelta(days=90)  # without a sign-in this long an account is asked about
STATES: Final = ("open", "locked", "closed", "unused", "officer")


@dataclass(frozen=True, slots=True)
class Standing:
    """One account as a list or the review report shows it."""

    account: Account
    roles: tuple[str, ...]  # words, officers too
    factors: tuple[str, ...]  # types of allauth
    state: str  # open, locked, closed
    unused: bool  # open, and nobody signed in for UNUSED


def account_list(
    *, text: str = "", state: str = "", now: datetime, after: str = "", limit: int
) -> list[Standing]:
    """Accounts by user name from `after` on, one more than `limit` when there are more."""
    found = Account.objects.filter(username__gt=after)
    if text:
        found = found.filter(
            Q(username__icontains=text)
            | Q(full_name__icontains=text)
            | Q(unit__name__icontains=text)
            | Q(unit__code__iexact=text)
        )
    return standings(_in_state(found, state, now)[: limit + 1], now=now)


def account_review(*, now: datetime) -> list[Standing]:
    """Every account that is not closed, for the review of who holds what.

    Source: GB/T 22239-2019 8.1.4.2 c, d.
    """
    return standings(Account.objects.filter(is_active=True), now=now)


def account_by_name(username: str) -> Account | None:
    """The account of this name."""
    return Account.objects.select_related("unit").filter(username=username).first()


def standings(accounts: Iterable[Account] | QuerySet[Account], *, now: datetime) -> list[Standing]:
    """Accounts with what they hold: three queries however many there are."""
    if isinstance(accounts, QuerySet):
        accounts = accounts.select_related("unit").prefetch_related("posts")
    rows = list(accounts)
    kinds: dict[int, list[str]] = defaultdict(list)
    for owner, kind in Authenticator.objects.filter(user__in=rows).values_list("user_id", "type"):
        kinds[owner].append(kind)
    return [
        Standing(
            account=one,
            roles=_roles(one),
            factors=tuple(sorted(set(kinds[one.pk]))),
            state=_state(one),
            unused=_is_unused(one, now),
        )
        for one in rows
    ]


def unit_tree() -> list[tuple[Unit, int, int]]:
    """Every unit below its parent: the unit, its depth from 0, its open accounts."""
    children: dict[int | None, list[Any]] = defaultdict(list)  # units with `open_accounts`
    counted = Unit.objects.annotate(open_accounts=Count("accounts", Q(accounts__is_active=True)))
    for unit in counted.order_by("code"):
        children[unit.parent_id].append(unit)
    rows: list[tuple[Unit, int, int]] = []
    waiting = [(unit, 0) for unit in reversed(children[None])]
    while waiting:
        unit, depth = waiting.pop()
        rows.append((unit, depth, unit.open_accounts))
        waiting += [(child, depth + 1) for child in reversed(children[unit.pk])]
    return rows


def open_units() -> QuerySet[Unit]:
    """Units that somebody may be moved to."""
    return Unit.objects.filter(closed_at__isnull=True)


def _in_state(found: QuerySet[Account], state: str, now: datetime) -> QuerySet[Account]:
    quiet = Q(last_login__lt=now - UNUSED) | Q(
        last_login__isnull=True, date_joined__lt=now - UNUSED
    )
    conditions = {
        "open": Q(is_active=True, locked_at__isnull=True),
        "locked": Q(is_active=True, locked_at__isnull=False),
        "closed": Q(is_active=False),
        "unused": Q(is_active=True) & quiet,
        "officer": ~Q(officer=""),
    }
    return found.filter(conditions[state]) if state in conditions else found


def _roles(account: Account) -> tuple[str, ...]:
    words = [str(Role(post.role).label) for post in account.posts.all()]
    return tuple([*words, str(Officer(account.officer).label)] if account.officer else words)


def _state(account: Account) -> str:
    if not account.is_active:
        return "closed"
    return "locked" if account.locked_at else "open"


def _is_unused(account: Account, now: datetime) -> bool:
    return account.is_active and (account.last_login or account.date_joined) < now - UNUSED


def requests_about(account: Account, *, limit: int = 20) -> QuerySet[Approval]:
    """What was asked for about an account, the newest first."""
    about = Approval.objects.filter(object=f"account:{account.username}")
    return about.select_related("asked_by", "decided_by")[:limit]
