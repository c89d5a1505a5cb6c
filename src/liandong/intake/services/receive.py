"""The one door: bytes are stored with their digests before any row names them."""

import hashlib
import os
import shutil
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction

from liandong.archive.models import Fonds
from liandong.base.audit import record_act
from liandong.base.models import Unit
from liandong.intake.models import Batch, HandedFile, ItemPage
from liandong.kernel.digests import Digests, copy_with_digests
from liandong.kernel.names import decode_zip_name

SUFFIX_MAX = 10
PATH_MAX = 1000  # characters of `HandedFile.path`
SYNC_ALL = 200  # above this many files one sync of the system is cheaper than one per file
ABANDONED = timedelta(days=1)  # a folder without a batch that nobody writes to any more
IGNORED = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})  # left by file managers


class NothingReceived(Exception):
    """The hand-over holds no file."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """One file at the door."""

    path: str  # in the hand-over, NFC, `/`
    source: Path
    original_name: str  # as it came
    modified_at: datetime | None = None
    digests: Digests | None = None  # known already: the file is linked, not copied
    is_link: bool = False  # a link, device or socket: told of, never opened


def incoming_files(root: Path) -> Iterator[Incoming]:
    """What is below `root` (or `root` itself when it is a file), sorted.

    Links and special files come as such: `receive` leaves them out and says so.
    Raises OSError for a folder that cannot be listed.
    """
    if root.is_file():
        yield _incoming(root, root.name)
        return
    for folder, folders, names in os.walk(root, onerror=_raise):
        folders.sort()
        links = [name for name in folders if (Path(folder) / name).is_symlink()]
        for name in sorted([*names, *links]):
            file = Path(folder) / name
            if name not in IGNORED:
                yield _incoming(file, file.relative_to(root).as_posix())


def _raise(error: OSError) -> None:
    raise error


def _incoming(file: Path, path: str) -> Incoming:
    modified = datetime.fromtimestamp(file.lstat().st_mtime, UTC)
    is_link = file.is_symlink() or not file.is_file()
    raw = os.fsencode(path)
    try:
        name, original = unicodedata.normalize("NFC", raw.decode()), path
    except UnicodeDecodeError:  # a disk written in GB 18030: the bytes are kept as hex
        name, original = decode_zip_name(raw, is_utf8=False), raw.hex()
    return Incoming(name, file, original, modified, is_link=is_link)


def receive(
    files: Iterable[Incoming],
    *,
    name: str,
    by: str,
    now: datetime,
    fonds: Fonds | None = None,
    unit: Unit | None = None,
    accept: bool = False,
    read: bool = True,
    mends: Batch | None = None,
    progress: Callable[[int, int], None] | None = None,
    uuid: UUID | None = None,
    process: Sequence[Mapping[str, str]] = (),
    level: int = 0,
) -> Batch:
    """Store the files and write the batch that names them.

    The same content handed over again before the first batch has ended goes on with that one;
    later it is a new batch that `repeats` the first.  `progress` gets files and bytes so far.
    With `uuid` a call that was cut off may be repeated: the batch of that id is what comes back.
    `process` is what was done to the documents before (act, at, by, and more): it becomes events.
    `level` is the least level of access that its records get (kernel.viewer).
    Raises NothingReceived, OSError (disk full: what was copied is taken away again).
    """
    if uuid and (known_batch := Batch.objects.filter(uuid=uuid).first()):
        return known_batch
    uuid = uuid or uuid4()
    folder = settings.STAGING / str(uuid)
    shutil.rmtree(folder, ignore_errors=True)  # of a call with this `uuid` that was cut off
    folder.mkdir(parents=True)
    handed = list(files)
    try:
        stored = _store(_apart([file for file in handed if not file.is_link]), folder, progress)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    if not stored:
        folder.rmdir()
        raise NothingReceived
    digest = _content_digest(stored)
    known = Batch.objects.filter(content_digest=digest, fonds=fonds, unit=unit)
    same = known.order_by("-id").first()
    if same and mends is None and same.ended_at is None:
        shutil.rmtree(folder)
        return same
    declared: dict[str, Any] = {
        "read": read,
        "links": [file.path for file in handed if file.is_link],
    }
    if process:
        declared["process"] = list(process)
    if level:
        declared["level"] = level
    return _write_rows(
        stored, uuid, digest,
        Batch(
            uuid=uuid, name=name, kind="", fonds=fonds, unit=unit, accept=accept,
            received_at=now, received_by=by, repeats=same, mends=mends,
            declared=declared,
        ),
    )  # fmt: skip


def _apart(files: list[Incoming]) -> list[Incoming]:
    """The files under different paths: two names may be one after NFC, or sent twice."""
    taken: set[str] = set()
    numbers: dict[str, int] = {}  # the last one given: many equal names must not take for ever
    kept = []
    for file in files:
        path = file.path if len(file.path) <= PATH_MAX else f"…/{file.path[-PATH_MAX + 100 :]}"
        place, wanted = PurePosixPath(path), path
        while path in taken:
            numbers[wanted] = numbers.get(wanted, 1) + 1
            path = str(place.with_name(f"{place.stem} ({numbers[wanted]}){place.suffix}"))
        taken.add(path)
        kept.append(file if path == file.path else replace(file, path=path))
    return kept


def _store(
    files: list[Incoming], folder: Path, progress: Callable[[int, int], None] | None
) -> list[tuple[Incoming, str, Digests]]:
    """Copy every file below `folder`, on as many threads as processors (digests free the lock)."""
    stored: list[tuple[Incoming, str, Digests]] = []
    size = 0
    with ThreadPoolExecutor(os.cpu_count() or 1) as threads:
        targets = [
            folder / f"{number:06d}{_suffix(file.path)}" for number, file in enumerate(files)
        ]
        for file, target, digests in zip(
            files, targets, threads.map(_store_one, files, targets), strict=True
        ):
            stored.append((file, f"{folder.name}/{target.name}", digests))
            size += digests.size
            if progress:
                progress(len(stored), size)
    if len(stored) > SYNC_ALL:
        os.sync()
    else:
        _sync(folder, stored)
    return stored


def _sync(folder: Path, stored: list[tuple[Incoming, str, Digests]]) -> None:
    for path in [folder, *(settings.STAGING / staged for _, staged, _ in stored)]:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _store_one(file: Incoming, target: Path) -> Digests:
    if file.digests is None:
        return copy_with_digests(file.source, target)
    try:
        os.link(file.source, target)  # the source stays until rows name the target
    except OSError:
        shutil.copyfile(file.source, target)
    return file.digests


def _suffix(path: str) -> str:
    """A suffix that is safe to keep in the staging folder: readers and identifiers look at it."""
    suffix = Path(path).suffix.lower()
    return (
        suffix
        if len(suffix) <= SUFFIX_MAX and suffix[1:].isascii() and suffix[1:].isalnum()
        else ""
    )


def _content_digest(stored: list[tuple[Incoming, str, Digests]]) -> str:
    lines = sorted(f"{digests.sha256} {file.path}\n" for file, _, digests in stored)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


@transaction.atomic
def _write_rows(
    stored: list[tuple[Incoming, str, Digests]], uuid: UUID, digest: str, batch: Batch
) -> Batch:
    batch.content_digest = digest
    batch.file_count = len(stored)
    batch.size_bytes = sum(digests.size for _, _, digests in stored)
    batch.save()
    HandedFile.objects.bulk_create(
        [
            HandedFile(
                batch=batch, path=file.path, staged=staged,
                original_name=file.original_name if file.original_name != file.path else "",
                size_bytes=digests.size, sha512=digests.sha512, sha256=digests.sha256,
                sm3=digests.sm3, modified_at=file.modified_at,
            )
            for file, staged, digests in stored
        ],
        batch_size=500,
    )  # fmt: skip
    facts = {
        "files": batch.file_count, "bytes": batch.size_bytes, "sha256": digest,
    }  # fmt: skip
    record_act(
        "receive_batch", by=batch.received_by, now=batch.received_at,
        object=f"batch:{batch.pk}", facts=facts,
    )  # fmt: skip
    return batch


def sweep_staging(*, now: datetime) -> int:
    """Remove what killed hand-overs left: bytes that no row names; how many folders were touched.

    A folder without a batch may be one that is being copied: it goes when it is a day old.
    """
    touched = 0
    for folder in settings.STAGING.iterdir() if settings.STAGING.is_dir() else ():
        try:
            batch = Batch.objects.filter(uuid=UUID(folder.name)).first()
        except ValueError:
            continue
        age = now - datetime.fromtimestamp(folder.stat().st_mtime, UTC)
        if batch is None and age > ABANDONED:
            shutil.rmtree(folder, ignore_errors=True)
            touched += 1
        elif batch is not None and batch.ended_at is not None:
            touched += clear_away(batch) > 0
    return touched


def clear_away(batch: Batch) -> int:
    """Remove files of an ended batch that no row names any more; how many.

    Rows let go of their bytes first, so a kill in between leaves bytes and loses none.
    """
    pages = ItemPage.objects.filter(file__batch=batch).exclude(image="")
    named = {*batch.files.values_list("staged", flat=True), *pages.values_list("image", flat=True)}
    removed = 0
    for place, _, names in os.walk(settings.STAGING / str(batch.uuid), topdown=False):
        for name in names:
            file = Path(place) / name
            if file.relative_to(settings.STAGING).as_posix() not in named:
                file.unlink(missing_ok=True)
                removed += 1
        if not os.listdir(place):
            Path(place).rmdir()
    return removed
