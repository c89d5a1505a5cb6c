"""Bytes by key in a folder of this machine."""

import ctypes
import errno
import os
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from .keys import PARTIAL as _PARTIAL
from .keys import BadKey, parts_of

__all__ = ["BadKey", "DiskBlobs"]
_syncfs = getattr(ctypes.CDLL(None), "syncfs", None)  # Linux; elsewhere every file system is synced
_renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2
_OLD_S = 24 * 3600  # a partial file older than this belongs to no one


class DiskBlobs:
    """The blob port on a folder.  With `durable`, writes are on the disk when calls return."""

    def __init__(self, folder: Path | str, durable: bool = True) -> None:
        self._folder = Path(folder)
        self._durable = durable

    def open(self, key: str) -> BinaryIO:
        """A readable stream.  Raises FileNotFoundError."""
        return self._file(key).open("rb")

    def read(self, key: str) -> bytes:
        """All bytes.  Raises FileNotFoundError."""
        return self._file(key).read_bytes()

    def path(self, key: str) -> Path:
        """The file itself: never write to it.  Raises FileNotFoundError."""
        return self._file(key)

    def exists(self, key: str) -> bool:
        """Whether there are bytes under the key; a folder of keys has none."""
        return self._place(key).is_file()

    def size(self, key: str) -> int:
        """Bytes under the key.  Raises FileNotFoundError."""
        return self._file(key).stat().st_size

    def keys(self, prefix: str = "") -> Iterator[str]:
        """Every key that is the prefix or lies under it as a folder, sorted; partial ones not."""
        start = self._place(prefix) if prefix else self._folder
        if start.is_file():
            yield prefix
        yield from sorted(self._below(start))

    def put(self, key: str, content: bytes) -> None:
        """Write once: all or nothing.  Raises FileExistsError if the key is there."""
        target = self._place(key)
        partial = self._written(target, content)
        try:
            os.link(partial, target)  # unlike rename, refuses a target that is there
        finally:
            partial.unlink()
        self._settle(target.parent)

    def replace(self, key: str, content: bytes | Path) -> None:
        """Write or overwrite: a reader sees the old bytes or the new ones."""
        target = self._place(key)
        partial = self._written(target, content)
        try:
            partial.replace(target)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
        self._settle(target.parent)

    def place(self, folder: Path, key: str) -> None:
        """Move a finished local folder under the key, all or nothing.

        Raises FileExistsError when something is there.  A folder of another file system is copied
        and then removed.
        """
        target = self._place(key)
        self._parents(target)
        if target.exists():
            raise FileExistsError(errno.EEXIST, "already there", str(target))
        self._sync_tree(folder)
        try:
            self._move(folder, target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            partial = target.parent / f"{_PARTIAL}{secrets.token_hex(8)}"
            shutil.copytree(folder, partial, symlinks=True)
            self._sync_tree(partial)
            self._move(partial, target)
            shutil.rmtree(folder)
        self._settle(target.parent)

    def place_many(self, folders: Mapping[str, Path]) -> frozenset[str]:
        """Move finished local folders under their keys, each all or nothing.

        One sync of the file system before the moves and one after, instead of one for every file:
        the bytes are on the disk before a name of theirs is.  Returns the keys that were there.
        """
        present: set[str] = set()
        self._sync_all()
        for key, folder in folders.items():
            target = self._place(key)
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                if target.exists():
                    raise FileExistsError(errno.EEXIST, "already there", str(target))
                self._move(folder, target)
            except FileExistsError:
                present.add(key)
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise
                self.place(folder, key)
        self._sync_all()
        return frozenset(present)

    def exchange(self, folder: Path, key: str) -> None:
        """Put a finished local folder in the place of the one under the key, at once.

        Raises FileNotFoundError when nothing is there, and OSError (EINVAL, ENOSYS) where the file
        system cannot exchange two names; then nothing has changed.
        """
        target = self._place(key)
        if not target.is_dir():
            raise FileNotFoundError(errno.ENOENT, "no such key", key)
        partial = target.parent / f"{_PARTIAL}{secrets.token_hex(8)}"
        try:
            shutil.copytree(folder, partial, symlinks=True, copy_function=_link_or_copy)
            self._sync_tree(partial)
            _exchange(partial, target)
            self._settle(target.parent)
        finally:
            shutil.rmtree(partial, ignore_errors=True)  # the old one, or ours when it failed
        shutil.rmtree(folder)

    def delete(self, prefix: str) -> None:
        """Delete the key or every key under the prefix; empty folders above go with it."""
        target = self._place(prefix)
        if target.is_dir() and not target.is_symlink():
            gone = target.parent / f"{_PARTIAL}{secrets.token_hex(8)}"
            target.rename(gone)  # at once for readers
            shutil.rmtree(gone)
        else:
            target.unlink(missing_ok=True)
        parent = target.parent
        while parent != self._folder and self._folder in parent.parents:
            try:
                parent.rmdir()
            except OSError:  # not empty, or not there
                if parent.exists():
                    break
            parent = parent.parent

    def state(self) -> str:
        """The folder.  Raises FileNotFoundError without one."""
        if not self._folder.is_dir():
            raise FileNotFoundError(errno.ENOENT, "no such folder", str(self._folder))
        return str(self._folder)

    def sweep(self, older_than_s: float = _OLD_S) -> int:
        """Remove what interrupted writes left; returns how many files and folders.

        Younger ones stay: another process may be writing them.
        """
        removed = 0
        now_s = time.time()
        for partial in list(self._folder.rglob(f"{_PARTIAL}*")):
            try:
                old = now_s - partial.lstat().st_mtime > older_than_s
            except FileNotFoundError:
                continue
            if old:
                removed += 1
                if partial.is_dir() and not partial.is_symlink():
                    shutil.rmtree(partial, ignore_errors=True)
                else:
                    partial.unlink(missing_ok=True)
        return removed

    # ----------------------------------------------------------------------------------------------

    def _place(self, key: str) -> Path:
        return self._folder.joinpath(*parts_of(key))

    def _file(self, key: str) -> Path:
        file = self._place(key)
        if not file.is_file():
            raise FileNotFoundError(errno.ENOENT, "no such key", key)
        return file

    def _below(self, start: Path) -> Iterator[str]:
        for folder, folders, files in os.walk(start):
            folders[:] = [name for name in folders if not name.startswith(_PARTIAL)]
            for name in files:
                if not name.startswith(_PARTIAL):
                    yield (Path(folder) / name).relative_to(self._folder).as_posix()

    def _parents(self, target: Path) -> None:
        missing = [one for one in (target.parent, *target.parent.parents) if not one.exists()]
        target.parent.mkdir(parents=True, exist_ok=True)
        for made in missing:
            self._settle(made.parent)

    def _written(self, target: Path, content: bytes | Path) -> Path:
        self._parents(target)
        partial = target.parent / f"{_PARTIAL}{secrets.token_hex(8)}"
        try:
            with partial.open("xb") as file:
                if isinstance(content, bytes):
                    file.write(content)
                else:
                    with content.open("rb") as source:
                        shutil.copyfileobj(source, file, 1 << 20)
                file.flush()
                if self._durable:
                    os.fsync(file.fileno())
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
        return partial

    def _move(self, folder: Path, target: Path) -> None:
        """Rename a folder; refused when the target is there, unless it is an empty folder."""
        try:
            folder.rename(target)
        except OSError as error:
            if error.errno in (errno.ENOTEMPTY, errno.ENOTDIR, errno.EEXIST):
                raise FileExistsError(errno.EEXIST, "already there", str(target)) from error
            raise

    def _sync_tree(self, folder: Path) -> None:
        if not self._durable:
            return
        for place, _, files in os.walk(folder, topdown=False):
            for name in files:
                if not (Path(place) / name).is_symlink():
                    _sync(Path(place) / name)
            _sync(Path(place))

    def _sync_all(self) -> None:
        """Make everything written so far to the file system of the store durable."""
        if not self._durable:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._folder, os.O_RDONLY)
        try:
            if _syncfs is None or _syncfs(descriptor) != 0:
                os.sync()
        finally:
            os.close(descriptor)

    def _settle(self, folder: Path) -> None:
        """Make the names in a folder durable."""
        if self._durable:
            _sync(folder)


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy2(source, target)


def _exchange(one: Path, other: Path) -> None:
    """Exchange two names in one step.  Linux only: renameat2 with RENAME_EXCHANGE."""
    if _renameat2 is None:
        raise OSError(errno.ENOSYS, "the system cannot exchange two names")
    names = os.fsencode(one), os.fsencode(other)
    if _renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(other))


def _sync(place: Path) -> None:
    descriptor = os.open(place, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
