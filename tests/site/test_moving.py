"""A stopped installation moves to other engines, is killed on the way, goes on, and is the same.

The target database is PostgreSQL where TEST_POSTGRES names one, else another SQLite.
"""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from email.message import EmailMessage
from pathlib import Path

import pytest
import typer
from tests.corpus.handovers import catalogued, code, lay_out, row
from tests.intake.running import environment, letter, liandong, lines
from tests.postgres import database, own
from tests.services.s3 import S3Server

from liandong.site.cli.moving import move

pytestmark = [pytest.mark.slow, pytest.mark.enable_socket]
POSTGRES = "TEST_POSTGRES" in os.environ


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation on SQLite and disk with a record, a held item and a case."""
    root = tmp_path_factory.mktemp("moving")
    files = {f"{code(1)}.txt": letter(1), f"{code(3)}.txt": letter(3)}
    source = lay_out(root / "in", catalogued([row(1)], files))
    liandong(root / "home", "intake", "receive", source, "--fonds", "Z109", "--accept")
    message = EmailMessage()
    message["From"], message["Subject"] = "wang@example.com", "井盖缺失"
    message["Message-ID"] = "<1@example.com>"
    message.set_content("黄河五路井盖缺失，请尽快处理。")
    (root / "one.eml").write_bytes(message.as_bytes())
    taken = liandong(root / "home", "case", "mail", root / "one.eml")
    assert taken.returncode == 0, taken.stderr
    return root / "home"


@pytest.fixture
def new(s3: S3Server, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The settings of an empty installation on other engines."""
    with ExitStack() as stack:
        named = s3.environment(s3.bucket()) | {"LIANDONG_HOME": str(tmp_path / "new")}
        if POSTGRES:
            named["LIANDONG_DATABASE"] = stack.enter_context(database(own("moved")))
        yield named


def settings_file(folder: Path, named: dict[str, str]) -> Path:
    file = folder / "cluster.env"
    text = "".join(f"{name}={value}\n" for name, value in named.items())
    file.write_text(f"# the new one\n\n{text}", "utf-8")
    return file


def search(named: dict[str, str]) -> list[str]:
    home = Path(named["LIANDONG_HOME"])
    return [hit["code"] for hit in lines(liandong(home, "search", "防汛", "--json", **named))]


def test_it_is_killed_goes_on_and_is_the_same(
    old: Path, new: dict[str, str], s3: S3Server, tmp_path: Path
) -> None:
    file = settings_file(tmp_path, new)
    bucket = new["LIANDONG_STORE"].split("/")[2]
    command = [sys.executable, "-m", "liandong.site", "move", "--to", str(file)]
    killed = subprocess.Popen(
        command, env=environment(old), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    store = s3.store(bucket, "one/store")
    until = time.monotonic() + 120
    while not any(store.keys()) and killed.poll() is None and time.monotonic() < until:
        time.sleep(0.05)
    killed.send_signal(signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL  # in the middle: rows are there, bytes are not all

    moved = liandong(old, "move", "--to", file, "--json")

    told = {line["part"]: line for line in lines(moved)}
    assert moved.returncode == 0, moved.stdout + moved.stderr
    assert all(line["is_equal"] for line in told.values())
    assert {"archive_record", "base_auditrow", "cases_case", "store", "folder", "keys",
            "audit verify", "case verify", "archive reindex"} <= told.keys()  # fmt: skip
    assert search(new) == [code(1)]
    assert {key: store.read(key) for key in store.keys("")} == {
        path.relative_to(old / "store").as_posix(): path.read_bytes()
        for path in (old / "store").rglob("*")
        if path.is_file()
    }
    if POSTGRES:
        guards_hold(new["LIANDONG_DATABASE"])


def guards_hold(address: str) -> None:
    import psycopg

    with psycopg.connect(address) as link:
        with pytest.raises(psycopg.errors.RaiseException, match="only added"):
            link.execute("UPDATE base_auditrow SET act = act")
        link.rollback()
        (last,) = link.execute("SELECT max(id) FROM archive_record").fetchone() or (0,)
        (next_,) = link.execute(
            "SELECT nextval(pg_get_serial_sequence('archive_record', 'id'))"
        ).fetchone() or (0,)
        assert next_ == last + 1
        assert not link.execute("SELECT to_regclass('liandong_move')").fetchone()[0]  # type: ignore[index]


def test_a_backup_comes_back_on_other_engines(
    old: Path, new: dict[str, str], tmp_path: Path
) -> None:
    liandong(old, "backup", tmp_path / "all.tar")
    home = Path(new["LIANDONG_HOME"])
    home.mkdir()
    (home / "keys").mkdir(mode=0o700)
    (home / "keys/audit.key").write_bytes((old / "keys/audit.key").read_bytes())

    outcome = liandong(home, "restore", tmp_path / "all.tar", **new)

    assert outcome.returncode == 0, outcome.stderr
    assert "0 件有问题" in outcome.stdout
    assert not (home / "store").exists()
    audit = liandong(home, "audit", "verify", **new)
    assert audit.returncode == 0, audit.stdout


# What is refused before anything is written -------------------------------------------------------


def refused(folder: Path, named: dict[str, str], capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(typer.Exit) as stopped:
        move(settings_file(folder, named))
    assert stopped.value.exit_code == 2
    return capsys.readouterr().err


@pytest.mark.django_db
def test_an_installation_that_runs_is_not_moved(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "worker.beat").touch()
    told = refused(tmp_path, {"LIANDONG_HOME": str(tmp_path / "new")}, capsys)
    assert "还在运行" in told
    assert not (tmp_path / "new").exists()


def test_a_target_in_use_is_never_written_to(old: Path, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    with closing(sqlite3.connect(tmp_path / "new/liandong.sqlite3")) as link:
        link.execute("CREATE TABLE one (id integer)")
    file = settings_file(tmp_path, {"LIANDONG_HOME": str(tmp_path / "new")})

    outcome = liandong(old, "move", "--to", file)

    assert (outcome.returncode, "目标不是空的：database" in outcome.stderr) == (2, True)
    assert [one.name for one in (tmp_path / "new").iterdir()] == ["liandong.sqlite3"]


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["LIANDONG_NOTHING", "no setting"])
def test_a_file_of_settings_that_is_wrong_is_told(
    name: str, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "设置文件读不了" in refused(tmp_path, {name: "1"}, capsys)
