"""Locks between processes that share a data folder, released by the kernel when a holder dies."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from django.conf import settings


class Busy(Exception):
    """Another process holds the lock `name`."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


@contextmanager
def hold(name: str, *, wait: bool = False, once: bool = False) -> Iterator[None]:
    """Hold the lock `name` (letters, digits, `-`); raises Busy at once unless `wait`.

    `once`: the name is of one act alone, so that its file goes with the lock.
    """
    folder = settings.HOME / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.lock"
    is_held = False
    while not is_held:
        with path.open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                raise Busy(name) from None
            is_held = not once or _is_at(path, file.fileno())
            if is_held:
                try:
                    yield
                finally:
                    if once:
                        path.unlink()


def clear_left(prefix: str) -> None:
    """Remove the files of `once` locks whose holders were killed; `prefix` begins their names."""
    for path in (settings.HOME / "locks").glob(f"{prefix}*.lock"):
        with suppress(Busy), hold(path.stem, once=True):
            pass


def _is_at(path: Path, file: int) -> bool:
    """Whether the open file is the one of that name still: its holder takes the name away."""
    try:
        return os.path.samestat(path.stat(), os.fstat(file))
    except FileNotFoundError:
        return False
