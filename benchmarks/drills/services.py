"""Services of an installation past one machine: each drill waits until its service is there.

The tests have a module per service, `tests/services/<name>.py`, with a context manager `serving()`
that gives a running service: `knobs` (what LIANDONG_… must be to use it), `kill()` and `start()`;
`pause()` and `resume()` where it can be slowed.  One that is not there is said, not skipped
silently.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from importlib import import_module
from subprocess import CalledProcessError
from typing import Any, Protocol

from .faults import DOWN_S, EVERYTHING, TAKEN_IN, Fault
from .installation import Installation

SLOW_S = 2.0  # without an answer
SLOW_TIMES = 5


class Service(Protocol):
    """A service that runs."""

    knobs: Mapping[str, str]

    def kill(self) -> None:
        """SIGKILL."""

    def start(self) -> None:
        """Start it again on the same data and port."""


class NoService(Exception):
    """Why a service is not there."""


def _killed(_site: Installation, service: Any) -> None:
    service.kill()
    time.sleep(DOWN_S)
    service.start()


def _slowed(_site: Installation, service: Any) -> None:
    for _ in range(SLOW_TIMES):
        service.pause()
        time.sleep(SLOW_S)
        service.resume()
        time.sleep(SLOW_S / 4)


SERVICES: dict[str, tuple[str, Fault]] = {
    "search service killed": ("opensearch", Fault(_killed, EVERYTHING)),
    "object store killed": ("s3", Fault(_killed, TAKEN_IN)),
    "object store slow": ("s3", Fault(_slowed, TAKEN_IN)),
    "cluster worker killed": ("ray", Fault(_killed, TAKEN_IN)),
}


@contextmanager
def service(name: str) -> Iterator[Service]:
    """The running service of this name.  Raises NoService."""
    try:
        serving: Callable[[], Any] = import_module(f"tests.services.{name}").serving
    except (ImportError, AttributeError):
        raise NoService("no service") from None
    with ExitStack() as stack:
        try:
            running = stack.enter_context(serving())
        except (ImportError, OSError, RuntimeError, CalledProcessError) as error:
            raise NoService(str(error)) from None
        yield running
