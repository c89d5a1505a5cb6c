"""Unpack a batch: open its zip, read its catalogue or manifest, and make its items.

Files are stored before any row names them, and all rows are written in one transaction: a kill
leaves either nothing (the extracted files are thrown away at the next try) or everything.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from liandong.base.rows import update_rows
from liandong.intake.models import Batch, HandedFile, Item
from liandong.kernel.checks import Finding
from liandong.kernel.hostility import ZipLimits

from .unpacking.arrange import Arrangement, arrange
from .unpacking.draft import Draft, finding_from_json, finding_to_json
from .unpacking.expand import expand, the_zip

ROWS_AT_ONCE = 500  # per SQL statement


def unpack(batch: Batch, *, by: str, now: datetime) -> list[Finding]:
    """Make the items of a batch and return what is wrong with the hand-over as a whole.

    What is wrong with one item is kept in `Item.checks["unpack"]` until `check` tells it.  Done
    again it changes nothing and returns the same.  Raises OSError (disk full) with nothing
    written.
    """
    if batch.kind:
        return [finding_from_json(one) for one in batch.declared.get("unpacked", [])]
    files = list(batch.files.order_by("path"))
    fresh: list[HandedFile] = []
    findings: list[Finding] = []
    if package := the_zip(files, zip_limits()):
        fresh, findings = expand(batch, package, zip_limits())
        package.is_content = not fresh  # a zip that cannot be opened is kept as an item
    arrangement = arrange(batch, [file for file in [*files, *fresh] if file.is_content])
    findings += arrangement.findings
    return _write(batch, arrangement, files, fresh, findings)


def zip_limits() -> ZipLimits:
    """The limits that this installation sets for zips."""
    return ZipLimits(settings.ZIP_MAX_RATIO, settings.ZIP_MAX_ENTRIES, settings.ZIP_MAX_BYTES)


@transaction.atomic
def _write(
    batch: Batch,
    arrangement: Arrangement,
    files: Sequence[HandedFile],
    fresh: Sequence[HandedFile],
    findings: Sequence[Finding],
) -> list[Finding]:
    _write_items(batch, arrangement.drafts)
    made = [*fresh, *arrangement.fresh]
    HandedFile.objects.bulk_create(made, batch_size=ROWS_AT_ONCE)
    update_rows(files, ["item", "order", "is_content"])
    batch.kind = arrangement.kind
    batch.declared = {
        **batch.declared,
        **arrangement.declared,
        "unpacked": [finding_to_json(finding) for finding in findings],
    }
    batch.item_count = len(arrangement.drafts)
    batch.save(update_fields=["kind", "declared", "item_count"])
    return list(findings)


def _write_items(batch: Batch, drafts: Sequence[Draft]) -> None:
    items = [
        Item(
            batch=batch, key=draft.key, row=draft.row, description=draft.description,
            checks=_told_later(draft),
        )
        for draft in drafts
    ]  # fmt: skip
    Item.objects.bulk_create(items, batch_size=ROWS_AT_ONCE)
    for item, draft in zip(items, drafts, strict=True):
        for order, file in enumerate(draft.files):
            file.item, file.order = item, order
        for file in draft.companions:
            file.item, file.is_content = item, False


def _told_later(draft: Draft) -> dict[str, Any]:
    found = {"unpack": [finding_to_json(finding) for finding in draft.findings]}
    return found if draft.findings else {}
