"""Interface keys: issue, rotate, revoke, and let in whoever holds one."""

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import BigIntegerField, Case, F, Q, Value, When
from django.db.models.functions import Greatest

from liandong.base.audit import record_act
from liandong.base.models import Account, Unit
from liandong.portal.models import ApiKey
from liandong.portal.policies import SCOPES
from liandong.portal.queries.keys import may_act

MARK: Final = "ldk"  # begins every key, so that scanners of leaked secrets know it
OVERLAP: Final = timedelta(hours=24)  # a rotated key goes on so long, when it would at all
LONGEST: Final = timedelta(days=366)
MINUTE_US: Final = 60_000_000
_SET_BACK_US: Final = 2 * MINUTE_US  # a request that waited is behind others, but not by a minute


class BadTerms(Exception):
    """A key cannot be made so; `reason` is scope, network, account, expiry, limit or name."""

    def __init__(self, reason: str, what: str = "") -> None:
        super().__init__(f"{reason}: {what}" if what else reason)
        self.reason, self.what = reason, what


class BadKey(Exception):
    """Nobody is let in; `reason` is none, unknown, expired, revoked or network.

    `key` is known when its secret was right: then the refusal is worth a row in the audit.
    """

    def __init__(self, reason: str, key: ApiKey | None = None) -> None:
        super().__init__(reason)
        self.reason, self.key = reason, key


class TooMany(Exception):
    """More requests than the key may make; again in `wait_s` seconds."""

    def __init__(self, key: ApiKey, wait_s: float) -> None:
        super().__init__(wait_s)
        self.key, self.wait_s = key, wait_s


@dataclass(frozen=True, slots=True)
class Issued:
    """A fresh key with its token, which is shown this once and kept nowhere."""

    key: ApiKey
    token: str


# Giving out ---------------------------------------------------------------------------------------


@transaction.atomic
def issue_key(
    *,
    name: str,
    unit: Unit,
    account: Account,
    scopes: Iterable[str],
    expires_at: datetime,
    by: str,
    now: datetime,
    networks: Iterable[str] = (),
    per_minute: int = 0,
) -> Issued:
    """Make a key of a department; raises BadTerms.

    The account must be an open one of that department and no officer.  `per_minute` 0: as the
    installation says.
    """
    known = _known_scopes(scopes)
    nets = ",".join(_network(text) for text in networks)
    limit = per_minute or settings.API_PER_MINUTE
    _refuse_terms(name, nets, limit, unit, account, expires_at, now)
    issued = _make(
        ApiKey(
            name=name.strip(), unit=unit, account=account, scopes=",".join(known), networks=nets,
            per_minute=limit, issued_at=now, issued_by=by, expires_at=expires_at,
        )
    )  # fmt: skip
    facts = {"unit": unit.code, "account": account.username, "scopes": issued.key.scopes}
    record_act("issue_api_key", by=by, now=now, object=f"apikey:{issued.key.code}", facts=facts)
    return issued


def _refuse_terms(
    name: str,
    networks: str,
    per_minute: int,
    unit: Unit,
    account: Account,
    expires_at: datetime,
    now: datetime,
) -> None:
    if not 0 < len(name.strip()) <= 100:
        raise BadTerms("name")
    if len(networks) > 400:
        raise BadTerms("network", networks[:60])
    if not 0 < per_minute <= 100_000:
        raise BadTerms("limit", str(per_minute))
    if not may_act(account, unit):
        raise BadTerms("account", account.username)
    if not now < expires_at <= now + LONGEST:
        raise BadTerms("expiry", expires_at.isoformat())


def _known_scopes(scopes: Iterable[str]) -> list[str]:
    asked = list(dict.fromkeys(scopes))
    unknown = [scope for scope in asked if scope not in SCOPES]
    if unknown or not asked:
        raise BadTerms("scope", ",".join(unknown)[:60])
    return asked


def _network(text: str) -> str:
    try:
        return str(ip_network(text.strip()))
    except ValueError:
        raise BadTerms("network", text[:60]) from None


def _make(key: ApiKey) -> Issued:
    secret = secrets.token_urlsafe(32)
    key.code = secrets.token_hex(8)
    key.line = key.line or key.code
    key.digest = _digest(secret)
    key.save(force_insert=True)
    return Issued(key, f"{MARK}_{key.code}_{secret}")


def _digest(secret: str) -> str:
    """256 random bits cannot be guessed: a plain digest keeps them, and is quick to compare."""
    return hashlib.sha256(secret.encode()).hexdigest()


@transaction.atomic
def rotate_key(code: str, *, by: str, now: datetime) -> Issued:
    """A new key on the same terms and for as long; the old one ends after OVERLAP at the latest.

    Raises ApiKey.DoesNotExist, also for a key that has ended.
    """
    live = ApiKey.objects.select_for_update().select_related("unit", "account")
    old = live.get(code=code, revoked_at__isnull=True, expires_at__gt=now)
    fresh = _make(
        ApiKey(
            line=old.line, name=old.name, unit=old.unit, account=old.account, scopes=old.scopes,
            networks=old.networks, per_minute=old.per_minute, issued_at=now, issued_by=by,
            expires_at=now + min(old.expires_at - old.issued_at, LONGEST),
        )
    )  # fmt: skip
    old.expires_at = min(old.expires_at, now + OVERLAP)
    old.save(update_fields=["expires_at"])
    facts = {"follows": old.code}
    record_act("rotate_api_key", by=by, now=now, object=f"apikey:{fresh.key.code}", facts=facts)
    return fresh


@transaction.atomic
def revoke_key(code: str, *, by: str, now: datetime) -> ApiKey:
    """End a key at once; done again it changes nothing.  Raises ApiKey.DoesNotExist."""
    key = ApiKey.objects.select_for_update().get(code=code)
    if key.revoked_at is None:
        key.revoked_at, key.revoked_by = now, by
        key.save(update_fields=["revoked_at", "revoked_by"])
        record_act("revoke_api_key", by=by, now=now, object=f"apikey:{key.code}")
    return key


# Letting in ---------------------------------------------------------------------------------------


def let_in(token: str, *, origin: str, now: datetime) -> ApiKey:
    """The key of a token, one request of its limit spent.  Raises BadKey and TooMany.

    The limit is counted by the database, so it holds over any number of processes.  A limit spent
    further ahead than two minutes was spent before the clock was set back, and is whole again.
    """
    key = _find(token)
    at = int(now.timestamp() * 1_000_000)
    step = MINUTE_US // key.per_minute
    began = Value(at, BigIntegerField())
    of_before = Q(ready_at__gt=at + _SET_BACK_US)
    has_room = Q(ready_at__lte=at + MINUTE_US - step) | of_before
    spent = ApiKey.objects.filter(has_room, pk=key.pk).update(
        ready_at=Case(When(of_before, then=began), default=Greatest(F("ready_at"), began)) + step,
        last_used_at=now,
        last_origin=origin[:64],
    )
    if not spent:
        raise TooMany(key, max(0.0, (key.ready_at + step - MINUTE_US - at) / 1_000_000))
    key.ready_at = (at if key.ready_at > at + _SET_BACK_US else max(key.ready_at, at)) + step
    if reason := _why_not(key, origin, now):
        raise BadKey(reason, key)
    return key


def _find(token: str) -> ApiKey:
    mark, _, rest = token.partition("_")
    code, _, secret = rest.partition("_")
    if mark != MARK or not secret or len(token) > 100 or not token.isascii():
        raise BadKey("unknown" if token else "none")
    key = ApiKey.objects.select_related("unit", "account__unit").filter(code=code).first()
    kept = key.digest if key else _digest("")
    if not hmac.compare_digest(kept, _digest(secret)) or key is None:
        raise BadKey("unknown")
    return key


def _why_not(key: ApiKey, origin: str, now: datetime) -> str:
    if key.revoked_at is not None:
        return "revoked"
    if key.expires_at <= now:
        return "expired"
    return "" if _is_from(key.networks, origin) else "network"


def _is_from(networks: str, origin: str) -> bool:
    if not networks:
        return True
    try:
        address = ip_address(origin)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None) or address
    known = (ip_network(text) for text in networks.split(","))
    return any(mapped in network for network in known)


def room_left(key: ApiKey, *, now: datetime) -> tuple[int, int]:
    """Requests that the key may make at once, and seconds until it has its whole limit again."""
    ahead = max(0, key.ready_at - int(now.timestamp() * 1_000_000))
    left = (MINUTE_US - ahead) * key.per_minute // MINUTE_US
    return max(0, left), -(-ahead // 1_000_000)
