"""A report on conduct: past the unit concerned, with the name of whoever complains sealed."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction

from liandong.base.audit import record_act
from liandong.base.models import Unit
from liandong.base.people.services.throttle import take_turn
from liandong.cases.policies import Bearer
from liandong.cases.services.opening import BadReport, Opened, Report, open_case
from liandong.cases.services.reporting import WINDOW, TooMany
from liandong.cases.services.sealing import contact_of
from liandong.community.models import ConductReport
from liandong.community.policies import may_know_complainant
from liandong.community.queries.conduct import overseers_for
from liandong.kernel.viewer import Viewer

KIND = "conduct_report"


class NotForYou(Exception):
    """This person may not learn who complained."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is complained of; name and phone may be empty."""

    unit: Unit
    text: str
    person: str = ""
    is_secret: bool = True
    name: str = ""
    phone: str = ""
    uuid: UUID | None = None


def complain(said: Complaint, *, origin: str, now: datetime) -> Opened:
    """Open the case at every unit of supervision but the one concerned.

    It is tied to no account, whoever is signed in: who complained is in the sealed contact data
    alone.  Raises TooMany, and BadReport: (overseers, missing) where no other unit could handle it.
    """
    if not take_turn(f"report:{origin}", settings.REPORTS_PER_HOUR, now=now, within=WINDOW):
        raise TooMany(origin)
    form = {"text": said.text, **({"secret": "on"} if said.is_secret else {})}
    contact = {"name": said.name.strip(), "phone": said.phone.strip()}
    report = Report(
        KIND, "web", form, uuid=said.uuid or uuid4(), overseers=overseers_for(said.unit),
        contact={name: text for name, text in contact.items() if text},
    )  # fmt: skip
    with transaction.atomic():
        opened = open_case(report, by=Bearer(), now=now)
        ConductReport.objects.get_or_create(
            case=opened.case, defaults={"unit": said.unit, "person": said.person.strip()[:100]}
        )
    return opened


def reveal(report: ConductReport, reason: str, *, by: Viewer, now: datetime) -> dict[str, str]:
    """Who complained, for a reason that stays in the audit.

    Raises NotForYou, ValueError without a reason, CannotOpen.
    """
    case = report.case
    desk = case.desk_unit.code if case.desk_unit else ""
    if not may_know_complainant(by, desk_unit=desk, lead_unit=case.lead):
        raise NotForYou(by.name)
    if not reason.strip():
        raise ValueError("reason")
    record_act(
        "reveal_complainant", by=by.name, now=now, object=f"case:{case.number}",
        why=reason.strip()[:500],
    )  # fmt: skip
    return contact_of(case)


__all__ = ["BadReport", "Complaint", "NotForYou", "TooMany", "complain", "reveal"]
