"""Personal information: the review queue of archivists, and the masked copy of a record."""

from http import HTTPStatus
from typing import IO, Any

from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from liandong.archive.models import HitState, PersonalHit, Record, RecordPage
from liandong.archive.policies import (
    COPY_MASKED,
    CORRECT,
    DECIDE_PERSONAL,
    REVIEW_PERSONAL,
    may_change,
    may_copy_masked,
)
from liandong.archive.queries.granting import changeable
from liandong.archive.queries.reviewing import (
    groups_to_review,
    hits_to_review,
    kinds_to_review,
    places_of_text,
    shown_hits,
)
from liandong.archive.services.masked_copies import NoPages, NotExamined, masked_pdf
from liandong.archive.services.privacy import (
    DECISIONS,
    Mark,
    NeedsReason,
    NoSuchPlace,
    add_area,
    add_marks,
    decide,
)
from liandong.archive.viewers import may, today_of, viewer_of
from liandong.base.gates import open_to, refuse
from liandong.base.params import number, way_back, words
from liandong.kernel.names import safe_name
from liandong.kernel.pages import Box
from liandong.kernel.ports import Unreadable
from liandong.kernel.privacy import kinds

from .records import note, record_or_404, under_grant

_PREVIEWED = 200  # rows of a preview
_MOST_AT_ONCE = 5000  # hits of one bulk decision
_NOT_MARKED = frozenset({"track", "hint"})  # forms of kinds that nobody marks by hand


def kind_words() -> dict[str, str]:
    """Names of the kinds in the language of the page."""
    english = (get_language() or "").startswith("en")
    return {code: kind.name_en if english else kind.name_zh for code, kind in kinds().items()}


def reasons() -> list[str]:
    """Why something is no personal information to be masked."""
    return [
        _("不是个人信息"), _("单位或公务信息，依法公开"), _("本人同意公开"), _("已依法公开的人物"),
        _("识别有误"),
    ]  # fmt: skip


def way_word(method: str) -> str:
    """How a hit was found."""
    return {
        "check": _("校验位正确"), "pattern": _("按格式"), "label": _("按字段名"),
        "context": _("按前后文"), "words": _("按用词"), "dictionary": _("按姓名用字"),
        "repeat": _("同一件中再次出现"), "repaired": _("纠正识别字符后"), "person": _("由人标出"),
    }.get(method, method)  # fmt: skip


def _cursor(text: str) -> tuple[int, int]:
    record, _mark, page = text.partition("-")
    return (number(record), number(page)) if page else (0, -1)


@require_safe
@open_to(REVIEW_PERSONAL)
def show_personal(request: HttpRequest) -> HttpResponse:
    """Hits grouped by record and page, marked on the page image."""
    viewer = viewer_of(request)
    kind, state = words(request.GET.get("kind")), words(request.GET.get("state"))
    record = number(request.GET.get("record"))
    groups, after = groups_to_review(
        viewer, kind=kind, state=state, record=record, after=_cursor(request.GET.get("after", ""))
    )
    names = kind_words()
    context = {
        "groups": [_group(group, names) for group in groups],
        "after": f"{after[0]}-{after[1]}" if after else "",
        "shown": sum(len(group.hits) for group in groups),
        "facets": [_kind_facet(viewer_kinds, kind, names)
                   for viewer_kinds in [kinds_to_review(viewer, state=state, record=record)]],
        "states": HitState.choices,
        "state": state or HitState.PROPOSED.value,
        "kind": kind,
        "kind_word": names.get(kind, kind),
        "record": record,
        "chips": _chips(request, record),
        "reasons": reasons(),
        "edges": [("left", _("左")), ("top", _("上")), ("right", _("右")), ("bottom", _("下"))],
        "markable": [(code, names[code]) for code, one in kinds().items()
                     if one.form not in _NOT_MARKED],
    }  # fmt: skip
    return render(request, "archive/personal.html", context)


def _chips(request: HttpRequest, record: int) -> list[dict[str, str]]:
    """The one record whose hits are shown, with the address of all."""
    if not record:
        return []
    rows = changeable(viewer_of(request)).filter(pk=record)
    rest = request.GET.copy()
    del rest["record"]
    code = rows.values_list("code", flat=True).first() or str(record)
    return [{"label": _("档号"), "value": code, "url": f"?{rest.urlencode()}"}]


def _kind_facet(found: list[tuple[str, int]], kind: str, names: dict[str, str]) -> dict[str, Any]:
    values = [
        {"value": code, "label": names.get(code, code), "count": n, "selected": code == kind}
        for code, n in found
    ]
    return {"name": "kind", "label": _("种类"), "values": values}


def _group(group: Any, names: dict[str, str]) -> dict[str, Any]:
    """A group as the template shows it."""
    page, image = group.page, ""
    if page is not None and page.width:
        record = group.record
        image = reverse("archive:image", args=[record.pk, record.version, page.number])
    return {
        "record": group.record,
        "page": page,
        "number": group.number,
        "image": image,
        "text": page.text if page is not None else "",
        "hits": [_row(shown, names) for shown in group.hits],
    }


def _row(shown: Any, names: dict[str, str]) -> dict[str, Any]:
    hit = shown.hit
    boxes = [
        {"x": box.left, "y": box.top, "width": box.right - box.left, "height": box.bottom - box.top}
        for box in shown.boxes
    ]
    return {
        "hit": hit,
        "shown": shown,
        "kind": names.get(hit.kind, hit.kind),
        "way": way_word(hit.method),
        "percent": round(hit.confidence * 100),
        "boxes": boxes,
    }


@require_POST
@open_to(DECIDE_PERSONAL)
def decide_personal(request: HttpRequest, hit_id: int) -> HttpResponse:
    """Confirm or reject one hit; htmx gets an empty row back."""
    hit = get_object_or_404(
        PersonalHit.objects.filter(record__in=changeable(viewer_of(request))), pk=hit_id
    )
    act, reason = request.POST.get("act", ""), words(request.POST.get("reason"))
    scripted = bool(request.htmx)  # type: ignore[attr-defined]
    try:
        decide([hit.pk], act, by=viewer_of(request).name, now=timezone.now(), reason=reason)
    except (NeedsReason, ValueError) as error:
        if scripted:
            return HttpResponse(status=HTTPStatus.UNPROCESSABLE_ENTITY)
        messages.error(request, _fault(error))
    if scripted:
        return HttpResponse("")
    return redirect(way_back(request, reverse("archive:personal")))


def _fault(error: Exception) -> str:
    if isinstance(error, NeedsReason):
        return _("否定要写明理由")
    return _("没有这样的决定")


@require_POST
@open_to(REVIEW_PERSONAL)
def decide_many(request: HttpRequest) -> HttpResponse:
    """Confirm or reject every waiting hit of one kind, in one record where it is named.

    The first time it only shows them.
    """
    kind, act = words(request.POST.get("kind")), request.POST.get("act", "")
    reason, record = words(request.POST.get("reason")), number(request.POST.get("record"))
    if kind not in kinds() or act not in DECISIONS:
        messages.error(request, _("没有这样的决定"))
        return redirect("archive:personal")
    waiting = hits_to_review(viewer_of(request), kind=kind, record=record)
    waiting = waiting.order_by("record_id", "page", "line")
    if "sure" not in request.POST:
        names = kind_words()
        context = {
            "kind": kind, "kind_word": names[kind], "act": act, "reason": reason,
            "record": record,
            "count": waiting.count(),
            "rows": [_row(shown, names) for shown in shown_hits(list(waiting[:_PREVIEWED]))],
        }  # fmt: skip
        return render(request, "archive/personal_preview.html", context)
    keys = list(waiting.values_list("pk", flat=True)[:_MOST_AT_ONCE])
    try:
        done = decide(keys, act, by=viewer_of(request).name, now=timezone.now(), reason=reason)
    except NeedsReason as error:
        messages.error(request, _fault(error))
    else:
        messages.success(request, _("已处理 {count} 处").format(count=len(done)))
    here = f"&record={record}" if record else ""
    return redirect(f"{reverse('archive:personal')}?kind={kind}{here}")


@require_POST
@open_to(CORRECT)
def mark_personal(request: HttpRequest, record_id: int) -> HttpResponse:
    """Mark what no detector found: a text of a page or of the record, or a part of the image."""
    record = record_or_404(request, record_id)
    if not may(may_change(viewer_of(request)), record):
        refuse(request)
    kind = words(request.POST.get("kind"))
    if kind not in kinds():
        messages.error(request, _("没有这个种类"))
        return redirect(way_back(request, reverse("archive:personal")))
    page = number(request.POST.get("page"), 1)
    text = words(request.POST.get("text")).strip()
    try:
        count = _mark_text(request, record, page, text, kind) if text else 1
        if not text:
            add_area(record.pk, page, _area(request), kind=kind,
                     by=viewer_of(request).name, now=timezone.now())  # fmt: skip
    except NoSuchPlace:
        messages.error(request, _("这一页没有这个位置"))
    else:
        if count:
            messages.success(request, _("已标出 {count} 处").format(count=count))
        else:
            messages.error(request, _("没有找到这段文字"))
    return redirect(way_back(request, reverse("archive:personal")))


def _mark_text(request: HttpRequest, record: Record, page: int, text: str, kind: str) -> int:
    """Mark a text on its page, or wherever it stands in the record; how often."""
    pages = RecordPage.objects.filter(record=record).order_by("number")
    if "everywhere" not in request.POST:
        pages = pages.filter(number=page)
    marks = [
        Mark(sheet.number, kind, line=line, start=start, last_line=last, end=end)
        for sheet in pages
        for line, start, last, end in places_of_text(sheet, text)
    ]
    if "everywhere" in request.POST or page == 0:
        marks += [
            Mark(0, kind, field=name, start=at, end=at + len(text))
            for name, value in record.description.items()
            if (at := str(value).find(text)) >= 0
        ]
    if marks:
        add_marks(record.pk, marks, by=viewer_of(request).name, now=timezone.now())
    return len(marks)


def _area(request: HttpRequest) -> Box:
    edges = [number(request.POST.get(name)) for name in ("left", "top", "right", "bottom")]
    return Box(*map(float, edges))


@require_safe
@open_to(COPY_MASKED)
def send_masked_copy(request: HttpRequest, record_id: int) -> FileResponse:
    """The masked copy of a record as PDF: nothing that is masked can be got back from it.

    Under a grant it leaves in a zip beside the sheet that says for whom and for what.
    """
    record = record_or_404(request, record_id)
    if not may(may_copy_masked(viewer_of(request), today_of(request)), record):
        refuse(request)
    try:
        kept = masked_pdf(Record.objects.get(pk=record.pk))
        stream: IO[bytes] = kept.open_checked()
    except (NotExamined, NoPages, Unreadable, FileNotFoundError):
        raise Http404 from None
    name, kind = safe_name(f"{record.code}-{_('遮盖副本')}.pdf"), "application/pdf"
    note(request, "download_file", record, file="masked.pdf")
    if taken := under_grant(request, record, kept, name):
        stream.close()
        name, kind, stream = taken.name, taken.kind, taken.stream
    answer = FileResponse(stream, content_type=kind)
    answer["Content-Disposition"] = (
        content_disposition_header(as_attachment=True, filename=name) or ""
    )
    answer["Cache-Control"] = "private, no-store"
    answer["Content-Security-Policy"] = "sandbox"
    return answer
