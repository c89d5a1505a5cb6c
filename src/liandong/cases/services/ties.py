"""Declaring and ending ties of officials to enterprises."""

from datetime import datetime

from django.db import IntegrityError, transaction

from liandong.base.audit import record_act
from liandong.base.models import Account, Unit
from liandong.cases.models import Tie


class KnownTie(Exception):
    """The same tie is declared already, and lives."""


def declare_tie(account: Account, enterprise: Unit, kind: str, note: str, *, now: datetime) -> Tie:
    """Declare a tie of the own account.  Raises KnownTie, ValueError for an unknown kind."""
    try:
        with transaction.atomic():
            tie = Tie.objects.create(
                account=account, enterprise=enterprise, kind=Tie.Kind(kind), note=note[:300],
                declared_at=now,
            )  # fmt: skip
    except IntegrityError:
        raise KnownTie(enterprise.code) from None
    record_act("declare_tie", by=account.username, now=now, object=f"unit:{enterprise.code}")
    return tie


def end_tie(tie_id: int, *, by: str, now: datetime) -> bool:
    """End a tie of the own account; False when there is none that lives."""
    with transaction.atomic():
        rows = Tie.objects.filter(pk=tie_id, account__username=by, ended_at__isnull=True)
        tie = rows.select_related("enterprise").first()
        if tie is None or not rows.update(ended_at=now):
            return False
        record_act("end_tie", by=by, now=now, object=f"unit:{tie.enterprise.code}")
    return True
