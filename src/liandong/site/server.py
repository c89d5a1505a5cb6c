"""The supervisor of `liandong serve`: web server and worker as child processes.

A child that dies is started again; SIGTERM and SIGINT end both gracefully, and after ten seconds
for good: every step is safe to kill.
"""

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from types import FrameType

from django.conf import settings

from liandong.base.models import Account

log = logging.getLogger(__name__)
THREADS = 4  # per web process: SQLite writes one at a time, reads take milliseconds
GRACE_S = 10
POLL_S = 0.3
RESTART_S = 2


def serve(*, bind: str, port: int, say: Callable[[str], None]) -> int:
    """Run until a signal; returns the exit code."""
    bind, port = bind or settings.BIND, port or settings.PORT
    commands = {
        "web": [
            sys.executable, "-m", "granian", "--interface", "wsgi", "--host", bind, "--port",
            str(port), "--workers", str(settings.WEB_WORKERS), "--respawn-failed-workers",
            "--blocking-threads",
            str(THREADS),
            "--workers-kill-timeout", str(GRACE_S), "--log-level", "warning",
            "liandong.site.wsgi:application",
        ],
        "worker": [sys.executable, "-m", "liandong.site", "worker"],
    }  # fmt: skip
    stopping = False

    def stop(_signal: int, _frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    children = {name: _start(name, command) for name, command in commands.items()}
    say(f"  http://{bind}:{port}/")
    for account in Account.objects.filter(username__in=DEMO_ACCOUNTS).order_by("username"):
        say(f"  {account.username} / {DEMO_PASSWORD}  {account.full_name}")
    while not stopping:
        time.sleep(POLL_S)
        for name, child in children.items():
            if not stopping and child.poll() is not None:
                log.warning("child ended name=%s code=%s, starting again", name, child.returncode)
                time.sleep(RESTART_S)
                children[name] = _start(name, commands[name])
    _end(list(children.values()))
    return 0


DEMO_PASSWORD = "liandong-demo"  # noqa: S105 - printed on purpose; `demo load` is never production
DEMO_ACCOUNTS = ("archivist", "clerk", "reader")


def _start(name: str, command: list[str]) -> subprocess.Popen[bytes]:
    log.info("starting name=%s", name)
    return subprocess.Popen(command, env=dict(os.environ), start_new_session=True)  # noqa: S603


def _end(children: list[subprocess.Popen[bytes]]) -> None:
    for child in children:
        if child.poll() is None:
            child.terminate()
    until = time.monotonic() + GRACE_S
    for child in children:
        try:
            child.wait(max(0.1, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
