"""Event notices (事件通知): who wants them, and what is to be told."""

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from django.db import transaction
from django.utils.crypto import salted_hmac

from liandong.base.audit import record_act
from liandong.base.engines import engine
from liandong.kernel.webhooks import VERSIONS, secret_text
from liandong.portal.models import ApiKey, Delivery, Subscription, Told
from liandong.portal.queries.changes import EVENTS, Change, changes

OVERLAP: Final = timedelta(hours=24)  # the secret before the last rotation signs so long
MOST: Final = 20  # live subscriptions of a department


class TooManySubscriptions(Exception):
    """The department has as many as it may."""


class AlreadyRotated(Exception):
    """The secret is of another generation than the caller knows: `generation`."""

    def __init__(self, generation: int) -> None:
        super().__init__(generation)
        self.generation = generation


class BadSubscription(Exception):
    """`reason` is events or algorithm."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def secrets_of(subscription: Subscription, *, now: datetime) -> list[tuple[str, str]]:
    """Generation and secret, the newest first; the one before while it overlaps.

    A secret is derived from the signing key of the installation: the database holds none.
    """
    generations = [subscription.generation]
    if subscription.rotated_at and now < subscription.rotated_at + OVERLAP:
        generations.append(subscription.generation - 1)
    return [(str(number), _secret(subscription.uuid, number)) for number in generations]


def _secret(uuid: UUID, generation: int) -> str:
    made = salted_hmac("liandong.portal.webhook", f"{uuid}:{generation}", algorithm="sha256")
    return secret_text(made.digest())


@transaction.atomic
def subscribe(
    uuid: UUID,
    key: ApiKey,
    *,
    url: str,
    events: Iterable[str],
    algorithm: str,
    by: str,
    now: datetime,
) -> Subscription:
    """Tell a system of a department of these events; the same `uuid` again finds it.

    Raises BadEndpoint, BadSubscription and TooManySubscriptions.
    """
    known = Subscription.objects.filter(uuid=uuid).first()
    if known is not None:
        return known
    wanted = _wanted(events, algorithm)
    engine("messenger").judge(url)
    if Subscription.objects.filter(unit=key.unit, stopped_at__isnull=True).count() >= MOST:
        raise TooManySubscriptions
    row = Subscription.objects.create(
        uuid=uuid, unit=key.unit, account=key.account, url=url, events=wanted,
        algorithm=algorithm, made_at=now, made_by=by,
    )  # fmt: skip
    _note("subscribe", row, by=by, now=now)
    return row


def _wanted(events: Iterable[str], algorithm: str) -> str:
    asked = list(dict.fromkeys(events))
    if not asked or any(event not in EVENTS for event in asked):
        raise BadSubscription("events")
    if algorithm not in VERSIONS:
        raise BadSubscription("algorithm")
    return ",".join(asked)


def _note(act: str, row: Subscription, *, by: str, now: datetime, why: str = "") -> None:
    record_act(act, by=by, now=now, object=f"subscription:{row.uuid}", why=why)


@transaction.atomic
def change_subscription(
    uuid: UUID,
    *,
    by: str,
    now: datetime,
    url: str = "",
    events: Iterable[str] = (),
    stop: bool | None = None,
) -> Subscription:
    """Change where notices go, which, or whether; "", () and None leave what is there.

    Going on forgets the failures so far.  Raises Subscription.DoesNotExist, BadEndpoint and
    BadSubscription.
    """
    row = Subscription.objects.select_for_update().get(uuid=uuid)
    if url:
        engine("messenger").judge(url)
        row.url = url
    if asked := tuple(events):
        row.events = _wanted(asked, row.algorithm)
    if stop is True and row.stopped_at is None:
        row.stopped_at, row.stopped_why = now, "owner"
    if stop is False:
        row.stopped_at, row.stopped_why, row.failures = None, "", 0
    row.save()
    _note("change_subscription", row, by=by, now=now)
    return row


@transaction.atomic
def rotate_secret(uuid: UUID, replaces: int, *, by: str, now: datetime) -> Subscription:
    """A new secret at once; the one before signs beside it for OVERLAP.

    `replaces` is the generation that the caller knows: a repeated call finds the next one made.
    Raises Subscription.DoesNotExist and AlreadyRotated.
    """
    row = Subscription.objects.select_for_update().get(uuid=uuid)
    if row.generation == replaces + 1:
        return row
    if row.generation != replaces:
        raise AlreadyRotated(row.generation)
    row.generation, row.rotated_at = row.generation + 1, now
    row.save(update_fields=["generation", "rotated_at"])
    _note("rotate_subscription", row, by=by, now=now)
    return row


@transaction.atomic
def unsubscribe(uuid: UUID, *, by: str, now: datetime) -> None:
    """Take a subscription away with everything that waits for it."""
    row = Subscription.objects.select_for_update().get(uuid=uuid)
    _note("unsubscribe", row, by=by, now=now)
    row.delete()


# What is to be told -------------------------------------------------------------------------------


def tell(*, now: datetime) -> int:
    """Write a notice of every change for every subscriber who wants it; how many notices."""
    made = 0
    while news := changes(now=now):
        made += sum(_tell_one(change, now=now) for change in news)
    return made


@transaction.atomic
def _tell_one(change: Change, *, now: datetime) -> int:
    """The told state and the notices in one transaction; none when another process was first."""
    if change.before is None:
        _row, first = Told.objects.get_or_create(
            kind=change.kind, thing=change.thing, defaults={"state": change.state}
        )
    else:
        told = Told.objects.filter(kind=change.kind, thing=change.thing, state=change.before)
        first = told.update(state=change.state) == 1
    if not first or not change.events:
        return 0
    subscribers = Subscription.objects.filter(
        unit=change.unit_id, stopped_at__isnull=True, made_at__lte=change.since
    )
    notices = [
        _notice(row, event, facts, now)
        for row in subscribers
        for event, facts in change.events.items()
        if event in row.events.split(",")
    ]
    Delivery.objects.bulk_create(notices)
    return len(notices)


def _notice(row: Subscription, event: str, facts: object, now: datetime) -> Delivery:
    uuid = uuid4()
    body = {"id": str(uuid), "type": event, "timestamp": now.isoformat(), "data": facts}
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return Delivery(uuid=uuid, subscription=row, event=event, body=text, made_at=now, next_at=now)


@transaction.atomic
def ping(uuid: UUID, *, now: datetime) -> Delivery:
    """A notice that says nothing, to try the way.  Raises Subscription.DoesNotExist."""
    row = Subscription.objects.get(uuid=uuid)
    notice = _notice(row, "ping", {"subscription": str(row.uuid)}, now)
    notice.save()
    return notice


@transaction.atomic
def send_again(delivery: UUID, *, by: str, now: datetime) -> Delivery:
    """Send a notice again under its id, whatever became of it.  Raises Delivery.DoesNotExist."""
    row = Delivery.objects.select_for_update().get(uuid=delivery)
    row.next_at, row.taken_at, row.attempts = now, None, 0
    row.save(update_fields=["next_at", "taken_at", "attempts"])
    _note("send_again", row.subscription, by=by, now=now)
    return row
