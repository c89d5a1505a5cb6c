"""Failed sign-ins are counted in the database, so that many processes count together.

An attempt is counted before the password is looked at and taken back when it was right: however
many guess at once, no more than LOCK_FAILURES of them are answered.  Names are counted whether or
not there is such an account, so that nothing tells the two apart; a digest stands for the name,
because people type passwords into the wrong field.  Source: GB/T 22239-2019 8.1.4.1 b.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Final

from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password
from django.db import transaction
from django.db.models import F
from django.utils.crypto import salted_hmac

from liandong.base.audit import record_act
from liandong.base.models import Account, Outcome, Throttle
from liandong.base.people.passwords import LONGEST

LONGEST_WINDOW: Final = timedelta(hours=2)  # rows are kept at least so long


class Refusal(Enum):
    """Why nobody was let in; only ADDRESS may be told from the others by whoever asks."""

    WRONG = auto()  # name or password
    LOCKED = auto()  # too many failures under this name
    CLOSED = auto()  # the account is closed or locked by an officer
    ADDRESS = auto()  # too many failures from this address


@dataclass(frozen=True, slots=True)
class Attempt:
    """What became of a name and a password."""

    account: Account | None
    refusal: Refusal | None


def name_key(name: str) -> str:
    """The key under which failures of a name are counted."""
    return f"name:{salted_hmac('liandong.throttle', name, algorithm='sha256').hexdigest()}"


def factor_key(account: Account) -> str:
    """The key under which wrong codes of an account are counted."""
    return f"code:{account.pk}"


def try_password(name: str, password: str, *, origin: str, now: datetime) -> Attempt:
    """Whose name and password this is; every refusal costs the same: one hash, or none when locked.

    Refusals leave an audit row, except those of an address that was told already.
    """
    if not take_turn(f"from:{origin}", settings.ADDRESS_FAILURES, now=now):
        return Attempt(None, Refusal.ADDRESS)
    account = Account.objects.filter(username=name).first()
    key = name_key(name)
    if not take_turn(key, settings.LOCK_FAILURES, now=now):
        return _refuse(account, Refusal.LOCKED, now)
    if not _is_right(account, password):
        _note_limits(account, key, origin, now)
        return _refuse(account, Refusal.WRONG, now)
    give_back(key)
    give_back(f"from:{origin}", one=True)
    forget_old(now=now)
    if account is None or not account.is_open:
        return _refuse(account, Refusal.CLOSED, now)
    return Attempt(account, None)


def take_turn(key: str, most: int, *, now: datetime, within: timedelta | None = None) -> bool:
    """Count an attempt under `key`; False when `most` failed `within` LOCK_TIME: refuse unseen.

    Another time `within` is at most LONGEST_WINDOW.
    """
    window = within or settings.LOCK_TIME
    counting = Throttle.objects.filter(
        key=key, until__isnull=True, since__gt=now - window, since__lte=now
    )
    # neither the first nor the last of a window, as nearly all are: one statement counts it
    if counting.filter(failures__lt=most - 1).update(failures=F("failures") + 1):
        return True
    return _take_turn(key, most, now=now, window=window)


@transaction.atomic
def _take_turn(key: str, most: int, *, now: datetime, window: timedelta) -> bool:
    row, _ = Throttle.objects.select_for_update().get_or_create(key=key, defaults={"since": now})
    if row.since > now:  # the clock was set back: the same count, no longer than one window
        row.since, row.until = now, row.until and now + window
        row.save()
    if row.until and now < row.until:
        return False
    if row.until or now - row.since >= window:
        row.failures, row.since, row.until = 0, now, None
    row.failures += 1
    if row.failures >= most:
        row.until = now + window
    row.save()
    return True


@transaction.atomic
def give_back(key: str, *, one: bool = False) -> None:
    """Forget the failures of a key; or, with `one`, only the attempt that was just counted."""
    row = Throttle.objects.select_for_update().filter(key=key).first()
    if row is None:
        return
    if not one:
        row.delete()
        return
    row.failures, row.until = max(0, row.failures - 1), None
    row.save()


def is_throttled(key: str, *, now: datetime) -> bool:
    """Whether attempts under this key are refused now."""
    return Throttle.objects.filter(key=key, until__gt=now).exists()


def forget_old(*, now: datetime) -> None:
    """Remove rows that no longer count."""
    kept = max(2 * settings.LOCK_TIME, LONGEST_WINDOW)
    old = Throttle.objects.filter(since__lt=now - kept)
    old.exclude(until__gt=now).delete()


def _is_right(account: Account | None, password: str) -> bool:
    """One hash whatever is asked: an unknown name must not answer sooner."""
    given = password[: LONGEST + 1]
    if account is None:
        make_password(given)
        return False
    return check_password(given, account.password)


def _refuse(account: Account | None, refusal: Refusal, now: datetime) -> Attempt:
    record_act(
        "sign_in",
        by="",
        now=now,
        object=f"account:{account.username}" if account else "",
        outcome=Outcome.REFUSED,
        facts={"reason": refusal.name.lower()},
    )
    return Attempt(None, refusal)


def _note_limits(account: Account | None, key: str, origin: str, now: datetime) -> None:
    """Note a lock that this failure brought; also of a name that nobody has, at the same cost."""
    minutes = int(settings.LOCK_TIME.total_seconds() // 60)
    if is_throttled(key, now=now):
        about = f"account:{account.username}" if account else ""
        record_act("lock_account", by="system", now=now, object=about, facts={"minutes": minutes})
    if is_throttled(f"from:{origin}", now=now):
        record_act("throttle_address", by="system", now=now, facts={"minutes": minutes})
