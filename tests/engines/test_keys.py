"""The contract of cipher, key vault and key ring."""

import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher as Primitive
from cryptography.hazmat.primitives.ciphers import algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from liandong.engines.keys.cipher import OpensslCipher
from liandong.engines.keys.files import FileRing, FileVault
from liandong.kernel.ports import Cipher, KeyRing, KeyVault
from liandong.kernel.sealed import TAG, Aead, BadTag, KeyLost, MasterLost, WrappedKey, WrongKey

NOW = datetime(2026, 3, 1, 2, 3, 4, tzinfo=UTC)


@pytest.fixture
def cipher() -> Cipher:
    return OpensslCipher()


@pytest.fixture
def vault(tmp_path: Path) -> KeyVault:
    return FileVault(tmp_path / "keys/master")


@pytest.fixture
def ring(tmp_path: Path) -> KeyRing:
    return FileRing(tmp_path / "keys/objects")


def wrapped(number: int = 1, master: str = "0001-aes-00000000") -> WrappedKey:
    at = "2026-03-01T02:03:04Z"
    return WrappedKey(f"urn:uuid:{number}", f"{number:032x}", "aes", master, "00", at)


def encrypt(aead: Aead, nonce: bytes, content: bytes, about: bytes) -> bytes:
    out = bytearray(len(content) + TAG)
    aead.encrypt(nonce, content, about, out)
    return bytes(out)


def decrypt(aead: Aead, nonce: bytes, content: bytes, about: bytes) -> bytes:
    out = bytearray(max(0, len(content) - TAG))
    aead.decrypt(nonce, content, about, out)
    return bytes(out)


# Cipher -------------------------------------------------------------------------------------------


def test_sm4_is_the_sm4_of_the_standard() -> None:
    key = bytes.fromhex("0123456789abcdeffedcba9876543210")
    block = Primitive(algorithms.SM4(key), modes.ECB()).encryptor()  # noqa: S305
    assert block.update(key).hex() == "681edf34d206965e86b3e94f536e4246"  # GB/T 32907 A.1


def test_sm4_gcm_is_that_of_rfc_8998(cipher: Cipher) -> None:
    aead = cipher.aead("sm4", bytes.fromhex("0123456789abcdeffedcba9876543210"))
    plain = bytes.fromhex(
        "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd"
        "eeeeeeeeeeeeeeeeffffffffffffffffeeeeeeeeeeeeeeeeaaaaaaaaaaaaaaaa"
    )
    nonce = bytes.fromhex("00001234567800000000abcd")
    about = bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2")
    found = encrypt(aead, nonce, plain, about)
    assert found.hex() == (
        "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735"
        "d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d"
        "83de3541e4c2b58177e065a9bf7b62ec"
    )
    assert decrypt(aead, nonce, found, about) == plain


def test_aes_is_that_of_the_library(cipher: Cipher) -> None:
    found = encrypt(cipher.aead("aes", bytes(32)), bytes(12), b"abc", b"about")
    assert found == AESGCM(bytes(32)).encrypt(bytes(12), b"abc", b"about")


@pytest.mark.parametrize("algorithm", ["aes", "sm4"])
def test_whatever_is_changed_is_a_bad_tag(cipher: Cipher, algorithm: str) -> None:
    size = {"aes": 32, "sm4": 16}[algorithm]
    aead = cipher.aead(algorithm, bytes(size))
    good = encrypt(aead, bytes(12), b"abc", b"about")
    for nonce, content, about in (
        (bytes(11) + b"\1", good, b"about"),
        (bytes(12), good[:-1] + b"\0", b"about"),
        (bytes(12), good, b"abouT"),
        (bytes(12), good[:-1], b"about"),
        (bytes(12), good[:3], b"about"),
    ):
        with pytest.raises(BadTag):
            decrypt(aead, nonce, content, about)
    with pytest.raises(ValueError, match="takes"):
        cipher.aead(algorithm, bytes(size - 1))


# Vault --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["aes", "sm4"])
def test_what_is_wrapped_unwraps_for_the_same_object_only(vault: KeyVault, algorithm: str) -> None:
    master = vault.create(algorithm, now=NOW).id
    kept = vault.wrap(master, b"secret", b"object 1")
    assert b"secret" not in kept
    assert vault.unwrap(master, kept, b"object 1") == b"secret"
    with pytest.raises(WrongKey):
        vault.unwrap(master, kept, b"object 2")
    with pytest.raises(WrongKey):
        vault.unwrap(vault.create(algorithm, now=NOW).id, kept, b"object 1")


def test_damaged_wrapping_is_a_wrong_key(vault: KeyVault) -> None:
    master = vault.create("aes", now=NOW).id
    for kept in (b"", b"\0" * 11, b"\0" * 60):
        with pytest.raises(WrongKey):
            vault.unwrap(master, kept, b"")


def test_the_newest_key_of_an_algorithm_wraps(vault: KeyVault) -> None:
    for algorithm in ("aes", "sm4", "aes"):
        vault.create(algorithm, now=NOW)
    states = [(key.algorithm, key.state) for key in vault.masters()]
    assert states == [("aes", "former"), ("sm4", "current"), ("aes", "current")]
    assert {key.made_at for key in vault.masters()} == {"2026-03-01T02:03:04Z"}


def test_a_destroyed_key_opens_nothing_and_is_still_told_of(
    vault: KeyVault, tmp_path: Path
) -> None:
    master = vault.create("aes", now=NOW).id
    kept = vault.wrap(master, b"secret", b"")
    (file,) = (tmp_path / "keys/master").iterdir()
    secret = file.read_bytes()
    vault.destroy(master)
    assert [key.state for key in vault.masters()] == ["destroyed"]
    assert file.read_bytes() != secret
    for call in (lambda: vault.unwrap(master, kept, b""), lambda: vault.wrap(master, b"", b"")):
        with pytest.raises(MasterLost):
            call()


@pytest.mark.parametrize("master", ["", "0009-aes-00000000", "../objects/x", ".hidden"])
def test_a_master_key_that_is_not_there_is_lost(vault: KeyVault, master: str) -> None:
    with pytest.raises(MasterLost):
        vault.unwrap(master, b"", b"")
    with pytest.raises(MasterLost):
        vault.destroy(master)


def test_a_damaged_master_file_is_lost_and_hides_no_other(vault: KeyVault, tmp_path: Path) -> None:
    bad, good = vault.create("aes", now=NOW).id, vault.create("aes", now=NOW).id
    (tmp_path / f"keys/master/{bad}.json").write_bytes(b"{")
    assert [key.id for key in vault.masters()] == [good]
    assert vault.create("aes", now=NOW).id > good
    with pytest.raises(MasterLost):
        vault.wrap(bad, b"", b"")


# Ring ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 30])
def test_what_is_put_is_there(ring: KeyRing, count: int) -> None:
    keys = [wrapped(number) for number in range(count)]
    assert ring.put_many(keys) == keys
    assert [ring.get(key.object_id) for key in keys] == keys
    assert sorted(ring.all(), key=lambda key: key.key_id) == keys


def test_the_first_key_of_an_object_stays(ring: KeyRing) -> None:
    first = wrapped(1)
    ring.put_many([first])
    second = replace(first, key_id="f" * 32)
    assert ring.put_many([second, wrapped(2)]) == [first, wrapped(2)]
    assert ring.get(first.object_id) == first


def test_many_writers_agree_on_one_key(ring: KeyRing) -> None:
    offers = [replace(wrapped(1), key_id=f"{number:032x}") for number in range(16)]
    with ThreadPoolExecutor(16) as pool:
        kept = {one for (one,) in pool.map(lambda key: ring.put_many([key]), offers)}
    assert kept == {ring.get("urn:uuid:1")}


def test_a_key_is_wrapped_again_but_never_exchanged(ring: KeyRing) -> None:
    ring.put_many([wrapped(1)])
    again = replace(wrapped(1), master="0002-aes-11111111", wrapped="ff")
    ring.replace(again)
    assert ring.get("urn:uuid:1") == again
    with pytest.raises(KeyLost):
        ring.replace(replace(again, key_id="f" * 32))
    with pytest.raises(KeyLost):
        ring.replace(wrapped(2))


def test_a_removed_key_is_lost_and_leaves_no_bytes(ring: KeyRing, tmp_path: Path) -> None:
    ring.put_many([wrapped(1), wrapped(2)])
    assert ring.remove("urn:uuid:1")
    assert not ring.remove("urn:uuid:1")
    with pytest.raises(KeyLost):
        ring.get("urn:uuid:1")
    assert list(ring.all()) == [wrapped(2)]
    left = [file for file in (tmp_path / "keys").rglob("*") if file.is_file()]
    assert len(left) == 1


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b"\xff", b'{"object_id":"x"}'])
def test_a_damaged_key_file_is_a_lost_key(ring: KeyRing, tmp_path: Path, content: bytes) -> None:
    ring.put_many([wrapped(1)])
    (file,) = (tmp_path / "keys/objects").rglob("*.json")
    file.write_bytes(content)
    with pytest.raises(KeyLost):
        ring.get("urn:uuid:1")
    assert list(ring.all()) == []


def test_the_key_of_another_object_is_no_key(ring: KeyRing, tmp_path: Path) -> None:
    ring.put_many([wrapped(1)])
    (file,) = (tmp_path / "keys/objects").rglob("*.json")
    file.write_bytes(wrapped(2).to_bytes())
    with pytest.raises(KeyLost, match="another object"):
        ring.get("urn:uuid:1")


def test_only_the_owner_reads_key_files(vault: KeyVault, ring: KeyRing, tmp_path: Path) -> None:
    vault.create("aes", now=NOW)
    ring.put_many([wrapped(1)])
    for place in _all(tmp_path / "keys"):
        wanted = 0o700 if place.is_dir() else 0o600
        assert stat.S_IMODE(place.stat().st_mode) == wanted, place


def _all(folder: Path) -> Iterator[Path]:
    yield folder
    yield from folder.rglob("*")
