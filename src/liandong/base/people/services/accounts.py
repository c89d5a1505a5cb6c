"""Opening, locking and closing accounts.  A new account has no rights: see `rights`."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from liandong.base.approvals import ActRefused
from liandong.base.audit import record_act
from liandong.base.models import Account, Officer

from .passwords import give_password
from .sessions import end_sessions
from .throttle import factor_key, give_back, name_key

USERNAME: Final = re.compile(r"[\w.@+-]{2,32}")
OFFICER_NAMES: Final[Mapping[Officer, str]] = {
    Officer.SYSTEM: "sysadmin",
    Officer.SECURITY: "secadmin",
    Officer.AUDIT: "auditadmin",
}


@transaction.atomic
def open_account(
    username: str, *, full_name: str, by: str, now: datetime, password: str = ""
) -> tuple[Account, str]:
    """Open an account without any right; it and the password for its first sign-in.

    Raises ActRefused for a name that is taken or is none, ValidationError for a weak password.
    """
    account = new_account(username, full_name=full_name)
    given = give_password(account, by=by, now=now, password=password)
    _note("open_account", account, by=by, now=now)
    return account, given


def new_account(username: str, *, full_name: str = "") -> Account:
    """An account row that can be signed in to by nobody yet.  Raises ActRefused."""
    name = Account.normalize_username(username.strip())
    if not USERNAME.fullmatch(name):
        raise ActRefused(_("用户名为 2 至 32 个字母、数字或 . @ + - _。"))
    if Account.objects.filter(username__iexact=name).exists():
        raise ActRefused(_("已有这个用户名。"))
    account = Account(username=name, full_name=full_name.strip()[:100])
    account.set_unusable_password()
    try:
        with transaction.atomic():
            account.save(force_insert=True)
    except IntegrityError:
        raise ActRefused(_("已有这个用户名。")) from None
    return account


@transaction.atomic
def rename_person(account: Account, full_name: str, *, by: str, now: datetime) -> None:
    """Correct the name of a person.  Raises ActRefused for a blank one."""
    if not full_name.strip():
        raise ActRefused(_("请填写姓名。"))
    before, account.full_name = account.full_name, full_name.strip()[:100]
    account.save(update_fields=["full_name"])
    _note("change_account", account, by=by, now=now, facts={"before": before})


@transaction.atomic
def lock_account(account: Account, *, why: str, by: str, now: datetime) -> None:
    """Shut an account out at once: its sessions end, nothing lets it in until it is unlocked."""
    account.locked_at, account.locked_by = now, by
    account.save(update_fields=["locked_at", "locked_by"])
    end_sessions(account)
    _note("lock_account", account, by=by, now=now, why=why)


@transaction.atomic
def unlock_account(account: Account, *, why: str, by: str, now: datetime) -> None:
    """Let an account in again, whether an officer locked it or its failures did."""
    account.locked_at, account.locked_by = None, ""
    account.save(update_fields=["locked_at", "locked_by"])
    for key in (name_key(account.username), factor_key(account)):
        give_back(key)
    _note("unlock_account", account, by=by, now=now, why=why)


@transaction.atomic
def close_account(account: Account, *, why: str, by: str, now: datetime) -> None:
    """Close an account for good: it keeps its name and loses every right and session."""
    account.posts.all().delete()
    account.is_active, account.clearance, account.officer = False, 0, ""
    account.save(update_fields=["is_active", "clearance", "officer"])
    end_sessions(account)
    _note("close_account", account, by=by, now=now, why=why)


@transaction.atomic
def make_officers(*, by: str, now: datetime) -> dict[Officer, tuple[str, str]]:
    """Make an account for each officer that is missing; names and passwords for one use.

    An officer is missing when no open account is that officer.  A name that is taken gets a number.
    """
    made: dict[Officer, tuple[str, str]] = {}
    for officer in missing_officers():
        account = new_account(_free_name(OFFICER_NAMES[officer]), full_name=str(officer.label))
        account.officer = officer
        account.save(update_fields=["officer"])
        password = give_password(account, by=by, now=now)
        _note("open_account", account, by=by, now=now)
        _note("appoint_officer", account, by=by, now=now, facts={"officer": officer.value})
        made[officer] = (account.username, password)
    return made


def missing_officers() -> list[Officer]:
    """The officers that no open account is."""
    present = set(
        Account.objects.filter(is_active=True, locked_at__isnull=True)
        .exclude(officer="")
        .values_list("officer", flat=True)
    )
    return [officer for officer in Officer if officer.value not in present]


def _free_name(name: str) -> str:
    taken = set(
        Account.objects.filter(username__startswith=name).values_list("username", flat=True)
    )
    numbered = (f"{name}{number}" for number in range(2, len(taken) + 3))
    return name if name not in taken else next(one for one in numbered if one not in taken)


def _note(
    act: str, account: Account, *, by: str, now: datetime, why: str = "",
    facts: Mapping[str, str | int] | None = None,
) -> None:  # fmt: skip
    record_act(act, by=by, now=now, object=f"account:{account.username}", why=why, facts=facts)
