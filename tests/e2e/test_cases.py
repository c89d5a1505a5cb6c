"""The closed loop in the browser: accept, verify, dispatch, sign in, hand in, inspect.

Nobody inspects the work of the own unit: the page offers it and the engine refuses.
"""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from .conftest import Open, violations
from .steps import take

pytestmark = pytest.mark.e2e

TITLE = "店外摆摊占了盲道。"


def test_a_report_goes_round_and_only_another_unit_inspects_it(
    open_as: Open, pictures: Path
) -> None:
    desk = open_as("desk", "/cases/inbox/")
    desk.locator("aside a", has_text=TITLE).click()
    expect(desk.locator("h2").nth(1)).to_have_text(TITLE)
    assert violations(desk) == []
    desk.screenshot(path=pictures / "cases-1-inbox.png", full_page=True)
    address = desk.locator("h2 a").get_attribute("href")
    assert address
    take(desk, "受理并核实", 类别="占道经营、店外经营", 紧急程度="一般")
    expect(desk.locator(".ld-messages")).to_contain_text("核实中")

    grid = open_as("grid", address)
    take(grid, "核实属实", colour="gray")
    expect(grid.locator(".ld-messages")).to_contain_text("已立案")

    dispatcher = open_as("dispatcher", address)
    expect(dispatcher.get_by_label("职责依据")).to_have_value(
        "派单目录（演示）五、街面秩序由城市管理局管理"
    )
    assert violations(dispatcher) == []
    take(dispatcher, "派遣", 主办单位="示范市城市管理局")
    expect(dispatcher.locator(".ld-messages")).to_contain_text("已派遣")

    handler = open_as("handler", address)
    clock = handler.locator("details.ld-clock", has_text="处置时限")
    clock.locator("summary").click()
    expect(clock).to_contain_text("工作日")
    handler.screenshot(path=pictures / "cases-2-handler.png", full_page=True)
    take(handler, "签收")
    expect(handler.locator(".ld-messages")).to_contain_text("处置中")
    take(handler, "反馈结果", colour="green", 办理结果="已解决", 答复="摊位已劝离，盲道已清空。")
    expect(handler.locator(".ld-messages")).to_contain_text("核查中")
    expect(handler.locator("#steps details", has_text="核查")).to_have_count(0)

    inspector = open_as("inspector", address)
    assert violations(inspector) == []
    take(inspector, "核查通过", colour="white", 说明="现场查看，盲道畅通。")
    expect(inspector.locator(".ld-messages")).to_contain_text("核查通过")
    inspector.screenshot(path=pictures / "cases-3-inspected.png", full_page=True)
    expect(inspector.locator(".ld-timeline li")).to_have_count(8)
