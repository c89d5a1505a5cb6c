"""A PostgreSQL server of the drill's own, so that it can be killed.

PostgreSQL refuses to run as root: as root it is run as the user `postgres`.
"""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from .installation import NotEnded, free_port, wait_for

USER = "liandong"
PLACE = "DRILL_CLUSTER"  # tells the process of a row where the server is: folder:port
PLACES = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin")
START_S = 60


class NoPostgres(Exception):
    """No server program is on this machine, or nobody to run it as."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A server on loopback with a data folder of its own."""

    folder: Path
    port: int

    @classmethod
    def running(cls) -> "Cluster":
        """The one that the environment names."""
        folder, _, port = os.environ[PLACE].rpartition(":")
        return cls(Path(folder), int(port))

    @property
    def place(self) -> str:
        """As `running` reads it."""
        return f"{self.folder}:{self.port}"

    def address(self, name: str) -> str:
        """The address of a database, as LIANDONG_DATABASE takes it."""
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{name}"

    def start(self) -> None:
        """Start it, after a kill too, and wait until it answers."""
        with (self.folder / "server.log").open("ab") as log:
            subprocess.Popen(
                [_program("postgres"), "-D", str(self.folder / "data"), "-p", str(self.port),
                 "-c", "listen_addresses=127.0.0.1", "-k", str(self.folder),
                 "-c", "max_connections=60"],
                stdout=log, stderr=log, start_new_session=True, user=_as_whom(),
                group=_as_whom(),
            )  # fmt: skip
        wait_for(self.answers, START_S, "the database")

    def answers(self) -> bool:
        """Whether it takes connections."""
        with contextlib.suppress(psycopg.Error):
            psycopg.connect(self.address("postgres"), connect_timeout=2).close()
            return True
        return False

    def make(self, name: str, template: str = "template0") -> str:
        """A fresh database, a copy of another one; its address."""
        with psycopg.connect(self.address("postgres"), autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
            # Values that a sequence took ahead are in the log of the template alone: without a
            # checkpoint a crash gives them out again.
            connection.execute("CHECKPOINT")
        return self.address(name)

    def kill_backends(self) -> None:
        """SIGKILL to one backend of the product: the server then restarts all of them."""
        with psycopg.connect(self.address("postgres"), autocommit=True) as connection:
            rows = connection.execute(
                "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'"
                " AND datname NOT IN ('postgres')"
            ).fetchall()
        for (pid,) in rows[:1]:
            os.kill(pid, signal.SIGKILL)

    def kill(self) -> None:
        """SIGKILL to the server and every process of it.

        Its lock files go as well: whoever started it may not have reaped it yet, and the next
        server would take what is left of it for alive.
        """
        lock = self.folder / "data" / "postmaster.pid"
        first = int(lock.read_text().split("\n", 1)[0])
        killed = [first, *_children(first)]
        for pid in killed:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not any(map(_is_alive, killed)), 20, "the death of the database")
        for file in (lock, *self.folder.glob(".s.PGSQL.*")):
            file.unlink(missing_ok=True)

    def stop(self) -> None:
        """End it at once."""
        lock = self.folder / "data" / "postmaster.pid"
        with contextlib.suppress(OSError, ValueError, NotEnded):
            os.kill(int(lock.read_text().split("\n", 1)[0]), signal.SIGQUIT)
            wait_for(lambda: not lock.exists(), 20, "the end of the database")


@contextmanager
def cluster() -> Iterator[Cluster]:
    """A fresh server, gone at the end.  Raises NoPostgres."""
    initdb, whom = _program("initdb"), _as_whom()
    folder = Path(tempfile.mkdtemp(prefix="liandong-drill-pg-"))
    if whom:
        shutil.chown(folder, "postgres", "postgres")
    made = Cluster(folder, free_port())
    try:
        subprocess.run(
            [initdb, "-D", str(folder / "data"), "-U", USER, "-A", "trust", "-E", "UTF8",
             "--locale=C.UTF-8", "--no-sync"],
            check=True, capture_output=True, cwd="/", user=whom, group=whom,
        )  # fmt: skip
        made.start()
        yield made
    finally:
        made.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _program(name: str) -> str:
    found = shutil.which(name)
    for pattern in PLACES:
        for folder in sorted(Path("/").glob(pattern.lstrip("/")), reverse=True):
            found = found or shutil.which(name, path=str(folder))
    if found is None:
        raise NoPostgres(f"no {name} on this machine")
    return found


def _as_whom() -> str | None:
    """The user to run it as, None for whoever asks."""
    if os.geteuid():
        return None
    try:
        pwd.getpwnam("postgres")
    except KeyError:
        raise NoPostgres("root may not run it, and there is no user postgres") from None
    return "postgres"


def _children(parent: int) -> list[int]:
    listed = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [int(one) for one in listed]


def _is_alive(pid: int) -> bool:
    """Whether it runs: a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
