"""The audit chain: every act adds one row, chained, that the database lets nobody change."""

from datetime import UTC, datetime

import pytest
from django.db import DatabaseError, transaction
from tests.people import ARCHIVIST, client_of

from liandong.base.audit import UnknownAct, plain, record_act
from liandong.base.models import AuditRow, Outcome
from liandong.kernel.audit import row_hash

NOW = datetime(2026, 11, 26, 8, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db


def test_rows_are_numbered_without_a_gap_and_name_the_row_before() -> None:
    first, second, third = (record_act("open_page", by="li", now=NOW) for _ in range(3))
    assert [first.number, second.number, third.number] == [1, 2, 3]
    assert [first.previous, second.previous, third.previous] == ["", first.hash, second.hash]


def test_the_hash_covers_what_the_database_gives_back() -> None:
    record_act("open_page", by="li", now=NOW, object="page:/x", why="查", facts={"b": 1, "a": "二"})
    row = AuditRow.objects.get()
    assert row.hash == row_hash(plain(row), "sm3")
    assert row.facts == '{"a": "二", "b": 1}'


def test_an_act_that_the_catalogue_does_not_know_is_a_fault_of_ours() -> None:
    with pytest.raises(UnknownAct):
        record_act("dance", by="li", now=NOW)
    assert AuditRow.objects.count() == 0


def test_the_database_refuses_to_change_a_row() -> None:
    record_act("open_page", by="li", now=NOW)
    with pytest.raises(DatabaseError), transaction.atomic():
        AuditRow.objects.update(by="wang")
    assert AuditRow.objects.get().by == "li"


def test_the_database_refuses_to_remove_a_row() -> None:
    record_act("open_page", by="li", now=NOW)
    with pytest.raises(DatabaseError), transaction.atomic():
        AuditRow.objects.all().delete()
    assert AuditRow.objects.count() == 1


def test_a_refused_page_leaves_a_row_with_person_role_and_request() -> None:
    client = client_of("clerk")
    answer = client.get("/preservation/", headers={"X-Request-ID": "abcdefgh12"})
    row = AuditRow.objects.get()
    assert answer.status_code == 403
    assert (row.by, row.roles, row.unit) == ("clerk", "clerk", "BGS")
    assert (row.object, row.outcome) == ("page:/preservation/", Outcome.REFUSED)
    assert (row.origin, row.request) == ("127.0.0.1", "abcdefgh12")


def test_an_allowed_page_is_shown() -> None:
    assert client_of(ARCHIVIST).get("/preservation/").status_code == 200
    assert AuditRow.objects.count() == 0
