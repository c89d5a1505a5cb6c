"""Builders for tests of the exchange: people, records of two departments, requests on their way."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.archive.build import admit_numbers, fonds, scanned_admission
from tests.people import client_of, seat

from liandong.archive.models import Record
from liandong.archive.services.admitting import admit
from liandong.archive.services.packing import pack
from liandong.base.models import Account, Role, Unit
from liandong.exchange.models import UseRequest
from liandong.exchange.services import deciding, drafting
from liandong.exchange.services.deciding import Decision, Ruling
from liandong.exchange.services.drafting import Asked

NOW = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)  # Wednesday, 10:00 in Shanghai
TODAY = date(2026, 11, 25)
UNTIL = date(2026, 12, 10)
DAY = timedelta(days=1)

ASKER, HOLDER, DIRECTOR, FORMER, OTHER = "wang", "li", "zhao", "sun", "qian"
PEOPLE = {  # name: role, unit, clearance
    ASKER: (Role.CLERK, "CZJ", 1),
    HOLDER: (Role.ARCHIVIST, "", 2),
    "zhou": (Role.ARCHIVIST, "", 2),
    DIRECTOR: (Role.DIRECTOR, "", 2),
    FORMER: (Role.CLERK, "BGS", 1),
    OTHER: (Role.CLERK, "JTJ", 1),
    "du": (Role.READER, "", 0),
}


def people() -> dict[str, Account]:
    """Everybody, each with one post; signed in by `client_of`-like `client`."""
    codes = {code for _, code, _ in PEOPLE.values() if code}
    return seat(PEOPLE, {code: Unit(code=code, name=f"{code}局") for code in sorted(codes)})


def records(home: Path, count: int = 2, *, start: int = 1, **facts: Any) -> list[Record]:
    """Internal records of the department BGS without personal data, unless told otherwise."""
    fonds()
    personal = facts.pop("personal", 0)
    made = admit_numbers(home / "staging", *range(start, start + count), **facts)
    for record in made:
        record.personal = personal
        record.save(update_fields=["personal"])
    return made


def scanned(home: Path, number: int = 1, *, pages: int = 2, **facts: Any) -> Record:
    """A record of scanned pages, internal and of the department BGS unless told otherwise."""
    fonds()
    admission = scanned_admission(home / "staging", number, pages)
    personal = facts.pop("personal", 0)
    for name, value in facts.items():
        object.__setattr__(admission, name, value)
    record = admit(pack(admission), admission, by="li", now=admission.at)
    record.personal = personal
    record.save(update_fields=["personal"])
    return record


def asked(**parts: Any) -> Asked:
    """A complete request."""
    known: dict[str, Any] = {
        "purpose_kind": "duty",
        "purpose": "核对防汛预案",
        "legal_basis": "防洪法第三十八条",
        "wanted": "2011年防汛通知",
        "uses": ("look", "print"),
        "until": UNTIL,
    }
    return Asked(**(known | parts))


def submitted(*, by: str = ASKER, now: datetime = NOW, **parts: Any) -> UseRequest:
    """A request that was handed in."""
    draft = drafting.save_draft(asked(**parts), by=by, now=now)
    return drafting.submit(draft.pk, by=by, now=now)


def gathered(found: Sequence[Record], *, by: str = ASKER, **parts: Any) -> UseRequest:
    """A request for which the archivist has found these records."""
    request = submitted(by=by, **parts)
    return deciding.gather(request.pk, [row.pk for row in found], by=HOLDER, now=NOW)


def yes(found: Sequence[Record], **parts: Any) -> Decision:
    """A decision that gives all of it, as asked."""
    known: dict[str, Any] = {
        "rulings": tuple(Ruling(row.pk, granted=True) for row in found),
        "uses": ("look", "print"),
        "whole": False,
        "until": UNTIL,
        "answer": "同意提供",
    }
    return Decision(**(known | parts))


def granted(home: Path, found: Sequence[Record] | None = None, **parts: Any) -> UseRequest:
    """A granted request of records that the asker's own department formed: no opinion is needed."""
    kept = found if found is not None else records(home, unit="")
    request = gathered(kept, **parts)
    terms = {name: parts[name] for name in ("uses", "whole", "until") if name in parts}
    return deciding.grant(request.pk, yes(kept, **terms), by=HOLDER, now=NOW)


def client(name: str):  # type: ignore[no-untyped-def]
    """A browser in which this person is signed in."""
    from django.test import Client

    made = Client()
    made.force_login(Account.objects.get(username=name))
    return made


__all__ = ["client_of"]
