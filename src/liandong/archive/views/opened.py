"""The published catalogue of opened records (开放目录), for everybody."""

from collections.abc import Iterator
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from liandong.archive.models import OpeningPublication, Record
from liandong.archive.queries import opening as reads
from liandong.archive.viewers import today_of
from liandong.base.gates import ANYONE, open_to
from liandong.base.params import words
from liandong.base.tables import CSV, XLSX, Cell, csv_bytes, xlsx_bytes

from .wording import date_text

PAGE = 100
KINDS = {"csv": CSV, "xlsx": XLSX}


@require_safe
@open_to(ANYONE)
def show_publications(request: HttpRequest) -> HttpResponse:
    """Every publication, newest first."""
    return render(request, "archive/opened/list.html", {"publications": reads.publications()})


@require_safe
@open_to(ANYONE)
def show_publication(request: HttpRequest, number: str) -> HttpResponse:
    """The records of one publication that are open today."""
    made = _publication_or_404(number)
    after = words(request.GET.get("after"))
    rows = reads.published(made, today=today_of(request), after=after, limit=PAGE)
    shown = rows[:PAGE]
    context = {
        "publication": made,
        "rows": [{"record": record, "date": date_text(record.document_date)} for record in shown],
        "after": shown[-1].code if len(rows) > PAGE else "",
        "crumbs": [(_("开放目录"), reverse("archive:opened")), (made.number, "")],
    }
    return render(request, "archive/opened/batch.html", context)


@require_safe
@open_to(ANYONE)
def download(request: HttpRequest, number: str, kind: str) -> HttpResponse:
    """The same as csv or xlsx; no text in it is a formula."""
    if kind not in KINDS:
        raise Http404
    made = _publication_or_404(number)
    rows = _cells(reads.all_published(made, today=today_of(request)))
    if kind == "csv":
        content = csv_bytes(_head(), rows)
    else:
        content = xlsx_bytes(_("开放目录"), _head(), rows, (30, 60, 20, 24, 12, 8))
    name = f"opened-{made.number}.{kind}"
    return HttpResponse(
        content,
        content_type=KINDS[kind],
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _publication_or_404(number: str) -> OpeningPublication:
    found = reads.publication_by_number(number)
    if found is None:
        raise Http404
    return found


def _head() -> list[str]:
    return [_("档号"), _("题名"), _("文号"), _("责任者"), _("日期"), _("页数")]


def _cells(records: Any) -> Iterator[list[Cell]]:
    record: Record
    for record in records:
        yield [
            record.code, record.title, record.document_number, record.author,
            date_text(record.document_date), record.page_count,
        ]  # fmt: skip
