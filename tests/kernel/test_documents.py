"""Fields of official documents: found where GB/T 9704 puts them, and nothing invented elsewhere."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.official_documents import HEIGHT, LEFT, WIDTH, Document, lay_out, read_badly
from liandong.kernel.documents import classified_mark, classified_words, extract_fields
from liandong.kernel.documents.patterns import kind_of, read_date, read_document_number
from liandong.kernel.pages import Box, Line, Method, Page

FULL = Document(
    copy_number="000012",
    urgency="特急",
    signer="张 三  李四光",
    attachments=("任务分工表", "进度表"),
    copies="市委各部门，市人大常委会办公室，市政协办公室，市法院，市检察院，滨州军分区。",
    printing=("滨州市人民政府办公室", "2023年5月8日"),
    attached=(("附件1", "任务分工表", "2022年1月1日"),),
)
KNOWN = {
    "copy_number": "000012",
    "urgency": "特急",
    "issuing_body_mark": "滨州市人民政府办公室文件",
    "document_number": "滨政办字〔2023〕15号",
    "signer": "张三、李四光",
    "title": "滨州市人民政府办公室关于印发任务分工方案的通知",
    "document_type": "通知",
    "main_addressee": "各县（市、区）人民政府，各市属开发区管委会，市政府各部门",
    "attachment_note": "任务分工表；进度表",
    "issuer_signature": "滨州市人民政府办公室",
    "document_date": "20230506",
    "note": "此件公开发布",
    "copy_addressee": "市委各部门，市人大常委会办公室，市政协办公室，市法院，市检察院，滨州军分区",
    "printing": "滨州市人民政府办公室 20230508",
}


def values(pages: list[Page]) -> dict[str, str]:
    return {field.name: field.value for field in extract_fields(pages)}


def without_places(pages: list[Page]) -> list[Page]:
    lines = tuple(Line(one.text, Box(0, 0, 0, 0), 1.0) for page in pages for one in page.lines)
    return [Page(1, 0, 0, lines, Method.MARKUP)]


def line(text: str, top: float, left: float = LEFT, letter: float = 44) -> Line:
    return Line(text, Box(left, top, left + letter * len(text), top + letter), 1.0)


def page(*lines: Line) -> Page:
    return Page(1, WIDTH, HEIGHT, lines, Method.OCR)


def test_every_field_of_a_whole_document_is_found() -> None:
    assert values(lay_out(FULL)) == KNOWN


def test_every_field_is_found_without_places() -> None:
    assert values(without_places(lay_out(FULL))) == KNOWN


def test_a_field_says_where_it_stands_and_how_sure_it_is() -> None:
    fields = {field.name: field for field in extract_fields(lay_out(FULL))}
    title = fields["title"]
    assert title.page == 1
    assert title.box is not None
    assert title.box.bottom - title.box.top > 100  # both rows of the title
    assert (title.confidence, title.method) == (0.97, "text-layer:position")
    assert fields["printing"].page > 1


def test_confidence_follows_the_line() -> None:
    clean = lay_out(Document())
    worse = read_badly(clean, 0.0, random.Random(1))  # noqa: S311
    sure = {field.name: field.confidence for field in extract_fields(clean)}
    assert all(field.confidence <= sure[field.name] for field in extract_fields(worse))


def test_the_date_is_neither_that_of_the_printing_nor_of_an_attachment() -> None:
    pages = lay_out(FULL)
    assert values(pages)["document_date"] == "20230506"
    attached = Document(date="", signature="", note="", attached=(("附件", "2022年1月1日"),))
    assert "document_date" not in values(lay_out(attached))


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("二〇一二年七月一日", "20120701"),
        ("一九八七年十二月三十一日", "19871231"),
        ("二○○八年十月二十日", "20081020"),
        ("二O一二年七月十日", "20120710"),
        ("2O23年l月1O日", "20230110"),
        ("２０２３年５月６日", "20230506"),
        ("2023 年 5 月 6 日", "20230506"),
    ],
)
def test_dates_are_read_in_every_form(written: str, expected: str) -> None:
    assert values(lay_out(Document(date=written)))["document_date"] == expected


@pytest.mark.parametrize("impossible", ["2023年2月30日", "2023年13月1日", "2023年5月"])
def test_a_day_that_does_not_exist_is_no_date(impossible: str) -> None:
    assert read_date(impossible) is None


@pytest.mark.parametrize(
    "written",
    [
        "滨政办字[2023]15号",
        "滨政办字（2023）15号",
        "滨政办字【2023】15号",
        "滨政办字〔2O23〕l5号",
        "滨政办字２０２３〕15号",
        "滨政办字〔2023〕 015 号",
        "滨 政 办 字 〔2023〕15号",
        "滨政办字〔2023〕第15号",
    ],
)
def test_document_numbers_are_normalised(written: str) -> None:
    assert values(lay_out(Document(number=written)))["document_number"] == "滨政办字〔2023〕15号"


@pytest.mark.parametrize(
    "text",
    [
        "根据国办发〔2024〕1号文件精神",
        "2023年第15号",
        "〔2023〕15号",
        "滨政办字〔2023〕00号",
        "共15号",
    ],
)
def test_what_is_no_document_number_of_its_own_line_is_not_taken(text: str) -> None:
    assert "document_number" not in values(lay_out(Document(number=text)))


def test_a_lost_bracket_makes_the_number_less_sure() -> None:
    whole, lost = (
        read_document_number("滨政发〔2023〕15号"),
        read_document_number("滨政发2023〕15号"),
    )
    assert whole is not None
    assert lost is not None
    assert (whole[0], lost[0]) == ("滨政发〔2023〕15号", "滨政发〔2023〕15号")
    assert whole[1] > lost[1]


@pytest.mark.parametrize(
    ("rows", "title", "kind"),
    [
        (
            ("关于印发《滨州市电梯安全管理", "条例》实施细则的通知"),
            "关于印发《滨州市电梯安全管理条例》实施细则的通知",
            "通知",
        ),
        (("滨州市财政局", "关于申请专项资金的请示"), "滨州市财政局关于申请专项资金的请示", "请示"),
        (("滨州市人民政府关于城乡规划的意", "见"), "滨州市人民政府关于城乡规划的意见", "意见"),
        (
            ("关于转发省政府关于安全生产的通知", "的通知"),
            "关于转发省政府关于安全生产的通知的通知",
            "通知",
        ),
        (("市政府第十二次常务会议纪要",), "市政府第十二次常务会议纪要", "会议纪要"),
    ],
)
def test_titles_are_joined_and_name_their_kind(
    rows: tuple[str, ...], title: str, kind: str
) -> None:
    found = values(lay_out(Document(title=rows)))
    assert (found["title"], found["document_type"]) == (title, kind)


@pytest.mark.parametrize("text", ["通知书", "关于通知的说明", "意见箱", "函件往来"])
def test_a_kind_counts_only_at_the_end(text: str) -> None:
    assert kind_of(text) == ""


def test_an_instruction_is_no_addressee() -> None:
    document = Document(addressee="", paragraphs=("现将有关事项通知如下：", "一、加强领导。"))
    assert "main_addressee" not in values(lay_out(document))


def test_an_order_has_its_number() -> None:
    document = Document(mark="", number="", title=("国家档案局令",), addressee="", note="")
    pages = lay_out(document)
    numbered = page(*pages[0].lines[:1], line("第22号", 445, 750), *pages[0].lines[1:])
    assert values([numbered])["order_number"] == "国家档案局令第22号"


def test_a_law_gives_its_title_and_the_day_it_was_passed() -> None:
    text = "滨州市电梯安全管理条例\n2020年10月30日市人大常委会第三十四次会议通过\n第一条 为了安全。"
    lines = tuple(Line(one, Box(0, 0, 0, 0), 1.0) for one in text.splitlines())
    found = values([Page(1, 0, 0, lines, Method.MARKUP)])
    assert found["title"] == "滨州市电梯安全管理条例"
    assert found["document_date"] == "20201030"


def test_nothing_is_made_of_nothing() -> None:
    assert extract_fields([]) == []
    assert extract_fields([Page(1, 0, 0, (), Method.NONE)]) == []


@given(st.lists(st.text(max_size=60), max_size=12), st.booleans())
def test_any_text_gives_fields_and_no_crash(texts: list[str], placed: bool) -> None:
    lines = tuple(line(text, 80.0 * at) for at, text in enumerate(texts))
    pages = [page(*lines)] if placed else [Page(1, 0, 0, lines, Method.MARKUP)]
    for field in extract_fields(pages):
        assert 0.0 <= field.confidence <= 1.0
        assert field.value


@given(st.integers(1949, 2035), st.integers(1, 12), st.integers(1, 28), st.integers(1, 9999))
def test_date_and_number_survive_the_page(year: int, month: int, day: int, serial: int) -> None:
    document = Document(date=f"{year}年{month}月{day}日", number=f"滨政发〔{year}〕{serial}号")
    found = values(lay_out(document))
    assert found["document_date"] == f"{year}{month:02}{day:02}"
    assert found["document_number"] == f"滨政发〔{year}〕{serial}号"


# Classified marks ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("机密★10年", "机密★10年"),
        ("绝密", "绝密"),
        ("秘 密 ★ 长期", "秘密★长期"),
        ("機密★1年", "机密★1年"),
        ("机密☆6个月", "机密★6个月"),
        ("秘密★l0年", "秘密★10年"),
        ("【机密】", "机密"),
        ("机密大10年", "机密★10年"),
        ("密级：秘密", "秘密"),
        ("000012机密★1年", "机密★1年"),
    ],
)
@pytest.mark.parametrize("placed", [True, False])
def test_a_classified_mark_is_found_at_the_top(written: str, value: str, placed: bool) -> None:
    pages = lay_out(Document(security=written))
    found = classified_mark(pages if placed else without_places(pages))
    assert found is not None
    assert found.value == value


@pytest.mark.parametrize(
    "near_miss",
    [
        "商业秘密",
        "国家秘密",
        "秘密文件管理办法",
        "保密★10年",
        "机密局",
        "关于秘密",
        "公开",
        "秘密。",
        "机密级以上文件应当登记",
        "第10号机密",
    ],
)
def test_words_that_only_look_like_a_mark_do_not_count(near_miss: str) -> None:
    assert classified_mark(lay_out(Document(security=near_miss))) is None


def test_a_mark_counts_only_in_the_top_of_the_first_page() -> None:
    assert classified_mark([page(line("机密★10年", 0.14 * HEIGHT))]) is not None
    assert classified_mark([page(line("机密★10年", 0.16 * HEIGHT))]) is None
    later = [page(line("通知", 100)), page(line("机密★10年", 100))]
    assert classified_mark(later) is None


def test_a_mark_with_its_period_in_the_text_is_told() -> None:
    pages = [
        page(line("该件原为机密★10年，现已解密。", 900), line("保守国家秘密，保护商业秘密。", 980))
    ]
    assert [found.value for found in classified_words(pages)] == ["机密★10年"]
