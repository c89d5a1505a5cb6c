"""The holdings tree, lists of a class, and the preservation page."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from liandong.archive.policies import PRESERVE
from liandong.archive.queries import (
    class_by_id,
    fixity_runs,
    formats_held,
    holdings_tree,
    records_of_class,
    verification_state,
)
from liandong.archive.tasks import verify_sample
from liandong.archive.viewers import today_of, viewer_of
from liandong.base.gates import ANYONE, open_to
from liandong.base.params import words

from .records import class_words
from .wording import date_text

PAGE = 50
LEVELS = ("fonds", "category", "year", "retention")
SAMPLE = 200


@require_safe
@open_to(ANYONE)
def show_holdings(request: HttpRequest) -> HttpResponse:
    """The tree, opened along the address: each branch is a link, nothing is counted by rows."""
    viewer, today = viewer_of(request), today_of(request)
    path: dict[str, Any] = {
        name: words(request.GET[name]) for name in LEVELS if name in request.GET
    }
    columns = []
    given: dict[str, Any] = {}
    for level in (*LEVELS, "org"):
        branches = holdings_tree(viewer=viewer, today=today, **given)
        rows = [
            {
                "branch": one,
                "selected": path.get(level) == one.value,
                "query": urlencode({**given, level: one.value}),
            }
            for one in branches
        ]
        columns.append({"level": level, "branches": rows})
        if level not in path:
            break
        given[level] = path[level]
    return render(request, "archive/holdings.html", {"columns": columns, "path": path})


@require_safe
@open_to(ANYONE)
def show_class(request: HttpRequest, class_id: int) -> HttpResponse:
    """The records of one class by code; keyset paging."""
    viewer, today = viewer_of(request), today_of(request)
    archival_class = class_by_id(class_id, viewer=viewer, today=today)
    if archival_class is None:
        raise Http404
    rows = records_of_class(
        class_id, viewer=viewer, today=today, after=words(request.GET.get("after")), limit=PAGE
    )
    shown = rows[:PAGE]
    for row in shown:
        row.dated = date_text(row.document_date)  # type: ignore[attr-defined]
    tree, fonds = reverse("archive:holdings"), urlencode({"fonds": archival_class.fonds.number})
    context = {
        "archival_class": archival_class,
        "class_words": class_words(archival_class),
        "records": shown,
        "after": shown[-1].code if len(rows) > PAGE else "",
        "crumbs": [
            (
                str(archival_class.fonds),
                f"{tree}?{fonds}",
            ),
            (class_words(archival_class), ""),
        ],
    }
    return render(request, "archive/class.html", context)


@require_safe
@open_to(PRESERVE)
def show_preservation(request: HttpRequest) -> HttpResponse:
    """Fixity checks, what is late, formats held."""
    context = {
        "state": verification_state(now=timezone.now()),
        "runs": fixity_runs(limit=20),
        "formats": formats_held(),
        "sample": SAMPLE,
    }
    return render(request, "archive/preservation.html", context)


@require_POST
@open_to(PRESERVE)
def start_verification(request: HttpRequest) -> HttpResponse:
    """Enqueue a sample check."""
    verify_sample.enqueue(SAMPLE, viewer_of(request).name)
    messages.success(request, _("已安排抽检 {count} 件").format(count=SAMPLE))
    return redirect("archive:preservation")
