"""Runs jobs one after the other in this process: for tests, and where one processor is enough."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from liandong.kernel.ports import Outcome

Job = TypeVar("Job")
Answer = TypeVar("Answer")


class InlineCompute:
    """The compute port without other processes; a job that kills its process kills this one."""

    def map(
        self, work: Callable[[Job], Answer], jobs: Iterable[Job]
    ) -> Iterator[Outcome[Job, Answer]]:
        """Outcomes in the order of the jobs, each when asked for."""
        for job in jobs:
            try:
                answer = work(job)
            except Exception as error:  # noqa: BLE001 - the outcome of the job
                yield Outcome(job, error=error)
            else:
                yield Outcome(job, answer=answer)

    def close(self) -> None:
        """Nothing to stop."""
