"""The ledger in the browser: a demand of three months is cleared, reported, and comes back.

This month's entry, result, inspection, confirmation by the enterprise, clearing, the report as Word
and PDF, and the way back onto the ledger when the problem returns; sheets out and in; evaluation.
Three months have passed in the demonstration; how figures age is tested in tests/cases.
"""

import io
from pathlib import Path

import pypdfium2
import pytest
from django.utils import timezone
from docx import Document
from openpyxl import load_workbook
from playwright.sync_api import Download, Page, expect

from .conftest import Open, faults_of_looks, violations
from .steps import take

pytestmark = pytest.mark.e2e

TITLE = "厂区配电容量不足"
STUCK = "园区污水管网接不上"
MONTH = f"{timezone.localdate():%Y-%m}"


def _saved(page: Page, name: str) -> bytes:
    with page.expect_download() as waited:
        page.get_by_role("link", name=name, exact=True).click()
    download: Download = waited.value
    path = download.path()
    return Path(path).read_bytes()


def test_a_demand_is_cleared_and_comes_back(open_as: Open, pictures: Path) -> None:
    handler = open_as("handler", "/ledger/")
    row = handler.locator("tbody tr", has_text=TITLE)
    expect(row).to_contain_text("在账")
    row.locator("summary").click()
    row.get_by_label("进展或说明").fill("设备已安装，等待送电。")
    row.get_by_role("button", name="记入", exact=True).click()
    expect(handler.locator(".ld-messages")).to_contain_text("本月填报已记入")
    row = handler.locator("tbody tr", has_text=TITLE)
    expect(row).to_contain_text("设备已安装，等待送电。")
    assert violations(handler) == []
    handler.screenshot(path=pictures / "ledger-1-page.png", full_page=True)
    address = row.locator("a").first.get_attribute("href")
    assert address
    handler.goto(address)
    expect(handler.locator(".ld-timeline li", has_text="记进展")).to_have_count(4)
    take(handler, "反馈结果", 办理结果="已解决", 佐证="送电验收单。", 答复="增容完成，已送电。")
    expect(handler.locator(".ld-messages")).to_contain_text("核查中")

    inspector = open_as("inspector", address)
    take(inspector, "核查通过", 佐证="回访记录。", 说明="企业确认已送电。")
    expect(inspector.locator(".ld-messages")).to_contain_text("核查通过")

    officer = open_as("ledger", "/ledger/?tab=proposed")
    expect(officer.locator("tbody tr", has_text=TITLE)).to_contain_text("拟销号")
    officer.goto(address)
    expect(officer.locator("details.ld-step", has_text="销号")).to_have_count(0)  # not confirmed

    firm = open_as("firm", address)
    take(firm, "评价", 满意程度="4")
    expect(firm.locator(".ld-messages")).to_contain_text("已结案")

    officer.goto(address)
    take(officer, "销号")
    expect(officer.locator(".ld-messages")).to_contain_text("已销号")

    leader = open_as("leader", f"/ledger/{MONTH}/")
    expect(leader.locator("tr", has_text="本月销号").locator("a").first).not_to_have_text("0")
    leader.locator("tr", has_text="本月销号").locator("a").first.click()
    expect(leader.locator("#items")).to_contain_text(TITLE)
    expect(leader.locator("#items mark").first).to_contain_text("已销号")
    assert faults_of_looks(leader) == {}
    leader.screenshot(path=pictures / "ledger-2-month.png", full_page=True)

    document = Document(io.BytesIO(_saved(leader, "月报 docx")))
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    assert document.paragraphs[0].text == f"台账月报 {MONTH}"
    assert TITLE in cells
    assert "设备已安装，等待送电。" in cells
    assert any("停滞" in one.text for one in document.paragraphs)
    assert STUCK in cells
    pages = pypdfium2.PdfDocument(_saved(leader, "月报 pdf"))
    text = "".join(page.get_textpage().get_text_bounded() for page in pages)
    text = "".join(text.split())
    assert f"台账月报{MONTH}" in text
    assert "设备已安装，等待送电。" in text
    assert STUCK in text

    firm.goto(address)
    take(firm, "申请重办", 理由="送电后仍频繁跳闸。")
    expect(firm.locator(".ld-messages")).to_contain_text("重办审核")
    other = open_as("desk2", address)
    take(other, "同意重办", 理由="现场属实。", 主办单位="示范市城市管理局")
    expect(other.locator(".ld-messages")).to_contain_text("已派遣")
    leader.goto("/ledger/?tab=relisted")
    expect(leader.locator("tbody tr", has_text=TITLE)).to_contain_text("重新挂账")


def test_a_sheet_goes_out_and_comes_back(open_as: Open, pictures: Path, tmp_path: Path) -> None:
    page = open_as("handler2", "/ledger/")
    expect(page.locator("tbody tr", has_text=STUCK)).to_contain_text("停滞")
    book = load_workbook(io.BytesIO(_saved(page, "导出填报表")))
    sheet = book.active
    assert sheet is not None
    for line in range(2, sheet.max_row + 1):
        if sheet.cell(line, 2).value == STUCK:
            sheet.cell(line, 11).value = "等其他单位配合"
    book.save(tmp_path / "back.xlsx")
    for said in ("可以记入 1", "已有，不重复 1"):
        page.goto("/ledger/sheet/")
        page.get_by_label("填报表（xlsx，5 MB 以内）").set_input_files(tmp_path / "back.xlsx")
        page.get_by_role("button", name="预览", exact=True).click()
        expect(page.get_by_role("main")).to_contain_text(said)
        if said.startswith("可以"):
            assert faults_of_looks(page) == {}
            page.screenshot(path=pictures / "ledger-3-sheet.png", full_page=True)
            page.get_by_role("button", name="记入这 1 行").click()
            expect(page.get_by_role("main")).to_contain_text("已记入 1")
    page.goto("/ledger/")
    expect(page.locator("tbody tr", has_text=STUCK)).to_contain_text("无进展：等其他单位配合")


def test_the_evaluation_opens_the_cases_behind_a_number(open_as: Open, pictures: Path) -> None:
    page = open_as("leader", "/cases/evaluation/")
    assert faults_of_looks(page) == {}
    page.screenshot(path=pictures / "ledger-4-evaluation.png", full_page=True)
    page.locator("tr", has_text="结案数").first.locator("a").first.click()
    expect(page.locator("#rows tbody tr").first).to_be_visible()
    assert _saved(page, "xlsx")[:2] == b"PK"
