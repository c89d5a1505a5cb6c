"""Ask for the use of records by interface: the same way, the same rule, for the department."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from tests.archive.build import admit_numbers, code, fonds
from tests.portal.calling import Caller, account_of, caller, code_of, fresh_token, key_of

from liandong.archive.services.indexing import index_records
from liandong.base.models import AuditRow, Role
from liandong.exchange.models import RequestState, UseRequest
from liandong.portal.api.examples import BODIES

pytestmark = pytest.mark.django_db
LATER = (timezone.localdate() + timedelta(days=20)).isoformat()


def _wish(*codes: str, **more: Any) -> dict[str, Any]:
    return BODIES["ask"] | {"records": list(codes), "until": LATER} | more


@pytest.fixture
def records(home: Path) -> None:
    """One record of BGS, one of CZJ that everybody may read, one of CZJ that is hidden."""
    fonds()
    made = admit_numbers(home / "staging", 1)
    made += admit_numbers(home / "staging", 2, unit="CZJ", level=0, open_from=19490101)
    made += admit_numbers(home / "staging", 3, unit="CZJ")
    index_records([record.pk for record in made])


def test_a_request_is_handed_in_for_the_department(records: None) -> None:
    who = caller()

    answer = who.post("/shares", _wish(code(1), code(2)))

    assert answer.status_code == 201
    request = UseRequest.objects.get()
    assert (request.asked_by, request.asker_unit, request.for_unit) == ("clerk-BGS", "BGS", True)
    assert request.state == RequestState.SUBMITTED
    shown = who.get(answer.headers["Location"].removeprefix("/api/v1")).json()
    assert (shown["number"], shown["state"]) == (request.number, "submitted")
    assert [one["code"] for one in shown["records"]] == [code(1), code(2)]
    assert AuditRow.objects.filter(act="read_request", object=f"request:{request.number}").exists()


def test_hidden_and_absent_records_are_asked_for_in_words_alike(records: None) -> None:
    who = caller()
    hidden = who.post("/shares", _wish(code(3), wanted="防汛预案")).json()
    absent = who.post("/shares", _wish(code(99), wanted="防汛预案")).json()
    noise = {"number": "", "submitted_at": ""}
    assert hidden | noise == absent | noise
    first, second = UseRequest.objects.order_by("pk")
    assert (first.wanted, second.wanted) == (f"防汛预案\n{code(3)}", f"防汛预案\n{code(99)}")
    assert not first.records.exists()


def test_the_same_request_again_is_one() -> None:
    who, token = Caller(key_of().token), fresh_token()
    answers = [who.post("/shares", _wish(code(1)), token=token) for _ in range(2)]
    assert answers[0].content == answers[1].content
    assert UseRequest.objects.count() == 1


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"until": "2020-01-01"}, "body.until"), ({"until": "2026-02-30"}, "body.until"),
        ({"until": "2099-01-01"}, "body.until"), ({"purpose": ""}, "body.purpose"),
        ({"purpose": "  "}, "body"), ({"records": []}, "body"),
        ({"uses": []}, "body.uses"), ({"uses": ["take"]}, "body.uses.0"),
        ({"purpose_kind": "curiosity"}, "body.purpose_kind"),
    ],
)  # fmt: skip
def test_a_request_that_lacks_something_is_refused_and_nothing_is_kept(
    more: dict[str, Any], field: str
) -> None:
    answer = caller().post("/shares", _wish(code(1)) | more)
    assert (answer.status_code, code_of(answer)) == (422, "invalid")
    assert answer.json()["where"][0]["field"] == field
    assert not UseRequest.objects.exists()


def test_another_department_sees_no_request(records: None) -> None:
    number = caller().post("/shares", _wish(code(1))).json()["number"]
    other = caller("CZJ")
    assert code_of(other.get(f"/shares/{number}")) == "not-found"
    assert other.get("/shares").json()["items"] == []
    assert [one["number"] for one in caller().get("/shares").json()["items"]] == [number]


def test_only_a_clerk_asks_for_the_department() -> None:
    reader = caller(account=account_of("reader", "BGS", Role.READER))
    assert code_of(reader.post("/shares", _wish(code(1)))) == "not-allowed"
