"""On PostgreSQL the role of the application adds audit rows, and can do nothing else to them."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from tests.base.test_audit import CHECK, MIGRATE, WRITER, bare_environment
from tests.postgres import address, database, own, roles

from liandong.base.audit.grants import BadRole, grants

NAME, OWNER, APP = (own(name) for name in ("audit_grants", "audit_test_owner", "audit_test_app"))
on_postgresql = pytest.mark.skipif(
    "TEST_POSTGRES" not in os.environ, reason="no PostgreSQL: set TEST_POSTGRES"
)
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def granted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of the application: tables of one role, used by another."""
    home = tmp_path_factory.mktemp("home")
    with roles(OWNER, APP), database(NAME, owner=OWNER):
        known = bare_environment() | {"LIANDONG_HOME": str(home)}
        known["LIANDONG_DATABASE"] = address(NAME, role=OWNER)
        subprocess.run([sys.executable, "-c", MIGRATE], env=known, check=True)
        with psycopg.connect(address(NAME), autocommit=True) as connection:
            for _ in range(2):  # it may be run again
                connection.execute(grants(owner=OWNER, app=APP).encode())
        yield known | {"LIANDONG_DATABASE": address(NAME, role=APP)}


@on_postgresql
def test_the_application_writes_rows_and_seals_them(granted: dict[str, str]) -> None:
    subprocess.run([sys.executable, "-c", WRITER, "li"], env=granted, check=True)
    command = [sys.executable, "-m", "liandong.site", "audit"]
    subprocess.run([*command, "seal"], env=granted, check=True, capture_output=True)
    done = subprocess.run(
        [sys.executable, "-c", CHECK], env=granted, check=True, capture_output=True, text=True
    )
    rows, faults, *_ = done.stdout.split()
    assert (int(rows) > 30, faults) == (True, "0")


@on_postgresql
@pytest.mark.parametrize(
    "statement",
    [
        *(
            statement.format(table=table)
            for table in ("base_auditrow", "base_auditseal")
            for statement in (
                "UPDATE {table} SET hash = 'x'",
                "DELETE FROM {table}",
                "TRUNCATE {table}",
                "DROP TABLE {table}",
                "ALTER TABLE {table} DISABLE TRIGGER ALL",
                "DROP TRIGGER {table}_rows ON {table}",
                "CREATE TRIGGER other BEFORE INSERT ON {table} FOR EACH ROW"
                " EXECUTE FUNCTION liandong_only_added()",
            )
        ),
        "CREATE OR REPLACE FUNCTION liandong_only_added() RETURNS trigger LANGUAGE plpgsql"
        " AS $$ BEGIN RETURN OLD; END $$",
        "SET session_replication_role = replica",
        "CREATE TABLE mine (a int)",
        "DELETE FROM django_migrations",
    ],
)
def test_the_application_can_do_nothing_else(statement: str, granted: dict[str, str]) -> None:
    with psycopg.connect(granted["LIANDONG_DATABASE"], autocommit=True) as connection:
        assert connection.execute("SELECT current_user").fetchone() == (APP,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement.encode())


@on_postgresql
def test_the_application_cannot_give_itself_more(granted: dict[str, str]) -> None:
    with psycopg.connect(granted["LIANDONG_DATABASE"], autocommit=True) as connection:
        connection.execute(f"GRANT ALL ON base_auditrow TO {APP}".encode())  # a warning, no error
        held = connection.execute("SELECT has_table_privilege('base_auditrow', 'UPDATE, DELETE')")
        assert held.fetchone() == (False,)


@on_postgresql
def test_the_owner_is_stopped_by_the_triggers(granted: dict[str, str]) -> None:
    subprocess.run([sys.executable, "-c", WRITER, "li"], env=granted, check=True)
    with psycopg.connect(address(NAME, role=OWNER), autocommit=True) as connection:
        for statement in (b"DELETE FROM base_auditrow", b"TRUNCATE base_auditrow"):
            with pytest.raises(psycopg.errors.RaiseException, match="only added"):
                connection.execute(statement)


@on_postgresql
def test_the_examination_tells_whether_the_role_is_too_strong(granted: dict[str, str]) -> None:
    for environment, state in (
        (granted, "ok"),
        (granted | {"LIANDONG_DATABASE": address(NAME, role=OWNER)}, "optional"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "liandong.site", "doctor", "--json"],
            env=environment, check=False, capture_output=True, text=True,
        )  # fmt: skip
        told = [line for line in done.stdout.splitlines() if '"part": "audit' in line]
        assert [f'"state": "{state}"' in line for line in told if "audit rights" in line] == [True]


def test_a_role_is_a_plain_name() -> None:
    assert "GRANT SELECT, INSERT ON base_auditrow" in grants(owner="a", app="b")
    for odd in ("a; DROP TABLE x", "", 'a"b', "Ä"):
        with pytest.raises(BadRole):
            grants(owner="a", app=odd)


def test_the_command_prints_them(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "liandong.site", "audit", "grants", "--app"]
    known = bare_environment() | {"LIANDONG_HOME": str(tmp_path)}
    done = subprocess.run([*command, "web"], env=known, capture_output=True, text=True, check=True)
    assert done.stdout == grants(owner="liandong", app="web")
    assert (
        subprocess.run([*command, "w;"], env=known, check=False, capture_output=True).returncode
        == 2
    )
