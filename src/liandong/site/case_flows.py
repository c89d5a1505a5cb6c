"""The page `docs/operate/case-flows.md`: how each kind of case moves, drawn from the table.

Written by `python -m liandong.site.case_flows docs/operate/case-flows.md`.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from liandong.kernel import catalog
from liandong.kernel.casework import FINAL, START, STATE, Kind, Move, flow_of, kinds

HEAD = """# 事项流程

本页由目录表 `case_transitions.csv` 和 `case_kinds.csv` 生成，勿手改；重新生成：

```sh
.venv/bin/python -m liandong.site.case_flows docs/operate/case-flows.md
```

系统就按这张表办理。`liandong case lint` 检查它：没有死路，退出须有理由，
核查人与办理人在人和单位上都不同，等待的每一方都有一个时限，每类都有归档规则。
`liandong case draw 种类` 打印同样的图。
不改变状态的步骤（批示、催办、督办、记录进展等）不画。
"""


def page() -> str:
    """The page in Markdown: one section per kind, in the order of the catalogue."""
    return HEAD + "".join(_section(kind) for kind in kinds().values())


def _section(kind: Kind) -> str:
    rows = [
        ("归档类别", f"ZY·{kind.archive_class}"),
        ("保管期限", f"{kind.retention}；不予受理、并案、撤回、转送 {kind.exit_retention}"),
        ("时限", f"`{kind.timers}`"),
        ("原样照片", f"结束后保留 {kind.original_days} 天"),
        ("密封附件", "有" if kind.keeps_annex else "无"),
    ]
    table = "".join(f"| {name} | {text} |\n" for name, text in rows)
    return (
        f"\n## {kind.name_zh} `{kind.code}`\n\n| 项 | 值 |\n|---|---|\n{table}\n"
        f"```mermaid\n{diagram(kind.code)}\n```\n"
    )


def diagram(kind: str, language: str = "zh") -> str:
    """The state diagram of a kind in Mermaid.  Raises KeyError."""
    moves = [one for one in flow_of(kind).moves if one.axis == STATE]
    return "\n".join(["stateDiagram-v2", *_names(moves, language), *_edges(moves, language)])


def _names(moves: list[Move], language: str) -> Iterator[str]:
    met = {one.source for one in moves} | {one.target for one in moves}
    for row in catalog.rows("case_states"):
        if row["axis"] == STATE and row["code"] in met - {START}:
            yield f"    {row['code']}: {row[f'name_{language}']}"


def _edges(moves: list[Move], language: str) -> Iterator[str]:
    """One arrow per pair of states, with every step that leads along it."""
    steps: dict[tuple[str, str], list[str]] = {}
    for one in moves:
        if one.source != one.target:
            name = one.name_zh if language == "zh" else one.name_en
            steps.setdefault((one.source, one.target), []).append(name)
    for (source, target), names in steps.items():
        start = "[*]" if source == START else source
        said = ("、" if language == "zh" else ", ").join(dict.fromkeys(names))
        yield f"    {start} --> {target}: {said}"
    yield f"    {FINAL} --> [*]"


def main(arguments: list[str]) -> None:
    """Write the page to the file that is named."""
    Path(arguments[0]).write_text(page(), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
