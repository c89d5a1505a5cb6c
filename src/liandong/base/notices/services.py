"""Writing notices: told once, seen, settled when somebody has done what they ask for."""

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Final

from liandong.base.models import Account, Notice, NoticeChoice

KEPT: Final = timedelta(days=365)


class BadChoice(Exception):
    """A choice that cannot be: `field` is hours or phone."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


def tell(
    accounts: Iterable[Account], room: str, kind: str, *, number: str, path: str, key: str,
    now: datetime, facts: Mapping[str, str | int] | None = None,
) -> int:  # fmt: skip
    """Tell these people, each once for this key; how many were asked to be told."""
    rows = [
        Notice(
            account=account, room=room, kind=kind, number=number, path=path, key=key[:160], at=now,
            facts=dict(facts or {}),
        )
        for account in accounts
    ]  # fmt: skip
    Notice.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def mark_seen(account: Account, *, now: datetime, rooms: Collection[str] = ()) -> int:
    """Take the notices of a person as seen, those of some rooms or all; how many."""
    rows = Notice.objects.filter(account=account, seen_at__isnull=True)
    if rooms:
        rows = rows.filter(room__in=rooms)
    return rows.update(seen_at=now)


def see_one(account: Account, pk: int, *, now: datetime) -> Notice | None:
    """Take one notice of a person as seen; None when it is not there or another's."""
    row = Notice.objects.filter(account=account, pk=pk).first()
    if row is not None and row.seen_at is None:
        row.seen_at = now
        row.save(update_fields=["seen_at"])
    return row


def settle(room: str, number: str, kinds: Collection[str], *, now: datetime) -> int:
    """Take what asked for a step that somebody took since as seen by everybody; how many."""
    rows = Notice.objects.filter(number=number, kind__in=kinds, room=room, seen_at__isnull=True)
    return rows.update(seen_at=now)


def choose(
    account: Account, *, by_mail: bool, by_sms: bool, phone: str, hours: Collection[int],
    quiet_until: date | None,
) -> NoticeChoice:  # fmt: skip
    """Keep how a person wants to be told.  Raises BadChoice."""
    if not hours or not all(0 <= hour <= 23 for hour in hours):
        raise BadChoice("hours")
    digits = phone.replace(" ", "").removeprefix("+86")
    if (by_sms or digits) and not (digits.isascii() and digits.isdigit() and len(digits) == 11):
        raise BadChoice("phone")
    row, _made = NoticeChoice.objects.update_or_create(
        account=account,
        defaults={
            "by_mail": by_mail, "by_sms": by_sms, "phone": digits, "quiet_until": quiet_until,
            "hours": ",".join(str(hour) for hour in sorted(set(hours))),
        },
    )  # fmt: skip
    return row


def forget_old(*, now: datetime) -> int:
    """Drop notices of a year ago; how many."""
    return Notice.objects.filter(at__lt=now - KEPT).delete()[0]
