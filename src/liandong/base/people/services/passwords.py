"""Passwords: changed by their owner, or given by someone else for one use."""

from datetime import datetime

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.db import transaction

from liandong.base.audit import record_act
from liandong.base.models import Account, PasswordBefore
from liandong.base.people.passwords import one_time_password

from .sessions import end_sessions
from .throttle import factor_key, give_back, name_key, take_turn


class WrongPassword(Exception):
    """The present password is another one."""


def change_password(
    account: Account, *, old: str, new: str, by: str, now: datetime, keep: str = ""
) -> None:
    """Set the own password; every session but the one with the key `keep` ends.

    Wrong guesses of the present one count as failed sign-ins do.  Raises WrongPassword, and
    ValidationError with the sentences for people.
    """
    key = name_key(account.username)
    if not take_turn(key, settings.LOCK_FAILURES, now=now):
        raise WrongPassword
    if not account.check_password(old):
        raise WrongPassword
    give_back(key)
    with transaction.atomic():
        mine = Account.objects.select_for_update().get(pk=account.pk)
        validate_password(new, mine)
        keep_password(mine, new, by_other=False, now=now)
        end_sessions(mine, but=keep)
        record_act("change_password", by=by, now=now, object=f"account:{mine.username}")


@transaction.atomic
def give_password(account: Account, *, by: str, now: datetime, password: str = "") -> str:
    """Set a password for somebody else, who must change it at the next sign-in; what it is.

    Without one a password for one use is made.  Sessions end, failures are forgotten.  Raises
    ValidationError for one that is too weak.
    """
    if password:
        validate_password(password, account)
    given = password or one_time_password()
    keep_password(account, given, by_other=True, now=now)
    end_sessions(account)
    for key in (name_key(account.username), factor_key(account)):
        give_back(key)
    record_act("set_password", by=by, now=now, object=f"account:{account.username}")
    return given


def keep_password(account: Account, password: str, *, by_other: bool, now: datetime) -> None:
    """Write a password that was found good, and remember the one before it."""
    if account.pk and account.has_usable_password() and account.password:
        PasswordBefore.objects.create(account=account, password=account.password, at=now)
        kept = account.passwords_before.values_list("pk", flat=True)[: settings.PASSWORD_HISTORY]
        account.passwords_before.exclude(pk__in=list(kept)).delete()
    account.set_password(password)
    account.password_set_at, account.password_by_other = now, by_other
    account.save(update_fields=["password", "password_set_at", "password_by_other"])
