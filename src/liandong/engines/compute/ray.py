"""Runs jobs on a cluster of machines by Ray, or on a Ray of its own on this machine.

Jobs name files by path: every machine must see the same folders at the same place.
"""

import contextlib
import errno
import functools
import logging
import os
import pickle
import secrets
import shutil
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from liandong.kernel.ports import Outcome, WorkerLost

from .crossing import answered, outcome_of, prepare
from .processes import LIMIT_S
from .rounds import Round, Task

# Read by Ray when it is imported or started.
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent anywhere
os.environ.setdefault("RAY_ENABLE_AUTO_CONNECT", "0")  # a call after the end starts no cluster
os.environ.setdefault("RAY_DEDUP_LOGS_SKIP_REGEX", ".")  # or deaths are printed among our output
os.environ.setdefault("RAY_AUTH_MODE", "token")  # who reaches its ports may run code on it
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # or Ray warns of its next release
try:
    import ray
    from ray import exceptions
    from ray._private import ray_constants
except ImportError as error:
    raise ImportError("Ray is not installed: see docs/operate/cluster.md") from error

Job = TypeVar("Job")
Answer = TypeVar("Answer")

LOCAL = frozenset({"", "local"})
_LOOPBACK = frozenset({"localhost", "127.0.0.1"})
_STORE = 200 << 20  # bytes of memory for what travels; jobs are paths and answers are text
_POLL_S = 0.5
_COUNT_S = 2.0  # machines that joined or left are seen this late
_REACH_S = 5.0
_DEATHS = (
    exceptions.WorkerCrashedError,
    exceptions.NodeDiedError,
    exceptions.ObjectLostError,  # the answer was on a machine that is gone
    exceptions.OutOfMemoryError,  # of its machine: Ray ends the largest job before the kernel does
    exceptions.TaskCancelledError,  # not by us: that reference is forgotten
)


class RayCompute:
    """The compute port on Ray, joined or started when first needed.

    `address` is `host:port` of a cluster of which this machine is a node; "" or "local" starts Ray
    on this machine, on the loopback interface alone, with `processes` workers (0: as many as
    processors may be used).  `start` names a function, as `module:function`, that every worker
    calls first, after the variables of `environment` that its machine does not set itself.
    `gpus_per_worker` above 0 is the share of a graphics card that a job takes.

    A worker process stays for the next jobs, with the models that it has loaded.  Several threads
    may call `map`.  A job that takes longer than `limit_s` seconds is lost with its worker.
    """

    def __init__(
        self,
        address: str = "",
        processes: int = 0,
        start: str = "",
        environment: Mapping[str, str] | None = None,
        gpus_per_worker: float = 0.0,
        limit_s: float = LIMIT_S,
    ) -> None:
        self._address = address
        self._processes = processes or len(os.sched_getaffinity(0))
        self._terms = (start, tuple((environment or {}).items()), limit_s)
        self._gpus = gpus_per_worker
        self._limit_s = limit_s
        self._lock = threading.Lock()
        self._remote: Any = None
        self._folder = ""  # of what Ray writes here, when we started it
        self._is_ours = False  # the connection of this process to Ray
        self._closed = False
        self._counted = (-_COUNT_S, 1)  # when, and how many jobs run at once

    def map(
        self, work: Callable[[Job], Answer], jobs: Iterable[Job]
    ) -> Iterator[Outcome[Job, Answer]]:
        """Outcomes as they finish.  At most one job more than there are workers is taken ahead.

        An iterator that is given up early ends the workers that still run its jobs.  Raises
        OSError when Ray cannot be reached or a machine of it cannot run our code, RuntimeError
        once closed.
        """
        here = Round[Any](iter(jobs))
        try:
            while True:
                yield from self._hand_out(work, here)
                if not here.running:
                    return
                yield from self._collect(here)
        except exceptions.RayError as trouble:
            if self._closed:
                raise RuntimeError("the workers were stopped") from trouble
            self._leave()
            raise OSError(errno.EIO, f"Ray: {trouble}") from trouble
        finally:
            self._cancel(here)

    def close(self) -> None:
        """Leave the cluster, or stop the Ray that was started here.  Jobs that run are lost."""
        self._closed = True
        self._leave()

    def _leave(self) -> None:
        """Let go of Ray; the next job joins or starts it anew."""
        with self._lock:
            if self._is_ours and ray.is_initialized():
                ray.shutdown()
            self._is_ours, self._remote = False, None
            if self._folder:
                shutil.rmtree(self._folder, ignore_errors=True)
                self._folder = ""

    def _hand_out(
        self, work: Callable[[Job], Answer], here: Round[Any]
    ) -> Iterator[Outcome[Job, Answer]]:
        """Give jobs to the cluster while it has room."""
        while self._has_room(here) and (task := here.next_task()):
            try:
                message = pickle.dumps((work, task.job))
            except Exception as error:  # noqa: BLE001 - the outcome of the job
                yield Outcome(task.job, error=error)
                continue
            self._connect()
            task.until = time.monotonic() + self._limit_s
            here.running[self._remote.remote(message, *self._terms)] = task

    def _collect(self, here: Round[Any]) -> Iterator[Outcome[Any, Any]]:
        """Wait a moment for an answer or a death."""
        ready, _ = ray.wait(list(here.running), num_returns=1, timeout=_POLL_S)
        found = [(here.running.pop(one), _fetched(one)) for one in ready]
        for task, message in found:
            if isinstance(message, bytes):
                yield outcome_of(task.job, message)
            else:
                yield from self._lost(here, task, message)

    def _lost(self, here: Round[Any], task: Task, death: Exception) -> Iterator[Outcome[Any, Any]]:
        # The worker ends itself at the limit.  A job that waited as long for others and then lost
        # its worker is mistaken for late, which costs it the second try.
        if time.monotonic() >= task.until:
            yield Outcome(task.job, error=WorkerLost(f"longer than {self._limit_s:.0f} s"))
        else:
            yield from here.lose(task, str(death).partition("\n")[0])

    def _cancel(self, here: Round[Any]) -> None:
        with self._lock:
            if not ray.is_initialized():
                return
            for reference in here.running:
                with contextlib.suppress(exceptions.RayError):
                    ray.cancel(reference, force=True)

    def _has_room(self, here: Round[Any]) -> bool:
        if not here.running:
            return True
        at, slots = self._counted
        if time.monotonic() - at >= _COUNT_S:
            there: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
            slots = int(there.get("CPU", 0))
            if self._gpus:
                slots = min(slots, int(there.get("GPU", 0) / self._gpus))
            self._counted = (time.monotonic(), slots)
        return len(here.running) <= max(1, slots)

    def _connect(self) -> None:
        with self._lock:
            if self._closed:
                raise RuntimeError("the workers were stopped")
            if self._remote is not None:
                return
            if not ray.is_initialized():
                self._begin()
            self._remote = ray.remote(_serve).options(
                num_cpus=1, num_gpus=self._gpus, max_retries=0, name="liandong"
            )

    def _begin(self) -> None:
        host, _, port = self._address.rpartition(":")
        self._is_ours = True
        try:
            if self._address in LOCAL:
                if os.environ["RAY_AUTH_MODE"] == "token":
                    os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
                self._folder = tempfile.mkdtemp(prefix="liandong-ray-")
                with loopback():
                    _init(
                        address="local", num_cpus=self._processes, _temp_dir=self._folder,
                        object_store_memory=_STORE, include_dashboard=False,
                    )  # fmt: skip
                return
            socket.create_connection((host, int(port)), _REACH_S).close()  # Ray waits for minutes
            with loopback() if host in _LOOPBACK else contextlib.nullcontext():
                _init(address=self._address)
        except (OSError, RuntimeError, exceptions.RayError) as trouble:
            told = str(trouble).partition("\n")[0]
            raise OSError(errno.EIO, f"Ray {self._address or 'local'}: {told}") from trouble


def _init(**options: Any) -> None:
    """`ray.init`, silent, without its handler of SIGTERM: that is for whoever runs this process."""
    is_main = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(
            log_to_driver=False, configure_logging=False, logging_level=logging.ERROR, **options
        )
    finally:
        if is_main and before is not None:
            signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def loopback() -> Iterator[None]:
    """Ray replaces a loopback address by an outward one, except where it runs on one machine."""
    before, ray_constants.ENABLE_RAY_CLUSTER = ray_constants.ENABLE_RAY_CLUSTER, False
    try:
        yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = before


def _serve(
    message: bytes, start: str, environment: tuple[tuple[str, str], ...], limit_s: float
) -> bytes:
    """In a worker: do one job.  Beyond the limit the kernel ends the process, whatever it does."""
    _ready(start, environment)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, limit_s)
    try:
        return answered(message)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _fetched(reference: Any) -> bytes | Exception:
    """What the worker said, or how it died.  Raises RayError when Ray itself is in trouble."""
    try:
        message: bytes = ray.get(reference)
    except _DEATHS as death:
        return death
    return message


@functools.cache
def _ready(start: str, environment: tuple[tuple[str, str], ...]) -> None:
    for name, value in environment:
        os.environ.setdefault(name, value)
    prepare(start)
