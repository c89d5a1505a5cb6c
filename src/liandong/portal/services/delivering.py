"""Deliver notices: a connection to the address that was judged, and nothing else.

No redirect is followed, no proxy asked, no more read than a few kilobytes, no longer waited than
DEADLINE_S.  At least once: a notice that a kill cut off is sent again under its id.
"""

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Final

from django.conf import settings
from django.db import transaction

from liandong.base.audit import record_act
from liandong.kernel.endpoints import (
    BadEndpoint,
    Endpoint,
    Reach,
    Resolver,
    judged_addresses,
    parse_endpoint,
)
from liandong.kernel.webhooks import sign
from liandong.portal.models import Attempt, Delivery, Subscription
from liandong.portal.queries.keys import may_act

from .notices import secrets_of

CONNECT_S: Final = 5
READ_S: Final = 10
DEADLINE_S: Final = 15  # for one try as a whole, however slowly the other side drips
MOST_READ: Final = 64 << 10
AT_ONCE: Final = 8
CHUNK: Final = 64
LEASE: Final = timedelta(minutes=2)  # a notice whose sender died is sent again after it
BACK_OFF: Final = tuple(
    timedelta(seconds=seconds) for seconds in (10, 60, 300, 1800, 7200, 21600, 43200, 86400)
)
MOST_FAILURES: Final = 20  # in a row, over all notices: then the subscription is stopped
KEPT: Final = timedelta(days=30)
Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Letter:
    """A notice ready to go."""

    delivery: int
    url: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one try: a status of HTTP, or why there is none."""

    status: int = 0
    trouble: str = ""
    took_ms: int = 0

    @property
    def is_taken(self) -> bool:
        """Whether the receiver said that it has it."""
        return 200 <= self.status < 300


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a name, as the system knows them."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(row[4][0]).partition("%")[0] for row in found]


# Sending ------------------------------------------------------------------------------------------


def post(letter: Letter, reach: Reach, resolver: Resolver = resolve) -> Outcome:
    """Send a letter once; every failure is an outcome."""
    started = time.monotonic()
    try:
        endpoint = parse_endpoint(letter.url, reach)
        addresses = judged_addresses(endpoint, reach, resolver)
        outcome = _send(endpoint, [str(one) for one in addresses], letter)
    except BadEndpoint as error:
        outcome = Outcome(trouble=f"refused:{error.reason}")
    except ssl.SSLError as error:
        outcome = Outcome(trouble=f"tls:{error.reason or type(error).__name__}"[:100])
    except TimeoutError:
        outcome = Outcome(trouble="timeout")
    except (OSError, http.client.HTTPException) as error:
        outcome = Outcome(trouble=type(error).__name__[:100])
    took = round((time.monotonic() - started) * 1000)
    return Outcome(outcome.status, outcome.trouble, took)


def _send(endpoint: Endpoint, addresses: Sequence[str], letter: Letter) -> Outcome:
    connection = http.client.HTTPConnection(endpoint.host, endpoint.port, timeout=READ_S)
    connection.sock = _connect(endpoint, addresses)
    watch = threading.Timer(DEADLINE_S, _cut, [connection.sock])
    watch.daemon = True
    watch.start()
    try:
        connection.putrequest("POST", endpoint.target, skip_host=True, skip_accept_encoding=True)
        connection.putheader("Host", endpoint.host_header)
        for name, value in letter.headers.items():
            connection.putheader(name, value)
        connection.putheader("Content-Length", str(len(letter.body)))
        connection.endheaders(letter.body)
        answer = connection.getresponse()
        answer.read(MOST_READ)
        return Outcome(answer.status)
    finally:
        watch.cancel()
        connection.close()


def _connect(endpoint: Endpoint, addresses: Sequence[str]) -> socket.socket:
    """A connection to the first address that answers; the name is used for TLS alone."""
    last: OSError = OSError("no address")
    for address in addresses:
        try:
            plain = socket.create_connection((address, endpoint.port), timeout=CONNECT_S)
        except OSError as error:
            last = error
            continue
        plain.settimeout(READ_S)
        if endpoint.scheme == "http":
            return plain
        try:
            return _trust().wrap_socket(plain, server_hostname=endpoint.host)
        except BaseException:
            plain.close()
            raise
    raise last


@cache
def _trust() -> ssl.SSLContext:
    return ssl.create_default_context()


def _cut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it has ended already


# From the rows ------------------------------------------------------------------------------------


def deliver_due(*, clock: Clock, resolver: Resolver = resolve, until_s: float = 30) -> int:
    """Send every notice that is due, several at once; how many tries.  Safe to kill anywhere."""
    begun, tries = time.monotonic(), 0
    with ThreadPoolExecutor(AT_ONCE) as threads:
        while time.monotonic() - begun < until_s and (letters := _claim(clock())):
            reach = settings.WEBHOOK_REACH
            outcomes = threads.map(lambda one, r=reach: post(one, r, resolver), letters)
            for letter, outcome in zip(letters, outcomes, strict=True):
                _write(letter.delivery, outcome, now=clock())
            tries += len(letters)
    return tries


def _claim(now: datetime) -> list[Letter]:
    """Notices that are due, taken so that no other process sends them meanwhile."""
    due = Delivery.objects.filter(next_at__lte=now, subscription__stopped_at__isnull=True)
    rows = due.select_related("subscription__account", "subscription__unit").order_by("next_at")
    letters = []
    for row in rows[:CHUNK]:
        mine = Delivery.objects.filter(pk=row.pk, next_at=row.next_at)
        if mine.update(next_at=now + LEASE) != 1:
            continue
        if not may_act(row.subscription.account, row.subscription.unit):
            _stop(row.subscription, "account", now=now)
            continue
        letters.append(_letter(row, now))
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
    return Letter(row.pk, subscription.url, headers, body)


@transaction.atomic
def _write(delivery: int, outcome: Outcome, *, now: datetime) -> None:
    row = Delivery.objects.select_for_update().filter(pk=delivery).first()
    if row is None:  # unsubscribed meanwhile
        return
    Attempt.objects.create(
        delivery=row, at=now, status=outcome.status, trouble=outcome.trouble,
        took_ms=outcome.took_ms,
    )  # fmt: skip
    row.attempts += 1
    row.taken_at = now if outcome.is_taken else None
    row.next_at = None if outcome.is_taken else _next(row.attempts, now)
    row.save(update_fields=["attempts", "taken_at", "next_at"])
    subscription = Subscription.objects.select_for_update().get(pk=row.subscription_id)
    subscription.failures = 0 if outcome.is_taken else subscription.failures + 1
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
