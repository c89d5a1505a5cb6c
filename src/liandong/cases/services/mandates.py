"""Giving and taking back a mandate (委托书): the enterprise's own act, in force at once."""

from datetime import date, datetime

from django.db import transaction
from django.utils import timezone

from liandong.base.audit import record_act
from liandong.base.models import Unit, UnitKind
from liandong.cases.models import Mandate
from liandong.cases.models.mandates import ALL
from liandong.kernel.casework import kinds

PORTAL_CHANNEL = "portal"


class BadMandate(Exception):
    """A mandate that cannot be given: faults as (field, code); nothing was kept."""

    def __init__(self, faults: list[tuple[str, str]]) -> None:
        super().__init__(faults)
        self.faults = faults


def mandate_scopes() -> list[str]:
    """What a mandate may be for: everything, or one kind that enterprises raise in the portal."""
    rows = kinds().values()
    return [ALL, *(one.code for one in rows if PORTAL_CHANNEL in one.channels)]


@transaction.atomic
def give_mandate(
    enterprise: Unit, chamber: Unit | None, *, scope: str, valid_from: date | None,
    valid_until: date | None, by: str, now: datetime,
) -> Mandate:  # fmt: skip
    """Let a chamber raise and follow what the enterprise has.  Raises BadMandate."""
    faults = []
    if chamber is None or chamber.kind != UnitKind.CHAMBER or chamber.closed_at:
        faults.append(("chamber", "unknown"))
    if scope not in mandate_scopes():
        faults.append(("scope", "unknown"))
    if valid_from is None:
        faults.append(("valid_from", "missing"))
    if valid_until is None:
        faults.append(("valid_until", "missing"))
    elif valid_from is not None and valid_until < max(valid_from, timezone.localdate(now)):
        faults.append(("valid_until", "past"))
    if faults or chamber is None or valid_from is None or valid_until is None:
        raise BadMandate(faults)
    mandate = Mandate.objects.create(
        enterprise=enterprise, chamber=chamber, scope=scope, valid_from=valid_from,
        valid_until=valid_until, given_at=now, given_by=by,
    )  # fmt: skip
    _note("give_mandate", mandate, by=by, now=now)
    return mandate


@transaction.atomic
def withdraw_mandate(mandate_id: int, *, by: str, now: datetime) -> Mandate:
    """End a mandate this moment; one that was withdrawn stays as it is."""
    rows = Mandate.objects.select_for_update(of=("self",)).select_related("enterprise", "chamber")
    mandate = rows.get(pk=mandate_id)
    if mandate.withdrawn_at is None:
        mandate.withdrawn_at, mandate.withdrawn_by = now, by
        mandate.save(update_fields=["withdrawn_at", "withdrawn_by"])
        _note("withdraw_mandate", mandate, by=by, now=now)
    return mandate


def _note(act: str, mandate: Mandate, *, by: str, now: datetime) -> None:
    facts = {
        "enterprise": mandate.enterprise.code, "chamber": mandate.chamber.code,
        "scope": mandate.scope, "from": str(mandate.valid_from), "until": str(mandate.valid_until),
    }  # fmt: skip
    record_act(act, by=by, now=now, object=f"mandate:{mandate.pk}", facts=facts)
