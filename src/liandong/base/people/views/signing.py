"""Signing in and out: allauth's flows with our limits, our rows in the audit and our policies."""

from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

from allauth.account.internal.flows.login import record_authentication
from allauth.account.views import LoginView, ReauthenticateView
from allauth.mfa.base.views import AuthenticateView
from allauth.mfa.base.views import ReauthenticateView as CodeAgainView
from allauth.mfa.webauthn.views import LoginWebAuthnView, ReauthenticateWebAuthnView
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.providers.openid_connect.views import callback
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from liandong.base.audit import record_act
from liandong.base.gates import ANYONE, SIGNED_IN, open_to
from liandong.base.params import way_back
from liandong.base.people.signing.adapters import SSO_FAILED
from liandong.base.viewers import viewer_of

CLEAR: Final = '"cache", "storage"'  # what a browser forgets at sign-out; GB/T 22239 8.1.4.10
SSO: Final = "sso"
# What the library raises for an issuer that does not answer, or answers nonsense.
_NO_ISSUER: Final = (
    OSError, PermissionDenied, AttributeError, LookupError, TypeError, ValueError,
)  # fmt: skip


class SignIn(LoginView):
    """Name and password; other ways beside them."""

    def form_invalid(self, form: Any) -> HttpResponse:
        """The form again; 429 when the address tried too often."""
        answer: HttpResponse = super().form_invalid(form)
        if form.has_error("__all__", "too_many_from_address"):
            answer.status_code = HTTPStatus.TOO_MANY_REQUESTS
        return answer

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The form, and the single sign-on where there is one."""
        found: dict[str, Any] = super().get_context_data(**kwargs)
        return {**found, "sso_name": settings.OIDC_NAME if settings.OIDC_ISSUER else ""}


sign_in = open_to(ANYONE)(SignIn.as_view())
sign_in_code = open_to(ANYONE)(AuthenticateView.as_view())
sign_in_passkey = open_to(ANYONE)(LoginWebAuthnView.as_view())
again = open_to(SIGNED_IN)(ReauthenticateView.as_view())
again_code = open_to(SIGNED_IN)(CodeAgainView.as_view())
again_passkey = open_to(SIGNED_IN)(ReauthenticateWebAuthnView.as_view())


@never_cache
@require_POST
@open_to(ANYONE)
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session, or break off a sign-in, and let the browser forget what it saw."""
    viewer = viewer_of(request)
    if viewer.is_signed_in:
        record_act("sign_out", by=viewer.name, now=timezone.now(), object=f"account:{viewer.name}")
    logout(request)
    answer = redirect(way_back(request))
    answer["Clear-Site-Data"] = CLEAR
    return answer


@require_http_methods(["GET", "POST"])
@open_to(ANYONE)
def sign_in_sso(request: HttpRequest) -> HttpResponse:
    """Off to the single sign-on of the city, by a button and never by a link alone."""
    if not settings.OIDC_ISSUER:
        raise Http404
    if request.method != "POST":
        return redirect("account_login")
    try:
        provider = get_adapter(request).get_provider(request, SSO)
        answer: HttpResponse = provider.redirect(
            request, process="login", next_url=way_back(request)
        )
    except _NO_ISSUER:
        return _sso_failed(request)
    if urlsplit(answer["Location"])[:2] != urlsplit(settings.OIDC_ISSUER)[:2]:
        return _sso_failed(request)
    return answer


@open_to(ANYONE)
def back_from_sso(request: HttpRequest, provider_id: str) -> HttpResponseBase:
    """Back from the single sign-on with a code, or with its refusal."""
    if not settings.OIDC_ISSUER:
        raise Http404
    try:
        answer: HttpResponseBase = callback(request, provider_id)
    except _NO_ISSUER:
        return _sso_failed(request)
    return answer


def _sso_failed(request: HttpRequest) -> HttpResponse:
    messages.error(request, SSO_FAILED)
    return redirect("account_login")


def signed_in_again(request: HttpRequest) -> None:
    """Note that the person gave the password just now, so that it is not asked again at once."""
    record_authentication(request, request.user, method="password", reauthenticated=True)
