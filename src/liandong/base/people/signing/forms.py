"""Codes of second factors: counted like passwords, and each good for one use on any process."""

import struct
from typing import Final

from allauth.core.internal.cryptokit import compare_user_code
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.totp.internal.auth import (
    format_hotp_value,
    hotp_value,
    yield_hotp_counters_from_time,
)
from allauth.mfa.webauthn.forms import (
    AddWebAuthnForm,
    AuthenticateWebAuthnForm,
    LoginWebAuthnForm,
    ReauthenticateWebAuthnForm,
)
from django.conf import settings
from django.db import transaction
from django.forms import ValidationError
from django.utils import timezone

from liandong.base.audit import record_act
from liandong.base.models import Account, Outcome
from liandong.base.people.services.throttle import factor_key, give_back, take_turn

from .adapters import TOO_MANY, FactorAdapter
from .secrets import unseal

_UNREADABLE: Final = (
    ArithmeticError, AssertionError, AttributeError, EOFError, LookupError, TypeError, ValueError,
    struct.error,
)  # fmt: skip


class _CountedCode:
    """The check of a code, with failures counted in the database."""

    user: Account
    authenticator: Authenticator

    def clean_code(self) -> str:
        """The code, when it is right and was not used before."""
        now = timezone.now()
        if not take_turn(factor_key(self.user), settings.LOCK_FAILURES, now=now):
            raise ValidationError(TOO_MANY)
        try:
            code: str = super().clean_code()  # type: ignore[misc]  # of the form beside it
            if self.authenticator.type == Authenticator.Type.TOTP:
                use_code(self.authenticator, code)
        except ValidationError:
            record_act(
                "check_code", by="", now=now, object=f"account:{self.user.username}",
                outcome=Outcome.REFUSED,
            )  # fmt: skip
            raise
        give_back(factor_key(self.user))
        return code


class CodeForm(_CountedCode, AuthenticateForm):
    """A code at sign-in."""


class CodeAgainForm(_CountedCode, ReauthenticateForm):
    """A code before factors are changed."""


class FirstCodeForm(ActivateTOTPForm):
    """The first code of a new app; it cannot be used again to sign in."""

    def clean_code(self) -> str:
        """The code, when it is right."""
        now = timezone.now()
        if not take_turn(factor_key(self.user), settings.LOCK_FAILURES, now=now):
            raise ValidationError(TOO_MANY)
        code: str = super().clean_code()
        give_back(factor_key(self.user))
        return code


class _SoundCredential:
    """The answer of a browser about a passkey: what cannot be read is wrong, not a fault of ours.

    The library raises whatever comes to hand when a made-up answer lacks a part.
    """

    def full_clean(self) -> None:
        """Clean the form; a part that is missing or of the wrong kind is a wrong answer."""
        try:
            super().full_clean()  # type: ignore[misc]  # of the form beside it
        except _UNREADABLE:
            wrong = FactorAdapter().validation_error("incorrect_code")
            self.add_error(None, wrong)  # type: ignore[attr-defined]


class AddPasskeyForm(_SoundCredential, AddWebAuthnForm):
    """A new passkey."""


class PasskeyForm(_SoundCredential, AuthenticateWebAuthnForm):
    """A passkey as the second factor."""


class PasskeyAgainForm(_SoundCredential, ReauthenticateWebAuthnForm):
    """A passkey before factors are changed."""


class PasskeyOnlyForm(_SoundCredential, LoginWebAuthnForm):
    """A passkey instead of name and password."""


@transaction.atomic
def use_code(factor: Authenticator, code: str) -> None:
    """Use up the half minute that a code stands for; raises ValidationError when it was used.

    Source: RFC 6238, 5.2 (a code is accepted once).
    """
    row = Authenticator.objects.select_for_update().get(pk=factor.pk)
    step = _step_of(unseal(row.data["secret"]), code)
    if step is None or step <= row.data.get("step", -1):
        raise FactorAdapter().validation_error("incorrect_code")
    row.data = {**row.data, "step": step}
    row.save(update_fields=["data"])


def _step_of(secret: str, code: str) -> int | None:
    for step in yield_hotp_counters_from_time():
        if compare_user_code(actual=code, expected=format_hotp_value(hotp_value(secret, step))):
            return int(step)
    return None
