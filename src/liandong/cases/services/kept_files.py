"""Files of cases in the store of evidence, a folder or a bucket."""

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from liandong.base.engines import engine


@dataclass(frozen=True, slots=True)
class KeptFile:
    """One file by its key; any call may raise OSError when the store is away."""

    key: str

    def is_file(self) -> bool:
        """Whether it is there."""
        return engine("evidence").exists(self.key)

    def open(self) -> BinaryIO:
        """A readable stream.  Raises FileNotFoundError."""
        return engine("evidence").open(self.key)

    def read_bytes(self) -> bytes:
        """All bytes.  Raises FileNotFoundError."""
        return engine("evidence").read(self.key)

    def local(self) -> Path:
        """A file of this machine with these bytes: never write to it.  FileNotFoundError."""
        return engine("evidence").path(self.key)

    def write(self, content: bytes) -> None:
        """Write or overwrite; durable when it returns."""
        engine("evidence").replace(self.key, content)

    def unlink(self) -> None:
        """Remove it for good; nothing there is not an error."""
        engine("evidence").delete(self.key)
