"""Stored bytes and folders to another place; what is there already with the same size is kept."""

import errno
import hashlib
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO, NamedTuple

from liandong.kernel.ports import BlobStore

Progress = Callable[[int, int], None]
_AT_ONCE = 8
_IN_MEMORY = 16 << 20  # bytes; larger blobs go by a local file
# Of a data folder: what is made again there, and what goes by other ways
NOT_FOLDERS = ("cache", "index", "locks", "restoring", "store", "evidence", "keys")
NOT_FILES = ("liandong.sqlite3", "worker.beat", "moving.json")  # names that begin so


class Compared(NamedTuple):
    """Two places, byte by byte (SHA-512)."""

    files: int
    size: int
    wrong: tuple[str, ...]  # keys that are missing, more, or other bytes


def copy_blobs(source: BlobStore, target: BlobStore, *, progress: Progress) -> None:
    """Copy every key that the target has not; killed, it goes on when called again.

    Raises FileExistsError for a key that is there with another size: nothing is written over.
    """
    keys = list(source.keys())

    def copy(key: str) -> None:
        size = source.size(key)
        if target.exists(key):
            if target.size(key) != size:
                raise FileExistsError(errno.EEXIST, "there with another size", key)
            return
        target.replace(key, source.read(key) if size <= _IN_MEMORY else source.path(key))

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for done, _ in enumerate(pool.map(copy, keys), 1):
            progress(done, len(keys))


def compare_blobs(source: BlobStore, target: BlobStore, *, progress: Progress) -> Compared:
    """Read both sides again."""
    keys, there = list(source.keys()), set(target.keys())
    wrong = set(there.symmetric_difference(keys))

    def compare(key: str) -> tuple[str, int]:
        with source.open(key) as one, target.open(key) as other:
            sha512, size = _sha512(one)
            return ("" if (sha512, size) == _sha512(other) else key), size

    total = 0
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        both = [key for key in keys if key in there]
        for done, (bad, size) in enumerate(pool.map(compare, both), 1):
            total += size
            wrong |= {bad} - {""}
            progress(done, len(keys))
    return Compared(len(keys), total, tuple(sorted(wrong)))


def copy_folder(source: Path, target: Path) -> None:
    """Copy files with times and modes, those that are there with the same bytes not again."""
    for file in files_of(source):
        copy = target / file.relative_to(source)
        if copy.is_file() and _same(file, copy):
            continue
        for folder in reversed(copy.relative_to(target).parents):
            (target / folder).mkdir(mode=0o700, parents=True, exist_ok=True)
        part = copy.with_name(f".{copy.name}.part")
        shutil.copy2(file, part)
        part.replace(copy)


def compare_folder(source: Path, target: Path) -> Compared:
    """Whether the target has every file of the source with the same bytes."""
    wrong, total, count = [], 0, 0
    for count, file in enumerate(files_of(source), 1):  # noqa: B007 - the count is told
        name = file.relative_to(source)
        total += file.stat().st_size
        if not (target / name).is_file() or not _same(file, target / name):
            wrong.append(name.as_posix())
    return Compared(count, total, tuple(wrong))


def files_of(home: Path) -> Iterator[Path]:
    """Files of a data folder or of a folder of keys that are not made again elsewhere."""
    for file in sorted(home.rglob("*")):
        name = file.relative_to(home)
        if name.parts[0] in NOT_FOLDERS or name.parts[0].startswith(NOT_FILES):
            continue
        if file.is_file() and not file.name.endswith(".part"):
            yield file


def _same(one: Path, other: Path) -> bool:
    with one.open("rb") as here, other.open("rb") as there:
        return _sha512(here) == _sha512(there)


def _sha512(stream: BinaryIO) -> tuple[bytes, int]:
    digest, size = hashlib.sha512(), 0
    while block := stream.read(1 << 20):
        digest.update(block)
        size += len(block)
    return digest.digest(), size
