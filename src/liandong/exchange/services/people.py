"""The person behind an account name, and the day of a moment."""

from dataclasses import replace
from datetime import date, datetime, time

from django.utils import timezone

from liandong.archive.queries.shares import live_shares
from liandong.base.models import Account
from liandong.base.viewers import viewer_of_account
from liandong.kernel.viewer import Viewer


def viewer_by(name: str, *, now: datetime) -> Viewer:
    """What access may know of this account, with its live grants; a stranger when there is none."""
    account = Account.objects.filter(username=name).select_related("unit").first()
    if account is None:
        return Viewer()
    person = viewer_of_account(account)
    return replace(person, shares=live_shares(person, now=now))


def on_duty(viewer: Viewer) -> Viewer:
    """The person without grants: as decider, nobody gives what the own duty does not show."""
    return replace(viewer, shares=())


def day_of(now: datetime) -> date:
    """The day in Asia/Shanghai."""
    return timezone.localtime(now).date()


def today_number(now: datetime) -> int:
    """The day as YYYYMMDD, as rules take it."""
    return int(day_of(now).strftime("%Y%m%d"))


def end_of(day: date) -> datetime:
    """The last second of this day in Asia/Shanghai."""
    return timezone.make_aware(datetime.combine(day, time(23, 59, 59)))
