"""The four-property check: one bad fixture per finding, and no PASS for what was not checked."""

import ast
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.corpus.contents import (
    ELF,
    OLE,
    PROGRAM,
    bomb_zip,
    docx,
    linked_zip,
    packed_script,
    pdf,
    png,
    zipped,
)
from tests.corpus.handovers import NOW, catalogued, code, hand_over, row

import liandong.intake.services as services
import liandong.kernel.hostility as hostility
from liandong.archive.models import ArchivalClass, Fonds, Record, RecordFile
from liandong.intake.models import Batch, Item, ItemState
from liandong.intake.services.check import check, check_batch, verdicts_of
from liandong.intake.services.checking.registry import (
    BATCH_CHECKS,
    IN_ARCHIVE,
    ITEM_CHECKS,
    MANUAL,
    settle,
)
from liandong.intake.services.checking.secrecy import classified_mark
from liandong.intake.services.checking.sight import Answer
from liandong.intake.services.identify import identify
from liandong.intake.services.steps import Done
from liandong.intake.services.unpack import unpack
from liandong.kernel.catalog import rows
from liandong.kernel.checks import Verdict
from liandong.kernel.findings import kinds
from liandong.kernel.hostility import ZipLimits, inspect

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _engines(tmp_path: Path, settings: Any) -> None:
    settings.STAGING = tmp_path / "staging"
    settings.ENGINES = {
        **settings.ENGINES,
        "compute": {"class": "liandong.engines.compute.inline.InlineCompute", "options": {}},
        "antivirus": {"class": "liandong.engines.antivirus.none.NoScanner", "options": {}},
    }


@pytest.fixture
def fonds() -> Fonds:
    return Fonds.objects.create(number="Z109", title="滨州市", code_template="dat22_item")


def _check(batch: Batch) -> list[Done]:
    unpack(batch, by="wang", now=NOW)
    items = list(Item.objects.filter(batch=batch).select_related("batch__fonds").order_by("pk"))
    for step in (identify, check):
        dones = step(items, now=NOW)
        for item, done in zip(items, dones, strict=True):
            done.save()
            item.save()
    return dones


def _codes(dones: list[Done]) -> set[str]:
    return {finding.code for done in dones for finding in done.findings}


def _one(files: bytes, name: str = f"{code(1)}.pdf", **changes: object) -> dict[str, bytes]:
    return catalogued([row(1, **changes)], {name: files})


AGED = {"YJ-3-5a"}  # plain PDF and DOCX: told, no fault
CASES: dict[str, tuple[Mapping[str, bytes], set[str]]] = {
    "faultless": (_one(pdf()), AGED),
    "title too long": (_one(pdf(), 题名="长" * 501), AGED | {"YJ-1-2a"}),
    "no date": (_one(pdf(), 日期="不详"), AGED | {"YJ-1-3a"}),
    "no number": (_one(pdf(), 页数="一页"), AGED | {"YJ-1-3a"}),
    "unknown retention": (_one(pdf(), 保管期限="很久"), AGED | {"YJ-1-4a"}),
    "date ahead": (_one(pdf(), 日期="20990101"), AGED | {"YJ-1-5a"}),
    "no pages": (_one(pdf(), 页数=0), AGED | {"YJ-1-5d"}),
    "odd signs": (_one(pdf(), 备注="x\ue000y"), AGED | {"YJ-1-6a"}),
    "odd name": (_one(pdf(), f"{code(1)}/a?.pdf"), AGED | {"YJ-1-6b"}),
    "bad code": (_one(pdf(), "Z109-X-1.pdf", 档号="Z109-X-1"), AGED | {"YJ-1-7a"}),
    "parts differ": (_one(pdf(), 保管期限="30年"), AGED | {"YJ-1-7b"}),
    "other fonds": (
        _one(pdf(), "Z110-WS·2011-Y-BGS-0001.pdf", 档号="Z110-WS·2011-Y-BGS-0001"),
        AGED | {"YJ-1-7c"},
    ),
    "no title": (_one(pdf(), 题名=""), AGED | {"YJ-2-4a"}),
    "no author": (_one(pdf(), 责任者=""), AGED | {"YJ-2-4b"}),
    "page missing": (_one(pdf(2), 页数=3), AGED | {"YJ-2-7b"}),
    "page too many": (_one(pdf(3), 页数=2), AGED | {"YJ-2-7c"}),
    "zip as content": (
        _one(zipped({"a.txt": b"x" * 99}), f"{code(1)}.zip"), AGED | {"YJ-3-8a"},
    ),
    "classified column": (_one(pdf(), 密级="机密★10年"), AGED | {"SEC-CLASSIFIED"}),
    "classified title": (_one(pdf(), 题名="秘密★5年 关于某事的报告"), AGED | {"SEC-CLASSIFIED"}),
    "program": ({"a.exe": PROGRAM}, {"SEC-EXECUTABLE", "FILE-UNKNOWN-FORMAT"}),
    "empty file": (_one(b"", 页数=""), {"FILE-EMPTY"}),
    "damaged": (_one(pdf()[:60]), AGED | {"FILE-DAMAGED"}),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_each_bad_item_gives_exactly_its_findings(name: str, tmp_path: Path, fonds: Fonds) -> None:
    files, codes = CASES[name]
    found = _codes(_check(hand_over(tmp_path / "in", files, fonds=fonds)))

    if name in {"program", "damaged"}:  # what a reader or signature says of rubbish may vary
        assert codes - {"FILE-UNKNOWN-FORMAT", "FILE-DAMAGED"} - AGED <= found
    else:
        assert found == codes


LIMITS = ZipLimits(200, 100_000, 1 << 40)
ENTITY = b'<?xml version="1.0"?><!-- x --><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'
STUB = b"This program cannot be run in DOS mode"
VBA = "_VBA_PROJECT\0".encode("utf-16-le")
ACTION = "/OpenAction<<"
HOSTILE: dict[str, tuple[str, bytes, set[str]]] = {
    "program": ("a.pdf", PROGRAM, {"SEC-EXECUTABLE"}),
    "linux program": ("a", ELF, {"SEC-EXECUTABLE"}),
    "shell script": ("a.txt", b"#!/bin/sh\nrm -rf x\n", {"SEC-EXECUTABLE"}),
    "script by name": ("a.vbs", b"x = 1", {"SEC-SCRIPT"}),
    "macro in docx": ("a.docx", docx({"word/vbaProject.bin": b"x"}), {"SEC-MACRO"}),
    "macro in doc": ("a.doc", OLE + b"\0" * 512 + VBA, {"SEC-MACRO"}),
    "program in docx": (
        "a.docx", docx({"word/embeddings/o.bin": PROGRAM}), {"SEC-EMBEDDED-EXECUTABLE"},
    ),
    "program in doc": ("a.doc", OLE + STUB, {"SEC-EMBEDDED-EXECUTABLE"}),
    "program in rtf": (
        "a.rtf", b"{\\rtf1\\objdata " + STUB.hex().encode(), {"SEC-EMBEDDED-EXECUTABLE"},
    ),
    "object in rtf": ("a.rtf", b"{\\rtf1{\\object\\objdata 0105}}", {"SEC-EMBEDDED-OBJECT"}),
    "entities": ("a.xml", ENTITY, {"SEC-XML-ENTITY"}),
    "entities in UTF-16": ("a.xml", ENTITY.decode().encode("utf-16"), {"SEC-XML-ENTITY"}),
    "entities in docx": ("a.docx", docx({"word/a.xml": ENTITY}), {"SEC-XML-ENTITY"}),
    "script in pdf": (
        "a.pdf", pdf(extra=f"{ACTION}/S/JavaScript/JS(x)>>"), {"SEC-PDF-JAVASCRIPT"},
    ),
    "hidden script in pdf": (
        "a.pdf", pdf(extra=f"{ACTION}/S/J#61vaScript>>"), {"SEC-PDF-JAVASCRIPT"},
    ),
    "script in an object stream": ("a.pdf", packed_script(), {"SEC-PDF-JAVASCRIPT"}),
    "launch in pdf": ("a.pdf", pdf(extra=f"{ACTION}/S /Launch>>"), {"SEC-PDF-LAUNCH"}),
    "attachment in pdf": ("a.pdf", pdf(extra="/X<</Type/EmbeddedFile>>"), {"SEC-EMBEDDED-OBJECT"}),
    "bomb": ("a.ofd", bomb_zip(), {"SEC-ZIP-BOMB"}),
    "escape": ("a.ofd", zipped({"../../x": b"x"}), {"SEC-ZIP-PATH-ESCAPE"}),
    "link": ("a.ofd", linked_zip(), {"SEC-ZIP-SYMLINK"}),
    "plain pdf": ("a.pdf", pdf(), set()),
    "plain docx": ("a.docx", docx(), set()),
    "page with doctype": ("a.html", b"<!DOCTYPE html><html>&nbsp;</html>", set()),
    "text about entities": ("a.xml", b"<a>no &lt;!ENTITY x here</a><!ENTITY y>", set()),
    "text beginning with MZ": ("a.txt", b"MZ is no program here, only text" * 4, set()),
    "damaged zip": ("a.docx", b"PK\x03\x04 damaged", set()),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_own_safety_checks_tell_danger_and_only_danger(name: str, tmp_path: Path) -> None:
    where, content, codes = HOSTILE[name]
    file = tmp_path / "file"
    file.write_bytes(content)

    assert {found.code for found in inspect(file, where=where, limits=LIMITS)} == codes


@pytest.mark.parametrize(
    "title",
    ["秘密★1年", "（机密）关于某事的报告", "绝密文件", "关于某事的机密报告"],
)
def test_a_mark_of_secrecy_is_seen(title: str) -> None:
    assert classified_mark({"title": title}, []) is not None
    assert classified_mark({}, [f"a/{title}.pdf"]) is not None


@pytest.mark.parametrize(
    "title",
    [
        "关于保守国家秘密的通知",
        "侵犯商业秘密案件判决书",
        "保密工作总结",
        "公开",
        "关于机构密集改革",
    ],
)
def test_words_about_secrets_are_no_mark(title: str) -> None:
    assert classified_mark({"title": title}, []) is None


def test_a_mark_quarantines_even_when_other_faults_hold(tmp_path: Path, fonds: Fonds) -> None:
    batch = hand_over(tmp_path / "in", _one(b"", 密级="绝密", 题名=""), fonds=fonds)

    (done,) = _check(batch)

    assert done.state == ItemState.QUARANTINED
    assert {"FILE-EMPTY", "YJ-2-4a", "SEC-CLASSIFIED"} <= _codes([done])


# Holdings -----------------------------------------------------------------------------------------


def _admitted(fonds: Fonds, content: str = "") -> Record:
    series = ArchivalClass.objects.create(fonds=fonds, category="WS", year="2011", retention="Y")
    record = Record.objects.create(
        code=code(1), archival_class=series, fonds=fonds, category="WS", year="2011",
        retention="Y", number=1, title="关于第1号工作的通知", document_number="滨政办字〔2011〕1号",
        admitted_at=NOW, admitted_by="li",
    )  # fmt: skip
    if content:
        RecordFile.objects.create(
            record=record, role="original", path="a", content_path="b", size_bytes=1, sha512=content
        )
    return record


def test_a_code_and_a_title_that_the_holdings_have_are_told(tmp_path: Path, fonds: Fonds) -> None:
    _admitted(fonds)

    found = _codes(_check(hand_over(tmp_path / "in", _one(pdf()), fonds=fonds)))

    assert {"YJ-1-8a", "YJ-1-8b"} <= found


def test_content_that_the_holdings_have_is_a_duplicate(tmp_path: Path, fonds: Fonds) -> None:
    batch = hand_over(tmp_path / "in", {"a.pdf": pdf(), "b.pdf": pdf(2)}, fonds=fonds)
    _admitted(fonds, batch.files.get(path="a.pdf").sha512)

    dones = _check(batch)

    assert [done.state for done in dones] == [ItemState.DUPLICATE, ""]
    assert "ITEM-DUPLICATE" in _codes(dones[:1])


# Verdicts -----------------------------------------------------------------------------------------


def test_without_a_scanner_no_item_passes_the_virus_check(tmp_path: Path) -> None:
    batch = hand_over(tmp_path / "in", {"a.pdf": pdf()})
    _check(batch)

    results, findings = check_batch(batch, now=NOW)

    assert batch.items.get().checks["YJ-4-2"] == Verdict.MANUAL_REVIEW
    assert {one["item"]: one["verdict"] for one in results}["YJ-4-1"] == Verdict.MANUAL_REVIEW
    assert "YJ-4-1a" in {one.code for one in findings}


def test_a_bare_file_gets_no_pass_for_a_description_it_does_not_have(tmp_path: Path) -> None:
    batch = hand_over(tmp_path / "in", {"a.pdf": pdf()})
    _check(batch)

    verdicts = verdicts_of(batch.items.get().checks)

    for suffix in ("1-2", "1-3", "1-4", "1-5", "1-7", "2-4", "1-10"):
        assert verdicts[f"YJ-{suffix}"] == Verdict.NOT_APPLICABLE


def test_a_filing_is_checked_by_the_filing_rows(tmp_path: Path, fonds: Fonds) -> None:
    batch = hand_over(tmp_path / "in", _one(pdf(2), 页数=3), fonds=fonds, link="filing")
    dones = _check(batch)

    assert {"GD-2-7b", "GD-3-5a"} == _codes(dones)
    assert all(code.startswith("GD-") for code in verdicts_of(batch.items.get().checks))


BATCHES: dict[str, tuple[Mapping[str, bytes], dict[str, Any], set[str]]] = {
    "faultless": (catalogued([row(1), row(2)]), {}, set()),
    "row without file": (catalogued([row(1), row(2)], {f"{code(1)}.pdf": pdf()}), {}, {"YJ-2-1a"}),
    "fewer than registered": (catalogued([row(1)]), {"registered_items": 2}, {"YJ-2-1a"}),
    "other bytes": (catalogued([row(1)]), {"registered_bytes": 1}, {"YJ-2-2a"}),
    "gap": (catalogued([row(1), row(4)]), {}, {"YJ-2-6a"}),
    "extra file": (
        catalogued([row(1)], {f"{code(1)}.pdf": pdf(), "x.pdf": pdf(2)}), {}, {"YJ-4-3a"},
    ),
    "columns missing": (
        {"目录.csv": f"档号,题名\n{code(1)},甲\n".encode(), f"{code(1)}.pdf": pdf()}, {},
        {"YJ-2-3a"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BATCHES)
def test_each_bad_batch_gives_exactly_its_findings(name: str, tmp_path: Path, fonds: Fonds) -> None:
    files, declared, codes = BATCHES[name]
    batch = hand_over(tmp_path / "in", files, fonds=fonds, **declared)
    _check(batch)

    _, findings = check_batch(batch, now=NOW)

    assert {one.code for one in findings} - {"YJ-4-1a"} == codes


def test_checking_again_gives_the_same(tmp_path: Path, fonds: Fonds) -> None:
    batch = hand_over(tmp_path / "in", catalogued([row(1), row(1)]), fonds=fonds)
    first = _check(batch)
    items = list(batch.items.select_related("batch__fonds").order_by("pk"))

    assert [done.findings for done in check(items, now=NOW)] == [one.findings for one in first]


def test_a_check_does_the_same_number_of_queries_for_one_and_for_many(
    tmp_path: Path, fonds: Fonds, django_assert_max_num_queries: Any
) -> None:
    batch = hand_over(tmp_path / "in", catalogued([row(n) for n in range(1, 21)]), fonds=fonds)
    unpack(batch, by="wang", now=NOW)
    items = list(batch.items.select_related("batch__fonds").order_by("pk"))

    with django_assert_max_num_queries(8):
        check(items, now=datetime(2026, 11, 22, tzinfo=UTC))


# Catalogue ----------------------------------------------------------------------------------------


def test_every_check_of_the_catalogue_is_bound_exactly_once() -> None:
    for check_row in rows("four_property_checks"):
        link, suffix = check_row["code"].split("-", 1)
        bound = [suffix in ITEM_CHECKS, suffix in BATCH_CHECKS, suffix in MANUAL]
        if link == "CQ":
            assert check_row["code"] in IN_ARCHIVE
        else:
            assert bound.count(True) == 1, check_row["code"]
    known = {one["code"] for one in rows("four_property_checks")}
    assert {f"YJ-{suffix}" for suffix in {*ITEM_CHECKS, *BATCH_CHECKS, *MANUAL}} <= known


def test_what_a_machine_cannot_settle_is_never_a_pass() -> None:
    for check_row in rows("four_property_checks"):
        if check_row["mode"] == "MANUAL" and not check_row["code"].startswith("CQ"):
            answer = settle(check_row["code"], Answer(Verdict.PASS))
            assert answer.verdict == Verdict.MANUAL_REVIEW


def _raised() -> set[str]:
    """Every literal in our sources that has the form of a finding code."""
    folder = Path(services.__path__[0])
    files = [folder / f"{name}.py" for name in ("unpack", "check", "identify")]
    files += [*folder.glob("unpacking/*.py"), *folder.glob("checking/*.py")]
    files.append(Path(hostility.__file__))
    found = set()
    for file in files:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                found |= {
                    one.value for one in node.args[:1]
                    if isinstance(one, ast.Constant) and isinstance(one.value, str)
                    and getattr(node.func, "attr", getattr(node.func, "id", "")) != "told"
                }  # fmt: skip
            elif isinstance(node, ast.Yield) and isinstance(node.value, ast.Tuple):
                first = node.value.elts[0]
                found |= {first.value} if isinstance(first, ast.Constant) else set()
    codes = {one for one in found if re.fullmatch(r"(ZIP|CAT|SEC|FILE|ITEM|PKG)-[A-Z-]+[A-Z]", one)}
    checks = {one for one in found if re.fullmatch(r"[1-4]-[0-9]+[a-z]", one)}
    return codes | {f"{link}-{one}" for one in checks for link in ("YJ", "GD")}


def test_every_finding_that_we_raise_has_both_languages() -> None:
    raised = _raised()

    assert len(raised) > 80
    assert raised <= set(kinds())
    for code_ in raised:
        assert all(kinds()[code_].message[language] for language in ("zh", "en")), code_


def test_a_picture_of_many_shades_is_safe(tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    file.write_bytes(png())

    assert inspect(file, where="a.png", limits=LIMITS) == []
