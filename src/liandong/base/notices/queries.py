"""Reading notices: how many are unseen, the list, and the choice of a person."""

from datetime import datetime, timedelta
from typing import Final

from django.db.models import QuerySet
from django.utils import timezone

from liandong.base.models import Account, Notice, NoticeChoice

PAGE: Final = 50
LOOKED_BACK: Final = timedelta(days=90)  # the list of what was seen


def unseen(account: Account) -> QuerySet[Notice]:
    """What the person was told and has not seen yet, the newest first."""
    return Notice.objects.filter(account=account, seen_at__isnull=True).order_by("-pk")


def listed(account: Account, *, before: int = 0, all_of_it: bool = False) -> list[Notice]:
    """Up to a page of notices and one more, the newest first, below the key `before`."""
    rows = Notice.objects.filter(account=account) if all_of_it else unseen(account)
    if before:
        rows = rows.filter(pk__lt=before)
    return list(rows.order_by("-pk")[: PAGE + 1])


def choice_of(account: Account) -> NoticeChoice:
    """The choice of a person; the default, unsaved, before the first."""
    return NoticeChoice.objects.filter(account=account).first() or NoticeChoice(account=account)


def hours_of(choice: NoticeChoice) -> list[int]:
    """The hours of the day at which digests go, in order."""
    return sorted({int(one) for one in choice.hours.split(",") if one})


def slot_before(choice: NoticeChoice, now: datetime) -> datetime | None:
    """The chosen hour that passed last; None without hours or on a quiet day."""
    local = timezone.localtime(now)
    if choice.quiet_until and local.date() <= choice.quiet_until:
        return None
    for days in (0, 1):
        day = local - timedelta(days=days)
        for hour in reversed(hours_of(choice)):
            slot = day.replace(hour=hour, minute=0, second=0, microsecond=0)
            if slot <= local:
                return slot
    return None
