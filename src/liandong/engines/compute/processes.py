"""Runs jobs in worker processes of this machine; a worker that dies is replaced."""

import contextlib
import multiprocessing
import os
import pickle
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, TypeVar

from liandong.kernel.ports import Outcome, WorkerLost

from .crossing import answered, outcome_of, prepare
from .rounds import Round

Job = TypeVar("Job")
Answer = TypeVar("Answer")

LIMIT_S = 3600.0  # for one job: hostile files can draw for ever inside a library
_STOP_WAIT_S = 5.0
_context = multiprocessing.get_context("spawn")  # a fork of a process with threads can hang


@dataclass(eq=False)
class _Worker:
    process: BaseProcess
    pipe: Connection


class ProcessCompute:
    """The compute port on processes of this machine, started when first needed.

    `processes` 0 means as many as processors may be used.  `start` names a function, as
    `module:function`, that every worker calls first (`django:setup`).
    Several threads may call `map`; each waits for a free worker.  A job that takes longer than
    `limit_s` seconds is lost with its worker and not tried again.
    """

    def __init__(self, processes: int = 0, start: str = "", limit_s: float = LIMIT_S) -> None:
        self._limit_s = limit_s
        self._count = processes or len(os.sched_getaffinity(0))
        self._start = start
        self._idle: list[_Worker] = []
        self._all: set[_Worker] = set()
        self._change = threading.Condition()
        self._closed = False

    def map(
        self, work: Callable[[Job], Answer], jobs: Iterable[Job]
    ) -> Iterator[Outcome[Job, Answer]]:
        """Outcomes as they finish.  At most one job more than there are workers is taken ahead.

        An iterator that is given up early ends the workers that still run its jobs.  Raises
        RuntimeError once closed.
        """
        here = Round[_Worker](iter(jobs))
        try:
            while True:
                yield from self._hand_out(work, here)
                if not here.running:
                    return
                yield from self._collect(here)
        finally:
            for worker in here.running:
                self._end(worker)

    def close(self) -> None:
        """Stop the workers; none is left when this returns.  Jobs that run are lost."""
        with self._change:
            self._closed = True
            idle, self._idle = self._idle, []
            busy = [worker for worker in self._all if worker not in idle]
            self._change.notify_all()
        for worker in busy:  # the call of `map` sees its pipe end
            worker.process.kill()
            worker.process.join()
        for worker in idle:
            with contextlib.suppress(OSError):
                worker.pipe.send_bytes(b"")
        for worker in idle:
            self._end(worker, wait_s=_STOP_WAIT_S)

    def _hand_out(
        self, work: Callable[[Job], Answer], here: Round[_Worker]
    ) -> Iterator[Outcome[Job, Answer]]:
        """Give jobs to workers while some are free."""
        while task := here.next_task():
            here.waiting = None
            try:
                message = pickle.dumps((work, task.job))
            except Exception as error:  # noqa: BLE001 - the outcome of the job
                yield Outcome(task.job, error=error)
                continue
            worker = self._free_worker(patient=not here.running)
            if worker is None:
                here.waiting = task
                return
            task.until = time.monotonic() + self._limit_s
            here.running[worker] = task
            with contextlib.suppress(OSError):  # it died idle: its end is seen when collecting
                worker.pipe.send_bytes(message)

    def _collect(self, here: Round[_Worker]) -> Iterator[Outcome[Any, Any]]:
        """Wait until a worker answers or dies."""
        left_s = min(task.until for task in here.running.values()) - time.monotonic()
        ready = wait([worker.pipe for worker in here.running], max(0.0, left_s))
        if not ready:
            yield from self._stop_late(here)
        for worker in [one for one in here.running if one.pipe in ready]:
            task = here.running.pop(worker)
            try:
                answer = worker.pipe.recv_bytes()
            except (EOFError, OSError):
                self._end(worker)
                yield from here.lose(task, f"exit code {worker.process.exitcode}")
                continue
            self._give_back(worker)
            yield outcome_of(task.job, answer)

    def _stop_late(self, here: Round[_Worker]) -> Iterator[Outcome[Any, Any]]:
        now = time.monotonic()
        for worker in [one for one, task in here.running.items() if task.until <= now]:
            task = here.running.pop(worker)
            self._end(worker)
            yield Outcome(task.job, error=WorkerLost(f"longer than {self._limit_s:.0f} s"))

    def _free_worker(self, *, patient: bool) -> _Worker | None:
        """An idle or new worker; with patience one that another thread gives back."""
        with self._change:
            while True:
                if self._closed:
                    raise RuntimeError("the workers were stopped")
                if self._idle:
                    return self._idle.pop()
                if len(self._all) < self._count:
                    worker = self._begin()
                    self._all.add(worker)
                    return worker
                if not patient:
                    return None
                self._change.wait()

    def _give_back(self, worker: _Worker) -> None:
        with self._change:
            self._idle.append(worker)
            self._change.notify()

    def _begin(self) -> _Worker:
        ours, theirs = _context.Pipe()
        process = _context.Process(target=_serve, args=(theirs, self._start), daemon=True)
        process.start()
        theirs.close()
        return _Worker(process, ours)

    def _end(self, worker: _Worker, wait_s: float = 0.0) -> None:
        if wait_s:
            worker.process.join(wait_s)
        if worker.process.is_alive():
            worker.process.kill()
        worker.process.join()
        worker.pipe.close()
        with self._change:
            self._all.discard(worker)
            self._change.notify()


def _serve(pipe: Connection, start: str) -> None:
    """The life of a worker: do jobs until an empty message or the end of the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent
    prepare(start)
    with contextlib.suppress(EOFError, OSError):
        while message := pipe.recv_bytes():
            pipe.send_bytes(answered(message))
