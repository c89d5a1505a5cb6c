"""Builders of batches and items with pages that were read; only the fields that matter."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime

from liandong.archive.models import Fonds, RetentionRule
from liandong.base.models import Unit
from liandong.intake.models import Batch, HandedFile, Item, ItemPage
from liandong.kernel.pages import Page

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)


def make_fonds(number: str = "Z109", template: str = "dat22_item") -> Fonds:
    unit, _ = Unit.objects.get_or_create(code="BGS", defaults={"name": "滨州市人民政府办公室"})
    return Fonds.objects.create(
        number=number, title="滨州市人民政府", unit=unit, code_template=template
    )


def make_rule(fonds: Fonds, words: str, retention: str, clause: str = "1.1") -> RetentionRule:
    return RetentionRule.objects.create(
        fonds=fonds, clause=clause, scope="范围", words=words, retention=retention,
        approval="滨档〔2020〕1号",
    )  # fmt: skip


def make_batch(kind: str = "catalogue", fonds: Fonds | None = None) -> Batch:
    return Batch.objects.create(
        name="一批", kind=kind, fonds=fonds, received_at=NOW, received_by="li",
        content_digest="0" * 64,
    )  # fmt: skip


def make_item(
    batch: Batch,
    files: Sequence[Sequence[Page]] = (),
    *,
    row: int | None = 2,
    modified_at: datetime | None = None,
    **description: str,
) -> Item:
    """An item of files, each given by its pages."""
    key = f"件-{batch.items.count() + 1}"
    item = Item.objects.create(batch=batch, key=key, row=row, description=description)
    for order, pages in enumerate(files):
        path = f"{item.key}/{order}.pdf"
        digest = hashlib.sha256(path.encode()).hexdigest()
        file = HandedFile.objects.create(
            batch=batch, item=item, path=path, order=order, size_bytes=1,
            sha512=digest * 2, sha256=digest, sm3=digest, modified_at=modified_at,
        )  # fmt: skip
        ItemPage.objects.bulk_create(
            [ItemPage(file=file, number=page.number, page=page.to_json()) for page in pages]
        )
    return item
