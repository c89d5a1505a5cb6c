"""Interrupted anywhere: real processes are killed, and nothing is lost and nothing is twice."""

import contextlib
import ctypes
import hashlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.archive.build import validate_store
from tests.corpus.handovers import catalogued, code, lay_out, row
from tests.homes import environment, lay_tables
from tests.intake.readers import DEADLY, SLOW
from tests.intake.running import letter, liandong, lines

from liandong.intake.flow import STEPS
from liandong.intake.services.closing import BATCH_URN

ITEMS = 5
POLL_S = 0.002
LIMIT_S = 120
DEADLY_READER = {  # settings with the reader of `readers`
    "DJANGO_SETTINGS_MODULE": "reader_settings",
    "PYTHONPATH": str(Path(__file__).parent),
}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A hand-over of a few letters with a catalogue."""
    numbers = range(1, ITEMS + 1)
    files = {f"{code(number)}.txt": letter(number) for number in numbers}
    return lay_out(tmp_path / "in", catalogued([row(number) for number in numbers], files))


def _start(home: Path, source: Path, **more: str) -> subprocess.Popen[bytes]:
    if not home.exists():
        lay_tables(home)
    return _begin(home, source, **more)


def _begin(home: Path, source: Path, **more: str) -> subprocess.Popen[bytes]:
    """On what is there, which may be nothing at all."""
    words = ["intake", "receive", str(source), "--fonds", "Z109", "--accept", "--json"]
    return subprocess.Popen(
        [sys.executable, "-m", "liandong.site", *words],
        env=environment(home, **more), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def _receive(home: Path, source: Path, **more: str) -> subprocess.CompletedProcess[str]:
    return liandong(home, "intake", "receive", source, "--fonds", "Z109", "--accept", "--json",
                    **more)  # fmt: skip


def _rows(home: Path, query: str, *values: object) -> list[tuple[object, ...]]:
    """Rows of the database of another process; none while it has no tables."""
    file = home / "liandong.sqlite3"
    if not file.exists():
        return []
    with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
        try:
            return database.execute(query, values).fetchall()
        except sqlite3.OperationalError:  # no such table yet, or locked at this moment
            return []


def _wait(until: Callable[[], object], process: subprocess.Popen[bytes] | None = None) -> bool:
    """Wait until something is true; False when the process ended before."""
    end = time.monotonic() + LIMIT_S
    while not until():
        if process is not None and process.poll() is not None:
            return bool(until())
        assert time.monotonic() < end, "nothing happened"
        time.sleep(POLL_S)
    return True


def _kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def _faults(home: Path, source: Path, count: int = ITEMS) -> list[str]:
    """Everything that is not as if the hand-over had never been interrupted."""
    found = []
    states = _rows(home, "SELECT state, count(*) FROM intake_item GROUP BY state")
    if states != [("admitted", count)]:
        found.append(f"items {states}")
    numbers = defaultdict(list)
    for class_id, number in _rows(home, "SELECT archival_class_id, number FROM archive_record"):
        numbers[class_id].append(number)
    for class_id, taken in numbers.items():
        if sorted(taken) != list(range(1, len(taken) + 1)):
            found.append(f"numbers of {class_id}: {sorted(taken)}")
    if held := _rows(home, "SELECT number, holder FROM archive_heldnumber"):
        found.append(f"numbers held {held}")
    again = "SELECT item_id, step, count(*) FROM intake_steprun GROUP BY 1, 2 HAVING count(*) > 1"
    if twice := _rows(home, again):
        found.append(f"steps twice {twice}")
    done = _rows(home, "SELECT count(*) FROM intake_steprun")
    if done != [(count * len(STEPS),)]:
        found.append(f"steps {done}")
    return [*found, *_store_faults(home, source, count), *_staging_faults(home)]


def _store_faults(home: Path, source: Path, count: int) -> Iterator[str]:
    records = {f"urn:uuid:{_dashed(str(row[0]))}" for row in
               _rows(home, "SELECT object_id FROM archive_record")}  # fmt: skip
    roots = [one.parent for one in (home / "store").rglob("0=ocfl_object_1.1")]
    objects = {json.loads((root / "inventory.json").read_text())["id"] for root in roots}
    if orphans := {one for one in objects if one.startswith("urn:uuid:")} ^ records:
        yield f"records and objects differ: {orphans}"
    if len(records) != count or validate_store(home / "store") != len(roots):
        yield f"{len(records)} records, {len(roots)} objects"
    kept = sorted(_digest(file) for root in roots for file in root.rglob("original/*"))
    if kept != sorted(_digest(file) for file in source.rglob("*.txt")):
        yield "originals differ"


def _staging_faults(home: Path) -> Iterator[str]:
    staged = {str(row[0]) for row in _rows(home, "SELECT staged FROM intake_handedfile")} - {""}
    files = {
        file.relative_to(home / "staging").as_posix()
        for file in (home / "staging").rglob("*")
        if file.is_file()
    }
    batches = {_dashed(str(row[0])) for row in _rows(home, "SELECT uuid FROM intake_batch")}
    if left := {name for name in files - staged if name.partition("/")[0] in batches}:
        yield f"left in staging: {left}"
    if building := list((home / "staging" / "packing").glob("*")):
        yield f"left while building: {building}"
    if open_ := _rows(home, "SELECT path FROM intake_handedfile WHERE is_content AND staged != ''"):
        yield f"still staged: {open_}"


def _dashed(text: str) -> str:
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _verifies(home: Path) -> bool:
    return liandong(home, "archive", "verify", "--all", "--json").returncode == 0


# The command --------------------------------------------------------------------------------------

REACHED = {
    "receive": "SELECT 1 FROM intake_batch",
    "unpack": "SELECT 1 FROM intake_batch WHERE state = 'checking'",
    **dict.fromkeys(STEPS, "SELECT 1 FROM intake_steprun WHERE step = ?"),
}


def test_a_command_killed_while_it_packs_goes_on_when_run_again(
    tmp_path: Path, source: Path
) -> None:
    home = tmp_path / "home"
    process = _start(home, source)
    _wait(lambda: list((home / "staging" / "packing").glob("*/*/object")), process)
    _kill(process)

    outcome = _receive(home, source)

    assert outcome.returncode == 0, outcome.stderr
    assert lines(outcome)[-1]["admitted"] == ITEMS
    assert _faults(home, source) == []


@pytest.mark.slow
@pytest.mark.parametrize("point", REACHED)
def test_a_command_killed_after_any_step_goes_on_when_run_again(
    point: str, tmp_path: Path, source: Path
) -> None:
    home = tmp_path / "home"
    process = _start(home, source)
    values = [point] if point in STEPS else []
    _wait(lambda: _rows(home, REACHED[point], *values), process)
    _kill(process)

    outcome = _receive(home, source)

    assert outcome.returncode == 0, outcome.stderr
    assert _faults(home, source) == []
    assert _verifies(home)


@pytest.mark.slow
def test_a_command_killed_at_random_times_ends_as_if_never_killed(
    tmp_path: Path, source: Path
) -> None:
    home, chance = tmp_path / "home", random.Random(20261122)  # noqa: S311 - times, no secret
    for _ in range(8):
        process = _begin(home, source)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(chance.uniform(0.5, 5))
        _kill(process)
        if _rows(home, "SELECT 1 FROM intake_batch WHERE ended_at IS NOT NULL"):
            break

    _receive(home, source)

    assert _rows(home, "SELECT count(*) FROM archive_record") == [(ITEMS,)]
    assert _verifies(home)
    first = _rows(home, "SELECT min(id) FROM intake_batch")[0][0]
    assert _rows(
        home, "SELECT DISTINCT state FROM intake_item WHERE batch_id = ?", first
    ) == [("admitted",)]  # fmt: skip
    assert list(_store_faults(home, source, ITEMS)) == []


# Compute workers ----------------------------------------------------------------------------------


def test_a_killed_reading_process_costs_nothing(tmp_path: Path) -> None:
    home = tmp_path / "home"
    files = {"a.txt": letter(1), "b.txt": letter(2, SLOW.decode()), "c.txt": letter(3)}
    source = lay_out(tmp_path / "in", files)
    process = _start(home, source, **DEADLY_READER)
    _wait((home / "sleeper").exists, process)
    os.kill(int((home / "sleeper").read_text()), signal.SIGKILL)

    assert process.wait(LIMIT_S) == 0
    assert _faults(home, source, 3) == []


def test_a_file_that_kills_its_reader_is_held_and_the_others_are_admitted(tmp_path: Path) -> None:
    files = {"a.txt": letter(1), "b.txt": letter(2, DEADLY.decode()), "c.txt": letter(3)}
    source = lay_out(tmp_path / "in", files)
    lay_tables(tmp_path / "home")
    outcome = subprocess.run(
        [sys.executable, "-m", "liandong.site", "intake", "receive", str(source), "--accept",
         "--json"],
        env=environment(tmp_path / "home", **DEADLY_READER),
        capture_output=True, text=True, check=False, timeout=LIMIT_S,
    )  # fmt: skip

    items = {row["item"]: row for row in lines(outcome)[:-1]}
    assert {name: row["state"] for name, row in items.items()} == {
        "a.txt": "admitted", "b.txt": "held", "c.txt": "admitted",
    }  # fmt: skip
    (finding,) = [one for one in items["b.txt"]["findings"] if one["severity"] == "block"]
    assert finding["code"] == "FILE-KILLS-READER"
    assert finding["where"] == "b.txt"
    assert finding["message"] == "文件使阅读程序异常终止，已与其他文件隔离"
    assert outcome.returncode == 1


# Disk ---------------------------------------------------------------------------------------------


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of 8 MB; needs the right to mount, which CI has not everywhere."""
    folder = Path(tempfile.mkdtemp(prefix="liandong-disk-"))  # not where pytest clears away
    library = ctypes.CDLL(None, use_errno=True)
    if library.mount(b"none", os.fsencode(folder), b"tmpfs", 0, b"size=8m"):
        pytest.skip("no right to mount a file system")
    try:
        yield folder
    finally:
        library.umount2(os.fsencode(folder), 2)
        folder.rmdir()


@pytest.mark.slow
@pytest.mark.parametrize("left", [20, 40, 80, 160, 320, 640])
def test_a_full_disk_stops_the_command_and_it_goes_on_with_space(
    left: int, tmp_path: Path, source: Path, small_disk: Path
) -> None:
    home = small_disk / "home"
    assert liandong(home, "doctor", "--json").returncode in {0, 1}  # the tables are there
    ballast = small_disk / "ballast"
    free = os.statvfs(small_disk)
    ballast.write_bytes(b"\0" * (free.f_bavail * free.f_bsize - left * 1024))

    stopped = _receive(home, source)
    ballast.unlink()
    outcome = _receive(home, source)

    assert stopped.returncode == 1
    assert "机器故障" in stopped.stderr
    assert outcome.returncode == 0, outcome.stderr
    assert _faults(home, source) == []
    assert _verifies(home)


# The server ---------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_killed_worker_is_started_again_and_the_batch_goes_on(tmp_path: Path) -> None:
    home = tmp_path / "home"
    files = {"a.txt": letter(1), "b.txt": letter(2, SLOW.decode()), "c.txt": letter(3)}
    source = lay_out(tmp_path / "in", files)
    process = _start(home, source, **DEADLY_READER)
    _wait((home / "sleeper").exists, process)
    _kill(process)  # the batch is in the middle of reading
    (home / "sleeper").unlink()
    server = subprocess.Popen(
        [sys.executable, "-m", "liandong.site", "serve", "--port", "18763"],
        env=environment(home, **DEADLY_READER), stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        _wait((home / "sleeper").exists, server)
        os.kill(_parent(int((home / "sleeper").read_text())), signal.SIGKILL)

        _wait(lambda: _has_ended(home), server)
        assert _faults(home, source, 3) == []
    finally:
        server.terminate()
        assert server.wait(LIMIT_S) == 0


def _has_ended(home: Path) -> bool:
    """The batch is settled and its papers are kept, which is the last that is built."""
    if not _rows(home, "SELECT 1 FROM intake_batch WHERE ended_at IS NOT NULL"):
        return False
    kept = (json.loads(one.read_text())["id"] for one in (home / "store").rglob("inventory.json"))
    is_kept = any(name.startswith(BATCH_URN) for name in kept)
    return is_kept and not any((home / "staging" / "packing").iterdir())


def _parent(process: int) -> int:
    """The process that started this one."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("PPid")))
