"""Read a catalogue (xlsx, csv) into rows of text.  Knows no meaning of columns but the header."""

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

import openpyxl

from liandong.kernel.codes import half_width
from liandong.kernel.hostility import ZipLimits, inspect
from liandong.kernel.metadata import match_headers
from liandong.kernel.packages.folder import DEFUSED  # exports put ' before such signs

HEADER_WITHIN = 20  # rows: titles and remarks may stand above the header
ROWS_MAX = 500_000
COLUMNS_MAX = 200
CSV_MAX_BYTES = 512 << 20
FILE_COLUMN = "file"  # beside the identifiers of kernel.metadata: the path of the file
_FILE_HEADERS = frozenset(
    {
        "文件路径", "文件名", "电子文件名", "电子文件", "电子文件名称", "原文", "原文路径",
        "原文文件名", "全文", "全文路径", "全文文件名", "挂接文件", "挂接路径", "附件路径",
        "路径", "文件", "图像路径", "存储路径", "file", "filename", "path", "filepath",
    }
)  # fmt: skip


_NO_HEADER_TEXT = re.compile(r"[\s*＊:：]+|[(\[【（].*?[)\]】）]")


class UnreadableTable(Exception):
    """The table cannot be read; `code` is a row of `catalog/findings.csv`."""

    def __init__(self, code: str, reason: str, row: int | None = None) -> None:
        super().__init__(f"{code}: {reason}")
        self.code, self.reason, self.row = code, reason, row


@dataclass(slots=True)
class Table:
    """A catalogue: its rows by identifier, with row numbers as a person counts them."""

    headers: dict[str, str] = field(default_factory=dict)  # identifier → header as written
    unknown: list[str] = field(default_factory=list)  # headers that mean nothing to us
    header_row: int = 1
    rows: list[tuple[int, dict[str, str]]] = field(default_factory=list)


def read_table(file: Path, name: str, limits: ZipLimits) -> Table | None:
    """The catalogue in a file; None when no row of it looks like the header of a catalogue.

    Raises UnreadableTable and OSError.
    """
    lowered = name.lower()
    if lowered.endswith((".csv", ".txt", ".tsv")):
        return _best([_csv_rows(file)])
    if any(found.code.startswith("SEC-") for found in inspect(file, where=name, limits=limits)):
        raise UnreadableTable("CAT-UNREADABLE", "active content or zip bomb")
    return _best_sheet(file)


def _best(sheets: Iterable[Iterable[Sequence[object]]]) -> Table | None:
    found: Table | None = None
    for sheet in sheets:
        table = _table(sheet)
        if table and (found is None or len(table.headers) > len(found.headers)):
            found = table
    return found


def _best_sheet(file: Path) -> Table | None:
    try:
        book = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
    except Exception as error:  # noqa: BLE001 - a foreign library meets a hostile file
        raise UnreadableTable("CAT-UNREADABLE", _reason(error)) from None
    try:
        return _best(_sheet_rows(sheet) for sheet in book.worksheets[:20])
    except UnreadableTable:
        raise
    except Exception as error:  # noqa: BLE001 - sheets are parsed as they are read
        raise UnreadableTable("CAT-UNREADABLE", _reason(error)) from None
    finally:
        book.close()


def _sheet_rows(sheet: object) -> Iterator[Sequence[object]]:
    sheet.reset_dimensions()  # type: ignore[attr-defined]  # what the file says may be wrong
    yield from sheet.iter_rows(max_col=COLUMNS_MAX, values_only=True)  # type: ignore[attr-defined]


def _reason(error: Exception) -> str:
    return (f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)[:160]


def _csv_rows(file: Path) -> Iterator[Sequence[object]]:
    if file.stat().st_size > CSV_MAX_BYTES:
        raise UnreadableTable("CAT-UNREADABLE", f"> {CSV_MAX_BYTES} bytes")
    text = _decode(file.read_bytes())
    head = text[:8192].splitlines()[:HEADER_WITHIN]
    delimiter = max(",\t;，", key=lambda sign: max((line.count(sign) for line in head), default=0))
    number = 0
    try:
        for row in csv.reader(io.StringIO(text, ""), delimiter=delimiter):
            number += 1
            yield row[:COLUMNS_MAX]
    except csv.Error as error:
        raise UnreadableTable("CAT-UNREADABLE", str(error)[:160], number + 1) from None


def _decode(content: bytes) -> str:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", "replace")
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise UnreadableTable("CAT-UNREADABLE", "neither UTF-8 nor GB18030")


def _table(rows: Iterable[Sequence[object]]) -> Table | None:
    table: Table | None = None
    columns: dict[int, str] = {}
    for number, row in enumerate(rows, start=1):
        if table is None:
            columns = _header(row)
            if columns:
                table = _start(number, row, columns)
            elif number >= HEADER_WITHIN:
                return None
            continue
        if number > ROWS_MAX:
            raise UnreadableTable("CAT-UNREADABLE", f"> {ROWS_MAX} rows", number)
        values = {columns[at]: text for at, cell in enumerate(row)
                  if at in columns and (text := as_text(cell))}  # fmt: skip
        if values:
            table.rows.append((number, values))
    return table


def _header(row: Sequence[object]) -> dict[int, str]:
    """Identifiers by column; {} when this row is no header: two known columns, one that names."""
    columns = match_headers([as_text(cell) for cell in row])
    known = set(columns.values())
    if len(known) < 2 or not known & {"title", "archival_code", "item_number"}:
        return {}
    for at, cell in enumerate(row):
        plain = _NO_HEADER_TEXT.sub("", half_width(as_text(cell))).casefold()
        if at not in columns and plain in _FILE_HEADERS and FILE_COLUMN not in columns.values():
            columns[at] = FILE_COLUMN
    return columns


def _start(number: int, row: Sequence[object], columns: dict[int, str]) -> Table:
    texts = [as_text(cell) for cell in row]
    return Table(
        headers={identifier: texts[at] for at, identifier in columns.items()},
        unknown=[text for at, text in enumerate(texts) if text and at not in columns],
        header_row=number,
    )


def as_text(cell: object) -> str:
    """A cell as a person would write it: whole numbers without `.0`, days without a time."""
    match cell:
        case None:
            return ""
        case datetime():
            is_day = (cell.hour, cell.minute, cell.second) == (0, 0, 0)
            return f"{cell:%Y-%m-%d}" if is_day else f"{cell:%Y-%m-%d %H:%M:%S}"
        case date():
            return f"{cell:%Y-%m-%d}"
        case float() if cell.is_integer():
            return str(int(cell))
    text = str(cell).strip()
    return text[1:] if text[:1] == "'" and text[1:2] and text[1] in DEFUSED else text
