"""Checking the audit chain at 10k, 100k and 1M rows, with bare hashing of the same bytes as peer.

Rows are made as the chain makes them and lie in a file, as an outside auditor has them; the peer
hashes the same bytes with the same algorithm and does nothing else, in the same run.
"""

import hashlib
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from liandong.kernel.audit import cell_sums, row_code, row_hash
from liandong.kernel.verify_audit import FIELDS, HASH, Checker, encode

from . import machine

SIZES = {"small": (10_000, 100_000), "full": (10_000, 100_000, 1_000_000)}
KEY = bytes(range(32))


def run(size: str) -> Iterator[dict[str, Any]]:
    """One row per number of rows."""
    for count in SIZES[size]:
        with tempfile.TemporaryDirectory(prefix="liandong-bench-") as folder:
            rows, plain = Path(folder) / "rows.jsonl", Path(folder) / "plain"
            made_s = _make(rows, plain, count)
            bare_s = _hash_bare(plain)
            checked_s, faults = _check(rows)
            yield {
                "benchmark": "audit", "rows": count, "faults": faults,
                "made_rows_s": round(count / made_s), "checked_rows_s": round(count / checked_s),
                "bare_rows_s": round(count / bare_s),
                "ratio_to_bare_hashing": round(bare_s / checked_s, 3),
                "bytes_per_row": plain.stat().st_size // count,
                "load": machine.load(), **machine.peak_mb(),
            }  # fmt: skip


def _make(rows: Path, plain: Path, count: int) -> float:
    """Write the rows, and the bytes that their hashes cover; the seconds of making alone."""
    previous, spent = "", 0.0
    with rows.open("w", encoding="utf-8") as out, plain.open("w", encoding="utf-8") as bare:
        for number in range(1, count + 1):
            started = time.perf_counter()
            row = _row(number, previous)
            previous = str(row["hash"])
            spent += time.perf_counter() - started
            out.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n")
            bare.write(encode([row[name] for name in FIELDS[:HASH]]) + "\n")
    return spent


def _row(number: int, previous: str) -> dict[str, str | int]:
    row: dict[str, str | int] = {
        "number": number, "at": f"2026-11-26T08:00:00.{number % 1_000_000:06d}+00:00",
        "by": f"user{number % 97}", "roles": "clerk", "unit": "BGS", "act": "look_record",
        "object": f"record:Z109-WS·2023-Y-BGS-{number % 9999:04d}", "outcome": "done", "why": "",
        "origin": "10.1.2.3", "request": f"{number:016x}",
        "facts": '{"sight": "whole", "version": 1}',
    }  # fmt: skip
    row["cells"], row["previous"] = cell_sums(row), previous
    row["mac"] = row_code(row, KEY, "sm3")
    row["hash"] = row_hash(row, "sm3")
    return row


def _hash_bare(plain: Path) -> float:
    """Seconds for the hashes alone: lines are read before the clock starts."""
    spent = 0.0
    with plain.open("rb") as lines:
        for line in lines:
            content = line[:-1]
            started = time.perf_counter()
            hashlib.new("sm3", content).digest()
            spent += time.perf_counter() - started
    return spent


def _check(rows: Path) -> tuple[float, int]:
    """Seconds from the file to the verdict, and how many faults there were."""
    started = time.perf_counter()
    checker = Checker()
    with rows.open("rb") as lines:
        for line in lines:
            row = json.loads(line)
            checker.feed([row[name] for name in FIELDS])
    faults = len(checker.end())
    return time.perf_counter() - started, faults
