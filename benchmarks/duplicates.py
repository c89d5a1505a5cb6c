"""Whether duplicates are suggested and strangers are not, beside the 250 m rule; and how fast.

`python -m benchmarks duplicates` prints JSON lines.  Quality: reports of the City of Boston 2015
(three categories, LIANDONG_TEST_DATA), split by time into a tuning half, on which weights and
thresholds were chosen, and a held-out half.  Truth is the city's own closing words: "duplicate".
Recall is the share of cases so closed for which something would be suggested, noise the share of
all others for which something would; both leave out reports at the geocoder's default point, as the
figures of the 250 m rule do.  The peer is the rule of FixMyStreet, same category, 250 m, in the
same run; `ratio` is noise over its noise.  Speed: one suggestion for a desk in a database of 10,000
to 1,000,000 cases.
"""

import csv
import json
import os
import random
import re
import statistics
import subprocess
import sys
import time
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.homes import new_home

from liandong.kernel.likeness import (
    DAYS,
    RADIUS,
    Side,
    box_around,
    default_points,
    metres_between,
    ranked,
    rate_bits,
    weights,
)
from liandong.kernel.places import COARSE

from . import machine

if TYPE_CHECKING:
    from liandong.kernel.viewer import Viewer

COUNTS = {"small": (2_000, 20_000), "full": (10_000, 100_000, 1_000_000)}
ASKED = 200  # suggestions timed at each size
NOW = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)
SPLIT = datetime(2015, 6, 1, tzinfo=UTC)  # tuning before, held out from here
RULE_DAYS = 30
FILES = ("Missing Sign", "Rodent Activity", "Unsafe Dangerous Conditions")
DATA = Path(os.environ.get("LIANDONG_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Past:
    """A report, whether it was closed as a duplicate, and the earlier ones around it."""

    side: Side
    is_duplicate: bool
    others: Sequence[Side]


def run(size: str = "small") -> Iterator[Row]:
    """JSON-ready figures: quality in this process, speed in a data folder of its own."""
    yield from quality()
    for count in COUNTS[size]:
        with new_home() as home:
            knobs = {"LIANDONG_HOME": home, "LIANDONG_LOG_LEVEL": "ERROR"}
            done = subprocess.run(
                [sys.executable, "-m", "benchmarks.duplicates", str(count)],
                env=os.environ | knobs, stdout=subprocess.PIPE, text=True, check=True,
            )  # fmt: skip
        yield from (json.loads(line) for line in done.stdout.splitlines())


# Quality ------------------------------------------------------------------------------------------


def quality() -> Iterator[Row]:
    """Recall and noise by half, by rule, over all categories and in the one with duplicates."""
    past = list(_past())
    by = weights()
    rates = _rates([one for one in past if one.side.at < SPLIT])
    rules: dict[str, Callable[[Past], bool]] = {
        f"same category, {RADIUS:.0f} m, {RULE_DAYS} days": _is_near,
        f"ours, desk ({by.suggest_from} bits)": lambda one: _best(one, rates) >= by.suggest_from,
        f"ours, public ({by.public_from} bits, coarse places)": (
            lambda one: _best(_as_public(one), rates) >= by.public_from
        ),
        "ours, desk, without rates of categories": lambda one: _best(one, {}) >= by.suggest_from,
    }
    halves = {
        "tuning": [one for one in past if one.side.at < SPLIT],
        "held out": [one for one in past if one.side.at >= SPLIT],
    }
    for half, rows in halves.items():
        for category in ("", FILES[0]):
            some = [one for one in rows if category in {"", one.side.category}]
            peer: Row = {}
            for name, rule in rules.items():
                told = [(one.is_duplicate, rule(one)) for one in some]
                row = _figures(half, category or "all", name, told)
                peer = peer or row  # the rule of FixMyStreet comes first
                yield _beside(peer, row)
            for row in _same_recall(half, category or "all", some, rates):
                yield _beside(peer, row)


def _beside(peer: Row, row: Row) -> Row:
    """With `ratio`: its noise over that of the peer."""
    return {**row, "ratio": round(row["noise"] / peer["noise"], 3)}


def _same_recall(
    half: str, category: str, rows: Sequence[Past], rates: Mapping[str, float]
) -> Iterator[Row]:
    """The noise of ours where its threshold is set to find as many as the rule does in this half:
    the curve, not a setting, since it looks at the labels."""  # fmt: skip
    found = sum(one.is_duplicate and _is_near(one) for one in rows)
    for name, known in (("", rates), (", without rates of categories", {})):
        bits = [(one.is_duplicate, _best(one, known)) for one in rows]
        least = sorted((one for is_dup, one in bits if is_dup), reverse=True)[found - 1]
        yield _figures(half, category, f"ours at the rule's recall ({least:.1f} bits){name}", [
            (is_dup, one >= least) for is_dup, one in bits
        ])  # fmt: skip


def _is_near(one: Past) -> bool:
    return any(
        other.category == one.side.category
        and (one.side.at - other.at).days < RULE_DAYS
        and _metres(one.side, other) <= RADIUS
        for other in one.others
    )


def _best(one: Past, rates: Mapping[str, float]) -> float:
    rows = ranked(one.side, one.others, rates=rates)
    return rows[0][1].bits if rows else float("-inf")


def _as_public(one: Past) -> Past:
    """As the reporter's page compares: others by the place that anybody may know, no address."""
    default = default_points([one.side, *one.others])
    coarse = [
        replace(other, lat=round(other.lat or 0, COARSE), lon=round(other.lon or 0, COARSE),
                address="")
        for other in one.others
        if (other.lat, other.lon) not in default and other.category == one.side.category
    ]  # fmt: skip
    return Past(replace(one.side, address=""), one.is_duplicate, coarse)


def _rates(past: Sequence[Past]) -> dict[str, float]:
    """As the desk knows them: from its own decisions, here of the tuning half alone."""
    decided = Counter(one.side.category for one in past)
    merged = Counter(one.side.category for one in past if one.is_duplicate)
    return {
        name: rate_bits(merged[name], decided[name], merged.total(), decided.total())
        for name in decided
    }


def _figures(
    half: str, category: str, rule: str, told: Sequence[tuple[bool, bool]]
) -> Row:  # fmt: skip
    found = sum(is_dup and hit for is_dup, hit in told)
    false = sum(hit and not is_dup for is_dup, hit in told)
    duplicates = sum(is_dup for is_dup, _hit in told)
    strangers = len(told) - duplicates
    return {
        "benchmark": "duplicates", "half": half, "category": category, "rule": rule,
        "duplicates": duplicates, "found": found, "recall": round(found / duplicates, 3),
        "others": strangers, "suggested": false, "noise": round(false / strangers, 3),
    }  # fmt: skip


def _past() -> Iterator[Past]:
    """Every report that does not lie at a default point, with the earlier ones around it."""
    rows = sorted(_rows(), key=lambda pair: pair[0].at)
    suspect = default_points([side for side, _is_dup in rows])
    strips: dict[int, list[Side]] = defaultdict(list)  # by thousandths of a degree of latitude
    for side, is_duplicate in rows:
        lat, lon = side.lat or 0.0, side.lon or 0.0
        box = box_around(lat, lon, RADIUS)
        strip = range(int(box.south * 1000), int(box.north * 1000) + 1)
        if (lat, lon) not in suspect:
            since = side.at - timedelta(days=DAYS)
            others = [one for at in strip for one in _after(strips[at], since) if box.west <= (
                one.lon or 0
            ) <= box.east]  # fmt: skip
            yield Past(side, is_duplicate, others)
        strips[int(lat * 1000)].append(side)


def _after(rows: Sequence[Side], since: datetime) -> Sequence[Side]:
    return rows[bisect_left(rows, since, key=lambda one: one.at) :]


def _rows() -> Iterator[tuple[Side, bool]]:
    for name in FILES:
        with (DATA / "service_requests" / f"{name}.csv").open(encoding="utf-8") as lines:
            for row in csv.DictReader(lines):
                at = datetime.strptime(row["OPEN_DT"], "%m/%d/%Y %I:%M:%S %p").replace(tzinfo=UTC)
                side = Side(
                    at=at, category=name, lat=float(row["LATITUDE"]), lon=float(row["LONGITUDE"]),
                    address=row["Location"],
                )  # fmt: skip
                yield side, re.search("duplicate", row["CLOSURE_REASON"], re.IGNORECASE) is not None


def _metres(one: Side, other: Side) -> float:
    if one.lat is None or one.lon is None or other.lat is None or other.lon is None:
        return float("inf")
    return metres_between(one.lat, one.lon, other.lat, other.lon)


# Speed --------------------------------------------------------------------------------------------


def speed(count: int) -> Iterator[Row]:
    """Suggestions for the newest cases of a city of `count` cases over three years."""
    from liandong.cases.models import Case
    from liandong.cases.queries.similar import similar, similar_public

    viewer = _fill(count)
    asked = list(Case.objects.order_by("-pk")[:ASKED])
    calls: dict[str, Callable[[Case], int]] = {
        "desk": lambda one: len(similar(one, viewer=viewer)),
        "reporter": lambda one: len(similar_public(
            lat=one.lat or 0, lon=one.lon or 0, category=one.category, text=one.text,
            now=one.submitted_at,
        )),
    }  # fmt: skip
    for who, call in calls.items():
        took, found = [], 0
        for one in asked:
            started = time.perf_counter()
            found += call(one) > 0
            took.append((time.perf_counter() - started) * 1000)
        cuts = statistics.quantiles(took, n=100)
        yield {
            "benchmark": "duplicates", "part": f"a suggestion, {who}", "cases": count,
            "asked": len(asked), "with_any": found, "p50_ms": round(cuts[49], 1),
            "p95_ms": round(cuts[94], 1), "load": machine.load(), **machine.peak_mb(),
        }  # fmt: skip


def _fill(count: int) -> "Viewer":
    """Cases of many categories, most of them in the middle of a city; a desk that sees them."""
    from django.db import connection

    from liandong.base.models import Account, Post, Role, Unit
    from liandong.base.viewers import viewer_of_account
    from liandong.cases.models import Case
    from liandong.kernel import catalog

    chance = random.Random(7)  # noqa: S311 - repeatable, not secret
    names = [row["local_code"] for row in catalog.rows("problem_categories") if row["local_code"]]
    first = [
        Case(
            kind="snap_report", channel="import", state="closed" if number % 5 else "submitted",
            outcome="solved" if number % 20 else "duplicate", title="路灯不亮",
            text=f"第{number}号路灯不亮已有三天请派人维修", category=names[number % len(names)],
            address=f"黄河{number % 90}路{number}号", lat=chance.gauss(37.38, 0.04),
            lon=chance.gauss(118.0, 0.05), datum="wgs84", changed_at=NOW,
            submitted_at=NOW - timedelta(minutes=chance.randrange(1_576_800)),
        )
        for number in range(min(count, 10_000))
    ]  # fmt: skip
    Case.objects.bulk_create(first, batch_size=500)
    columns = [str(one.column) for one in Case._meta.local_fields if one.column != "id"]
    anew = {
        "uuid": "lower(hex(randomblob(16)))", "lat": "lat + random() / 1e19 * 0.03",
        "lon": "lon + random() / 1e19 * 0.03",
        "submitted_at": "datetime(submitted_at, (abs(random()) % 40000 - 20000) || ' minutes')",
    }  # fmt: skip
    select = ", ".join(anew.get(name, f'"{name}"') for name in columns)
    quoted = ", ".join(f'"{name}"' for name in columns)
    with connection.cursor() as cursor:
        for _copy in range(count // len(first) - 1):
            cursor.execute(
                f"INSERT INTO cases_case ({quoted}) SELECT {select} FROM cases_case"  # noqa: S608
                f" WHERE id <= {len(first)}"
            )
    unit = Unit.objects.create(code="ZHZX", name="中心")
    desk = Account.objects.create(username="desk", unit=unit, clearance=2)
    Post.objects.create(account=desk, role=Role.DESK)
    return viewer_of_account(desk)


def _main(count: int) -> None:
    import django

    os.environ["DJANGO_SETTINGS_MODULE"] = "liandong.site.settings"
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0, interactive=False)
    for row in speed(count):
        print(json.dumps(row, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    _main(int(sys.argv[1]))
