"""Field work and inspection: the right rows, a step sent twice is one, who may not reads why."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from tests.cases.build import (
    TO_DISPATCHED,
    TO_INSPECTING,
    attach,
    cell,
    client,
    drive,
    opened,
    people,
    step,
)
from tests.cases.test_pages import photo

from liandong.cases.models import Case, Evidence

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _people(home: Path) -> None:
    people()
    cell()


def verifying() -> Case:
    return step(opened().case, "accept_for_verification", "desk")


def put(case: Case, action: str, who: str = "grid", *, uuid: str = "", content: bytes = b"") -> Any:
    address = f"/field/{case.number}/{action}/photos/{uuid or uuid4()}/"
    return client(who).put(address, content or photo().getvalue(), "image/jpeg")


def send(case: Case, action: str, who: str = "grid", **fields: Any) -> Any:
    return client(who).post(f"/field/{case.number}/{action}/", fields)


# The page -----------------------------------------------------------------------------------------


def test_it_lists_what_waits_out_there_and_may_take_the_place() -> None:
    mine, other = verifying(), opened().case
    page = client("grid").get("/field/")
    text = page.content.decode()
    assert f'data-case="{mine.number}"' in text
    assert other.number not in text
    assert 'data-lat="37.05000"' in text
    assert "geolocation=(self)" in page["Permissions-Policy"]
    assert "核实属实" in text
    assert "当场解决" in text


def test_an_inspector_finds_what_waits_for_inspection_of_other_units() -> None:
    case = drive(opened().case, TO_INSPECTING)
    assert case.number in client("inspector").get("/field/").content.decode()
    assert case.number not in client("city-inspector").get("/field/").content.decode()
    assert "没有等您到现场的事项" in client("grid").get("/field/").content.decode()


@pytest.mark.parametrize(
    ("who", "status"), [("grid", 200), ("inspector", 200), ("desk", 403), ("citizen", 403)]
)
def test_only_who_works_outside_opens_it(who: str, status: int) -> None:
    assert client(who).get("/field/").status_code == status


def test_the_plain_form_takes_the_step() -> None:
    case = verifying()
    answer = client("grid").post(
        f"/cases/{case.number}/steps/",
        {"action": "confirm", "photo": photo(), "next": "/field/"}, follow=True,
    )  # fmt: skip
    assert answer.redirect_chain == [("/field/", 302)]
    assert Case.objects.get(pk=case.pk).state == "accepted"


# Sent from the outbox -----------------------------------------------------------------------------


def test_a_photo_goes_ahead_and_the_step_takes_it() -> None:
    case, uuid = verifying(), str(uuid4())
    assert put(case, "confirm", uuid=uuid).status_code == 201
    assert put(case, "confirm", uuid=uuid).status_code == 200
    assert Evidence.objects.get().part == "check"
    answer = send(case, "confirm", ahead=[uuid])
    assert answer.status_code == 201
    assert answer.json()["number"] == case.number
    assert Case.objects.get(pk=case.pk).state == "accepted"
    assert Evidence.objects.filter(event__action="confirm").count() == 1


def test_a_step_whose_answer_got_lost_is_taken_once() -> None:
    case, uuid = verifying(), str(uuid4())
    put(case, "confirm", uuid=uuid)
    assert send(case, "confirm", ahead=[uuid]).status_code == 201
    assert put(case, "confirm", uuid=uuid).status_code == 200
    assert send(case, "confirm", ahead=[uuid]).status_code == 200
    assert case.events.filter(action="confirm").count() == 1
    assert send(case, "not_found", ahead=[uuid], said_reason="x").status_code == 422
    assert send(case, "confirm", "inspector", ahead=[uuid]).status_code in {404, 422}


def test_photos_that_did_not_arrive_are_asked_for_again() -> None:
    answer = send(verifying(), "confirm", ahead=[str(uuid4())])
    assert answer.status_code == 409


def test_what_is_refused_says_why() -> None:
    case = verifying()
    assert "还缺" in send(case, "confirm").json()["why"]
    assert send(case, "dispatch").status_code == 422
    assert put(case, "pass").status_code == 409
    assert put(case, "confirm", content=b"%PDF-1.4").status_code == 422
    assert send(case, "confirm", ahead=["x"]).status_code == 422
    assert Case.objects.get(pk=case.pk).state == "verifying"


def test_another_case_or_person_cannot_use_the_photo() -> None:
    mine, other, uuid = verifying(), verifying(), str(uuid4())
    put(mine, "confirm", uuid=uuid)
    assert put(other, "confirm", uuid=uuid).status_code == 409
    assert send(other, "confirm", ahead=[uuid]).status_code == 409


def test_photos_of_one_step_are_bounded() -> None:
    case = verifying()
    for _ in range(6):
        assert put(case, "confirm").status_code == 201
    assert put(case, "confirm").status_code == 409


def test_a_hidden_case_looks_absent() -> None:
    case = drive(opened(lat=37.5, lon=118.5).case, TO_DISPATCHED)
    assert put(case, "confirm").status_code == 404
    assert send(case, "confirm").status_code == 404
    assert client("desk").post(f"/field/{case.number}/confirm/").status_code == 403


# Inspection ---------------------------------------------------------------------------------------


def inspecting() -> Case:
    return drive(opened().case, TO_INSPECTING, reply="井盖已更换")


def test_an_inspector_sees_before_and_after_and_gives_a_verdict() -> None:
    case = inspecting()
    before = Evidence.objects.get(uuid=attach(case, "before"))
    Evidence.objects.filter(pk=before.pk).update(event=case.events.first())
    page = client("inspector").get(f"/cases/{case.number}/inspect/").content.decode()
    assert page.count('data-island="compare"') == 1  # one pair; the other photo has no before
    assert 'type="range"' in page
    assert "井盖已更换" in page
    assert "核查通过" in page
    assert "核查不通过" in page
    assert "反馈结果" not in page


@pytest.mark.parametrize("who", ["city-inspector"])
def test_whoever_is_of_the_handling_unit_reads_why_not(who: str) -> None:
    case = inspecting()
    page = client(who).get(f"/cases/{case.number}/inspect/").content.decode()
    assert "核查员不能是办理过本事项的人" in page
    assert "<textarea" not in page


def test_what_is_not_in_inspection_says_so() -> None:
    case = drive(opened().case, TO_DISPATCHED)
    page = client("inspector").get(f"/cases/{case.number}/inspect/").content.decode()
    assert "不在核查中" in page


def test_only_inspectors_open_it_and_a_missing_photo_is_told() -> None:
    case = inspecting()
    assert client("desk").get(f"/cases/{case.number}/inspect/").status_code == 403
    page = client("inspector").get(f"/cases/{case.number}/inspect/").content.decode()
    assert "没有照片" in page
    assert 'type="range"' not in page
