"""Pages of whoever administers accounts: each officer sees and may do the own part, and no more."""

import csv
import io
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from openpyxl import load_workbook

from liandong.base.models import Account, Approval, AuditRow, Post, Role, Unit
from liandong.base.people.services.throttle import try_password
from liandong.base.people.views.review import plain_cell

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.base.room_urls")]
PEOPLE = {"sys": "sys_admin", "sec": "sec_admin", "aud": "audit_admin", "boss": "", "arch": "",
          "wang": ""}  # fmt: skip


@pytest.fixture(autouse=True)
def people() -> None:
    for name, officer in PEOPLE.items():
        Account.objects.create(username=name, full_name=name.title(), officer=officer)
    for name, role in (("boss", Role.DIRECTOR), ("arch", Role.ARCHIVIST)):
        Post.objects.create(account=Account.objects.get(username=name), role=role)
    Unit.objects.create(code="CGJ", name="城管局")


def as_(name: str) -> Client:
    client = Client()
    if name:
        client.force_login(Account.objects.get(username=name))
    return client


def wang() -> Account:
    return Account.objects.get(username="wang")


PAGES = {
    "/admin/accounts/": {"sys", "sec", "aud"},
    "/admin/accounts/wang/": {"sys", "sec", "aud"},
    "/admin/accounts/wang/ask/?act=close_account": {"sys", "sec"},
    "/admin/open-account/": {"sys"},
    "/admin/review/": {"sys", "sec", "aud"},
    "/admin/review/?as=csv": {"sys", "sec", "aud"},
    "/admin/units/": {"sys", "sec"},
    "/admin/units/CGJ/": {"sys", "sec"},
    "/admin/units/CGJ/close/": {"sys", "sec"},
    "/admin/approvals/": {"sys", "sec", "aud", "boss", "arch"},
}
POSTS = {
    "/admin/open-account/": {"sys"},
    "/admin/open-unit/": {"sys"},
    "/admin/accounts/wang/lock/": {"sec"},
    "/admin/accounts/wang/name/": {"sys"},
    "/admin/accounts/wang/ask/": {"sys", "sec"},
    "/admin/units/CGJ/change/": {"sys"},
    "/admin/units/CGJ/close/": {"sys", "sec"},
}


@pytest.mark.parametrize("path", PAGES)
def test_each_page_opens_for_its_officers_only(path: str) -> None:
    opened = {name for name in PEOPLE if as_(name).get(path).status_code == 200}
    assert opened == PAGES[path]
    assert as_("").get(path).status_code == 302


@pytest.mark.parametrize("path", POSTS)
def test_each_form_is_taken_from_its_officers_only(path: str) -> None:
    told = {"act": "lock"} if path.endswith("lock/") else {"act": "close_account"}
    taken = {name for name in PEOPLE if as_(name).post(path, told).status_code != 403}
    assert taken == POSTS[path]
    assert as_("").post(path, told).status_code == 302


@pytest.mark.parametrize("path", [*POSTS, "/admin/approvals/1/"])
def test_each_form_wants_its_token(path: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(Account.objects.get(username="sys"))
    assert client.post(path).status_code == 403


def test_an_account_is_opened_without_rights_and_its_password_shown_once() -> None:
    client = as_("sys")
    more = {"officer": "sec_admin", "role": "archivist", "clearance": "2", "unit": "CGJ",
            "is_superuser": "1", "is_active": "0", "password": "x"}  # fmt: skip
    page = client.post("/admin/open-account/", {"username": "li", "full_name": "李强", **more})
    li = Account.objects.get(username="li")
    assert (li.officer, li.clearance, li.unit, li.is_active) == ("", 0, None, True)
    assert not li.posts.exists()
    password = page.content.decode().split('ld-secret">')[1].split("<")[0]
    assert li.check_password(password)
    assert password not in client.get("/admin/accounts/li/").content.decode()
    assert page["Cache-Control"].startswith("max-age=0, no-cache, no-store")


def test_a_taken_name_is_told() -> None:
    page = as_("sys").post("/admin/open-account/", {"username": "WANG", "full_name": "王"})
    assert "已有这个用户名" in page.content.decode()


def test_the_whole_way_of_a_role() -> None:
    ask = "/admin/accounts/wang/ask/"
    preview = as_("sec").get(f"{ask}?act=grant_role&role=clerk").content.decode()
    assert "Wang（wang）将成为兼职档案员。" in preview
    as_("sec").post(ask, {"act": "grant_role", "role": "clerk", "why": "接任"})
    approval = Approval.objects.get()
    here = f"/admin/approvals/{approval.pk}/"
    assert not wang().posts.exists()
    assert here in as_("boss").get("/admin/approvals/").content.decode()
    assert "接任" in as_("boss").get(here).content.decode()
    as_("boss").post(here, {"act": "approve", "answer": "同意"})
    assert wang().posts.get().role == "clerk"
    assert "同意" in as_("sec").get(here).content.decode()


def test_the_one_who_asked_cannot_approve_by_posting() -> None:
    as_("sec").post("/admin/accounts/wang/ask/", {"act": "close_account", "why": "离职"})
    here = f"/admin/approvals/{Approval.objects.get().pk}/"
    assert as_("sec").post(here, {"act": "approve"}).status_code == 404
    assert wang().is_active
    as_("sec").post(here, {"act": "withdraw"})
    as_("boss").post(here, {"act": "approve"})
    assert (wang().is_active, Approval.objects.get().outcome) == (True, "withdrawn")


def test_a_request_is_seen_only_by_whom_it_concerns_and_the_auditor() -> None:
    as_("sec").post("/admin/accounts/wang/ask/", {"act": "close_account", "why": "离职"})
    here = f"/admin/approvals/{Approval.objects.get().pk}/"
    seen = {name for name in PEOPLE if as_(name).get(here).status_code == 200}
    assert seen == {"sec", "boss", "aud"}
    assert as_("boss").get("/admin/approvals/999/").status_code == 404


def test_what_a_form_adds_to_the_parameters_is_not_looked_at() -> None:
    told = {"act": "set_clearance", "clearance": "1", "why": "需要", "account": "sys",
            "officer": "sec_admin", "role": "archivist"}  # fmt: skip
    as_("sys").post("/admin/accounts/wang/ask/", told)
    assert Approval.objects.get().params == {"account": "wang", "clearance": 1}


@pytest.mark.parametrize("told", [{}, {"act": "dance"}, {"act": "grant_role"}, {"act": "\x00"},
    {"act": "set_clearance", "clearance": "x"}, {"act": "set_clearance", "clearance": "²"},
    {"act": "move_account", "unit": "\x00"},
    {"act": "grant_role", "role": "王" * 999}])  # fmt: skip
def test_nonsense_asks_for_nothing(told: dict) -> None:
    for answer in (
        as_("sys").get("/admin/accounts/wang/ask/", told),
        as_("sys").post("/admin/accounts/wang/ask/", {**told, "why": "a"}),
    ):
        assert answer.status_code in {200, 302, 404}
    assert not Approval.objects.exists()


def test_a_security_officer_locks_and_unlocks_with_a_reason() -> None:
    lock = "/admin/accounts/wang/lock/"
    as_("sec").post(lock, {"act": "lock", "why": " "})
    assert wang().locked_at is None
    as_("sec").post(lock, {"act": "lock", "why": "离岗"})
    assert (wang().locked_by, wang().is_open) == ("sec", False)
    as_("sec").post(lock, {"act": "unlock", "why": "返岗"})
    assert wang().is_open
    rows = AuditRow.objects.filter(act__in=["lock_account", "unlock_account"])
    assert list(rows.values_list("by", "why")) == [("sec", "离岗"), ("sec", "返岗")]


def test_nobody_is_locked_out_for_good() -> None:
    as_("sec").post("/admin/accounts/sec/lock/", {"act": "lock", "why": "试"})
    as_("sec").post("/admin/accounts/aud/lock/", {"act": "lock", "why": "试"})
    assert Account.objects.filter(locked_at__isnull=False).count() == 0


def test_a_lock_by_failures_is_lifted_as_well() -> None:
    for _ in range(6):
        try_password("wang", "no", origin="x", now=timezone.now())
    as_("sec").post("/admin/accounts/wang/lock/", {"act": "unlock", "why": "已核实"})
    assert try_password("wang", "no", origin="x", now=timezone.now()).refusal.name == "WRONG"


def test_accounts_are_found_by_text_and_state() -> None:
    Account.objects.filter(username="wang").update(
        last_login=timezone.now() - timedelta(days=91), unit=Unit.objects.get()
    )

    def found(query: str) -> set[str]:
        page = as_("sys").get(f"/admin/accounts/?{query}").content.decode()
        return {name for name in PEOPLE if f'href="/admin/accounts/{name}/"' in page}

    assert found("q=WAN") == {"wang"}
    assert found("q=城管") == {"wang"}
    assert found("state=unused") == {"wang"}
    assert found("state=officer") == {"sys", "sec", "aud"}
    assert found("state=locked") == set()
    assert found("q=%00&state=nonsense") == set(PEOPLE)


@pytest.mark.parametrize("count", [1, 20])
def test_the_list_costs_the_same_however_long(count: int, django_assert_num_queries) -> None:
    for number in range(count):
        Account.objects.create(username=f"more{number}")
    client = as_("aud")
    with django_assert_num_queries(
        7
    ):  # session, account, posts, notices; accounts, their posts, factors
        client.get("/admin/accounts/")


def test_the_review_is_a_table_on_paper_and_in_files() -> None:
    Account.objects.filter(username="wang").update(full_name="=HYPERLINK(1)")
    page = as_("aud").get("/admin/review/").content.decode()
    assert "=HYPERLINK(1)" in page
    text = as_("aud").get("/admin/review/?as=csv").content.decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text)))
    assert [row[1] for row in rows if row[0] == "wang"] == ["'=HYPERLINK(1)"]
    book = load_workbook(io.BytesIO(as_("aud").get("/admin/review/?as=xlsx").content))
    cells = [[cell.value for cell in row] for row in book.active.iter_rows()]
    assert len(cells) == len(PEOPLE) + 1
    assert all(cell.data_type != "f" for row in book.active.iter_rows() for cell in row)
    assert AuditRow.objects.filter(act="export_accounts", by="aud").count() == 2


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@a", "\t=1", "＝1", "\r=1"])
def test_no_cell_is_a_formula(text: str) -> None:
    assert plain_cell(text).startswith("'")


def test_a_unit_is_added_renamed_and_moved_after_a_look() -> None:
    sys = as_("sys")
    sys.post("/admin/open-unit/", {"code": "ZD", "name": "执法支队", "parent": "CGJ"})
    assert Unit.objects.get(code="ZD").parent.code == "CGJ"
    change = "/admin/units/ZD/change/"
    look = sys.post(change, {"act": "rename_unit", "name": "执法大队"}).content.decode()
    assert "执法支队 将改名为 执法大队" in look
    assert Unit.objects.get(code="ZD").name == "执法支队"
    sys.post(change, {"act": "rename_unit", "name": "执法大队", "sure": "1"})
    sys.post(change, {"act": "move_unit", "parent": "", "sure": "1"})
    unit = Unit.objects.get(code="ZD")
    assert (unit.name, unit.parent) == ("执法大队", None)


def test_a_unit_is_a_department_an_enterprise_or_a_chamber() -> None:
    sys = as_("sys")
    sys.post("/admin/open-unit/", {"code": "QY", "name": "某公司", "kind": "enterprise"})
    assert Unit.objects.get(code="QY").kind == "enterprise"
    assert Unit.objects.get(code="CGJ").kind == "department"
    look = sys.post("/admin/units/QY/change/", {"act": "set_unit_kind", "kind": "chamber"})
    assert "某公司 的性质将由 企业 改为 商会" in look.content.decode()
    for kind, then in (("chamber", "chamber"), ("bank", "chamber"), ("", "chamber")):
        sent = {"act": "set_unit_kind", "kind": kind, "sure": "1"}
        sys.post("/admin/units/QY/change/", sent)
        assert Unit.objects.get(code="QY").kind == then
    sys.post("/admin/open-unit/", {"code": "YH", "name": "某银行", "kind": "bank"})
    assert not Unit.objects.filter(code="YH").exists()


def test_the_tree_stays_a_tree() -> None:
    sys = as_("sys")
    sys.post("/admin/open-unit/", {"code": "ZD", "name": "支队", "parent": "CGJ"})
    sys.post("/admin/units/CGJ/change/", {"act": "move_unit", "parent": "ZD", "sure": "1"})
    assert Unit.objects.get(code="CGJ").parent is None
    page = sys.get("/admin/units/").content.decode()
    assert page.index('href="/admin/units/CGJ/"') < page.index('href="/admin/units/ZD/"')


@pytest.mark.parametrize(
    "told",
    [{}, {"code": "CGJ", "name": "再来"}, {"code": "a b", "name": "x"}, {"code": "A", "name": " "},
     {"code": "A", "name": "x", "parent": "NONE"}, {"code": "\x00", "name": "\x00"}],
)  # fmt: skip
def test_a_unit_that_makes_no_sense_is_not_added(told: dict) -> None:
    assert as_("sys").post("/admin/open-unit/", told).status_code == 302
    assert Unit.objects.count() == 1


def test_a_unit_is_closed_by_two_and_only_when_it_is_empty() -> None:
    Account.objects.filter(username="wang").update(unit=Unit.objects.get())
    close = "/admin/units/CGJ/close/"
    assert "还有在用账号" in as_("sys").get(close).content.decode()
    Account.objects.update(unit=None)
    as_("sys").post(close, {"why": "机构改革"})
    as_("sec").post(f"/admin/approvals/{Approval.objects.get().pk}/", {"act": "approve"})
    assert Unit.objects.get().closed_at is not None
    moved = as_("sys").get("/admin/accounts/wang/ask/?act=move_account&unit=CGJ").content.decode()
    assert "已撤销" in moved


@pytest.mark.parametrize("path", ["/admin/", "/admin/login/", "/manage/", "/admin/auth/user/"])
def test_there_is_no_administration_of_django(path: str) -> None:
    assert as_("sys").get(path).status_code == 404
