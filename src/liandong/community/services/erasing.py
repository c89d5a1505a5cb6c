"""What a reporter takes back: contact data of the own cases, and the pseudonym itself."""

from datetime import datetime

from django.db import transaction

from liandong.base.audit import record_act
from liandong.cases.models import Case, Pseudonym
from liandong.cases.services.sealing import erase_contact
from liandong.community.models import RedemptionCode
from liandong.community.queries.points import Owner, own_cases


def erase_contacts(owner: Owner, *, now: datetime) -> int:
    """Throw away the contact data of every own case; how many had some."""
    rows = own_cases(owner, limit=10_000)
    having = [one for one in rows if one.contact is not None]
    by = getattr(owner, "username", "")
    for case in having:
        erase_contact(case, by=by, now=now)
    return len(having)


def erase_pseudonym(pseudonym: Pseudonym, *, now: datetime) -> None:
    """Forget a pseudonym: its cases stay without it, its points belong to nobody any more."""
    with transaction.atomic():
        RedemptionCode.objects.filter(account__pseudonym=pseudonym).delete()
        cases = Case.objects.filter(pseudonym=pseudonym).count()
        pseudonym.delete()
        record_act("erase_pseudonym", by="", now=now, facts={"cases": cases})
