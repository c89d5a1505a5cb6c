"""What an account may: roles, clearance, unit, and the three officers.

Called by approved acts (`people.acts`), by the command line before there are officers, and by the
demonstration; never by a page.  The database refuses an officer with a post besides.
"""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from liandong.base.approvals import ActRefused
from liandong.base.audit import record_act
from liandong.base.models import Account, Officer, Post, Role, Unit
from liandong.kernel.viewer import OPEN, RESTRICTED

from .sessions import end_sessions


@transaction.atomic
def grant_role(account: Account, role: Role, *, by: str, now: datetime) -> None:
    """Give a post.  Raises ActRefused for an officer or one who is not open."""
    _refuse_closed(account)
    _refuse_officer(account)
    Post.objects.get_or_create(account=account, role=role)
    _changed("grant_role", account, by=by, now=now, facts={"role": role.value})


@transaction.atomic
def withdraw_role(account: Account, role: Role, *, by: str, now: datetime) -> None:
    """Take a post away; whoever has none left reads what the public reads."""
    account.posts.filter(role=role).delete()
    _changed("withdraw_role", account, by=by, now=now, facts={"role": role.value})


@transaction.atomic
def set_clearance(account: Account, clearance: int, *, by: str, now: datetime) -> None:
    """Set the level up to which the person may read.  Raises ActRefused."""
    if not OPEN <= clearance <= RESTRICTED:
        raise ActRefused(_("没有这一密级。"))
    if clearance:
        _refuse_officer(account)
    before, account.clearance = account.clearance, clearance
    account.save(update_fields=["clearance"])
    _changed("set_clearance", account, by=by, now=now, facts={"before": before, "after": clearance})


@transaction.atomic
def move_account(account: Account, unit: Unit | None, *, by: str, now: datetime) -> None:
    """Put a person into a unit, or (None) into none.  Raises ActRefused for a closed unit."""
    if unit and unit.closed_at:
        raise ActRefused(_("该机构已撤销。"))
    before, account.unit = account.unit, unit
    account.save(update_fields=["unit"])
    facts = {"before": before.code if before else "", "after": unit.code if unit else ""}
    _changed("move_account", account, by=by, now=now, facts=facts)


@transaction.atomic
def appoint_officer(account: Account, officer: Officer, *, by: str, now: datetime) -> None:
    """Make an account one of the three officers.

    Raises ActRefused when it holds a post, reads above the open level, or is another officer.
    """
    _refuse_closed(account)
    if account.officer and account.officer != officer:
        raise ActRefused(_("三员由不同的人担任：该账号已是{officer}。").format(
            officer=account.get_officer_display()
        ))  # fmt: skip
    if account.posts.exists() or account.clearance:
        raise ActRefused(_("三员不得兼任业务角色：请先收回该账号的角色和密级。"))
    account.officer = officer
    account.save(update_fields=["officer"])
    _changed("appoint_officer", account, by=by, now=now, facts={"officer": officer.value})


@transaction.atomic
def dismiss_officer(account: Account, *, by: str, now: datetime) -> None:
    """Let an officer go.  Raises ActRefused for the last one of a kind."""
    refuse_last_officer(account)
    before, account.officer = account.officer, ""
    account.save(update_fields=["officer"])
    _changed("dismiss_officer", account, by=by, now=now, facts={"officer": before})


def refuse_last_officer(account: Account) -> None:
    """Raise ActRefused when nobody else is this officer."""
    if not account.officer:
        return
    others = Account.objects.filter(
        officer=account.officer, is_active=True, locked_at__isnull=True
    ).exclude(pk=account.pk)
    if not others.exists():
        raise ActRefused(_("这是唯一的{officer}，请先任命另一位。").format(
            officer=account.get_officer_display()
        ))  # fmt: skip


def _refuse_officer(account: Account) -> None:
    if account.officer:
        raise ActRefused(_("三员不得兼任业务角色：该账号是{officer}。").format(
            officer=account.get_officer_display()
        ))  # fmt: skip


def _refuse_closed(account: Account) -> None:
    if not account.is_active:
        raise ActRefused(_("该账号已停用。"))


def _changed(
    act: str, account: Account, *, by: str, now: datetime, facts: Mapping[str, str | int]
) -> None:
    """Rights hold from the next sign-in on: the person signs in anew."""
    end_sessions(account)
    record_act(act, by=by, now=now, object=f"account:{account.username}", facts=facts)
