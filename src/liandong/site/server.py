"""The supervisor of `liandong serve`: web server and worker as child processes.

A child that dies is started again; SIGTERM and SIGINT end both gracefully, and after ten seconds
for good: every step is safe to kill.
"""

import ctypes
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
PR_SET_PDEATHSIG = 1  # linux/prctl.h
POLL_S = 0.3
RESTART_S = 2
QUICK_S = 5  # a child that lives shorter could not start
GIVE_UP = 3  # quick ends in a row


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
    begun = dict.fromkeys(children, time.monotonic())
    quick_ends = dict.fromkeys(children, 0)
    while not stopping:
        time.sleep(POLL_S)
        for name, child in children.items():
            if stopping or child.poll() is None:
                continue
            log.warning("child ended name=%s code=%s, starting again", name, child.returncode)
            is_quick = time.monotonic() - begun[name] < QUICK_S
            quick_ends[name] = quick_ends[name] + 1 if is_quick else 0
            if quick_ends[name] == GIVE_UP:  # the port is taken, a setting is wrong
                say(f"✗ {name}: {child.returncode}")
                _end(list(children.values()))
                return 1
            time.sleep(RESTART_S)
            children[name], begun[name] = _start(name, commands[name]), time.monotonic()
    _end(list(children.values()))
    return 0


DEMO_PASSWORD = "liandong-demo"  # noqa: S105 - printed on purpose; `demo load` is never production
DEMO_ACCOUNTS = (
    "archivist", "director", "clerk", "clerk2", "reader", "terminal", "sysadmin", "secadmin",
    "auditadmin",
)  # fmt: skip


def _start(name: str, command: list[str]) -> subprocess.Popen[bytes]:
    log.info("starting name=%s", name)
    return subprocess.Popen(  # noqa: S603 - our own command line
        command,
        env=dict(os.environ),
        start_new_session=True,
        preexec_fn=_end_with_parent,  # noqa: PLW1509 - no other thread runs here
    )


def _end_with_parent() -> None:
    """Linux: a killed supervisor leaves no worker behind that a second one would meet."""
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


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
