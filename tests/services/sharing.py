"""One server for all processes of a test run."""

import fcntl
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path


@contextmanager
def shared(folder: Path, running: Callable[[], AbstractContextManager[str]]) -> Iterator[str]:
    """The address of a server that the first process of a test run starts.

    That one stops it when no other uses it any more; who comes later starts another.  `folder` is
    known to all processes of the run, and to no other run.
    """
    folder.mkdir(exist_ok=True)
    known = folder / "address"
    with (folder / "starting").open("w") as starting, (folder / "using").open("w") as using:
        fcntl.flock(starting, fcntl.LOCK_EX)
        if known.exists():
            fcntl.flock(using, fcntl.LOCK_SH)
            fcntl.flock(starting, fcntl.LOCK_UN)
            yield known.read_text("ascii")
            return
        with running() as address:
            known.write_text(address, "ascii")
            fcntl.flock(starting, fcntl.LOCK_UN)
            try:
                yield address
            finally:
                fcntl.flock(starting, fcntl.LOCK_EX)  # nobody comes any more
                known.unlink()
                fcntl.flock(using, fcntl.LOCK_EX)  # everybody is gone
