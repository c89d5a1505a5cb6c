"""The ledger (台账): what stands on it now, what was entered this month, and months gone by."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from liandong.base.models import Role
from liandong.cases.models import Case, CaseEvent
from liandong.kernel.casework import EXITS, FINAL, LEDGER, ON_LEDGER, STATE, kinds
from liandong.kernel.ledger_months import (
    ENTRIES,
    ItemMonth,
    LedgerEvent,
    Month,
    Stand,
    months_of,
)
from liandong.kernel.viewer import Viewer

from .cases import PAGE, visible
from .situations import case_by_number

TABS: Final = ("listed", "proposed", "cleared", "relisted")
ANSWERS: Final = ("missing", "progress", "no_progress")
HOLDS: Final = ("parked", "stuck")
UNLISTED: Final = "none"
"""The tab of what may be listed: registered, of a kind that is on the ledger, not listed yet."""
_LISTABLE: Final = frozenset({"accepted", "dispatched", "returned", "in_progress", "parked"})


@dataclass(frozen=True, slots=True)
class Filters:
    """Conditions of the ledger, as they stand in the address; "" is no condition."""

    tab: str = ""  # a value of the ledger axis; "" is what is not cleared
    kind: str = ""
    unit: str = ""
    words: str = ""
    answer: str = ""  # of ANSWERS, for this month
    hold: str = ""  # of HOLDS


@dataclass(frozen=True, slots=True)
class Row:
    """A case on the ledger: how it stands, its entries of this month, and the last of all."""

    case: Case
    stand: Stand
    item: ItemMonth
    notes: Sequence[tuple[LedgerEvent, str]]  # entries of this month and their words
    last_note: str


def on_ledger(viewer: Viewer) -> QuerySet[Case]:
    """Cases that are or were on the ledger and that `viewer` may see."""
    return visible(viewer).exclude(ledger="none")


def tab_counts(filters: Filters, *, viewer: Viewer, now: datetime) -> dict[str, int]:
    """How many items each tab has under the other conditions."""
    rows = _filtered(on_ledger(viewer), filters, now=now)
    counts = dict(rows.values_list("ledger").annotate(n=Count("pk")).order_by())
    found = {"": sum(counts.get(one, 0) for one in ON_LEDGER)}
    found |= {tab: counts.get(tab, 0) for tab in TABS}
    return found | {UNLISTED: _filtered(_listable(viewer), filters, now=now).count()}


def _listable(viewer: Viewer) -> QuerySet[Case]:
    if Role.LEDGER not in viewer.roles:
        return Case.objects.none()
    monthly = [one.code for one in kinds().values() if one.ledger == "monthly"]
    rows = visible(viewer).filter(ledger="none", state__in=sorted(_LISTABLE))
    return rows.filter(kind__in=monthly)


def ledger_page(
    filters: Filters, *, viewer: Viewer, now: datetime, before: int = 0, limit: int = PAGE + 1
) -> list[Case]:
    """Up to a page of items and one more, the newest first, below the key `before`."""
    if filters.tab == UNLISTED:
        rows = _filtered(_listable(viewer), filters, now=now)
    else:
        rows = _filtered(on_ledger(viewer), filters, now=now)
        rows = rows.filter(ledger__in=[filters.tab] if filters.tab else sorted(ON_LEDGER))
    if before:
        rows = rows.filter(pk__lt=before)
    return list(rows.select_related("lead_unit", "enterprise").order_by("-pk")[:limit])


def _filtered(rows: QuerySet[Case], filters: Filters, *, now: datetime) -> QuerySet[Case]:
    if filters.kind:
        rows = rows.filter(kind=filters.kind)
    if filters.unit:
        rows = rows.filter(lead_unit__code=filters.unit)
    if filters.words:
        numbered = case_by_number(filters.words)
        found = Q(title__icontains=filters.words) | Q(enterprise__name__icontains=filters.words)
        rows = rows.filter(found | Q(pk=numbered.pk if numbered else 0))
    if filters.answer:
        rows = _answered(rows, filters.answer, now=now)
    if filters.hold == "parked":
        rows = rows.filter(state="parked", ledger__in=sorted(ON_LEDGER))
    elif filters.hold == "stuck":
        rows = rows.filter(pk__in=[one.case for one in current(rows, now=now) if _is_stuck(one)])
    return rows


def _answered(rows: QuerySet[Case], answer: str, *, now: datetime) -> QuerySet[Case]:
    """Items by the answer of this month: as the month page counts them."""
    events = CaseEvent.objects.filter(
        case=OuterRef("pk"), axis=STATE, at__gte=Month.of(now).start, at__lte=now
    )
    if answer == "progress":
        return rows.filter(Exists(events.filter(action__in=sorted(ENTRIES - {"no_progress"}))))
    if answer == "no_progress":
        done = Exists(events.filter(action__in=sorted(ENTRIES - {"no_progress"})))
        return rows.filter(Exists(events.filter(action="no_progress"))).exclude(done)
    return rows.filter(pk__in=[one.case for one in current(rows, now=now) if one.is_missing])


def _is_stuck(one: ItemMonth) -> bool:
    return one.after.is_stuck(one.end)


# From events --------------------------------------------------------------------------------------


def events_of(cases: QuerySet[Case], *, until: datetime) -> Iterator[LedgerEvent]:
    """The events of these cases up to a moment, in order of case and number."""
    rows = CaseEvent.objects.filter(case__in=cases.order_by().values("pk"), at__lte=until)
    names = ("case_id", "number", "at", "axis", "action", "after", "unit", "sets", "facts")
    for one in rows.order_by("case_id", "number").values_list(*names).iterator(chunk_size=5000):
        yield LedgerEvent(*one)


def month_items(
    months: Sequence[Month], *, viewer: Viewer, now: datetime, kind: str = "", unit: str = ""
) -> list[list[ItemMonth]]:
    """The items of each month, of cases that `viewer` may see.

    `unit` keeps those that it led at the end of each month, not those that it leads today.
    """
    cases = on_ledger(viewer)
    if kind:
        cases = cases.filter(kind=kind)
    made = months_of(events_of(cases, until=now), months, now=now)
    if not unit:
        return made
    return [[one for one in items if one.after.lead == unit] for items in made]


def current(cases: QuerySet[Case], *, now: datetime) -> list[ItemMonth]:
    """The items that are open, in the month that runs."""
    open_ = cases.filter(ledger__in=sorted(ON_LEDGER)).exclude(state__in=[*EXITS, FINAL])
    (items,) = months_of(events_of(open_, until=now), [Month.of(now)], now=now)
    return items


def rows_of(cases: Sequence[Case], *, month: Month, now: datetime) -> list[Row]:
    """These cases as rows of the ledger in a month, in their order."""
    keys = [one.pk for one in cases]
    events = list(events_of(Case.objects.filter(pk__in=keys), until=min(now, month.end)))
    (items,) = months_of(events, [month], now=now)
    by_case = {one.case: one for one in items}
    last = _last_entries(events)
    noted = [*last.values(), *(entry for one in items for entry in one.entries)]
    said = words_of(noted)
    rows = []
    for case in cases:
        item = by_case.get(case.pk) or ItemMonth(case.pk, now, Stand(), Stand())
        notes = [(one, said.get((case.pk, one.number), "")) for one in item.entries]
        before = last.get(case.pk)
        note = said.get((case.pk, before.number), "") if before else ""
        rows.append(Row(case, item.after, item, notes, note))
    return rows


def _last_entries(events: Iterable[LedgerEvent]) -> dict[int, LedgerEvent]:
    return {one.case: one for one in events if one.axis == STATE and one.action in ENTRIES}


def words_of(entries: Sequence[LedgerEvent]) -> dict[tuple[int, int], str]:
    """What was written at entries, by case and number of the event; erased words are not there."""
    found: dict[tuple[int, int], str] = {}
    rows = CaseEvent.objects.filter(
        case__in={one.case for one in entries}, action__in=sorted(ENTRIES), axis=STATE,
        words__erased_at__isnull=True,
    ).select_related("words")  # fmt: skip
    for one in rows:
        words: Any = getattr(one, "words", None)
        said: Mapping[str, str] = words.said if words else {}
        found[one.case_id, one.number] = said.get("note") or said.get("reply") or ""
    return found


def first_month(viewer: Viewer) -> Month | None:
    """The month of the first listing that `viewer` may see; None for an empty ledger."""
    rows = CaseEvent.objects.filter(case__in=on_ledger(viewer).values("pk"), axis=LEDGER)
    at = rows.order_by("at").values_list("at", flat=True).first()
    return Month.of(at) if at else None


def cases_of(items: Sequence[ItemMonth], *, viewer: Viewer) -> list[Case]:
    """The cases of items that `viewer` may see, in the order of the items."""
    rows = visible(viewer).filter(pk__in=[one.case for one in items])
    found = {one.pk: one for one in rows.select_related("lead_unit", "enterprise")}
    return [found[one.case] for one in items if one.case in found]
