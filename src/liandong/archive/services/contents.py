"""The contents of an object by logical path, plain whatever the store holds; and how they get in.

A sealed object keeps each content as `<path>.sealed`, an original by its number, because names
tell; only `metadata/sealed.json` is for everyone.  What its files are called and what their plain
digests are stands inside.
"""

import hashlib
import io
import json
import secrets
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from liandong.base.engines import engine
from liandong.kernel.packages import DigestMismatch
from liandong.kernel.packages.ocfl import (
    Content,
    Inventory,
    files_of,
    object_path,
    read_inventory,
)
from liandong.kernel.sealed import VERSION, DataKey, Place, open_sealed, seal

from .keyring import key_of

DESCRIPTOR = "metadata/sealed.json"  # for everyone: that and how the object is encrypted
PLAIN = "metadata/plain.json"  # sealed: size and SHA-512 of every plain content of the head
SUFFIX = ".sealed"


# Reading ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One stored content, opened when it is needed."""

    key: str  # of the blob
    sealed: tuple[DataKey, Place] | None = None

    def open(self, mode: str = "rb", buffering: int = -1) -> BinaryIO:
        """The plain content, seekable.  Raises FileNotFoundError and CannotOpen."""
        stream = engine("blobs").open(self.key)
        if self.sealed is None:
            return stream
        plain: BinaryIO = open_sealed(stream, *self.sealed, engine("cipher").aead)
        return plain

    def path(self) -> Path:
        """The file in the store: sealed, if it is sealed."""
        return engine("blobs").path(self.key)

    def read_bytes(self) -> bytes:
        """All of it."""
        with self.open() as stream:
            return stream.read()


Source = Path | bytes | StoredFile


@dataclass(frozen=True, slots=True)
class Contents:
    """An object with its key, if it has one."""

    inventory: Inventory
    paths: Mapping[str, str]  # content paths of the head by logical path, without SUFFIX
    key: DataKey | None  # None: the object is not sealed

    def file(self, path: str) -> StoredFile:
        """A content of the head.  Raises KeyError."""
        return stored(self.inventory.object_id, self.paths[path],
                      self.key if path != DESCRIPTOR else None)  # fmt: skip

    def read(self, path: str) -> bytes:
        """Raises KeyError, FileNotFoundError and CannotOpen."""
        return self.file(path).read_bytes()

    def json(self, path: str) -> Any:
        """Raises ValueError too."""
        return json.loads(self.read(path))


def stored(object_id: str, content_path: str, key: DataKey | None) -> StoredFile:
    """A content of an object by its content path."""
    sealed = (key, Place(object_id, content_path)) if key else None
    return StoredFile(f"{object_path(object_id)}/{content_path}", sealed)


def contents_of(object_id: str) -> Contents:
    """The contents of an object.

    Raises FileNotFoundError, BrokenInventory and, when its key cannot be had, CannotOpen.
    """
    inventory = read_inventory(engine("blobs"), object_id)
    paths = files_of(inventory)
    if DESCRIPTOR not in paths:
        return Contents(inventory, paths, None)
    plain = {path.removesuffix(SUFFIX): place for path, place in paths.items()}
    return Contents(inventory, plain, key_of(object_id))


# Writing ------------------------------------------------------------------------------------------


def sealed_path(path: str, order: int | None = None) -> str:
    """How a logical path is called in a sealed object; originals by their order, from 0."""
    return f"{path}{SUFFIX}" if order is None else f"{original_path(order)}{SUFFIX}"


def original_path(order: int) -> str:
    """What stands for the name of an original in a sealed object."""
    return f"original/{order + 1:04d}"


def descriptor(object_id: str, key: DataKey) -> bytes:
    """`metadata/sealed.json`: what may be known without the key."""
    known = {
        "object_id": object_id,
        "encrypted": True,
        "algorithm": key.algorithm.words,
        "key_id": key.id.hex(),
        "container": f"LDSEALED {VERSION}",
        "module": engine("cipher").module,
        "is_certified": engine("cipher").is_certified,
    }
    return json.dumps(known, sort_keys=True, indent=1).encode() + b"\n"


def seal_contents(
    object_id: str,
    version: str,
    key: DataKey,
    contents: Mapping[str, tuple[Source, str]],
    folder: Path,
) -> dict[str, Content]:
    """Seal contents for one version of an object; by sealed path, sources in `folder`.

    `contents` is by sealed path, each with the SHA-512 of the plain content or "": what is read is
    compared with it, since nobody can afterwards without the key.  Raises DigestMismatch.
    """
    folder.mkdir(parents=True, exist_ok=True)
    return {
        path: _seal_one(
            Place(object_id, f"{version}/content/{path}"), key, *content,
            folder / f"{version}-{number:06d}",
        )
        for number, (path, content) in enumerate(contents.items())
    }  # fmt: skip


def _seal_one(place: Place, key: DataKey, plain: Source, expected: str, target: Path) -> Content:
    digest = hashlib.sha512()
    with closing(_Digesting(_opened(plain))) as source, target.open("xb", 0) as out:
        for piece in seal(source, key, place, engine("cipher").aead):
            digest.update(piece)
            out.write(piece)
        found = source.digest.hexdigest()
    if expected and found != expected:
        raise DigestMismatch(place.path, "SHA-512", expected, found)
    return Content(target, digest.hexdigest())


def _opened(source: Source) -> BinaryIO:
    return io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")


class _Digesting(io.RawIOBase):
    """A stream that digests what is read from it: the plain content is read once."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.digest = hashlib.sha512()

    def read(self, size: int = -1, /) -> bytes:
        content = self._stream.read(size)
        self.digest.update(content)
        return content

    def close(self) -> None:
        self._stream.close()
        super().close()


def open_sealed_file(file: Path, key: DataKey, place: Place) -> BinaryIO:
    """A sealed file outside the store (cache).  Raises FileNotFoundError and CannotOpen."""
    plain: BinaryIO = open_sealed(file.open("rb"), key, place, engine("cipher").aead)
    return plain


def write_sealed_file(file: Path, content: bytes, key: DataKey, place: Place) -> None:
    """Write a sealed file outside the store, whole or not at all; it need not be durable."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f"{file.name}.{secrets.token_hex(8)}")
    try:
        with part.open("xb") as out:
            out.writelines(seal(io.BytesIO(content), key, place, engine("cipher").aead))
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
