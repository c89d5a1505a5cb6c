"""Precision and recall of personal information per kind, near misses among the lines, and speed.

`python -m benchmarks privacy` prints JSON lines.  A hit counts as right when it is of the kind and
lies on the secret; a secret counts as found when one hit of its kind covers all of it, and as
hidden when hits of any kind do.  Lines are made by code: figures on real records are other ones.
"""

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

from benchmarks.personal_lines import Sample, Truth, samples
from liandong.kernel.privacy import Hit, find_hits, kinds

TODAY = date(2026, 11, 26)
LINES = {"small": (2400, 2400), "full": (24000, 24000)}  # tuned, held out
_OVERLAP = 0.8  # of a secret that a hit must lie on
_MOST_MORE = 1.5  # times as long as the secret


def run(size: str) -> Iterator[dict[str, Any]]:
    """Figures per kind for both sets of lines, then the speed."""
    for name, held_out, count in (
        ("tuned", False, LINES[size][0]),
        ("held out", True, LINES[size][1]),
    ):
        lines = list(samples(count, held_out=held_out))
        near = sum(not sample.truths for sample in lines)
        yield {"benchmark": "privacy", "lines": name, "count": count, "without_secret": near}
        for row in measure(lines):
            yield {"benchmark": "privacy", "lines": name, **row}
    yield from _speed(size)
    yield from _growth()


def measure(lines: Iterable[Sample]) -> Iterator[dict[str, Any]]:
    """Precision, recall and share hidden, per kind that occurs."""
    right, wrong, found, hidden, all_of = (Counter[str]() for _ in range(5))
    for sample in lines:
        hits = [hit for hit in find_hits(sample.text, today=TODAY) if _identifies(hit)]
        for truth in sample.truths:
            all_of[truth.kind] += 1
            found[truth.kind] += any(
                hit.kind == truth.kind and _covers([hit], truth) for hit in hits
            )
            hidden[truth.kind] += _covers(hits, truth)
        for hit in hits:
            fits = any(hit.kind == truth.kind and _lies_on(hit, truth) for truth in sample.truths)
            (right if fits else wrong)[hit.kind] += 1
    for kind in sorted(all_of | wrong, key=lambda code: kinds()[code].order):
        hits_of_kind = right[kind] + wrong[kind]
        yield {
            "kind": kind,
            "secrets": all_of[kind],
            "precision": round(right[kind] / hits_of_kind, 4) if hits_of_kind else 0.0,
            "recall": round(found[kind] / all_of[kind], 4) if all_of[kind] else 0.0,
            "hidden": round(hidden[kind] / all_of[kind], 4) if all_of[kind] else 0.0,
            "wrong": wrong[kind],
            "missed": all_of[kind] - found[kind],
        }


def _identifies(hit: Hit) -> bool:
    return kinds()[hit.kind].form != "hint"


def _covers(hits: list[Hit], truth: Truth) -> bool:
    covered = {at for hit in hits for at in range(hit.start, hit.end)}
    return covered.issuperset(range(truth.start, truth.end))


def _lies_on(hit: Hit, truth: Truth) -> bool:
    length = truth.end - truth.start
    shared = min(hit.end, truth.end) - max(hit.start, truth.start)
    return shared >= _OVERLAP * length and hit.end - hit.start <= _MOST_MORE * length


def _speed(size: str) -> Iterator[dict[str, Any]]:
    """MB of UTF-8 a CPU second, and the ratio to reading the text once with one pattern."""
    import re

    lines = [sample.text for sample in samples(LINES[size][0])]
    text = "\n".join(lines)
    find_hits(text, today=TODAY)
    megabytes = len(text.encode()) / 1e6
    ours = min(_timed(lambda: find_hits(text, today=TODAY)) for _ in range(3))
    pattern = re.compile(r"(?<![0-9])[1-9][0-9]{16}[0-9Xx](?![0-9])")
    peer = min(_timed(lambda: pattern.findall(text)) for _ in range(3))
    yield {
        "benchmark": "privacy", "measure": "speed", "mb": round(megabytes, 3),
        "mb_per_cpu_s": round(megabytes / ours, 2), "ratio": round(ours / peer, 1),
    }  # fmt: skip


def _growth() -> Iterator[dict[str, Any]]:
    """CPU of four times as much hostile text against once: near 4 when the work is linear."""
    for piece in ("1", "12 ", "a1", "a@", "1.", "00:", "张王", "姓名：", "张、", "1室", "男，"):
        texts = [(piece * count)[:count] for count in (50_000, 200_000)]
        times = [_timed(lambda text=text: find_hits(text, today=TODAY)) for text in texts]
        yield {
            "benchmark": "privacy", "measure": "growth", "piece": piece,
            "cpu_s": round(times[1], 3), "four_times_the_text": round(times[1] / times[0], 1),
        }  # fmt: skip


def _timed(work: Any) -> float:
    started = time.process_time()
    work()
    return max(time.process_time() - started, 1e-6)
