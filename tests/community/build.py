"""Builders for tests of the room: reporters, a station and its staff, supervision."""

from datetime import timedelta
from typing import Any

from tests.cases.build import (
    NOW,
    TO_INSPECTING,
    cell,
    drive,
    opened,
    people,
    step,
    unit_of,
)

from liandong.base.models import Account, Role
from liandong.cases.models import Case, Pseudonym
from liandong.community.models import PointsAccount, Station
from liandong.community.queries.points import Owner, account_of
from liandong.community.services.crediting import settle_due
from liandong.community.services.stations import keep_station

LATER = NOW + timedelta(hours=2)
INSPECTED = (*TO_INSPECTING, ("pass", "inspector"))
REOPENED = (("dispute", "requester"), ("accept_reopen", "desk2"))
AGAIN = (("sign_in", "city"), ("hand_in", "city"), ("pass", "inspector"))
MORE_PEOPLE = {
    "keeper": (Role.STATION, "YZ"),
    "other-keeper": (Role.STATION, "YZ2"),
    "leader-of-firm": (Role.ENTERPRISE, "QY002"),
}


def everybody() -> dict[str, Account]:
    """The people of the cases, and those of this room."""
    made = people(MORE_PEOPLE)
    cell()
    return made


def rider(name: str = "风里来") -> Pseudonym:
    return Pseudonym.objects.get_or_create(name=name, defaults={"code_hash": "x", "made_at": NOW})[
        0
    ]


def reported(by: Owner | None, **changes: Any) -> Case:
    """A report of somebody, with its place and without a photo: worth 10 × 110 % = 11."""
    case = opened(**changes).case
    field = "requester" if isinstance(by, Account) else "pseudonym"
    if by is not None:
        Case.objects.filter(pk=case.pk).update(**{field: by})
    return Case.objects.get(pk=case.pk)


def inspected(by: Owner | None, **changes: Any) -> Case:
    return drive(reported(by, **changes), INSPECTED)


def settled() -> int:
    return settle_due(now=LATER)


def account(owner: Owner) -> PointsAccount:
    found = account_of(owner)
    assert found is not None
    return found


def balance(owner: Owner) -> int:
    found = account_of(owner)
    return found.balance if found else 0


def merged(case: Case, parent: Case) -> Case:
    return step(case, "merge", "desk", parent=parent.number)


def station(code: str = "yz-1", unit: str = "YZ", **changes: Any) -> Station:
    facts: dict[str, Any] = {
        "name": "黄河路驿站", "address": "黄河五路 1 号", "lat": 37.05, "lon": 118.05,
        "is_24h": True, "facilities": ["water", "charging", "seating"], **changes,
    }  # fmt: skip
    return keep_station(facts, code=code, operator=unit_of(unit), by="keeper", now=NOW)
