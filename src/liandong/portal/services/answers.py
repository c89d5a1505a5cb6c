"""A POST is done once, however often it is sent: its answer is kept for a day (幂等).

The row is written before the work begins, in a transaction of its own, under a lock that dies with
its process.  Work that a kill cut off is done again as soon as it is asked again: every operation
finds what it had made the first time, so nothing is made twice.
"""

import hashlib
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from liandong.base.locks import clear_left, hold
from liandong.portal.models import KeptAnswer

KEEP: Final = timedelta(hours=24)
_LOCKS: Final = "answer-"  # how their names begin


class OtherRequest(Exception):
    """The token was used for another request."""


def answering(line: str, token: str) -> AbstractContextManager[None]:
    """The lock of whoever answers this token; entering raises Busy while somebody does."""
    name = hashlib.sha256(f"{line} {token}".encode()).hexdigest()[:32]
    return hold(f"{_LOCKS}{name}", once=True)


def known(line: str, token: str, request: str, *, now: datetime) -> KeptAnswer | None:
    """The row of this token when its work is done.  Raises OtherRequest."""
    rows = KeptAnswer.objects.filter(line=line, token=token, begun_at__gte=now - KEEP)
    row = rows.first()
    if row is not None and row.request != request:
        raise OtherRequest
    return row if row is not None and row.status else None


def begin(line: str, token: str, request: str, *, now: datetime) -> KeptAnswer:
    """The row of this token for whoever is `answering` it: `status` is 0 when the work is to do.

    Raises OtherRequest.
    """
    with transaction.atomic():
        KeptAnswer.objects.filter(line=line, token=token, begun_at__lt=now - KEEP).delete()
        row, fresh = KeptAnswer.objects.get_or_create(
            line=line, token=token, defaults={"request": request, "begun_at": now}
        )
        if row.request != request:
            raise OtherRequest
        if not fresh and not row.status:  # whoever began it has died
            row.begun_at = now
            row.save(update_fields=["begun_at"])
        return row


def keep(row: KeptAnswer, *, status: int, body: str, location: str) -> None:
    """Keep the answer of work that was done."""
    KeptAnswer.objects.filter(pk=row.pk).update(status=status, body=body, location=location)


def let_go(row: KeptAnswer) -> None:
    """Forget a request that was refused or failed: nothing was done, it may be sent again."""
    KeptAnswer.objects.filter(pk=row.pk, status=0).delete()


def sweep(*, now: datetime) -> int:
    """Forget answers older than a day, and what killed processes left; how many answers."""
    clear_left(_LOCKS)
    return KeptAnswer.objects.filter(begun_at__lt=now - KEEP).delete()[0]
