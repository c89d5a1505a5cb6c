"""Demonstration of enterprises: demands, a mandate, visits and a plan.  All is invented."""

from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID, uuid5

from django.utils import timezone

from liandong.base.models import Account, Unit, UnitKind
from liandong.base.viewers import viewer_of_account
from liandong.cases.models import Case, Mandate, VisitPlan
from liandong.cases.policies import Bearer
from liandong.cases.services.mandates import give_mandate
from liandong.cases.services.opening import Report, open_case
from liandong.cases.services.visits import (
    Noted,
    open_from_item,
    plan_visits,
    record_visit,
    settle_item,
)

FIRM: Final = "SFQY1"
CHAMBER: Final = "SFSH1"
ENTERPRISES: Final = (
    (FIRM, "示范食品有限公司", UnitKind.ENTERPRISE),
    ("SFQY2", "示范纺织有限公司", UnitKind.ENTERPRISE),
    (CHAMBER, "示范市工商业联合会", UnitKind.CHAMBER),
)
_SPACE: Final = UUID("5d1f6f0e-3a39-4f0c-9a55-0a4c6e1d0002")  # of the uuids of this demonstration
_VISITOR: Final = "handler"
_CONTACT: Final = {"contact_person": "企业经办人（演示）", "contact_phone": "0543-5550000"}
_DEMANDS: Final = (  # by whom, title, words
    ("firm", "厂区外雨水管网不畅", "每逢大雨厂门口积水三十厘米，货车进不来。"),
    ("chamber", "冷库用电容量不足", "变压器容量不够，第二座冷库一直不能开机。"),
)
_VISITS: Final = (  # days ago, enterprise, needs, employee needs, note
    (
        20,
        FIRM,
        ("厂门口道路坑洼，货车颠簸。", "希望了解技改补贴政策。"),
        (),
        "生产正常，订单饱满。",
    ),
    (6, "SFQY2", ("印染废水处理费用高。",), ("夜班回家没有公交。",), "正在试运行新生产线。"),
)


def load_enterprises(now: datetime) -> None:
    """Mandate, demands, visits and a plan; nothing that is there is made again."""
    today = timezone.localdate(now)
    _mandate(today, now)
    for number, (name, title, words) in enumerate(_DEMANDS):
        uuid = uuid5(_SPACE, f"demand {number}")
        if not Case.objects.filter(uuid=uuid).exists():
            _demand(uuid, name, title, words, now)
    for number, (ago, code, needs, employee_needs, note) in enumerate(_VISITS):
        noted = Noted(
            uuid5(_SPACE, f"visit {number}"), code, today - timedelta(days=ago), note=note,
            needs=needs, employee_needs=employee_needs,
        )  # fmt: skip
        visit = record_visit(noted, by=_by(_VISITOR), now=now)
        first, *others = visit.items.all()
        open_from_item(
            first.pk, "visit_followup", {"title": first.text[:20]}, by=_by(_VISITOR), now=now
        )
        for item in others[:1]:
            settle_item(item.pk, "information", by=_VISITOR, now=now)
    if not VisitPlan.objects.exists():
        starts_on = today - timedelta(days=30)
        plan_visits(
            [FIRM, "SFQY2"], starts_on=starts_on, ends_on=today + timedelta(days=30),
            by=_by("handler2"), now=now,
        )  # fmt: skip
        plan_visits(
            [FIRM], starts_on=starts_on, ends_on=today + timedelta(days=30), by=_by(_VISITOR),
            now=now,
        )  # fmt: skip


def _by(name: str) -> Bearer:
    return Bearer(viewer_of_account(Account.objects.get(username=name)))


def _mandate(today: date, now: datetime) -> None:
    firm, chamber = Unit.objects.get(code=FIRM), Unit.objects.get(code=CHAMBER)
    if not Mandate.objects.filter(enterprise=firm, chamber=chamber).exists():
        give_mandate(
            firm, chamber, scope="enterprise_demand", valid_from=today,
            valid_until=today + timedelta(days=365), by="firm", now=now,
        )  # fmt: skip


def _demand(uuid: UUID, name: str, title: str, words: str, now: datetime) -> None:
    account = Account.objects.get(username=name)
    firm = Unit.objects.get(code=FIRM)
    report = Report(
        "enterprise_demand", "portal", {"title": title, "text": words, **_CONTACT}, uuid=uuid,
        requester=account if account.unit == firm else None, enterprise=firm,
    )  # fmt: skip
    open_case(report, by=_by(name), now=now)
