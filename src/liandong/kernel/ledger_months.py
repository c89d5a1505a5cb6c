"""The ledger (台账) month by month (每月追踪), told from events alone.

Nothing here looks at how a case stands today, so a month that is over gives the same figures
whenever it is asked for.  Source: casework design §2.1; the rows `ledger_*` and `parked` of
catalog/statistics_metrics.csv.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby
from typing import Any, Final, Self
from zoneinfo import ZoneInfo

from .calendars import TIMEZONE, catalogue_calendar
from .casework import EXITS, FINAL, LEDGER, ON_LEDGER, STATE
from .deadlines import Unit, deadline

ENTRIES: Final = frozenset({"log_progress", "no_progress", "hand_in"})
"""Steps that are the entry of a month: a note, the answer that nothing moved, a result."""
_ZONE: Final = ZoneInfo(TIMEZONE)
_FIRST, _LAST = 2000, 2999  # years that an address may name


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A calendar month in the city."""

    year: int
    number: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """From YYYY-MM.  Raises ValueError."""
        year, dash, number = text.partition("-")
        digits = year + number
        if not (dash and len(digits) == 6 and digits.isascii() and digits.isdecimal()):
            raise ValueError(f"no month: {text!r}")
        made = cls(int(year), int(number))
        if not (_FIRST <= made.year <= _LAST and 1 <= made.number <= 12):
            raise ValueError(f"no month: {text!r}")
        return made

    @classmethod
    def of(cls, at: datetime) -> Self:
        """The month in which a moment lies, in the city."""
        local = at.astimezone(_ZONE)
        return cls(local.year, local.month)

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.number:02d}"

    @property
    def start(self) -> datetime:
        """Its first moment."""
        return datetime(self.year, self.number, 1, tzinfo=_ZONE)

    @property
    def end(self) -> datetime:
        """The first moment that is no longer of it."""
        return self.after.start

    @property
    def after(self) -> Self:
        """The next month."""
        late = self.number == 12
        return replace(self, year=self.year + late, number=1 if late else self.number + 1)

    @property
    def before(self) -> Self:
        """The month before."""
        early = self.number == 1
        return replace(self, year=self.year - early, number=12 if early else self.number - 1)


@dataclass(frozen=True, slots=True)
class LedgerEvent:
    """One event of a case, as the ledger sees it; `sets` and `facts` as in the chain."""

    case: int
    number: int
    at: datetime
    axis: str
    action: str
    after: str
    unit: str
    sets: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stand:
    """How an item of the ledger stood at one moment."""

    ledger: str = "none"
    state: str = "draft"
    lead: str = ""  # code of the lead unit
    target: str = ""  # day until which it was to be solved, ISO 8601, "" for none
    since: datetime | None = None  # listed or listed again
    parked_for: str = ""  # catalog/case_reasons.csv, park
    review_on: str = ""
    entered_at: datetime | None = None  # the last entry
    reason: str = ""  # why nothing moved, if that was the last entry: case_reasons, no_progress

    @property
    def is_open(self) -> bool:
        """Whether it is on the ledger and not cleared."""
        return self.ledger in ON_LEDGER

    @property
    def owes(self) -> bool:
        """Whether an entry is due every month: clock T7 runs."""
        return self.is_open and self.state not in EXITS | {FINAL}

    def is_stuck(self, at: datetime) -> bool:
        """Whether a calendar month or more passed without an entry."""
        last = max(filter(None, (self.since, self.entered_at)), default=None)
        if last is None or not self.owes:
            return False
        return deadline(last, 1, Unit.CALENDAR_MONTH, catalogue_calendar()) <= at


class Folding:
    """An item while its events are read: `stand` is how it stands after those taken so far."""

    __slots__ = ("_cells",)

    def __init__(self) -> None:
        self._cells: dict[str, Any] = {}

    def take(self, event: LedgerEvent) -> None:
        """Read one more event."""
        if lead := event.sets.get("lead_unit"):
            self._cells["lead"] = lead
        if event.axis == LEDGER:
            self._listed(event)
        elif event.axis == STATE:
            self._moved(event)

    def _listed(self, event: LedgerEvent) -> None:
        self._cells["ledger"] = event.after
        if event.action in {"list", "relist"}:
            self._cells |= {"since": event.at, "entered_at": None, "reason": ""}
            if until := event.facts.get("until"):
                self._cells["target"] = str(until)

    def _moved(self, event: LedgerEvent) -> None:
        self._cells["state"] = event.after
        if event.action == "park":
            self._cells["parked_for"] = str(event.facts.get("reason_class", ""))
        if event.action in {"park", "review"}:
            self._cells["review_on"] = str(event.facts.get("until", ""))
        if event.action in ENTRIES:
            self._cells["entered_at"] = event.at
            self._cells["reason"] = str(event.facts.get("no_progress", ""))

    @property
    def stand(self) -> Stand:
        """How it stands now."""
        return Stand(**self._cells)


@dataclass(frozen=True, slots=True)
class ItemMonth:
    """An item of the ledger in one month: how it stood before and after, and what was entered."""

    case: int
    end: datetime  # of the month, or now
    before: Stand
    after: Stand
    entries: Sequence[LedgerEvent] = ()
    steps: frozenset[str] = frozenset()  # ledger actions of the month

    @property
    def is_due(self) -> bool:
        """Whether it owes an entry for the month: on the ledger from its first day to its end."""
        return self.before.owes and self.after.owes

    @property
    def is_missing(self) -> bool:
        """Whether the entry that is due is not there."""
        return self.is_due and not self.entries

    @property
    def has_progress(self) -> bool:
        """Whether something was done, as the entries say."""
        return any(one.action != "no_progress" for one in self.entries)

    @property
    def says_none(self) -> bool:
        """Whether the only answer was that nothing moved."""
        return bool(self.entries) and not self.has_progress

    @property
    def changes(self) -> list[tuple[str, str, str]]:
        """What is not as it was a month ago: column, before, after."""
        names = ("ledger", "state", "lead", "target")
        pairs = [(name, getattr(self.before, name), getattr(self.after, name)) for name in names]
        return [one for one in pairs if one[1] != one[2]]

    @property
    def is_past_target(self) -> bool:
        """Whether its day has passed while it is open."""
        today = self.end.astimezone(_ZONE).date().isoformat()
        return self.after.is_open and "" < self.after.target < today


FIGURES: Final[Mapping[str, Callable[[ItemMonth], bool]]] = {
    "open_before": lambda one: one.before.is_open,
    "listed": lambda one: "list" in one.steps,
    "relisted": lambda one: "relist" in one.steps,
    "proposed": lambda one: "propose_clear" in one.steps,
    "cleared": lambda one: "clear" in one.steps,
    "open": lambda one: one.after.is_open,
    "due": lambda one: one.is_due,
    "moved": lambda one: one.has_progress,
    "no_progress": lambda one: one.says_none,
    "missing": lambda one: one.is_missing,
    "parked": lambda one: one.after.is_open and one.after.state == "parked",
    "stuck": lambda one: one.after.is_stuck(one.end),
    "past_target": lambda one: one.is_past_target,
}
"""The figures of a month, in the order of the report: which items each counts."""


def months_of(
    events: Iterable[LedgerEvent], months: Sequence[Month], *, now: datetime
) -> list[list[ItemMonth]]:
    """The items of each of several months; events in order of case and number.

    An item is there from the month in which it was listed.  A month that is not over ends now.
    """
    made: list[list[ItemMonth]] = [[] for _month in months]
    spans = [(one.start, one.end, min(one.end, max(now, one.start))) for one in months]
    for case, rows in groupby(events, key=lambda one: one.case):
        ours = list(rows)
        for items, span in zip(made, spans, strict=True):
            item = _item(case, ours, *span, now)
            if item.after.ledger != "none":
                items.append(item)
    return made


def _item(
    case: int, events: Sequence[LedgerEvent], start: datetime, end: datetime, until: datetime,
    now: datetime,
) -> ItemMonth:  # fmt: skip
    folding = Folding()
    at = 0
    while at < len(events) and events[at].at < start:
        folding.take(events[at])
        at += 1
    before, entries, steps = folding.stand, [], set()
    for event in events[at:]:
        if event.at >= end or event.at > now:
            break
        folding.take(event)
        if event.action in ENTRIES and event.axis == STATE:
            entries.append(event)
        if event.axis == LEDGER:
            steps.add(event.action)
    return ItemMonth(case, until, before, folding.stand, tuple(entries), frozenset(steps))


def figures(items: Sequence[ItemMonth]) -> dict[str, list[ItemMonth]]:
    """The items that each figure counts."""
    return {code: [one for one in items if counts(one)] for code, counts in FIGURES.items()}


def missing_by_unit(items: Iterable[ItemMonth]) -> dict[str, list[ItemMonth]]:
    """Items whose entry is missing, by the code of the lead unit."""
    found: dict[str, list[ItemMonth]] = {}
    for one in items:
        if one.is_missing:
            found.setdefault(one.after.lead, []).append(one)
    return dict(sorted(found.items()))
