"""The contract of the signer and time-stamp ports."""

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from liandong.engines.signing.sm2 import LocalTimeStamper, Sm2Signer
from liandong.kernel.digests import SM3_OF_ABC, digest_bytes
from liandong.kernel.ports import Signer, TimeStamper
from liandong.kernel.signatures import Signature, TimeStamp, fingerprint

NOW = datetime(2026, 3, 1, 2, 3, 4, 567, tzinfo=UTC)


@pytest.fixture
def signer(tmp_path: Path) -> Sm2Signer:
    return Sm2Signer(tmp_path / "keys/signing")


@pytest.fixture
def stamper(tmp_path: Path) -> TimeStamper:
    return LocalTimeStamper(tmp_path / "keys/signing")


def test_what_is_signed_verifies_here_and_with_python_only(signer: Signer) -> None:
    signature = signer.sign(b"abc")
    assert signer.verify(b"abc", signature)
    assert signature.fits(b"abc")
    assert not signer.verify(b"abd", signature)
    assert not signature.fits(b"abd")


def test_a_signature_names_its_key_and_survives_json(signer: Signer) -> None:
    signature = signer.sign(b"abc")
    kept = json.loads(json.dumps(signature.to_json()))
    assert Signature.read(kept) == signature
    assert kept["key_id"] == signer.key_id == fingerprint(signer.public_key())


def test_a_key_of_someone_else_is_refused_although_it_fits(signer: Signer, tmp_path: Path) -> None:
    strange = Sm2Signer(tmp_path / "other").sign(b"abc")
    assert strange.fits(b"abc")
    assert not signer.verify(b"abc", strange)


@pytest.mark.parametrize("value", ["", "zz", "3000", "30" * 200])
def test_a_malformed_signature_is_false_and_no_error(signer: Signer, value: str) -> None:
    good = signer.sign(b"abc")
    assert not signer.verify(b"abc", replace(good, value=value))
    assert not signer.verify(b"abc", replace(good, algorithm="RSA"))
    assert not signer.verify(b"abc", replace(good, public_key="04"))


@pytest.mark.parametrize(
    "known",
    [
        {},
        {"algorithm": 1, "public_key": "", "value": ""},
        {"algorithm": "SM2-SM3", "public_key": "g", "value": ""},
    ],
)
def test_json_that_is_no_signature_is_a_value_error(known: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"signature|hexadecimal"):
        Signature.read(known)


def test_the_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    folder = tmp_path / "keys/signing"
    first = Sm2Signer(folder).public_key()
    assert Sm2Signer(folder).public_key() == first
    (file,) = folder.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_many_at_once_make_one_key(tmp_path: Path) -> None:
    signers = [Sm2Signer(tmp_path / "keys") for _ in range(16)]
    with ThreadPoolExecutor(16) as pool:
        keys = list(pool.map(Sm2Signer.public_key, signers))
    assert len(set(keys)) == 1
    assert len(list((tmp_path / "keys").iterdir())) == 1


def test_a_renewed_signer_verifies_what_the_former_key_signed(signer: Sm2Signer) -> None:
    old, former = signer.sign(b"abc"), signer.key_id
    assert signer.renew() != former
    assert signer.verify(b"abc", old)
    assert signer.sign(b"abc").key_id == signer.key_id
    assert [fingerprint(key) for key in signer.public_keys()] == [former, signer.key_id]


def test_a_renewed_signer_forgets_the_former_private_key(signer: Sm2Signer, tmp_path: Path) -> None:
    signer.sign(b"abc")
    signer.renew()
    former, present = sorted((tmp_path / "keys/signing").iterdir())
    assert "private" not in json.loads(former.read_text())
    assert "private" in json.loads(present.read_text())


def test_the_software_says_that_it_is_not_certified(signer: Signer, stamper: TimeStamper) -> None:
    assert not signer.is_certified
    assert not stamper.is_trusted
    assert "GmSSL" in signer.module


# Time stamps --------------------------------------------------------------------------------------


def test_a_stamp_says_time_and_digest_and_survives_json(stamper: TimeStamper) -> None:
    stamp = stamper.stamp(b"abc", now=NOW)
    assert stamp.at == "2026-03-01T02:03:04Z"
    assert stamp.digest == SM3_OF_ABC
    assert TimeStamp.read(json.loads(json.dumps(stamp.to_json()))) == stamp


def test_a_stamp_fits_its_bytes_and_its_time_only(stamper: TimeStamper) -> None:
    stamp = stamper.stamp(b"abc", now=NOW)
    assert stamper.verify(b"abc", stamp)
    assert not stamper.verify(b"abd", stamp)
    assert not stamper.verify(b"abd", replace(stamp, digest=digest_bytes(b"abd").sm3))
    assert not stamper.verify(b"abc", replace(stamp, at="2026-03-01T02:03:05Z"))
    assert not stamper.verify(b"abc", replace(stamp, is_trusted=True))


def test_json_that_is_no_stamp_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="no time stamp"):
        TimeStamp.read({"at": "2026-03-01T02:03:04Z"})
