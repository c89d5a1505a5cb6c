"""Materials (材料) of a case: kept as sent, sealed; a picture is drawn anew as photos are.

Nothing here opens a document: only its first bytes are looked at.  Bytes are stored before the row
that names them.
"""

import hashlib
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

from liandong.archive.services.keyring import ensure_keys
from liandong.base.engines import engine
from liandong.base.viruses import has_virus
from liandong.cases.models import Evidence
from liandong.kernel.names import safe_name
from liandong.kernel.sealed import AES, Place, seal_bytes

from .photos import ORIGINAL, BadPhoto, evidence_urn, keep_photo, original_path

MOST_PAPERS: Final = 8  # of one case
PAPER_BYTES: Final = 10 * 1024 * 1024
_PICTURES: Final = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")
_ZIPPED: Final = {
    "ofd": "application/ofd",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
ENDINGS: Final = ("pdf", "jpg", "jpeg", "png", *_ZIPPED)


class BadPaper(Exception):
    """A material that is not taken: `code` is empty, too-large, too-many, kind, broken or virus."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def keep_paper(content: bytes, *, case_uuid: UUID, name: str, by: str, now: datetime) -> Evidence:
    """Store a material; the row is not saved, and has no case yet.  Raises BadPaper and OSError."""
    if not content:
        raise BadPaper("empty")
    if len(content) > PAPER_BYTES:
        raise BadPaper("too-large")
    if content.startswith(_PICTURES):
        return _picture(content, case_uuid=case_uuid, name=name, by=by, now=now)
    mime = _mime(content, name)
    if has_virus(content):
        raise BadPaper("virus")
    one = Evidence(
        uuid=uuid4(), part=Evidence.Part.PAPER, name=_plain(name), mime=mime,
        size_bytes=len(content), sha256=hashlib.sha256(content).hexdigest(), added_at=now,
        added_by=by,
    )  # fmt: skip
    urn = evidence_urn(case_uuid)
    key = ensure_keys([urn], AES, now=now)[urn]
    sealed = seal_bytes(content, key, Place(urn, f"{one.uuid}/{ORIGINAL}"), engine("cipher").aead)
    original_path(one).write(sealed)
    return one


def _picture(content: bytes, *, case_uuid: UUID, name: str, by: str, now: datetime) -> Evidence:
    part = Evidence.Part.PAPER
    try:
        return keep_photo(
            content, case_uuid=case_uuid, part=part, name=_plain(name), by=by, now=now
        )
    except BadPhoto as bad:
        raise BadPaper(bad.code if bad.code == "too-large" else "broken") from None


def _mime(content: bytes, name: str) -> str:
    ending = name.rpartition(".")[2].lower()
    if content.startswith(b"%PDF-"):
        return "application/pdf"
    if content.startswith(b"PK\x03\x04") and ending in _ZIPPED:
        return _ZIPPED[ending]
    raise BadPaper("kind")


def _plain(name: str) -> str:
    last = name.replace("\\", "/").rpartition("/")[2].replace("\0", "")
    return safe_name(last[-200:]) or "paper"
