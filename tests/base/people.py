"""Accounts of the tests of signing in, and the way in."""

import time

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from liandong.base.models import Account
from liandong.base.people.services.passwords import keep_password

GOOD = "Correct-horse-7"
NEW = "Battery-staple-8"
PERIOD_S = 30


def person(name: str, **given) -> Account:
    """An account with the password GOOD, which its holder set just now."""
    account = Account.objects.create(username=name, **given)
    keep_password(account, GOOD, by_other=False, now=timezone.now())
    return account


def sign_in(client: Client, name: str = "wang", password: str = GOOD, **given) -> HttpResponse:
    """Post the form of the sign-in page."""
    return client.post("/login/", {"login": name, "password": password, **given})


def is_in(client: Client) -> bool:
    """Whether this browser is signed in and may open pages."""
    return client.get("/me/").status_code == 200


def with_app(account: Account) -> str:
    """Give an account an app that shows codes; its secret."""
    secret = generate_totp_secret()
    TOTP.activate(account, secret)
    return secret


def code_of(secret: str, *, later: int = 0) -> str:
    """The code that the app shows now, or some half minutes later."""
    return format_hotp_value(hotp_value(secret, int(time.time()) // PERIOD_S + later))


def kinds(account: Account) -> set[str]:
    """The kinds of factors that an account has."""
    return set(Authenticator.objects.filter(user=account).values_list("type", flat=True))
