"""A month of the ledger (月度追踪): its figures, what changed, who did not report, its papers."""

from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from liandong.base.audit import record_act
from liandong.base.gates import open_to
from liandong.base.params import number as whole
from liandong.base.params import words
from liandong.base.viewers import viewer_of
from liandong.cases import ledger_words
from liandong.cases.policies import LEDGER_PAGES
from liandong.cases.queries.cases import PAGE
from liandong.cases.queries.ledger import cases_of, first_month, rows_of
from liandong.cases.queries.month_report import Report, report_of
from liandong.cases.services.month_papers import FORMS
from liandong.kernel.casework import kinds
from liandong.kernel.ledger_months import FIGURES, Month

from .ledger import row_context

_CHANGED: Final = "changed"  # beside the figures: what is not as it was a month ago


def _month(text: str) -> Month:
    """The month of the address; one that has not begun is not there."""
    try:
        asked = Month.parse(text)
    except ValueError:
        raise Http404 from None
    if asked.start > timezone.now():
        raise Http404
    return asked


def _report(request: HttpRequest, month: Month) -> Report:
    kind = words(request.GET.get("kind"))
    return report_of(
        month, viewer=viewer_of(request), now=timezone.now(), kind=kind if kind in kinds() else "",
        unit=words(request.GET.get("unit")),
    )  # fmt: skip


@require_safe
@open_to(LEDGER_PAGES)
def show_month(request: HttpRequest, month: str) -> HttpResponse:
    """The month; `show` lists the items behind one of its figures."""
    viewer, now, asked = viewer_of(request), timezone.now(), _month(month)
    report, show = _report(request, asked), words(request.GET.get("show"))
    first = first_month(viewer)
    context = {
        "report": report,
        "month": asked,
        "earlier": asked.before if first and asked > first else None,
        "later": asked.after if asked < Month.of(now) else None,
        "crumbs": [(_("台账"), "/ledger/"), (str(asked), "")],
        "missing": [
            {"code": code, "unit": report.units.get(code, code) or "—", "count": len(items)}
            for code, items in report.missing.items()
        ],
        "forms": list(FORMS),
        "kept": _kept(request),
        **(_listed(request, report, show) if show in {*FIGURES, _CHANGED} else {}),
    }
    return render(request, "cases/month.html", context)


def _kept(request: HttpRequest) -> str:
    """The filters of the address, for links within the page."""
    got = request.GET.copy()
    for name in [name for name in got if name not in {"kind", "unit"}]:
        got.pop(name)
    return got.urlencode()


def _listed(request: HttpRequest, report: Report, show: str) -> dict[str, Any]:
    """The items that one figure counts, a page of them, the newest first."""
    viewer, now = viewer_of(request), timezone.now()
    met = {one.case: one for figure in report.figures for one in figure.items}
    items = (
        [one for one in met.values() if one.changes]
        if show == _CHANGED
        else next(one.items for one in report.figures if one.code == show)
    )
    before = whole(request.GET.get("after"))
    found = sorted(
        (one for one in items if not before or one.case < before),
        key=lambda one: one.case, reverse=True,
    )  # fmt: skip
    cases = cases_of(found[: PAGE + 1], viewer=viewer)
    changes = {one.case: ledger_words.change_words(one, dict(report.units)) for one in found}
    rows = rows_of(cases[:PAGE], month=report.month, now=now)
    return {
        "show": show,
        "show_word": _("有差异") if show == _CHANGED else ledger_words.FIGURES[show],
        "how": "" if show == _CHANGED else ledger_words.HOW[show],
        "rows": [
            {**row_context(one, viewer, now), "changes": changes[one.case.pk], "may_enter": False}
            for one in rows
        ],
        "after": cases[PAGE - 1].pk if len(cases) > PAGE else "",
    }


@require_safe
@open_to(LEDGER_PAGES)
def send_report(request: HttpRequest, month: str, form: str) -> HttpResponse:
    """The report of the month as Word, PDF or a workbook."""
    if form not in FORMS:
        raise Http404
    asked = _month(month)
    write, mime = FORMS[form]
    content = write(_report(request, asked))
    record_act(
        "export_ledger_report", by=viewer_of(request).name, now=timezone.now(),
        facts={"month": str(asked), "form": form},
    )  # fmt: skip
    headers = {"Content-Disposition": f'attachment; filename="ledger-report-{asked}.{form}"'}
    return HttpResponse(content, content_type=mime, headers=headers)
