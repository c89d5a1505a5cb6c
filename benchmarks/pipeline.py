"""What the pipeline costs over the bare reader, recognition included.

Both read the same page images with the same compute pool, each in a process and a data folder of
its own; starting the pool and loading the models is in both.  CPU seconds are of the process and
its workers and hardly depend on other work of the machine; wall seconds do.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.homes import lay_tables

from . import machine
from .ocr import PAGES

SIZES = {"small": 4, "full": 12}  # pages
PARTS = ("bare reader", "pipeline")

Row = dict[str, Any]


def run(size: str) -> Iterator[Row]:
    """One row per part, and `ratio`: processor of the pipeline over that of the reader."""
    images = sorted(one for one in PAGES.glob("*") if one.suffix in {".jpg", ".png"})
    if not images:
        yield {"benchmark": "pipeline", "skipped": f"no pages in {PAGES}"}
        return
    chosen = images[:: max(1, len(images) // SIZES[size])][: SIZES[size]]
    rows = {}
    for part in PARTS:
        with tempfile.TemporaryDirectory(prefix="liandong-bench-") as folder:
            (Path(folder) / "in").mkdir()
            lay_tables(Path(folder) / "home")
            for image in chosen:
                shutil.copyfile(image, Path(folder) / "in" / image.name)
            rows[part] = _inside(part, Path(folder))
            yield rows[part]
    bare, whole = (rows[part] for part in PARTS)
    yield {
        "benchmark": "pipeline", "pages": bare["pages"],
        "ratio": round(whole["cpu_s"] / bare["cpu_s"], 3),
        "ratio_wall": round(whole["seconds"] / bare["seconds"], 3),
    }  # fmt: skip


def _inside(part: str, root: Path) -> Row:
    command = [sys.executable, "-m", "benchmarks.pipeline", part, str(root)]
    knobs = {"LIANDONG_HOME": str(root / "home"), "LIANDONG_LOG_LEVEL": "ERROR"}
    done = subprocess.run(
        command, env=os.environ | knobs, stdout=subprocess.PIPE, text=True, check=True
    )
    row: Row = json.loads(done.stdout.splitlines()[-1])
    return row


def measure(part: str, root: Path) -> Row:
    """Read, or receive to index, everything below `root`/in."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "liandong.site.settings")
    from liandong.site.cli.embedded import engines, set_up_with_database

    set_up_with_database()
    cpu, started = machine.cpu_s(), time.perf_counter()
    with engines():
        outcome = _read(root) if part == "bare reader" else _ingest(root)
        seconds = time.perf_counter() - started
    return {
        "benchmark": "pipeline", "what": part, **outcome, "seconds": round(seconds, 2),
        "cpu_s": round(machine.cpu_s() - cpu, 2), **machine.peak_mb(), "load": machine.load(),
    }  # fmt: skip


def _read(root: Path) -> Row:
    from liandong.base.engines import engine
    from liandong.intake.services.pagework import ReadJob, read_pages

    files = sorted((root / "in").iterdir())
    puids = {".jpg": "fmt/43", ".png": "fmt/11"}
    jobs = [
        ReadJob(number, file, puids[file.suffix], (1,), root / "images")
        for number, file in enumerate(files)
    ]
    pages = [page for outcome in engine("compute").map(read_pages, jobs) for page in outcome.answer]
    return {"pages": len(pages), "lines": sum(len(page.lines) for page in pages)}


def _ingest(root: Path) -> Row:
    from liandong.archive.models import Record, RecordPage
    from liandong.intake.services.drive import drive
    from liandong.intake.services.receive import incoming_files, receive
    from liandong.site.cli.embedded import clock

    batch = receive(
        incoming_files(root / "in"), name="bench", by="bench", now=clock(), accept=True
    )  # fmt: skip
    drive(batch.pk, by="bench", clock=clock)
    pages = RecordPage.objects.all()
    lines = sum(len(page.lines) for page in pages)
    return {"pages": len(pages), "lines": lines, "records": Record.objects.count()}


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], Path(sys.argv[2])), ensure_ascii=False))
