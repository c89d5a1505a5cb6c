"""Opening what is sealed of a case, for a reason that stays: contact data, photos as sent.

The audit row is written first: what cannot be noted is not shown.
Source: 个人信息保护法 arts. 6, 51 (a purpose, the least needed, a log).
"""

from datetime import datetime
from typing import Final

from liandong.base.audit import record_act
from liandong.cases.models import Case, Evidence

from .photos import original_of
from .sealing import contact_of

SHORTEST: Final = 4  # characters of a reason
LONGEST: Final = 200


class NoReason(Exception):
    """No reason, or none that says something; nothing was opened."""


def open_contact(case: Case, *, why: str, by: str, now: datetime) -> dict[str, str]:
    """The contact data, noted with its reason; empty when there is none or it was erased.

    Raises NoReason and CannotOpen.
    """
    _note("see_contact", f"case:{case.number}", why, by=by, now=now)
    return contact_of(case)


def open_original(one: Evidence, *, why: str, by: str, now: datetime) -> bytes:
    """A photo as it was sent, noted with its reason.

    Raises NoReason, FileNotFoundError for one that was erased, and CannotOpen.
    """
    _note("see_original", f"case:{one.case.number}", why, by=by, now=now, photo=str(one.uuid))
    return original_of(one)


def _note(
    act: str, thing: str, why: str, *, by: str, now: datetime, photo: str = ""
) -> None:  # fmt: skip
    reason = why.strip()[:LONGEST]
    if len(reason) < SHORTEST:
        raise NoReason
    record_act(
        act, by=by, now=now, object=thing, why=reason, facts={"photo": photo} if photo else None
    )
