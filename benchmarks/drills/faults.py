"""What breaks.  A fault happens once, in the middle of a work, and is mended as operators would."""

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .installation import START_S, Installation, move_clock, wait_for

DOWN_S = 3  # how long something stays away
FULL_S = 8
DAY_S = 86_400
LEFT_BYTES = 96 * 1024
EVERYTHING = ("ingest", "filing", "search")
TAKEN_IN = ("ingest", "filing")
SQLITE, POSTGRES = "sqlite", "postgres"


@dataclass(frozen=True, slots=True)
class Fault:
    """How it is brought about, in which works, on which databases."""

    bring: Callable[[Installation, Any], None]
    works: tuple[str, ...]
    databases: tuple[str, ...] = (SQLITE, POSTGRES)
    twice: bool = False  # every job is enqueued, every package sent two times
    small_disk: bool = False
    early: bool = False  # as soon as something was taken, while the rest still comes in
    may_mislead: bool = False  # while it lasts, searching finds less; said in the operators' pages


def _web(site: Installation, _cluster: Any) -> None:
    site.kill(site.web())


def _worker(site: Installation, _cluster: Any) -> None:
    site.kill(site.worker())


def _reader(site: Installation, _cluster: Any) -> None:
    """Between two jobs there may be none: whoever comes next within a moment."""
    with contextlib.suppress(Exception):
        wait_for(lambda: bool(site.readers()), 5, "a compute worker")
    site.kill(site.readers())


def _everything(site: Installation, _cluster: Any) -> None:
    """As when the power goes: supervisor, web, worker, compute workers; then it is switched on."""
    site.kill(site.pids())
    time.sleep(1)
    site.start()


def _backend(_site: Installation, cluster: Any) -> None:
    cluster.kill_backends()


def _database(_site: Installation, cluster: Any) -> None:
    cluster.kill()
    time.sleep(DOWN_S)
    cluster.start()


def _index_lost(site: Installation, _cluster: Any) -> None:
    """The folder is gone; whoever runs the installation has it made again."""
    shutil.rmtree(site.home / "index", ignore_errors=True)
    time.sleep(1)
    told = site.command("archive", "reindex", "--json")
    told.communicate(timeout=START_S)


def _index_locked(site: Installation, _cluster: Any) -> None:
    with (site.home / "index" / "LOCK").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        time.sleep(DOWN_S)


def _disk_full(site: Installation, _cluster: Any) -> None:
    ballast = site.home / "ballast"
    until = time.monotonic() + FULL_S
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        while _free(site.home) > LEFT_BYTES:
            file.write(b"\0" * min(1 << 20, _free(site.home) - LEFT_BYTES))
    time.sleep(max(0.0, until - time.monotonic()))
    ballast.unlink()


def _free(folder: Path) -> int:
    free = os.statvfs(folder)
    return free.f_bavail * free.f_bsize


def _tomorrow(site: Installation, _cluster: Any) -> None:
    move_clock(site.home, DAY_S)


def _yesterday(site: Installation, _cluster: Any) -> None:
    move_clock(site.home, -DAY_S)


def _second_worker(site: Installation, _cluster: Any) -> None:
    site.second_worker()


FAULTS: dict[str, Fault] = {
    "web killed": Fault(_web, ("ingest", "search"), early=True),
    "worker killed": Fault(_worker, TAKEN_IN),
    "compute worker killed": Fault(_reader, TAKEN_IN, (SQLITE,)),
    "every process killed": Fault(_everything, EVERYTHING),
    "database backends killed": Fault(_backend, EVERYTHING, (POSTGRES,)),
    "database server killed": Fault(_database, EVERYTHING, (POSTGRES,)),
    "index removed": Fault(_index_lost, ("ingest", "search"), (SQLITE,), may_mislead=True),
    "index locked": Fault(_index_locked, EVERYTHING, (SQLITE,)),
    "disk full": Fault(_disk_full, TAKEN_IN, (SQLITE,), small_disk=True),
    "clock a day ahead": Fault(_tomorrow, EVERYTHING, (SQLITE,)),
    "clock a day back": Fault(_yesterday, EVERYTHING, (SQLITE,)),
    "everything asked twice, two workers": Fault(_second_worker, TAKEN_IN, twice=True),
}
