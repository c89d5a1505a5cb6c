"""Hand-over by interface (接口移交): gather files, then through the same door as everybody.

A transfer's id is made of the key and its idempotency token, and is the id of its batch: a request
that a kill cut off finds, when it is sent again, what it had made.
"""

import hmac
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final, Protocol
from uuid import NAMESPACE_URL, UUID, uuid5

from django.conf import settings
from django.db import transaction

from liandong.archive.models import Fonds
from liandong.archive.services.jobs import enqueue_after_commit
from liandong.base.audit import record_act
from liandong.base.locks import hold
from liandong.intake.models import Batch, Upload
from liandong.intake.queries import fonds_of
from liandong.intake.services.bagging import DRIVE
from liandong.intake.services.receive import Incoming, receive
from liandong.intake.services.upload import begin, forget_session, session_files, take_piece
from liandong.kernel.digests import Digests, digest_file
from liandong.kernel.names import BadPath, inner_path
from liandong.kernel.viewer import Viewer
from liandong.portal.models import ApiKey, Transfer

LOCKS: Final = 64
BLOCK: Final = 1 << 20
PACKAGE_SUFFIXES: Final = (".zip", ".eep", ".xml", ".pdf", ".ofd")


class UnknownFonds(Exception):
    """There is no such fonds, or it is not of the department."""


class NotOpen(Exception):
    """The transfer has been submitted already."""


class NotAsDeclared(Exception):
    """What was uploaded is not what the manifest says: faults as (path, reason).

    Reasons: missing (not uploaded), extra (not in the manifest), digest.
    """

    def __init__(self, faults: Sequence[tuple[str, str]]) -> None:
        super().__init__(faults)
        self.faults = faults


class TooLong(Exception):
    """More bytes than this installation takes: `limit`."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit


class CutShort(Exception):
    """Fewer bytes came than were promised."""


class Stream(Protocol):
    """The body of a request."""

    def read(self, size: int = ..., /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Declared:
    """What the sender says of a file; "" is not said."""

    path: str
    sha256: str = ""
    sm3: str = ""

    def fits(self, found: Digests) -> bool:
        """Whether bytes with these digests are meant."""
        pairs = ((self.sha256, found.sha256), (self.sm3, found.sm3))
        said = [(told.lower(), known) for told, known in pairs if told]
        return bool(said) and all(hmac.compare_digest(told, known) for told, known in said)


def own_fonds(viewer: Viewer, number: str) -> Fonds | None:
    """The fonds of a department by its number; without one, its only one, else None.

    Raises UnknownFonds.
    """
    own = fonds_of(viewer)
    if number:
        found = own.filter(number=number).first()
        if found is None:
            raise UnknownFonds(number)
        return found
    few = list(own.order_by("number")[:2])
    return few[0] if len(few) == 1 else None


def id_of(key: ApiKey, token: str) -> UUID:
    """The id of what a request with this idempotency token makes."""
    return uuid5(NAMESPACE_URL, f"urn:liandong:key:{key.line}:{token}")


@transaction.atomic
def open_transfer(
    key: ApiKey,
    token: str,
    *,
    name: str,
    fonds: Fonds | None,
    mends: Transfer | None,
    by: str,
    now: datetime,
) -> Transfer:
    """Begin to gather files; the same token again gives the same transfer."""
    transfer, fresh = Transfer.objects.get_or_create(
        uuid=id_of(key, token),
        defaults={
            "unit": key.unit, "name": name, "fonds": mends.fonds if mends else fonds,
            "mends": mends, "opened_at": now, "opened_by": by, "key": key.code,
        },
    )  # fmt: skip
    if fresh:
        _note(key, "open_transfer", transfer, by=by, now=now)
    return transfer


def _note(
    key: ApiKey, act: str, transfer: Transfer, *, by: str, now: datetime, files: int = 0
) -> None:
    facts: dict[str, str | int] = {"key": key.code} | ({"files": files} if files else {})
    record_act(act, by=by, now=now, object=f"transfer:{transfer.uuid}", facts=facts)


def begin_file(transfer: Transfer, path: str, size_bytes: int, *, now: datetime) -> Upload:
    """The upload of one file of a transfer, new or as it stands.

    Raises NotOpen, BadPath and TooLarge.
    """
    _refuse_submitted(transfer)
    return begin(transfer.uuid, path, size_bytes, by=transfer.opened_by, now=now)


def take_part(transfer: Transfer, upload: UUID, offset: int, content: bytes) -> Upload:
    """Write one piece of a file.

    Raises NotOpen, Upload.DoesNotExist, WrongOffset, TooLarge and OSError.
    """
    _refuse_submitted(transfer)
    if not Upload.objects.filter(uuid=upload, session=transfer.uuid).exists():
        raise Upload.DoesNotExist
    return take_piece(upload, offset, content, by=transfer.opened_by)


def drop_file(transfer: Transfer, upload: UUID) -> None:
    """Take a file out of an open transfer.  Raises NotOpen and Upload.DoesNotExist."""
    _refuse_submitted(transfer)
    row = Upload.objects.get(uuid=upload, session=transfer.uuid)
    forget_session(transfer.uuid, by=transfer.opened_by, path=row.path)


def _refuse_submitted(transfer: Transfer) -> None:
    if transfer.batch_id is not None:
        raise NotOpen


def submit(
    transfer: Transfer, manifest: Sequence[Declared], key: ApiKey, *, by: str, now: datetime
) -> Transfer:
    """Hand over what was uploaded, when it is exactly what the manifest says.

    Raises NotAsDeclared, Unfinished, NothingReceived and OSError.
    """
    with _alone(transfer):
        transfer.refresh_from_db()
        if transfer.batch_id is None:
            if not Batch.objects.filter(uuid=transfer.uuid).exists():
                files = session_files(transfer.uuid, by=transfer.opened_by)
                _refuse_others(files, manifest)
            else:  # received, and cut off before it was written here
                files = []
            _receive(transfer, files, key, by=by, now=now)
        forget_session(transfer.uuid, by=transfer.opened_by)
    return transfer


@contextmanager
def _alone(transfer: Transfer) -> Iterator[None]:
    with hold(f"transfer-{transfer.uuid.int % LOCKS}", wait=True):
        yield


def _refuse_others(files: Sequence[Incoming], manifest: Sequence[Declared]) -> None:
    said = {one.path: one for one in manifest}
    sent = {file.path: file.digests for file in files}
    faults = [(path, "missing") for path in said if path not in sent]
    faults += [(path, "extra") for path in sent if path not in said]
    faults += [
        (path, "digest")
        for path, digests in sent.items()
        if path in said and not (digests and said[path].fits(digests))
    ]
    if faults:
        raise NotAsDeclared(sorted(faults))


def _receive(
    transfer: Transfer, files: Sequence[Incoming], key: ApiKey, *, by: str, now: datetime
) -> None:
    batch = receive(
        files, name=transfer.name, by=by, now=now, fonds=transfer.fonds, unit=transfer.unit,
        mends=transfer.mends.batch if transfer.mends else None, uuid=transfer.uuid,
    )  # fmt: skip
    with transaction.atomic():
        transfer.batch = batch
        transfer.save(update_fields=["batch"])
        _note(key, "hand_over", transfer, by=by, now=now, files=batch.file_count)
        enqueue_after_commit(DRIVE, batch.pk)


# A package in one request -------------------------------------------------------------------------


def hand_over_package(
    transfer: Transfer, stream: Stream, size_bytes: int, declared: Declared, key: ApiKey,
    *, by: str, now: datetime,
) -> Transfer:  # fmt: skip
    """Take a whole package (zip, BagIt, DA/T 93, EEP) from the body of a request and hand it over.

    Raises BadPath, TooLong, CutShort, NotAsDeclared and OSError; then nothing is received.
    """
    path = inner_path(declared.path)
    if "/" in path:
        raise BadPath(f"a package has no folder: {path!r}")
    if size_bytes > settings.UPLOAD_MAX_BYTES:
        raise TooLong(settings.UPLOAD_MAX_BYTES)
    settings.STAGING.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=settings.STAGING, prefix="package-") as kept:
        file = Path(kept.name)
        _copy(stream, file, size_bytes)
        digests = digest_file(file)
        if not declared.fits(digests):
            raise NotAsDeclared([(path, "digest")])
        with _alone(transfer):
            transfer.refresh_from_db()
            if transfer.batch_id is None:
                incoming = Incoming(path, file, path, now, digests)
                _receive(transfer, [incoming], key, by=by, now=now)
    return transfer


def _copy(stream: Stream, target: Path, size_bytes: int) -> None:
    left = size_bytes
    with target.open("wb") as out:
        while left:
            block = stream.read(min(BLOCK, left))
            if not block:
                raise CutShort
            out.write(block)
            left -= len(block)
