"""The clocks of a case (时限): every one that runs or ran, computed from its events alone.

A clock is a row of `case_clocks.csv`: it begins when its axis enters one of `starts`, runs in
`runs_in`, rests in `pauses_in`, and stops anywhere else or by an action in `stops_on`.  An action
in `restarts_on` begins it anew; one in `continues_on` takes up the last run as if it had rested.
Source: casework rules, section 3; the ten lines of its contract are tests.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from itertools import pairwise
from types import MappingProxyType
from typing import Final

from . import catalog
from .calendars import Calendar
from .casework import EXITS
from .deadlines import Limit, Pause, Unit, deadline, overdue, postpone

EXTEND: Final = "extend"  # 延期, moves the clock of the lead unit
EXTENDED: Final = "T5"
_EARLIEST = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Moment:
    """One event of a case, as the clocks see it: what holds after it.

    `unit` is the assisting unit that was asked or answered; `until` the new due instant of an
    extension; `policy` the version that a recorded decision applies to what is open.
    """

    at: datetime
    state: str
    action: str = ""
    round: int = 1
    ledger: str = "none"
    unit: str = ""
    until: datetime | None = None
    policy: str = ""


@cache
def default_levels() -> Mapping[str, tuple[int, str]]:
    """Amount and unit of every level of `escalation_levels.csv`."""
    rows = catalog.rows("escalation_levels")
    return MappingProxyType({row["code"]: (int(row["amount"]), row["unit"]) for row in rows})


@dataclass(frozen=True, slots=True)
class Policy:
    """A version of the limits, by clock, and of the levels of escalation, by level.

    Clocks without a limit do not run.  `since` is when rounds began to be opened under it; None
    for ever.
    """

    version: str
    limits: Mapping[str, Limit]
    levels: Mapping[str, tuple[int, str]] = field(default_factory=default_levels)
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class ClockKind:
    """One row of `case_clocks.csv`."""

    code: str
    name: Mapping[str, str]  # by language: zh, en
    axis: str  # state, ledger, or unit: one clock per assisting unit, within states
    owner: str
    starts: frozenset[str]
    runs_in: frozenset[str]
    pauses_in: frozenset[str]
    stops_on: frozenset[str]
    restarts_on: frozenset[str]
    continues_on: frozenset[str]
    default: Limit | None
    stays: frozenset[str]  # runs or rests in

    def value(self, moment: Moment) -> str:
        """Where a case stands on the axis of this clock."""
        return moment.ledger if self.axis == "ledger" else moment.state

    def leaves(self, moment: Moment) -> bool:
        """Whether the clock has nothing to do any more after an event."""
        if self.axis == "ledger" and moment.state in EXITS | {"filed"}:
            return True
        return self.value(moment) not in self.stays

    def begins(self, before: Moment | None, moment: Moment) -> bool:
        """Whether an event is one that the clock begins with."""
        if self.axis == "unit":
            return moment.action in self.starts
        entered = before is None or self.value(before) != self.value(moment)
        return entered and self.value(moment) in self.starts


@dataclass(frozen=True, slots=True)
class ClockRun:
    """A clock of a case from its start; without `stopped_at` it still runs or rests.

    While `paused`, `due_at` is when it would expire if work went on now.
    """

    code: str
    round: int  # in which it began
    unit: str  # the assisting unit, for T6
    started_at: datetime
    due_at: datetime
    stopped_at: datetime | None
    pauses: tuple[Pause, ...]
    paused: bool
    overdue: bool  # stopped or still running after `due_at`
    limit: Limit
    policy: Policy
    calendar: str  # version
    state: str  # of the case, at `now`
    now: datetime
    extended_at: datetime | None = None
    until: datetime | None = None

    @property
    def kind(self) -> ClockKind:
        """Its row of the catalogue."""
        return clock_kinds()[self.code]


def running_clocks(
    moments: Iterable[Moment],
    policy: Policy | Sequence[Policy],
    calendar: Calendar,
    now: datetime,
) -> tuple[ClockRun, ...]:
    """Every clock that a case has had up to `now`, by start; events after `now` are left out.

    Of several policies, the newest that was in force when a round began counts for the clocks that
    begin in that round; an event with a `policy` applies that version to the clocks still open then
    and to later ones of its round.  Pauses come from the events, so no change of policy touches
    them.  Raises ValueError for naive datetimes, events that are not in order of time, an extension
    without `until`, no policy at all, and a decision that names an unknown policy.
    """
    known = _known(moments, calendar, now)
    policies = [policy] if isinstance(policy, Policy) else list(policy)
    choice = _Choice(policies, known)
    tracks = [_Track(kind) for kind in clock_kinds().values()]
    for before, moment in pairwise([None, *known]):
        if moment:
            for track in tracks:
                track.take(before, moment)
    found = [
        _finished(run, chosen, chosen.limits[run.kind.code], calendar, known[-1].state, now)
        for track in tracks
        for run in track.runs
        if run.kind.code in (chosen := choice.of(run)).limits
    ]
    return tuple(sorted(found, key=lambda run: run.started_at))


# Tables -------------------------------------------------------------------------------------------


@cache
def clock_kinds() -> Mapping[str, ClockKind]:
    """The clocks of the catalogue by code."""
    return MappingProxyType({row["code"]: _kind(row) for row in catalog.rows("case_clocks")})


def _kind(row: Mapping[str, str]) -> ClockKind:
    lists = ("starts", "runs_in", "pauses_in", "stops_on", "restarts_on", "continues_on")
    words = {name: frozenset(filter(None, row[name].split("|"))) for name in lists}
    return ClockKind(
        code=row["code"],
        name={"zh": row["name_zh"], "en": row["name_en"]},
        axis=row["axis"],
        owner=row["owner"],
        default=Limit(int(row["default"]), Unit(row["unit"])) if row["default"] else None,
        stays=words["runs_in"] | words["pauses_in"],
        **words,
    )


def catalogue_policy(
    profile: str = "", applies_to: str = "ordinary", *, since: datetime | None = None
) -> Policy:
    """The defaults of the clocks, with the rows of one profile of `timer_profiles.csv` over them.

    Where a profile has several rows for one clock, the one for `applies_to` counts.  The version
    holds a digest of the values, so that an edited table is another version.  Raises
    ValueError for an unknown profile, or when none of several rows is for it.
    """
    limits = {code: kind.default for code, kind in clock_kinds().items() if kind.default}
    levels = dict(default_levels())
    rows = [row for row in catalog.rows("timer_profiles") if row["profile"] == profile]
    if profile and not rows:
        raise ValueError(f"no such profile of limits: {profile!r}")
    for code in {row["clock"] for row in rows}:
        fitting = [row for row in rows if row["clock"] == code]
        if len(fitting) > 1:
            fitting = [row for row in fitting if row["applies_to"] == applies_to]
        if not fitting:
            raise ValueError(f"profile {profile!r} has no {code} for {applies_to!r}")
        amount, unit = int(fitting[0]["value"]), fitting[0]["unit"]
        if code in levels:
            levels[code] = (amount, unit)
        elif code in clock_kinds():
            limits[code] = Limit(amount, Unit(unit))
    told = [f"{code} {limit.amount} {limit.unit}" for code, limit in sorted(limits.items())]
    digest = hashlib.sha256("|".join([*told, str(sorted(levels.items()))]).encode()).hexdigest()
    name = [profile, applies_to] if profile else ["default"]
    version = "-".join([*name, digest[:8]])
    return Policy(version, MappingProxyType(limits), MappingProxyType(levels), since)


# Events -------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Run:
    """A clock while the events are read."""

    kind: ClockKind
    round: int
    unit: str
    started_at: datetime
    stopped_at: datetime | None = None
    pauses: list[Pause] = field(default_factory=list)
    extended_at: datetime | None = None
    until: datetime | None = None

    @property
    def paused(self) -> bool:
        return bool(self.pauses) and self.pauses[-1].end is None

    def rest(self, at: datetime, state: str) -> None:
        """Begin a pause in a state that makes one, or go on in one that does not."""
        if self.paused and self.pauses[-1].reason == state:
            return
        self.go_on(at)
        if state in self.kind.pauses_in:
            self.pauses.append(Pause(at, None, state))

    def go_on(self, at: datetime) -> None:
        if self.paused:
            self.pauses[-1] = self.pauses[-1]._replace(end=at)

    def stop(self, at: datetime) -> None:
        self.go_on(at)
        self.stopped_at = at


class _Track:
    """All runs of one kind of clock."""

    def __init__(self, kind: ClockKind) -> None:
        self.kind = kind
        self.runs: list[_Run] = []

    def take(self, before: Moment | None, moment: Moment) -> None:
        """Stop, rest, restart and begin runs as an event says."""
        leaves = self.kind.leaves(moment)
        if leaves and not self.runs:
            return
        for run in [run for run in self.runs if run.stopped_at is None]:
            self._meet(run, moment)
        if leaves:
            return
        unit = moment.unit if self.kind.axis == "unit" else ""
        if any(run.stopped_at is None and run.unit == unit for run in self.runs):
            return
        if moment.action in self.kind.continues_on and self.runs:
            last = self.runs[-1]
            last.pauses.append(Pause(last.stopped_at or moment.at, moment.at, _state(before)))
            last.stopped_at = None
        elif self.kind.begins(before, moment):
            self._begin(moment, unit)

    def _meet(self, run: _Run, moment: Moment) -> None:
        mine = self.kind.axis != "unit" or run.unit == moment.unit
        if self.kind.leaves(moment) or (mine and moment.action in self.kind.stops_on):
            run.stop(moment.at)
        elif mine and moment.action in self.kind.restarts_on:
            run.stop(moment.at)
            self._begin(moment, run.unit)
        else:
            run.rest(moment.at, self.kind.value(moment))
        if moment.action == EXTEND and self.kind.code == EXTENDED:
            run.extended_at, run.until = moment.at, moment.until

    def _begin(self, moment: Moment, unit: str) -> None:
        run = _Run(self.kind, moment.round, unit, moment.at)
        run.rest(moment.at, self.kind.value(moment))
        self.runs.append(run)


class _Choice:
    """Which policy counts for a run."""

    def __init__(self, policies: Collection[Policy], moments: Sequence[Moment]) -> None:
        self._policies = sorted(policies, key=lambda policy: policy.since or _EARLIEST)
        self._versions = {policy.version: policy for policy in policies}
        self._began: dict[int, datetime] = {}
        for moment in moments:
            self._began.setdefault(moment.round, moment.at)
        self._decisions = [moment for moment in moments if moment.policy]
        unknown = {moment.policy for moment in self._decisions} - self._versions.keys()
        if unknown or not policies:
            raise ValueError(f"unknown policy: {', '.join(sorted(unknown)) or 'none is given'}")

    def of(self, run: _Run) -> Policy:
        began = self._began[run.round]
        chosen = self._policies[0]
        for policy in self._policies:
            if (policy.since or _EARLIEST) <= began:
                chosen = policy
        for decision in self._decisions:
            open_then = run.stopped_at is None or decision.at < run.stopped_at
            if decision.round >= run.round and open_then:
                chosen = self._versions[decision.policy]
        return chosen


def _known(moments: Iterable[Moment], calendar: Calendar, now: datetime) -> list[Moment]:
    calendar.local(now)
    known: list[Moment] = []
    for moment in moments:
        calendar.local(moment.at)
        if known and moment.at < known[-1].at:
            raise ValueError(f"events are not in order of time: {moment.at} after {known[-1].at}")
        if moment.action == EXTEND and moment.until is None:
            raise ValueError(f"the extension at {moment.at} names no new date")
        if moment.at <= now:
            known.append(moment)
    return known


def _finished(
    run: _Run, policy: Policy, limit: Limit, calendar: Calendar, state: str, now: datetime
) -> ClockRun:
    due = deadline(run.started_at, limit.amount, limit.unit, calendar, run.pauses, now=now)
    if run.until and run.extended_at:
        later = [pause for pause in run.pauses if (pause.end or now) > run.extended_at]
        due = calendar.local(run.until)
        if later:
            due = postpone(due, run.extended_at, limit.unit, calendar, later, now=now)
    return ClockRun(
        code=run.kind.code,
        round=run.round,
        unit=run.unit,
        started_at=run.started_at,
        due_at=due,
        stopped_at=run.stopped_at,
        pauses=tuple(run.pauses),
        paused=run.paused,
        overdue=overdue(due, run.stopped_at or now),
        limit=limit,
        policy=policy,
        calendar=calendar.version,
        state=state,
        now=now,
        extended_at=run.extended_at,
        until=run.until,
    )


def _state(before: Moment | None) -> str:
    return before.state if before else ""
