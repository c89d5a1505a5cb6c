"""Registering contacts with enterprises, and judging what the rules noticed in them."""

from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction

from liandong.base.audit import record_act
from liandong.base.models import Account, Unit
from liandong.community.models import ConductHint, ContactRecord
from liandong.community.queries.conduct import found_in
from liandong.kernel import catalog
from liandong.kernel.viewer import Viewer


class BadContact(Exception):
    """A contact that cannot be registered: the field that is wrong."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


class NotToJudge(Exception):
    """This hint is judged already, or it is about whoever wants to judge it."""


@dataclass(frozen=True, slots=True)
class Contact:
    """What an official registers; `rule` is a code of catalog/conduct_rules.csv."""

    enterprise: Unit
    kind: str
    day: date
    place: str
    rule: str = ""  # "": the one that the kind goes by
    others: str = ""
    purpose: str = ""
    next_step: str = ""
    replaces: int = 0


def register(said: Contact, official: Account, *, now: datetime) -> ContactRecord:
    """Register a contact of the own account; the rules look at it at once.  Raises BadContact."""
    kind = catalog.by_key("contact_kinds", "code").get(said.kind)
    if kind is None:
        raise BadContact("kind")
    rule = said.rule or kind["rule"]
    if rule not in catalog.by_key("conduct_rules", "code"):
        raise BadContact("rule")
    with transaction.atomic():
        made = ContactRecord.objects.create(
            official=official, enterprise=said.enterprise, kind=said.kind, rule=rule,
            day=said.day, place=said.place[:200], others=said.others[:300],
            purpose=said.purpose[:500], next_step=said.next_step[:500],
            replaces=_replaced(said.replaces, official), at=now, by=official.username,
        )  # fmt: skip
        ConductHint.objects.bulk_create(
            ConductHint(contact=made, code=code, found_at=now) for code in found_in(made)
        )
        record_act(
            "register_contact", by=official.username, now=now, object=f"contact:{made.pk}",
            facts={"enterprise": said.enterprise.code, "kind": said.kind},
        )  # fmt: skip
    return made


def _replaced(number: int, official: Account) -> ContactRecord | None:
    if not number:
        return None
    rows = ContactRecord.objects.filter(pk=number, official=official, replaced_by__isnull=True)
    found = rows.first()
    if found is None:
        raise BadContact("replaces")
    return found


def judge(hint_id: int, verdict: str, reason: str, *, by: Viewer, now: datetime) -> ConductHint:
    """Say what a hint amounts to, with a reason.

    Raises ConductHint.DoesNotExist, ValueError for an unknown verdict or no reason, NotToJudge.
    """
    if not reason.strip():
        raise ValueError("reason")
    choice = ConductHint.Verdict(verdict)
    with transaction.atomic():
        rows = ConductHint.objects.select_for_update(of=("self",))
        hint = rows.select_related("contact__official").get(pk=hint_id)
        if hint.verdict or hint.contact.official.username == by.name:
            raise NotToJudge(str(hint))
        hint.verdict, hint.reason = choice, reason.strip()[:500]
        hint.judged_by, hint.judged_at = by.name, now
        hint.save()
        record_act(
            "judge_hint", by=by.name, now=now, object=f"contact:{hint.contact_id}",
            why=hint.reason, facts={"hint": hint.code, "verdict": hint.verdict},
        )  # fmt: skip
    return hint
