"""The one way to the stored bytes of a record; plain whatever the store holds."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from liandong.archive.models import Record, RecordFile

from .contents import StoredFile, stored
from .keyring import key_of
from .objects import record_urn
from .packing import workspace

_IN_MEMORY = 256 << 20  # bytes of plain content that are never written to a disk


def stored_file(record: Record, row: RecordFile) -> StoredFile:
    """A stored file of a record.  Raises CannotOpen when it is encrypted and its key is lost."""
    urn = record_urn(record.object_id)
    return stored(urn, row.content_path, key_of(urn) if record.encryption else None)


def open_stored(record: Record, row: RecordFile) -> BinaryIO:
    """The content of a stored file as a seekable stream.

    Raises FileNotFoundError and CannotOpen, the latter also while reading: use
    `StoredFile.open_checked` where half a content must not go out.
    """
    return stored_file(record, row).open()


@contextmanager
def as_file(file: StoredFile) -> Iterator[Path]:
    """A path for libraries that want one, while inside: never write to it.

    The stored file itself; of a sealed one the plain content in memory, and only when it is large
    in a private folder that is gone afterwards.  Raises FileNotFoundError, CannotOpen, OSError.
    """
    if file.sealed is None:
        yield file.find()
        return
    with file.open() as stream:
        small = stream.seek(0, os.SEEK_END) <= _IN_MEMORY
        stream.seek(0)
        with _in_memory(stream) if small else _on_disk(stream) as path:
            yield path


@contextmanager
def _in_memory(stream: BinaryIO) -> Iterator[Path]:
    with os.fdopen(os.memfd_create("liandong"), "wb") as memory:
        shutil.copyfileobj(stream, memory, 1 << 20)
        memory.flush()
        yield Path(f"/proc/{os.getpid()}/fd/{memory.fileno()}")


@contextmanager
def _on_disk(stream: BinaryIO) -> Iterator[Path]:
    with workspace() as folder:
        path = folder / "plain"
        with path.open("xb") as target:
            path.chmod(0o600)
            shutil.copyfileobj(stream, target, 1 << 20)
        yield path
