"""OCFL objects and storage roots, validated with ocfl-py.

ocfl-py gives every verdict right; for six kinds of fault it reports another code than the
specification has for them, and those are added here (`_MORE_CHECKS`).
"""

import json
import logging
import re
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ocfl.layout_0003_hash_and_id_n_tuple import (  # type: ignore[import-untyped]  # no types
    Layout_0003_Hash_And_Id_N_Tuple,
)
from ocfl.layout_registry import add_layout  # type: ignore[import-untyped]  # ships no types
from ocfl.storage_root import StorageRoot  # type: ignore[import-untyped]  # ships no types
from ocfl.validator import Validator  # type: ignore[import-untyped]  # ships no types

from liandong.kernel.packages.ocfl import LAYOUT, object_path, root_files
from liandong.kernel.ports import PackageFault

_log = logging.getLogger(__name__)
_LINE = re.compile(r"\[([EW][0-9]{3})[a-z]?\] (.*?)(?: \(see https?://\S+\))?", re.DOTALL)
_MOST_INVENTORY_BYTES = 256 << 20


class _HashedNTuples(Layout_0003_Hash_And_Id_N_Tuple):  # type: ignore[misc]  # ships no types
    """OCFL extension 0004, registered with OCFL and unknown to ocfl-py 2.1 (it says E071)."""

    def __init__(self) -> None:
        super().__init__()
        self.NAME = LAYOUT
        checks: dict[str, Callable[[object], None]] = self.PARAMS  # type: ignore[has-type]  # no types
        self.PARAMS = checks | {"shortObjectRoot": lambda _: None}


add_layout(LAYOUT, _HashedNTuples)


class OcflValidator:
    """A `PackageValidator` for OCFL 1.0 and 1.1."""

    def __init__(self) -> None:
        self.version = f"ocfl-py {version('ocfl-py')}"

    def validate(self, path: Path, *, check_digests: bool = True) -> list[PackageFault]:
        """What is wrong with an object or a storage root, errors and warnings."""
        if any(path.glob("0=ocfl_[0-9]*")):
            return list(_root_faults(path, check_digests))
        return _object_faults(path, "", check_digests)


def _object_faults(path: Path, where: str, check_digests: bool) -> list[PackageFault]:
    if _has_link(path):
        return [PackageFault("E090", True, "The object contains a symbolic link", where)]
    validator = Validator(log_warnings=True, check_digests=check_digests)
    faults: list[PackageFault] = []
    try:
        validator.validate_object(str(path.absolute()))
    except Exception as error:  # noqa: BLE001 - the library must not end a whole check
        _log.warning("ocfl-py failed", extra={"object": where}, exc_info=True)
        faults.append(PackageFault("E000", True, f"{type(error).__name__}: {error}"[:300], where))
    faults += [_fault(message, where) for message in validator.log.messages]
    told = {fault.code for fault in faults}
    faults += [
        PackageFault(code, True, text, where) for code, text in _more(path) if code not in told
    ]
    return list(dict.fromkeys(faults))


def _fault(message: str, where: str) -> PackageFault:
    match = _LINE.fullmatch(message)
    if match is None:  # a code that the library raises and has no text for
        code = re.search(r"\b[EW][0-9]{3}\b", message[:60])
        return PackageFault(code[0] if code else "E000", True, message[:300], where)
    return PackageFault(match[1], match[1].startswith("E"), match[2], where)


def _has_link(path: Path) -> bool:
    return path.is_symlink() or any(entry.is_symlink() for entry in path.rglob("*"))


def _root_faults(path: Path, check_digests: bool) -> Iterator[PackageFault]:
    """Faults of the storage root itself, then of every object in it."""
    root = StorageRoot(str(path.absolute()))
    root.registered_extensions = [*root.registered_extensions, LAYOUT]
    try:
        root.validate(validate_objects=False, log_warnings=True)
        places = [str(place).strip("/") for place in root.object_paths()]
    except Exception as error:  # noqa: BLE001 - the library must not end a whole check
        _log.warning("ocfl-py failed", exc_info=True)
        yield PackageFault("E000", True, f"{type(error).__name__}: {error}"[:300])
        return
    yield from dict.fromkeys(_fault(message, "") for message in root.log.messages)
    for place in places:
        yield from _object_faults(path / place, place, check_digests)
        yield from _misplaced(path, place)


def _misplaced(path: Path, place: str) -> Iterator[PackageFault]:
    """An object at another place than the layout gives it (ocfl-py does not look)."""
    config = f"extensions/{LAYOUT}/config.json"
    inventory = _inventory(path / place / "inventory.json") or {}
    if _inventory(path / config) != json.loads(root_files()[config]):
        return  # another layout, or other parameters
    if isinstance(inventory.get("id"), str) and object_path(inventory["id"]) != place:
        text = "The object is not where the layout of the root places its id"
        yield PackageFault("LAYOUT", True, text, place)


# What ocfl-py tells by another code ---------------------------------------------------------------

_Inventory = Mapping[str, Any]


def _more(path: Path) -> Iterator[tuple[str, str]]:
    root = _inventory(path / "inventory.json")
    if root is None:
        return
    for check in _MORE_CHECKS:
        try:
            yield from check(path, root)
        except (AttributeError, KeyError, TypeError):  # malformed: ocfl-py has said so
            continue


def _inventory(path: Path) -> _Inventory | None:
    try:
        if path.stat().st_size > _MOST_INVENTORY_BYTES:
            return None
        known = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return known if isinstance(known, dict) else None


def _missing_versions(path: Path, root: _Inventory) -> Iterator[tuple[str, str]]:
    for name in root["versions"]:
        if re.fullmatch("v[0-9]+", name) and not (path / name).is_dir():
            yield "E010", f"Version {name} of the sequence is missing"


def _mixed_padding(path: Path, root: _Inventory) -> Iterator[tuple[str, str]]:
    on_disk = (entry.name for entry in path.iterdir() if entry.is_dir())
    names = {name for name in (*root["versions"], *on_disk) if re.fullmatch("v[0-9]+", name)}
    padded = {name for name in names if name.startswith("v0")}
    if padded and (padded != names or len({len(name) for name in padded}) > 1):
        yield "E013", "Version directories do not share one naming convention"


def _content_directory(root: _Inventory) -> str:
    return str(root.get("contentDirectory", "content"))


def _content_elsewhere(path: Path, root: _Inventory) -> Iterator[tuple[str, str]]:
    inside = re.compile(rf"v[0-9]+/{re.escape(_content_directory(root))}/.+")
    for paths in root["manifest"].values():
        for name in paths:
            if (path / name).is_file() and inside.fullmatch(name) is None:
                yield "E015", f"Content file {name} is outside of the content directory"


def _version_inventories(path: Path) -> Iterator[tuple[str, _Inventory]]:
    for entry in sorted(path.iterdir()):
        if re.fullmatch("v[0-9]+", entry.name):
            inventory = _inventory(entry / "inventory.json")
            if inventory is not None:
                yield entry.name, inventory


def _other_content_directory(path: Path, root: _Inventory) -> Iterator[tuple[str, str]]:
    for name, inventory in _version_inventories(path):
        if _content_directory(inventory) != _content_directory(root):
            yield "E019", f"The inventory of {name} has another contentDirectory than the root"


def _wrong_head(path: Path, root: _Inventory) -> Iterator[tuple[str, str]]:
    for name, inventory in _version_inventories(path):
        if inventory.get("head") != name:
            yield "E040", f"The inventory of {name} has head {inventory.get('head')!r}"


def _fixity_paths(path: Path, root: _Inventory) -> Iterator[tuple[str, str]]:
    blocks = root.get("fixity", {}).values()
    for name in [name for block in blocks for names in block.values() for name in names]:
        if name.startswith("/") or name.endswith("/"):
            yield "E100", f"Fixity path {name} begins or ends with /"
        if {"", ".", ".."} & set(name.strip("/").split("/")):
            yield "E099", f"Fixity path {name} has an empty part, . or .."


_MORE_CHECKS: tuple[Callable[[Path, _Inventory], Iterator[tuple[str, str]]], ...] = (
    _missing_versions,
    _mixed_padding,
    _content_elsewhere,
    _other_content_directory,
    _wrong_head,
    _fixity_paths,
)
