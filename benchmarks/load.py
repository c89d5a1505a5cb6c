"""Many people at once over the main journeys: errors, how long each page takes, processor.

`python -m benchmarks --size small|full load`.  The installation runs as in production (supervisor,
two web processes, worker) on a PostgreSQL of its own, else on SQLite, with the demonstration.  Each
user walks one journey again and again and reads between two pages; all of it stays on loopback and
ends by itself.  The limit of the same run is `/healthz/` of the same server, asked twice a second
all the while: `ratio` is the median of a page over its median.
"""

import json
import os
import random
import re
import statistics
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode
from uuid import uuid4

from tests.homes import new_home

from . import machine
from .drills.installation import ROOT, Installation, environment
from .drills.postgres import NoPostgres, cluster

SIZES = {"small": (50, 20), "full": (200, 300)}  # users, seconds
READING_S = (4.0, 12.0)  # between two pages
WORKERS = 2
PASSWORD = "liandong-demo"  # noqa: S105 - of the demonstration
HEALTH = "health"
KNOBS = {
    "LIANDONG_SECOND_FACTOR": "", "LIANDONG_SESSIONS": "0", "LIANDONG_LOG_LEVEL": "ERROR",
    "LIANDONG_REPORTS_PER_HOUR": "1000000", "LIANDONG_WEB_WORKERS": str(WORKERS),
    "DJANGO_SETTINGS_MODULE": "liandong.site.settings",
}  # fmt: skip
WORDS = ("窨井盖", "防汛", "通知", "座谈会", "登记表")
Row = dict[str, Any]
Page = tuple[str, str]  # what it is, its address

JOURNEYS: dict[str, Sequence[Page]] = {  # by who walks it; "" is a stranger
    "": (
        ("search", "/search/?q={word}"), ("record", "/records/1/"),
        ("viewer", "/records/1/view/"), ("tiles", "/records/1/v1/1/page.dzi"),
        ("tiles", "/records/1/v1/1/page_files/8/0_0.jpg"),
    ),
    "archivist": (
        ("search, signed in", "/search/?q={word}"), ("record, signed in", "/records/{record}/"),
        ("desk", "/desk/"), ("tiles, signed in", "/records/1/v1/1/page_files/8/0_0.jpg"),
    ),
    "desk": (
        ("my cases", "/cases/inbox/"), ("list of cases", "/cases/"), ("case", "{case}"),
    ),
    "handler": (("list of cases", "/cases/"), ("case", "{case}")),
    "ledger": (("ledger", "/ledger/"), ("list of cases", "/cases/?late=1")),
    "reporter": (("page of reports", "/snap/"), ("report", ""), ("track", "{track}")),
    HEALTH: ((HEALTH, "/healthz/"),),
}  # fmt: skip
SHARES = ("", "", "", "archivist", "desk", "handler", "ledger", "reporter", "reporter", "desk")


class User(threading.Thread):
    """Walks its journey until the time is over; keeps milliseconds and faults by page."""

    def __init__(self, number: int, port: int, who: str, cookie: str, until: float) -> None:
        super().__init__(daemon=True)
        self._port, self._who, self._cookie, self._until = port, who, cookie, until
        self._dice = random.Random(number)  # noqa: S311 - a simulation
        self._connection = HTTPConnection("127.0.0.1", port, timeout=60)
        self._reading = (0.5, 0.5) if who == HEALTH else READING_S
        self._seen = {"track": "/snap/", "case": "/cases/"}
        self.taken: dict[str, list[float]] = defaultdict(list)
        self.faults: list[str] = []

    def run(self) -> None:
        time.sleep(self._dice.uniform(0, self._reading[0]))
        way = list(JOURNEYS[self._who])
        if self._who != "reporter":  # whose pages follow one another
            self._dice.shuffle(way)
        while True:
            for name, address in way:
                if time.monotonic() > self._until:
                    self._connection.close()
                    return
                self._open(name, address)
                time.sleep(self._dice.uniform(*self._reading))

    def _open(self, name: str, address: str) -> None:
        path = address.format(
            word=quote(self._dice.choice(WORDS)), record=self._dice.randint(1, 6), **self._seen
        )
        begun = time.perf_counter()
        try:
            status, body = self._report() if name == "report" else self._get(path)
        except (OSError, HTTPException) as error:
            self._connection.close()
            self.faults.append(f"{name}: {type(error).__name__}")
            return
        self.taken[name].append((time.perf_counter() - begun) * 1000)
        if status >= 400:
            self.faults.append(f"{name}: {status}")
        elif name == "list of cases" and (found := re.findall(r'href="(/cases/\d[^"/]*/)"', body)):
            self._seen["case"] = self._dice.choice(found)

    def _get(self, path: str) -> tuple[int, str]:
        self._connection.request("GET", path, headers={"Cookie": self._cookie})
        answer = self._connection.getresponse()
        if self._who == "reporter" and (fresh := answer.headers.get("Set-Cookie")):
            self._cookie = fresh.partition(";")[0]
        return answer.status, answer.read().decode("utf-8", "replace")

    def _report(self) -> tuple[int, str]:
        fields = {
            "report": str(uuid4()), "token": uuid4().hex[:24], "category": "C0101",
            "text": f"{self._dice.randint(1, 999)}号路灯不亮，请派人维修。", "datum": "wgs84",
            "address": "黄河五路", "lat": f"{37 + self._dice.random():.5f}",
            "lon": f"{118 + self._dice.random():.5f}",
        }  # fmt: skip
        headers = {
            "Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json",
            "Cookie": self._cookie, "X-CSRFToken": self._cookie.partition("=")[2],
        }  # fmt: skip
        self._connection.request("POST", "/snap/reports/", urlencode(fields), headers)
        answer = self._connection.getresponse()
        body = answer.read().decode("utf-8", "replace")
        if answer.status < 400:
            self._seen["track"] = json.loads(body)["track"]
        return answer.status, body


def sign_in(port: int, who: str) -> str:
    """The cookies of a demonstration account."""
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/login/")
    page = connection.getresponse()
    body = page.read().decode()
    token = (page.headers.get("Set-Cookie") or "").partition(";")[0]
    hidden = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', body)
    fields = {
        "login": who, "password": PASSWORD, "csrfmiddlewaretoken": hidden[1] if hidden else "",
    }  # fmt: skip
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": token}
    connection.request("POST", "/login/", urlencode(fields), headers)
    answer = connection.getresponse()
    answer.read()
    cookies = [one.partition(";")[0] for one in answer.headers.get_all("Set-Cookie") or []]
    if answer.status != 302 or not any(one.startswith("sessionid=") for one in cookies):
        raise RuntimeError(f"{who} could not sign in: {answer.status}")
    return "; ".join(cookies)


def run(size: str = "small") -> Iterator[Row]:
    """JSON-ready figures: one row a page, and one for all of them."""
    users, seconds = SIZES[size]
    with ExitStack() as stack:
        home = Path(stack.enter_context(new_home()))
        try:
            part, address = "postgresql", stack.enter_context(cluster()).make("load")
        except NoPostgres:
            part, address = "sqlite", ""
        knobs = environment(home, address, **KNOBS)
        subprocess.run(
            [sys.executable, "-m", "liandong.site", "demo", "load"], env=knobs, cwd=ROOT,
            check=True, stdout=sys.stderr,
        )  # fmt: skip
        site = Installation(home, knobs)
        stack.callback(site.stop)
        site.start()
        yield from _measure(site, part, users, seconds)


def _measure(site: Installation, part: str, users: int, seconds: int) -> Iterator[Row]:
    accounts = sorted(set(SHARES) - {"", "reporter"})
    cookies = {who: sign_in(site.port, who) for who in accounts}
    before, begun = _cpu_s(site), time.monotonic()
    walking = [
        User(number, site.port, who, cookies.get(who, ""), begun + seconds)
        for number in range(users)
        for who in [SHARES[number % len(SHARES)]]
    ]
    walking.append(User(users, site.port, HEALTH, "", begun + seconds))
    for one in walking:
        one.start()
    for one in walking:
        one.join(seconds + 120)
    wall, used = time.monotonic() - begun, _cpu_s(site) - before
    taken: dict[str, list[float]] = defaultdict(list)
    for one in walking:
        for name, times in one.taken.items():
            taken[name] += times
    faults = [fault for one in walking for fault in one.faults]
    head = {"benchmark": "load", "part": part, "users": users, "seconds": seconds}
    limits = taken.pop(HEALTH)
    limit = statistics.median(limits)
    for name, times in sorted(taken.items()):
        yield {
            **head, "page": name, "requests": len(times),
            "errors": sum(one.startswith(f"{name}: ") for one in faults), **_times(times),
            "peer_p50_ms": round(limit, 1), "ratio": round(statistics.median(times) / limit, 1),
        }  # fmt: skip
    every = [one for times in taken.values() for one in times]
    yield {
        **head, "page": "all", "requests": len(every), "errors": len(faults),
        "faults": sorted(set(faults))[:10], "per_s": round(len(every) / wall, 1),
        **_times(every), "peer_p50_ms": round(limit, 1),
        "ratio": round(statistics.median(every) / limit, 1), "server_cpu_s": round(used, 1),
        "cpu_ms_per_request": round(used * 1000 / len(every), 1), "load": machine.load(),
    }  # fmt: skip


def _times(taken: Sequence[float]) -> Row:
    cut = statistics.quantiles(taken, n=20)[-1] if len(taken) > 1 else taken[0]
    return {"p50_ms": round(statistics.median(taken), 1), "p95_ms": round(cut, 1)}


def _cpu_s(site: Installation) -> float:
    """Processor seconds of supervisor, web and worker until now."""
    ticks = 0
    for pid in site.pids():
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")
