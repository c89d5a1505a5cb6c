"""Bad input: exact codes, a sentence naming file, row or field; every byte kept, others go on."""

import hashlib
import io
import os
import resource
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from PIL import Image
from tests.corpus.contents import (
    PROGRAM,
    bomb_zip,
    docx,
    encrypted_zip,
    gbk_zipped,
    linked_zip,
    pdf,
    png,
    zipped,
)
from tests.corpus.handovers import NOW, catalogued, code, lay_out, row
from tests.intake.running import INLINE, blocked, letter, states, take, take_files

from liandong.archive.models import Fonds, Record, RecordFile, RecordPage
from liandong.archive.services.holdings import keep_fonds
from liandong.intake.models import Batch, HandedFile
from liandong.intake.queries import batch_report

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _inline(settings: Any, home: Path) -> None:
    settings.ENGINES = {**settings.ENGINES, "compute": INLINE}


@pytest.fixture(autouse=True)
def fonds() -> Fonds:
    """The only fonds: what comes without one belongs to it."""
    return keep_fonds("Z109", title="滨州市人民政府", by="li", now=NOW)


def _locked_pdf() -> bytes:
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf())) as document:
        document.save(out, encryption=pikepdf.Encryption(user="secret", owner="secret"))
    return out.getvalue()


def _cut_jpeg() -> bytes:
    out = io.BytesIO()
    Image.effect_noise((400, 400), 60).save(out, "JPEG")
    return out.getvalue()[:9000]


def _everything(settings: Any) -> set[str]:
    """Digests of every file in store and staging."""
    places = [*settings.STORE.rglob("*"), *settings.STAGING.rglob("*")]
    return {hashlib.sha256(one.read_bytes()).hexdigest() for one in places if one.is_file()}


def _messages(batch: Batch) -> dict[str, dict[str, Any]]:
    """The blocking findings by code as the command line prints them."""
    rows = list(batch_report(batch, "zh"))
    found = [one for row in rows for one in row["findings"] if one["severity"] == "block"]
    return {one["code"]: one for one in found}


# One bad file among good ones: file → its codes, and the sentence
FILES: dict[str, tuple[str, bytes, set[str], str]] = {
    "0 bytes": ("空.pdf", b"", {"FILE-EMPTY"}, "文件是空的（0 字节）"),
    "corrupt PDF": (
        "坏.pdf", b"%PDF-1.4\n" + b"garbage " * 50, {"FILE-DAMAGED"},
        "文件已损坏：PDF 结构无法解析",
    ),
    "encrypted PDF": ("密.pdf", _locked_pdf(), {"FILE-ENCRYPTED"}, "文件已加密，无法打开"),
    "cut JPEG": ("断.jpg", _cut_jpeg(), {"FILE-UNKNOWN-FORMAT"}, "认不出文件格式"),
    "noise": ("乱.qqq", b"\x8f\x01" * 400, {"FILE-UNKNOWN-FORMAT"}, "认不出文件格式"),
    "program": (
        "程序.exe", PROGRAM, {"SEC-EXECUTABLE", "YJ-3-3a"}, "文件是可执行程序（PE）",
    ),
    "macro": (
        "宏.docx", docx({"word/vbaProject.bin": b"x"}), {"SEC-MACRO"},
        "文件含宏：word/vbaProject.bin",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_a_bad_file_is_held_by_name_and_the_others_are_admitted(
    name: str, tmp_path: Path, settings: Any
) -> None:
    path, content, codes, message = FILES[name]
    files = {"好.txt": letter(1), path: content}

    batch = take_files(tmp_path / "in", files)

    assert blocked(batch) == {path: codes}
    assert states(batch) == {"admitted": 1, "held": 1}
    told = _messages(batch)
    assert message in {one["message"] for one in told.values()}
    assert {one["where"] for one in told.values()} == {path}
    assert {hashlib.sha256(one).hexdigest() for one in files.values()} <= _everything(settings)


def test_a_misnamed_file_is_told_and_read_by_what_it_is(tmp_path: Path) -> None:
    batch = take_files(tmp_path / "in", {"通知.jpg": pdf(2)})

    finding = batch.findings.get(code="FILE-EXTENSION")
    assert (finding.where, finding.severity) == ("通知.jpg", "warn")
    assert finding.facts["puid"] == "fmt/18"
    assert Record.objects.get().page_count == 2


# Zips ---------------------------------------------------------------------------------------------


def test_names_in_gbk_are_read_and_kept_as_they_came(tmp_path: Path) -> None:
    source = lay_out(tmp_path / "in", {"移交.zip": gbk_zipped({"关于防汛的通知.txt": letter(1)})})
    batch = take(source / "移交.zip")

    assert states(batch) == {"admitted": 1}
    assert RecordFile.objects.get(role="original").path == "original/关于防汛的通知.txt"


ZIPS: dict[str, tuple[bytes, dict[str, set[str]], dict[str, int], str]] = {
    "bomb": (
        bomb_zip(), {"": {"ZIP-BOMB"}}, {"held": 1}, "压缩包膨胀倍数异常",
    ),
    "path that escapes": (
        zipped({"../../跑.txt": letter(1), "好.txt": letter(2)}), {"": {"ZIP-PATH-ESCAPE"}},
        {"admitted": 2}, "压缩包内的路径越界：../../跑.txt",
    ),
    "symlink": (
        linked_zip(), {"": {"ZIP-SYMLINK"}}, {"admitted": 1},
        "压缩包内有链接或设备文件，未予接收：link.pdf",
    ),
    "encrypted entry": (
        encrypted_zip(), {"": {"ZIP-ENCRYPTED"}}, {"admitted": 1},
        "压缩包内文件已加密，无法取出：secret.pdf",
    ),
    "no zip at all": (
        b"PK\x03\x04" + b"x" * 300, {"": {"ZIP-DAMAGED"}}, {"held": 1}, "压缩包已损坏，无法打开",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ZIPS)
def test_a_hostile_zip_is_told_and_never_writes_outside(
    name: str, tmp_path: Path, settings: Any
) -> None:
    content, codes, ends, message = ZIPS[name]
    source = lay_out(tmp_path / "in", {"移交.zip": content}) / "移交.zip"
    before = {one for one in tmp_path.rglob("*") if settings.HOME not in one.parents}

    batch = take(source)

    assert {key: found for key, found in blocked(batch).items() if key == ""} == codes
    assert states(batch) == ends
    assert any(one["message"].startswith(message) for one in _messages(batch).values())
    assert {one for one in tmp_path.rglob("*") if settings.HOME not in one.parents} == before
    assert hashlib.sha256(content).hexdigest() in _everything(settings)


# Folders ------------------------------------------------------------------------------------------


def test_links_and_devices_in_a_folder_are_told_and_never_followed(tmp_path: Path) -> None:
    source = lay_out(tmp_path / "in", {"好.txt": letter(1)})
    (source / "链接.txt").symlink_to("/etc/passwd")
    (source / "文件夹").symlink_to("/etc")
    os.mkfifo(source / "管道")

    batch = take(source)

    found = batch.findings.filter(code="FILE-LINK").values_list("where", flat=True)
    assert set(found) == {"链接.txt", "文件夹", "管道"}
    assert states(batch) == {"admitted": 1}
    assert _messages(batch)["FILE-LINK"]["message"].startswith("链接或特殊文件，未予接收：")
    assert HandedFile.objects.count() == 1


def test_names_that_are_one_after_normalisation_are_both_kept(tmp_path: Path) -> None:
    source = lay_out(tmp_path / "in", {"caf\u00e9.txt": letter(1), "cafe\u0301.txt": letter(2)})

    batch = take(source)

    assert states(batch) == {"admitted": 2}
    assert set(batch.files.values_list("path", flat=True)) == {"café.txt", "café (2).txt"}


def test_a_name_of_bytes_that_are_no_utf8_is_read_as_gb18030(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    with open(os.fsencode(source) + b"/" + "防汛通知.txt".encode("gb18030"), "wb") as file:
        file.write(letter(1))

    batch = take(source)

    (handed,) = batch.files.all()
    assert (handed.path, bytes.fromhex(handed.original_name)) == (
        "防汛通知.txt", "防汛通知.txt".encode("gb18030"),
    )  # fmt: skip
    assert states(batch) == {"admitted": 1}


# Catalogues ---------------------------------------------------------------------------------------


def test_a_code_twice_in_the_catalogue_names_both_rows(tmp_path: Path) -> None:
    rows = [row(1), row(2), row(2, 题名="又一件")]
    files: Mapping[str, bytes] = {f"{code(number)}.txt": letter(number) for number in (1, 2)}

    batch = take_files(tmp_path / "in", catalogued(rows, files))

    found = batch.findings.filter(code="CAT-DUPLICATE-CODE").order_by("row")
    assert [(one.row, one.column, one.facts["rows"]) for one in found] == [
        (3, "档号", "4"), (4, "档号", "3"),
    ]  # fmt: skip
    assert states(batch) == {"admitted": 1, "held": 2}
    assert (
        f"目录中档号 {code(2)} 重复，另见第 " in _messages(batch)["CAT-DUPLICATE-CODE"]["message"]
    )


def test_a_code_that_the_holdings_have_is_held(tmp_path: Path) -> None:
    files = {f"{code(1)}.txt": letter(1)}
    take_files(tmp_path / "1", catalogued([row(1)], files))
    other = catalogued([row(1, 题名="另一件")], {f"{code(1)}.txt": letter(9)})

    batch = take_files(tmp_path / "2", other, late=1)

    assert "YJ-1-8a" in blocked(batch)[code(1)]
    assert states(batch) == {"held": 1}
    assert _messages(batch)["YJ-1-8a"]["message"] == f"档号 {code(1)} 馆藏已有"
    assert Record.objects.count() == 1


def test_a_catalogue_with_a_thousand_faults_names_every_row(tmp_path: Path) -> None:
    count = 1000
    rows = [row(number, 日期="不是日期") for number in range(1, count + 1)]
    files = {f"{code(number)}.txt": letter(number) for number in range(1, count + 1)}

    batch = take_files(tmp_path / "in", catalogued(rows, files))

    assert states(batch) == {"held": count}
    found = batch.findings.filter(severity="block", item__isnull=False)
    assert set(found.values_list("code", flat=True)) == {"YJ-1-3a"}
    assert sorted(found.values_list("row", flat=True)) == list(range(2, count + 2))
    one = _messages(batch)["YJ-1-3a"]
    assert (one["field"], "不是日期" in one["message"]) == ("日期", True)


# Large --------------------------------------------------------------------------------------------


def _thick_pdf(pages: int) -> bytes:
    """A PDF of many pages, each with its own line of text."""
    out = io.BytesIO()
    with pikepdf.new() as document:
        font = document.make_indirect(
            pikepdf.Dictionary(
                Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica
            )
        )
        for number in range(1, pages + 1):
            page = document.add_blank_page(page_size=(595, 842))
            page.Resources = pikepdf.Dictionary(Font=pikepdf.Dictionary(F1=font))
            text = f"BT /F1 12 Tf 72 700 Td (This is page number {number} of the register) Tj ET"
            page.Contents = document.make_stream(text.encode())
        document.save(out)
    return out.getvalue()


@pytest.mark.slow
def test_a_pdf_of_ten_thousand_pages_is_read_whole_in_bounded_memory(tmp_path: Path) -> None:
    content = _thick_pdf(10_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    batch = take_files(tmp_path / "in", {"厚.pdf": content, "好.txt": letter(1)})

    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024
    assert states(batch) == {"admitted": 2}
    record = Record.objects.get(page_count=10_000)
    last = RecordPage.objects.get(record=record, number=10_000)
    assert last.text == "This is page number 10000 of the register"
    assert grown < 600, f"{grown} MiB"


@pytest.mark.slow
def test_an_image_of_forty_megapixels_is_read(tmp_path: Path) -> None:
    out = io.BytesIO()
    Image.new("L", (8000, 5000), 255).save(out, "PNG", dpi=(600, 600))

    batch = take_files(tmp_path / "in", {"大.png": out.getvalue(), "好.txt": letter(1)})

    assert states(batch) == {"admitted": 2}
    assert batch.findings.filter(code="PAGE-BLANK").exists()


@pytest.mark.parametrize("size", [(30_000, 30_000)])
def test_an_image_that_unpacks_to_a_gigapixel_is_never_unpacked(
    size: tuple[int, int], tmp_path: Path
) -> None:
    content = bytearray(png())
    content[16:24] = size[0].to_bytes(4, "big") + size[1].to_bytes(4, "big")

    batch = take_files(tmp_path / "in", {"巨.png": bytes(content), "好.txt": letter(1)})

    assert batch.items.get(key="好.txt").state == "admitted"
    codes = set(batch.findings.filter(item__key="巨.png").values_list("code", flat=True))
    assert codes & {"FILE-TOO-LARGE", "FILE-DAMAGED", "FILE-HOSTILE"}
