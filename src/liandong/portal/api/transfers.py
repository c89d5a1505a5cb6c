"""Hand-over (移交): gather files or send a package, submit, follow every item, get the receipt."""

from http import HTTPStatus
from typing import Annotated, Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from ninja import Header, Path, Query, Router, Status

from liandong.intake.models import Item, ItemFinding, Upload
from liandong.intake.queries import progress
from liandong.intake.services.receive import NothingReceived
from liandong.intake.services.upload import TooLarge, Unfinished, WrongOffset
from liandong.kernel.checks import Finding
from liandong.kernel.findings import to_json
from liandong.kernel.names import BadPath
from liandong.portal.models import Transfer
from liandong.portal.policies import FOLLOW, HAND_OVER, Entry
from liandong.portal.queries.transfers import items_of, received_files, transfers_of, uploads_of
from liandong.portal.services.handing import (
    CutShort,
    Declared,
    NotAsDeclared,
    NotOpen,
    TooLong,
    UnknownFonds,
    begin_file,
    drop_file,
    hand_over_package,
    open_transfer,
    own_fonds,
    submit,
    take_part,
)

from . import shapes
from .gate import Caller, admits, caller_of, trace
from .paging import USUAL, Cursor, Limit, page_of
from .problems import Problem, place

router = Router(tags=["transfers"])
BEGIN: Final = Entry(HAND_OVER, "transfers:write", refuses=("unknown-fonds", "not-found"))
FILES: Final = Entry(
    HAND_OVER, "transfers:write",
    refuses=("not-found", "submitted", "bad-name", "too-large", "wrong-offset", "no-space"),
)  # fmt: skip
SUBMIT: Final = Entry(
    HAND_OVER, "transfers:write", most_bytes=16 << 20,
    refuses=("not-found", "unfinished", "no-files", "not-as-declared", "no-space"),
)  # fmt: skip
PACKAGE: Final = Entry(
    HAND_OVER, "transfers:write", streams=True,
    refuses=("unknown-fonds", "bad-name", "not-as-declared", "no-space"),
)  # fmt: skip
LIST: Final = Entry(FOLLOW, "transfers:read", refuses=("bad-cursor",))
LOOK: Final = Entry(FOLLOW, "transfers:read", refuses=("not-found",))
READ: Final = Entry(
    FOLLOW, "transfers:read", act="read_transfer",
    refuses=("not-found", "bad-cursor", "not-submitted"),
)  # fmt: skip
LISTED: Final = 200  # faults of a manifest that one answer lists

Id = Annotated[str, Path(pattern=shapes.UUID, description="移交的编号")]
FileId = Annotated[str, Path(pattern=shapes.UUID, description="文件的编号")]


def _transfer(request: HttpRequest, transfer_id: str) -> tuple[Caller, Transfer]:
    """The caller and the transfer; hidden and absent ones answer alike."""
    caller = caller_of(request)
    found = transfers_of(caller.viewer).filter(uuid=UUID(transfer_id)).first()
    if found is None:
        raise Problem("not-found")
    trace(request, f"transfer:{found.uuid}")
    return caller, found


def shown(transfer: Transfer) -> shapes.TransferOut:
    """A transfer as the API shows it."""
    batch = transfer.batch
    counts = progress(batch) if batch else None
    return shapes.TransferOut(
        id=str(transfer.uuid),
        name=transfer.name,
        fonds=transfer.fonds.number if transfer.fonds else "",
        unit=transfer.unit.code,
        state=batch.state if batch else "open",
        mends=str(transfer.mends.uuid) if transfer.mends else "",
        opened_at=transfer.opened_at,
        received_at=batch.received_at if batch else None,
        ended_at=batch.ended_at if batch else None,
        failure=batch.failure if batch else "",
        files=batch.file_count if batch else 0,
        bytes=batch.size_bytes if batch else 0,
        items=counts.states if counts else {},
        to_do=counts.todo if counts else 0,
    )


def place_of(transfer: Transfer) -> str:
    """The address of a transfer."""
    return reverse("portal:api-1:show_transfer", args=[str(transfer.uuid)])


# Begin and gather ---------------------------------------------------------------------------------


@router.post(
    "/transfers",
    response={201: shapes.TransferOut},
    summary="开始一次移交",
    description="登记批次，之后逐个上传文件，最后提交。",
)
@admits(BEGIN)
def begin_transfer(request: HttpRequest, response: HttpResponse, body: shapes.TransferIn) -> Status:  # type: ignore[type-arg]
    """A hand-over is begun; files come next, and then it is submitted."""
    caller = caller_of(request)
    transfer = _opened(caller, body.name, body.fonds, body.mends)
    response.headers["Location"] = place_of(transfer)
    return Status(HTTPStatus.CREATED, shown(transfer))


def _opened(caller: Caller, name: str, fonds: str, mends: str = "") -> Transfer:
    mended = _mended(caller, mends) if mends else None
    try:
        own = own_fonds(caller.viewer, fonds)
    except UnknownFonds:
        raise Problem("unknown-fonds", fonds) from None
    return open_transfer(
        caller.key, caller.token, name=name, fonds=own, mends=mended, by=caller.by, now=caller.now
    )


def _mended(caller: Caller, uuid: str) -> Transfer:
    found = transfers_of(caller.viewer).filter(uuid=UUID(uuid), batch__isnull=False).first()
    if found is None:
        raise Problem("not-found", where=[place("mends", "")])
    return found


@router.get(
    "/transfers",
    response=shapes.TransfersOut,
    summary="列出移交",
    description="本单位经接口的移交，新的在前。",
)
@admits(LIST)
def list_transfers(
    request: HttpRequest, cursor: Cursor = "", limit: Limit = USUAL
) -> shapes.TransfersOut:
    """Transfers of the department, newest first."""
    caller = caller_of(request)
    rows, after = page_of(
        transfers_of(caller.viewer), cursor, limit, {"transfers": caller.viewer.unit}, newest=True
    )
    return shapes.TransfersOut(items=[shown(row) for row in rows], next=after)


@router.get(
    "/transfers/{transfer_id}",
    response=shapes.TransferOut,
    summary="看一次移交",
    description="状态与各状态的件数。",
)
@admits(LOOK)
def show_transfer(request: HttpRequest, transfer_id: Id) -> shapes.TransferOut:
    """Where one transfer stands."""
    return shown(_transfer(request, transfer_id)[1])


@router.get(
    "/transfers/{transfer_id}/files",
    response=shapes.UploadsOut,
    summary="列出上传中的文件",
    description="未提交时：每个文件收到了多少。",
)
@admits(LOOK)
def list_files(request: HttpRequest, transfer_id: Id) -> shapes.UploadsOut:
    """How much of each file of an open transfer has arrived."""
    _caller, transfer = _transfer(request, transfer_id)
    return shapes.UploadsOut(items=[upload_shown(row) for row in uploads_of(transfer)])


def upload_shown(row: Upload) -> shapes.UploadOut:
    """A file on its way up as the API shows it."""
    return shapes.UploadOut(
        id=str(row.uuid), path=row.path, size=row.size_bytes, offset=row.offset, sha256=row.sha256
    )


@router.post(
    "/transfers/{transfer_id}/files",
    response={201: shapes.UploadOut},
    summary="登记一个文件",
    description="登记路径与大小，得到编号；同一路径再登记得到同一个，可从所示位置接着传。",
)
@admits(FILES)
def begin_upload(request: HttpRequest, transfer_id: Id, body: shapes.FileIn) -> Status:  # type: ignore[type-arg]
    """A file is announced; announced again it goes on where it was."""
    caller, transfer = _transfer(request, transfer_id)
    try:
        row = begin_file(transfer, body.path, body.size, now=caller.now)
    except (NotOpen, BadPath, TooLarge) as error:
        raise upload_problem(error) from None
    return Status(HTTPStatus.CREATED, upload_shown(row))


@router.put(
    "/transfers/{transfer_id}/files/{file_id}",
    response=shapes.UploadOut,
    summary="上传一段",
    openapi_extra=shapes.BYTES,
    description="正文是字节，一段最多 16 MiB；Upload-Offset 是这段的起点。"
    "位置不对答 409 并给出正确位置。",
)
@admits(FILES)
def put_part(
    request: HttpRequest,
    transfer_id: Id,
    file_id: FileId,
    upload_offset: Annotated[int, Header(alias="Upload-Offset", ge=0, le=2**53)],
) -> shapes.UploadOut:
    """One piece of a file."""
    _caller, transfer = _transfer(request, transfer_id)
    try:
        row = take_part(transfer, UUID(file_id), upload_offset, request.body)
    except (NotOpen, Upload.DoesNotExist, WrongOffset, TooLarge, OSError) as error:
        raise upload_problem(error) from None
    return upload_shown(row)


@router.delete(
    "/transfers/{transfer_id}/files/{file_id}",
    response={204: None},
    summary="去掉一个文件",
    description="未提交时可以去掉。",
)
@admits(FILES)
def remove_file(request: HttpRequest, transfer_id: Id, file_id: FileId) -> Status:  # type: ignore[type-arg]
    """A file is taken out of an open transfer."""
    _caller, transfer = _transfer(request, transfer_id)
    try:
        drop_file(transfer, UUID(file_id))
    except (NotOpen, Upload.DoesNotExist) as error:
        raise upload_problem(error) from None
    return Status(HTTPStatus.NO_CONTENT, None)


def upload_problem(error: Exception) -> Problem:
    """What went wrong with a file, as a problem."""
    match error:
        case WrongOffset():
            return Problem("wrong-offset", offset=error.offset)
        case TooLarge() | TooLong():
            return Problem("too-large", _("最多 {n} 字节").format(n=error.limit))
        case Unfinished():
            return Problem(
                "unfinished", where=[place(path[:200], "") for path in error.paths[:LISTED]]
            )
        case NotAsDeclared():
            said = [place(path[:200], _reason(why), why) for path, why in error.faults[:LISTED]]
            return Problem("not-as-declared", where=said)
        case BadPath():
            return Problem("bad-name", str(error)[:200])
    for kind, code in _PLAIN:
        if isinstance(error, kind):
            return Problem(code)
    raise error


_PLAIN: Final[tuple[tuple[type[Exception], str], ...]] = (
    (NotOpen, "submitted"),
    (Upload.DoesNotExist, "not-found"),
    (NothingReceived, "no-files"),
    (CutShort, "bad-request"),
    (OSError, "no-space"),
)


def _reason(why: str) -> str:
    return {
        "missing": _("清单有，没有上传"), "extra": _("上传了，清单没有"), "digest": _("摘要不符"),
    }.get(why, why)  # fmt: skip


# Hand over ----------------------------------------------------------------------------------------


@router.post(
    "/transfers/{transfer_id}/submit",
    response={202: shapes.TransferOut},
    summary="提交移交",
    description="清单列出每个文件和摘要（SHA-256 或 SM3）；与收到的完全一致才接收，否则逐个指出。",
)
@admits(SUBMIT)
def submit_transfer(request: HttpRequest, transfer_id: Id, body: shapes.ManifestIn) -> Status:  # type: ignore[type-arg]
    """What was uploaded is handed over, when it is exactly what the manifest says."""
    caller, transfer = _transfer(request, transfer_id)
    manifest = [Declared(one.path, one.sha256, one.sm3) for one in body.files]
    try:
        submit(transfer, manifest, caller.key, by=caller.by, now=caller.now)
    except (NotAsDeclared, Unfinished, NothingReceived, OSError) as error:
        raise upload_problem(error) from None
    return Status(HTTPStatus.ACCEPTED, shown(transfer))


@router.post(
    "/packages",
    response={202: shapes.TransferOut},
    summary="一次交一个包",
    openapi_extra=shapes.BYTES,
    description="正文就是整个包：zip（带目录的文件夹、BagIt、DA/T 93）或 EEP。更大的包请分段上传。",
)
@admits(PACKAGE)
def send_package(
    request: HttpRequest,
    response: HttpResponse,
    file: Annotated[shapes.FileName, Query(description="包的文件名，如 2026-05.zip")],
    name: Annotated[shapes.Name | None, Query(description="批次名称，不写用文件名")] = None,
    fonds: Annotated[shapes.Fonds, Query("", description="全宗号")] = "",
    sha256: Annotated[shapes.Sha256, Query("", description="包的 SHA-256")] = "",
    sm3: Annotated[shapes.Sha256, Query("", description="包的 SM3；两种摘要至少给一种")] = "",
) -> Status:  # type: ignore[type-arg]
    """A whole package is handed over in one request."""
    caller = caller_of(request)
    if not (sha256 or sm3):
        raise Problem("not-as-declared", where=[place("sha256", _("两种摘要至少给一种"))])
    transfer = _opened(caller, name or file, fonds)
    declared = Declared(file, sha256, sm3)
    size = int(request.META.get("CONTENT_LENGTH") or 0)
    try:
        hand_over_package(
            transfer, request, size, declared, caller.key, by=caller.by, now=caller.now
        )
    except (BadPath, TooLong, CutShort, NotAsDeclared, NothingReceived, OSError) as error:
        raise upload_problem(error) from None
    response.headers["Location"] = place_of(transfer)
    return Status(HTTPStatus.ACCEPTED, shown(transfer))


# Follow -------------------------------------------------------------------------------------------


@router.get(
    "/transfers/{transfer_id}/items",
    response=shapes.ItemsOut,
    summary="逐件看结果",
    description="每件的状态、档号和问题：什么问题、在哪里、怎么改。",
)
@admits(READ)
def list_items(
    request: HttpRequest,
    transfer_id: Id,
    state: Annotated[shapes.ItemState, Query("", description="只看这种状态")] = "",
    cursor: Cursor = "",
    limit: Limit = USUAL,
) -> shapes.ItemsOut:
    """Every item with its state, its code and what is wrong with it."""
    _caller, transfer = _transfer(request, transfer_id)
    question = {"transfer": transfer_id, "state": state}
    rows, after = page_of(items_of(transfer, state), cursor, limit, question, newest=False)
    return shapes.ItemsOut(items=[_item(row) for row in rows], next=after)


def _item(item: Item) -> shapes.ItemOut:
    return shapes.ItemOut(
        id=str(item.uuid),
        key=item.key,
        row=item.row,
        state=item.state,
        code=item.record.code if item.record else "",
        title=str(item.description.get("title", "")),
        pages=item.page_count,
        reason=item.reason,
        files=[file.path for file in item.files.all()],
        findings=[finding_shown(row) for row in item.findings.all()],
    )


def finding_shown(row: ItemFinding) -> shapes.FindingOut:
    """A finding in the language of the caller."""
    finding = Finding(row.code, row.where, row.row, row.column, row.page, row.facts)
    language = "en" if (get_language() or "").startswith("en") else "zh"
    return shapes.FindingOut.model_validate(to_json(finding, language))


@router.get(
    "/transfers/{transfer_id}/receipt",
    response=shapes.ReceiptOut,
    summary="移交回执",
    description="收到的每个文件、字节数和摘要。",
)
@admits(READ)
def show_receipt(
    request: HttpRequest, transfer_id: Id, cursor: Cursor = "", limit: Limit = USUAL
) -> shapes.ReceiptOut:
    """Every file as it was received."""
    _caller, transfer = _transfer(request, transfer_id)
    batch = transfer.batch
    if batch is None:
        raise Problem("not-submitted")
    rows, after = page_of(
        received_files(transfer), cursor, limit, {"receipt": transfer_id}, newest=False
    )
    return shapes.ReceiptOut(
        transfer=transfer_id,
        batch=batch.pk,
        received_at=batch.received_at,
        received_by=batch.received_by,
        content_digest=batch.content_digest,
        files=batch.file_count,
        bytes=batch.size_bytes,
        listed=[
            shapes.ReceivedFileOut(
                path=row.path, bytes=row.size_bytes, sha256=row.sha256, sm3=row.sm3
            )
            for row in rows
        ],
        next=after,
    )
