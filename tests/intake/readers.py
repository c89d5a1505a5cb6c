"""Readers for tests of the pipeline: one that dies of a file, one that can be killed at work."""

import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

from liandong.engines.reading.reader import LocalReader
from liandong.kernel.pages import Page

DEADLY, SLOW = b"DEADLY", b"SLOW"
_SLEEP_S = 60


class TestReader:
    """Reads as the product does, but dies of DEADLY, and sleeps once over SLOW."""

    __test__ = False
    version = "test"

    def __init__(self, marks: str) -> None:
        self._reader = LocalReader()
        self._marks = Path(marks)  # folder where the sleeper leaves its process id

    def count(self, path: Path, puid: str) -> int:
        """As the product does."""
        return self._reader.count(path, puid)

    def read(
        self, path: Path, puid: str, numbers: Sequence[int], images: Path | None
    ) -> list[Page]:
        """As the product does, unless the file says otherwise."""
        content = path.read_bytes()
        if DEADLY in content:
            os.kill(os.getpid(), signal.SIGKILL)
        mark = self._marks / "sleeper"
        if SLOW in content and not mark.exists():
            mark.with_suffix(".new").write_text(str(os.getpid()))
            mark.with_suffix(".new").rename(mark)
            time.sleep(_SLEEP_S)
        return list(self._reader.read(path, puid, numbers, images))
