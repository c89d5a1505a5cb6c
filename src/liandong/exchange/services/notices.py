"""Notices of this room: who is told, and once for each occasion.  base.notices lists and sends."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from liandong.base.models import Account, Role
from liandong.base.notices import services

ROOM = "exchange"


def tell(
    accounts: Iterable[Account],
    kind: str,
    *,
    number: str,
    path: str,
    now: datetime,
    occasion: str = "",
    facts: Mapping[str, str | int] | None = None,
) -> int:
    """Tell these people, each once for this kind, number and occasion; how many rows were asked.

    `facts` are what the words of the kind need; `path` is the page to open.
    """
    return services.tell(
        accounts, ROOM, kind, number=number, path=path, now=now, facts=facts,
        key=f"{ROOM}:{kind}:{number}:{occasion}",
    )  # fmt: skip


def holders() -> list[Account]:
    """Those who decide: archivists."""
    return list(Account.objects.filter(is_active=True, posts__role=Role.ARCHIVIST).distinct())


def directors() -> list[Account]:
    """Those who decide what needs a second person."""
    return list(Account.objects.filter(is_active=True, posts__role=Role.DIRECTOR).distinct())


def clerks_of(unit_code: str) -> list[Account]:
    """The records clerks of a department."""
    rows = Account.objects.filter(is_active=True, posts__role=Role.CLERK, unit__code=unit_code)
    return list(rows.distinct())


def account_of(name: str) -> list[Account]:
    """The account of this name, if it is open."""
    return list(Account.objects.filter(is_active=True, username=name))


def mark_seen(account_name: str, *, now: datetime) -> int:
    """Take every notice of this room to a person as seen; how many."""
    return sum(services.mark_seen(one, now=now, rooms={ROOM}) for one in account_of(account_name))
