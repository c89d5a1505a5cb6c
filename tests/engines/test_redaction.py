"""A masked copy gives the secret back to nobody: pixels, text layer, streams, metadata, bytes."""

import subprocess
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pikepdf
import pytest
from PIL import Image
from tests.engines.privacy_pages import TODAY, scanned

from liandong.engines.reading.ofd.fonts import at_size, system_face
from liandong.engines.redaction.images import ImageRedactor
from liandong.kernel.pages import Box, Line, Method, Page
from liandong.kernel.ports import MaskedPage, Redactor, Unreadable
from liandong.kernel.privacy import find_hits, mask_text
from liandong.kernel.privacy.places import span_box

SECRET = "11010519491231002X"
TEXT = f"身份证号：{SECRET} 联系电话 13812345678"


@pytest.fixture
def redactor() -> Redactor:
    return ImageRedactor()


@pytest.fixture
def image(tmp_path: Path) -> tuple[Path, Box]:
    """A scan with one line, its place, and the secret in EXIF, comment and preview."""
    return scanned(tmp_path / "page.jpg", TEXT, note=SECRET)


def masked_page(image: Path, box: Box) -> MaskedPage:
    hits = find_hits(TEXT, today=TODAY)
    black = tuple(span_box(TEXT, box, hit.start, hit.end) for hit in hits)
    with Image.open(image) as opened:
        wide, high = opened.size
    line = Line(mask_text(TEXT, hits), box, 0.99)
    return MaskedPage(Page(1, wide, high, (line,), Method.OCR, dpi=200), image, black)


def streams_of(pdf: Path) -> Iterator[bytes]:
    """Every stream of a PDF as it is stored and unpacked, and every text in its objects."""
    with pikepdf.open(pdf) as book:
        for one in book.objects:
            yield one.unparse(resolved=True) if not isinstance(one, pikepdf.Stream) else b""
            if isinstance(one, pikepdf.Stream):
                yield one.read_raw_bytes()
                try:
                    yield one.read_bytes()
                except pikepdf.PdfError:
                    continue


def test_the_pixels_of_the_secret_are_black(
    redactor: Redactor, image: tuple[Path, Box], tmp_path: Path
) -> None:
    page = masked_page(*image)
    redactor.black_out(image[0], page.black, page.page.width, tmp_path / "out.jpg")
    pixels = np.asarray(Image.open(tmp_path / "out.jpg").convert("L"))
    for box in page.black:
        inside = pixels[int(box.top) + 1 : int(box.bottom), int(box.left) + 1 : int(box.right)]
        assert inside.max() < 24  # black but for the noise of JPEG


def test_two_secrets_under_one_rectangle_give_the_same_image(
    redactor: Redactor, tmp_path: Path
) -> None:
    black, outcomes = Box(200, 130, 640, 210), []
    for number, secret in enumerate(("110105194912310021", "371602199001011236")):
        file, _ = scanned(tmp_path / f"{number}.png", f"身份证号：{secret}")
        redactor.black_out(file, [black], 1240, tmp_path / f"{number}-out.jpg")
        outcomes.append((tmp_path / f"{number}-out.jpg").read_bytes())
    assert outcomes[0] == outcomes[1]


def test_the_metadata_of_the_scan_are_gone(
    redactor: Redactor, image: tuple[Path, Box], tmp_path: Path
) -> None:
    assert SECRET.encode() in image[0].read_bytes()
    redactor.black_out(image[0], [], 1240, tmp_path / "out.jpg")
    with Image.open(tmp_path / "out.jpg") as opened:
        assert not opened.getexif()
        assert "comment" not in opened.info
    assert SECRET.encode() not in (tmp_path / "out.jpg").read_bytes()


def test_boxes_of_a_smaller_image_are_scaled(redactor: Redactor, tmp_path: Path) -> None:
    Image.new("RGB", (400, 200), "white").save(tmp_path / "page.png")
    redactor.black_out(tmp_path / "page.png", [Box(50, 20, 100, 40)], 200, tmp_path / "out.jpg")
    pixels = np.asarray(Image.open(tmp_path / "out.jpg").convert("L"))
    assert pixels[45:75, 105:195].max() < 24
    assert pixels[45:75, 230:].min() > 230


def test_no_tool_gets_the_secret_out_of_the_masked_pdf(
    redactor: Redactor, image: tuple[Path, Box], tmp_path: Path
) -> None:
    target = tmp_path / "masked.pdf"
    redactor.masked_pdf([masked_page(*image)], target, "测试")
    text = subprocess.run(
        ["pdftotext", "-raw", str(target), "-"], capture_output=True, check=True, text=True
    ).stdout
    assert "110***********002X" in text
    assert "138****5678" in text
    needles = [SECRET, SECRET[3:14], "13812345678", "1234567"]
    found = [target.read_bytes(), *streams_of(target)]
    for needle in needles:
        for form in (needle.encode(), needle.encode("utf-16-be"), needle.encode().hex().encode()):
            assert all(form not in content for content in found), needle


def test_the_images_of_the_masked_pdf_are_black_at_the_secret(
    redactor: Redactor, image: tuple[Path, Box], tmp_path: Path
) -> None:
    page = masked_page(*image)
    redactor.masked_pdf([page], tmp_path / "masked.pdf", "测试")
    subprocess.run(
        ["pdfimages", "-all", str(tmp_path / "masked.pdf"), str(tmp_path / "out")], check=True
    )
    (taken,) = tmp_path.glob("out-*")
    pixels = np.asarray(Image.open(taken).convert("L"))
    for box in page.black:
        inside = pixels[int(box.top) + 1 : int(box.bottom), int(box.left) + 1 : int(box.right)]
        assert inside.max() < 24


def test_the_masked_pdf_has_no_attachment_revision_or_preview(
    redactor: Redactor, image: tuple[Path, Box], tmp_path: Path
) -> None:
    target = tmp_path / "masked.pdf"
    redactor.masked_pdf([masked_page(*image)], target, "测试")
    with pikepdf.open(target) as book:
        assert not book.attachments
        assert "/Thumb" not in book.pages[0].obj
        assert "/Annots" not in book.pages[0].obj
        assert "/Prev" not in book.trailer
    assert target.read_bytes().count(b"%%EOF") == 1


def test_a_page_without_image_is_drawn_from_its_masked_lines(
    redactor: Redactor, tmp_path: Path
) -> None:
    lines = tuple(
        Line(text, Box(0, 0, 0, 0), 1.0) for text in ("姓名：张*", "长" * 90, *["行"] * 60)
    )
    page = MaskedPage(Page(1, 0, 0, lines, Method.MARKUP), None, ())
    redactor.masked_pdf([page], tmp_path / "masked.pdf", "测试")
    with pikepdf.open(tmp_path / "masked.pdf") as book:
        assert len(book.pages) == 2
    text = subprocess.run(
        ["pdftotext", str(tmp_path / "masked.pdf"), "-"], capture_output=True, check=True, text=True
    ).stdout
    assert "姓名：张*" in text


def test_bytes_that_are_no_image_are_told(redactor: Redactor, tmp_path: Path) -> None:
    (tmp_path / "page.jpg").write_bytes(zlib.compress(b"no image"))
    with pytest.raises(Unreadable, match="FILE-DAMAGED"):
        redactor.black_out(tmp_path / "page.jpg", [], 100, tmp_path / "out.jpg")


def test_a_document_of_no_pages_is_refused(redactor: Redactor, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no pages"):
        redactor.masked_pdf([], tmp_path / "masked.pdf", "测试")


@pytest.mark.parametrize("serif", [True, False])
@pytest.mark.parametrize(
    "text",
    [
        "户主王建国身份证号码11010519491231002X住滨州市滨城区黄河五路385号",
        "Contact: zhang.san@example.cn, mobile 13812345678, or call 0543-3162000 before noon.",
        "联系人：李四 iiiiiiiiiiiiii 13812345678 WWWWWWWWWW 结束",
    ],
)
def test_the_box_of_a_secret_covers_its_ink(tmp_path: Path, text: str, serif: bool) -> None:
    face = system_face(serif)
    assert face is not None
    font = at_size(face, 40)
    for hit in find_hits(text, today=TODAY):
        left, right = font.getlength(text[: hit.start]), font.getlength(text[: hit.end])
        box = span_box(text, Box(0, 0, font.getlength(text), 44), hit.start, hit.end)
        assert box.left <= left
        assert box.right >= right


def test_the_box_of_a_vertical_secret_runs_down() -> None:
    text = "身份证号码甲乙丙丁"
    box = span_box(text, Box(100, 0, 140, 900), 5, 9, vertical=True)
    assert box.top <= 500
    assert box.bottom >= 900
    assert box.left < 100


def test_the_box_in_a_turned_line_is_the_whole_line() -> None:
    box = span_box("身份证号码甲乙丙丁", Box(100, 0, 140, 900), 5, 9)
    assert box.top <= 0
    assert box.bottom >= 900
