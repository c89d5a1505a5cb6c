"""What a step of the pipeline is and returns.

A step looks at a few items and returns one `Done` per item, in order.  It may read files and run
engines, which takes long; it writes rows only in `Done.save`, which the driver calls inside the
transaction that also writes the step row and the findings.  A step done twice with the same input
must leave the same rows.
"""

import errno
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from django.db import InterfaceError, OperationalError

from liandong.intake.models import Item
from liandong.kernel.checks import Finding

_MACHINE = frozenset({
    errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS, errno.EACCES, errno.EPERM,
    errno.EMFILE, errno.ENFILE, errno.ENOMEM,
})  # fmt: skip


def is_machine_trouble(error: Exception) -> bool:
    """Whether disk, memory or database failed, not the item: work stops and goes on later."""
    if isinstance(error, OSError):
        return error.errno in _MACHINE  # image libraries raise OSError without a number
    return isinstance(error, OperationalError | InterfaceError)


def _write_nothing() -> None:
    """A step that has no rows to write."""


@dataclass(frozen=True, slots=True)
class Done:
    """What a step says of one item."""

    findings: tuple[Finding, ...] = ()
    detail: Mapping[str, Any] = field(default_factory=dict)  # into the step row, JSON-ready
    save: Callable[[], None] = _write_nothing
    state: str = ""  # new ItemState; "" keeps the state that findings and flow give


class StepFunction(Protocol):
    """A step; `tool` names what does the work, with its version, for the PREMIS event."""

    def __call__(self, items: Sequence[Item], *, now: datetime) -> list[Done]: ...
