"""What begins with a sign-in: the session knows its account, age and device, and its duties."""

from datetime import datetime, timedelta
from typing import Final

from allauth.account.internal.flows.login import get_authentication_records
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest

from liandong.base.audit import record_act
from liandong.base.models import Account
from liandong.base.people.passwords import is_due
from liandong.base.people.services.factors import has_factor, must_have_factor
from liandong.base.people.services.sessions import keep_to_limit
from liandong.base.session_store import DEVICE, STARTED

DUTIES: Final = "duties"  # what must be done before anything else: "password", "factor"
PASSWORD, FACTOR = "password", "factor"


@transaction.atomic
def begin(request: HttpRequest, account: Account, *, now: datetime) -> None:
    """Fill a new session, end the oldest one beyond the limit, and note the sign-in."""
    session, methods = request.session, methods_of(request, account)
    session[STARTED] = now.timestamp()
    session[DEVICE] = device_of(request)
    session[DUTIES] = _duties(account, methods, now)
    session.save()
    keep_to_limit(account, newest=str(session.session_key), now=now)
    record_act(
        "sign_in", by=account.username, now=now, object=f"account:{account.username}",
        facts={"by": "+".join(methods)},
    )  # fmt: skip


def began_lately(request: HttpRequest, most: timedelta, *, now: datetime) -> bool:
    """Whether the sign-in of this session is younger than `most`."""
    started = request.session.get(STARTED)
    return started is not None and now.timestamp() - started < most.total_seconds()


def methods_of(request: HttpRequest, account: Account) -> list[str]:
    """By what this session was signed in to: password, totp, webauthn, recovery_codes, sso."""
    words = {"socialaccount": "sso"}
    records = get_authentication_records(request, account)
    given = (one.get("type") or one["method"] for one in records)
    return list(dict.fromkeys(words.get(one, one) for one in given))


def device_of(request: HttpRequest) -> str:
    """Browser and system in two words, enough to know the own one from another."""
    text = request.headers.get("User-Agent", "")
    browsers = ("Edg", "Firefox", "Chrome", "Safari")
    systems = ("Windows", "Android", "iPhone", "iPad", "Macintosh", "Linux")
    named = [next((word for word in words if word in text), "") for words in (browsers, systems)]
    return " · ".join(word.replace("Edg", "Edge") for word in named if word)


def _duties(account: Account, methods: list[str], now: datetime) -> list[str]:
    duties = [PASSWORD] if PASSWORD in methods and is_due(account, now) else []
    if must_have_factor(account) and not has_factor(account):
        duties.append(FACTOR)
    return duties


def lift(request: HttpRequest, duty: str) -> None:
    """Take a duty off the session."""
    left = [one for one in request.session.get(DUTIES, []) if one != duty]
    request.session[DUTIES] = left


def is_unattended(request: HttpRequest) -> bool:
    """Whether a page asks by itself, so that it does not count as being used."""
    return request.headers.get("X-Unattended") == "1"


def idle_seconds() -> int:
    """How long a session lives without use."""
    return int(settings.SESSION_COOKIE_AGE)
