"""One record, one address: who has no duty sees it masked, who answers for it sees the whole."""

from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image, ImageChops
from playwright.sync_api import Page, expect

from .conftest import Open, violations
from .handed import LONG, hand_over, row, scan, write_catalogue

pytestmark = pytest.mark.e2e

CODE = "Z109-WS·2022-Y-BGS-0001"
TITLE = "关于补发环卫工人工资的批复"
NAME, NUMBER, PHONE = "张建国", "11010519491231002X", "13812345678"  # of catalog/pii_kinds.csv
HARMLESS = "请财务科于四月底前办理完毕"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("masked") / "2022年度移交"
    made.mkdir()
    lines = [f"姓名：{NAME}", f"身份证号：{NUMBER}", f"联系电话：{PHONE}", HARMLESS]
    scan(made / f"{CODE}.jpg", lines)
    write_catalogue(made, [row(1, TITLE, 档号=CODE, 日期="20220506", 开放标识="开放")])
    return made


def _seen(page: Page, record: str) -> tuple[str, str, Image.Image]:
    """The words of the viewer, the text of the page, the image of the page."""
    page.goto(f"{record}view/")
    page.wait_for_load_state("networkidle")
    words = page.locator("main").inner_text()
    lines = page.request.get(f"{record}pages/1/text.json").json()["lines"]
    image = page.locator(".ld-viewer-stage canvas, .ld-pageimage").first
    expect(image).to_be_visible()
    drawn = page.request.get(f"{record}v1/1/image").body()
    return words, "".join(line["text"] for line in lines), Image.open(BytesIO(drawn)).convert("L")


def test_the_same_address_is_masked_for_one_and_whole_for_another(
    open_as: Open, folder: Path, pictures: Path
) -> None:
    record = hand_over(open_as, folder, "遮盖测试")
    reader, archivist = open_as("reader"), open_as("archivist")
    # Between admission and examination the whole page is withheld; then the masks are on.
    reader.goto(record)
    note = reader.locator("main .ld-message[role=note]")
    for _ in range(LONG // 1000):
        if "个人信息已遮盖" in note.inner_text():
            break
        reader.wait_for_timeout(1000)
        reader.reload()
    expect(note).to_contain_text("本件含敏感个人信息")
    assert violations(reader) == []
    reader.screenshot(path=pictures / "masking-1-record.png", full_page=True)

    masked, masked_text, masked_image = _seen(reader, record)
    reader.screenshot(path=pictures / "masking-2-masked.png", full_page=True)
    whole, whole_text, whole_image = _seen(archivist, record)
    archivist.screenshot(path=pictures / "masking-3-whole.png", full_page=True)
    assert archivist.url == reader.url
    assert violations(reader) == violations(archivist) == []

    assert HARMLESS[:3] in whole_text
    assert HARMLESS[:3] in masked_text
    for secret in (NAME, NUMBER, PHONE):
        assert secret in whole_text
        assert secret not in masked_text
        assert secret not in masked
    assert "个人信息已遮盖" in masked
    assert "个人信息已遮盖" not in whole
    blackened = ImageChops.difference(whole_image, masked_image).getbbox()
    assert blackened
    dark = [sum(image.histogram()[:8]) for image in (whole_image, masked_image)]
    assert dark[1] > dark[0] + 0.01 * whole_image.width * whole_image.height

    # Neither search nor the download gives away what is masked.
    for who, found in ((reader, 0), (archivist, 1)):
        who.goto(f"/search/?q={NUMBER}")
        expect(who.locator(".ld-hit", has_text=TITLE)).to_have_count(found)
    archivist.goto(record)
    link = archivist.get_by_role("region", name="原件").get_by_role("link").first
    original = link.get_attribute("href") or ""
    assert archivist.request.get(original).status == 200
    assert reader.request.get(original).status == 403

    for page, words in ((reader, "遮盖个人信息"), (archivist, "全文")):
        page.goto(f"{record}why/")
        expect(page.locator("main .ld-status").first).to_have_text(words)
        assert violations(page) == []
    reader.screenshot(path=pictures / "masking-4-why.png", full_page=True)
