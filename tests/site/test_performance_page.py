"""The page of performance: fresh, made from any benchmark, its plots read aloud."""

import json
import re
from pathlib import Path
from xml.etree import ElementTree

from benchmarks import page, plots
from benchmarks.__main__ import MODULES

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "operate"
MACHINE = {
    "benchmark": "machine", "processor": "P", "cores": 2, "memory_gb": 8, "python": "3.11",
    "commit": "abc", "load_average": [1, 1, 1],
}  # fmt: skip
END = {"ended": 0, "seconds": 1.0, "load_before": [0.1, 0, 0], "load_after": [0.2, 0, 0]}


def _lines(*rows: dict[str, object]) -> list[str]:
    return [json.dumps(row, ensure_ascii=False) for row in rows]


def test_page_and_plots_are_fresh() -> None:
    made = page.files(FOLDER)
    stale = [
        path.name
        for path, text in made.items()
        if not path.exists() or path.read_text("utf-8") != text
    ]
    assert stale == [], "run: .venv/bin/python -m benchmarks.page docs/operate"
    assert set((FOLDER / "plots").glob("*.svg")) == {one for one in made if one.suffix == ".svg"}


def test_the_kept_lines_tell_nothing_of_where_they_were_measured() -> None:
    text = (FOLDER / "measurements.jsonl").read_text("utf-8")
    assert not re.search(r"(?:^|[\s\"'])/\w|hostname", text)
    for line in text.splitlines():
        assert json.loads(line)["benchmark"]


def test_every_benchmark_of_ours_has_a_chinese_name() -> None:
    assert set(MODULES) <= set(page.TITLES)


def test_a_benchmark_that_nobody_knows_gets_a_growth_plot_and_a_table() -> None:
    rows = [
        {"benchmark": "novel", "motor": name, "records": size, "p50_ms": size / 1000, "ratio": 2.5}
        for name in ("甲", "乙 & <b>")
        for size in (10_000, 100_000, 1_000_000)
    ]
    end = {"benchmark": "novel", "size": "full", **END}
    runs = page.read(_lines(MACHINE, *rows, end))
    text = page.page(runs)
    assert "| motor | 件 | 中位毫秒 | 比值 |" in text
    assert "`python -m benchmarks --size full novel`" in text
    ((name, drawn),) = page.pictures("novel", rows).items()
    assert f"plots/{name}" in text
    picture = ElementTree.fromstring(drawn)  # noqa: S314 - ours
    assert picture.get("role") == "img"
    spoken = picture.findtext("{http://www.w3.org/2000/svg}desc") or ""
    assert "甲 10k 件 10 中位毫秒" in spoken
    assert "1M" in drawn


def test_a_benchmark_without_sizes_gets_bars() -> None:
    rows = [{"benchmark": "b", "page": name, "ratio": at} for at, name in enumerate("甲乙", 1)]
    (drawn,) = page.pictures("b", rows).values()
    assert drawn.count("<rect") == 1 + len(rows)  # the ground, and a bar each


def test_words_alone_get_no_plot_and_odd_values_a_cell() -> None:
    rows = [{"benchmark": "b", "what": "x|y", "ok": True, "many": {"a": 1}, "none": None}]
    assert page.pictures("b", rows) == {}
    assert "| x/y | 是 |  |" in page.page([rows])


def test_the_last_run_counts_and_full_goes_before_small() -> None:
    def told(figure: float, size: str) -> list[str]:
        row = {"benchmark": "b", "what": "w", "ratio": figure}
        return _lines(MACHINE, row, {"benchmark": "b", "size": size, **END})

    last = page.latest(page.read([*told(1, "small"), *told(2, "small")]))
    assert last["b"][1][0]["ratio"] == 2
    last = page.latest(page.read([*told(1, "full"), *told(2, "small")]))
    assert last["b"][1][0]["ratio"] == 1


def test_numbers_are_short() -> None:
    assert [plots.number(one) for one in (0.01234, 7.0, 1500, 2_000_000)] == [
        "0.0123", "7", "1.5k", "2M",
    ]  # fmt: skip
