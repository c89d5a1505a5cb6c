"""Rules for passwords that Django does not bring, and when a password is due to be changed.

Source: GB/T 22239-2019 8.1.4.1 a (complexity, changed at intervals); the numbers are practice.
"""

import secrets
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import check_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from liandong.base.models import Account

CLASSES_MIN, _EVERY_CLASS = 3, 4
LONGEST = 256  # characters: whatever is longer is no password, and is not hashed
_CLEAR = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # none looks like another
_GROUPS, _GROUP = 4, 4


def classes_of(password: str) -> int:
    """How many of the four classes it has: small letters, capitals, digits, anything else."""
    kinds = (str.islower, str.isupper, str.isdigit)
    named = sum(any(kind(letter) for letter in password) for kind in kinds)
    other = any(not any(kind(letter) for kind in kinds) for letter in password)
    return named + other


class ThreeOfFourClasses:
    """Refuses a password of fewer than three classes of characters."""

    def validate(self, password: str, user: Account | None = None) -> None:
        """Raise ValidationError with the sentence for people."""
        if classes_of(password) < CLASSES_MIN:
            raise ValidationError(self.get_help_text(), code="password_classes")
        if len(password) > LONGEST:
            raise ValidationError(_("密码太长。"), code="password_too_long")

    def get_help_text(self) -> str:
        """The rule in words."""
        return _("须含小写字母、大写字母、数字、其他字符这四类中的三类。")


class NotUsedBefore:
    """Refuses the present password and those before it, as many as PASSWORD_HISTORY says."""

    def validate(self, password: str, user: Account | None = None) -> None:
        """Raise ValidationError with the sentence for people."""
        most = settings.PASSWORD_HISTORY
        if user is None or user.pk is None or not most:
            return
        before = user.passwords_before.values_list("password", flat=True)[: most - 1]
        if any(check_password(password, one) for one in (user.password, *before) if one):
            raise ValidationError(self.get_help_text(), code="password_used_before")

    def get_help_text(self) -> str:
        """The rule in words."""
        most = settings.PASSWORD_HISTORY
        return ngettext(
            "不得与最近 %(most)d 次用过的密码相同。", "不得与最近 %(most)d 次用过的密码相同。", most
        ) % {"most": most}


def is_due(account: Account, now: datetime) -> bool:
    """Whether the next sign-in must change it: set by another, too old, or of unknown age."""
    if account.password_by_other or account.password_set_at is None:
        return True
    days = settings.PASSWORD_DAYS
    return bool(days) and now - account.password_set_at >= timedelta(days=days)


def one_time_password() -> str:
    """A password that a person can read out: four groups of four, with every class."""
    while True:
        groups = ["".join(secrets.choice(_CLEAR) for _ in range(_GROUP)) for _ in range(_GROUPS)]
        password = "-".join(groups)
        if classes_of(password) == _EVERY_CLASS:
            return password


def rules() -> list[Any]:
    """The rules in words, as a page lists them."""
    from django.contrib.auth.password_validation import password_validators_help_texts

    return password_validators_help_texts()
