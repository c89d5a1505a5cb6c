"""Kinds of cases (事项) and the flow table they all share: catalogue rows made into objects.

A case stands on four axes, never on one status: where the work is (state), how it came out
(outcome), whether it is on the ledger (ledger) and whether it is kept (record).  `lint` proves of a
kind what casework asks of every kind.  Source: catalog/case_*.csv; design after GB/T 30428.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final, Self

from . import catalog
from .flows import StepRefused

STATE, LEDGER, RECORD = AXES = ("state", "ledger", "record")
START: Final = "draft"
FINAL: Final = "filed"
IMPORT: Final = "import"
"""The step by which a case comes in that another system has closed; also the channel of it."""
EXITS: Final = frozenset({"rejected", "merged", "withdrawn", "referred"})
"""States that end a case without inspection; each is filed, with short retention."""
ON_LEDGER: Final = frozenset({"listed", "proposed", "relisted"})
"""Values of the ledger axis (台账) under which progress is due every month, until cleared."""
OVER: Final = EXITS | {"closed", "filed"}
ENDED_PUBLICLY: Final = OVER | {"resolved"}
SEVERITIES: Final = ("ordinary", "complex", "utilities", "emergency")
DISCIPLINE: Final = "discipline"
"""The circle of matters that supervision alone takes in, dispatches, handles and inspects."""
STARTS: Final = {STATE: START, LEDGER: "none", RECORD: "active"}

GUARDS: Final = frozenset({
    "verification_on", "verification_off", "asked_from_submitted", "asked_from_verifying",
    "asked_from_in_progress", "question_expired", "parent_open", "verifier_not_reporter",
    "may_object", "not_lead", "assist_open", "approver_other_unit", "later_than_due",
    "assists_answered", "inspector_independent", "feedback_over", "first_dispute", "ledger_kept",
    "handed_in", "inspection_passed", "requester_confirmed", "case_over", "case_open",
    "escalation_open", "overdue", "not_urged", "not_warned", "requester_warned", "on_ledger",
    "cleared",
})  # fmt: skip
"""Conditions that a row may name; `cases.guards` says when each is true."""


@dataclass(frozen=True, slots=True)
class Move:
    """One row of the flow table: a step that leads from one value of an axis to another."""

    axis: str
    source: str
    target: str
    action: str
    name_zh: str
    name_en: str
    actors: frozenset[str]
    needs: tuple[str, ...]  # codes of catalog/case_needs.csv, in the order of the form
    guards: frozenset[str]

    @property
    def is_by_machine(self) -> bool:
        """Whether the system takes it by itself and no person can."""
        return self.actors == {"system"}


@dataclass(frozen=True, slots=True)
class Field:
    """One field of the form of a kind.  `private` ones never leave the case's own pages."""

    code: str
    name_zh: str
    name_en: str
    widget: str
    required: bool
    private: bool


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of case: what differs from the others, as data."""

    code: str
    name_zh: str
    name_en: str
    requester: str  # anyone, enterprise, staff
    verifier: str  # role that checks that the report is true, "" without verification
    dispatch_by: str  # grid or duty
    states_off: frozenset[str]
    place: str  # required or none
    proof: str  # photo, or a record of a talk, a visit, a document
    ledger: str  # none, monthly, optional
    level: int  # kernel.viewer: 1 internal, 2 restricted
    circle: str  # who works on it: "" the bodies of casework, DISCIPLINE nobody but supervision
    public: str  # map, author (if the author agrees), statistics, never
    points: bool
    open311: bool
    archive_class: str
    retention: str  # catalog/retention_periods.csv
    exit_retention: str
    original_days: int  # photos as sent are kept so long after the case is over
    timers: str  # catalog/timer_profiles.csv
    channels: frozenset[str]
    fields: tuple[Field, ...]

    @classmethod
    def of(cls, row: Mapping[str, str]) -> Self:
        """From a row of catalog/case_kinds.csv."""
        return cls(
            code=row["code"], name_zh=row["name_zh"], name_en=row["name_en"],
            requester=row["requester"], verifier=row["verifier"], dispatch_by=row["dispatch_by"],
            states_off=frozenset(filter(None, row["states_off"].split("|"))), place=row["place"],
            proof=row["proof"], ledger=row["ledger"], level=int(row["level"]), circle=row["circle"],
            public=row["public"], points=row["points"] == "Y", open311=row["open311"] == "Y",
            archive_class=row["archive_class"], retention=row["retention"],
            exit_retention=row["exit_retention"],
            original_days=int(row["original_days"]), timers=row["timers"],
            channels=frozenset(row["channels"].split("|")), fields=_fields(row["code"]),
        )  # fmt: skip

    @property
    def keeps_annex(self) -> bool:
        """Whether its record has a sealed annex with contact data and the words unmasked.

        A matter that is shown on the map was never meant to carry a person; the others may be
        argued with later, so what the masks hide is kept under a key that can be thrown away.
        """
        return self.public != "map"

    @property
    def is_verified(self) -> bool:
        """Whether a person checks the report before it is registered."""
        return "verifying" not in self.states_off


def _fields(kind: str) -> tuple[Field, ...]:
    rows = [row for row in catalog.rows("case_fields") if row["kind"] == kind]
    return tuple(
        Field(
            row["code"], row["name_zh"], row["name_en"], row["widget"], row["required"] == "Y",
            row["private"] == "Y",
        )
        for row in sorted(rows, key=lambda row: int(row["order"]))
    )  # fmt: skip


@cache
def kinds() -> dict[str, Kind]:
    """Every kind by its code, in the order of the catalogue."""
    return {row["code"]: Kind.of(row) for row in catalog.rows("case_kinds")}


@cache
def moves() -> tuple[Move, ...]:
    """Every row of the flow table."""
    return tuple(
        Move(
            row["axis"], row["from"], row["to"], row["action"], row["name_zh"], row["name_en"],
            frozenset(row["actors"].split()), tuple(row["needs"].split()),
            frozenset(row["guards"].split()),
        )
        for row in catalog.rows("case_transitions")
    )  # fmt: skip


class CaseFlow:
    """The moves of one kind of case."""

    def __init__(self, kind: Kind, table: Collection[Move] | None = None) -> None:
        self.kind = kind
        rows = moves() if table is None else table
        self.moves = tuple(move for move in rows if self._is_on(move))

    def _is_on(self, move: Move) -> bool:
        if {move.source, move.target} & self.kind.states_off:
            return False
        if "verification_off" in move.guards and self.kind.is_verified:
            return False
        if move.action == IMPORT and IMPORT not in self.kind.channels:
            return False
        return move.axis != LEDGER or self.kind.ledger != "none"

    def needs(self, move: Move) -> tuple[str, ...]:
        """What must be given: a kind without places asks for none."""
        return tuple(
            need for need in move.needs if need != "place" or self.kind.place == "required"
        )

    def leaving(self, axis: str, value: str) -> Iterator[Move]:
        """The moves that leave a value of an axis, those that stay there included."""
        yield from (one for one in self.moves if (one.axis, one.source) == (axis, value))

    def take(
        self, axis: str, action: str, value: str, roles: Collection[str], *,
        given: Collection[str], held: Collection[str],
    ) -> tuple[Move, str]:  # fmt: skip
        """The move that `action` is here, and the role under which it may be taken.

        `given` are needs that are answered, `held` the guards that are true.  Raises StepRefused
        (wrong-state, wrong-role, guard, missing-evidence), KeyError for an unknown action.
        """
        rows = [one for one in self.moves if (one.axis, one.action) == (axis, action)]
        if not rows:
            raise KeyError(action)
        rows = [one for one in rows if one.source == value]
        if not rows:
            raise StepRefused(action, "wrong-state", value)
        rows = [one for one in rows if one.actors & set(roles)]
        if not rows:
            raise StepRefused(action, "wrong-role", " ".join(sorted(roles)))
        failing = [sorted(one.guards - set(held)) for one in rows]
        if all(failing):
            raise StepRefused(action, "guard", failing[0][0])
        move = rows[failing.index([])]
        if missing := [need for need in self.needs(move) if need not in given]:
            raise StepRefused(action, "missing-evidence", " ".join(missing))
        return move, min(move.actors & set(roles))


@cache
def flow_of(kind: str) -> CaseFlow:
    """The flow of a kind.  Raises KeyError."""
    return CaseFlow(kinds()[kind])


# What is proven of every kind ---------------------------------------------------------------------


def lint(flow: CaseFlow) -> list[str]:
    """What is wrong with a flow, a sentence each; empty for a good one.

    No dead end; a connected path from draft to filed; only the inspector leads to `resolved`, under
    a guard of independence; every exit names a reason or its cause; each waiting party has one
    clock; a filing rule exists; guards and needs are known.
    """
    return [
        *_lint_names(flow), *_lint_ways(flow), *_lint_inspection(flow), *_lint_exits(flow),
        *_lint_clocks(flow), *_lint_filing(flow.kind),
    ]  # fmt: skip


def _states(flow: CaseFlow) -> set[str]:
    rows = [move for move in flow.moves if move.axis == STATE]
    return {move.source for move in rows} | {move.target for move in rows}


def _lint_names(flow: CaseFlow) -> Iterator[str]:
    needs = catalog.by_key("case_needs", "code")
    known = {(row["axis"], row["code"]) for row in catalog.rows("case_states")}
    for move in flow.moves:
        for guard in sorted(move.guards - GUARDS):
            yield f"{move.action}: unknown guard {guard}"
        for need in move.needs:
            if need not in needs:
                yield f"{move.action}: unknown need {need}"
        for value in (move.source, move.target):
            if (move.axis, value) not in known:
                yield f"{move.action}: unknown {move.axis} {value}"


_BACK = {"asked_from_submitted", "asked_from_verifying", "asked_from_in_progress"}


def _lint_ways(flow: CaseFlow) -> Iterator[str]:
    rows = [move for move in flow.moves if move.axis == STATE]
    ending = _closure({FINAL}, [(move.target, move.source) for move in rows])
    for state in sorted(_states(flow) - ending):
        yield f"{state}: no way to {FINAL}"
    first = [move for move in rows if not move.guards & _BACK]  # an answer only goes back
    reached = _closure({START}, [(move.source, move.target) for move in first])
    for state in sorted(_states(flow) - reached):
        yield f"{state}: cannot be reached"
    for move in rows:
        if move.source == FINAL and move.target != FINAL:
            yield f"{move.action}: leaves {FINAL}"


def _closure(start: set[str], edges: Collection[tuple[str, str]]) -> set[str]:
    found = set(start)
    while more := {target for source, target in edges if source in found} - found:
        found |= more
    return found


def _lint_inspection(flow: CaseFlow) -> Iterator[str]:
    for move in flow.moves:
        if move.target != "resolved" or move.axis != STATE or move.source == move.target:
            continue
        if move.actors != {"inspector"} or "inspector_independent" not in move.guards:
            yield f"{move.action}: resolves without an independent inspector"
        if move.source != "inspecting" or "proof" not in move.needs:
            yield f"{move.action}: resolves without an inspection of its own evidence"
    uninspected = {"resolved", *EXITS, "reopen_review", "closed"}
    for move in flow.moves:
        if move.action == IMPORT:
            yield from _lint_import(move)
        elif move.target == "closed" and move.source not in uninspected:
            yield f"{move.action}: closes {move.source} without inspection"


def _lint_import(move: Move) -> Iterator[str]:
    """Closed elsewhere: the one way in without our inspection, for the system alone."""
    if not (move.source == START and move.target == "closed" and move.is_by_machine):
        yield f"{move.action}: an import that is not from {START} to closed by the system"


_CAUSES = {"withdraw", "lapse"}  # the act itself is the reason


def _lint_exits(flow: CaseFlow) -> Iterator[str]:
    said = {"reason", "route", "parent"}
    for move in flow.moves:
        is_exit = move.axis == STATE and move.target in EXITS
        if is_exit and move.action not in _CAUSES and not said & set(move.needs):
            yield f"{move.action}: an exit without a reason"


def _lint_clocks(flow: CaseFlow) -> Iterator[str]:
    rows = {row["code"]: row for row in catalog.rows("case_states") if row["axis"] == STATE}
    for state in sorted(_states(flow) - {START, FINAL, "handled"}):
        if state in rows and not rows[state]["clocks"]:
            yield f"{state}: nobody's clock runs"


def _lint_filing(kind: Kind) -> Iterator[str]:
    periods = catalog.by_key("retention_periods", "code")
    if not kind.archive_class:
        yield "no archival class"
    for period in (kind.retention, kind.exit_retention):
        if period not in periods:
            yield f"unknown retention {period!r}"
