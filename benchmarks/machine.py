"""What a figure was measured on, and how much memory it took."""

import os
import platform
import resource
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

LIBRARIES = (
    "django", "numpy", "ocfl-py", "onnxruntime", "pygfried", "pypdfium2", "rapidocr", "tantivy",
)  # fmt: skip


def facts() -> dict[str, Any]:
    """Machine, versions and load average of now."""
    return {
        "benchmark": "machine",
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3, 1),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "commit": _commit(),
        "load_average": load(),
        **{name: version(name) for name in LIBRARIES},
    }


def load() -> list[float]:
    """Load average over 1, 5 and 15 minutes: above the number of cores, it was busy."""
    return [round(one, 2) for one in os.getloadavg()]


def peak_mb() -> dict[str, int]:
    """Peak memory of this process and of the largest of its ended children, in MiB."""
    return {
        "peak_mb": _maximum(resource.RUSAGE_SELF),
        "peak_child_mb": _maximum(resource.RUSAGE_CHILDREN),
    }


def cpu_s() -> float:
    """CPU seconds of this process and of its ended children."""
    own, children = (
        resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def family(pid: int) -> list[int]:
    """A process and all that came of it and are alive."""
    found = [pid]
    for file in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [one for child in file.read_text().split() for one in family(int(child))]
        except OSError:  # it ended
            continue
    return found


def pss_kb(pid: int) -> int:
    """Proportional set size in KiB: what processes share is counted once; 0 when it has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def _maximum(who: int) -> int:
    return resource.getrusage(who).ru_maxrss // 1024


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


def _commit() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    return done.stdout.strip()
