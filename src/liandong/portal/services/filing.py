"""Filing from offices (归档接口): one finished document of a department system, through door A.

The document becomes a bag of one item, so that its description, its digests and what was done to
it before travel together and get the same checks as every hand-over.  A department, a system and
a document id name one filing: sent again it is found, sent otherwise it is refused, unless what
was sent first is held or was returned.  Source: GB/T 9704-2012; DA/T 46-2009, 业务实体.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final
from uuid import NAMESPACE_URL, UUID, uuid5

from django.db import transaction

from liandong.archive.models import Fonds
from liandong.archive.services.jobs import enqueue_after_commit
from liandong.base.audit import record_act
from liandong.base.locks import hold
from liandong.intake.models import Batch, Upload
from liandong.intake.services.bagging import DRIVE, Act, Origin, process_of, workplace, write_bag
from liandong.intake.services.checking.secrecy import classified_mark
from liandong.intake.services.receive import incoming_files, receive
from liandong.intake.services.upload import begin, finished_file, forget_session, take_piece
from liandong.kernel.digests import digest_bytes
from liandong.kernel.metadata import check_value, fields
from liandong.kernel.names import BadPath, inner_path
from liandong.kernel.packages.packet import PackedFile
from liandong.portal.models import ApiKey, Filing
from liandong.portal.queries.filings import state_of

from .handing import LOCKS, Declared, NotAsDeclared

MAY_BE_SENT_AGAIN: Final = frozenset({"held", "quarantined", "returned", "failed"})


class BadDocument(Exception):
    """The document cannot be filed so: faults as (place, code, facts) of `kernel.metadata`."""

    def __init__(self, faults: Sequence[tuple[str, str, Mapping[str, str]]]) -> None:
        super().__init__(faults)
        self.faults = faults


class Classified(Exception):
    """The document carries a mark of state secrets, and nothing of it was kept."""

    def __init__(self, mark: str) -> None:
        super().__init__("SEC-CLASSIFIED")
        self.mark = mark


class AlreadyFiled(Exception):
    """Another content was filed under this document id."""

    def __init__(self, filing: Filing) -> None:
        super().__init__(filing.uuid)
        self.filing = filing


@dataclass(frozen=True, slots=True)
class SentFile:
    """A file of a document: its bytes, or the upload that has them and its digest."""

    name: str
    content: bytes | None = None
    upload: UUID | None = None
    sha256: str = ""
    sm3: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """A finished document as a department system sends it."""

    system: str
    number: str  # id of the document in that system
    description: Mapping[str, str]  # by identifiers of kernel.metadata
    files: Sequence[SentFile]
    process: Sequence[Act] = field(default_factory=tuple)


# Large files come first ---------------------------------------------------------------------------


def session_of(key: ApiKey) -> UUID:
    """The upload session of files that a line of keys sends ahead."""
    return uuid5(NAMESPACE_URL, f"urn:liandong:filing:{key.line}")


def begin_ahead(key: ApiKey, token: str, name: str, size: int, *, by: str, now: datetime) -> Upload:
    """Begin to send a file ahead of its document.  Raises BadPath and TooLarge."""
    folder = uuid5(NAMESPACE_URL, f"urn:liandong:key:{key.line}:{token}")
    return begin(session_of(key), f"{folder}/{_name(name)}", size, by=by, now=now)


def take_ahead(key: ApiKey, upload: UUID, offset: int, content: bytes, *, by: str) -> Upload:
    """One piece of it.  Raises Upload.DoesNotExist, WrongOffset, TooLarge and OSError."""
    if not Upload.objects.filter(uuid=upload, session=session_of(key)).exists():
        raise Upload.DoesNotExist
    return take_piece(upload, offset, content, by=by)


# Filing -------------------------------------------------------------------------------------------


def file_document(
    document: Document, key: ApiKey, fonds: Fonds | None, *, by: str, now: datetime
) -> tuple[Filing, bool]:
    """File a document; whether it is fresh, or was filed before with the same content.

    Raises BadDocument, BadPath, Classified, NotAsDeclared, AlreadyFiled, Unfinished,
    Upload.DoesNotExist and OSError: then nothing was received.
    """
    _refuse_faulty(document)
    digest = _digest(document, fonds)
    name = f"{key.unit_id}:{document.system}:{document.number}"
    lock = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big") % LOCKS
    with hold(f"filing-{lock}", wait=True):
        filing = _row(document, key, digest, by=by, now=now)
        if filing.batch_id is not None and filing.digest == digest:
            return filing, False
        mends = filing.batch
        if mends is not None and state_of(filing).state not in MAY_BE_SENT_AGAIN:
            raise AlreadyFiled(filing)
        attempt = filing.attempt + (mends is not None)
        with _bag(document, key, by=by, now=now) as folder:
            batch = receive(
                incoming_files(folder), name=f"归档接口 {document.system} {document.number}"[:300],
                by=by, now=now, fonds=fonds, unit=key.unit, mends=mends,
                uuid=uuid5(filing.uuid, f"{attempt}:{digest}"),
                process=process_of(document.process, document.system),
            )  # fmt: skip
        _settle(filing, batch, digest, attempt, key, by=by, now=now)
        _forget_ahead(document, key, by=by)
    return filing, True


def _row(document: Document, key: ApiKey, digest: str, *, by: str, now: datetime) -> Filing:
    filing, _fresh = Filing.objects.select_related("batch").get_or_create(
        unit=key.unit, system=document.system, document=document.number,
        defaults={"digest": digest, "filed_at": now, "filed_by": by, "key": key.code},
    )  # fmt: skip
    return filing


@transaction.atomic
def _settle(
    filing: Filing, batch: Batch, digest: str, attempt: int, key: ApiKey, *, by: str, now: datetime
) -> None:
    filing.batch, filing.digest, filing.attempt = batch, digest, attempt
    filing.filed_at, filing.filed_by, filing.key = now, by, key.code
    filing.save()
    facts: dict[str, str | int] = {"key": key.code, "system": filing.system, "attempt": attempt}
    record_act("file_document", by=by, now=now, object=f"filing:{filing.uuid}", facts=facts)
    enqueue_after_commit(DRIVE, batch.pk)


def _forget_ahead(document: Document, key: ApiKey, *, by: str) -> None:
    for file in document.files:
        if file.upload is not None:
            found = Upload.objects.filter(uuid=file.upload, session=session_of(key)).first()
            if found is not None:
                forget_session(session_of(key), by=by, path=found.path)


# What is refused at the door ----------------------------------------------------------------------


def _refuse_faulty(document: Document) -> None:
    faults = [
        (f"document.{name}", code, facts)
        for name, text in document.description.items()
        for code, facts in check_value(name, text)
    ]
    faults += [
        (f"document.{name}", "META-MISSING", {"field": fields()[name].name_zh})
        for name in sorted(REQUIRED - document.description.keys())
    ]
    if faults:
        raise BadDocument(faults)
    paths = [_name(file.name) for file in document.files]
    alike = {path.casefold() for path in paths}
    if len(alike) != len(paths):
        raise BadPath("two files of one name")
    if mark := classified_mark(document.description, paths):
        raise Classified(mark.text)


def _name(text: str) -> str:
    """A file name without any folder; raises BadPath."""
    path = inner_path(text)
    if "/" in path:
        raise BadPath(f"a file of a document has no folder: {path!r}")
    return path


def _digest(document: Document, fonds: Fonds | None) -> str:
    """SHA-256 over everything that was sent, files by their own digests."""
    files = []
    for number, file in enumerate(document.files):
        found = file.sha256.lower() if file.content is None else ""
        if file.content is not None:
            digests = digest_bytes(file.content)
            found = digests.sha256
            declared = Declared(file.name, file.sha256, file.sm3)
            if (file.sha256 or file.sm3) and not declared.fits(digests):
                raise NotAsDeclared([(f"files.{number}", "digest")])
        files.append([file.name, found])
    acts = [
        [one.act, one.by, one.at.isoformat(), one.unit, one.opinion] for one in document.process
    ]
    parts = [dict(document.description), files, acts, fonds.number if fonds else ""]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


# The bag ------------------------------------------------------------------------------------------


@contextmanager
def _bag(document: Document, key: ApiKey, *, by: str, now: datetime) -> Iterator[Path]:
    """A bag of the document in a folder of its own, gone afterwards."""
    with workplace() as folder:
        (folder / "sent").mkdir()
        files = [
            PackedFile(_name(file.name), _source(file, number, folder / "sent", key, by=by))
            for number, file in enumerate(document.files)
        ]
        origin = Origin(document.system, document.number, key.unit.name)
        yield write_bag(
            folder / "bag", document.description, files, document.process, origin, now=now
        )


def _source(file: SentFile, number: int, folder: Path, key: ApiKey, *, by: str) -> Path:
    if file.content is not None:
        path = folder / str(number)
        path.write_bytes(file.content)
        return path
    if file.upload is None:
        raise Upload.DoesNotExist
    ahead = finished_file(file.upload, session_of(key), by=by)
    declared = Declared(file.name, file.sha256, file.sm3)
    if ahead.digests is None or not declared.fits(ahead.digests):
        raise NotAsDeclared([(f"files.{number}", "digest")])
    return ahead.source


REQUIRED: Final = frozenset({"title", "author", "document_date"})
DOCUMENT_FIELDS: Final = tuple(
    name
    for name in fields()
    if name
    in {
        "title", "document_number", "author", "document_date", "document_type", "urgency",
        "main_addressee", "copy_addressee", "security_class", "secrecy_period",
        "retention_period", "filing_year", "org_or_subject", "archival_category", "keywords",
        "abstract", "attachment", "disclosure_attribute", "page_count", "annotation",
    }
)  # fmt: skip
"""What a department system may say of a document: opening is never its to decide."""
