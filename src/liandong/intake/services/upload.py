"""Files on their way up, in pieces that may be resumed; a whole file gets a receipt."""

import os
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import transaction

from liandong.archive.models import Fonds
from liandong.base.models import Unit
from liandong.intake.models import Batch, Upload
from liandong.kernel.digests import digest_file
from liandong.kernel.names import inner_path

from .receive import Incoming, receive

KEEP_UNFINISHED = timedelta(days=7)


class WrongOffset(Exception):
    """The piece does not start where the file ends: `offset` is where it goes on."""

    def __init__(self, offset: int) -> None:
        super().__init__(offset)
        self.offset = offset


class TooLarge(Exception):
    """The file is larger than this installation takes: `limit` in bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit


class Unfinished(Exception):
    """Files of the session are not complete: their paths."""

    def __init__(self, paths: list[str]) -> None:
        super().__init__(paths)
        self.paths = paths


def begin(session: UUID, path: str, size_bytes: int, *, by: str, now: datetime) -> Upload:
    """The upload of one file, new or as it stands.  Raises BadPath, TooLarge."""
    clean = inner_path(path)
    if not 0 <= size_bytes <= settings.UPLOAD_MAX_BYTES:
        raise TooLarge(settings.UPLOAD_MAX_BYTES)
    upload, fresh = Upload.objects.get_or_create(
        session=session, path=clean,
        defaults={"size_bytes": size_bytes, "created_at": now, "created_by": by},
    )  # fmt: skip
    if not fresh and upload.size_bytes != size_bytes:  # another file under the same path
        _part(upload).unlink(missing_ok=True)
        upload.size_bytes, upload.offset, upload.sha256 = size_bytes, 0, ""
        upload.save(update_fields=["size_bytes", "offset", "sha256"])
    if size_bytes == 0:
        _part(upload).parent.mkdir(parents=True, exist_ok=True)
        _part(upload).touch()
        return _finish(upload)
    return upload


@transaction.atomic
def take_piece(upload_id: UUID, offset: int, content: bytes, *, by: str) -> Upload:
    """Write one piece; the receipt (SHA-256) is set when the file is complete.

    Raises Upload.DoesNotExist, WrongOffset, TooLarge.
    """
    upload = Upload.objects.select_for_update().get(uuid=upload_id, created_by=by)
    if offset != upload.offset:
        raise WrongOffset(upload.offset)
    if offset + len(content) > upload.size_bytes:
        raise TooLarge(upload.size_bytes)
    part = _part(upload)
    part.parent.mkdir(parents=True, exist_ok=True)
    with part.open("r+b" if part.exists() else "w+b") as file:
        file.truncate(offset)  # a piece that was cut off is written again
        file.seek(offset)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    upload.offset = offset + len(content)
    upload.save(update_fields=["offset"])
    return _finish(upload) if upload.offset == upload.size_bytes else upload


def _part(upload: Upload) -> Path:
    return Path(settings.STAGING) / "uploads" / str(upload.session) / f"{upload.uuid}.part"


def _finish(upload: Upload) -> Upload:
    upload.sha256 = digest_file(_part(upload)).sha256
    upload.save(update_fields=["sha256"])
    return upload


def receive_session(
    session: UUID,
    *,
    name: str,
    by: str,
    now: datetime,
    fonds: Fonds | None = None,
    unit: Unit | None = None,
    mends: Batch | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Batch:
    """Make a batch of everything that was uploaded in a session.

    Raises Unfinished when a file is not complete, NothingReceived when there is none.
    """
    uploads = list(Upload.objects.filter(session=session, created_by=by).order_by("path"))
    open_paths = [upload.path for upload in uploads if not upload.sha256]
    if open_paths:
        raise Unfinished(open_paths)
    files = [
        Incoming(upload.path, _part(upload), upload.path, upload.created_at) for upload in uploads
    ]
    batch = receive(
        files, name=name, by=by, now=now, fonds=fonds, unit=unit, mends=mends, progress=progress
    )
    Upload.objects.filter(session=session, created_by=by).delete()
    for file in files:
        file.source.unlink(missing_ok=True)
    return batch


def sweep(*, now: datetime) -> int:
    """Forget uploads that nobody finished within a week; returns how many."""
    old = Upload.objects.filter(created_at__lt=now - KEEP_UNFINISHED)
    for upload in old:
        _part(upload).unlink(missing_ok=True)
    return old.delete()[0]
