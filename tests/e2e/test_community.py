"""A rider sees points and redeems them at a station; a contact is registered and judged; a report
on conduct is seen with its complainant masked.
"""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from .conftest import PASSWORD, Open, faults_of_looks, violations

pytestmark = pytest.mark.e2e
RIDER = "风里来"
PHONE = {
    "viewport": {"width": 360, "height": 780}, "is_mobile": True, "has_touch": True,
    "permissions": ["geolocation"], "geolocation": {"latitude": 37.3728, "longitude": 118.0170},
}  # fmt: skip


def _take(page: Page, picture: Path) -> None:
    assert violations(page) == []
    width = page.evaluate("() => document.documentElement.scrollWidth - innerWidth")
    assert width <= 0, (page.url, width)
    page.screenshot(path=picture, full_page=True)


def test_the_nearest_station_is_found_without_sending_a_position(
    open_as: Open, pictures: Path
) -> None:
    page = open_as("stranger", "/stations/", context=PHONE)
    first = page.locator("ul.ld-stations > li").first
    expect(first).to_contain_text("长江一路")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url))
    page.get_by_role("button", name="离我最近").click()
    expect(page.locator("[data-island=nearest] [role=status]")).to_contain_text("没有发送")
    expect(page.locator("[data-distance]").first).to_contain_text("m")
    assert [one for one in sent if "37.37" in one or "118.0" in one] == []
    _take(page, pictures / "community-1-stations.png")


def test_a_rider_sees_points_and_redeems_them_at_a_station(open_as: Open, pictures: Path) -> None:
    rider = open_as("stranger", "/me/reports/", context=PHONE)
    rider.get_by_label("化名").fill(RIDER)
    rider.get_by_label("恢复码").fill(PASSWORD)
    rider.get_by_role("button", name="打开").click()
    expect(rider.locator("h2").first).to_contain_text("积分：13")  # photo and place, inspected
    expect(rider.locator("#entries")).to_contain_text("上报经核查通过")
    _take(rider, pictures / "community-2-points.png")
    rider.get_by_role("button", name="出示兑换码").click()
    code = rider.locator("#code").inner_text().strip()
    assert re.fullmatch(r"\d{6}", code)
    _take(rider, pictures / "community-3-code.png")

    keeper = open_as("station", "/community/stations/")
    _take(keeper, pictures / "community-4-kept.png")
    keeper.get_by_role("link", name="黄河五路暖新驿站").click()
    keeper.get_by_role("button", name="来了一位").click()
    expect(keeper.locator(".ld-messages")).to_contain_text("今天第")
    _take(keeper, pictures / "community-5-station.png")
    keeper.get_by_label("对方出示的兑换码").fill(code)
    keeper.get_by_label("兑换什么").select_option("water")
    keeper.get_by_role("button", name="兑换", exact=True).click()
    expect(keeper.get_by_role("heading", level=1)).to_have_text("积分兑换凭单")
    expect(keeper.locator("main")).not_to_contain_text(RIDER)
    _take(keeper, pictures / "community-6-receipt.png")

    rider.goto("/me/reports/")
    expect(rider.locator("h2").first).to_contain_text("积分：8")
    expect(rider.locator("#entries")).to_contain_text("-5")


def test_a_contact_is_registered_and_a_hint_judged_by_a_person(
    open_as: Open, pictures: Path
) -> None:
    official = open_as("handler", "/conduct/contacts/new/")
    official.get_by_label("企业").select_option(label="示范食品有限公司")
    official.get_by_label("形式").select_option("gift_declined")
    official.get_by_label("地点").fill("厂区门口")
    _take(official, pictures / "community-7-newcontact.png")
    official.locator("main").get_by_role("button", name="登记", exact=True).click()
    expect(official.locator(".ld-messages")).to_contain_text("已登记")
    expect(official.locator("main")).to_contain_text("P01")
    _take(official, pictures / "community-8-contact.png")

    judge = open_as("discipline", "/conduct/")
    _take(judge, pictures / "community-9-conduct.png")
    judge.get_by_role("link", name="公务用餐须对照规定").first.click()
    hint = judge.locator("#hints form").first
    hint.get_by_label("判定").select_option("proper")
    hint.get_by_label("理由").fill("机关食堂，有审批单。")
    hint.get_by_role("button", name="判定").click()
    expect(judge.locator("#hints")).to_contain_text("机关食堂，有审批单。")
    _take(judge, pictures / "community-10-judged.png")


def test_a_tie_reminds_on_the_page_of_the_case(open_as: Open, pictures: Path) -> None:
    desk = open_as("desk2", "/cases/?kind=enterprise_demand")
    desk.locator("tbody a").last.click()
    expect(desk.locator("#steps")).to_contain_text("请考虑回避")
    _take(desk, pictures / "community-11-tie.png")


def test_a_report_on_conduct_is_masked(open_as: Open, pictures: Path) -> None:
    page = open_as("discipline", "/conduct/reports/")
    page.locator("tbody a").first.click()
    expect(page.locator("#complainant")).to_contain_text("已遮盖")
    expect(page.locator("main")).not_to_contain_text("举报人（演示）")
    _take(page, pictures / "community-12-report.png")
    number = page.locator("main code").first.inner_text()
    page.get_by_role("link", name="去办理").click()
    step = page.locator("details.ld-step", has=page.locator("summary", has_text="受理并核实")).first
    step.locator("summary").click()
    step.get_by_label("类别").select_option("C0101")
    step.get_by_label("紧急程度").select_option("ordinary")
    step.get_by_role("button", name="受理并核实").click()
    page.goto(f"/conduct/reports/{number}/")
    page.get_by_label("为什么要看").fill("需要回访核对时间")
    page.get_by_role("button", name="查看一次").click()
    expect(page.locator("#complainant")).to_contain_text("举报人（演示）")
    _take(page, pictures / "community-13-revealed.png")
    other = open_as("discipline2", f"/conduct/reports/{number}/")
    expect(other.locator("#complainant")).to_contain_text("已遮盖")
    expect(other.get_by_role("button", name="查看一次")).to_have_count(0)
    assert open_as("desk").goto(f"/cases/{number}/").status == 404  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("who", "paths"),
    [
        ("stranger", ("/stations/", "/stations/huanghe-5/defect/", "/me/reports/",
                      "/conduct/report/", "/conduct/rules/")),
        ("handler", ("/conduct/", "/conduct/ties/", "/conduct/contacts/new/")),
        ("station", ("/community/stations/huanghe-5/", "/community/stations/new/")),
        ("discipline", ("/conduct/", "/conduct/reports/")),
    ],
)  # fmt: skip
def test_pages_are_clean_in_every_look(
    open_as: Open, who: str, paths: tuple[str, ...], pictures: Path
) -> None:
    page = open_as(who)
    found = {}
    for path in paths:
        page.goto(path)
        page.wait_for_load_state("networkidle")
        if faults := faults_of_looks(page):
            found[path] = faults
        name = path.strip("/").replace("/", "-")
        page.screenshot(path=pictures / f"look-{who}-{name}.png", full_page=True)
    assert found == {}
