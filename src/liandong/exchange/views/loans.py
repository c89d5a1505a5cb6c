"""Loans of paper originals: the register, asking, approving, handing out, taking back."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from liandong.archive.viewers import today_of, viewer_of
from liandong.base.gates import Policy, open_to
from liandong.base.params import number, words
from liandong.exchange.flow import LOAN_FLOW
from liandong.exchange.forms import LoanForm
from liandong.exchange.models import Condition, Loan, LoanState
from liandong.exchange.policies import BORROW, SEE_OWN, holds, loan_standings, may_ask
from liandong.exchange.queries.loans import PAGE, listed, loan_by_number
from liandong.exchange.queries.requests import account_names, seen_records
from liandong.exchange.services import lending
from liandong.exchange.services.people import day_of
from liandong.exchange.wording import STATE_TONES, STEP_WORDS, named, refusal_words
from liandong.kernel.flows import StepRefused

from .standing import loan_word, say_refusal

SEE_LOANS = Policy("see-loans", SEE_OWN.may, SEE_OWN.words, "loan")


@require_safe
@open_to(SEE_LOANS)
def show_loans(request: HttpRequest) -> HttpResponse:
    """The register of loans that whoever asks may see; overdue ones have their own tab."""
    viewer, today = viewer_of(request), day_of(timezone.now())
    state, year = words(request.GET.get("state")), number(request.GET.get("year"))
    rows = listed(
        viewer, state=state, year=year if 1900 < year < 9000 else 0, today=today,
        before=number(request.GET.get("after")),
    )  # fmt: skip
    shown = rows[:PAGE]
    titles = seen_records(
        [row.record_id for row in shown], viewer=viewer, today=today_of(request)
    )  # fmt: skip
    context = {
        "rows": [
            {
                "loan": row,
                "record": titles.get(row.record_id),
                "state": loan_word(row.state),
                "tone": STATE_TONES.get(row.state, "idle"),
                "overdue": row.is_overdue(today),
            }
            for row in shown
        ],
        "state": state,
        "states": [("open", _("未了")), ("overdue", _("逾期未还")), *LoanState.choices],
        "after": shown[-1].pk if len(rows) > PAGE else "",
        "may_ask": may_ask(viewer),
    }
    return render(request, "exchange/loans.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@open_to(BORROW)
def show_new_loan(request: HttpRequest) -> HttpResponse:
    """Ask to borrow the original of a record that one may read whole."""
    by, now = viewer_of(request).name, timezone.now()
    due = day_of(now) + timedelta(days=settings.LOAN_DAYS)
    initial = {"code": words(request.GET.get("code")), "due_on": due}
    form = LoanForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        record = lending.record_of_code(said["code"].replace("\0", ""), by=by, now=now)
        if record is None:
            form.add_error("code", _("没有这个档号，或者您不能阅读它的全文"))
        else:
            try:
                loan = lending.ask_loan(
                    record.pk, purpose_kind=said["purpose_kind"], purpose=said["purpose"],
                    due_on=said["due_on"], by=by, now=now,
                )  # fmt: skip
            except StepRefused as refused:
                form.add_error("due_on", refusal_words(refused))
            else:
                return redirect("exchange:loan", loan.number)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return render(request, "exchange/newloan.html", {"form": form}, status=status)


def _loan_or_404(request: HttpRequest, no: str) -> Loan:
    loan = loan_by_number(no, viewer=viewer_of(request))
    if loan is None:
        raise Http404
    return loan


@require_safe
@open_to(SEE_LOANS)
def show_loan(request: HttpRequest, no: str) -> HttpResponse:
    """One loan with what may be done now."""
    viewer, now = viewer_of(request), timezone.now()
    loan = _loan_or_404(request, no)
    roles = loan_standings(viewer, borrower=loan.borrowed_by)
    events = list(loan.events.all())
    names = account_names(events)
    seen = seen_records([loan.record_id], viewer=viewer, today=today_of(request))
    context = {
        "loan": loan,
        "record": seen.get(loan.record_id),
        "state": loan_word(loan.state),
        "tone": STATE_TONES.get(loan.state, "idle"),
        "overdue": loan.is_overdue(day_of(now)),
        "facts": _facts(loan, shows_note=holds(viewer) or viewer.name == loan.borrowed_by),
        "steps": {
            name for name in LOAN_FLOW.steps
            if any(LOAN_FLOW.may(name, loan.state, role) for role in roles)
        },
        "conditions": Condition.choices,
        "events": [(one, STEP_WORDS.get(one.step, one.step), names.get(one.by, one.by))
                   for one in events],
    }  # fmt: skip
    return render(request, "exchange/loan.html", context)


def _facts(loan: Loan, *, shows_note: bool) -> list[dict[str, Any]]:
    rows = [
        (_("档号"), loan.record.code),
        (_("借阅人"), str(loan.borrower)),
        (_("单位"), loan.unit),
        (_("目的类别"), named("use_purposes", loan.purpose_kind)),
        (_("借阅目的"), loan.purpose),
        (_("应还日期"), loan.due_on.isoformat()),
        (_("归还状况"), loan.get_condition_display() if loan.condition else ""),
        (_("说明"), loan.note if shows_note else ""),
    ]
    return [{"label": label, "value": value} for label, value in rows if value]


@require_POST
@open_to(BORROW)
def take_loan_step(request: HttpRequest, no: str, step: str) -> HttpResponse:
    """Take one step of a loan."""
    loan = _loan_or_404(request, no)
    act = _ACTS.get(step)
    if act is None:
        raise Http404
    try:
        act(request, loan, viewer_of(request).name, timezone.now())
    except StepRefused as refused:
        say_refusal(request, refused)
    return redirect("exchange:loan", loan.number)


def _why(request: HttpRequest) -> str:
    return words(request.POST.get("why"))


def _renew(request: HttpRequest, loan: Loan, by: str, now: datetime) -> None:
    try:
        due_on = parse_date(words(request.POST.get("until")))
    except ValueError:
        due_on = None
    lending.renew(loan.pk, due_on=due_on, why=_why(request), by=by, now=now)


def _take_back(request: HttpRequest, loan: Loan, by: str, now: datetime) -> None:
    condition = words(request.POST.get("condition"))
    lending.take_back(loan.pk, condition=condition, note=_why(request), by=by, now=now)


_ACTS: Mapping[str, Callable[[HttpRequest, Loan, str, datetime], object]] = {
    "approve": lambda r, loan, by, now: lending.approve(loan.pk, by=by, now=now),
    "refuse": lambda r, loan, by, now: lending.refuse(loan.pk, why=_why(r), by=by, now=now),
    "cancel": lambda r, loan, by, now: lending.cancel(loan.pk, by=by, now=now),
    "hand_out": lambda r, loan, by, now: lending.hand_out(loan.pk, by=by, now=now),
    "renew": _renew,
    "take_back": _take_back,
    "report_lost": lambda r, loan, by, now: lending.report_lost(
        loan.pk, why=_why(r), by=by, now=now
    ),
}
