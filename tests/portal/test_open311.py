"""Open311 GeoReport v2: shapes, errors and silence about everything that is not public."""

import io
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from lxml import etree
from PIL import Image
from pytest_django import Settings
from tests.cases.build import NOW, TO_INSPECTING, cell, drive, opened, people, step, unit_of
from tests.portal.open311_schemas import check, schema_of

from liandong.base.models import Account, AuditRow
from liandong.cases.models import Case, Evidence
from liandong.cases.services.blurring import confirm, withdraw
from liandong.cases.services.photos import add_photo
from liandong.cases.services.publishing import (
    NotPublic,
    proposed_words,
    publish_words,
    withdraw_words,
)
from liandong.cases.services.sealing import contact_of
from liandong.kernel import catalog
from liandong.portal.services.keys import issue_key

pytestmark = pytest.mark.django_db
BASE = "/open311/v2"
HEAP = {"service_code": "E0101", "lat": "37.05", "long": "118.05", "attribute[SIZE]": "S"}
STRINGS = ("service_request_id", "status", "requested_datetime", "updated_datetime")


@pytest.fixture(autouse=True)
def _people() -> None:
    people()
    cell()


@pytest.fixture
def key() -> str:
    account = Account.objects.get(username="case-clerk")
    now = timezone.now()
    return issue_key(
        name="市民热线", unit=unit_of("ZHZX"), account=account, scopes=["reports:write"], by="x",
        now=now, expires_at=now + timedelta(days=9),
    ).token  # fmt: skip


def get(path: str, **given: str) -> Any:
    answer = Client().get(f"{BASE}/{path}.json", given)
    assert answer.status_code == 200, answer.content
    assert answer["Content-Type"] == "application/json; charset=utf-8"
    told = json.loads(answer.content)
    check(schema_of(path), told)
    return told


def post(given: dict[str, Any], form: str = "json", *, path: str = "requests") -> Any:
    answer = Client().post(f"{BASE}/{path}.{form}", given)
    if form == "json":
        done = "updated" if path == "servicerequestupdates" else "opened"
        check("errors" if answer.status_code >= 400 else done, json.loads(answer.content))
    return answer


def public(**changes: Any) -> Case:
    return opened(now=timezone.now(), **changes).case


def picture() -> io.BytesIO:
    out = io.BytesIO()
    Image.new("RGB", (20, 20), "red").save(out, "JPEG")
    out.seek(0)
    out.name = "a.jpg"
    return out


def test_discovery_names_two_endpoints_with_two_formats() -> None:
    told = get("discovery")
    assert {one["type"] for one in told["endpoints"]} == {"production", "test"}
    assert all(len(one["formats"]) == 2 for one in told["endpoints"])
    assert told["endpoints"][0]["specification"] == "http://wiki.open311.org/GeoReport_v2"


def test_every_enabled_category_is_a_service_with_string_codes() -> None:
    rows = get("services")
    enabled = [
        row for row in catalog.rows("problem_categories")
        if row["enabled"] == "Y" and row["subclass_name_zh"]
    ]  # fmt: skip
    assert [one["service_code"] for one in rows] == [row["local_code"] for row in enabled]
    assert {one["type"] for one in rows} == {"realtime"}
    assert [one["service_code"] for one in rows if one["metadata"]] == [
        "C0101", "C0102", "C0103", "E0101", "E0404",
    ]  # fmt: skip


def test_a_definition_exists_only_where_there_are_questions() -> None:
    told = get("services/E0101")
    (size,) = told["attributes"]
    assert (size["code"], size["required"], size["order"]) == ("SIZE", True, 1)
    assert size["values"][0] == {"key": "S", "name": "小"}
    assert size["datatype_description"] is None
    assert Client().get(f"{BASE}/services/E0502.json").status_code == 404
    assert Client().get(f"{BASE}/services/NOPE.json").status_code == 404


@pytest.mark.parametrize(
    "path", ["discovery", "services", "services/E0101", "requests", "servicerequestupdates"]
)
def test_xml_has_a_root_no_namespace_and_the_same_content(path: str) -> None:
    public()
    answer = Client().get(f"{BASE}/{path}.xml")
    assert answer["Content-Type"] == "text/xml; charset=utf-8"
    assert answer.content.startswith(b'<?xml version="1.0" encoding="')
    root = etree.fromstring(answer.content)
    assert "{" not in root.tag
    told = get(path)
    if isinstance(told, list):
        assert len(root) == len(told)
        assert [part.tag for part in root[0]] == list(told[0])


def test_a_request_shows_public_facts_only(key: str) -> None:
    answer = post({**HEAP, "api_key": key, "description": "路口有一堆垃圾", "phone": "13800138000",
                   "email": "a@b.cn", "device_id": "IMEI-1", "first_name": "小明"})  # fmt: skip
    assert answer.status_code == 201
    (told,) = json.loads(answer.content)
    case = Case.objects.get()
    assert told == {"service_request_id": case.number, "service_notice": None, "account_id": None}
    (token,) = get(f"tokens/{case.uuid}")
    assert token == {"service_request_id": case.number, "token": str(case.uuid)}
    assert (case.category, case.channel, case.text) == (
        "E0101",
        "open311",
        "路口有一堆垃圾\n堆放大小：小",
    )
    assert contact_of(case) == {"email": "a@b.cn", "phone": "13800138000", "first_name": "小明"}
    everything = json.dumps(get("requests")) + json.dumps(get(f"requests/{case.number}"))
    for secret in ("13800138000", "a@b.cn", "小明", "路口有一堆垃圾"):
        assert json.dumps(secret)[1:-1] not in everything
    assert "IMEI" not in str(list(Case.objects.values()))
    (row,) = get("requests")
    assert all(isinstance(row[name], str) for name in STRINGS)
    assert (row["status"], row["lat"], row["media_url"]) == ("open", 37.05, None)


def test_words_are_shown_once_a_person_has_let_them_out_and_never_with_a_number() -> None:
    case = public(form={"text": "路口有一堆垃圾，请致电13800138000"})
    assert get("requests")[0]["description"] is None
    assert "13800138000" not in proposed_words(case, now=NOW)
    shown = publish_words(case.pk, case.text, by="case-clerk", now=NOW)
    (row,) = get("requests")
    assert row["description"] == shown
    assert shown.startswith("路口有一堆垃圾")
    assert "13800138000" not in shown
    withdraw_words(case.pk, by="case-clerk", now=NOW)
    assert get("requests")[0]["description"] is None
    acts = AuditRow.objects.filter(object=f"case:{case.number}").values_list("act", flat=True)
    assert {"publish_words", "withdraw_words"} <= set(acts)


def test_words_of_a_private_kind_are_never_let_out() -> None:
    demand = opened("enterprise_demand").case
    with pytest.raises(NotPublic):
        publish_words(demand.pk, "可以公开吗", by="case-clerk", now=NOW)
    assert not Case.objects.filter(public_at__isnull=False).exists()


def test_a_photo_is_shown_once_a_person_has_covered_it(key: str, settings: Settings) -> None:
    settings.OPEN311_EXTENSIONS = True
    assert post({**HEAP, "api_key": key, "media": picture()}).status_code == 201
    assert get("requests")[0]["media_url"] is None
    one = Evidence.objects.get()
    address = f"/photos/{one.uuid}.jpg"
    assert Client().get(address).status_code == 404
    confirm(one.pk, by="case-clerk", now=NOW)
    assert get("requests")[0]["media_url"] == f"http://testserver{address}"
    answer = Client().get(address)
    assert answer.status_code == 200
    assert answer.getvalue().startswith(b"\xff\xd8")
    withdraw(one.pk, by="case-clerk", now=NOW)
    assert Client().get(address).status_code == 404


def test_a_covered_photo_of_a_private_kind_stays_inside() -> None:
    case = opened("enterprise_demand").case
    one = add_photo(case, picture().read(), part="before", name="a.jpg", by="x", now=NOW)
    Evidence.objects.filter(pk=one.pk).update(event=case.events.get())
    confirm(one.pk, by="case-clerk", now=NOW)
    assert Client().get(f"/photos/{one.uuid}.jpg").status_code == 404


UPDATE = {"update_id": "fms-1", "status": "OPEN", "description": "又多了一堆"}


def reported(key: str) -> Case:
    post({**HEAP, "api_key": key, "description": "垃圾"})
    return Case.objects.get()


def test_an_update_is_a_remark_of_the_reporter_and_comes_in_once(key: str) -> None:
    case = reported(key)
    given = {**UPDATE, "api_key": key, "service_request_id": case.number}
    answer = post(given, path="servicerequestupdates")
    assert (answer.status_code, json.loads(answer.content)) == (200, [{"update_id": "fms-1"}])
    event = case.events.get(action="remark")
    assert (event.role, event.facts, event.words.said) == (
        "reporter", {"update_id": "fms-1"}, {"text": "又多了一堆"},
    )  # fmt: skip
    again = post(given, path="servicerequestupdates")
    assert (again.status_code, case.events.filter(action="remark").count()) == (400, 1)
    assert "already exists" in again.content.decode()


def test_an_update_answers_a_question_and_reopens_what_was_resolved(key: str) -> None:
    case = reported(key)
    given = {**UPDATE, "api_key": key, "service_request_id": case.number}
    step(case, "ask", "desk", now=timezone.now())
    post(given, path="servicerequestupdates")
    assert Case.objects.get().state == "submitted"
    for action, by in (*TO_INSPECTING, ("pass", "inspector")):
        step(case, action, by, now=timezone.now())
    answer = post({**given, "update_id": "fms-2"}, path="servicerequestupdates")
    assert (answer.status_code, Case.objects.get().state) == (200, "reopen_review")


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"api_key": ""}, 403),
        ({"update_id": ""}, 400),
        ({"description": " "}, 400),
        ({"service_request_id": "20260101-000099"}, 404),
    ],
)
def test_an_update_that_cannot_be_taken_changes_nothing(
    key: str, changes: dict[str, str], status: int
) -> None:
    case = reported(key)
    given = {**UPDATE, "api_key": key, "service_request_id": case.number, **changes}
    assert post(given, path="servicerequestupdates").status_code == status
    assert case.events.count() == 1


def test_nobody_updates_what_came_in_another_way(key: str) -> None:
    case = public()
    given = {**UPDATE, "api_key": key, "service_request_id": case.number}
    assert post(given, path="servicerequestupdates").status_code == 404
    assert case.events.count() == 1


def test_private_kinds_are_not_there() -> None:
    hidden = [opened(kind).case for kind in ("enterprise_demand", "employee_demand")]
    assert get("requests") == []
    for case in hidden:
        assert Client().get(f"{BASE}/requests/{case.number}.json").status_code == 404
        assert get("requests", service_request_id=case.number) == []
        assert Client().get(f"{BASE}/tokens/{case.uuid}.json").status_code == 404


def test_it_stays_open_until_inspection_passes() -> None:
    case = drive(public(), TO_INSPECTING)
    assert get(f"requests/{case.number}")[0]["status"] == "open"
    drive(case, (("pass", "inspector"),))
    (row,) = get(f"requests/{case.number}")
    assert (row["status"], row["status_notes"]) == ("closed", "问题已处置，并经现场核查。")


def test_updates_say_fixed_only_of_what_was_solved() -> None:
    solved = drive(opened().case, (*TO_INSPECTING, ("pass", "inspector")))
    other = opened().case
    drive(other, TO_INSPECTING, outcome="explained")
    drive(Case.objects.get(pk=other.pk), (("pass", "inspector"),))
    since = (NOW - timedelta(days=1)).isoformat()
    rows = get("servicerequestupdates", start_date=since)
    last = {one["service_request_id"]: one["status"] for one in rows}
    assert last == {solved.number: "FIXED", other.number: "NO_FURTHER_ACTION"}


ERRORS: list[tuple[dict[str, str], int, str]] = [
    ({"api_key": ""}, 403, "api_key was not provided"),
    ({"api_key": "ld_x_y"}, 403, "api_key is not valid"),
    ({"service_code": ""}, 400, "service_code was not provided"),
    ({"service_code": "NOPE"}, 404, "service_code was not found"),
    ({"lat": ""}, 400, "lat and long must both be numbers"),
    ({"lat": "nan"}, 400, "lat and long must lie on the earth"),
    ({"lat": "", "long": ""}, 400, "one of lat and long"),
    ({"attribute[SIZE]": ""}, 400, "SIZE is required"),
    ({"attribute[SIZE]": "XXL"}, 400, "SIZE must be one of"),
    ({"description": "甲" * 4001}, 400, "longer than 4000"),
    ({"jurisdiction_id": "elsewhere"}, 404, "jurisdiction_id elsewhere was not found"),
]


@pytest.mark.parametrize(("changes", "status", "words"), ERRORS)
@pytest.mark.parametrize("form", ["json", "xml"])
def test_an_error_has_the_code_of_the_standard_and_names_its_cause(
    key: str, changes: dict[str, str], status: int, words: str, form: str
) -> None:
    answer = post({**HEAP, "api_key": key, "description": "垃圾", **changes}, form)
    assert answer.status_code == status
    assert words in answer.content.decode()
    if form == "json":
        assert json.loads(answer.content)[0]["code"] == str(status)
    else:
        root = etree.fromstring(answer.content)
        assert (root.tag, root[0].tag) == ("errors", "error")
        assert root[0].findtext("code") == str(status)
    assert not Case.objects.exists()


def test_a_key_without_the_scope_reports_nothing() -> None:
    account = Account.objects.get(username="case-clerk")
    now = timezone.now()
    other = issue_key(
        name="别的", unit=unit_of("ZHZX"), account=account, scopes=["records:read"], by="x",
        now=now, expires_at=now + timedelta(days=9),
    ).token  # fmt: skip
    assert post({**HEAP, "api_key": other, "description": "垃圾"}).status_code == 403


def test_sent_again_at_once_it_is_the_same_case(key: str) -> None:
    given = {**HEAP, "api_key": key, "description": "垃圾"}
    first, second = (json.loads(post(given).content) for _ in range(2))
    assert first == second
    assert Case.objects.count() == 1


@pytest.mark.parametrize(
    ("given", "check"),
    [
        ({"service_code": "C0101"}, lambda rows: len(rows) == 1),
        ({"service_code": "C0101,E0101"}, lambda rows: len(rows) == 2),
        ({"status": "closed"}, lambda rows: rows == []),
        ({"status": "open,closed"}, lambda rows: len(rows) == 2),
        ({"start_date": "2020-01-01T00:00:00+08:00"}, lambda rows: rows == []),
        ({"service_code": ""}, lambda rows: len(rows) == 2),
    ],
)
def test_the_list_obeys_its_conditions(
    given: dict[str, str], check: Callable[[list[Any]], bool]
) -> None:
    public(category="C0101")
    public(category="E0101")
    assert check(get("requests", **given))


@pytest.mark.parametrize(
    "given",
    [
        {"start_date": "yesterday"},
        {"start_date": "2026-01-01T00:00:00"},  # no zone
        {"start_date": "2026-01-01T00:00:00Z", "end_date": "2026-05-01T00:00:00Z"},
        {"start_date": "2026-02-01T00:00:00Z", "end_date": "2026-01-01T00:00:00Z"},
        {"status": "half"},
    ],
)
def test_conditions_that_mean_nothing_are_refused(given: dict[str, str]) -> None:
    answer = Client().get(f"{BASE}/requests.json", given)
    assert answer.status_code == 400
    assert json.loads(answer.content)[0]["code"] == "400"


def test_extensions_are_off_until_they_are_switched_on(key: str, settings: Settings) -> None:
    for _ in range(3):
        public()
    assert len(get("requests", page="2", page_size="1")) == 3
    settings.OPEN311_EXTENSIONS = True
    first, second = (get("requests", page=one, page_size="2") for one in "12")
    assert (len(first), len(second)) == (2, 1)
    answer = post({**HEAP, "api_key": key, "media": picture()})
    assert answer.status_code == 201
    (row,) = json.loads(answer.content)
    case = Case.objects.get(pk=int(row["service_request_id"].partition("-")[2]))
    assert case.evidence.get().event.action == "submit"


def test_bulk_is_a_table_with_closed_date(key: str) -> None:
    drive(public(), (*TO_INSPECTING, ("pass", "inspector")))
    answer = Client().get(f"{BASE}/requests.csv")
    head, line = answer.content.decode("utf-8-sig").splitlines()
    assert head.split(",")[3] == "closed_date"
    assert "closed" in line


@pytest.mark.parametrize("path", ["requests.html", "services.exe", "requests/x.json"])
def test_what_is_not_there_is_404_in_a_format_of_the_standard(path: str) -> None:
    answer = Client().get(f"{BASE}/{path}")
    assert answer.status_code == 404
    assert answer["Content-Type"].startswith(("text/xml", "application/json"))
