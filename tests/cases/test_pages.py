"""Pages of cases: each person finds what waits for him, and takes a step by a plain form."""

import io

import pytest
from django.test import Client
from PIL import Image
from tests.cases.build import (
    CITY,
    NOW,
    TO_DISPATCHED,
    TO_INSPECTING,
    bearer,
    cell,
    client,
    drive,
    opened,
    people,
    unit_of,
)

from liandong.cases.models import Case, DutyClause, Evidence
from liandong.cases.services.photos import clean_path, original_of, original_path

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _people() -> None:
    people()
    cell()


def photo(*, gps: bool = True) -> io.BytesIO:
    """A small JPEG, with a position in its EXIF."""
    picture = Image.new("RGB", (80, 60), "red")
    exif = picture.getexif()
    exif[0x010F] = "phone"
    if gps:
        exif.get_ifd(0x8825)[2] = (37.0, 3.0, 1.0)
    out = io.BytesIO()
    picture.save(out, "JPEG", exif=exif)
    made = io.BytesIO(out.getvalue())
    made.name = "现场.jpg"
    return made


def post(who: Client, case: Case, action: str, **fields: object) -> str:
    """What the page says after a step."""
    answer = who.post(
        f"/cases/{case.number}/steps/", {"action": action, "seen": case.last, **fields}, follow=True
    )
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_desk_accepts_by_a_form_and_the_next_person_finds_it() -> None:
    case = opened().case
    assert case.number in client("desk").get("/cases/").content.decode()
    page = client("desk").get("/cases/inbox/").content.decode()
    assert case.title in page
    said = post(client("desk"), case, "accept_for_verification", said_category="C0101",
                said_severity="ordinary")  # fmt: skip
    assert "核实中" in said
    assert case.number in client("grid").get("/cases/").content.decode()


def test_a_hidden_case_looks_absent() -> None:
    case = opened().case
    for who, code in (("desk", 200), ("water", 404), ("citizen", 404), ("firm", 404)):
        assert client(who).get(f"/cases/{case.number}/").status_code == code, who
    assert client("desk").get("/cases/20260101-000001/").status_code == 404
    assert Client().get(f"/cases/{case.number}/").status_code == 302


def test_whoever_raised_it_sees_it_and_can_rate_it() -> None:
    from liandong.base.models import Account

    citizen = Account.objects.get(username="citizen")
    case = drive(opened(requester=citizen).case, (*TO_INSPECTING, ("pass", "inspector")))
    page = client("citizen").get(f"/cases/{case.number}/").content.decode()
    assert "评价" in page
    assert "已结案" in post(client("citizen"), case, "rate", said_score="4")


def test_a_refused_step_says_why_in_words() -> None:
    case = drive(opened().case, TO_INSPECTING)
    said = post(client("city-inspector"), case, "pass", said_note="好", photo=photo())
    assert "核查员不能是办理过本事项的人" in said
    assert Case.objects.get(pk=case.pk).state == "inspecting"
    assert "别人刚刚办理了" in post(client("inspector"), Case(pk=case.pk, last=1, **_same(case)),
                                 "pass", said_note="好", photo=photo())  # fmt: skip


def _same(case: Case) -> dict[str, object]:
    return {"submitted_at": case.submitted_at, "kind": case.kind}


def test_a_photo_loses_its_position_on_the_way_in() -> None:
    case = drive(opened().case, (("accept_for_verification", "desk"),))
    sent = photo()
    assert b"Exif" in sent.getvalue()
    assert "已立案" in post(client("grid"), case, "confirm", photo=sent)
    one = Evidence.objects.get(case=case)
    shown = client("desk").get(f"/cases/{case.number}/photos/{one.uuid}.jpg")
    clean = shown.getvalue()
    assert Image.open(io.BytesIO(clean)).getexif() == {}
    assert b"Exif" not in clean
    assert clean == clean_path(one).read_bytes()
    assert b"phone" not in original_path(one).read_bytes()  # sealed
    assert original_of(one) == sent.getvalue()
    assert client("water").get(f"/cases/{case.number}/photos/{one.uuid}.jpg").status_code == 404


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"%PDF-1.4", "照片须是"), (b"\xff\xd8\xff\xe0broken", "照片"), (b"GIF89a", "照片须是")],
)
def test_what_is_no_photo_is_refused_in_words(content: bytes, words: str) -> None:
    case = drive(opened().case, (("accept_for_verification", "desk"),))
    bad = io.BytesIO(content)
    bad.name = "x.jpg"
    assert words in post(client("grid"), case, "confirm", photo=bad)
    assert not Evidence.objects.exists()


def test_the_duty_list_proposes_the_unit_and_its_clause() -> None:
    DutyClause.objects.create(category="C01", unit=unit_of(CITY), clause="城管局：公用设施")
    case = drive(opened().case, TO_DISPATCHED[:2])
    page = client("dispatcher").get(f"/cases/{case.number}/").content.decode()
    assert "城管局：公用设施" in page
    assert f'<option value="{CITY}" selected>' in page


def test_every_deadline_opens_to_its_arithmetic() -> None:
    case = drive(opened(now=NOW).case, TO_DISPATCHED)
    page = client("city").get(f"/cases/{case.number}/").content.decode()
    assert "处置时限" in page
    assert "工作日" in page
    assert case.handle_by is not None
    assert case.dues.keys() >= {"T4", "T5"}
    assert bearer("city").viewer.unit == CITY


def test_the_flow_of_a_kind_is_a_page() -> None:
    page = client("desk").get("/cases/flow/snap_report/").content.decode()
    assert "核查通过" in page
    assert client("desk").get("/cases/flow/nothing/").status_code == 404


def test_the_desk_reads_the_words_and_lets_them_out_without_a_number() -> None:
    case = opened(form={"text": "路口有一堆垃圾，找我请打13800138000"}).case
    address = f"/cases/{case.number}/publish/"
    page = client("desk").get(address).content.decode()
    assert page.count("13800138000") == 1  # in the words as written, not in those proposed
    told = client("desk").post(address, {"words": "路口有一堆垃圾 13800138000"}, follow=True)
    assert "自动遮盖" in told.content.decode()
    shown = Case.objects.get()
    assert (shown.is_public, shown.public_by) == (True, "desk")
    assert "13800138000" not in shown.public_text
    client("desk").post(address, {"act": "withdraw"})
    assert not Case.objects.get().is_public


@pytest.mark.parametrize("who", ["city", "inspector", "leader", "citizen"])
def test_nobody_but_the_desk_lets_words_out(who: str) -> None:
    case = opened().case
    answer = client(who).post(f"/cases/{case.number}/publish/", {"words": "甲"})
    assert answer.status_code in {403, 404}
    assert not Case.objects.get().is_public


def test_words_of_a_private_kind_have_no_such_page() -> None:
    case = opened("enterprise_demand").case
    assert client("desk").get(f"/cases/{case.number}/publish/").status_code == 404
