"""Step `identify`: what every file is, by its signature, and whether the archive takes it.

What is wrong is kept in `Item.checks["identify"]` and told by `check`: an item with a strange file
still goes through every other check, so that a clerk learns of all its faults at once.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from django.conf import settings

from liandong.base.engines import engine
from liandong.base.rows import update_rows
from liandong.intake.models import HandedFile, Item
from liandong.kernel.checks import Finding
from liandong.kernel.ports import Identification

from .checking.formats import is_allowed
from .checking.sight import link_prefix
from .steps import Done
from .unpacking.draft import finding_to_json


def identify(items: Sequence[Item], *, now: datetime) -> list[Done]:
    """Identify the files of these items in one call; saving writes puid, mime and format name."""
    files = list(HandedFile.objects.filter(item__in=items).order_by("item", "order", "path"))
    paths = [settings.STAGING / file.staged for file in files]
    own: dict[int, list[tuple[HandedFile, Identification]]] = defaultdict(list)
    for file, found in zip(files, engine("identifier").identify(paths), strict=True):
        own[file.item_id or 0].append((file, found))
    dones = [_done(item, own[item.pk]) for item in items]
    dones[0] = replace(dones[0], save=_all(dones, files))
    return dones


def _all(dones: Sequence[Done], files: Sequence[HandedFile]) -> Callable[[], None]:
    """Saves the rows of every file in one statement, with the first item."""
    first = dones[0].save

    def save() -> None:
        update_rows(files, ["puid", "mime", "format_name"])
        first()

    return save


def _done(item: Item, files: list[tuple[HandedFile, Identification]]) -> Done:
    prefix = link_prefix(item.batch)
    findings = [
        finding
        for file, found in files
        if file.is_content
        for finding in file_findings(file.path, file.size_bytes, found, prefix)
    ]
    detail = {"files": {file.path: [found.puid, found.basis] for file, found in files[:200]}}
    for file, found in files:
        file.puid, file.mime = found.puid[:40], found.mime[:127]
        file.format_name = found.name[:200]
    return Done(detail=detail, save=_writer(item, findings))


def _writer(item: Item, findings: list[Finding]) -> Callable[[], None]:
    def save() -> None:
        item.checks = {**item.checks, "identify": [finding_to_json(one) for one in findings]}

    return save


def file_findings(path: str, size: int, found: Identification, prefix: str) -> list[Finding]:
    """What the format of one file has against it; `prefix` is YJ (transfer) or GD (filing)."""
    if not size:
        return [Finding("FILE-EMPTY", path)]
    if not found.puid:
        return [Finding("FILE-UNKNOWN-FORMAT", path)]
    facts = {"format": found.name, "puid": found.puid}
    findings = []
    if found.extension_mismatch:
        findings.append(Finding("FILE-EXTENSION", path, facts=facts))
    if not is_allowed(found.puid):
        findings.append(Finding(f"{prefix}-3-3a", path, facts=facts))
    return findings
