"""Exports come back as the same record; every finding code has a package that has it."""

import re
import shutil
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import bagit as reference
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.kernel.builders import CODE, essence, item

from liandong.kernel import catalog, packages
from liandong.kernel.findings import kinds
from liandong.kernel.metadata import check_value
from liandong.kernel.packages import (
    DigestMismatch,
    Kind,
    PackedItem,
    Packet,
    bagit,
    eep,
    folder,
    is_valid,
    ocfl,
    transfer,
    validate,
)

TODAY = date(2026, 1, 2)
AT = datetime(2026, 1, 2, tzinfo=UTC)
SECOND = "Z109-WS·2011-Y-BGS-0002"


def _two(tmp_path: Path) -> list[PackedItem]:
    one = item(tmp_path / "in1", contents={"正文.txt": b"one", "附件/100%\n表.csv": b"", "b": b"2"})
    return [one, item(tmp_path / "in2", SECOND, title="第二件")]


def _bag(tmp_path: Path) -> Path:
    bagit.write(tmp_path / "bag", _two(tmp_path), bagged_on=TODAY, organisation="滨州市档案馆")
    return tmp_path / "bag"


def _eep(tmp_path: Path) -> Path:
    path = tmp_path / "a.eep"
    eep.write(path, _two(tmp_path)[0], created=AT, creator="滨州市档案馆")
    return path


def _transfer(tmp_path: Path) -> Path:
    transfer.write(tmp_path / "t", _two(tmp_path), made_on=TODAY, sender="滨州市民政局")
    return tmp_path / "t"


def _folder(tmp_path: Path) -> Path:
    folder.write(tmp_path / "f", _two(tmp_path))
    return tmp_path / "f"


def _read_eep(path: Path) -> Packet:
    into = path.parent / "into"
    into.mkdir()
    return eep.read(path, into)


ROUND_TRIPS: list[tuple[Callable[[Path], Path], Callable[[Path], Packet], Kind, int]] = [
    (_bag, bagit.read, Kind.BAGIT, 2),
    (_eep, _read_eep, Kind.EEP, 1),
    (_transfer, transfer.read, Kind.TRANSFER, 2),
    (_folder, folder.read, Kind.FOLDER, 2),
]


@pytest.mark.parametrize(("write", "read", "kind", "count"), ROUND_TRIPS)
def test_an_export_comes_back_as_the_same_record(
    tmp_path: Path,
    write: Callable[[Path], Path],
    read: Callable[[Path], Packet],
    kind: Kind,
    count: int,
) -> None:
    path = write(tmp_path)
    assert validate(path)[:2] == (kind, [])
    packet = read(path)
    assert packet.findings == ()
    wanted = [essence(one) for one in _two(tmp_path)][:count]
    assert [essence(one) for one in packet.items] == wanted


@pytest.mark.parametrize(("write", "read", "kind", "count"), ROUND_TRIPS)
def test_damage_is_never_exported(
    tmp_path: Path,
    write: Callable[[Path], Path],
    read: Callable[[Path], Packet],
    kind: Kind,
    count: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    items = _two(tmp_path)
    items[0].files[0].source.write_bytes(b"rotten")
    monkeypatch.setitem(globals(), "_two", lambda _: items)
    with pytest.raises(DigestMismatch):
        write(tmp_path)


def test_a_bag_of_ours_is_valid_for_the_reference_implementation(tmp_path: Path) -> None:
    items = [item(tmp_path / "in", contents={"正文 一.txt": b"x", "附件/表\r\n.csv": b""})]
    bagit.write(tmp_path / "bag", items, bagged_on=TODAY)
    assert reference.Bag(str(tmp_path / "bag")).validate()


def test_a_percent_sign_is_written_as_the_standard_says(tmp_path: Path) -> None:
    """RFC 8493, 2.1.3.  bagit-python 1.9 does not decode %25 and calls such a bag incomplete."""
    assert "/附件/100%25%0A表.csv" in (_bag(tmp_path) / "manifest-sha512.txt").read_text()


def test_a_bag_is_never_written_over_another(tmp_path: Path) -> None:
    _bag(tmp_path)
    with pytest.raises(FileExistsError):
        _bag(tmp_path)


def test_an_eep_without_events_is_still_whole(tmp_path: Path) -> None:
    one = item(tmp_path / "in")
    bare = PackedItem(one.description, one.files)
    eep.write(tmp_path / "a.eep", bare, created=AT, creator="馆")
    packet = _read_eep(tmp_path / "a.eep")
    assert packet.findings == ()
    assert packet.items[0].events == ()


def test_the_same_eep_has_the_same_bytes(tmp_path: Path) -> None:
    one = item(tmp_path / "in")
    eep.write(tmp_path / "a.eep", one, created=AT, creator="馆")
    eep.write(tmp_path / "b.eep", one, created=AT, creator="馆")
    assert (tmp_path / "a.eep").read_bytes() == (tmp_path / "b.eep").read_bytes()


# The conformance suite of BagIt -------------------------------------------------------------------


@pytest.mark.parametrize("group", ["v0.97", "v1.0"])
def test_every_bag_of_the_suite_has_its_verdict(shared_data: Path, group: str) -> None:
    """Bags of linux-only and windows-only leave the bag on one system: invalid on all."""
    bags = sorted((shared_data / "bagit" / group).glob("*/*/"))
    assert bags
    wrong = [
        path.name
        for path in bags
        if is_valid(bagit.validate(path)) is not (path.parent.name == "valid")
    ]
    assert wrong == []


# One bad package per code -------------------------------------------------------------------------


def _text(path: Path, old: str, new: str) -> None:
    text = path.read_bytes().decode("utf-8")
    assert old in text, (path, old)
    path.write_bytes(text.replace(old, new, 1).encode("utf-8", "surrogateescape"))


def _append(path: Path, line: str) -> None:
    with path.open("ab") as stream:
        stream.write(line.encode())


def _unlink_tags(bag: Path) -> None:
    for name in ("sha512", "sha256"):
        (bag / f"tagmanifest-{name}.txt").unlink()


def _bag_drop_manifests(bag: Path) -> None:
    for path in bag.glob("*manifest-*.txt"):
        path.unlink()


def _file(root: Path, name: str) -> Path:
    return next(path for path in sorted(root.rglob(name)) if path.is_file())


def _item_folder(root: Path) -> Path:
    return next(path for path in sorted(root.rglob(CODE)) if path.is_dir())


Break = Callable[[Path], object]
BOMB = b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'

BAGS: dict[str, Break] = {
    "BAG-NO-DECLARATION": lambda p: (p / "bagit.txt").unlink(),
    "BAG-BAD-DECLARATION": lambda p: _text(p / "bagit.txt", "BagIt-Version:", "BagIt-Version :"),
    "BAG-ENCODING": lambda p: _text(p / "bagit.txt", "UTF-8", "UTF-99"),
    "BAG-NO-PAYLOAD": lambda p: shutil.rmtree(p / "data"),
    "BAG-NO-MANIFEST": _bag_drop_manifests,
    "BAG-UNKNOWN-ALGORITHM": lambda p: (p / "manifest-crc32.txt").touch(),
    "BAG-MANIFEST-LINE": lambda p: _append(p / "manifest-sha256.txt", "nonsense\n"),
    "BAG-PATH-ESCAPE": lambda p: _append(p / "manifest-sha256.txt", "aa  data/../../x\n"),
    "BAG-DUPLICATE-ENTRY": lambda p: _append(
        p / "manifest-sha256.txt", (p / "manifest-sha256.txt").read_text().split("\n")[0] + "\n"
    ),
    "BAG-FILE-MISSING": lambda p: _file(p, "b").unlink(),
    "BAG-FILE-UNLISTED": lambda p: (p / "data/more").touch(),
    "BAG-FETCH": lambda p: (
        _file(p, "b").unlink(),
        (p / "fetch.txt").write_text(f"http://x/b - data/{CODE}/original/b\n"),
    ),
    "BAG-DIGEST-MISMATCH": lambda p: _file(p, "b").write_bytes(b"3"),
    "BAG-TAG-FILE-MISSING": lambda p: (p / "bag-info.txt").unlink(),
    "BAG-TAG-DIGEST-MISMATCH": lambda p: _append(p / "bag-info.txt", "X: y\n"),
    "BAG-TAG-LINE": lambda p: _append(p / "bag-info.txt", "no colon\n"),
    "BAG-OXUM": lambda p: _text(p / "bag-info.txt", "Payload-Oxum: ", "Payload-Oxum: 9"),
    "BAG-NAME-NFC": lambda p: _append(_accented(p), ""),
    "PKG-NAME-CLASH": lambda p: ((p / "é").touch(), (p / "e\u0301").touch()),
    "PKG-LINK": lambda p: (p / "data/link").symlink_to("/etc/passwd"),
    "PKG-XML-HOSTILE": lambda p: (p / f"data/{CODE}/metadata/dat46.xml").write_bytes(BOMB),
    "PKG-XML-BROKEN": lambda p: (p / f"data/{CODE}/metadata/dat46.xml").write_bytes(b"<a>"),
}


def _accented(bag: Path) -> Path:
    """A payload file whose name is decomposed on the disk and composed in the manifests."""
    file = _file(bag, "b")
    file.rename(file.with_name("e\u0301"))
    for name in ("sha512", "sha256"):
        _text(bag / f"manifest-{name}.txt", "original/b\n", "original/é\n")
    return bag / "manifest-sha256.txt"


@pytest.mark.parametrize("code", BAGS)
def test_a_broken_bag_has_its_finding(tmp_path: Path, code: str) -> None:
    bag = _bag(tmp_path)
    BAGS[code](bag)
    assert code in {finding.code for finding in bagit.validate(bag)}


EEPS: dict[str, Break] = {
    "EEP-XML-HOSTILE": lambda p: p.write_bytes(BOMB),
    "EEP-XML-BROKEN": lambda p: _text(p, "</电子文件封装包>", ""),
    "EEP-ROOT": lambda p: _text(p, "ERM/encapsulation", "ERM/other"),
    "EEP-ELEMENT-MISSING": lambda p: _text(p, "<版本>2009</版本>", ""),
    "EEP-ELEMENT-UNKNOWN": lambda p: _text(p, "<版本>", "<多余/><版本>"),
    "EEP-ORDER": lambda p: _text(p, "<版本>2009</版本>", "<版本>2009</版本><版本>2009</版本>"),
    "EEP-VALUE": lambda p: _text(p, "<封装包类型>原始型", "<封装包类型>新型"),
    "EEP-ATTRIBUTE": lambda p: _text(p, ' eep版本="2009"', ""),
    "EEP-ID-DUPLICATE": lambda p: _text(p, "文档标识符>文档2<", "文档标识符>文档1<"),
    "EEP-REFERENCE": lambda p: _text(
        p,
        '<编码数据 编码数据ID="编码数据3">',
        '<编码数据 编码数据ID="编码数据3" 引用编码数据ID="无">',
    ),
    "EEP-BASE64": lambda p: _text(p, "</编码数据>", "!</编码数据>"),
    "EEP-FILE-NAME": lambda p: _text(p, "original/b<", "../../b<"),
    "EEP-FILE-SIZE": lambda p: _text(p, "<计算机文件大小>3<", "<计算机文件大小>4<"),
    "EEP-DIGEST-MISMATCH": lambda p: _text(p, "SHA-256=", "SHA-256=0"[:-1] + "f" * 64 + " "),
    "EEP-SIGNATURE-UNVERIFIED": lambda p: _text(
        p, "</电子文件封装包>", "<电子签名块><电子签名/></电子签名块></电子文件封装包>"
    ),
    "EEP-NO-FILE": lambda p: p.write_text(
        re.sub(r"<文件数据>.*</文件数据>", "<文件数据/>", p.read_text(), flags=re.DOTALL)
    ),
}


@pytest.mark.parametrize("code", EEPS)
def test_a_broken_eep_has_its_finding(tmp_path: Path, code: str) -> None:
    path = _eep(tmp_path)
    EEPS[code](path)
    assert code in {finding.code for finding in eep.validate(path)}
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a.eep", "in1", "in2"]


def _revised(text: str) -> str:
    """The same package wrapped into a revision that changes the title and keeps a file as it is."""
    signed = text[text.index("<被签名对象") : text.index("</电子文件封装包>")]
    layer = text[text.index("<封装内容>") : text.index("</封装内容>")] + "</封装内容>"
    layer = re.sub(r'((?:文档|编码)(?:数据)?)([0-9]+)(["<])', r"新\1\2\3", layer)
    layer = re.sub(
        '<编码数据 编码数据ID="新编码数据3">.*?</编码数据>',
        '<编码数据 编码数据ID="新编码数据3" 引用编码数据ID="编码数据3"></编码数据>',
        layer,
        flags=re.DOTALL,
    )
    layer = layer.replace("封装内容>", "修订内容>").replace("关于印发", "关于修订")
    described = signed[: signed.index("<封装内容>")].replace("原始型", "修改型")
    described = described.replace(
        "原始封装，未经修改", "系修改封装，在保留原封装包的基础上，添加了修改层"
    )
    changed = f"<修改标识符>x</修改标识符><原封装包>{signed}</原封装包>{layer}"
    whole = f"{described}<修改封装内容>{changed}</修改封装内容></被签名对象>"
    return text.replace(signed, whole)


def test_a_modified_eep_gives_the_record_of_its_newest_layer(tmp_path: Path) -> None:
    path = _eep(tmp_path)
    path.write_text(_revised(path.read_text()))
    packet = _read_eep(path)
    assert packet.findings == ()
    assert packet.items[0].description["title"].startswith("关于修订")
    files = {file.path: file.source.read_bytes() for file in packet.items[0].files}
    assert files == {"正文.txt": b"one", "附件/100%\n表.csv": b"", "b": b"2"}


TRANSFERS: dict[str, Break] = {
    "T93-NO-NOTES": lambda p: (p / "说明文件.TXT").unlink(),
    "T93-NO-CATALOGUE": lambda p: (p / "目录文件.XML").unlink(),
    "T93-CATALOGUE-EMPTY": lambda p: (p / "目录文件.XML").write_text("<目录文件/>"),
    "T93-NO-CODE": lambda p: _text(p / "目录文件.XML", f">{CODE}</字段>", "></字段>"),
    "T93-DUPLICATE-CODE": lambda p: _text(
        p / "目录文件.XML", f">{SECOND}</字段>", f">{CODE}</字段>"
    ),
    "T93-NO-FOLDER": lambda p: shutil.rmtree(_item_folder(p)),
    "T93-TWO-FOLDERS": lambda p: shutil.copytree(_item_folder(p), p / "Z109/x" / CODE),
    "T93-STRAY-FOLDER": lambda p: shutil.copytree(_item_folder(p), p / "Z109/x/unknown"),
    "T93-NO-METADATA": lambda p: shutil.rmtree(_item_folder(p) / "metadata"),
    "T93-NO-CONTENT": lambda p: shutil.rmtree(_item_folder(p) / "original"),
    "T93-METADATA-DIFFERS": lambda p: _text(p / "目录文件.XML", "滨州市人民政府办公室", "别的机关"),
    "T93-FILE-MISSING": lambda p: _file(p, "b").unlink(),
    "T93-DIGEST-MISMATCH": lambda p: _file(p, "b").write_bytes(b"3"),
    "T93-COUNT": lambda p: _text(p / "说明文件.TXT", "件数：2", "件数：3"),
    "PKG-XML-HOSTILE": lambda p: (p / "目录文件.XML").write_bytes(BOMB),
    "PKG-XML-BROKEN": lambda p: (_item_folder(p) / "metadata/dat46.xml").write_bytes(b"<a>"),
}


@pytest.mark.parametrize("code", TRANSFERS)
def test_a_broken_transfer_package_has_its_finding(tmp_path: Path, code: str) -> None:
    path = _transfer(tmp_path)
    TRANSFERS[code](path)
    assert code in {finding.code for finding in transfer.validate(path)}


def test_a_transfer_package_may_lie_in_one_top_folder(tmp_path: Path) -> None:
    (tmp_path / "top").mkdir()
    _transfer(tmp_path).rename(tmp_path / "top/t")
    assert validate(tmp_path / "top")[:2] == (Kind.TRANSFER, [])


def test_a_foreign_catalogue_is_read_by_the_names_of_its_fields(tmp_path: Path) -> None:
    root = tmp_path / "t"
    place = root / f"Z109/WS/{CODE}"
    place.mkdir(parents=True)
    (place / "正文.txt").write_bytes(b"x")
    (place / "元数据.xml").write_text("<a/>")
    (root / "说明文件.txt").write_bytes("件数：1".encode("gb18030"))
    (root / "目录文件.xml").write_text(
        f"<目录><文件><档号>{CODE}</档号><题名>通知</题名></文件></目录>"
    )
    packet = transfer.read(root)
    assert packet.findings == ()
    assert packet.items[0].description == {"archival_code": CODE, "title": "通知"}


FOLDERS: dict[str, Break] = {
    "DIR-NO-CATALOGUE": lambda p: (p / "目录.csv").unlink(),
    "DIR-CATALOGUE-ENCODING": lambda p: (p / "目录.csv").write_bytes(b"\xff\xff\xff"),
    "DIR-NO-HEADER": lambda p: (p / "目录.csv").write_text("甲,乙\n1,2\n"),
    "DIR-DUPLICATE-CODE": lambda p: _text(p / "目录.csv", SECOND, CODE),
    "DIR-NO-FILE": lambda p: shutil.rmtree(p / SECOND),
    "DIR-STRAY-FILE": lambda p: (p / "别的.pdf").touch(),
    "META-MISSING": lambda p: _text(p / "目录.csv", "第二件", ""),
    "META-TOO-LONG": lambda p: _text(p / "目录.csv", "第二件", "长" * 501),
    "META-NOT-A-NUMBER": lambda p: _text(p / "目录.csv", ",2011,", ",二〇一一,"),
    "META-NOT-A-DATE": lambda p: _text(p / "目录.csv", "20110506", "五月"),
    "META-NOT-IN-LIST": lambda p: _text(p / "目录.csv", "未审核", "也许"),
    "META-BAD-CODE": lambda p: _text(p / "目录.csv", SECOND, "第2件"),
    "PKG-XML-HOSTILE": lambda p: (p / f"{CODE}/metadata/dat46.xml").write_bytes(BOMB),
    "PKG-XML-BROKEN": lambda p: (p / f"{CODE}/metadata/dat46.xml").write_bytes(b"<a>"),
    "PKG-UNKNOWN": lambda p: (shutil.rmtree(p), p.mkdir()),
}


@pytest.mark.parametrize("code", FOLDERS)
def test_a_broken_folder_has_its_finding(tmp_path: Path, code: str) -> None:
    path = _folder(tmp_path)
    FOLDERS[code](path)
    assert code in {finding.code for finding in folder.validate(path)}


def _zip(path: Path, *names: str) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, b"x")


def _zip_link(path: Path) -> None:
    entry = zipfile.ZipInfo("link")
    entry.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(entry, "/etc/passwd")


def _mark_encrypted(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)


ZIPS: dict[str, Callable[[Path], object]] = {
    "PKG-PATH-ESCAPE": lambda p: _zip(p, "../../etc/passwd"),
    "PKG-NAME-CLASH": lambda p: _zip(p, "é", "e\u0301"),
    "PKG-DAMAGED": lambda p: p.write_bytes(b"PK\x03\x04 cut off"),
    "PKG-ENCRYPTED": lambda p: (_zip(p, "a"), _mark_encrypted(p)),
    "PKG-LINK": _zip_link,
}


@pytest.mark.parametrize("code", ZIPS)
def test_a_broken_zip_has_its_finding(tmp_path: Path, code: str) -> None:
    ZIPS[code](tmp_path / "a.zip")
    report = validate(tmp_path / "a.zip")
    assert report.kind is Kind.ZIP
    assert [finding.code for finding in report.findings] == [code]


def test_every_code_of_the_catalogue_has_a_bad_package() -> None:
    covered = {*BAGS, *EEPS, *TRANSFERS, *FOLDERS, *ZIPS}
    elsewhere = {"OCFL-ERROR", "OCFL-WARNING"}  # tests/engines/test_validation.py
    assert covered | elsewhere == set(catalog.by_key("package_findings", "code"))


# Folders as people make them ----------------------------------------------------------------------


def test_files_are_linked_by_their_names(tmp_path: Path) -> None:
    header = "档号,题名,责任者,日期,保管期限,开放标识"
    rows = f"{header}\n{CODE},一,甲,2011,Y,开放\n{SECOND},二,乙,2012,30年,控制\n"
    (tmp_path / "目录.csv").write_bytes(rows.encode("gb18030"))
    for name in (f"{CODE}-001.jpg", f"{CODE.replace('·', '.')}-002.jpg", f"x/{SECOND}/1.pdf"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    packet = folder.read(tmp_path)
    assert packet.findings == ()
    assert [[file.path for file in one.files] for one in packet.items] == [
        sorted([f"{CODE}-001.jpg", f"{CODE.replace('·', '.')}-002.jpg"]),
        ["1.pdf"],
    ]
    assert [one.row for one in packet.items] == [2, 3]


def test_a_catalogue_of_other_cells_is_read() -> None:
    table: list[list[object]] = [
        ["归档文件目录", None, None],
        ["题名", "日期", "页数"],
        ["通知", datetime(2011, 5, 6, tzinfo=UTC), 3.0],
        [None, None, None],
    ]
    rows, findings = folder.read_catalogue(table, code_required=False)
    assert findings == []
    assert [row.description for row in rows] == [
        {"title": "通知", "document_date": "20110506", "page_count": "3"}
    ]


def test_a_formula_in_a_catalogue_is_defused_and_comes_back(tmp_path: Path) -> None:
    one = item(tmp_path / "in", title="=HYPERLINK(1)")
    folder.write(tmp_path / "f", [one])
    assert ",=HYPERLINK" not in (tmp_path / "f/目录.csv").read_text()
    assert folder.read(tmp_path / "f").items[0].description == one.description


def test_a_catalogue_with_a_thousand_faults_names_each_row() -> None:
    table = [["档号", "题名"], *([f"x{number}", ""] for number in range(1000))]
    _, findings = folder.read_catalogue(table)
    assert [finding.row for finding in findings if finding.code == "META-MISSING"] == list(
        range(2, 1002)
    )


def test_kinds_are_told_by_what_is_inside(tmp_path: Path) -> None:
    assert packages.detect_kind(_bag(tmp_path)) is Kind.BAGIT
    assert packages.detect_kind(tmp_path / "in1") is Kind.BARE
    assert packages.detect_kind(tmp_path / "in1/b") is Kind.FILE
    xml = tmp_path / "a.xml"
    eep.write(xml, item(tmp_path / "in1"), created=AT, creator="馆")
    assert packages.detect_kind(xml) is Kind.EEP
    xml.write_text("<a/>")
    assert packages.detect_kind(xml) is Kind.FILE
    ocfl.write_object(tmp_path / "o", "urn:x:1", {}, message="", user="", created=AT)
    assert packages.detect_kind(tmp_path / "o") is Kind.OCFL_OBJECT


def test_every_fault_of_a_value_is_a_catalogue_code() -> None:
    known = catalog.by_key("package_findings", "code")
    faults = [*check_value("title", ""), *check_value("page_count", "x")]
    assert {code for code, _ in faults} <= known.keys()


@settings(max_examples=10)
@given(st.integers(0, 10_000), st.binary(min_size=1, max_size=6))
def test_noise_in_a_package_is_a_finding_never_a_crash(at: int, noise: bytes) -> None:
    with TemporaryDirectory() as name:
        root = Path(name)
        paths = [_eep(root), _bag(root) / "manifest-sha256.txt", _transfer(root) / "目录文件.XML"]
        paths += [_folder(root) / "目录.csv", root / "bag/bag-info.txt", root / "bag/bagit.txt"]
        for path in paths:
            content = path.read_bytes()
            start = at % len(content)
            path.write_bytes(content[:start] + noise + content[start + len(noise) :])
        for package in (root / "a.eep", root / "bag", root / "t", root / "f"):
            findings = validate(package).findings
            assert {finding.code for finding in findings} <= kinds().keys()


def test_a_report_says_the_verdict_and_words_each_finding(tmp_path: Path) -> None:
    bag = _bag(tmp_path)
    assert validate(bag).to_json()["verdict"] == "valid"
    (bag / "data/more").touch()
    row = validate(bag).to_json("en")
    assert (row["verdict"], row["kind"], row["path"]) == ("invalid", "bagit", str(bag))
    assert row["findings"][0]["code"] == "BAG-FILE-UNLISTED"
    assert "manifest-sha" in row["findings"][0]["message"]
