"""Pages of cases: the whole answer of the list, the queue and one case, by role and size.

`python -m benchmarks --size small|full case_lists`; on PostgreSQL too where LIANDONG_DATABASE names
a server.  Rows are made by code: one in fifty is open, the others are filed.  The peer in the same
run is a page of the same rows by their key, without rule, filter or template; `ratio` is the median
over it, `growth` over that of ten times fewer cases.  `cpu` is the time that the process had, which
a machine with other work leaves nearly as it is.
"""

import json
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from tests.homes import new_knobs

from . import machine

SIZES = {"small": (1_000, 5_000), "full": (10_000, 100_000, 1_000_000)}
NOW = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)
UNITS, CELLS, FIRMS = 60, 400, 500
OPEN_SHARE = 0.02  # three years of cases, three weeks each
OPEN = (
    "submitted", "verifying", "accepted", "dispatched", "in_progress", "parked", "inspecting",
    "resolved",
)  # fmt: skip
ROUNDS = 20
CHUNK = 5_000
Row = dict[str, Any]


def measure(count: int) -> Iterator[Row]:
    """Every page over so many cases, the one that is asked for most first."""
    from django.db import connection
    from django.test import Client

    from liandong.base.models import Account
    from liandong.cases.models import Case
    from liandong.cases.queries.cases import PAGE

    begun = time.perf_counter()
    _fill(count)
    filled = round(time.perf_counter() - begun, 1)
    middle = Case.objects.order_by("pk")[count // 2]
    peer, _worked = _times(
        lambda: list(Case.objects.filter(pk__lt=middle.pk).order_by("-pk")[:PAGE])
    )
    for who, paths in _pages(middle.number, middle.pk).items():
        client = Client()
        client.force_login(Account.objects.get(username=who))
        for name, path in paths.items():
            taken, worked = _times(partial(_ask, client, path))
            yield {
                "benchmark": "case_lists", "part": connection.vendor, "cases": count,
                "filled_s": filled, "who": who, "page": name,
                "p50_ms": round(statistics.median(taken), 1),
                "p95_ms": round(statistics.quantiles(taken, n=20)[-1], 1),
                "cpu_p50_ms": round(statistics.median(worked), 1),
                "cpu_p95_ms": round(statistics.quantiles(worked, n=20)[-1], 1),
                "peer_p50_ms": round(statistics.median(peer), 2),
                "ratio": round(statistics.median(taken) / statistics.median(peer), 1),
            }  # fmt: skip


def _pages(number: str, key: int) -> dict[str, dict[str, str]]:
    return {
        "desk": {
            "list": "/cases/", "list, a page in the middle": f"/cases/?after={key}",
            "list, one state": "/cases/?state=in_progress", "list, late": "/cases/?late=1",
            "list, one unit": "/cases/?unit=D07", "list, words": "/cases/?q=路灯",
            "list, rare words": "/cases/?q=仅此一处",
            "queue": "/cases/inbox/", "one case": f"/cases/{number}/",
        },
        "handler": {"list": "/cases/", "list, late": "/cases/?late=1"},
        "grid": {"list": "/cases/"},
        "firm": {"list": "/cases/"},
        "citizen": {"list": "/cases/"},
    }  # fmt: skip


def _ask(client: Any, path: str) -> None:
    answer = client.get(path)
    if answer.status_code != 200:
        raise RuntimeError(f"{path}: {answer.status_code}")


def _times(work: Callable[[], Any]) -> tuple[list[float], list[float]]:
    """Milliseconds of each round after a warm-up: by the clock, and of the process."""
    work()
    taken, worked = [], []
    for _ in range(ROUNDS):
        begun, had = time.perf_counter(), time.process_time()
        work()
        taken.append((time.perf_counter() - begun) * 1000)
        worked.append((time.process_time() - had) * 1000)
    return taken, worked


# The cases ----------------------------------------------------------------------------------------


def _fill(count: int) -> None:
    from django.db import connection

    from liandong.base.models import Account, Post, Role, Unit
    from liandong.cases.models import Case, GridCell
    from liandong.cases.services.reading_words import read_blocks

    dice = random.Random(count)  # noqa: S311 - a corpus
    codes = [f"D{number:02}" for number in range(UNITS)] + [f"F{one:03}" for one in range(FIRMS)]
    Unit.objects.bulk_create([Unit(code=code, name=f"单位{code}") for code in codes])
    units = dict(Unit.objects.values_list("code", "pk"))
    GridCell.objects.bulk_create([
        GridCell(
            code=f"3716020010{number:05}", name=f"网格{number}", unit_id=units["D00"],
            outline=[], south=37, north=38, west=118, east=119,
        )
        for number in range(CELLS)
    ])  # fmt: skip
    cells = list(GridCell.objects.values_list("pk", flat=True))
    people = {
        "desk": (Role.DESK, "D01"), "handler": (Role.HANDLER, "D07"),
        "grid": (Role.GRID_WORKER, "D00"), "firm": (Role.ENTERPRISE, "F007"),
        "citizen": (Role.READER, None),
    }  # fmt: skip
    for name, (role, code) in people.items():
        account = Account.objects.create(
            username=name, unit_id=units[code] if code else None, clearance=2, is_active=True
        )
        Post.objects.create(account=account, role=role)
    own = min(count, CHUNK)
    Case.objects.bulk_create([_case(number, own, dice, units, cells) for number in range(own)])
    columns = [one.column for one in Case._meta.concrete_fields if one.column != "id"]
    fresh = {
        "uuid": "lower(hex(randomblob(16)))" if connection.vendor == "sqlite"
        else "gen_random_uuid()",
        "title": "replace(title, '仅此一处', '井盖破损')",
    }  # fmt: skip
    copied = ", ".join(fresh.get(name, name) for name in columns)
    with connection.cursor() as cursor:
        for _ in range(count // own - 1):  # the same again, newer
            cursor.execute(
                f"INSERT INTO cases_case ({', '.join(columns)}) SELECT {copied} FROM cases_case"  # noqa: S608 - names of ours
                f" WHERE id <= (SELECT min(id) FROM cases_case) + {own - 1} ORDER BY id"
            )
    while read_blocks():
        pass
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _case(number: int, count: int, dice: random.Random, units: Any, cells: list[int]) -> Any:
    from liandong.cases.models import Case

    at = NOW - timedelta(days=3 * 365) * ((count - number) / count)
    is_open = dice.random() < OPEN_SHARE
    state = dice.choice(OPEN) if is_open else "filed"
    is_demand = dice.random() < 0.1
    led = not is_open or state not in OPEN[:3]
    due = at + timedelta(days=dice.randint(1, 40)) if is_open else None
    return Case(
        uuid=UUID(int=dice.getrandbits(128), version=4),
        kind="enterprise_demand" if is_demand else "snap_report", channel="web", state=state,
        outcome="" if is_open else "solved", record="active" if is_open else "filed",
        title="仅此一处" if number == 7 else dice.choice(["路灯不亮", "井盖破损", "暴露垃圾"]),
        text="路口有一处，请派人处理。", category="E0101", severity="normal",
        address=f"黄河{number % 900}路", lat=37 + dice.random(), lon=118 + dice.random(),
        datum="wgs84", grid_id=dice.choice(cells), level=1,
        enterprise_id=units[f"F{number % FIRMS:03}"] if is_demand else None,
        lead_unit_id=units[f"D{number % UNITS:02}"] if led else None, desk_unit_id=units["D01"],
        due_at=due, clock="T5" if due else "", submitted_at=at, changed_at=at,
        over_at=None if is_open else at + timedelta(days=9), last=1,
    )  # fmt: skip


def run(size: str = "small") -> Iterator[Row]:
    """JSON-ready figures; each size in a process and a data folder of its own."""
    before: dict[tuple[str, str], float] = {}
    for count in SIZES[size]:
        with new_knobs() as knobs:
            done = subprocess.run(
                [sys.executable, "-m", "benchmarks.case_lists", str(count)],
                env=os.environ | knobs, stdout=subprocess.PIPE, text=True, check=True,
            )  # fmt: skip
        for line in done.stdout.splitlines():
            row = json.loads(line)
            key = (row["who"], row["page"])
            if key in before:
                row["growth"] = round(row["p50_ms"] / before[key], 2)
            before[key] = row["p50_ms"]
            yield row | {"load": machine.load()}


def _main(count: int) -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "liandong.site.settings"
    import django
    from django.conf import settings

    django.setup()
    settings.ALLOWED_HOSTS = ["*"]
    from liandong.site import wsgi  # noqa: F401 - the process is set up as one of the web server

    for row in measure(count):
        print(json.dumps(row, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    _main(int(sys.argv[1]))
