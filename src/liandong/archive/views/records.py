"""One record: its page, viewer, page images, text, downloads."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, BinaryIO, NamedTuple
from urllib.parse import urlencode

from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    JsonResponse,
)
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.utils.http import content_disposition_header, quote_etag
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from liandong.archive.models import ArchivalClass, FileRole, Record, RecordFile, RecordPage
from liandong.archive.policies import (
    COPY_RECORD,
    READ_RECORD,
    may_change,
    may_copy,
    may_copy_masked,
    may_use,
)
from liandong.archive.queries import (
    description_rows,
    events_of,
    files_of,
    label_of,
    page_of_record,
    pages_of,
    record_by_id,
)
from liandong.archive.queries.sight import (
    Sight,
    black_parts,
    is_withheld,
    mask_names,
    sight_of_everybody,
)
from liandong.archive.services.contents import StoredFile
from liandong.archive.services.looking import note_look, note_part
from liandong.archive.services.reading import stored_file
from liandong.archive.services.sharing import note_use
from liandong.archive.takeaway import Taken, marked
from liandong.archive.tiles import DESCRIPTION, NoImage, blackened, open_thumb, open_tile
from liandong.archive.viewers import grant_of, mark_of, may, today_of, viewer_of
from liandong.archive.watermark import Mark, burned, overlay
from liandong.base import params
from liandong.base.gates import open_to, refuse
from liandong.base.middleware import origin_of
from liandong.kernel.names import safe_name

from .wording import OUTCOME_TONES, date_text, event_word, outcome_word

DAY_S = 86_400
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


def note(request: HttpRequest, act: str, record: Record, **facts: str | int) -> None:
    """Record that whoever asks is shown the record; call it before anything is."""
    note_look(act, record, by=viewer_of(request).name, now=timezone.now(), facts=facts)


def _note_part(request: HttpRequest, record: Record) -> None:
    by, now = viewer_of(request).name, timezone.now()
    note_part(record, by=by, origin=origin_of(request), now=now)


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
        "thumbs": _thumbs(record, pages_of(record, viewer=viewer, today=today, limit=24)),
        "withheld": is_withheld(record),
        "events": [
            {
                "event": event,
                "word": event_word(event.kind),
                "outcome": outcome_word(event.outcome),
                "tone": OUTCOME_TONES.get(event.outcome, "idle"),
            }
            for event in events_of(record, viewer=viewer, today=today, limit=50)
        ],
        "may_copy": may(may_copy(viewer, today), record),
        "may_copy_masked": may(may_copy_masked(viewer, today), record),
        "may_change": may(may_change(viewer), record),
        **sharing_of(request, record),
    }
    note(request, "look_record", record)
    _note_look(request, record)
    return render(request, "archive/record.html", context)


def sharing_of(request: HttpRequest, record: Record) -> dict[str, Any]:
    """What a page of this record says of sharing: the watermark, and what may be done with it."""
    words, viewer, today = mark_of(request, record), viewer_of(request), today_of(request)
    return {
        "grant": grant_of(request, record),
        "watermark": words,
        "overlay": overlay(words) if words else "",
        "may_print": may(may_use(viewer, "print", today), record),
    }


def _note_look(request: HttpRequest, record: Record, page: int = 0) -> None:
    """Who looks under a grant leaves a row."""
    grant = grant_of(request, record)
    if grant is not None:
        name = viewer_of(request).name
        note_use(grant, record, "look", by=name, now=timezone.now(), page=page)


@require_safe
@open_to(READ_RECORD)
def show_viewer(request: HttpRequest, record_id: int) -> HttpResponse:
    """Page images with selectable text; without script, image and text one below the other."""
    viewer, today = viewer_of(request), today_of(request)
    record = record_or_404(request, record_id)
    pages = pages_of(record, viewer=viewer, today=today, limit=MOST_PAGES)
    number, withheld = _number(request.GET.get("p", "1")), is_withheld(record)
    current = page_of_record(record_id, number, viewer=viewer, today=today) if pages else None
    masks = mask_names(record, pages)
    context = {
        "record": record,
        "crumbs": crumbs_of(record, (_("阅读"), "")),
        "pages": pages,
        "current": current,
        "has_images": not withheld and any(page.width for page in pages),
        "withheld": withheld,
        "mask": masks.get(number, ""),
        "viewer": {
            "pages": [_viewer_page(record, page, masks) for page in pages],
            "start": {"page": number, "line": _number(request.GET.get("l", "0"))},
            "query": request.GET.get("find", ""),
        },
        "may_change": may(may_change(viewer), record),
        **sharing_of(request, record),
    }
    note(request, "open_viewer", record, page=number)
    _note_look(request, record, number if current else 0)
    return render(request, "archive/viewer.html", context)


def _number(text: str) -> int:
    return params.number(text, 1)


def _thumbs(record: Record, pages: list[RecordPage]) -> list[dict[str, Any]]:
    """Small images of the first pages, each leading to its page; blank ones where nothing shows."""
    masks, withheld = mask_names(record, pages), is_withheld(record)
    return [
        {
            "number": page.number,
            "image": "" if withheld else image_url("thumb", record, page, masks),
            "href": f"{reverse('archive:viewer', args=[record.pk])}?p={page.number}",
        }
        for page in pages
    ]


def image_url(name: str, record: Record, page: RecordPage, masks: Mapping[int, str]) -> str:
    """The address of an image of a page, with the name of its masks; "" when it has no image."""
    if not page.width:
        return ""
    address = reverse(f"archive:{name}", args=[record.pk, record.version, page.number])
    return f"{address}?m={masks[page.number]}" if page.number in masks else address


def _viewer_page(record: Record, page: RecordPage, masks: Mapping[int, str]) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "number": page.number,
        "width": page.width,
        "height": page.height,
        "textUrl": reverse("archive:page_text", args=[record.pk, page.number]),
    }
    if page.width:
        facts["tiles"] = image_url("tiles", record, page, masks)
        facts["thumb"] = image_url("thumb", record, page, masks)
    return facts


@require_safe
@open_to(READ_RECORD)
def show_page_text(request: HttpRequest, record_id: int, number: int) -> HttpResponse:
    """The lines of a page with their places."""
    page = page_or_404(request, record_id, number)
    _note_part(request, page.record)
    _note_look(request, page.record, number)
    return JsonResponse({"number": page.number, "method": page.method, "lines": page.lines})


# Images -------------------------------------------------------------------------------------------


class Shown(NamedTuple):
    """The image of a page as whoever asks sees it."""

    record: Record
    file: StoredFile
    key: str  # names record, version, page, and what is black
    is_public: bool  # everybody sees just this
    mark: Mark | None = None  # what is burned in before it is sent


def image_shown(request: HttpRequest, record_id: int, number: int) -> Shown:
    """The page image, whole or with black parts.  Raises Http404 when there is none to see.

    `?m=` asks for the masked image that has this name, also whoever may see the whole; a name of
    masks that hold no more is not found.
    """
    page, today = page_or_404(request, record_id, number), today_of(request)
    record, asked = page.record, request.GET.get("m")
    words = mark_of(request, record)
    if is_withheld(record):
        raise Http404
    key = f"{record.object_id}/{record.version}/{page.number}"
    public = sight_of_everybody(record, today=today)
    if record.sight == Sight.WHOLE and asked is None:
        return Shown(record, image_file(page), key, public == Sight.WHOLE, words)
    boxes, state = black_parts(page)
    if asked not in {None, state}:
        raise Http404
    key = f"{key}-{state}"
    file = blackened(image_file(page), boxes, page.width, key) if boxes else image_file(page)
    return Shown(record, file, key, asked is not None and public != Sight.NOTHING, words)


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


def _send(request: HttpRequest, stream: BinaryIO, kind: str, shown: Shown) -> HttpResponseBase:
    """An image, kept by browsers only where everybody sees it; its address carries the version.

    Under a grant its pixels carry the watermark, and no browser keeps it.
    """
    if shown.mark and kind.startswith("image/"):
        with stream:
            content = burned(stream.read(), shown.mark)
        answer: HttpResponseBase = HttpResponse(content, content_type="image/jpeg")
    else:
        answer = FileResponse(stream, content_type=kind)
    keep = shown.is_public and not shown.mark
    answer["Cache-Control"] = f"private, max-age={DAY_S}" if keep else "private, no-store"
    if keep:
        answer["ETag"] = etag = quote_etag(hashlib.sha256(shown.key.encode()).hexdigest()[:32])
        unchanged = get_conditional_response(request, etag=etag)
        if unchanged is not None:  # the browser has these bytes
            stream.close()
            unchanged["ETag"], unchanged["Cache-Control"] = etag, answer["Cache-Control"]
            return unchanged
    return answer


@require_safe
@open_to(READ_RECORD)
def send_thumb(request: HttpRequest, record_id: int, version: int, number: int) -> HttpResponseBase:
    """The small image of a page."""
    try:
        shown = image_shown(request, record_id, number)
        return _send(request, open_thumb(shown.file, shown.key), "image/jpeg", shown)
    except NoImage:
        raise Http404 from None


@require_safe
@open_to(READ_RECORD)
def send_image(request: HttpRequest, record_id: int, version: int, number: int) -> HttpResponseBase:
    """The whole image of a page, for browsers without script and for paper.

    Its name, which a stranger gave, says nothing: bytes that are no image go to nobody.
    """
    try:
        shown = image_shown(request, record_id, number)
    except NoImage:
        raise Http404 from None
    stream = shown.file.open_checked()
    kind = image_kind(stream.read(8))
    if not kind:
        stream.close()
        raise Http404
    stream.seek(0)
    with _closed_on_error(stream):
        if request.headers.get("Sec-Fetch-Dest") == "image":  # in a page that left its own row
            _note_part(request, shown.record)
        else:
            note(request, "print_image", shown.record, page=number)
    answer = _send(request, stream, kind, shown)
    answer["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return answer


def image_kind(head: bytes) -> str:
    """The media type of what browsers show as a picture, ""."""
    marks = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png"}
    return next((kind for mark, kind in marks.items() if head.startswith(mark)), "")


@require_safe
@open_to(READ_RECORD)
def send_tiles(request: HttpRequest, record_id: int, version: int, number: int) -> HttpResponseBase:
    """The deep-zoom description of a page image."""
    return _send_part(request, record_id, number, DESCRIPTION, "application/xml")


@require_safe
@open_to(READ_RECORD)
def send_tile(
    request: HttpRequest,
    record_id: int,
    version: int,
    number: int,
    level: int,
    column: int,
    row: int,
) -> HttpResponseBase:
    """One tile; the rule is asked for every one."""
    name = f"page_files/{level}/{column}_{row}.jpg"
    return _send_part(request, record_id, number, name, "image/jpeg")


def _send_part(
    request: HttpRequest, record_id: int, number: int, name: str, kind: str
) -> HttpResponseBase:
    try:
        shown = image_shown(request, record_id, number)
        part = open_tile(shown.file, shown.key, name)
    except (NoImage, FileNotFoundError):
        raise Http404 from None
    with _closed_on_error(part):
        _note_part(request, shown.record)
    return _send(request, part, kind, shown)


@contextmanager
def _closed_on_error(stream: BinaryIO) -> Iterator[None]:
    """Close what was opened for somebody who then gets nothing."""
    try:
        yield
    except BaseException:
        stream.close()
        raise


# Downloads ----------------------------------------------------------------------------------------


@require_safe
@open_to(COPY_RECORD)
def send_file(request: HttpRequest, record_id: int, file_id: int) -> FileResponse:
    """A file of the record as a download: bytes from outside are never shown inline.

    Only for whoever reads the whole and may copy: a file knows no masks.
    """
    record = record_or_404(request, record_id)
    if not may(may_copy(viewer_of(request), today_of(request)), record):
        refuse(request)
    row = RecordFile.objects.filter(record=record, pk=file_id).first()
    if row is None:
        raise Http404
    note(request, "download_file", record, file=row.path, sha256=row.sha256)
    name = safe_name(row.path.rsplit("/", 1)[-1])  # a line end in it would be an error of ours
    taken = _marked_file(request, record, row, name)
    if taken:
        name = taken.name
    stream = taken.stream if taken else stored_file(record, row).open_checked()
    answer = FileResponse(stream, content_type="application/octet-stream")
    answer["Content-Disposition"] = (
        content_disposition_header(as_attachment=True, filename=name) or ""
    )
    answer["Content-Security-Policy"] = "sandbox"
    answer.status_code = HTTPStatus.OK
    return answer


def _marked_file(request: HttpRequest, record: Record, row: RecordFile, name: str) -> Taken | None:
    """The file with its watermark when it leaves under a grant, else None."""
    if grant_of(request, record) is None:
        return None
    names = {row.path, row.path.removeprefix("original/")}
    held = record.pages.filter(file__in=names).order_by("number")
    pages = [page for page in held if page.width]
    images = [image_file(page) for page in pages] if len(pages) == held.count() else []
    return under_grant(request, record, stored_file(record, row), name, images)


def under_grant(
    request: HttpRequest,
    record: Record,
    file: StoredFile,
    name: str,
    images: Sequence[StoredFile] = (),
) -> Taken | None:
    """A file as it leaves under a grant, see `takeaway.marked`, else None; the use is noted."""
    grant, words = grant_of(request, record), mark_of(request, record)
    if grant is None or words is None:
        return None
    note_use(grant, record, "copy", by=viewer_of(request).name, now=timezone.now())
    until = timezone.localtime(grant.ends_at).strftime("%Y-%m-%d %H:%M")
    return marked(file, name, words, images, until=until)
