"""Files made to harm: the reader gives pages or says Unreadable, soon, and writes nowhere else."""

import io
import random
import struct
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image
from tests.corpus import contents
from tests.ending import ends

from liandong.engines.compute.processes import ProcessCompute
from liandong.engines.reading.reader import LocalReader
from liandong.kernel.ports import Unreadable, WorkerLost

_W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_SHEET = "xl/worksheets/sheet1.xml"


@pytest.fixture
def reader() -> LocalReader:
    def blind(_: Any) -> Any:
        return SimpleNamespace(lines=(), rotation=0, skew=0.0, measures={})

    return LocalReader(recognise=blind)


def outcome(reader: LocalReader, file: Path, content: bytes) -> str:
    """The code of what is wrong, or "" when pages came."""
    file.write_bytes(content)
    try:
        with ends():
            reader.read_all(file)
    except Unreadable as error:
        return error.code
    return ""


def _tiff() -> bytes:
    out = io.BytesIO()
    Image.new("L", (60, 80), 200).save(out, "TIFF")
    return out.getvalue()


def _mail() -> bytes:
    return (
        b"From: a@b\nSubject: =?utf-8?b?5paH?=\nMIME-Version: 1.0\n"
        b"Content-Type: multipart/mixed; boundary=B\n\n--B\nContent-Type: text/html\n\n"
        b"<p>x</p>\n--B\nContent-Type: text/plain\n\nx\n--B--\n"
    )


_GOOD: Mapping[str, bytes] = {
    "a.pdf": contents.pdf(2),
    "a.docx": contents.docx(),
    "a.xlsx": contents.xlsx([["档号", "题名"], ["1", "x"]]),
    "a.png": contents.png(),
    "a.tif": _tiff(),
    "a.eml": _mail(),
    "a.html": "<html><meta charset=gbk><body><p>文</p><table><tr><td>x".encode("gbk"),
    "a.csv": "档号,题名\n1,文\n".encode("gb18030"),
}


@pytest.mark.parametrize("name", _GOOD)
def test_broken_bytes_are_pages_or_unreadable_and_nothing_is_written(
    reader: LocalReader, tmp_path: Path, name: str
) -> None:
    (tmp_path / "canary").mkdir()
    file = tmp_path / name
    file.write_bytes(_GOOD[name])
    known = set(tmp_path.rglob("*"))
    dice = random.Random(name)  # noqa: S311 - the same every time
    for _ in range(25):
        broken = bytearray(_GOOD[name])
        for _ in range(dice.randint(1, 5)):
            at = dice.randrange(len(broken))
            if dice.random() < 0.7:
                broken[at] = dice.randrange(256)
            else:
                broken[at : at + dice.choice([1, 9, 99])] = dice.randbytes(dice.randrange(9))
        outcome(reader, file, bytes(broken) or b"x")
    assert set(tmp_path.rglob("*")) == known


def _with(name: str, parts: Mapping[str, str], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A good file of this kind with parts of it replaced."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(_GOOD[name])) as good,
        zipfile.ZipFile(out, "w", method) as package,
    ):
        for entry in good.namelist():
            package.writestr(entry, parts.get(entry, good.read(entry)))
    return out.getvalue()


def test_a_row_number_beyond_all_rows_ends_the_reading(reader: LocalReader, tmp_path: Path) -> None:
    sheet = (
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        '<row r="1"><c r="A1"><v>1</v></c></row><row r="1000000000"/></sheetData></worksheet>'
    )
    file = tmp_path / "a.xlsx"
    file.write_bytes(_with("a.xlsx", {_SHEET: sheet}))
    with pytest.raises(Unreadable) as caught:
        reader.read_all(file)
    assert caught.value.code == "FILE-TOO-LARGE"


def test_an_office_file_packed_without_bound_is_hostile(
    reader: LocalReader, tmp_path: Path
) -> None:
    for name in ("a.docx", "a.xlsx"):
        content = _with(name, {}, zipfile.ZIP_LZMA)
        assert outcome(reader, tmp_path / name, content) in {"FILE-HOSTILE", "FILE-NO-READER"}


def test_an_entity_of_a_word_file_brings_nothing_in(reader: LocalReader, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("top secret")
    entity = f'<!DOCTYPE a [<!ENTITY e SYSTEM "{(tmp_path / "secret").as_uri()}">]>'
    body = "<w:body><w:p><w:r><w:t>a&e;b</w:t></w:r></w:p></w:body>"
    document = f"{entity}<w:document {_W}>{body}</w:document>"
    file = tmp_path / "a.docx"
    file.write_bytes(_with("a.docx", {"word/document.xml": document}))
    assert "secret" not in (reader.text_of(file) or "")


@pytest.mark.parametrize("charset", ["undefined", "idna", "punycode", "zlib", "unicode-escape"])
def test_a_page_in_a_code_that_is_no_encoding_is_read_soon(
    reader: LocalReader, tmp_path: Path, charset: str
) -> None:
    page = f"<html><meta charset={charset}><body>".encode() + b"a" * 500_000
    assert outcome(reader, tmp_path / "a.html", page) == ""


def test_one_endless_line_of_a_page_is_read_soon(reader: LocalReader, tmp_path: Path) -> None:
    assert outcome(reader, tmp_path / "a.html", b"<html><body>" + b"<b>aaaa</b>" * 100_000) == ""


def test_mail_nested_deep_with_many_lines_is_hostile(reader: LocalReader, tmp_path: Path) -> None:
    parts = b"".join(b"Content-Type: multipart/mixed; boundary=B%d\n\n--B%d\n" % (n, n)
                     for n in range(300))  # fmt: skip
    mail = b"From: a@b\nSubject: x\nMIME-Version: 1.0\n" + parts + b"\nx\n" * 50_000
    assert outcome(reader, tmp_path / "a.eml", mail) == "FILE-HOSTILE"


def test_a_subject_of_a_million_words_is_read_soon(reader: LocalReader, tmp_path: Path) -> None:
    mail = b"From: a@b\nSubject: " + b"=?utf-8?q?a?= " * 70_000 + b"\n\nx"
    assert outcome(reader, tmp_path / "a.eml", mail) == ""


def test_a_chain_of_pages_of_a_tiff_ends_at_the_limit(reader: LocalReader, tmp_path: Path) -> None:
    content = bytearray(_tiff())
    start = struct.unpack_from("<I", content, 4)[0]
    size = 2 + 12 * struct.unpack_from("<H", content, start)[0]
    directory, at = bytes(content[start : start + size]), start
    for _ in range(10_050):
        struct.pack_into("<I", content, at + size, len(content))
        at = len(content)
        content += directory + b"\0\0\0\0"
    file = tmp_path / "a.tif"
    file.write_bytes(content)
    with pytest.raises(Unreadable) as caught:
        reader.count(file)
    assert caught.value.code == "FILE-TOO-LARGE"


def test_units_within_units_of_an_ofd_do_not_multiply(reader: LocalReader, tmp_path: Path) -> None:
    space = 'xmlns:ofd="http://www.ofdspec.org/2016"'
    use = '<ofd:CompositeObject ID="9" Boundary="0 0 9 9" ResourceID="{}"/>'
    units = "".join(
        f'<ofd:CompositeGraphicUnit ID="{n}" Width="9" Height="9"><ofd:Content>'
        f"{use.format(n + 1) * 100}</ofd:Content></ofd:CompositeGraphicUnit>"
        for n in range(20, 30)
    )
    file = tmp_path / "a.ofd"
    with zipfile.ZipFile(file, "w") as package:
        body = "<ofd:DocBody><ofd:DocRoot>D.xml</ofd:DocRoot></ofd:DocBody>"
        package.writestr("OFD.xml", f"<ofd:OFD {space}>{body}</ofd:OFD>")
        package.writestr("D.xml", f"<ofd:Document {space}><ofd:CommonData><ofd:DocumentRes>R.xml"
                         "</ofd:DocumentRes></ofd:CommonData><ofd:Pages>"
                         '<ofd:Page ID="1" BaseLoc="P.xml"/></ofd:Pages>'
                         "</ofd:Document>")  # fmt: skip
        package.writestr("R.xml", f"<ofd:Res {space}>{units}</ofd:Res>")
        layer = f'<ofd:Layer ID="2">{use.format(20)}</ofd:Layer>'
        package.writestr(
            "P.xml", f"<ofd:Page {space}><ofd:Content>{layer}</ofd:Content></ofd:Page>"
        )
    with ends(20.0):  # without the bound: for ever
        assert len(reader.read_all(file)) == 1


def test_work_that_never_ends_is_lost_with_its_worker() -> None:
    compute = ProcessCompute(1, limit_s=1.0)
    try:
        (found,) = compute.map(time.sleep, [600])
    finally:
        compute.close()
    assert isinstance(found.error, WorkerLost)
