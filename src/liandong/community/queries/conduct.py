"""Contacts that a person may read, hints that wait for a judgement, reports on conduct."""

from datetime import timedelta
from typing import Any

from django.db.models import QuerySet

from liandong.base.access import to_q
from liandong.base.models import Account, Post, Role, Unit
from liandong.cases.models import Case, CaseEvent
from liandong.cases.queries.cases import LOOKUPS as CASE_LOOKUPS
from liandong.cases.queries.situations import case_by_number
from liandong.community.models import ConductHint, ConductReport, ContactRecord
from liandong.community.policies import may_see_contact, may_see_report
from liandong.kernel import catalog
from liandong.kernel.viewer import Viewer

LOOKUPS = {"official_name": "official__username", "firm": "enterprise__code"}
PAGE = 50


def contacts(viewer: Viewer) -> QuerySet[ContactRecord]:
    """Contacts that `viewer` may read, the newest first."""
    rows = ContactRecord.objects.filter(to_q(may_see_contact(viewer), LOOKUPS))
    return rows.select_related("official__unit", "enterprise").prefetch_related("hints")


def contact(number: int, *, viewer: Viewer) -> ContactRecord | None:
    """One contact; None when there is none or it is hidden from this person."""
    return contacts(viewer).filter(pk=number).first()


def waiting_hints(viewer: Viewer) -> QuerySet[ConductHint]:
    """Hints that nobody has judged, of contacts that `viewer` may read."""
    rows = ConductHint.objects.filter(verdict="", contact__in=contacts(viewer))
    return rows.select_related("contact__official", "contact__enterprise")


def found_in(one: ContactRecord) -> list[str]:
    """Codes of what the rules notice in a contact (catalog/conduct_hints.csv)."""
    found = []
    rows = catalog.by_key("conduct_hints", "code")
    if _purposeless(one, int(rows["no_purpose"]["days"])) > int(rows["no_purpose"]["threshold"]):
        found.append("no_purpose")
    if own_cases_of(
        one.official, one.enterprise, since=one.day, days=int(rows["own_case"]["days"])
    ):
        found.append("own_case")
    if one.kind == "meal":
        found.append("meal")
    return found


def _purposeless(one: ContactRecord, days: int) -> int:
    """Contacts of the same two without a purpose within so many days up to this one."""
    same = ContactRecord.objects.filter(official=one.official, enterprise=one.enterprise)
    recent = same.filter(day__gt=one.day - timedelta(days=days), day__lte=one.day, purpose="")
    return recent.filter(replaced_by__isnull=True).count()


def own_cases_of(official: Account, firm: Unit, *, since: Any, days: int) -> int:
    """How many cases of the firm this official has acted on in the days before."""
    acted = CaseEvent.objects.filter(by=official.username, case__enterprise=firm)
    acted = acted.filter(at__date__gt=since - timedelta(days=days)).exclude(role="reporter")
    return acted.values("case").distinct().count()


def overseers_for(about: Unit) -> list[Unit]:
    """Units of supervision that may handle a report about `about`: all but that unit itself."""
    holders = Post.objects.filter(role=Role.DISCIPLINE, account__is_active=True)
    units = Unit.objects.filter(pk__in=holders.values("account__unit"), closed_at__isnull=True)
    return list(units.exclude(pk=about.pk))


def reports(viewer: Viewer) -> QuerySet[ConductReport]:
    """Reports on conduct that `viewer` may see, the newest first."""
    seen = Case.objects.filter(to_q(may_see_report(viewer), CASE_LOOKUPS))
    rows = ConductReport.objects.filter(case__in=seen)
    return rows.select_related("case__lead_unit", "case__desk_unit", "unit")


def report(number: str, *, viewer: Viewer) -> ConductReport | None:
    """The report of this number of a case; None when it is hidden from this person."""
    case = case_by_number(number)
    return reports(viewer).filter(case=case).first() if case else None
