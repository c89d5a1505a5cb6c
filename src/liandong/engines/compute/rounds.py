"""The jobs of one call of `map`: which is next, which runs where, which is tried again alone."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from liandong.kernel.ports import Outcome, WorkerLost

MOST_TRIES = 2
Place = TypeVar("Place")  # what stands for a running job: its worker, its promise


@dataclass(eq=False)
class Task:
    """A job and how often a worker died of it."""

    job: Any
    deaths: int = 0
    until: float = 0.0  # on the monotonic clock


@dataclass(eq=False)
class Round(Generic[Place]):
    """One call of `map`: what is running where."""

    jobs: Iterator[Any]
    again: deque[Task] = field(default_factory=deque)
    running: dict[Place, Task] = field(default_factory=dict)
    waiting: Task | None = None  # taken from the jobs, no worker yet
    exhausted: bool = False

    def next_task(self) -> Task | None:
        """The next job; one whose worker died waits until it can run alone."""
        if self.waiting is not None:
            return self.waiting
        if not self.exhausted:
            for job in self.jobs:
                return Task(job)
            self.exhausted = True
        if self.again and not self.running:
            return self.again.popleft()
        return None

    def lose(self, task: Task, why: str) -> Iterator[Outcome[Any, Any]]:
        """Its worker died: try the job again alone, or give it up with WorkerLost."""
        task.deaths += 1
        if task.deaths < MOST_TRIES:
            self.again.append(task)
        else:
            yield Outcome(task.job, error=WorkerLost(why))
