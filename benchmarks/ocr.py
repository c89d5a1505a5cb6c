"""Recognition of Chinese pages: error rate and CPU time against RapidOCR and tesseract.

`python -m benchmarks.ocr --pages DIR [--limit N]` prints JSON lines.  DIR holds page images and
`gt.json`: {file: {"level": …, "lines": [text, …]}}.  Every engine reads the same pages with one
thread in a process of its own.  An error rate is the edit distance ÷ the length of the true text,
both without white space; `cer` after NFKC for everybody, `cer_raw` as it came.
"""

import argparse
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

ENGINES = ("liandong", "rapidocr", "tesseract")
PAGES = (
    Path(os.environ.get("LIANDONG_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))
    / "ocr_pages_rendered"
)
SIZES = {"small": 3, "full": 0}  # pages, 0 for all

Row = dict[str, Any]


def run(size: str, pages: Path = PAGES) -> Iterator[Row]:
    """One row per engine and one of ratios; one row that says so when there are no pages."""
    yield from compare(pages, SIZES[size])


def compare(pages: Path, limit: int = 0, engines: Sequence[str] = ENGINES) -> Iterator[Row]:
    """Rows for these engines on the first `limit` pages, 0 for all."""
    if not (pages / "gt.json").is_file():
        yield {"benchmark": "ocr", "skipped": f"no gt.json in {pages}"}
        return
    measured = {}
    for engine in engines:
        command = [sys.executable, "-m", "benchmarks.ocr", "--engine", engine]
        command += ["--pages", str(pages), "--limit", str(limit)]
        done = subprocess.run(
            command, capture_output=True, text=True, env=os.environ | _one_thread(), check=False
        )
        if done.returncode:
            tail = done.stderr.strip().splitlines()[-1:]
            yield {"benchmark": "ocr", "engine": engine, "failed": tail}
            continue
        measured[engine] = row = json.loads(done.stdout.splitlines()[-1])
        yield row
    yield from _ratios(measured)


def _ratios(measured: dict[str, Row]) -> Iterator[Row]:
    ours = measured.get("liandong", {})
    for engine, row in measured.items():
        if engine == "liandong" or "skipped" in row or not ours:
            continue
        yield {
            "benchmark": "ocr",
            "what": f"liandong/{engine}",
            "ratio": round(row["cpu_s_per_page"] / ours["cpu_s_per_page"], 2),
            "cer": round(ours["cer"]["all"] / row["cer"]["all"], 3) if row["cer"]["all"] else None,
            "peak_memory": round(ours["peak_mb"] / row["peak_mb"], 2),
        }


def measure(engine: str, pages: Path, limit: int) -> Row:
    """Reads the pages in this process; the first page is read once before, as a warm-up."""
    truth: dict[str, Row] = json.loads((pages / "gt.json").read_text(encoding="utf-8"))
    names = list(truth)[: limit or None]
    read = _reader(engine)
    if read is None:
        return {"benchmark": "ocr", "engine": engine, "skipped": "not installed on this machine"}
    read(pages / names[0])
    start = _cpu_s()
    texts = {name: read(pages / name) for name in names}
    seconds = _cpu_s() - start
    return {
        "benchmark": "ocr",
        "engine": engine,
        "version": _version(engine),
        "pages": len(names),
        "cpu_s_per_page": round(seconds / len(names), 3),
        "pages_per_cpu_s": round(len(names) / seconds, 3),
        "cer": _rates(truth, texts, _folded),
        "cer_raw": _rates(truth, texts, _bare),
        "peak_mb": round(_peak_kb() / 1024),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        "onnxruntime": version("onnxruntime"),
    }


def _reader(engine: str) -> Callable[[Path], str] | None:
    match engine:
        case "liandong":
            return _liandong()
        case "rapidocr":
            return _rapidocr()
    return _tesseract if _has_tesseract() else None


def _liandong() -> Callable[[Path], str]:
    from liandong.engines.reading.imaging import open_image
    from liandong.engines.reading.recognition import Recogniser

    recogniser = Recogniser()

    def read(file: Path) -> str:
        return "\n".join(line.text for line in recogniser.recognise(open_image(file)[0]).lines)

    return read


def _rapidocr() -> Callable[[Path], str]:
    from rapidocr import RapidOCR

    threads = {
        "EngineConfig.onnxruntime.intra_op_num_threads": 1,
        "EngineConfig.onnxruntime.inter_op_num_threads": 1,
    }
    engine = RapidOCR(params={**threads, "Global.log_level": "critical"})

    def read(file: Path) -> str:
        found = engine(str(file))
        return "\n".join(getattr(found, "txts", None) or ())  # its type is a union of all stages

    return read


def _has_tesseract() -> bool:
    if not shutil.which("tesseract"):
        return False
    listed = subprocess.run(
        ["tesseract", "--list-langs"], capture_output=True, text=True, check=False
    )
    return "chi_sim" in listed.stdout.split()


def _tesseract(file: Path) -> str:
    done = subprocess.run(
        ["tesseract", str(file), "-", "-l", "chi_sim"], capture_output=True, text=True, check=True
    )
    return done.stdout


def _version(engine: str) -> str:
    if engine != "tesseract":
        return version(engine)
    shown = subprocess.run(["tesseract", "--version"], capture_output=True, text=True, check=True)
    return shown.stdout.split()[1]


def _one_thread() -> dict[str, str]:
    return {"OMP_THREAD_LIMIT": "1", "OMP_NUM_THREADS": "1"}


def _cpu_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def _peak_kb() -> int:
    """Of this process or its largest child."""
    return max(
        resource.getrusage(who).ru_maxrss
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )


def _rates(
    truth: dict[str, Row], texts: dict[str, str], fold: Callable[[str], str]
) -> dict[str, float]:
    """Character error rate by level and over all."""
    errors: dict[str, int] = {}
    letters: dict[str, int] = {}
    for name, text in texts.items():
        expected = fold("".join(truth[name]["lines"]))
        distance = edit_distance(expected, fold(text))
        for level in (truth[name]["level"], "all"):
            errors[level] = errors.get(level, 0) + distance
            letters[level] = letters.get(level, 0) + len(expected)
    return {level: round(errors[level] / max(1, letters[level]), 5) for level in letters}


def _bare(text: str) -> str:
    return "".join(text.split())


def _folded(text: str) -> str:
    return _bare(unicodedata.normalize("NFKC", text))


def edit_distance(one: str, other: str) -> int:
    """Fewest insertions, deletions and replacements between two texts (Levenshtein)."""
    letters = np.array([ord(letter) for letter in other], np.int64)
    steps = np.arange(len(other) + 1)
    row = steps.copy()
    for place, letter in enumerate(one, start=1):
        best = np.minimum(row[1:] + 1, row[:-1] + (letters != ord(letter)))
        row = np.concatenate(([place], best))
        row = np.minimum.accumulate(row - steps) + steps  # insertions run along the row
    return int(row[-1])


def main() -> None:
    """Prints what was asked for as JSON lines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=Path, default=PAGES)
    parser.add_argument("--limit", type=int, default=0)
    parser.add_argument("--engine", choices=ENGINES)
    chosen = parser.parse_args()
    rows = (
        [measure(chosen.engine, chosen.pages, chosen.limit)]
        if chosen.engine
        else compare(chosen.pages, chosen.limit)
    )
    for row in rows:
        print(json.dumps(row, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    main()
