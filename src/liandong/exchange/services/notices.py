"""Notices: told once for each occasion; e-mail goes out only where a mail server is named."""

import logging
from collections.abc import Iterable, Mapping
from datetime import datetime

from django.conf import settings
from django.core.mail import send_mail
from django.utils.translation import gettext as _

from liandong.base.models import Account, Role
from liandong.exchange.models import Notice
from liandong.exchange.wording import notice_words

log = logging.getLogger(__name__)


def tell(
    accounts: Iterable[Account],
    kind: str,
    *,
    number: str,
    path: str,
    now: datetime,
    occasion: str = "",
    facts: Mapping[str, str | int] | None = None,
) -> int:
    """Tell these people, each once for this kind, number and occasion; how many rows were asked.

    `facts` are what the words of the kind need; `path` is the page to open.
    """
    rows = [
        Notice(
            account=account, kind=kind, number=number, path=path, at=now,
            facts=dict(facts or {}), key=f"{kind}:{number}:{occasion}"[:120],
        )
        for account in accounts
    ]  # fmt: skip
    Notice.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def holders() -> list[Account]:
    """Those who decide: archivists."""
    return list(Account.objects.filter(is_active=True, posts__role=Role.ARCHIVIST).distinct())


def directors() -> list[Account]:
    """Those who decide what needs a second person."""
    return list(Account.objects.filter(is_active=True, posts__role=Role.DIRECTOR).distinct())


def clerks_of(unit_code: str) -> list[Account]:
    """The records clerks of a department."""
    rows = Account.objects.filter(is_active=True, posts__role=Role.CLERK, unit__code=unit_code)
    return list(rows.distinct())


def account_of(name: str) -> list[Account]:
    """The account of this name, if it is open."""
    return list(Account.objects.filter(is_active=True, username=name))


def mark_seen(account_name: str, *, now: datetime) -> int:
    """Take every notice of a person as seen; how many."""
    rows = Notice.objects.filter(account__username=account_name, seen_at__isnull=True)
    return rows.update(seen_at=now)


def send_mails(*, now: datetime, limit: int = 200) -> int:
    """Mail unseen notices to those who have an address; how many.  None without a mail server.

    A notice is marked before it goes: a mail that fails is not sent twice, and is logged.
    """
    if not settings.MAIL_SERVER:
        return 0
    rows = Notice.objects.filter(mailed_at__isnull=True, seen_at__isnull=True)
    sent = 0
    for row in rows.exclude(account__email="").select_related("account").order_by("pk")[:limit]:
        if not Notice.objects.filter(pk=row.pk, mailed_at__isnull=True).update(mailed_at=now):
            continue
        try:
            send_mail(_("档案利用提醒"), notice_words(row), None, [row.account.email])
            sent += 1
        except OSError:
            log.exception("notice not mailed id=%s", row.pk)
    return sent
