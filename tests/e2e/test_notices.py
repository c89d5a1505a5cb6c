"""Notices in the browser: the count in the bar, the list, the choice; sealed data for a reason."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from .conftest import PHONE, Open, violations

pytestmark = pytest.mark.e2e


def test_a_person_sees_the_count_reads_and_chooses(open_as: Open, pictures: Path) -> None:
    page = open_as("desk", "/me/notices/")
    bell = page.locator("header a[href='/me/notices/']")
    before = int(bell.locator("strong").inner_text())
    assert before > 0
    assert violations(page) == []
    page.screenshot(path=pictures / "notices-1-list.png", full_page=True)
    page.get_by_role("button", name="新上报，待受理").first.click()
    expect(page).to_have_url(re.compile(r"/cases/\d{8}-\d{6}/$"))
    page.goto("/me/notices/")
    assert int(bell.locator("strong").inner_text()) == before - 1
    page.get_by_label("14:00").check()
    page.get_by_role("button", name="保存").click()
    expect(page.locator(".ld-messages")).to_contain_text("已保存")
    expect(page.get_by_label("14:00")).to_be_checked()
    phone = open_as("desk", "/me/notices/", context={"viewport": {"width": 360, "height": 780}})
    assert phone.evaluate("document.documentElement.scrollWidth") <= 360
    phone.screenshot(path=pictures / "notices-2-phone.png", full_page=True)
    dark = open_as("desk", "/me/notices/", context={"viewport": PHONE}, theme="dark", size="elder")
    dark.goto("/me/notices/")
    assert violations(dark) == []
    dark.screenshot(path=pictures / "notices-3-elder-dark.png")


def test_contact_data_and_the_photo_as_sent_are_opened_for_a_reason(
    open_as: Open, pictures: Path
) -> None:
    page = open_as("desk", "/cases/?kind=enterprise_demand")
    page.locator("tr", has_text="厂区外雨水管网不畅").get_by_role("link").first.click()
    page.get_by_role("link", name="联系方式").click()
    assert violations(page) == []
    page.screenshot(path=pictures / "sealed-1-why.png", full_page=True)
    page.get_by_label("为什么要看").fill("约定现场查看的时间")
    page.get_by_role("button", name="查看并记录").click()
    expect(page.get_by_text("0543-5550000")).to_be_visible()
    page.screenshot(path=pictures / "sealed-2-contact.png", full_page=True)
    page.goto("/cases/?kind=snap_report")
    page.locator("tr", has_text="路灯连续三天不亮").get_by_role("link").first.click()
    page.get_by_role("link", name="取出原样照片").first.click()
    assert violations(page) == []
    page.screenshot(path=pictures / "sealed-3-original.png", full_page=True)
    page.get_by_label("为什么要看").fill("核对是否同一地点")
    with page.expect_download() as taken:
        page.get_by_role("button", name="取出并记录").click()
    assert taken.value.suggested_filename.endswith(".original")
