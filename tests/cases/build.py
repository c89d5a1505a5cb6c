"""Builders for tests of cases: people of all roles, units, a report, and a driver of its way."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any
from uuid import UUID, uuid4

from django.test import Client
from tests.people import seat

from liandong.base.models import Account, Role, Unit, UnitKind
from liandong.base.viewers import viewer_of_account
from liandong.cases.models import Case, Evidence, GridCell
from liandong.cases.policies import Bearer
from liandong.cases.services.opening import Opened, Report, open_case
from liandong.cases.services.stepping import SYSTEM_BEARER, Given, take_step
from liandong.kernel.casework import Kind, kinds

NOW = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)  # Wednesday, 10:00 in Shanghai
DAY = timedelta(days=1)
CENTRE, CITY, WATER, ROADS, OTHER_DESK = "ZHZX", "CGJ", "SWJ", "JTJ", "DCS"
FIRM, OTHER_FIRM, CHAMBER = "QY001", "QY002", "SH001"
FIRM = "QY001"
SUPERVISION = ("JW", "PZ", "XC")
PEOPLE: Mapping[str, tuple[Role, str]] = {
    "desk": (Role.DESK, CENTRE),
    "desk2": (Role.DESK, OTHER_DESK),
    "dispatcher": (Role.DISPATCHER, CENTRE),
    "grid": (Role.GRID_WORKER, "SQ01"),
    "city": (Role.HANDLER, CITY),
    "water": (Role.HANDLER, WATER),
    "roads": (Role.HANDLER, ROADS),
    "inspector": (Role.INSPECTOR, CENTRE),
    "city-inspector": (Role.INSPECTOR, CITY),  # of the unit that handles: may not
    "inspector2": (Role.INSPECTOR, OTHER_DESK),
    "leader": (Role.LEADER, CENTRE),
    "ledger": (Role.LEDGER, CENTRE),
    "firm": (Role.ENTERPRISE, FIRM),
    "other-firm": (Role.ENTERPRISE, OTHER_FIRM),
    "chamber": (Role.CHAMBER, CHAMBER),
    "citizen": (Role.READER, ""),
    "discipline": (Role.DISCIPLINE, "JW"),
    "discipline2": (Role.DISCIPLINE, "PZ"),
    "discipline3": (Role.DISCIPLINE, "XC"),
    "case-clerk": (Role.CLERK, CENTRE),
    "case-archivist": (Role.ARCHIVIST, CENTRE),
}


def people(more: Mapping[str, tuple[Role, str]] = MappingProxyType({})) -> dict[str, Account]:
    """Everybody, each with one post in a unit, and some more where they are named."""
    rows = {name: (role, code, 2) for name, (role, code) in {**PEOPLE, **more}.items()}
    return seat(rows, {code: _unit(code) for _, code, _ in rows.values() if code})


def _unit(code: str) -> Unit:
    kind = {"QY": UnitKind.ENTERPRISE, "SH": UnitKind.CHAMBER}.get(code[:2], UnitKind.DEPARTMENT)
    return Unit(code=code, name=f"{code}单位", kind=kind)


def unit_of(code: str) -> Unit:
    made = _unit(code)
    return Unit.objects.get_or_create(code=code, defaults={"name": made.name, "kind": made.kind})[0]


def bearer(name: str) -> Bearer:
    """The person as someone who acts; "requester" holds the token, "system" is the system."""
    if name == "system":
        return SYSTEM_BEARER
    if name == "requester":
        return Bearer(holds_token=True)
    return Bearer(viewer_of_account(Account.objects.get(username=name)))


def client(name: str) -> Client:
    made = Client()
    made.force_login(Account.objects.get(username=name))
    return made


def cell() -> GridCell:
    """One square of the grid, of the community SQ01."""
    ring = [[118.0, 37.0], [118.1, 37.0], [118.1, 37.1], [118.0, 37.1]]
    return GridCell.objects.get_or_create(
        code="371602001001001",
        defaults={
            "name": "第一网格", "unit": unit_of("SQ01"), "outline": ring, "south": 37.0,
            "west": 118.0, "north": 37.1, "east": 118.1,
        },
    )[0]  # fmt: skip


def form_of(kind: Kind) -> dict[str, str]:
    """Every required field, answered."""
    samples = {"phone": "13800138000", "number": "1000", "date": "2026-11-01", "tick": "on"}
    return {
        one.code: samples.get(one.widget, f"{one.name_zh}内容") for one in kind.fields
        if one.required
    }  # fmt: skip


def report(kind: str = "snap_report", **changes: Any) -> Report:
    data = kinds()[kind]
    facts: dict[str, Any] = {"kind": kind, "channel": "web", "form": form_of(data)}
    if data.place == "required":
        facts |= {"lat": 37.05, "lon": 118.05, "address": "黄河五路与渤海七路路口"}
    if data.requester == "enterprise":
        facts["enterprise"] = unit_of(FIRM)
    if data.circle:
        facts["overseers"] = [unit_of(code) for code in SUPERVISION]
    return Report(**{**facts, **changes})


def opened(
    kind: str = "snap_report", *, now: datetime = NOW, by: str = "",
    evidence: Sequence[Evidence] = (), **changes: Any,
) -> Opened:  # fmt: skip
    """A report taken in, by nobody with an account unless a person is named."""
    who = bearer(by) if by else Bearer()
    return open_case(report(kind, **changes), by=who, now=now, evidence=evidence)


def attach(case: Case, part: str = "after") -> UUID:
    """Evidence sent ahead of a step."""
    return Evidence.objects.create(
        case=case, part=part, name="照片.jpg", mime="image/jpeg", size_bytes=3, sha256="ab" * 32,
        added_at=NOW, added_by="test", uuid=uuid4(),
    ).uuid  # fmt: skip


SAID: Mapping[str, str] = {
    "category": "C0101", "severity": "ordinary", "lead_unit": CITY, "clause": "派单目录第3条",
    "outcome": "solved", "reply": "已更换井盖", "reason": "理由充分", "public_text": "告知内容",
    "score": "5", "unit": WATER, "text": "请协助", "note": "说明", "question": "在哪一侧？",
    "answer": "东侧", "decision": "由城管局办理", "reason_class": "season", "route": "110",
    "level": "supervise", "until": "2026-12-31", "package": "urn:x",
}  # fmt: skip


def step(case: Case, action: str, by: str, *, now: datetime = NOW, axis: str = "state",
         proof: bool = True, **said: str) -> Case:  # fmt: skip
    """Take a step with everything said that it could need, and a photo when it asks for proof."""
    evidence = [attach(case)] if proof and action in NEEDS_PROOF else []
    if case.kind_of.circle:
        said = {"lead_unit": SUPERVISION[1], "unit": SUPERVISION[2], **said}
    return take_step(
        case.pk, action, by=bearer(by), now=now, axis=axis,
        given=Given({**SAID, **said}, evidence),
    )  # fmt: skip


NEEDS_PROOF = {"confirm", "not_found", "solve_on_site", "hand_in", "pass", "fail"}

TO_DISPATCHED = (
    ("accept_for_verification", "desk"), ("confirm", "grid"), ("dispatch", "dispatcher"),
)  # fmt: skip
TO_INSPECTING = (*TO_DISPATCHED, ("sign_in", "city"), ("hand_in", "city"))


def drive(case: Case, steps: tuple[tuple[str, str], ...], **said: str) -> Case:
    """Take these steps one after the other."""
    for action, by in steps:
        case = step(case, action, by, **said)
    return case
