"""Pages of the auditors: who opens them, what they find, and that reading leaves a row."""

import io
import json
import zipfile
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries, Settings

from liandong.base.audit import digest_of, record_act
from liandong.base.audit.seals import seal
from liandong.base.models import Account, AuditCheck, AuditRow, Outcome, Post, Role, Unit
from liandong.base.triggers import frees, run

NOW = datetime(2026, 11, 26, 8, 0, tzinfo=UTC)
OFFICERS = {"sys": "sys_admin", "sec": "sec_admin", "shen": "audit_admin"}
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def people(settings: Settings) -> None:
    settings.TASKS = {"default": {"BACKEND": "django_tasks.backends.immediate.ImmediateBackend"}}
    for name, officer in OFFICERS.items():
        Account.objects.create(username=name, full_name=name.title(), officer=officer)
    unit = Unit.objects.create(code="BGS", name="办公室")
    wang = Account.objects.create(username="wang", full_name="王明", unit=unit)
    Post.objects.create(account=wang, role=Role.CLERK)


def as_(name: str) -> Client:
    client = Client()
    client.force_login(Account.objects.get(username=name))
    return client


def act(
    by: str = "wang", code: str = "look_record", about: str = "record:Z1", **more: object
) -> AuditRow:
    return record_act(code, by=by, now=NOW, object=about, **more)  # type: ignore[arg-type]


def numbers(client: Client, address: str) -> list[int]:
    """Numbers of the rows on a page of the list."""
    return [one["row"].number for one in client.get(address).context["rows"]]


# Who opens them -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "who"),
    [
        ("/audit/", {"shen", "sec"}),
        ("/audit/1/", {"shen", "sec"}),
        ("/audit/objects/record:Z1/", {"shen", "sec"}),
        ("/audit/seals/", {"shen"}),
        ("/audit/checks/1/", {"shen"}),
        ("/audit/protection/", {"shen", "sec"}),
    ],
)
def test_each_page_opens_for_its_officers_only(address: str, who: set[str]) -> None:
    act()
    AuditCheck.objects.create(pk=1, by="shen", started_at=NOW, beat_at=NOW, ended_at=NOW)
    names = [*OFFICERS, "wang"]
    assert {name for name in names if as_(name).get(address).status_code == 200} == who
    assert Client().get(address).status_code == 302


@pytest.mark.parametrize("address", ["/audit/check/", "/audit/export/"])
def test_only_the_audit_officer_checks_and_exports(address: str) -> None:
    refused = set()
    for name in OFFICERS:
        answer = as_(name).post(address)
        for _ in getattr(answer, "streaming_content", ()):
            pass  # read to its end, which closes it
        refused |= {name} if answer.status_code == 403 else set()
    assert refused == {"sys", "sec"}


def test_the_security_officer_sees_acts_of_ordinary_users_and_strangers_only() -> None:
    ordinary, stranger = act(), act("")
    others = [act("sys"), act("shen"), act("sec"), act("cli"), act("system")]
    shown = numbers(as_("sec"), "/audit/")
    assert {ordinary.number, stranger.number} == set(shown)
    assert [as_("sec").get(f"/audit/{row.number}/").status_code for row in others] == [404] * 5
    assert numbers(as_("sec"), "/audit/?by=shen") == []


def test_the_bar_of_an_officer_leads_to_the_own_pages() -> None:
    def leads(name: str) -> bool:
        return 'href="/audit/"' in as_(name).get("/admin/accounts/").content.decode()

    assert [leads(name) for name in ("shen", "sec", "sys")] == [True, True, False]
    page = as_("shen").get("/audit/seals/").content.decode()
    assert page.count('aria-current="true"') == 2  # 审计, and of its row 封存与校验 alone


# Searching ----------------------------------------------------------------------------------------


def test_rows_are_found_by_every_condition() -> None:
    client = as_("shen")
    one = act(about="record:Z1")
    two = act("", "download_file", "record:Z2", outcome=Outcome.FAILED)
    three = record_act("search", by="wang", now=NOW - timedelta(days=3),
                       facts={"words": digest_of("张三")})  # fmt: skip
    found: dict[str, list[AuditRow]] = {
        "by=wang": [three, one], "by=王明": [three, one], "by=-": [two], "by=nobody": [],
        "act=download_file": [two], "object=record:Z1": [one], "object=record:*": [two, one],
        "unit=BGS": [three, one], "outcome=failed": [two], "words=张三": [three], "words=李四": [],
        "until=2026-11-24": [three], "since=2026-11-26&until=2026-11-26": [two, one],
        "request=none": [],
    }  # fmt: skip
    got = {query: numbers(client, f"/audit/?{query}") for query in found}
    assert got == {query: [row.number for row in rows] for query, rows in found.items()}


ODD = (
    "since=x&until=2026-13-01", "after=abc", "before=-1", "after=" + "9" * 30, "by=%00%ff",
    "outcome=odd", "object=" + "x" * 3000, "act=;drop", "unit=%F0%9F%98%80", "words=*",
    "after=1&before=1",
)  # fmt: skip


@pytest.mark.parametrize("query", ODD)
def test_bad_conditions_are_an_answer(query: str) -> None:
    act()
    assert as_("shen").get(f"/audit/?{query}").status_code == 200


def test_the_list_is_paged_by_number_in_both_directions() -> None:
    for _ in range(120):
        act(code="open_page")
    client, query = as_("shen"), "act=open_page"
    first = client.get(f"/audit/?{query}").context
    second = client.get(f"/audit/?{query}&after={first['after']}").context
    third = client.get(f"/audit/?{query}&after={second['after']}").context
    shown = [one["row"].number for page in (first, second, third) for one in page["rows"]]
    assert shown == list(range(120, 0, -1))
    assert (first["before"], third["after"]) == ("", "")
    again = client.get(f"/audit/?{query}&before={third['before']}").context
    assert [one["row"].number for one in again["rows"]] == list(range(70, 20, -1))
    top = client.get(f"/audit/?{query}&before={again['before']}").context
    assert (len(top["rows"]), top["rows"][0]["row"].number) == (50, 120)


def test_a_page_of_the_list_costs_the_same_for_one_row_and_for_fifty() -> None:
    client, counts = as_("shen"), []
    for more in (1, 60):
        for _ in range(more):
            act(code="open_page")
        with CaptureQueriesContext(connection) as queries:
            client.get("/audit/?act=open_page")
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_reading_the_audit_is_recorded_with_what_was_asked() -> None:
    act()
    client = as_("shen")
    client.get("/audit/?by=wang&words=张三")
    row = AuditRow.objects.latest("number")
    assert (row.by, row.act, row.object) == ("shen", "read_audit", "audit:rows")
    assert json.loads(row.facts) == {"by": "wang", "words": digest_of("张三")}
    client.get("/audit/1/")
    assert (AuditRow.objects.latest("number").act, AuditRow.objects.latest("number").object) == (
        "open_audit_row", "audit:1",
    )  # fmt: skip
    client.get("/audit/objects/record:Z1/")
    assert json.loads(AuditRow.objects.latest("number").facts) == {"object": "record:Z1"}


# One row, one object ------------------------------------------------------------------------------


def test_a_row_shows_everything_that_it_holds() -> None:
    row = act(why="核实低保", facts={"page": 3, "odd": "<b>"})
    page = as_("shen").get(f"/audit/{row.number}/").content.decode()
    words = ("王明", "兼职档案员", "办公室", "查看档案", "record:Z1", "核实低保", "尚未封存")
    for told in (*words, row.hash, row.mac, "&lt;b&gt;"):
        assert told in page, told


def test_a_row_that_was_changed_says_so_in_the_list_and_on_its_page() -> None:
    act()
    act()
    run(frees("base_auditrow", connection.vendor))
    AuditRow.objects.filter(number=1).update(by="nobody", facts="{broken")
    AuditRow.objects.filter(number=2).update(hash="odd:1", mac="")
    client = as_("shen")
    page = client.get("/audit/").content.decode()
    assert page.count("被改过") == 2
    assert "写入以后被改过" in client.get("/audit/1/").content.decode()
    assert "{broken" in client.get("/audit/1/").content.decode()
    AuditRow.objects.filter(number=1).delete()
    assert "断链" not in client.get("/audit/").content.decode()  # row 2 is wrong in itself


def test_an_object_tells_its_whole_history_and_who_has_seen_it() -> None:
    act(code="admit_record", by="system")
    for _ in range(3):
        act()
    act("", "open_viewer")
    act(about="record:Z2")
    context = as_("shen").get("/audit/objects/record:Z1/").context
    assert [one["row"].number for one in context["rows"]] == [1, 2, 3, 4, 5]
    readers = {one["name"]: one["times"] for one in context["readers"]}
    assert readers == {"王明": 3, "未登录者": 1}
    assert as_("shen").get("/audit/objects/record:none/").status_code == 404


def test_an_object_may_be_named_by_anything() -> None:
    odd = "page:/a/b/?q=<x>&y='"
    act(about=odd)
    page = as_("shen").get("/audit/").content.decode()
    assert "<x>" not in page
    from django.urls import reverse

    assert as_("shen").get(reverse("audit:object", args=[odd])).status_code == 200


# Checks, seals, evidence --------------------------------------------------------------------------


def test_a_check_is_started_watched_and_tells_its_faults() -> None:
    act()
    run(frees("base_auditrow", connection.vendor))
    AuditRow.objects.filter(number=1).update(why="x")
    client = as_("shen")
    answer = client.post("/audit/check/", follow=True)
    page = answer.content.decode()
    assert "第 1 行的“事由”被改过" in page
    assert AuditRow.objects.latest("number").outcome == Outcome.FAILED
    check = AuditCheck.objects.get()
    part = client.get(f"/audit/checks/{check.pk}/", headers={"HX-Request": "true"})
    assert (part["HX-Refresh"], "<html" in part.content.decode()) == ("true", False)


def test_a_check_that_goes_on_tells_how_far_it_is() -> None:
    AuditCheck.objects.create(
        by="shen", started_at=NOW, beat_at=NOW + timedelta(seconds=10), total=1000, checked=250
    )
    check = AuditCheck.objects.get()
    page = as_("shen").get(f"/audit/checks/{check.pk}/").content.decode()
    assert "250 / 1,000" in page
    assert "约剩 30 秒" in page


def test_seals_are_listed_with_their_key() -> None:
    act()
    (made,) = seal(by="system", now=NOW)
    page = as_("shen").get("/audit/seals/").content.decode()
    assert made.root in page
    assert json.loads(made.signature)["key_id"] in page
    assert "非商用密码认证产品" in page


def test_the_evidence_of_what_was_found_is_given_out_and_recorded() -> None:
    act()
    act("")
    answer = as_("shen").post("/audit/export/", {"by": "wang"})
    content = b"".join(answer.streaming_content)  # type: ignore[attr-defined]
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        rows = [json.loads(line) for line in package.read("rows.jsonl").splitlines()]
    assert [row["by"] for row in rows] == ["wang"]
    row = AuditRow.objects.get(act="export_audit")
    assert (row.by, json.loads(row.facts)) == ("shen", {"by": "wang", "form": "package"})
    assert ".zip" in answer["Content-Disposition"]


def test_a_sheet_is_given_out_without_formulas() -> None:
    act("=cmd", why="+1")
    answer = as_("shen").post("/audit/export/", {"as": "csv"})
    text = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    assert "'=cmd" in text
    assert "'+1" in text
    assert AuditRow.objects.filter(act="export_audit", by="shen").count() == 1


def test_too_much_for_a_page_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("liandong.base.audit.views.MOST", 2)
    for _ in range(3):
        act()
    answer = as_("shen").post("/audit/export/", {}, follow=True)
    assert "超过 2 行" in answer.content.decode()


# Protection level ---------------------------------------------------------------------------------


def test_the_checklist_shows_state_and_evidence_of_each_line() -> None:
    page = as_("sec").get("/audit/protection/").content.decode()
    assert "8.1.4.3 c" in page
    assert "tests/base/test_audit_checks.py" in page
    assert page.count("<tr>") > 20
    part = as_("shen").get("/audit/protection/?state=deployment").content.decode()
    assert 10 > part.count("<tr>") > 1
    english = as_("shen")
    english.post("/modes/", {"language": "en"})
    assert "unique identity" in english.get("/audit/protection/").content.decode()


def test_the_commands_of_django_find_nothing_to_migrate() -> None:
    call_command("makemigrations", "base", check=True, dry_run=True, verbosity=0)


def test_counting_rows_does_not_grow(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    from liandong.base.audit.queries import audit_state

    with django_assert_num_queries(3):
        audit_state()
