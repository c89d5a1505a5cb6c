"""Line-by-line correction of recognised text beside the page image."""

import json
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from liandong.archive.models import LineCorrection, RecordPage
from liandong.archive.policies import CORRECT, may_change
from liandong.archive.queries import corrections_of
from liandong.archive.services.correcting import LineChanged, NoSuchLine, correct_line, undo
from liandong.archive.viewers import may, viewer_of
from liandong.base.gates import open_to

from .records import crumbs_of, note, page_or_404

LOW = 0.9


def _page(request: HttpRequest, record_id: int, number: int) -> RecordPage:
    page = page_or_404(request, record_id, number)
    if not may(may_change(viewer_of(request)), page.record):
        raise PermissionDenied
    return page


@require_http_methods(["GET", "HEAD", "POST"])
@open_to(CORRECT)
def show_correction(request: HttpRequest, record_id: int, number: int = 1) -> HttpResponse:
    """The lines of one page beside its image; POST saves one line (JSON) or all (plain form)."""
    page = _page(request, record_id, number)
    if request.method == "POST":
        if request.content_type == "application/json":
            return _save_line(request, page)
        return _save_form(request, page)
    record = page.record
    image: dict[str, Any] = {"number": page.number, "width": page.width, "height": page.height}
    if page.width:
        image["tiles"] = reverse("archive:tiles", args=[record.pk, record.version, page.number])
    corrected = {row.line for row in page.corrections.all()}
    lines = [
        {
            "id": at,
            "text": line["text"],
            "box": line["box"],
            "confidence": line["confidence"],
            "state": "corrected" if at in corrected else "ocr",
            "version": line["text"],
        }
        for at, line in enumerate(page.lines)
    ]
    context = {
        "record": record,
        "page": page,
        "crumbs": crumbs_of(record, (_("校对"), "")),
        "lines": lines,
        "history": corrections_of(page, viewer=viewer_of(request))[:50],
        "previous": page.number - 1 if page.number > 1 else None,
        "next": page.number + 1 if page.number < record.page_count else None,
        "correct": {
            "page": image,
            "lines": lines,
            "saveUrl": request.path,
            "low": LOW,
        },
    }
    note(request, "open_viewer", record, page=number, purpose="correct")
    return render(request, "archive/correct.html", context)


def _save_line(request: HttpRequest, page: RecordPage) -> HttpResponse:
    try:
        asked = json.loads(request.body)
        line, text, before = int(asked["id"]), str(asked["text"]), str(asked["version"])
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return JsonResponse({"message": _("请求无法理解")}, status=HTTPStatus.BAD_REQUEST)
    by = viewer_of(request).name
    try:
        saved = correct_line(page.pk, line, text, by=by, now=timezone.now(), expected_before=before)
    except LineChanged as changed:
        answer = {"message": _("此行已被他人修改"), "text": changed.text, "version": changed.text}
        return JsonResponse(answer, status=HTTPStatus.CONFLICT)
    except NoSuchLine:
        return JsonResponse({"message": _("没有这一行")}, status=HTTPStatus.NOT_FOUND)
    now = saved.lines[line]["text"]
    return JsonResponse({"text": now, "state": "corrected", "version": now})


def _save_form(request: HttpRequest, page: RecordPage) -> HttpResponse:
    by, now, saved, missed = viewer_of(request).name, timezone.now(), 0, 0
    for at, _line in enumerate(page.lines):
        text, before = request.POST.get(f"line-{at}"), request.POST.get(f"before-{at}")
        if text is None or before is None or text == before:
            continue
        try:
            correct_line(page.pk, at, text, by=by, now=now, expected_before=before)
            saved += 1
        except LineChanged:
            missed += 1
    if saved:
        messages.success(request, _("已保存 {count} 行").format(count=saved))
    if missed:
        messages.warning(request, _("{count} 行已被他人修改，没有保存").format(count=missed))
    return redirect(request.path)


@require_POST
@open_to(CORRECT)
def undo_correction(request: HttpRequest, record_id: int, correction_id: int) -> HttpResponse:
    """Take one correction back, unless the line was changed since."""
    row = LineCorrection.objects.filter(pk=correction_id, page__record=record_id).first()
    if row is None:
        raise Http404
    page = _page(request, record_id, row.page.number)
    try:
        undo(row.pk, by=viewer_of(request).name, now=timezone.now())
        messages.success(request, _("已撤销"))
    except LineChanged:
        messages.warning(request, _("此行后来又改过，不能撤销"))
    return redirect("archive:correct", record_id, page.number)
