"""The due list of opening review: pages, counts and the plan, and how they grow with the holdings.

`python -m benchmarks --size small|full opening`.  `ratio` is the median over that of a page of the
same rows by their key in the same run; `growth` is the median over that of ten times fewer records.
"""

import json
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from tests.homes import new_knobs

SIZES = {"small": (1_000, 5_000), "full": (10_000, 100_000, 1_000_000)}
TODAY = 20261126
ROUNDS = 15
FONDS, YEARS = 200, range(1960, 2027)
SETTLED = 0.2  # of the records are opened or under review already
PAGE = 50

Row = dict[str, Any]


def _p50(work: Callable[[], Any]) -> float:
    """Milliseconds at the median after a warm-up."""
    work()
    times = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        work()
        times.append((time.perf_counter() - begun) * 1000)
    return statistics.median(times)


def measure(count: int) -> Iterator[Row]:
    """Every read of the due list over so many records, two thirds of them due."""
    from django.db import connection

    from liandong.archive.models import Record
    from liandong.archive.policies import SYSTEM
    from liandong.archive.queries.opening import due_counts, due_records

    _fill(count)
    who: dict[str, Any] = {"viewer": SYSTEM, "today": TODAY}
    middle = Record.objects.filter(awaits_opening=True, open_due__lte=TODAY).order_by("open_due")
    start = middle.values_list("open_due", "pk")[middle.count() // 2]
    by_key = Record.objects.select_related("fonds").order_by("pk")
    peer = _p50(lambda: list(by_key.filter(pk__gt=count // 2)[: PAGE + 1]))
    due = sum(one.count for one in due_counts(**who))
    reads: dict[str, Callable[[], Any]] = {
        "first page": lambda: due_records(**who, limit=PAGE),
        "page in the middle": lambda: due_records(**who, after=start, limit=PAGE),
        "first page of a fonds": lambda: due_records(**who, fonds="Z007", limit=PAGE),
        "first page of a year": lambda: due_records(**who, year=2010, limit=PAGE),
        "counts by fonds and year": lambda: due_counts(**who),
    }
    for name, work in reads.items():
        taken = _p50(work)
        yield {
            "benchmark": "opening", "part": connection.vendor, "records": count, "due": due,
            "read": name, "p50_ms": round(taken, 3), "peer_p50_ms": round(peer, 3),
            "ratio": round(taken / peer, 2),
        }  # fmt: skip


def _fill(count: int) -> None:
    from django.utils import timezone

    from liandong.archive.models import ArchivalClass, Fonds, Record
    from liandong.kernel.opening import due_day

    now, dice = timezone.now(), random.Random(count)  # noqa: S311 - a corpus
    places = []
    for number in range(FONDS):
        fonds = Fonds.objects.create(number=f"Z{number:03d}", title=f"全宗 {number}")
        places.append(
            ArchivalClass.objects.create(fonds=fonds, category="WS", year="", retention="Y")
        )
    rows: list[Record] = []
    for at in range(1, count + 1):
        place, year = places[at % FONDS], dice.choice(YEARS)
        day = year * 10_000 + dice.randint(1, 12) * 100 + dice.randint(1, 28)
        rows.append(
            Record(
                pk=at, code=f"{place.fonds.number}-WS·{year}-Y-{at:07d}", archival_class=place,
                fonds=place.fonds, category="WS", year=str(year), retention="Y", number=at,
                title=f"关于第{at}号事项的通知", document_date=day, admitted_at=now,
                admitted_by="li", level=dice.choice((1, 1, 1, 2)), unit="BGS",
                description={"title": f"关于第{at}号事项的通知"},
                open_due=due_day(day, str(year), 25), awaits_opening=dice.random() >= SETTLED,
            )
        )  # fmt: skip
        if len(rows) == 2000:
            Record.objects.bulk_create(rows, batch_size=500)
            rows.clear()
    Record.objects.bulk_create(rows, batch_size=500)


# Parts in processes of their own ------------------------------------------------------------------


def run(size: str = "small") -> Iterator[Row]:
    """JSON-ready figures; each size in a process and a data folder of its own."""
    for on_server in (False, True) if os.environ.get("TEST_POSTGRES") else (False,):
        before: dict[str, float] = {}
        for count in SIZES[size]:
            for row in _inside(count, on_server=on_server):
                last = before.get(row["read"])
                before[row["read"]] = row["p50_ms"]
                yield {**row, "growth": round(row["p50_ms"] / last, 2) if last else None}


def _inside(count: int, *, on_server: bool) -> Iterator[Row]:
    command = [sys.executable, "-m", "benchmarks.opening", str(count)]
    with new_knobs(on_server=on_server) as knobs:
        done = subprocess.run(
            command, env=os.environ | knobs, stdout=subprocess.PIPE, text=True, check=True
        )
    yield from (json.loads(line) for line in done.stdout.splitlines())


def _main(count: int) -> None:
    import django

    os.environ["DJANGO_SETTINGS_MODULE"] = "liandong.site.settings"
    django.setup()
    for row in measure(count):
        print(json.dumps(row, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    _main(int(sys.argv[1]))
