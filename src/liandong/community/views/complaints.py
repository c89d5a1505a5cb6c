"""Reports on conduct: the form for anybody, and the list of those who handle them."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from liandong.base.gates import ANYONE, open_to
from liandong.base.middleware import origin_of
from liandong.base.params import words
from liandong.base.viewers import viewer_of
from liandong.cases import wording as case_wording
from liandong.community.forms import ReportForm, plain
from liandong.community.models import ConductReport
from liandong.community.policies import SEE_REPORTS, may_know_complainant
from liandong.community.queries import conduct as queries
from liandong.community.services.complaining import (
    BadReport,
    Complaint,
    NotForYou,
    TooMany,
    complain,
    reveal,
)


@require_http_methods(["GET", "HEAD", "POST"])
@open_to(ANYONE)
def show_form(request: HttpRequest) -> HttpResponse:
    """The form; afterwards the tracking page, whose link is the only way back to it."""
    form = ReportForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        said = plain(form)
        try:
            opened = complain(Complaint(**said), origin=origin_of(request), now=timezone.now())
        except TooMany:
            form.add_error(None, _("这个网络地址上报过于频繁，请稍后再试。"))
        except BadReport:
            form.add_error(None, _("还没有别的单位能办理，请直接向纪检监察机关反映。"))
        else:
            messages.success(
                request, _("已收到，编号 {number}。请记下本页网址，凭它看进度、评价。").format(
                    number=opened.case.number
                )
            )  # fmt: skip
            return redirect("cases:track", opened.token)
    return render(
        request, "community/complain.html", {"form": form}, status=422 if form.errors else 200
    )


@require_safe
@open_to(SEE_REPORTS)
def show_reports(request: HttpRequest) -> HttpResponse:
    """Reports that this person may see."""
    rows = [
        {
            "report": one,
            "state": case_wording.state_word(one.case.state),
            "tone": case_wording.TONES.get(one.case.state, "idle"),
        }
        for one in queries.reports(viewer_of(request))[:200]
    ]
    return render(request, "community/reports.html", {"rows": rows})


@require_safe
@open_to(SEE_REPORTS)
def show_report(request: HttpRequest, number: str) -> HttpResponse:
    """One report: whom it is about; who complained is masked."""
    return _page(request, _report(request, number))


def _report(request: HttpRequest, number: str) -> ConductReport:
    one = queries.report(number, viewer=viewer_of(request))
    if one is None:
        raise Http404
    return one


def _page(
    request: HttpRequest, one: ConductReport, known: dict[str, str] | None = None
) -> HttpResponse:
    case, viewer = one.case, viewer_of(request)
    desk = case.desk_unit.code if case.desk_unit else ""
    context = {
        "report": one, "case": case, "known": known,
        "crumbs": [(_("廉洁与作风举报"), "/conduct/reports/"), (case.number, "")],
        "state": case_wording.state_word(case.state),
        "tone": case_wording.TONES.get(case.state, "idle"),
        "is_named": case.contact is not None,
        "is_secret": bool(case.form.get("secret")),
        "may_know": may_know_complainant(viewer, desk_unit=desk, lead_unit=case.lead),
    }  # fmt: skip
    answer = render(request, "community/report.html", context)
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


@require_POST
@open_to(SEE_REPORTS)
def show_complainant(request: HttpRequest, number: str) -> HttpResponse:
    """Who complained, once, for a reason that is kept."""
    one = _report(request, number)
    try:
        known = reveal(
            one, words(request.POST.get("reason")), by=viewer_of(request), now=timezone.now()
        )
    except NotForYou:
        messages.error(request, _("只有办理这件举报的单位和安全审计员可以看。"))
    except ValueError:
        messages.error(request, _("请写明为什么要看。"))
    else:
        return _page(request, one, known)
    return redirect("community:report", number)
