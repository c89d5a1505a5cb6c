"""Second factors: who must have one, who has which, and taking them away for a person."""

from datetime import datetime

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db import transaction

from liandong.base.audit import record_act
from liandong.base.models import Account, Role

from .sessions import end_sessions

STRONG = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)  # recovery codes stand in for them
_STAFF = (Role.ARCHIVIST, Role.DIRECTOR)


def must_have_factor(account: Account) -> bool:
    """Whether SECOND_FACTOR asks a second factor of this account.

    Source: GB/T 22239-2019 8.1.4.1 d.
    """
    if settings.SECOND_FACTOR == "":
        return False
    if account.officer:
        return True
    return settings.SECOND_FACTOR == "staff" and account.posts.filter(role__in=_STAFF).exists()


def has_factor(account: Account) -> bool:
    """Whether a second factor will be asked at sign-in."""
    return bool(Authenticator.objects.filter(user=account, type__in=STRONG).exists())


def may_lose(factor: Authenticator) -> bool:
    """Whether this factor may be removed: not the last one of whoever must have one."""
    owner: Account = factor.user
    others = Authenticator.objects.filter(user=owner, type__in=STRONG).exclude(pk=factor.pk)
    return not must_have_factor(owner) or others.exists()


@transaction.atomic
def reset_factors(account: Account, *, by: str, now: datetime) -> int:
    """Remove every factor and code of an account and end its sessions; how many there were."""
    removed: int = Authenticator.objects.filter(user=account).delete()[0]
    end_sessions(account)
    record_act(
        "reset_factors", by=by, now=now, object=f"account:{account.username}",
        facts={"factors": removed},
    )  # fmt: skip
    return removed
