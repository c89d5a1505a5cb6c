"""A folder to hand over: a catalogue, a drawn scan, a text."""

from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont
from playwright.sync_api import expect
from tests.corpus.contents import xlsx

from liandong.site.demo import find_font

from .conftest import Open

HEADERS = ["档号", "题名", "文号", "责任者", "日期", "密级", "保管期限", "页数", "开放标识"]
BODY = "示范市城市管理局"
LONG = 120_000  # ms: a worker on a busy machine reads a page in some seconds
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


def hand_over(open_as: Open, folder: Path, name: str) -> str:
    """Hand the folder over as a clerk and accept it; the address of its first record."""
    clerk = open_as("clerk", "/transfers/new/")
    clerk.get_by_label("批次名称").fill(name)
    clerk.locator("input[webkitdirectory]").set_input_files(folder)
    expect(clerk.locator(".ld-upload-head")).to_contain_text("全部收到，可以提交")
    clerk.get_by_role("button", name="提交移交").click()
    expect(clerk.locator(".ld-lead .ld-status")).to_have_text("待审核", timeout=LONG)
    archivist = open_as("archivist", clerk.url)
    archivist.get_by_role("button", name="全部接收").click()
    archivist.get_by_role("button", name="确认全部接收").click()
    expect(archivist.locator(".ld-lead .ld-status")).to_have_text("已接收入库", timeout=LONG)
    archivist.reload()
    link = archivist.locator('.ld-items a[href^="/records/"]').first
    return link.get_attribute("href") or ""
