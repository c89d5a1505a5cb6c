"""Who acts in a review, and as what: looked up as it is now, never told by the caller."""

from liandong.archive.models import OpeningReview, UnitSuccession
from liandong.archive.policies import SYSTEM
from liandong.base.models import Account, Unit
from liandong.base.viewers import viewer_of_account
from liandong.kernel.viewer import Viewer

_MOST_STEPS = 20  # of a chain of successions


def actor_of(name: str) -> Viewer:
    """The person with this account name; the system for "system" and "cli", else a stranger."""
    if name in {"system", "cli"}:
        return SYSTEM
    account = Account.objects.filter(username=name).select_related("unit").first()
    return viewer_of_account(account) if account else Viewer()


def roles_in(review: OpeningReview, actor: Viewer, by: str) -> frozenset[str]:
    """The roles of OPENING_FLOW that the actor has in this review.

    The system proposes and lets time run out; it decides nothing.
    """
    if by in {"system", "cli"}:
        return frozenset({"system"})
    roles = actor.roles & {"archivist", "director"}
    if actor.is_clerk and actor.unit and actor.unit == review.asked_unit:
        roles |= {"unit"}
    return roles


def unit_to_ask(code: str) -> str:
    """The unit that answers for the forming or transferring unit: itself or its last successor.

    "" when there is none: then the archive decides alone.
    Source: 档案法实施条例 (2024) art. 30.
    """
    unit = Unit.objects.filter(code=code).first() if code else None
    for _ in range(_MOST_STEPS):
        if unit is None:
            return ""
        followed = UnitSuccession.objects.filter(unit=unit).select_related("successor").first()
        if followed is None:
            return unit.code
        unit = followed.successor
    return ""
