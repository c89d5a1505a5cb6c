"""`liandong ledger …`: the monthly report of the ledger as a file."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from .embedded import clock, fail, set_up_with_database
from .output import _, language, put, put_json

app = typer.Typer(help=_("台账：月报"), no_args_is_help=True)


class Form(StrEnum):
    """What the report can be written as."""

    DOCX = "docx"
    PDF = "pdf"
    XLSX = "xlsx"


@app.callback()
def ledger() -> None:
    """Keep the verb: a tree of one command would lose it."""


@app.command(help=_("写出一个月的台账月报：Word、PDF 或工作簿"))
def report(
    month: Annotated[str, typer.Option(help=_("月份，如 2026-10"))],
    out: Annotated[Path, typer.Option(help=_("写到哪个文件"))],
    form: Annotated[Form, typer.Option("--format", help=_("格式"))] = Form.DOCX,
    kind: Annotated[str, typer.Option(help=_("只看一个种类，如 enterprise_demand"))] = "",
    unit: Annotated[str, typer.Option(help=_("只看一个主办单位的代码"))] = "",
    as_json: Annotated[bool, typer.Option("--json", help=_("每行一个 JSON 对象"))] = False,
) -> None:
    """Write the report of a month; the figures go to stdout."""
    from liandong.kernel.casework import kinds
    from liandong.kernel.ledger_months import Month

    try:
        asked = Month.parse(month)
    except ValueError:
        fail(_("月份须写成 2026-10 这样：{month}").format(month=month))
    if kind and kind not in kinds():
        fail(_("不认识的种类 {kind}，可用：{kinds}").format(kind=kind, kinds=" ".join(kinds())))
    set_up_with_database()
    if asked.start > clock():
        fail(_("这个月还没有开始：{month}").format(month=month))
    from django.utils.translation import override

    from liandong.base.audit import record_act
    from liandong.cases.policies import WHOLE_LEDGER
    from liandong.cases.queries.month_report import report_of
    from liandong.cases.services.month_papers import FORMS

    with override("en" if language() == "en" else "zh-hans"):
        made = report_of(asked, viewer=WHOLE_LEDGER, now=clock(), kind=kind, unit=unit)
        content = FORMS[form.value][0](made)
    try:
        out.write_bytes(content)
    except OSError as error:
        fail(str(error))
    record_act(
        "export_ledger_report", by="cli", now=clock(), facts={"month": month, "form": form.value}
    )
    if as_json:
        put_json({"file": str(out), **{one.code: one.count for one in made.figures}})
    else:
        put("\n".join(f"{one.count:6}  {one.name}" for one in made.figures))
