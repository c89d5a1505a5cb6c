"""The page of performance, made from kept JSON lines of measurements; it knows none of them.

`python -m benchmarks.page docs/operate` reads `measurements.jsonl` there and writes
`performance.md` and `plots/`.  `python -m benchmarks … >> docs/operate/measurements.jsonl` adds a
run.  A row is an object with `benchmark`; words in it tell rows apart, numbers are figures.
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from . import plots

Row = dict[str, Any]
TITLES = {
    "startup": "启动", "identify": "识别格式", "extract": "提取要素", "privacy": "识别个人信息",
    "ingest": "入库", "encryption": "加密", "audit": "审计", "search": "检索", "access": "访问规则",
    "api": "接口", "opening": "开放审核", "deadlines": "时限", "case_import": "导入事项",
    "case_lists": "事项页面", "duplicates": "相似事项", "reports": "随手拍上报",
    "load": "许多人同时用", "ocr": "识读", "pipeline": "全流程", "compute": "计算", "store": "存储",
    "opensearch": "检索服务",
}  # fmt: skip
WORDS = {
    "ratio": "比值", "cpu_ratio": "处理器比值", "p50_ms": "中位毫秒", "p95_ms": "95 % 毫秒",
    "peer_p50_ms": "对照中位毫秒", "peer_p95_ms": "对照 95 % 毫秒", "peer_per_s": "对照每秒",
    "per_s": "每秒", "cpu_s": "处理器秒", "seconds": "秒", "wall_s": "墙上秒", "records": "件",
    "cases": "事项", "rows": "行", "files": "文件", "pages": "页数", "page": "页面",
    "users": "用户", "requests": "请求", "errors": "出错", "part": "部分", "who": "谁",
    "request": "请求", "bytes": "字节", "peak_mb": "峰值 MiB", "peak_child_mb": "子进程峰值 MiB",
    "lost": "丢失", "killed": "中断", "documents": "文档", "server_cpu_s": "服务处理器秒",
    "cpu_ms_per_request": "每请求处理器毫秒", "files_s": "每秒文件", "rows_s": "每秒行",
    "per_second": "每秒", "per_cpu_second": "每处理器秒", "count": "次", "what": "什么",
    "threads": "线程", "right": "对", "share": "比例", "command": "命令", "version": "版本",
    "faults": "问题", "bare_insert_s": "裸插入每秒", "bare_hash_rows_s": "裸摘要每秒行",
    "bare_rows_s": "裸表每秒行", "ratio_wall": "墙上比值", "recall": "查全", "noise": "误提",
    "precision": "查准", "question": "提问", "engine": "引擎", "rule": "规则", "half": "哪一半",
    "none_p50_ms": "无规则中位毫秒", "rule_p50_ms": "有规则中位毫秒", "viewer": "谁看",
    "index_s": "建索引秒", "index_mb": "索引 MiB", "mean_hits": "平均命中",
}  # fmt: skip
SIZES = ("records", "cases", "rows", "documents", "files", "acts", "candidates", "objects")
FIGURE = re.compile(r"(^|_)(ms|s|second|seconds)$")  # p50_ms, rows_s, per_second: not peak_mb
MOST_COLUMNS = 11
NEVER = ("benchmark", "size", "ended", "load", "load_before", "load_after", "load_average")
HEAD = """# 性能

本页由 `python -m benchmarks.page docs/operate` 从[量得的行](measurements.jsonl)生成，不手改。
怎么量、时间花在哪里、多大的机器够用，见[容量](capacity.md)；一步一步中断的结果见[演练](drills.md)。

```sh
make bench                                                       # 小规模，约十分钟
make bench SIZE=full                                             # 大规模，几小时
python -m benchmarks ocr search >> docs/operate/measurements.jsonl   # 记下，再重新生成本页
```

- 每个数都可在自己的机器上重做；“比值”是同一次运行里与对照物或极限之比，机器再忙也可比。
- 负载高于核数时机器在做别的事，墙上时间偏大，处理器秒更可比。"""


def read(lines: Iterator[str] | Sequence[str]) -> list[list[Row]]:
    """The runs in these lines; each begins with the row of its machine.  Raises ValueError."""
    runs: list[list[Row]] = []
    for line in lines:
        if not line.strip():
            continue
        row: Row = json.loads(line)
        if row["benchmark"] == "machine" or not runs:
            runs.append([])
        runs[-1].append(row)
    return runs


def latest(runs: Sequence[Sequence[Row]]) -> dict[str, tuple[Row, list[Row], Row]]:
    """By benchmark: machine, rows and end of its last run; one at full size goes before small."""
    found: dict[str, tuple[Row, list[Row], Row]] = {}
    for run in runs:
        machine = run[0] if run[0]["benchmark"] == "machine" else {}
        for name in dict.fromkeys(row["benchmark"] for row in run):
            rows = [row for row in run if row["benchmark"] == name and "ended" not in row]
            ends = [row for row in run if row["benchmark"] == name and "ended" in row]
            end = ends[-1] if ends else {}
            known = found.get(name)
            is_smaller = known and known[2].get("size") == "full" and end.get("size") != "full"
            if name != "machine" and rows and not is_smaller:
                found[name] = (machine, rows, end)
    return found


def pictures(name: str, rows: Sequence[Row]) -> dict[str, str]:
    """Plots of one benchmark by file name: growth over a size where there is one, else bars."""
    title = TITLES.get(name, name)
    if growing := _growth(rows):
        size, figure, series = growing
        text = plots.lines(title, WORDS.get(size, size), WORDS.get(figure, figure), series)
        return {f"{name}.svg": text}
    figure = next(iter(["ratio"] * _holds(rows, "ratio") + _figures(rows)), "")
    if not figure:
        return {}
    values = [(_label(row), float(row[figure])) for row in rows if _is_number(row.get(figure))]
    return {f"{name}.svg": plots.bars(title, WORDS.get(figure, figure), values)}


def _growth(rows: Sequence[Row]) -> tuple[str, str, dict[str, list[plots.Point]]] | None:
    for size in SIZES:
        if len({row[size] for row in rows if _is_number(row.get(size))}) < 2:
            continue
        for figure in [*_figures(rows), "ratio"]:
            series: dict[str, list[plots.Point]] = {}
            for row in rows:
                if _is_number(row.get(size)) and _is_number(row.get(figure)) and row[figure] > 0:
                    series.setdefault(_label(row) or figure, []).append((row[size], row[figure]))
            grown = {name: points for name, points in series.items() if len(points) > 1}
            if grown:
                return size, figure, grown
    return None


def _figures(rows: Sequence[Row]) -> list[str]:
    """Times and rates, as they first appear; what the peer did comes last."""
    keys = dict.fromkeys(key for row in rows for key in row if key not in NEVER)
    found = [key for key in keys if FIGURE.search(key) and _holds(rows, key)]
    return sorted(found, key=lambda key: key.startswith(("peer_", "filled_", "bare_", "none_")))


def _holds(rows: Sequence[Row], figure: str) -> bool:
    return any(_is_number(row.get(figure)) for row in rows)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _label(row: Row) -> str:
    """The words that tell a row from the others."""
    told = (value for key, value in row.items() if key not in NEVER and isinstance(value, str))
    return " ".join(told)


def _columns(rows: Sequence[Row]) -> list[str]:
    """Which keys become columns: words first, then figures, the ratio always."""
    keys = [key for key in dict.fromkeys(key for row in rows for key in row) if key not in NEVER]
    plain = [key for key in keys if not any(isinstance(row.get(key), dict | list) for row in rows)]
    words = [key for key in plain if any(isinstance(row.get(key), str) for row in rows)]
    ratios = [key for key in plain if "ratio" in key and key not in words]
    rest = [key for key in plain if key not in words and key not in ratios]
    room = max(0, MOST_COLUMNS - len(words) - len(ratios))
    return [*words, *rest[:room], *ratios]


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1_000 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) else str(value).replace("|", "/")


def _section(name: str, machine: Row, rows: Sequence[Row], end: Row) -> Iterator[str]:
    yield f"\n## {TITLES.get(name, name)} `{name}`\n"
    yield _measured(name, machine, end)
    for file in pictures(name, rows):
        yield f"\n![{TITLES.get(name, name)}：图中的数都在下表](plots/{file})"
    columns = _columns(rows)
    yield f"\n| {' | '.join(WORDS.get(one, one) for one in columns)} |"
    yield f"|{'---|' * len(columns)}"
    for row in rows:
        yield f"| {' | '.join(_cell(row.get(one)) for one in columns)} |"


def _measured(name: str, machine: Row, end: Row) -> str:
    size = f" --size {end['size']}" if end.get("size") else ""
    told = [f"`python -m benchmarks{size} {name}`"]
    if machine:
        told.append(f"{machine['cores']} 核 {machine['processor']}，{machine['memory_gb']} GB 内存")
        told.append(f"Python {machine['python']}，提交 {machine['commit']}")
    if end:
        before, after = end["load_before"][0], end["load_after"][0]
        cpu = f"，处理器 {end['cpu_s']} 秒" if "cpu_s" in end else ""
        told.append(f"全程 {end['seconds']} 秒{cpu}，负载 {before}～{after}")
    return "；".join(told) + "。"


def page(runs: Sequence[Sequence[Row]]) -> str:
    """The whole page."""
    found = latest(runs)
    order = [name for name in TITLES if name in found] + sorted(found.keys() - TITLES.keys())
    parts = [HEAD]
    for name in order:
        parts += _section(name, *found[name])
    return "\n".join(parts).rstrip() + "\n"


def files(folder: Path) -> Mapping[Path, str]:
    """Every file that is made from the measurements of this folder, with its text."""
    runs = read((folder / "measurements.jsonl").read_text("utf-8").splitlines())
    made = {folder / "performance.md": page(runs)}
    for name, (_machine, rows, _end) in latest(runs).items():
        for file, text in pictures(name, rows).items():
            made[folder / "plots" / file] = text
    return made


if __name__ == "__main__":
    for path, text in files(Path(sys.argv[1])).items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
