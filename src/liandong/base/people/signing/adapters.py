"""What django-allauth asks of us: who is let in, by which words, and what a sign-in changes."""

from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.stagekit import clear_login
from allauth.core import context
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialLogin
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.forms import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _

from liandong.base.middleware import origin_of
from liandong.base.models import Account
from liandong.base.people.services import factors
from liandong.base.people.services.throttle import Refusal, try_password

from .beginning import began_lately, begin
from .secrets import seal, unseal
from .single_sign_on import UnknownPerson, account_behind

WRONG: Final = _("用户名或密码不对，或者该账号暂时不能登录，请核对后重试。")
TOO_MANY: Final = _("失败次数太多，请稍后再试。")
SSO_FAILED: Final = _("统一身份认证没有完成，请重试，或者用密码登录。")
LATELY: Final = timedelta(minutes=5)


class AccountAdapter(DefaultAccountAdapter):
    """Sign-in by name and password; nobody signs up."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "username_password_mismatch": WRONG,
        "incorrect_password": _("密码不对。"),
        "too_many_login_attempts": TOO_MANY,
        "rate_limited": TOO_MANY,
    }

    def authenticate(self, request: HttpRequest, **credentials: Any) -> Account | None:
        """Whose name and password this is; failures are counted in the database."""
        name = Account.normalize_username(str(credentials.get("username", "")))
        attempt = try_password(
            name,
            str(credentials.get("password", "")),
            origin=origin_of(request),
            now=timezone.now(),
        )
        if attempt.refusal is Refusal.ADDRESS:
            raise ValidationError(TOO_MANY, code="too_many_from_address")
        return attempt.account

    def pre_login(self, request: HttpRequest, user: Any, **kwargs: Any) -> HttpResponse | None:
        """Send away whoever is closed or locked, whichever way they came."""
        if user.is_open:
            return None
        clear_login(request)
        messages.error(request, WRONG)
        return redirect("account_login")

    def login(self, request: HttpRequest, user: Any) -> None:
        """Begin a session under a new key."""
        super().login(request, user)
        begin(request, user, now=timezone.now())

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Nobody signs up: the system officer opens accounts."""
        return False

    def is_safe_url(self, url: str) -> bool:
        """Only pages of this host follow a sign-in."""
        request = context.request
        return bool(url) and url_has_allowed_host_and_scheme(
            url, allowed_hosts={request.get_host()}, require_https=request.is_secure()
        )

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Whether factors may be changed only after signing in again: not right after it."""
        return not began_lately(context.request, LATELY, now=timezone.now())

    def get_client_ip(self, request: HttpRequest) -> str:
        """The address as the audit has it."""
        return origin_of(request)

    def add_message(self, request: HttpRequest, level: int, *args: Any, **kwargs: Any) -> None:
        """Only words of ours are shown; allauth's stand in templates, which are passed over."""
        if message := kwargs.get("message"):
            messages.add_message(request, level, message)


class FactorAdapter(DefaultMFAAdapter):
    """Second factors: their keys are encrypted, the last one may have to stay."""

    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": _("验证码不对，或者已经用过。"),
        "cannot_delete_authenticator": _("您的职责要求第二因素：请先添加另一个，再删除这一个。"),
        "cannot_generate_recovery_codes": _("先添加动态口令或通行密钥，才有恢复码。"),
    }

    def encrypt(self, text: str) -> str:
        """The key of a factor as it is stored."""
        return seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        """The key of a factor."""
        return unseal(encrypted_text)

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        """Whether it is not the last one of whoever must have one."""
        return factors.may_lose(authenticator)

    def get_totp_label(self, user: Any) -> str:
        """The name that the app shows."""
        return str(user.username)

    def _get_site_name(self) -> str:
        return str(settings.MFA_TOTP_ISSUER)


class SingleSignOnAdapter(DefaultSocialAccountAdapter):
    """The single sign-on of the city: it says who somebody is, never what they may."""

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Find the account by its claim, or send the person away."""
        try:
            account = account_behind(sociallogin, now=timezone.now())
        except UnknownPerson:
            messages.error(request, _("统一身份认证通过，但本系统没有您的账号，请联系系统管理员。"))
            raise ImmediateHttpResponse(redirect("account_login")) from None
        if not sociallogin.is_existing:
            sociallogin.connect(request, account)

    def on_authentication_error(self, request: HttpRequest, provider: Any, **kwargs: Any) -> None:
        """Back to the sign-in page, whatever the issuer answered."""
        messages.error(request, SSO_FAILED)
        raise ImmediateHttpResponse(redirect("account_login"))

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        """Nobody signs up."""
        return False

    def get_requests_session(self) -> Any:
        """A client that asks the configured issuer and nobody else, and follows no redirect."""
        session = super().get_requests_session()
        session.trust_env = False  # no proxy, no credentials of the machine
        ask = session.request

        def ask_issuer(method: str, url: str, **kwargs: Any) -> Any:
            if urlsplit(url)[:2] != urlsplit(settings.OIDC_ISSUER)[:2]:
                raise PermissionDenied
            return ask(method, url, **{**kwargs, "allow_redirects": False})

        session.request = ask_issuer
        return session
