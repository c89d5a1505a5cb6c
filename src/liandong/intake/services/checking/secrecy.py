"""Marks of state secrets (密级★期限) in descriptions and names.  A hit means quarantine.

Source: 保守国家秘密法 2024 art. 20; GB/T 9704-2012, 密级.  The product refuses state secrets.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from liandong.kernel.catalog import rows
from liandong.kernel.codes import half_width


@dataclass(frozen=True, slots=True)
class Mark:
    """A mark of secrecy and where it stands."""

    text: str
    where: str = ""  # path of a file
    column: str = ""


@cache
def _levels() -> tuple[str, ...]:
    return tuple(row["name_zh"] for row in rows("security_levels") if "Y" in row["state_secret"])


@cache
def _in_title() -> re.Pattern[str]:
    """A level word in running text; not 商业秘密, nor words about secrets such as 保守国家秘密."""
    words = "|".join(_levels())
    about = "商业|国家|保守|工作|个人|通信|技术|泄露|泄漏|侵犯|企业|窃取"
    return re.compile(rf"(?:{words})\s*[★☆]\s*(?:[0-9]+\s*[年月]|长期)?|"
                      + "".join(f"(?<!{word})" for word in about.split("|"))
                      + rf"(?:{words})(?!级|书|工作|法)")  # fmt: skip


def classified_mark(description: Mapping[str, str], paths: Iterable[str]) -> Mark | None:
    """The first mark of secrecy: in 密级, 保密期限 with ★, the title, or the name of a file."""
    level = half_width(description.get("security_class", "")).strip()
    if level.startswith(_levels()):
        return Mark(level[:60], column="密级")
    for column, name in (("题名", "title"), ("附注", "annotation")):
        if found := _in_title().search(description.get(name, "")):
            return Mark(found[0][:60], column=column)
    for path in paths:
        if found := _in_title().search(path):
            return Mark(found[0][:60], where=path)
    return None
