"""Interface keys: who acts by one, and what a department has of them."""

from dataclasses import replace
from datetime import datetime

from django.db.models import QuerySet

from liandong.archive.queries.shares import live_shares
from liandong.base.models import Account, Unit
from liandong.base.viewers import viewer_of_account
from liandong.kernel.viewer import Viewer
from liandong.portal.models import ApiKey
from liandong.portal.policies import BORROWED_ROLES


def viewer_of_key(key: ApiKey, *, now: datetime) -> Viewer:
    """The account that answers for a key as a member of its department, with that one's shares.

    A stranger when the account is closed, has become an officer or has left the department: a key
    never reaches further than its account.  Grants to the person alone are not the system's.
    """
    if not may_act(key.account, key.unit):
        return Viewer()
    account = viewer_of_account(key.account)
    member = replace(account, roles=account.roles & BORROWED_ROLES)
    system = replace(member, name=f"key:{key.code}")  # no account has a name with a colon
    return replace(member, shares=live_shares(system, now=now))


def may_act(account: Account, unit: Unit) -> bool:
    """Whether an account may answer for a system of a department: open, of it, and no officer."""
    return account.is_active and not account.officer and account.unit_id == unit.pk


def scopes_of(key: ApiKey) -> frozenset[str]:
    """The scopes of a key."""
    return frozenset(key.scopes.split(","))


def all_keys() -> QuerySet[ApiKey]:
    """Every key, newest first, for whoever manages them."""
    return ApiKey.objects.select_related("unit", "account")


def state_of(key: ApiKey, *, now: datetime) -> str:
    """live, revoked or expired."""
    if key.revoked_at:
        return "revoked"
    return "live" if key.expires_at > now else "expired"
