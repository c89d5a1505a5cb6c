"""Who is told of what: people by role and unit in the case, as catalog/case_notices.csv says."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from django.db.models import Q, QuerySet

from liandong.base.models import Account, Role
from liandong.base.viewers import may, viewer_of_account
from liandong.cases.models import Case
from liandong.cases.policies import may_see

NONE: Final = Q(pk__in=[])
OWNERS: Final[Mapping[str, str]] = {  # of a clock, where the word of the table is another
    "grid_worker": "verifier", "assisting_unit": "asked_unit", "approver": "leader",
}  # fmt: skip


def addressees(case: Case, who: Iterable[str], facts: Mapping[str, Any]) -> list[Account]:
    """Open accounts that these words of the table mean here and that may see the case."""
    asked = NONE
    for word in who:
        asked |= _PEOPLE[word](case, facts)
    rows: QuerySet[Account] = Account.objects.filter(
        asked, is_active=True, locked_at__isnull=True, officer=""
    )
    people = rows.select_related("unit").distinct().order_by("pk")
    return [one for one in people if may(may_see(viewer_of_account(one)), case)]


def reporters(case: Case) -> list[Account]:
    """The accounts of whoever raised it: the person, or those of the enterprise."""
    return addressees(case, ["reporter"], {})


def _role(role: Role, *where: Q) -> Q:
    return Q(posts__role=role.value) & Q(*where)


def _desk(case: Case, _facts: Mapping[str, Any]) -> Q:
    return _role(Role.DESK, *([Q(unit=case.desk_unit)] if case.desk_unit else []))


def _other_desk(case: Case, _facts: Mapping[str, Any]) -> Q:
    return _role(Role.DESK, Q(unit__isnull=False), ~Q(unit=case.desk_unit))


def _verifier(case: Case, _facts: Mapping[str, Any]) -> Q:
    verifier = case.kind_of.verifier
    if verifier != Role.GRID_WORKER:
        return Q(posts__role=verifier) if verifier else NONE
    if case.grid is None:
        return _role(Role.GRID_WORKER)
    if case.grid.worker is not None:
        return Q(pk=case.grid.worker.pk)
    return _role(Role.GRID_WORKER, Q(unit=case.grid.unit))


def _lead(case: Case, _facts: Mapping[str, Any]) -> Q:
    return _role(Role.HANDLER, Q(unit=case.lead_unit)) if case.lead_unit else NONE


def _unit_leader(case: Case, _facts: Mapping[str, Any]) -> Q:
    return _role(Role.LEADER, Q(unit=case.lead_unit)) if case.lead_unit else NONE


def _asked(_case: Case, facts: Mapping[str, Any]) -> Q:
    return _role(Role.HANDLER, Q(unit__code=str(facts.get("unit", ""))))


def _inspector(case: Case, _facts: Mapping[str, Any]) -> Q:
    worked = [case.lead, *case.units]
    return _role(Role.INSPECTOR, Q(unit__isnull=False), ~Q(unit__code__in=worked))


def _leader(case: Case, _facts: Mapping[str, Any]) -> Q:
    """Those who have raised an escalation, and every leader where the system has."""
    raisers = set(case.escalations.values_list("raised_by", flat=True))
    people = Q(username__in=raisers - {"system"})
    return people if raisers and "system" not in raisers else people | _role(Role.LEADER)


def _asker(case: Case, facts: Mapping[str, Any]) -> Q:
    """Whoever has asked the question that was answered: by the state to which it went back."""
    back = {"submitted": _desk, "verifying": _verifier, "in_progress": _lead}
    return back.get(str(facts.get("after", "")), _desk)(case, facts)


def _reporter(case: Case, _facts: Mapping[str, Any]) -> Q:
    person = Q(pk=case.requester.pk) if case.requester else NONE
    if case.enterprise is None:
        return person
    return person | _role(Role.ENTERPRISE, Q(unit=case.enterprise))


_PEOPLE: Final[Mapping[str, Callable[[Case, Mapping[str, Any]], Q]]] = {
    "desk": _desk,
    "desk_other_unit": _other_desk,
    "verifier": _verifier,
    "dispatcher": lambda _case, _facts: _role(Role.DISPATCHER),
    "lead_unit": _lead,
    "unit_leader": _unit_leader,
    "asked_unit": _asked,
    "inspector": _inspector,
    "leader": _leader,
    "asker": _asker,
    "reporter": _reporter,
}
