"""The ledger: entries every month, sheets out and in, the month page, its papers, the way back on.

Months pass by a clock that the tests set.
"""

import io
from collections.abc import Callable
from datetime import datetime

import pypdfium2
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from docx import Document
from openpyxl import Workbook, load_workbook
from tests.cases.build import CITY, WATER, bearer, client, people, step
from tests.cases.ledger_build import (
    body,
    clear,
    day,
    demand,
    listed,
    no_progress,
    note,
    to_confirmed,
)

from liandong.base.models import AuditRow
from liandong.cases.models import Case, CaseEvent, CaseWords
from liandong.cases.queries.filing import is_ready
from liandong.cases.queries.ledger import month_items
from liandong.cases.services.ledger import COLUMNS, BadSheet, read_sheet
from liandong.cases.services.proving import faults_of
from liandong.kernel.flows import StepRefused
from liandong.kernel.ledger_months import Month, figures

pytestmark = pytest.mark.django_db
SetClock = Callable[[datetime], None]


@pytest.fixture(autouse=True)
def _people() -> None:
    people()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SetClock:
    """Sets what time the pages think it is."""
    return lambda now: monkeypatch.setattr(timezone, "now", lambda: now)


def counts(month: str, *, now: datetime, who: str = "leader") -> dict[str, int]:
    (items,) = month_items([Month.parse(month)], viewer=bearer(who).viewer, now=now)
    return {code: len(found) for code, found in figures(items).items() if found}


# Entries ------------------------------------------------------------------------------------------


def test_no_progress_is_an_answer_that_facts_tell_apart_from_progress() -> None:
    case = listed(at=day(8, 10))
    case = note(case, at=day(9, 5))
    case = no_progress(case, at=day(10, 5), reason="policy", text="等省里批复")
    first, second = case.events.filter(action__in=["log_progress", "no_progress"])
    assert first.facts == {}
    assert second.facts == {"no_progress": "policy"}
    assert faults_of(case) == []
    assert case.running["T7"] == case.running["T7"].replace(month=11)  # begins anew with either
    with pytest.raises(StepRefused, match="bad-value"):
        no_progress(case, at=day(10, 6), reason="偷懒")


def test_entries_are_due_while_parked_and_proposed_but_not_off_the_ledger() -> None:
    parked = step(listed(at=day(8, 10)), "park", "leader", now=day(8, 20))
    assert note(parked, at=day(9, 5)).state == "parked"
    closed = to_confirmed(listed(at=day(8, 10)), at=day(9, 1))
    assert (closed.state, closed.ledger) == ("closed", "proposed")
    was = closed.over_at
    closed = no_progress(closed, at=day(9, 20), reason="enterprise")
    assert (closed.over_at, closed.record) == (was, "due")
    cleared = clear(closed, at=day(9, 21))
    with pytest.raises(StepRefused, match="on_ledger"):
        note(cleared, at=day(9, 22))
    with pytest.raises(StepRefused, match="on_ledger"):
        no_progress(step(demand(at=day(8, 1)), "park", "leader", now=day(8, 2)), at=day(8, 3))


def test_a_demand_is_filed_after_it_is_cleared_and_time_to_say_it_came_back() -> None:
    case = to_confirmed(listed(at=day(8, 10)), at=day(9, 1))
    assert not is_ready(case, now=day(9, 20))  # the ledger officer has not cleared it
    assert is_ready(case, now=day(10, 10))  # but T12 is over: it is not kept for ever
    case = clear(case, at=day(9, 2))
    assert not is_ready(case, now=day(9, 10))  # the enterprise may still dispute
    assert is_ready(case, now=day(9, 20))


# The page -----------------------------------------------------------------------------------------


def test_each_tab_has_its_count_and_the_filters_stand_in_the_address(clock: SetClock) -> None:
    clock(day(10, 20))
    one = listed(at=day(8, 10))
    other = listed(at=day(8, 11), lead=WATER, by="water")
    done = clear(to_confirmed(listed(at=day(8, 12)), at=day(9, 1)), at=day(9, 2))
    note(one, at=day(10, 3), text="十月的进展")
    page = body(client("leader"), "/ledger/")
    assert one.number in page
    assert other.number in page
    assert done.number not in page
    assert "十月的进展" in page
    assert done.number in body(client("leader"), "/ledger/?tab=cleared")
    for query, found in (
        ("answer=missing", [other]), ("answer=progress", [one]), (f"unit={WATER}", [other]),
        ("hold=stuck", [other]), ("q=" + one.number, [one]), ("hold=parked", []),
        ("answer=no_progress", []), ("kind=suggestion", []), ("tab=nonsense", [one, other]),
        ("after=" + str(other.pk), [one]),
    ):  # fmt: skip
        page = body(client("leader"), f"/ledger/?{query}")
        shown = {case.number for case in (one, other, done) if f"/cases/{case.number}/" in page}
        assert shown == {case.number for case in found}, query


def test_a_unit_sees_and_fills_in_its_own_items_only(clock: SetClock) -> None:
    clock(day(9, 20))
    case = listed(at=day(8, 10))
    assert case.number not in body(client("water"), "/ledger/")
    assert f"/ledger/cases/{case.number}/entry/" in body(client("city"), "/ledger/")
    assert f"/ledger/cases/{case.number}/entry/" not in body(client("leader"), "/ledger/")
    address = f"/ledger/cases/{case.number}/entry/"
    assert client("water").post(address, {"note": "x"}).status_code == 404
    assert client("leader").post(address, {"note": "x"}).status_code == 403
    said = client("city").post(address, {"note": "已完成管线勘察", "next": "/ledger/"}, follow=True)
    assert "本月填报已记入" in said.content.decode()
    assert "已完成管线勘察" in said.content.decode()
    said = client("city").post(address, {"note": "  "}, follow=True)
    assert "还缺：说明" in said.content.decode()
    client("city").post(address, {"reason": "resource", "note": "资金未到"})
    assert "无进展：资金、用地等要素未到位" in body(client("leader"), "/ledger/")
    assert case.number in body(client("firm"), "/ledger/")  # its own demand
    assert Client().get("/ledger/").status_code == 302
    assert client("citizen").get("/ledger/").status_code == 403


def test_the_ledger_officer_finds_what_may_be_listed(clock: SetClock) -> None:
    clock(day(8, 20))
    case = demand(at=day(8, 10))
    assert case.number in body(client("ledger"), "/ledger/?tab=none")
    assert case.number not in body(client("leader"), "/ledger/?tab=none")
    assert "这里还没有事项" in body(client("leader"), "/ledger/")


# Months -------------------------------------------------------------------------------------------


def test_a_month_counts_from_events_and_gives_the_same_later(clock: SetClock) -> None:
    one, other = listed(at=day(8, 10)), listed(at=day(8, 11), lead=WATER, by="water")
    parked = step(listed(at=day(8, 12)), "park", "leader", now=day(9, 3), until="2026-11-30")
    note(one, at=day(9, 5))
    no_progress(parked, at=day(9, 6))
    september = {
        "open_before": 3, "open": 3, "due": 3, "moved": 1, "no_progress": 1, "missing": 1,
        "parked": 1, "stuck": 1,
    }  # fmt: skip
    assert counts("2026-09", now=day(10, 5)) == september
    clear(to_confirmed(one, at=day(10, 6)), at=day(10, 7))
    note(other, at=day(10, 8), by="water")
    assert counts("2026-09", now=day(12, 1)) == september
    assert counts("2026-10", now=day(12, 1))["cleared"] == 1
    clock(day(11, 2))
    page = body(client("leader"), "/ledger/2026-09/")
    assert "SWJ单位" in page  # did not report
    assert "2026-08" in page
    assert "2026-10" in page
    assert other.number in body(client("leader"), "/ledger/2026-09/?show=missing")
    assert "政策" not in body(client("leader"), f"/ledger/2026-09/?unit={WATER}&show=open")
    changed = body(client("leader"), "/ledger/2026-10/?show=changed")
    assert "台账：在账 → 已销号" in changed
    assert "<mark>" in changed
    for month in ("2026-13", "2026-12"):  # none, not begun
        assert client("leader").get(f"/ledger/{month}/").status_code == 404


def test_erased_words_leave_the_figures(clock: SetClock) -> None:
    clock(day(10, 2))
    case = note(listed(at=day(8, 10)), at=day(9, 5), text="涉及个人的话")
    words = CaseWords.objects.get(event__case=case, event__action="log_progress")
    words.said, words.erased_at = {}, day(9, 30)
    words.save()
    assert counts("2026-09", now=day(10, 2))["moved"] == 1
    assert "涉及个人的话" not in body(client("leader"), "/ledger/2026-09/")


@pytest.mark.parametrize("form", ["docx", "pdf", "xlsx"])
def test_the_report_says_the_same_in_every_form(clock: SetClock, form: str) -> None:
    clock(day(10, 2))
    case = note(listed(at=day(8, 10)), at=day(9, 5), text="<b>已施工</b>&三成")
    other = listed(at=day(8, 11), lead=WATER, by="water")
    answer = client("leader").get(f"/ledger/2026-09/report.{form}")
    assert answer.status_code == 200
    assert f"ledger-report-2026-09.{form}" in answer["Content-Disposition"]
    text = {"docx": docx_text, "pdf": pdf_text, "xlsx": xlsx_text}[form](answer.content)
    for wanted in ("台账月报 2026-09", "未报单位", "SWJ单位", case.number, other.number, "停滞"):
        assert wanted in text, wanted
    assert "<b>已施工</b>&三成" in text.replace("\n", "")
    assert AuditRow.objects.filter(act="export_ledger_report").count() == 1
    assert client("leader").get("/ledger/2026-09/report.exe").status_code == 404


def docx_text(content: bytes) -> str:
    document = Document(io.BytesIO(content))
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    return "\n".join([*(one.text for one in document.paragraphs), *cells])


def pdf_text(content: bytes) -> str:
    pages = pypdfium2.PdfDocument(content)
    return "\n".join(page.get_textpage().get_text_bounded() for page in pages)


def xlsx_text(content: bytes) -> str:
    sheet = load_workbook(io.BytesIO(content)).active
    assert sheet is not None
    return "\n".join(str(cell) for row in sheet.iter_rows(values_only=True) for cell in row if cell)


# Sheets -------------------------------------------------------------------------------------------


def sheet(*rows: tuple[str, ...], head: tuple[str, ...] = COLUMNS) -> SimpleUploadedFile:
    """A workbook: number, month, progress, reason, note in the columns of the sheet."""
    book = Workbook()
    page = book.active
    assert page is not None
    page.append(head)
    for number, month, progress, reason, remark in rows:
        page.append((number, *[""] * 7, month, progress, reason, remark))
    out = io.BytesIO()
    book.save(out)
    return SimpleUploadedFile("填报表.xlsx", out.getvalue())


def confirm(who: str, file: SimpleUploadedFile) -> tuple[str, str]:
    """The pages of preview and result."""
    browser = client(who)
    preview = browser.post("/ledger/sheet/", {"sheet": file})
    done = browser.post("/ledger/sheet/", {"rows": preview.context["rows"]})
    return preview.content.decode(), done.content.decode()


def test_a_sheet_is_sent_out_filled_in_and_comes_back(clock: SetClock) -> None:
    clock(day(9, 20))
    case = listed(at=day(8, 10))
    answer = client("city").get("/ledger/sheet.xlsx?answer=missing")
    page = load_workbook(io.BytesIO(answer.content)).active
    assert page is not None
    assert [cell.value for cell in page[1]] == list(COLUMNS)
    assert (page["A2"].value, page["I2"].value) == (case.number, "2026-09")
    page["J2"] = "=管线已改"  # a sign of a formula comes back as a text
    page["J2"].data_type = "s"
    out = io.BytesIO()
    assert page.parent is not None
    page.parent.save(out)
    preview, done = confirm("city", SimpleUploadedFile("表.xlsx", out.getvalue()))
    assert "可以记入 1" in preview
    assert "已记入 1" in done
    assert CaseWords.objects.filter(said__note="=管线已改").count() == 1


def test_the_preview_writes_nothing_and_each_row_says_its_own_outcome(clock: SetClock) -> None:
    clock(day(9, 20))
    ours, theirs = listed(at=day(8, 10)), listed(at=day(8, 11), lead=WATER, by="water")
    off = demand(at=day(8, 12))
    cleared = clear(to_confirmed(listed(at=day(8, 13)), at=day(9, 1)), at=day(9, 2))
    before = CaseEvent.objects.count()
    file = sheet(
        (ours.number, "2026-09", "已开工", "", ""),
        (ours.number, "2026-08", "上月的", "", ""),
        (ours.number, "2026-09", "有", "资金、用地等要素未到位", ""),
        (ours.number, "2026-09", "", "", "只有说明"),
        (ours.number, "2026-09", "", "没听说过的原因", ""),
        (ours.number, "2026-09", "字" * 1001, "", ""),
        (theirs.number, "2026-09", "别单位的", "", ""),
        (cleared.number, "2026-09", "", "resource", ""),
        ("20260101-000001", "2026-09", "没有的", "", ""),
        (off.number, "2026-09", "", "", ""),
    )
    browser = client("city")
    page = browser.post("/ledger/sheet/", {"sheet": file})
    outcomes = [(row["one"].outcome, row["one"].why) for row in page.context["outcomes"]]
    assert outcomes == [
        ("ready", ""), ("refused", "month"), ("refused", "both"), ("refused", "alone"),
        ("refused", "bad-value"), ("refused", "long"), ("refused", "number"),
        ("refused", "guard"), ("refused", "number"), ("empty", ""),
    ]  # fmt: skip
    assert CaseEvent.objects.count() == before
    done = browser.post("/ledger/sheet/", {"rows": page.context["rows"]}).content.decode()
    assert CaseEvent.objects.count() == before + 1
    assert "填报只记在填报当月" in done
    assert "没听说过的原因" in done  # nothing of a refused row is lost
    assert AuditRow.objects.filter(act="import_ledger").count() == 1


def test_the_same_sheet_twice_enters_nothing_twice(clock: SetClock) -> None:
    clock(day(9, 20))
    case = listed(at=day(8, 10))
    rows = ((case.number, "2026-09", "已开工", "", "两台机械"),)
    confirm("city", sheet(*rows))
    preview, done = confirm("city", sheet(*rows, *rows))
    assert "已有，不重复 2" in preview
    assert "已有，不重复 2" in done
    assert case.events.filter(action="log_progress").count() == 1
    clock(day(10, 20))  # a new month, though the words are the same
    assert "月份不是本月" in confirm("city", sheet(*rows))[1]
    confirm("city", sheet((case.number, "2026-10", "已开工", "", "两台机械")))
    assert case.events.filter(action="log_progress").count() == 2


def test_a_preview_belongs_to_whoever_asked_and_cannot_be_made_up(clock: SetClock) -> None:
    clock(day(9, 20))
    case = listed(at=day(8, 10))
    page = client("city").post(
        "/ledger/sheet/", {"sheet": sheet((case.number, "2026-09", "已开工", "", ""))}
    )
    for who, rows in (("water", page.context["rows"]), ("city", "made:up")):
        said = client(who).post("/ledger/sheet/", {"rows": rows}, follow=True).content.decode()
        assert "预览已经过期" in said
    assert not case.events.filter(action="log_progress").exists()


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"", "not-xlsx"), (b"PK\x03\x04junk", "not-xlsx"), (b"a,b\n", "not-xlsx"),
     (b"x" * (5 << 20) + b"x", "too-large")],
)  # fmt: skip
def test_what_is_no_sheet_is_said_so(content: bytes, code: str) -> None:
    with pytest.raises(BadSheet) as bad:
        read_sheet(content)
    assert bad.value.code == code


def test_missing_columns_and_too_many_rows_are_said_so() -> None:
    with pytest.raises(BadSheet, match="columns 本月进展"):
        read_sheet(sheet(head=("编号", "月份", "无进展原因", "说明")).read())
    many = [("1", "2026-09", "x", "", "")] * 501
    with pytest.raises(BadSheet, match="too-many"):
        read_sheet(sheet(*many).read())
    said = client("city").post("/ledger/sheet/", {"sheet": sheet(head=("编号",))})
    assert "缺少这些列" in said.content.decode()
    assert "请选择一个 xlsx" in client("city").post("/ledger/sheet/").content.decode()


# The whole way ------------------------------------------------------------------------------------


def test_listed_three_months_cleared_reported_and_listed_again(clock: SetClock) -> None:
    case = listed(at=day(7, 10), until="2026-11-30")
    for month in (8, 9, 10):
        clock(day(month, 8))
        address = f"/ledger/cases/{case.number}/entry/"
        client("city").post(address, {"note": f"{month}月进展"})
    assert counts("2026-09", now=day(10, 9)) == {
        "open_before": 1, "open": 1, "due": 1, "moved": 1
    }  # fmt: skip
    case = step(case, "hand_in", "city", now=day(10, 20))
    assert case.ledger == "proposed"
    with pytest.raises(StepRefused, match="inspection_passed"):
        clear(case, at=day(10, 20))
    case = step(case, "pass", "inspector", now=day(10, 21))
    with pytest.raises(StepRefused, match="requester_confirmed"):
        clear(case, at=day(10, 22))
    case = clear(step(case, "rate", "firm", now=day(10, 23), score="4"), at=day(10, 24))
    clock(day(11, 2))
    told = docx_text(client("leader").get("/ledger/2026-10/report.docx").content)
    assert "台账：在账 → 已销号" in told
    case = step(case, "dispute", "firm", now=day(11, 3))  # the problem came back
    assert (case.state, case.ledger) == ("reopen_review", "cleared")
    with pytest.raises(StepRefused, match="wrong-role"):
        step(case, "accept_reopen", "desk", now=day(11, 3))
    case = step(case, "accept_reopen", "desk2", now=day(11, 3), lead_unit=CITY)
    assert (case.state, case.ledger, case.record, case.round) == (
        "dispatched", "relisted", "active", 2
    )  # fmt: skip
    assert counts("2026-11", now=day(11, 4)) == {"relisted": 1, "open": 1}
    case = to_confirmed(step(case, "sign_in", "city", now=day(11, 4)), at=day(11, 6))
    assert case.ledger == "proposed"
    with pytest.raises(StepRefused, match="first_dispute"):
        step(clear(case, at=day(11, 7)), "dispute", "firm", now=day(11, 8))
    assert faults_of(Case.objects.get(pk=case.pk)) == []


def test_a_case_that_was_never_on_the_ledger_cannot_be_disputed_once_closed() -> None:
    case = to_confirmed(demand(at=day(8, 10)), at=day(9, 1))
    with pytest.raises(StepRefused, match="cleared"):
        step(case, "dispute", "firm", now=day(9, 2))
