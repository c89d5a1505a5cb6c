"""Field work on a phone, inspection by a slider, the map: in the browser, with their pictures."""

from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from .conftest import Open, violations
from .test_snap import PHONE

pytestmark = pytest.mark.e2e
NARROW = {**PHONE, "viewport": {"width": 360, "height": 740},
          "geolocation": {"latitude": 37.3727, "longitude": 118.0181}}  # fmt: skip
VERIFYING, INSPECTING = "井盖周围路面塌了一圈。", "井盖缺失，只放了一个锥桶。"


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


def shot(tmp_path: Path) -> Path:
    file = tmp_path / "现场.jpg"
    Image.effect_noise((1200, 900), 60).convert("RGB").save(file, "JPEG")
    return file


def test_a_grid_worker_verifies_on_a_phone_without_a_network(
    open_as: Open, tmp_path: Path, pictures: Path
) -> None:
    page = open_as("grid", "/field/", context=NARROW)
    card = page.locator("article", has_text=VERIFYING)
    page.get_by_role("button", name="按离我的距离排").click()
    expect(card.locator("[data-distance]")).to_have_text("约 10 米")
    expect(page.locator("#field-said")).to_contain_text("不保存")
    assert violations(page) == []
    assert fits(page)
    page.screenshot(path=pictures / "field-1-near.png", full_page=True)
    asked: list[str] = []
    page.on("request", lambda one: asked.append(f"{one.url} {one.post_data or ''}"[:2000]))
    card.locator("summary", has_text="核实属实").click()
    card.locator("input[type=file]").first.set_input_files(shot(tmp_path))
    page.context.set_offline(True)
    card.get_by_role("button", name="核实属实").click()
    entry = page.locator("#field-outbox li")
    expect(entry).to_contain_text("待发送")
    expect(card).to_be_hidden()
    page.screenshot(path=pictures / "field-2-outbox.png", full_page=True)
    page.context.set_offline(False)
    expect(entry).to_contain_text("已办")
    assert not any("37.37" in one or "118.01" in one for one in asked)  # where he stands
    entry.get_by_role("link", name="看事项").click()
    expect(page.locator(".ld-lead")).to_contain_text("已立案")


def test_an_inspector_slides_between_before_and_after(open_as: Open, pictures: Path) -> None:
    page = open_as("inspector", "/field/", context=NARROW)
    page.locator("article", has_text=INSPECTING).get_by_role("link", name="对比前后照片").click()
    slider = page.get_by_role("slider")
    slider.focus()
    page.keyboard.press("ArrowLeft")
    expect(slider).to_have_value("49")
    after = page.locator("[data-after]")
    assert "49%" in after.evaluate("e => getComputedStyle(e).clipPath")
    assert violations(page) == []
    assert fits(page)
    page.screenshot(path=pictures / "inspect-1-phone.png", full_page=True)
    page.emulate_media(media="print")
    expect(slider).to_be_hidden()
    assert after.evaluate("e => getComputedStyle(e).clipPath") == "none"
    page.emulate_media(media="screen")
    page.get_by_role("button", name="并排看").click()
    assert after.evaluate("e => getComputedStyle(e).clipPath") == "none"


def test_the_map_zooms_and_the_table_follows(open_as: Open, pictures: Path) -> None:
    page = open_as("desk", "/cases/map/?all=1")
    marks = page.locator(".ld-map-mark")
    expect(marks.first).to_be_visible()
    assert violations(page) == []
    page.screenshot(path=pictures / "map-1.png", full_page=True)
    before = page.url
    marks.first.click()
    expect(page).not_to_have_url(before)
    expect(page.locator("#map-found h2").first).to_contain_text("2 件")
    phone = open_as("desk", "/cases/map/?all=1", context=NARROW)
    expect(phone.locator(".ld-map-mark").first).to_be_visible()
    assert fits(phone)
    phone.screenshot(path=pictures / "map-2-phone.png", full_page=True)


def test_the_desk_sees_similar_cases_beside_each_other(open_as: Open, pictures: Path) -> None:
    page = open_as("desk", "/cases/inbox/")
    page.locator("aside a", has_text="路灯不亮，晚上很黑。").click()
    similar = page.locator("#similar")
    expect(similar.locator("article")).to_have_count(2)
    expect(similar).to_contain_text("照片相近")
    assert violations(page) == []
    page.screenshot(path=pictures / "similar-1.png", full_page=True)
    page.keyboard.press("m")
    similar.get_by_label("为什么是同一件").fill("同一盏路灯")
    similar.get_by_role("button", name="并案").click()
    expect(page.locator(".ld-messages")).to_contain_text("并案")


def test_a_reporter_is_told_that_it_is_known(open_as: Open, pictures: Path) -> None:
    page = open_as("stranger", "/snap/", context=NARROW)
    page.get_by_role("button", name="用我的位置").click()
    page.get_by_text("污水井盖", exact=False).first.click()
    near = page.locator("#near")
    expect(near).to_contain_text("我也遇到")
    assert violations(page) == []
    page.screenshot(path=pictures / "snap-near.png", full_page=True)


def test_many_at_once_with_a_preview(open_as: Open, pictures: Path) -> None:
    page = open_as("desk", "/cases/?state=submitted")
    page.locator("input[data-check-all]").check()
    page.get_by_role("button", name="批量办理选中的").click()
    page.locator("summary", has_text="要求补充").click()
    step = page.locator("details[open]")
    step.locator("textarea").fill("请补充位置")
    step.get_by_role("button", name="预览").click()
    expect(page.locator("h2").first).to_contain_text("件会办理")
    assert violations(page) == []
    page.screenshot(path=pictures / "bulk-1-preview.png", full_page=True)
