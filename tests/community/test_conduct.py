"""Conduct: who may read the registers, what is noticed, who judges, who learns who complained."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client
from tests.cases.build import NOW, SUPERVISION, bearer, client, opened, step, unit_of
from tests.community.build import everybody

from liandong.base.models import Account, AuditRow
from liandong.cases.models import Case, Tie
from liandong.cases.policies import standings
from liandong.cases.queries.cases import visible
from liandong.cases.queries.situations import standing_of
from liandong.cases.services.proving import faults_of
from liandong.cases.services.ties import KnownTie, declare_tie, end_tie
from liandong.community.models import ConductHint, ContactRecord
from liandong.community.policies import may_know_complainant
from liandong.community.queries import conduct as queries
from liandong.community.services.complaining import (
    BadReport,
    Complaint,
    NotForYou,
    complain,
    reveal,
)
from liandong.community.services.contacts import BadContact, Contact, NotToJudge, judge, register
from liandong.kernel import catalog
from liandong.kernel.flows import StepRefused
from liandong.kernel.viewer import Viewer

pytestmark = pytest.mark.django_db
DAY = date(2026, 11, 25)
AUDITOR = Viewer("auditor", officer="audit_admin")
STEPS = (
    ("accept_for_verification", "discipline"), ("confirm", "discipline"),
    ("dispatch", "discipline"), ("sign_in", "discipline2"), ("hand_in", "discipline2"),
    ("pass", "discipline"),
)  # fmt: skip


@pytest.fixture(autouse=True)
def _people() -> None:
    everybody()


def who(name: str) -> Account:
    return Account.objects.get(username=name)


def viewer(name: str) -> Viewer:
    return bearer(name).viewer


def contact(
    name: str = "city", kind: str = "visit", *, firm: str = "QY001", **more: Any
) -> ContactRecord:
    said: dict[str, Any] = {"day": DAY, "place": "厂区", "purpose": "了解用电困难", **more}
    return register(Contact(unit_of(firm), kind, **said), who(name), now=NOW)


def complaint(about: str = "CGJ", **more: Any) -> Case:
    said: dict[str, Any] = {
        "text": "办事推诿，一件证跑了五趟。", "person": "窗口人员", "name": "林小雨",
        "phone": "13800138000", **more,
    }  # fmt: skip
    return complain(Complaint(unit_of(about), **said), origin="x", now=NOW).case


# Contacts -----------------------------------------------------------------------------------------


def test_officials_read_their_own_firms_what_names_them_supervision_and_auditors_all() -> None:
    mine, other = contact("city"), contact("roads", firm="QY002")
    for name, seen in (
        ("city", {mine}), ("roads", {other}), ("firm", {mine}), ("leader-of-firm", {other}),
        ("leader", set()), ("desk", set()), ("citizen", set()), ("discipline", {mine, other}),
    ):  # fmt: skip
        assert set(queries.contacts(viewer(name))) == seen, name
    assert set(queries.contacts(AUDITOR)) == {mine, other}
    assert not queries.contacts(Viewer())
    assert not queries.contacts(Viewer("sys", officer="sys_admin"))


def test_each_entry_cites_a_rule_of_the_catalogue() -> None:
    rules = catalog.by_key("conduct_rules", "code")
    for row in catalog.rows("contact_kinds"):
        assert row["rule"] in rules
    assert contact(kind="gift_handed_in").rule == "P01"
    assert contact(rule="N04").rule == "N04"
    with pytest.raises(BadContact, match="rule"):
        contact(rule="X99")
    with pytest.raises(BadContact, match="kind"):
        contact(kind="golf")


def test_an_entry_is_corrected_by_a_new_one_once_and_by_its_own_official() -> None:
    old = contact(place="办公室")
    new = contact(replaces=old.pk)
    assert new.replaces == old
    with pytest.raises(BadContact, match="replaces"):
        contact(replaces=old.pk)
    with pytest.raises(BadContact, match="replaces"):
        contact("roads", replaces=new.pk)


def test_it_says_whether_it_was_announced() -> None:
    assert not contact(day=DAY).is_announced
    assert contact(day=DAY + timedelta(days=1)).is_announced


# Hints --------------------------------------------------------------------------------------------


def test_a_rule_notices_and_a_person_judges() -> None:
    assert not ConductHint.objects.exists()
    made = contact(kind="meal")
    hint = made.hints.get()
    assert (hint.code, hint.verdict) == ("meal", "")
    assert list(queries.waiting_hints(viewer("discipline"))) == [hint]
    with pytest.raises(ValueError, match="reason"):
        judge(hint.pk, "proper", "  ", by=viewer("discipline"), now=NOW)
    judge(hint.pk, "proper", "按公务接待规定，有审批单", by=viewer("discipline"), now=NOW)
    with pytest.raises(NotToJudge):
        judge(hint.pk, "refer", "再看", by=viewer("discipline2"), now=NOW)
    row = AuditRow.objects.get(act="judge_hint")
    assert (row.by, row.why) == ("discipline", "按公务接待规定，有审批单")


def test_nobody_judges_a_hint_about_himself() -> None:
    hint = contact("discipline", kind="meal").hints.get()
    with pytest.raises(NotToJudge):
        judge(hint.pk, "proper", "没有问题", by=viewer("discipline"), now=NOW)


def test_contacts_without_a_purpose_and_with_the_firm_of_an_own_case_are_noticed() -> None:
    codes = [sorted(contact(purpose="").hints.values_list("code", flat=True)) for _ in range(3)]
    assert codes == [[], [], ["no_purpose"]]
    case = opened("enterprise_demand").case
    step(case, "accept_for_verification", "desk")
    assert [one.code for one in contact("desk").hints.all()] == ["own_case"]


# Ties ---------------------------------------------------------------------------------------------


def test_who_declared_a_tie_is_reminded_and_the_act_is_marked() -> None:
    case = opened("enterprise_demand").case
    page = f"/cases/{case.number}/"
    assert "请考虑回避" not in client("desk").get(page).content.decode()
    tie = declare_tie(who("desk"), unit_of("QY001"), "family", "配偶", now=NOW)
    with pytest.raises(KnownTie):
        declare_tie(who("desk"), unit_of("QY001"), "other", "", now=NOW)
    shown = client("desk").get(page).content.decode()
    assert "请考虑回避" in shown
    assert "亲属在该企业任职" in shown
    case = step(case, "accept_for_verification", "desk")
    event = case.events.get(action="accept_for_verification")
    assert event.facts["tie"] == "declared"
    assert faults_of(case) == []
    told = client("firm").get(page).content.decode()
    assert "回避提示" in told
    assert "亲属" not in told  # which tie it is stays in the register
    assert not end_tie(tie.pk, by="roads", now=NOW)
    assert end_tie(tie.pk, by="desk", now=NOW)
    case = step(case, "confirm", "desk")
    assert "tie" not in case.events.get(action="confirm").facts


def test_the_register_of_ties_shows_the_own_ones_and_supervision_all() -> None:
    declare_tie(who("desk"), unit_of("QY001"), "shares", "", now=NOW)
    for name, count in (("desk", 1), ("roads", 0), ("discipline", 1)):
        page = client(name).get("/conduct/ties/")
        assert len(page.context["rows"]) == count, name
    client("roads").post("/conduct/ties/", {"enterprise": "QY001", "kind": "former"})
    assert Tie.objects.get(account__username="roads").kind == "former"


# Reports on conduct -------------------------------------------------------------------------------


def test_a_report_goes_past_the_unit_concerned_and_everybody_else() -> None:
    case = complaint()
    assert case.overseers == set(SUPERVISION)
    for name in ("desk", "leader", "inspector", "city", "dispatcher", "case-archivist", "citizen"):
        assert not visible(viewer(name)).filter(pk=case.pk).exists(), name
        assert client(name).get(f"/cases/{case.number}/").status_code == 404
        assert standings(bearer(name), standing_of(case)) == frozenset(), name
    for name in ("discipline", "discipline2", "discipline3"):
        assert visible(viewer(name)).filter(pk=case.pk).exists()
    assert queries.reports(AUDITOR).filter(case=case).exists()


def test_a_report_about_supervision_is_hidden_from_that_unit() -> None:
    case = complaint(about="JW")
    assert case.overseers == {"PZ", "XC"}
    assert not visible(viewer("discipline")).filter(pk=case.pk).exists()
    assert not queries.reports(viewer("discipline")).exists()
    with pytest.raises(StepRefused):
        step(case, "accept_for_verification", "discipline")
    case = step(case, "accept_for_verification", "discipline2")
    case = step(case, "confirm", "discipline2")
    with pytest.raises(StepRefused, match="bad-value"):
        step(case, "dispatch", "discipline2", lead_unit="JW")  # the one concerned
    with pytest.raises(StepRefused, match="bad-value"):
        step(case, "dispatch", "discipline2", lead_unit="CGJ")
    assert step(case, "dispatch", "discipline2", lead_unit="XC").lead == "XC"


def test_without_another_unit_of_supervision_nothing_is_taken() -> None:
    Account.objects.filter(username__in=["discipline2", "discipline3"]).delete()
    with pytest.raises(BadReport):
        complaint(about="JW")
    assert not Case.objects.exists()


def test_who_handles_it_does_not_inspect_it() -> None:
    case = complaint()
    for action, by in STEPS[:-1]:
        case = step(case, action, by)
    with pytest.raises(StepRefused):
        step(case, "pass", "discipline2")
    case = step(case, "pass", "discipline")
    assert (case.state, faults_of(case)) == ("resolved", [])


def test_the_name_is_in_no_column_and_told_to_whoever_handles_it_for_a_reason() -> None:
    case = complaint()
    held = str(Case.objects.values().get(pk=case.pk)) + str(list(case.events.values()))
    assert "林小雨" not in held
    report = queries.report(case.number, viewer=viewer("discipline"))
    assert report is not None
    with pytest.raises(NotForYou):  # nobody has taken it in
        reveal(report, "要回访", by=viewer("discipline"), now=NOW)
    for action, by in STEPS[:3]:
        case = step(case, action, by)
    report.refresh_from_db()
    for name, knows in (("discipline", False), ("discipline2", True), ("discipline3", False)):
        assert may_know_complainant(viewer(name), desk_unit="JW", lead_unit="PZ") is knows
    with pytest.raises(NotForYou):
        reveal(report, "好奇", by=viewer("discipline"), now=NOW)
    with pytest.raises(ValueError, match="reason"):
        reveal(report, " ", by=viewer("discipline2"), now=NOW)
    assert reveal(report, "要回访", by=viewer("discipline2"), now=NOW)["name"] == "林小雨"
    assert reveal(report, "检查", by=AUDITOR, now=NOW)["phone"] == "13800138000"
    rows = AuditRow.objects.filter(act="reveal_complainant")
    assert [(one.by, one.why) for one in rows] == [("discipline2", "要回访"), ("auditor", "检查")]


def test_the_page_masks_the_name_until_a_reason_is_given() -> None:
    case = complaint()
    for action, by in STEPS[:3]:
        case = step(case, action, by)
    page = f"/conduct/reports/{case.number}/"
    for name in ("discipline", "discipline2", "discipline3"):
        shown = client(name).get(page).content.decode()
        assert "已遮盖" in shown
        assert "林小雨" not in shown
        assert "林小雨" not in client(name).get(f"/cases/{case.number}/").content.decode()
    told = client("discipline2").post(f"{page}complainant/", {"reason": "要回访"})
    assert "林小雨" in told.content.decode()
    refused = client("discipline3").post(f"{page}complainant/", {"reason": "看看"}, follow=True)
    assert "林小雨" not in refused.content.decode()
    assert client("desk").get(page).status_code == 403


def test_a_report_of_somebody_who_is_signed_in_is_tied_to_no_account() -> None:
    said = {"unit": "CGJ", "text": "吃拿卡要", "name": "林小雨"}
    done = client("citizen").post("/conduct/report/", said)
    assert done.status_code == 302
    assert done["Location"].startswith("/r/")
    case = Case.objects.get(kind="conduct_report")
    assert case.requester is None
    assert not AuditRow.objects.filter(by="citizen", act="open_case").exists()
    assert client("citizen").get(done["Location"]).status_code == 200


# Pages --------------------------------------------------------------------------------------------


def test_a_contact_is_registered_by_a_form_and_judged_by_another() -> None:
    said = {"enterprise": "QY001", "kind": "meal", "day": "2026-11-25", "place": "食堂",
            "purpose": "座谈后用餐"}  # fmt: skip
    page = client("city").post("/conduct/contacts/new/", said, follow=True).content.decode()
    assert "已登记" in page
    one = ContactRecord.objects.get()
    assert "公务用餐须对照规定" in client("discipline").get("/conduct/").content.decode()
    hint = one.hints.get()
    at = f"/conduct/contacts/{one.pk}/"
    assert client("city").post(f"{at}judge/", {"hint": hint.pk}).status_code == 403
    empty = client("discipline").post(f"{at}judge/", {"hint": hint.pk, "verdict": "proper"})
    assert empty.status_code == 422
    done = client("discipline").post(
        f"{at}judge/", {"hint": hint.pk, "verdict": "proper", "reason": "有审批单"}, follow=True
    )
    assert "有审批单" in done.content.decode()
    assert client("roads").get(at).status_code == 404


def test_the_lists_are_open_to_everybody_with_article_and_confidence() -> None:
    page = Client().get("/conduct/rules/").content.decode()
    assert "优化营商环境条例 2019 art. 69(1)" in page
    assert page.count("<tr id=") == len(catalog.rows("conduct_rules"))
