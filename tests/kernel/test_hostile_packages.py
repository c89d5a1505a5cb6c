"""Packages and questions made to harm: every reader answers with findings, soon, and stays inside.

Broken bytes come from a seeded generator, so that every run sees the same.
"""

import io
import random
import struct
import warnings
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ending import ends

from liandong.kernel import query, xml
from liandong.kernel.hostility import HostileZip, ZipLimits, has_entities, open_zip, zip_entries
from liandong.kernel.names import safe_name
from liandong.kernel.packages import bagit, eep, folder, transfer

from .builders import item

LIMITS = ZipLimits(ratio=200, entries=100_000, size_bytes=1 << 30)


def mutated(content: bytes, dice: random.Random) -> bytes:
    """The bytes with a few flipped, cut, doubled or put in."""
    broken = bytearray(content)
    for _ in range(dice.randint(1, 6)):
        at = dice.randrange(len(broken) + 1)
        match dice.randrange(4):
            case 0 if broken:
                broken[at % len(broken)] ^= 1 << dice.randrange(8)
            case 1:
                del broken[at : at + dice.choice([1, 7, 64, 4096])]
            case 2:
                broken[at:at] = broken[at : at + dice.choice([1, 16, 256])]
            case _:
                broken[at:at] = dice.choice([b"\0", b"\xff" * 4, b"<", b"../", b"\r\n", b"&#0;"])
    return bytes(broken)


def _bag(folder_: Path, source: Path) -> None:
    bagit.write(folder_, [item(source)], bagged_on=date(2023, 5, 6))


def _transfer(folder_: Path, source: Path) -> None:
    transfer.write(folder_, [item(source)], made_on=date(2023, 5, 6), sender="滨州市档案馆")


def _plain(folder_: Path, source: Path) -> None:
    folder.write(folder_, [item(source)])


@pytest.mark.parametrize(
    ("write", "read"),
    [(_bag, bagit.read), (_transfer, transfer.read), (_plain, folder.read)],
)
def test_a_package_with_broken_bytes_gives_findings_and_writes_nothing(
    tmp_path: Path, write: Callable[[Path, Path], None], read: Callable[[Path], object]
) -> None:
    package = tmp_path / "package"
    write(package, tmp_path / "source")
    before = {path: path.read_bytes() for path in package.rglob("*") if path.is_file()}
    dice = random.Random(20230506)  # noqa: S311 - the same every time
    for _ in range(60):
        path = dice.choice(sorted(before))
        path.write_bytes(mutated(before[path], dice))
        with ends():
            read(package)
        path.write_bytes(before[path])
    assert {
        path for path in tmp_path.rglob("*") if package in path.parents if path.is_file()
    } == set(before)


def test_a_broken_eep_gives_findings_and_writes_only_where_it_was_told(tmp_path: Path) -> None:
    good, broken, into = tmp_path / "a.eep", tmp_path / "b.eep", tmp_path / "into"
    now = datetime(2023, 5, 6, tzinfo=UTC)
    eep.write(good, item(tmp_path / "source"), created=now, creator="滨州市档案馆")
    into.mkdir()
    (tmp_path / "canary").mkdir()
    dice = random.Random(20230507)  # noqa: S311 - the same every time
    known = set(tmp_path.rglob("*")) | {broken}
    for number in range(60):
        broken.write_bytes(mutated(good.read_bytes(), dice))
        target = into / str(number)
        target.mkdir()
        with ends():
            eep.read(broken, target)
    assert {path for path in tmp_path.rglob("*") if into not in path.parents} == known


def _eep(tmp_path: Path, body: str) -> list[str]:
    file = tmp_path / "x.eep"
    file.write_text(f'<电子文件封装包 xmlns="{eep.NAMESPACE}">{body}</电子文件封装包>', "utf-8")
    with ends():
        return [finding.code for finding in eep.validate(file)]


def test_files_within_files_of_an_eep_keep_no_file_open(tmp_path: Path) -> None:
    assert _eep(tmp_path, "<编码数据><编码数据/></编码数据>" * 1500)


def test_an_eep_of_nothing_but_empty_files_is_refused(tmp_path: Path) -> None:
    assert "EEP-XML-HOSTILE" in _eep(tmp_path, "<编码数据/>" * 10_001)


def test_an_eep_whose_text_has_no_end_is_refused(tmp_path: Path) -> None:
    assert "EEP-XML-HOSTILE" in _eep(tmp_path, ("<题名>" + "x" * 1_000_000 + "</题名>") * 68)


def _bag_of(folder_: Path, version: str = "1.0", encoding: str = "UTF-8", **tags: bytes) -> Path:
    (folder_ / "data").mkdir(parents=True)
    text = f"BagIt-Version: {version}\nTag-File-Character-Encoding: {encoding}\n"
    (folder_ / "bagit.txt").write_text(text, "utf-8")
    for name, content in ({"bag_info": b"", "manifest_sha256": b""} | tags).items():
        (folder_ / f"{name.replace('_', '-')}.txt").write_bytes(content)
    return folder_


@pytest.mark.parametrize("encoding", ["zlib", "punycode", "idna", "undefined", "unicode_escape"])
def test_a_bag_in_a_code_that_is_no_encoding_is_a_finding(tmp_path: Path, encoding: str) -> None:
    codes = [one.code for one in bagit.validate(_bag_of(tmp_path / "bag", encoding=encoding))]
    assert "BAG-ENCODING" in codes


@pytest.mark.parametrize("info", [b"a" + b" " * 900_000, b"a: b\n" + b" x\n" * 300_000])
def test_the_information_of_a_bag_is_read_in_one_pass(tmp_path: Path, info: bytes) -> None:
    with ends():
        bagit.validate(_bag_of(tmp_path / "bag", "0.97", bag_info=info))


def test_a_manifest_of_nothing_but_faults_ends_with_one_that_says_so(tmp_path: Path) -> None:
    found = bagit.validate(_bag_of(tmp_path / "bag", manifest_sha256=b"x\n" * 30_000))
    assert len(found) == 20_001
    assert found[-1].code == "PKG-TOO-MANY"


def test_the_notes_of_a_transfer_package_are_read_in_one_pass(tmp_path: Path) -> None:
    (tmp_path / "说明文件.TXT").write_bytes(b"a:x" + b" " * 900_000 + b"y")
    with ends():
        transfer.validate(tmp_path)


@pytest.mark.parametrize("text", [b'<a b="' + b"x" * (4 << 20), b"<a><!--" + b"x" * (4 << 20)])
def test_a_tag_or_comment_without_end_is_hostile(text: bytes) -> None:
    with ends(), pytest.raises(xml.HostileXml):
        xml.read_tree(text)


# Zip ----------------------------------------------------------------------------------------------


def _zip(file: Path, names: list[str], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of equal names
        with zipfile.ZipFile(file, "w", method) as package:
            for name in names:
                package.writestr(name, b"x")
    return file


def test_a_zip_with_broken_bytes_is_refused_or_read_and_names_stay_inside(tmp_path: Path) -> None:
    content = _zip(tmp_path / "a.zip", ["a.txt", "b/c.txt", "文.txt", "../d"]).read_bytes()
    dice = random.Random(20230508)  # noqa: S311 - the same every time
    for _ in range(300):
        file = tmp_path / "b.zip"
        file.write_bytes(mutated(content, dice))
        try:
            with open_zip(file, LIMITS) as package:
                paths = [entry.path for entry in zip_entries(package)]
        except HostileZip:
            continue
        assert not [path for path in paths if path.startswith("/") or ".." in path.split("/")]
        assert len(set(paths)) == len(paths)


def test_many_equal_names_in_a_zip_are_told_apart_soon(tmp_path: Path) -> None:
    with ends(), open_zip(_zip(tmp_path / "a.zip", ["a.txt"] * 5_000), LIMITS) as package:
        assert len({entry.path for entry in zip_entries(package)}) == 5_000


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_a_method_that_unpacks_without_bound_is_not_kept(tmp_path: Path, method: int) -> None:
    with open_zip(_zip(tmp_path / "a.zip", ["a"], method), LIMITS) as package:
        (entry,) = zip_entries(package)
    assert (entry.fault, entry.is_kept) == ("ZIP-METHOD", False)


def test_a_zip_that_declares_one_entry_and_has_many_is_refused(tmp_path: Path) -> None:
    file = _zip(tmp_path / "a.zip", [str(number) for number in range(50)])
    content = bytearray(file.read_bytes())
    struct.pack_into("<HH", content, len(content) - 14, 1, 1)
    file.write_bytes(content)
    with pytest.raises(HostileZip) as caught:
        open_zip(file, ZipLimits(ratio=200, entries=20, size_bytes=1 << 30))
    assert caught.value.code == "ZIP-ENTRIES"


def test_a_path_that_no_system_takes_is_shortened(tmp_path: Path) -> None:
    with open_zip(_zip(tmp_path / "a.zip", ["/".join(["x" * 200] * 30)]), LIMITS) as package:
        (entry,) = zip_entries(package)
    assert entry.fault == "ZIP-PATH-ESCAPE"
    assert len(entry.path) < 1_000


@pytest.mark.parametrize("part", [b"<!--", b"<?", b"<!-- -->", b"<!ENTITY"])
def test_a_prolog_is_looked_through_in_one_pass(part: bytes) -> None:
    with ends():
        assert not has_entities(b"<" + part * (1_000_000 // len(part)))


def test_entities_behind_comments_are_seen() -> None:
    head = b"<?xml version='1.0'?> <!-- a --> <?b?><!DOCTYPE c [<!ENTITY d 'e'>]>"
    assert has_entities(head)
    assert not has_entities(b"<!-- <!DOCTYPE c [<!ENTITY d 'e'>]> --><c/>")


# Questions, names, tables -------------------------------------------------------------------------


@given(st.text(max_size=300))
def test_no_question_raises(text: str) -> None:
    query.from_params({"q": text, "date": text, "from": text, "year": [text]})


@pytest.mark.parametrize(
    "text",
    ["日期:" + "." * 3000 + "\\\n1", "a" + "“" * 3990, "“ " * 2000, "a" + "“" * 3900 + "\\”",
     "z109-ws-" * 500, "办" * 19 + "( " * 1900, "\\" * 4000],
)  # fmt: skip
def test_a_question_made_to_be_slow_is_read_soon(text: str) -> None:
    with ends():
        query.to_params(query.parse(text))
        query.date_range(text * 20)


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r", "＝", "'"])
def test_a_title_never_becomes_a_formula_and_comes_back(tmp_path: Path, sign: str) -> None:
    title = f"{sign}1+cmd|' /C calc'!A0"
    folder.write(tmp_path / "out", [item(tmp_path / "source", title=title)])
    text = (tmp_path / "out" / folder.CATALOGUE).read_bytes().decode("utf-8-sig")
    assert f"'{title}" in io.StringIO(text, "").read()
    (back,) = folder.read(tmp_path / "out").items
    assert back.description["title"] == title


def test_a_name_to_save_under_has_no_line_end_and_no_turned_direction() -> None:
    assert safe_name("a\r\nb\u202efdp.exe") == "a__b_fdp.exe"
