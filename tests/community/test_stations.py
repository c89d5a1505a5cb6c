"""Stations and the page of a reporter: public list, own unit only, redemption, erasing."""

import json

import pytest
from django.contrib.auth.hashers import make_password
from django.test import Client
from tests.cases.build import NOW, client, opened
from tests.community.build import balance, everybody, inspected, rider, settled, station

from liandong.base.models import Account
from liandong.cases.models import Case, Pseudonym
from liandong.cases.services.sealing import seal_contact
from liandong.community.models import RedemptionCode, Station, StationDay
from liandong.community.queries.stations import is_open_at
from liandong.kernel import catalog

pytestmark = pytest.mark.django_db
KEPT = "/community/stations/yz-1/"
CODE = "骑行天下二〇二六"


@pytest.fixture(autouse=True)
def _people() -> None:
    everybody()


def enter(name: str = "风里来", code: str = CODE) -> tuple[Client, str]:
    """A browser that opened the page of a pseudonym, and what that says."""
    browser = Client()
    sent = {"pseudonym": name, "recovery": code}
    return browser, browser.post("/me/reports/prove/", sent, follow=True).content.decode()


def named() -> Pseudonym:
    made = rider()
    Pseudonym.objects.filter(pk=made.pk).update(code_hash=make_password(CODE))
    return made


# The public ---------------------------------------------------------------------------------------


def test_everybody_finds_open_stations_with_icon_and_word() -> None:
    station()
    station("yz-2", name="关着的驿站", is_open=False)
    page = Client().get("/stations/")
    shown = page.content.decode()
    assert "黄河路驿站" in shown
    assert "关着的驿站" not in shown
    assert "#water" in shown
    assert "饮水" in shown
    assert "geolocation=(self)" in page["Permissions-Policy"]
    assert "没有这样的驿站" in Client().get("/stations/?has=meal").content.decode()


def test_the_file_of_stations_is_geojson() -> None:
    station()
    answer = Client().get("/stations.geojson")
    assert answer["Content-Type"] == "application/geo+json"
    (feature,) = json.loads(answer.content)["features"]
    assert feature["geometry"] == {"type": "Point", "coordinates": [118.05, 37.05]}
    assert feature["properties"]["opening_hours"] == "24/7"
    assert {one["code"] for one in feature["properties"]["facilities"]} == {
        "water", "charging", "seating",
    }  # fmt: skip


def test_hours_may_go_past_midnight() -> None:
    one = station(is_24h=False, opens_at="20:00", closes_at="06:00")
    one.refresh_from_db()
    at = [is_open_at(one, one.opens_at.replace(hour=hour)) for hour in (19, 20, 23, 5, 6)]
    assert at == [False, True, True, True, False]


def test_a_defect_becomes_a_case_at_the_place_of_the_station() -> None:
    station()
    path = "/stations/yz-1/defect/"
    assert Client().post(path, {"facility": "water", "text": " "}).status_code == 422
    done = Client().post(path, {"facility": "water", "text": "饮水机不出水"})
    assert done["Location"].startswith("/r/")
    case = Case.objects.get()
    assert (case.text, case.lat, case.kind) == (
        "黄河路驿站：饮水。饮水机不出水", 37.05, "snap_report",
    )  # fmt: skip
    assert Client().get("/stations/nothing/defect/").status_code == 404


# Who keeps them -----------------------------------------------------------------------------------


def test_staff_keeps_the_stations_of_the_own_unit_and_no_other() -> None:
    station()
    assert client("keeper").get(KEPT).status_code == 200
    assert client("other-keeper").get(KEPT).status_code == 404
    for who in ("desk", "leader", "citizen"):
        assert client(who).get(KEPT).status_code == 403
    assert "本单位还没有驿站" in client("other-keeper").get("/community/stations/").content.decode()
    taken = {"code": "yz-1", "name": "x", "address": "x", "lat": 1, "lon": 1, "is_24h": "on",
             "seats": 0}  # fmt: skip
    answer = client("other-keeper").post("/community/stations/new/", taken)
    assert answer.status_code == 422
    assert Station.objects.get().name == "黄河路驿站"


def test_a_station_is_made_and_changed_by_a_form() -> None:
    said = {"code": "yz-9", "name": "新驿站", "address": "渤海路", "lat": "37.1", "lon": "118.1",
            "seats": "8", "facilities": ["wifi", "nonsense"], "is_open": "on"}  # fmt: skip
    browser = client("keeper")
    assert browser.post("/community/stations/new/", said).status_code == 422
    said |= {"facilities": ["wifi"], "opens_at": "08:00", "closes_at": "20:00"}
    page = browser.post("/community/stations/new/", said, follow=True).content.decode()
    assert "08:00–20:00" in page
    browser.post("/community/stations/yz-9/edit/", said | {"name": "改名驿站", "code": "other"})
    assert Station.objects.get().name == "改名驿站"
    assert Station.objects.get().code == "yz-9"


def test_a_visit_is_a_number_and_a_check_lists_what_is_out_of_order() -> None:
    station()
    for _ in range(3):
        page = client("keeper").post(f"{KEPT}visits/", follow=True).content.decode()
    assert "今天第 3 位" in page
    assert [field.name for field in StationDay._meta.fields] == ["id", "station", "day", "visits"]
    page = client("keeper").post(f"{KEPT}checks/", {"ok": ["water"]}, follow=True).content.decode()
    assert "不正常：桌椅、充电" in page


# The way of points --------------------------------------------------------------------------------


def test_a_rider_sees_points_shows_a_code_and_gets_a_receipt() -> None:
    named()
    for _ in range(3):
        inspected(rider())
    settled()
    station()
    browser, page = enter()
    assert "上报经核查通过" in page
    assert page.count("+11") == 3
    shown = browser.post("/me/reports/code/")
    code = shown.context["code"]
    assert code in shown.content.decode()
    assert "no-store" in shown["Cache-Control"]
    bad = client("keeper").post(f"{KEPT}redeem/", {"code": "x", "goods": "water"}, follow=True)
    assert "兑换码不对" in bad.content.decode()
    done = client("keeper").post(
        f"{KEPT}redeem/", {"code": code, "goods": "meal_coupon"}, follow=True
    )
    receipt = done.content.decode()
    assert "积分兑换凭单" in receipt
    assert "餐券一张" in receipt
    assert "风里来" not in receipt
    assert balance(rider()) == 3
    assert "-30" in browser.get("/me/reports/").content.decode()
    again = client("keeper").post(f"{KEPT}redeem/", {"code": code, "goods": "water"}, follow=True)
    assert "兑换码不对" in again.content.decode()
    assert client("other-keeper").get(done.redirect_chain[-1][0]).status_code == 404


def test_the_page_of_a_pseudonym_wants_its_code_and_counts_guesses() -> None:
    named()
    assert "化名或恢复码不对" in enter(code="不是这个恢复码")[1]
    assert "化名或恢复码不对" in enter(name="没有此人")[1]
    browser, page = enter()
    assert "风里来" in page
    browser.post("/me/reports/leave/")
    assert "恢复码" in browser.get("/me/reports/").content.decode()
    forged = Client()
    forged.cookies["pseudonym"] = str(rider().pk)
    assert "风里来" not in forged.get("/me/reports/").content.decode()
    for _ in range(6):
        enter(code="不是这个恢复码")
    assert "化名或恢复码不对" in enter()[1]  # the right one, too late


def test_an_account_sees_its_own_and_shows_no_code_without_points() -> None:
    citizen = Account.objects.get(username="citizen")
    case = opened(requester=citizen).case
    opened()
    page = client("citizen").get("/me/reports/").content.decode()
    assert case.number in page
    assert page.count("/cases/2") == 1
    said = client("citizen").post("/me/reports/code/", follow=True).content.decode()
    assert "还没有可以兑换的积分" in said
    assert not RedemptionCode.objects.exists()


def test_contact_data_and_the_pseudonym_are_erased_at_any_time() -> None:
    named()
    case = opened().case
    Case.objects.filter(pk=case.pk).update(pseudonym=rider())
    case.refresh_from_db()
    seal_contact(case, {"phone": "13800138000"}, now=NOW)
    case.save()
    browser, page = enter()
    assert "有 1 件留有联系方式" in page
    browser.post("/me/reports/erase/", {"what": "contact"})
    case.refresh_from_db()
    assert case.contact is None
    browser.post("/me/reports/erase/", {"what": "pseudonym"})
    assert not Pseudonym.objects.exists()
    assert Case.objects.filter(pk=case.pk).exists()
    assert "风里来" not in browser.get("/me/reports/").content.decode()


def test_goods_have_their_source() -> None:
    row = catalog.by_key("points_goods", "code")["meal_coupon"]
    assert (row["points"], row["confidence"]) == ("30", "secondary")
