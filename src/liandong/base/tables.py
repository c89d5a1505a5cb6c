"""Tables for spreadsheets: csv and xlsx in which no text of a stranger is a formula."""

import csv
from collections.abc import Iterable, Sequence
from io import BytesIO, StringIO
from typing import Any, Final

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter

CSV: Final = "text/csv; charset=utf-8"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
Cell = str | int


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


def _cell(sheet: Any, value: Cell, *, bold: bool = False) -> Any:
    cell = WriteOnlyCell(sheet, harmless(value))
    cell.data_type = "n" if isinstance(value, int) else "s"  # never "f"
    cell.alignment = Alignment(wrap_text=True, vertical="top")
    if bold:
        cell.font, cell.fill = Font(bold=True), PatternFill("solid", "E8EEF5")
    return cell
