"""Hand-over to findable record without reading text, against bare digests and against ocfl-py.

`python -m benchmarks ingest` prints one row per number of files and one per peer.  Every number of
files runs in a process and a data folder of its own; the peers see the same bytes in the same run,
with the page cache as warm as the pipeline had it.
"""

import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.homes import lay_tables

from . import handover, machine

SIZES = {"small": (100, 300), "full": (200, 1_000, 10_000)}
PEER_OBJECTS = 200  # written by ocfl-py

Row = dict[str, Any]


def run(size: str) -> Iterator[Row]:
    """Rows of the pipeline, of bare digests and of ocfl-py for each number of files."""
    for files in SIZES[size]:
        with tempfile.TemporaryDirectory(prefix="liandong-bench-") as folder:
            root = Path(folder)
            handover.make(root / "in", files)
            lay_tables(root / "home")
            (ours,) = _inside("pipeline", root, LIANDONG_HOME=str(root / "home"))
            yield ours
            bare = _inside("bare", root)
            yield from bare
            peer: list[Row] = _inside("ocfl-py", root) if files == SIZES[size][0] else []
            yield from peer
            yield _ratios(ours, bare, peer)


def _inside(part: str, root: Path, **environment: str) -> list[Row]:
    command = [sys.executable, "-m", "benchmarks.ingest", part, str(root)]
    done = subprocess.run(
        command, env=os.environ | environment, stdout=subprocess.PIPE, text=True, check=True
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def _ratios(ours: Row, bare: list[Row], peer: list[Row]) -> Row:
    return {
        "benchmark": "ingest",
        "files": ours["files"],
        **{
            f"share_of_bare_{row['threads']}_threads": round(ours["mb_s"] / row["mb_s"], 3)
            for row in bare
        },
        "ratio": round(bare[0]["cpu_s"] / ours["cpu_s"], 3),
        **{
            f"times_ocfl_py_{row['what']}": round(ours["objects_s"] / row["objects_s"], 2)
            for row in peer
        },
        **{
            f"store_times_ocfl_py_{row['what']}": round(
                ours["store_objects_s"] / row["objects_s"], 2
            )
            for row in peer
        },
    }


# In the child -------------------------------------------------------------------------------------


def pipeline(root: Path) -> Iterator[Row]:
    """Receive, check, describe, accept, pack, admit and index; without reading text."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "liandong.site.settings")
    os.environ.setdefault("LIANDONG_LOG_LEVEL", "ERROR")
    from liandong.site.cli.embedded import clock, engines, set_up_with_database

    set_up_with_database()
    logging.disable(logging.INFO)
    from liandong.archive.models import Record
    from liandong.archive.services.holdings import open_fonds
    from liandong.base.engines import engine
    from liandong.intake.services import drive as driving
    from liandong.intake.services.receive import incoming_files, receive

    spent: dict[str, float] = {}
    _watch(driving.FUNCTIONS, spent)
    fonds = open_fonds(handover.FONDS, by="bench", now=clock())
    with engines():
        engine("search").count()
        cpu, started = machine.cpu_s(), time.perf_counter()
        batch = receive(
            incoming_files(root / "in"), name="bench", by="bench", now=clock(), fonds=fonds,
            accept=True, read=False,
        )  # fmt: skip
        received = time.perf_counter()
        driving.drive(batch.pk, by="bench", clock=clock)
        seconds = time.perf_counter() - started
        records, found = Record.objects.count(), engine("search").count()
    files, size = batch.file_count - 1, batch.size_bytes  # without the catalogue
    store_s = spent["package"]
    yield {
        "benchmark": "ingest", "what": "liandong", "files": files, "mb": round(size / 1e6, 1),
        "records": records, "indexed": found, "seconds": round(seconds, 2),
        "files_s": round(files / seconds, 1), "mb_s": round(size / 1e6 / seconds, 1),
        "objects_s": round(records / seconds, 1), "store_objects_s": round(records / store_s, 1),
        "cpu_s": round(machine.cpu_s() - cpu, 2), "receive_s": round(received - started, 2),
        "steps_s": {name: round(value, 2) for name, value in spent.items()},
        **machine.peak_mb(), "load": machine.load(),
    }  # fmt: skip


def _watch(functions: Any, spent: dict[str, float]) -> None:
    """Note how long each step takes in all."""
    for name, function in list(functions.items()):
        spent[name] = 0.0

        def timed(items: Any, *, now: Any, _name: str = name, _function: Any = function) -> Any:
            begun = time.perf_counter()
            try:
                return _function(items, now=now)
            finally:
                spent[_name] += time.perf_counter() - begun

        functions[name] = timed


def bare(root: Path) -> Iterator[Row]:
    """SHA-512, SHA-256 and SM3 of the same files, nothing else."""
    from liandong.kernel.digests import digest_file

    files = sorted((root / "in").iterdir())
    for threads in (1, 2):
        cpu, begun = machine.cpu_s(), time.perf_counter()
        with ThreadPoolExecutor(threads) as pool:
            size = sum(one.size for one in pool.map(digest_file, files))
        seconds = time.perf_counter() - begun
        yield {
            "benchmark": "ingest", "what": "bare digests", "threads": threads, "files": len(files),
            "mb_s": round(size / 1e6 / seconds, 1), "files_s": round(len(files) / seconds, 1),
            "cpu_s": round(machine.cpu_s() - cpu, 2), "load": machine.load(),
        }  # fmt: skip


def ocfl_py(root: Path) -> Iterator[Row]:
    """The same files into objects by ocfl-py: one object per file, then added to a root.

    `create` writes the object (SHA-512 only), `add` validates and copies it into a storage root.
    """
    import ocfl

    files = [file for file in sorted((root / "in").iterdir()) if file.suffix != ".xlsx"]
    files = files[:PEER_OBJECTS]
    sources = []
    for number, file in enumerate(files):
        source = root / "peer" / "in" / str(number) / "original"
        source.mkdir(parents=True)
        shutil.copyfile(file, source / file.name)
        sources.append(source.parent)
    storage = ocfl.StorageRoot(
        str(root / "peer" / "root"), layout_name="0003-hash-and-id-n-tuple-storage-layout"
    )
    storage.initialize()
    begun = time.perf_counter()
    for number, source in enumerate(sources):
        made = ocfl.Object(identifier=f"urn:x:{number}", spec_version="1.1")
        made.create(
            str(source),
            metadata=ocfl.VersionMetadata(
                created="2026-01-01T00:00:00Z",
                message="入库",
                name="bench",
                address="mailto:bench@localhost",
            ),
            objdir=str(root / "peer" / f"object-{number}"),
        )
    created = time.perf_counter()
    for number in range(len(sources)):
        storage.add(str(root / "peer" / f"object-{number}"))
    ended = time.perf_counter()
    for what, seconds in (("create", created - begun), ("create_and_add", ended - begun)):
        yield {
            "benchmark": "ingest", "what": what, "library": "ocfl-py", "objects": len(files),
            "objects_s": round(len(files) / seconds, 1), "load": machine.load(),
        }  # fmt: skip


if __name__ == "__main__":
    parts = {"pipeline": pipeline, "bare": bare, "ocfl-py": ocfl_py}
    for row in parts[sys.argv[1]](Path(sys.argv[2])):
        print(json.dumps(row, ensure_ascii=False), flush=True)
