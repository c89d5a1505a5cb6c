"""The contents of an object by logical path, plain whatever the store holds; and how they get in.

A sealed object keeps each content as `<path>.sealed`, and what strangers named by a number, because
names tell.  `metadata/sealed.json` is for everyone; `metadata/plain.json.sealed` says what each
content is called and what its plain digest is.  Neither is a file of the record.
"""

import hashlib
import io
import json
import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from django.conf import settings

from liandong.base.engines import engine
from liandong.kernel.packages import DigestMismatch
from liandong.kernel.packages.ocfl import (
    Content,
    Inventory,
    files_of,
    object_path,
    read_inventory,
)
from liandong.kernel.sealed import VERSION, DataKey, Place, open_sealed, seal, seal_bytes

from .keyring import key_of

DESCRIPTOR = "metadata/sealed.json"  # for everyone: that and how the object is encrypted
SUFFIX = ".sealed"
PLAIN = f"metadata/plain.json{SUFFIX}"  # names and plain digests of the contents of the head
OURS = ("metadata/", "derivative/")  # names that tell nothing


# Reading ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One content in store or cache, opened when it is needed; plain whatever is kept."""

    find: Callable[[], Path]  # the file with the bytes as they are kept; raises FileNotFoundError
    sealed: tuple[DataKey, Place] | None = None
    kept: Callable[[], BinaryIO] | None = None  # a stream of them, where no file is needed for it

    def open(self, mode: str = "rb", buffering: int = -1) -> BinaryIO:
        """The plain content, seekable.  Raises FileNotFoundError and CannotOpen."""
        stream = self.kept() if self.kept else self.find().open("rb")
        if self.sealed is None:
            return stream
        plain: BinaryIO = open_sealed(stream, *self.sealed, engine("cipher").aead)
        return plain

    def open_checked(self) -> BinaryIO:
        """As `open`, after every byte of a sealed content was found true: no half goes out."""
        if self.sealed is not None:
            with self.open() as stream:
                while stream.read(1 << 20):
                    pass
        return self.open()

    def read_bytes(self) -> bytes:
        """All of it."""
        with self.open() as stream:
            return stream.read()


Source = Path | bytes | StoredFile


class PlainFact(NamedTuple):
    """What is known inside a sealed object of one of its contents."""

    at: str  # path in the object, e.g. original/0001.sealed
    size: int  # bytes, plain
    sha512: str  # plain


@dataclass(frozen=True, slots=True)
class Contents:
    """An object with its key, if it has one."""

    inventory: Inventory
    paths: Mapping[str, str]  # content paths of the head by logical path
    key: DataKey | None = None  # None: the object is not sealed
    facts: Mapping[str, PlainFact] = field(default_factory=dict)  # sealed: by logical path

    def file(self, path: str) -> StoredFile:
        """A content of the head.  Raises KeyError."""
        return stored(self.inventory.object_id, self.paths[path], self.key)

    def _key(self, path: str) -> str:
        return f"{object_path(self.inventory.object_id)}/{self.paths[path]}"

    def read(self, path: str) -> bytes:
        """Raises KeyError, FileNotFoundError and CannotOpen."""
        return self.file(path).read_bytes()

    def json(self, path: str) -> Any:
        """Raises ValueError too."""
        return json.loads(self.read(path))

    def size(self, path: str) -> int:
        """Bytes of the plain content.  Raises KeyError and FileNotFoundError."""
        if self.key is not None:
            return self.facts[path].size
        return engine("blobs").size(self._key(path))

    def sha512(self, path: str) -> str:
        """Of the plain content.  Raises KeyError."""
        if self.key is not None:
            return self.facts[path].sha512
        return self.inventory.versions[-1].state[path]


def stored(object_id: str, content_path: str, key: DataKey | None) -> StoredFile:
    """A content of an object by its content path."""
    blob = f"{object_path(object_id)}/{content_path}"
    sealed = (key, Place(object_id, content_path)) if key else None
    store = engine("blobs")
    return StoredFile(lambda: store.path(blob), sealed, lambda: store.open(blob))


def contents_of(object_id: str) -> Contents:
    """The contents of an object.

    Raises FileNotFoundError, BrokenInventory and, when its key cannot be had, CannotOpen.
    """
    inventory = read_inventory(engine("blobs"), object_id)
    paths = files_of(inventory)
    if DESCRIPTOR not in paths:
        return Contents(inventory, paths)
    key = key_of(object_id)
    known = json.loads(stored(object_id, paths[PLAIN], key).read_bytes())
    facts = {path: PlainFact(*fact) for path, fact in known.items()}
    return Contents(inventory, {path: paths[fact.at] for path, fact in facts.items()}, key, facts)


def is_sealed(inventory: Inventory) -> bool:
    """Whether the head of an object is encrypted; asks for no key."""
    return DESCRIPTOR in inventory.versions[-1].state


# Writing ------------------------------------------------------------------------------------------


class Sealed(NamedTuple):
    """What goes into a version of a sealed object."""

    contents: Mapping[str, Content]  # by path in the object
    facts: Mapping[str, PlainFact]  # by logical path, of the whole head


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
    plain: Mapping[str, tuple[Source, str]],
    folder: Path,
    *,
    known: Mapping[str, PlainFact] | None = None,
) -> Sealed:
    """Seal contents for a version of an object; the sealed files are made in `folder`.

    `plain` gives each content by logical path with its SHA-512 or "": what is read is compared
    with it, since nobody can afterwards without the key.  `known` are the facts of the version
    before.  Raises DigestMismatch, CannotOpen, OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    before = known or {}
    names = names_in_sealed(plain, before)
    contents: dict[str, Content] = {} if known else {
        DESCRIPTOR: Content(descriptor(object_id, key))
    }  # fmt: skip
    facts = dict(before)
    for number, (path, (source, expected)) in enumerate(plain.items()):
        target = folder / f"{version}-{number:06d}"
        place = f"{version}/content/{names[path]}"
        size, sha512, contents[names[path]] = seal_file(object_id, place, key, source, target)
        if expected and sha512 != expected:
            raise DigestMismatch(path, "SHA-512", expected, sha512)
        facts[path] = PlainFact(names[path], size, sha512)
    inside = json.dumps(facts, ensure_ascii=False, sort_keys=True).encode()
    place, target = f"{version}/content/{PLAIN}", folder / f"{version}-plain"
    contents[PLAIN] = seal_file(object_id, place, key, inside, target)[2]
    return Sealed(contents, facts)


def names_in_sealed(
    paths: Iterable[str], known: Mapping[str, PlainFact] | None = None
) -> dict[str, str]:
    """Paths in a sealed object: our own names with a suffix, those of strangers by number."""
    known = known or {}
    names: dict[str, str] = {}
    numbers = Counter(fact.at.split("/", 1)[0] for fact in known.values())
    for path in paths:
        top = path.split("/", 1)[0]
        if path in known:
            names[path] = known[path].at
        elif path.startswith(OURS):
            names[path] = f"{path}{SUFFIX}"
        else:
            numbers[top] += 1
            names[path] = f"{top}/{numbers[top]:04d}{SUFFIX}"
    return names


def version_contents(
    held: Contents, changes: Mapping[str, Path | bytes], folder: Path
) -> Mapping[str, Content]:
    """New contents of the next version, sealed when the object is."""
    if held.key is None:
        return {path: Content(source) for path, source in changes.items()}
    version = f"v{len(held.inventory.versions) + 1}"
    plain: dict[str, tuple[Source, str]] = {path: (one, "") for path, one in changes.items()}
    urn = held.inventory.object_id
    return seal_contents(urn, version, held.key, plain, folder, known=held.facts).contents


def seal_file(
    object_id: str, content_path: str, key: DataKey, plain: Source, target: Path
) -> tuple[int, str, Content]:
    """Seal one content as a new file; size and SHA-512 of the plain one, and the sealed one."""
    digest, place = hashlib.sha512(), Place(object_id, content_path)
    with closing(_Digesting(_opened(plain))) as source, target.open("xb") as out:

        def write(piece: memoryview) -> None:
            digest.update(piece)
            out.write(piece)

        seal(source, write, key, place, engine("cipher").aead)
    return source.size, source.digest.hexdigest(), Content(target, digest.hexdigest())


def _opened(source: Source) -> BinaryIO:
    return io.BytesIO(source) if isinstance(source, bytes) else source.open("rb", 0)


class _Digesting(io.RawIOBase):
    """A stream that digests what is read from it: the plain content is read once."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.digest = hashlib.sha512()
        self.size = 0

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        count: int = self._stream.readinto(buffer)  # type: ignore[attr-defined]
        self.digest.update(buffer[:count])
        self.size += count
        return count

    def close(self) -> None:
        self._stream.close()
        super().close()


# The cache ----------------------------------------------------------------------------------------


def cached(source: StoredFile, name: str) -> StoredFile:
    """What the cache may hold under `name` of something made from `source`, sealed as that is."""
    file = Path(settings.CACHE) / name
    if source.sealed is None:
        return StoredFile(lambda: file)
    key, place = source.sealed
    sealed = Path(f"{file}{SUFFIX}")
    return StoredFile(lambda: sealed, (key, Place(place.object_id, f"cache/{name}")))


def keep_cached(one: StoredFile, content: bytes) -> None:
    """Write what `cached` names, whole or not at all; it need not be durable."""
    file = one.find()
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f"{file.name}.{secrets.token_hex(8)}")
    if one.sealed is not None:
        content = seal_bytes(content, *one.sealed, engine("cipher").aead)
    try:
        part.write_bytes(content)
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
