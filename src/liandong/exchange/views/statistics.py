"""Statistics of use as a page, as xlsx and as csv; every number is a link to its list."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from liandong.archive.viewers import viewer_of
from liandong.base.audit import record_act
from liandong.base.gates import open_to
from liandong.base.params import number
from liandong.base.tables import CSV, XLSX, csv_bytes, xlsx_bytes
from liandong.exchange.policies import REPORT
from liandong.exchange.queries.requests import years
from liandong.exchange.queries.statistics import Table, statistics
from liandong.exchange.services.people import day_of


def _asked(request: HttpRequest) -> tuple[int, list[Table]]:
    year = number(request.GET.get("year"))
    year = year if 1900 < year < 9000 else 0
    return year, statistics(year, viewer=viewer_of(request), today=day_of(timezone.now()))


@require_safe
@open_to(REPORT)
def show_statistics(request: HttpRequest) -> HttpResponse:
    """The tables of one year, or of all years."""
    year, tables = _asked(request)
    context = {"tables": tables, "year": year, "years": years(viewer_of(request))}
    return render(request, "exchange/statistics.html", context)


@require_safe
@open_to(REPORT)
def send_statistics(request: HttpRequest, form: str) -> HttpResponse:
    """The same numbers as a file."""
    if form not in {"xlsx", "csv"}:
        raise Http404
    year, tables = _asked(request)
    head = [_("表"), _("项目"), _("数")]
    rows = [(table.title, one.label, one.count) for table in tables for one in table.numbers]
    record_act(
        "export_use_statistics", by=viewer_of(request).name, now=timezone.now(),
        facts={"form": form, "year": year},
    )  # fmt: skip
    if form == "csv":
        content, kind = csv_bytes(head, rows), CSV
    else:
        content, kind = xlsx_bytes(_("利用统计"), head, rows, (20, 34, 10)), XLSX
    name = f"use-statistics-{year or 'all'}.{form}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(content, content_type=kind, headers=headers)
