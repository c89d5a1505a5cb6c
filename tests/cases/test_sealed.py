"""Contact data and photos as sent are opened for a reason, which the audit keeps."""

import pytest
from django.test import Client
from tests.cases.build import NOW, TO_DISPATCHED, bearer, cell, client, drive, opened, people, step
from tests.cases.test_pages import photo

from liandong.base.models import AuditRow
from liandong.cases.models import Case
from liandong.cases.services.photos import add_photo
from liandong.cases.services.sealing import erase_contact
from liandong.cases.services.tending import erase_originals

pytestmark = pytest.mark.django_db
CONTACT = {"name": "张某某", "phone": "13800138000"}


@pytest.fixture(autouse=True)
def _people() -> None:
    people()
    cell()


def dispatched(kind: str = "snap_report") -> Case:
    return drive(opened(kind, contact=CONTACT).case, TO_DISPATCHED)


def see(who: Client, case: Case, why: str) -> tuple[int, str]:
    answer = who.post(f"/cases/{case.number}/contact/", {"why": why})
    return answer.status_code, answer.content.decode()


@pytest.mark.parametrize(
    ("who", "code"),
    [
        ("desk", 200), ("grid", 200), ("city", 200), ("inspector", 200), ("leader", 403),
        ("dispatcher", 403), ("ledger", 403), ("water", 404), ("citizen", 403), ("firm", 403),
        ("case-clerk", 403),
    ],
)  # fmt: skip
def test_who_may_reach_the_requester_does_so_and_leaves_a_row(who: str, code: int) -> None:
    case = dispatched()
    status, page = see(client(who), case, "约定现场查看")
    assert status == code
    assert ("13800138000" in page) == (code == 200)
    rows = AuditRow.objects.filter(act="see_contact", object=f"case:{case.number}")
    assert [(row.by, row.why) for row in rows] == ([(who, "约定现场查看")] if code == 200 else [])


def test_of_a_restricted_kind_the_lead_unit_does_not_learn_who_it_was() -> None:
    case = opened("employee_demand", contact=CONTACT).case
    Case.objects.filter(pk=case.pk).update(
        state="in_progress", lead_unit=bearer("city").viewer.unit and _unit("city")
    )
    case.refresh_from_db()
    assert see(client("city"), case, "约定现场查看")[0] == 403
    assert "联系方式" not in client("city").get(f"/cases/{case.number}/").content.decode()
    assert see(client("desk"), case, "约定现场查看")[0] == 200


def _unit(name: str) -> object:
    from liandong.base.models import Account

    return Account.objects.get(username=name).unit


@pytest.mark.parametrize("why", ["", "  ", "看看"])
def test_without_a_reason_nothing_is_opened(why: str) -> None:
    case = dispatched()
    status, page = see(client("desk"), case, why)
    assert (status, "13800138000" in page, "为什么要看" in page) == (200, False, True)
    assert not AuditRow.objects.filter(act="see_contact").exists()


def test_opening_the_form_shows_nothing_and_the_case_links_to_it() -> None:
    case = dispatched()
    assert (
        f"/cases/{case.number}/contact/"
        in client("desk").get(f"/cases/{case.number}/").content.decode()
    )
    answer = client("desk").get(f"/cases/{case.number}/contact/")
    assert "13800138000" not in answer.content.decode()
    assert "no-store" in answer.headers["Cache-Control"]


def test_after_the_erasure_there_is_nothing_to_open() -> None:
    case = dispatched()
    erase_contact(case, by="system", now=NOW)
    status, page = see(client("desk"), case, "约定现场查看")
    assert (status, "已按期删除" in page) == (200, True)


def test_a_photo_as_sent_is_taken_out_for_a_reason_until_it_is_erased() -> None:
    case, sent = opened().case, photo().getvalue()
    one = add_photo(case, sent, part="before", name="x.jpg", by="", now=NOW)
    one.event = case.events.get()
    one.save()
    path, why = f"/cases/{case.number}/photos/{one.uuid}/original/", {"why": "核对地点"}
    assert path in client("desk").get(f"/cases/{case.number}/").content.decode()
    assert client("desk").post(path, why).content == sent
    row = AuditRow.objects.get(act="see_original")
    assert (row.by, row.why, str(one.uuid) in row.facts) == ("desk", "核对地点", True)
    assert client("desk").post(path, {"why": ""}).content != sent
    assert client("grid").post(path, why).status_code == 403
    erase_originals(case, by="system", now=NOW)
    assert "已按期删除" in client("desk").post(path, why).content.decode()
    step(case, "reject", "desk")
