"""Visits (走访): planned so that no enterprise is overrun, recorded once, their items settled.

An item that becomes a case keeps its link to it, and the first event of the case names the visit.
What employees said never names the enterprise on the case: the employer must not learn of it.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from liandong.base.audit import record_act
from liandong.base.models import Unit, UnitKind
from liandong.cases.models import Case, Visit, VisitItem, VisitPlan
from liandong.cases.policies import Bearer
from liandong.kernel.casework import kinds

from .opening import BadReport, Report, open_case

MOST_PLANNED: Final = 2
"""Plans of all units for one enterprise that may overlap (design; 优化营商环境条例 art. 48)."""
MOST_ITEMS: Final = 30  # of one visit
LONGEST_ITEM: Final = 1000
CHANNEL: Final = "visit"
_OWN_KINDS: Final[Mapping[str, Collection[str]]] = {  # what an item of each list may become
    VisitItem.Party.ENTERPRISE: ("enterprise_demand", "visit_followup"),
    VisitItem.Party.EMPLOYEE: ("employee_demand",),
}


class BadVisit(Exception):
    """A visit or plan that cannot be kept: faults as (field, code); nothing was kept."""

    def __init__(self, faults: Sequence[tuple[str, str]]) -> None:
        super().__init__(faults)
        self.faults = list(faults)


@dataclass(frozen=True, slots=True)
class Noted:
    """What a visitor writes down: needs of the enterprise and of its employees, an item each."""

    uuid: UUID
    enterprise: str  # code
    visited_on: date | None
    companions: str = ""
    note: str = ""
    needs: Sequence[str] = ()
    employee_needs: Sequence[str] = ()


def kinds_for(party: str) -> list[str]:
    """Kinds of cases that an item of this list may become: those that come by visits."""
    return [code for code in _OWN_KINDS[party] if CHANNEL in kinds()[code].channels]


def record_visit(noted: Noted, *, by: Bearer, now: datetime) -> Visit:
    """Keep a visit of the unit of whoever writes; the same uuid again is the one that is there.

    Raises BadVisit.
    """
    known = Visit.objects.filter(uuid=noted.uuid).first()
    if known is not None:
        return known
    unit, enterprise, day = _checked(noted, by, today=timezone.localdate(now))
    rows = [(VisitItem.Party.ENTERPRISE, one) for one in _lines(noted.needs)]
    rows += [(VisitItem.Party.EMPLOYEE, one) for one in _lines(noted.employee_needs)]
    try:
        with transaction.atomic():
            visit = Visit.objects.create(
                uuid=noted.uuid, unit=unit, enterprise=enterprise, visited_on=day,
                companions=noted.companions.strip()[:200], note=noted.note.strip()[:2000],
                made_at=now, made_by=by.viewer.name,
            )  # fmt: skip
            VisitItem.objects.bulk_create(
                VisitItem(visit=visit, number=number, party=party, text=text)
                for number, (party, text) in enumerate(rows, 1)
            )
            record_act(
                "record_visit", by=by.viewer.name, now=now, object=f"visit:{visit.pk}",
                facts={"unit": unit.code, "enterprise": enterprise.code, "items": len(rows)},
            )  # fmt: skip
    except IntegrityError:
        return Visit.objects.get(uuid=noted.uuid)
    return visit


def _checked(noted: Noted, by: Bearer, *, today: date) -> tuple[Unit, Unit, date]:
    unit = _own_unit(by)
    enterprise = open_enterprises([noted.enterprise]).get(noted.enterprise)
    if unit is None or enterprise is None:
        raise BadVisit([("unit" if unit is None else "enterprise", "unknown")])
    faults = [*_faults_of_day(noted.visited_on, today), *_faults_of_items(noted)]
    if faults or noted.visited_on is None:
        raise BadVisit(faults)
    return unit, enterprise, noted.visited_on


def _own_unit(by: Bearer) -> Unit | None:
    return Unit.objects.filter(code=by.viewer.unit, closed_at__isnull=True).first()


def _faults_of_day(day: date | None, today: date) -> Iterator[tuple[str, str]]:
    if day is None:
        yield ("visited_on", "missing")
    elif day > today:
        yield ("visited_on", "later")


def _faults_of_items(noted: Noted) -> Iterator[tuple[str, str]]:
    for name, lines in (("needs", noted.needs), ("employee_needs", noted.employee_needs)):
        if any(len(one.strip()) > LONGEST_ITEM for one in lines):
            yield (name, "too-long")
    count = len(_lines(noted.needs)) + len(_lines(noted.employee_needs))
    if count > MOST_ITEMS:
        yield ("needs", "too-many")
    if not count and not noted.note.strip():
        yield ("needs", "missing")


def open_enterprises(codes: Sequence[str]) -> dict[str, Unit]:
    """Enterprises of these codes that are not closed, by code."""
    rows = Unit.objects.filter(kind=UnitKind.ENTERPRISE, closed_at__isnull=True, code__in=codes)
    return {one.code: one for one in rows}


def _lines(texts: Sequence[str]) -> list[str]:
    return [text.strip() for text in texts if text.strip()]


# Items --------------------------------------------------------------------------------------------


@transaction.atomic
def settle_item(item_id: int, became: str, *, by: str, now: datetime) -> VisitItem:
    """Say that an item was solved on the spot or is information, or open it again.

    Raises BadVisit (became, unknown) and, once it is a case, (became, case).
    """
    item = VisitItem.objects.select_for_update(of=("self",)).get(pk=item_id)
    if item.became == VisitItem.Became.CASE:
        raise BadVisit([("became", "case")])
    if became not in set(VisitItem.Became.values) - {VisitItem.Became.CASE}:
        raise BadVisit([("became", "unknown")])
    is_open = became == VisitItem.Became.OPEN
    item.became = became
    item.settled_at, item.settled_by = (None, "") if is_open else (now, by)
    item.save(update_fields=["became", "settled_at", "settled_by"])
    _note_item(item, by=by, now=now)
    return item


@transaction.atomic
def open_from_item(
    item_id: int, kind: str, form: Mapping[str, str], *, by: Bearer, now: datetime
) -> Case:  # fmt: skip
    """Make a case of an item; asked twice it is the one that is there.  Raises BadReport."""
    rows = VisitItem.objects.select_for_update(of=("self",))
    item = rows.select_related("visit__enterprise", "case").get(pk=item_id)
    if item.case is not None:
        return item.case
    if kind not in kinds_for(item.party):
        raise BadReport([("kind", "unknown")])
    known = {one.code for one in kinds()[kind].fields}
    words = {name: text for name, text in form.items() if name in known}
    is_own = item.party == VisitItem.Party.ENTERPRISE
    report = Report(
        kind, CHANNEL, {"text": item.text, **words}, uuid=item.uuid,
        enterprise=item.visit.enterprise if is_own else None,
        facts={"visit": item.visit_id, "item": item.number} if is_own else {},
    )  # fmt: skip
    item.case = open_case(report, by=by, now=now).case
    item.became = VisitItem.Became.CASE
    item.settled_at, item.settled_by = now, by.viewer.name
    item.save(update_fields=["case", "became", "settled_at", "settled_by"])
    _note_item(item, by=by.viewer.name, now=now)
    return item.case


def _note_item(item: VisitItem, *, by: str, now: datetime) -> None:
    facts = {"item": item.number, "became": item.became}
    record_act("settle_visit_item", by=by, now=now, object=f"visit:{item.visit_id}", facts=facts)


# Plans --------------------------------------------------------------------------------------------


@transaction.atomic
def plan_visits(
    codes: Sequence[str], *, starts_on: date | None, ends_on: date | None, by: Bearer,
    now: datetime,
) -> list[VisitPlan]:  # fmt: skip
    """Plan a visit of the own unit to each enterprise; a plan that is there is not made again.

    Raises BadVisit: (<code of the enterprise>, crowded) where others plan enough visits by then.
    """
    unit, found = _own_unit(by), open_enterprises(codes)
    faults = list(_faults_of_period(starts_on, ends_on))
    if not found:
        faults.append(("enterprise", "missing"))
    if faults or unit is None or starts_on is None or ends_on is None:
        raise BadVisit(faults or [("unit", "unknown")])
    # One after the other: two units that plan at once must both count.
    list(Unit.objects.select_for_update().filter(code__in=found).order_by("pk"))
    same = {"unit": unit, "starts_on": starts_on, "ends_on": ends_on}
    near = VisitPlan.objects.filter(starts_on__lte=ends_on, ends_on__gte=starts_on)
    crowded = [
        (code, "crowded") for code, one in found.items()
        if near.filter(enterprise=one).exclude(**same).count() >= MOST_PLANNED
    ]  # fmt: skip
    if crowded:
        raise BadVisit(crowded)
    made = [
        VisitPlan.objects.get_or_create(
            **same, enterprise=enterprise, defaults={"made_at": now, "made_by": by.viewer.name}
        )[0]
        for enterprise in found.values()
    ]
    record_act(
        "plan_visits", by=by.viewer.name, now=now, object=f"unit:{unit.code}",
        facts={"enterprises": len(made), "from": str(starts_on), "until": str(ends_on)},
    )  # fmt: skip
    return made


def _faults_of_period(starts_on: date | None, ends_on: date | None) -> Iterator[tuple[str, str]]:
    for name, day in (("starts_on", starts_on), ("ends_on", ends_on)):
        if day is None:
            yield (name, "missing")
    if starts_on is not None and ends_on is not None and ends_on < starts_on:
        yield ("ends_on", "before")


@transaction.atomic
def drop_plan(plan_id: int, *, by: str, now: datetime) -> None:
    """Take a plan back.  Raises VisitPlan.DoesNotExist."""
    plan = VisitPlan.objects.select_related("unit", "enterprise").get(pk=plan_id)
    record_act(
        "drop_visit_plan", by=by, now=now, object=f"unit:{plan.unit.code}",
        facts={"enterprise": plan.enterprise.code, "from": str(plan.starts_on)},
    )  # fmt: skip
    plan.delete()
