"""`python -m benchmarks --size small|full [name …]`: every measurement as JSON lines.

Each module runs in a process of its own, so that memory and state of one do not colour the next.
small takes some ten minutes on two cores, full some hours.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from tests.homes import shared_tables

from . import machine

MODULES = (
    "startup", "store", "identify", "extract", "privacy", "ingest", "encryption", "audit", "search",
    "access", "api", "opening", "deadlines", "case_import", "case_lists", "duplicates", "reports",
    "load", "ocr", "pipeline", "compute",
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the modules named, else all; 1 when one of them failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--size", choices=("small", "full"), default="small")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(MODULES))
    wanted = parser.parse_args(arguments)
    if unknown := set(wanted.names) - set(MODULES):
        parser.error(f"no such measurement: {', '.join(sorted(unknown))}")
    if wanted.inside:
        for row in import_module(f"benchmarks.{wanted.names[0]}").run(wanted.size):
            put(row)
        return 0
    put(machine.facts())
    with shared_tables():
        return max([measure(name, wanted.size) for name in wanted.names or MODULES])


def measure(name: str, size: str) -> int:
    """One module in a process of its own; the exit code."""
    before, started, used = machine.load(), time.monotonic(), machine.cpu_s()
    command = [sys.executable, "-m", "benchmarks", "--size", size, "--inside", name]
    code = subprocess.run(command, check=False).returncode
    put({
        "benchmark": name, "size": size, "ended": code,
        "seconds": round(time.monotonic() - started, 1),
        "cpu_s": round(machine.cpu_s() - used, 1),  # busy machines stretch the clock, not this
        "load_before": before, "load_after": machine.load(),
    })  # fmt: skip
    return int(code != 0)


def put(row: dict[str, Any]) -> None:
    """Print one line."""
    print(json.dumps(row, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    sys.exit(main())
