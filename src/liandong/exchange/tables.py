"""Tables that leave as xlsx or csv: text that a spreadsheet would take for a formula stays text."""

import csv
from collections.abc import Iterable, Sequence
from io import BytesIO, StringIO
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
Cell = str | int
Rows = Iterable[Sequence[Cell]]


def harmless(value: Cell) -> Cell:
    """The value as a cell may hold it: control characters go, a formula gets an apostrophe."""
    if not isinstance(value, str):
        return value
    plain = ILLEGAL_CHARACTERS_RE.sub("\ufffd", value).encode("utf-8", "replace").decode()
    starts = (plain[:1], plain.lstrip()[:1])
    return f"'{plain}" if any(start in _FORMULA_STARTS for start in starts) else plain


def to_csv(head: Sequence[str], rows: Rows) -> bytes:
    """The table as CSV in UTF-8 with a mark, which spreadsheets need to read Chinese."""
    out = StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    for row in (head, *rows):
        writer.writerow([harmless(value) for value in row])
    return out.getvalue().encode("utf-8-sig")


def to_xlsx(title: str, head: Sequence[str], rows: Rows, widths: Sequence[int]) -> bytes:
    """The table as a workbook of one sheet."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(title)
    for number, width in enumerate(widths, start=1):
        sheet.column_dimensions[get_column_letter(number)].width = width
    sheet.freeze_panes = "A2"
    sheet.append([_cell(sheet, text, is_head=True) for text in head])
    for row in rows:
        sheet.append([_cell(sheet, value) for value in row])
    out = BytesIO()
    book.save(out)
    return out.getvalue()


def _cell(sheet: Any, value: Cell, *, is_head: bool = False) -> Any:
    cell = WriteOnlyCell(sheet, harmless(value))
    cell.alignment = Alignment(wrap_text=True, vertical="top")
    if is_head:
        cell.font, cell.fill = Font(bold=True), PatternFill("solid", "E8EEF5")
    return cell
