"""Signed-in browsers of an account: listed, limited, ended."""

import hashlib
from datetime import datetime
from typing import Final

from django.conf import settings
from django.db import transaction

from liandong.base.audit import record_act
from liandong.base.models import Account, Session

CODE: Final = 16  # hex digits by which a page names a session


def session_code(key: str) -> str:
    """How a page names a session: its key itself is a secret."""
    return hashlib.sha256(key.encode()).hexdigest()[:CODE]


def live_sessions(account: Account, *, now: datetime) -> list[Session]:
    """Signed-in browsers of an account, the newest first."""
    return list(account.sessions.filter(expire_date__gt=now).order_by("-started_at"))


def end_sessions(account: Account, *, but: str = "") -> int:
    """End every session of an account save the one with the key `but`; how many there were."""
    ended, _ = account.sessions.exclude(pk=but).delete()
    return ended


@transaction.atomic
def keep_to_limit(account: Account, *, newest: str, now: datetime) -> int:
    """End the oldest sessions beyond SESSIONS, `newest` not; how many were ended.

    Rows that ran out meanwhile are removed as well.
    """
    Session.objects.filter(expire_date__lte=now).delete()
    Account.objects.select_for_update().get(pk=account.pk)  # two sign-ins at once take turns
    most = settings.SESSIONS
    others = [one.pk for one in live_sessions(account, now=now) if one.pk != newest]
    surplus = others[most - 1 :] if most else []
    for key in surplus:
        Session.objects.filter(pk=key).delete()
        record_act(
            "end_session", by="system", now=now, object=f"account:{account.username}",
            facts={"session": session_code(key)},
        )  # fmt: skip
    return len(surplus)


@transaction.atomic
def end_session(account: Account, code: str, *, by: str, now: datetime) -> bool:
    """End the session that a page names `code`; whether there was one."""
    for one in live_sessions(account, now=now):
        if session_code(one.pk) == code:
            one.delete()
            record_act(
                "end_session", by=by, now=now, object=f"account:{account.username}",
                facts={"session": code},
            )  # fmt: skip
            return True
    return False
