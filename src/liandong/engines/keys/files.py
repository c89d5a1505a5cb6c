"""Key files: master keys, and the wrapped data key of each object, in folders of their own.

`master/0001-aes-1f2e3d4c.json` is a master key; the newest one of an algorithm wraps, and a
destroyed one leaves a file without its secret.  `objects/ab/<SHA-256 of the OCFL id>.json` is a
wrapped data key.  Every file has mode 0600, every folder 0700.
"""

import hashlib
import json
import secrets
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from liandong.kernel.sealed import (
    ALGORITHMS,
    TAG,
    Aead,
    BadTag,
    KeyLost,
    MasterKey,
    MasterLost,
    WrappedKey,
    WrongKey,
)
from liandong.kernel.signatures import at_text

from .cipher import OpensslCipher
from .durable import PARTIAL, shred, write_new, write_over

_NONCE = 12  # bytes, random: a master key wraps far fewer than 2^32 keys


class FileVault:
    """The vault port on key files."""

    def __init__(self, folder: Path | str) -> None:
        self._folder = Path(folder)

    def masters(self) -> list[MasterKey]:
        """Every master key that can be read, oldest first."""
        known = [row for file in self._files() if (row := _read(file))]
        newest = {row["algorithm"]: row["id"] for row in known if row["secret"]}
        return [
            MasterKey(row["id"], row["algorithm"], row["made_at"], _state(row, newest))
            for row in known
        ]

    def create(self, algorithm: str, *, now: datetime) -> MasterKey:
        """Make a master key; it wraps from now on."""
        size = ALGORITHMS[algorithm].key_bytes
        while True:
            number = max((int(file.name[:4]) for file in self._files()), default=0) + 1
            id_ = f"{number:04d}-{algorithm}-{secrets.token_hex(4)}"
            row = {
                "id": id_,
                "algorithm": algorithm,
                "made_at": at_text(now),
                "secret": secrets.token_bytes(size).hex(),
            }
            if not write_new({self._folder / f"{id_}.json": json.dumps(row).encode()}):
                return MasterKey(id_, algorithm, row["made_at"], "current")

    def wrap(self, master: str, secret: bytes, about: bytes) -> bytes:
        """Nonce, then what AES-256-GCM or SM4-GCM makes of the secret.  Raises MasterLost."""
        nonce, out = secrets.token_bytes(_NONCE), bytearray(len(secret) + TAG)
        self._aead(master).encrypt(nonce, secret, about, out)
        return nonce + bytes(out)

    def unwrap(self, master: str, wrapped: bytes, about: bytes) -> bytes:
        """Raises MasterLost and WrongKey."""
        aead, out = self._aead(master), bytearray(max(0, len(wrapped) - _NONCE - TAG))
        try:
            aead.decrypt(wrapped[:_NONCE], wrapped[_NONCE:], about, out)
        except (BadTag, ValueError):
            raise WrongKey(master) from None
        return bytes(out)

    def destroy(self, master: str) -> None:
        """Overwrite and forget the secret.  Raises MasterLost."""
        row = self._row(master)
        file = self._folder / f"{master}.json"
        shred(file)
        write_over(file, json.dumps(row | {"secret": ""}).encode())

    def _aead(self, master: str) -> Aead:
        row = self._row(master)
        if not row["secret"]:
            raise MasterLost(master, master=master)
        return OpensslCipher().aead(row["algorithm"], bytes.fromhex(row["secret"]))

    def _row(self, master: str) -> dict[str, str]:
        if "/" in master or master.startswith("."):
            raise MasterLost(master, master=master)
        if row := _read(self._folder / f"{master}.json"):
            return row
        raise MasterLost(master, master=master)

    def _files(self) -> list[Path]:
        return sorted(self._folder.glob("[0-9][0-9][0-9][0-9]-*.json"))


def _read(file: Path) -> dict[str, str]:
    """The row in the file of a master key, {} when it cannot be read."""
    try:
        row: dict[str, str] = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return {}
    return row if row.keys() >= {"id", "algorithm", "made_at", "secret"} else {}


def _state(row: dict[str, str], newest: dict[str, str]) -> str:
    if not row["secret"]:
        return "destroyed"
    return "current" if newest[row["algorithm"]] == row["id"] else "former"


class FileRing:
    """The ring port on one small file per object."""

    def __init__(self, folder: Path | str) -> None:
        self._folder = Path(folder)

    def get(self, object_id: str) -> WrappedKey:
        """Raises KeyLost: no file, a damaged one, or the file of another object."""
        try:
            key = WrappedKey.read(self._file(object_id).read_bytes(), object_id)
        except OSError:
            raise KeyLost(object_id) from None
        if key.object_id != object_id:
            raise KeyLost(object_id, reason="the file of another object")
        return key

    def put_many(self, keys: Sequence[WrappedKey]) -> list[WrappedKey]:
        """Keep keys; the one that an object has already stays."""
        contents = {self._file(key.object_id): key.to_bytes() for key in keys}
        present = write_new(contents) if contents else set()
        return [
            self.get(key.object_id) if self._file(key.object_id) in present else key for key in keys
        ]

    def replace(self, key: WrappedKey) -> None:
        """Another wrapping of the same data key.  Raises KeyLost."""
        if self.get(key.object_id).key_id != key.key_id:
            raise KeyLost(key.object_id, reason="another data key")
        write_over(self._file(key.object_id), key.to_bytes())

    def remove(self, object_id: str) -> bool:
        """Overwrite and remove; whether there was a key."""
        return shred(self._file(object_id))

    def all(self) -> Iterator[WrappedKey]:
        """Every key that can be read, sorted by file."""
        for file in sorted(self._folder.glob("??/*.json")):
            if file.name.startswith(PARTIAL):
                continue
            try:
                yield WrappedKey.read(file.read_bytes(), file.stem)
            except (OSError, KeyLost):
                continue

    def _file(self, object_id: str) -> Path:
        name = hashlib.sha256(object_id.encode()).hexdigest()
        return self._folder / name[:2] / f"{name}.json"
