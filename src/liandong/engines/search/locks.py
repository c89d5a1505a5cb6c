"""Locks between processes and threads; the system frees them when their holder dies."""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from liandong.kernel.ports import SearchAway

_PAUSE_S = 0.01


class IndexBusy(SearchAway, TimeoutError):
    """Another writer holds the index; try again later."""


def take_lock(file: Path, wait_s: float) -> int:
    """A descriptor that holds the lock until it is closed.  Raises IndexBusy after `wait_s`."""
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    until = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                os.close(descriptor)
                raise IndexBusy(str(file)) from None
            time.sleep(_PAUSE_S)
        else:
            return descriptor


@contextlib.contextmanager
def locked(file: Path, wait_s: float) -> Iterator[None]:
    """Hold the lock.  Raises IndexBusy after `wait_s`."""
    descriptor = take_lock(file, wait_s)
    try:
        yield
    finally:
        os.close(descriptor)


def is_locked(file: Path) -> bool:
    """Tell whether someone holds the lock now."""
    try:
        os.close(take_lock(file, 0.0))
    except IndexBusy:
        return True
    return False
