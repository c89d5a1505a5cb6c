"""`liandong points …`: posting what is due, and the proof of the books."""

from typing import Annotated

import typer

from .embedded import clock, set_up_with_database
from .output import _, put, put_json

app = typer.Typer(help=_("积分：入账、校验"), no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help=_("每行一个 JSON 对象"))]


@app.command(help=_("校验积分：每笔借贷相等，每笔奖励有核查通过的那一步，余额与明细一致"))
def verify(as_json: AsJson = False) -> None:
    """Prove sums, causes and balances; 1 when something is wrong."""
    set_up_with_database()
    from liandong.community.queries.points import counts, faults

    found = 0
    for fault in faults():
        found += 1
        row = {"where": fault.where, "code": fault.code, "detail": fault.detail}
        put_json(row) if as_json else put(f"✗ {fault.where} {fault.code} {fault.detail}".rstrip())
    summary = {"summary": True, **counts(), "faults": found}
    if as_json:
        put_json(summary)
    else:
        text = _("校验 {postings} 笔、{accounts} 个账户，{waiting} 步待入账，{faults} 处有问题")
        put(text.format(**summary))
    raise typer.Exit(1 if found else 0)


@app.command(help=_("立即入账：核查通过的给积分，重办的冲回"))
def settle(as_json: AsJson = False) -> None:
    """Do now what the worker does every half minute; running it again changes nothing."""
    set_up_with_database()
    from liandong.base.locks import hold
    from liandong.community.services.crediting import settle_due

    with hold("points", wait=True):
        done = settle_due(now=clock())
    row = {"settled": done}
    put_json(row) if as_json else put(_("入账 {settled} 步").format(**row))
