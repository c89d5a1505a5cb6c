"""Finding and reading: who sees what, with script and without, by keys and from the tree."""

import hashlib
import re
import time
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from .conftest import PASSWORD, Open

pytestmark = pytest.mark.e2e

HIDDEN = "快递外卖企业座谈会纪要"  # admitted, not yet reviewed for opening
OPENED = "关于加强窨井盖安全管理的通知"


def _record(page: Page, title: str) -> str:
    """The address of a record of the demonstration."""
    page.goto(f"/search/?q={quote(title)}")
    link = page.locator(".ld-hit h2 a", has_text=title)
    expect(link).to_have_count(1)
    return link.get_attribute("href") or ""


def test_the_tree_leads_to_a_record_and_its_original(open_as: Open) -> None:
    page = open_as("archivist", "/archive/")
    for step in ("示范市城市管理局", "文书", "2023", "永久", "BGS"):
        page.locator(".ld-columns").get_by_role("link", name=re.compile(step)).last.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("文书 2023 永久 BGS")
    page.get_by_role("link", name=OPENED).click()
    expect(page.get_by_text("文书 (WS)")).to_be_visible()
    cell = page.get_by_role("region", name="原件").locator("tbody tr").first
    digest = cell.locator("code").get_attribute("title")
    with page.expect_download() as started:
        cell.get_by_role("link").click()
    path = started.value.path()
    assert hashlib.sha512(Path(path).read_bytes()).hexdigest() == digest
    assert started.value.suggested_filename.endswith("-0001.jpg")


def test_a_stranger_sees_opened_records_only(open_as: Open) -> None:
    archivist = open_as("archivist")
    hidden, opened = _record(archivist, HIDDEN), _record(archivist, OPENED)
    archivist.goto(hidden)
    files = archivist.locator('a[href*="/files/"]')
    addresses = [link.get_attribute("href") or "" for link in files.all()]
    assert addresses
    version = f"{hidden}v1/1/"
    addresses += [
        hidden, f"{hidden}view/", f"{hidden}pages/1/text.json",
        f"{version}thumb.jpg", f"{version}image", f"{version}page.dzi",
        f"{version}page_files/0/0_0.jpg",
    ]  # fmt: skip
    for who in ("stranger", "reader"):
        page = open_as(who, "/search/?q=座谈会")
        expect(page.locator(".ld-resultbar")).to_contain_text("共 0 件")
        expect(page.locator(".ld-facets li")).to_have_count(0)
        page.goto("/search/")
        expect(page.locator(".ld-recordlist li")).not_to_have_count(0)  # others open more of them
        expect(page.get_by_text(HIDDEN)).to_have_count(0)
        page.goto("/archive/?fonds=Z109&category=WS&year=2023&retention=D30")
        expect(page.locator(".ld-columns .ld-count")).to_have_count(0)
        answers = {address: page.request.get(address).status for address in addresses}
        assert set(answers.values()) == {404}, answers
        assert page.request.get(f"{opened}v1/1/thumb.jpg").status == 200
        assert page.request.get(f"{opened}pages/1/text.json").status == 200
    stranger = open_as("stranger").request  # is sent to sign in, whether the record is there or not
    doors = [stranger.get(f"{one}ocr/") for one in (hidden, "/records/999999/")]
    assert [door.status for door in doors] == [200, 200]
    assert all("/login/" in door.url and "座谈会" not in door.text() for door in doors)
    assert "座谈会" not in page.request.get("/search/?q=座谈会").text().split("</form>")[-1]


def test_reading_needs_no_script(open_as: Open) -> None:
    plain = {"java_script_enabled": False}
    page = open_as("stranger", "/login/", context=plain)
    page.get_by_label("用户名").fill("archivist")
    page.get_by_label("密码").fill(PASSWORD)
    page.locator("main button.btn-primary").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("工作台")
    page.goto("/search/")
    page.locator("#q").fill("渤海路口")
    page.locator("main .ld-searchform button").click()
    expect(page.locator(".ld-hit", has_text="窨井盖普查登记表")).to_have_count(1)
    address = _record(page, "关于人民路窨井盖破损处置情况的报告")
    page.goto(f"{address}view/?p=2")
    expect(page.locator(".ld-pageimage")).to_have_js_property("complete", True)
    expect(page.locator(".ld-pagetext")).to_contain_text("局")
    page.get_by_role("link", name="校对本页").click()
    line = page.get_by_label("第 1 行")
    before = line.input_value()
    line.fill(before + "。")
    page.get_by_role("button", name="保存").click()
    expect(page.locator(".ld-message")).to_contain_text("已保存 1 行")
    expect(line).to_have_value(before + "。")
    expect(page.locator(".ld-history")).to_have_attribute("open", "")
    page.get_by_role("button", name="撤销").first.click()
    expect(line).to_have_value(before)


def test_a_zip_is_handed_over_without_script(open_as: Open, tmp_path: Path) -> None:
    from tests.corpus.contents import zipped

    packed = tmp_path / "一包.zip"
    packed.write_bytes(zipped({"一包/甲.txt": "甲".encode(), "一包/乙.txt": "乙".encode()}))
    page = open_as("clerk", "/transfers/new/", context={"java_script_enabled": False})
    page.get_by_label("批次名称").fill("无脚本移交")
    page.locator("#files").set_input_files(packed)
    page.get_by_role("button", name="提交移交").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("无脚本移交")
    page.get_by_role("link", name="回执").click()
    files = page.get_by_role("region", name="文件")
    expect(files).to_contain_text("一包.zip")
    deadline = time.monotonic() + 60  # the job that unpacks waits for what came before it
    while (more := page.get_by_role("link", name="刷新")).count() and time.monotonic() < deadline:
        more.click()
        page.wait_for_timeout(500)
    expect(files).to_contain_text("甲.txt")


def test_proposals_are_decided_by_keys_and_in_bulk_after_a_preview(open_as: Open) -> None:
    page = open_as("archivist", "/review/")
    rows = page.locator("[data-proposal]")
    expect(page.locator("[data-proposal][data-here]")).to_have_count(1)
    count = rows.count()
    page.keyboard.press("a")
    expect(rows).to_have_count(count - 1)
    page.keyboard.press("r")
    expect(rows).to_have_count(count - 2)
    page.keyboard.press("e")
    value = page.locator("[data-proposal][data-here] input[name=value]")
    expect(value).to_be_focused()
    value.fill("改过的值")
    value.press("Enter")
    expect(rows).to_have_count(count - 3)
    page.keyboard.press("j")
    expect(rows.nth(1)).to_have_attribute("data-here", "")

    page.locator(".ld-proposal .ld-hint a").first.click()
    expect(page).to_have_url(re.compile(r"/records/\d+/view/"))
    page.goto("/transfers/")
    page.get_by_role("link", name="2023年度文书档案").click()
    batch = re.search(r"\d+", page.url.split("/transfers/")[1])
    assert batch
    page.goto(f"/review/?batch={batch.group()}")
    page.get_by_label("置信度不低于").fill("0.96")
    page.get_by_role("button", name="批量采纳").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("批量采纳预览")
    listed = page.locator("tbody tr").count()
    page.get_by_role("button", name="确认采纳").click()
    expect(page.locator(".ld-message")).to_contain_text(f"已采纳 {listed} 条")


def test_keys_help_lists_what_works_here(open_as: Open) -> None:
    page = open_as("archivist", "/search/")
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("工作台")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    page.keyboard.press("/")
    expect(page.locator("#ld-q")).to_be_focused()
    page.keyboard.type("g d ?")  # letters are text in a field
    expect(page.locator("#ld-q")).to_have_value("g d ?")
    page.locator("#ld-q").blur()
    page.keyboard.press("g")
    page.keyboard.press("a")
    expect(page.get_by_role("heading", level=1)).to_have_text("全宗树")
    page.keyboard.press("Tab")
    expect(page.locator(".ld-skip")).to_be_focused()
