"""How jobs and outcomes cross process borders, and what every worker does first."""

import pickle
import resource
from importlib import import_module
from typing import Any

from liandong.kernel.ports import Outcome

MOST_MEMORY = 8 << 30  # bytes of one worker: beyond, it ends alone and not the machine with it


class WorkFailed(Exception):
    """The work raised what cannot cross processes; the text names it."""


def prepare(start: str) -> None:
    """Bound the memory of this worker and call `start`, `module:function`, if one is named."""
    most = resource.getrlimit(resource.RLIMIT_DATA)[1]
    most = MOST_MEMORY if most == resource.RLIM_INFINITY else min(most, MOST_MEMORY)
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    if start:
        module, _, name = start.partition(":")
        getattr(import_module(module), name)()


def answered(message: bytes) -> bytes:
    """In the worker: do the pickled (work, job), and pickle whether it went well and the value."""
    try:
        work, job = pickle.loads(message)  # noqa: S301 - from our own parent
        return pickle.dumps((True, work(job)))
    except Exception as error:  # noqa: BLE001 - the outcome of the job
        return _packed(error)


def _packed(error: Exception) -> bytes:
    """The error if it survives the journey, else its description."""
    try:
        packed = pickle.dumps((False, error))
        pickle.loads(packed)  # noqa: S301 - just packed
    except Exception:  # noqa: BLE001 - anything may happen in foreign pickling code
        return pickle.dumps((False, WorkFailed(f"{type(error).__name__}: {error}")))
    return packed


def outcome_of(job: Any, message: bytes) -> Outcome[Any, Any]:
    """In the parent: what became of the job, from what `answered` said."""
    try:
        good, value = pickle.loads(message)  # noqa: S301 - from our own worker
    except Exception as error:  # noqa: BLE001 - a class whose pickling loses its arguments
        return Outcome(job, error=WorkFailed(repr(error)))
    return Outcome(job, answer=value) if good else Outcome(job, error=value)
