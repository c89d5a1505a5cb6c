"""Copies of a remote store on this machine: files in a folder, and streams that read by ranges."""

import hashlib
import os
import re
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from liandong.kernel.seekable import SizedStream

from .keys import PARTIAL

BLOCK: Final = 1 << 20  # bytes of one ranged request
_IN_USE_S: Final = 600  # a copy asked for so lately is never removed: somebody opens it
_OLD_S: Final = 24 * 3600
_SCAN_SHARE: Final = 20  # the folder is measured each time this part of its bound was fetched

Fetch = Callable[[int, int], bytes]  # start and end (exclusive) of a range


class Piece(NamedTuple):
    """The beginning of an object, and what it is."""

    size: int  # of the whole object
    etag: str
    start: bytes


class RangedStream(SizedStream):
    """An object read by ranges as they are asked for; the beginning is known already."""

    def __init__(self, piece: Piece, fetch: Fetch) -> None:
        self._piece, self._fetch, self.size = piece, fetch, piece.size

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        end = min(self.at + len(buffer), self.size)
        if end <= self.at:
            return 0
        known = self._piece.start
        if self.at < len(known):
            content = known[self.at : min(end, len(known))]
        else:
            content = self._fetch(self.at, end)
        buffer[: len(content)] = content
        self.at += len(content)
        return len(content)


class LocalCopies:
    """A folder of copies, bounded in bytes; those used longest ago go first.

    A name is made of key and ETag, so a copy is never stale; it appears whole by a rename, and
    what a kill left half is swept.
    """

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self._folder, self._most_bytes = folder, most_bytes
        self._unmeasured = most_bytes  # bytes fetched since the folder was measured

    def get(self, key: str, etag: str, size: int, write: Callable[[Path], None]) -> Path:
        """The copy of this key and ETag, written when it is not there."""
        name = hashlib.sha256(key.encode()).hexdigest()
        mark = hashlib.sha256(etag.encode()).hexdigest()[:16]
        ending = re.sub(r"[^.0-9A-Za-z]", "", Path(key).suffix)[:12]
        copy = self._folder / name[:2] / f"{name}-{mark}{ending}"
        try:
            if copy.stat().st_size == size:
                os.utime(copy)
                return copy
        except FileNotFoundError:
            pass
        self._make_room(size)
        copy.parent.mkdir(parents=True, exist_ok=True)
        part = copy.with_name(f"{PARTIAL}{secrets.token_hex(8)}")
        try:
            write(part)
            if part.stat().st_size != size:
                raise OSError(f"{part.stat().st_size} of {size} bytes of {key}")
            part.replace(copy)
        finally:
            part.unlink(missing_ok=True)
        return copy

    def _make_room(self, size: int) -> None:
        self._unmeasured += size
        if self._unmeasured < self._most_bytes // _SCAN_SHARE:
            return
        self._unmeasured = 0
        now_s, copies = time.time(), []
        for file in self._folder.rglob("*") if self._folder.is_dir() else ():
            try:
                known = file.stat()
            except FileNotFoundError:
                continue
            if file.is_file():
                copies.append((known.st_mtime, known.st_size, file))
        total = sum(bytes_ for _, bytes_, _ in copies) + size
        for used_s, bytes_, file in sorted(copies):
            idle_s = now_s - used_s
            if file.name.startswith(PARTIAL):
                removable = idle_s > _OLD_S
            else:
                removable = total > self._most_bytes and idle_s > _IN_USE_S
            if removable:
                file.unlink(missing_ok=True)
                total -= bytes_

    def forget(self, key: str) -> None:
        """Remove the copies of a key."""
        name = hashlib.sha256(key.encode()).hexdigest()
        for copy in (self._folder / name[:2]).glob(f"{name}-*"):
            copy.unlink(missing_ok=True)

    def sweep(self, older_than_s: float) -> None:
        """Remove copies that nobody asked for so long: another machine may have destroyed them."""
        now_s = time.time()
        for copy in self._folder.rglob("*") if self._folder.is_dir() else ():
            if copy.is_file() and now_s - copy.stat().st_mtime > older_than_s:
                copy.unlink(missing_ok=True)
