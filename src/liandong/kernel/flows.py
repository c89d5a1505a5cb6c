"""A flow: states, and the steps that lead from one to another.  Who and what each step needs."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Self


class StepRefused(Exception):
    """A step may not be taken: `reason` is wrong-state, wrong-role or missing-evidence."""

    def __init__(self, step: str, reason: str, detail: str = "") -> None:
        super().__init__(f"{step}: {reason} {detail}".strip())
        self.step = step
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Step:
    """One row of a flow table."""

    name: str
    sources: frozenset[str]
    target: str
    roles: frozenset[str]
    needs: frozenset[str]  # names of evidence that must be given and not blank

    @classmethod
    def of(cls, name: str, sources: str, target: str, roles: str, needs: str = "") -> Self:
        """A row written with blanks between the words of a cell."""
        return cls(
            name,
            frozenset(sources.split()),
            target,
            frozenset(roles.split()),
            frozenset(needs.split()),
        )


class Flow:
    """A table of steps.  Raises ValueError for a table with a dead end or a way out of a final."""

    def __init__(self, *, start: str, final: Collection[str], steps: Sequence[Step]) -> None:
        self.start = start
        self.final = frozenset(final)
        self.steps = {step.name: step for step in steps}
        if len(self.steps) != len(steps):
            raise ValueError("a step name stands twice")
        self.states = frozenset({start}) | self.final
        for step in steps:
            self.states |= step.sources | {step.target}
        self._prove()

    def _prove(self) -> None:
        leaving = {step.name for step in self.steps.values() if step.sources & self.final}
        if leaving:
            raise ValueError(f"steps leave a final state: {sorted(leaving)}")
        reaching = set(self.final)
        while True:
            more = {
                source
                for step in self.steps.values()
                if step.target in reaching
                for source in step.sources
            } - reaching
            if not more:
                break
            reaching |= more
        if dead := self.states - reaching:
            raise ValueError(f"states without a way to an end: {sorted(dead)}")

    def take(self, step: str, state: str, role: str, given: Collection[str] = ()) -> str:
        """The state after `step`.  Raises StepRefused; KeyError for an unknown step."""
        row = self.steps[step]
        if state not in row.sources:
            raise StepRefused(step, "wrong-state", state)
        if role not in row.roles:
            raise StepRefused(step, "wrong-role", role)
        if missing := row.needs - set(given):
            raise StepRefused(step, "missing-evidence", " ".join(sorted(missing)))
        return row.target

    def may(self, step: str, state: str, role: str) -> bool:
        """Whether `step` is open to `role` in `state`, evidence aside."""
        row = self.steps[step]
        return state in row.sources and role in row.roles
