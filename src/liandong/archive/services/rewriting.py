"""The history of an object in its other form: sealed for the store, plain for an export.

OCFL keeps every version for ever, so a new version alone would leave the plain bytes of the former
ones in place.  The whole object is written again beside the store, same versions, same times and
persons, and takes the place of the old one at once.  Source: OCFL 1.1 implementation notes
(an object with content to be purged is rebuilt).
"""

import hashlib
import json
import logging
import shutil
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from uuid import UUID

from django.conf import settings

from liandong.archive.models import Record
from liandong.kernel.packages import DigestMismatch
from liandong.kernel.packages.ocfl import (
    OBJECT_DECLARATION,
    Inventory,
    Version,
    object_path,
    read_inventory,
    sidecar,
    write_version,
)
from liandong.kernel.sealed import Algorithm, DataKey

from . import objects
from .admission import Event
from .contents import (
    DESCRIPTOR,
    PLAIN,
    Contents,
    PlainFact,
    Source,
    contents_of,
    descriptor,
    names_in_sealed,
    seal_contents,
    seal_file,
    stored,
)
from .correcting import changed_files, follow, next_packed, object_lock, recover
from .keyring import ensure_keys, key_of
from .objects import blob_store, record_urn
from .packing import TOOL, workspace

logger = logging.getLogger(__name__)


# Sealing what is there ----------------------------------------------------------------------------


def encrypt_record(record: Record, algorithm: Algorithm, *, by: str, now: datetime) -> Record:
    """Seal the object of a record, all versions, and add one that says so; the record as it is now.

    An encrypted record stays as it is.  Killed, the object is the old one or the new one, and
    calling again finishes.  Raises BrokenObject, CannotOpen, DigestMismatch, OSError (also when
    the file system cannot exchange folders).
    """
    with object_lock(record.object_id):
        record = recover(record)
        if not record.encryption:
            _seal_object(record, algorithm, by=by, now=now)
            record = follow(record, objects.read_object(record.object_id))
            logger.info("archive.encrypted id=%s by=%s", record.pk, by)
        forget_cache(record.object_id)
    return record


def forget_cache(object_id: UUID) -> None:
    """Remove what the cache holds of a record: it may be plain, or of a former key."""
    for kind in ("tiles", "thumbs", "masked"):
        with suppress(FileNotFoundError):
            shutil.rmtree(Path(settings.CACHE) / kind / str(object_id))


def _seal_object(record: Record, algorithm: Algorithm, *, by: str, now: datetime) -> None:
    urn = record_urn(record.object_id)
    held, kept = contents_of(urn), objects.read_object(record.object_id)
    key = ensure_keys([urn], algorithm, now=now)[urn]
    detail = {"algorithm": algorithm.words, "key": key.id.hex()}
    event = Event("encryption", now, by, TOOL, "success", detail)
    packed = replace(
        next_packed(record, kept, record.description, event), encryption=key.algorithm.name
    )
    with workspace() as folder:
        order = [file.path for file in kept.files]
        inventory, facts = _sealed_history(held, order, key, folder / "object", folder / "sealed")
        changes = changed_files(kept, packed, folder, held)
        plain: dict[str, tuple[Source, str]] = {path: (one, "") for path, one in changes.items()}
        head = f"v{len(inventory.versions) + 1}"
        sealed = seal_contents(urn, head, key, plain, folder / "head", known=facts)
        inventory = write_version(
            folder / "object" / head, inventory, sealed.contents,
            message="加密存储", user=by, created=now,
        )  # fmt: skip
        _write_root(folder / "object", inventory)
        blob_store().exchange(folder / "object", object_path(urn))


def _sealed_history(
    held: Contents, order: Sequence[str], key: DataKey, folder: Path, work: Path
) -> tuple[Inventory, Mapping[str, PlainFact]]:
    """Every version of a plain object, sealed, below `folder`; and the facts of the newest."""
    inventory = held.inventory
    every = {path: None for version in inventory.versions for path in version.state}
    names = names_in_sealed([*order, *(path for path in every if path not in set(order))])
    history = _History(inventory.object_id, folder, work)
    facts: dict[str, tuple[int, str]] = {}  # by old digest
    moved: dict[str, str] = {}  # new digest by old
    for digest, (place, *_) in inventory.manifest.items():
        head, _, path = place.split("/", 2)
        source = stored(inventory.object_id, place, None)
        size, moved[digest] = history.seal(head, names[path], source, key, digest)
        facts[digest] = (size, digest)
    outside = history.put(f"v1/content/{DESCRIPTOR}", descriptor(inventory.object_id, key))
    known: dict[str, PlainFact] = {}
    versions = []
    for number, version in enumerate(inventory.versions, 1):
        known = {path: PlainFact(names[path], *facts[one]) for path, one in version.state.items()}
        inside = json.dumps(known, ensure_ascii=False, sort_keys=True).encode()
        state = {names[path]: moved[one] for path, one in version.state.items()}
        state[PLAIN] = history.seal(f"v{number}", PLAIN, inside, key, "")[1]
        versions.append(replace(version, state=state | {DESCRIPTOR: outside}))
    return history.finish(versions), known


# Plain, for an export -----------------------------------------------------------------------------


def write_plain_object(object_id: str, folder: Path) -> None:
    """Write a sealed object as a plain one, all versions, below `folder`, which must not exist.

    Raises FileExistsError, CannotOpen, BrokenInventory, DigestMismatch, OSError; what was written
    stays for the caller to remove.
    """
    inventory, key = read_inventory(blob_store(), object_id), key_of(object_id)
    folder.mkdir(parents=True)
    history = _History(object_id, folder, folder)
    facts = [_facts(inventory, version, key) for version in inventory.versions]
    called = {(number, fact.at): (path, fact.sha512)
              for number, known in enumerate(facts, 1) for path, fact in known.items()}  # fmt: skip
    moved: dict[str, str] = {}
    for digest, (place, *_) in inventory.manifest.items():
        head, _, at = place.split("/", 2)
        if at not in {DESCRIPTOR, PLAIN}:
            path, expected = called[_number(head), at]
            source = stored(object_id, place, key)
            moved[digest] = history.copy(f"{head}/content/{path}", source, expected)
    versions = [
        replace(
            version, state={path: moved[version.state[fact.at]] for path, fact in known.items()}
        )
        for version, known in zip(inventory.versions, facts, strict=True)
    ]
    _write_root(folder, history.finish(versions))


def _facts(inventory: Inventory, version: Version, key: DataKey) -> dict[str, PlainFact]:
    place = inventory.content_path(version.state[PLAIN])
    known = json.loads(stored(inventory.object_id, place, key).read_bytes())
    return {path: PlainFact(*fact) for path, fact in known.items()}


# Both ---------------------------------------------------------------------------------------------


class _History:
    """An object that is written version by version as a local folder."""

    def __init__(self, object_id: str, folder: Path, work: Path) -> None:
        self._id, self._folder, self._work = object_id, folder, work
        self._manifest: dict[str, tuple[str, ...]] = {}

    def seal(
        self, version: str, at: str, source: Source, key: DataKey, expected: str
    ) -> tuple[int, str]:
        """Put a sealed content; the plain size, and the digest of what is stored."""
        place = f"{version}/content/{at}"
        size, sha512, content = seal_file(self._id, place, key, source, self._target(place))
        if expected and sha512 != expected:
            raise DigestMismatch(at, "SHA-512", expected, sha512)
        return size, self._listed(content.sha512, place)

    def put(self, place: str, content: bytes) -> str:
        """Put bytes as they are; their digest."""
        self._target(place).write_bytes(content)
        return self._listed(hashlib.sha512(content).hexdigest(), place)

    def copy(self, place: str, source: Source, expected: str) -> str:
        """Put a plain content; its digest.  Raises DigestMismatch."""
        digest, target = hashlib.sha512(), self._target(place)
        with source.open("rb") as stream, target.open("xb") as out:  # type: ignore[union-attr]
            while block := stream.read(1 << 20):
                digest.update(block)
                out.write(block)
        if digest.hexdigest() != expected:
            raise DigestMismatch(place, "SHA-512", expected, digest.hexdigest())
        return self._listed(expected, place)

    def finish(self, versions: Iterable[Version]) -> Inventory:
        """Write the inventory of every version; the newest."""
        done: tuple[Version, ...] = ()
        for number, version in enumerate(versions, 1):
            done = (*done, version)
            inventory = Inventory(self._id, done, self._manifest_of(number))
            (self._folder / f"v{number}").mkdir(parents=True, exist_ok=True)
            _write_inventory(self._folder / f"v{number}", inventory)
        return inventory

    def _manifest_of(self, number: int) -> dict[str, tuple[str, ...]]:
        """The contents that were there in a version."""
        found: dict[str, tuple[str, ...]] = {}
        for digest, paths in self._manifest.items():
            if inside := tuple(one for one in paths if _number(one) <= number):
                found[digest] = inside
        return found

    def _target(self, place: str) -> Path:
        target = self._folder / place
        target.parent.mkdir(parents=True, exist_ok=True)
        return target

    def _listed(self, digest: str, place: str) -> str:
        self._manifest[digest] = (*self._manifest.get(digest, ()), place)
        return digest


def _number(content_path: str) -> int:
    return int(content_path.split("/", 1)[0][1:])


def _write_root(folder: Path, inventory: Inventory) -> None:
    (folder / OBJECT_DECLARATION[0]).write_bytes(OBJECT_DECLARATION[1])
    _write_inventory(folder, inventory)


def _write_inventory(folder: Path, inventory: Inventory) -> None:
    content = inventory.to_bytes()
    (folder / "inventory.json").write_bytes(content)
    (folder / "inventory.json.sha512").write_bytes(sidecar(content))
