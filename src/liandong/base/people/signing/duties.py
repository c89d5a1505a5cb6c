"""Before anything else: a password that is due, a second factor that is missing.

A session with a duty opens the pages that fulfil it and no other: nobody works with a password
that someone else set.  Each use of a session is noted here as well.
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _

from liandong.base.middleware import Answer
from liandong.base.models import Account
from liandong.base.people.services.factors import has_factor
from liandong.base.session_store import SessionStore

from .beginning import DUTIES, FACTOR, PASSWORD, is_unattended, lift

ALWAYS: Final = frozenset({"account_logout", "base:modes", "health", "favicon"})
PAGES: Final = {
    PASSWORD: ("base:password", frozenset[str]()),
    FACTOR: (
        "mfa_index",
        frozenset({
            "mfa_activate_totp", "mfa_add_webauthn", "mfa_view_recovery_codes",
            "account_reauthenticate",
        }),
    ),
}  # fmt: skip


class Duties:
    """Sends whoever has a duty to its page, and notes that the session is used."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        session = request.session
        if isinstance(session, SessionStore) and session.accessed and not is_unattended(request):
            session.touch(timezone.now())
        return response

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        """The way to the page of the first duty, unless this is one of its pages."""
        duty = first_duty(request)
        if duty is None:
            return None
        page, others = PAGES[duty]
        here = request.resolver_match.view_name if request.resolver_match else ""
        if here == page or here in others or here in ALWAYS:
            return None
        if request.headers.get("Accept") == "application/json":
            words = _("请先完成登录后的必要步骤。")
            return JsonResponse({"message": words}, status=HTTPStatus.FORBIDDEN)
        return redirect(page)


def first_duty(request: HttpRequest) -> str | None:
    """What this session must do first; None when it may do what its account may."""
    duties = request.session.get(DUTIES)
    if not duties or not isinstance(request.user, Account):
        return None
    if duties[0] == FACTOR and has_factor(request.user):
        lift(request, FACTOR)
        return first_duty(request)
    return str(duties[0])
