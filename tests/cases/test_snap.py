"""Reporting without an account: once, photo and text for themselves, and a page that tells all."""

import io
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from PIL import Image
from pytest_django import Settings
from tests.cases.build import (
    NOW,
    TO_DISPATCHED,
    TO_INSPECTING,
    bearer,
    cell,
    client,
    drive,
    opened,
    people,
    step,
)
from tests.cases.test_pages import photo

from liandong.cases.models import Case, Evidence, Pseudonym, SentPhoto
from liandong.cases.services.opening import token_digest
from liandong.cases.services.photos import add_photo, clean_path, original_path
from liandong.cases.services.proving import faults_of
from liandong.cases.services.reporting import forget_unclaimed

pytestmark = pytest.mark.django_db
TOKEN = "t" * 24
JSON = {"HTTP_ACCEPT": "application/json"}


@pytest.fixture(autouse=True)
def _people(home: Path) -> None:
    people()
    cell()


def fields(**changes: Any) -> dict[str, Any]:
    return {
        "report": str(uuid4()), "token": TOKEN, "text": "井盖破损", "category": "C0101",
        "lat": "37.051234567", "lon": "118.05", "datum": "wgs84", "address": "黄河五路", **changes,
    }  # fmt: skip


def send(sent: dict[str, Any], who: Client | None = None, **more: Any) -> Any:
    return (who or Client()).post("/snap/reports/", sent, **{**JSON, **more})


def put(report: str, one: str, content: bytes) -> Any:
    address = f"/snap/reports/{report}/photos/{one}/"
    return Client(HTTP_ACCEPT="application/json").put(address, content, "image/jpeg")


def has_no_metadata(content: bytes) -> bool:
    return b"Exif" not in content and Image.open(io.BytesIO(content)).getexif() == {}


# The report ---------------------------------------------------------------------------------------


def test_a_report_of_words_is_written_with_few_statements() -> None:
    """Every row once, besides what asks: the case is not written a second time with its clocks."""
    send(fields())  # the first of an hour begins the count of the address
    with CaptureQueriesContext(connection) as asked:
        assert send(fields()).status_code == 201
    written = [one["sql"] for one in asked if one["sql"].startswith(("INSERT", "UPDATE"))]
    assert len(written) == 5  # count of the address, case, event, words, audit
    assert not any(one.startswith('UPDATE "cases_case"') for one in written)
    case = Case.objects.order_by("-pk")[0]
    assert (case.last, case.clock, case.due_at is not None) == (1, "T1", True)
    assert not faults_of(case)


def test_the_last_report_of_an_hour_is_taken_and_the_next_is_not(settings: Settings) -> None:
    settings.REPORTS_PER_HOUR = 4
    answers = [send(fields()).status_code for _ in range(6)]
    assert answers == [201, 201, 201, 201, 429, 429]


def test_the_page_needs_no_sign_in_and_may_ask_for_the_place() -> None:
    page = Client().get("/snap/")
    text = page.content.decode()
    assert page.status_code == 200
    assert "geolocation=(self)" in page["Permissions-Policy"]
    assert "geolocation=()" in Client().get("/r/")["Permissions-Policy"]
    for number in ("110", "119", "120", "122"):
        assert f"tel:{number}" in text
    assert "会看到内容和照片" in text


def test_a_report_becomes_a_case_that_the_desk_accepts() -> None:
    answer = send(fields())
    assert answer.status_code == 201
    told = answer.json()
    case = Case.objects.get()
    assert told == {"number": case.number, "track": f"/r/{TOKEN}/"}
    assert (case.lat, case.lon, case.datum) == (37.05123, 118.05, "wgs84")
    assert case.requester is None
    assert case.contact is None
    assert case.token_hash == token_digest(TOKEN)
    assert case.number in client("desk").get("/cases/inbox/").content.decode()
    assert step(case, "accept_for_verification", "desk").state == "verifying"


def test_the_same_report_again_is_the_same_case() -> None:
    sent = fields()
    first, again = send(sent), send(sent)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    other = send({**sent, "token": "x" * 24})
    assert other.status_code == 200
    assert other.json() == {"number": first.json()["number"]}  # no link without its secret
    assert Case.objects.count() == 1


def test_a_place_of_a_chinese_map_is_converted() -> None:
    send(fields(datum="gcj02"))
    case = Case.objects.get()
    assert case.datum == "gcj02"
    assert case.lat is not None
    assert case.lat != 37.05123
    assert abs(case.lat - 37.05123) < 0.01


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"text": ""}, "text-missing"),
        ({"lat": "", "lon": "", "address": ""}, "place-missing"),
        ({"lat": "95"}, "place-bad"),
        ({"lon": ""}, "place-bad"),
        ({"lat": "nan"}, "place-bad"),
        ({"datum": "bd09"}, "place-bad"),
        ({"category": "X99"}, "category-unknown"),
        ({"report": "1"}, "report-bad"),
        ({"token": "short"}, "report-bad"),
        ({"token": "井" * 24}, "report-bad"),
        ({"text": "长" * 4001}, "text-too-long"),
        ({"pseudonym": "小李", "recovery": "short"}, "pseudonym-too-short"),
    ],
)
def test_a_faulty_report_is_refused_in_words_and_leaves_nothing(
    changes: dict[str, str], code: str
) -> None:
    answer = send(fields(**changes))
    assert answer.status_code == 422
    assert answer.json()["code"] == code
    assert answer.json()["why"] not in {"", "填写有误。"}
    assert not Case.objects.exists()
    assert not Pseudonym.objects.exists()


def test_a_plain_form_without_script_ends_on_the_tracking_page() -> None:
    who = Client()
    answer = who.post("/snap/reports/", {**fields(), "photo": photo()}, follow=True)
    assert answer.redirect_chain == [(f"/r/{TOKEN}/", 302)]
    page = answer.content.decode()
    assert "请记下本页网址" in page
    assert "已收到，等待受理" in page
    assert has_no_metadata(clean_path(Evidence.objects.get()).read_bytes())
    bad = who.post("/snap/reports/", fields(text="", address="某处"))
    assert bad.status_code == 422
    assert 'value="某处"' in bad.content.decode()


def test_a_bad_photo_of_a_plain_form_leaves_no_file() -> None:
    bad = io.BytesIO(b"no picture")
    bad.name = "x.jpg"
    answer = send({**fields(), "photo": [photo(), bad]})
    assert answer.json()["code"] == "photo-unknown-format"
    assert not Case.objects.exists()
    assert [one for one in settings.EVIDENCE.rglob("*") if one.is_file()] == []


def test_whoever_signed_in_is_the_reporter_and_does_not_accept_it() -> None:
    send(fields(), client("desk"))
    case = Case.objects.get()
    assert case.requested_by == "desk"
    page = client("desk").get(f"/cases/{case.number}/").content.decode()
    assert "受理并核实" not in page


# Photos -------------------------------------------------------------------------------------------


def test_photos_go_ahead_and_are_acknowledged_for_themselves() -> None:
    sent, one = fields(text=""), str(uuid4())
    assert put(sent["report"], one, photo().getvalue()).status_code == 201
    assert put(sent["report"], one, photo().getvalue()).status_code == 200
    assert SentPhoto.objects.count() == 1
    assert send({**sent, "ahead": [one]}).status_code == 201
    kept = Evidence.objects.get()
    assert (str(kept.uuid), kept.part) == (one, "before")
    assert kept.event is not None
    assert kept.event.action == "submit"
    assert not SentPhoto.objects.exists()
    assert has_no_metadata(clean_path(kept).read_bytes())
    assert b"phone" not in original_path(kept).read_bytes()
    assert put(sent["report"], one, photo().getvalue()).status_code == 200
    assert put(sent["report"], str(uuid4()), photo().getvalue()).status_code == 409


def test_a_report_waits_for_the_photos_that_it_names() -> None:
    sent, one = fields(), str(uuid4())
    answer = send({**sent, "ahead": [one]})
    assert (answer.status_code, answer.json()["missing"]) == (409, [one])
    assert not Case.objects.exists()


def test_nobody_overwrites_or_takes_the_photo_of_another() -> None:
    mine, one = fields(), str(uuid4())
    put(mine["report"], one, photo().getvalue())
    assert put(str(uuid4()), one, photo().getvalue()).status_code == 409
    assert send(fields(ahead=[one])).status_code == 409
    case = opened().case
    kept = add_photo(case, photo().getvalue(), part="before", name="x", by="x", now=NOW)
    before = clean_path(kept).read_bytes()
    assert put(str(uuid4()), str(kept.uuid), photo().getvalue()).status_code == 409
    assert clean_path(kept).read_bytes() == before


def test_a_photo_that_is_none_and_a_seventh_are_refused() -> None:
    report = str(uuid4())
    assert put(report, str(uuid4()), b"no").json()["code"] == "photo-unknown-format"
    codes = [put(report, str(uuid4()), photo().getvalue()).status_code for _ in range(7)]
    assert codes == [201] * 6 + [409]


def test_a_photo_without_a_report_is_erased_after_a_day() -> None:
    report, one = str(uuid4()), str(uuid4())
    put(report, one, photo().getvalue())
    files = [file for file in settings.EVIDENCE.rglob("*") if file.is_file()]
    assert len(files) == 2
    now = timezone.now()
    assert forget_unclaimed(now=now + timedelta(hours=23)) == 0
    assert forget_unclaimed(now=now + timedelta(hours=25)) == 1
    assert [file for file in files if file.exists()] == []
    assert not SentPhoto.objects.exists()


def test_every_way_in_takes_the_position_out_of_a_photo() -> None:
    sent, one = fields(), str(uuid4())
    put(sent["report"], one, photo().getvalue())
    send({**sent, "ahead": [one]})  # ahead
    send({**fields(token="p" * 24), "photo": photo()})  # plain form
    case = drive(opened().case, (("accept_for_verification", "desk"),))
    client("grid").post(
        f"/cases/{case.number}/steps/",
        {"action": "confirm", "seen": case.last, "photo": photo()},
    )  # desk and field
    rows = Evidence.objects.all()
    assert len(rows) == 3
    for row in rows:
        assert has_no_metadata(clean_path(row).read_bytes())
        assert b"Exif" not in original_path(row).read_bytes()


# Limits -------------------------------------------------------------------------------------------


def test_one_address_sends_so_many_an_hour_and_repeats_do_not_count(settings: Any) -> None:
    settings.REPORTS_PER_HOUR = 3
    sent = fields()
    assert [send(sent).status_code for _ in range(4)] == [201, 200, 200, 200]
    assert [send(fields()).status_code for _ in range(2)] == [201, 201]
    answer = send(fields())
    assert answer.status_code == 429
    assert answer["Retry-After"]
    assert Case.objects.count() == 3
    assert send(fields(), REMOTE_ADDR="192.0.2.7").status_code == 201


def test_photos_of_one_address_are_limited_too(settings: Any) -> None:
    settings.REPORTS_PER_HOUR = 1
    codes = [put(str(uuid4()), str(uuid4()), photo().getvalue()).status_code for _ in range(7)]
    assert codes == [201] * 6 + [429]


# Pseudonym ----------------------------------------------------------------------------------------


def test_a_pseudonym_is_proved_by_its_code() -> None:
    named = {"pseudonym": "骑行者甲", "recovery": "correct horse"}
    assert send(fields(**named)).status_code == 201
    assert send(fields(**named, token="b" * 24)).status_code == 201
    assert Pseudonym.objects.get().cases.count() == 2
    assert "correct" not in Pseudonym.objects.get().code_hash
    wrong = send(fields(pseudonym="骑行者甲", recovery="wrong horse"))
    assert wrong.json()["code"] == "pseudonym-taken"
    assert Case.objects.count() == 2


def test_guesses_at_a_code_end_though_each_report_is_undone(settings: Any) -> None:
    send(fields(pseudonym="骑行者甲", recovery="correct horse"))
    for _ in range(settings.LOCK_FAILURES):
        send(fields(pseudonym="骑行者甲", recovery="wrong horse"))
    right = send(fields(pseudonym="骑行者甲", recovery="correct horse"))
    assert right.json()["code"] == "pseudonym-taken"


def test_number_and_code_find_the_link_again() -> None:
    send(fields(pseudonym="骑行者甲", recovery="correct horse"))
    case = Case.objects.get()
    by_token = Client().post("/r/", {"number": case.number, "code": TOKEN})
    assert by_token["Location"] == f"/r/{TOKEN}/"
    anew = Client().post("/r/", {"number": case.number, "code": "correct horse"})["Location"]
    assert anew != f"/r/{TOKEN}/"
    assert Client().get(anew).status_code == 200
    assert Client().get(f"/r/{TOKEN}/").status_code == 404  # the old link has ended
    for number, code in ((case.number, "wrong horse"), ("20260101-000009", TOKEN), ("x", "")):
        page = Client().post("/r/", {"number": number, "code": code})
        assert "编号或查询码不对" in page.content.decode()


# The tracking page --------------------------------------------------------------------------------


def tracked(case: Case, token: str) -> str:
    answer = Client().get(f"/r/{token}/")
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_an_unknown_token_is_not_found() -> None:
    assert Client().get(f"/r/{'z' * 24}/").status_code == 404
    assert Client().post(f"/r/{'z' * 24}/steps/", {"action": "rate"}).status_code == 404
    imported = opened().case
    Case.objects.filter(pk=imported.pk).update(token_hash="")
    assert Client().get("/r/").status_code == 200


def test_the_page_says_who_handles_it_by_when_and_nothing_from_inside() -> None:
    made = opened(contact={"phone": "13812345678"})
    case = drive(made.case, TO_DISPATCHED, clause="内部条款第九条")
    case = step(case, "sign_in", "city")
    case = step(case, "log_progress", "city", note="等材料，内部说明")
    case = step(case, "escalate", "leader", text="内部督办意见")
    page = tracked(case, made.token)
    for told in ("CGJ单位", "主办单位正在办理", "处置时限", "工作日"):
        assert told in page
    for hidden in ("13812345678", "内部", "desk", "dispatcher", ">city<", "leader"):
        assert hidden not in page


def test_result_and_after_photo_are_told_only_once_inspection_passed() -> None:
    made = opened()
    case = drive(made.case, TO_INSPECTING, reply="已更换井盖")
    Evidence.objects.filter(case=case, part="after").update(name="after")
    after = Evidence.objects.filter(case=case, part="after").latest("pk")
    page = tracked(case, made.token)
    assert "正在核查" in page
    assert "已更换井盖" not in page
    assert str(after.uuid) not in page
    case = step(case, "pass", "inspector", note="内部核查记录")
    page = tracked(case, made.token)
    assert "已更换井盖" in page
    assert "问题已处置，并经现场核查" in page
    assert str(after.uuid) in page
    assert "内部核查记录" not in page


def test_the_reporter_sees_own_photo_by_the_link_alone() -> None:
    sent, one = fields(), str(uuid4())
    put(sent["report"], one, photo().getvalue())
    send({**sent, "ahead": [one]})
    shown = Client().get(f"/r/{TOKEN}/photos/{one}.jpg")
    assert has_no_metadata(shown.getvalue())
    other = opened(token="o" * 24)
    assert other.token == "o" * 24
    assert Client().get(f"/r/{other.token}/photos/{one}.jpg").status_code == 404


def take(token: str, case: Case, action: str, **said: str) -> str:
    answer = Client().post(
        f"/r/{token}/steps/", {"action": action, "seen": Case.objects.get(pk=case.pk).last, **said},
        follow=True,
    )  # fmt: skip
    return str(answer.content.decode())


def test_the_reporter_answers_a_question() -> None:
    made = opened()
    step(made.case, "ask", "desk", question="在路哪一侧？")
    page = tracked(made.case, made.token)
    assert "在路哪一侧？" in page
    assert "还缺" in take(made.token, made.case, "answer")
    assert "等待受理" in take(made.token, made.case, "answer", said_answer="东侧")


def test_the_reporter_adds_a_remark_that_moves_nothing() -> None:
    made = opened()
    drive(made.case, TO_INSPECTING[:3])
    page = take(made.token, made.case, "remark", said_text="又看到一处")
    assert "又看到一处" in page
    case = Case.objects.get()
    assert (case.state, case.events.last().action) == ("dispatched", "remark")
    assert "还缺" in take(made.token, case, "remark")


def test_the_reporter_withdraws() -> None:
    made = opened()
    assert "已撤回" in take(made.token, made.case, "withdraw")
    assert Case.objects.get().state == "withdrawn"


@pytest.mark.parametrize("score", ["0", "6", "x", ""])
def test_a_score_is_one_to_five(score: str) -> None:
    made = opened()
    drive(made.case, (*TO_INSPECTING, ("pass", "inspector")))
    take(made.token, made.case, "rate", said_score=score)
    assert Case.objects.get().state == "resolved"


def test_the_reporter_rates_once_inspection_passed() -> None:
    made = opened()
    drive(made.case, TO_INSPECTING)
    take(made.token, made.case, "rate", said_score="5")
    assert Case.objects.get().state == "inspecting"
    step(Case.objects.get(), "pass", "inspector")
    assert "已结案" in take(made.token, made.case, "rate", said_score="4")
    assert Case.objects.get().score == 4


def test_the_reporter_disputes_with_a_reason() -> None:
    made = opened()
    drive(made.case, (*TO_INSPECTING, ("pass", "inspector")))
    assert "还缺" in take(made.token, made.case, "dispute")
    assert "正在审核您的重办申请" in take(made.token, made.case, "dispute", said_reason="又坏了")


def test_a_step_of_staff_is_no_step_of_the_link() -> None:
    made = opened()
    assert "没有这一步" in take(made.token, made.case, "accept_for_verification")
    assert Case.objects.get().state == "submitted"
    assert bearer("requester").holds_token
