"""Laws of the search port, and what they are tried on."""

import itertools
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st
from tests.engines.search_work import made

from liandong.engines.search.tantivy import TantivySearch
from liandong.kernel.access import EVERYONE, NO_ONE, AllOf, AnyOf, AtMost, Eq, Rule, holds
from liandong.kernel.ports import (
    FACETS,
    MaskedText,
    SearchAnswer,
    SearchDocument,
    SearchEngine,
    SearchQuery,
)
from liandong.kernel.query import parse
from liandong.kernel.text import matches, occurrences

MOST = 60  # documents that a test shelves


def ids(answer: SearchAnswer) -> list[int]:
    """The records found, best first."""
    return [hit.record_id for hit in answer.hits]


def shelve(engine: SearchEngine, documents: Iterable[SearchDocument]) -> None:
    """Have the index hold these documents, numbered below MOST, and no others."""
    if isinstance(engine, TantivySearch):
        engine.rebuild(documents)
    else:  # a new index is dear on a server
        engine.remove(range(MOST))
        engine.put(documents)


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


ROWS = st.lists(st.tuples(FACTS, st.sampled_from(["2010", "2011", ""])), max_size=8)
MASKED_ROWS = st.lists(st.tuples(FACTS, FACES, st.none() | FACES), max_size=6)
QUESTIONS = st.one_of(
    st.sampled_from(WORDS).map(lambda word: SearchQuery(words=(word,))),
    st.sampled_from(WORDS).map(lambda word: SearchQuery(phrases=(word,))),
    st.sampled_from(WORDS).map(lambda word: SearchQuery(without=(word,))),
    st.sampled_from(WORDS).map(lambda word: SearchQuery(words=("规划",), without=(word,))),
    st.just(SearchQuery(codes=("临政发〔2011〕7号",))),
    st.just(SearchQuery(filters={"author": ("王建国",)})),
    st.just(SearchQuery(words=("规划",), filters={"author": ("王建国",)})),
)


ORDERS = st.sampled_from(["relevance", "newest"])
TEXTS = st.text(alphabet="城市规划管理办法北京大学的总则ab12 \n，。Ａ", max_size=30)


def hits_counts_and_facets_agree(
    engine: SearchEngine, rows: list[tuple[dict[str, Any], str]], rules: list[Rule]
) -> None:
    """What is found and counted under a rule is what the rule holds of."""
    documents = [
        made(n, facts=facts, facets={"year": year}) for n, (facts, year) in enumerate(rows)
    ]
    shelve(engine, documents)
    for rule in [*rules, EVERYONE, NO_ONE]:
        granted = {n for n, (facts, _) in enumerate(rows) if holds(rule, facts)}
        for query, whole in (
            (SearchQuery(), EVERYONE),
            (SearchQuery(words=("通知",)), EVERYONE),
            (SearchQuery(), NO_ONE),
        ):
            answer = engine.find(query, visible=rule, whole=whole, limit=20, facets=("year",))
            years = Counter(rows[n][1] for n in granted if rows[n][1])
            assert (set(ids(answer)), answer.count) == (granted, len(granted))
            assert dict(answer.facets["year"]) == years
            assert len(answer.hits) == len(granted)


def masked_text_alone_finds(
    engine: SearchEngine,
    rows: list[tuple[dict[str, Any], MaskedText, MaskedText | None]],
    rules: list[tuple[Rule, Rule]],
    queries: list[SearchQuery],
    order: str,
) -> None:
    """Who may not read the whole finds, counts and leaves out by the masked text and no other."""
    documents = [
        made(
            n, text.title, text.body, number=text.document_number, facts=facts, masked=masked,
            facets={"author": text.author},
        )
        for n, (facts, text, masked) in enumerate(rows)
    ]  # fmt: skip
    shelve(engine, documents)
    for (visible, whole), query in itertools.product(rules, queries):
        seen = {
            n: _as_seen(text, masked, facts, whole)
            for n, (facts, text, masked) in enumerate(rows)
            if holds(visible, facts)
        }
        found = {n for n, text in seen.items() if _answers(query, text)}
        answer = engine.find(
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


def every_part_is_found(engine: SearchEngine, texts: list[str], data: st.DataObject) -> None:
    """A part of a text finds all texts that hold it, as a phrase exactly these."""
    shelve(engine, [made(n, "题", text) for n, text in enumerate(texts)])
    text = data.draw(st.sampled_from(texts))
    start = data.draw(st.integers(0, len(text)))
    part = text[start : start + data.draw(st.integers(1, 8))]
    expected = {n for n, one in enumerate(texts) if _holds_whole(one, part, engine)}
    if not matches(part, [part], engine.fold):
        return
    phrase = engine.find(SearchQuery(phrases=(part,)), visible=EVERYONE, whole=EVERYONE, limit=9)
    word = engine.find(SearchQuery(words=(part,)), visible=EVERYONE, whole=EVERYONE, limit=9)
    assert set(ids(phrase)) == expected
    assert expected <= set(ids(word))


def _holds_whole(text: str, part: str, engine: SearchEngine) -> bool:
    return bool(occurrences(engine.fold(text), engine.fold(part)))


def nothing_typed_breaks(engine: SearchEngine, typed: str) -> None:
    """Any text is a question."""
    engine.find(parse(typed), visible=EVERYONE, whole=EVERYONE, limit=5, facets=FACETS)
    engine.find(
        SearchQuery(phrases=(typed,), codes=(typed,)), visible=EVERYONE, whole=EVERYONE, limit=5
    )
