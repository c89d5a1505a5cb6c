"""Accounts by the command line, for the time before the three officers are at work."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from liandong.base.approvals import ActRefused
from liandong.base.models import Account, Role, Unit

from .accounts import missing_officers, new_account, open_account, rename_person
from .passwords import give_password
from .rights import grant_role, move_account, set_clearance


@transaction.atomic
def keep_account(
    username: str,
    *,
    password: str,
    by: str,
    now: datetime,
    full_name: str = "",
    role: Role | None = None,
    unit: tuple[str, str] | None = None,
    clearance: int | None = None,
) -> tuple[Account, bool]:
    """Open an account or change the one of that name; whether it is new.

    `unit` is code and name; one that is not known is opened.  None, "" leave what is there.  Rights
    are given only until all three officers exist; from then on two persons give them.
    Raises ActRefused, and ValidationError with the sentences for people for a weak password.
    """
    gives_rights = role is not None or unit is not None or clearance is not None
    if gives_rights and not missing_officers():
        raise ActRefused(
            _("三员已设立：权限由安全保密管理员在“管理”中申请，另一人审批。命令行不再授权。")
        )
    account = Account.objects.filter(username=username).first()
    fresh = account is None
    if account is None:
        account, _given = open_account(
            username, full_name=full_name, by=by, now=now, password=password
        )
    else:
        if full_name and full_name != account.full_name:
            rename_person(account, full_name, by=by, now=now)
        if password:
            give_password(account, by=by, now=now, password=password)
    _give(account, role=role, unit=unit, clearance=clearance, by=by, now=now)
    return account, fresh


def _give(
    account: Account,
    *,
    role: Role | None,
    unit: tuple[str, str] | None,
    clearance: int | None,
    by: str,
    now: datetime,
) -> None:
    if unit:
        code, name = unit
        office, _made = Unit.objects.get_or_create(code=code, defaults={"name": name or code})
        move_account(account, office, by=by, now=now)
    if role and not account.posts.filter(role=role).exists():
        grant_role(account, role, by=by, now=now)
    if clearance is not None and clearance != account.clearance:
        set_clearance(account, clearance, by=by, now=now)


@transaction.atomic
def keep_demo_account(
    username: str,
    *,
    full_name: str,
    password: str,
    now: datetime,
    role: Role | None = None,
    officer: str = "",
    unit: Unit | None = None,
    clearance: int = 0,
) -> Account:
    """An account of the demonstration with its known password; one that is there stays."""
    found = Account.objects.filter(username=username).first()
    if found:
        return found
    account = new_account(username, full_name=full_name)
    account.unit, account.clearance, account.officer = unit, clearance, officer
    account.set_password(password)
    account.password_set_at = now
    account.save()
    if role:
        grant_role(account, role, by="system", now=now)
    return account
