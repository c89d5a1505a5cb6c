"""Backup and restore: one tar file with database, store, staging and key, and a digest of each.

The head of the audit comes first, so that it never names a row that the database has not; then the
database by its own backup, then the store: an object placed meanwhile is an orphan at worst, a
record never points at bytes that are missing.
"""

import hashlib
import io
import json
import os
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.core.management import call_command
from django.db import connection

from liandong.base.audit import record_act
from liandong.base.engines import engine
from liandong.base.models import Outcome
from liandong.kernel.names import BadPath, inner_path
from liandong.kernel.ports import BlobStore

from .engine_sets import STORES
from .moving.move import NotEmpty, end, move, move_stores
from .moving.rows import UnknownTable
from .moving.sides import here, unpacked

MANIFEST = "manifest.jsonl"
DATABASE = "liandong.sqlite3"
AUDIT = "audit"  # head and seals
KEPT = ("staging", "evidence", "store")  # in this order; the index and the cache are made again
PARTIAL = ".partial-"  # what the store is still writing


_BROKEN = (BadPath, ValueError, KeyError, TypeError, AttributeError, RecursionError)  # manifests


class BadBackup(Exception):
    """The backup cannot be restored; `str(error)` says why."""


def write_backup(file: Path, *, now: datetime, progress: Callable[[int, int], None]) -> Path:
    """Write the backup beside its final name and rename it when complete.

    Stores on S3 are copied into it.  On PostgreSQL the database is left to `pg_dump`: the rows can
    be rebuilt from the store.
    The act is recorded before anything is copied, and once more when it failed.
    """
    record_act("back_up", by="cli", now=now, object=f"backup:{file.name}")
    part = file.with_name(f"{file.name}.part")
    part.unlink(missing_ok=True)
    part.touch(mode=0o600, exist_ok=False)  # holds the key and every record
    try:
        return _write(part, now, progress).replace(file)
    except BaseException:
        part.unlink(missing_ok=True)
        failed = Outcome.FAILED
        record_act("back_up", by="cli", now=now, object=f"backup:{file.name}", outcome=failed)
        raise


def _write(part: Path, now: datetime, progress: Callable[[int, int], None]) -> Path:
    home = Path(settings.HOME)
    with (
        tarfile.open(part, "w", format=tarfile.PAX_FORMAT) as tar,
        tempfile.TemporaryDirectory() as folder,
    ):
        members = _copy_audit(home, Path(folder))
        if connection.vendor == "sqlite":
            copy = Path(folder) / DATABASE
            _copy_sqlite(copy)
            members.append((DATABASE, copy))
        if (home / "secret.key").exists():
            members.append(("secret.key", home / "secret.key"))
        rows = [{"path": name, **_add(tar, name, path)} for name, path in members]
        # staging before store: a file that leaves the one meanwhile is in the other already
        for kept in KEPT:
            for name, source in list(_kept(home, kept)):
                if added := _add_if_there(tar, name, source):
                    rows.append({"path": name, **added})
                    progress(len(rows), 0)
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        _add_text(tar, MANIFEST, json.dumps({"made": now.isoformat()}) + "\n" + text)
    with part.open("rb") as stream:
        os.fsync(stream.fileno())
    return part


def _copy_audit(home: Path, folder: Path) -> list[tuple[str, Path]]:
    if (home / AUDIT).is_dir():
        shutil.copytree(home / AUDIT, folder / AUDIT)
    return [(path.relative_to(folder).as_posix(), path) for _, path in _files(folder, AUDIT)]


def _copy_sqlite(target: Path) -> None:
    connection.ensure_connection()
    with sqlite3.connect(target) as copy:
        connection.connection.backup(copy)
    copy.close()


def _files(home: Path, kept: str) -> Iterator[tuple[str, Path]]:
    for folder, folders, names in os.walk(home / kept):
        folders[:] = sorted(name for name in folders if not name.startswith(PARTIAL))
        for name in sorted(names):
            path = Path(folder) / name
            if not name.startswith(PARTIAL) and path.is_file() and not path.is_symlink():
                yield path.relative_to(home).as_posix(), path


@dataclass(frozen=True, slots=True)
class _Blob:
    """A blob of a store on another machine."""

    store: BlobStore
    key: str

    def open(self, _mode: str = "rb") -> BinaryIO:
        return self.store.open(self.key)


_Source = Path | _Blob


def _kept(home: Path, kept: str) -> Iterator[tuple[str, _Source]]:
    """Files of a folder of the installation, or of the store that stands for it."""
    if kept not in STORES.values() or not settings.REMOTE:
        yield from _files(home, kept)
        return
    store = engine("blobs") if kept == STORES["blobs"] else engine("evidence")
    for key in store.keys(""):
        yield f"{kept}/{key}", _Blob(store, key)


def _add_if_there(tar: tarfile.TarFile, name: str, path: _Source) -> dict[str, object]:
    """As `_add`; nothing for a staged file whose record was admitted meanwhile."""
    try:
        return _add(tar, name, path)
    except FileNotFoundError:
        if name.startswith("staging/"):
            return {}
        raise


def _add(tar: tarfile.TarFile, name: str, path: _Source) -> dict[str, object]:
    member = tarfile.TarInfo(name)
    with path.open("rb") as stream:
        member.size = stream.seek(0, os.SEEK_END)
        stream.seek(0)
        if isinstance(path, Path):
            member.mtime = int(path.stat().st_mtime)
        reader = _Digesting(stream)
        tar.addfile(member, reader)
    return {"size": member.size, "sha256": reader.digest.hexdigest()}


class _Digesting:
    """A stream that digests what is read from it: the file is read once."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream = stream
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        content = self.stream.read(size)
        self.digest.update(content)
        return content


def _add_text(tar: tarfile.TarFile, name: str, text: str) -> None:
    member = tarfile.TarInfo(name)
    content = text.encode()
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))


def restore_backup(file: Path, *, progress: Callable[[int, int], None]) -> int:
    """Fill the empty data folder; every byte is compared with the backup's digests.

    With PostgreSQL or a store on S3 the rows and blobs of the backup are moved there and compared;
    killed in that part, calling it again goes on.

    Raises BadBackup when the folder or the engines are in use, a digest differs or a file is
    missing; what was written stays beside for a look and nothing is put in place.
    """
    home = Path(settings.HOME)
    if any((home / name).exists() for name in (DATABASE, AUDIT, *KEPT)):
        raise BadBackup(f"{home} is not empty")
    home.mkdir(parents=True, exist_ok=True)
    fresh = home / "restoring"
    shutil.rmtree(fresh, ignore_errors=True)  # of a try before
    fresh.mkdir()
    try:
        found, declared = _unpack(file, fresh, progress)
    except (tarfile.TarError, OSError, EOFError, *_BROKEN) as error:
        raise BadBackup(f"{file}: {error}") from error
    if found != declared:
        wrong = sorted(
            name for name in found.keys() | declared.keys() if found.get(name) != declared.get(name)
        )
        raise BadBackup(f"{file}: {len(wrong)} files differ from the manifest, first {wrong[0]}")
    own = _move_elsewhere(fresh, found, progress)
    # the database last: without it nothing is there
    for name in (*KEPT, AUDIT, "secret.key", DATABASE):
        if (fresh / name).exists() and name not in own:
            (fresh / name).replace(home / name)
    shutil.rmtree(fresh)
    return len(found)


def _move_elsewhere(
    fresh: Path, found: Mapping[str, str], progress: Callable[[int, int], None]
) -> set[str]:
    """Move what the engines of this installation keep outside the data folder; its names.

    The name of the move is made of the digests: the same backup goes on where it was killed.
    """
    source, target = unpacked(fresh), here()
    own = set(STORES.values()) if settings.REMOTE else set()
    try:
        if connection.vendor != "sqlite" and DATABASE in found:
            own.add(DATABASE)
            call_command("migrate", database=source.alias, verbosity=0, interactive=False)
            name = hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()
            stores = {role: target.stores[role] for role in STORES if not settings.REMOTE}
            source = replace(source, stores={**source.stores, **stores}, home=target.home)
            lines = list(move(source, target, name, progress=progress))
            end(target)
        elif own:
            lines = list(move_stores(source, target, progress=progress))
        else:
            return own
    except (NotEmpty, UnknownTable) as error:
        raise BadBackup(f"not empty or not of this product: {error}") from error
    if wrong := [line for line in lines if not line.is_equal]:
        raise BadBackup(f"{wrong[0].part}: {wrong[0].found}")
    return own


def _unpack(
    file: Path, fresh: Path, progress: Callable[[int, int], None]
) -> tuple[dict[str, str], dict[str, str]]:
    found: dict[str, str] = {}
    declared: dict[str, str] = {}
    with tarfile.open(file) as tar:
        for number, member in enumerate(tar, 1):
            stream = tar.extractfile(member)
            if stream is None or not member.isreg():
                raise BadPath(f"no plain file: {member.name}")
            if member.name == MANIFEST:
                lines = stream.read().decode().splitlines()[1:]
                declared = {row["path"]: row["sha256"] for row in map(json.loads, lines)}
                continue
            target = fresh / inner_path(member.name)
            target.parent.mkdir(parents=True, exist_ok=True)
            reader = _Digesting(stream)  # type: ignore[arg-type]
            target.touch(mode=0o600, exist_ok=False)
            with target.open("r+b") as out:
                while piece := reader.read(1 << 20):
                    out.write(piece)
            found[member.name] = reader.digest.hexdigest()
            progress(number, 0)
    return found, declared
