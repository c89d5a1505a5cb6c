"""The basket (查档篮): records that a person sets aside, kept on the server."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from liandong.archive.queries import readable
from liandong.base.models import Account
from liandong.exchange.models import BasketEntry

from .people import today_number, viewer_by

MOST = 500  # records in one basket


class BasketFull(Exception):
    """The basket holds MOST records already."""


@transaction.atomic
def put_in(record_ids: Sequence[int], *, by: str, now: datetime) -> int:
    """Set records aside; how many are new.  Those that the person may not read are left out.

    Raises BasketFull.
    """
    account = Account.objects.select_for_update().get(username=by)
    held = set(BasketEntry.objects.filter(account=account).values_list("record_id", flat=True))
    rows = readable(viewer_by(by, now=now), today_number(now)).filter(pk__in=record_ids)
    fresh = [pk for pk in rows.values_list("pk", flat=True) if pk not in held]
    if len(held) + len(fresh) > MOST:
        raise BasketFull
    BasketEntry.objects.bulk_create(
        [BasketEntry(account=account, record_id=pk, added_at=now) for pk in fresh]
    )
    return len(fresh)


def take_out(record_ids: Sequence[int], *, by: str) -> int:
    """Put records back; how many."""
    rows = BasketEntry.objects.filter(account__username=by, record__in=record_ids)
    return rows.delete()[0]


def empty(*, by: str) -> int:
    """Put everything back; how many."""
    return BasketEntry.objects.filter(account__username=by).delete()[0]
