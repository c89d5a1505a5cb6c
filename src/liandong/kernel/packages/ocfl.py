"""OCFL 1.1 objects and storage root: written by us, validated by another's library.

An object is built whole in a local folder and moved into the store at once.  A later version is
built as its version folder, moved at once, and only then does the root inventory change, so that
after a kill at any point `repair` can go on or undo.  Digests that the caller knows are not
computed again.  Source: OCFL 1.1; extension 0004 (hashed n-tuple layout).
"""

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple, Self

from liandong.kernel.digests import copy_with_digests, digest_bytes, digest_file
from liandong.kernel.names import BadPath, inner_path
from liandong.kernel.ports import BlobStore

ROOT_DECLARATION = ("0=ocfl_1.1", b"ocfl_1.1\n")
OBJECT_DECLARATION = ("0=ocfl_object_1.1", b"ocfl_object_1.1\n")
LAYOUT = "0004-hashed-n-tuple-storage-layout"
INVENTORY = "inventory.json"
SIDECAR = "inventory.json.sha512"
_READS = 3  # of inventory and sidecar, until they fit: two keys are never replaced at once
TUPLE_SIZE, TUPLES = 3, 3  # defaults of extension 0004


class BrokenInventory(ValueError):
    """The inventory cannot be read or is not what its sidecar promises."""


class Content(NamedTuple):
    """One file to put into an object: where its bytes are, and its digests where known."""

    source: Path | bytes
    sha512: str = ""
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Version:
    """One version block; `state` gives the SHA-512 by logical path."""

    created: str  # RFC 3339
    message: str
    user: str
    address: str
    state: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Inventory:
    """The inventory of an object; `Inventory.parse(i.to_bytes()) == i`."""

    object_id: str
    versions: tuple[Version, ...]  # v1 first
    manifest: Mapping[str, tuple[str, ...]]  # content paths by SHA-512
    sha256: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # fixity: paths by SHA-256

    @property
    def head(self) -> str:
        """Name of the newest version: `v3`."""
        return f"v{len(self.versions)}"

    def to_bytes(self) -> bytes:
        """The JSON of the inventory; the same inventory gives the same bytes."""
        content: dict[str, Any] = {
            "digestAlgorithm": "sha512",
            "head": self.head,
            "id": self.object_id,
            "manifest": {digest: sorted(paths) for digest, paths in self.manifest.items()},
            "type": "https://ocfl.io/1.1/spec/#inventory",
            "versions": {
                f"v{number}": _version_block(version)
                for number, version in enumerate(self.versions, start=1)
            },
        }
        if self.sha256:
            paths = {digest: sorted(paths) for digest, paths in self.sha256.items()}
            content["fixity"] = {"sha256": paths}
        text = json.dumps(content, ensure_ascii=False, sort_keys=True, indent=1)
        return text.encode() + b"\n"

    @classmethod
    def parse(cls, content: bytes) -> Self:
        """Read the inventory of an object of ours; raises BrokenInventory.

        It reads, it does not validate: that is the validator's work.
        """
        try:
            known = json.loads(content)
            versions = tuple(
                _read_version(known["versions"][f"v{number}"])
                for number in range(1, len(known["versions"]) + 1)
            )
            if known["digestAlgorithm"] != "sha512" or known["head"] != f"v{len(versions)}":
                raise BrokenInventory("not written by this product")
            return cls(
                object_id=known["id"],
                versions=versions,
                manifest={digest: tuple(paths) for digest, paths in known["manifest"].items()},
                sha256={
                    digest: tuple(paths)
                    for digest, paths in known.get("fixity", {}).get("sha256", {}).items()
                },
            )
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise BrokenInventory(f"{type(error).__name__}: {error}") from None

    def content_path(self, digest: str) -> str:
        """Where the bytes with this digest are, below the object.  Raises KeyError."""
        return self.manifest[digest][0]


def _version_block(version: Version) -> dict[str, Any]:
    state: dict[str, list[str]] = {}
    for path in sorted(version.state):
        state.setdefault(version.state[path], []).append(path)
    return {
        "created": version.created,
        "message": version.message,
        "state": state,
        "user": {"address": version.address, "name": version.user},
    }


def _read_version(block: Mapping[str, Any]) -> Version:
    user = block.get("user", {})
    return Version(
        created=block["created"],
        message=block.get("message", ""),
        user=user.get("name", ""),
        address=user.get("address", ""),
        state={path: digest for digest, paths in block["state"].items() for path in paths},
    )


# Writing to a local folder ------------------------------------------------------------------------


def write_object(
    folder: Path,
    object_id: str,
    files: Mapping[str, Content],
    *,
    message: str,
    user: str,
    created: datetime,
    address: str = "",
    keep_sources: bool = True,
    sync: bool = False,
) -> Inventory:
    """Build version 1 of an object as a new local folder, ready to `place`.

    `files` gives contents by logical path.  Sources are linked or, without `keep_sources`, moved
    when that is possible, else copied; never read again when their SHA-512 is known.
    Raises BadPath, FileExistsError when the folder is there, OSError.
    """
    folder.mkdir(parents=True)
    (folder / "v1").mkdir()
    version, manifest, fixity = _put_files(folder / "v1", "v1", files, {}, keep_sources, sync)
    inventory = Inventory(
        object_id,
        (_version(created, message, user, address, version),),
        manifest,
        fixity,
    )
    _write(folder / OBJECT_DECLARATION[0], OBJECT_DECLARATION[1], sync)
    _write_inventory(inventory, sync, folder / "v1", folder)
    return inventory


def write_version(
    folder: Path,
    inventory: Inventory,
    changes: Mapping[str, Content | None],
    *,
    message: str,
    user: str,
    created: datetime,
    address: str = "",
    keep_sources: bool = True,
    sync: bool = False,
) -> Inventory:
    """Build the folder of the next version (`v2`, …) and return the new inventory.

    `changes` gives new contents by logical path, None for a path that goes.  Bytes that the object
    has already are not stored again (forward delta).  Raises BadPath, FileExistsError, OSError.
    """
    name = f"v{len(inventory.versions) + 1}"
    folder.mkdir(parents=True)
    given = {path: content for path, content in changes.items() if content is not None}
    new_state, manifest, fixity = _put_files(
        folder, name, given, inventory.manifest, keep_sources, sync
    )
    state = dict(inventory.versions[-1].state) | new_state
    for path in changes.keys() - given.keys():
        state.pop(path, None)
    _refuse_conflicts(state)
    grown = Inventory(
        inventory.object_id,
        (*inventory.versions, _version(created, message, user, address, state)),
        {**inventory.manifest, **manifest},
        {**inventory.sha256, **{key: paths for key, paths in fixity.items() if paths}},
    )
    _write_inventory(grown, sync, folder)
    return grown


def _version(
    created: datetime, message: str, user: str, address: str, state: Mapping[str, str]
) -> Version:
    at = created.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return Version(at, message, user, address or "info:liandong/user", dict(sorted(state.items())))


_Placed = tuple[dict[str, str], dict[str, tuple[str, ...]], dict[str, tuple[str, ...]]]


def _put_files(
    folder: Path,
    version: str,
    files: Mapping[str, Content],
    present: Mapping[str, tuple[str, ...]],
    keep_sources: bool,
    sync: bool,
) -> _Placed:
    """Write contents below `folder`; gives state, manifest and SHA-256 fixity of what is new."""
    _refuse_conflicts(files)
    state: dict[str, str] = {}
    manifest: dict[str, tuple[str, ...]] = {}
    fixity: dict[str, tuple[str, ...]] = {}
    made: set[Path] = set()
    for path, content in files.items():
        known = _with_digest(content)
        state[path] = known.sha512
        if known.sha512 in manifest or known.sha512 in present:
            continue
        target = folder / "content" / path
        if target.parent not in made:
            target.parent.mkdir(parents=True, exist_ok=True)
            made.add(target.parent)
        _put_content(known.source, target, keep_sources, sync)
        inside = f"{version}/content/{path}"
        manifest[known.sha512] = (inside,)
        if known.sha256:
            fixity[known.sha256] = (inside,)
    return state, manifest, fixity


def _with_digest(content: Content) -> Content:
    content = Content(*content)  # plain tuples are welcome
    if content.sha512:
        return content
    source = content.source
    digests = digest_bytes(source) if isinstance(source, bytes) else digest_file(source)
    return Content(source, digests.sha512, digests.sha256)


def _put_content(source: Path | bytes, target: Path, keep_source: bool, sync: bool) -> None:
    if isinstance(source, bytes):
        _write(target, source, sync)
        return
    try:
        if keep_source:
            os.link(source, target, follow_symlinks=False)
        else:
            os.rename(source, target)
    except OSError:  # another file system, or one without hard links
        copy_with_digests(source, target, sync=sync)
        if not keep_source:
            source.unlink()
    else:
        if sync:
            _sync(target)


def _refuse_conflicts(paths: Mapping[str, object]) -> None:
    """Raises BadPath when a path is unsafe or is also the folder of another."""
    for path in paths:
        inner_path(path)
    folders = {str(path)[:at] for path in paths for at in _slashes(path)}
    for path in paths:
        if path in folders:
            raise BadPath(f"both a file and a folder: {path!r}")


def _slashes(path: str) -> list[int]:
    return [at for at, sign in enumerate(path) if sign == "/"]


def _write_inventory(inventory: Inventory, sync: bool, *folders: Path) -> None:
    content = inventory.to_bytes()
    beside = sidecar(content)
    for folder in folders:
        _write(folder / INVENTORY, content, sync)
        _write(folder / SIDECAR, beside, sync)


def sidecar(inventory: bytes) -> bytes:
    """The content of `inventory.json.sha512`."""
    return f"{hashlib.sha512(inventory).hexdigest()} {INVENTORY}\n".encode()


def _write(path: Path, content: bytes, sync: bool) -> None:
    with path.open("xb", buffering=0) as stream:
        stream.write(content)
        if sync:
            os.fsync(stream.fileno())


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


# The storage root ---------------------------------------------------------------------------------


def object_path(object_id: str) -> str:
    """Key of an object in the storage root.  Source: OCFL extension 0004, its default values."""
    digest = hashlib.sha256(object_id.encode()).hexdigest()
    tuples = [digest[at : at + TUPLE_SIZE] for at in range(0, TUPLES * TUPLE_SIZE, TUPLE_SIZE)]
    return "/".join([*tuples, digest])


def root_files() -> dict[str, bytes]:
    """The files that make a storage root, by key."""
    layout = {
        "description": "Objects by the SHA-256 of their id: three folders of three digits",
        "extension": LAYOUT,
    }
    config = {
        "digestAlgorithm": "sha256",
        "extensionName": LAYOUT,
        "numberOfTuples": TUPLES,
        "shortObjectRoot": False,
        "tupleSize": TUPLE_SIZE,
    }
    return {
        f"extensions/{LAYOUT}/config.json": json.dumps(config, indent=1).encode() + b"\n",
        "ocfl_layout.json": json.dumps(layout, indent=1).encode() + b"\n",
        ROOT_DECLARATION[0]: ROOT_DECLARATION[1],
    }


def prepare_root(store: BlobStore) -> None:
    """Make the store a storage root; safe to call again."""
    for key, content in root_files().items():
        if not store.exists(key):
            store.replace(key, content)


def read_inventory(store: BlobStore, object_id: str) -> Inventory:
    """The inventory of an object, checked against its sidecar.

    Raises FileNotFoundError and BrokenInventory; try `repair` after the latter.
    """
    return _read_checked(store, object_path(object_id))


def _read_checked(store: BlobStore, folder: str) -> Inventory:
    content = store.read(f"{folder}/{INVENTORY}")
    for _ in range(_READS):
        try:
            promised = store.read(f"{folder}/{SIDECAR}")
        except FileNotFoundError:
            raise BrokenInventory("no sidecar") from None
        if promised.split() == sidecar(content).split():
            return Inventory.parse(content)
        content = store.read(f"{folder}/{INVENTORY}")
    raise BrokenInventory("the sidecar has another digest")


def files_of(inventory: Inventory, version: str = "") -> dict[str, str]:
    """Content paths below the object by logical path, for a version (the newest without one).

    Raises KeyError for an unknown version.
    """
    number = int(version[1:]) if re.fullmatch("v[1-9][0-9]*", version) else 0
    if version and not 1 <= number <= len(inventory.versions):
        raise KeyError(version)
    state = inventory.versions[number - 1].state
    return {path: inventory.content_path(digest) for path, digest in state.items()}


def publish_object(store: BlobStore, folder: Path, object_id: str) -> None:
    """Move a folder made by `write_object` into the store, whole.

    Raises FileExistsError when the object is there: the caller asks whether it is the same.
    """
    store.place(folder, object_path(object_id))


def publish_version(store: BlobStore, folder: Path, inventory: Inventory) -> None:
    """Move a folder made by `write_version` into the store and make it the head.

    Raises FileExistsError when another writer was first.  Killed between two writes, `repair`
    finishes: the version folder carries the complete inventory.
    """
    key = object_path(inventory.object_id)
    store.place(folder, f"{key}/{inventory.head}")
    _set_head(store, key, inventory.to_bytes())


def _set_head(store: BlobStore, key: str, content: bytes) -> None:
    store.replace(f"{key}/{INVENTORY}", content)
    store.replace(f"{key}/{SIDECAR}", sidecar(content))


class Repair(StrEnum):
    """What `repair` found and did."""

    SOUND = "sound"  # nothing to do
    FINISHED = "finished"  # a version that was stored is now the head
    UNDONE = "undone"  # an unfinished version was removed


def repair(store: BlobStore, object_id: str) -> Repair:
    """Bring an object to a whole state after an interrupted `publish_version`.  Idempotent.

    Nobody else may write to the object meanwhile.  Raises FileNotFoundError without an object, and
    BrokenInventory for what no interruption leaves: that is damage, and nothing is touched.
    """
    key = object_path(object_id)
    head = Inventory.parse(store.read(f"{key}/{INVENTORY}"))  # replaced whole or not at all
    newer = sorted(
        _versions_in_store(store, key) - {f"v{n + 1}" for n in range(len(head.versions))}
    )
    whole = _whole_version(store, key, newer[0]) if newer else None
    done = Repair.SOUND
    if whole is not None:
        head, done = whole, Repair.FINISHED
    for name in newer if whole is None else newer[1:]:
        store.delete(f"{key}/{name}")
        done = Repair.UNDONE
    if done is Repair.FINISHED or not _has_sidecar(store, key):
        kept = store.read(f"{key}/{head.head}/{INVENTORY}")
        if Inventory.parse(kept) != head:
            raise BrokenInventory(f"the root and {head.head} differ in {key}")
        _set_head(store, key, kept)
        done = Repair.FINISHED
    return done


def _has_sidecar(store: BlobStore, key: str) -> bool:
    try:
        _read_checked(store, key)
    except BrokenInventory:
        return False
    return True


def _whole_version(store: BlobStore, key: str, name: str) -> Inventory | None:
    """The inventory of a version folder when all that it names is there."""
    try:
        inventory = _read_checked(store, f"{key}/{name}")
    except (BrokenInventory, FileNotFoundError):
        return None
    paths = [path for paths in inventory.manifest.values() for path in paths]
    complete = inventory.head == name and all(store.exists(f"{key}/{path}") for path in paths)
    return inventory if complete else None


def _versions_in_store(store: BlobStore, key: str) -> set[str]:
    parts = (path.removeprefix(f"{key}/").split("/", 1)[0] for path in store.keys(key))
    return {part for part in parts if re.fullmatch("v[1-9][0-9]*", part)}
