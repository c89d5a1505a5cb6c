"""The database again from the store alone: fonds, classes, records, files, pages, events, holds,
and destruction lists with the rows of what they destroyed.

Rows that are there are compared and left: a line corrected a minute ago is in no object yet.
Not in the store, and so not rebuilt: accounts, hand-overs, fixity runs and when a record was last
verified; a rebuilt record is due for verification first.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction

from liandong.archive.models import Fonds, Record
from liandong.base.audit import record_act
from liandong.kernel.checks import Finding
from liandong.kernel.codes import BadCode, detect
from liandong.kernel.packages.ocfl import INVENTORY, BrokenInventory, Inventory
from liandong.kernel.sealed import CannotOpen

from . import objects
from .admitting import CodeTaken, UnknownFonds, write_rows
from .certificates import DESTRUCTION_URN
from .holding import HOLD_URN, restore_hold
from .holdings import FONDS_URN, keep_fonds, restore_fonds
from .objects import BrokenObject, Packed, blob_store
from .packing import find_object
from .tombstones import destroyed_objects, restore_list
from .verifying import broken, object_keys, row_differences

logger = logging.getLogger(__name__)
Progress = Callable[[int, int], None]  # done, total (0 while it is not known)
_CHUNK = 100  # records of one transaction
_URN = "urn:uuid:"


def _no_progress(_done: int, _total: int) -> None:
    """Nobody is watching."""


@dataclass(slots=True)
class Rebuilt:
    """What a rebuild found."""

    fonds: int = 0
    records: int = 0  # in the store and readable
    created: int = 0  # that had no row
    findings: list[Finding] = field(default_factory=list)


def rebuild(*, now: datetime, by: str = "system", progress: Progress = _no_progress) -> Rebuilt:
    """Write the rows that are missing and compare the others; killed, it goes on when called again.

    Findings: ARCH-INVENTORY-BROKEN, ARCH-CODE-TWICE, ARCH-ROW-DIFFERS, ARCH-OBJECT-MISSING,
    ARCH-DESTROYED-PRESENT for what an old backup brought back, and SEAL-… for each encrypted
    object that cannot be opened.
    """
    done = Rebuilt()
    present, papers = _sorted_ids(done)
    gone = _destroyed(papers, done)
    waiting = [object_id for object_id in present if object_id not in gone]
    done.findings += [
        Finding("ARCH-DESTROYED-PRESENT", urn, facts={"key": urn})
        for urn in map(objects.record_urn, sorted(gone.intersection(present)))
    ]
    for at in range(0, len(waiting), _CHUNK):
        _restore(waiting[at : at + _CHUNK], done, by=by, now=now)
        progress(min(at + _CHUNK, len(waiting)), len(waiting))
    _restore_papers(papers, done, by=by, now=now)
    _find_lost(set(waiting), done)
    facts = {"records": done.records, "created": done.created, "findings": len(done.findings)}
    record_act("rebuild_records", by=by, now=now, object="archive:store", facts=facts)
    logger.info("archive.rebuilt records=%s created=%s", done.records, done.created)
    return done


def _sorted_ids(done: Rebuilt) -> tuple[list[UUID], list[str]]:
    """Ids of records, and of lists and holds; fonds are restored at once."""
    present, papers = list[UUID](), list[str]()
    for urn in _ids(done):
        if urn.startswith(FONDS_URN):
            _restore_fonds(urn, done)
        elif urn.startswith(_URN):
            present.append(UUID(urn.removeprefix(_URN)))
        elif urn.startswith((DESTRUCTION_URN, HOLD_URN)):
            papers.append(urn)
    return present, sorted(papers)  # lists first: holds name records that they may have made


def _destroyed(papers: Sequence[str], done: Rebuilt) -> set[UUID]:
    """Objects that may not come back."""
    gone: set[UUID] = set()
    for urn in papers:
        if urn.startswith(DESTRUCTION_URN):
            try:
                gone |= destroyed_objects(urn)
            except (ValueError, KeyError, TypeError, OSError) as error:
                done.findings.append(_broken(urn, f"{type(error).__name__}: {error}"))
    return gone


def _restore_papers(papers: Sequence[str], done: Rebuilt, *, by: str, now: datetime) -> None:
    for urn in papers:
        try:
            if urn.startswith(DESTRUCTION_URN):
                restore_list(urn, by=by, now=now)
            else:
                restore_hold(urn)
        except CannotOpen as error:
            done.findings.append(Finding(error.code, urn, facts=error.facts))
        except (ValueError, KeyError, TypeError, OSError, CodeTaken, UnknownFonds,
                Fonds.DoesNotExist, IntegrityError) as error:  # fmt: skip
            done.findings.append(_broken(urn, f"{type(error).__name__}: {error}"))


def _ids(done: Rebuilt) -> Iterator[str]:
    """The id of every object in the store."""
    for key in object_keys():
        try:
            yield _some_inventory(key).object_id
        except (BrokenInventory, OSError) as error:
            done.findings.append(_broken(key, str(error)))


def _some_inventory(key: str) -> Inventory:
    """The inventory of the object, or of its first version when a kill left the root one broken."""
    try:
        return Inventory.parse(blob_store().read(f"{key}/{INVENTORY}"))
    except (BrokenInventory, FileNotFoundError):
        return Inventory.parse(blob_store().read(f"{key}/v1/{INVENTORY}"))


def _broken(where: str, reason: str) -> Finding:
    return Finding("ARCH-INVENTORY-BROKEN", where, facts={"reason": reason})


def _restore_fonds(urn: str, done: Rebuilt) -> None:
    try:
        restore_fonds(urn)
    except (ValueError, KeyError, TypeError, OSError) as error:  # BrokenInventory is a ValueError
        done.findings.append(_broken(urn, f"{type(error).__name__}: {error}"))
    else:
        done.fonds += 1


def _restore(ids: Sequence[UUID], done: Rebuilt, *, by: str, now: datetime) -> None:
    known = Record.objects.in_bulk(list(ids), field_name="object_id")
    fresh: list[Packed] = []
    for object_id in ids:
        try:
            kept = find_object(object_id)
        except BrokenObject as error:
            done.findings.append(broken(objects.record_urn(object_id), error))
            continue
        except OSError as error:
            done.findings.append(_broken(objects.record_urn(object_id), str(error)))
            continue
        if kept is None:
            continue
        done.records += 1
        if object_id in known:
            _compare(known[object_id], kept, done)
        else:
            fresh.append(kept)
    _write(fresh, done, by=by, now=now)


def _compare(record: Record, kept: Packed, done: Rebuilt) -> None:
    if wrong := row_differences(record, kept):
        facts = {"fields": " ".join(wrong)}
        done.findings.append(Finding("ARCH-ROW-DIFFERS", record.code, facts=facts))


def _write(records: Sequence[Packed], done: Rebuilt, *, by: str, now: datetime) -> None:
    """All in one transaction; one by one when one of them cannot be written."""
    for packed in records:
        _need_fonds(packed, by=by, now=now)
    try:
        with transaction.atomic():
            done.created += len(write_rows(records, by=by, now=now))
    except (CodeTaken, BadCode, IntegrityError) as error:
        if len(records) > 1:
            for packed in records:
                _write([packed], done, by=by, now=now)
            return
        done.findings.append(_refused(records[0], error))


def _refused(packed: Packed, error: Exception) -> Finding:
    where = objects.record_urn(packed.object_id)
    if isinstance(error, BadCode):
        return _broken(where, str(error))
    return Finding("ARCH-CODE-TWICE", where, facts={"code": packed.code})


def _need_fonds(packed: Packed, *, by: str, now: datetime) -> None:
    """A fonds whose own object is lost: the records say its number, name and form of code."""
    number = packed.code.split("-", 1)[0]
    if Fonds.objects.filter(number=number).exists():
        return
    form = next(iter(detect(packed.code)), "dat22_item")
    title = packed.description.get("fonds_name", "") or number
    keep_fonds(number, title=title, by=by, now=now, code_template=form)


def _find_lost(present: set[UUID], done: Rebuilt) -> None:
    rows = Record.objects.order_by("pk").values_list("object_id", "code").iterator()
    done.findings += [
        Finding("ARCH-OBJECT-MISSING", code, facts={"key": objects.record_urn(object_id)})
        for object_id, code in rows
        if object_id not in present
    ]
