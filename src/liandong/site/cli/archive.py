"""`liandong archive …` and `liandong search`: what is kept."""

from pathlib import Path
from typing import Annotated, Any

import typer

from .embedded import clock, engines, fail, set_up_with_database, today
from .output import _, language, progress, put, put_json

app = typer.Typer(help=_("档案：查看、校验、导出、重建"), no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help=_("每行一个 JSON 对象"))]


def search(
    query: Annotated[str, typer.Argument(help=_("检索词；支持短语、NOT、年度:2011 等"))],
    limit: Annotated[int, typer.Option(help=_("最多返回几条"))] = 20,
    as_json: AsJson = False,
) -> None:
    """Print the hits, best first."""
    set_up_with_database()
    from liandong.archive.policies import SYSTEM
    from liandong.archive.queries import find
    from liandong.archive.services.looking import note_search
    from liandong.kernel.query import parse

    with engines():
        asked = parse(query)
        answer = find(asked, viewer=SYSTEM, today=today(), limit=limit)
        note_search(
            [*asked.words, *asked.phrases, *asked.codes], filters=len(asked.filters),
            found=answer.count, by="cli", now=clock(),
        )  # fmt: skip
    for rank, hit in enumerate(answer.hits, 1):
        if as_json:
            put_json({"rank": rank, **hit.to_json(), "count": answer.count})
        else:
            put(f"{rank:3} {hit.record.code}  {hit.record.title}")
            for piece in hit.snippets[:1]:
                put("      " + "".join(f"[{text}]" if on else text for text, on in piece.parts))
    if not as_json:
        put(_("共 {count} 件").format(count=answer.count))


@app.command(help=_("显示一件档案"))
def show(code: Annotated[str, typer.Argument(help=_("档号"))], as_json: AsJson = False) -> None:
    """Print everything known of one record."""
    record = _record(code)
    from liandong.archive.queries import record_json
    from liandong.archive.services.looking import note_look

    note_look("look_record", record, by="cli", now=clock())
    row = record_json(record)
    if as_json:
        put_json(row)
        return
    for name, value in row.items():
        put(f"{name}: {value}")


def _record(code: str) -> Any:
    set_up_with_database()
    from liandong.archive.policies import SYSTEM
    from liandong.archive.queries import record_by_code

    record = record_by_code(code, viewer=SYSTEM, today=today())
    if record is None:
        fail(_("没有这个档号：{code}").format(code=code))
    return record


@app.command(help=_("校验固定性：逐字节重算摘要"))
def verify(
    everything: Annotated[bool, typer.Option("--all", help=_("全部"))] = False,
    sample: Annotated[int, typer.Option(help=_("随机抽几件"))] = 0,
    as_json: AsJson = False,
) -> None:
    """Re-read the stored bytes and report what differs."""
    set_up_with_database()
    from liandong.archive.services.verifying import verify as run
    from liandong.kernel.findings import to_json

    kind = "all" if everything else "sample" if sample else "scheduled"
    with engines(), progress(_("校验")) as count:
        outcome = run(kind=kind, sample=sample or 0, by="cli", now=clock(), progress=count)
    for finding in outcome.findings:
        row = to_json(finding, language())
        put_json(row) if as_json else put(
            f"✗ {row['code']} {row.get('where', '')} {row['message']}"
        )
    run_row = outcome.run
    summary = {
        "summary": True, "kind": kind, "checked": run_row.checked, "failed": run_row.failed,
        "bytes": run_row.size_bytes,
    }  # fmt: skip
    if as_json:
        put_json(summary)
    else:
        put(_("校验 {checked} 件，{failed} 件有问题").format(**summary))
    raise typer.Exit(1 if run_row.failed else 0)


@app.command(help=_("导出一件档案"))
def export(
    code: Annotated[str, typer.Argument(help=_("档号"))],
    out: Annotated[Path, typer.Argument(help=_("写到哪里"))],
    form: Annotated[str, typer.Option("--as", help="bagit | eep | folder | dat93")] = "bagit",
) -> None:
    """Write one record as a package that others can verify without us."""
    record = _record(code)
    from liandong.archive.services.exporting import FORMS
    from liandong.archive.services.exporting import export as write

    if form not in FORMS:
        fail(_("不认识的形式 {form}，可用：{forms}").format(form=form, forms=" ".join(FORMS)))
    if out.exists():
        fail(_("文件已存在：{path}").format(path=out))
    with engines():
        put(str(write(record, form=form, out=out, by="cli", now=clock())))


@app.command(help=_("由存储重建数据库和索引"))
def rebuild(as_json: AsJson = False) -> None:
    """Make the rows again from the OCFL objects."""
    set_up_with_database()
    from liandong.archive.services.indexing import reindex_all
    from liandong.archive.services.rebuilding import rebuild as run
    from liandong.kernel.findings import to_json

    with engines(), progress(_("重建")) as count:
        outcome = run(now=clock(), by="cli", progress=count)
        indexed = reindex_all()
    for finding in outcome.findings:
        row = to_json(finding, language())
        put_json(row) if as_json else put(
            f"✗ {row['code']} {row.get('where', '')} {row['message']}"
        )
    summary = {
        "summary": True,
        "records": outcome.records,
        "indexed": indexed,
        "findings": len(outcome.findings),
    }
    put_json(summary) if as_json else put(
        _("重建 {records} 件，入索引 {indexed} 件").format(**summary)
    )
    raise typer.Exit(1 if outcome.findings else 0)


@app.command(help=_("重建检索索引，旧索引继续服务"))
def reindex(as_json: AsJson = False) -> None:
    """Fill a new index beside the old one and swap."""
    set_up_with_database()
    from liandong.archive.services.indexing import reindex_all
    from liandong.base.audit import record_act

    with engines():
        count = reindex_all()
        record_act("reindex_records", by="cli", now=clock(), facts={"records": count})
    put_json({"indexed": count}) if as_json else put(_("入索引 {count} 件").format(count=count))


@app.command(help=_("检查已入库档案中的个人信息；只查没查过的"))
def examine(
    everything: Annotated[bool, typer.Option("--all", help=_("全部重查，人的判定保留"))] = False,
    as_json: AsJson = False,
) -> None:
    """Examine holdings for personal information; killed, it goes on where it stopped."""
    set_up_with_database()
    from collections import Counter

    from liandong.archive.services.privacy import examine_all

    levels: Counter[int] = Counter()
    with engines(), progress(_("检查")) as count:
        for done, record in enumerate(examine_all(now=clock(), everything=everything), start=1):
            levels[record.personal] += 1
            count(done, 0)
    row = {
        "examined": sum(levels.values()), "clean": levels[0], "personal": levels[1],
        "sensitive": levels[2],
    }  # fmt: skip
    if as_json:
        put_json(row)
    else:
        put(
            _("检查 {examined} 件：没有发现 {clean}，个人信息 {personal}，敏感 {sensitive}").format(
                **row
            )
        )
