"""Encrypting what is there already: all versions, at once, and nothing plain stays behind."""

from pathlib import Path

import pytest
from tests.archive.build import (
    NOW,
    admission,
    fonds,
    original,
    scanned_admission,
    validate_store,
)
from tests.archive.test_rebuilding import forget_everything, snapshot
from tests.people import ARCHIVIST, client_of

from liandong.archive.models import Record
from liandong.archive.services.admitting import admit
from liandong.archive.services.correcting import correct_line, describe, pack_corrections
from liandong.archive.services.exporting import export
from liandong.archive.services.objects import blob_store, read_object, record_urn
from liandong.archive.services.packing import pack
from liandong.archive.services.rebuilding import rebuild
from liandong.archive.services.rewriting import encrypt_record
from liandong.archive.services.verifying import verify
from liandong.kernel.packages.ocfl import Inventory, files_of, object_path, read_inventory
from liandong.kernel.sealed import AES, SM4, Algorithm

pytestmark = pytest.mark.django_db


@pytest.fixture
def record(home: Path) -> Record:
    """A scan, two versions, corrected, with tiles in the cache."""
    fonds()
    one = scanned_admission(home / "staging")
    record = admit(pack(one), one, by="li", now=NOW)
    page = record.pages.get(number=2)
    correct_line(page.pk, 1, "防汛改正", by="wang", now=NOW, expected_before="防讯工作从速办理")
    record = pack_corrections(record, by="system", now=NOW)
    client_of(ARCHIVIST).get(f"/records/{record.pk}/v2/1/thumb.jpg").getvalue()
    return record


def encrypt(record: Record, algorithm: Algorithm = AES) -> Record:
    return encrypt_record(record, algorithm, by="wang", now=NOW)


def facts(record: Record) -> list[tuple[object, ...]]:
    names = ("path", "role", "order", "sha256", "sm3", "mime")
    return list(record.files.filter(role="original").values_list(*names, "sha512", "size_bytes"))


@pytest.mark.parametrize("algorithm", [AES, SM4])
def test_a_record_says_the_same_after_it_was_encrypted(
    record: Record, algorithm: Algorithm
) -> None:
    before, known = read_object(record.object_id), facts(record)
    changed = encrypt(record, algorithm)
    after = read_object(record.object_id)
    assert (changed.encryption, changed.version) == (algorithm.name, 3)
    assert (after.description, after.pages, after.corrections) == (
        before.description,
        before.pages,
        before.corrections,
    )
    assert facts(changed) == known
    assert [event.kind for event in after.events] == [
        *(event.kind for event in before.events),
        "encryption",
    ]
    assert changed.events.filter(kind="encryption", by="wang").count() == 1
    assert validate_store(blob_store().path("0=ocfl_1.1").parent) == 2
    assert verify(kind="all", by="li", now=NOW).findings == []


def test_no_plain_byte_stays_in_store_or_cache(record: Record, home: Path) -> None:
    encrypt(record)
    for file in (*(home / "store").rglob("*"), *(home / "cache").rglob("*")):
        if file.is_file():
            content = file.read_bytes()
            assert b"\xff\xd8\xff" not in content, file
            assert "防汛改正".encode() not in content, file
    folder = home / "store" / object_path(record_urn(record.object_id))
    assert [one.name for one in folder.parent.iterdir()] == [folder.name]


def test_every_version_keeps_its_time_and_person(record: Record, tmp_path: Path) -> None:
    urn = record_urn(record.object_id)
    before = read_inventory(blob_store(), urn)
    plain = export(record, "ocfl", tmp_path / "before", by="li", now=NOW)
    encrypt(record)
    after = read_inventory(blob_store(), urn)
    told = [(one.created, one.user, one.message) for one in before.versions]
    assert [(one.created, one.user, one.message) for one in after.versions[:2]] == told
    assert after.versions[2].message == "加密存储"
    out = export(Record.objects.get(), "ocfl", tmp_path / "after", by="li", now=NOW)
    again = Inventory.parse((out / "inventory.json").read_bytes())
    for version in ("v1", "v2"):
        old, new = files_of(before, version), files_of(again, version)
        assert old.keys() == new.keys()
        for path in old:
            assert (plain / old[path]).read_bytes() == (out / new[path]).read_bytes(), path


def test_encrypting_again_changes_nothing(record: Record) -> None:
    first = encrypt(record)
    second = encrypt(first, SM4)
    assert (second.version, second.encryption) == (3, "aes")


def test_two_originals_with_the_same_bytes_stay_two(home: Path) -> None:
    fonds()
    files = [original(home / "staging", name, "相同".encode()) for name in ("甲.txt", "乙.txt")]
    one = admission(home / "staging", originals=files)
    record = encrypt(admit(pack(one), one, by="li", now=NOW))
    assert [file.path for file in record.files.filter(role="original")] == [
        "original/甲.txt",
        "original/乙.txt",
    ]
    assert verify(kind="all", by="li", now=NOW).findings == []


def test_an_encrypted_record_can_be_described_and_rebuilt(record: Record, home: Path) -> None:
    describe(encrypt(record), {"annotation": "复制件"}, by="li", now=NOW)
    before = snapshot()
    forget_everything()
    assert rebuild(now=NOW).findings == []
    assert snapshot() == before


class Killed(BaseException):
    """The process died here."""


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_death_around_the_exchange_is_made_good(
    record: Record, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    real = type(blob_store()).exchange

    def dying(*given: object) -> None:
        if after:
            real(*given)  # type: ignore[arg-type]
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(type(blob_store()), "exchange", dying)
        with pytest.raises(Killed):
            encrypt(record)
    assert read_object(record.object_id).encryption == ("aes" if after else "")
    done = encrypt(Record.objects.get(pk=record.pk))
    assert (done.version, done.encryption) == (3, "aes")
    assert verify(kind="all", by="li", now=NOW).findings == []
