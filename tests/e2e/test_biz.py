"""Enterprises on a phone: a visit becomes a demand; the firm raises another, confirms, disputes."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from .conftest import PHONE, Open, violations
from .steps import take

pytestmark = pytest.mark.e2e
TITLE, OTHER = "厂门口积水", "冷库用电不足"
PDF = {"name": "合同.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.4\n%%EOF"}
ON_PHONE = {"viewport": PHONE, "has_touch": True}


def _is_clean(page: Page) -> None:
    """Nothing for axe to find, and nothing wider than the phone."""
    assert violations(page) == []
    assert page.evaluate("() => document.documentElement.scrollWidth - innerWidth") <= 0


def _handle(open_as: Open, address: str) -> None:
    """The way of a demand from the desk to an inspection that passed."""
    desk = open_as("desk", address)
    take(desk, "受理并核实", 类别="占道经营、店外经营", 紧急程度="一般")
    take(desk, "核实属实", 佐证="电话核实，情况属实。")
    dispatcher = open_as("dispatcher", address)
    take(dispatcher, "派遣", 主办单位="示范市城市管理局", 职责依据="派单目录（演示）五")
    handler = open_as("handler", address)
    take(handler, "签收")
    take(handler, "记进展", 说明="已约施工单位，下周进场。")
    take(handler, "反馈结果", 办理结果="已解决", 答复="已疏通。", 佐证="施工记录第三号。")
    inspector = open_as("inspector", address)
    take(inspector, "核查通过", 佐证="企业签字。", 说明="现场查看，水已排净。")
    expect(inspector.locator(".ld-messages")).to_contain_text("核查通过")


def test_a_visit_becomes_a_demand_and_the_firm_raises_confirms_and_sends_back(
    open_as: Open, pictures: Path
) -> None:
    visitor = open_as("handler", "/visits/new/?enterprise=SFQY1", context=ON_PHONE)
    visitor.get_by_label("企业需求").fill(f"{TITLE}，货车进不来。\n希望有技改补贴。")
    visitor.get_by_label("职工需求").fill("宿舍离厂太远。")
    _is_clean(visitor)
    visitor.screenshot(path=pictures / "biz-1-visit.png", full_page=True)
    visitor.get_by_role("button", name="记录", exact=True).click()
    item = visitor.locator("#item-1")
    expect(item).to_contain_text(TITLE)
    item.locator("summary", has_text="转为企业诉求").click()
    item.get_by_label("诉求标题").fill(TITLE)
    item.get_by_label("联系人").first.fill("企业经办人（演示）")
    item.get_by_label("联系电话").first.fill("0543-5550000")
    visitor.screenshot(path=pictures / "biz-2-item.png", full_page=True)
    _is_clean(visitor)
    item.get_by_role("button", name="转为企业诉求").click()
    expect(item).to_contain_text("转为事项")
    expect(item).to_contain_text("已提交")

    firm = open_as("firm", "/biz/", context=ON_PHONE)
    expect(firm.locator("main")).to_contain_text(TITLE)
    expect(firm.locator("main")).to_contain_text("示范市工商业联合会代为提交")
    expect(firm.locator("main")).not_to_contain_text("宿舍离厂太远")
    _is_clean(firm)
    firm.screenshot(path=pictures / "biz-3-list.png", full_page=True)
    number = firm.locator("tr", has_text=TITLE).get_by_role("link").text_content() or ""

    firm.goto("/biz/new/")
    _is_clean(firm)
    firm.get_by_role("button", name="开始填写").click()
    firm.get_by_label("诉求标题").fill(OTHER)
    firm.get_by_role("button", name="保存并继续").click()
    expect(firm.locator(".ld-errors")).to_contain_text("要反映什么")
    _is_clean(firm)
    firm.screenshot(path=pictures / "biz-4-step.png", full_page=True)
    firm.get_by_role("button", name="存草稿，以后再写").click()
    expect(firm.locator("main")).to_contain_text("没有写完的")

    again = open_as("firm", "/biz/", context=ON_PHONE)  # another device
    again.get_by_role("link", name="企业诉求 · 示范食品有限公司").first.click()
    expect(again.get_by_label("诉求标题")).to_have_value(OTHER)
    again.get_by_label("要反映什么").fill("第二座冷库一直不能开机。")
    again.get_by_role("button", name="保存并继续").click()
    again.get_by_label("联系人").fill("企业经办人（演示）")
    again.get_by_label("联系电话").fill("0543-5550000")
    again.get_by_role("button", name="保存并继续").click()
    again.get_by_label("选择文件").set_input_files([PDF])  # type: ignore[list-item]
    again.get_by_role("button", name="上传").click()
    expect(again.locator("main")).to_contain_text("SHA-256")
    _is_clean(again)
    again.screenshot(path=pictures / "biz-5-papers.png", full_page=True)
    again.go_back()
    again.go_forward()
    again.get_by_role("button", name="保存并继续").click()
    expect(again.locator("main")).to_contain_text("受委托的商会（示范市工商业联合会）")
    _is_clean(again)
    again.screenshot(path=pictures / "biz-6-check.png", full_page=True)
    again.get_by_role("button", name="提交", exact=True).click()
    expect(again.locator("h1")).to_have_text(OTHER)

    _handle(open_as, f"/cases/{number}/")
    firm.goto(f"/biz/{number}/")
    expect(firm.locator("main")).to_contain_text("下周进场")
    expect(firm.locator("main")).to_contain_text("城管局承办员（演示）")
    _is_clean(firm)
    firm.screenshot(path=pictures / "biz-7-demand.png", full_page=True)
    firm.locator("summary", has_text="没有解决，退回").click()
    firm.get_by_label("哪里没有解决").fill("昨夜下雨又积水。")
    firm.get_by_role("button", name="退回重办").click()
    expect(firm.locator(".ld-messages")).to_contain_text("重办审核")

    _handle(open_as, again.url.replace("/biz/", "/cases/"))
    again.reload()
    again.get_by_label("4 满意").check()
    again.get_by_role("button", name="确认销号").click()
    expect(again.locator(".ld-messages")).to_contain_text("已结案")


def test_a_mandate_is_given_and_taken_back_and_the_chamber_sees_it_go(
    open_as: Open, pictures: Path
) -> None:
    chamber = open_as("chamber", "/biz/")
    expect(chamber.locator("main")).to_contain_text("冷库用电容量不足")
    case = chamber.locator("tr", has_text="冷库用电容量不足").get_by_role("link")
    address = case.get_attribute("href") or ""
    chamber.goto("/enterprises/SFQY1/")
    expect(chamber.locator("main")).not_to_contain_text("职工")
    assert violations(chamber) == []
    firm = open_as("firm", "/biz/mandates/")
    assert violations(firm) == []
    firm.screenshot(path=pictures / "biz-8-mandates.png", full_page=True)
    firm.get_by_role("button", name="撤回委托").first.click()
    expect(firm.locator(".ld-messages")).to_contain_text("已撤回")
    chamber.goto(address)
    expect(chamber.locator("h1")).not_to_have_text("冷库用电容量不足")
    chamber.goto("/biz/")
    expect(chamber.locator("main")).not_to_contain_text("冷库用电容量不足")
    firm.get_by_label("商会", exact=True).select_option(label="示范市工商业联合会")
    firm.get_by_label("终止日").fill("2099-12-31")
    firm.get_by_role("button", name="委托", exact=True).click()
    chamber.goto("/biz/")
    expect(chamber.locator("main")).to_contain_text("冷库用电容量不足")


def test_pages_of_visits_and_enterprises_are_clean(open_as: Open, pictures: Path) -> None:
    page = open_as("handler")
    for name, path in (("visits", "/visits/"), ("plan", "/visits/plan/"),
                       ("enterprises", "/enterprises/"), ("card", "/enterprises/SFQY1/"),
                       ("services", "/biz/services/")):  # fmt: skip
        page.goto(path)
        assert violations(page) == [], path
        page.screenshot(path=pictures / f"biz-9-{name}.png", full_page=True)
