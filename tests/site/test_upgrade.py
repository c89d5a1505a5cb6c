"""Data of an earlier release comes to the schema of today; data of a later one is refused."""

import contextlib
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from tests.intake.running import environment, liandong, lines
from tests.releases.keep import keep, put_in_place

from liandong.base.checks import check_schema
from liandong.base.schema import (
    OtherSchema,
    missing_migrations,
    refuse_other_schema,
    unknown_migrations,
)

RELEASES = sorted((Path(__file__).parents[1] / "releases").glob("*.zip"))
ROOMS = ("base", "archive", "exchange", "intake", "cases", "community", "portal")
LATER = ("base", "9999_of_a_later_release")


Apply = Callable[..., None]


@pytest.fixture
def applied(monkeypatch: pytest.MonkeyPatch) -> Apply:
    """Have the database say which migrations were applied: all of this release, changed so."""
    disk = MigrationLoader(None).disk_migrations

    def apply(*more: tuple[str, str], without: tuple[str, str] | None = None) -> None:
        told = {key: None for key in [*disk, *more] if key != without}
        monkeypatch.setattr(MigrationRecorder, "applied_migrations", lambda _self: told)

    return apply


def test_a_database_of_this_release_is_taken(applied: Apply) -> None:
    applied()
    executor = MigrationExecutor(connection)
    assert (unknown_migrations(executor), missing_migrations(executor)) == ([], [])
    refuse_other_schema()
    assert check_schema(None, databases=["default"]) == []


def test_a_web_server_does_not_start_on_a_database_of_a_later_release(applied: Apply) -> None:
    applied(LATER)
    with pytest.raises(OtherSchema) as caught:
        refuse_other_schema()
    assert list(caught.value.unknown) == [".".join(LATER)]
    (error,) = check_schema(None, databases=["default"])
    assert (error.id, ".".join(LATER) in error.msg) == ("liandong.E002", True)


def test_a_web_server_does_not_start_on_a_database_that_is_not_migrated(applied: Apply) -> None:
    applied(without=("portal", "0001_initial"))
    with pytest.raises(OtherSchema) as caught:
        refuse_other_schema()
    assert "portal.0001_initial" in caught.value.missing


def test_migrations_of_libraries_are_their_own_matter(applied: Apply) -> None:
    applied(("socialaccount", "9999_of_a_later_library"))
    assert unknown_migrations(MigrationExecutor(connection)) == []


@pytest.mark.slow
def test_a_command_refuses_a_database_of_a_later_release_and_changes_nothing(
    tmp_path: Path,
) -> None:
    home = tmp_path / "home"
    assert liandong(home, "account", "list").returncode == 0  # the tables are there
    file = home / "liandong.sqlite3"
    with contextlib.closing(sqlite3.connect(file)) as database, database:
        database.execute(
            "INSERT INTO django_migrations (app, name, applied) VALUES (?, ?, '2030-01-01')", LATER
        )
    before = _rows(file)
    for words in (("account", "list"), ("serve",), ("worker",)):
        outcome = liandong(home, *words)
        assert outcome.returncode == 2
        assert "数据库由更新的版本写过（base.9999_of_a_later_release）" in outcome.stderr
    migrated = liandong(home, "manage", "migrate")
    assert (migrated.returncode != 0, "liandong.E002" in migrated.stderr) == (True, True)
    assert _rows(file) == before


@pytest.mark.slow
def test_the_first_command_migrates_rows_of_the_first_schema(tmp_path: Path) -> None:
    """Every room as its first migration made it, with rows in it."""
    home = tmp_path / "home"
    home.mkdir()
    first = subprocess.run(
        [sys.executable, "-c", FIRST_SCHEMA, *ROOMS], env=environment(home), check=False,
        capture_output=True, text=True,
    )  # fmt: skip
    assert first.returncode == 0, first.stderr
    outcome = liandong(home, "account", "list")
    assert outcome.returncode == 0, outcome.stderr
    with contextlib.closing(sqlite3.connect(home / "liandong.sqlite3")) as database:
        units = database.execute("SELECT code, name FROM base_unit").fetchall()
        triggers = database.execute("SELECT count(*) FROM sqlite_master WHERE type = 'trigger'")
        assert (units, triggers.fetchone()[0] > 0) == ([("SFBGS", "示范市政府办公室")], True)
    _proves(home)


@pytest.mark.slow
def test_data_of_every_release_comes_to_the_schema_of_today(tmp_path: Path) -> None:
    """Each kept release, and what this one would keep."""
    keep(tmp_path / "today.zip")
    for file in [*RELEASES, tmp_path / "today.zip"]:
        home = tmp_path / file.stem
        home.mkdir()
        put_in_place(file, home)
        _proves(home, records=20, cases=12)


FIRST_SCHEMA = """
import os, sys, django
os.environ["DJANGO_SETTINGS_MODULE"] = "liandong.site.settings"
django.setup()
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
executor = MigrationExecutor(connection)
targets = [(room, "0001_initial") for room in sys.argv[1:]]
state = executor.migrate(targets)
unit = state.apps.get_model("base", "Unit")
unit.objects.create(code="SFBGS", name="示范市政府办公室")
"""


def _rows(file: Path) -> list[str]:
    with contextlib.closing(sqlite3.connect(file)) as database:
        return list(database.iterdump())


def _proves(home: Path, *, records: int = 0, cases: int = 0) -> None:
    verified = liandong(home, "archive", "verify", "--all", "--json")
    assert verified.returncode == 0, verified.stdout
    assert lines(verified)[-1]["checked"] == records
    proved = liandong(home, "case", "verify", "--json")
    assert (proved.returncode, lines(proved)[-1]["cases"]) == (0, cases), proved.stdout
    assert liandong(home, "audit", "verify").returncode == 0
