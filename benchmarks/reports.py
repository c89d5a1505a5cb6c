"""Reports of strangers at a steady rate, with the web server killed in the middle: is one lost?

`python -m benchmarks --size small|full reports`; on PostgreSQL where LIANDONG_DATABASE names an
empty database.  The installation runs as in production (supervisor, web processes, worker).
Senders work as the page does: a report has a uuid, and where no answer comes it is sent again with
the same uuid.  At the end every report that was acknowledged must be one case, there must be no
other, and the chain of each must be whole.  The peer is the bare server of `benchmarks.api` under
the same senders; `ratio` is the rate reached over that of the peer.
"""

import json
import os
import random
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from tests.homes import new_home

from . import api, machine

SIZES = {"small": (30, 8), "full": (200, 60)}  # reports a second, seconds
SENDERS = 16
PATIENCE_S = 60  # of a sender, for one report
WORKERS = 2
Row = dict[str, Any]


@dataclass(slots=True)
class Sent:
    """What the senders saw."""

    taken: list[float] = field(default_factory=list)  # ms from the first try to the answer
    acknowledged: dict[str, str] = field(default_factory=dict)  # number by uuid
    again: int = 0
    refused: Counter[int] = field(default_factory=Counter)
    late: int = 0  # begun more than a second after their time


def measure(rate: int, seconds: int, *, kill: bool) -> Row:
    """One run at `rate` reports a second."""
    with new_home() as home:
        knobs = {
            "LIANDONG_HOME": home, "LIANDONG_LOG_LEVEL": "ERROR",
            "LIANDONG_WEB_WORKERS": str(WORKERS),
            "LIANDONG_REPORTS_PER_HOUR": "10000000", api.ANSWERS: f"{home}/answers",
        }  # fmt: skip
        told = '{"number": "20261125-000001", "track": "/r/x/"}'
        Path(home, "answers").write_text(told, "utf-8")
        with api.serving(api.bare_server, knobs) as port:
            peer = _send(port, rate, seconds)
        migrate = [sys.executable, "-m", "liandong.site", "manage", "migrate", "-v", "0"]
        subprocess.run(migrate, env=os.environ | knobs, check=True, stdout=sys.stderr)
        with api.serving(api.product, knobs) as port:
            if kill:
                threading.Timer(seconds / 2, _kill_web, (port,)).start()
            sent = _send(port, rate, seconds)
        found = subprocess.run(
            [sys.executable, "-m", "benchmarks.reports"], env=os.environ | knobs,
            input=json.dumps(sent[0].acknowledged), stdout=subprocess.PIPE, text=True, check=True,
        )  # fmt: skip
    mine, theirs = _told(*sent), _told(*peer)
    return {
        "benchmark": "reports", "asked_per_s": rate, "seconds": seconds, "killed": kill, **mine,
        "peer_per_s": theirs["per_s"], "peer_p95_ms": theirs["p95_ms"],
        "ratio": round(mine["per_s"] / theirs["per_s"], 2),
        **json.loads(found.stdout.splitlines()[-1]), "load": machine.load(),
    }  # fmt: skip


def _told(sent: Sent, wall_s: float) -> Row:
    return {
        "per_s": round(len(sent.acknowledged) / wall_s, 1),
        "p50_ms": round(statistics.median(sent.taken), 1),
        "p95_ms": round(statistics.quantiles(sent.taken, n=20)[-1], 1),
        "acknowledged": len(sent.acknowledged), "sent_again": sent.again,
        "refused": dict(sent.refused), "begun_late": sent.late,
    }  # fmt: skip


def _send(port: int, rate: int, seconds: int) -> tuple[Sent, float]:
    """So many reports at their times, by senders that take the next one when they are free."""
    sent, lock, count = Sent(), threading.Lock(), rate * seconds
    begun = time.perf_counter()
    turns = iter(range(count))

    page = _page(port)

    def work() -> None:
        connection = HTTPConnection("127.0.0.1", port, timeout=20)
        while True:
            with lock:
                turn = next(turns, None)
            if turn is None:
                return
            wait = begun + turn / rate - time.perf_counter()
            if wait > 0:
                time.sleep(wait)
            elif wait < -1:
                with lock:
                    sent.late += 1
            connection = _report(port, connection, page, turn, sent, lock)

    with ThreadPoolExecutor(SENDERS) as pool:
        for one in [pool.submit(work) for _ in range(SENDERS)]:
            one.result()
    return sent, time.perf_counter() - begun


def _page(port: int) -> dict[str, str]:
    """The headers of a report, with the token of the page that it is sent from."""
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", "/snap/")
    answer = connection.getresponse()
    answer.read()
    cookie = (answer.headers.get("Set-Cookie") or "").partition(";")[0]
    return {
        "Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json",
        "Cookie": cookie, "X-CSRFToken": cookie.partition("=")[2],
    }  # fmt: skip


def _report(
    port: int, connection: HTTPConnection, headers: Mapping[str, str], turn: int, sent: Sent,
    lock: threading.Lock,
) -> HTTPConnection:  # fmt: skip
    """One report until it is acknowledged or refused."""
    uuid, body = _body(turn)
    first = time.perf_counter()
    while True:
        try:
            connection.request("POST", "/snap/reports/", body, dict(headers))
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, HTTPException):
            connection.close()
            with lock:
                sent.again += 1
            if time.perf_counter() - first > PATIENCE_S:
                raise
            time.sleep(0.2)
            connection = HTTPConnection("127.0.0.1", port, timeout=20)
            continue
        with lock:
            if answer.status in {200, 201}:
                sent.acknowledged[uuid] = json.loads(content)["number"]
                sent.taken.append((time.perf_counter() - first) * 1000)
            else:
                sent.refused[answer.status] += 1
        return connection


def _body(turn: int) -> tuple[str, bytes]:
    dice = random.Random(turn)  # noqa: S311 - a corpus
    uuid = str(uuid4())
    fields = {
        "report": uuid, "token": uuid4().hex[:24], "text": f"第{turn}处路灯不亮，请派人维修。",
        "category": "C0101", "address": f"黄河{turn % 900}路", "lat": f"{37 + dice.random():.5f}",
        "lon": f"{118 + dice.random():.5f}", "datum": "wgs84",
    }  # fmt: skip
    return uuid, urlencode(fields).encode()


def _kill_web(port: int) -> None:
    """SIGKILL to every process that serves this port; the supervisor starts it again."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"granian" in words and str(port).encode() in words:
            os.kill(int(entry.name), signal.SIGKILL)


def run(size: str = "small") -> Iterator[Row]:
    """JSON-ready figures: undisturbed, then with a kill in the middle."""
    rate, seconds = SIZES[size]
    for kill in (False, True):
        yield measure(rate, seconds, kill=kill)


def _verify(acknowledged: Mapping[str, str]) -> Row:
    """What the database has of the reports that were acknowledged."""
    from django.db import connection

    from liandong.cases.models import Case, CaseEvent
    from liandong.cases.services.proving import faults_of

    rows = {str(one.uuid): one.number for one in Case.objects.iterator()}
    lost = [uuid for uuid, number in acknowledged.items() if rows.get(uuid) != number]
    events = CaseEvent.objects.count()
    faults = sum(bool(faults_of(one)) for one in Case.objects.iterator())
    return {
        "part": connection.vendor, "cases": len(rows), "events": events, "lost": len(lost),
        "unasked": len(rows.keys() - acknowledged.keys()), "faults": faults,
    }  # fmt: skip


def _main() -> None:
    import django

    os.environ["DJANGO_SETTINGS_MODULE"] = "liandong.site.settings"
    django.setup()
    print(json.dumps(_verify(json.load(sys.stdin))), flush=True)


if __name__ == "__main__":
    _main()
