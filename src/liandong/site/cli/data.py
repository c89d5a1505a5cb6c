"""`liandong data …`: rows that leave the house, without anybody in them."""

import csv
import json
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .embedded import clock, fail
from .output import _, put, put_json

if TYPE_CHECKING:
    from liandong.kernel.privacy.anonymity import Table

app = typer.Typer(help=_("数据：匿名化、去标识化"), no_args_is_help=True)
_LADDERS = "place age month category drop"


@app.command(help=_("匿名化一张表；达不到 k 的行不写出，通不过检查的表不写出"))
def anonymise(
    source: Annotated[Path, typer.Argument(help=_("CSV，首行为列名"))],
    quasi: Annotated[
        list[str], typer.Option(help=_("准标识列，写成 列名:place|age|month|category|drop"))
    ],
    out: Annotated[Path, typer.Option(help=_("写到哪里"))],
    report: Annotated[Path, typer.Option(help=_("处理报告（JSON）写到哪里"))],
    k: Annotated[int, typer.Option(help=_("每组至少几行，不小于 5"))] = 5,
    drop: Annotated[list[str] | None, typer.Option(help=_("一并去掉的列"))] = None,
    counts: Annotated[
        str, typer.Option(help=_("另写两列的统计表，写成 列名,列名；小于 5 的数不显示"))
    ] = "",
    counts_out: Annotated[Path | None, typer.Option(help=_("统计表写到哪里"))] = None,
) -> None:
    """Write rows in which nobody can be found, and say what was done; 1 when the gate refuses."""
    from liandong.kernel.privacy import anonymity

    _refuse_existing(out, report, counts_out)
    columns, rows = _read(source)
    ladders = _ladders(quasi)
    today = clock().date()
    try:
        table = anonymity.anonymise(columns, rows, quasi=ladders, k=k, drop=drop or (), today=today)
    except anonymity.UnknownColumn as error:
        fail(_("没有这一列：{name}").format(name=error.args[0]))
    except ValueError:
        fail(_("k 不能小于 {least}").format(least=anonymity.LEAST_K))
    refused = anonymity.refusals(table, k=k, today=today)
    told: dict[str, Any] = table.report.to_json() | {
        "refused": [{"code": code.value, "where": where} for code, where in refused]
    }
    if not refused:
        _write(out, table.columns, table.rows)
        told |= _write_counts(table, counts, counts_out)
    report.write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    put_json(told)
    raise typer.Exit(1 if refused else 0)


@app.command(help=_("去标识化一张表：换成假名，仍是个人信息，不得开放"))
def deidentify(
    source: Annotated[Path, typer.Argument(help=_("CSV，首行为列名"))],
    people: Annotated[list[str], typer.Option(help=_("换成假名的列"))],
    key: Annotated[Path, typer.Option(help=_("密钥文件；没有则生成，只有本人可读"))],
    out: Annotated[Path, typer.Option(help=_("写到哪里"))],
) -> None:
    """Write rows with pseudonyms; whoever has the key can say who is meant."""
    from liandong.kernel.privacy import anonymity

    _refuse_existing(out)
    columns, rows = _read(source)
    try:
        table = anonymity.deidentify(
            columns, rows, key=_key(key), people=people, today=clock().date()
        )
    except anonymity.UnknownColumn as error:
        fail(_("没有这一列：{name}").format(name=error.args[0]))
    _write(out, table.columns, table.rows)
    put_json(table.report.to_json())
    put(_("这仍是个人信息：不得作为开放数据"))


def _refuse_existing(*paths: Path | None) -> None:
    for path in paths:
        if path is not None and path.exists():
            fail(_("文件已存在：{path}").format(path=path))


def _read(source: Path) -> tuple[list[str], list[dict[str, str]]]:
    try:
        with source.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, restval="", restkey="")
            rows = [{name: row[name] or "" for name in reader.fieldnames or ()} for row in reader]
            columns = list(reader.fieldnames or ())
    except FileNotFoundError:
        fail(_("没有这个文件：{path}").format(path=source))
    except (UnicodeDecodeError, csv.Error) as error:
        fail(_("读不了这张表：{reason}").format(reason=error))
    if not columns or len(set(columns)) != len(columns):
        fail(_("首行要是列名，且不重复"))
    return columns, rows


def _ladders(quasi: Sequence[str]) -> dict[str, str]:
    found = {}
    for one in quasi:
        name, _mark, ladder = one.rpartition(":")
        if not name or ladder not in _LADDERS.split():
            fail(_("准标识列写成 列名:方式，方式是 {forms} 之一").format(forms=_LADDERS))
        found[name] = ladder
    return found


def _write(out: Path, columns: Sequence[str], rows: Sequence[Mapping[str, str]]) -> None:
    with out.open("x", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow([_harmless(name) for name in columns])
        writer.writerows([_harmless(row[name]) for name in columns] for row in rows)


def _harmless(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _write_counts(table: "Table", wanted: str, out: Path | None) -> dict[str, Any]:
    """The table of counts of two columns; what was hidden in it."""
    from liandong.kernel.privacy.suppression import count_pairs, suppress_small

    if not wanted or out is None:
        return {}
    first, _mark, second = wanted.partition(",")
    if not {first, second} <= set(table.columns):
        fail(_("没有这一列：{name}").format(name=wanted))
    counts = suppress_small(
        count_pairs((row[first] or "-", row[second] or "-") for row in table.rows)
    )
    header = [first, *(name or _("合计") for name in counts.columns)]
    lines = [
        dict(zip(header, _line(counts.cells, row, counts.columns), strict=True))
        for row in counts.rows
    ]
    _write(out, header, lines)
    small, beside = counts.hidden_small, counts.hidden_beside
    return {"cells_suppressed": small + beside, "cells_small": small, "cells_beside": beside}


def _line(
    cells: Mapping[tuple[str, str], int | None], row: str, columns: Sequence[str]
) -> list[str]:
    told = [cells[row, column] for column in columns]
    return [row or _("合计"), *("*" if count is None else str(count) for count in told)]


def _key(path: Path) -> bytes:
    """The key of the pseudonyms, made when there is none."""
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(32), encoding="ascii")
    key = path.read_bytes().strip()
    if not key:
        fail(_("密钥文件是空的：{path}").format(path=path))
    return key
