"""From a folder on somebody's desk to a corrected word that search finds."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from .conftest import Open
from .handed import code, row, scan, write_catalogue

pytestmark = pytest.mark.e2e

TITLE = "关于骑手驿站开放时间的通知"
LONG = 120_000  # ms: a worker on a busy machine reads a page in some seconds


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("hand") / "2024年度移交"
    made.mkdir()
    scan(
        made / f"{code(1)}.jpg",
        ["各街道办事处：", "骑手驿站每日开放十二小时", "提供饮水和充电服务"],
    )
    (made / f"{code(2)}.txt").write_text("驿站管理员值班安排\n" * 20, "utf-8")
    write_catalogue(made, [row(1, TITLE), row(2, "驿站值班表")])
    return made


def _ready(page: Page, files: int) -> None:
    expect(page.locator(".ld-upload-head")).to_contain_text("全部收到，可以提交")
    expect(page.locator(".ld-upload-list tbody tr")).to_have_count(files)


def test_a_folder_is_handed_over_accepted_found_read_and_corrected(
    open_as: Open, folder: Path
) -> None:
    clerk = open_as("clerk", "/transfers/new/")
    clerk.get_by_label("批次名称").fill("骑手驿站文件")
    submit = clerk.get_by_role("button", name="提交移交")
    expect(submit).to_be_disabled()

    # The net breaks while the scan goes up; after a reload the same folder goes on.
    def broken(route: Route) -> None:
        if route.request.method == "PUT":
            route.abort("connectionfailed")
        else:
            route.continue_()

    clerk.route("**/transfers/uploads/*/", broken)
    clerk.locator("input[webkitdirectory]").set_input_files(folder)
    expect(clerk.locator(".ld-upload-head")).to_contain_text("网络断开")
    clerk.reload()
    expect(clerk.locator(".ld-message.ld-warn")).to_contain_text("没有传完")
    clerk.unroute("**/transfers/uploads/*/")
    clerk.get_by_label("批次名称").fill("骑手驿站文件")
    clerk.locator("input[webkitdirectory]").set_input_files(folder)
    _ready(clerk, 3)
    submit.click()
    expect(clerk.get_by_role("heading", level=1)).to_have_text("骑手驿站文件")
    address = clerk.url

    # Progress comes by itself, and the page is loaded anew when the work is done.
    expect(clerk.locator(".ld-lead .ld-status")).to_have_text("待审核", timeout=LONG)
    expect(clerk.locator("#progress")).to_have_count(0)
    expect(clerk.locator(".ld-items tbody tr")).to_have_count(2)
    expect(clerk.get_by_role("button", name="全部接收")).to_have_count(0)

    archivist = open_as("archivist", address)
    expect(archivist.get_by_role("region", name="四性检测")).to_contain_text("元数据项")
    archivist.get_by_role("button", name="全部接收 2 件").click()
    expect(archivist.get_by_role("heading", level=1)).to_have_text("全部接收预览")
    expect(archivist.locator("tbody tr")).to_have_count(2)
    archivist.get_by_role("button", name="确认全部接收").click()
    expect(archivist.locator(".ld-message")).to_contain_text("已处理 2 件")
    expect(archivist.locator(".ld-lead .ld-status")).to_have_text("已接收入库", timeout=LONG)

    # Admitted means found: no waiting for an index.
    archivist.goto("/search/?q=驿站开放")
    hit = archivist.locator(".ld-hit", has_text=TITLE)
    expect(hit).to_have_count(1, timeout=2_000)
    archivist.goto("/search/?q=饮水和充电")
    hit = archivist.locator(".ld-hit", has_text=TITLE)
    expect(hit.locator("mark").first).to_be_visible()
    expect(hit.locator("img")).to_have_js_property("complete", True)
    hit.locator(".ld-snippet a").click()

    # The viewer opens at the line and marks the words; the text can be selected.
    expect(archivist).to_have_url(re.compile(r"/view/\?.*l=3"))
    expect(archivist.locator(".ld-box-line")).to_have_count(1)
    line = archivist.locator('.ld-text-layer span[data-line="2"]')
    expect(line).to_contain_text("提供饮水")
    line.evaluate("e => getSelection().selectAllChildren(e)")
    assert "饮水" in archivist.evaluate("() => String(getSelection())")
    box = archivist.get_by_label("在本件中查找")
    box.fill("骑手")
    box.press("Enter")
    expect(archivist.locator(".ld-viewer-status")).to_contain_text("共 1 处")
    expect(archivist.locator(".ld-box-here")).to_have_count(1)

    # A line is corrected with Ctrl+Enter, undone with z, corrected again; the history knows.
    archivist.get_by_role("link", name="校对本页").click()
    expect(archivist.locator(".ld-correct-stage canvas").first).to_be_visible()
    first = archivist.get_by_label("第 1 行")
    first.fill("各街道办事处、琅琊驿站：")
    first.press("Control+Enter")
    corrected = archivist.locator('.ld-line[data-state="corrected"]')
    expect(corrected).to_have_count(1)
    archivist.keyboard.press("Escape")
    archivist.keyboard.press("z")
    expect(first).to_have_value("各街道办事处：")
    first.fill("各街道办事处、琅琊驿站：")
    first.press("Control+Enter")
    expect(first).to_have_value("各街道办事处、琅琊驿站：")
    expect(archivist.locator(".ld-correct-status")).to_contain_text("已保存")
    archivist.reload()
    archivist.locator(".ld-history summary").click()
    expect(archivist.locator(".ld-history ins").first).to_have_text("各街道办事处、琅琊驿站：")

    # The worker puts the corrected text into the index.
    def found() -> bool:
        archivist.goto("/search/?q=琅琊驿站")
        return archivist.locator(".ld-hit", has_text=TITLE).count() == 1

    _eventually(archivist, found)

    # Not opened: a stranger learns nothing of it.
    stranger = open_as("stranger", "/search/?q=饮水和充电服务")
    expect(stranger.locator(".ld-resultbar")).to_contain_text("共 0 件")


def _eventually(page: Page, holds: Callable[[], bool], tries: int = 20) -> None:
    for _ in range(tries):
        if holds():
            return
        page.wait_for_timeout(300)
    raise AssertionError("it did not come")


def test_a_dropped_folder_goes_up_with_its_subfolders(open_as: Open, tmp_path: Path) -> None:
    deep = tmp_path / "拖入" / "第一卷"
    deep.mkdir(parents=True)
    (deep / "甲.txt").write_text("甲", "utf-8")
    (tmp_path / "拖入" / "乙.txt").write_text("乙", "utf-8")
    page = open_as("clerk", "/transfers/new/")
    zone = page.locator(".ld-drop")
    expect(zone).to_be_visible()
    box = zone.bounding_box()
    assert box
    session = page.context.new_cdp_session(page)
    place = {"x": box["x"] + box["width"] / 2, "y": box["y"] + 20}
    carried = {"items": [], "files": [str(tmp_path / "拖入")], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        session.send("Input.dispatchDragEvent", {"type": kind, **place, "data": carried})
    _ready(page, 2)
    expect(page.locator(".ld-upload-list")).to_contain_text("拖入/第一卷/甲.txt")


def test_a_faulty_batch_says_what_where_and_how_and_takes_only_what_was_mended(
    open_as: Open, tmp_path: Path
) -> None:
    page = open_as("archivist", "/transfers/")
    page.get_by_role("link", name="2023年度补充移交").click()
    kinds = page.get_by_role("region", name="问题归类")
    expect(kinds).to_contain_text("文件是空的")
    kinds.get_by_role("row", name="FILE-EMPTY").get_by_role("link").click()
    expect(page.locator(".ld-items tbody tr")).to_have_count(1)
    found = page.locator(".ld-found").first
    expect(found).to_contain_text("不能接收")
    expect(found.locator(".ld-remedy")).to_contain_text("重新导出")

    page.get_by_label("选择本页全部").check()
    expect(page.locator('input[name="item"]')).to_be_checked()
    page.get_by_role("button", name="退回所选").click()
    expect(page.locator(".ld-message")).to_contain_text("退回必须写明原因")

    # Only what failed is handed over again.
    mended = tmp_path / "补交"
    mended.mkdir()
    name = "Z109-WS·2023-D30-YWK-0005"
    (mended / f"{name}.txt").write_text("重新导出的内容：驿站补贴办法\n" * 5, "utf-8")
    changes = {"档号": name, "保管期限": "30年", "日期": "20231020"}
    write_catalogue(mended, [row(5, "空文件已补", **changes)])
    clerk = open_as("clerk", page.url.split("?")[0])
    clerk.get_by_role("link", name="补交", exact=True).click()
    clerk.get_by_label("批次名称").fill("补交一件")
    expect(clerk.get_by_label("补交哪一批")).not_to_have_value("")
    clerk.locator("input[webkitdirectory]").set_input_files(mended)
    _ready(clerk, 2)
    clerk.get_by_role("button", name="提交移交").click()
    expect(clerk.locator(".ld-lead .ld-status")).to_have_text("待审核", timeout=LONG)
    expect(clerk.locator(".ld-lead")).to_contain_text("补交批次")
    expect(clerk.locator(".ld-items tbody tr")).to_have_count(1)
    expect(clerk.locator(".ld-items .ld-decide")).to_have_count(1)

    # What cannot be mended goes back, with the reason.
    page.goto(page.url.split("?")[0] + "?code=CAT-ROW-NO-FILE")
    page.locator('input[name="item"]:enabled').first.check()
    page.get_by_label("退回原因").fill("原件缺失，请查找后重交")
    page.get_by_role("button", name="退回所选").click()
    expect(page.locator(".ld-message")).to_contain_text("已处理 1 件")
    page.goto(page.url.split("?")[0] + "?state=returned")
    expect(page.locator(".ld-items")).to_contain_text("退回原因：原件缺失")
