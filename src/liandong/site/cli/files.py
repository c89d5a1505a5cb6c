"""`liandong check|read|identify`: files and packages without the archive; no database."""

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from .embedded import fail, set_up
from .output import _, language, put, put_json

AsJson = Annotated[bool, typer.Option("--json", help=_("每行一个 JSON 对象"))]
Files = Annotated[list[Path], typer.Argument(help=_("文件"))]


def check(
    path: Annotated[Path, typer.Argument(help=_("信息包：文件夹或文件"))], as_json: AsJson = False
) -> None:
    """Validate a package offline: verdict and findings with their codes."""
    if not path.exists():
        fail(_("没有这个文件或文件夹：{path}").format(path=path))
    set_up()
    from liandong.base.engines import engine
    from liandong.kernel.packages import validate

    report = validate(path, engine("package_validator"))
    row = report.to_json(language())
    if as_json:
        put_json(row)
    else:
        put(f"{row['verdict']}  {row['kind']}  {row['path']}")
        for found in row["findings"]:
            where = found.get("where", "")
            put(f"  {found['severity']:6}{found['code']} {where} {found['message']}")
    raise typer.Exit(1 if row["findings"] else 0)


def identify(files: Files, as_json: AsJson = False) -> None:
    """Print the PRONOM id of each file."""
    set_up()
    from liandong.base.engines import engine

    flat = [file for path in files for file in _files(path)]
    for file, found in zip(flat, engine("identifier").identify(flat), strict=True):
        row = {
            "file": str(file), "puid": found.puid, "name": found.name, "mime": found.mime,
            "basis": found.basis, "extension_mismatch": found.extension_mismatch,
        }  # fmt: skip
        put_json(row) if as_json else put(f"{found.puid or '—':16} {found.name:40} {file}")


def _files(path: Path) -> list[Path]:
    if not path.exists():
        fail(_("没有这个文件或文件夹：{path}").format(path=path))
    return [path] if path.is_file() else sorted(one for one in path.rglob("*") if one.is_file())


def read(files: Files, as_json: AsJson = False) -> None:
    """Print text, boxes and confidence page by page; a bad file costs only itself."""
    set_up()
    from liandong.base.engines import engine

    troubled = False
    for file in [one for path in files for one in _files(path)]:
        puid = engine("identifier").identify([file])[0].puid
        row = _read_one(engine("reader"), file, puid)
        troubled |= "error" in row
        if as_json:
            put_json(row)
        else:
            put(f"== {file}")
            for page in row["pages"]:
                put(page["text"])
            if "error" in row:
                put(f"✗ {row['error']['message']}")
    raise typer.Exit(1 if troubled else 0)


def _read_one(reader: Any, file: Path, puid: str) -> dict[str, Any]:
    from liandong.kernel.checks import Finding
    from liandong.kernel.findings import to_json
    from liandong.kernel.ports import Unreadable

    started = time.perf_counter()
    row: dict[str, Any] = {"file": str(file), "pages": [], "method": "none"}
    try:
        pages = reader.read(file, puid, range(1, reader.count(file, puid) + 1), None)
    except Unreadable as error:
        row["error"] = to_json(Finding(error.code, str(file), facts=error.facts), language())
    else:
        row["pages"] = [
            {
                "number": page.number,
                "text": page.text,
                "lines": [
                    {"text": line.text, "box": list(line.box), "confidence": line.confidence}
                    for line in page.lines
                ],
            }
            for page in pages
        ]
        methods = {page.method.value for page in pages}
        row["method"] = methods.pop() if len(methods) == 1 else "mixed" if methods else "none"
    row["seconds"] = round(time.perf_counter() - started, 3)
    return row
