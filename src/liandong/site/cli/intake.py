"""`liandong intake …`: hand-over at the command line."""

import re
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from .embedded import clock, engines, fail, set_up_with_database
from .output import _, language, progress, put, put_json

app = typer.Typer(help=_("移交接收"), no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help=_("每行一个 JSON 对象"))]


@app.command(help=_("接收一批：文件夹、zip、BagIt、DA/T 93 包、EEP 或单个文件"))
def receive(
    path: Annotated[Path, typer.Argument(help=_("要移交的文件夹或文件"))],
    fonds: Annotated[str, typer.Option(help=_("全宗号"))] = "",
    accept: Annotated[bool, typer.Option(help=_("无阻断问题的直接入库，并记录无人审看"))] = False,
    name: Annotated[str, typer.Option(help=_("批次名称"))] = "",
    mends: Annotated[int, typer.Option(help=_("补交：原批次编号"))] = 0,
    read_text: Annotated[bool, typer.Option("--read/--no-read", help=_("是否识读文字"))] = True,
    as_json: AsJson = False,
) -> None:
    """Receive, check, read, describe and (with --accept) admit."""
    if not path.exists():
        fail(_("没有这个文件或文件夹：{path}").format(path=path))
    set_up_with_database()
    from liandong.archive.services.packing import sweep_workspaces
    from liandong.intake.models import Batch
    from liandong.intake.services.drive import drive
    from liandong.intake.services.receive import (
        NothingReceived,
        incoming_files,
        receive,
        sweep_staging,
    )

    started = time.monotonic()
    mended = Batch.objects.filter(pk=mends).first() if mends else None
    if mends and mended is None:
        fail(_("没有这个批次：{number}").format(number=mends))
    sweep_workspaces()
    sweep_staging(now=clock())
    with engines():
        try:
            with progress(_("接收")) as count:
                batch = receive(
                    incoming_files(path),
                    name=name or path.resolve().name,
                    by="cli",
                    now=clock(),
                    fonds=_fonds(fonds) if fonds else mended.fonds if mended else None,
                    unit=mended.unit if mended else None,
                    accept=accept,
                    read=read_text,
                    mends=mended,
                    progress=lambda files, _size: count(files, 0),
                )
        except NothingReceived:
            fail(_("这里没有文件：{path}").format(path=path))
        if accept and not batch.accept:  # an interrupted hand-over that goes on
            Batch.objects.filter(pk=batch.pk).update(accept=True)
        with progress(_("检测与入库")) as count:
            batch = drive(batch.pk, by="cli", clock=clock, progress=count, wait=True)
    troubled = _report(batch.pk, as_json=as_json, seconds=time.monotonic() - started)
    raise typer.Exit(1 if troubled else 0)


def _fonds(number: str) -> Any:
    """The fonds of this number, opened when nobody did yet; a number that is none ends here."""
    from liandong.archive.services.holdings import open_fonds

    if not re.fullmatch("[A-Z0-9]{1,8}", number):
        fail(_("全宗号只用大写字母和数字，最多 8 位：{number}").format(number=number))
    return open_fonds(number, by="cli", now=clock())


def _report(batch_id: int, *, as_json: bool, seconds: float) -> bool:
    """Print one line per item and the summary; True when there is a blocking finding."""
    from liandong.intake.models import Batch
    from liandong.intake.queries import batch_report

    batch = Batch.objects.get(pk=batch_id)
    summary: dict[str, Any] = {}
    for row in batch_report(batch, language()):
        if row.get("summary"):
            summary = {**row, "seconds": round(seconds, 3)}
            continue
        if as_json:
            put_json(row)
        else:
            put(f"{row['state']:12} {row['code'] or '—':32} {row['file']}")
            for found in row["findings"]:
                put(f"             {found['severity']:6}{found['code']}: {found['message']}")
    if as_json:
        put_json(summary)
    else:
        put("  ".join(f"{name}={value}" for name, value in summary.items() if name != "findings"))
    return bool(summary["blocking"])
