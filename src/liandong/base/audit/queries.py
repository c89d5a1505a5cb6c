"""Every read of the audit."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from django.db.models import Count, Max, Min, Q, QuerySet
from django.utils import timezone

from liandong.base.models import Account, AuditCheck, AuditRow, AuditSeal, Officer, Outcome
from liandong.kernel import catalog
from liandong.kernel.audit import algorithm_of, row_hash
from liandong.kernel.viewer import Viewer

from .heads import digest_of
from .rows import knower
from .writing import plain

SHOWING: Final = frozenset({
    "look_record", "open_viewer", "read_part", "print_image", "download_file", "export_record",
})  # fmt: skip
"""Acts that show somebody what an object holds.  A room that adds such an act adds it here."""

STRANGER: Final = "-"  # how a search names whoever was not signed in


@dataclass(frozen=True, slots=True)
class Seen:
    """One look at an object."""

    number: int  # of the audit row
    at: datetime
    by: str  # account name, "" for a stranger
    name: str  # of the person; as `by` where the account is gone
    unit: str  # code, as it was then
    act: str  # code of `audit_acts.csv`


def who_has_seen(
    object: str, *, before: int = 0, limit: int = 20, by: str | None = None
) -> list[Seen]:
    """Who was shown an object ("record:<code>"), newest first; `before` a row number.

    With `by`, only the looks of this account.  Whoever calls it decides who may know.
    Two queries, however many rows there are.
    """
    rows = AuditRow.objects.filter(object=object, act__in=SHOWING, outcome=Outcome.DONE)
    if before:
        rows = rows.filter(number__lt=before)
    if by is not None:
        rows = rows.filter(by=by)
    found = list(rows.order_by("-number")[:limit])
    names = names_of(row.by for row in found)
    return [
        Seen(row.number, row.at, row.by, names.get(row.by, row.by), row.unit, row.act)
        for row in found
    ]


def was_shown(object: str, *, by: str, origin: str, since: datetime) -> bool:
    """Whether this person was shown the object since then; strangers are known by their address."""
    rows = AuditRow.objects.filter(object=object, by=by, act__in=SHOWING, at__gte=since)
    if not by:
        rows = rows.filter(origin=origin)
    return rows.order_by("-number").exists()


def names_of(accounts: Iterable[str]) -> dict[str, str]:
    """The names of people by their account names, of those that there are."""
    people = Account.objects.filter(username__in=set(accounts))
    return {one.username: str(one) for one in people}


def act_word(act: str, language: str) -> str:
    """An act as a person reads it; `language` is zh or en."""
    row = catalog.by_key("audit_acts", "code").get(act)
    return row[f"name_{language}"] if row else act


# Searching ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an auditor looks for; "" and None ask for nothing."""

    by: str = ""  # account name or name of a person; STRANGER
    act: str = ""
    object: str = ""  # as in the row, or its beginning before a `*`
    unit: str = ""
    outcome: str = ""
    request: str = ""
    words: str = ""  # that were searched for: only their digest is kept
    since: date | None = None  # days in Asia/Shanghai, both inclusive
    until: date | None = None

    def as_facts(self) -> dict[str, str]:
        """What was asked for, for the row that tells of the search."""
        told = {field.name: getattr(self, field.name) for field in fields(self)}
        if self.words:
            told["words"] = digest_of(self.words)
        return {name: str(value) for name, value in told.items() if value}


def visible_rows(viewer: Viewer) -> QuerySet[AuditRow]:
    """The rows that somebody may know.

    The audit officer: all.  The security officer: acts of ordinary users, which no officer's and
    no command's are.  Everybody else: none.  Source: catalog/roles_three_officers.csv.
    """
    if viewer.officer == Officer.AUDIT:
        return AuditRow.objects.all()
    if viewer.officer == Officer.SECURITY:
        return AuditRow.objects.exclude(roles__in=Officer.values).exclude(by__in=["cli", "system"])
    return AuditRow.objects.none()


def chosen_rows(wanted: Wanted, *, viewer: Viewer) -> QuerySet[AuditRow]:
    """The rows that fit, of those that the viewer may know; in no order."""
    rows = visible_rows(viewer)
    if wanted.by:
        rows = rows.filter(by__in=_accounts(wanted.by))
    for name in ("act", "unit", "outcome", "request"):
        if value := getattr(wanted, name):
            rows = rows.filter(**{name: value})
    if wanted.words:
        rows = rows.filter(act="search", facts__contains=digest_of(wanted.words))
    return rows.filter(_about(wanted.object), _when(wanted))


def _accounts(text: str) -> list[str]:
    if text == STRANGER:
        return [""]
    named = Account.objects.filter(full_name=text).values_list("username", flat=True)
    return [text, *named[:50]]


def _about(object: str) -> Q:
    if object.endswith("*"):  # a range, so that the index serves
        start = object[:-1]
        return Q(object__gte=start, object__lt=f"{start}\U0010ffff")
    return Q(object=object) if object else Q()


def _when(wanted: Wanted) -> Q:
    zone = timezone.get_default_timezone()
    found = Q()
    if wanted.since:
        found &= Q(at__gte=datetime.combine(wanted.since, time.min, zone))
    if wanted.until:
        found &= Q(at__lt=datetime.combine(wanted.until + timedelta(days=1), time.min, zone))
    return found


def page_of_rows(
    wanted: Wanted, *, viewer: Viewer, before: int = 0, after: int = 0, limit: int = 50
) -> list[AuditRow]:
    """A page of rows, newest first: those older than row `before`, or just newer than `after`."""
    rows = chosen_rows(wanted, viewer=viewer)
    if after:
        return list(rows.filter(number__gt=after).order_by("number")[:limit])[::-1]
    if before:
        rows = rows.filter(number__lt=before)
    return list(rows.order_by("-number")[:limit])


def history_of(object: str, *, viewer: Viewer, after: int = 0, limit: int = 50) -> list[AuditRow]:
    """Everything about one object, oldest first."""
    rows = visible_rows(viewer).filter(object=object, number__gt=after)
    return list(rows.order_by("number")[:limit])


def readers_of(object: str, *, viewer: Viewer, limit: int = 100) -> list[dict[str, Any]]:
    """Who was shown an object: by, times, first, last; the most recent first."""
    rows = visible_rows(viewer).filter(object=object, act__in=SHOWING, outcome=Outcome.DONE)
    people = rows.values("by").annotate(times=Count("number"), first=Min("at"), last=Max("at"))
    return [dict(one) for one in people.order_by("-last")[:limit]]


def row_by_number(number: int, *, viewer: Viewer) -> AuditRow | None:
    """One row, of those that the viewer may know."""
    return visible_rows(viewer).filter(number=number).first()


# How a row stands in the chain --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Link:
    """How a row stands in the chain."""

    is_whole: bool  # hash and code are those of its cells
    is_linked: bool  # it names the hash of the row before, which is there
    seal: int  # number of the seal that covers it, 0 for none yet

    @property
    def is_right(self) -> bool:
        """Whether nothing is wrong with it."""
        return self.is_whole and self.is_linked


def links_of(rows: Iterable[AuditRow]) -> Mapping[int, Link]:
    """How each row stands in the chain, by number; two queries for all of them."""
    shown = list(rows)
    numbers = [row.number - 1 for row in shown]
    before = dict(AuditRow.objects.filter(number__in=numbers).values_list("number", "hash"))
    is_ours = knower()
    most = max((row.number for row in shown), default=0)
    least = min((row.number for row in shown), default=0)
    seals = list(
        AuditSeal.objects.filter(last__gte=least, first__lte=most).values_list(
            "number", "first", "last"
        )
    )
    return {
        row.number: Link(
            is_whole=_is_whole(row) and is_ours([*plain(row).values(), row.hash]),
            is_linked=row.previous == ("" if row.number == 1 else before.get(row.number - 1)),
            seal=next((n for n, first, last in seals if first <= row.number <= last), 0),
        )
        for row in shown
    }


def _is_whole(row: AuditRow) -> bool:
    try:
        return row.hash == row_hash(plain(row), algorithm_of(row.hash))
    except ValueError:  # a hash of no algorithm that we know
        return False


# The state of it all ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AuditState:
    """How many rows there are, and when they were last sealed and checked."""

    rows: int
    seal: AuditSeal | None
    check: AuditCheck | None


def audit_state() -> AuditState:
    """The state of the audit; three queries."""
    last = AuditRow.objects.aggregate(last=Max("number"))["last"] or 0
    return AuditState(last, AuditSeal.objects.last(), AuditCheck.objects.first())


def seals(*, before: int = 0, limit: int = 50) -> list[AuditSeal]:
    """Seals, newest first."""
    found = AuditSeal.objects.order_by("-number")
    return list((found.filter(number__lt=before) if before else found)[:limit])
