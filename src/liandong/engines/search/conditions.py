"""Questions and access rules as tantivy queries."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import assert_never

import rjieba
from tantivy import FieldType, Occur, Query, Schema

from liandong.kernel.access import AllOf, Among, AnyOf, AtMost, Eq, Rule, gathered
from liandong.kernel.ports import FACETS, SearchQuery
from liandong.kernel.text import CJK, code_key, is_chinese, is_cjk, phrase_tokens, run_tokens, runs

from .grants import Grant

Fold = Callable[[str], str]
Clause = tuple[Occur, Query]

INT64 = 2**63
TITLE_WEIGHT = 3.0  # a word in the title against the same word in the text
EXACT_CODE, BEGUN_CODE, CITED_CODE = 10_000.0, 1_000.0, 1.0  # the code itself is found first
_OPEN_END = rf"([_{CJK}].*)?"
LOOSE_PAIRS = 3  # a word of so many pairs is found by the pairs alone; their order is its own
_DOCUMENT_NUMBER = re.compile(
    rf"(.*?[{CJK}])\W*([12][0-9]{{3}})[\W年]*第?\W*0*([1-9][0-9]*)\W*号?"
)  # folded; texts cite it as 国办发〔2011〕23号
_ESCAPED = re.compile(r"([^\w\s])")


def jieba_words(parts: Iterable[Sequence[str]]) -> list[str]:
    """Words of unbroken runs: Chinese ones cut by jieba, others whole."""
    words: list[str] = []
    chinese: list[str] = []
    for run in parts:
        if is_chinese(run):
            chinese += run
        else:
            words += [unit for unit in run if not is_cjk(unit)]
            chinese += [unit if is_cjk(unit) else "\n" for unit in run]
        chinese.append("\n")
    words += [word for word in rjieba.cut("".join(chinese)) if not word.isspace()]
    return words


MASKED = "masked_"  # begins the names of the fields of the masked text
FACED = frozenset({"words", "title", "bigrams", "codes", "author"})  # fields with a masked twin


class Conditions:
    """Compiles questions and rules for one schema.

    `facts` names the fields of the access rule: True for a whole number, False for text.  With
    `face` MASKED, questions are asked of the masked text.
    """

    def __init__(
        self, schema: Schema, facts: Mapping[str, bool], fold: Fold, face: str = ""
    ) -> None:
        self._schema = schema
        self._facts = facts
        self._fold = fold
        self._face = face

    def field(self, name: str) -> str:
        """The field of this face that holds what `name` says."""
        return f"{self._face}{name}" if name in FACED else name

    # Rules ----------------------------------------------------------------------------------------

    def allow(self, rule: Rule | Among) -> Query:
        """Documents that the rule grants; agrees with `kernel.access.holds`.

        Raises KeyError for a fact that the index does not carry, TypeError for AtMost on text.
        """
        match rule:
            case Eq(name, value):
                return self._equal(name, [value])
            case Among(name, values):
                return self._equal(name, sorted(values, key=str))
            case AtMost(name, most):
                return self._at_most(name, most)
            case AllOf(rules):
                return _all([self.allow(part) for part in rules])
            case AnyOf(rules):
                return _any([self.allow(part) for part in gathered(rules)])
        assert_never(rule)

    def _equal(self, name: str, values: Sequence[str | int]) -> Query:
        terms: list[str | int] = []
        for value in values:
            if isinstance(value, int):
                known = self._facts[name] and -INT64 <= value < INT64
                terms += [int(value)] if known else []
            else:
                terms += [] if self._facts[name] else [f"={value}"]
        if len(terms) > 1:
            return Query.term_set_query(self._schema, f"fact_{name}", terms)
        return self._term(f"fact_{name}", terms[0]) if terms else Query.empty_query()

    def _at_most(self, name: str, most: int) -> Query:
        if not self._facts[name]:
            raise TypeError(f"fact {name!r} is no whole number")
        if most >= INT64 - 1:
            return Query.all_query()
        if most < -INT64:
            return Query.empty_query()
        return self._range(f"fact_{name}", None, most)

    def within(self, grant: Grant, others: Iterable[Grant]) -> list[Clause]:
        """Documents of the grant that are in none of the others."""
        needs = [(Occur.Must, _unscored(self.allow(need))) for need in grant]
        apart = [(Occur.MustNot, self._grant(other)) for other in others]
        return [*needs, *apart]

    def _grant(self, grant: Grant) -> Query:
        return _all([self.allow(need) for need in grant])

    def in_cells(self, wanted: Iterable[str], present: Mapping[str, int]) -> list[Clause]:
        """Documents of the wanted cells among those present, which have so many documents.

        The shorter list is asked for: that of the cells, or that of all the others.
        """
        chosen = set(wanted)
        rest = present.keys() - chosen
        if not rest:
            return []
        if sum(present[cell] for cell in rest) < sum(present[cell] for cell in chosen):
            return [(Occur.MustNot, self._cells(rest))]
        return [(Occur.Must, _unscored(self._cells(chosen)))]

    def _cells(self, terms: Iterable[str]) -> Query:
        return _any([self._term("cell", term) for term in sorted(terms)])

    # Questions ------------------------------------------------------------------------------------

    def ask(
        self,
        query: SearchQuery,
        without_filter: str = "",
        ranks: Callable[[str], bool] = lambda word: False,
    ) -> list[Clause] | None:
        """What a document must meet to answer the question, scored; None: none can.

        `without_filter` names the facet whose own filter is left out; `ranks` tells which words
        are worth a score.
        """
        texts = [
            *map(self._word, query.words),
            *(self._phrase(self._fold(phrase)) for phrase in query.phrases),
        ]
        needed = [None if part is None else _unscored(part) for part in texts]
        needed += map(self._code, query.codes)
        known = [part for part in needed if part is not None]
        if needed and not known and not query.without:
            return None
        clauses = [(Occur.Must, part) for part in known]
        clauses += [(Occur.Must, _unscored(part)) for part in self._limits(query, without_filter)]
        if known:
            clauses += [(Occur.Should, part) for part in self._ranking(query, ranks)]
        refused = [self._phrase(self._fold(part)) for part in query.without]
        clauses += [(Occur.MustNot, part) for part in refused if part is not None]
        return clauses

    def _limits(self, query: SearchQuery, without_filter: str) -> Iterator[Query]:
        for name in FACETS:
            values = [value for value in query.filters.get(name, ()) if value]
            if query.filters.get(name) and name != without_filter:
                yield _any([self._term(self.field(name), value) for value in values])
        if query.date_from > 0 or query.date_to < 99999999:
            yield self._range("date", query.date_from, query.date_to)

    def _ranking(self, query: SearchQuery, ranks: Callable[[str], bool]) -> Iterator[Query]:
        texts = [self._fold(text) for text in (*query.words, *query.phrases)]
        parts = [run for text in texts for run in runs(text)]
        for word in filter(ranks, dict.fromkeys(jieba_words(parts))):
            yield self._term(self.field("words"), word, "freq")
            yield Query.boost_query(self._term(self.field("title"), word, "freq"), TITLE_WEIGHT)

    def _word(self, word: str) -> Query | None:
        """The word by its bigrams, or all the words that jieba cuts it into, each by its bigrams.

        A phrase of bigrams finds the word however the text is cut, so the word field only ranks.
        """
        needed = [part for run in runs(self._fold(word)) for part in map(self._piece, _pieces(run))]
        return _all(needed) if needed else None

    def _piece(self, units: Sequence[str]) -> Query:
        if len(units) == 1:
            return self._unit(units[0])
        pairs = run_tokens(units)[:-1]
        if len(pairs) < LOOSE_PAIRS:
            return self._in_order(pairs)
        return _all([self._pair(pair) for pair in pairs])

    def _unit(self, unit: str) -> Query:
        if is_cjk(unit):  # the first half of any of its pairs, or the end of a run
            return Query.regex_query(self._schema, self.field("bigrams"), f"{unit}.*")
        return self._term(self.field("words"), unit, "freq")

    def _pair(self, pair: str) -> Query:
        return self._term(self.field("bigrams"), pair, "freq")

    def _in_order(self, tokens: list[str]) -> Query:
        if len(tokens) == 1:
            return self._pair(tokens[0])
        return Query.phrase_query(self._schema, self.field("bigrams"), list(tokens))

    def _phrase(self, folded: str) -> Query | None:
        tokens, open_end = phrase_tokens(folded)
        if not tokens:
            return None
        if not open_end:
            return self._in_order(list(tokens))
        if len(tokens) == 1:
            return self._unit(tokens[0])
        last = _escape(tokens[-1]) + (".*" if is_cjk(tokens[-1]) else _OPEN_END)
        words: list[str | tuple[int, str]] = [*map(_escape, tokens[:-1]), last]
        return Query.regex_phrase_query(self._schema, self.field("bigrams"), words)

    def _code(self, code: str) -> Query | None:
        folded = self._fold(code)
        key = code_key(folded, self._fold)
        if not key:
            return None
        number = _DOCUMENT_NUMBER.fullmatch(folded.strip())
        spellings = [folded, f"{number[1]}({number[2]}){number[3]}号" if number else ""]
        cited = [part for part in map(self._phrase, spellings) if part is not None]
        codes = self.field("codes")
        return Query.disjunction_max_query(
            [
                Query.const_score_query(self._term(codes, f"={key}"), EXACT_CODE),
                Query.const_score_query(self._term(codes, key), BEGUN_CODE),
                *(Query.const_score_query(part, CITED_CODE) for part in cited),
            ]
        )

    def _term(self, name: str, value: str | int, option: str = "basic") -> Query:
        return Query.term_query(self._schema, name, value, option)

    def _range(self, name: str, least: int | None, most: int) -> Query:
        return Query.range_query(self._schema, name, FieldType.Integer, least, most)


def _pieces(run: Sequence[str]) -> list[list[str]]:
    """Parts of a run that must occur: words of jieba, lone characters joined to a neighbour."""
    pieces: list[list[str]] = []
    lone = False  # the first piece is one character that waits for the next
    for units in _cut(run):
        if pieces and (lone or (len(units) == 1 and is_cjk(units[0]))):
            pieces[-1] += units
        else:
            pieces.append(units)
        lone = len(pieces) == 1 and len(pieces[0]) == 1 and is_cjk(pieces[0][0])
    return pieces


def _cut(run: Sequence[str]) -> Iterator[list[str]]:
    chinese = ""
    for unit in [*run, ""]:
        if unit and is_cjk(unit):
            chinese += unit
            continue
        for word in rjieba.cut(chinese) if chinese else ():
            yield list(word)
        chinese = ""
        if unit:
            yield [unit]


def _escape(token: str) -> str:
    return _ESCAPED.sub(r"\\\1", token)


def together(clauses: Iterable[Clause], granted: Iterable[Clause]) -> Query:
    """Documents that answer the question and are granted."""
    every = [*clauses, *granted]
    if not any(occur == Occur.Must for occur, _ in every):
        every.append((Occur.Must, Query.all_query()))
    return _flat(every)


def _unscored(query: Query) -> Query:
    return Query.const_score_query(query, 0.0)


def _all(queries: Sequence[Query]) -> Query:
    if not queries:
        return Query.all_query()
    return _flat([(Occur.Must, query) for query in queries])


def _any(queries: Sequence[Query]) -> Query:
    if not queries:
        return Query.empty_query()
    return _flat([(Occur.Should, query) for query in queries])


def _flat(clauses: Sequence[Clause]) -> Query:
    if len(clauses) == 1 and clauses[0][0] != Occur.MustNot:
        return clauses[0][1]
    return Query.boolean_query(clauses)
