"""Packages for others: BagIt, EEP, a folder with a catalogue, a transfer package, the OCFL object.

Every file goes out with the digests of its inventory and is compared while it is copied: damage is
never exported.
"""

import shutil
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from django.utils import timezone

from liandong.archive.models import FileRole, Record
from liandong.base.audit import Act, record_acts
from liandong.base.models import Outcome
from liandong.base.signing import sign_detached
from liandong.kernel.metadata import Agent, Event, FileFact, read_dat46_xml
from liandong.kernel.packages import bagit, eep, folder, transfer
from liandong.kernel.packages.ocfl import object_path
from liandong.kernel.packages.packet import DAT46_FILE, PackedFile, PackedItem, item_folders

from . import objects
from .contents import StoredFile, contents_of
from .objects import blob_store, record_urn
from .rewriting import write_plain_object

FORMS = ("bagit", "eep", "folder", "dat93", "ocfl")


class CannotExport(Exception):
    """The form cannot hold these records: `reason` is one-record, unknown-form."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def export(
    record: Record, form: str = "bagit", out: Path = Path(), *, by: str, now: datetime
) -> Path:
    """Write one record as a package at `out`; where it is.  See `export_many`."""
    return export_many([record], form, out, by=by, now=now)


def export_many(records: Sequence[Record], form: str, out: Path, *, by: str, now: datetime) -> Path:
    """Write records as one package at `out`, which must not exist; where it is.

    An EEP or OCFL package holds one record: several become a folder of packages by archival code.
    Raises CannotExport, FileExistsError, DigestMismatch, BrokenObject, FileNotFoundError, OSError;
    then nothing is left at `out`, and a second row of the audit says so: the first is written
    before anything goes out.
    """
    if form not in FORMS:
        raise CannotExport("unknown-form")
    if out.exists():
        raise FileExistsError(out)
    _note(records, form, Outcome.DONE, by=by, now=now)
    try:
        items = [packed_item(record) for record in records]
        _write(form, out, records, items, now)
    except BaseException:
        shutil.rmtree(out, ignore_errors=True) if out.is_dir() else out.unlink(missing_ok=True)
        _note(records, form, Outcome.FAILED, by=by, now=now)
        raise
    return out


def _note(
    records: Sequence[Record], form: str, outcome: Outcome, *, by: str, now: datetime
) -> None:
    acts = [
        Act("export_record", f"record:{record.code}", outcome, facts={"form": form})
        for record in records
    ]
    record_acts(acts, by=by, now=now)


def _write(
    form: str, out: Path, records: Sequence[Record], items: Sequence[PackedItem], now: datetime
) -> None:
    day, sender = timezone.localdate(now), records[0].fonds.title
    out.parent.mkdir(parents=True, exist_ok=True)
    match form:
        case "bagit":
            bagit.write(
                out, items, bagged_on=day, organisation=sender,
                sign=lambda manifest: objects.to_json(sign_detached(manifest, now=now)),
            )  # fmt: skip
        case "folder":
            folder.write(out, items)
        case "dat93":
            transfer.write(out, items, made_on=day, sender=sender)
        case "eep":
            _each(out, items, ".eep", lambda at, path: eep.write(
                path, items[at], created=now, creator=sender
            ))  # fmt: skip
        case "ocfl":
            _each(out, items, "", lambda at, path: _copy_object(records[at], path))


def _each(
    out: Path, items: Sequence[PackedItem], suffix: str, write: Callable[[int, Path], None]
) -> None:
    if len(items) == 1:
        write(0, out)
        return
    out.mkdir()
    for at, name in enumerate(item_folders(items)):
        write(at, out / f"{name}{suffix}")


def _copy_object(record: Record, path: Path) -> None:
    """The object as it is stored; of an encrypted one the same history in plain."""
    if record.encryption:
        write_plain_object(record_urn(record.object_id), path)
        return
    key = object_path(record_urn(record.object_id))
    for inside in blob_store().keys(key):
        target = path / inside.removeprefix(f"{key}/")
        target.parent.mkdir(parents=True, exist_ok=True)
        with blob_store().open(inside) as stream, target.open("xb") as out:
            shutil.copyfileobj(stream, out, 1 << 20)


def packed_item(record: Record) -> PackedItem:
    """The record as the package writers take it: its files where they are, and its metadata.

    Raises BrokenObject (LockedObject without its key) and FileNotFoundError.
    """
    kept = objects.read_object(record.object_id)
    held = contents_of(record_urn(record.object_id))
    known = read_dat46_xml(held.read(DAT46_FILE))
    files = [
        _packed_file(held.file(file.path), file) for file in kept.files if file.path != DAT46_FILE
    ]
    events: tuple[Event, ...] = known.events
    agents: tuple[Agent, ...] = known.agents
    return PackedItem(dict(kept.description), tuple(files), kept.code, None, events, agents)


def _packed_file(source: StoredFile, file: objects.PackedFile) -> PackedFile:
    digests: Mapping[str, str] = {
        name: digest
        for name, digest in (("sha512", file.sha512), ("sha256", file.sha256), ("sm3", file.sm3))
        if digest
    }
    fact = FileFact(
        path=file.path,
        role=file.role,
        size=file.size_bytes,
        puid=file.puid,
        format_name=file.format_name,
        mime=file.mime,
        **digests,
    )
    return PackedFile(
        path=file.path.split("/", 1)[1],
        source=Path(file.path),  # asked for only when it is copied
        opened=source.open,
        role=FileRole(file.role).value,
        digests=digests,
        facts=fact,
    )
