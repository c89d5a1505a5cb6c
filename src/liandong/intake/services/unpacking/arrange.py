"""Decide what kind of hand-over this is and arrange its files into drafts of items."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

from liandong.intake.models import Batch, HandedFile
from liandong.kernel.checks import Finding
from liandong.kernel.hostility import ZipLimits

from .bare import drafts_of_files
from .draft import Draft, folder_of, unique_keys
from .linking import link
from .packages import read_bag, read_eep, read_transfer
from .tables import Table, UnreadableTable, read_table

TABLE_SUFFIXES = (".xlsx", ".xlsm", ".csv", ".tsv")
OLD_TABLE_SUFFIXES = (".xls", ".et")
_NAMED_CATALOGUE = re.compile(r"目录|清单|著录|移交|登记|catalog|index|manifest", re.IGNORECASE)
_ACCOMPANYING = re.compile(r"说明|登记表|清单|目录|交接|readme", re.IGNORECASE)
_LOCK_FILES = re.compile(r"(^|/)(~\$[^/]*|\.~lock\.[^/]*#|\.DS_Store|Thumbs\.db)$", re.IGNORECASE)
EEP_HEAD = 4096  # bytes in which the root element of an encapsulation package stands


@dataclass(slots=True)
class Arrangement:
    """How a hand-over becomes items."""

    kind: str = "bare"  # catalogue, dat93, bagit, eep, bare
    drafts: list[Draft] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    fresh: list[HandedFile] = field(default_factory=list)  # files that came out of packages
    declared: dict[str, Any] = field(default_factory=dict)


def arrange(batch: Batch, files: Sequence[HandedFile]) -> Arrangement:
    """Every content file ends in exactly one draft, or is marked as no content with a finding."""
    arrangement = Arrangement()
    content = [file for file in files if not _set_aside(file, arrangement.findings)]
    root = common_root([file.path for file in content])
    names = {file.path.removeprefix(root).lower(): file for file in content}
    if "bagit.txt" in names:
        _take_package(batch, "bagit", content, root, arrangement)
    elif "目录文件.xml" in names or "说明文件.txt" in names:
        _take_package(batch, "dat93", content, root, arrangement)
    elif content and all(_is_eep(file) for file in content):
        _take_package(batch, "eep", content, root, arrangement)
    else:
        _take_folder(batch, content, root, arrangement)
    unique_keys(arrangement.drafts)
    return arrangement


def common_root(paths: Sequence[str]) -> str:
    """The one folder, ending with `/`, that every path is below; "" when there is none."""
    tops = {path.partition("/")[0] for path in paths}
    if len(tops) != 1 or any("/" not in path for path in paths):
        return ""
    return f"{tops.pop()}/"


def _set_aside(file: HandedFile, findings: list[Finding]) -> bool:
    """What programs leave behind is kept and told, but makes no record."""
    if not _LOCK_FILES.search(file.path):
        return False
    file.is_content = False
    findings.append(Finding("CAT-LEFTOVER", file.path))
    return True


def _is_eep(file: HandedFile) -> bool:
    if not file.path.lower().endswith((".eep", ".xml")):
        return False
    with (settings.STAGING / file.staged).open("rb") as stream:
        head = stream.read(EEP_HEAD)
    return "电子文件封装包".encode() in head or "电子文件封装包".encode("gb18030") in head


def _take_package(
    batch: Batch, kind: str, files: Sequence[HandedFile], root: str, arrangement: Arrangement
) -> None:
    read = {"bagit": read_bag, "dat93": read_transfer, "eep": read_eep}[kind]
    arrangement.kind = kind
    taken = read(batch, files, root)
    arrangement.drafts = taken.drafts
    arrangement.findings += taken.findings
    arrangement.fresh = taken.fresh
    arrangement.declared = {"about": taken.about, "item_count": taken.declared_items}
    placed = {id(file) for draft in taken.drafts for file in [*draft.files, *draft.companions]}
    strays = [file for file in files if id(file) not in placed and file.is_content]
    for draft in drafts_of_files(strays, root):
        draft.find("CAT-FILE-NOT-LISTED", draft.files[0].path)
        arrangement.drafts.append(draft)


def _take_folder(
    batch: Batch, files: list[HandedFile], root: str, arrangement: Arrangement
) -> None:
    file, table = _catalogue(files, root, arrangement.findings)
    if file is None:
        arrangement.drafts = drafts_of_files(files, root)
        return
    file.is_content = False
    rest = [one for one in files if one is not file]
    if table is None:
        arrangement.drafts = drafts_of_files(rest, root)
        for draft in arrangement.drafts:
            draft.find("CAT-NOT-READ", file.path, catalogue=file.path)
        return
    for one in rest:
        if folder_of(one.path) == folder_of(file.path) and _is_accompanying(one, table):
            one.is_content = False
            arrangement.findings.append(Finding("CAT-ACCOMPANYING", one.path))
    arrangement.kind = "catalogue"
    arrangement.declared = {
        "catalogue": file.path,
        "columns": table.headers,
        "item_count": len(table.rows),
    }
    arrangement.findings += _column_findings(file.path, table)
    template = batch.fonds.code_template if batch.fonds else ""
    fonds = batch.fonds.number if batch.fonds else ""
    content = [one for one in rest if one.is_content]
    arrangement.drafts = link(table, content, root, file.path, template=template, fonds=fonds)


def _is_accompanying(file: HandedFile, table: Table) -> bool:
    """A letter or form beside the catalogue, named as such and not the title of an item."""
    stem = file.path.rpartition("/")[2].rpartition(".")[0]
    titles = {values.get("title", "") for _, values in table.rows}
    return _ACCOMPANYING.search(stem) is not None and len(stem) < 20 and stem not in titles


def _catalogue(
    files: Sequence[HandedFile], root: str, findings: list[Finding]
) -> tuple[HandedFile | None, Table | None]:
    """The catalogue and its table; a file without a table is a catalogue that cannot be read."""
    candidates = [
        file
        for file in files
        if file.path.removeprefix(root).count("/") <= 1
        and file.path.lower().endswith((*TABLE_SUFFIXES, *OLD_TABLE_SUFFIXES))
    ]
    candidates.sort(key=lambda file: (file.path.count("/"), not _is_named(file), file.path))
    broken: HandedFile | None = None
    chosen: HandedFile | None = None
    table: Table | None = None
    for file in candidates:
        found = _read_candidate(file, findings)
        if isinstance(found, Table) and chosen is None:
            chosen, table = file, found
        elif isinstance(found, Table):
            findings.append(Finding("CAT-SECOND", file.path, facts={"used": _path(chosen)}))
        elif found is False and broken is None:
            broken = file
    return (chosen, table) if chosen else (broken, None)


def _path(file: HandedFile | None) -> str:
    return file.path if file else ""


def _is_named(file: HandedFile) -> bool:
    return _NAMED_CATALOGUE.search(file.path.rpartition("/")[2]) is not None


def _read_candidate(file: HandedFile, findings: list[Finding]) -> Table | bool:
    """The table; False for a catalogue that cannot be read, True for a table that is none."""
    named = _is_named(file)
    if file.path.lower().endswith(OLD_TABLE_SUFFIXES):
        if named:
            findings.append(Finding("CAT-OLD-FORMAT", file.path))
        return not named
    limits = ZipLimits(settings.ZIP_MAX_RATIO, settings.ZIP_MAX_ENTRIES, settings.ZIP_MAX_BYTES)
    try:
        table = read_table(settings.STAGING / file.staged, file.path, limits)
    except UnreadableTable as error:
        if named:
            findings.append(Finding(error.code, file.path, error.row,
                                    facts={"reason": error.reason}))  # fmt: skip
        return not named
    if table is None and named:
        findings.append(Finding("CAT-NO-HEADER", file.path))
        return False
    return table if table is not None else True


def _column_findings(path: str, table: Table) -> list[Finding]:
    findings = []
    row = table.header_row
    if not table.rows:
        findings.append(Finding("CAT-NO-ROWS", path, row))
    if "title" not in table.headers:
        findings.append(Finding("CAT-MISSING-COLUMN", path, row, "题名", facts={"field": "题名"}))
    if not {"archival_code", "item_number"} & set(table.headers):
        findings.append(Finding("CAT-MISSING-COLUMN", path, row, "档号", facts={"field": "档号"}))
    if table.unknown:
        columns = "、".join(table.unknown)[:300]
        findings.append(Finding("CAT-UNKNOWN-COLUMN", path, row, facts={"columns": columns}))
    return findings
