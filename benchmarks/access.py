"""What the access rule costs: lists in the database and questions to the index, over no rule.

`python -m benchmarks --size small|full access`.  Times with the rule of each kind of person over
times of the same work without a rule, on the same rows in the same run.  `ratio` is the rule over
none at the median by the clock, `cpu_ratio` of the processor; the target is 1.15.  TEST_POSTGRES
names a PostgreSQL server to measure too.
"""

import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from tests.homes import new_knobs

from liandong.kernel.access import EVERYONE, Rule
from liandong.kernel.ports import MaskedText, SearchDocument
from liandong.kernel.query import parse
from liandong.kernel.viewer import USES, Share, Viewer

from . import search

SIZES = {"small": (1_000, 4_000), "full": (10_000, 100_000, 1_000_000)}
TODAY = 20260101
ROUNDS = 20  # of each list, after a warm-up
QUESTIONS = 20  # of each kind
SHARES = (0, 5, 50)  # grants of one person, each of 20 records
SECRET = 0.3  # of the records have personal information
PER_GRANT = 20
UNIT = "U07"

Row = dict[str, Any]


def viewers() -> dict[str, Viewer]:
    """The kinds of person whose rules differ."""
    clerk = Viewer("clerk", UNIT, 1, frozenset({"clerk"}))
    found = {
        "stranger": Viewer(),
        "archivist": Viewer("archivist", "", 2, frozenset({"archivist"})),
    }
    for count in SHARES:
        grants = tuple(
            Share(f"G{number}", number % 2 == 0, frozenset(USES)) for number in range(count)
        )
        found[f"clerk, {count} grants"] = replace(clerk, shares=grants)
    return found


def documents(count: int) -> Iterator[SearchDocument]:
    """The corpus of the search benchmark with personal information, its masks, and grants."""
    dice = random.Random(count + 7)  # noqa: S311 - a corpus
    named = grants_of(count)
    for made in search.documents(count, "records"):
        personal = dice.choice((1, 2)) if dice.random() < SECRET else 0
        shares = frozenset(named.get(made.record_id, ()))
        yield replace(
            made,
            facts={**made.facts, "personal": personal, "shares": shares},
            masked=_masked(made) if personal else None,
        )


def _masked(made: SearchDocument) -> MaskedText:
    """The names, which begin the text, are masked."""
    _name, _blank, rest = made.body.partition(" ")
    author = made.facets["author"]
    return MaskedText(made.title, made.document_number, f"某** {rest}", author)


def grants_of(count: int) -> dict[int, list[str]]:
    """Codes of the grants that name a record, by its number."""
    dice = random.Random(count + 8)  # noqa: S311 - a corpus
    found: dict[int, list[str]] = {}
    for grant in range(max(SHARES)):
        for number in dice.sample(range(1, count + 1), PER_GRANT):
            found.setdefault(number, []).append(f"G{grant}")
    return found


def _p50(works: Sequence[Callable[[], Any]]) -> tuple[float, float]:
    """Milliseconds at the median, by the clock and of the processor; each work once, warmed up."""
    for work in works[:5]:
        work()
    clock, processor = [], []
    for work in works:
        begun, spent = time.perf_counter(), time.process_time()
        work()
        clock.append((time.perf_counter() - begun) * 1000)
        processor.append((time.process_time() - spent) * 1000)
    return statistics.median(clock), statistics.median(processor)


def _compared(none: Sequence[Callable[[], Any]], rule: Sequence[Callable[[], Any]]) -> Row:
    """Both in turns, so that other work on the machine hits both alike."""
    pairs = [(_p50(none), _p50(rule)) for _ in range(3)]
    row = {}
    for at, word in enumerate(("ms", "cpu_ms")):
        without, with_rule = (min(pair[which][at] for pair in pairs) for which in (0, 1))
        row |= {f"none_p50_{word}": round(without, 3), f"rule_p50_{word}": round(with_rule, 3)}
        row["ratio" if word == "ms" else "cpu_ratio"] = round(with_rule / without, 3)
    return row


# The index ----------------------------------------------------------------------------------------


def measure_search(count: int) -> Iterator[Row]:
    """Questions of every kind: ten hits, the exact count and one facet."""
    from liandong.archive.policies import may_read, may_read_whole
    from liandong.engines.search.tantivy import TantivySearch

    head = {"benchmark": "access", "part": "search", "records": count}
    with tempfile.TemporaryDirectory(prefix="liandong-bench-") as folder:
        engine = TantivySearch(Path(folder) / "index", day=TODAY)
        engine.rebuild(documents(count))

        def works(texts: Sequence[str], visible: Rule, whole: Rule) -> list[Callable[[], Any]]:
            return [
                partial(
                    engine.find, query, visible=visible, whole=whole, limit=10, facets=("year",)
                )
                for query in map(parse, texts)
            ]

        for kind, texts in search.questions(count).items():
            asked = texts[:QUESTIONS]
            for who, viewer in viewers().items():
                rules = may_read(viewer, TODAY), may_read_whole(viewer, TODAY)
                hits = [work().count for work in works(asked, *rules)]
                row = _compared(works(asked, EVERYONE, EVERYONE), works(asked, *rules))
                mean = round(statistics.mean(hits))
                yield {**head, "question": kind, "viewer": who, **row, "mean_hits": mean}
        engine.close()


# The database -------------------------------------------------------------------------------------


def measure_lists(count: int) -> Iterator[Row]:
    """Lists of the pages: the newest, one class, the tree, one record, a count."""
    from django.db import connection

    from liandong.archive.models import ArchivalClass, Record

    head = {"benchmark": "access", "part": connection.vendor, "records": count}
    fill(count)
    classes = list(ArchivalClass.objects.order_by("?").values_list("pk", flat=True)[:ROUNDS])
    records = list(Record.objects.order_by("?").values_list("pk", flat=True)[:ROUNDS])
    for who, viewer in viewers().items():
        for name, none, rule in _lists(viewer, classes, records):
            yield {**head, "list": name, "viewer": who, **_compared(none, rule)}


def _lists(
    viewer: Viewer, classes: Sequence[int], records: Sequence[int]
) -> Iterator[tuple[str, list[Callable[[], Any]], list[Callable[[], Any]]]]:
    from liandong.archive.models import ArchivalClass, Record
    from liandong.archive.queries import holdings_tree
    from liandong.archive.queries.granting import readable

    every = Record.objects.select_related("fonds")
    mine = readable(viewer, TODAY).select_related("fonds")
    yield (
        "newest 20",
        [lambda: list(every.order_by("-pk")[:20])] * ROUNDS,
        [lambda: list(mine.order_by("-pk")[:20])] * ROUNDS,
    )
    yield (
        "class, 50 rows",
        [partial(_page, every, pk) for pk in classes],
        [partial(_page, mine, pk) for pk in classes],
    )
    yield (
        "one record",
        [partial(_one, every, pk) for pk in records],
        [partial(_one, mine, pk) for pk in records],
    )
    yield (
        "tree of one fonds",
        [lambda: _tree(ArchivalClass.objects.filter(record_count__gt=0))] * 10,
        [lambda: holdings_tree(viewer=viewer, today=TODAY, fonds="Z001", category="WS")] * 10,
    )


def _page(rows: Any, class_id: int) -> list[Any]:
    return list(rows.filter(archival_class=class_id, code__gt="").order_by("code")[:51])


def _one(rows: Any, pk: int) -> Any:
    return rows.filter(pk=pk).first()


def _tree(classes: Any) -> list[Any]:
    from django.db.models import Sum

    chosen = classes.filter(fonds__number="Z001", category="WS")
    return list(chosen.values_list("year").annotate(count=Sum("record_count")).order_by("-year"))


def fill(count: int) -> None:
    """Rows of records, classes and grants; nothing is packed."""
    from django.utils import timezone

    from liandong.archive.models import ArchivalClass, Fonds, Record, SharedRecord, ShareGrant
    from liandong.base.models import Account

    now = timezone.now()
    fonds = {
        f"Z{n:03d}": Fonds.objects.create(number=f"Z{n:03d}", title=f"全宗 {n}") for n in range(200)
    }
    classes: dict[tuple[str, str, str, str], Any] = {}
    held: dict[Any, int] = {}
    made_ones = documents(count)
    while chunk := list(islice(made_ones, 2000)):
        rows = []
        for made in chunk:
            facets = made.facets
            key = (facets["fonds"], facets["category"], facets["year"], facets["retention"])
            if key not in classes:
                classes[key] = ArchivalClass.objects.create(
                    fonds=fonds[key[0]], category=key[1], year=key[2], retention=key[3]
                )
            place = classes[key]
            held[place.pk] = number = held.get(place.pk, 0) + 1
            code = f"{key[0]}-{key[1]}·{key[2]}-{key[3]}-{number:04d}"
            rows.append(
                Record(
                    pk=made.record_id, code=code, archival_class=place, fonds=fonds[key[0]],
                    category=key[1], year=key[2], retention=key[3], number=number,
                    title=made.title, document_number=made.document_number,
                    author=facets["author"], document_date=made.date, admitted_at=now,
                    admitted_by="li", description={"archival_code": code, "title": made.title},
                    level=made.facts["level"], open_from=made.facts["open_from"],
                    unit=made.facts["unit"], personal=made.facts["personal"],
                )
            )  # fmt: skip
        Record.objects.bulk_create(rows, batch_size=500)
    for place in ArchivalClass.objects.all():
        place.record_count = held[place.pk]
        place.save(update_fields=["record_count"])
    account = Account.objects.create(username="clerk")
    grants = {
        f"G{n}": ShareGrant.objects.create(
            code=f"G{n}", account=account, purpose="编史修志", uses=",".join(USES), whole=True,
            begins_at=now, ends_at=now + timedelta(days=1), granted_at=now,
            granted_by="li",
        )
        for n in range(max(SHARES))
    }  # fmt: skip
    SharedRecord.objects.bulk_create(
        SharedRecord(grant=grants[code], record_id=number)
        for number, codes in grants_of(count).items()
        for code in codes
    )


# Parts in processes of their own ------------------------------------------------------------------


def run(size: str = "small") -> Iterator[Row]:
    """JSON-ready figures; each part in a process and a data folder of its own."""
    for count in SIZES[size]:
        yield from _inside("search", count)
        yield from _inside("lists", count)
        if os.environ.get("TEST_POSTGRES"):
            yield from _inside("lists", count, on_server=True)


def _inside(part: str, count: int, *, on_server: bool = False) -> Iterator[Row]:
    command = [sys.executable, "-m", "benchmarks.access", part, str(count)]
    with new_knobs(on_server=on_server) as knobs:
        done = subprocess.run(
            command, env=os.environ | knobs, stdout=subprocess.PIPE, text=True, check=True
        )
    yield from (json.loads(line) for line in done.stdout.splitlines())


def _main(part: str, count: int) -> None:
    import django

    os.environ["DJANGO_SETTINGS_MODULE"] = "liandong.site.settings"
    django.setup()
    for row in (measure_search if part == "search" else measure_lists)(count):
        print(json.dumps(row, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    _main(sys.argv[1], int(sys.argv[2]))
