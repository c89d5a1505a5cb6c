"""An installation of real processes: supervisor, web, worker, compute workers."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from http.client import HTTPConnection, HTTPException
from pathlib import Path

ROOT = Path(__file__).parents[2]
SETTINGS = "benchmarks.drills.shifted"
START_S, STOP_S = 300, 30  # far more than on an idle machine
POLL_S = 0.05


class NotEnded(Exception):
    """Something that had to happen did not; the text says what."""


def environment(home: Path, database: str = "", **more: str) -> dict[str, str]:
    """What the processes of an installation are started with, and nothing of this one's."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("LIANDONG_")}
    paths = [str(ROOT), str(ROOT / "src"), *kept.get("PYTHONPATH", "").split(os.pathsep)]
    named = {
        "LIANDONG_HOME": str(home), "LIANDONG_PROCESSES": "1", "LIANDONG_WEB_WORKERS": "1",
        "LIANDONG_LOG_LEVEL": "WARNING", "LIANDONG_API_PER_MINUTE": "100000",
        "DJANGO_SETTINGS_MODULE": SETTINGS, "PYTHONPATH": os.pathsep.join(filter(None, paths)),
    }  # fmt: skip
    if database:
        named["LIANDONG_DATABASE"] = database
    return {**kept, **named, **more}


def wait_for(until: Callable[[], bool], limit_s: float, what: str) -> None:
    """Wait until something is true; raises NotEnded."""
    end = time.monotonic() + limit_s
    while not until():
        if time.monotonic() > end:
            raise NotEnded(f"{what}: not within {limit_s:.0f} s")
        time.sleep(POLL_S)


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


class Installation:
    """`liandong serve` on a data folder, and what can be done to its processes."""

    def __init__(self, home: Path, knobs: Mapping[str, str]) -> None:
        self.home, self.knobs, self.port = home, dict(knobs), free_port()
        self.ended_itself = 0  # as a service manager would, `keep` starts it again
        self._server: subprocess.Popen[bytes] | None = None
        self._more: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Start the supervisor and wait for the first answer."""
        self._server = self._run("serve", "--port", str(self.port))
        wait_for(self.answers, START_S, "the first answer")

    def keep(self) -> None:
        """Start the supervisor again if it ended by itself."""
        if self._server is not None and self._server.poll() is not None:
            self.ended_itself += 1
            self._server = self._run("serve", "--port", str(self.port))

    def second_worker(self) -> None:
        """One more worker on the same queue."""
        self._more.append(self._run("worker"))

    def stop(self) -> None:
        """End everything, gracefully if it may."""
        every = [one for one in (self._server, *self._more) if one is not None]
        for one in every:
            one.terminate()
        for one in every:
            with contextlib.suppress(subprocess.TimeoutExpired):
                one.wait(STOP_S)
        self.kill(self.pids())
        self._server, self._more = None, []

    def answers(self) -> bool:
        """Whether the web server answers."""
        try:
            connection = HTTPConnection("127.0.0.1", self.port, timeout=5)
            connection.request("GET", "/healthz/")
            return connection.getresponse().status < 500
        except (OSError, HTTPException):
            return False

    def pids(self, *words: str) -> list[int]:
        """Processes below the supervisor whose command line has all these words."""
        lines = _processes()
        roots = [one.pid for one in (self._server, *self._more) if one is not None]
        found, front = list(roots), list(roots)
        while front:
            front = [pid for pid, (parent, _) in lines.items() if parent in front]
            found += front
        return [
            pid for pid in found
            if pid in lines and all(word in lines[pid][1] for word in words)
        ]  # fmt: skip

    def web(self) -> list[int]:
        """The processes that answer requests."""
        return self.pids("granian")

    def worker(self) -> list[int]:
        """The process that takes jobs."""
        return self.pids("liandong.site", "worker")

    def readers(self) -> list[int]:
        """The compute workers."""
        return self.pids("multiprocessing.spawn")

    @staticmethod
    def kill(pids: list[int]) -> None:
        """SIGKILL, all at once."""
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def command(self, *words: str) -> subprocess.Popen[str]:
        """Start a command of the product and let it run."""
        return subprocess.Popen(
            [sys.executable, "-m", "liandong.site", *words], env=self.knobs, cwd=ROOT,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def _run(self, *words: str) -> subprocess.Popen[bytes]:
        with (self.home / "serve.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "liandong.site", *words], env=self.knobs, cwd=ROOT,
                stdout=log, stderr=log,
            )  # fmt: skip


def move_clock(home: Path, seconds: float) -> None:
    """From now on the processes of this data folder live so many seconds ahead."""
    fresh = home / "clock.offset.new"
    fresh.write_text(str(seconds))
    fresh.replace(home / "clock.offset")


def _processes() -> dict[int, tuple[int, str]]:
    """Parent and command line of every process."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError, IndexError, ValueError):
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            found[int(entry.name)] = (parent, line)
    return found
