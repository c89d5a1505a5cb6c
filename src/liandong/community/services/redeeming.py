"""Redemption at a station: a code that is shown once, goods, a receipt."""

import secrets
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.crypto import salted_hmac

from liandong.base.audit import record_act
from liandong.base.people.services.throttle import give_back, take_turn
from liandong.community.models import PointsAccount, PointsPosting, RedemptionCode, Station
from liandong.kernel import catalog

from .posting import TooFewPoints, post

LIVES: Final = timedelta(minutes=10)
DIGITS: Final = 6
REDEEMED = PointsAccount.House.REDEEMED.value
__all__ = ["BadCode", "TooFewPoints", "TooManyTries", "UnknownGoods", "make_code", "redeem"]


class BadCode(Exception):
    """No account shows this code now: wrong, used, or too old."""


class TooManyTries(Exception):
    """This member of staff has typed too many wrong codes; nothing was looked up."""


class UnknownGoods(Exception):
    """No such goods in catalog/points_goods.csv."""


def make_code(account: PointsAccount, *, now: datetime) -> str:
    """A fresh code of six digits for ten minutes; the one before it ends."""
    for _attempt in range(20):
        code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}d}"
        RedemptionCode.objects.filter(until__lte=now).delete()
        try:
            with transaction.atomic():
                RedemptionCode.objects.update_or_create(
                    account=account, defaults={"digest": _digest(code), "until": now + LIVES}
                )
        except IntegrityError:
            continue  # another account shows the same digits
        return code
    raise RuntimeError("no free code")


def _digest(code: str) -> str:
    return salted_hmac("liandong.points", code, algorithm="sha256").hexdigest()


def redeem(code: str, goods: str, station: Station, *, by: str, now: datetime) -> PointsPosting:
    """Take the points of whoever shows the code; the posting, whose number is on the receipt.

    The code is spent with it, and is not where nothing was taken.  Raises TooManyTries, BadCode,
    TooFewPoints and UnknownGoods.
    """
    price = catalog.by_key("points_goods", "code").get(goods)
    if price is None:
        raise UnknownGoods(goods)
    key = f"redeem:{by}"[:80]
    if not take_turn(key, settings.LOCK_FAILURES, now=now):
        raise TooManyTries(by)
    with transaction.atomic():
        shown = RedemptionCode.objects.filter(digest=_digest(code.strip()), until__gt=now)
        found = shown.select_related("account").first()
        # Deleting waits for whoever redeems the same code now, and then finds nothing.
        if found is None or not RedemptionCode.objects.filter(pk=found.pk).delete()[0]:
            raise BadCode
        posting = post(
            found.account, -int(price["points"]), house=REDEEMED, at=now,
            act=PointsPosting.Act.REDEEM, why="redeemed", goods=goods, station=station, by=by,
        )  # fmt: skip
        record_act(
            "redeem_points", by=by, now=now, object=f"station:{station.code}",
            facts={"receipt": posting.receipt, "goods": goods, "points": posting.points},
        )  # fmt: skip
    give_back(key)
    return posting
