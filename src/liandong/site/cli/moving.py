"""`liandong move`: an installation onto other engines."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import uuid4

import typer

from .embedded import clock, fail, set_up_with_database
from .output import _, progress, put, put_json, say

if TYPE_CHECKING:
    from liandong.site.moving.move import Line
    from liandong.site.moving.sides import Side

NAME = "moving.json"  # in the data folder while a move is under way
CHECKS = (("audit", "verify"), ("case", "verify"), ("archive", "reindex"))


def move(
    to: Annotated[Path, typer.Option(help=_("新安装的设置文件，每行 变量=值"))],
    as_json: Annotated[bool, typer.Option("--json", help=_("每行一个 JSON 对象"))] = False,
) -> None:
    """Copy a stopped installation to the one that the file names, compare everything, prove it.

    Killed, it goes on when called again.  1 when something differs.
    """
    set_up_with_database()
    from liandong.base.locks import Busy, hold
    from liandong.site.knobs import BadKnob
    from liandong.site.moving.move import NotEmpty
    from liandong.site.moving.sides import elsewhere, here, process_environment, read_environment

    try:
        values = read_environment(to)
        source, target = here(), elsewhere(values)
    except (OSError, BadKnob) as error:
        fail(_("设置文件读不了：{reason}").format(reason=error))
    if source.database["NAME"] == target.database["NAME"]:
        fail(_("新旧安装用的是同一个数据库"))
    _refuse_running()
    wrong = False
    try:
        with hold("move"):
            name = _name(source.home / NAME, to)
            for line in _lines(source, target, name, process_environment(values)):
                wrong |= not line.is_equal
                if as_json:
                    put_json(line._asdict())
                else:
                    put(f"{'✓' if line.is_equal else '✗'} {line.part}: {line.found}")
    except NotEmpty as error:
        fail(_("目标不是空的：{part}").format(part=error.part))
    except Busy:
        fail(_("另一个迁移正在进行"))
    if not wrong:
        say(_("迁移完成，逐项相同。以后只启动新的安装；旧的数据留作备份"))
    raise typer.Exit(1 if wrong else 0)


def _lines(
    source: "Side", target: "Side", name: str, environment: Mapping[str, str]
) -> Iterator["Line"]:
    """What was compared, then what the new installation says of itself; the end when all is well.

    What stops it is told, with how to go on.
    """
    from django.db import DatabaseError

    from liandong.site.moving.move import Line, end, move
    from liandong.site.moving.rows import UnknownTable

    is_equal = True
    try:
        with progress(_("迁移")) as count:
            for line in move(source, target, name, progress=count):
                is_equal &= line.is_equal
                yield line
    except (UnknownTable, DatabaseError, OSError) as error:
        say(f"✗ {type(error).__name__}: {error}")
        say(_("已复制的保留；排除原因后再运行同一命令，接着做"))
        raise typer.Exit(1) from error
    for words in CHECKS if is_equal else ():
        found, good = _run(words, environment)
        is_equal &= good
        yield Line(" ".join(words), found, good)
    if is_equal:
        end(target)
        (source.home / NAME).unlink()


def _refuse_running() -> None:
    from liandong.site.worker import ALIVE_S, heartbeat

    beat = heartbeat()
    if beat.exists() and time.time() - beat.stat().st_mtime < ALIVE_S:
        fail(_("安装还在运行：先停下网页服务与后台作业，半分钟后再来"))


def _name(note: Path, to: Path) -> str:
    """The name of the move under way, or of a new one, which is an act of the audit."""
    if note.exists():
        return str(json.loads(note.read_bytes())["move"])
    from liandong.base.audit import record_act

    name = uuid4().hex
    record_act("move_installation", by="cli", now=clock(), object=f"settings:{to.name}")
    note.write_text(json.dumps({"move": name}), "ascii")
    return name


def _run(words: tuple[str, ...], environment: Mapping[str, str]) -> tuple[str, bool]:
    """One command of the new installation, in a process of its own."""
    done = subprocess.run(  # noqa: S603 - this program
        [sys.executable, "-m", "liandong.site", *words, "--json"],
        env=dict(environment), capture_output=True, text=True, check=False,
    )  # fmt: skip
    lines: list[Any] = [one for one in done.stdout.splitlines() if one.strip()]
    told = lines[-1] if lines else done.stderr.strip()[-300:]
    return told, done.returncode == 0
