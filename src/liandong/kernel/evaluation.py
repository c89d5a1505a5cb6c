"""Overall evaluation (综合评价): the metrics of catalog/statistics_metrics.csv, from events alone.

A metric is a function from the story of one case to hits: occurrences in a period, each of one unit
and counted or not.  A count is the number of hits, a ratio the share of those counted, a mean the
mean of their values.  So every figure is a list of rows.  Only events of the period and before it
are read: a period that is over gives the same figures whenever it is asked for.  Silence of the
requester is no reply and never counts as satisfied.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache, cached_property
from typing import Any, Final

from . import catalog
from .calendars import catalogue_calendar
from .casework import IMPORT, LEDGER, STARTS, STATE, kinds
from .clocks import ClockRun, Moment, Policy, catalogue_policy, running_clocks
from .deadlines import deadline, elapsed
from .ledger_months import Folding, LedgerEvent, Stand

SENDS: Final = frozenset({"dispatch", "redispatch", "adjudicate", "accept_reopen"})
REPLIES: Final = frozenset({"rate", "dispute"})
_INSPECTS: Final = frozenset({"pass", "fail"})
_REGISTERS: Final = frozenset({"accept", "confirm"})
_WORKS: Final = frozenset({"lead_unit", "assisting_unit"})
_CLOCKS: Final = frozenset({"T1", "T2", "T5", "T12", "CONTACT"})
_HOT: Final = 5  # categories that count as hot spots
SMALL: Final = 5  # counts below are not shown where a metric is of persons


@dataclass(frozen=True, slots=True)
class Told(LedgerEvent):
    """An event of a case, as metrics see it."""

    before: str = ""
    by: str = ""
    role: str = ""
    round: int = 1
    lead: str = ""  # code of the lead unit after it


@dataclass(frozen=True, slots=True)
class Span:
    """The period: from `start` to before `end`, read at `now`; units of the grass roots."""

    start: datetime
    end: datetime
    now: datetime
    grassroots: frozenset[str] = frozenset()

    def has(self, at: datetime) -> bool:
        """Whether a moment lies in it."""
        return self.start <= at < self.end


@dataclass(frozen=True, slots=True)
class Hit:
    """One occurrence that a metric finds."""

    case: int
    unit: str  # code, "" when no unit answers for it
    counts: bool = True  # in the numerator of a ratio
    value: float = 1.0  # of a mean or a weighted share
    label: str = ""  # what it is counted under, where a metric is split


@dataclass
class Story:
    """A case up to the end of the period."""

    kind: str
    events: Sequence[Told]
    span: Span
    severity: str = "ordinary"

    @property
    def case(self) -> int:
        """Its key."""
        return self.events[0].case

    @cached_property
    def steps(self) -> list[Told]:
        """Events of the state axis."""
        return [one for one in self.events if one.axis == STATE]

    @cached_property
    def in_span(self) -> list[Told]:
        """Those of the period."""
        return [one for one in self.steps if self.span.has(one.at)]

    @cached_property
    def is_imported(self) -> bool:
        """Whether another system closed it: nothing of its way is known here."""
        return self.steps[0].action == IMPORT

    def taken(self, *actions: str) -> list[Told]:
        """The steps of these names in the period."""
        return [one for one in self.in_span if one.action in actions]

    @cached_property
    def runs(self) -> tuple[ClockRun, ...]:
        """Its clocks, as they stood at the end of the period or now."""
        if self.is_imported:
            return ()
        stands, moments = dict(STARTS), []
        for one in self.events:
            stands[one.axis] = one.after
            moments.append(
                Moment(
                    at=one.at, state=stands[STATE], action=one.action, round=one.round,
                    ledger=stands[LEDGER], unit=_assisting(one), until=_until(one),
                )
            )  # fmt: skip
        policy = _policy(kinds()[self.kind].timers, self.severity or "ordinary")
        at = max(min(self.span.end, self.span.now), self.events[-1].at)
        return running_clocks(moments, policy, catalogue_calendar(), at)

    def runs_of(self, code: str) -> list[ClockRun]:
        """The runs of one clock."""
        return [one for one in self.runs if one.code == code]

    def lead_at(self, at: datetime) -> str:
        """The lead unit at a moment."""
        return next((one.lead for one in reversed(self.events) if one.at <= at), "")

    def outcome_of(self, round_: int) -> str:
        """How a round came out, "" when nothing was handed in."""
        found = (
            str(one.sets["outcome"])
            for one in reversed(self.events)
            if one.round == round_ and one.sets.get("outcome")
        )
        return next(found, "")

    @cached_property
    def stand(self) -> tuple[Stand, Stand]:
        """How it stood on the ledger at the start and at the end."""
        folding, before = Folding(), None
        for one in self.events:
            if before is None and one.at >= self.span.start:
                before = folding.stand
            folding.take(one)
        return before or folding.stand, folding.stand


@cache
def _policy(profile: str, severity: str) -> Policy:
    """The limits of a profile, of the clocks that metrics read."""
    whole = catalogue_policy(profile, severity)
    limits = {code: limit for code, limit in whole.limits.items() if code in _CLOCKS}
    return replace(whole, limits=limits)


def _assisting(one: Told) -> str:
    if one.action == "request_assist":
        return str(one.facts.get("unit", ""))
    return one.unit if one.action == "answer_assist" else ""


def _until(one: Told) -> datetime | None:
    if one.action != "extend":
        return None
    day = datetime.fromisoformat(str(one.facts["until"]))
    return day.replace(hour=23, minute=59, second=59, tzinfo=catalogue_calendar().zone)


def read(rows: Sequence[Mapping[str, Any]]) -> list[Told]:
    """The events of one case, in order, each with the lead unit after it."""
    lead, made = "", []
    for row in rows:
        lead = str(row["sets"].get("lead_unit") or lead)
        made.append(Told(**row, lead=lead))
    return made


# Metrics ------------------------------------------------------------------------------------------

Metric = Callable[[Story], Iterator[Hit]]


def _steps(*actions: str, own: bool = False) -> Metric:
    """Every taking of these steps; of the unit that took it (`own`) or of the lead unit."""

    def find(one: Story) -> Iterator[Hit]:
        for step in one.taken(*actions):
            yield Hit(one.case, step.unit if own else step.lead)

    return find


def _overturned(one: Story, sent: Told) -> str:
    """The unit that a dispatch was moved to after an objection; "" when it stayed."""
    later = iter([step for step in one.steps if step.number > sent.number])
    for step in later:
        if step.action in SENDS:
            return ""
        if step.action == "object":
            moved = next((then for then in later if then.action in SENDS), None)
            return moved.lead if moved and moved.lead != sent.lead else ""
    return ""


def _accuracy(one: Story) -> Iterator[Hit]:
    for sent in one.taken(*SENDS):
        yield Hit(one.case, sent.lead, counts=not _overturned(one, sent))


def _returned(one: Story) -> Iterator[Hit]:
    for step in one.taken("object"):
        sent = [was for was in one.steps if was.number < step.number and was.action in SENDS]
        yield Hit(one.case, step.lead, counts=bool(sent and _overturned(one, sent[-1])))


def _sent_down(one: Story) -> Iterator[Hit]:
    """Dispatches to the grass roots of this period or earlier that were overturned in it."""
    for sent in one.steps:
        if sent.action in SENDS and sent.lead in one.span.grassroots:
            to = _overturned(one, sent)
            moved = [step for step in one.steps if step.number > sent.number and step.lead == to]
            if to and to not in one.span.grassroots and one.span.has(moved[0].at):
                yield Hit(one.case, sent.lead)


def _handling(counts: Callable[[ClockRun], bool]) -> Metric:
    """Rounds whose handling time (T5) ends in the period."""

    def find(one: Story) -> Iterator[Hit]:
        if any(step.action in SENDS for step in one.steps):
            for run in one.runs_of("T5"):
                if one.span.has(run.due_at) and not run.paused:
                    yield Hit(one.case, one.lead_at(run.due_at), counts(run))

    return find


def _handed_in(one: Story) -> Iterator[tuple[Told, ClockRun]]:
    for step in one.taken("hand_in"):
        runs = [run for run in one.runs_of("T5") if run.stopped_at and run.started_at < step.at]
        if runs:
            yield step, runs[-1]


def _late(one: Story) -> Iterator[Hit]:
    for step, run in _handed_in(one):
        if step.at > run.due_at:
            yield Hit(one.case, step.lead)


def _handling_time(one: Story) -> Iterator[Hit]:
    for step, run in _handed_in(one):
        pauses = [pause for pause in run.pauses if pause.start < step.at]
        minutes = elapsed(run.started_at, step.at, catalogue_calendar(), pauses)
        yield Hit(one.case, step.lead, value=minutes / 60)


def _intake_time(one: Story) -> Iterator[Hit]:
    first = one.steps[0]
    for step in one.taken(*_REGISTERS):
        minutes = elapsed(first.at, step.at, catalogue_calendar())
        yield Hit(one.case, step.unit, value=minutes / 60)


def _registered_in_time(one: Story) -> Iterator[Hit]:
    for step in one.taken(*_REGISTERS):
        runs = [*one.runs_of("T1"), *one.runs_of("T2")]
        yield Hit(one.case, step.unit, not any(run.overdue for run in runs))


def _rework(one: Story) -> Iterator[Hit]:
    if inspections := one.taken(*_INSPECTS):
        failed = any(step.action == "fail" for step in inspections)
        yield Hit(one.case, inspections[-1].lead, failed)


def _duplicates(one: Story) -> Iterator[Hit]:
    for step in one.taken("submit"):
        merged = one.taken("merge")
        yield Hit(one.case, merged[0].unit if merged else step.unit, bool(merged))


def _category(one: Story) -> Iterator[Hit]:
    for step in one.taken(*_REGISTERS):
        codes = [str(was.sets["category"]) for was in one.events if was.sets.get("category")]
        if codes:
            yield Hit(one.case, step.unit, label=codes[-1])


def _response(one: Story) -> Iterator[Hit]:
    limit = _policy("hotline_contact", "ordinary").limits["CONTACT"]
    for sent in one.taken("dispatch", "accept_reopen"):
        due = deadline(sent.at, limit.amount, limit.unit, catalogue_calendar())
        met = [
            step for step in one.steps
            if step.action == "contact" and step.round == sent.round and step.at <= due
        ]  # fmt: skip
        if met or due <= one.span.now:
            yield Hit(one.case, met[0].lead if met else sent.lead, bool(met))


def _scores() -> Mapping[str, Mapping[str, str]]:
    return catalog.by_key("case_scores", "score")


def _resolution(one: Story) -> Iterator[Hit]:
    outcomes = catalog.by_key("case_outcomes", "code")
    for step in one.taken(*REPLIES):
        row = _scores().get(str(step.facts.get("score", "")))
        outcome = outcomes.get(one.outcome_of(step.round))
        solved = bool(outcome and outcome["counts_as_solved"] == "Y")
        yield Hit(one.case, step.lead, bool(row and row["confirms"] == "Y" and solved))


def _satisfaction(one: Story) -> Iterator[Hit]:
    for step in one.taken(*REPLIES):
        row = _scores().get(str(step.facts.get("score", "")))
        weight = float(row["weight"]) if row else 0.0
        yield Hit(one.case, step.lead, weight > 0, weight, row["score"] if row else "dispute")


def _replies(one: Story) -> Iterator[Hit]:
    for step in one.taken(*REPLIES, "silence"):
        yield Hit(one.case, step.lead, step.action != "silence")


def _reopened(one: Story) -> Iterator[Hit]:
    passed = one.taken("pass")
    for step in passed[-1:]:
        yield Hit(one.case, step.lead, bool(one.taken("accept_reopen")))


def _on_ledger(one: Story) -> Iterator[Hit]:
    if one.stand[1].is_open:
        yield Hit(one.case, one.stand[1].lead)


def _cleared(one: Story) -> Iterator[Hit]:
    """Items that could be cleared: open at the start, or listed in the period."""
    ours = [was.action for was in one.events if was.axis == LEDGER and one.span.has(was.at)]
    if one.stand[0].is_open or {"list", "relist"} & set(ours):
        yield Hit(one.case, one.stand[1].lead, "clear" in ours)


def _stuck(one: Story) -> Iterator[Hit]:
    if one.stand[1].is_stuck(min(one.span.end, one.span.now)):
        yield Hit(one.case, one.stand[1].lead)


def _parked(one: Story) -> Iterator[Hit]:
    if one.stand[1].state == "parked":
        yield Hit(one.case, one.stand[1].lead, label=one.stand[1].parked_for)


def _unanswered(one: Story) -> Iterator[Hit]:
    today = min(one.span.end, one.span.now).astimezone(catalogue_calendar().zone).date().isoformat()
    for step in one.steps:
        if step.action == "escalate" and str(step.facts.get("until", "")) < today:
            later = [was for was in one.steps if was.number > step.number]
            if not any(was.action == "answer_escalation" for was in later):
                yield Hit(one.case, step.lead, label=str(step.facts.get("level", "")))


def _filing(one: Story) -> Iterator[Hit]:
    for run in one.runs_of("T12"):
        if one.span.has(run.due_at) and (run.stopped_at is None or one.steps[-1].after == "filed"):
            in_time = run.stopped_at is not None and not run.overdue
            yield Hit(one.case, one.lead_at(run.due_at), in_time)


def _independence(one: Story) -> Iterator[Hit]:
    for step in one.taken(*_INSPECTS):
        earlier = [was for was in one.steps if was.number < step.number]
        worked = [was for was in earlier if was.role in _WORKS or was.action == "solve_on_site"]
        units = {was.unit for was in worked} | {was.lead for was in earlier} - {""}
        apart = step.by not in {was.by for was in worked} and step.unit not in units
        yield Hit(one.case, step.lead, apart and bool(step.unit))


METRICS: Final[Mapping[str, Metric]] = {
    "registered": _steps(*_REGISTERS, own=True),
    "dispatched": _steps(*SENDS),
    "dispatch_accuracy": _accuracy,
    "due_handling": _handling(lambda run: True),
    "handled_rate": _handling(lambda run: run.stopped_at is not None),
    "on_time_handled_rate": _handling(lambda run: run.stopped_at is not None and not run.overdue),
    "overdue_handled": _late,
    "closed": _steps("pass"),
    "rework_count": _steps("fail"),
    "rework_rate": _rework,
    "self_handled": _steps("solve_on_site", own=True),
    "on_time_register_rate": _registered_in_time,
    "avg_handling_time": _handling_time,
    "avg_intake_time": _intake_time,
    "duplicate_rate": _duplicates,
    "hotspot_share": _category,
    "response_rate": _response,
    "resolution_rate": _resolution,
    "satisfaction_rate": _satisfaction,
    "reply_rate": _replies,
    "reopen_rate": _reopened,
    "returned_count": _returned,
    "wrongly_sent_down": _sent_down,
    "ledger_open": _on_ledger,
    "ledger_cleared_rate": _cleared,
    "ledger_no_progress": _stuck,
    "parked": _parked,
    "escalation_unanswered": _unanswered,
    "filing_rate": _filing,
    "inspection_independence": _independence,
}
"""How each metric of the catalogue is counted; those that are not here cannot be, and say why."""


def hits_of(stories: Collection[Story]) -> dict[str, list[Hit]]:
    """The hits of every metric, in order of the stories."""
    found = {code: [hit for one in stories for hit in find(one)] for code, find in METRICS.items()}
    counted = Counter(hit.label for hit in found["hotspot_share"])
    hot = {label for label, _count in counted.most_common(_HOT)}
    found["hotspot_share"] = [
        Hit(one.case, one.unit, one.label in hot, label=one.label) for one in found["hotspot_share"]
    ]
    return found


def outcomes_of(stories: Collection[Story]) -> dict[str, list[Hit]]:
    """What closed in the period, by outcome: the mix that stands beside every rate."""
    found: dict[str, list[Hit]] = {row["code"]: [] for row in catalog.rows("case_outcomes")}
    for one in stories:
        for step in one.in_span:
            if step.action == "pass":
                code = one.outcome_of(step.round)
            elif step.after != step.before and step.sets.get("outcome") and step.after != "handled":
                code = str(step.sets["outcome"])
            else:
                continue
            if code in found:
                found[code].append(Hit(one.case, step.lead or step.unit))
    return found
