"""Data folders whose database has every table: migrating is slow, so it is done once in a run."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TABLES = "BENCH_TABLES"  # the folder that the measurements of one run share
_DATABASE = "liandong.sqlite3"


@contextmanager
def shared_tables() -> Iterator[None]:
    """While this is open, every measurement copies the tables that the first one made."""
    with tempfile.TemporaryDirectory(prefix="liandong-bench-") as folder:
        os.environ[TABLES] = folder
        try:
            yield
        finally:
            del os.environ[TABLES]


def lay_tables(home: Path) -> None:
    """Make `home` a data folder with tables and no row; without `shared_tables` it stays empty."""
    home.mkdir(exist_ok=True)
    if not (folder := os.environ.get(TABLES)):
        return
    made = Path(folder) / "home"
    if not made.exists():
        making = Path(folder) / "making"
        knobs = {"LIANDONG_HOME": str(making), "LIANDONG_LOG_LEVEL": "ERROR"}
        command = [sys.executable, "-m", "liandong.site", "manage", "migrate", "-v", "0"]
        known = {name: text for name, text in os.environ.items() if name != "LIANDONG_DATABASE"}
        subprocess.run(command, env=known | knobs, check=True, stdout=sys.stderr)
        making.rename(made)
    shutil.copy(made / _DATABASE, home)


@contextmanager
def new_home() -> Iterator[str]:
    """A data folder with tables, removed at the end."""
    with tempfile.TemporaryDirectory(prefix="liandong-bench-") as home:
        lay_tables(Path(home))
        yield home
