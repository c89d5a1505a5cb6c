"""Tables for spreadsheets: csv and xlsx in which no text of a stranger is a formula."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from io import BytesIO, StringIO
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Final

from openpyxl import Workbook, load_workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter

from liandong.kernel.hostility import ZipLimits, inspect

CSV: Final = "text/csv; charset=utf-8"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
Cell = str | int
_SHEET: Final = ZipLimits(ratio=200, entries=200, size_bytes=64 << 20)
_MOST_COLUMNS: Final = 60


def harmless(value: Cell) -> Cell:
    """The value; a text that a spreadsheet would take for a formula gets an apostrophe before it.

    Characters that XML cannot hold are replaced.
    """
    if isinstance(value, int):
        return value
    plain = ILLEGAL_CHARACTERS_RE.sub("\ufffd", value).encode("utf-8", "replace").decode()
    starts = plain.startswith(FORMULA_STARTS) or plain.lstrip().startswith(FORMULA_STARTS)
    return f"'{plain}" if starts else plain


def csv_bytes(head: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """A table as UTF-8 with a byte order mark, by which spreadsheets know Chinese."""
    out = StringIO()
    writer = csv.writer(out)
    writer.writerows([harmless(value) for value in row] for row in (head, *rows))
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def xlsx_bytes(
    title: str, head: Sequence[str], rows: Iterable[Sequence[Cell]], widths: Sequence[int] = ()
) -> bytes:
    """A table as a workbook of one sheet with its head row frozen."""
    book = Workbook(write_only=True)
    sheet: Any = book.create_sheet(title[:31])
    for number, width in enumerate(widths, 1):
        sheet.column_dimensions[get_column_letter(number)].width = width
    sheet.freeze_panes = "A2"
    sheet.append([_cell(sheet, text, bold=True) for text in head])
    for row in rows:
        sheet.append([_cell(sheet, value) for value in row])
    out = BytesIO()
    book.save(out)
    return out.getvalue()


def sheet_rows(content: bytes, *, most_rows: int) -> list[list[str]]:
    """The cells of the first sheet of a workbook as texts, the head too, blank rows at the end not.

    An apostrophe that `harmless` put before a text is taken off.  At most one row more than
    `most_rows` is read.  Raises ValueError for what is no workbook, a zip bomb, or active content.
    """
    with NamedTemporaryFile(suffix=".xlsx") as file:
        file.write(content)
        file.flush()
        if inspect(Path(file.name), where="sheet.xlsx", limits=_SHEET):
            raise ValueError("active content or zip bomb")
        try:
            book = load_workbook(file.name, read_only=True, data_only=True, keep_links=False)
            try:
                found = list(_texts(book.worksheets[0], most_rows + 1))
            finally:
                book.close()
        except Exception as error:  # noqa: BLE001 - a foreign library meets a hostile file
            raise ValueError(type(error).__name__) from None
    while found and not any(found[-1]):
        found.pop()
    return found


def _texts(sheet: Any, most: int) -> Iterator[list[str]]:
    sheet.reset_dimensions()  # what the file says of its size may be wrong
    for row in sheet.iter_rows(max_row=most, max_col=_MOST_COLUMNS, values_only=True):
        yield [_text(value) for value in row]


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime | date):
        return value.isoformat()[:10]
    text = str(value).replace("\0", "")
    is_defused = text.startswith("'") and text[1:].lstrip().startswith(FORMULA_STARTS)
    return text[1:] if is_defused else text


def _cell(sheet: Any, value: Cell, *, bold: bool = False) -> Any:
    cell = WriteOnlyCell(sheet, harmless(value))
    cell.data_type = "n" if isinstance(value, int) else "s"  # never "f"
    cell.alignment = Alignment(wrap_text=True, vertical="top")
    if bold:
        cell.font, cell.fill = Font(bold=True), PatternFill("solid", "E8EEF5")
    return cell
