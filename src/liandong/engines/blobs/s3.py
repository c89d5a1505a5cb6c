"""Bytes by key in a bucket of an S3 server: write once by If-None-Match, read by ranges.

S3 has no rename.  A folder is placed by writing its files and, last of all, the one by which
readers find it: the root `inventory.json` of an OCFL object, else the last by name.  Until that
one is there the folder is not.  A note in the bucket says meanwhile what is being written, so that
listings leave it out and the next call goes on with what a kill left.
See docs/adr/0261-objects-on-s3.md.
"""

import errno
import hashlib
import io
import logging
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple, cast

from liandong.kernel.ports import StoreUnavailable

from .keys import parts_of
from .s3_bucket import Access, Bucket, Protection
from .s3_local import BLOCK, LocalCopies, RangedStream
from .s3_notes import Exchange, Note, Notes
from .s3_objects import Objects

logger = logging.getLogger(__name__)
_AT_ONCE: Final = 16  # requests of one call under way together
_COPIES_BYTES: Final = 10 << 30
_INVENTORY: Final = "inventory.json"
_OLD_S: Final = 24 * 3600


class S3Blobs:
    """The blob port on a bucket; `prefix` stands before every key.

    `cache` is a folder of this machine for `path`, bounded by `cache_bytes`.  A request waits
    `timeout_s` and is tried again for `retry_s` at most; then StoreUnavailable.
    """

    def __init__(
        self,
        bucket: str,
        prefix: str = "",
        *,
        endpoint: str = "",
        region: str = "us-east-1",
        key: str = "",
        secret: str = "",
        cache: Path | str,
        cache_bytes: int = _COPIES_BYTES,
        timeout_s: float = 60,
        retry_s: float = 30,
    ) -> None:
        self._access = Access(bucket, prefix.strip("/"), endpoint, region, key, secret)
        self._bucket = Bucket(self._access)
        # whoever asks whether it is there wants to know soon
        self._quick = Objects(self._access, timeout_s=5, retry_s=1)
        self._objects = Objects(self._access, timeout_s=timeout_s, retry_s=retry_s)
        self._notes = Notes(self._objects)
        self._copies = LocalCopies(Path(cache), cache_bytes)
        self._versioned: bool | None = None  # not asked yet
        self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="s3")

    def close(self) -> None:
        """Let go of the threads."""
        self._pool.shutdown()

    # Reading --------------------------------------------------------------------------------------

    def open(self, key: str) -> BinaryIO:
        """A seekable stream that reads by ranges, 1 MiB at a time.  Raises FileNotFoundError."""
        parts_of(key)
        piece = self._objects.beginning(key)
        stream = RangedStream(piece, partial(self._objects.fetch, key, piece.etag))
        return cast("BinaryIO", io.BufferedReader(stream, BLOCK))

    def read(self, key: str) -> bytes:
        """All bytes.  Raises FileNotFoundError."""
        parts_of(key)
        return self._objects.read(key)

    def path(self, key: str) -> Path:
        """A copy on this machine that stays for ten minutes at least: never write to it.

        Raises FileNotFoundError.
        """
        parts_of(key)
        size, etag = self._objects.head(key)
        return self._copies.get(key, etag, size, partial(self._objects.copy_to, key))

    def exists(self, key: str) -> bool:
        """Whether there are bytes under the key; a folder of keys has none."""
        parts_of(key)
        return self._objects.has(key)

    def size(self, key: str) -> int:
        """Bytes under the key.  Raises FileNotFoundError."""
        parts_of(key)
        return self._objects.head(key)[0]

    def keys(self, prefix: str = "") -> Iterator[str]:
        """Every key that is the prefix or lies under it as a folder, sorted; unfinished ones not.

        Not of one moment: what is written meanwhile may be there or not.
        """
        if prefix:
            parts_of(prefix)
            if self._objects.has(prefix):
                yield prefix
        hidden = tuple(f"{folder}/" for folder in self._notes.unfinished(prefix))
        yield from sorted(key for key in self._below(prefix) if not key.startswith(hidden))

    def _below(self, prefix: str) -> set[str]:
        return set(self._objects.listed(prefix)) - {prefix}

    # Writing --------------------------------------------------------------------------------------

    def put(self, key: str, content: bytes) -> None:
        """Write once.  Raises FileExistsError if the key is there."""
        self._check(key)
        self._objects.create(key, content)

    def replace(self, key: str, content: bytes | Path) -> None:
        """Write or overwrite: a reader sees the old bytes or the new ones."""
        self._check(key)
        self._objects.overwrite(key, content)

    def place(self, folder: Path, key: str) -> None:
        """Place a finished local folder, all or nothing.  Raises FileExistsError."""
        if self.place_many({key: folder}):
            raise FileExistsError(errno.EEXIST, "already there", key)

    def place_many(self, folders: Mapping[str, Path]) -> frozenset[str]:
        """Place finished local folders, each all or nothing; those that were there already.

        What an interrupted call left is gone on with: files with the same bytes are not sent
        again.  Raises OSError when another process is placing the same folder with other bytes.
        """
        todo = [self._placing(key, folder) for key, folder in folders.items()]
        notes = self._notes.by_folder()
        present, waiting = set[str](), list[_Placing]()
        for one, there in zip(
            todo, self._pool.map(self._below, [one.key for one in todo]), strict=True
        ):
            if there and (f"{one.key}/{one.last}" in there or one.key not in notes):
                present.add(one.key)
            else:
                waiting.append(one._replace(left=there, note=notes.get(one.key)))
        if waiting:
            with self._notes.writing({one.key: one.last for one in waiting}):
                present |= self._send_folders(waiting)
        for one in waiting:
            if one.key not in present:
                shutil.rmtree(one.folder)
                if one.note is not None:
                    self._drop_when_finished(one.note)
        return frozenset(present)

    def _placing(self, key: str, folder: Path) -> "_Placing":
        files = _files(folder)
        for path in files:
            self._check(f"{key}/{path}")
        if not files:
            raise OSError(errno.EINVAL, "an empty folder cannot be placed", str(folder))
        return _Placing(key, folder, files, max(files, key=_rank))

    def _send_folders(self, folders: Iterable["_Placing"]) -> set[str]:
        """Write the contents of all folders, then the last file of each; who was there first."""
        jobs = [(one, path) for one in folders for path in one.files if path != one.last]
        self._each(lambda job: self._send(*job), jobs)
        for one in folders:  # what a former try left and this one has not
            self._remove(sorted(one.left - {f"{one.key}/{path}" for path in one.files}))
        return set(filter(None, self._pool.map(self._finish, folders)))

    def _send(self, one: "_Placing", path: str) -> None:
        """Write a file that is not the last of its folder; the same bytes there are welcome."""
        key, file = f"{one.key}/{path}", one.files[path]
        try:
            self._objects.create(key, file)
        except FileExistsError:
            if self._same(key, file):
                return
            if key not in one.left or one.note is None or one.note.is_alive():
                raise OSError(errno.EBUSY, "另一进程正在写入同一对象", key) from None
            self._objects.overwrite(key, file)

    def _same(self, key: str, file: Path) -> bool:
        with self.open(key) as there, file.open("rb") as here:
            return hashlib.file_digest(there, "sha512").digest() == (  # type: ignore[arg-type]
                hashlib.file_digest(here, "sha512").digest()
            )

    def _finish(self, one: "_Placing") -> str:
        """Write the last file; the key of the folder when another was first."""
        try:
            self._objects.create(f"{one.key}/{one.last}", one.files[one.last])
        except FileExistsError:
            return one.key
        return ""

    def _drop_when_finished(self, note: Note) -> None:
        lasts = [f"{key}/{last}" for key, last in note.folders.items()]
        if note.exchange is None and all(map(self._objects.has, lasts)):
            self._notes.drop(note)

    def exchange(self, folder: Path, key: str) -> None:
        """Put a finished local folder in the place of the one under the key.

        Files of new names first, then those of names in use, the last of the folder at the end;
        then the old ones go, with every version of theirs.  Killed before the last one, the old
        folder stands and the exchange is made again; after it, `sweep` removes what is left of the
        old one.  Raises FileNotFoundError when nothing is there.
        """
        old = self._below(key)
        if not old:
            raise FileNotFoundError(errno.ENOENT, "no such key", key)
        one = self._placing(key, folder)
        new = {f"{key}/{path}": file for path, file in one.files.items()}
        last = f"{key}/{one.last}"
        with one.files[one.last].open("rb") as stream:
            sha512 = hashlib.file_digest(stream, "sha512").hexdigest()
        with self._notes.writing({}, Exchange(key, sorted(new), last, sha512)):
            fresh = [path for path in new if path not in old and path != last]
            self._each(lambda path: self._objects.overwrite(path, new[path]), fresh)
            used = [f"{key}/{path}" for path in sorted(one.files, key=_rank)]
            sidecars = [path for path in used if path.startswith(f"{last}.")]  # behind the last
            for path in [*(one_ for one_ in used if one_ not in {*fresh, *sidecars}), *sidecars]:
                self._objects.overwrite(path, new[path])
            self._clear(key, old - new.keys())
        shutil.rmtree(folder)

    def _clear(self, key: str, old: Iterable[str]) -> None:
        """Remove what an exchange left of the old folder, and former versions of what stays."""
        self._remove(sorted(old))
        if self._has_versions():
            self._purge(key, newest=False)

    def delete(self, prefix: str) -> None:
        """Delete the key or every key under the prefix, in a bucket with versions all of them.

        The file by which readers find a folder goes first, and the declaration of an OCFL object
        last: what a kill left is found by it.  Raises OSError where Object Lock holds a version.
        """
        parts_of(prefix)
        inside = {key.removeprefix(f"{prefix}/"): key for key in self._below(prefix)}
        root = [key for path, key in inside.items() if path == _INVENTORY]
        declared = [key for path, key in inside.items() if path.startswith("0=")]
        others = [key for key in inside.values() if key not in {*root, *declared}]
        for part in (root, [*others, prefix], declared):
            self._remove(part)
        if self._has_versions():
            self._purge(prefix, newest=True)

    def sweep(self, older_than_s: float = _OLD_S) -> int:
        """Remove what interrupted writes left, and copies that nobody asked for so long.

        Returns of how many calls.
        """
        self._copies.sweep(older_than_s)
        removed = 0
        for note in self._notes.all():
            if note.is_alive() or note.age_s() < older_than_s:
                continue
            for key, last in note.folders.items():
                if not self._objects.has(f"{key}/{last}"):
                    self._remove(sorted(self._below(key)))
            if note.exchange is not None and self._notes.is_done(note.exchange):
                key = note.exchange.folder
                self._clear(key, self._below(key) - set(note.exchange.stay))
            self._notes.drop(note)
            removed += 1
        return removed

    def _remove(self, keys: list[str]) -> None:
        for key in keys:
            self._copies.forget(key)
        self._objects.remove(keys)

    def _each(self, write: Callable[..., None], jobs: Iterable[object]) -> None:
        """Do all jobs, some at once; raises what the first that failed raised."""
        for _ in self._pool.map(write, jobs):
            pass

    def _check(self, key: str) -> None:
        parts_of(key)
        self._objects.whole(key)

    # The bucket -----------------------------------------------------------------------------------

    def protection(self) -> Protection:
        """What the bucket does against overwriting and deleting.  Raises OSError."""
        return self._bucket.protection()

    def state(self) -> str:
        """Where it is and how it protects its bytes.  Raises OSError when it is away."""
        self._quick.ask()
        try:
            told = str(self.protection())
        except StoreUnavailable:
            raise
        except OSError as error:  # these credentials may not ask
            told = f"versioning ?, object lock ? ({error.strerror})"
        place = "/".join(filter(None, (self._access.bucket, self._access.prefix)))
        return f"s3://{place} {self._access.endpoint or 'amazonaws.com'}, {told}"

    def _has_versions(self) -> bool:
        if self._versioned is None:
            try:
                self._versioned = bool(self.protection().versions)
            except StoreUnavailable:
                raise
            except OSError as error:  # these credentials may not ask; the doctor says so
                logger.warning("s3.versions_unknown error=%s", error)
                self._versioned = False
        return self._versioned

    def _purge(self, key: str, *, newest: bool) -> None:
        """Delete former versions for good, and the newest ones too, or those of deleted keys."""
        start = self._objects.whole(key)
        current = {self._objects.whole(one) for one in (*self._below(key), key)}
        for name, version, is_newest in list(self._bucket.versions(start)):
            inside = name == start or name.startswith(f"{start}/")
            if inside and (newest or not is_newest or name not in current):
                self._bucket.delete_version(name, version)


class _Placing(NamedTuple):
    """A folder to be placed."""

    key: str
    folder: Path
    files: Mapping[str, Path]  # by path in the folder
    last: str  # path of the file that makes it whole
    left: frozenset[str] | set[str] = frozenset()  # keys that a former try left
    note: Note | None = None  # of that try


def _files(folder: Path) -> dict[str, Path]:
    return {
        file.relative_to(folder).as_posix(): file
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def _rank(path: str) -> tuple[int, str]:
    """Order of writing: contents, inventories of versions, the root, its inventory at the end."""
    if path == _INVENTORY:
        return 4, path
    if "/" not in path:
        return (3 if path.startswith(_INVENTORY) else 2), path
    return int(path.rsplit("/", 1)[1].startswith(_INVENTORY)), path
