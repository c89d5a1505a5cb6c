"""Whom the single sign-on of the city means: an account of ours, found by a claim."""

from datetime import datetime

from allauth.socialaccount.models import SocialAccount, SocialLogin
from django.conf import settings

from liandong.base.approvals import ActRefused
from liandong.base.models import Account
from liandong.base.people.services.accounts import open_account


class UnknownPerson(Exception):
    """No account of ours is meant, or its holder is somebody else at the issuer."""


def account_behind(sociallogin: SocialLogin, *, now: datetime) -> Account:
    """The account that the issuer means.

    A subject that signed in before is its account.  A new subject is the account whose name is
    the claim OIDC_CLAIM, unless another subject has it already.  Without account: UnknownPerson,
    or with OIDC_UNKNOWN=account a new one that has no rights.
    """
    if sociallogin.is_existing and isinstance(sociallogin.user, Account):
        return sociallogin.user
    name = claim_of(sociallogin)
    if not name:
        raise UnknownPerson
    found = Account.objects.filter(username=name).first()
    if found is None:
        return _open(name, now=now)
    if SocialAccount.objects.filter(user=found).exists():
        raise UnknownPerson
    return found


def claim_of(sociallogin: SocialLogin) -> str:
    """The value of the claim, "" when it is no text."""
    told = sociallogin.account.extra_data
    parts = (told.get("userinfo"), told.get("id_token"))
    values = (part.get(settings.OIDC_CLAIM) for part in parts if isinstance(part, dict))
    return next((value for value in values if isinstance(value, str)), "")


def _open(name: str, *, now: datetime) -> Account:
    if settings.OIDC_UNKNOWN != "account":
        raise UnknownPerson
    try:
        account, _password = open_account(name, full_name=name, by="system", now=now)
    except ActRefused:
        raise UnknownPerson from None
    return account
