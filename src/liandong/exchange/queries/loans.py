"""Loans: the register, what is out, what is overdue."""

from datetime import date

from django.db.models import QuerySet

from liandong.base.access import to_q
from liandong.exchange.models import Loan, LoanState
from liandong.exchange.policies import may_see_loans
from liandong.kernel.viewer import Viewer

PAGE = 50


def visible(viewer: Viewer) -> QuerySet[Loan]:
    """Loans that `viewer` may see."""
    rows = Loan.objects.filter(to_q(may_see_loans(viewer)))
    return rows.select_related("borrower", "record")


def loan_by_number(number: str, *, viewer: Viewer) -> Loan | None:
    """The loan, or None when there is none or the viewer may not see it."""
    return visible(viewer).filter(number=number).first()


def listed(
    viewer: Viewer,
    *,
    state: str = "",
    year: int = 0,
    today: date,
    before: int = 0,
    limit: int = PAGE + 1,
) -> list[Loan]:
    """Loans, newest first; `state` may also be "overdue" or "open" (not settled yet)."""
    rows = visible(viewer)
    if state == "overdue":
        rows = rows.filter(state=LoanState.LENT, due_on__lt=today)
    elif state == "open":
        rows = rows.filter(state__in=[LoanState.ASKED, LoanState.APPROVED, LoanState.LENT])
    elif state:
        rows = rows.filter(state=state)
    if year:
        rows = rows.filter(asked_at__year=year)
    if before:
        rows = rows.filter(pk__lt=before)
    return list(rows.order_by("-pk")[:limit])


def overdue(viewer: Viewer, *, today: date, limit: int = 200) -> list[Loan]:
    """What should have come back, longest first."""
    rows = visible(viewer).filter(state=LoanState.LENT, due_on__lt=today)
    return list(rows.order_by("due_on", "pk")[:limit])
