"""The one writer of points: a posting with its two entries, and the balance, or nothing."""

from datetime import datetime
from typing import Any

from django.db.models import F

from liandong.community.models import PointsAccount, PointsEntry, PointsPosting


class TooFewPoints(Exception):
    """The balance is smaller than what should be taken; nothing was written."""


def house_account(house: str, *, now: datetime) -> PointsAccount:
    """One of the two accounts of the house."""
    return PointsAccount.objects.get_or_create(house=house, defaults={"opened_at": now})[0]


def post(
    account: PointsAccount | None, delta: int, *, house: str, at: datetime, **facts: Any
) -> PointsPosting:
    """Write a posting that moves `delta` points to (or, negative, from) the account.

    `facts` are the other columns of PointsPosting.  Without an account or with 0 points it has no
    entries and says why.  Call it in a transaction.  Raises TooFewPoints.
    """
    posting = PointsPosting.objects.create(points=abs(delta) if account else 0, at=at, **facts)
    if account is None or not delta:
        return posting
    rows = PointsAccount.objects.filter(pk=account.pk, balance__gte=-delta)
    if not rows.update(balance=F("balance") + delta):
        raise TooFewPoints
    PointsEntry.objects.bulk_create([
        PointsEntry(posting=posting, account=account, points=delta),
        PointsEntry(posting=posting, account=house_account(house, now=at), points=-delta),
    ])  # fmt: skip
    return posting
