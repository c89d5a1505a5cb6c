"""`liandong opening …`: what is due for opening review, and the plan of a year."""

from typing import Annotated

import typer

from .embedded import clock, engines, set_up_with_database, today
from .output import _, put, put_json

app = typer.Typer(help=_("开放审核：到期清单、年度计划"), no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help=_("每行一个 JSON 对象"))]
Fonds = Annotated[str, typer.Option(help=_("全宗号；不写为全部"))]


@app.command(help=_("到期或一年内到期、尚未列入计划的档案，先到期的在前"))
def due(
    fonds: Fonds = "",
    year: Annotated[
        int | None, typer.Option(help=_("到期年份；0 为日期不详；不写为到期与一年内到期"))
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help=_("最多列出几件"))] = 1000,
    as_json: AsJson = False,
) -> None:
    """Print the due list."""
    set_up_with_database()
    from liandong.archive.policies import SYSTEM
    from liandong.archive.queries.opening import due_counts, due_records

    day = today()
    rows = due_records(viewer=SYSTEM, today=day, fonds=fonds, year=year, limit=limit)[:limit]
    for record in rows:
        facts = {
            "code": record.code,
            "title": record.title,
            "date": record.document_date,
            "due": record.open_due,
            "is_over": record.open_due <= day,
            "fonds": record.fonds.number,
            "unit": record.unit,
        }
        put_json(facts) if as_json else put(f"{record.open_due}  {record.code}  {record.title}")
    counts = due_counts(viewer=SYSTEM, today=day)
    total = sum(
        one.count
        for one in counts
        if (not fonds or one.fonds == fonds) and (year is None or one.year == year)
    )
    summary = {"summary": True, "listed": len(rows), "due": total}
    put_json(summary) if as_json else put(_("列出 {listed} 件，共 {due} 件").format(**summary))


@app.command(help=_("把某年年底前到期的档案列入该年计划"))
def plan(
    year: Annotated[int, typer.Argument(help=_("计划年度"))],
    fonds: Fonds = "",
    limit: Annotated[int, typer.Option(min=1, help=_("最多列入几件"))] = 10_000,
    as_json: AsJson = False,
) -> None:
    """Plan what is due, and say what rules and detectors say of it."""
    set_up_with_database()
    from liandong.archive.services.opening.planning import plan_due
    from liandong.archive.services.opening.proposing import propose_planned

    with engines():
        done = plan_due(year, fonds=fonds, by="cli", now=clock(), limit=limit)
        proposed = 0
        while count := propose_planned(now=clock()):
            proposed += count
    summary = {"summary": True, "year": year, "planned": done.added, "proposed": proposed}
    put_json(summary) if as_json else put(
        _("列入 {planned} 件，提出建议 {proposed} 件").format(**summary)
    )
