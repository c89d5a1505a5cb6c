"""Unpacking: zips, catalogues, links between rows and files, packages; nothing is ever lost."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from tests.corpus.contents import (
    bomb_zip,
    docx,
    encrypted_zip,
    gbk_zipped,
    linked_zip,
    pdf,
    png,
    xlsx,
    zipped,
)  # fmt: skip
from tests.corpus.handovers import HEADERS, NOW, catalogued, code, hand_over, row

from liandong.archive.models import Fonds
from liandong.intake.models import Batch, Item
from liandong.intake.services.receive import incoming_files, receive
from liandong.intake.services.unpack import unpack
from liandong.intake.services.unpacking.bare import natural, proposed_title
from liandong.kernel.packages import bagit, eep, transfer
from liandong.kernel.packages.packet import PackedFile, PackedItem

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _staging(tmp_path: Path, settings: Any) -> None:
    settings.STAGING = tmp_path / "staging"


@pytest.fixture
def fonds() -> Fonds:
    return Fonds.objects.create(number="Z109", title="滨州市", code_template="dat22_item")


def _unpack(batch: Batch) -> set[str]:
    """Codes of the batch and, with `item:`, of its items."""
    found = {finding.code for finding in unpack(batch, by="wang", now=NOW)}
    told = batch.items.values_list("checks", flat=True)
    return found | {f"item:{one['code']}" for checks in told for one in checks.get("unpack", [])}


def _keys(batch: Batch) -> dict[str, list[str]]:
    items = Item.objects.filter(batch=batch).order_by("pk")
    return {item.key: [f.path for f in item.files.filter(is_content=True)] for item in items}


TWO = [row(1), row(2)]
CASES: dict[str, tuple[Mapping[str, bytes], str, int, set[str]]] = {
    "faultless": (catalogued(TWO), "catalogue", 2, set()),
    "in a top folder": (
        {f"移交/{name}": content for name, content in catalogued(TWO).items()}, "catalogue", 2,
        set(),
    ),
    "row without file": (
        catalogued(TWO, {f"{code(1)}.pdf": pdf()}), "catalogue", 2, {"item:CAT-ROW-NO-FILE"},
    ),
    "file not listed": (
        catalogued([row(1)], {f"{code(1)}.pdf": pdf(), "合影.png": png()}), "catalogue", 2,
        {"item:CAT-FILE-NOT-LISTED"},
    ),
    "file with an unknown code": (
        catalogued([row(1)], {f"{code(1)}.pdf": pdf(), f"{code(9)}.pdf": pdf(2)}), "catalogue", 2,
        {"item:CAT-UNKNOWN-CODE"},
    ),
    "code twice": (
        catalogued([row(1), row(1)]), "catalogue", 2,
        {"item:CAT-DUPLICATE-CODE", "item:CAT-ROW-NO-FILE"},
    ),
    "look-alike signs": (
        catalogued([row(1, 档号="Z109-WS.2011-Y-BGS-0001")], {f"{code(1)}.pdf": pdf()}),
        "catalogue", 1, {"item:CAT-CODE-SIGNS"},
    ),
    "by title": (
        catalogued([row(1, 档号="")], {"关于第1号工作的通知.pdf": pdf()}), "catalogue", 1,
        {"item:CAT-LINKED-BY-TITLE"},
    ),
    "by number": (
        {"目录.xlsx": xlsx([["序号", "题名"], [1, "甲"], [2, "乙"]]),
         "01 a.pdf": pdf(), "2.pdf": pdf(2)},
        "catalogue", 2, {"item:CAT-LINKED-BY-NUMBER", "CAT-MISSING-COLUMN"},
    ),
    "by path": (
        {"目录.xlsx": xlsx([["档号", "题名", "文件路径"], [code(1), "甲", r"扫描\x.pdf"]]),
         "扫描/x.pdf": pdf()},
        "catalogue", 1, set(),
    ),
    "path that is not there": (
        {"目录.xlsx": xlsx([["档号", "题名", "文件路径"], [code(1), "甲", "no.pdf"]]),
         f"{code(1)}.pdf": pdf()},
        "catalogue", 1, {"item:CAT-PATH-NOT-FOUND"},
    ),
    "no title column": (
        {"目录.xlsx": xlsx([["档号", "责任者"], [code(1), "办"]]), f"{code(1)}.pdf": pdf()},
        "catalogue", 1, {"CAT-MISSING-COLUMN"},
    ),
    "unknown column": (
        {"目录.xlsx": xlsx([["档号", "题名", "星座"], [code(1), "甲", "x"]]),
         f"{code(1)}.pdf": pdf()},
        "catalogue", 1, {"CAT-UNKNOWN-COLUMN"},
    ),
    "no rows": ({"目录.xlsx": xlsx([HEADERS]), "a.pdf": pdf()}, "catalogue", 1,
                {"CAT-NO-ROWS", "item:CAT-FILE-NOT-LISTED"}),
    "broken catalogue": (
        {"目录.xlsx": b"PK\x03\x04 no zip", "a.pdf": pdf()}, "bare", 1,
        {"CAT-UNREADABLE", "item:CAT-NOT-READ"},
    ),
    "legacy catalogue": (
        {"目录.xls": b"\xd0\xcf\x11\xe0", "a.pdf": pdf()}, "bare", 1,
        {"CAT-OLD-FORMAT", "item:CAT-NOT-READ"},
    ),
    "catalogue without header": (
        {"目录.csv": "甲,乙\n1,2\n".encode(), "a.pdf": pdf()}, "bare", 1,
        {"CAT-NO-HEADER", "item:CAT-NOT-READ"},
    ),
    "catalogue with entities": (
        {"目录.xlsx": docx({"xl/a.xml": b'<!DOCTYPE a [<!ENTITY b "c">]><a/>'}), "a.pdf": pdf()},
        "bare", 1, {"CAT-UNREADABLE", "item:CAT-NOT-READ"},
    ),
    "two catalogues": (
        {**catalogued([row(1)]), "目录二.csv": "档号,题名\n1,2\n".encode()}, "catalogue", 1,
        {"CAT-SECOND", "CAT-ACCOMPANYING"},
    ),
    "accompanying letter": (
        {**catalogued([row(1)]), "移交说明.docx": docx()}, "catalogue", 1, {"CAT-ACCOMPANYING"},
    ),
    "lock file": ({**catalogued([row(1)]), "~$目录.xlsx": b"x"}, "catalogue", 1, {"CAT-LEFTOVER"}),
    "bare files": ({"a.pdf": pdf(), "b/c.docx": docx()}, "bare", 2, set()),
    "page folder": (
        {"合同/001.png": png(1), "合同/002.png": png(2), "合同/010.png": png(3)}, "bare", 1, set(),
    ),
    "damaged zip": ({"a.zip": b"PK\x03\x04 no"}, "bare", 1, {"ZIP-DAMAGED"}),
    "zip bomb": ({"a.zip": bomb_zip()}, "bare", 1, {"ZIP-BOMB"}),
    "zip with escape": (
        {"a.zip": zipped({"../../etc/x.pdf": pdf(), "C:\\b.pdf": pdf(2)})}, "bare", 2,
        {"ZIP-PATH-ESCAPE"},
    ),
    "zip with link": ({"a.zip": linked_zip()}, "bare", 1, {"ZIP-SYMLINK"}),
    "zip with password": ({"a.zip": encrypted_zip()}, "bare", 1, {"ZIP-ENCRYPTED"}),
    "empty zip": ({"a.zip": zipped({})}, "bare", 1, {"ZIP-NO-FILES"}),
    "zip in a zip": ({"a.zip": zipped({"b.zip": zipped({"c.pdf": pdf()})})}, "bare", 1, set()),
    "names in GBK": (
        {"a.zip": gbk_zipped({"移交/关于防汛的通知.pdf": pdf()})}, "bare", 1, set(),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_each_bad_hand_over_gives_exactly_its_findings(
    name: str, tmp_path: Path, fonds: Fonds
) -> None:
    files, kind, count, codes = CASES[name]
    batch = hand_over(tmp_path / "in", files, fonds=fonds)

    assert _unpack(batch) == codes
    assert (batch.kind, batch.items.count()) == (kind, count)


@pytest.mark.parametrize("name", CASES)
def test_every_file_belongs_to_an_item_or_is_marked_as_no_content(
    name: str, tmp_path: Path, fonds: Fonds
) -> None:
    batch = hand_over(tmp_path / "in", CASES[name][0], fonds=fonds)

    unpack(batch, by="wang", now=NOW)

    assert not batch.files.filter(item=None, is_content=True).exists()


def test_unpacking_again_changes_nothing_and_says_the_same(tmp_path: Path) -> None:
    batch = hand_over(tmp_path / "in", {"a.zip": zipped({"../x.pdf": pdf(), "y.pdf": pdf(2)})})
    first = unpack(batch, by="wang", now=NOW)
    again = unpack(Batch.objects.get(pk=batch.pk), by="wang", now=NOW)

    assert again == first
    assert (batch.items.count(), batch.files.count()) == (2, 3)


def test_a_zip_that_was_half_extracted_is_extracted_anew(tmp_path: Path, settings: Any) -> None:
    batch = hand_over(tmp_path / "in", {"a.zip": zipped({"y.pdf": pdf()})})
    left = settings.STAGING / str(batch.uuid) / "zip" / "000009.pdf"
    left.parent.mkdir()
    left.write_bytes(b"half")

    unpack(batch, by="wang", now=NOW)

    assert not left.exists()
    assert batch.files.get(path="y.pdf").size_bytes == len(pdf())


def test_names_in_gbk_are_read_and_the_bytes_never_leave_staging(
    tmp_path: Path, settings: Any
) -> None:
    batch = hand_over(tmp_path / "in", {"a.zip": gbk_zipped({"移交/关于防汛的通知.pdf": pdf()})})

    unpack(batch, by="wang", now=NOW)

    file = batch.files.get(is_content=True)
    assert file.path == "移交/关于防汛的通知.pdf"
    assert (settings.STAGING / file.staged).read_bytes() == pdf()
    assert file.item.description["title"] == "关于防汛的通知"


def test_page_files_and_folders_find_their_row_and_stay_in_order(tmp_path: Path) -> None:
    files = {
        f"{code(1)}/10.png": png(1), f"{code(1)}/2.png": png(2),
        f"页/{code(2)}-001.png": png(3), f"页/{code(2)}-002.png": png(4),
        f"{code(3)} 关于水利的通知.pdf": pdf(),
    }  # fmt: skip
    batch = hand_over(tmp_path / "in", catalogued([row(1), row(2), row(3)], files))

    assert _unpack(batch) == set()
    assert _keys(batch) == {
        code(1): [f"{code(1)}/2.png", f"{code(1)}/10.png"],
        code(2): [f"页/{code(2)}-001.png", f"页/{code(2)}-002.png"],
        code(3): [f"{code(3)} 关于水利的通知.pdf"],
    }


def test_rows_are_counted_as_people_count_them_with_headings_above(tmp_path: Path) -> None:
    rows = [["归档文件目录"], [], HEADERS, row(1), [], row(2)]
    batch = hand_over(tmp_path / "in", {"目录.xlsx": xlsx(rows), f"{code(1)}.pdf": pdf()})

    unpack(batch, by="wang", now=NOW)

    finding = batch.items.get(key=code(2)).checks["unpack"][0]
    assert (finding["code"], finding["row"], finding["column"]) == ("CAT-ROW-NO-FILE", 6, "档号")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_a_csv_catalogue_is_read_in_the_usual_encodings(tmp_path: Path, encoding: str) -> None:
    text = f"档号,题名,日期\n{code(1)},关于镕基的报告,2011/5/6\n"
    batch = hand_over(tmp_path / "in", {"目录.csv": text.encode(encoding), f"{code(1)}.pdf": pdf()})

    assert _unpack(batch) == set()
    assert batch.items.get().description["title"] == "关于镕基的报告"


def test_a_code_in_parts_is_put_together_by_the_template_of_the_fonds(
    tmp_path: Path, fonds: Fonds
) -> None:
    header = ["件号", "年度", "保管期限", "机构", "题名"]
    table = xlsx([header, [1, 2011, "永久", "BGS", "甲"]])
    batch = hand_over(tmp_path / "in", {"目录.xlsx": table, f"{code(1)}.pdf": pdf()}, fonds=fonds)

    assert _unpack(batch) == set()
    assert batch.items.get().description["archival_code"] == code(1)


def test_a_thousand_faults_are_told_row_by_row(tmp_path: Path) -> None:
    rows = [row(number) for number in range(1, 1001)]
    batch = hand_over(tmp_path / "in", catalogued(rows, {"a.pdf": pdf()}))

    unpack(batch, by="wang", now=NOW)

    told = [one for checks in batch.items.order_by("pk").values_list("checks", flat=True)
            for one in checks["unpack"]]  # fmt: skip
    assert [one["row"] for one in told if one["code"] == "CAT-ROW-NO-FILE"] == list(range(2, 1002))


@pytest.mark.slow
def test_ten_thousand_rows_are_written_with_few_statements(
    tmp_path: Path, django_assert_max_num_queries: Any
) -> None:
    text = "档号,题名\n" + "".join(f"{code(n)},第{n}件\n" for n in range(1, 10_001))
    batch = hand_over(tmp_path / "in", {"目录.csv": text.encode(), f"{code(1)}.pdf": pdf()})

    with django_assert_max_num_queries(200):
        unpack(batch, by="wang", now=NOW)

    assert batch.item_count == 10_000


# Packages -----------------------------------------------------------------------------------------


def _packed(tmp_path: Path, number: int) -> PackedItem:
    source = tmp_path / f"{number}.pdf"
    source.write_bytes(pdf(number))
    description = {
        "archival_code": code(number), "title": f"第{number}件", "author": "办公室",
        "document_date": "20110506", "retention_period": "永久", "fonds_number": "Z109",
        "filing_year": "2011", "archival_category": "WS",
    }  # fmt: skip
    return PackedItem(description, (PackedFile("正文.pdf", source),))


def test_a_bag_of_ours_gives_its_items(tmp_path: Path, fonds: Fonds) -> None:
    bag = tmp_path / "bag"
    bagit.write(bag, [_packed(tmp_path, 1), _packed(tmp_path, 2)], bagged_on=date(2026, 11, 22))
    batch = _receive(bag, fonds)

    assert _unpack(batch) == set()
    assert batch.kind == "bagit"
    assert [item.key for item in batch.items.order_by("pk")] == [code(1), code(2)]
    assert not batch.files.filter(item=None, is_content=True).exists()


def test_a_bag_with_changed_bytes_holds_its_item(tmp_path: Path) -> None:
    bag = tmp_path / "bag"
    bagit.write(bag, [_packed(tmp_path, 1)], bagged_on=date(2026, 11, 22))
    content = next(bag.rglob("正文.pdf"))
    content.write_bytes(pdf(5))

    assert "item:BAG-DIGEST-MISMATCH" in _unpack(_receive(bag, None))


def test_a_bag_without_manifest_holds_every_item(tmp_path: Path) -> None:
    bag = tmp_path / "bag"
    bagit.write(bag, [_packed(tmp_path, 1)], bagged_on=date(2026, 11, 22))
    for manifest in bag.glob("*manifest-*"):
        manifest.unlink()

    assert {"BAG-NO-MANIFEST", "item:PKG-FAULTY"} <= _unpack(_receive(bag, None))


def test_a_transfer_package_gives_its_items(tmp_path: Path, fonds: Fonds) -> None:
    package = tmp_path / "t93"
    transfer.write(
        package, [_packed(tmp_path, 1), _packed(tmp_path, 2)], made_on=date(2026, 11, 22),
        sender="办公室",
    )  # fmt: skip
    batch = _receive(package, fonds)

    assert _unpack(batch) == set()
    assert (batch.kind, batch.items.count()) == ("dat93", 2)
    assert not batch.files.filter(item=None, is_content=True).exists()


def test_an_eep_package_gives_its_files_with_digests(tmp_path: Path, settings: Any) -> None:
    folder = tmp_path / "eep"
    folder.mkdir()
    eep.write(folder / "1.eep", _packed(tmp_path, 1), created=NOW, creator="办公室")
    batch = _receive(folder, None)

    assert _unpack(batch) == set()
    file = batch.files.get(is_content=True)
    assert batch.kind == "eep"
    assert (settings.STAGING / file.staged).read_bytes() == pdf(1)
    assert file.item.key == code(1)


def test_a_broken_eep_package_is_kept_and_held(tmp_path: Path) -> None:
    batch = hand_over(tmp_path / "in", {"a.eep": "<电子文件封装包><x>".encode()})

    assert _unpack(batch) == {"item:EEP-XML-BROKEN"}
    assert batch.files.get().item is not None


def _receive(folder: Path, fonds: Fonds | None) -> Batch:
    return receive(incoming_files(folder), name="包", by="wang", now=NOW, fonds=fonds)


# Names --------------------------------------------------------------------------------------------


def test_a_proposed_title_loses_suffix_and_running_number() -> None:
    assert proposed_title("a/03 关于防汛的通知.pdf") == "关于防汛的通知"
    assert proposed_title("2011年总结.docx") == "2011年总结"
    assert proposed_title("007.jpg") == "007"


@given(st.lists(st.integers(0, 99_999), unique=True, min_size=1))
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_numbered_names_sort_by_their_numbers(numbers: list[int]) -> None:
    names = [f"页{number}.jpg" for number in numbers]

    assert sorted(names, key=natural) == [f"页{number}.jpg" for number in sorted(numbers)]
