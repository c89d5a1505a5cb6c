"""Small objects of the archive's own papers in the store: holds, destruction lists, certificates.

What is `inside` is sealed when new objects are; what is `outside` stays readable without keys.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from liandong.kernel.packages.ocfl import (
    Content,
    Inventory,
    object_path,
    prepare_root,
    publish_object,
    publish_version,
    read_inventory,
    repair,
    write_object,
    write_version,
)

from .contents import Contents, contents_of, seal_contents, version_contents
from .keyring import algorithm_in_use, ensure_keys
from .objects import blob_store
from .packing import workspace

Papers = Mapping[str, bytes]  # by logical path


def keep_paper(
    urn: str, inside: Papers, outside: Papers, *, message: str, by: str, now: datetime
) -> None:
    """Write the object, or a version with what changed; the same again writes nothing.

    Raises BrokenInventory, CannotOpen, OSError.
    """
    store = blob_store()
    prepare_root(store)
    with workspace() as folder:
        if not has_paper(urn):
            contents = _first(urn, inside, folder, now) | _plain(outside)
            write_object(folder / "object", urn, contents, message=message, user=by, created=now)
            publish_object(store, folder / "object", urn)
            return
        repair(store, urn)
        held = contents_of(urn)
        contents = _changed(held, inside, outside, folder)
        if contents:
            inventory = write_version(folder / "version", held.inventory, contents,
                                      message=message, user=by, created=now)  # fmt: skip
            publish_version(store, folder / "version", inventory)


def has_paper(urn: str) -> bool:
    """Whether there is such an object."""
    return blob_store().exists(f"{object_path(urn)}/inventory.json")


def read_paper(urn: str, path: str) -> bytes:
    """What is inside.  Raises FileNotFoundError, BrokenInventory, KeyError, CannotOpen."""
    return contents_of(urn).read(path)


def read_outside(urn: str, path: str) -> bytes:
    """What is for everyone; asks for no key.

    Raises FileNotFoundError, BrokenInventory and KeyError.
    """
    repair(blob_store(), urn)
    inventory = read_inventory(blob_store(), urn)
    return blob_store().read(f"{object_path(urn)}/{_place(inventory, path)}")


def _place(inventory: Inventory, path: str) -> str:
    return inventory.content_path(inventory.versions[-1].state[path])


def _first(urn: str, inside: Papers, folder: Path, now: datetime) -> dict[str, Content]:
    algorithm = algorithm_in_use()
    if algorithm is None:
        return _plain(inside)
    key = ensure_keys([urn], algorithm, now=now)[urn]
    plain = {path: (content, "") for path, content in inside.items()}
    return dict(seal_contents(urn, "v1", key, plain, folder / "sealed").contents)


def _changed(held: Contents, inside: Papers, outside: Papers, folder: Path) -> dict[str, Content]:
    known = {path: held.sha512(path) for path in held.paths}
    state = held.inventory.versions[-1].state
    fresh = {path: one for path, one in inside.items() if known.get(path) != _sha512(one)}
    more = {path: one for path, one in outside.items() if state.get(path) != _sha512(one)}
    sealed = dict(version_contents(held, fresh, folder / "sealed")) if fresh else {}
    return sealed | _plain(more)


def _plain(papers: Papers) -> dict[str, Content]:
    return {path: Content(content) for path, content in papers.items()}


def _sha512(content: bytes) -> str:
    return hashlib.sha512(content).hexdigest()
