"""Deliver notices through the messenger, write down every try, and give up in the end.

At least once: a notice that a kill cut off is sent again under its id.
"""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from liandong.base.audit import record_act
from liandong.base.engines import engine
from liandong.kernel.ports import Letter, Reply
from liandong.kernel.webhooks import sign
from liandong.portal.models import Attempt, Delivery, Subscription
from liandong.portal.queries.keys import may_act

from .notices import secrets_of

CHUNK: Final = 64
LEASE: Final = timedelta(minutes=2)  # a notice whose sender died is sent again after it
BACK_OFF: Final = tuple(
    timedelta(seconds=seconds) for seconds in (10, 60, 300, 1800, 7200, 21600, 43200, 86400)
)
MOST_FAILURES: Final = 20  # in a row, over all notices: then the subscription is stopped
KEPT: Final = timedelta(days=30)
Clock = Callable[[], datetime]


def deliver_due(*, clock: Clock, until_s: float = 30) -> int:
    """Send every notice that is due, several at once; how many tries.  Safe to kill anywhere."""
    begun, tries = time.monotonic(), 0
    while time.monotonic() - begun < until_s and (claimed := _claim(clock())):
        replies = engine("messenger").send(list(claimed.values()))
        for delivery, reply in zip(claimed, replies, strict=True):
            _write(delivery, reply, now=clock())
        tries += len(claimed)
    return tries


def _claim(now: datetime) -> dict[int, Letter]:
    """Notices that are due, taken so that no other process sends them meanwhile."""
    due = Delivery.objects.filter(next_at__lte=now, subscription__stopped_at__isnull=True)
    rows = due.select_related("subscription__account", "subscription__unit").order_by("next_at")
    letters = {}
    for row in rows[:CHUNK]:
        mine = Delivery.objects.filter(pk=row.pk, next_at=row.next_at)
        if mine.update(next_at=now + LEASE) != 1:
            continue
        if not may_act(row.subscription.account, row.subscription.unit):
            _stop(row.subscription, "account", now=now)
            continue
        letters[row.pk] = _letter(row, now)
    return letters


def _letter(row: Delivery, now: datetime) -> Letter:
    subscription, body, at = row.subscription, row.body.encode(), int(now.timestamp())
    known = secrets_of(subscription, now=now)
    signatures = [
        sign(subscription.algorithm, secret, notice=str(row.uuid), at=at, body=body)
        for _, secret in known
    ]
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "liandong-webhook/1",
        "webhook-id": str(row.uuid),
        "webhook-timestamp": str(at),
        "webhook-signature": " ".join(signatures),
        "webhook-key": " ".join(number for number, _ in known),
    }
    return Letter(subscription.url, headers, body)


@transaction.atomic
def _write(delivery: int, reply: Reply, *, now: datetime) -> None:
    row = Delivery.objects.select_for_update().filter(pk=delivery).first()
    if row is None:  # unsubscribed meanwhile
        return
    Attempt.objects.create(
        delivery=row, at=now, status=reply.status, trouble=reply.trouble,
        took_ms=reply.took_ms,
    )  # fmt: skip
    row.attempts += 1
    row.taken_at = now if reply.is_taken else None
    row.next_at = None if reply.is_taken else _next(row.attempts, now)
    row.save(update_fields=["attempts", "taken_at", "next_at"])
    subscription = Subscription.objects.select_for_update().get(pk=row.subscription_id)
    subscription.failures = 0 if reply.is_taken else subscription.failures + 1
    subscription.save(update_fields=["failures"])
    if subscription.failures >= MOST_FAILURES and subscription.stopped_at is None:
        _stop(subscription, "failures", now=now)


def _next(attempts: int, now: datetime) -> datetime | None:
    """When to try again; None: given up."""
    return now + BACK_OFF[attempts - 1] if attempts <= len(BACK_OFF) else None


@transaction.atomic
def _stop(subscription: Subscription, why: str, *, now: datetime) -> None:
    Subscription.objects.filter(pk=subscription.pk).update(stopped_at=now, stopped_why=why)
    thing = f"subscription:{subscription.uuid}"
    record_act("stop_subscription", by="system", now=now, object=thing, why=why)


def sweep(*, now: datetime) -> int:
    """Forget notices of a month ago with their tries; how many."""
    return Delivery.objects.filter(made_at__lt=now - KEPT).delete()[0]
