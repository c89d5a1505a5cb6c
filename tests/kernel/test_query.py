"""The search box: what is typed, read, and put into a URL."""

import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from liandong.kernel.ports import FACETS, SearchQuery
from liandong.kernel.query import date_range, from_params, parse, query_text, to_params

NEAR = st.text(
    alphabet='年度:：2011.-~ "“”「」\\非NOTab(〔〕)Z109WS·Y号第,日期\n全宗至', max_size=40
)
PART = (NEAR | st.text(alphabet=string.printable, max_size=12) | st.text(max_size=8)).filter(
    lambda text: bool(text.strip())
)
PARTS = st.lists(PART, unique=True, max_size=4).map(tuple)
VALUES = st.lists(PART.map(str.strip), unique=True, min_size=1, max_size=3).map(tuple)
QUERIES = st.builds(
    SearchQuery,
    words=PARTS,
    phrases=PARTS,
    without=PARTS,
    codes=PARTS,
    filters=st.dictionaries(st.sampled_from(FACETS), VALUES),
    date_from=st.integers(0, 99999999),
    date_to=st.integers(0, 99999999),
)


@given(st.text() | NEAR)
@example('"')
@example("-")
@example("年度:")
@example("\\")
@example("﹣非 \ud800")
def test_nothing_typed_raises_and_all_that_is_read_lives_in_a_url(text: str) -> None:
    query = parse(text)
    assert from_params(to_params(query)) == query


@given(QUERIES)
@example(SearchQuery(words=("0 ",)))
def test_conditions_in_a_url_come_back(query: SearchQuery) -> None:
    assert from_params(to_params(query)) == query


def test_words_phrases_and_exclusions_are_read() -> None:
    query = parse('城市 “管理 办法” -废止 NOT 草案 非 征求意见 「全文」 -"两个 词"')
    assert query.words == ("城市",)
    assert query.phrases == ("管理 办法", "全文")
    assert query.without == ("废止", "草案", "征求意见", "两个 词")


@pytest.mark.parametrize(
    ("typed", "filters"),
    [
        ("年度:2011", {"year": ("2011",)}),
        ("年度：２０１１，2012", {"year": ("2011", "2012")}),
        ("年度:2010..2012", {"year": ("2010", "2011", "2012")}),
        ("year:2010-2011", {"year": ("2010", "2011")}),
        ("全宗:z109", {"fonds": ("Z109",)}),
        ("门类:ws 保管期限:永久", {"category": ("WS",), "retention": ("Y",)}),
        ("保管期限:30年", {"retention": ("D30",)}),
        ('责任者:"市政府 办公室"', {"author": ("市政府 办公室",)}),
    ],
)
def test_fields_filter(typed: str, filters: dict[str, tuple[str, ...]]) -> None:
    assert parse(typed) == SearchQuery(filters=filters)


@pytest.mark.parametrize(
    ("typed", "dates"),
    [
        ("2011", (20110000, 20111231)),
        ("2010..2012", (20100000, 20121231)),
        ("2010-2012", (20100000, 20121231)),
        ("2011-05", (20110500, 20110531)),
        ("2011年5月1日", (20110501, 20110501)),
        ("20110501至2012.6", (20110501, 20120631)),
        ("2010..", (20100000, 99999999)),
        ("..2012", (0, 20121231)),
        ("２０１１", (20110000, 20111231)),
    ],
)
def test_dates_are_read_in_common_forms(typed: str, dates: tuple[int, int]) -> None:
    assert date_range(typed) == dates
    assert parse(f"日期:{typed}") == SearchQuery(date_from=dates[0], date_to=dates[1])


@pytest.mark.parametrize(
    "typed", ["日期:昨天", "日期:20", "年度:", "题名:通知", "非法经营", "2011-05-01"]
)
def test_what_is_no_syntax_is_text(typed: str) -> None:
    assert parse(typed) == SearchQuery(words=(typed,))


@pytest.mark.parametrize(
    "typed",
    [
        "国办发〔2011〕23号",
        "国办发[2011]23号",
        "国办发（2011）第23号",
        "国办发 〔2011〕 23 号",
        "国办发2011年23号",
        "国办发2011 23号",
        "Z109-WS·2011-Y-BGS-0001",
        "Ｚ１０９－ＷＳ・２０１１－Ｙ－ＢＧＳ－０００１",
        "z109-ws2011-y-bgs-0001",
        "Z109WS2011YBGS0001",
        "Z109 WS 2011 Y BGS 0001",
        "X043-WS·2015-D30-0001",
        "Z109-WS·2011·Y·办公室-0001",
        "A439-WS·2015·D30·003-005",
        "X032-KJ·JJ·02-005-054",
        "J019-ZY·JC·CC·2019·D30-001-001",
    ],
)
def test_codes_are_known_in_any_common_form(typed: str) -> None:
    assert parse(typed) == SearchQuery(codes=(typed,))
    assert parse(f"会议 {typed} 通知") == SearchQuery(words=("会议", "通知"), codes=(typed,))


@pytest.mark.parametrize(
    "typed", ["2011", "会议2011", "COVID-19", "GB/T9704-2012", "第23号", "2010-2012", "a-b", "1-ws"]
)
def test_near_codes_are_words(typed: str) -> None:
    assert parse(typed).codes == ()


def test_a_url_may_carry_two_dates_and_unknown_parameters() -> None:
    query = from_params(
        {"q": "会议", "from": "2010", "to": ["2011-03-02"], "page": "7", "year": ""}
    )
    assert query == SearchQuery(words=("会议",), date_from=20100000, date_to=20110302)


def test_a_simple_question_prints_as_typed() -> None:
    assert query_text(parse('城市 "管理办法" -废止')) == '城市 "管理办法" -废止'
