"""What the API costs by a key: requests a second and how long one takes, over a bare server.

`python -m benchmarks --size small|full api`.  The installation runs as in production, web processes
and worker.  The peer is the same server program with as many processes and threads, which reads
the same requests and answers the same bytes from a file; both are asked in turns.  `ratio` is the
median over that of the peer.
"""

import http.client
import io
import itertools
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode
from uuid import uuid4

from tests.homes import new_home

from . import access, machine, search

SIZES = {"small": (2_000,), "full": (10_000, 100_000)}
ONE_BY_ONE = 100  # requests of each kind, for the times
AT_ONCE = 4  # callers, for the rate
OF_EACH = 50  # requests of each caller
ROUNDS = 2  # of each side
PACKAGES = 20  # handed over by each side and round: the worker then reads them
PATIENCE_S = 120
WORKERS, THREADS = 1, 4  # web processes of each side, and threads, as in `liandong.site.server`
ANSWERS = "BENCH_ANSWERS"

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """One request; a POST gets a token of its own when it is sent."""

    method: str
    path: str
    body: bytes = b""


# What is asked ------------------------------------------------------------------------------------


def requests_of(codes: Sequence[str], count: int) -> dict[str, Callable[[], Request]]:
    """Makers of the requests of each kind, one after another."""
    words = itertools.cycle(search.questions(count)["one word"])
    turns = itertools.cycle(codes)
    package = _package()
    asked = urlencode({"file": "通知.zip", "sha256": sha256(package).hexdigest()})
    return {
        "search": lambda: Request("GET", f"/api/v1/search?{urlencode({'q': next(words)})}"),
        "record": lambda: Request("GET", f"/api/v1/records/{quote(next(turns))}"),
        "transfers": lambda: Request("GET", "/api/v1/transfers"),
        "hand over": lambda: Request("POST", f"/api/v1/packages?{asked}", package),
    }


def _package() -> bytes:
    """A zip with one small text."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("通知/关于做好防汛工作的通知.txt", "各单位：请做好防汛工作。\n" * 20)
    return made.getvalue()


class Caller:
    """One connection that stays open, to one side."""

    def __init__(self, port: int, key: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._key = key

    def send(self, one: Request) -> tuple[int, bytes]:
        """Status and body of the answer."""
        headers = {"Authorization": f"Bearer {self._key}", "Accept-Language": "zh-CN"}
        if one.method == "POST":
            headers |= {"Idempotency-Key": uuid4().hex, "Content-Type": "application/octet-stream"}
        self._connection.request(one.method, one.path, one.body or None, headers)
        answer = self._connection.getresponse()
        return answer.status, answer.read()


# The measurement ----------------------------------------------------------------------------------


def measure(count: int) -> Iterator[Row]:
    """Every kind of request over so many records."""
    with new_home() as home:
        knobs = {
            "LIANDONG_HOME": home, "LIANDONG_LOG_LEVEL": "ERROR",
            "LIANDONG_WEB_WORKERS": str(WORKERS), "LIANDONG_API_PER_MINUTE": "100000",
            ANSWERS: f"{home}/answers",
        }  # fmt: skip
        begun = time.perf_counter()
        filled = subprocess.run(
            [sys.executable, "-m", "benchmarks.api", str(count)], env=os.environ | knobs,
            stdout=subprocess.PIPE, text=True, check=True,
        )  # fmt: skip
        told = json.loads(filled.stdout.splitlines()[-1])
        filled_s = round(time.perf_counter() - begun, 1)
        Path(home, "answers").write_bytes(b"")
        head = {"benchmark": "api", "records": count, "filled_s": filled_s}
        with serving(product, knobs) as real, serving(bare_server, knobs) as bare:
            for kind, make in requests_of(told["codes"], count).items():
                yield {
                    **head,
                    "request": kind,
                    **_compared(kind, make, real, bare, told["key"], home),
                }


def _compared(
    kind: str, make: Callable[[], Request], real: int, bare: int, key: str, home: str
) -> Row:
    """Both sides in turns; the peer answers what the real one last answered."""
    status, body = Caller(real, key).send(make())
    if status >= http.HTTPStatus.BAD_REQUEST:
        raise RuntimeError(f"{kind}: {status} {body[:300]!r}")
    Path(home, "answers").write_bytes(body)
    few = PACKAGES if kind == "hand over" else ONE_BY_ONE
    sides = {"": real, "peer_": bare}
    times: dict[str, list[float]] = {name: [] for name in sides}
    rates: dict[str, list[float]] = {name: [] for name in sides}
    for name, port in list(sides.items()) * ROUNDS:
        times[name] += _times(Caller(port, key), [make() for _ in range(few)])
        asked = [[make() for _ in range(min(few, OF_EACH))] for _ in range(AT_ONCE)]
        rates[name].append(_rate(port, key, asked))
    row: Row = {"bytes": len(body), "calls": few * ROUNDS, "callers": AT_ONCE}
    for name, taken in times.items():
        cuts = statistics.quantiles(taken, n=20)
        row |= {
            f"{name}p50_ms": round(statistics.median(taken), 2),
            f"{name}p95_ms": round(cuts[-1], 2),
            f"{name}per_s": round(max(rates[name]), 1),
        }
    ratio = statistics.median(times[""]) / statistics.median(times["peer_"])
    return {**row, "ratio": round(ratio, 1), "load": machine.load()}


def _times(caller: Caller, asked: Iterable[Request]) -> list[float]:
    """Milliseconds of each, one after another; every one must be answered."""
    found = []
    for one in asked:
        begun = time.perf_counter()
        status, body = caller.send(one)
        found.append((time.perf_counter() - begun) * 1000)
        _check(status, body)
    return found


def _rate(port: int, key: str, asked: Sequence[Sequence[Request]]) -> float:
    """Requests a second of so many callers at once."""
    start = threading.Barrier(len(asked) + 1)

    def call(mine: Sequence[Request]) -> None:
        caller = Caller(port, key)
        start.wait()
        for one in mine:
            _check(*caller.send(one))

    with ThreadPoolExecutor(len(asked)) as pool:
        running = [pool.submit(call, mine) for mine in asked]
        start.wait()
        begun = time.perf_counter()
        for one in running:
            one.result()
        return sum(map(len, asked)) / (time.perf_counter() - begun)


def _check(status: int, body: bytes) -> None:
    if status >= http.HTTPStatus.BAD_REQUEST:
        raise RuntimeError(f"{status} {body[:300]!r}")


# Both sides ---------------------------------------------------------------------------------------


def product(port: int) -> list[str]:
    """The command that runs the product on a port."""
    return [sys.executable, "-m", "liandong.site", "serve", "--port", str(port)]


def bare_server(port: int) -> list[str]:
    """The command that runs the peer on a port."""
    return [
        sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1",
        "--port", str(port), "--workers", str(WORKERS), "--blocking-threads", str(THREADS),
        "--log-level", "warning", "benchmarks.api:answer",
    ]  # fmt: skip


def answer(environ: Mapping[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """The peer: a WSGI application that reads the request and answers what the file has."""
    environ["wsgi.input"].read()
    body = Path(os.environ[ANSWERS]).read_bytes()
    start_response(
        "200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    )
    return [body]


@contextmanager
def serving(command: Callable[[int], list[str]], knobs: Mapping[str, str]) -> Iterator[int]:
    """The port of a server that answers."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    server = subprocess.Popen(command(port), env=os.environ | dict(knobs), stdout=sys.stderr)
    try:
        _wait_for(port, server)
        yield port
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(60)


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until and server.poll() is None:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/healthz/")
            connection.getresponse().read()
            return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError("the server did not start")


# The installation ---------------------------------------------------------------------------------


def _fill(count: int) -> Row:
    """Records in rows and index, a department, and its key; what the caller must know."""
    from datetime import timedelta

    from django.utils import timezone

    from liandong.archive.queries.granting import readable
    from liandong.archive.services.indexing import reindex_all
    from liandong.base.models import Account, Post, Role, Unit
    from liandong.kernel.viewer import Viewer
    from liandong.portal.policies import SCOPES
    from liandong.portal.services.keys import issue_key

    access.fill(count)
    reindex_all()
    unit = Unit.objects.create(code=access.UNIT, name="办公室")
    account = Account.objects.create(username="api", unit=unit, clearance=1)
    Post.objects.create(account=account, role=Role.CLERK)
    now = timezone.now()
    issued = issue_key(
        name="办公系统", unit=unit, account=account, scopes=tuple(SCOPES), by="officer", now=now,
        expires_at=now + timedelta(days=1), per_minute=100_000,
    )  # fmt: skip
    viewer = Viewer("api", unit.code, 1, frozenset({"clerk"}))
    seen = readable(viewer, access.TODAY).order_by("pk").values_list("code", flat=True)
    return {"key": issued.token, "codes": list(seen[:ONE_BY_ONE])}


def run(size: str = "small") -> Iterator[Row]:
    """JSON-ready figures; each size in a data folder of its own."""
    for count in SIZES[size]:
        yield from measure(count)


def _main(count: int) -> None:
    import django
    from django.core.management import call_command

    os.environ["DJANGO_SETTINGS_MODULE"] = "liandong.site.settings"
    django.setup()
    call_command("migrate", verbosity=0)
    print(json.dumps(_fill(count)), flush=True)


if __name__ == "__main__":
    _main(int(sys.argv[1]))
