"""A folder to hand over: a catalogue, a drawn scan, a text."""

from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont
from tests.corpus.contents import xlsx

from liandong.site.demo import find_font

HEADERS = ["档号", "题名", "文号", "责任者", "日期", "密级", "保管期限", "页数", "开放标识"]
BODY = "示范市城市管理局"
A5 = (1165, 1654)  # pixels at 200 dpi: small, so that recognition is quick


def code(number: int) -> str:
    """An archival code of a class that the demonstration does not have."""
    return f"Z109-WS·2024-Y-BGS-{number:04d}"


def row(number: int, title: str, **changes: object) -> list[object]:
    """A faultless row of the catalogue; `changes` by header."""
    values: dict[str, object] = {
        "档号": code(number), "题名": title, "文号": "", "责任者": BODY, "日期": "20240506",
        "密级": "", "保管期限": "永久", "页数": 1, "开放标识": "未审核",
    }  # fmt: skip
    return [{**values, **changes}[header] for header in HEADERS]


def scan(path: Path, lines: list[str]) -> None:
    """A page with these lines, drawn like print."""
    font = find_font()
    if font is None:
        pytest.skip("no Chinese font: apt-get install fonts-noto-cjk")
    image = Image.new("RGB", A5, (252, 250, 245))
    draw, face = ImageDraw.Draw(image), ImageFont.truetype(font, 44)
    for at, line in enumerate(lines):
        draw.text((120, 200 + at * 110), line, font=face, fill=(20, 20, 20))
    image.save(path, quality=85, dpi=(200, 200))


def write_catalogue(folder: Path, rows: list[list[object]]) -> None:
    """The catalogue of a hand-over as a workbook."""
    (folder / "移交目录.xlsx").write_bytes(xlsx([list(HEADERS), *rows]))
