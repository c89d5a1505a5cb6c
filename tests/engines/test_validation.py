"""The contract of `PackageValidator`, on the fixtures of OCFL and on objects of ours."""

import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.kernel.builders import FolderStore

from liandong.engines.validation.ocfl import OcflValidator
from liandong.kernel.packages import Kind, ocfl, validate
from liandong.kernel.packages.ocfl import Content

VALIDATOR = OcflValidator()
AT = datetime(2026, 1, 2, tzinfo=UTC)
ID = "urn:uuid:0b0f2f3e-0000-4000-8000-000000000001"


def _fixtures(shared_data: Path, kind: str, tmp_path: Path) -> list[Path]:
    folder = tmp_path / kind
    shutil.copytree(shared_data / "ocfl" / "1.0" / kind, folder)
    empty = folder / "E003_E063_empty"  # git keeps no empty folder, so this one holds .gitkeep
    if empty.is_dir():
        shutil.rmtree(empty)
    if kind == "bad-objects":
        empty.mkdir()
    found = sorted(folder.iterdir())
    assert found
    return found


def _codes(path: Path) -> set[str]:
    return {fault.code for fault in VALIDATOR.validate(path)}


def _promised(path: Path) -> set[str]:
    return set(re.findall("[EW][0-9]{3}", path.name))


@pytest.mark.slow
def test_good_objects_have_no_fault(shared_data: Path, tmp_path: Path) -> None:
    found = {path.name: _codes(path) for path in _fixtures(shared_data, "good-objects", tmp_path)}
    assert {name: codes for name, codes in found.items() if codes} == {}


@pytest.mark.slow
def test_warned_objects_have_exactly_their_warnings(shared_data: Path, tmp_path: Path) -> None:
    for path in _fixtures(shared_data, "warn-objects", tmp_path):
        assert _codes(path) == _promised(path), path.name


@pytest.mark.slow
def test_bad_objects_have_their_codes(shared_data: Path, tmp_path: Path) -> None:
    for path in _fixtures(shared_data, "bad-objects", tmp_path):
        assert _promised(path) <= _codes(path), path.name
        report = validate(path, VALIDATOR)
        assert not report.is_valid, path.name
        told = {row.get("ocfl_code") for row in report.to_json()["findings"]}
        assert _promised(path) <= told or path.name == "E003_E063_empty", path.name


def _object(folder: Path) -> ocfl.Inventory:
    files = {
        "original/正文 一.txt": Content("通知".encode()),
        "original/附件/表.csv": Content(b"a,b"),
        "metadata/dat46.xml": Content(b"<a/>"),
    }
    return ocfl.write_object(
        folder, ID, files, message="归档", user="李明", address="urn:liandong:user:li", created=AT
    )


def _root(tmp_path: Path) -> Path:
    store = FolderStore(tmp_path / "store")
    ocfl.prepare_root(store)
    first = _object(tmp_path / "v1")
    ocfl.publish_object(store, tmp_path / "v1", ID)
    second = ocfl.write_version(
        tmp_path / "v2",
        first,
        {"original/附件/表.csv": Content(b"c,d"), "metadata/dat46.xml": None},
        message="改正",
        user="王芳",
        created=AT,
    )
    ocfl.publish_version(store, tmp_path / "v2", second)
    return tmp_path / "store"


def test_what_we_write_has_neither_error_nor_warning(tmp_path: Path) -> None:
    root = _root(tmp_path)
    assert VALIDATOR.validate(root) == []
    assert VALIDATOR.validate(root / ocfl.object_path(ID)) == []
    assert validate(root, VALIDATOR)[:2] == (Kind.OCFL_ROOT, [])


def test_a_changed_byte_is_found_with_its_place(tmp_path: Path) -> None:
    root = _root(tmp_path)
    place = ocfl.object_path(ID)
    (root / place / "v1/content/original/正文 一.txt").write_bytes(b"forged")
    faults = VALIDATOR.validate(root)
    assert {(fault.code, fault.is_error, fault.where) for fault in faults} >= {
        ("E092", True, place)
    }
    assert "E092" not in {f.code for f in VALIDATOR.validate(root, check_digests=False)}


def test_an_object_at_a_wrong_place_is_an_error(tmp_path: Path) -> None:
    root = _root(tmp_path)
    (root / "aaa/bbb").mkdir(parents=True)
    (root / ocfl.object_path(ID)).rename(root / "aaa/bbb/ccc")
    assert "LAYOUT" in {fault.code for fault in VALIDATOR.validate(root)}


def test_a_link_is_an_error_and_never_followed(tmp_path: Path) -> None:
    _object(tmp_path / "o")
    (tmp_path / "o/v1/content/link").symlink_to("/etc/passwd")
    assert [fault.code for fault in VALIDATOR.validate(tmp_path / "o")] == ["E090"]


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"null", b'{"versions": []}', b"\xff"])
def test_a_broken_inventory_is_an_error_not_a_crash(tmp_path: Path, content: bytes) -> None:
    _object(tmp_path / "o")
    (tmp_path / "o/inventory.json").write_bytes(content)
    assert any(fault.is_error for fault in VALIDATOR.validate(tmp_path / "o"))


def test_a_broken_root_is_an_error_not_a_crash(tmp_path: Path) -> None:
    root = _root(tmp_path)
    (root / "ocfl_layout.json").write_bytes(b"no json")
    assert any(fault.is_error for fault in VALIDATOR.validate(root))


def test_without_a_validator_ocfl_is_not_called_valid(tmp_path: Path) -> None:
    _object(tmp_path / "o")
    report = validate(tmp_path / "o")
    assert report.kind is Kind.OCFL_OBJECT
    assert not report.is_valid


def test_the_version_of_the_tool_is_told() -> None:
    assert VALIDATOR.version.startswith("ocfl-py ")
