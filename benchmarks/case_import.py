"""Rows a second of the bulk import of cases, on a database of its own.

`python -m benchmarks case_import` prints JSON lines.  The rows are made by code: one in three is
still open, each has a place and a sentence of text.  `ratio` is the rate over that of reading the
same file into a bare table.
"""

import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from sqlite3 import connect
from typing import Any

from tests.homes import new_home

from . import machine

COUNT = {"small": 20_000, "full": 200_000}
NOW = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)
Row = dict[str, Any]
MAP = (
    {"field": "source", "value": "bench"}, {"field": "kind", "value": "snap_report"},
    {"field": "source_id", "column": "id"}, {"field": "title", "column": "title"},
    {"field": "text", "column": "text"}, {"field": "address", "column": "place"},
    {"field": "lat", "column": "lat"}, {"field": "lon", "column": "lon"},
    {"field": "submitted_at", "column": "begun"}, {"field": "closed_at", "column": "ended"},
)  # fmt: skip


def measure(count: int) -> Iterator[Row]:
    """The first import, and the same file again."""
    from liandong.cases.services.importing import import_rows
    from liandong.kernel.case_imports import mapping_of

    bare = _bare_rows_s(count)
    for name in ("import", "the same again"):
        started = time.perf_counter()
        counts = import_rows(_lines(count), mapping_of(MAP), by="bench", now=NOW)
        seconds = time.perf_counter() - started
        yield {
            "benchmark": "case_import", "part": name, "rows": counts.read,
            "imported": counts.imported, "known": counts.known, "refused": counts.refused,
            "seconds": round(seconds, 2), "rows_s": round(counts.read / seconds),
            "bare_rows_s": bare, "ratio": round(counts.read / seconds / bare, 3),
            **machine.peak_mb(),
        }  # fmt: skip


def _bare_rows_s(count: int) -> int:
    """The limit: the same file read by `csv` into one table of SQLite without index or history."""
    with tempfile.TemporaryDirectory() as place, closing(connect(Path(place) / "bare")) as base:
        started = time.perf_counter()
        base.execute("CREATE TABLE bare(id, title, text, place, lat, lon, begun, ended)")
        rows = csv.reader(_lines(count))
        next(rows)
        base.executemany("INSERT INTO bare VALUES(?, ?, ?, ?, ?, ?, ?, ?)", rows)
        base.commit()
        return round(count / (time.perf_counter() - started))


def run(size: str = "small") -> Iterator[Row]:
    """JSON-ready figures, in a process and a data folder of its own."""
    with new_home() as home:
        knobs = {"LIANDONG_HOME": home, "LIANDONG_LOG_LEVEL": "ERROR"}
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.case_import", str(COUNT[size])],
            env=os.environ | knobs, stdout=subprocess.PIPE, text=True, check=True,
        )  # fmt: skip
    yield from (json.loads(line) for line in done.stdout.splitlines())


def _lines(count: int) -> Iterator[str]:
    yield "id,title,text,place,lat,lon,begun,ended\n"
    first = datetime(2026, 1, 1, 8, 0, tzinfo=UTC)
    for number in range(count):
        begun = first + timedelta(minutes=number % 300_000)
        ended = (begun + timedelta(hours=30)).isoformat() if number % 3 else ""
        lat, lon = 37 + number % 1000 / 1000, 118 + number % 997 / 1000
        yield (
            f"{number},路灯不亮,第{number}号路灯不亮已有三天请派人维修,黄河五路{number % 900}号,"
            f"{lat:.4f},{lon:.4f},{begun.isoformat()},{ended}\n"
        )


def _main(count: int) -> None:
    import django

    os.environ["DJANGO_SETTINGS_MODULE"] = "liandong.site.settings"
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0, interactive=False)
    for row in measure(count):
        print(json.dumps(row, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    _main(int(sys.argv[1]))
