"""What an archive settles for itself: closed periods of a fonds, and who succeeds a unit."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from liandong.archive.models import Fonds, OpeningPeriod, UnitSuccession
from liandong.archive.services.due import set_due_anew
from liandong.archive.services.holdings import keep_in_store
from liandong.base.audit import record_act
from liandong.base.models import Unit

MOST_YEARS = 200


class BadPeriod(Exception):
    """A period that cannot stand: `reason` is no-basis, no-years or no-class."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class BadSuccession(Exception):
    """A unit cannot be followed by itself, over however many steps."""


@transaction.atomic
def set_periods(fonds: Fonds, periods: Sequence[OpeningPeriod], *, by: str, now: datetime) -> int:
    """Replace the periods of a fonds, unsaved rows in their order; how many records move.

    Writes them into the object of the fonds too.  Raises BadPeriod; then nothing is changed.
    """
    for at, period in enumerate(periods):
        _refuse(period)
        period.fonds, period.order = fonds, at
    fonds.opening_periods.all().delete()
    OpeningPeriod.objects.bulk_create(periods)
    moved = set_due_anew(fonds)
    keep_in_store(fonds, by=by, now=now)
    record_act(
        "change_opening_periods", by=by, now=now, object=f"fonds:{fonds.number}",
        facts={"periods": len(periods), "moved": moved},
    )  # fmt: skip
    return moved


def _refuse(period: OpeningPeriod) -> None:
    if not period.basis.strip():
        raise BadPeriod("no-basis")
    if not 0 <= period.years <= MOST_YEARS:
        raise BadPeriod("no-years")
    if not period.category and not period.words.strip("| "):
        raise BadPeriod("no-class")


@transaction.atomic
def set_succession(
    unit: Unit, successor: Unit | None, basis: str, *, by: str, now: datetime
) -> UnitSuccession:
    """Say who answers for a unit that is no more, or that nobody does.

    Raises BadSuccession for a circle and without a basis.
    """
    if not basis.strip() or _comes_back(unit, successor):
        raise BadSuccession
    facts = {"successor": successor, "basis": basis.strip()[:200], "at": now, "by": by}
    row, _ = UnitSuccession.objects.update_or_create(unit=unit, defaults=facts)
    record_act(
        "change_succession", by=by, now=now, object=f"unit:{unit.code}", why=basis,
        facts={"successor": successor.code if successor else ""},
    )  # fmt: skip
    return row


def _comes_back(unit: Unit, successor: Unit | None) -> bool:
    followed = dict(UnitSuccession.objects.values_list("unit", "successor"))
    seen, at = {unit.pk}, successor.pk if successor else None
    while at is not None:
        if at in seen:
            return True
        seen.add(at)
        at = followed.get(at)
    return False
