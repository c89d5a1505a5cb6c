"""One record: its page, viewer, page images, text, downloads."""

from http import HTTPStatus
from typing import Any, BinaryIO
from urllib.parse import urlencode

from django.http import FileResponse, Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from liandong.archive.models import ArchivalClass, FileRole, Record, RecordFile, RecordPage
from liandong.archive.policies import READ_RECORD, may_change
from liandong.archive.queries import (
    description_rows,
    events_of,
    explain,
    files_of,
    label_of,
    page_of_record,
    pages_of,
    record_by_id,
)
from liandong.archive.services.contents import StoredFile
from liandong.archive.services.reading import open_checked, stored_file
from liandong.archive.tiles import DESCRIPTION, NoImage, open_thumb, open_tile
from liandong.archive.viewers import may, today_of, viewer_of
from liandong.base import params
from liandong.base.gates import open_to
from liandong.kernel.names import safe_name

from .wording import OUTCOME_TONES, date_text, event_word, outcome_word

YEAR_S = 31_536_000
private = cache_control(private=True, max_age=YEAR_S, immutable=True)  # addresses carry the version
MOST_PAGES = 2000  # that the viewer is told of
DATE_DIGITS = 8  # YYYYMMDD


def record_or_404(request: HttpRequest, record_id: int) -> Record:
    """The record, if whoever asks may read it; the same answer for hidden and for absent."""
    record = record_by_id(record_id, viewer=viewer_of(request), today=today_of(request))
    if record is None:
        raise Http404
    return record


def page_or_404(request: HttpRequest, record_id: int, number: int) -> RecordPage:
    """The page, if whoever asks may read its record."""
    page = page_of_record(record_id, number, viewer=viewer_of(request), today=today_of(request))
    if page is None:
        raise Http404
    return page


def crumbs_of(record: Record, *more: tuple[str, str]) -> list[tuple[str, str]]:
    """全宗 › 门类 › 年度 › 保管期限 › 件."""
    holdings = reverse("archive:holdings")
    trail = [
        (str(record.fonds), f"{holdings}?fonds={record.fonds.number}"),
        (class_words(record), reverse("archive:class", args=[record.archival_class_id])),
    ]  # fmt: skip
    here = (record.code, reverse("archive:record", args=[record.pk]) if more else "")
    return [*trail, here, *more]


def class_words(record_or_class: Record | ArchivalClass) -> str:
    """文书 2023 永久 BGS: the parts of a class in words."""
    one = record_or_class
    parts = (
        label_of("category", one.category),
        one.year,
        label_of("retention", one.retention),
        one.org,
    )
    return " ".join(part for part in parts if part)


def _facts(record: Record) -> list[dict[str, Any]]:
    """The description in words: codes get their names, dates their dashes, some values a link."""
    search = reverse("archive:search")
    worded = {"archival_category": "category", "retention_period": "retention"}
    links = {"fonds_number": "fonds", "archival_category": "category", "filing_year": "year",
             "retention_period": "retention", "author": "author"}  # fmt: skip
    rows = description_rows(record)
    for row in rows:
        name, value = row["identifier"], str(row["value"])
        if name in worded:
            words = label_of(worded[name], getattr(record, worded[name]))
            row["value"] = f"{words} ({value})" if name == "archival_category" else words
        elif name.endswith("_date") and value.isdecimal() and len(value) == DATE_DIGITS:
            row["value"] = date_text(int(value))
        if name in links:
            held = getattr(record, links[name], value) if name != "fonds_number" else value
            row["url"] = f"{search}?{urlencode({links[name]: held})}"
    return rows


@require_safe
@open_to(READ_RECORD)
def show_record(request: HttpRequest, record_id: int) -> HttpResponse:
    """Description, pages, files, what happened to it, and why one may see it."""
    viewer, today = viewer_of(request), today_of(request)
    record = record_or_404(request, record_id)
    files = files_of(record, viewer=viewer, today=today)
    context = {
        "record": record,
        "crumbs": crumbs_of(record),
        "facts": _facts(record),
        "originals": [row for row in files if row.role == FileRole.ORIGINAL],
        "others": [row for row in files if row.role != FileRole.ORIGINAL],
        "pages": pages_of(record, viewer=viewer, today=today, limit=24),
        "events": [
            {
                "event": event,
                "word": event_word(event.kind),
                "outcome": outcome_word(event.outcome),
                "tone": OUTCOME_TONES.get(event.outcome, "idle"),
            }
            for event in events_of(record, viewer=viewer, today=today, limit=50)
        ],
        "why": explain(viewer, record, today=today),
        "may_change": may(may_change(viewer), record),
    }
    return render(request, "archive/record.html", context)


@require_safe
@open_to(READ_RECORD)
def show_viewer(request: HttpRequest, record_id: int) -> HttpResponse:
    """Page images with selectable text; without script, image and text one below the other."""
    viewer, today = viewer_of(request), today_of(request)
    record = record_or_404(request, record_id)
    pages = pages_of(record, viewer=viewer, today=today, limit=MOST_PAGES)
    number = _number(request.GET.get("p", "1"))
    current = page_of_record(record_id, number, viewer=viewer, today=today) if pages else None
    context = {
        "record": record,
        "crumbs": crumbs_of(record, (_("阅读"), "")),
        "pages": pages,
        "current": current,
        "has_images": any(page.width for page in pages),
        "viewer": {
            "pages": [_viewer_page(record, page) for page in pages],
            "start": {"page": number, "line": _number(request.GET.get("l", "0"))},
            "query": request.GET.get("find", ""),
        },
        "may_change": may(may_change(viewer), record),
    }
    return render(request, "archive/viewer.html", context)


def _number(text: str) -> int:
    return params.number(text, 1)


def _viewer_page(record: Record, page: RecordPage) -> dict[str, Any]:
    args = [record.pk, record.version, page.number]
    facts: dict[str, Any] = {
        "number": page.number,
        "width": page.width,
        "height": page.height,
        "textUrl": reverse("archive:page_text", args=[record.pk, page.number]),
    }
    if page.width:
        facts["tiles"] = reverse("archive:tiles", args=args)
        facts["thumb"] = reverse("archive:thumb", args=args)
    return facts


@require_safe
@open_to(READ_RECORD)
def show_page_text(request: HttpRequest, record_id: int, number: int) -> HttpResponse:
    """The lines of a page with their places."""
    page = page_or_404(request, record_id, number)
    return JsonResponse({"number": page.number, "method": page.method, "lines": page.lines})


# Images -------------------------------------------------------------------------------------------


def image_file(page: RecordPage) -> StoredFile:
    """The image of a page.  Raises Http404 when it has none, CannotOpen when its key is lost."""
    if not page.width:
        raise Http404
    name = page.image or page.file
    row = RecordFile.objects.filter(record=page.record_id, path=name).first()
    row = row or RecordFile.objects.filter(record=page.record_id, path=f"original/{name}").first()
    if row is None:
        raise Http404
    return stored_file(page.record, row)


def _key(page: RecordPage) -> str:
    return f"{page.record.object_id}/{page.record.version}/{page.number}"


@require_safe
@private
@open_to(READ_RECORD)
def send_thumb(request: HttpRequest, record_id: int, version: int, number: int) -> FileResponse:
    """The small image of a page."""
    page = page_or_404(request, record_id, number)
    try:
        small = open_thumb(image_file(page), _key(page))
    except NoImage:
        raise Http404 from None
    return FileResponse(small, content_type="image/jpeg")


@require_safe
@private
@open_to(READ_RECORD)
def send_image(request: HttpRequest, record_id: int, version: int, number: int) -> FileResponse:
    """The whole image of a page, for browsers without script and for paper.

    Its name, which a stranger gave, says nothing: bytes that are no image go to nobody.
    """
    stream = open_checked(image_file(page_or_404(request, record_id, number)))
    kind = _image_kind(stream.read(8))
    if not kind:
        stream.close()
        raise Http404
    stream.seek(0)
    answer = FileResponse(stream, content_type=kind)
    answer["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return answer


def _image_kind(head: bytes) -> str:
    """The media type of what browsers show as a picture, ""."""
    marks = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png"}
    return next((kind for mark, kind in marks.items() if head.startswith(mark)), "")


@require_safe
@private
@open_to(READ_RECORD)
def send_tiles(request: HttpRequest, record_id: int, version: int, number: int) -> FileResponse:
    """The deep-zoom description of a page image."""
    page = page_or_404(request, record_id, number)
    return FileResponse(_tile(page, DESCRIPTION), content_type="application/xml")


@require_safe
@private
@open_to(READ_RECORD)
def send_tile(
    request: HttpRequest,
    record_id: int,
    version: int,
    number: int,
    level: int,
    column: int,
    row: int,
) -> FileResponse:
    """One tile; the rule is asked for every one."""
    page = page_or_404(request, record_id, number)
    name = f"page_files/{level}/{column}_{row}.jpg"
    return FileResponse(_tile(page, name), content_type="image/jpeg")


def _tile(page: RecordPage, name: str) -> BinaryIO:
    try:
        return open_tile(image_file(page), _key(page), name)
    except (NoImage, FileNotFoundError):
        raise Http404 from None


# Downloads ----------------------------------------------------------------------------------------


@require_safe
@open_to(READ_RECORD)
def send_file(request: HttpRequest, record_id: int, file_id: int) -> FileResponse:
    """A file of the record as a download: bytes from outside are never shown inline."""
    record = record_or_404(request, record_id)
    row = RecordFile.objects.filter(record=record, pk=file_id).first()
    if row is None:
        raise Http404
    answer = FileResponse(
        open_checked(stored_file(record, row)), content_type="application/octet-stream"
    )
    name = safe_name(row.path.rsplit("/", 1)[-1])  # a line end in it would be an error of ours
    answer["Content-Disposition"] = (
        content_disposition_header(as_attachment=True, filename=name) or ""
    )
    answer["Content-Security-Policy"] = "sandbox"
    answer["ETag"] = f'"{row.sha512[:32]}"'
    answer.status_code = HTTPStatus.OK
    return answer
