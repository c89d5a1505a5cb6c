"""`liandong access …`: who may open what, from the policies that every address declares."""

import csv
import sys
from typing import Annotated

import typer

from .embedded import set_up
from .output import _, put, put_json

app = typer.Typer(help=_("权限：角色与地址"), no_args_is_help=True)


@app.callback()
def _access() -> None:
    """Commands of access."""


@app.command(help=_("打印每个地址对每种角色的回答"))
def matrix(
    as_json: Annotated[bool, typer.Option("--json", help=_("每行一个 JSON"))] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help=_("CSV"))] = False,
) -> None:
    """Print every address × every role.

    yes: opens; rule: the object's own rule decides; sign-in: to the door; no: refused.
    """
    set_up()
    from liandong.site.access_matrix import matrix as rows_of

    rows = [row.to_json() for row in rows_of()]
    if as_json:
        for row in rows:
            put_json(row)
        return
    names = list(rows[0])
    if as_csv:
        writer = csv.DictWriter(sys.stdout, names)
        writer.writeheader()
        writer.writerows(rows)
        return
    widths = {name: max(len(name), *(len(str(row[name])) for row in rows)) for name in names}
    for row in [dict(zip(names, names, strict=True)), *rows]:
        put("  ".join(str(row[name]).ljust(widths[name]) for name in names).rstrip())
