"""Data folders and databases that have every table: migrating takes seconds, so it is done once."""

import atexit
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path

from psycopg import sql

from tests.postgres import address, database, own, superuser

_SHARED = "LAID_TABLES"  # the folder that the processes of one run share


def environment(home: Path, **more: str) -> dict[str, str]:
    """The environment of a command with a data folder of its own and nothing of this one's."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("LIANDONG_")}
    kept.pop("DJANGO_SETTINGS_MODULE", None)
    named = {"LIANDONG_HOME": str(home), "LIANDONG_PROCESSES": "1", "LANG": "zh_CN.UTF-8"}
    return {**kept, "LC_ALL": "", **named, **more}


def _migrate(home: Path, **more: str) -> None:
    command = [sys.executable, "-m", "liandong.site", "manage", "migrate", "-v", "0"]
    known = environment(home, **more)
    subprocess.run(command, env=known, check=True, capture_output=True, timeout=300)


@contextmanager
def shared_tables() -> Iterator[None]:
    """While this is open, this process and those it starts copy the tables the first one made."""
    with tempfile.TemporaryDirectory(prefix="liandong-tables-") as folder:
        os.environ[_SHARED] = folder
        try:
            yield
        finally:
            del os.environ[_SHARED]


@cache
def _made() -> Path:
    """A data folder whose database has its tables, made once."""
    folder = Path(os.environ.get(_SHARED) or tempfile.mkdtemp(prefix="liandong-tables-"))
    if _SHARED not in os.environ:
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    made = folder / "home"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            _migrate(folder / "making")
            (folder / "making").rename(made)
    return made


@cache
def _template() -> str:
    """The name of a PostgreSQL database with its tables, made once in a test process."""
    name = own("tables")
    named = sql.Identifier(name)
    with superuser() as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(named))
        connection.execute(sql.SQL("CREATE DATABASE {}").format(named))
    atexit.register(_drop, name)
    with tempfile.TemporaryDirectory() as home:
        _migrate(Path(home), LIANDONG_DATABASE=address(name))
    return name


def _drop(name: str) -> None:
    with superuser() as connection:
        named = sql.Identifier(name)
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(named))


def lay_tables(home: Path) -> None:
    """Make `home` a data folder whose SQLite database has every table and no row of its own."""
    home.mkdir(parents=True, exist_ok=True)
    shutil.copy(_made() / "liandong.sqlite3", home)


@contextmanager
def new_home() -> Iterator[str]:
    """A data folder with tables and no row of its own, removed at the end."""
    with tempfile.TemporaryDirectory(prefix="liandong-home-") as home:
        lay_tables(Path(home))
        yield home


@contextmanager
def database_with_tables(name: str) -> Iterator[str]:
    """The address of a PostgreSQL database with every table, dropped at the end."""
    with database(own(name), template=_template()) as url:
        yield url


@contextmanager
def new_knobs(*, on_server: bool = False) -> Iterator[dict[str, str]]:
    """Settings of a process with a data folder of its own, and with tables in the database.

    `on_server`: the database is one of the PostgreSQL server of TEST_POSTGRES.
    """
    with ExitStack() as laid:
        knobs = {"LIANDONG_HOME": laid.enter_context(new_home()), "LIANDONG_LOG_LEVEL": "ERROR"}
        if on_server:
            knobs["LIANDONG_DATABASE"] = laid.enter_context(database_with_tables("measured"))
        yield knobs
