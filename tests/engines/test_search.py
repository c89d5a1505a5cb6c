"""The contract of the search port."""

import importlib
import itertools
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liandong.engines.search.cells import Cells
from liandong.engines.search.tantivy import IndexBusy, TantivySearch
from liandong.kernel.access import EVERYONE, NO_ONE, AllOf, AnyOf, AtMost, Eq, Rule, holds
from liandong.kernel.ports import FACETS, MaskedText, SearchAnswer, SearchDocument, SearchQuery
from liandong.kernel.query import parse
from liandong.kernel.text import matches, occurrences

sys.path.insert(0, str(Path(__file__).parent))  # processes import the work by its name
search_work = importlib.import_module("search_work")
made = search_work.made


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[TantivySearch]:
    search = TantivySearch(tmp_path / "index", wait_s=20)
    yield search
    search.close()


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TantivySearch]:
    search = TantivySearch(tmp_path_factory.mktemp("shelf") / "index")
    yield search
    search.close()


def ids(answer: SearchAnswer) -> list[int]:
    return [hit.record_id for hit in answer.hits]


def ask(engine: TantivySearch, text: str, visible: Rule = EVERYONE, limit: int = 100) -> list[int]:
    answer = engine.find(parse(text), visible=visible, whole=EVERYONE, limit=limit)
    assert answer.count == len(answer.hits)
    return ids(answer)


def test_what_is_put_is_found_at_once_replaced_and_removed(engine: TantivySearch) -> None:
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
def test_words_phrases_and_exclusions(shelf: TantivySearch, typed: str, found: bool) -> None:
    shelf.rebuild([made(1, "關於城市總體規劃的通知", "北京大学。城市管\n理办法 GB/T 9704-2012 印")])
    assert ask(shelf, typed) == ([1] if found else [])


@pytest.mark.parametrize(
    "typed",
    [
        "国办发〔2011〕23号", "国办发[2011]第23号", "国办发（２０１１）23", "国办发2011年23号",
    ],
)  # fmt: skip
def test_a_document_number_is_found_first_then_what_cites_it(
    shelf: TantivySearch, typed: str
) -> None:
    cites = made(1, "国办发〔2011〕23号 国办发〔2011〕23号", "国办发〔2011〕23号")
    shelf.rebuild(
        [cites, made(2, number="国办发〔2011〕23号"), made(3, number="国办发〔2011〕234号")]
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
    shelf: TantivySearch, typed: str, found: list[int]
) -> None:
    shelf.rebuild(
        [
            made(1, code="Z109-WS·2011-Y-BGS-0001"),
            made(2, code="Z109-WS·2011-Y-BGS-0011"),
            made(3, code="Z109-WS·2012-Y-BGS-0001"),
        ]
    )
    assert sorted(ask(shelf, typed)) == found


def test_the_title_counts_more_than_the_text(shelf: TantivySearch) -> None:
    others = [made(number, "会议") for number in range(3, 30)]
    shelf.rebuild([made(1, "会议", "防汛工作"), made(2, "防汛工作", "会议"), *others])
    assert ask(shelf, "防汛") == [2, 1]


def test_filters_dates_and_order(shelf: TantivySearch) -> None:
    years = {1: 2010, 2: 2012, 3: 0, 4: 2011}
    shelf.rebuild([made(n, facets={"year": str(y)}, date=y * 10000) for n, y in years.items()])
    assert sorted(ask(shelf, "年度:2010,2011")) == [1, 4]
    assert sorted(ask(shelf, "日期:2010..2011")) == [1, 4]
    newest = shelf.find(SearchQuery(), visible=EVERYONE, whole=EVERYONE, limit=9, order="newest")
    oldest = shelf.find(SearchQuery(), visible=EVERYONE, whole=EVERYONE, limit=9, order="oldest")
    assert (ids(newest), ids(oldest)) == ([2, 4, 1, 3], [1, 4, 2, 3])
    with pytest.raises(ValueError, match="order"):
        shelf.find(SearchQuery(), visible=EVERYONE, whole=EVERYONE, limit=9, order="best")


def test_a_facet_ignores_its_own_filter_only(shelf: TantivySearch) -> None:
    rows = [("2010", "A"), ("2010", "B"), ("2011", "A"), ("", "A")]
    shelf.rebuild(
        [made(n, facets={"year": year, "fonds": fonds}) for n, (year, fonds) in enumerate(rows)]
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


def test_pages_follow_each_other_and_the_deepest_are_not_shown(shelf: TantivySearch) -> None:
    shelf.rebuild(made(number, facts={"level": number % 2, "unit": "A"}) for number in range(50))
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


# Laws ---------------------------------------------------------------------------------------------

RULES = st.recursive(
    st.builds(AtMost, st.sampled_from(["level", "open_from", "personal"]), st.integers(-1, 4))
    | st.builds(AtMost, st.just("level"), st.sampled_from([2**63 - 1, 2**70, -(2**70)]))
    | st.builds(Eq, st.just("unit"), st.sampled_from(["", "A", "B", "a", "AB"]))
    | st.builds(Eq, st.just("shares"), st.sampled_from(["", "A", "B", "C"]))
    | st.builds(Eq, st.sampled_from(["level", "unit"]), st.integers(0, 2) | st.just(2**64))
    | st.builds(Eq, st.just("level"), st.sampled_from(["0", "1"])),
    lambda inner: st.lists(inner, max_size=4).map(tuple).flatmap(
        lambda parts: st.sampled_from([AllOf(parts), AnyOf(parts)])
    ),
    max_leaves=10,
)  # fmt: skip
FACTS = st.fixed_dictionaries(
    {
        "level": st.integers(0, 3),
        "open_from": st.integers(0, 3),
        "personal": st.sampled_from([0, 1, 2, 9]),
        "unit": st.sampled_from(["", "A", "B", "AB"]),
        "shares": st.frozensets(st.sampled_from(["", "A", "B", "C"])),
    }
)


@pytest.fixture(scope="module", params=[0, 1])
def celled(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TantivySearch]:
    """With every day of the tests in one cell, and with days before and after."""
    search = TantivySearch(tmp_path_factory.mktemp("celled") / "index", day=request.param)
    yield search
    search.close()


WORDS = ("规划", "移民", "水库", "王建国", "13800138000", "110101199003070011")
TEXTS_OF = st.lists(st.sampled_from(WORDS), max_size=4, unique=True)
NUMBERS = st.sampled_from(["", "临政发〔2011〕7号", "临政发〔2011〕8号"])
FACES = st.builds(
    MaskedText,
    title=TEXTS_OF.map("。".join),
    document_number=NUMBERS,
    body=TEXTS_OF.map("\n，".join),
    author=st.sampled_from(["", "王建国", "市政府"]),
)


@given(
    st.lists(st.tuples(FACTS, st.sampled_from(["2010", "2011", ""])), max_size=8),
    st.lists(RULES, min_size=1, max_size=8),
)
def test_hits_counts_and_facets_agree_with_the_rule(
    celled: TantivySearch, rows: list[tuple[dict[str, Any], str]], rules: list[Rule]
) -> None:
    celled.rebuild(
        made(n, facts=facts, facets={"year": year}) for n, (facts, year) in enumerate(rows)
    )
    for rule in [*rules, EVERYONE, NO_ONE]:
        granted = {n for n, (facts, _) in enumerate(rows) if holds(rule, facts)}
        for query, whole in (
            (SearchQuery(), EVERYONE),
            (SearchQuery(words=("通知",)), EVERYONE),
            (SearchQuery(), NO_ONE),
        ):
            answer = celled.find(query, visible=rule, whole=whole, limit=20, facets=("year",))
            years = Counter(rows[n][1] for n in granted if rows[n][1])
            assert (set(ids(answer)), answer.count) == (granted, len(granted))
            assert dict(answer.facets["year"]) == years
            assert len(answer.hits) == len(granted)


@given(FACTS, RULES, st.integers(-1, 4))
def test_what_a_cell_says_holds_of_every_document_in_it(
    facts: dict[str, Any], rule: Rule, day: int
) -> None:
    cells = Cells(["level", "open_from", "personal"], ["open_from"], day)
    said = cells.says(tuple(cells.term(facts).split(";")), rule)
    assert said in {None, holds(rule, facts)}


@pytest.mark.parametrize(
    ("opens", "most", "said"),
    [
        (20200101, 20261122, True),  # with all that are open since
        (20261122, 20261122, True),
        (20261122, 20261121, None),
        (20261123, 20261122, False),
        (20261123, 20261123, None),  # of that year some
        (20261123, 20261231, None),
        (20261123, 20269999, True),
        (20270101, 20261231, False),
        (20270101, 20271231, None),
        (20270101, 20280101, True),
        (99991231, 20280101, False),
    ],
)
def test_days_up_to_now_are_one_cell_and_later_ones_one_per_year(
    opens: int, most: int, said: bool | None
) -> None:
    cells = Cells(["open_from"], ["open_from"], 20261122)
    assert cells.says((cells.term({"open_from": opens}),), AtMost("open_from", most)) is said


def test_a_rule_that_grants_all_there_is_asks_for_nothing(engine: TantivySearch) -> None:
    engine.put([made(1), made(2, facts={"level": 1})])
    for rule, others in ((AtMost("level", 1), 0), (AtMost("level", 0), 1), (NO_ONE, None)):
        view = engine._view()
        plan = engine._questions._plan(view, rule, rule)
        assert [len(one.within) for one in plan] == ([] if others is None else [others])


def test_a_cell_that_came_later_is_not_granted_by_an_older_look(engine: TantivySearch) -> None:
    rule = AtMost("level", 0)
    engine.put([made(1), made(2), made(3, facts={"level": 1})])
    assert ask(engine, "", rule) == [1, 2]
    engine.put([made(4, facts={"level": 2}), made(5)])
    assert sorted(ask(engine, "", rule)) == [1, 2, 5]


# Masked text --------------------------------------------------------------------------------------


def _as_seen(
    text: MaskedText, masked: MaskedText | None, facts: dict[str, Any], whole: Rule
) -> MaskedText:
    """The definition: who may not read the whole has the masked text, or none."""
    return text if holds(whole, facts) else masked or MaskedText()


def _answers(query: SearchQuery, text: MaskedText) -> bool:
    everything = f"{text.title}。{text.document_number}。{text.body}"
    return (
        all(word in everything for word in (*query.words, *query.phrases))
        and not any(word in everything for word in query.without)
        and all(code == text.document_number for code in query.codes)
        and text.author in query.filters.get("author", (text.author,))
    )


QUESTIONS = st.one_of(
    st.sampled_from(WORDS).map(lambda word: SearchQuery(words=(word,))),
    st.sampled_from(WORDS).map(lambda word: SearchQuery(phrases=(word,))),
    st.sampled_from(WORDS).map(lambda word: SearchQuery(without=(word,))),
    st.sampled_from(WORDS).map(lambda word: SearchQuery(words=("规划",), without=(word,))),
    st.just(SearchQuery(codes=("临政发〔2011〕7号",))),
    st.just(SearchQuery(filters={"author": ("王建国",)})),
    st.just(SearchQuery(words=("规划",), filters={"author": ("王建国",)})),
)


@given(
    st.lists(st.tuples(FACTS, FACES, st.none() | FACES), max_size=6),
    st.lists(st.tuples(RULES, RULES), min_size=1, max_size=4),
    st.lists(QUESTIONS, min_size=1, max_size=4),
    st.sampled_from(["relevance", "newest"]),
)
def test_who_may_not_read_the_whole_finds_by_the_masked_text_alone(
    celled: TantivySearch,
    rows: list[tuple[dict[str, Any], MaskedText, MaskedText | None]],
    rules: list[tuple[Rule, Rule]],
    queries: list[SearchQuery],
    order: str,
) -> None:
    celled.rebuild(
        made(
            n, text.title, text.body, number=text.document_number, facts=facts, masked=masked,
            facets={"author": text.author},
        )
        for n, (facts, text, masked) in enumerate(rows)
    )  # fmt: skip
    for (visible, whole), query in itertools.product(rules, queries):
        seen = {
            n: _as_seen(text, masked, facts, whole)
            for n, (facts, text, masked) in enumerate(rows)
            if holds(visible, facts)
        }
        found = {n for n, text in seen.items() if _answers(query, text)}
        answer = celled.find(
            query, visible=visible, whole=whole, limit=9, facets=("author",), order=order
        )
        assert (set(ids(answer)), answer.count, len(answer.hits)) == (
            found, len(found), len(found),
        )  # fmt: skip
        assert {hit.record_id for hit in answer.hits if hit.whole} == {
            n for n in found if holds(whole, rows[n][0])
        }
        unfiltered = replace(query, filters={})
        assert dict(answer.facets["author"]) == Counter(
            text.author for text in seen.values() if text.author and _answers(unfiltered, text)
        )


SECRETS = MaskedText(
    "王建国的处分决定", "临政发〔2011〕7号", "电话13800138000，住址东街3号", "王建国"
)
MASKED = MaskedText("王█的处分决定", "", "电话█，住址█", "█")


@pytest.fixture(scope="module")
def secret(shelf: TantivySearch) -> TantivySearch:
    shelf.rebuild(
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
    secret: TantivySearch, typed: str, by_all: list[int], by_few: list[int]
) -> None:
    for whole, wanted in ((AtMost("personal", 0), by_all), (EVERYONE, by_few)):
        answer = secret.find(
            parse(typed), visible=EVERYONE, whole=whole, limit=9, facets=("author",)
        )
        assert (sorted(ids(answer)), answer.count) == (wanted, len(wanted)), whole
        assert all(whole == EVERYONE or "王" not in value for value, _ in answer.facets["author"])


def test_the_whole_text_makes_nothing_visible(secret: TantivySearch) -> None:
    answer = secret.find(parse("王建国"), visible=NO_ONE, whole=EVERYONE, limit=9)
    assert (answer.hits, answer.count) == ((), 0)


def test_the_masked_text_is_journalled_replaced_and_removed_with_its_document(
    engine: TantivySearch,
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
    shelf: TantivySearch,
) -> None:
    for rule in (Eq("owner", "A"), AnyOf((AllOf(), AllOf((AllOf(), Eq("owner", "A")))))):
        with pytest.raises(KeyError):
            shelf.find(SearchQuery(), visible=rule, whole=EVERYONE, limit=1)
        with pytest.raises(KeyError):
            shelf.find(SearchQuery(), visible=NO_ONE, whole=rule, limit=1)
    with pytest.raises(TypeError):
        shelf.find(SearchQuery(), visible=AtMost("unit", 1), whole=EVERYONE, limit=1)


TEXTS = st.text(alphabet="城市规划管理办法北京大学的总則ab12 \n，。Ａ", max_size=30)


@given(st.lists(TEXTS, min_size=1, max_size=6), st.data())
def test_every_part_of_a_text_is_found_by_phrase_and_by_word(
    shelf: TantivySearch, texts: list[str], data: st.DataObject
) -> None:
    shelf.rebuild(made(n, "题", text) for n, text in enumerate(texts))
    text = data.draw(st.sampled_from(texts))
    start = data.draw(st.integers(0, len(text)))
    part = text[start : start + data.draw(st.integers(1, 8))]
    expected = {n for n, one in enumerate(texts) if _holds_whole(one, part, shelf)}
    if not matches(part, [part], shelf.fold):
        return
    phrase = shelf.find(SearchQuery(phrases=(part,)), visible=EVERYONE, whole=EVERYONE, limit=9)
    word = shelf.find(SearchQuery(words=(part,)), visible=EVERYONE, whole=EVERYONE, limit=9)
    assert set(ids(phrase)) == expected
    assert expected <= set(ids(word))


def _holds_whole(text: str, part: str, engine: TantivySearch) -> bool:
    return bool(occurrences(engine.fold(text), engine.fold(part)))


@given(st.text(max_size=30))
def test_nothing_typed_breaks_the_search(shelf: TantivySearch, typed: str) -> None:
    shelf.find(parse(typed), visible=EVERYONE, whole=EVERYONE, limit=5, facets=FACETS)
    shelf.find(
        SearchQuery(phrases=(typed,), codes=(typed,)), visible=EVERYONE, whole=EVERYONE, limit=5
    )


# Writers ------------------------------------------------------------------------------------------


def test_a_failing_put_leaves_nothing_and_the_next_works(engine: TantivySearch) -> None:
    engine.put([made(1)])
    bad = SearchDocument(3, "", "", "", "", {}, 0, {"level": 0})
    with pytest.raises(KeyError):
        engine.put([made(2), bad])
    engine.put([made(4)])
    assert sorted(ask(engine, "")) == [1, 4]


def test_a_rebuild_serves_the_old_until_the_swap_and_keeps_what_came_meanwhile(
    engine: TantivySearch,
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


def test_a_failing_rebuild_changes_nothing(engine: TantivySearch) -> None:
    engine.put([made(1)])

    def broken() -> Iterator[SearchDocument]:
        yield made(2)
        raise OSError("no more")

    with pytest.raises(OSError, match="no more"):
        engine.rebuild(broken())
    engine.put([made(3)])
    assert sorted(ask(engine, "")) == [1, 3]
    assert engine.rebuild([made(4)]) == 1


def test_another_reader_sees_commits_and_swaps(engine: TantivySearch, tmp_path: Path) -> None:
    other = TantivySearch(tmp_path / "index")
    assert other.count() == 0
    engine.put([made(1)])
    assert other.count() == 1
    engine.rebuild([made(1), made(2)])
    assert other.count() == 2
    other.put([made(3)])
    assert engine.count() == 3
    other.close()


def test_other_facts_are_another_index(engine: TantivySearch, tmp_path: Path) -> None:
    engine.put([made(1)])
    other = TantivySearch(tmp_path / "index", facts={"level": True})
    assert other.count() == 0
    assert other.rebuild([made(1), made(2)]) == 2
    other.close()


def test_a_busy_index_is_waited_for_and_then_named(engine: TantivySearch, tmp_path: Path) -> None:
    impatient = TantivySearch(tmp_path / "index", wait_s=0.05)

    def slow() -> Iterator[SearchDocument]:
        yield made(1)
        with pytest.raises(IndexBusy):
            impatient.put([made(2)])

    engine.put(slow())
    engine.close()
    impatient.put([made(2)])
    impatient.close()
    assert engine.count() == 2


def test_threads_and_processes_write_without_loss(engine: TantivySearch, tmp_path: Path) -> None:
    folder = str(tmp_path / "index")
    spawn = multiprocessing.get_context("spawn")
    others = [
        spawn.Process(target=search_work.put_ten, args=(folder, start)) for start in (100, 200)
    ]
    threads = [
        threading.Thread(target=search_work.put_ten, args=(folder, start)) for start in (300, 400)
    ]
    for one in [*others, *threads]:
        one.start()
    for one in [*others, *threads]:
        one.join()
    assert [one.exitcode for one in others] == [0, 0]
    assert engine.count() == 40


def test_a_killed_writer_leaves_a_usable_index(engine: TantivySearch, tmp_path: Path) -> None:
    engine.put([made(1)])
    mark = tmp_path / "writing"
    spawn = multiprocessing.get_context("spawn")
    for work in (search_work.put_forever, search_work.rebuild_forever):
        mark.unlink(missing_ok=True)
        writer = spawn.Process(target=work, args=(str(tmp_path / "index"), str(mark)))
        writer.start()
        while writer.is_alive() and not mark.exists():
            time.sleep(0.01)
        os.kill(writer.pid or 0, signal.SIGKILL)
        writer.join()
        engine.put([made(2)])
        assert sorted(ask(engine, "")) == [1, 2]
    assert engine.rebuild([made(1)]) == 1
    folders = [path for path in (tmp_path / "index").iterdir() if path.is_dir()]
    assert len(folders) == 1
