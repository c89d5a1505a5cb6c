"""Contract of the reader port; the files are made here, real ones come from the shared folder."""

import gzip
import io
import json
import shutil
import struct
import zipfile
import zlib
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path

import numpy as np
import openpyxl
import pikepdf
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from liandong.engines.reading.charset import decode
from liandong.engines.reading.double_layer import double_layer_pdf
from liandong.engines.reading.layer import Glyph, lines_of
from liandong.engines.reading.ofd import signatures_of
from liandong.engines.reading.ofd.geometry import deltas, outlines
from liandong.engines.reading.office import has_macros
from liandong.engines.reading.reader import LocalReader
from liandong.kernel.pages import Box, Line, Method, Page
from liandong.kernel.ports import Unreadable

LAW = "第一条为了规范档案收集和整理工作，根据有关法律制定本办法。"


@dataclass
class _Seen:
    """Stands in for the models at the seam that LocalReader offers: one line over the page."""

    sizes: list[tuple[int, int]] = field(default_factory=list)

    def __call__(self, pixels: np.ndarray) -> "_Found":
        height, width = pixels.shape[:2]
        self.sizes.append((width, height))
        return _Found((Line("识别", Box(0, 0, width, height), 0.9),))


@dataclass(frozen=True)
class _Found:
    lines: tuple[Line, ...]
    rotation: int = 0
    skew: float = 0.0
    measures: dict[str, float] = field(default_factory=dict)


@pytest.fixture
def seen() -> _Seen:
    return _Seen()


@pytest.fixture
def reader(seen: _Seen) -> LocalReader:
    return LocalReader(seen)


def _image(folder: Path, name: str = "page.png", size: tuple[int, int] = (620, 877)) -> Path:
    file = folder / name
    Image.new("RGB", size, "white").save(file)
    return file


def _text_pdf(folder: Path, texts: list[str], name: str = "text.pdf") -> Path:
    """A PDF whose only text is its text layer, over images of white pages."""
    image = _image(folder, f"{name}.png")
    pages = []
    for number, text in enumerate(texts, start=1):
        lines = tuple(
            Line(text, Box(40, top, 40 + 18 * len(text), top + 20), 1.0)
            for top in range(60, 760, 60)
        )
        pages.append((Page(number, 620, 877, lines, Method.OCR, dpi=75), image))
    double_layer_pdf(pages, folder / name, "测试")
    return folder / name


def _ofd(folder: Path, content: str, name: str = "doc.ofd", **parts: str | bytes) -> Path:
    file = folder / name
    space = 'xmlns:ofd="http://www.ofdspec.org/2016"'
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr(
            "OFD.xml",
            f"<ofd:OFD {space}><ofd:DocBody><ofd:DocRoot>Doc_0/Document.xml</ofd:DocRoot>"
            "</ofd:DocBody></ofd:OFD>",
        )
        package.writestr(
            "Doc_0/Document.xml",
            f"<ofd:Document {space}><ofd:CommonData><ofd:PageArea><ofd:PhysicalBox>0 0 210 297"
            "</ofd:PhysicalBox></ofd:PageArea><ofd:DocumentRes>Res.xml</ofd:DocumentRes>"
            "</ofd:CommonData>"
            '<ofd:Pages><ofd:Page ID="1" BaseLoc="Page.xml"/></ofd:Pages></ofd:Document>',
        )
        package.writestr(
            "Doc_0/Page.xml",
            f'<ofd:Page {space}><ofd:Content><ofd:Layer ID="2">{content}</ofd:Layer>'
            "</ofd:Content></ofd:Page>",
        )
        for place, text in parts.items():
            package.writestr(place.replace("__", "/").replace("_xml", ".xml"), text)
    return file


def _code(reader: LocalReader, file: Path) -> str:
    with pytest.raises(Unreadable) as caught:
        reader.read_all(file)
    return caught.value.code


# Pages and page images ----------------------------------------------------------------------------


def test_a_jpeg_is_read_and_is_its_own_page_image(reader: LocalReader, tmp_path: Path) -> None:
    file = tmp_path / "a.jpg"
    Image.new("RGB", (300, 400), "white").save(file, dpi=(300, 300))
    before = file.read_bytes()
    (page,) = reader.read_all(file, images=tmp_path / "images")
    assert (page.width, page.height, page.dpi, page.image) == (300, 400, 300, "")
    assert not (tmp_path / "images").exists()
    assert file.read_bytes() == before


def test_boxes_of_a_large_image_are_on_the_original(
    reader: LocalReader, seen: _Seen, tmp_path: Path
) -> None:
    file = tmp_path / "large.png"
    Image.new("L", (8000, 5000), 255).save(file)  # 40 megapixels
    (page,) = reader.read_all(file)
    assert max(seen.sizes[0]) <= 3508
    assert (page.width, page.height) == (8000, 5000)
    assert page.lines[0].box.right == pytest.approx(8000, abs=2)


def test_a_rotated_photo_is_read_as_it_is_shown(reader: LocalReader, tmp_path: Path) -> None:
    file = tmp_path / "photo.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn
    Image.new("RGB", (300, 200), "white").save(file, exif=exif)
    (page,) = reader.read_all(file)
    assert (page.width, page.height) == (200, 300)


def test_every_page_of_a_fax_tiff_gets_a_page_image(reader: LocalReader, tmp_path: Path) -> None:
    file = tmp_path / "fax.tif"
    sheets = [Image.new("1", (1728, 2200 + number), 1) for number in range(3)]
    sheets[0].save(
        file, save_all=True, append_images=sheets[1:], compression="group4", dpi=(204, 196)
    )
    assert reader.count(file) == 3
    pages = reader.read(file, "fmt/353", [3, 1], tmp_path / "images")
    assert [(page.number, page.image, page.height) for page in pages] == [
        (3, "0003.jpg", 2202),
        (1, "0001.jpg", 2200),
    ]
    with Image.open(tmp_path / "images" / "0003.jpg") as image:
        assert image.size == (1728, 2202)


@pytest.mark.parametrize("suffix", ["jp2", "bmp", "gif", "webp"])
def test_images_that_viewers_may_not_show_are_rendered(
    reader: LocalReader, tmp_path: Path, suffix: str
) -> None:
    file = _image(tmp_path, f"page.{suffix}", (120, 160))
    (page,) = reader.read_all(file, images=tmp_path / "images")
    assert page.image == "0001.jpg"


def test_a_bomb_of_pixels_is_too_large(reader: LocalReader, tmp_path: Path) -> None:
    head = b"IHDR" + struct.pack(">IIBBBBB", 60_000, 60_000, 1, 0, 0, 0, 0)
    chunks = b"".join(
        struct.pack(">I", len(part) - 4) + part + struct.pack(">I", zlib.crc32(part))
        for part in (head, b"IDAT" + zlib.compress(bytes(100)))
    )
    (tmp_path / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunks)
    assert _code(reader, tmp_path / "bomb.png") == "FILE-TOO-LARGE"


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "jp2", "gif", "bmp", "webp"])
def test_a_cut_image_is_damaged_or_still_read(
    reader: LocalReader, tmp_path: Path, suffix: str
) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (90, 70, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / f"whole.{suffix}")
    whole = (tmp_path / f"whole.{suffix}").read_bytes()
    for length in (8, 30, len(whole) // 2, len(whole) - 3):
        file = tmp_path / f"cut-{length}.{suffix}"
        file.write_bytes(whole[:length])
        try:
            reader.read_all(file)
        except Unreadable as error:
            assert error.code in {"FILE-DAMAGED", "FILE-NO-READER"}  # noqa: PT017 - either is right


# PDF ----------------------------------------------------------------------------------------------


def test_a_text_layer_is_used_and_not_recognised(
    reader: LocalReader, seen: _Seen, tmp_path: Path
) -> None:
    file = _text_pdf(tmp_path, [LAW, "第二页" * 6])
    pages = reader.read_all(file, images=tmp_path / "images")
    assert seen.sizes == []
    assert [page.method for page in pages] == [Method.TEXT_LAYER] * 2
    assert {line.text for line in pages[0].lines} == {LAW}
    assert reader.text_of(file) == "\n".join(page.text for page in pages)
    with Image.open(tmp_path / "images" / pages[0].image) as image:
        assert image.size == (pages[0].width, pages[0].height)


def test_lines_of_a_text_layer_are_where_they_are_printed(
    reader: LocalReader, tmp_path: Path
) -> None:
    (page,) = reader.read_all(_text_pdf(tmp_path, [LAW]))
    scale = page.width / 620
    box = page.lines[0].box
    assert box.left / scale == pytest.approx(40, abs=3)
    assert box.right / scale == pytest.approx(40 + 18 * len(LAW), abs=3)
    assert box.top / scale == pytest.approx(60, abs=8)


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_boxes_follow_the_rotation_of_the_page(
    reader: LocalReader, tmp_path: Path, turn: int
) -> None:
    file = _text_pdf(tmp_path, [LAW])
    with pikepdf.open(file, allow_overwriting_input=True) as book:
        book.pages[0].rotate(turn, relative=False)
        book.save(file)
    (page,) = reader.read_all(file)
    assert (page.width > page.height) == (turn != 180)
    assert all(0 <= line.box.left < line.box.right <= page.width for line in page.lines)
    assert all(0 <= line.box.top < line.box.bottom <= page.height for line in page.lines)


def test_a_scan_is_recognised_although_its_footer_is_text(
    reader: LocalReader, seen: _Seen, tmp_path: Path
) -> None:
    footer = (Line("第1页", Box(280, 850, 340, 865), 1.0),)
    page = Page(1, 620, 877, footer, Method.OCR, dpi=75)
    double_layer_pdf([(page, _image(tmp_path))], tmp_path / "scan.pdf", "")
    (read,) = reader.read_all(tmp_path / "scan.pdf", images=tmp_path / "images")
    assert read.method is Method.OCR
    assert read.image == "0001.jpg"
    assert len(seen.sizes) == 1
    assert reader.text_of(tmp_path / "scan.pdf") is None


def test_a_text_layer_of_private_characters_is_recognised(
    reader: LocalReader, tmp_path: Path
) -> None:
    (page,) = reader.read_all(_text_pdf(tmp_path, ["\ue000\ue001\ue002\uf8ff" * 8]))
    assert page.method is Method.OCR


def test_mixed_pages_are_judged_one_by_one(reader: LocalReader, tmp_path: Path) -> None:
    text = _text_pdf(tmp_path, [LAW])
    scan = Page(1, 620, 877, (), Method.NONE, dpi=75)
    double_layer_pdf([(scan, _image(tmp_path))], tmp_path / "scan.pdf", "")
    with (
        pikepdf.open(text, allow_overwriting_input=True) as book,
        pikepdf.open(tmp_path / "scan.pdf") as other,
    ):
        book.pages.extend(other.pages)
        book.save(text)
    methods = [page.method for page in reader.read_all(text)]
    assert methods == [Method.TEXT_LAYER, Method.OCR]


def test_an_empty_pdf_page_is_none(reader: LocalReader, seen: _Seen, tmp_path: Path) -> None:
    with pikepdf.new() as book:
        book.add_blank_page(page_size=(595, 842))
        book.save(tmp_path / "blank.pdf")
    (page,) = reader.read_all(tmp_path / "blank.pdf")
    assert (page.method, seen.sizes) == (Method.NONE, [])


def test_a_pdf_with_a_password_is_encrypted_and_one_without_opens(
    reader: LocalReader, tmp_path: Path
) -> None:
    plain = _text_pdf(tmp_path, [LAW])
    for name, user in (("open.pdf", ""), ("shut.pdf", "secret")):
        with pikepdf.open(plain) as book:
            book.save(tmp_path / name, encryption=pikepdf.Encryption(owner="owner", user=user))
    assert reader.read_all(tmp_path / "open.pdf")[0].method is Method.TEXT_LAYER
    assert _code(reader, tmp_path / "shut.pdf") == "FILE-ENCRYPTED"


def test_one_page_of_ten_thousand_is_read_alone(reader: LocalReader, tmp_path: Path) -> None:
    with pikepdf.new() as book:
        for _ in range(10_000):
            book.add_blank_page(page_size=(200, 200))
        book.save(tmp_path / "long.pdf")
    assert reader.count(tmp_path / "long.pdf") == 10_000
    assert reader.read(tmp_path / "long.pdf", "", [10_000])[0].number == 10_000


def test_a_page_as_large_as_a_wall_is_rendered_small(reader: LocalReader, tmp_path: Path) -> None:
    with pikepdf.new() as book:
        book.add_blank_page(page_size=(14_400, 14_400))
        book.save(tmp_path / "wall.pdf")
    (page,) = reader.read_all(tmp_path / "wall.pdf", images=tmp_path)
    assert max(page.width, page.height) <= 3509


# OFD ----------------------------------------------------------------------------------------------

TEXT_OBJECT = (
    '<ofd:TextObject ID="3" Boundary="20 30 150 10" Font="1" Size="5">'
    '<ofd:TextCode X="0" Y="5" DeltaX="g 28 5">{}</ofd:TextCode></ofd:TextObject>'
)


def test_text_of_an_ofd_is_where_it_is_drawn(
    reader: LocalReader, seen: _Seen, tmp_path: Path
) -> None:
    file = _ofd(tmp_path, TEXT_OBJECT.format(LAW) * 2)  # bold by drawing twice
    (page,) = reader.read_all(file, images=tmp_path / "images")
    assert (page.text, page.method, seen.sizes) == (LAW, Method.TEXT_LAYER, [])
    scale = page.width / 210
    assert page.lines[0].box.left / scale == pytest.approx(20, abs=0.2)
    assert page.lines[0].box.right / scale == pytest.approx(20 + 5 * len(LAW), abs=0.5)
    with Image.open(tmp_path / "images" / "0001.jpg") as image:
        dark = np.asarray(image.convert("L")) < 128
    rows, columns = np.nonzero(dark)
    assert 30 <= rows.min() / scale < rows.max() / scale <= 37
    assert 20 <= columns.min() / scale < columns.max() / scale <= 20 + 5 * len(LAW)


def test_an_ofd_that_is_a_picture_is_recognised(
    reader: LocalReader, seen: _Seen, tmp_path: Path
) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (420, 594), "navy").save(buffer, "PNG")
    content = (
        '<ofd:ImageObject ID="5" Boundary="0 0 210 297" CTM="210 0 0 297 0 0" ResourceID="9"/>'
    )
    resource = (
        '<ofd:Res xmlns:ofd="http://www.ofdspec.org/2016" BaseLoc="Pics"><ofd:MultiMedias>'
        '<ofd:MultiMedia ID="9" Type="Image"><ofd:MediaFile>scan.png</ofd:MediaFile>'
        "</ofd:MultiMedia></ofd:MultiMedias></ofd:Res>"
    )
    parts = {"Doc_0__Res_xml": resource, "Doc_0__Pics__scan.png": buffer.getvalue()}
    file = _ofd(tmp_path, content, **parts)
    (page,) = reader.read_all(file, images=tmp_path / "images")
    assert (page.method, len(seen.sizes)) == (Method.OCR, 1)
    assert reader.text_of(file) is None
    with Image.open(tmp_path / "images" / "0001.jpg") as image:
        assert image.getpixel((image.width // 2, image.height // 2))[2] > 100


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ({"Encryptions_xml": "<x/>"}, "FILE-ENCRYPTED"),
        ({"../../etc__passwd": "x"}, "FILE-HOSTILE"),
        ({"Doc_0__bomb": b"\0" * (40 * 2**20)}, "FILE-TOO-LARGE"),
    ],
)
def test_hostile_ofd_packages_are_refused(
    reader: LocalReader, tmp_path: Path, parts: dict[str, str | bytes], code: str
) -> None:
    assert _code(reader, _ofd(tmp_path, "", **parts)) == code


def test_an_ofd_with_entities_or_without_pages_is_damaged(
    reader: LocalReader, tmp_path: Path
) -> None:
    for name, document in (
        ("entity.ofd", '<!DOCTYPE a [<!ENTITY b "c">]><OFD>&b;</OFD>'),
        ("none.ofd", "<OFD/>"),
        ("broken.ofd", "<OFD><DocBody>"),
    ):
        with zipfile.ZipFile(tmp_path / name, "w") as package:
            package.writestr("OFD.xml", document)
        assert _code(reader, tmp_path / name) == "FILE-DAMAGED"


def test_a_composite_that_holds_itself_ends(reader: LocalReader, tmp_path: Path) -> None:
    resource = (
        "<Res><CompositeGraphicUnits><CompositeGraphicUnit ID='7' Width='9' Height='9'><Content>"
        "<CompositeObject ResourceID='7'/></Content></CompositeGraphicUnit>"
        "</CompositeGraphicUnits></Res>"
    )
    file = _ofd(tmp_path, "<CompositeObject ResourceID='7'/>", Doc_0__Res_xml=resource)
    assert reader.read_all(file)[0].lines == ()


def test_signatures_present_are_listed(shared_data: Path) -> None:
    files = {file.name: file for file in (shared_data / "ofd").rglob("*.ofd")}
    assert [sign.provider for sign in signatures_of(files["h.ofd"])] == ["ofdrw-sign"] * 2
    assert signatures_of(files["page2.ofd"]) == ()


@given(st.text(alphabet="MLQBACS0123456789.- e+g", max_size=80))
def test_no_path_or_distance_list_breaks_the_painter(text: str) -> None:
    assert all(len(chain) > 1 for chain in outlines(text))
    assert len(deltas(text, 5)) <= 5


# Office, text, mail -------------------------------------------------------------------------------


def _zip(file: Path, parts: dict[str, str | bytes]) -> Path:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in parts.items():
            package.writestr(name, content)
    return file


WORD = (
    '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>{}'
    "</w:body></w:document>"
)


def _paragraph(text: str) -> str:
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"


def test_a_word_file_gives_paragraphs_and_table_rows(reader: LocalReader, tmp_path: Path) -> None:
    cells = "".join(f"<w:tc>{_paragraph(text)}</w:tc>" for text in ("姓名", "张三"))
    body = _paragraph("标题") + f"<w:tbl><w:tr>{cells}</w:tr></w:tbl>" + _paragraph("正文")
    file = _zip(tmp_path / "a.docx", {"word/document.xml": WORD.format(body)})
    (page,) = reader.read_all(file, images=tmp_path / "images")
    assert [line.text for line in page.lines] == ["标题", "姓名 张三", "正文"]
    assert (page.method, page.width, page.image) == (Method.MARKUP, 0, "")
    assert reader.text_of(file) == page.text
    assert not has_macros(file)


def test_macros_are_seen_without_opening_them(tmp_path: Path) -> None:
    parts = {"word/document.xml": WORD.format(""), "word/vbaProject.bin": b"x"}
    assert has_macros(_zip(tmp_path / "a.docm", parts))


def test_long_text_is_cut_into_pages(reader: LocalReader, tmp_path: Path) -> None:
    (tmp_path / "long.txt").write_text("\n".join(f"第{n}行" for n in range(150)), encoding="utf-8")
    assert reader.count(tmp_path / "long.txt") == 3
    (page,) = reader.read(tmp_path / "long.txt", "x-fmt/111", [3])
    assert page.lines[0].text == "第120行"


def test_a_workbook_begins_a_page_with_every_sheet(reader: LocalReader, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.title = "目录"
    book.active.append(["档号", "题名", None, 12])
    book.create_sheet("说明").append(["备注"])
    book.save(tmp_path / "a.xlsx")
    texts = [page.text for page in reader.read_all(tmp_path / "a.xlsx")]
    assert texts == ["目录\n档号 题名 12", "说明\n备注"]


def test_legacy_office_needs_libreoffice_and_says_so(
    reader: LocalReader, shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    file = shared_data / "formats" / "pdfCabinetOfHorrors" / "text_only.doc"
    assert _code(reader, file) == "FILE-NEEDS-LIBREOFFICE"


@pytest.mark.slow
def test_legacy_office_is_read_with_libreoffice(reader: LocalReader, shared_data: Path) -> None:
    if shutil.which("soffice") is None:
        pytest.skip("no LibreOffice: apt-get install libreoffice-writer-nogui")
    file = shared_data / "formats" / "pdfCabinetOfHorrors" / "text_only.doc"
    assert reader.text_of(file)
    assert reader.read_all(file)[0].method is Method.TEXT_LAYER
    reader.close()


SENTENCES = st.lists(
    st.sampled_from(
        [
            "中華人民共和國",
            "濱州市人民政府辦公室關於印發檔案管理辦法的通知",
            "為了加強檔案管理",
            "。",
        ]
    ),
    min_size=2,
).map("".join)


@given(SENTENCES, st.sampled_from(["utf-8", "utf-16", "gb18030", "big5"]))
def test_the_encoding_of_a_text_is_found(text: str, encoding: str) -> None:
    if len(text) > 6:
        assert decode(text.encode(encoding)) == (text, encoding)


def test_real_laws_and_old_books_are_decoded(shared_data: Path) -> None:
    laws = sorted((shared_data / "laws_zh").rglob("*.md"))[:60]
    for text in (file.read_text(encoding="utf-8")[:2000] for file in laws):
        kept = text.encode("gb18030")
        assert decode(kept)[1] in ("gb18030", "utf-8")
    packed = (shared_data / "gazetteer_pages" / "KR2k0030.jsonl.gz").read_bytes()
    rows = [json.loads(row)["text"] for row in gzip.decompress(packed).splitlines()[:400]]
    for kept in (text.encode("big5", "ignore") for text in rows if len(text) > 20):
        assert decode(kept)[1] in ("big5", "utf-8")


def test_html_gives_what_is_seen(reader: LocalReader, tmp_path: Path) -> None:
    content = (
        "<html><head><meta charset=gb2312><title>t</title><script>var a='不可见'</script></head>"
        "<body><p>第一<b>段</b></p><style>p{}</style><table><tr><td>一</td><td>二</td></tr></table>"
        "<div>末尾</div></body></html>"
    )
    (tmp_path / "a.html").write_bytes(content.encode("gb18030"))
    (page,) = reader.read_all(tmp_path / "a.html")
    assert [line.text for line in page.lines] == ["第一段", "一 二", "末尾"]


def test_mail_with_raw_gbk_headers_is_read(reader: LocalReader, tmp_path: Path) -> None:
    raw = "Subject: 关于档案移交的通知\r\nFrom: =?gb2312?B?1cXI/Q==?= <a@b.cn>\r\n\r\n请查收。\r\n"
    (tmp_path / "a.eml").write_bytes(raw.encode("gb18030"))
    (page,) = reader.read_all(tmp_path / "a.eml")
    assert page.lines[0].text == "主题：关于档案移交的通知"
    assert page.lines[1].text == "发件人：张三 <a@b.cn>"
    assert page.lines[-1].text == "请查收。"


def test_attachments_of_a_mail_are_listed(reader: LocalReader, tmp_path: Path) -> None:
    mail = EmailMessage()
    mail["Subject"] = "移交"
    mail.set_content("正文")
    mail.add_attachment(b"12345", maintype="application", subtype="pdf", filename="目录.pdf")
    (tmp_path / "a.eml").write_bytes(mail.as_bytes())
    assert "附件：目录.pdf（5 字节）" in reader.read_all(tmp_path / "a.eml")[0].text


# All kinds ----------------------------------------------------------------------------------------


def test_an_empty_file_is_empty(reader: LocalReader, tmp_path: Path) -> None:
    (tmp_path / "a.pdf").touch()
    assert _code(reader, tmp_path / "a.pdf") == "FILE-EMPTY"


def test_sound_has_no_pages_and_an_unknown_kind_no_reader(
    reader: LocalReader, tmp_path: Path
) -> None:
    (tmp_path / "a.wav").write_bytes(b"RIFF\x24\0\0\0WAVEfmt " + bytes(20))
    (tmp_path / "a.bin").write_bytes(bytes(range(256)))
    assert reader.count(tmp_path / "a.wav") == 0
    assert _code(reader, tmp_path / "a.bin") == "FILE-NO-READER"


def test_a_number_that_is_no_page_is_an_error(reader: LocalReader, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="page 2 of 1"):
        reader.read(_image(tmp_path), "", [2])


@given(
    st.sampled_from([b"%PDF-1.7\n", b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"II*\0",
                     b"\xff\xd8\xff\xe0", b"GIF89a", b"<html>", b"From: a\n\n", b""]),
    st.binary(max_size=600),
    st.sampled_from([".pdf", ".docx", ".xlsx", ".ofd", ".doc", ".eml", ".msg", ".txt", ".tif", ""]),
)  # fmt: skip
def test_noise_of_any_kind_is_read_or_unreadable(
    tmp_path_factory: pytest.TempPathFactory, head: bytes, body: bytes, suffix: str
) -> None:
    file = tmp_path_factory.mktemp("noise") / f"file{suffix}"
    file.write_bytes(head + body)
    try:
        LocalReader(_Seen()).read_all(file)
    except Unreadable as error:
        assert error.code.startswith("FILE-")  # noqa: PT017 - reading it is right as well


def test_pieces_of_one_printed_line_are_joined_and_columns_are_not() -> None:
    def run(text: str, left: float, top: float) -> list[Glyph]:
        return [
            Glyph(c, Box(left + 20 * n, top, left + 20 * n + 20, top + 20))
            for n, c in enumerate(text)
        ]

    lines = lines_of(
        [run("左栏一", 0, 0), run("续", 65, 1), run("右栏一", 300, 0), run("左栏二", 0, 30)]
    )
    assert [line.text for line in lines] == ["左栏一续", "右栏一", "左栏二"]


def test_characters_one_under_the_other_are_a_vertical_line() -> None:
    run = [Glyph(c, Box(0, 22 * n, 20, 22 * n + 20)) for n, c in enumerate("滨州府志")]
    (line,) = lines_of([run])
    assert (line.text, line.vertical) == ("滨州府志", True)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "methods"),
    [
        ("direct_extract.pdf", [Method.TEXT_LAYER]),
        ("image.pdf", [Method.OCR]),
        ("direct_and_image.pdf", [Method.TEXT_LAYER, Method.OCR]),
    ],
)
def test_real_pdfs_are_read_the_right_way(
    reader: LocalReader, shared_data: Path, name: str, methods: list[Method]
) -> None:
    file = shared_data / "pdf_zh" / "tests" / "test_files" / name
    assert [page.method for page in reader.read_all(file)] == methods


@pytest.mark.slow
def test_odd_files_are_read_or_unreadable(
    reader: LocalReader, shared_data: Path, tmp_path: Path
) -> None:
    for place, file in enumerate(sorted((shared_data / "formats").rglob("*"))):
        if file.is_file():
            try:
                count = reader.count(file)
                reader.read(file, "", range(1, min(count, 2) + 1), tmp_path / str(place))
            except Unreadable as error:
                assert error.code.startswith("FILE-")  # noqa: PT017 - reading it is right as well
