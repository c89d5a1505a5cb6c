"""Data folders and databases that have every table: migrating takes seconds, so it is done once."""

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from psycopg import sql

from tests.postgres import address, database, own, superuser


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


@cache
def _made() -> Path:
    """A data folder whose database has its tables, made once in a test process."""
    made = Path(tempfile.mkdtemp(prefix="liandong-tables-"))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    _migrate(made)
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
def database_with_tables(name: str) -> Iterator[str]:
    """The address of a PostgreSQL database with every table, dropped at the end."""
    with database(own(name), template=_template()) as url:
        yield url
