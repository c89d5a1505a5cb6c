"""Audit rows, seals and heads made in memory, as the chain makes them, for tests that tamper."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from liandong.kernel.audit import (
    Tree,
    cell_sums,
    code_of,
    row_code,
    row_hash,
    seal_code,
    seal_hash,
)

KEY = bytes(range(32))
Made = dict[str, Any]


def row_after(last: Made | None, *, algorithm: str = "sm3", key: bytes = KEY, **cells: str) -> Made:
    """The row that comes after `last`, with these cells."""
    number = last["number"] + 1 if last else 1
    row: Made = {
        "number": number, "at": f"2026-11-26T08:{number // 60 % 60:02d}:{number % 60:02d}.5+00:00",
        "by": f"li{number % 7}", "roles": "clerk", "unit": "BGS", "act": "look_record",
        "object": f"record:Z109-{number:04d}", "outcome": "done", "why": "", "origin": "10.0.0.1",
        "request": f"r{number:08d}", "facts": '{"头": "二"}', **cells,
    }  # fmt: skip
    row["cells"], row["previous"] = cell_sums(row), last["hash"] if last else ""
    row["mac"] = row_code(row, key, algorithm)
    row["hash"] = row_hash(row, algorithm)
    return row


def chain(count: int, *, algorithm: str = "sm3") -> list[Made]:
    """Rows 1 to `count`."""
    rows: list[Made] = []
    for _ in range(count):
        rows.append(row_after(rows[-1] if rows else None, algorithm=algorithm))
    return rows


def chained_again(rows: Sequence[Made], key: bytes) -> list[Made]:
    """The rows with numbers, codes and hashes made anew: what a forger without the key can do."""
    made: list[Made] = []
    for row in rows:
        cells = {name: row[name] for name in ("by", "act", "object", "why")}
        made.append(row_after(made[-1] if made else None, key=key, **cells))
    return made


def seals_of(rows: Sequence[Made], *ends: int, algorithm: str = "sm3") -> list[Made]:
    """One seal per end: of the rows after the end before, up to this number."""
    seals: list[Made] = []
    for end in ends:
        first = seals[-1]["last"] + 1 if seals else 1
        inside = [row for row in rows if first <= row["number"] <= end]
        tree = Tree(algorithm)
        for row in inside:
            tree.add(row["hash"])
        seal: Made = {
            "number": len(seals) + 1, "day": "2026-11-26", "at": "2026-11-26T16:00:00.000000+00:00",
            "first": first, "last": end, "count": len(inside), "last_hash": inside[-1]["hash"],
            "root": tree.root(), "faults": 0, "previous": seals[-1]["hash"] if seals else "",
        }  # fmt: skip
        seal["mac"] = seal_code(seal, KEY, algorithm)
        seal["hash"] = seal_hash(seal, algorithm)
        seals.append(seal)
    return seals


def head_of(rows: Sequence[Made]) -> Made:
    """The head that names the last row."""
    number, told = rows[-1]["number"], rows[-1]["hash"]
    mac = code_of(f"head {number} {told}".encode(), KEY, "sm3")
    return {"number": number, "hash": told, "mac": mac}


def lay_out(
    folder: Path, rows: Sequence[Made], seals: Sequence[Made], head: Made | None
) -> list[str]:
    """Write the files that the stand-alone verifier reads; their names in its order."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, made in (("rows", rows), ("seals", seals)):
        text = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in made)
        (folder / f"{name}.jsonl").write_text(text, "utf-8")
    (folder / "head.json").write_text(json.dumps(head) if head else "{}", "utf-8")
    return [str(folder / name) for name in ("rows.jsonl", "seals.jsonl", "head.json")]
