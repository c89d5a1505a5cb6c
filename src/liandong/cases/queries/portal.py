"""The enterprise portal: own cases and drafts, what happened this month, who acts for whom."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone

from liandong.base.models import Account, Role, Unit
from liandong.cases.models import Case, CaseEvent, Draft
from liandong.cases.policies import Bearer, audience
from liandong.kernel.casework import STATE, Kind, Move, kinds
from liandong.kernel.viewer import Viewer

from .cases import PAGE, open_moves, visible
from .mandates import mandated
from .tracking import STEPS

CHANNEL = "portal"


def portal_kinds() -> list[Kind]:
    """Kinds that are raised in the portal, in the order of the catalogue."""
    return [one for one in kinds().values() if CHANNEL in one.channels]


def portal_cases(viewer: Viewer, *, before: int = 0) -> list[Case]:
    """A page of cases and one more that this person raised or follows for an enterprise."""
    where = Q(requester__username=viewer.name)
    if Role.ENTERPRISE in viewer.roles and viewer.unit:
        where |= Q(enterprise__code=viewer.unit)
    if Role.CHAMBER in viewer.roles and viewer.unit:
        where |= mandated([viewer.unit])
    rows = visible(viewer).filter(where).select_related("lead_unit", "enterprise")
    if before:
        rows = rows.filter(pk__lt=before)
    return list(rows.order_by("-pk")[: PAGE + 1])


def drafts_of(viewer: Viewer) -> QuerySet[Draft]:
    """Drafts of this account, the last that was written on first."""
    rows = Draft.objects.filter(account__username=viewer.name)
    return rows.select_related("enterprise", "account")


def draft_by_uuid(uuid: UUID, *, viewer: Viewer) -> Draft | None:
    """A draft of this account, or None."""
    return drafts_of(viewer).filter(uuid=uuid).first()


@dataclass(frozen=True, slots=True)
class Behalf:
    """Who acted for the enterprise by a mandate: the chamber, and the number of the mandate."""

    chamber: Unit
    enterprise: Unit
    mandate: int
    at: datetime


def raised_by_mandate(case: Case) -> Behalf | None:
    """Who handed the case in for the enterprise; None when nobody stood in for it."""
    return _behalf(case, case.events.filter(number=1).first())


def _behalf(case: Case, event: CaseEvent | None) -> Behalf | None:
    if event is None or "on_behalf_of" not in event.facts or case.enterprise is None:
        return None
    chamber = Unit.objects.filter(code=event.unit).first()
    number = int(event.facts.get("mandate", 0))
    return Behalf(chamber, case.enterprise, number, event.at) if chamber else None


def raised_by_chambers(cases: Iterable[Case]) -> dict[int, str]:
    """The name of the chamber that handed a case in, by key of the case; one query for a list."""
    rows = CaseEvent.objects.filter(case__in=[one.pk for one in cases], number=1)
    units = {
        one.case_id: one.unit for one in rows if "on_behalf_of" in one.facts
    }  # fmt: skip
    names = dict(Unit.objects.filter(code__in=units.values()).values_list("code", "name"))
    return {case: names.get(code, code) for case, code in units.items()}


def progress_this_month(case: Case, *, now: datetime) -> list[CaseEvent]:
    """What the units wrote down as progress since the first of this month, the newest first."""
    first = timezone.localtime(now).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    rows = case.events.filter(axis=STATE, action="log_progress", at__gte=first)
    return list(rows.select_related("words").order_by("-number"))


def responsible(case: Case) -> Account | None:
    """Who signed the case in for its lead unit; None before that, or after it was sent on."""
    signed = case.events.filter(axis=STATE, action="sign_in").order_by("-number").first()
    if signed is None or signed.unit != case.lead:
        return None
    return Account.objects.filter(username=signed.by).first()


def portal_moves(case: Case, viewer: Viewer, *, now: datetime) -> list[Move]:
    """What the enterprise may do now, in the order of STEPS."""
    rows = open_moves(case, Bearer(viewer), now=now)
    mine = [one for one in rows if one.axis == STATE and one.action in STEPS]
    return sorted(mine, key=lambda one: STEPS.index(one.action))


@dataclass(frozen=True, slots=True)
class Seer:
    """Somebody who will see a case: a role (or the auditor), from when or where, and who it is."""

    role: str
    when: str  # cases.policies: NOW, OWN, CHAMBER, WORK, WHEN_OVER
    names: tuple[str, ...] = ()  # of the units, where they are known


def seers(kind: Kind, enterprise: Unit | None, lead: Unit | None = None) -> list[Seer]:
    """Who will see a case of this kind, from the access rule itself."""
    sample = Case(kind=kind.code, enterprise=enterprise)
    chambers = sample.chambers
    names = Unit.objects.filter(code__in=chambers).values_list("name", flat=True)
    known = {
        "own": (enterprise.name,) if enterprise else (),
        "chamber": tuple(names),
        "work": (lead.name,) if lead else (),
    }
    found = audience(kind, enterprise.code if enterprise else "", chambers)
    return [Seer(role, when, known.get(when, ())) for role, when in found.items()]
