"""One fault during one work, in a process that has the installation's rows; prints one JSON row.

`python -m benchmarks.drills.row FAULT WORK DATABASE`, started by `benchmarks.drills` alone.
"""

import json
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from .faults import FAULTS, POSTGRES, Fault
from .installation import Installation, NotEnded, wait_for
from .postgres import Cluster
from .services import SERVICES, NoService, service
from .works import WORKS, Work, asked

MIDDLE_S, END_S, INDEX_S = 300, 600, 300  # far more than on an idle machine
VERIFY = {
    "archive verify": ("archive", "verify", "--all"),
    "audit verify": ("audit", "verify"),
    "case verify": ("case", "verify"),
}
Row = dict[str, Any]


def drill(fault_name: str, fault: Fault, work_name: str, database: str, broken: Any) -> Row:
    """Bring the fault about in the middle of the work; what came of it.

    `broken` is the server that the fault breaks, where it is not of the installation itself.
    """
    home = Path(os.environ["LIANDONG_HOME"])
    told = json.loads((home / "drill.json").read_text("utf-8"))
    site, begun = Installation(home, os.environ), time.monotonic()
    work = WORKS[work_name](site, told)
    row: Row = {"fault": fault_name, "during": work_name, "database": database}
    try:
        site.start()
        if fault.twice:  # the second worker is there from the beginning
            fault.bring(site, broken)
        work.begin(twice=fault.twice)
        due = work.has_begun if fault.early else work.is_in_the_middle
        _run(work, site, due, MIDDLE_S, "the middle")
        if not fault.twice:
            _break(fault, work, site, broken)
        _run(work, site, work.has_ended, END_S, "the end")
        wait_for(lambda: asked(_index_is_whole, False), INDEX_S, "an index that has every record")
        row["ended"] = True
    except NotEnded as error:
        row |= {"ended": False, "why": str(error)}
    finally:
        site.stop()
    found = work.count()
    row |= {"lost": found.lost, "doubled": found.doubled + _numbers_twice(), **_verified(site)}
    notes = found.notes + ([f"started again {site.ended_itself}"] if site.ended_itself else [])
    is_right = found.wrong == 0 or fault.may_mislead
    row |= {"notes": notes, "seconds": round(time.monotonic() - begun, 1)}
    clean = all(row[name] == "ok" for name in VERIFY)
    row["ok"] = row["ended"] and not row["lost"] and not row["doubled"] and clean and is_right
    return row


def _break(fault: Fault, work: Work, site: Installation, broken: Any) -> None:
    """The fault lasts while people go on working.

    It is brought about in this thread: what it starts would end with another one (PDEATHSIG).
    """
    with ThreadPoolExecutor(1) as people:
        over = threading.Event()
        working = people.submit(_work_until, over, work)
        try:
            fault.bring(site, broken)
        finally:
            over.set()
        working.result()


def _work_until(over: threading.Event, work: Work) -> None:
    while not over.is_set():
        work.go_on()
        time.sleep(0.1)
    from django.db import connections

    connections.close_all()


def _run(work: Work, site: Installation, until: Any, limit_s: float, what: str) -> None:
    def step() -> bool:
        work.go_on()
        site.keep()
        return bool(until())

    wait_for(step, limit_s, what)


def _index_is_whole() -> bool:
    from liandong.archive.models import Record
    from liandong.base.engines import engine

    return bool(engine("search").count() == Record.objects.count())


def _numbers_twice() -> int:
    """Archival codes and OCFL objects that are there twice, or objects without a record."""
    from django.db.models import Count

    from liandong.archive.models import Record
    from liandong.base.engines import engine

    twice = Record.objects.values("code").annotate(times=Count("pk")).filter(times__gt=1).count()
    store, objects = engine("blobs"), 0
    for key in store.keys(""):
        if key.endswith("/0=ocfl_object_1.1"):
            root = key.rpartition("/")[0]
            inventory = json.loads(store.read(f"{root}/inventory.json"))
            objects += inventory["id"].startswith("urn:uuid:")
    return int(twice + max(0, objects - Record.objects.count()))


def _verified(site: Installation) -> dict[str, str]:
    """What the commands say that prove an installation."""
    running = {name: site.command(*words) for name, words in VERIFY.items()}
    found = {}
    for name, process in running.items():
        said, _ = process.communicate(timeout=300)
        found[name] = "ok" if process.returncode == 0 else said.strip()[-300:] or "failed"
    return found


def _main(name: str, work: str, database: str) -> None:
    import django

    row: Row = {"fault": name, "during": work, "database": database}
    if name not in SERVICES:
        django.setup()
        broken = Cluster.running() if database == POSTGRES else None
        row = drill(name, FAULTS[name], work, database, broken)
    else:
        needed, fault = SERVICES[name]
        try:
            with service(needed) as running:
                os.environ.update(running.knobs)
                subprocess.run([sys.executable, "-m", "benchmarks.drills.seed"], check=True)
                django.setup()
                row = drill(name, fault, work, database, running)
        except NoService as error:
            row["not run"] = str(error)
    print(json.dumps(row, ensure_ascii=False), flush=True)
    os._exit(0)  # a sender may still wait for an answer


if __name__ == "__main__":
    _main(*sys.argv[1:4])
