"""Statistics of use: by department, purpose, kind, answered in time.  Counts only; no person.

Every number is the count of the list that its link opens, by the same filters.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from urllib.parse import urlencode

from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext as _

from liandong.base.models import Unit
from liandong.exchange.models import (
    CertifiedCopy,
    Delivery,
    Loan,
    LoanState,
    RequestState,
    UseRequest,
    Visit,
    VisitState,
)
from liandong.exchange.wording import USE_WORDS, choices
from liandong.kernel.viewer import Viewer

from .requests import Filters, visible

_Row = tuple[str, Q, dict[str, str]]  # label, condition, parameters of the address


@dataclass(frozen=True, slots=True)
class Number:
    """One number: what is counted, how many, and the address of the list behind it."""

    label: str
    count: int
    url: str


@dataclass(frozen=True, slots=True)
class Table:
    """Numbers that belong together."""

    title: str
    numbers: tuple[Number, ...]


def statistics(year: int, *, viewer: Viewer, today: date) -> list[Table]:
    """The tables of one year; 0 for all years."""
    return [
        _requests(year, viewer, today),
        _by_unit(year, viewer, today),
        _by_purpose(year, viewer, today),
        _by_use(year, viewer, today),
        *_visits(year),
        _loans(year, today),
        _copies(year),
    ]


def _requests(year: int, viewer: Viewer, today: date) -> Table:
    base = Filters(year=year)
    rows: list[tuple[str, Filters]] = [(_("收到"), base)]
    rows += [
        (str(label), replace(base, state=value))
        for value, label in RequestState.choices
        if value != RequestState.DRAFT
    ]
    rows += [
        (_("按期答复"), replace(base, timely="yes")),
        (_("逾期答复"), replace(base, timely="no")),
        (_("逾期未答"), replace(base, timely="late")),
    ]
    return Table(_("利用申请"), tuple(_count(rows, viewer, today)))


def _by_unit(year: int, viewer: Viewer, today: date) -> Table:
    held = visible(viewer).exclude(number="")
    codes = held.order_by().values_list("asker_unit", flat=True).distinct()
    names = dict(Unit.objects.filter(code__in=codes).values_list("code", "name"))
    rows = [
        (names.get(code, code) or _("（无单位）"), Filters(year=year, unit=code or "-"))
        for code in sorted(codes)
    ]
    return Table(_("按单位"), tuple(_count(rows, viewer, today)))


def _by_purpose(year: int, viewer: Viewer, today: date) -> Table:
    rows = [(name, Filters(year=year, purpose=code)) for code, name in choices("use_purposes")]
    return Table(_("按利用目的"), tuple(_count(rows, viewer, today)))


def _by_use(year: int, viewer: Viewer, today: date) -> Table:
    rows = [(str(word), Filters(year=year, use=use)) for use, word in USE_WORDS.items()]
    return Table(_("按利用方式"), tuple(_count(rows, viewer, today)))


def _count(rows: Iterable[tuple[str, Filters]], viewer: Viewer, today: date) -> Iterable[Number]:
    held = visible(viewer).exclude(number="")
    for label, filters in rows:
        named = {
            name: value
            for name in ("state", "unit", "purpose", "use", "year", "timely")
            if (value := getattr(filters, name))
        }
        found: QuerySet[UseRequest] = filters.apply(held, today=today)
        yield Number(label, found.count(), f"/exchange/requests/?{urlencode(named)}")


def _visits(year: int) -> list[Table]:
    timely = Q(decided_at__isnull=False, decided_at__date__lte=F("due_on"))
    late = Q(decided_at__isnull=False, decided_at__date__gt=F("due_on"))
    states: list[_Row] = [
        (_("收到"), Q(), {}),
        *((str(label), Q(state=value), {"state": value}) for value, label in VisitState.choices),
        (_("按期答复"), timely, {"timely": "yes"}),
        (_("逾期答复"), late, {"timely": "no"}),
    ]
    deliveries: list[_Row] = [
        (str(label), Q(delivery=value), {"delivery": value}) for value, label in Delivery.choices
    ]
    purposes: list[_Row] = [
        (name, Q(purpose_kind=code), {"purpose": code}) for code, name in choices("use_purposes")
    ]
    return [
        _visit_table(_("查档"), states, year),
        _visit_table(_("查档按取得方式"), deliveries, year),
        _visit_table(_("查档按目的"), purposes, year),
    ]


def _visit_table(title: str, rows: Iterable[_Row], year: int) -> Table:
    held = Visit.objects.filter(received_at__year=year) if year else Visit.objects.all()
    numbers = (
        Number(label, held.filter(where).count(), _address("/exchange/visits/", year, named))
        for label, where, named in rows
    )
    return Table(title, tuple(numbers))


def _loans(year: int, today: date) -> Table:
    held = Loan.objects.filter(asked_at__year=year) if year else Loan.objects.all()
    rows: list[_Row] = [(_("申请"), Q(), {})]
    rows += [(str(label), Q(state=value), {"state": value}) for value, label in LoanState.choices]
    late = Q(state=LoanState.LENT, due_on__lt=today)
    rows += [(_("逾期未还"), late, {"state": "overdue"})]
    return Table(_("实体借阅"), tuple(
        Number(label, held.filter(where).count(), _address("/exchange/loans/", year, named))
        for label, where, named in rows
    ))  # fmt: skip


def _copies(year: int) -> Table:
    held = CertifiedCopy.objects.all()
    held = held.filter(issued_at__year=year) if year else held
    rows = [
        (_("出具"), Q(), {}),
        (_("已撤销"), Q(revoked_at__isnull=False), {"state": "revoked"}),
    ]
    return Table(_("证明件"), tuple(
        Number(label, held.filter(where).count(), _address("/exchange/copies/", year, named))
        for label, where, named in rows
    ))  # fmt: skip


def _address(path: str, year: int, named: dict[str, str]) -> str:
    query = named | ({"year": str(year)} if year else {})
    return f"{path}?{urlencode(query)}" if query else path
