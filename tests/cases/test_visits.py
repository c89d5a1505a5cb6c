"""Visits: recorded once, items settled or made cases, plans that overrun nobody, coverage."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone
from tests.cases.build import (
    CHAMBER,
    CITY,
    FIRM,
    NOW,
    OTHER_FIRM,
    WATER,
    bearer,
    cell,
    client,
    opened,
    people,
    unit_of,
)
from tests.cases.test_mandates import mandate

from liandong.base.models import Account
from liandong.cases.models import Case, Visit, VisitItem, VisitPlan
from liandong.cases.queries.enterprises import financing_of, items_of, seen_enterprises
from liandong.cases.queries.visits import coverage, plans
from liandong.cases.services.opening import BadReport
from liandong.cases.services.visits import (
    MOST_PLANNED,
    BadVisit,
    Noted,
    open_from_item,
    plan_visits,
    record_visit,
    settle_item,
)

pytestmark = pytest.mark.django_db
TODAY = NOW.date()
CONTACT = {"title": "用电", "contact_person": "经办人", "contact_phone": "0543-5550000"}


@pytest.fixture(autouse=True)
def _people() -> None:
    people()
    cell()


def noted(**changes: Any) -> Noted:
    facts: dict[str, Any] = {
        "uuid": uuid4(), "enterprise": FIRM, "visited_on": TODAY,
        "needs": ["变压器容量不够", "", "招工难"], "employee_needs": ["宿舍太远"],
    }  # fmt: skip
    return Noted(**{**facts, **changes})


def visited(by: str = "city", **changes: Any) -> Visit:
    return record_visit(noted(**changes), by=bearer(by), now=NOW)


def item(visit: Visit, number: int = 1) -> VisitItem:
    return visit.items.get(number=number)


def test_a_visit_sent_twice_is_one_visit_with_an_item_a_line() -> None:
    one = noted()
    first = record_visit(one, by=bearer("city"), now=NOW)
    assert record_visit(one, by=bearer("city"), now=NOW).pk == first.pk
    assert (first.unit.code, first.made_by) == (CITY, "city")
    assert [(row.number, row.party, row.text) for row in first.items.all()] == [
        (1, "enterprise", "变压器容量不够"), (2, "enterprise", "招工难"),
        (3, "employee", "宿舍太远"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"enterprise": "CGJ"}, ("enterprise", "unknown")),
        ({"visited_on": None}, ("visited_on", "missing")),
        ({"visited_on": TODAY + timedelta(days=1)}, ("visited_on", "later")),
        ({"needs": (), "employee_needs": ()}, ("needs", "missing")),
        ({"needs": ["需" * 1001]}, ("needs", "too-long")),
        ({"needs": ["需"] * 31}, ("needs", "too-many")),
    ],
)
def test_a_bad_visit_is_refused_with_its_fields(
    changes: dict[str, Any], fault: tuple[str, str]
) -> None:
    with pytest.raises(BadVisit) as bad:
        visited(**changes)
    assert fault in bad.value.faults
    assert not Visit.objects.exists()


def test_an_item_becomes_one_case_linked_both_ways() -> None:
    row = item(visited())
    case = open_from_item(row.pk, "enterprise_demand", CONTACT, by=bearer("city"), now=NOW)
    again = open_from_item(row.pk, "enterprise_demand", CONTACT, by=bearer("city"), now=NOW)
    row.refresh_from_db()
    assert (case.pk, row.case, row.became) == (again.pk, case, "case")
    assert (case.uuid, case.channel, case.firm, case.text) == (
        row.uuid, "visit", FIRM, "变压器容量不够",
    )  # fmt: skip
    facts = case.events.get().facts
    assert (facts["visit"], facts["item"]) == (row.visit_id, 1)
    assert "0543" not in str(Case.objects.values().get(pk=case.pk))
    page = client("desk").get(f"/cases/{case.number}/").content.decode()
    assert f"/visits/{row.visit_id}/" in page
    assert client("firm").get(f"/biz/{case.number}/").status_code == 200


def test_what_employees_said_becomes_a_case_that_does_not_name_their_employer() -> None:
    row = item(visited(), 3)
    for kind in ("enterprise_demand", "visit_followup"):
        with pytest.raises(BadReport):
            open_from_item(row.pk, kind, CONTACT, by=bearer("city"), now=NOW)
    case = open_from_item(row.pk, "employee_demand", {}, by=bearer("city"), now=NOW)
    assert (case.firm, case.requested_by, case.level) == ("", "", 2)
    assert case.events.get().facts == {"channel": "visit"}
    assert client("firm").get(f"/cases/{case.number}/").status_code == 404


def test_what_employees_said_is_shown_neither_to_the_firm_nor_to_its_chamber() -> None:
    visit = visited()
    mandate()
    for who in ("firm", "chamber"):
        page = client(who).get(f"/enterprises/{FIRM}/").content.decode()
        assert "变压器容量不够" in page, who
        assert "宿舍太远" not in page, who
    assert [one.number for one in items_of(visit, viewer=bearer("city").viewer)] == [1, 2, 3]
    Account.objects.filter(username="water").update(clearance=1)
    assert [one.number for one in items_of(visit, viewer=bearer("water").viewer)] == [1, 2]
    assert "宿舍太远" not in client("water").get(f"/visits/{visit.pk}/").content.decode()


def test_a_chamber_for_one_kind_reads_no_visit() -> None:
    visited()
    mandate("enterprise_demand")
    page = client("chamber").get(f"/enterprises/{FIRM}/")
    assert page.status_code == 200
    assert "变压器容量不够" not in page.content.decode()


def test_an_item_without_its_contact_becomes_no_case() -> None:
    row = item(visited())
    with pytest.raises(BadReport) as bad:
        open_from_item(row.pk, "enterprise_demand", {"title": "用电"}, by=bearer("city"), now=NOW)
    assert ("contact_phone", "missing") in bad.value.faults
    row.refresh_from_db()
    assert (row.became, row.case, Case.objects.exists()) == ("open", None, False)


def test_an_item_is_settled_and_opened_again_until_it_is_a_case() -> None:
    row = item(visited())
    row = settle_item(row.pk, "on_spot", by="city", now=NOW)
    assert (row.became, row.settled_by) == ("on_spot", "city")
    row = settle_item(row.pk, "open", by="city", now=NOW)
    assert (row.became, row.settled_at) == ("open", None)
    for became in ("case", "nothing"):
        with pytest.raises(BadVisit):
            settle_item(row.pk, became, by="city", now=NOW)
    open_from_item(row.pk, "visit_followup", {"title": "用电"}, by=bearer("city"), now=NOW)
    with pytest.raises(BadVisit):
        settle_item(row.pk, "on_spot", by="city", now=NOW)


# Plans --------------------------------------------------------------------------------------------

MONTH = (date(2026, 11, 1), date(2026, 11, 30))


def plan(by: str, codes: Sequence[str] = (FIRM,), period: tuple[date, date] = MONTH) -> None:
    plan_visits(codes, starts_on=period[0], ends_on=period[1], by=bearer(by), now=NOW)


def test_coverage_counts_what_the_own_unit_visited_in_the_period() -> None:
    unit_of(OTHER_FIRM)
    plan("city", (FIRM, OTHER_FIRM))
    plan("city", (FIRM, OTHER_FIRM))  # again: no other plan
    assert VisitPlan.objects.count() == 2
    visited("water")
    visited(visited_on=date(2026, 10, 31))
    found = coverage(plans(unit=CITY))
    assert (found.planned, found.made, found.percent) == (2, 0, 0)
    visited()
    visited()
    found = coverage(plans(unit=CITY))
    assert (found.planned, found.made, found.missing, found.percent) == (2, 1, 1, 50)
    assert coverage(plans(unit=WATER)).percent == 0


def test_no_enterprise_is_overrun_by_plans() -> None:
    assert MOST_PLANNED == 2
    plan("city")
    plan("water")
    with pytest.raises(BadVisit) as bad:
        plan("roads", period=(date(2026, 11, 30), date(2026, 12, 5)))
    assert bad.value.faults == [(FIRM, "crowded")]
    plan("roads", period=(date(2026, 12, 1), date(2026, 12, 5)))
    assert VisitPlan.objects.count() == 3


@pytest.mark.parametrize(
    ("codes", "period", "fault"),
    [
        ((), MONTH, ("enterprise", "missing")),
        ((CITY,), MONTH, ("enterprise", "missing")),
        ((FIRM,), MONTH[::-1], ("ends_on", "before")),
        ((FIRM,), (None, MONTH[1]), ("starts_on", "missing")),
    ],
)
def test_a_bad_plan_is_refused_with_its_fields(
    codes: Sequence[str], period: Any, fault: tuple[str, str]
) -> None:
    with pytest.raises(BadVisit) as bad:
        plan("city", codes, period)
    assert fault in bad.value.faults


# Pages --------------------------------------------------------------------------------------------


def test_a_visit_is_recorded_by_a_form_and_its_item_becomes_a_demand() -> None:
    who = client("city")
    page = who.get(f"/visits/new/?enterprise={FIRM}").content.decode()
    assert f'<option value="{FIRM}" selected>' in page
    sent = {"uuid": uuid4(), "enterprise": FIRM, "visited_on": timezone.localdate()}
    bad = who.post("/visits/new/", sent)
    assert (bad.status_code, "请写一条需求" in bad.content.decode()) == (422, True)
    made = who.post("/visits/new/", {**sent, "needs": "变压器容量不够\r\n招工难"})
    visit = Visit.objects.get()
    assert made["Location"] == f"/visits/{visit.pk}/"
    page = who.get(made["Location"]).content.decode()
    assert "转为企业诉求" in page
    assert "谁能看到" in page
    path = f"/visits/{visit.pk}/items/1/"
    bad = who.post(path, {"became": "case", "kind": "enterprise_demand", "field_title": "用电"})
    assert (bad.status_code, "联系电话：请填写" in bad.content.decode()) == (422, True)
    fields = {f"field_{name}": text for name, text in CONTACT.items()}
    assert who.post(path, {"became": "case", "kind": "enterprise_demand", **fields}).status_code
    case = item(visit).case
    assert case is not None
    for name, is_link in (("city", False), ("desk", True)):  # a link to those who may follow it
        page = client(name).get(f"/visits/{visit.pk}/").content.decode()
        assert case.number in page
        assert (f"/cases/{case.number}/" in page) is is_link, name


def test_only_the_visiting_unit_settles_what_others_read() -> None:
    visit = visited()
    assert client("water").get(f"/visits/{visit.pk}/").status_code == 200
    path = f"/visits/{visit.pk}/items/1/"
    assert client("water").post(path, {"became": "on_spot"}).status_code == 403
    assert client("city").post(path, {"became": "on_spot"}).status_code == 302
    assert client("city").post(f"/visits/{visit.pk}/items/9/", {}).status_code == 404


def test_strangers_to_the_work_see_no_visit() -> None:
    visit = visited()
    for who in ("firm", "chamber", "citizen", "case-archivist"):
        for path in ("/visits/", "/visits/new/", "/visits/plan/", f"/visits/{visit.pk}/"):
            assert client(who).get(path).status_code == 403, (who, path)


def test_a_plan_shows_who_else_comes_and_links_its_counts() -> None:
    plan("water", period=(timezone.localdate(), timezone.localdate() + timedelta(9)))
    page = client("city").get("/visits/plan/").content.decode()
    assert str(unit_of(WATER)) in page
    sent = {"enterprise": [FIRM], "starts_on": timezone.localdate(),
            "ends_on": timezone.localdate() + timedelta(9)}  # fmt: skip
    assert client("city").post("/visits/plan/", sent).status_code == 302
    assert "done=no" in client("city").get("/visits/plan/").content.decode()
    other = client("roads").post("/visits/plan/", sent)
    assert (other.status_code, "已有其他走访计划" in other.content.decode()) == (422, True)
    mine = VisitPlan.objects.get(unit__code=CITY)
    assert client("water").post(f"/visits/plan/{mine.pk}/drop/").status_code == 403
    assert client("city").post(f"/visits/plan/{mine.pk}/drop/").status_code == 302


# Enterprises --------------------------------------------------------------------------------------


def test_a_card_is_shown_to_those_who_visit_to_the_firm_and_to_its_chamber() -> None:
    visited()
    for who, code in (("city", 200), ("desk", 200), ("firm", 200), ("other-firm", 404),
                      ("chamber", 404), ("citizen", 403), ("case-archivist", 403)):  # fmt: skip
        assert client(who).get(f"/enterprises/{FIRM}/").status_code == code, who
    assert client("city").get(f"/enterprises/{CITY}/").status_code == 404
    found = {who: {one.code for one in seen_enterprises(bearer(who).viewer)}
             for who in ("city", "firm", "chamber")}  # fmt: skip
    assert found == {"city": {FIRM, OTHER_FIRM}, "firm": {FIRM}, "chamber": set()}
    mandate()
    assert client("chamber").get(f"/enterprises/{FIRM}/").status_code == 200
    assert str(unit_of(CHAMBER)) in client("city").get(f"/enterprises/{FIRM}/").content.decode()


def test_the_numbers_of_a_card_are_of_what_this_person_may_see() -> None:
    visited()
    opened("enterprise_demand")
    opened("arrears_complaint")
    listed = client("desk").get("/enterprises/").content.decode()
    assert f"{unit_of(FIRM)} 事项 2" in listed
    Account.objects.filter(username="desk").update(clearance=1)
    assert f"{unit_of(FIRM)} 事项 1" in client("desk").get("/enterprises/").content.decode()
    card = client("desk").get(f"/enterprises/{FIRM}/").content.decode()
    assert "拖欠账款投诉" not in card
    city = client("city").get(f"/enterprises/{FIRM}/").content.decode()
    assert "企业诉求" not in city.partition("一条线")[2]


def test_financing_is_a_sum_over_cases() -> None:
    form = {"title": "贷款", "text": "需要周转", "contact_phone": "0543-5550000"}
    asked = {"bank": "某银行", "asked_amount": "3000000", "granted_amount": "2000000"}
    for words in (asked, {**asked, "granted_amount": ""}, {}, {**asked, "bank": ""}):
        opened("service_request", form={**form, **words}, enterprise=unit_of(FIRM))
    found = financing_of(list(Case.objects.all()))
    assert (found.count, found.asked, found.granted) == (2, 6_000_000, 2_000_000)
    page = client("desk").get(f"/enterprises/{FIRM}/").content.decode()
    assert "2 笔" in page
