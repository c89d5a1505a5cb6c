"""`liandong share …`: requests of use and their statistics at the command line."""

from enum import StrEnum
from typing import Annotated

import typer

from .embedded import clock, set_up_with_database
from .output import _, put, put_json

app = typer.Typer(help=_("共享利用：清单、统计、提醒"), no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help=_("每行一个 JSON 对象"))]


class State(StrEnum):
    """The states of `exchange.models.RequestState`, named without Django."""

    SUBMITTED = "submitted"
    PROPOSED = "proposed"
    GRANTED = "granted"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    EXTENDING = "extending"
    EXTENSION_PROPOSED = "extension_proposed"
    WITHDRAWN = "withdrawn"


@app.command("list", help=_("列出利用申请"))
def list_requests(
    state: Annotated[State | None, typer.Option(help=_("只列这种状态"))] = None,
    limit: Annotated[int, typer.Option(help=_("最多返回几条"))] = 50,
    as_json: AsJson = False,
) -> None:
    """Print requests, newest first."""
    set_up_with_database()
    from liandong.archive.policies import SYSTEM
    from liandong.exchange.queries.requests import Filters, listed
    from liandong.exchange.services.people import day_of

    now = clock()
    filters = Filters(state=state.value if state else "")
    for row in listed(filters, viewer=SYSTEM, today=day_of(now), limit=limit):
        facts = {
            "number": row.number,
            "state": row.standing(now),
            "by": row.asked_by,
            "unit": row.asker_unit,
            "uses": row.granted_uses or row.uses,
            "due_on": str(row.due_on or ""),
            "ends_at": row.grant.ends_at.isoformat() if row.grant else "",
            "late": row.is_late(day_of(now)),
        }
        put_json(facts) if as_json else put(
            f"{row.number:14} {facts['state']:12} {row.asked_by:16} {facts['uses']}"
        )


@app.command(help=_("利用统计：件数，不排名个人"))
def statistics(
    year: Annotated[int, typer.Option(help=_("年度；0 为全部"))] = 0, as_json: AsJson = False
) -> None:
    """Print the numbers of the page /exchange/statistics/."""
    set_up_with_database()
    from liandong.archive.policies import SYSTEM
    from liandong.exchange.queries.statistics import statistics as count
    from liandong.exchange.services.people import day_of

    for table in count(year, viewer=SYSTEM, today=day_of(clock())):
        for one in table.numbers:
            row = {"table": table.title, "item": one.label, "count": one.count}
            put_json(row) if as_json else put(f"{one.count:8}  {table.title} · {one.label}")


@app.command(help=_("提醒到期、逾期的人，删除过期的联系信息和证明文件"))
def remind(as_json: AsJson = False) -> None:
    """Do now what the worker does every hour."""
    set_up_with_database()
    from liandong.exchange.tasks import tidy

    counts = tidy(now=clock())
    put_json(counts) if as_json else put(
        "  ".join(f"{name}={count}" for name, count in counts.items())
    )
