"""Filing from offices (归档接口): one finished document at a time."""

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import get_language
from ninja import Header, Path, Query, Router, Status

from liandong.intake.models import Upload
from liandong.intake.services.bagging import Act
from liandong.intake.services.receive import NothingReceived
from liandong.intake.services.upload import TooLarge, Unfinished, WrongOffset
from liandong.kernel.findings import word
from liandong.kernel.names import BadPath
from liandong.portal.models import Filing
from liandong.portal.policies import FILE, Entry
from liandong.portal.queries.filings import filings_of, state_of
from liandong.portal.services.filing import (
    AlreadyFiled,
    BadDocument,
    Classified,
    Document,
    SentFile,
    begin_ahead,
    file_document,
    take_ahead,
)
from liandong.portal.services.handing import NotAsDeclared, UnknownFonds, own_fonds

from . import shapes
from .gate import admits, caller_of, trace
from .paging import USUAL, Cursor, Limit, page_of
from .problems import Problem, place
from .transfers import finding_shown, upload_problem, upload_shown

router = Router(tags=["filings"])
MOST_BYTES: Final = 16 << 20
WRITE: Final = Entry(
    FILE, "filing:write", most_bytes=MOST_BYTES,
    refuses=(
        "not-found", "unknown-fonds", "classified", "already-filed", "bad-name",
        "not-as-declared", "unfinished", "no-space",
    ),
)  # fmt: skip
AHEAD: Final = Entry(
    FILE, "filing:write",
    refuses=("not-found", "bad-name", "too-large", "wrong-offset", "no-space"),
)  # fmt: skip
LIST: Final = Entry(FILE, "filing:write", refuses=("bad-cursor",))
LOOK: Final = Entry(FILE, "filing:write", refuses=("not-found",))

Id = Annotated[str, Path(pattern=shapes.UUID, description="归档的编号")]


@router.post(
    "/filings",
    response={202: shapes.FilingOut, 200: shapes.FilingOut},
    summary="归档一份文件",
    description="正文、附件、著录项和流程记录一起送来，与移交同样检测。"
    "同一系统同一编号、同样内容再送答 200 和原来的结果；内容不同答 409，"
    "除非前一次有问题或被退回：那时算补交。"
    "带国家秘密标志的不收（422 classified），什么都不留下。",
)
@admits(WRITE)
def file_one(request: HttpRequest, response: HttpResponse, body: shapes.FilingIn) -> Status:  # type: ignore[type-arg]
    """A document is filed, or found filed."""
    caller = caller_of(request)
    document = _document(body)
    try:
        fonds = own_fonds(caller.viewer, body.fonds)
        filing, fresh = file_document(document, caller.key, fonds, by=caller.by, now=caller.now)
    except UnknownFonds:
        raise Problem("unknown-fonds", body.fonds) from None
    except (BadDocument, Classified, AlreadyFiled) as error:
        raise _problem(error) from None
    except (
        BadPath, NotAsDeclared, NothingReceived, Unfinished, Upload.DoesNotExist, OSError
    ) as error:  # fmt: skip
        raise upload_problem(error) from None
    response.headers["Location"] = reverse("portal:api-1:show_filing", args=[str(filing.uuid)])
    return Status(HTTPStatus.ACCEPTED if fresh else HTTPStatus.OK, shown(filing))


def _document(body: shapes.FilingIn) -> Document:
    said: Mapping[str, str] = body.document.model_dump()  # type: ignore[attr-defined]
    return Document(
        system=body.system,
        number=body.document_id,
        description={name: text.strip() for name, text in said.items() if text.strip()},
        files=[_file(one, number) for number, one in enumerate(body.files)],
        process=[
            Act(one.act, one.by, datetime.fromisoformat(one.at), one.unit, one.opinion)
            for one in body.process
        ],
    )


def _file(one: shapes.FiledFileIn, number: int) -> SentFile:
    if bool(one.content) == bool(one.upload) or (one.upload and not one.sha256):
        raise Problem("invalid", where=[place(f"files.{number}", "content | upload + sha256")])
    try:
        content = base64.b64decode(one.content, validate=True) if one.content else None
    except binascii.Error:
        raise Problem("invalid", where=[place(f"files.{number}.content", "base64")]) from None
    upload = UUID(one.upload) if one.upload else None
    return SentFile(one.name, content, upload, one.sha256, one.sm3)


def _problem(error: Exception) -> Problem:
    match error:
        case Classified():
            return Problem(
                "classified", error.mark, where=[place("document", "", "SEC-CLASSIFIED")]
            )
        case AlreadyFiled():
            return Problem("already-filed", str(error.filing.uuid))
        case BadDocument():
            said = [place(field, _words(code, facts), code) for field, code, facts in error.faults]
            return Problem("invalid", where=said)
    raise error


def _words(code: str, facts: Mapping[str, Any]) -> str:
    return word(code, facts, "en" if (get_language() or "").startswith("en") else "zh")[0]


def shown(filing: Filing) -> shapes.FilingOut:
    """A filing as the API shows it."""
    standing = state_of(filing)
    item = standing.item
    return shapes.FilingOut(
        id=str(filing.uuid),
        system=filing.system,
        document_id=filing.document,
        state=standing.state,
        code=item.record.code if item and item.record else "",
        attempt=filing.attempt,
        filed_at=filing.filed_at,
        reason=item.reason if item else "",
        findings=[finding_shown(row) for row in item.findings.all()] if item else [],
    )


@router.get(
    "/filings",
    response=shapes.FilingsOut,
    summary="列出归档",
    description="本单位的归档，新的在前；可按系统和文件编号查。",
)
@admits(LIST)
def list_filings(
    request: HttpRequest,
    system: Annotated[str, Query(pattern=r"^[A-Za-z0-9._-]{0,40}$")] = "",
    document_id: Annotated[str, Query(pattern=r"^[A-Za-z0-9._:/-]{0,100}$")] = "",
    cursor: Cursor = "",
    limit: Limit = USUAL,
) -> shapes.FilingsOut:
    """Filings of the department, newest first."""
    caller = caller_of(request)
    rows = filings_of(caller.viewer)
    rows = rows.filter(system=system) if system else rows
    rows = rows.filter(document=document_id) if document_id else rows
    question = {"filings": caller.viewer.unit, "system": system, "document": document_id}
    found, after = page_of(rows, cursor, limit, question, newest=True)
    return shapes.FilingsOut(items=[shown(row) for row in found], next=after)


@router.get(
    "/filings/{filing_id}",
    response=shapes.FilingOut,
    summary="看一次归档",
    description="状态、问题，入库后的档号。",
)
@admits(LOOK)
def show_filing(request: HttpRequest, filing_id: Id) -> shapes.FilingOut:
    """Where one filing stands."""
    caller = caller_of(request)
    found = filings_of(caller.viewer).filter(uuid=UUID(filing_id)).first()
    if found is None:
        raise Problem("not-found")
    trace(request, f"filing:{found.uuid}")
    return shown(found)


# Large files first --------------------------------------------------------------------------------


@router.post(
    "/uploads",
    response={201: shapes.UploadOut},
    summary="先行上传大文件",
    description="归档请求连同文件不超过 16 MiB；更大的文件先分段上传，再在归档请求里写它的编号。",
)
@admits(AHEAD)
def begin_large(request: HttpRequest, body: shapes.AheadIn) -> Status:  # type: ignore[type-arg]
    """A file too large for the body of a filing is announced."""
    caller = caller_of(request)
    try:
        row = begin_ahead(
            caller.key, caller.token, body.name, body.size, by=caller.by, now=caller.now
        )
    except (BadPath, TooLarge) as error:
        raise upload_problem(error) from None
    return Status(HTTPStatus.CREATED, upload_shown(row))


@router.put(
    "/uploads/{upload_id}",
    response=shapes.UploadOut,
    summary="上传一段大文件",
    openapi_extra=shapes.BYTES,
    description="正文是字节，一段最多 16 MiB；Upload-Offset 是这段的起点。",
)
@admits(AHEAD)
def put_large(
    request: HttpRequest,
    upload_id: Annotated[str, Path(pattern=shapes.UUID)],
    upload_offset: Annotated[int, Header(alias="Upload-Offset", ge=0, le=2**53)],
) -> shapes.UploadOut:
    """One piece of it."""
    caller = caller_of(request)
    try:
        row = take_ahead(caller.key, UUID(upload_id), upload_offset, request.body, by=caller.by)
    except (Upload.DoesNotExist, WrongOffset, TooLarge, OSError) as error:
        raise upload_problem(error) from None
    return upload_shown(row)
