"""Who asks: the account behind a request as a frozen Viewer; shares are added by the archive."""

from collections.abc import Iterator, Mapping

from django.db.models import Model
from django.http import HttpRequest
from django.utils import timezone

from liandong.kernel.access import Fact, Rule, holds
from liandong.kernel.viewer import Viewer

from .models import Account


def viewer_of(request: HttpRequest) -> Viewer:
    """The person behind a request, made once; a stranger when nobody is signed in."""
    known: Viewer | None = getattr(request, "_person", None)
    if known is None:
        user = getattr(request, "user", None)
        known = viewer_of_account(user) if isinstance(user, Account) else Viewer()
        request._person = known  # type: ignore[attr-defined]  # kept for the same request only
    return known


def viewer_of_account(account: Account) -> Viewer:
    """What access may know of an account; a closed one is a stranger."""
    if not account.is_active:
        return Viewer()
    return Viewer(
        name=account.username,
        unit=account.unit.code if account.unit else "",
        clearance=account.clearance,
        roles=frozenset(account.posts.values_list("role", flat=True)),
        officer=account.officer,
    )


def today_of(_request: HttpRequest) -> int:
    """Today in Asia/Shanghai as YYYYMMDD."""
    return int(timezone.localtime().strftime("%Y%m%d"))


class _Row(Mapping[str, Fact]):
    """The columns (and properties) of a row as the facts of a rule."""

    def __init__(self, row: Model) -> None:
        self._row = row

    def __getitem__(self, name: str) -> Fact:
        value: Fact = getattr(self._row, name)
        return value

    def __iter__(self) -> Iterator[str]:
        return (field.name for field in self._row._meta.fields)

    def __len__(self) -> int:
        return len(self._row._meta.fields)


def may(rule: Rule, row: Model) -> bool:
    """Whether the rule grants this row, whose columns are the facts."""
    return holds(rule, _Row(row))
