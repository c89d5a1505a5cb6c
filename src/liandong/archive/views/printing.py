"""A record on paper: its page images one below the other, with the watermark of a grant."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from liandong.archive.policies import PRINT_RECORD, may_use
from liandong.archive.queries import pages_of
from liandong.archive.queries.sight import is_withheld, mask_names
from liandong.archive.services.sharing import note_use
from liandong.archive.viewers import may, today_of, viewer_of
from liandong.base import params
from liandong.base.gates import open_to, refuse

from .records import crumbs_of, image_url, record_or_404, sharing_of

MOST = 100  # pages on one print


@require_safe
@open_to(PRINT_RECORD)
def show_print(request: HttpRequest, record_id: int) -> HttpResponse:
    """The pages from `?from=` on, at most MOST, made for the printer."""
    viewer, today = viewer_of(request), today_of(request)
    record = record_or_404(request, record_id)
    if not may(may_use(viewer, "print", today), record):
        refuse(request)
    first = max(1, params.number(request.GET.get("from"), 1))
    rows = pages_of(record, viewer=viewer, today=today, after=first - 1, limit=MOST + 1)
    masks = mask_names(record, rows)
    shown = [] if is_withheld(record) else [row for row in rows[:MOST] if row.width]
    sharing = sharing_of(request, record)
    if sharing["grant"]:
        note_use(sharing["grant"], record, "print", by=viewer.name, now=timezone.now())
    context = {
        "record": record,
        "crumbs": crumbs_of(record, (_("打印"), "")),
        "pages": [(row.number, image_url("image", record, row, masks)) for row in shown],
        "more": rows[MOST].number if len(rows) > MOST else "",
        **sharing,
    }
    return render(request, "archive/print.html", context)
