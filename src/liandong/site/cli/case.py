"""`liandong case …`: proof, rebuilding, import of cases, and the flow they obey."""

import csv
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .embedded import clock, engines, fail, set_up_with_database
from .output import _, progress, put, put_json

if TYPE_CHECKING:
    from liandong.kernel.case_imports import Layout

app = typer.Typer(help=_("事项：校验、重建、导入、流程"), no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help=_("每行一个 JSON 对象"))]


@app.command(help=_("校验事项：经过链、当前行、信息包、档案记录一致"))
def verify(
    numbers: Annotated[
        list[str] | None, typer.Option("--number", help=_("只校验这些编号；可重复"))
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Prove that chain, row, package and record tell the same; 1 when they do not."""
    set_up_with_database()
    from liandong.cases.queries.situations import case_by_number
    from liandong.cases.services.proving import count_cases, verify_filed

    for number in numbers or []:
        if case_by_number(number) is None:
            fail(_("没有这个事项：{number}").format(number=number))
    faults = 0
    with engines(), progress(_("校验")) as count:
        for case, fault in verify_filed(numbers or (), progress=count):
            faults += 1
            row = {"case": case.number, "event": fault.number, "code": fault.code,
                   "detail": fault.detail}  # fmt: skip
            put_json(row) if as_json else put(
                f"✗ {case.number} #{fault.number} {fault.code} {fault.detail}".rstrip()
            )
    summary = {"summary": True, "cases": count_cases(numbers or ()), "faults": faults}
    if as_json:
        put_json(summary)
    else:
        put(_("校验 {cases} 个事项，{faults} 处有问题").format(**summary))
    raise typer.Exit(1 if faults else 0)


@app.command(help=_("由经过重建一个事项的当前行"))
def rebuild(number: Annotated[str, typer.Argument(help=_("事项编号"))]) -> None:
    """Write the row anew from its events; 1 when the chain itself is broken."""
    set_up_with_database()
    from liandong.cases.queries.situations import case_by_number
    from liandong.cases.services.proving import rebuild_row

    case = case_by_number(number)
    if case is None:
        fail(_("没有这个事项：{number}").format(number=number))
    try:
        changed = rebuild_row(case.pk, by="cli", now=clock())
    except ValueError as error:
        put(f"✗ {error}")
        raise typer.Exit(1) from None
    if changed:
        put(_("已改写：{columns}").format(columns=" ".join(changed)))
    else:
        put(_("当前行与经过一致"))


@app.command(help=_("检查每类事项的流程表"))
def lint(as_json: AsJson = False) -> None:
    """Say what is wrong with the flow of each kind; 1 when anything is."""
    from liandong.kernel.casework import flow_of, kinds
    from liandong.kernel.casework import lint as check

    found = [(kind, text) for kind in kinds() for text in check(flow_of(kind))]
    for kind, text in found:
        put_json({"kind": kind, "fault": text}) if as_json else put(f"✗ {kind}: {text}")
    if not as_json:
        text = _("检查 {kinds} 类事项，{faults} 处有问题")
        put(text.format(kinds=len(kinds()), faults=len(found)))
    raise typer.Exit(1 if found else 0)


@app.command(help=_("打印一类事项的状态图（Mermaid）"))
def draw(kind: Annotated[str, typer.Argument(help=_("种类代码，如 snap_report"))]) -> None:
    """Print the state diagram that the table gives."""
    from liandong.kernel.casework import kinds
    from liandong.site.case_flows import diagram

    from .output import language

    if kind not in kinds():
        fail(_("不认识的种类 {kind}，可用：{kinds}").format(kind=kind, kinds=" ".join(kinds())))
    put(diagram(kind, language()))


@app.command("mail", help=_("把上报邮件（EML）收为事项；邮件系统可用管道送入，写 -"))
def take_mails(
    sources: Annotated[list[str], typer.Argument(help=_("EML 文件，可多个；- 为标准输入"))],
    as_json: AsJson = False,
) -> None:
    """Take messages in, one by one; the same message again changes nothing.  1 when any failed."""
    set_up_with_database()
    from liandong.cases.services.mailing import BadMail, take_mail
    from liandong.cases.services.opening import BadReport

    failed = 0
    with engines():
        for source in sources:
            row: dict[str, Any] = {"source": source}
            try:
                opened = take_mail(_bytes_of(source), now=clock())
                row |= {"case": opened.case.number, "is_fresh": opened.is_fresh}
            except OSError:
                row["why"] = "unreadable"
            except BadMail as bad:
                row["why"] = bad.code
            except BadReport as bad:
                row["why"] = " ".join("-".join(one) for one in bad.faults)
            failed += "why" in row
            put_json(row) if as_json else put(
                f"✗ {source} {row['why']}" if "why" in row else f"✓ {source} {row['case']}"
            )
    raise typer.Exit(1 if failed else 0)


def _bytes_of(source: str) -> bytes:
    return sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()


@app.command(help=_("办理到时的系统步骤：提醒、督办、期满、告知、删除联系方式"))
def tend(
    dry_run: Annotated[bool, typer.Option("--dry-run", help=_("只数，不办"))] = False,
    everything: Annotated[
        bool, typer.Option("--all", help=_("重新看每个在办事项，如改过工作日历以后"))
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Do once what the worker does every minute; prints how many of each, 1 when some failed."""
    set_up_with_database()
    from liandong.cases.services.tending import tend_due

    with engines():
        done = tend_due(now=clock(), everything=everything, dry_run=dry_run)
    counts = {name: count for name, count in sorted(done.items()) if count}
    if as_json:
        put_json({"summary": True, "dry_run": dry_run, **counts})
    elif not counts:
        put(_("没有到时的事"))
    else:
        for name, count in counts.items():
            put(f"{name} {count}")
    raise typer.Exit(1 if done.get("failed") else 0)


# Import -------------------------------------------------------------------------------------------


@app.command("import", help=_("批量导入其他系统的事项（CSV）；读不懂的行连同原因另存"))
def import_file(
    source: Annotated[Path, typer.Argument(help=_("CSV，UTF-8，首行为列名"))],
    mapping: Annotated[
        Path | None, typer.Option(help=_("列的对应表：CSV，列为 field,column,value"))
    ] = None,
    profile: Annotated[str, typer.Option(help=_("内置的对应：boston、nyc311、ottawa"))] = "",
    refused: Annotated[
        Path | None, typer.Option(help=_("被拒的行写到哪里；默认在当前目录"))
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help=_("只检查，不写入"))] = False,
    as_json: AsJson = False,
) -> None:
    """Import a file; it may be begun again at any time.  1 when rows were refused."""
    if (mapping is None) == (not profile):
        fail(_("请给 --mapping 或 --profile 之一"))
    if not source.is_file():
        fail(_("没有这个文件：{path}").format(path=source))
    set_up_with_database()
    from liandong.cases.services.importing import BadFile, import_rows
    from liandong.cases.services.refused_rows import refused_rows

    layout = _layout(mapping, profile)
    out = refused or Path(f"{source.stem}-refused.csv")
    if out.exists():
        fail(_("文件已存在：{path}").format(path=out))
    with refused_rows(out) as refuse, progress(_("导入")) as count:
        try:
            with source.open(encoding="utf-8-sig", newline="") as lines:
                counts = import_rows(
                    lines, layout, by="cli", now=clock(), refuse=refuse, dry_run=dry_run,
                    progress=count,
                )  # fmt: skip
        except UnicodeDecodeError:
            fail(_("文件须为 UTF-8：{path}").format(path=source))
        except BadFile as bad:
            fail(_bad_file(bad.code, bad.text))
    row = {
        "summary": True, "dry_run": dry_run, "read": counts.read, "imported": counts.imported,
        "closed": counts.closed, "known": counts.known, "refused": counts.refused,
        "reasons": counts.reasons, "refused_file": str(out) if counts.refused else "",
    }  # fmt: skip
    if as_json:
        put_json(row)
    else:
        text = _("读 {read} 行：导入 {imported}（已结 {closed}），已有 {known}，拒收 {refused}")
        put(text.format(**row))
        for code, times in sorted(counts.reasons.items()):
            put(f"  {code} {times}")
    raise typer.Exit(1 if counts.refused else 0)


def _layout(mapping: Path | None, profile: str) -> "Layout":
    from liandong.kernel.case_imports import BadMapping, mapping_of, profiles
    from liandong.kernel.case_imports import profile as known

    try:
        if mapping is None:
            return known(profile)
        with mapping.open(encoding="utf-8-sig", newline="") as lines:
            return mapping_of(csv.DictReader(lines))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        fail(_("对应表读不了：{reason}").format(reason=error))
    except BadMapping as bad:
        if bad.code == "unknown-profile":
            text = _("没有内置的对应 {name}，可用：{known}")
            fail(text.format(name=bad.name, known=" ".join(profiles())))
        fail(_("对应表有误：{code} {name}").format(code=bad.code, name=bad.name))


def _bad_file(code: str, text: str) -> str:
    if code == "empty":
        return _("文件是空的")
    if code == "columns":
        return _("文件缺少这些列：{columns}").format(columns=text)
    return _("不是规范的 CSV：{reason}").format(reason=text)
