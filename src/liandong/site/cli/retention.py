"""`liandong retention …`: what is due, what is frozen, and destructions that were started."""

from typing import Annotated

import typer

from .embedded import clock, engines, set_up_with_database, today
from .output import _, put, put_json

app = typer.Typer(help=_("鉴定与销毁：到期、冻结、继续执行"), no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help=_("每行一个 JSON 对象"))]


@app.command(help=_("列出保管期限已满或不明的档案"))
def due(
    fonds: Annotated[str, typer.Option(help=_("全宗号"))] = "",
    limit: Annotated[int, typer.Option(help=_("最多返回几条"))] = 1000,
    as_json: AsJson = False,
) -> None:
    """Print the records that are to be appraised."""
    set_up_with_database()
    from liandong.archive.policies import SYSTEM
    from liandong.archive.queries.retention import due_records

    for row in due_records(viewer=SYSTEM, today=today(), fonds=fonds, limit=limit)[:limit]:
        one = {"code": row.record.code, "title": row.record.title,
               "retain_until": row.record.retain_until, "frozen": row.frozen,
               "decision": row.decision}  # fmt: skip
        put_json(one) if as_json else put(
            f"{row.record.retain_until or '—':8} {row.record.code}  {row.record.title}"
        )


@app.command(help=_("列出冻结"))
def holds(as_json: AsJson = False) -> None:
    """Print the holds."""
    set_up_with_database()
    from liandong.archive.policies import SYSTEM
    from liandong.archive.queries.retention import holds as read

    for one in read(viewer=SYSTEM, today=today()):
        row = {"hold": one.pk, "kind": one.kind, "reason": one.reason, "begins": one.begins,
               "until": one.until, "records": getattr(one, "seen", 0),
               "released": one.released_at is not None}  # fmt: skip
        put_json(row) if as_json else put(
            f"{one.pk:6} {one.begins}–{one.until} {row['records']:6}  {one.reason}"
        )


@app.command(help=_("继续执行中断的销毁"))
def resume() -> None:
    """Go on with destructions that were started and stopped."""
    set_up_with_database()
    from liandong.archive.services.destroying import destroy_list, unfinished_lists

    with engines():
        for one in unfinished_lists():
            count = destroy_list(one.pk, clock=clock, today=today())
            put(_("{number}：已销毁 {count} 件").format(number=one.number, count=count))


@app.command(help=_("再次清除旧备份带回的已销毁档案"))
def sweep() -> None:
    """Throw away again what an old backup brought back."""
    set_up_with_database()
    from liandong.archive.services.destroying import sweep_destroyed

    found = sweep_destroyed(by="cli", now=clock())
    for record in found:
        put(record.code)
    put(_("已清除 {count} 件").format(count=len(found)))
