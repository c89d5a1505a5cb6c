"""Who saw a record: the audit officer finds it and takes the evidence along."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import expect

from .conftest import Open, violations

pytestmark = pytest.mark.e2e

CODE = "Z109-WS·2023-Y-BGS-0001"
OBJECT = f"record:{CODE}"
OTHERS = ("reader", "clerk", "archivist", "director", "sysadmin")


def test_the_audit_officer_finds_who_saw_a_record_and_exports_it(
    open_as: Open, pictures: Path, tmp_path: Path
) -> None:
    reader = open_as("reader", "/search/?q=窨井盖安全管理")
    reader.locator(".ld-hit h2 a").first.click()
    expect(reader.locator("main")).to_contain_text(CODE)
    reader.get_by_role("link", name="阅读", exact=True).click()
    expect(reader.locator(".ld-viewer-stage canvas, .ld-pageimage").first).to_be_visible()

    auditor = open_as("auditadmin", "/audit/")
    auditor.get_by_label("对象").fill(OBJECT)
    auditor.get_by_role("button", name="查找").click()
    rows = auditor.locator(".ld-audit tbody tr")
    expect(rows.filter(has_text="查档人（演示）").first).to_contain_text(CODE)
    expect(rows.filter(has_not_text=CODE)).to_have_count(0)
    assert violations(auditor) == []
    auditor.screenshot(path=pictures / "audit-1-found.png", full_page=True)

    rows.first.locator("a.ld-object").click()
    seen = auditor.get_by_role("region", name="谁看过")
    expect(seen.locator("tbody tr", has_text="查档人（演示）")).to_have_count(1)
    assert violations(auditor) == []
    auditor.screenshot(path=pictures / "audit-2-who.png", full_page=True)
    address = auditor.url
    with auditor.expect_download() as started:
        auditor.get_by_role("button", name="导出证据包").click()
    package = tmp_path / "evidence.zip"
    started.value.save_as(package)

    # A stranger checks the package with the program inside, without this system.
    folder = tmp_path / "evidence"
    with zipfile.ZipFile(package) as packed:
        packed.extractall(folder)
    lines = (folder / "rows.jsonl").read_text("utf-8").splitlines()
    assert lines
    assert all(CODE in line for line in lines)
    assert any('"reader"' in line for line in lines)
    checked = subprocess.run(
        [sys.executable, "-I", folder / "verify_audit.py", package],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr

    # The search and the export are in the audit themselves.
    auditor.goto("/audit/?by=auditadmin")
    expect(auditor.locator(".ld-audit tbody")).to_contain_text("导出")

    for who in OTHERS:
        other = open_as(who)
        for path in ("/audit/", address, "/audit/seals/"):
            assert other.request.get(path).status == 403, (who, path)
    stranger = open_as("stranger", address)
    expect(stranger.get_by_role("heading", level=1)).to_have_text("登录")
