"""Letters to requesters who left an address: opened, sent and forgotten in one go.

What waits for one case goes in one letter.  Claimed by moving `next_at`, so that no other worker
sends it meanwhile; a kill after the server took it sends it once more.
"""

import logging
import smtplib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage, get_connection
from django.core.validators import validate_email
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from liandong.base.engines import engine
from liandong.base.notices.digests import site_address
from liandong.cases import wording
from liandong.cases.models import Case, Letter
from liandong.cases.queries import tracking
from liandong.cases.queries.filing import disputable_until
from liandong.kernel import catalog
from liandong.kernel.ports import ShortMessage
from liandong.kernel.sealed import CannotOpen

from .sealing import contact_of

log = logging.getLogger(__name__)
CHUNK: Final = 200
LEASE: Final = timedelta(minutes=10)
BACK_OFF: Final = tuple(timedelta(minutes=minutes) for minutes in (10, 60, 360, 1440))
KEPT: Final = timedelta(days=90)  # rows of letters that went or were given up
_BY_MESSAGE: Final = frozenset({"ask", "remind_answer"})  # and what closes; the rest by mail only


def send_letters(*, now: datetime) -> int:
    """Send what is due; how many letters.  A server that does not answer ends the run."""
    Letter.objects.filter(next_at__isnull=True, made_at__lt=now - KEPT).delete()
    due = Letter.objects.filter(next_at__lte=now).select_related("case__lead_unit")
    rows = sorted(due.order_by("next_at", "pk")[:CHUNK], key=lambda row: (row.case_id, row.pk))
    sent, connection = 0, None
    for _case, waiting in groupby(rows, key=lambda row: row.case_id):
        mine = [row for row in waiting if _claim(row, now)]
        if not mine:
            continue
        connection = connection or get_connection()
        try:
            trouble = _send(mine[0].case, mine, connection)
        except OSError as error:
            log.exception("letter.not_sent case=%s", mine[0].case_id)
            _later(mine, type(error).__name__, now=now)
            break
        _done(mine, trouble, now=now)
        sent += not trouble
    if connection is not None:
        connection.close()
    return sent


def _claim(row: Letter, now: datetime) -> bool:
    mine = Letter.objects.filter(pk=row.pk, next_at=row.next_at)
    return mine.update(next_at=now + LEASE) == 1


def _done(rows: Sequence[Letter], trouble: str, *, now: datetime) -> None:
    went = {} if trouble else {"sent_at": now}
    Letter.objects.filter(pk__in=[row.pk for row in rows]).update(
        next_at=None, trouble=trouble, **went
    )


def _later(rows: Sequence[Letter], trouble: str, *, now: datetime) -> None:
    for row in rows:
        wait = BACK_OFF[row.tries] if row.tries < len(BACK_OFF) else None
        Letter.objects.filter(pk=row.pk).update(
            next_at=now + wait if wait else None, tries=row.tries + 1, trouble=trouble[:40]
        )


def _send(case: Case, rows: Sequence[Letter], connection: Any) -> str:
    """Why it was not sent and never will be, "" when it went.  Raises OSError to try again."""
    try:
        contact = contact_of(case)
    except CannotOpen:
        return "erased"
    codes = [row.code for row in rows]
    with override("zh-hans"):
        if address := mail_address(contact):
            return _mail(case, codes, address, connection) if settings.MAIL_SERVER else "no server"
        return _message(case, rows, contact)


def mail_address(contact: Mapping[str, str]) -> str:
    """The address that was left, "" for none or one that is none."""
    address = next((text for name, text in contact.items() if name.endswith("email")), "").strip()
    try:
        validate_email(address)
    except ValidationError:
        return ""
    return address


def _mail(case: Case, codes: Sequence[str], address: str, connection: Any) -> str:
    mail = EmailMessage(
        _("您反映的事项 {number}").format(number=case.number), letter_text(case, codes), None,
        [address], connection=connection,
    )  # fmt: skip
    try:
        mail.send()
    except (smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError):
        return "refused"
    return ""


def letter_text(case: Case, codes: Sequence[str]) -> str:
    """What happened, how to dispute where that is possible, and the link; no name, no address."""
    lines = [_("您好！您反映的事项（编号 {number}）：").format(number=case.number), ""]
    lines += list(dict.fromkeys(wording.public_words(code) for code in codes))
    if any(_closes(code) for code in codes):
        lines += ["", _dispute_words(case)]
    lines += ["", link_of(case), ""]
    lines.append(_("这封邮件由系统发出，请不要直接回复。链接只给您本人，请勿转发。"))
    return "\n".join(lines)


def _closes(code: str) -> bool:
    row = catalog.by_key("case_notices", "code").get(code)
    return row is not None and row["closes"] == "Y"


def _dispute_words(case: Case) -> str:
    now = timezone.now()
    if not any(move.action == "dispute" for move in tracking.steps(case, now=now)):
        return _("办理经过和理由可从下面的链接查看。")
    until = case.running.get("T10") or disputable_until(case)
    if until is None:
        return _("不同意这个结果，可从下面的链接申请重办，由另一单位审核。")
    day = timezone.localtime(until - timedelta(seconds=1)).date().isoformat()
    words = _("不同意这个结果，可在 {day} 前从下面的链接申请重办，由另一单位审核。")
    return words.format(day=day)


def link_of(case: Case) -> str:
    """The tracking page, for whoever gets the letter."""
    return f"{site_address()}{reverse('cases:track', args=[tracking.letter_token(case)])}"


def _message(case: Case, rows: Sequence[Letter], contact: Mapping[str, str]) -> str:
    """By a short message where a gateway is set: questions and what closes."""
    row = next((row for row in rows if row.code in _BY_MESSAGE or _closes(row.code)), None)
    phone = next((text for name, text in contact.items() if name.endswith("phone")), "").strip()
    if row is None or not phone or not settings.SMS:
        return "no address"
    text = f"{case.number} {wording.public_words(row.code)}{link_of(case)}"
    (reply,) = engine("texter").send([ShortMessage(f"letter-{row.pk}", phone, text)])
    if reply.is_passing:
        raise OSError(reply.trouble or f"status {reply.status}")
    return "" if reply.is_taken else f"status {reply.status}"
