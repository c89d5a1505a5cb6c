"""Files on their way up, in pieces that may be resumed; a whole file gets a receipt."""

import contextlib
import os
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from django.conf import settings

from liandong.archive.models import Fonds
from liandong.base.locks import hold
from liandong.base.models import Unit
from liandong.intake.models import Batch, Upload
from liandong.kernel.digests import digest_file
from liandong.kernel.names import BadPath, inner_path

from .receive import PATH_MAX, Incoming, receive

KEEP_UNFINISHED = timedelta(days=7)
LOCKS = 64  # lock files for pieces: two uploads with the same one wait for each other


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
    """The upload of one file, new or as it stands.

    Raises BadPath, TooLarge, and Upload.DoesNotExist for a session that somebody else began.
    """
    clean = inner_path(path)
    if len(clean) > PATH_MAX:
        raise BadPath(f"a path longer than {PATH_MAX} characters: {clean[:60]!r}…")
    if not 0 <= size_bytes <= settings.UPLOAD_MAX_BYTES:
        raise TooLarge(settings.UPLOAD_MAX_BYTES)
    if Upload.objects.filter(session=session).exclude(created_by=by).exists():
        raise Upload.DoesNotExist
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


def take_piece(upload_id: UUID, offset: int, content: bytes, *, by: str) -> Upload:
    """Write one piece; the receipt (SHA-256) is set when the file is complete.

    Raises Upload.DoesNotExist, WrongOffset, TooLarge, OSError (disk full: the piece is sent again).
    """
    with hold(f"upload-{upload_id.int % LOCKS}", wait=True):  # one piece of a file at a time
        upload = Upload.objects.get(uuid=upload_id, created_by=by)
        part = _part(upload)
        kept = part.stat().st_size if part.exists() else 0
        if kept < upload.offset:  # the staging folder was lost or restored from a backup
            upload.offset, upload.sha256 = kept, ""
            upload.save(update_fields=["offset", "sha256"])
        if offset != upload.offset:
            raise WrongOffset(upload.offset)
        if offset + len(content) > upload.size_bytes:
            raise TooLarge(upload.size_bytes)
        _write(part, offset, content)
        upload.offset = offset + len(content)
        upload.save(update_fields=["offset"])
        is_whole = upload.offset == upload.size_bytes and not upload.sha256
        return _finish(upload) if is_whole else upload


def _write(part: Path, offset: int, content: bytes) -> None:
    part.parent.mkdir(parents=True, exist_ok=True)
    with part.open("r+b" if part.exists() else "w+b") as file:
        file.truncate(offset)  # a piece that was cut off is written again
        file.seek(offset)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


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

    Raises Unfinished when a file is not complete or is not what its receipt says, and
    NothingReceived when there is none.
    """
    batch = receive(
        session_files(session, by=by), name=name, by=by, now=now, fonds=fonds, unit=unit,
        mends=mends, progress=progress,
    )  # fmt: skip
    forget_session(session, by=by)
    return batch


def session_files(session: UUID, *, by: str) -> list[Incoming]:
    """The files that were uploaded in a session, by path, with their digests.

    Raises Unfinished when a file is not complete or is not what its receipt says.
    """
    uploads = list(Upload.objects.filter(session=session, created_by=by).order_by("path"))
    open_paths = [upload.path for upload in uploads if not upload.sha256]
    files = [] if open_paths else [_incoming(upload, open_paths) for upload in uploads]
    if open_paths:
        raise Unfinished(open_paths)
    return [file for file in files if file]


def _incoming(upload: Upload, wrong: list[str]) -> Incoming | None:
    """The file with its digests; one that differs from its receipt is to be sent again."""
    part = _part(upload)
    digests = digest_file(part) if part.exists() else None
    if digests is None or digests.sha256 != upload.sha256:
        upload.offset, upload.sha256 = 0, ""
        upload.save(update_fields=["offset", "sha256"])
        wrong.append(upload.path)
        return None
    return Incoming(upload.path, part, upload.path, upload.created_at, digests)


def finished_file(upload_id: UUID, session: UUID, *, by: str) -> Incoming:
    """One whole file of a session.  Raises Upload.DoesNotExist and Unfinished."""
    upload = Upload.objects.get(uuid=upload_id, session=session, created_by=by)
    wrong = [] if upload.sha256 else [upload.path]
    found = None if wrong else _incoming(upload, wrong)
    if found is None:
        raise Unfinished(wrong)
    return found


def forget_session(session: UUID, *, by: str, path: str = "") -> int:
    """Let go of the uploads of a session, or of the one at `path`; how many."""
    uploads = Upload.objects.filter(session=session, created_by=by)
    found = list(uploads.filter(path=path) if path else uploads)
    _forget(found)
    return len(found)


def _forget(uploads: Iterable[Upload]) -> None:
    for upload in uploads:
        upload.delete()
        part = _part(upload)
        part.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # other files of the session are still there
            part.parent.rmdir()


def sweep(*, now: datetime) -> int:
    """Forget uploads that nobody handed over within a week; returns how many."""
    old = list(Upload.objects.filter(created_at__lt=now - KEEP_UNFINISHED))
    _forget(old)
    return len(old)
