"""Records and stores for tests, made small."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from liandong.kernel.digests import digest_file
from liandong.kernel.metadata import Agent, Event, FileFact
from liandong.kernel.packages import PackedFile, PackedItem

CODE = "Z109-WS·2011-Y-BGS-0001"


def item(
    folder: Path, code: str = CODE, contents: dict[str, bytes] | None = None, **fields: str
) -> PackedItem:
    """A described record whose files lie in `folder`, digests known."""
    contents = {"正文.txt": "关于印发方案的通知\n".encode()} if contents is None else contents
    files = []
    for path, content in contents.items():
        source = folder / path
        source.parent.mkdir(parents=True, exist_ok=True)
        source.write_bytes(content)
        found = digest_file(source)
        fact = FileFact(
            f"original/{path}",
            "original",
            found.size,
            found.sha512,
            found.sha256,
            found.sm3,
            "x-fmt/111",
            "Plain Text File",
            "text/plain",
        )
        files.append(PackedFile(path, source, facts=fact))
    description = {
        "archival_code": code,
        "fonds_number": "Z109",
        "archival_category": "WS",
        "filing_year": "2011",
        "retention_period": "永久",
        "org_or_subject": "办公室",
        "title": "关于印发《方案》的通知 <一> & 附件",
        "author": "滨州市人民政府办公室",
        "document_date": "20110506",
        "opening_status": "未审核",
    } | fields
    events = (Event("e1", "归档", "2011-06-01T08:00:00+08:00", "a1", "success", "收到", "DA/T 22"),)
    agents = (Agent("a1", "李明", "person", "", "档案员"),)
    return PackedItem(description, tuple(files), "", None, events, agents)


def essence(one: PackedItem) -> object:
    """What must survive an export and import: description, files with bytes, events, agents."""
    files = [(file.role, file.path, file.source.read_bytes(), file.facts) for file in one.files]
    return one.description, files, one.events, one.agents


class Killed(BaseException):
    """The process dies here."""


class FolderStore:
    """A `BlobStore` on a folder, which can die before its n-th write."""

    def __init__(self, root: Path, writes: int = 1_000_000) -> None:
        self.root, self.writes = root, writes
        root.mkdir(parents=True, exist_ok=True)

    def _spend(self) -> None:
        self.writes -= 1
        if self.writes < 0:
            raise Killed

    def path(self, key: str) -> Path:
        return self.root / key

    def open(self, key: str) -> BinaryIO:
        return self.path(key).open("rb")

    def read(self, key: str) -> bytes:
        return self.path(key).read_bytes()

    def exists(self, key: str) -> bool:
        return self.path(key).is_file()

    def keys(self, prefix: str = "") -> Iterator[str]:
        found = (file for file in sorted(self.root.rglob("*")) if file.is_file())
        names = (file.relative_to(self.root).as_posix() for file in found)
        yield from (name for name in names if name.startswith(prefix))

    def put(self, key: str, content: bytes) -> None:
        if self.exists(key):
            raise FileExistsError(key)
        self.replace(key, content)

    def replace(self, key: str, content: bytes) -> None:
        self._spend()
        self.path(key).parent.mkdir(parents=True, exist_ok=True)
        self.path(key).write_bytes(content)

    def place(self, folder: Path, key: str) -> None:
        if self.path(key).exists():
            raise FileExistsError(key)
        self._spend()
        self.path(key).parent.mkdir(parents=True, exist_ok=True)
        os.rename(folder, self.path(key))

    def delete(self, prefix: str) -> None:
        self._spend()
        target = self.path(prefix)
        if target.is_dir():
            shutil.rmtree(target)
        else:
            target.unlink(missing_ok=True)
