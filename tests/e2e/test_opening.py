"""Opening review in the browser: ten records by keyboard, then opened, published, withdrawn."""

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from .conftest import Open, violations

pytestmark = pytest.mark.e2e
PICTURES = os.environ.get("E2E_PICTURES", "")  # a folder: keep pictures of the way
TEN, LONG = 10, 60_000
CODE = "Z109-WS·1998-Y-BGS-{:04d}"
MASKED, DELAYED = CODE.format(1), CODE.format(2)


def _picture(page: Page, name: str) -> None:
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"opening-{name}.png", full_page=True)


def _press(page: Page, key: str) -> None:
    """Press a key that leads to another page, and wait for that."""
    with page.expect_navigation():
        page.keyboard.press(key)


def _heading(page: Page) -> str:
    return page.locator(".ld-lead code").first.inner_text()


def _plan_everything(page: Page) -> None:
    page.goto("/opening/due/")
    _picture(page, "due")
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name=re.compile("年底前到期的全部列入计划")).click()
    expect(page.locator(".ld-messages")).to_contain_text("列入")
    waiting = page.locator(".ld-numbers .ld-wanted a").first
    for _ in range(30):
        page.goto("/opening/")
        if waiting.count() and int(waiting.inner_text()) >= TEN:
            return
        page.wait_for_timeout(1000)
    raise AssertionError("no proposals came")


def _review_by_keyboard(page: Page, count: int) -> list[str]:
    """Agree with `count` reviews of the queue, from the first on; their codes."""
    page.goto("/opening/")
    _press(page, "n")
    seen = []
    for _ in range(count):
        seen.append(_heading(page))
        _press(page, "a")
        expect(page.locator(".ld-messages")).to_contain_text(seen[-1])
    return seen


def test_ten_records_are_reviewed_by_keyboard_only(open_as: Open) -> None:
    page = open_as("archivist")
    _plan_everything(page)
    _press(page, "n")
    expect(page.locator(".ld-markedpage rect").first).to_be_attached()
    assert _heading(page) == MASKED
    _picture(page, "review")
    assert violations(page) == []
    page.keyboard.press("?")
    help_ = page.locator("#ld-keys")
    for words in ("同意拟办意见", "延期…", "跳过", "撤销我的上一步", "下一件"):
        expect(help_).to_contain_text(words)
    page.keyboard.press("Escape")

    _press(page, "j")
    _press(page, "k")
    assert _heading(page) == MASKED
    _press(page, "a")  # masked, as proposed
    assert _heading(page) == DELAYED
    _press(page, "z")  # and back again
    assert _heading(page) == MASKED
    _press(page, "a")
    _press(page, "d")  # the ground, then why
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.press("Control+a")
    page.keyboard.type("涉及人民防空工程的位置")
    _picture(page, "delay")
    _press(page, "Control+Enter")
    expect(page.locator(".ld-messages")).to_contain_text(DELAYED)
    _press(page, "s")  # another one first
    skipped = CODE.format(3)
    assert _heading(page) == CODE.format(4)
    done = 2
    while done < TEN:
        seen = _heading(page)
        _press(page, "a")
        expect(page.locator(".ld-messages")).to_contain_text(seen)
        done += 1
    page.goto("/opening/reviews/?state=unit_opinion")
    expect(page.locator("main tbody tr")).to_have_count(TEN)
    expect(page.locator("main tbody")).not_to_contain_text(skipped)
    _picture(page, "list")


def test_the_unit_the_second_and_the_third_person_open_them(open_as: Open) -> None:
    clerk = open_as("clerk")
    _review_by_keyboard(clerk, 1)
    _picture(clerk, "unit")
    assert violations(clerk) == []
    clerk.goto("/opening/reviews/?mine=1")
    clerk.locator("thead input[type=checkbox]").check()
    _press(clerk, "b")
    _picture(clerk, "batch")
    assert violations(clerk) == []
    _press(clerk, "Control+Enter")
    expect(clerk.locator("main tbody .ld-status.ld-done")).to_have_count(TEN - 1)

    second = open_as("archivist2")
    assert MASKED in _review_by_keyboard(second, TEN)
    director = open_as("director")
    assert _review_by_keyboard(director, TEN)[:2] == [MASKED, DELAYED]
    director.goto("/opening/")
    _picture(director, "director")
    director.goto("/opening/reviews/?state=authority_consent")
    director.get_by_role("link", name="关于人民防空工程").click()
    director.get_by_label("同意文号").fill("示档函〔2026〕7号")
    director.get_by_role("button", name="同意延期").click()
    expect(director.locator(".ld-lead .ld-status")).to_have_text("延期")
    _picture(director, "deferred")


def test_the_catalogue_is_published_and_a_wrong_opening_closes_at_once(open_as: Open) -> None:
    director = open_as("director", "/opening/publish/")
    _picture(director, "publish")
    assert violations(director) == []
    director.get_by_role("button", name=re.compile("^公布")).click()
    expect(director).to_have_url(re.compile(r"/opened/\d{4}-01/"))
    address = director.url

    stranger = open_as("stranger", "/opened/")
    assert violations(stranger) == []
    stranger.goto(address)
    expect(stranger.locator("main tbody")).to_contain_text(MASKED)
    expect(stranger.locator("main tbody")).not_to_contain_text(DELAYED)
    _picture(stranger, "opened")
    stranger.get_by_role("link", name="关于补发环卫工人工资的批复").click()
    assert stranger.locator("main").inner_text().count("张建国") == 0
    record = stranger.url
    expect(stranger.get_by_role("heading", level=1)).to_contain_text("批复")

    reviewer = open_as("archivist", "/opening/reviews/?state=partly")
    reviewer.get_by_role("link", name="关于补发环卫工人工资的批复").click()
    reviewer.locator("summary", has_text="撤回开放").click()
    withdraw = reviewer.locator("form", has=reviewer.get_by_role("button", name="撤回开放"))
    withdraw.get_by_label("理由").fill("附件未看")
    reviewer.once("dialog", lambda dialog: dialog.accept())
    withdraw.get_by_role("button").click()
    expect(reviewer.locator(".ld-lead .ld-status")).to_have_text("已撤回，待确认")
    assert stranger.goto(record).status == 404  # type: ignore[union-attr]
    second = open_as("archivist2", reviewer.url)
    second.get_by_role("button", name="确认撤回").click()
    expect(second.locator(".ld-lead .ld-status")).to_have_text("撤回已确认")


def test_a_person_asks_and_the_desk_answers(open_as: Open) -> None:
    person = open_as("reader", "/rights/")
    _picture(person, "rights")
    assert violations(person) == []
    person.get_by_role("link", name="删除", exact=True).click()
    person.get_by_label("姓名").fill("张建国")
    person.get_by_label("证件种类").select_option("resident_id")
    person.get_by_label("证件号码").fill("11010519491231002X")
    person.get_by_label("请求内容").fill("请删除关于我的信息")
    person.get_by_role("button", name="提交请求").click()
    expect(person.locator(".ld-lead .ld-status")).to_have_text("已受理")
    address = person.url

    desk = open_as("archivist", address)
    desk.get_by_label("证件号码").fill("11010519491231002X")
    desk.get_by_role("button", name="核对").click()
    desk.get_by_role("button", name="按号码摘要查找").click()
    expect(desk.locator("main tbody")).to_contain_text(MASKED)
    _picture(desk, "rights-desk")
    assert violations(desk) == []
    desk.get_by_label("不删除，限于存储和保护").check()
    desk.get_by_label(re.compile("法定保存期限未届满")).check()
    desk.get_by_role("textbox", name="答复").fill("该档案依法永久保存。")
    desk.get_by_label("把命中的位置告知本人").check()
    desk.get_by_role("button", name="答复").click()
    person.goto(address)
    expect(person.locator("main")).to_contain_text("限于存储和保护")
    _picture(person, "rights-answer")
    assert violations(person) == []
