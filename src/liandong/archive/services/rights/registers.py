"""The registers of consents (同意) and of impact assessments (影响评估).

Source: 个人信息保护法 (2021) arts. 13-17, 55, 56.
"""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from liandong.archive.models import ConsentRecord, ImpactAssessment, LegalBasis
from liandong.archive.services.opening.people import actor_of
from liandong.archive.services.opening.settling import day_of
from liandong.base.audit import record_act
from liandong.base.models import Account
from liandong.kernel.flows import StepRefused
from liandong.kernel.opening import add_years
from liandong.kernel.person_numbers import normal_number

from .matching import person_digest

KEPT_YEARS = 3  # reports of assessments.  个人信息保护法 (2021) art. 56


class TooEarly(Exception):
    """The assessment is kept until `until` (YYYYMMDD)."""

    def __init__(self, until: int) -> None:
        super().__init__(until)
        self.until = until


class Incomplete(Exception):
    """A field that has to be there is blank: `field`."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


# Consents -----------------------------------------------------------------------------------------


@transaction.atomic
def give_consent(
    *,
    name: str,
    purpose: str,
    basis: str,
    kinds: str,
    notice: str,
    by: str,
    now: datetime,
    account: Account | None = None,
    paper: str = "",
    number: str = "",
) -> ConsentRecord:
    """Register one consent to one purpose.  `number` is digested and forgotten.

    Raises Incomplete and StepRefused (not the desk, and not for oneself).
    """
    given = {"name": name, "purpose": purpose, "kinds": kinds, "notice": notice}
    _refuse_blank(given)
    if basis not in LegalBasis.values:
        raise Incomplete("basis")
    own = account is not None and account.username == by
    if not own and not actor_of(by).is_archivist:
        raise StepRefused("give_consent", "wrong-role")
    made = ConsentRecord.objects.create(
        account=account,
        basis=basis,
        last_four=normal_number(paper, number)[-4:],
        digest=person_digest(paper, number),
        given_at=now,
        given_by=by,
        **_cut(given, ConsentRecord),
    )
    record_act("give_consent", by=by, now=now, object=f"consent:{made.pk}", facts={"basis": basis})
    return made


@transaction.atomic
def withdraw_consent(consent_id: int, *, by: str, now: datetime) -> ConsentRecord:
    """Withdraw a consent: one click, as it was given; a second time changes nothing.

    Raises ConsentRecord.DoesNotExist, also for whoever it is none of.
    """
    consent = ConsentRecord.objects.select_for_update(of=("self",)).get(pk=consent_id)
    own = consent.account is not None and consent.account.username == by
    if not own and not actor_of(by).is_archivist:
        raise ConsentRecord.DoesNotExist
    if consent.withdrawn_at is None:
        consent.withdrawn_at, consent.withdrawn_by = now, by
        consent.save(update_fields=["withdrawn_at", "withdrawn_by"])
        record_act("withdraw_consent", by=by, now=now, object=f"consent:{consent.pk}")
    return consent


# Impact assessments -------------------------------------------------------------------------------

_ASSESSED = ("title", "purpose", "kinds", "risks", "measures", "conclusion")


@transaction.atomic
def assess(
    said: Mapping[str, str],
    *,
    by: str,
    now: datetime,
    replaces: ImpactAssessment | None = None,
) -> ImpactAssessment:
    """Register an impact assessment; what changes later is another one that replaces it.

    Raises Incomplete and StepRefused.
    """
    if not (actor_of(by).is_archivist or actor_of(by).is_director):
        raise StepRefused("assess", "wrong-role")
    given = {name: said.get(name, "") for name in _ASSESSED}
    _refuse_blank(given)
    year = day_of(now) // 10_000
    last = ImpactAssessment.objects.filter(number__startswith=f"PG{year}-").order_by("-pk").first()
    made = ImpactAssessment.objects.create(
        number=f"PG{year}-{int(last.number.split('-')[1]) + 1 if last else 1:03d}",
        replaces=replaces,
        at=now,
        by=by,
        **_cut(given, ImpactAssessment),
    )
    record_act("assess_impact", by=by, now=now, object=f"assessment:{made.number}")
    return made


@transaction.atomic
def approve(assessment_id: int, *, by: str, now: datetime) -> ImpactAssessment:
    """A director other than the writer approves it.  Raises StepRefused."""
    row = ImpactAssessment.objects.select_for_update(of=("self",)).get(pk=assessment_id)
    if row.approved_at is not None:
        raise StepRefused("approve", "wrong-state")
    if not actor_of(by).is_director:
        raise StepRefused("approve", "wrong-role")
    if row.by == by:
        raise StepRefused("approve", "same-person")
    row.approved_at, row.approved_by = now, by
    row.save(update_fields=["approved_at", "approved_by"])
    record_act("approve_assessment", by=by, now=now, object=f"assessment:{row.number}")
    return row


def kept_until(assessment: ImpactAssessment) -> int:
    """The day (YYYYMMDD) from which an assessment may be removed."""
    last = max(assessment.at, assessment.approved_at or assessment.at)
    return add_years(day_of(last), KEPT_YEARS)


@transaction.atomic
def remove_assessment(assessment_id: int, *, by: str, now: datetime) -> str:
    """Remove an assessment that is older than three years; its number.

    Raises TooEarly, StepRefused, and ProtectedError when another one replaces it.
    """
    row = ImpactAssessment.objects.select_for_update(of=("self",)).get(pk=assessment_id)
    if not actor_of(by).is_director:
        raise StepRefused("remove_assessment", "wrong-role")
    if day_of(now) < kept_until(row):
        raise TooEarly(kept_until(row))
    row.delete()
    record_act("remove_assessment", by=by, now=now, object=f"assessment:{row.number}")
    return row.number


def _refuse_blank(given: Mapping[str, str]) -> None:
    for name, text in given.items():
        if not text.replace("\0", "").strip():
            raise Incomplete(name)


def _cut(given: Mapping[str, str], model: type) -> dict[str, str]:
    """Texts without NUL, as long as their columns."""
    longest = {field.name: field.max_length for field in model._meta.fields}  # type: ignore[attr-defined]
    return {name: text.replace("\0", "").strip()[: longest[name]] for name, text in given.items()}
