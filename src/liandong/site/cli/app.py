"""The tree of commands."""

from typing import Annotated

import typer

from . import (
    access,
    accounts,
    apikeys,
    archive,
    audit,
    case,
    data,
    files,
    intake,
    keys,
    ledger,
    moving,
    opening,
    points,
    retention,
    running,
    share,
)
from .output import _

app = typer.Typer(
    name="liandong",
    help=_("联动：档案信息共享与闭环事项平台"),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(intake.app, name="intake")
app.add_typer(archive.app, name="archive")
app.add_typer(case.app, name="case")
app.add_typer(points.app, name="points")
app.add_typer(ledger.app, name="ledger")
app.add_typer(opening.app, name="opening")
app.add_typer(data.app, name="data")
app.add_typer(accounts.app, name="account")
app.add_typer(keys.app, name="key")
app.add_typer(retention.app, name="retention")
app.add_typer(access.app, name="access")
app.add_typer(audit.app, name="audit")
app.add_typer(apikeys.app, name="apikey")
app.add_typer(running.demo, name="demo")
app.add_typer(share.app, name="share")
archive.app.command(help=_("加密已入库的档案：全部版本，原位替换"))(keys.encrypt)
app.command(help=_("检索档案"))(archive.search)
app.command(help=_("校验信息包：BagIt、OCFL、EEP、DA/T 93"))(files.check)
app.command(help=_("识读文件：文字、位置、置信度"))(files.read)
app.command(help=_("按特征识别文件格式（PRONOM）"))(files.identify)
app.command(help=_("启动网页服务与后台作业"))(running.serve)
app.command(help=_("只启动后台作业"))(running.worker)
app.command(help=_("自检：字体、数据库、识读模型、磁盘、索引、作业"))(running.doctor)
app.command(help=_("备份全部数据到一个文件"))(running.backup)
app.command(help=_("从备份恢复到空的数据目录"))(running.restore)
app.command(help=_("把停下的安装迁到另一组引擎（数据库、存储），逐项比对；中断后接着做"))(
    moving.move
)
app.command(
    help=_("Django 管理命令（维护用）"),
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)(running.manage)


@app.callback(invoke_without_command=True)
def start(
    version: Annotated[bool, typer.Option("--version", help=_("显示版本"))] = False,
) -> None:
    """What every command shares."""
    if version:
        from liandong import __version__

        typer.echo(__version__)
        raise typer.Exit
