"""Contract of the identifier port."""

import re
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liandong.engines.identification.signatures import EEP, OFD, PLAIN_TEXT, SignatureIdentifier
from liandong.engines.reading.charset import is_text
from liandong.kernel.ports import Identification, Identifier


@pytest.fixture(scope="module")
def identifier() -> Identifier:
    return SignatureIdentifier()


def _one(identifier: Identifier, file: Path, content: bytes) -> Identification:
    file.write_bytes(content)
    return identifier.identify([file])[0]


def test_the_version_names_tool_and_signatures(identifier: Identifier) -> None:
    assert re.match(r"siegfried \S+; DROID_SignatureFile_V\d+\.xml; container-", identifier.version)


def test_an_empty_a_missing_and_an_unknown_file_have_no_puid(
    identifier: Identifier, tmp_path: Path
) -> None:
    empty, unknown = tmp_path / "empty.pdf", tmp_path / "unknown"
    empty.touch()
    unknown.write_bytes(bytes(range(256)) * 4)
    found = identifier.identify([empty, tmp_path / "missing.jpg", unknown, tmp_path])
    assert [one.puid for one in found] == ["", "", "", ""]


def test_answers_come_in_the_order_of_the_files(identifier: Identifier, tmp_path: Path) -> None:
    heads = {"a.pdf": b"%PDF-1.4\n%%EOF\n", "b.png": b"\x89PNG\r\n\x1a\n", "c.txt": "正文".encode()}
    for name, content in heads.items():
        (tmp_path / name).write_bytes(content)
    names = ["c.txt", "a.pdf", "c.txt", "b.png"]
    found = identifier.identify([tmp_path / name for name in names])
    assert found[0] == found[2]
    assert found[1].mime == "application/pdf"
    assert found[0].puid == PLAIN_TEXT


def test_a_zip_with_ofd_xml_at_its_root_is_ofd(identifier: Identifier, tmp_path: Path) -> None:
    for name in ("doc.ofd", "doc.zip"):
        with zipfile.ZipFile(tmp_path / name, "w") as package:
            package.writestr("OFD.xml", "<ofd:OFD/>")
    found = identifier.identify([tmp_path / "doc.ofd", tmp_path / "doc.zip"])
    assert [one.puid for one in found] == [OFD, OFD]
    assert [one.extension_mismatch for one in found] == [False, True]


def test_a_zip_with_ofd_xml_in_a_folder_is_a_zip(identifier: Identifier, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "many.zip", "w") as package:
        package.writestr("inner/OFD.xml", "<ofd:OFD/>")
    assert identifier.identify([tmp_path / "many.zip"])[0].puid == "x-fmt/263"


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16"])
def test_an_encapsulation_package_is_told_by_its_root(
    identifier: Identifier, tmp_path: Path, encoding: str
) -> None:
    root = "电子文件封装包"
    text = f'<?xml version="1.0" encoding="{encoding}"?>\n<{root}><版本>2009</版本></{root}>'
    found = _one(identifier, tmp_path / "p.xml", text.encode(encoding))
    assert found.puid == EEP


def test_xml_that_mentions_the_package_in_its_text_is_plain_xml(
    identifier: Identifier, tmp_path: Path
) -> None:
    content = '<?xml version="1.0"?><note>电子文件封装包 说明</note>'.encode()
    assert _one(identifier, tmp_path / "p.xml", content).puid == "fmt/101"


@pytest.mark.parametrize("encoding", ["gb18030", "big5", "utf-16"])
def test_chinese_text_in_old_encodings_is_text(
    identifier: Identifier, tmp_path: Path, encoding: str
) -> None:
    content = "中華人民共和國人民政府\r\n公文\r\n".encode(encoding)
    assert _one(identifier, tmp_path / "p", content).puid == PLAIN_TEXT


def test_a_wrong_extension_is_a_mismatch(identifier: Identifier, tmp_path: Path) -> None:
    assert _one(identifier, tmp_path / "a.jpg", b"%PDF-1.4\n%%EOF\n").extension_mismatch
    assert _one(identifier, tmp_path / "b.pdf", b"only words\n").extension_mismatch
    assert not _one(identifier, tmp_path / "c.dat", b"only words\n").extension_mismatch


@given(st.binary(min_size=300, max_size=2000))
def test_noise_is_never_text(content: bytes) -> None:
    assert not is_text(b"\x00\x01\x02" + content)


def test_the_droid_skeletons_are_identified(identifier: Identifier, shared_data: Path) -> None:
    folder = shared_data / "droid_skeletons" / "test-skeletons"
    listed = (folder / "current-differently-identified-files.txt").read_text().splitlines()
    other = dict(row.split()[:2] for row in listed if row.startswith(("fmt", "x-fmt")))
    files = [file for file in sorted(folder.rglob("*fmt-*")) if file.is_file()]
    parts = [re.match(r"(x-)?fmt-(\d+)", file.name) for file in files]
    expected = [f"{part[1] or ''}fmt/{part[2]}" for part in parts if part]
    found = identifier.identify(files)
    right = sum(
        one.puid == other.get(file.name, puid)
        for one, file, puid in zip(found, files, expected, strict=True)
    )
    assert len(files) > 1100
    assert right / len(files) > 0.98


def test_every_real_ofd_is_ofd(identifier: Identifier, shared_data: Path) -> None:
    files = sorted((shared_data / "ofd").rglob("*.ofd"))
    assert {one.puid for one in identifier.identify(files)} == {OFD}
