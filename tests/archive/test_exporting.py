"""What goes out comes back as the same record."""

import json
from pathlib import Path

import bagit as other_bagit
import ocfl as other_ocfl
import pytest
from tests.archive.build import NOW, admit_numbers, fonds, scanned_admission

from liandong.archive.models import Record
from liandong.archive.services.admitting import admit
from liandong.archive.services.exporting import CannotExport, export, export_many
from liandong.archive.services.objects import record_urn
from liandong.archive.services.packing import pack
from liandong.base.signing import verify_detached
from liandong.kernel.digests import digest_file
from liandong.kernel.packages import bagit, eep, folder, transfer
from liandong.kernel.packages.ocfl import object_path
from liandong.kernel.packages.packet import DigestMismatch, Packet
from liandong.kernel.signatures import Signature

pytestmark = pytest.mark.django_db


@pytest.fixture
def record(home: Path) -> Record:
    fonds()
    one = scanned_admission(home / "staging")
    return admit(pack(one), one, by="li", now=NOW)


def read(form: str, path: Path, into: Path) -> Packet:
    match form:
        case "bagit":
            return bagit.read(path)
        case "eep":
            into.mkdir()
            return eep.read(path, into)
        case "folder":
            return folder.read(path)
    return transfer.read(path)


@pytest.mark.parametrize("form", ["bagit", "eep", "folder", "dat93"])
def test_an_export_comes_back_as_the_same_record(record: Record, tmp_path: Path, form: str) -> None:
    out = export(record, form, tmp_path / "out" / "package", by="li", now=NOW)

    packet = read(form, out, tmp_path / "into")

    assert [one for one in packet.findings if one.severity == "block"] == []
    item = packet.items[0]
    assert item.description == record.description
    expected = {row.path: row.sha512 for row in record.files.exclude(path="metadata/dat46.xml")}
    assert {file.place: digest_file(file.source).sha512 for file in item.files} == expected


def test_a_bag_is_valid_for_another_library(record: Record, tmp_path: Path) -> None:
    out = export(record, "bagit", tmp_path / "bag", by="li", now=NOW)

    other_bagit.Bag(str(out)).validate()


def test_a_bag_is_signed_and_a_changed_one_is_not(record: Record, tmp_path: Path) -> None:
    out = export(record, "bagit", tmp_path / "bag", by="li", now=NOW)

    manifest = (out / bagit.SIGNED).read_bytes()
    known = json.loads((out / bagit.SIGNATURE).read_text("utf-8"))
    assert verify_detached(manifest, known)
    assert Signature.read(known["signature"]).fits(manifest)
    assert not verify_detached(manifest.replace(b"0", b"1"), known)
    assert "非商用密码认证产品" in known["notice"]
    assert bagit.SIGNATURE in (out / "tagmanifest-sha512.txt").read_text("utf-8")


def test_an_exported_object_is_valid_for_another_library(record: Record, tmp_path: Path) -> None:
    out = export(record, "ocfl", tmp_path / "object", by="li", now=NOW)

    assert other_ocfl.Object().validate(str(out))[0]


@pytest.mark.parametrize("form", ["bagit", "folder"])
def test_several_records_go_out_as_one_package(home: Path, tmp_path: Path, form: str) -> None:
    fonds()
    records = admit_numbers(home / "staging", 1, 2)

    out = export_many(records, form, tmp_path / "package", by="li", now=NOW)

    packet = read(form, out, tmp_path / "into")
    assert [item.code for item in packet.items] == [one.code for one in records]


def test_several_eep_packages_go_out_as_a_folder(home: Path, tmp_path: Path) -> None:
    fonds()
    records = admit_numbers(home / "staging", 1, 2)

    out = export_many(records, "eep", tmp_path / "packages", by="li", now=NOW)

    assert len(list(out.glob("*.eep"))) == 2


def test_damage_is_never_exported(record: Record, home: Path, tmp_path: Path) -> None:
    key = object_path(record_urn(record.object_id))
    file = home / "store" / key / "v1/content/original/001.jpg"
    file.unlink()
    file.write_bytes(b"forged")

    with pytest.raises(DigestMismatch):
        export(record, "bagit", tmp_path / "bag", by="li", now=NOW)

    assert not (tmp_path / "bag").exists()


def test_nothing_is_overwritten(record: Record, tmp_path: Path) -> None:
    (tmp_path / "bag").mkdir()

    with pytest.raises(FileExistsError):
        export(record, "bagit", tmp_path / "bag", by="li", now=NOW)

    assert (tmp_path / "bag").is_dir()


def test_an_unknown_form_is_refused(record: Record, tmp_path: Path) -> None:
    with pytest.raises(CannotExport, match="unknown-form"):
        export(record, "tar", tmp_path / "x", by="li", now=NOW)
