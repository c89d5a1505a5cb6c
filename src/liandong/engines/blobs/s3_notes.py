"""Notes in the bucket of what is being written: one object a call, gone when it has ended.

    {"folders": {"objects/one": "inventory.json"}, "host": …, "process": …, "at_s": …}

A folder is named with its last file: without that file the folder is not finished.
"""

import hashlib
import json
import os
import secrets
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from .keys import PARTIAL
from .s3_objects import Objects

FOLDER: Final = f"{PARTIAL}placing"
_ALIVE_S: Final = 900  # a note of another machine younger than this is of a living process
_active: set[str] = set()  # notes of this process


@dataclass(frozen=True, slots=True)
class Exchange:
    """A folder that takes the place of another."""

    folder: str
    stay: Sequence[str]  # keys of the new one
    last: str  # key of the last of them
    sha512: str  # of that one


@dataclass(frozen=True, slots=True)
class Note:
    """What a call is writing, or was when it was killed."""

    key: str
    host: str
    process: int
    at_s: float  # since 1970
    folders: Mapping[str, str] = field(default_factory=dict)  # the last file by folder
    exchange: Exchange | None = None

    def is_alive(self) -> bool:
        """Whether its process may still be writing."""
        if self.key in _active:
            return True
        if self.host != socket.gethostname():
            return self.age_s() < _ALIVE_S
        return self.process != os.getpid() and Path("/proc", str(self.process)).exists()

    def age_s(self) -> float:
        """Seconds since it was written."""
        return time.time() - self.at_s


class Notes:
    """The notes of a store."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    @contextmanager
    def writing(
        self, folders: Mapping[str, str], exchange: Exchange | None = None
    ) -> Iterator[None]:
        """Inside, the note is there; after an error it stays, and tells what is left."""
        key = f"{FOLDER}/{secrets.token_hex(8)}"
        content: dict[str, Any] = {
            "host": socket.gethostname(), "process": os.getpid(),
            "at_s": time.time(), "folders": dict(folders),
        }  # fmt: skip
        if exchange is not None:
            content["exchange"] = {
                "folder": exchange.folder, "stay": list(exchange.stay), "last": exchange.last,
                "sha512": exchange.sha512,
            }  # fmt: skip
        _active.add(key)
        try:
            self._objects.overwrite(key, json.dumps(content).encode())
            yield
            self._objects.remove([key])
        finally:
            _active.discard(key)

    def all(self) -> Iterator[Note]:
        """Every note that can be read."""
        for key in self._objects.listed(FOLDER):
            try:
                known = json.loads(self._objects.read(key))
                if "exchange" in known:
                    known["exchange"] = Exchange(**known["exchange"])
                yield Note(key, **known)
            except (FileNotFoundError, ValueError, TypeError, KeyError):
                continue  # gone meanwhile, or not of ours

    def by_folder(self) -> dict[str, Note]:
        """The note that names a folder; that of a living process wins."""
        found: dict[str, Note] = {}
        for note in self.all():
            for folder in note.folders:
                if folder not in found or note.is_alive():
                    found[folder] = note
        return found

    def unfinished(self, prefix: str) -> list[str]:
        """Folders at, above or below the prefix whose last file is not there."""
        return [
            folder
            for note in self.all()
            for folder, last in note.folders.items()
            if _meet(folder, prefix) and not self._objects.has(f"{folder}/{last}")
        ]

    def is_done(self, exchange: Exchange) -> bool:
        """Whether the new folder took the place of the old one."""
        try:
            content = self._objects.read(exchange.last)
        except FileNotFoundError:
            return False
        return hashlib.sha512(content).hexdigest() == exchange.sha512

    def drop(self, note: Note) -> None:
        """Remove a note."""
        self._objects.remove([note.key])


def _meet(folder: str, prefix: str) -> bool:
    if not prefix or folder == prefix:
        return True
    return folder.startswith(f"{prefix}/") or prefix.startswith(f"{folder}/")
