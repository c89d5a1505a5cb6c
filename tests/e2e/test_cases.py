"""The closed loop in the browser: accept, verify, dispatch, sign in, hand in, inspect.

Nobody inspects the work of the own unit: the page offers it and the engine refuses.
"""

import io
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from .conftest import Open, violations

pytestmark = pytest.mark.e2e

TITLE = "店外摆摊占了盲道。"


def _photo(colour: str) -> dict[str, object]:
    out = io.BytesIO()
    Image.new("RGB", (320, 240), colour).save(out, "JPEG")
    return {"name": "现场.jpg", "mimeType": "image/jpeg", "buffer": out.getvalue()}


def _step(page: Page, word: str, *, photo: str = "", **fields: str) -> None:
    """Open a step, fill in what it asks for, take it."""
    step = page.locator("details.ld-step", has=page.locator("summary", has_text=word)).first
    if step.get_attribute("open") is None:
        step.locator("summary").click()
    for label, value in fields.items():
        field = step.get_by_label(label, exact=True)
        if field.evaluate("e => e.tagName") == "SELECT":
            field.select_option(label=value)
        else:
            field.fill(value)
    if photo:
        step.locator("input[type=file]").set_input_files([_photo(photo)])  # type: ignore[list-item]
    step.get_by_role("button", name=word, exact=True).click()
    page.wait_for_load_state()


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
    _step(desk, "受理并核实", 类别="占道经营、店外经营", 紧急程度="一般")
    expect(desk.locator(".ld-messages")).to_contain_text("核实中")

    grid = open_as("grid", address)
    _step(grid, "核实属实", photo="gray")
    expect(grid.locator(".ld-messages")).to_contain_text("已立案")

    dispatcher = open_as("dispatcher", address)
    expect(dispatcher.get_by_label("职责依据")).to_have_value(
        "派单目录（演示）五、街面秩序由城市管理局管理"
    )
    assert violations(dispatcher) == []
    _step(dispatcher, "派遣", 主办单位="示范市城市管理局")
    expect(dispatcher.locator(".ld-messages")).to_contain_text("已派遣")

    handler = open_as("handler", address)
    clock = handler.locator("details.ld-clock", has_text="处置时限")
    clock.locator("summary").click()
    expect(clock).to_contain_text("工作日")
    handler.screenshot(path=pictures / "cases-2-handler.png", full_page=True)
    _step(handler, "签收")
    expect(handler.locator(".ld-messages")).to_contain_text("处置中")
    _step(handler, "反馈结果", photo="green", 办理结果="已解决", 答复="摊位已劝离，盲道已清空。")
    expect(handler.locator(".ld-messages")).to_contain_text("核查中")
    expect(handler.locator("#steps details", has_text="核查")).to_have_count(0)

    inspector = open_as("inspector", address)
    assert violations(inspector) == []
    _step(inspector, "核查通过", photo="white", 说明="现场查看，盲道畅通。")
    expect(inspector.locator(".ld-messages")).to_contain_text("核查通过")
    inspector.screenshot(path=pictures / "cases-3-inspected.png", full_page=True)
    expect(inspector.locator(".ld-timeline li")).to_have_count(8)
