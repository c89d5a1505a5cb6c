"""Digests (提醒汇总): one mail or message for all that is new, at the hours a person has chosen.

A digest is claimed before it is made and its notices are marked after it went: killed in between,
they go with the next one.  A server that does not answer ends the run and gives the claim back.
"""

import logging
import smtplib
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, override

from liandong.base.engines import engine
from liandong.base.models import Account, Notice, NoticeChoice
from liandong.kernel.ports import ShortMessage

from .queries import choice_of, slot_before
from .words import words_of

log = logging.getLogger(__name__)
LISTED: Final = 20  # notices that a mail tells one by one
PAGE: Final = "/me/notices/"


def site_address() -> str:
    """The address of the site as the outside knows it, without a slash at the end."""
    origins = settings.CSRF_TRUSTED_ORIGINS
    return origins[0].rstrip("/") if origins else f"http://{settings.BIND}:{settings.PORT}"


def send_digests(*, now: datetime) -> dict[str, int]:
    """Send every digest that is due; how many mails and messages."""
    sent = {"mails": 0, "messages": 0}
    unsent = Notice.objects.filter(sent_at__isnull=True, seen_at__isnull=True)
    people = Account.objects.filter(_reachable(), pk__in=unsent.values("account"), is_active=True)
    connection: Any = None
    for account in people.order_by("pk"):
        choice = choice_of(account)
        by_mail = bool(settings.MAIL_SERVER and choice.by_mail and account.email)
        by_sms = bool(choice.by_sms and choice.phone)
        slot = slot_before(choice, now)
        if slot is None or not (by_mail or by_sms) or not _claim(account, slot):
            continue
        rows = list(unsent.filter(account=account, at__lte=now).order_by("-pk"))
        try:
            if by_mail and rows:
                connection = connection or get_connection()
                sent["mails"] += _mail(account, rows, connection)
            if by_sms and rows:
                sent["messages"] += _message(choice, rows, slot)
        except OSError:  # no server: the next run tries again
            log.exception("digest.not_sent account=%s", account.pk)
            NoticeChoice.objects.filter(account=account).update(digest_at=choice.digest_at)
            return sent
        Notice.objects.filter(pk__in=[row.pk for row in rows]).update(sent_at=now)
    if connection is not None:
        connection.close()
    return sent


def _reachable() -> Q:
    """People with a way out of the house; all others read the list."""
    by_sms = Q(notice_choice__by_sms=True)
    return by_sms | ~Q(email="") if settings.MAIL_SERVER else by_sms


def _claim(account: Account, slot: datetime) -> bool:
    """Whether this process sends the digest of this hour."""
    row, _made = NoticeChoice.objects.get_or_create(account=account)
    if row.digest_at is not None and row.digest_at >= slot:
        return False
    mine = NoticeChoice.objects.filter(pk=row.pk, digest_at=row.digest_at)
    return mine.update(digest_at=slot) == 1


def _mail(account: Account, rows: Sequence[Notice], connection: Any) -> bool:
    """Send one mail; a receiver that the server refuses is logged and not tried again."""
    with override("zh-hans"):
        mail = EmailMessage(
            subject_of(len(rows)), text_of(rows), None, [account.email], connection=connection
        )
        try:
            return bool(mail.send())
        except (smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError, ValueError):
            log.exception("digest.refused account=%s", account.pk)
            return False


def subject_of(count: int) -> str:
    """The head of a digest."""
    return ngettext("联动：{count} 条新提醒", "联动：{count} 条新提醒", count).format(count=count)


def text_of(rows: Sequence[Notice]) -> str:
    """The whole mail: counts, the newest one by one, the page with the rest."""
    told = [words_of(row.room, row.kind, row.number, row.facts) for row in rows]
    pairs = zip(rows, told, strict=True)
    counts = Counter(text.replace(row.number, "").strip() for row, text in pairs)
    one = _("{count} 条　{words}")
    lines = [one.format(count=n, words=text) for text, n in counts.most_common()]
    lines += ["", *(f"· {text}" for text in told[:LISTED])]
    if len(told) > LISTED:
        lines.append(_("其余 {count} 条请在网页上看。").format(count=len(told) - LISTED))
    lines += ["", f"{site_address()}{PAGE}", "", _("怎样收提醒、几点收，可在上面的网页改。")]
    return "\n".join(lines)


def _message(choice: NoticeChoice, rows: Sequence[Notice], slot: datetime) -> bool:
    """Send one short message: a count, nothing of a case.  Raises OSError without a gateway."""
    with override("zh-hans"):
        text = _("您有 {count} 条新提醒，请登录查看。").format(count=len(rows))
    one = ShortMessage(f"digest-{choice.pk}-{slot:%Y%m%d%H}", choice.phone, text)
    (reply,) = engine("texter").send([one])
    if reply.is_passing:
        raise OSError(reply.trouble or f"status {reply.status}")
    return reply.is_taken
