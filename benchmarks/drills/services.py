"""Services of an installation past one machine: each drill waits until its service is there.

The tests have a module per service, `tests/services/<name>.py`, with a context manager `serving()`
that gives a running service: `knobs` (what LIANDONG_… must be to use it), `kill()` and `start()`;
`slow(seconds)` where it can be slowed.  A service that is not there is said, not skipped silently.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Protocol

from .faults import DOWN_S, EVERYTHING, TAKEN_IN, Fault
from .installation import Installation

SLOW_S = 2.0  # before each answer


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
    service.slow(SLOW_S)
    time.sleep(2 * DOWN_S)
    service.slow(0)


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
    with serving() as running:
        yield running
