"""SM2 with SM3 in software, on GmSSL; a key file made at first use.  Not a certified product.

The private key is in a file of mode 0600.  After `renew` the former key loses its private half and
still verifies.  Source: GB/T 32918; GB/T 35276-2017 (user id, DER).
"""

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import gmssl_pyx

from liandong.kernel.digests import digest_bytes
from liandong.kernel.signatures import SM2, Signature, TimeStamp, at_text, fingerprint, stamped


class Sm2Signer:
    """The signer port with keys in a folder: `0001.json`, `0002.json`, …; the last one signs."""

    algorithm = SM2
    is_certified = False
    module = f"GmSSL, gmssl-pyx {gmssl_pyx.__version__}"

    def __init__(self, folder: Path | str) -> None:
        self._folder = Path(folder)

    def public_key(self) -> bytes:
        """The key that signs now; made when there is none.  Raises OSError."""
        return self._pair()[0]

    def public_keys(self) -> list[bytes]:
        """Every key that ever signed, oldest first."""
        self._pair()
        return [bytes.fromhex(_read(file)["public"]) for file in self._files()]

    @property
    def key_id(self) -> str:
        """Fingerprint of the key that signs now."""
        return fingerprint(self.public_key())

    def sign(self, content: bytes) -> Signature:
        """Sign with the default user id.  Raises OSError."""
        public, private = self._pair()
        value = gmssl_pyx.sm2_sign(private, public[1:], content)
        return Signature(SM2, public.hex(), value.hex())

    def verify(self, content: bytes, signature: Signature) -> bool:
        """Whether one of the keys of this signer signed `content`."""
        try:
            public, value = bytes.fromhex(signature.public_key), bytes.fromhex(signature.value)
            if signature.algorithm != SM2 or public not in self.public_keys():
                return False
            return bool(gmssl_pyx.sm2_verify(public[1:], content, value))
        except (ValueError, gmssl_pyx.GmsslInnerError):  # malformed
            return False

    def renew(self) -> str:
        """Sign with a new key from now on; its fingerprint."""
        former = self._files()
        number = int(former[-1].stem) + 1 if former else 1
        self._make(number)
        for file in former:
            known = _read(file)
            _write(file, {"public": known["public"]}, replace=True)
        return self.key_id

    def _files(self) -> list[Path]:
        return sorted(file for file in self._folder.glob("[0-9]*.json"))

    def _pair(self) -> tuple[bytes, bytes]:
        files = self._files()
        if not files:
            with suppress(FileExistsError):  # another process was quicker
                self._make(1)
            files = self._files()
        known = _read(files[-1])
        return bytes.fromhex(known["public"]), bytes.fromhex(known["private"])

    def _make(self, number: int) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        public, private = gmssl_pyx.sm2_key_generate()
        pair = {"public": (b"\x04" + public).hex(), "private": private.hex()}
        _write(self._folder / f"{number:04d}.json", pair)


class LocalTimeStamper:
    """The time-stamp port on this machine's clock: it proves only that the signer said so."""

    is_trusted = False

    def __init__(self, folder: Path | str) -> None:
        self._signer = Sm2Signer(folder)

    def stamp(self, content: bytes, *, now: datetime) -> TimeStamp:
        """Sign time and digest.  Raises OSError."""
        at, digest = at_text(now), digest_bytes(content).sm3
        signature = self._signer.sign(stamped(at, digest, self.is_trusted))
        return TimeStamp(at, digest, self.is_trusted, signature)

    def verify(self, content: bytes, stamp: TimeStamp) -> bool:
        """Whether a key of this installation stamped `content`."""
        said = stamped(stamp.at, stamp.digest, stamp.is_trusted)
        return stamp.fits(content) and self._signer.verify(said, stamp.signature)


def _read(file: Path) -> dict[str, str]:
    known: dict[str, str] = json.loads(file.read_text("ascii"))
    return known


def _write(file: Path, pair: dict[str, str], *, replace: bool = False) -> None:
    """Durable, whole or not at all; raises FileExistsError unless `replace`."""
    partial = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as stream:
            json.dump(pair, stream)
            stream.flush()
            os.fsync(stream.fileno())
        if replace:
            partial.replace(file)
        else:
            os.link(partial, file)
    finally:
        partial.unlink(missing_ok=True)
    for folder in _settled(file.parent):
        handle = os.open(folder, os.O_RDONLY)
        os.fsync(handle)
        os.close(handle)


def _settled(folder: Path) -> Iterator[Path]:
    yield folder
    yield folder.parent
