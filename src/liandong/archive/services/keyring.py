"""Which key opens which object: one data key per object, wrapped by the master key in use.

A wrapped key is durable before any byte is sealed with it, and lies outside store and database, so
that another master key rewrites no content and throwing it away destroys the content everywhere,
backups of the store included.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime

from django.conf import settings

from liandong.base.audit import record_act
from liandong.base.engines import engine
from liandong.base.locks import hold
from liandong.kernel.sealed import (
    ALGORITHMS,
    Algorithm,
    CannotOpen,
    DataKey,
    KeyLost,
    MasterKey,
    MasterLost,
    WrappedKey,
)
from liandong.kernel.signatures import at_text

logger = logging.getLogger(__name__)
Progress = Callable[[int, int], None]  # done, total


class StillUsed(Exception):
    """`count` objects have data keys that this master key wraps, or it wraps new ones."""

    def __init__(self, count: int) -> None:
        super().__init__(count)
        self.count = count


def algorithm_in_use() -> Algorithm | None:
    """The cipher for new objects; None when they are not encrypted."""
    return ALGORITHMS[settings.ENCRYPTION] if settings.ENCRYPTION else None


# Data keys ----------------------------------------------------------------------------------------


def ensure_keys(
    object_ids: Iterable[str], algorithm: Algorithm, *, now: datetime
) -> Mapping[str, DataKey]:
    """The data key of each object, made and kept where there is none; durable at return.

    Two writers of one object get the same key.  Raises CannotOpen for a key that is there and
    cannot be had: it is never made anew, something may be sealed with it.  Raises OSError.
    """
    fresh = {object_id: DataKey.new(algorithm) for object_id in object_ids}
    if not fresh:
        return {}
    with _key_lock():  # not while a master key is destroyed
        master = _current(algorithm, now=now)
        offered = [_wrap(object_id, key, master, now) for object_id, key in fresh.items()]
        kept = engine("keyring").put_many(offered)
    ours = {object_id: key.id.hex() for object_id, key in fresh.items()}
    return {
        one.object_id: fresh[one.object_id] if ours[one.object_id] == one.key_id else _unwrap(one)
        for one in kept
    }


def key_of(object_id: str) -> DataKey:
    """The data key of an object.  Raises KeyLost, MasterLost and WrongKey."""
    return _unwrap(engine("keyring").get(object_id))


def shred_key(object_id: str) -> bool:
    """Throw the data key of an object away: its content opens never again, in no copy.

    Whether there was one.  Copies of the key folder must follow: docs/operate/encryption.md.
    """
    gone = engine("keyring").remove(object_id)
    logger.warning("archive.key_shredded object=%s was_there=%s", object_id, gone)
    return gone


def _wrap(object_id: str, key: DataKey, master: str, now: datetime) -> WrappedKey:
    bare = WrappedKey(object_id, key.id.hex(), key.algorithm.name, master, "", at_text(now))
    wrapped = engine("vault").wrap(master, key.secret, bare.about())
    return replace(bare, wrapped=wrapped.hex())


def _unwrap(kept: WrappedKey) -> DataKey:
    try:
        wrapped = bytes.fromhex(kept.wrapped)
        return kept.opened(engine("vault").unwrap(kept.master, wrapped, kept.about()))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise KeyLost(kept.object_id, reason=type(error).__name__) from None


# Master keys --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MasterUse:
    """A master key and how many objects need it."""

    key: MasterKey
    objects: int


def master_keys() -> list[MasterUse]:
    """Every master key with its use, oldest first."""
    counts: dict[str, int] = {}
    for kept in engine("keyring").all():
        counts[kept.master] = counts.get(kept.master, 0) + 1
    return [MasterUse(key, counts.get(key.id, 0)) for key in engine("vault").masters()]


def create_master(algorithm: str, *, by: str, now: datetime) -> MasterKey:
    """Make a master key that wraps from now on; the objects keep theirs until `rotate_master`."""
    with _key_lock():
        made = engine("vault").create(algorithm, now=now)
    record_act("create_key", by=by, now=now, object=f"key:{made.id}")
    logger.warning("archive.master_created key=%s by=%s", made.id, by)
    return made


def rotate_master(
    algorithm: str, *, by: str, now: datetime, progress: Progress = lambda _done, _total: None
) -> tuple[MasterKey, int]:
    """Make a master key and wrap every data key with it; no content is rewritten.

    Returns it and how many keys were wrapped.  Killed, `rewrap` goes on.  A key that cannot be
    unwrapped stays as it is: `verify` tells which.
    """
    made = create_master(algorithm, by=by, now=now)
    count = rewrap(progress=progress)
    record_act("rotate_key", by=by, now=now, object=f"key:{made.id}", facts={"objects": count})
    return made, count


def rewrap(*, progress: Progress = lambda _done, _total: None) -> int:
    """Wrap data keys under former master keys with the current one; how many were."""
    current = {key.algorithm: key.id for key in engine("vault").masters() if key.state == "current"}
    old = [kept for kept in engine("keyring").all()
           if current.get(kept.algorithm, kept.master) != kept.master]  # fmt: skip
    done = 0
    for at, kept in enumerate(old, 1):
        done += _rewrap_one(kept, current[kept.algorithm])
        progress(at, len(old))
    logger.warning("archive.keys_rewrapped count=%s", done)
    return done


def _rewrap_one(kept: WrappedKey, master: str) -> bool:
    try:
        secret = _unwrap(kept).secret
        wrapped = engine("vault").wrap(master, secret, kept.about())
        engine("keyring").replace(replace(kept, master=master, wrapped=wrapped.hex()))
    except CannotOpen as error:
        logger.warning("archive.key_not_rewrapped object=%s code=%s", kept.object_id, error.code)
        return False
    return True


def destroy_master(master: str, *, by: str, now: datetime) -> None:
    """Throw a former master key away, and with it what old copies of the key folder open.

    The audit knows of it before it is gone.  Raises StillUsed while it wraps new keys or any object
    needs it, MasterLost.
    """
    with _key_lock():
        refuse_used(master)
        record_act("destroy_key", by=by, now=now, object=f"key:{master}")
        engine("vault").destroy(master)
    logger.warning("archive.master_destroyed key=%s by=%s", master, by)


def refuse_used(master: str) -> None:
    """Raises StillUsed while the key wraps new keys or any object needs it, MasterLost."""
    used = sum(1 for kept in engine("keyring").all() if kept.master == master)
    known = {key.id: key.state for key in engine("vault").masters()}
    if used or known.get(master) == "current":
        raise StillUsed(used)
    if known.get(master, "destroyed") == "destroyed":
        raise MasterLost(master, master=master)


def note_copy(count: int, *, by: str, now: datetime) -> None:
    """Say in the audit that the key folder was copied."""
    record_act("copy_keys", by=by, now=now, object="keys", facts={"files": count})


def _current(algorithm: Algorithm, *, now: datetime) -> str:
    for key in engine("vault").masters():
        if key.algorithm == algorithm.name and key.state == "current":
            return key.id
    return engine("vault").create(algorithm.name, now=now).id


def _key_lock() -> AbstractContextManager[None]:
    return hold("keys", wait=True)
