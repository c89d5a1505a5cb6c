"""The same pages recognised by each compute engine: in one process, by processes, by Ray.

Every engine runs in a process of its own and reads the same page images in the same order.  `start`
is until the first answer, workers and models included; `pages_per_s` is of what came after it, and
so shows what an engine costs and not how long it takes to start.  `cpu_s` is of this process and
everything that it started, start included; `cpu_s_per_page` is of what came after the first
answer.  Both hardly depend on other work of the machine.
`peak_mb` is of the same, at its largest, added up.  On one machine Ray can only lose: the rows show
by how much, and that the models stay loaded (`loads`: how often they were).
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from liandong.kernel.ports import Compute

from . import machine
from .ocr import PAGES

SIZES = {"small": 6, "full": 96}  # pages
ENGINES = ("inline", "processes", "ray")
WORKERS = len(os.sched_getaffinity(0))
_SAMPLE_S = 0.25

Row = dict[str, Any]


def run(size: str) -> Iterator[Row]:
    """One row per engine, and the ratios to processes."""
    images = sorted(one for one in PAGES.glob("*") if one.suffix in {".jpg", ".png"})
    if not images:
        yield {"benchmark": "compute", "skipped": f"no pages in {PAGES}"}
        return
    rows = {}
    for name in ENGINES:
        if name == "ray" and find_spec("ray") is None:
            yield {"benchmark": "compute", "engine": name, "skipped": "the extra is not installed"}
            continue
        command = [sys.executable, "-m", "benchmarks.compute", name, str(SIZES[size])]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        rows[name] = json.loads(done.stdout.splitlines()[-1])
        yield rows[name]
    peer = rows["processes"]
    for name, row in rows.items():
        yield {
            "benchmark": "compute", "what": f"{name}/processes",
            "ratio": round(row["pages_per_s"] / peer["pages_per_s"], 3),
            "cpu": round(row["cpu_s"] / peer["cpu_s"], 2),
            "start": round(row["start_s"] / peer["start_s"], 2),
            "peak": round(row["peak_mb"] / peer["peak_mb"], 2),
        }  # fmt: skip


def measure(name: str, pages: int) -> Row:
    """Recognise the pages, again and again from the first when there are more than images."""
    images = sorted(str(one) for one in PAGES.glob("*") if one.suffix in {".jpg", ".png"})
    jobs = [images[number % len(images)] for number in range(pages)]
    compute = _engine(name)
    memory = _Memory()
    started = time.perf_counter()
    at, loads, lines, begun_s = [], set(), 0, 0.0
    for outcome in compute.map(recognised, jobs):
        pid, found = outcome.get()
        at.append(time.perf_counter() - started)
        begun_s = begun_s or sum(map(_cpu_s, machine.family(os.getpid())))
        loads.add(pid)
        lines += found
    peak, cpu_s = memory.stop(), sum(map(_cpu_s, machine.family(os.getpid())))
    compute.close()
    return {
        "benchmark": "compute", "engine": name, "workers": 1 if name == "inline" else WORKERS,
        "pages": pages, "lines": lines, "start_s": round(at[0], 2), "seconds": round(at[-1], 2),
        "pages_per_s": round((pages - 1) / (at[-1] - at[0]), 3), "loads": len(loads),
        "cpu_s": round(cpu_s, 1), "cpu_s_per_page": round((cpu_s - begun_s) / (pages - 1), 2),
        "peak_mb": peak, "load": machine.load(),
    }  # fmt: skip


def recognised(file: str) -> tuple[int, int]:
    """In a worker: its process and how many lines the page has; the models are loaded once."""
    global _recogniser  # noqa: PLW0603 - one for the life of a worker
    from liandong.engines.reading.imaging import open_image
    from liandong.engines.reading.recognition import Recogniser

    _recogniser = _recogniser or Recogniser()
    return os.getpid(), len(_recogniser.recognise(open_image(Path(file))[0]).lines)


_recogniser: Any = None


def _engine(name: str) -> Compute:
    if name == "inline":
        from liandong.engines.compute.inline import InlineCompute

        return InlineCompute()
    if name == "processes":
        from liandong.engines.compute.processes import ProcessCompute

        return ProcessCompute(WORKERS)
    from liandong.engines.compute.ray import RayCompute

    return RayCompute(processes=WORKERS)


class _Memory(threading.Thread):
    """Adds up the memory of this process and of all that it started, and keeps the largest sum.

    Proportional set size: what processes share is counted once.
    """

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._largest_kb = 0
        self._end = threading.Event()
        self.start()

    def run(self) -> None:
        """Sample until stopped."""
        while not self._end.wait(_SAMPLE_S):
            self._largest_kb = max(
                self._largest_kb, sum(map(machine.pss_kb, machine.family(os.getpid())))
            )

    def stop(self) -> int:
        """The largest sum in MiB."""
        self._end.set()
        self.join()
        return self._largest_kb // 1024


def _cpu_s(pid: int) -> float:
    """Of a process and of those of its children that have ended."""
    try:
        facts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return sum(map(int, facts[11:15])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    from benchmarks.compute import measure as measured  # workers import the work by this name

    print(json.dumps(measured(sys.argv[1], int(sys.argv[2])), ensure_ascii=False))
