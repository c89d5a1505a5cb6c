"""Demonstration of stations, points and conduct.  Everything in it is invented."""

from datetime import datetime, time, timedelta
from uuid import UUID, uuid5

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.utils import timezone

from liandong.base.models import Account, Role, Unit
from liandong.base.people.services.bootstrap import keep_demo_account
from liandong.cases.models import Case, Pseudonym, Tie
from liandong.cases.services.ties import declare_tie
from liandong.community.models import ContactRecord, Station
from liandong.community.services.complaining import Complaint, complain
from liandong.community.services.contacts import Contact, register
from liandong.community.services.crediting import settle_due
from liandong.community.services.stations import count_visit, keep_station

from .server import DEMO_PASSWORD

RIDER = "风里来"  # opens /me/reports/ with the password of the demonstration
_SPACE = UUID("5d1f6f0e-3a39-4f0c-9a55-0a4c6e1d0002")
_UNITS = (
    ("SFJW", "示范市纪检监察组"), ("SFPZ", "示范市派驻纪检组"), ("SFSQ1", "示范街道第一社区"),
)  # fmt: skip
_PEOPLE = (
    ("station", "驿站人员（演示）", "SFSQ1", Role.STATION, 1),
    ("discipline", "纪检监察员（演示）", "SFJW", Role.DISCIPLINE, 2),
    ("discipline2", "派驻组纪检监察员（演示）", "SFPZ", Role.DISCIPLINE, 2),
)
_STATIONS = (
    (
        "huanghe-5", "黄河五路暖新驿站", "黄河五路渤海七路东北角", (37.3815, 118.0131), True,
        ["climate", "microwave", "water", "power", "seating", "first_aid", "charging", "toilet"],
    ),
    (
        "changjiang-1", "长江一路驿站", "长江一路公交站旁", (37.3729, 118.0176), False,
        ["water", "seating", "charging", "wifi", "reading"],
    ),
)  # fmt: skip


def load_community(first_case: UUID, now: datetime) -> None:
    """People, stations, the pseudonym of an inspected case with its points, registers."""
    _people(now)
    _stations(now)
    _points(first_case, now)
    _conduct(now)


@transaction.atomic
def _people(now: datetime) -> None:
    for code, name in _UNITS:
        Unit.objects.get_or_create(code=code, defaults={"name": name})
    for name, full_name, code, role, clearance in _PEOPLE:
        keep_demo_account(
            name, full_name=full_name, password=DEMO_PASSWORD, now=now, role=role,
            unit=Unit.objects.get(code=code), clearance=clearance,
        )  # fmt: skip


def _stations(now: datetime) -> None:
    operator = Unit.objects.get(code="SFSQ1")
    for code, name, address, (lat, lon), is_24h, facilities in _STATIONS:
        if Station.objects.filter(code=code).exists():
            continue
        facts = {
            "name": name, "address": address, "lat": lat, "lon": lon, "is_24h": is_24h,
            "opens_at": None if is_24h else time(7), "closes_at": None if is_24h else time(21),
            "seats": 12, "facilities": facilities,
        }  # fmt: skip
        made = keep_station(facts, code=code, operator=operator, by="station", now=now)
        count_visit(made, now=now)


def _points(first_case: UUID, now: datetime) -> None:
    rider, _ = Pseudonym.objects.get_or_create(
        name=RIDER, defaults={"code_hash": make_password(DEMO_PASSWORD), "made_at": now}
    )
    Case.objects.filter(uuid=first_case, pseudonym__isnull=True).update(pseudonym=rider)
    settle_due(now=now)


def _conduct(now: datetime) -> None:
    firm, today = Unit.objects.get(code="SFQY1"), timezone.localdate(now)
    handler = Account.objects.get(username="handler")
    if not ContactRecord.objects.exists():
        register(
            Contact(firm, "visit", today - timedelta(days=3), "厂区门口", others="社区网格员",
                    purpose="雨水管网不畅，现场看积水点", next_step="会同水务局定方案"),
            handler, now=now,
        )  # fmt: skip
        register(
            Contact(firm, "meal", today - timedelta(days=2), "机关食堂", purpose="方案会后用餐"),
            Account.objects.get(username="leader"), now=now,
        )  # fmt: skip
    if not Tie.objects.exists():
        declare_tie(Account.objects.get(username="desk2"), firm, "former", "", now=now)
    uuid = uuid5(_SPACE, "complaint")
    if not Case.objects.filter(uuid=uuid).exists():
        said = Complaint(
            Unit.objects.get(code="SFSWJ"), "同一份材料让企业跑了五趟，每趟要的都不一样。",
            person="窗口人员", name="举报人（演示）", phone="0543-5550001", uuid=uuid,
        )  # fmt: skip
        complain(said, origin="demo", now=now)
