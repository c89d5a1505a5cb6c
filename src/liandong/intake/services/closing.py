"""The end of a batch: its own papers are kept as an object beside the records.

Catalogue, manifests, an EEP file as it came and the check report belong to no single record; they
are what proves the hand-over.  Source: DA/T 70-2018 (the report stays with the batch);
DA/T 93-2022 (the original package is kept).
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from liandong.archive.services.contents import seal_contents
from liandong.archive.services.keyring import algorithm_in_use, ensure_keys
from liandong.archive.services.objects import blob_store, to_json
from liandong.archive.services.packing import workspace
from liandong.base.audit import record_act
from liandong.intake.models import Batch, HandedFile
from liandong.intake.queries import batch_report
from liandong.kernel.packages.ocfl import (
    Content,
    object_path,
    prepare_root,
    publish_object,
    write_object,
)

from .finish import remove_staged

BATCH_URN = "urn:liandong:batch:"


def keep_papers(batch: Batch, *, by: str, now: datetime) -> str:
    """Write the object of an ended batch, once, and drop the staged papers; returns its id."""
    urn = f"{BATCH_URN}{batch.uuid}"
    store = blob_store()
    prepare_root(store)
    papers = list(batch.files.filter(is_content=False).exclude(staged=""))
    if not papers and store.exists(f"{object_path(urn)}/inventory.json"):
        return urn
    if not store.exists(f"{object_path(urn)}/inventory.json"):
        with workspace() as folder:
            write_object(
                folder / "object", urn, _stored(urn, dict(_contents(batch, papers)), folder, now),
                message="移交批次", user=by, created=now, sync=True,
            )  # fmt: skip
            publish_object(store, folder / "object", urn)
    with transaction.atomic():
        batch.files.filter(pk__in=[paper.pk for paper in papers]).update(staged="")
        transaction.on_commit(lambda: remove_staged(papers))
    return urn


def note_report(batch: Batch, *, form: str, by: str, now: datetime) -> None:
    """Record that somebody takes the check report or the receipt of a batch."""
    record_act("print_report", by=by, now=now, object=f"batch:{batch.pk}", facts={"form": form})


def _stored(
    urn: str, contents: Mapping[str, Content], folder: Path, now: datetime
) -> Mapping[str, Content]:
    """The papers as they go into the store: sealed when new objects are."""
    algorithm = algorithm_in_use()
    if algorithm is None:
        return contents
    key = ensure_keys([urn], algorithm, now=now)[urn]
    plain = {path: (one.source, one.sha512) for path, one in contents.items()}
    return seal_contents(urn, "v1", key, plain, folder / "sealed").contents


def _contents(batch: Batch, papers: list[HandedFile]) -> Iterator[tuple[str, Content]]:
    for paper in papers:
        yield f"hand-over/{paper.path}", Content(settings.STAGING / paper.staged, paper.sha512)
    yield "metadata/batch.json", Content(to_json(_facts(batch)))
    report = list(batch_report(batch, "zh"))
    yield "metadata/report.json", Content(to_json({"checks": batch.checks, "items": report}))


def _facts(batch: Batch) -> Mapping[str, Any]:
    return {
        "id": str(batch.uuid),
        "name": batch.name,
        "kind": batch.kind,
        "fonds": batch.fonds.number if batch.fonds else "",
        "unit": batch.unit.code if batch.unit else "",
        "received_at": batch.received_at.isoformat(),
        "received_by": batch.received_by,
        "content_digest": f"sha256:{batch.content_digest}",
        "declared": batch.declared,
        "files": [
            {"path": row.path, "original_name": row.original_name, "size": row.size_bytes,
             "sha512": row.sha512, "sha256": row.sha256, "sm3": row.sm3,
             "record": str(row.item.uuid) if row.item and row.item.record_id else ""}
            for row in batch.files.select_related("item").order_by("path")
        ],
    }  # fmt: skip
