"""`liandong serve|worker|doctor|backup|restore|demo|manage`: running an installation."""

from pathlib import Path
from typing import Annotated

import typer

from .embedded import clock, engines, fail, set_up, set_up_with_database
from .output import _, language, progress, put, put_json, say

demo = typer.Typer(help=_("演示"), no_args_is_help=True)


@demo.callback()
def _demo() -> None:
    """Commands of the demonstration."""


@demo.command(help=_("装入演示移交批次和演示账号；已装过则什么也不做"))
def load() -> None:
    """Load the demonstration once."""
    set_up_with_database()
    from liandong.site.demo import load_demo

    with engines(), progress(_("装入演示数据")) as count:
        if load_demo(clock=clock, progress=count, say=say):
            say(_("演示数据已装入"))


def serve(
    port: Annotated[int, typer.Option(help=_("端口"))] = 0,
    bind: Annotated[str, typer.Option(help=_("监听地址"))] = "",
) -> None:
    """Run web server and worker until a signal; print the address and demonstration accounts."""
    set_up_with_database()
    from liandong.site.changes import note_settings
    from liandong.site.server import serve as run

    note_settings(now=clock())
    raise typer.Exit(run(bind=bind, port=port, say=say))


def worker() -> None:
    """Run jobs until a signal."""
    set_up_with_database()
    from liandong.site.changes import note_settings
    from liandong.site.worker import work

    note_settings(now=clock())
    with engines():
        work()


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help=_("每行一个 JSON 对象"))] = False,
) -> None:
    """Check what this installation needs; each line says what to do."""
    set_up_with_database()
    from liandong.site.doctor import examine

    worst = 0
    marks = {"ok": "✓", "optional": "△", "broken": "✗"}
    with engines():
        for row in examine(language()):
            worst = max(worst, row["state"] == "broken")
            if as_json:
                put_json(row)
            else:
                put(f"{marks[row['state']]} {row['part']}: {row['found']}")
                if row["advice"]:
                    put(f"    → {row['advice']}")
    raise typer.Exit(1 if worst else 0)


def backup(file: Annotated[Path, typer.Argument(help=_("备份文件（.tar）"))]) -> None:
    """Write database, store and staging into one file, with digests."""
    if file.exists():
        fail(_("文件已存在：{path}").format(path=file))
    set_up_with_database()
    from liandong.site.backup import write_backup

    with progress(_("备份")) as count:
        put(str(write_backup(file, now=clock(), progress=count)))
    say(_("备份不含密钥；加密档案的密钥请另存：liandong key export-recovery"))


def restore(file: Annotated[Path, typer.Argument(help=_("备份文件（.tar）"))]) -> None:
    """Fill an empty data folder from a backup and verify what came back."""
    set_up()
    from liandong.site.backup import BadBackup, restore_backup

    try:
        with progress(_("恢复")) as count:
            files = restore_backup(file, progress=count)
    except BadBackup as error:
        fail(_("不能恢复：{reason}").format(reason=error))
    set_up_with_database()
    from liandong.archive.services.indexing import reindex_all
    from liandong.archive.services.verifying import verify
    from liandong.base.audit import record_act

    with engines(), progress(_("校验")) as count:
        record_act("restore_backup", by="cli", now=clock(), object=f"backup:{file.name}",
                   facts={"files": files})  # fmt: skip
        outcome = verify(kind="all", sample=0, by="restore", now=clock(), progress=count)
        reindex_all()
    put(_("恢复 {files} 个文件，校验 {checked} 件，{failed} 件有问题").format(
        files=files, checked=outcome.run.checked, failed=outcome.run.failed
    ))  # fmt: skip
    raise typer.Exit(1 if outcome.run.failed else 0)


def manage(context: typer.Context) -> None:
    """Pass everything on to Django's own commands."""
    set_up()
    from django.core.management import execute_from_command_line

    from liandong.site.changes import note_command

    note_command(context.args, now=clock())
    execute_from_command_line(["liandong manage", *context.args])
