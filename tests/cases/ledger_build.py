"""Builders for tests of the ledger: a demand, its way, and months that pass."""

from datetime import UTC, datetime
from typing import Any

from django.test import Client
from tests.cases.build import CITY, bearer, opened, step

from liandong.cases.models import Case
from liandong.cases.services.stepping import Given, take_step
from liandong.kernel.casework import LEDGER


def day(month: int, number: int, hour: int = 2) -> datetime:
    """A moment of 2026; 02:00 UTC is 10:00 in the city."""
    return datetime(2026, month, number, hour, tzinfo=UTC)


def demand(*, at: datetime, lead: str = CITY, by: str = "city", **changes: Any) -> Case:
    """A demand that the lead unit has signed in."""
    case = opened("enterprise_demand", now=at, **changes).case
    for action, who in (
        ("accept_for_verification", "desk"), ("confirm", "desk"), ("dispatch", "dispatcher"),
    ):  # fmt: skip
        case = step(case, action, who, now=at, lead_unit=lead)
    return step(case, "sign_in", by, now=at)


def listed(*, at: datetime, until: str = "2026-12-31", **changes: Any) -> Case:
    """A demand on the ledger."""
    lead = changes.get("lead", CITY)
    case = demand(at=at, **changes)
    return step(case, "list", "ledger", now=at, axis=LEDGER, lead_unit=lead, until=until)


def note(case: Case, *, at: datetime, text: str = "已施工三成", by: str = "city") -> Case:
    """A monthly entry."""
    return take_step(case.pk, "log_progress", by=bearer(by), now=at, given=Given({"note": text}))


def no_progress(
    case: Case, *, at: datetime, reason: str = "resource", by: str = "city", text: str = ""
) -> Case:
    """The answer that nothing moved."""
    given = Given({"no_progress": reason, "note": text})
    return take_step(case.pk, "no_progress", by=bearer(by), now=at, given=given)


def to_confirmed(case: Case, *, at: datetime, score: str = "5", by: str = "city") -> Case:
    """Handed in, inspected, rated by the requester."""
    case = step(case, "hand_in", by, now=at)
    case = step(case, "pass", "inspector", now=at)
    return step(case, "rate", "firm", now=at, score=score)


def clear(case: Case, *, at: datetime) -> Case:
    """Taken off the ledger."""
    return step(case, "clear", "ledger", now=at, axis=LEDGER)


def body(who: Client, path: str) -> str:
    """A page that is there."""
    answer = who.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    return str(answer.content.decode())
