"""Search and read (检索与阅读): what the key's viewer may see, masked or whole by the same rule."""

from typing import Annotated, Any, Final

from django.http import FileResponse, HttpRequest
from django.utils.http import content_disposition_header
from ninja import Path, Query, Router

from liandong.archive.models import Record
from liandong.archive.policies import may_copy
from liandong.archive.queries import (
    Hit,
    events_of,
    files_of,
    find,
    page_of_record,
    pages_of,
    record_by_code,
)
from liandong.archive.queries.sight import is_withheld
from liandong.archive.services.reading import stored_file
from liandong.archive.viewers import may
from liandong.kernel.names import safe_name
from liandong.kernel.ports import FACETS
from liandong.kernel.query import from_params
from liandong.portal.policies import COPY, READ, SEARCH, Entry

from . import shapes
from .gate import Caller, admits, caller_of, trace
from .paging import Cursor, mark, place_of
from .problems import Problem

router = Router(tags=["records"])
ASK: Final = Entry(SEARCH, "records:search", act="search", refuses=("bad-cursor", "search-away"))
LOOK: Final = Entry(READ, "records:read", act="look_record", refuses=("not-found",))
PART: Final = Entry(READ, "records:read", act="read_part", refuses=("not-found", "bad-cursor"))
TAKE: Final = Entry(
    COPY, "records:read", act="download_file", refuses=("not-found", "not-allowed", "sealed")
)
DEEPEST: Final = 1000  # hits that can be paged through; beyond that a narrower question finds more
PAGES: Final = 50  # of a record that one answer lists

Code = Annotated[
    str, Path(max_length=100, pattern=r"^[^\x00-\x1f\x7f/]+$", description="档号，各种写法都可")
]
Number = Annotated[int, Path(ge=1, le=2**31 - 1)]


def _record(request: HttpRequest, code: str) -> tuple[Caller, Record]:
    """The caller and the record as the caller sees it; hidden and absent ones answer alike."""
    caller = caller_of(request)
    found = record_by_code(code, viewer=caller.viewer, today=caller.today)
    if found is None:
        raise Problem("not-found")
    trace(request, f"record:{found.code}")
    return caller, found


# Search -------------------------------------------------------------------------------------------


@router.get(
    "/search",
    response=shapes.FoundOut,
    summary="检索",
    description='语法与网页相同：词、"短语"、-排除、档号、文号、year: 等字段。'
    "计数只含密钥可见的档案。",
)
@admits(ASK)
def search_records(
    request: HttpRequest,
    question: Annotated[shapes.Question, Query()],
    cursor: Cursor = "",
    limit: Annotated[int, Query(ge=1, le=50, description="一次最多几条")] = 20,
) -> shapes.FoundOut:
    """Records that the viewer of the key may read and that answer the question."""
    caller = caller_of(request)
    asked = question.model_dump()
    offset = place_of(cursor, asked)
    found = find(
        from_params({name: value for name, value in asked.items() if value and name != "order"}),
        viewer=caller.viewer, today=caller.today, limit=limit, offset=offset,
        order=question.order,
    )  # fmt: skip
    after = offset + limit
    more = after < min(found.count, DEEPEST)
    return shapes.FoundOut(
        count=found.count,
        hits=[_hit(one) for one in found.hits],
        facets={
            name: [
                shapes.FacetOut(value=value, label=label, count=count)
                for value, label, count in found.facets.get(name, ())[:20]
            ]
            for name in FACETS
        },
        next=mark(after, asked) if more else "",
    )


def _hit(hit: Hit) -> shapes.HitOut:
    place = hit.snippets[0] if hit.snippets else None
    return shapes.HitOut(
        **_brief(hit.record),
        snippet="".join(text for text, _ in place.parts) if place else "",
        page=place.page if place else 0,
    )


def _brief(record: Record) -> dict[str, Any]:
    return {
        "code": record.code,
        "title": record.title,
        "document_number": record.document_number,
        "author": record.author,
        "date": record.document_date,
        "year": record.year,
        "sight": str(record.sight),
    }


# Read ---------------------------------------------------------------------------------------------


@router.get(
    "/records/{code}",
    response=shapes.RecordOut,
    summary="读一件的著录",
    description="著录项、页数、原件与发生过的事；只能看遮盖版的，姓名、号码等已遮盖。",
)
@admits(LOOK)
def show_record(request: HttpRequest, code: Code) -> shapes.RecordOut:
    """A record as the viewer of the key sees it."""
    caller, record = _record(request, code)
    events = events_of(record, viewer=caller.viewer, today=caller.today)
    return shapes.RecordOut(
        **_brief(record),
        fonds=record.fonds.number,
        category=record.category,
        retention=record.retention,
        pages=record.page_count,
        withheld=is_withheld(record),
        admitted_at=record.admitted_at,
        description={name: str(text) for name, text in record.description.items() if text},
        files=[
            shapes.KeptFileOut(
                id=row.pk, role=row.role, path=row.path, bytes=row.size_bytes, mime=row.mime,
                puid=row.puid, sha256=row.sha256, sm3=row.sm3,
            )
            for row in files_of(record, viewer=caller.viewer, today=caller.today)
        ],
        events=[
            shapes.EventOut(kind=row.kind, at=row.at, outcome=row.outcome) for row in events
        ],
    )  # fmt: skip


@router.get(
    "/records/{code}/pages",
    response=shapes.PagesOut,
    summary="逐页读文字",
    description="每次 50 页，连同文字。",
)
@admits(PART)
def list_pages(request: HttpRequest, code: Code, cursor: Cursor = "") -> shapes.PagesOut:
    """The text of its pages, fifty at a time."""
    caller, record = _record(request, code)
    question = {"pages": record.pk}
    after = place_of(cursor, question)
    rows = pages_of(record, viewer=caller.viewer, today=caller.today, after=after, limit=PAGES + 1)
    shown = [_page(caller, record, row.number) for row in rows[:PAGES]]
    last = rows[PAGES - 1].number if len(rows) > PAGES else 0
    return shapes.PagesOut(items=shown, next=mark(last, question) if last else "")


@router.get(
    "/records/{code}/pages/{number}",
    response=shapes.PageOut,
    summary="读一页",
    description="一页的文字、识别方式与把握。",
)
@admits(PART)
def show_page(request: HttpRequest, code: Code, number: Number) -> shapes.PageOut:
    """The text of one page."""
    caller, record = _record(request, code)
    return _page(caller, record, number)


def _page(caller: Caller, record: Record, number: int) -> shapes.PageOut:
    page = page_of_record(record.pk, number, viewer=caller.viewer, today=caller.today)
    if page is None:
        raise Problem("not-found")
    return shapes.PageOut(
        number=page.number,
        method=page.method,
        confidence=page.confidence,
        withheld=is_withheld(record),
        text="" if is_withheld(record) else page.text,
    )


@router.get(
    "/records/{code}/files/{file_number}",
    response={200: None},
    summary="下载一个文件",
    openapi_extra=shapes.FILE,
    description="原样的字节；只给可读全文并可复制的。摘要在著录里。",
)
@admits(TAKE)
def send_file(request: HttpRequest, code: Code, file_number: Number) -> FileResponse:
    """The bytes of one file, for who reads the whole and may copy."""
    caller, record = _record(request, code)
    rows = files_of(record, viewer=caller.viewer, today=caller.today)
    row = next((one for one in rows if one.pk == file_number), None)
    if row is None:
        raise Problem("not-found")
    if not may(may_copy(caller.viewer, caller.today), record):
        raise Problem("not-allowed")
    answer = FileResponse(
        stored_file(record, row).open_checked(), content_type="application/octet-stream"
    )
    name = safe_name(row.path.rsplit("/", 1)[-1])
    answer.headers["Content-Disposition"] = (
        content_disposition_header(as_attachment=True, filename=name) or "attachment"
    )
    answer.headers["Content-Security-Policy"] = "sandbox"
    return answer
