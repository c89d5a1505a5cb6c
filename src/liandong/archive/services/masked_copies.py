"""The masked copy (遮盖副本) of a record: a PDF from which no tool gets back what is masked.

Made from page images and masked lines alone, also for files that were born digital; kept in the
cache under a name that says what is masked, encrypted where the record is.
"""

import hashlib
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from liandong.archive.models import PersonalHit, Record, RecordFile, RecordPage
from liandong.archive.policies import UNEXAMINED
from liandong.archive.queries.privacy import (
    boxes_to_black,
    hits_of,
    mask_state,
    masked_description,
    masked_lines,
)
from liandong.base.engines import engine
from liandong.kernel.pages import Box, Line, Method, Page
from liandong.kernel.ports import MaskedPage
from liandong.kernel.sealed import CannotOpen

from .contents import StoredFile, cached, keep_cached
from .packing import workspace
from .reading import as_file, stored_file


class NotExamined(Exception):
    """Nobody knows yet what of the record is personal."""


class NoPages(Exception):
    """The record has no page that could be shown."""


def masked_pdf(record: Record) -> StoredFile:
    """The masked copy of a record with the hits that mask now; from the cache when it is there.

    Raises NotExamined, NoPages, Unreadable, FileNotFoundError and CannotOpen.
    """
    if record.personal == UNEXAMINED:
        raise NotExamined
    hits = hits_of(record)
    pages = list(RecordPage.objects.filter(record=record).order_by("number"))
    if not pages:
        raise NoPages
    for page in pages:
        page.record = record
    files = _files(record)
    kept = cached(_model(record, files), f"masked-pdf/{_name(record, pages, hits)}.pdf")
    try:
        kept.open().close()
    except (FileNotFoundError, CannotOpen):  # never made, or with a former key
        keep_cached(kept, _made(record, pages, hits, files))
    return kept


def _name(record: Record, pages: Sequence[RecordPage], hits: Sequence[PersonalHit]) -> str:
    """What the copy shows: version, masked text and blackened images."""
    state = hashlib.sha256()
    for page in pages:
        state.update(mask_state(page, hits).encode())
        state.update("\n".join(line["text"] for line in masked_lines(page, hits)).encode())
    state.update(masked_description(record, hits).get("title", "").encode())
    return f"{record.object_id}/{record.version}-{state.hexdigest()[:24]}"


def _files(record: Record) -> dict[str, RecordFile]:
    return {row.path: row for row in RecordFile.objects.filter(record=record)}


def _model(record: Record, files: dict[str, RecordFile]) -> StoredFile:
    """Any file of the record: the copy is encrypted as that is."""
    return stored_file(record, next(iter(files.values())))


def _made(
    record: Record, pages: Sequence[RecordPage], hits: Sequence[PersonalHit],
    files: dict[str, RecordFile],
) -> bytes:  # fmt: skip
    title = masked_description(record, hits).get("title", "")
    with workspace() as folder, ExitStack() as opened:
        target = folder / "masked.pdf"
        sheets = (_sheet(page, hits, files, opened) for page in pages)
        engine("redactor").masked_pdf(sheets, target, title)
        return target.read_bytes()


def _sheet(
    page: RecordPage, hits: Sequence[PersonalHit], files: dict[str, RecordFile], opened: ExitStack
) -> MaskedPage:
    lines = tuple(
        Line(row["text"], Box(*row["box"]), row["confidence"], row.get("vertical", False))
        for row in masked_lines(page, hits)
    )
    name = page.image or page.file
    row = (files.get(name) or files.get(f"original/{name}")) if page.width else None
    image: Path | None = None
    if row is not None:
        image = opened.enter_context(as_file(stored_file(page.record, row)))
    plain = Page(
        page.number, page.width if row else 0, page.height if row else 0, lines,
        Method(page.method), dpi=page.dpi,
    )  # fmt: skip
    return MaskedPage(plain, image, tuple(boxes_to_black(page, hits)))
