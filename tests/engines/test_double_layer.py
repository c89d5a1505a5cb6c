"""Double-layer PDF: images untouched, text that copies as it was read."""

import shutil
import subprocess
from pathlib import Path

import pikepdf
import pypdfium2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from liandong.engines.reading.double_layer import double_layer_pdf
from liandong.engines.reading.reader import LocalReader
from liandong.kernel.pages import Box, Line, Method, Page

TEXTS = (
    "滨州市人民政府办公室文件",
    "滨政办字〔2026〕12号",
    "關於加強檔案工作的通知 2026 final",
    "𠀀𪚥々〇",
)


def _page(
    texts: tuple[str, ...] = TEXTS, width: int = 600, height: int = 800, **facts: object
) -> Page:
    lines = tuple(
        Line(text, Box(50, 60 + 50 * n, 50 + 22 * len(text), 84 + 50 * n), 0.9)
        for n, text in enumerate(texts)
    )
    return Page(1, width, height, lines, Method.OCR, dpi=100, **facts)  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def jpeg(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("images") / "page.jpg"
    Image.linear_gradient("L").resize((600, 800)).save(file, quality=90)
    return file


def _copied(file: Path, number: int = 0) -> list[str]:
    """The lines that pdfium copies from a page."""
    with pypdfium2.PdfDocument(file) as book:
        page = book[number]
        text = page.get_textpage()
        found = text.get_text_range().split("\r\n")
        text.close()
        page.close()
    return [line for line in found if line]


def test_text_copies_as_it_was_read(jpeg: Path, tmp_path: Path) -> None:
    double_layer_pdf([(_page(), jpeg)], tmp_path / "a.pdf", "文件")
    assert _copied(tmp_path / "a.pdf") == list(TEXTS)


def test_poppler_copies_the_same(jpeg: Path, tmp_path: Path) -> None:
    program = shutil.which("pdftotext")
    if program is None:
        pytest.skip("no pdftotext: apt-get install poppler-utils")
    double_layer_pdf([(_page(), jpeg)], tmp_path / "a.pdf", "文件")
    command = [program, "-enc", "UTF-8", str(tmp_path / "a.pdf"), "-"]
    text = subprocess.run(command, capture_output=True, check=True).stdout.decode()
    assert [line for line in text.splitlines() if line.strip("\f")] == list(TEXTS)


def test_the_bytes_of_a_jpeg_are_kept(jpeg: Path, tmp_path: Path) -> None:
    before = jpeg.read_bytes()
    double_layer_pdf([(_page(), jpeg)], tmp_path / "a.pdf", "")
    with pikepdf.open(tmp_path / "a.pdf") as book:
        (image,) = book.pages[0].get_images().values()
        assert image.read_raw_bytes() == before
    assert jpeg.read_bytes() == before


def test_the_page_has_the_size_of_the_paper_and_the_title_is_set(
    jpeg: Path, tmp_path: Path
) -> None:
    double_layer_pdf([(_page(), jpeg)], tmp_path / "a.pdf", "题名")
    with pikepdf.open(tmp_path / "a.pdf") as book:
        assert [float(side) for side in book.pages[0].mediabox] == [0, 0, 432, 576]
        assert str(book.docinfo["/Title"]) == "题名"


def test_the_text_is_invisible_and_its_font_embedded(jpeg: Path, tmp_path: Path) -> None:
    blank = Page(1, 600, 800, (), Method.NONE, dpi=100)
    for name, page in (("with.pdf", _page()), ("without.pdf", blank)):
        double_layer_pdf([(page, jpeg)], tmp_path / name, "")
    pictures = []
    for name in ("with.pdf", "without.pdf"):
        with pypdfium2.PdfDocument(tmp_path / name) as book:
            pictures.append(book[0].render().to_pil().tobytes())
    assert pictures[0] == pictures[1]


@pytest.mark.parametrize("slant", [-5.0, -1.0, 0.5, 3.0])
def test_slanted_lines_copy_whole(jpeg: Path, tmp_path: Path, slant: float) -> None:
    page = _page(TEXTS[:3], measures={"slant": slant})
    double_layer_pdf([(page, jpeg)], tmp_path / "a.pdf", "")
    assert _copied(tmp_path / "a.pdf") == list(TEXTS[:3])


@pytest.mark.parametrize("rotation", [90.0, 180.0, 270.0])
def test_lines_of_a_turned_scan_copy_whole(jpeg: Path, tmp_path: Path, rotation: float) -> None:
    lines = tuple(
        Line(text, Box(60 + 50 * n, 100, 84 + 50 * n, 400), 0.9)
        if rotation != 180
        else Line(text, Box(50, 60 + 50 * n, 350, 84 + 50 * n), 0.9)
        for n, text in enumerate(TEXTS[:3])
    )
    page = Page(1, 600, 800, lines, Method.OCR, dpi=100, measures={"rotation": rotation})
    double_layer_pdf([(page, jpeg)], tmp_path / "a.pdf", "")
    assert sorted(_copied(tmp_path / "a.pdf")) == sorted(TEXTS[:3])


def test_vertical_lines_copy_column_by_column(jpeg: Path, tmp_path: Path) -> None:
    lines = (
        Line("齊乘卷之一", Box(500, 50, 540, 300), 0.9, vertical=True),
        Line("益都于欽纂修", Box(440, 50, 480, 350), 0.9, vertical=True),
    )
    page = Page(1, 600, 800, lines, Method.OCR, dpi=100)
    double_layer_pdf([(page, jpeg)], tmp_path / "a.pdf", "")
    assert sorted(_copied(tmp_path / "a.pdf")) == ["益都于欽纂修", "齊乘卷之一"]


@pytest.mark.parametrize(
    ("orientation", "shown"), [(1, (600, 800)), (6, (800, 600)), (8, (800, 600))]
)
def test_lines_of_a_photo_lie_where_they_are_seen(
    tmp_path: Path, orientation: int, shown: tuple[int, int]
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.new("RGB", (600, 800), "white").save(tmp_path / "photo.jpg", exif=exif)
    line = Line(TEXTS[0], Box(100, 200, 400, 230), 0.9)
    double_layer_pdf(
        [(Page(1, *shown, (line,), Method.OCR, dpi=100), tmp_path / "photo.jpg")],
        tmp_path / "a.pdf",
        "",
    )
    with pypdfium2.PdfDocument(tmp_path / "a.pdf") as book:
        assert book[0].get_size() == (shown[0] * 0.72, shown[1] * 0.72)
        page = book[0]
        textpage = page.get_textpage()
        assert textpage.get_text_range() == TEXTS[0]
        textpage.close()
        page.close()


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "1", "I;16", "CMYK"])
def test_images_of_any_mode_are_taken_over(tmp_path: Path, mode: str) -> None:
    suffix = "tif" if mode == "CMYK" else "png"
    Image.new(mode, (60, 80)).save(tmp_path / f"page.{suffix}")
    page = _page(("文字",), 60, 80)
    double_layer_pdf([(page, tmp_path / f"page.{suffix}")], tmp_path / "a.pdf", "")
    assert _copied(tmp_path / "a.pdf") == ["文字"]


def test_no_pages_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no pages"):
        double_layer_pdf([], tmp_path / "a.pdf", "")


def test_it_is_written_the_same_every_time(jpeg: Path, tmp_path: Path) -> None:
    for name in ("a.pdf", "b.pdf"):
        double_layer_pdf([(_page(), jpeg)], tmp_path / name, "题名")
    assert (tmp_path / "a.pdf").read_bytes() == (tmp_path / "b.pdf").read_bytes()


@given(
    st.lists(
        st.text(
            alphabet=st.characters(categories=["Lo", "Nd", "Lu", "Ll"], max_codepoint=0x9FFF),
            min_size=2,
        ),
        min_size=1,
        max_size=6,
    )
)
def test_every_letter_comes_back(
    jpeg: Path, tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    file = tmp_path_factory.mktemp("pdf") / "a.pdf"
    double_layer_pdf([(_page(tuple(texts)), jpeg)], file, "")
    with pikepdf.open(file) as book:
        stored = book.pages[0].resources["/Font"]["/Unseen"]["/ToUnicode"].read_bytes().decode()
    for letter in set("".join(texts)):
        assert f"<{letter.encode('utf-16-be').hex()}>" in stored


@pytest.mark.slow
def test_what_the_reader_read_comes_back(shared_data: Path, tmp_path: Path) -> None:
    file = next((shared_data / "ocr_pages_rendered").rglob("page_000_clean.jpg"))
    (page,) = LocalReader().read_all(file)
    double_layer_pdf([(page, file)], tmp_path / "a.pdf", "")
    assert _copied(tmp_path / "a.pdf") == [line.text for line in page.lines]
