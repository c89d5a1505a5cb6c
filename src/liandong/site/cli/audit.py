"""`liandong audit …`: check, seal, export and search what was done."""

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from .embedded import clock, engines, fail, set_up, set_up_with_database
from .output import _, language, progress, put, put_json, say

app = typer.Typer(help=_("审计：校验、封存、导出、数据库权限"), no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help=_("每行一个 JSON 对象"))]
Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"])]


@app.command(help=_("校验整条审计链：改动、删除、添加、挪动，逐条指出"))
def verify(
    seals: Annotated[
        list[Path] | None, typer.Option(help=_("另处留存的封存目录，可多次给出"))
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check every row against chain, codes, seals and head; exit code 1 when something is wrong."""
    for place in seals or []:
        if not place.is_dir():
            fail(_("没有这个文件或文件夹：{path}").format(path=place))
    set_up_with_database()
    from django.utils.translation import override

    from liandong.base.audit.checking import check_chain, fault_words, note_check

    with engines(), progress(_("校验")) as count, override(_locale()):
        found = check_chain(progress=count, more=seals or [])
        note_check(found, by="cli", now=clock())
        for fault in found.faults:
            words = fault_words(fault)
            put_json({**fault, "message": words}) if as_json else put(f"✗ {words}")
    told = {"rows": found.rows, "seals": found.seals, "faults": len(found.faults)}
    if as_json:
        put_json({"summary": True, **told})
    else:
        put(_("审计 {rows} 行，封存 {seals} 个，{faults} 处不符").format(**told))
    raise typer.Exit(1 if found.faults else 0)


def _locale() -> str:
    return "en" if language() == "en" else "zh-hans"


@app.command(help=_("立即封存尚未封存的审计记录，并写到封存目录"))
def seal(as_json: AsJson = False) -> None:
    """Seal every row that no seal covers, and write what the places lack."""
    set_up_with_database()
    from liandong.base.audit.seals import seal as run
    from liandong.base.audit.seals import to_json

    with engines():
        made = run(by="cli", now=clock())
    for one in made:
        if as_json:
            put_json(to_json(one))
        else:
            put(_("封存 {number}：第 {first}–{last} 行，根 {root}").format(
                number=one.number, first=one.first, last=one.last, root=one.root
            ))  # fmt: skip
    if not made and not as_json:
        put(_("没有新的记录要封存"))


@app.command(help=_("导出：每行一条 JSON 到标准输出，或证据包（.zip）"))
def export(
    out: Annotated[Path | None, typer.Argument(help=_("证据包文件；不写则输出 JSON 行"))] = None,
    since: Day = None,
    until: Day = None,
    after: Annotated[int, typer.Option(min=0, help=_("从这一行之后起：接续上次的输出"))] = 0,
    by: Annotated[str, typer.Option(help=_("何人：用户名或姓名"))] = "",
    act: Annotated[str, typer.Option(help=_("行为代码"))] = "",
    about: Annotated[str, typer.Option("--object", help=_("对象，如 record:档号"))] = "",
) -> None:
    """Write rows as JSON lines, or a package: of everything, or of what was chosen."""
    if out is not None and out.exists():
        fail(_("文件已存在：{path}").format(path=out))
    set_up_with_database()
    from liandong.base.audit.queries import Wanted
    from liandong.base.audit.services import export_lines, export_package

    days = [one.date() if one else None for one in (since, until)]
    wanted = Wanted(by=by, act=act, object=about, since=days[0], until=days[1])
    with engines():
        if out is None:
            for line in export_lines(wanted, after=after, by="cli", now=clock()):
                sys.stdout.write(line)
            return
        count = export_package(out, wanted, by="cli", now=clock())
    say(_("{count} 行写入 {path}").format(count=count, path=out))


@app.command(help=_("确认审计记录已经缺失（恢复了旧备份、断电），写明原因后继续"))
def resume(why: Annotated[str, typer.Option(help=_("缺失的原因"), prompt=_("缺失的原因"))]) -> None:
    """Set head and seals that name lost rows aside, and record who acknowledged the loss."""
    if not why.strip():
        fail(_("请写明原因"))
    set_up_with_database()
    from liandong.base.audit.checking import acknowledge_loss

    row = acknowledge_loss(why=why.strip(), by="cli", now=clock())
    put(_("已记为审计第 {number} 行；旧的链头和封存移到 {folder}").format(
        number=row.number, folder=_aside()
    ))  # fmt: skip


def _aside() -> str:
    from liandong.base.audit.heads import folder

    return str(folder() / "superseded")


@app.command(help=_("打印 PostgreSQL 授权语句：应用的角色不能改删审计"))
def grants(
    app_role: Annotated[
        str, typer.Option("--app", help=_("网页与作业所用的角色"))
    ] = "liandong_app",
    owner: Annotated[str, typer.Option(help=_("表的所有者，升级时用"))] = "liandong",
) -> None:
    """Print the SQL that a superuser runs once, and after upgrades."""
    set_up()
    from liandong.base.audit.grants import BadRole
    from liandong.base.audit.grants import grants as sql

    try:
        sys.stdout.write(sql(owner=owner, app=app_role))
    except BadRole as error:
        fail(_("角色名只用小写字母、数字和下划线：{name}").format(name=error))


@app.command(help=_("算出检索词的摘要：审计中的检索只记摘要，用它查谁检索过"))
def digest(words: Annotated[str, typer.Argument(help=_("检索词"))]) -> None:
    """Print the digest under which a search for these words is recorded."""
    set_up_with_database()
    from liandong.base.audit.heads import digest_of

    put(digest_of(words))


@app.command(help=_("写出独立校验程序，可在任何装有 Python 的电脑上用"))
def verifier(out: Annotated[Path, typer.Argument(help=_("写到哪里"))]) -> None:
    """Write the script that checks a package without us."""
    if out.exists():
        fail(_("文件已存在：{path}").format(path=out))
    from importlib.resources import files

    script = files("liandong.kernel").joinpath("verify_audit.py").read_text("utf-8")
    out.write_text(script, "utf-8")
    put(str(out))
