"""Hand-overs for measurements: files of a usual mix, each different, and their catalogue.

Sizes are log-normal around 300 kB with some of 2 MB and more, as an office's scans are: 70 % JPEG,
22 % PDF, 8 % text.  A file is one of a few made for its kind, made different by a comment.
"""

import io
import random
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import openpyxl
from PIL import Image
from reportlab.pdfgen.canvas import Canvas

FONDS = "Z109"
HEADERS = ["档号", "题名", "文号", "责任者", "日期", "密级", "保管期限", "页数", "备注"]
EDGES = (420, 620, 700, 800, 900, 1000, 1150, 1400, 1700, 2500)  # pixels of the scans made


def make(folder: Path, files: int, *, files_per_item: int = 1) -> int:
    """Write a hand-over of so many files with 目录.xlsx; the bytes of the files in all."""
    chance = random.Random(files)  # noqa: S311 - not a secret
    kinds = [*((".jpg", one) for one in _scans()), *((".pdf", one) for one in _pdfs())]
    kinds += [(".txt", one) for one in _texts()]
    weights = [70 / 10] * 10 + [22 / 4] * 4 + [8 / 2] * 2
    folder.mkdir(parents=True)
    total, items = 0, -(-files // files_per_item)
    for number in range(files):
        suffix, content = chance.choices(kinds, weights)[0]
        item, page = divmod(number, files_per_item)
        name = code(item + 1) if files_per_item == 1 else f"{code(item + 1)}-{page + 1:03d}"
        total += _write(folder / f"{name}{suffix}", content, number)
    _write_catalogue(folder / "目录.xlsx", items)
    return total


def code(number: int) -> str:
    """An archival code of one class."""
    return f"{FONDS}-WS·2011-Y-BGS-{number:04d}"


def _write(file: Path, content: bytes, number: int) -> int:
    """The content with a comment that makes it different from every other."""
    mark = f"{number:012d}".encode()
    match file.suffix:
        case ".jpg":  # COM segment after SOI
            content = content[:2] + b"\xff\xfe\x00\x0e" + mark + content[2:]
        case ".pdf":
            content += b"% " + mark + b"\n"
        case _:
            content = mark + b"\n" + content
    return file.write_bytes(content)


@cache
def _scans() -> Sequence[bytes]:
    """JPEGs of a page-like look, from some 80 kB to 2.5 MB."""
    chance = np.random.default_rng(7)
    made = []
    for edge in EDGES:
        wide, high = edge, round(edge * 1.414)
        page = chance.normal(235, 9, (high, wide, 3))
        rows = (np.arange(high) // 14) % 2 == 0
        ink = chance.random((high, wide)) < 0.22
        page[rows[:, None] & ink] -= 150
        out = io.BytesIO()
        Image.fromarray(page.clip(0, 255).astype(np.uint8)).save(out, "JPEG", quality=60)
        made.append(out.getvalue())
    return made


def _pdfs() -> Iterator[bytes]:
    """Two born-digital PDFs of some pages, two of scanned pages."""
    for pages in (2, 12):
        out = io.BytesIO()
        canvas = Canvas(out)
        for number in range(pages):
            for row in range(45):
                canvas.drawString(
                    60, 780 - row * 16, f"{number} {row} " + "notice of the office " * 4
                )
            canvas.showPage()
        canvas.save()
        yield out.getvalue()
    for chosen in (_scans()[2:3], _scans()[3:5]):
        out = io.BytesIO()
        canvas = Canvas(out)
        for scan in chosen:
            canvas.drawInlineImage(Image.open(io.BytesIO(scan)), 0, 0, 595, 842)
            canvas.showPage()
        canvas.save()
        yield out.getvalue()


def _texts() -> Sequence[bytes]:
    line = "为进一步做好有关工作，经研究，现将有关事项通知如下，请认真贯彻执行。\n"
    return [(line * 30).encode(), (line * 600).encode("gb18030")]


def _write_catalogue(file: Path, items: int) -> None:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("目录")
    sheet.append(HEADERS)
    for number in range(1, items + 1):
        sheet.append([
            code(number), f"关于做好第{number}号工作的通知", f"滨政办字〔2011〕{number}号",
            "滨州市人民政府办公室", "20110506", "", "永久", "", "",
        ])  # fmt: skip
    book.save(file)
