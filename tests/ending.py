"""Work that hostile input must not make endless, or grow out of proportion."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

MOST_S = 5.0  # of processor time, which a busy machine does not stretch


class Endless(Exception):
    """The work did not end."""


@contextmanager
def ends(most_s: float = MOST_S) -> Iterator[None]:
    """Break off work that takes more than `most_s` seconds of this process's processor time."""

    def ring(_signal: int, _frame: FrameType | None) -> None:
        raise Endless

    before = signal.signal(signal.SIGPROF, ring)
    signal.setitimer(signal.ITIMER_PROF, most_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
