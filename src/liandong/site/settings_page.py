"""The page `docs/operate/settings.md`, made from the knobs.

Written by `python -m liandong.site.settings_page docs/operate/settings.md`.
"""

import sys
from pathlib import Path

from .knobs import KNOBS, PREFIX, Knob

HEAD = """# 设置

本页由 `src/liandong/site/knobs.py` 生成，勿手改；重新生成：

```sh
.venv/bin/python -m liandong.site.settings_page docs/operate/settings.md
```

设置只来自环境变量。认不出的 `LIANDONG_` 变量、读不懂的值会使启动停下并说明原因，不会悄悄忽略。
标“密”的变量可改用 `…_FILE` 指向存放其值的文件。

| 变量 | 默认 | 说明 | 密 |
|---|---|---|---|
"""


def settings_page() -> str:
    """The page in Markdown: one row per knob, in the order of `KNOBS`."""
    return HEAD + "".join(map(_row, KNOBS))


def _row(knob: Knob) -> str:
    default = f"`{knob.default}`" if knob.default else "—"
    secret = "密" if knob.secret else ""
    return f"| `{PREFIX}{knob.name}` | {default} | {knob.help_zh} | {secret} |\n"


def main(arguments: list[str]) -> None:
    """Write the page to the file that is named."""
    Path(arguments[0]).write_text(settings_page(), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
