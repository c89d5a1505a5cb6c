"""Who asks: the facts of a request's account, made once per request into a frozen Viewer."""

from collections.abc import Iterator, Mapping

from django.db.models import Model
from django.http import HttpRequest
from django.utils import timezone

from liandong.base.context import roles_of
from liandong.base.models import Account, Role
from liandong.kernel.access import Fact, Rule, holds

from .policies import Viewer


def viewer_of(request: HttpRequest) -> Viewer:
    """The viewer behind a request; a stranger when nobody is signed in."""
    known: Viewer | None = getattr(request, "_viewer", None)
    if known is None:
        known = _viewer(request)
        request._viewer = known  # type: ignore[attr-defined]  # kept for the same request only
    return known


def _viewer(request: HttpRequest) -> Viewer:
    user = request.user
    if not isinstance(user, Account) or not user.is_active:
        return Viewer()
    roles = roles_of(request)
    return Viewer(
        name=user.username,
        unit=user.unit.code if user.unit else "",
        clearance=user.clearance,
        is_clerk=Role.CLERK in roles,
        is_archivist=Role.ARCHIVIST in roles,
    )


def today_of(_request: HttpRequest) -> int:
    """Today in Asia/Shanghai as YYYYMMDD."""
    return int(timezone.localtime().strftime("%Y%m%d"))


class _Row(Mapping[str, Fact]):
    """The columns of a row as the facts of a rule."""

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
