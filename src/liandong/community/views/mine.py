"""What I reported and my points: for an account, or for a pseudonym by its recovery code."""

from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from liandong.base.gates import ANYONE, open_to
from liandong.base.middleware import origin_of
from liandong.base.models import Account
from liandong.base.params import number, words
from liandong.cases import wording as case_wording
from liandong.cases.models import Case, Pseudonym
from liandong.cases.services.reporting import TooMany, prove_pseudonym
from liandong.community.queries.points import Owner, account_of, entries_of, own_cases
from liandong.community.services.erasing import erase_contacts, erase_pseudonym
from liandong.community.services.redeeming import LIVES, make_code
from liandong.community.wording import choices_of, entry_row, rule_rows
from liandong.kernel import catalog

COOKIE: Final = "pseudonym"
SALT: Final = "liandong.community.mine"
KEPT_S: Final = 1800
MINE: Final = "/me/reports/"


def _owner(request: HttpRequest) -> Owner | None:
    """Whose page this is: of the pseudonym that was proved here, else of the account."""
    text = request.get_signed_cookie(COOKIE, default="", salt=SALT, max_age=KEPT_S)
    if text and (known := Pseudonym.objects.filter(pk=number(text)).first()):
        return known
    return request.user if isinstance(request.user, Account) else None


@require_safe
@open_to(ANYONE)
def show_mine(request: HttpRequest) -> HttpResponse:
    """The own reports and points, or the form that asks for a pseudonym."""
    return _page(request, _owner(request))


def _page(
    request: HttpRequest, owner: Owner | None, *, code: str = "", refused: str = ""
) -> HttpResponse:
    if owner is None:
        asked = {"refused": refused, "said": words(request.POST.get("pseudonym"))}
        return render(request, "community/prove.html", asked)
    account = account_of(owner)
    cases = list(own_cases(owner))
    context = {
        "owner": owner,
        "is_pseudonym": isinstance(owner, Pseudonym),
        "account": account,
        "balance": account.balance if account else 0,
        "rows": [_row(one) for one in cases],
        "entries": [entry_row(one) for one in entries_of(account)] if account else [],
        "with_contact": sum(one.contact is not None for one in cases),
        "rules": rule_rows(),
        "goods": [
            (name, catalog.by_key("points_goods", "code")[good]["points"])
            for good, name in choices_of("points_goods")
        ],
        "code": code,
        "minutes": int(LIVES.total_seconds() // 60),
    }
    answer = render(request, "community/mine.html", context)
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


def _row(one: Case) -> dict[str, Any]:
    return {
        "case": one,
        "state": case_wording.state_word(one.state),
        "tone": case_wording.TONES.get(one.state, "idle"),
        "stands": case_wording.public_state(one.state),
    }


@require_POST
@open_to(ANYONE)
def prove(request: HttpRequest) -> HttpResponse:
    """Open the page of a pseudonym for half an hour, by its recovery code."""
    name, code = words(request.POST.get("pseudonym")), words(request.POST.get("recovery"))
    try:
        known = prove_pseudonym(name, code, origin=origin_of(request), now=timezone.now())
    except TooMany:
        return _page(request, None, refused=_("查询过于频繁，请稍后再试。"))
    if known is None:
        return _page(request, None, refused=_("化名或恢复码不对。"))
    answer = redirect(MINE)
    answer.set_signed_cookie(
        COOKIE, str(known.pk), salt=SALT, max_age=KEPT_S, httponly=True, samesite="Strict",
        secure=request.is_secure(),
    )  # fmt: skip
    return answer


@require_POST
@open_to(ANYONE)
def leave(request: HttpRequest) -> HttpResponse:
    """Close the page of the pseudonym."""
    answer = redirect(MINE)
    answer.delete_cookie(COOKIE, samesite="Strict")
    return answer


@require_POST
@open_to(ANYONE)
def show_code(request: HttpRequest) -> HttpResponse:
    """Show a fresh code for a station; it is in this answer and nowhere else."""
    owner = _owner(request)
    account = account_of(owner) if owner else None
    if account is None or not account.balance:
        messages.warning(request, _("还没有可以兑换的积分。"))
        return redirect(MINE)
    return _page(request, owner, code=make_code(account, now=timezone.now()))


@require_POST
@open_to(ANYONE)
def erase(request: HttpRequest) -> HttpResponse:
    """Erase contact data, or the pseudonym."""
    owner, now = _owner(request), timezone.now()
    if owner is None:
        return redirect(MINE)
    if request.POST.get("what") == "pseudonym" and isinstance(owner, Pseudonym):
        erase_contacts(owner, now=now)
        erase_pseudonym(owner, now=now)
        messages.success(request, _("化名已经删除，联系方式一并删除。"))
        return leave(request)
    count = erase_contacts(owner, now=now)
    messages.success(request, _("已删除 {count} 件上报的联系方式。").format(count=count))
    return redirect(MINE)
