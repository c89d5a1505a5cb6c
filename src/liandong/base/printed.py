"""Parts of papers made as PDF: the font, tables whose cells are plain text, the page number."""

from collections.abc import Sequence
from typing import Any, Final
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import LongTable, Paragraph, TableStyle

FONT: Final = "STSong-Light"  # a standard CID font: readers bring it, nothing is embedded


def paper_table(
    head: Sequence[str],
    rows: Sequence[Sequence[Any]],
    widths: Sequence[int],
    style: ParagraphStyle,
    *,
    most_letters: int,
) -> LongTable:
    """A table of texts, column widths in mm; its head, if there is one, on every page.

    Cells are cut to `most_letters`: one that is taller than a page cannot be laid out.
    """
    cells = [
        [Paragraph(escape(_printable(str(value), most_letters)), style) for value in row]
        for row in [*([head] if head else []), *rows]
    ]
    look: list[tuple[Any, ...]] = [
        ("GRID", (0, 0), (-1, -1), 0.4, colors.HexColor("#9aa5b1")),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
    ]
    if head:
        look.append(("BACKGROUND", (0, 0), (-1, 0), colors.HexColor("#e8eef5")))
    table = LongTable(cells, [width * mm for width in widths], repeatRows=1 if head else 0)
    table.setStyle(TableStyle(look))
    return table


def number_page(canvas: Any, document: Any) -> None:
    """The page number in the lower right corner, within the margin; a callback of reportlab."""
    canvas.setFont(FONT, 8)
    right = document.pagesize[0] - document.rightMargin
    canvas.drawRightString(right, 8 * mm, f"— {canvas.getPageNumber()} —")


def _printable(text: str, most: int) -> str:
    plain = "".join(sign if sign.isprintable() else " " for sign in text)
    return plain if len(plain) <= most else f"{plain[:most]}…"
