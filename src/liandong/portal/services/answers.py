"""A POST is done once, however often it is sent: its answer is kept for a day (幂等).

The row is written before the work begins, in a transaction of its own, so that a second request
with the same token sees that it is at work.  Work that a kill cut off is done again after its
lease: every operation finds what it had made the first time, so nothing is made twice.
"""

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from liandong.portal.models import KeptAnswer

KEEP: Final = timedelta(hours=24)


class OtherRequest(Exception):
    """The token was used for another request."""


class AtWork(Exception):
    """The same request is being answered now."""


def begin(line: str, token: str, request: str, *, now: datetime, lease: timedelta) -> KeptAnswer:
    """The row of this token: its `status` is 0 when the caller is to do the work.

    Raises OtherRequest and AtWork.
    """
    with transaction.atomic():
        KeptAnswer.objects.filter(line=line, token=token, begun_at__lt=now - KEEP).delete()
        row, fresh = KeptAnswer.objects.get_or_create(
            line=line, token=token, defaults={"request": request, "begun_at": now}
        )
        if row.request != request:
            raise OtherRequest
        if fresh or row.status:
            return row
        cut_off = KeptAnswer.objects.filter(
            pk=row.pk, status=0, begun_at=row.begun_at, begun_at__lte=now - lease
        )
        if not cut_off.update(begun_at=now):
            raise AtWork
        row.begun_at = now
        return row


def keep(row: KeptAnswer, *, status: int, body: str, location: str) -> None:
    """Keep the answer of work that was done."""
    KeptAnswer.objects.filter(pk=row.pk).update(status=status, body=body, location=location)


def let_go(row: KeptAnswer) -> None:
    """Forget a request that was refused or failed: nothing was done, it may be sent again."""
    KeptAnswer.objects.filter(pk=row.pk, status=0).delete()


def sweep(*, now: datetime) -> int:
    """Forget answers older than a day; how many."""
    return KeptAnswer.objects.filter(begun_at__lt=now - KEEP).delete()[0]
