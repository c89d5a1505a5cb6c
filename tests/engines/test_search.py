"""The contract of the search port, on every adapter."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.engines.search_laws import ids, shelve
from tests.engines.search_work import index_on, made

from liandong.engines.search.tantivy import TantivySearch
from liandong.kernel.access import EVERYONE, NO_ONE, AllOf, AnyOf, AtMost, Eq, Rule
from liandong.kernel.ports import MaskedText, SearchDocument, SearchEngine, SearchQuery
from liandong.kernel.query import parse

ADAPTERS = ["tantivy", pytest.param("opensearch", marks=pytest.mark.enable_socket)]


@contextmanager
def _adapter(request: pytest.FixtureRequest, folder: Path) -> Iterator[SearchEngine]:
    if request.param == "opensearch":
        with index_on(request.getfixturevalue("search_server")) as index:
            yield index
        return
    search = TantivySearch(folder, wait_s=20)
    yield search
    search.close()


@pytest.fixture(params=ADAPTERS)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SearchEngine]:
    with _adapter(request, tmp_path / "index") as search:
        yield search


@pytest.fixture(scope="module", params=ADAPTERS)
def shelf(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SearchEngine]:
    with _adapter(request, tmp_path_factory.mktemp("shelf") / "index") as search:
        yield search


def ask(engine: SearchEngine, text: str, visible: Rule = EVERYONE, limit: int = 100) -> list[int]:
    answer = engine.find(parse(text), visible=visible, whole=EVERYONE, limit=limit)
    assert answer.count == len(answer.hits)
    return ids(answer)


def test_what_is_put_is_found_at_once_replaced_and_removed(engine: SearchEngine) -> None:
    engine.put([made(1, "城市规划"), made(2, "会议纪要")])
    assert ask(engine, "规划") == [1]
    engine.put([made(1, "水库移民")])
    assert (ask(engine, "规划"), ask(engine, "移民"), engine.count()) == ([], [1], 2)
    engine.remove([1, 99])
    assert (ask(engine, "移民"), engine.count()) == ([], 1)


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("京大", True),  # across the words of jieba
        ("北京大學", True),  # traditional
        ("总体规划", True),
        ("管理办法", True),  # across a line end
        ('"市管理办"', True),
        ('"城市规划管理"', False),
        ("城市 移民", False),
        ("gb/t ９７０４", True),
        ("970", False),
        ("印", True),
        ("通知。", True),
        ("-北京", False),
        ("规划 -废止", True),
        ("规划 非 北京", False),
        ('"规划管理"', False),
        ("。。", False),
        ("", True),
    ],
)
def test_words_phrases_and_exclusions(shelf: SearchEngine, typed: str, found: bool) -> None:
    shelve(shelf, [made(1, "關於城市總體規劃的通知", "北京大学。城市管\n理办法 GB/T 9704-2012 印")])
    assert ask(shelf, typed) == ([1] if found else [])


@pytest.mark.parametrize(
    "typed",
    [
        "国办发〔2011〕23号", "国办发[2011]第23号", "国办发（２０１１）23", "国办发2011年23号",
    ],
)  # fmt: skip
def test_a_document_number_is_found_first_then_what_cites_it(
    shelf: SearchEngine, typed: str
) -> None:
    cites = made(1, "国办发〔2011〕23号 国办发〔2011〕23号", "国办发〔2011〕23号")
    shelve(
        shelf, [cites, made(2, number="国办发〔2011〕23号"), made(3, number="国办发〔2011〕234号")]
    )
    assert ask(shelf, typed) == [2, 1]


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("Z109-WS·2011-Y-BGS-0001", [1]),
        ("z109ws2011ybgs0001", [1]),
        ("Z109 WS 2011 Y BGS 0001", [1]),
        ("Z109-WS2011-Y", [1, 2]),
        ("Z109-WS·2011-Y-BGS-0002", []),
    ],
)
def test_an_archival_code_or_its_beginning_is_found(
    shelf: SearchEngine, typed: str, found: list[int]
) -> None:
    shelve(
        shelf,
        [
            made(1, code="Z109-WS·2011-Y-BGS-0001"),
            made(2, code="Z109-WS·2011-Y-BGS-0011"),
            made(3, code="Z109-WS·2012-Y-BGS-0001"),
        ],
    )
    assert sorted(ask(shelf, typed)) == found


def test_the_title_counts_more_than_the_text(shelf: SearchEngine) -> None:
    others = [made(number, "会议") for number in range(3, 30)]
    shelve(shelf, [made(1, "会议", "防汛工作"), made(2, "防汛工作", "会议"), *others])
    assert ask(shelf, "防汛") == [2, 1]


def test_filters_dates_and_order(shelf: SearchEngine) -> None:
    years = {1: 2010, 2: 2012, 3: 0, 4: 2011}
    shelve(shelf, [made(n, facets={"year": str(y)}, date=y * 10000) for n, y in years.items()])
    assert sorted(ask(shelf, "年度:2010,2011")) == [1, 4]
    assert sorted(ask(shelf, "日期:2010..2011")) == [1, 4]
    newest = shelf.find(SearchQuery(), visible=EVERYONE, whole=EVERYONE, limit=9, order="newest")
    oldest = shelf.find(SearchQuery(), visible=EVERYONE, whole=EVERYONE, limit=9, order="oldest")
    assert (ids(newest), ids(oldest)) == ([2, 4, 1, 3], [1, 4, 2, 3])
    with pytest.raises(ValueError, match="order"):
        shelf.find(SearchQuery(), visible=EVERYONE, whole=EVERYONE, limit=9, order="best")


def test_a_facet_ignores_its_own_filter_only(shelf: SearchEngine) -> None:
    rows = [("2010", "A"), ("2010", "B"), ("2011", "A"), ("", "A")]
    shelve(
        shelf,
        [made(n, facets={"year": year, "fonds": fonds}) for n, (year, fonds) in enumerate(rows)],
    )
    query = parse("年度:2010 全宗:A")
    answer = shelf.find(
        query, visible=EVERYONE, whole=EVERYONE, limit=9, facets=("year", "fonds", "author")
    )
    assert (ids(answer), answer.count) == ([0], 1)
    assert answer.facets == {
        "year": (("2010", 1), ("2011", 1)), "fonds": (("A", 1), ("B", 1)), "author": (),
    }  # fmt: skip
    with pytest.raises(KeyError):
        shelf.find(query, visible=EVERYONE, whole=EVERYONE, limit=9, facets=("level",))


def test_pages_follow_each_other_and_the_deepest_are_not_shown(shelf: SearchEngine) -> None:
    documents = [made(n, facts={"level": n % 2, "unit": "A"}) for n in range(50)]
    shelve(shelf, documents)
    rule = AnyOf((AtMost("level", 0), Eq("unit", "A")))
    pages = [
        shelf.find(SearchQuery(), visible=rule, whole=EVERYONE, limit=20, offset=offset)
        for offset in (0, 20, 40, 60, 10**9)
    ]
    assert [len(page.hits) for page in pages] == [20, 20, 10, 0, 0]
    assert len({number for page in pages for number in ids(page)}) == 50
    assert {page.count for page in pages} == {50}
    assert shelf.find(SearchQuery(), visible=rule, whole=EVERYONE, limit=0).hits == ()
    assert shelf.find(SearchQuery(), visible=rule, whole=EVERYONE, limit=5, offset=-3).count == 50


# Masked text --------------------------------------------------------------------------------------


SECRETS = MaskedText(
    "王建国的处分决定", "临政发〔2011〕7号", "电话13800138000，住址东街3号", "王建国"
)
MASKED = MaskedText("王█的处分决定", "", "电话█，住址█", "█")


@pytest.fixture(scope="module")
def secret(shelf: SearchEngine) -> SearchEngine:
    shelve(shelf,
        [
            made(
                1, SECRETS.title, SECRETS.body, number=SECRETS.document_number, masked=MASKED,
                facets={"author": SECRETS.author}, facts={"personal": 1},
            ),
            made(2, "处分办法"),
        ]
    )  # fmt: skip
    return shelf


@pytest.mark.parametrize(
    ("typed", "by_all", "by_few"),
    [
        ("王建国", [], [1]),
        ('"13800138000"', [], [1]),
        ("国", [], [1]),  # one character, by prefix
        ('"东街3"', [], [1]),
        ("责任者:王建国", [], [1]),
        ("临政发〔2011〕7号", [], [1]),
        ("处分决定", [1], [1]),
        ("处分 -王建国", [1, 2], [2]),
        ("-13800138000", [1, 2], [2]),
        ("王建国 OR 处分", [], []),
    ],
)
def test_a_secret_finds_nothing_and_leaves_out_nothing_in_the_masked_view(
    secret: SearchEngine, typed: str, by_all: list[int], by_few: list[int]
) -> None:
    for whole, wanted in ((AtMost("personal", 0), by_all), (EVERYONE, by_few)):
        answer = secret.find(
            parse(typed), visible=EVERYONE, whole=whole, limit=9, facets=("author",)
        )
        assert (sorted(ids(answer)), answer.count) == (wanted, len(wanted)), whole
        assert all(whole == EVERYONE or "王" not in value for value, _ in answer.facets["author"])


def test_the_whole_text_makes_nothing_visible(secret: SearchEngine) -> None:
    answer = secret.find(parse("王建国"), visible=NO_ONE, whole=EVERYONE, limit=9)
    assert (answer.hits, answer.count) == ((), 0)


def test_the_masked_text_is_journalled_replaced_and_removed_with_its_document(
    engine: SearchEngine,
) -> None:
    def find(typed: str) -> list[int]:
        return ids(engine.find(parse(typed), visible=EVERYONE, whole=NO_ONE, limit=9))

    def fresh() -> Iterator[SearchDocument]:
        yield made(2)
        engine.put([made(1, "王建国", masked=MaskedText("王█处分"))])

    engine.rebuild(fresh())
    assert (find("处分"), find("建国")) == ([1], [])
    engine.put([made(1, "王建国", masked=MaskedText("表彰"))])
    assert (find("处分"), find("表彰")) == ([], [1])
    engine.remove([1])
    assert find("表彰") == []


def test_a_rule_about_an_unknown_fact_is_refused_even_where_it_could_not_matter(
    shelf: SearchEngine,
) -> None:
    for rule in (Eq("owner", "A"), AnyOf((AllOf(), AllOf((AllOf(), Eq("owner", "A")))))):
        with pytest.raises(KeyError):
            shelf.find(SearchQuery(), visible=rule, whole=EVERYONE, limit=1)
        with pytest.raises(KeyError):
            shelf.find(SearchQuery(), visible=NO_ONE, whole=rule, limit=1)
    with pytest.raises(TypeError):
        shelf.find(SearchQuery(), visible=AtMost("unit", 1), whole=EVERYONE, limit=1)


# Writers ------------------------------------------------------------------------------------------


def test_a_failing_put_leaves_nothing_and_the_next_works(engine: SearchEngine) -> None:
    engine.put([made(1)])
    bad = SearchDocument(3, "", "", "", "", {}, 0, {"level": 0})
    with pytest.raises(KeyError):
        engine.put([made(2), bad])
    engine.put([made(4)])
    assert sorted(ask(engine, "")) == [1, 4]


def test_a_rebuild_serves_the_old_until_the_swap_and_keeps_what_came_meanwhile(
    engine: SearchEngine,
) -> None:
    engine.put([made(1, "旧的"), made(2, "删去")])

    def fresh() -> Iterator[SearchDocument]:
        yield made(1, "新的")
        yield made(2, "删去")
        assert ask(engine, "旧的") == [1]
        engine.put([made(3, "其间")])
        engine.remove([2])
        assert sorted(ask(engine, "")) == [1, 3]

    assert engine.rebuild(fresh()) == 2
    assert (ask(engine, "旧的"), ask(engine, "新的"), ask(engine, "其间")) == ([], [1], [3])


def test_a_failing_rebuild_changes_nothing(engine: SearchEngine) -> None:
    engine.put([made(1)])

    def broken() -> Iterator[SearchDocument]:
        yield made(2)
        raise OSError("no more")

    with pytest.raises(OSError, match="no more"):
        engine.rebuild(broken())
    engine.put([made(3)])
    assert sorted(ask(engine, "")) == [1, 3]
    assert engine.rebuild([made(4)]) == 1
