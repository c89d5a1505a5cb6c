"""What tantivy does beside the contract: cells, laws at length, writers of many processes."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.engines import search_laws as laws
from tests.engines import search_work
from tests.engines.search_laws import FACTS, RULES, ids
from tests.engines.search_work import made

from liandong.engines.search.cells import Cells
from liandong.engines.search.tantivy import IndexBusy, TantivySearch
from liandong.kernel.access import EVERYONE, NO_ONE, AtMost, Rule, holds
from liandong.kernel.ports import MaskedText, SearchDocument, SearchQuery
from liandong.kernel.query import parse


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[TantivySearch]:
    search = TantivySearch(tmp_path / "index", wait_s=20)
    yield search
    search.close()


def found(engine: TantivySearch, visible: Rule = EVERYONE) -> list[int]:
    return ids(engine.find(parse(""), visible=visible, whole=EVERYONE, limit=100))


@pytest.fixture(scope="module", params=[0, 1])
def celled(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TantivySearch]:
    """With every day of the tests in one cell, and with days before and after."""
    search = TantivySearch(tmp_path_factory.mktemp("celled") / "index", day=request.param)
    yield search
    search.close()


@given(laws.ROWS, st.lists(RULES, min_size=1, max_size=8))
def test_hits_counts_and_facets_agree_with_the_rule(
    celled: TantivySearch, rows: list[tuple[dict[str, Any], str]], rules: list[Rule]
) -> None:
    laws.hits_counts_and_facets_agree(celled, rows, rules)


@given(
    laws.MASKED_ROWS,
    st.lists(st.tuples(RULES, RULES), min_size=1, max_size=4),
    st.lists(laws.QUESTIONS, min_size=1, max_size=4),
    laws.ORDERS,
)
def test_who_may_not_read_the_whole_finds_by_the_masked_text_alone(
    celled: TantivySearch,
    rows: list[tuple[dict[str, Any], MaskedText, MaskedText | None]],
    rules: list[tuple[Rule, Rule]],
    queries: list[SearchQuery],
    order: str,
) -> None:
    laws.masked_text_alone_finds(celled, rows, rules, queries, order)


@given(st.lists(laws.TEXTS, min_size=1, max_size=6), st.data())
def test_every_part_of_a_text_is_found_by_phrase_and_by_word(
    celled: TantivySearch, texts: list[str], data: st.DataObject
) -> None:
    laws.every_part_is_found(celled, texts, data)


@given(st.text(max_size=30))
def test_nothing_typed_breaks_the_search(celled: TantivySearch, typed: str) -> None:
    laws.nothing_typed_breaks(celled, typed)


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
    assert found(engine, rule) == [1, 2]
    engine.put([made(4, facts={"level": 2}), made(5)])
    assert sorted(found(engine, rule)) == [1, 2, 5]


# Writers ------------------------------------------------------------------------------------------


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
        assert sorted(found(engine)) == [1, 2]
    assert engine.rebuild([made(1)]) == 1
    folders = [path for path in (tmp_path / "index").iterdir() if path.is_dir()]
    assert len(folders) == 1
