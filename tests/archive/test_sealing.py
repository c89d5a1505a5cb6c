"""Encrypted records: what the store tells, who can open it, and what happens without a key."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
from pytest_django import Settings
from tests.archive.build import (
    NOW,
    admission,
    admit_numbers,
    fonds,
    original,
    scanned_admission,
    validate_store,
)
from tests.archive.test_rebuilding import forget_everything, holdings, snapshot
from tests.people import ARCHIVIST, client_of

from liandong.archive.models import Record, RecordFile
from liandong.archive.services import keyring
from liandong.archive.services.admitting import admit
from liandong.archive.services.contents import DESCRIPTOR, contents_of
from liandong.archive.services.correcting import correct_line, describe, pack_corrections
from liandong.archive.services.exporting import export
from liandong.archive.services.objects import LockedObject, blob_store, read_object, record_urn
from liandong.archive.services.packing import find_object, pack, pack_many
from liandong.archive.services.reading import as_file, open_stored, stored_file
from liandong.archive.services.rebuilding import rebuild
from liandong.archive.services.verifying import collect_orphans, verify
from liandong.base.engines import engine
from liandong.kernel.digests import digest_file
from liandong.kernel.findings import kinds
from liandong.kernel.packages import bagit
from liandong.kernel.packages.ocfl import (
    Inventory,
    files_of,
    object_path,
    read_inventory,
    sidecar,
)
from liandong.kernel.sealed import AES, KeyLost, MasterLost, SealBroken, WrongKey

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _encrypted(settings: Settings) -> None:
    settings.ENCRYPTION = "aes"


@pytest.fixture
def record(home: Path) -> Record:
    fonds()
    one = scanned_admission(home / "staging")
    return admit(pack(one), one, by="li", now=NOW)


def folder_of(record: Record, home: Path) -> Path:
    return home / "store" / object_path(record_urn(record.object_id))


def lose_key(record: Record, home: Path) -> None:
    keyring.shred_key(record_urn(record.object_id))


def lose_master(record: Record, home: Path) -> None:
    shutil.rmtree(home / "keys/master")


def exchange_key(record: Record, home: Path) -> None:
    """Another data key stands where the right one was, as after a wrong restore."""
    urn = record_urn(record.object_id)
    keyring.shred_key(urn)
    keyring.ensure_keys([urn], AES, now=NOW)


def exchange_master(record: Record, home: Path) -> None:
    (file,) = (home / "keys/master").iterdir()
    row = json.loads(file.read_text())
    file.write_text(json.dumps(row | {"secret": "00" * 32}))


WITHOUT = {
    "SEAL-KEY-LOST": lose_key,
    "SEAL-MASTER-LOST": lose_master,
    "SEAL-WRONG-KEY": exchange_key,
}
Loss = Callable[[Record, Path], None]


# What the store holds -----------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["aes", "sm4"])
def test_what_was_packed_is_read_as_it_was(home: Path, settings: Settings, algorithm: str) -> None:
    settings.ENCRYPTION = algorithm
    packed = pack(scanned_admission(home / "staging"))
    assert read_object(packed.object_id) == packed
    assert packed.encryption == algorithm


def test_rows_are_those_of_a_plain_record(home: Path, settings: Settings) -> None:
    fonds()
    plain, sealed = (admission(home / "staging", number, object_id=uuid4()) for number in (1, 2))
    settings.ENCRYPTION = ""
    one = admit(pack(plain), plain, by="li", now=NOW)
    settings.ENCRYPTION = "aes"
    other = admit(pack(sealed), sealed, by="li", now=NOW)
    facts = ("path", "role", "order", "mime", "puid")
    assert list(one.files.values_list(*facts)) == list(other.files.values_list(*facts))
    original = other.files.get(role="original")
    known = digest_file(sealed.originals[0].source)
    assert (original.sha512, original.sha256, original.sm3, original.size_bytes) == known


def test_the_store_tells_no_text_and_no_name(home: Path) -> None:
    fonds()
    words = ("防汛工作从速办理", "关于防汛工作的通知", "给予李某处分", "移交/")
    file = original(home / "staging", "给予李某处分.txt", "防汛工作从速办理".encode())
    pack(admission(home / "staging", originals=[file]))
    for stored in (home / "store").rglob("*"):
        content = stored.read_bytes() if stored.is_file() else b""
        for word in words:
            assert word.encode() not in content, (stored, word)
            assert json.dumps(word).strip('"').encode() not in content, (stored, word)
            assert word not in str(stored)


def test_any_ocfl_tool_still_validates(record: Record, home: Path) -> None:
    describe(record, {"annotation": "复制件"}, by="li", now=NOW)
    assert validate_store(home / "store") == 2
    assert engine("package_validator").validate(folder_of(record, home)) == []


def test_everyone_may_know_that_and_how_it_is_encrypted(record: Record, home: Path) -> None:
    lose_key(record, home)
    inventory = read_inventory(blob_store(), record_urn(record.object_id))
    place = f"{object_path(inventory.object_id)}/{files_of(inventory)[DESCRIPTOR]}"
    known = json.loads(blob_store().read(place))
    assert known["object_id"] == record_urn(record.object_id)
    assert (known["encrypted"], known["algorithm"], known["is_certified"]) == (
        True, "AES-256-GCM", False,
    )  # fmt: skip
    assert len(known["key_id"]) == 32


def test_each_object_has_a_key_of_its_own(home: Path) -> None:
    packed = pack_many([admission(home / "staging", number) for number in (1, 2, 3)])
    keys = {keyring.key_of(record_urn(one.object_id)).secret for one in packed}
    assert len(keys) == 3


# New versions -------------------------------------------------------------------------------------


def test_a_new_version_is_sealed_too(record: Record, home: Path) -> None:
    page = record.pages.get(number=2)
    correct_line(page.pk, 1, "防汛改正", by="wang", now=NOW, expected_before="防讯工作从速办理")
    changed = pack_corrections(record, by="system", now=NOW)
    described = describe(changed, {"annotation": "复制件"}, by="li", now=NOW)
    kept = read_object(record.object_id)
    assert (described.version, described.encryption) == (3, "aes")
    assert kept.pages[1]["lines"][1]["text"] == "防汛改正"
    assert kept.description["annotation"] == "复制件"
    for stored in folder_of(record, home).rglob("*"):
        assert not stored.is_file() or "防汛改正".encode() not in stored.read_bytes()
    assert verify(kind="all", by="li", now=NOW).findings == []


def test_a_plain_record_stays_plain_when_encryption_is_turned_on(
    home: Path, settings: Settings
) -> None:
    settings.ENCRYPTION = ""
    fonds()
    (record,) = admit_numbers(home / "staging", 1)
    settings.ENCRYPTION = "aes"
    record = describe(record, {"annotation": "复制件"}, by="li", now=NOW)
    assert record.encryption == ""
    assert verify(kind="all", by="li", now=NOW).findings == []


# Reading ------------------------------------------------------------------------------------------


def test_every_file_reads_as_its_row_says(record: Record) -> None:
    for row in record.files.all():
        with open_stored(record, row) as stream:
            content = stream.read()
        assert len(content) == row.size_bytes, row.path
        with as_file(stored_file(record, row)) as path:
            assert digest_file(path).sha512 == row.sha512
            assert path.read_bytes() == content
        assert not path.exists()


def test_a_large_file_gets_a_private_copy_that_goes_again(
    record: Record, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("liandong.archive.services.reading._IN_MEMORY", 10)
    row = record.files.get(path="original/001.jpg")
    with as_file(stored_file(record, row)) as path:
        assert path.is_relative_to(home / "staging/packing")
        assert path.stat().st_mode & 0o777 == 0o600
        assert digest_file(path).sha512 == row.sha512
    assert not path.exists()


def _fetch(record: Record) -> dict[str, tuple[int, bytes]]:
    """What each address of the record's bytes answers to an archivist."""
    client, image = client_of(ARCHIVIST), f"/records/{record.pk}/v1/1/"
    file = record.files.get(path="original/001.jpg")
    found = {}
    for path in (
        f"{image}thumb.jpg", f"{image}image", f"{image}page.dzi", f"{image}page_files/0/0_0.jpg",
        f"/records/{record.pk}/files/{file.pk}/",
    ):  # fmt: skip
        answer = client.get(path)
        found[path.rsplit("/", 2)[-2] + path.rsplit("/", 1)[-1]] = (
            answer.status_code,
            answer.getvalue(),
        )
    return found


def test_pages_and_downloads_are_those_of_a_plain_record(record: Record, home: Path) -> None:
    for _ in range(2):  # made, then from the cache
        found = _fetch(record)
        assert {status for status, _ in found.values()} == {200}
        file = record.files.get(path="original/001.jpg")
        with open_stored(record, file) as stream:
            whole = stream.read()
        bodies = [body for _, body in found.values()]
        assert bodies.count(whole) == 2
        assert sum(body.startswith(b"\xff\xd8\xff") for body in bodies) == 4
        assert any(b"<Image" in body for body in bodies)


def test_the_cache_of_an_encrypted_image_is_encrypted(record: Record, home: Path) -> None:
    _fetch(record)
    cached = [file for file in (home / "cache").rglob("*") if file.is_file()]
    assert cached
    for file in cached:
        assert file.read_bytes().startswith(b"LDSEALED")
        assert b"\xff\xd8\xff" not in file.read_bytes()


def test_a_cache_of_a_former_key_is_made_again(record: Record, home: Path) -> None:
    _fetch(record)
    for file in (home / "cache").rglob("*.sealed"):
        file.write_bytes(file.read_bytes()[:-1] + b"\0")
    assert {status for status, _ in _fetch(record).values()} == {200}


def test_a_tile_that_there_is_not_is_not_found(record: Record) -> None:
    answer = client_of(ARCHIVIST).get(f"/records/{record.pk}/v1/1/page_files/0/7_7.jpg")
    assert answer.status_code == 404


# Without a key ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("code", "loss"), WITHOUT.items())
def test_without_its_key_nothing_of_a_record_is_read(
    record: Record, home: Path, code: str, loss: Loss
) -> None:
    loss(record, home)
    with pytest.raises(LockedObject) as refused:
        find_object(record.object_id)
    assert refused.value.code == code
    for row in record.files.all():
        with pytest.raises((KeyLost, MasterLost, WrongKey)), open_stored(record, row):
            pass


@pytest.mark.parametrize(("code", "loss"), WITHOUT.items())
def test_without_its_key_every_page_says_so_and_none_fails(
    record: Record, home: Path, code: str, loss: Loss
) -> None:
    loss(record, home)
    for status, body in _fetch(record).values():
        assert status == 503
        assert kinds()[code].message["zh"][:6].encode() in body
    assert client_of(ARCHIVIST).get(f"/records/{record.pk}/").status_code == 200


def test_a_wrong_master_key_is_a_wrong_key(record: Record, home: Path) -> None:
    exchange_master(record, home)
    with pytest.raises(LockedObject) as refused:
        read_object(record.object_id)
    assert refused.value.code == "SEAL-WRONG-KEY"


def test_a_broken_download_is_refused_before_its_first_byte(record: Record, home: Path) -> None:
    row = record.files.get(path="original/001.jpg")
    stored = folder_of(record, home) / row.content_path
    content = stored.read_bytes()
    stored.chmod(0o644)
    stored.write_bytes(content[:60] + bytes([content[60] ^ 1]) + content[61:])
    answer = client_of(ARCHIVIST).get(f"/records/{record.pk}/files/{row.pk}/")
    assert answer.status_code == 503


def test_without_keys_nothing_is_exported(record: Record, home: Path, tmp_path: Path) -> None:
    lose_master(record, home)
    for form in ("bagit", "eep", "folder", "dat93", "ocfl"):
        with pytest.raises((LockedObject, MasterLost)):
            export(record, form, tmp_path / form, by="li", now=NOW)
        assert not (tmp_path / form).exists()


# Verifying and rebuilding -------------------------------------------------------------------------


def test_a_sound_encrypted_store_has_no_finding(home: Path) -> None:
    holdings(home / "staging")
    done = verify(kind="all", by="li", now=NOW)
    assert (done.findings, done.run.checked) == ([], 4)


@pytest.mark.parametrize(("code", "loss"), WITHOUT.items())
def test_stored_digests_are_verified_without_a_key(
    record: Record, home: Path, code: str, loss: Loss
) -> None:
    loss(record, home)
    done = verify(kind="all", by="li", now=NOW)
    assert [(one.code, one.where) for one in done.findings] == [(code, record.code)]
    assert done.run.size_bytes > 0


def test_changed_bytes_are_found_without_a_key(record: Record, home: Path) -> None:
    lose_key(record, home)
    flip(folder_of(record, home) / record.files.get(path="original/001.jpg").content_path, 70)
    codes = [one.code for one in verify(kind="all", by="li", now=NOW).findings]
    assert codes == ["ARCH-FILE-CHANGED"]


def flip(file: Path, at: int) -> None:
    content = bytearray(file.read_bytes())
    content[at] ^= 1
    file.unlink()
    file.write_bytes(content)


def forge(record: Record, home: Path, change: Callable[[Path], None]) -> None:
    """Change files as someone who also writes matching inventories."""
    folder = folder_of(record, home)
    inventory = Inventory.parse((folder / "inventory.json").read_bytes())
    change(folder)
    text = (folder / "inventory.json").read_text()
    new = {old: digest_file(folder / paths[0]).sha512 for old, paths in inventory.manifest.items()}
    text = re.sub("|".join(new), lambda old: new[old[0]], text)
    for place in (folder, folder / "v1"):
        (place / "inventory.json").write_text(text)
        (place / "inventory.json.sha512").write_bytes(sidecar(text.encode()))


def swap_files(folder: Path) -> None:
    one, other = (folder / f"v1/content/original/000{n}.sealed" for n in (1, 2))
    one.rename(folder / "x")
    other.rename(one)
    (folder / "x").rename(other)


def cut_end(folder: Path) -> None:
    file = folder / "v1/content/original/0001.sealed"
    content = file.read_bytes()
    file.unlink()
    file.write_bytes(content[:-20])


@pytest.mark.parametrize(
    "change",
    [swap_files, cut_end, lambda folder: flip(folder / "v1/content/original/0001.sealed", 70)],
    ids=["swapped", "cut off", "flipped"],
)
def test_a_forger_who_writes_matching_inventories_is_found(
    record: Record, home: Path, change: Callable[[Path], None]
) -> None:
    forge(record, home, change)
    assert validate_store(home / "store") == 2
    found = verify(kind="all", by="li", now=NOW).findings
    assert {one.code for one in found} == {"SEAL-BROKEN"}
    assert all("original/00" in one.where for one in found)


def test_the_file_of_another_object_is_found(home: Path) -> None:
    fonds()
    one, other = admit_numbers(home / "staging", 1, 2)
    place = "v1/content/original/0001.sealed"
    content = (folder_of(other, home) / place).read_bytes()

    def replace(folder: Path) -> None:
        (folder / place).unlink()
        (folder / place).write_bytes(content)

    forge(one, home, replace)
    found = verify(kind="all", by="li", now=NOW).findings
    assert [item.code for item in found] == ["SEAL-WRONG-KEY"]


def test_plain_digests_of_the_rows_are_compared(record: Record) -> None:
    RecordFile.objects.filter(record=record, path="original/001.jpg").update(sm3="0" * 64)
    (found,) = verify(kind="all", by="li", now=NOW).findings
    assert (found.code, found.facts["algorithms"]) == ("ARCH-FILE-CHANGED", "SM3")


def test_an_empty_database_comes_back_equal_with_keys(home: Path) -> None:
    holdings(home / "staging")
    before = snapshot()
    forget_everything()
    done = rebuild(now=NOW)
    assert snapshot() == before
    assert (done.records, done.created, done.findings) == (4, 4, [])


def test_without_keys_a_rebuild_names_each_object_and_goes_on(
    home: Path, settings: Settings
) -> None:
    fonds()
    lost, kept = admit_numbers(home / "staging", 1, 2)
    settings.ENCRYPTION = ""
    admit_numbers(home / "staging", 3)
    lose_key(lost, home)
    forget_everything()
    done = rebuild(now=NOW)
    assert [(one.code, one.where) for one in done.findings] == [
        ("SEAL-KEY-LOST", record_urn(lost.object_id))
    ]
    assert set(Record.objects.values_list("encryption", flat=True)) == {"aes", ""}
    assert Record.objects.filter(object_id=kept.object_id).exists()


# Exports ------------------------------------------------------------------------------------------


def test_exports_are_plain_and_checked(record: Record, tmp_path: Path) -> None:
    out = export(record, "bagit", tmp_path / "bag", by="li", now=NOW)
    packet = bagit.read(out)
    expected = {row.path: row.sha512 for row in record.files.exclude(path="metadata/dat46.xml")}
    found = {file.place: digest_file(file.source).sha512 for file in packet.items[0].files}
    assert found == expected
    eep = export(record, "eep", tmp_path / "one.eep", by="li", now=NOW)
    assert record.title in eep.read_text("utf-8")


def test_an_exported_object_is_plain_with_its_whole_history(
    record: Record, home: Path, tmp_path: Path
) -> None:
    describe(record, {"annotation": "复制件"}, by="li", now=NOW)
    out = export(Record.objects.get(), "ocfl", tmp_path / "out/object", by="li", now=NOW)
    assert validate_store(tmp_path / "out") == 1
    inventory = Inventory.parse((out / "inventory.json").read_bytes())
    held = contents_of(record_urn(record.object_id))
    assert [one.created for one in inventory.versions] == [
        one.created for one in held.inventory.versions
    ]
    for number in (1, 2):
        paths = files_of(inventory, f"v{number}")
        text = (out / paths["metadata/description.json"]).read_text("utf-8")
        assert ("复制件" in text) == (number == 2)
        assert "original/001.jpg" in paths
        assert not any(path.endswith(".sealed") for path in paths)


# A kill at any moment -----------------------------------------------------------------------------


class Killed(BaseException):
    """The process died here."""


def test_a_key_is_durable_before_any_object_needs_it(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = admission(home / "staging")
    urn = record_urn(made.object_id)

    def die(*_: object) -> None:
        assert engine("keyring").get(urn)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(type(blob_store()), "place_many", die)
        with pytest.raises(Killed):
            pack(made)
    key = keyring.key_of(urn)
    packed = pack(made)
    assert keyring.key_of(urn) == key
    assert read_object(made.object_id) == packed


def test_a_death_while_the_key_is_written_leaves_no_object(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = admission(home / "staging")

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(type(engine("keyring")), "put_many", die)
        with pytest.raises(Killed):
            pack(made)
    assert find_object(made.object_id) is None
    assert read_object(pack(made).object_id)


def test_another_worker_who_was_first_has_the_same_key(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = admission(home / "staging")
    first = pack(made)
    with monkeypatch.context() as patch:
        patch.setattr("liandong.archive.services.packing.find_object", lambda _: None)
        assert pack(made) == first


def test_what_was_staged_and_changed_is_not_sealed(home: Path) -> None:
    made = admission(home / "staging")
    made.originals[0].source.write_bytes(b"forged")
    with pytest.raises(Exception, match="SHA-512"):
        pack(made)
    assert find_object(made.object_id) is None


def test_an_orphan_loses_its_key_with_its_bytes(home: Path) -> None:
    packed = pack(admission(home / "staging"))
    assert collect_orphans([packed.object_id], by="li", now=NOW) == [packed.object_id]
    with pytest.raises(KeyLost):
        keyring.key_of(record_urn(packed.object_id))


# Keys ---------------------------------------------------------------------------------------------


def stored_bytes(home: Path) -> dict[Path, bytes]:
    return {file: file.read_bytes() for file in (home / "store").rglob("*") if file.is_file()}


def test_another_master_key_rewrites_no_content(record: Record, home: Path) -> None:
    before = stored_bytes(home)
    (old,) = keyring.master_keys()
    made, count = keyring.rotate_master("aes", by="wang", now=NOW)
    assert (count, stored_bytes(home)) == (1, before)
    keyring.destroy_master(old.key.id, by="wang", now=NOW)
    assert read_object(record.object_id)
    uses = {one.key.id: (one.key.state, one.objects) for one in keyring.master_keys()}
    assert uses == {old.key.id: ("destroyed", 0), made.id: ("current", 1)}


def test_an_old_copy_of_a_wrapped_key_is_worthless_after_a_rotation(
    record: Record, home: Path
) -> None:
    (old,) = keyring.master_keys()
    (file,) = (home / "keys/objects").rglob("*.json")
    copy = file.read_bytes()
    keyring.rotate_master("aes", by="wang", now=NOW)
    keyring.destroy_master(old.key.id, by="wang", now=NOW)
    keyring.shred_key(record_urn(record.object_id))
    file.write_bytes(copy)
    with pytest.raises(MasterLost):
        keyring.key_of(record_urn(record.object_id))


def test_a_master_key_in_use_is_never_destroyed(record: Record) -> None:
    (only,) = keyring.master_keys()
    with pytest.raises(keyring.StillUsed):
        keyring.destroy_master(only.key.id, by="wang", now=NOW)
    keyring.create_master("aes", by="wang", now=NOW)
    with pytest.raises(keyring.StillUsed) as refused:
        keyring.destroy_master(only.key.id, by="wang", now=NOW)
    assert refused.value.count == 1
    assert read_object(record.object_id)


def test_a_death_in_the_middle_of_a_rotation_loses_no_key(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = pack_many([admission(home / "staging", number) for number in (1, 2, 3)])
    real, left = type(engine("keyring")).replace, 2

    def dying(self: object, key: object) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise Killed
        real(self, key)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(type(engine("keyring")), "replace", dying)
        with pytest.raises(Killed):
            keyring.rotate_master("aes", by="wang", now=NOW)
    for one in packed:
        assert read_object(one.object_id) == one
    assert keyring.rewrap() == 2
    assert [one.objects for one in keyring.master_keys()] == [0, 3]


def test_broken_seals_are_told_from_lost_keys(record: Record, home: Path) -> None:
    row = record.files.get(path="original/001.jpg")
    flip(folder_of(record, home) / row.content_path, 70)
    with pytest.raises(SealBroken), open_stored(record, row) as stream:
        stream.read()
