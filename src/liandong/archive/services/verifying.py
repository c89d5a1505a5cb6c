"""Fixity: every byte in the store is read again and compared with what was promised.

Three promises are checked: the inventory (SHA-512, DA/T 70 GB-1), the digests that intake took
(SHA-256, SM3), and the rows.  Findings are data; nothing is repaired silently.
"""

import hashlib
import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil
from typing import BinaryIO
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q

from liandong.archive.models import FileRole, FixityRun, PreservationEvent, Record, RecordFile
from liandong.base.audit import record_act
from liandong.base.models import Outcome
from liandong.kernel.checks import Finding
from liandong.kernel.digests import Digests, digest_stream
from liandong.kernel.packages.ocfl import (
    INVENTORY,
    OBJECT_DECLARATION,
    SIDECAR,
    BrokenInventory,
    Inventory,
    object_path,
    sidecar,
)
from liandong.kernel.sealed import CannotOpen, SealBroken

from . import objects
from .correcting import object_lock, recover
from .keyring import shred_key
from .objects import BrokenObject, LockedObject, Packed, blob_store, record_urn
from .opening.keeping import is_waiting
from .packing import TOOL
from .reading import open_stored

logger = logging.getLogger(__name__)
Progress = Callable[[int, int], None]  # done, total
_CHUNK = 50  # records per short transaction
_KEPT_FAILURES = 1000  # of one run, in its row
_SETTLED = {"level", "open_from", "description"}  # what an opening review changes


@dataclass(frozen=True, slots=True)
class Verified:
    """A run and every finding of it."""

    run: FixityRun
    findings: list[Finding] = field(default_factory=list)


def _no_progress(_done: int, _total: int) -> None:
    """Nobody is watching."""


def verify(
    *,
    kind: str = "all",
    sample: int = 100,
    by: str,
    now: datetime,
    progress: Progress = _no_progress,
) -> Verified:
    """Check records and write the run; `kind` is all, sample or scheduled.

    all: every record, and objects without a row; goes on where an interrupted run stopped.
    sample: `sample` records at random.  scheduled: the records checked longest ago, so many that
    each is checked within VERIFY_DAYS when this is called every day.
    """
    run = _open_run(kind, by=by, now=now)
    done, findings, total = run.checked, list[Finding](), _size(kind, sample, now)
    for chunk in _chunks(kind, sample, run, now):
        results = [(record, *check_record(record)) for record in chunk]
        _write(run, results, by=by, now=now)
        findings += [finding for _, found, _ in results for finding in found]
        done += len(chunk)
        progress(done, max(total, done))
    if kind == "all":
        strays = list(objects_without_row())
        findings += strays
        run.failed += len(strays)
        run.failures = (run.failures + [_failure("", one) for one in strays])[:_KEPT_FAILURES]
    run.ended_at = now
    _end(run, by=by, now=now)
    logger.info("archive.verified kind=%s checked=%s failed=%s", kind, run.checked, run.failed)
    return Verified(run, findings)


@transaction.atomic
def _end(run: FixityRun, *, by: str, now: datetime) -> None:
    run.save()
    record_act(
        "verify_fixity", by=by, now=now, object=f"fixity:{run.pk}",
        outcome=Outcome.FAILED if run.failed else Outcome.DONE,
        facts={"kind": run.kind, "checked": run.checked, "failed": run.failed},
    )  # fmt: skip


def _open_run(kind: str, *, by: str, now: datetime) -> FixityRun:
    if kind == "all":
        stopped = FixityRun.objects.filter(kind="all", ended_at__isnull=True).first()
        if stopped is not None:
            return stopped
    return FixityRun.objects.create(kind=kind, started_at=now, by=by)


def _size(kind: str, sample: int, now: datetime) -> int:
    match kind:
        case "all":
            return Record.objects.count()
        case "sample":
            return min(sample, Record.objects.count())
        case "scheduled":
            return due_count(now=now)
    raise ValueError(f"no kind of run: {kind!r}")


def due_count(*, now: datetime) -> int:
    """How many records a scheduled run of today checks: an even share, and all that are late."""
    limit = now - timedelta(days=settings.VERIFY_DAYS - 1)
    late = Record.objects.filter(Q(verified_at__isnull=True) | Q(verified_at__lte=limit)).count()
    return max(late, ceil(Record.objects.count() / settings.VERIFY_DAYS))


def _chunks(kind: str, sample: int, run: FixityRun, now: datetime) -> Iterator[list[Record]]:
    records = Record.objects.select_related("fonds")
    if kind == "all":
        while chunk := list(records.filter(pk__gt=run.last_record).order_by("pk")[:_CHUNK]):
            yield chunk
        return
    if kind == "sample":
        ids = list(Record.objects.order_by("?").values_list("pk", flat=True)[:sample])
    else:
        oldest = Record.objects.order_by(F("verified_at").asc(nulls_first=True), "pk")
        ids = list(oldest.values_list("pk", flat=True)[: due_count(now=now)])
    for at in range(0, len(ids), _CHUNK):
        yield list(records.filter(pk__in=ids[at : at + _CHUNK]))


@transaction.atomic
def _write(
    run: FixityRun,
    results: Sequence[tuple[Record, list[Finding], int]],
    *,
    by: str,
    now: datetime,
) -> None:
    good = [record.pk for record, found, _ in results if not found]
    bad = [(record, found) for record, found, _ in results if found]
    Record.objects.filter(pk__in=good).update(verified_at=now, verified_ok=True)
    Record.objects.filter(pk__in=[record.pk for record, _ in bad]).update(
        verified_at=now, verified_ok=False
    )
    events = [_event(record, found, by, now) for record, found in bad]
    if run.kind == "all":
        events += [_event(record, (), by, now) for record, found, _ in results if not found]
    PreservationEvent.objects.bulk_create(events, batch_size=500)
    run.checked += len(results)
    run.failed += len(bad)
    run.size_bytes += sum(size for _, _, size in results)
    run.last_record = max(record.pk for record, _, _ in results)
    rows = [_failure(record.code, one) for record, found in bad for one in found]
    run.failures = (run.failures + rows)[:_KEPT_FAILURES]
    run.save()


def _event(record: Record, found: Sequence[Finding], by: str, now: datetime) -> PreservationEvent:
    return PreservationEvent(
        record=record,
        kind="fixity check",
        at=now,
        by=by,
        tool=TOOL,
        outcome="failure" if found else "success",
        detail={"findings": [[one.code, one.where] for one in found[:20]]} if found else {},
    )


def _failure(code: str, finding: Finding) -> dict[str, object]:
    return {
        "code": code,
        "where": finding.where,
        "finding": finding.code,
        "facts": dict(finding.facts),
    }


# One record ---------------------------------------------------------------------------------------


def check_record(record: Record) -> tuple[list[Finding], int]:
    """Every finding of a record, and how many bytes were read."""
    with object_lock(record.object_id):
        key = object_path(record_urn(record.object_id))
        if blob_store().exists(f"{key}/v{record.version + 1}/{INVENTORY}"):
            with suppress(BrokenObject, FileNotFoundError):  # what is wrong is found below
                record = recover(record)  # a process died between store and rows
        if not blob_store().exists(f"{key}/{OBJECT_DECLARATION[0]}"):
            return [Finding("ARCH-OBJECT-MISSING", record.code, facts={"key": key})], 0
        try:
            inventory = _read_inventory(key)
        except (BrokenInventory, OSError) as error:
            facts = {"reason": str(error)}
            return [Finding("ARCH-INVENTORY-BROKEN", record.code, facts=facts)], 0
        findings, size = _check_content(key, inventory, record)
        findings += _check_places(key, inventory, record)
        if record.encryption and not findings:
            findings += _check_plain(record)
        findings += _check_rows(record) if not findings else []
        return findings, size


def _read_inventory(key: str) -> Inventory:
    content = blob_store().read(f"{key}/{INVENTORY}")
    try:
        promised = blob_store().read(f"{key}/{SIDECAR}")
    except FileNotFoundError:
        raise BrokenInventory("no sidecar") from None
    if promised.split() != sidecar(content).split():
        raise BrokenInventory("the sidecar has another digest")
    return Inventory.parse(content)


def _check_content(key: str, inventory: Inventory, record: Record) -> tuple[list[Finding], int]:
    rows = RecordFile.objects.filter(record=record, role=FileRole.ORIGINAL)
    originals = {} if record.encryption else {row.content_path: row for row in rows}
    findings, size = list[Finding](), 0
    for sha512, paths in inventory.manifest.items():
        for path in paths:
            try:
                facts, read = _check_file(f"{key}/{path}", sha512, originals.get(path))
            except FileNotFoundError:
                findings.append(_about(record, "ARCH-FILE-MISSING", path))
                continue
            except OSError as error:
                findings.append(_about(record, "ARCH-FILE-UNREADABLE", path, reason=str(error)))
                continue
            if facts:
                findings.append(_about(record, "ARCH-FILE-CHANGED", path, **facts))
            size += read
    return findings, size


def _check_file(key: str, sha512: str, original: RecordFile | None) -> tuple[dict[str, str], int]:
    """What is wrong with a file ({} when nothing is), and its size.

    Originals are compared by all three digests in the same read.  Raises OSError.
    """
    with blob_store().open(key) as stream:
        if original is None:
            actual, size = _sha512(stream)
            return _wrong(actual, {"SHA-512": sha512}), size
        found = digest_stream(stream)
        return _differences(found, sha512, original), found.size


def _check_plain(record: Record) -> list[Finding]:
    """What is wrong inside a sealed object: the digests of its plain contents.

    Without the key only that is told: the stored bytes were compared already.
    """
    findings = []
    for row in RecordFile.objects.filter(record=record):
        try:
            with open_stored(record, row) as stream:
                found = digest_stream(stream)
        except SealBroken as error:
            findings.append(_about(record, error.code, row.path, **error.facts))
        except CannotOpen as error:
            return [*findings, Finding(error.code, record.code, facts=error.facts)]
        else:
            facts = _differences(found, row.sha512, row)
            findings += [_about(record, "ARCH-FILE-CHANGED", row.path, **facts)] if facts else []
    return findings


def _differences(found: Digests, sha512: str, row: RecordFile) -> dict[str, str]:
    """Facts for the message when one of three digests is another, {} when none is."""
    actual = {"SHA-512": found.sha512, "SHA-256": found.sha256, "SM3": found.sm3}
    return _wrong(actual, {"SHA-512": sha512, "SHA-256": row.sha256, "SM3": row.sm3})


def _wrong(actual: Mapping[str, str], expected: Mapping[str, str]) -> dict[str, str]:
    wrong = [name for name, digest in expected.items() if digest and actual[name] != digest]
    if not wrong:
        return {}
    first = wrong[0]
    return {
        "algorithms": " ".join(wrong),
        "expected": expected[first][:16],
        "actual": actual[first][:16],
    }


def _sha512(stream: BinaryIO) -> tuple[dict[str, str], int]:
    plain, size = hashlib.sha512(), 0
    while block := stream.read(1 << 20):
        plain.update(block)
        size += len(block)
    return {"SHA-512": plain.hexdigest()}, size


def _about(record: Record, code: str, path: str, **facts: str) -> Finding:
    return Finding(code, f"{record.code}/{path}", facts={"path": path, **facts})


def _check_places(key: str, inventory: Inventory, record: Record) -> list[Finding]:
    """Files that should not be there, and inventories of versions that are gone or damaged."""
    names = [f"v{number}" for number in range(1, len(inventory.versions) + 1)]
    expected = {path for paths in inventory.manifest.values() for path in paths}
    expected |= {OBJECT_DECLARATION[0], INVENTORY, SIDECAR}
    expected |= {f"{name}/{file}" for name in names for file in (INVENTORY, SIDECAR)}
    present = {path.removeprefix(f"{key}/") for path in blob_store().keys(key)}
    findings = [_about(record, "ARCH-FILE-EXTRA", path) for path in sorted(present - expected)
                if not path.startswith(("logs/", "extensions/"))]  # fmt: skip
    for name in names:
        try:
            content = blob_store().read(f"{key}/{name}/{INVENTORY}")
            promised = blob_store().read(f"{key}/{name}/{SIDECAR}")
        except OSError:
            findings.append(_about(record, "ARCH-FILE-MISSING", f"{name}/{INVENTORY}"))
            continue
        if promised.split() != sidecar(content).split():
            reason = f"{name}: the sidecar has another digest"
            findings.append(Finding("ARCH-INVENTORY-BROKEN", record.code, facts={"reason": reason}))
    return findings


def _check_rows(record: Record) -> list[Finding]:
    """ARCH-ROW-DIFFERS for each fact that the row and the object tell differently."""
    try:
        kept = objects.read_object(record.object_id)
    except BrokenObject as error:
        return [broken(record.code, error)]
    except FileNotFoundError as error:
        return [Finding("ARCH-INVENTORY-BROKEN", record.code, facts={"reason": str(error)})]
    wrong = row_differences(record, kept)
    if not wrong:
        return []
    return [Finding("ARCH-ROW-DIFFERS", record.code, facts={"fields": " ".join(wrong)})]


def broken(where: str, error: BrokenObject) -> Finding:
    """What a finding says of an object that cannot be read: damage, or a key that is lost."""
    facts = error.error.facts if isinstance(error, LockedObject) else {"reason": str(error)}
    return Finding(error.code, where, facts=facts)


def row_differences(record: Record, kept: Packed) -> list[str]:
    """Names of what the row and the object of a record tell differently, sorted."""
    expected = {
        "code": kept.code,
        **objects.described_columns(kept.description),
        "level": kept.level,
        "open_from": kept.open_from,
        "unit": kept.unit,
        "version": kept.version,
        "page_count": len(kept.pages),
        "admitted_at": kept.admitted_at,
        "admitted_by": kept.admitted_by,
        "looked_at": kept.looked_at,
        "encryption": kept.encryption,
    }
    if is_waiting(record):  # a decision of a moment ago: its bytes follow by a job
        expected = {name: expected[name] for name in expected.keys() - _SETTLED}
    wrong = [name for name, value in expected.items() if getattr(record, name) != value]
    rows = RecordFile.objects.filter(record=record).values_list("path", "sha512", "size_bytes")
    if set(rows) != {(file.path, file.sha512, file.size_bytes) for file in kept.files}:
        wrong.append("files")
    return sorted(wrong)


# The store as a whole -----------------------------------------------------------------------------


def objects_without_row() -> Iterator[Finding]:
    """ARCH-ROW-MISSING for each object of a record in the store that no row names.

    ARCH-DESTROYED-PRESENT when the row says that it was destroyed.
    """
    known = {
        bytes.fromhex(object_path(record_urn(pk)).rsplit("/", 1)[1])
        for pk in Record.objects.values_list("object_id", flat=True).iterator()
    }
    for key in object_keys():
        if bytes.fromhex(key.rsplit("/", 1)[1]) in known:
            continue
        try:
            urn = _read_inventory(key).object_id
        except (BrokenInventory, OSError) as error:
            yield Finding("ARCH-INVENTORY-BROKEN", key, facts={"reason": str(error)})
            continue
        if urn.startswith("urn:uuid:"):
            destroyed = Record.every.filter(object_id=urn.removeprefix("urn:uuid:")).exists()
            code = "ARCH-DESTROYED-PRESENT" if destroyed else "ARCH-ROW-MISSING"
            yield Finding(code, urn, facts={"key": key})


def object_keys() -> Iterator[str]:
    """Keys of every object in the store, sorted."""
    ending = f"/{OBJECT_DECLARATION[0]}"
    layout = re.compile(r"(?:[0-9a-f]{3}/){3}[0-9a-f]{64}")
    for key in blob_store().keys(""):
        if key.endswith(ending) and layout.fullmatch(found := key.removesuffix(ending)):
            yield found


def collect_orphans(abandoned: Iterable[UUID], *, by: str, now: datetime) -> list[UUID]:
    """Remove objects that were packed and will never be admitted; those removed.

    Only intake knows which (returned, repeated): an object without a row that nobody calls
    abandoned stays, it may be all that is left of a record.  One with a row is never removed.
    """
    removed = []
    for object_id in abandoned:
        key = object_path(record_urn(object_id))
        if Record.every.filter(object_id=object_id).exists():
            continue
        if not blob_store().exists(f"{key}/{OBJECT_DECLARATION[0]}"):
            continue
        blob_store().delete(key)
        shred_key(record_urn(object_id))
        removed.append(object_id)
        logger.warning("archive.orphan_removed id=%s by=%s at=%s", object_id, by, now.isoformat())
    return removed
