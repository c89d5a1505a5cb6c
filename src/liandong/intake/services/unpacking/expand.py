"""Take the files out of a handed-over zip: never by its paths, never without limits."""

import os
import re
import shutil
import zipfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from django.conf import settings
from django.utils.timezone import get_current_timezone

from liandong.intake.models import Batch, HandedFile
from liandong.kernel.checks import Finding
from liandong.kernel.digests import copy_with_digests
from liandong.kernel.hostility import (
    ZIP_ERRORS,
    HostileZip,
    ZipEntry,
    ZipLimits,
    open_zip,
    zip_entries,
)

PATH_MAX = 1000  # characters of `HandedFile.path`
SYNC_ALL = 200  # above this many files one sync of the system is cheaper than one per file
_NO_HAND_OVER = re.compile(
    r"(^|/)(\[Content_Types\]\.xml|OFD\.xml|mimetype|META-INF/MANIFEST\.MF)$", re.IGNORECASE
)  # zips that are documents


def the_zip(files: Sequence[HandedFile], limits: ZipLimits) -> HandedFile | None:
    """The zip that is the whole hand-over; None when files were handed over as they are."""
    if len(files) != 1 or not files[0].path.lower().endswith(".zip"):
        return None
    try:
        with open_zip(settings.STAGING / files[0].staged, limits) as package:
            is_document = any(_NO_HAND_OVER.search(name) for name in package.namelist()[:2000])
    except (HostileZip, *ZIP_ERRORS):
        is_document = False  # damaged or a bomb: `expand` says so
    return None if is_document else files[0]


def expand(
    batch: Batch, package: HandedFile, limits: ZipLimits
) -> tuple[list[HandedFile], list[Finding]]:
    """Store every file of the zip in the staging folder; unsaved rows, and the findings.

    A zip that is refused as a whole gives no rows.  A zip inside is a file like any other.
    Raises OSError (disk full); then nothing is left.
    """
    folder = settings.STAGING / str(batch.uuid) / "zip"
    shutil.rmtree(folder, ignore_errors=True)  # of a try that was killed
    folder.mkdir(parents=True)
    try:
        opened = open_zip(settings.STAGING / package.staged, limits)
    except HostileZip as error:
        return [], [Finding(error.code, package.path, facts=error.facts)]
    rows: list[HandedFile] = []
    findings: list[Finding] = []
    try:
        with opened:
            for number, entry in enumerate(zip_entries(opened)):
                if entry.fault:
                    findings.append(_entry_finding(entry))
                if entry.is_kept and not _is_litter(entry.path):
                    _keep(batch, opened, entry, folder / f"{number:06d}{suffix_of(entry.path)}",
                          rows, findings)  # fmt: skip
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    _sync(folder, len(rows))
    if not rows and not findings:
        findings.append(Finding("ZIP-NO-FILES", package.path))
    return rows, findings


def _entry_finding(entry: ZipEntry) -> Finding:
    return Finding(entry.fault, entry.path, facts={"name": entry.original_name[:300]})


def _is_litter(path: str) -> bool:
    """What file managers leave in a zip."""
    parts = PurePosixPath(path).parts
    return parts[0] == "__MACOSX" or parts[-1] in {".DS_Store", "Thumbs.db", "desktop.ini"}


def _keep(
    batch: Batch,
    opened: zipfile.ZipFile,
    entry: ZipEntry,
    target: Path,
    rows: list[HandedFile],
    findings: list[Finding],
) -> None:
    try:
        with opened.open(entry.info) as stream:
            digests = copy_with_digests(cast("BinaryIO", stream), target)
    except ZIP_ERRORS as error:
        reason = (str(error) or type(error).__name__)[:120]
        findings.append(Finding("ZIP-ENTRY-DAMAGED", entry.path, facts={"reason": reason}))
        return
    rows.append(
        HandedFile(
            batch=batch, path=entry.path[:PATH_MAX],
            original_name=entry.original_name[:1500] if entry.original_name != entry.path else "",
            staged=f"{batch.uuid}/zip/{target.name}", size_bytes=digests.size,
            sha512=digests.sha512, sha256=digests.sha256, sm3=digests.sm3,
            modified_at=_modified(entry.info),
        )
    )  # fmt: skip


def _modified(info: zipfile.ZipInfo) -> datetime | None:
    try:
        return datetime(*info.date_time, tzinfo=get_current_timezone())  # a zip keeps no zone
    except ValueError:
        return None


def suffix_of(path: str) -> str:
    """A suffix that is safe in the staging folder: readers and identifiers look at it."""
    suffix = PurePosixPath(path).suffix.lower()
    is_plain = len(suffix) <= 10 and suffix[1:].isascii() and suffix[1:].isalnum()
    return suffix if is_plain else ""


def _sync(folder: Path, count: int) -> None:
    """Bytes are on the disk before a row names them."""
    if count > SYNC_ALL:
        os.sync()
        return
    for path in [*folder.iterdir(), folder]:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
