"""A plain folder with a catalogue: written as an export, read as the commonest hand-over.

Files belong to the row whose archival code is the name of a folder above them or their own name
(`档号.pdf`, `档号-页号.jpg`).  Tables other than csv are read elsewhere and come in as rows.
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from liandong.kernel.checks import Finding
from liandong.kernel.codes import normalise_code_text
from liandong.kernel.dates import PartialDate
from liandong.kernel.metadata import Description, check_value, fields, match_headers
from liandong.kernel.names import inner_path
from liandong.kernel.xml import BrokenXml, HostileXml

from .packet import (
    DAT46_FILE,
    PackedFile,
    PackedItem,
    Packet,
    content_files,
    copy_checked,
    item_folders,
    item_from_folder,
    metadata_of,
    walk,
)

CATALOGUE = "目录.csv"
DEFUSED = "=+-@'\t\r＝＋－＠"  # signs before which a ' is put; some spreadsheets take wide ones too
_HEADER_WITHIN = 10  # rows of headings above the header
_MOST_CATALOGUE_BYTES = 256 << 20
Cell = object  # what a table gives: str, int, float, date, None


# Writing ------------------------------------------------------------------------------------------


def write(folder: Path, items: Sequence[PackedItem]) -> None:
    """Make a new folder with 目录.csv (UTF-8 with BOM, for spreadsheets) and a folder per item.

    Raises FileExistsError, BadPath, DigestMismatch, OSError.
    """
    folder.mkdir(parents=True)
    for name, item in zip(item_folders(items), items, strict=True):
        for file in content_files(item):
            copy_checked(file, folder / inner_path(f"{name}/{file.place}"))
        metadata = folder / name / DAT46_FILE
        metadata.parent.mkdir(parents=True, exist_ok=True)
        metadata.write_bytes(metadata_of(item))
    used = [key for key in fields() if any(item.description.get(key) for item in items)]
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow([fields()[key].name_zh for key in used])
    for item in items:
        table.writerow([_defused(item.description.get(key, "")) for key in used])
    (folder / CATALOGUE).write_bytes(out.getvalue().encode("utf-8-sig"))


def _defused(text: str) -> str:
    """A value that no spreadsheet takes for a formula; `_plain` takes the sign away again."""
    return f"'{text}" if text[:1] and text[0] in DEFUSED else text


def _plain(cell: Cell) -> str:
    """The text of a table cell: whole floats without .0, dates as YYYYMMDD."""
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, date):  # datetime is one too
        return str(PartialDate.parse(cell))
    text = str(cell).strip()
    return text[1:] if len(text) > 1 and text[0] == "'" and text[1] in DEFUSED else text


# Reading ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CatalogueRow:
    """One described row; `number` as a person counts rows, the first of the table is 1."""

    number: int
    description: Description


def validate(folder: Path) -> list[Finding]:
    """Every finding of a folder with a catalogue."""
    return list(read(folder).findings)


def catalogue_of(folder: Path) -> Path | None:
    """The catalogue in a folder: a csv or xlsx at the top, 目录 in its name first; None without."""
    tables = [
        entry
        for entry in sorted(folder.iterdir())
        if entry.suffix.casefold() in {".csv", ".xlsx"} and entry.is_file()
        if not entry.is_symlink() and not entry.name.startswith("~$")
    ]
    tables.sort(key=lambda entry: "目录" not in entry.name)
    return tables[0] if tables else None


def read(folder: Path, table: Iterable[Sequence[Cell]] | None = None) -> Packet:
    """Read a folder; `table` gives the rows of a catalogue that is no csv.

    Without a catalogue there is one item without description, with every file.
    """
    tree = walk(folder)
    findings = list(tree.findings)
    catalogue = catalogue_of(folder)
    if table is None:
        rows = read_csv(catalogue) if catalogue and catalogue.suffix.casefold() == ".csv" else None
        if catalogue and rows is None:  # xlsx is not for the kernel; never say "no catalogue"
            rows = Finding("DIR-CATALOGUE-ENCODING", catalogue.name, facts={"reason": "xlsx"})
        if isinstance(rows, Finding):
            return Packet("folder", (), (*findings, rows))
        table = rows
    files = {path: file for path, file in tree.files.items() if file != catalogue}
    if table is None:
        findings.append(Finding("DIR-NO-CATALOGUE" if files else "PKG-UNKNOWN"))
        loose = tuple(PackedFile(path, file) for path, file in files.items())
        return Packet("folder", (PackedItem({}, loose),) if loose else (), tuple(findings))
    described, faults = read_catalogue(table)
    items, strays = link_files(described, files)
    return Packet("folder", tuple(items), (*findings, *faults, *strays))


def read_csv(path: Path) -> list[list[str]] | Finding:
    """The rows of a csv in UTF-8, UTF-16 or GB18030, or the finding that says why not."""
    if path.stat().st_size > _MOST_CATALOGUE_BYTES:
        return Finding("DIR-CATALOGUE-ENCODING", path.name, facts={"reason": "> 256 MiB"})
    content = path.read_bytes()
    wide = content[:2] in {b"\xff\xfe", b"\xfe\xff"}
    for encoding in ("utf-16",) if wide else ("utf-8-sig", "gb18030"):
        try:
            text = content.decode(encoding)
            sample = text.split("\n", 1)[0]
            delimiter = max(",\t;，", key=sample.count) if sample else ","
            return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
        except (UnicodeError, csv.Error) as error:
            reason = str(error)[:120]
    return Finding("DIR-CATALOGUE-ENCODING", path.name, facts={"reason": reason})


def read_catalogue(
    table: Iterable[Sequence[Cell]], *, code_required: bool = True
) -> tuple[list[CatalogueRow], list[Finding]]:
    """The described rows of a table, and the faults of their values with row and column.

    The header is the row among the first ten in which most columns are known.  Empty rows are left
    out.  Without `code_required` a row may lack its archival code: the fonds gives one later.
    """
    rows = [list(row) for row in table]
    header = max(
        range(min(len(rows), _HEADER_WITHIN)),
        key=lambda at: len(match_headers(rows[at])),
        default=0,
    )
    columns = match_headers(rows[header]) if rows else {}
    if "title" not in columns.values() and "archival_code" not in columns.values():
        return [], [Finding("DIR-NO-HEADER")]
    described, findings, seen = [], [], dict[str, int]()
    for number, cells in enumerate(rows[header + 1 :], start=header + 2):
        values = {key: _plain(cells[at]) for at, key in columns.items() if at < len(cells)}
        description = {key: value for key, value in values.items() if value}
        if not description:
            continue
        described.append(CatalogueRow(number, description))
        findings.extend(_row_faults(number, values, code_required))
        code = normalise_code_text(description.get("archival_code", ""))
        if code and code in seen:
            facts = {"code": description["archival_code"], "first": str(seen[code])}
            findings.append(Finding("DIR-DUPLICATE-CODE", row=number, column="档号", facts=facts))
        seen.setdefault(code, number)
    return described, findings


def _row_faults(number: int, values: Mapping[str, str], code_required: bool) -> list[Finding]:
    faults = []
    for identifier, value in values.items():
        if identifier == "archival_code" and not value and not code_required:
            continue
        for code, facts in check_value(identifier, value):
            column = fields()[identifier].name_zh
            faults.append(Finding(code, row=number, column=column, facts=facts))
    return faults


def link_files(
    rows: Sequence[CatalogueRow], files: Mapping[str, Path]
) -> tuple[list[PackedItem], list[Finding]]:
    """Items with their files (挂接); findings for rows without file and files without row."""
    owners: dict[str, int] = {}
    for at, row in enumerate(rows):
        code = normalise_code_text(row.description.get("archival_code", ""))
        if code:
            owners.setdefault(code, at)
    held: list[dict[str, Path]] = [{} for _ in rows]
    folders = [""] * len(rows)
    findings = []
    for path, file in files.items():
        owner, folder, inside = _owner_of(path, owners)
        if owner is None:
            findings.append(Finding("DIR-STRAY-FILE", path))
            continue
        held[owner][inside] = file
        folders[owner] = folder
    items = []
    for row, inside_files, folder in zip(rows, held, folders, strict=True):
        if not inside_files:
            code = row.description.get("archival_code", "")
            findings.append(Finding("DIR-NO-FILE", row=row.number, facts={"code": code}))
        item, fault = _item_of(row, inside_files, folder)
        items.append(item)
        findings.extend(fault)
    return items, findings


def _owner_of(path: str, owners: Mapping[str, int]) -> tuple[int | None, str, str]:
    """The row a file belongs to, the folder of the item, and the path of the file in it."""
    *parents, name = path.split("/")
    for at, part in enumerate(parents):
        code = normalise_code_text(part)
        for text in (code, re.sub("-[0-9]{3,4}$", "", code)):
            if text in owners:
                inside = "/".join([*parents[at + 1 :], name])
                plain = inside if text == code else f"{part}/{inside}"
                return owners[text], "/".join(parents[: at + 1]), plain
    stem = normalise_code_text(name.rpartition(".")[0] or name)
    for text in (stem, re.sub("-[0-9]{3,4}$", "", stem)):
        if text in owners:
            return owners[text], "/".join(parents), name
    return None, "", path


def _item_of(
    row: CatalogueRow, files: Mapping[str, Path], folder: str
) -> tuple[PackedItem, list[Finding]]:
    faults = []
    if DAT46_FILE in files:
        try:
            item = item_from_folder(files, where=folder)
            merged = item.description | row.description
            whole = PackedItem(merged, item.files, folder, row.number, item.events, item.agents)
        except HostileXml as error:
            faults.append(_xml_fault("PKG-XML-HOSTILE", folder, row.number, error))
        except BrokenXml as error:
            faults.append(_xml_fault("PKG-XML-BROKEN", folder, row.number, error))
        else:
            return whole, faults
    loose = tuple(PackedFile(path, file) for path, file in sorted(files.items()))
    return PackedItem(row.description, loose, folder, row.number), faults


def _xml_fault(code: str, folder: str, row: int, error: Exception) -> Finding:
    return Finding(code, f"{folder}/{DAT46_FILE}", row=row, facts={"reason": str(error)})
