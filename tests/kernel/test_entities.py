"""Names, numbers, dates and sums in running text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liandong.kernel.entities import EntityKind, find_entities, places_in
from liandong.kernel.pages import Box, Line, Method, Page


def page(*texts: str) -> Page:
    lines = [Line(text, Box(10, 50 * at, 900, 50 * at + 40), 1.0) for at, text in enumerate(texts)]
    return Page(3, 1000, 1400, tuple(lines), Method.OCR)


def found(text: str, kind: EntityKind, **known: list[str]) -> list[str]:
    return [one.value for one in find_entities([page(text)], **known) if one.kind == kind]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("根据国办发〔2024〕1号精神", "国办发〔2024〕1号"),
        ("和鲁政发〔2020〕12号一并执行", "鲁政发〔2020〕12号"),
        ("与滨政办字[2021]3号不一致的", "滨政办字〔2021〕3号"),
        ("现将《通知》（滨政发〔2022〕7号）印发", "滨政发〔2022〕7号"),
        ("贯彻落实中办发〔2019〕5号", "中办发〔2019〕5号"),
    ],
)
def test_cited_numbers_lose_the_words_before_them(text: str, number: str) -> None:
    assert found(text, EntityKind.DOCUMENT_NUMBER) == [number]


@pytest.mark.parametrize(
    "text", ["2023年第15号", "第〔2023〕号", "共有2023〕人", "滨政发2023年15号"]
)
def test_what_is_no_cited_number(text: str) -> None:
    assert found(text, EntityKind.DOCUMENT_NUMBER) == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("经滨州市人民政府同意", "滨州市人民政府"),
        ("由市财政局会同", "市财政局"),
        ("报送山东省教育厅备案", "山东省教育厅"),
        ("与滨州某某科技有限公司签订", "滨州某某科技有限公司"),
    ],
)
def test_bodies_are_found_by_suffix(text: str, name: str) -> None:
    known = {"places": ["滨州市", "山东省"]}
    assert found(text, EntityKind.ORGANISATION, **known) == [name]


@pytest.mark.parametrize("text", ["局长讲话", "当前局势稳定", "布局合理", "展厅长十米"])
def test_words_that_only_hold_a_suffix_are_no_bodies(text: str) -> None:
    assert found(text, EntityKind.ORGANISATION) == []


def test_known_names_win_and_are_surer() -> None:
    entities = find_entities(
        [page("惠民县档案馆与惠民县")], organisations=["惠民县档案馆"], places=["惠民县"]
    )
    assert [(one.kind, one.value) for one in entities] == [
        (EntityKind.ORGANISATION, "惠民县档案馆"),
        (EntityKind.PLACE, "惠民县"),
    ]
    assert all(one.confidence == pytest.approx(0.95) for one in entities)


def test_a_name_that_wraps_is_found_where_it_begins() -> None:
    one = page("关于进一步加强城市精细化管理工作由市财", "政局负责落实到位。")
    entity = next(iter(find_entities([one], organisations=["市财政局"])))
    assert (entity.value, entity.page, entity.line, entity.start) == ("市财政局", 3, 0, 17)
    assert entity.box == one.lines[0].box


@pytest.mark.parametrize(
    ("text", "yuan"),
    [
        ("拨付1,234.5万元", "12345000.00"), ("合计120元", "120.00"), ("投资3亿元", "300000000.00"),
        ("壹佰贰拾万元整", "1200000.00"), ("壹仟零伍元整", "1005.00"),
    ],
)  # fmt: skip
def test_sums_are_in_yuan(text: str, yuan: str) -> None:
    assert found(text, EntityKind.MONEY) == [yuan]


def test_dates_are_normalised_and_must_exist() -> None:
    assert found("自二〇二三年五月六日至2024年2月30日", EntityKind.DATE) == ["20230506"]


def test_places_of_several_levels() -> None:
    text = "用于山东省滨州市滨城区彭李街道的建设，本市各县"
    assert found(text, EntityKind.PLACE) == ["山东省滨州市滨城区彭李街道"]


def test_places_are_taken_from_names_of_bodies() -> None:
    assert places_in(["山东省滨州市滨城区彭李街道办事处"]) == {
        "山东省",
        "滨州市",
        "滨城区",
        "彭李街道",
    }


@given(st.lists(st.text(max_size=80), max_size=8))
def test_mentions_never_overlap_and_lie_inside_their_line(texts: list[str]) -> None:
    one = page(*texts)
    for entity in find_entities([one], organisations=["市财政局"], places=["滨州市"]):
        assert 0 <= entity.start <= len(one.lines[entity.line].text)
        assert 0.0 <= entity.confidence <= 1.0


@given(st.integers(1, 10**9))
def test_sums_survive_thousands_separators(amount: int) -> None:
    assert found(f"共{amount:,}元。", EntityKind.MONEY) == [f"{amount}.00"]
