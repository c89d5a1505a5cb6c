"""Small secret files: of mode 0600, whole or not at all, on the disk when a call returns."""

import ctypes
import os
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path

PARTIAL = ".partial-"
_syncfs = getattr(ctypes.CDLL(None), "syncfs", None)  # Linux; elsewhere each file is synced
_MANY = 8  # files from which one sync of the file system is cheaper


def make_folder(folder: Path) -> None:
    """A folder that only its owner enters, and the ones above it."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    for one in reversed(missing):
        one.mkdir(mode=0o700, exist_ok=True)
        sync(one.parent)


def write_new(contents: Mapping[Path, bytes]) -> set[Path]:
    """Write files that are not there, with one wait for the disk; those that were there stay.

    The bytes are on the disk before a name of theirs is.  Returns the files that were there.
    """
    parts = {file: _write_part(file, content) for file, content in contents.items()}
    present = set()
    try:
        _sync_files(parts.values())
        for file, part in parts.items():
            try:
                os.link(part, file)  # unlike rename, refuses a target that is there
            except FileExistsError:
                present.add(file)
    finally:
        for part in parts.values():
            part.unlink(missing_ok=True)
    for folder in {file.parent for file in contents}:
        sync(folder)
    return present


def write_over(file: Path, content: bytes) -> None:
    """Replace a file: a reader sees the old bytes or the new ones."""
    part = _write_part(file, content)
    try:
        sync(part)
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
    sync(file.parent)


def shred(file: Path) -> bool:
    """Overwrite a file and remove it; whether it was there.

    Disks and file systems that write elsewhere keep old copies: that is why what lies here is
    encrypted once more, and a changed master key makes every old copy worthless.
    """
    try:
        with file.open("r+b", buffering=0) as stream:
            stream.write(b"\0" * os.fstat(stream.fileno()).st_size)
            os.fsync(stream.fileno())
    except FileNotFoundError:
        return False
    file.unlink(missing_ok=True)
    sync(file.parent)
    return True


def sync(place: Path) -> None:
    """Make a file, or the names in a folder, durable."""
    handle = os.open(place, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _write_part(file: Path, content: bytes) -> Path:
    make_folder(file.parent)
    part = file.parent / f"{PARTIAL}{secrets.token_hex(8)}"
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb", buffering=0) as stream:
        stream.write(content)
    return part


def _sync_files(parts: Iterable[Path]) -> None:
    files = list(parts)
    if len(files) >= _MANY and _syncfs is not None:
        handle = os.open(files[0], os.O_RDONLY)
        try:
            if _syncfs(handle) == 0:
                return
        finally:
            os.close(handle)
    for file in files:
        sync(file)
