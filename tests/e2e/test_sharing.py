"""Sharing between departments and a certified copy, from asking to the end, with pictures."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import expect

from .conftest import Open, violations
from .handed import hand_over, row, scan, write_catalogue

pytestmark = pytest.mark.e2e

SCRIPT = Path(__file__).parents[2] / "docs" / "tools" / "verify_certified_copy.py"
CODE = "Z109-WS·2025-Y-BGS-0001"
TITLE = "关于窨井盖权属争议的协调意见"
PURPOSE = "核对人民路井盖维修资金的承担单位"
PAPER = "11010519491231002X"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("shared") / "2025年度移交"
    made.mkdir()
    scan(made / f"{CODE}.jpg", ["人民路沿线井盖权属热力公司", "维修费用由权属单位承担"])
    write_catalogue(made, [row(1, TITLE, 档号=CODE, 日期="20250506")])
    return made


def _end_by_the_clock(base: Path, number: str) -> None:
    """Time passes: the grant is moved into the past, which is the same for who reads the clock."""
    database = next(base.glob("home*/liandong.sqlite3"))
    with sqlite3.connect(database, timeout=20) as rows:
        rows.execute(
            "UPDATE archive_sharegrant SET begins_at = '2026-01-01', ends_at = '2026-01-02'"
            " WHERE code = ?",
            (number,),
        )
    rows.close()


def test_a_record_is_asked_for_granted_read_with_its_mark_and_taken_back(
    open_as: Open, folder: Path, pictures: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    record = hand_over(open_as, folder, "共享测试")
    archivist = open_as("archivist")

    asker = open_as("clerk2", record)
    expect(asker.get_by_role("heading", level=1)).to_have_text("没有找到")
    asker.goto("/exchange/new/")
    asker.get_by_label("目的类别").select_option("duty")
    asker.get_by_label("利用目的").fill(PURPOSE)
    asker.get_by_label("依据").first.fill("预算法实施条例第二十条")
    asker.get_by_label("要什么档案").fill(CODE)
    assert violations(asker) == []
    asker.screenshot(path=pictures / "sharing-1-ask.png", full_page=True)
    asker.get_by_role("button", name="提交申请").click()
    expect(asker.locator(".ld-lead .ld-status")).to_have_text("待办理")
    address = asker.url
    number = address.rstrip("/").rsplit("/", 1)[-1]

    archivist.goto(address)
    archivist.get_by_role("button", name="取入申请").click()
    archivist.get_by_role("button", name="征求意见").click()
    expect(archivist.locator("main")).to_contain_text("等待答复")
    former = open_as("clerk", address)
    former.get_by_label("同意提供", exact=True).check()
    former.get_by_label("理由").fill("与职责有关")
    assert violations(former) == []
    former.get_by_role("button", name="答复").click()

    archivist.goto(address)
    archivist.get_by_label("答复或拟办意见").fill("同意提供")
    assert violations(archivist) == []
    archivist.screenshot(path=pictures / "sharing-2-decide.png", full_page=True)
    archivist.get_by_role("button", name="决定提供").click()
    expect(archivist.locator(".ld-lead .ld-status")).to_have_text("已授权")

    asker.goto(f"{record}view/")
    expect(asker.locator(".ld-watermark")).to_have_count(1)
    expect(asker.locator("main")).to_contain_text(f"凭共享授权利用 {number}")
    asker.wait_for_load_state("networkidle")
    asker.screenshot(path=pictures / "sharing-3-read.png")
    assert violations(asker) == []
    asker.goto(address)
    expect(asker.locator("#uses tbody tr").first).to_contain_text(CODE)
    asker.screenshot(path=pictures / "sharing-4-used.png", full_page=True)

    _end_by_the_clock(tmp_path_factory.getbasetemp(), number)
    asker.goto(address)
    expect(asker.locator(".ld-lead .ld-status")).to_have_text("已到期")
    asker.screenshot(path=pictures / "sharing-5-ended.png", full_page=True)
    asker.goto(record)
    expect(asker.get_by_role("heading", level=1)).to_have_text("没有找到")


def test_a_citizen_gets_a_certified_copy_that_a_stranger_checks(
    open_as: Open, pictures: Path, tmp_path: Path
) -> None:
    citizen = open_as("stranger", "/requests/new/")
    citizen.get_by_label("姓名").fill("张建国")
    citizen.get_by_label("证件号码").fill(PAPER)
    citizen.get_by_label("联系电话").fill("0543-1234567")
    citizen.get_by_label("要查什么").fill("窨井盖安全管理的通知")
    citizen.get_by_label("目的类别").select_option("rights")
    citizen.get_by_label("查档用途").fill("办理房产证")
    citizen.get_by_label("出具证明").check()
    citizen.get_by_label("我同意").check()
    assert violations(citizen) == []
    citizen.get_by_role("button", name="提交申请").click()
    number, code = citizen.locator(".ld-receipt strong").all_inner_texts()
    citizen.screenshot(path=pictures / "copy-1-receipt.png")

    desk = open_as("archivist", f"/exchange/visits/{number}/")
    desk.get_by_label("看过的证件号码").fill(PAPER)
    desk.get_by_role("button", name="核验", exact=True).click()
    desk.get_by_label("提供的档号").fill("Z109-WS·2023-Y-BGS-0001")
    desk.get_by_label("答复或拟办意见").fill("已开放，同意")
    assert violations(desk) == []
    desk.get_by_role("button", name="同意提供").click()
    desk.get_by_role("link", name="出具证明件").click()
    desk.get_by_label("第 1 页").check()
    desk.get_by_role("button", name="签名并登记").click()
    expect(desk.locator(".ld-lead .ld-status")).to_have_text("有效")
    desk.screenshot(path=pictures / "copy-2-registered.png")
    with desk.expect_download() as started:
        desk.get_by_role("link", name="下载 PDF").click()
    file = tmp_path / "copy.pdf"
    started.value.save_as(file)

    fine = subprocess.run(
        [sys.executable, "-I", SCRIPT, file], capture_output=True, text=True, check=False
    )
    assert fine.returncode == 0, fine.stdout
    content = file.read_bytes()
    changed = tmp_path / "changed.pdf"
    changed.write_bytes(content[:2000] + bytes([content[2000] ^ 1]) + content[2001:])
    bad = subprocess.run(
        [sys.executable, "-I", SCRIPT, changed], capture_output=True, text=True, check=False
    )
    assert bad.returncode == 1

    citizen.goto("/verify/")
    citizen.get_by_label("证明的 PDF 文件").set_input_files(file)
    citizen.get_by_role("button", name="核验文件").click()
    expect(citizen.locator("main")).to_contain_text("文件未被改动，签名成立")
    assert violations(citizen) == []
    citizen.screenshot(path=pictures / "copy-3-verified.png")
    citizen.get_by_label("证明的 PDF 文件").set_input_files(changed)
    citizen.get_by_role("button", name="核验文件").click()
    expect(citizen.locator("main")).to_contain_text("文件内容被改动过")
    citizen.goto(f"/requests/{number}/")
    citizen.get_by_label("查询码").fill(code)
    citizen.get_by_role("button", name="查进度").click()
    expect(citizen.locator(".ld-lead .ld-status")).to_have_text("已同意")
