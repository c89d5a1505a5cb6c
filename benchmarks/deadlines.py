"""Deadlines per second by unit, and the clocks of ten thousand cases of twelve events each.

`python -m benchmarks deadlines` prints JSON lines.  The limit is adding a span to a point of time,
which knows no business hours: `ratio` is how many of those take as much processor.
"""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from liandong.kernel.calendars import Calendar, catalogue_calendar
from liandong.kernel.clocks import Moment, catalogue_policy, running_clocks
from liandong.kernel.deadlines import Unit, deadline, elapsed
from liandong.kernel.escalation import notices
from liandong.kernel.explanations import explain

from . import machine

COUNT = {"small": 10_000, "full": 100_000}
PAUSE = timedelta(hours=30)
STEPS = (  # hours since the report, state, action, ledger
    (0, "submitted", "submit", "none"),
    (1, "needs_info", "ask", "none"),
    (20, "submitted", "answer", "none"),
    (22, "accepted", "accept", "none"),
    (23, "dispatched", "dispatch", "none"),
    (40, "in_progress", "sign_in", "none"),
    (45, "in_progress", "list", "listed"),
    (50, "parked", "park", "listed"),
    (400, "in_progress", "resume", "listed"),
    (420, "in_progress", "log_progress", "listed"),
    (440, "handled", "hand_in", "proposed"),
    (440, "inspecting", "submit_inspection", "proposed"),
)


def run(size: str) -> Iterator[dict[str, Any]]:
    """One row per unit, one for business time over years, and one each for cases."""
    count, calendar = COUNT[size], catalogue_calendar()
    first = datetime(2026, 1, 5, 9, 0, tzinfo=calendar.zone)
    starts = [first + timedelta(minutes=37 * number) for number in range(count)]
    for unit in Unit:
        due = partial(_due, unit=unit, calendar=calendar)
        yield _row(f"deadline of 5 {unit.value} with a pause", count, due, starts)
    years = timedelta(days=3650)
    yield _row(
        "elapsed over ten years", count, lambda at: elapsed(at, at + years, calendar), starts
    )
    policy = catalogue_policy()
    cases = [_case(at) for at in starts]
    later = timedelta(hours=445)
    yield _row(
        "clocks of a case of 12 events",
        count,
        lambda case: running_clocks(case, policy, calendar, case[0].at + later),
        cases,
    )
    runs = running_clocks(cases[0], policy, calendar, starts[0] + later)
    some = [runs[number % len(runs)] for number in range(count)]
    yield _row("explain one clock", count, lambda one: explain(one, calendar), some)
    yield _row("notices of one clock", count, lambda one: notices(one, calendar), some)


def _due(start: datetime, unit: Unit, calendar: Calendar) -> datetime:
    return deadline(start, 5, unit, calendar, [(start, start + PAUSE)])


def _case(start: datetime) -> list[Moment]:
    return [
        Moment(start + timedelta(hours=hours), state, action, ledger=ledger)
        for hours, state, action, ledger in STEPS
    ]


def _limit_s(first: datetime, count: int) -> float:
    """Processor seconds of so many bare additions."""
    begun, hour = time.process_time(), timedelta(hours=5)
    for _ in range(count):
        first + hour
    return max(time.process_time() - begun, 1e-6)


def _row(what: str, count: int, call: Callable[[Any], object], given: Any) -> dict[str, Any]:
    started, before = time.perf_counter(), time.process_time()
    for one in given:
        call(one)
    seconds, cpu_s = time.perf_counter() - started, time.process_time() - before
    limit_s = _limit_s(datetime(2026, 1, 5, tzinfo=UTC), count)
    return {
        "benchmark": "deadlines", "what": what, "count": count, "seconds": round(seconds, 3),
        "cpu_s": round(cpu_s, 3), "per_second": round(count / seconds),
        "per_cpu_second": round(count / cpu_s), "ratio": round(cpu_s / limit_s, 1),
        "load": machine.load(), **machine.peak_mb(),
    }  # fmt: skip
