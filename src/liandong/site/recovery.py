"""The copy of the key folder that is kept apart: one file, sealed with words that people remember.

    {"format": "liandong key recovery 1", "salt": …, "n": …, "made": …}\\n
    the container of kernel.sealed over a tar of the key folder

The key comes from the words by scrypt.  Two persons may each give a half: neither opens it alone.
"""

import hashlib
import io
import json
import os
import secrets
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings

from liandong.base.engines import engine
from liandong.kernel.names import BadPath, inner_path
from liandong.kernel.sealed import AES, CannotOpen, DataKey, Place, open_sealed, seal_bytes

FORMAT = "liandong key recovery 1"
NOTE = "recovery.json"  # in the key folder: when the last copy was made
_PLACE = Place("liandong:keys", "keys.tar")
_N, _R, _P = 1 << 15, 8, 1  # scrypt: 32 MiB, some tenths of a second
_MEMORY = 128 << 20
FEWEST_LETTERS = 12  # of the words together
PARTIAL = ".partial-"


class BadRecovery(Exception):
    """The copy cannot be used; `reason` is format, words, damaged, exists."""

    def __init__(self, reason: str, where: str = "") -> None:
        super().__init__(f"{reason} {where}".strip())
        self.reason = reason
        self.where = where


def write_recovery(file: Path, words: Sequence[str], *, now: datetime) -> int:
    """Write the copy as a new file; how many key files it holds.

    Raises BadRecovery (words too short), FileExistsError, OSError; then nothing is left.
    """
    if len("".join(words)) < FEWEST_LETTERS:
        raise BadRecovery("words")
    salt = secrets.token_bytes(16)
    packed, count = _pack()
    head = {"format": FORMAT, "salt": salt.hex(), "n": _N, "made": now.isoformat()}
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(json.dumps(head).encode() + b"\n")
            key = _key(words, salt, _N)
            out.write(seal_bytes(packed, key, _PLACE, engine("cipher").aead))
            out.flush()
            os.fsync(out.fileno())
    except BaseException:
        file.unlink(missing_ok=True)
        raise
    _note(now, count)
    return count


def read_recovery(file: Path, words: Sequence[str]) -> int:
    """Put the key files of a copy into the key folder; how many were missing there.

    Raises BadRecovery: nothing is changed when the words are others, the copy is damaged, or a
    file that is there differs from the one in the copy.
    """
    files = _unpack(file, words)
    folder = Path(settings.KEYS)
    there = {path: folder / path for path in files if (folder / path).exists()}
    for path, place in there.items():
        if place.read_bytes() != files[path]:
            raise BadRecovery("exists", path)
    for path in files.keys() - there.keys():
        _write(folder / path, files[path])
    return len(files) - len(there)


def _unpack(file: Path, words: Sequence[str]) -> dict[str, bytes]:
    try:
        with file.open("rb") as stream:
            head = json.loads(stream.readline(4096))
            if head["format"] != FORMAT:
                raise BadRecovery("format")
            key = _key(words, bytes.fromhex(head["salt"]), int(head["n"]))
            sealed = io.BytesIO(stream.read())
    except (ValueError, KeyError, TypeError) as error:
        raise BadRecovery("format") from error
    try:
        with open_sealed(sealed, key, _PLACE, engine("cipher").aead) as plain:
            packed = plain.read()
    except CannotOpen as error:
        raise BadRecovery("words") from error
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        try:
            return {inner_path(one.name): _content(tar, one) for one in tar}
        except BadPath as error:
            raise BadRecovery("damaged") from error


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    stream = tar.extractfile(member)
    if stream is None or not member.isreg():
        raise BadPath(member.name)
    return stream.read()


def _pack() -> tuple[bytes, int]:
    folder, out, files = Path(settings.KEYS), io.BytesIO(), _key_files()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path in files:
            content = path.read_bytes()
            member = tarfile.TarInfo(path.relative_to(folder).as_posix())
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return out.getvalue(), len(files)


def _key_files() -> list[Path]:
    folder = Path(settings.KEYS)
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".") and path != folder / NOTE
    )


def _key(words: Sequence[str], salt: bytes, n: int) -> DataKey:
    if not 1 << 10 <= n <= 1 << 20:
        raise BadRecovery("format")
    secret = hashlib.scrypt(
        "\n".join(words).encode(), salt=salt, n=n, r=_R, p=_P, maxmem=_MEMORY, dklen=AES.key_bytes
    )
    return DataKey(salt, AES, secret)


def _write(file: Path, content: bytes) -> None:
    for folder in reversed([file.parent, *file.parent.parents]):
        folder.mkdir(mode=0o700, exist_ok=True)
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())


def _note(now: datetime, count: int) -> None:
    file = Path(settings.KEYS) / NOTE
    part = file.with_name(f"{PARTIAL}{secrets.token_hex(8)}")
    part.touch(mode=0o600)
    part.write_text(json.dumps({"made": now.isoformat(), "files": count}), "ascii")
    part.replace(file)


@dataclass(frozen=True, slots=True)
class CopyState:
    """Whether the key folder is in a copy."""

    files: int  # key files now
    made: str  # when the last copy was made, "" never
    is_newer: bool  # keys came or went since


def copy_state() -> CopyState:
    """What is known of the last copy, without opening it."""
    folder, files = Path(settings.KEYS), _key_files()
    try:
        note = json.loads((folder / NOTE).read_bytes())
        made, count = str(note["made"]), int(note["files"])
    except (OSError, ValueError, KeyError, TypeError):
        return CopyState(len(files), "", bool(files))
    at = datetime.fromisoformat(made).timestamp()
    folders = {path.parent for path in files} - {folder}  # the note itself changes the last one
    changed = any(place.stat().st_mtime > at for place in folders)
    return CopyState(len(files), made, changed or count != len(files))
