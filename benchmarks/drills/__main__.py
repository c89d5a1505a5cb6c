"""`python -m benchmarks.drills [--quick] [--json] [--database …] [fault …]`: the fault table.

Each row is a fresh installation of real processes.  1 when something was lost, is there twice,
does not verify, or did not come to its end.
"""

import argparse
import contextlib
import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from .faults import FAULTS, POSTGRES, SQLITE, Fault
from .installation import ROOT, environment
from .postgres import PLACE, Cluster, NoPostgres, cluster
from .services import SERVICES

QUICK = (("every process killed", "ingest"), ("web killed", "search"))
ROW_S = 1_800
DISK = "size=48m"
HEAD = (
    ("fault", "故障 fault"), ("during", "期间 during"), ("database", "数据库 database"),
    ("lost", "丢失 lost"), ("doubled", "重复 doubled"), ("archive verify", "archive verify"),
    ("audit verify", "audit verify"), ("case verify", "case verify"), ("seconds", "秒 s"),
    ("notes", "说明 notes"),
)  # fmt: skip
Row = dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.drills", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two rows on SQLite")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--database", choices=(SQLITE, POSTGRES), help="the other is left out")
    parser.add_argument("--during", help="one work alone: ingest, filing, search")
    parser.add_argument("faults", nargs="*", metavar="fault", help="; ".join([*FAULTS, *SERVICES]))
    asked = parser.parse_args(arguments)
    if unknown := set(asked.faults) - set(FAULTS) - set(SERVICES):
        parser.error(f"no such fault: {', '.join(sorted(unknown))}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was started is ended
    is_bad = False
    if not asked.json:
        print(_line(dict(HEAD)), _line(dict.fromkeys(dict(HEAD), "---")), sep="\n", flush=True)
    for row in rows(_plan(asked)):
        is_bad = is_bad or row.get("ok") is False
        print(json.dumps(row, ensure_ascii=False) if asked.json else _line(row), flush=True)
    return int(is_bad)


Step = tuple[str, str, str]  # fault, work, database


def _plan(asked: argparse.Namespace) -> list[Step]:
    if asked.quick:
        return [(fault, work, SQLITE) for fault, work in QUICK]
    known = FAULTS | {name: fault for name, (_, fault) in SERVICES.items()}
    plan = [
        (name, work, database)
        for database in (SQLITE, POSTGRES)
        for name, fault in known.items()
        for work in fault.works
        if database in fault.databases and not (database == POSTGRES and name in SERVICES)
    ]
    return [
        one for one in plan
        if (not asked.faults or one[0] in asked.faults)
        and asked.during in {None, one[1]} and asked.database in {None, one[2]}
    ]  # fmt: skip


def rows(plan: Sequence[Step]) -> Iterator[Row]:
    """Every row of the plan, one after another; each template is made when it is first needed."""
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="liandong-drills-")))
        made: dict[str, Row] = {}
        for fault, work, database in plan:
            if fault in SERVICES:
                yield _run(_service_home(place), fault, work, database)
                continue
            if database not in made:
                made[database] = _template(place, database, stack)
            yield _row(place, made[database], fault, work, database)


def _row(place: Path, template: Row, fault: str, work: str, database: str) -> Row:
    if why := template.get("not run"):
        return _not_run(fault, work, database, why)
    with _home(place, FAULTS[fault]) as home:
        if home is None:
            return _not_run(fault, work, database, "no right to mount a small disk")
        shutil.copytree(template["home"], home, dirs_exist_ok=True)
        more = {}
        address = ""
        if database == POSTGRES:
            running: Cluster = template["cluster"]
            address = running.make("drill", "template")
            more = {PLACE: running.place}
        return _run(home, fault, work, database, address, **more)


def _template(place: Path, database: str, stack: ExitStack) -> Row:
    """A seeded installation on this database."""
    home, address, made = place / f"seed-{database}", "", Row()
    home.mkdir()
    if database == POSTGRES:
        try:
            made["cluster"] = stack.enter_context(cluster())
        except NoPostgres as error:
            return {"not run": str(error)}
        address = made["cluster"].make("template")
    seed(home, address)
    return {**made, "home": home}


def seed(home: Path, database: str = "") -> None:
    """Fill a data folder as every drill begins."""
    subprocess.run(
        [sys.executable, "-m", "benchmarks.drills.seed"], env=environment(home, database),
        cwd=ROOT, check=True, stdout=sys.stderr,
    )  # fmt: skip


@contextmanager
def _home(place: Path, fault: Fault) -> Iterator[Path | None]:
    """The data folder of one row; a file system of its own where the disk is to be full."""
    home = Path(tempfile.mkdtemp(prefix="row-", dir=place))
    libc = ctypes.CDLL(None, use_errno=True)
    mounts = fault.small_disk
    if mounts and libc.mount(b"none", os.fsencode(home), b"tmpfs", 0, DISK.encode()):
        yield None
        return
    try:
        yield home
    finally:
        if mounts:
            libc.umount2(os.fsencode(home), 2)
        shutil.rmtree(home, ignore_errors=True)


def _service_home(place: Path) -> Path:
    return Path(tempfile.mkdtemp(prefix="row-", dir=place))


def _run(home: Path, fault: str, work: str, database: str, address: str = "", **more: str) -> Row:
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.drills.row", fault, work, database],
        env=environment(home, address, **more), cwd=ROOT, stdout=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    try:
        said, _ = process.communicate(timeout=ROW_S)
    except subprocess.TimeoutExpired:
        said = ""
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # the supervisor too; its children follow it
    if not said:
        why = "the drill itself did not end" if process.returncode is None else "the drill failed"
        return {"fault": fault, "during": work, "database": database, "ok": False, "why": why}
    row: Row = json.loads(said.splitlines()[-1])
    if row.get("ok") is False:
        log = home / "serve.log"
        sys.stderr.write(log.read_text("utf-8", "replace")[-4000:] if log.exists() else "")
    return row


def _not_run(fault: str, work: str, database: str, why: str) -> Row:
    return {"fault": fault, "during": work, "database": database, "not run": why}


def _line(row: Row) -> str:
    """A row of a Markdown table."""
    told = dict(row)
    notes = [*row["notes"]] if isinstance(row.get("notes"), list) else []
    notes += [f"not run: {row['not run']}"] if "not run" in row else []
    notes += [row["why"]] if "why" in row else []
    if not isinstance(row.get("notes"), str):
        told["notes"] = "; ".join(notes) + ("" if row.get("ok", True) else " ✗")
    cells = (str(told.get(name, "")).replace("\n", " ").replace("|", "/") for name, _ in HEAD)
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.exit(main())
