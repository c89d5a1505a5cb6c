"""People and reviews for tests of opening review."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.archive.build import admit_numbers, description, fonds

from liandong.archive.models import OpeningReview, Record
from liandong.archive.services.opening.planning import plan
from liandong.archive.services.opening.proposing import propose_planned
from liandong.archive.services.opening.steps import decide
from liandong.archive.services.opening.taking import Choice
from liandong.base.models import Account, Post, Role, Unit

NOW = datetime(2026, 11, 26, 2, 0, tzinfo=UTC)
TODAY = 20261126
STAFF = (("wang", Role.ARCHIVIST), ("li", Role.ARCHIVIST), ("zhao", Role.DIRECTOR))
CLERK, OTHER_CLERK = "bgs", "czj"
AGREE = Choice()


def person(name: str, role: Role, unit: Unit | None = None, clearance: int = 2) -> Account:
    """An account with a post."""
    account = Account.objects.create(username=name, unit=unit, clearance=clearance)
    Post.objects.create(account=account, role=role)
    return account


def people() -> None:
    """Two archivists, a director, and a clerk each of two units; only BGS forms records."""
    for name, role in STAFF:
        person(name, role)
    for name, code in ((CLERK, "BGS"), (OTHER_CLERK, "CZJ")):
        unit = Unit.objects.create(code=code, name=code)
        person(name, Role.CLERK, unit, clearance=1)


def old_records(home: Path, *numbers: int, date: str = "19980506", **facts: Any) -> list[Record]:
    """Closed records of 1998, which are due in 2023; nothing personal is in them."""
    fonds()
    described = facts.pop("described", {})
    records = []
    for number in numbers:
        text = description(number, **{"document_date": date, **described})
        records += admit_numbers(home / "staging", number, described=text, **facts)
    return records


def under_review(home: Path, *, personal: int = 0, **facts: Any) -> OpeningReview:
    """A planned and proposed review of one old record."""
    (record,) = old_records(home, 1, **facts)
    Record.objects.filter(pk=record.pk).update(personal=personal)
    plan([record.pk], year=2026, by="wang", now=NOW)
    propose_planned(now=NOW)
    return OpeningReview.objects.get(record=record)


def opened(home: Path, *, personal: int = 0, **facts: Any) -> OpeningReview:
    """A review that ended with the record open; the unit agreed."""
    review = under_review(home, personal=personal, **facts)
    for name in ("wang", CLERK, "li", "zhao"):
        if name != CLERK or review.record.unit:
            review = decide(review.pk, AGREE, by=name, now=NOW)
    return review
