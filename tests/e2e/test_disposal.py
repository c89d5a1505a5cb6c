"""Disposal: due, frozen, appraised, listed, approved, supervised by two, destroyed, certified."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from .conftest import Open, violations
from .handed import LONG, hand_over, row, write_catalogue

pytestmark = pytest.mark.e2e

CODE = "Z109-WS·2010-D10-BGS-0001"
TITLE = "关于召开二〇一〇年度总结会议的通知"
CLAUSE = "档案保管期限表第4.2条"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("due") / "2010年度移交"
    made.mkdir()
    (made / f"{CODE}.txt").write_text("定于十二月三十日召开年度总结会议\n" * 5, "utf-8")
    facts = {"档号": CODE, "日期": "20101220", "保管期限": "10年", "开放标识": "开放"}
    write_catalogue(made, [row(1, TITLE, **facts)])
    return made


def _appraise(page: Page) -> None:
    page.goto("/retention/")
    page.get_by_label(f"选取 {CODE}").check()
    page.get_by_label("拟销毁").check()
    page.get_by_label("理由").fill("期限已满，无继续保存价值")
    page.get_by_label("依据条款").fill(CLAUSE)
    page.get_by_role("button", name="提交鉴定意见").click()


def test_a_due_record_is_destroyed_by_several_persons_and_not_while_it_is_held(
    open_as: Open, folder: Path, pictures: Path
) -> None:
    record = hand_over(open_as, folder, "到期测试")
    archivist = open_as("archivist", "/retention/")
    expect(archivist.locator("main tbody tr", has_text=CODE)).to_have_count(1)
    assert violations(archivist) == []
    archivist.screenshot(path=pictures / "disposal-1-due.png", full_page=True)

    # A hold wins.
    archivist.goto("/retention/holds/")
    archivist.get_by_label("档号").fill(CODE)
    archivist.get_by_label("事由", exact=True).fill("与在审案件有关")
    archivist.get_by_role("button", name="冻结", exact=True).click()
    expect(archivist.locator(".ld-messages")).to_contain_text("已冻结 1 件")
    _appraise(archivist)
    expect(archivist.locator(".ld-messages")).to_contain_text(f"已冻结，不能销毁：{CODE}")
    archivist.screenshot(path=pictures / "disposal-2-held.png", full_page=True)
    archivist.goto("/retention/holds/")
    archivist.locator("summary", has_text="解除").first.click()
    archivist.get_by_label("解除事由").fill("案件已结")
    assert violations(archivist) == []
    archivist.get_by_role("button", name="解除冻结").click()
    expect(archivist.locator("main tbody .ld-status").first).to_have_text("已解除")

    # Appraised and proposed by one, approved by the director.
    _appraise(archivist)
    expect(archivist.locator(".ld-messages")).to_contain_text("已鉴定 1 件")
    archivist.goto("/retention/lists/")
    archivist.get_by_label("鉴定意见").fill("保管期限已满，拟予销毁")
    assert violations(archivist) == []
    archivist.get_by_role("button", name="编入清册").click()
    address = archivist.url
    status = ".ld-lead .ld-status"
    sign, destroy = "以监销人签署", "执行销毁，不可恢复"
    director = open_as("director", address)
    expect(director.get_by_role("button", name=sign)).to_have_count(0)
    director.get_by_label("意见").fill("同意销毁")
    director.get_by_role("button", name="同意销毁").click()
    archivist.reload()
    expect(archivist.get_by_role("button", name=sign)).to_have_count(0)

    # Two supervise: not the one who proposed, and not one person twice.
    director.get_by_role("button", name=sign).click()
    expect(director.get_by_role("button", name=sign)).to_have_count(0)
    expect(director.get_by_role("button", name=destroy)).to_have_count(0)
    second = open_as("archivist2", address)
    second.get_by_role("button", name=sign).click()
    assert violations(second) == []
    second.screenshot(path=pictures / "disposal-3-signed.png", full_page=True)
    assert second.goto(record).status == 200  # type: ignore[union-attr]
    second.goto(address)
    second.get_by_role("button", name=destroy).click()
    for _ in range(LONG // 1000):
        second.goto(address)
        if second.locator(status).inner_text() == "已销毁":
            break
        second.wait_for_timeout(1000)
    expect(second.locator(status)).to_have_text("已销毁")
    expect(second.locator("main tbody tr", has_text=CODE).last).to_contain_text(TITLE)
    assert violations(second) == []
    second.screenshot(path=pictures / "disposal-4-done.png", full_page=True)

    # The record is gone for everybody; the certificate names it and who answered for it.
    for who in ("stranger", "archivist"):
        page = open_as(who, f"/search/?q={TITLE}")
        expect(page.locator(".ld-hit", has_text=TITLE)).to_have_count(0)
        assert page.request.get(f"{record}view/").status == 404
    with second.expect_download() as started:
        second.get_by_role("link", name="销毁证书 PDF").click()
    assert Path(started.value.path()).read_bytes().startswith(b"%PDF")
    second.get_by_role("link", name="网页", exact=True).click()
    paper = second.locator("body")
    for words in (CODE, "档案馆员（演示）", "档案馆负责人（演示）", "复审人员（演示）"):
        expect(paper).to_contain_text(words)
    second.screenshot(path=pictures / "disposal-5-certificate.png", full_page=True)
    assert open_as("clerk").request.get(f"{address}certificate.html").status == 403
