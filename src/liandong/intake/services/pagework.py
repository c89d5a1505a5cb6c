"""What a compute worker does to pages.  Knows the reader port and files, no rows."""

import errno
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from liandong.base.engines import engine
from liandong.kernel.pages import Page


@dataclass(frozen=True, slots=True)
class CountJob:
    """How many pages has this file?"""

    file_id: int
    path: Path
    puid: str


@dataclass(frozen=True, slots=True)
class ReadJob:
    """Read these pages of this file."""

    file_id: int
    path: Path
    puid: str
    numbers: tuple[int, ...]
    images: Path | None  # folder for rendered page images; None: text alone


def count_pages(job: CountJob) -> int:
    """Number of pages of one file; raises Unreadable, and OSError where there is no such file."""
    _must_be_here(job.path)
    return int(engine("reader").count(job.path, job.puid))


def read_pages(job: ReadJob) -> Sequence[Page]:
    """The pages that the job names; raises Unreadable, and OSError where there is no such file."""
    _must_be_here(job.path)
    if job.images is not None:
        job.images.mkdir(parents=True, exist_ok=True)
    pages: list[Page] = engine("reader").read(job.path, job.puid, job.numbers, job.images)
    return pages


def _must_be_here(file: Path) -> None:
    """A machine that does not share the data folder is in trouble, not the item."""
    if not file.is_file():
        raise OSError(errno.EIO, "not on this machine: is the data folder shared?", str(file))
