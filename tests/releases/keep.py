"""Keeps the data of a small installation as this release writes it, and puts such data in place.

`python -m tests.releases.keep 1.0.zip`: one zip with the rows as text and the objects.
"""

import contextlib
import sqlite3
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from benchmarks.drills.installation import ROOT, environment

FOLDERS = ("store", "keys", "audit")  # the audit is proved by keys, which are of nothing else
ROWS, DATABASE = "liandong.sql", "liandong.sqlite3"


def keep(file: Path) -> None:
    """Fill an installation of this release and write it into `file`."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        subprocess.run(
            [sys.executable, "-m", "benchmarks.drills.seed"], env=environment(home), cwd=ROOT,
            check=True, capture_output=True,
        )  # fmt: skip
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as kept:
            with contextlib.closing(sqlite3.connect(home / DATABASE)) as database:
                kept.writestr(ROWS, "\n".join(database.iterdump()))
            for path in sorted(one for name in FOLDERS for one in (home / name).rglob("*")):
                if path.is_file():
                    kept.write(path, path.relative_to(home).as_posix())


def put_in_place(file: Path, home: Path) -> None:
    """Make the data folder that `file` was kept from."""
    with zipfile.ZipFile(file) as kept:
        kept.extractall(home, [name for name in kept.namelist() if name != ROWS])
        with contextlib.closing(sqlite3.connect(home / DATABASE)) as database:
            database.executescript(kept.read(ROWS).decode())


if __name__ == "__main__":
    keep(Path(sys.argv[1]))
