"""Questions and access rules as the conditions of an index, whichever it is."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import Enum
from typing import Generic, TypeVar, assert_never

from liandong.kernel.access import AllOf, Among, AnyOf, AtMost, Eq, Rule, gathered
from liandong.kernel.ports import FACETS, SearchQuery
from liandong.kernel.text import CJK, Fold, code_key, phrase_tokens, run_tokens, runs

from .words import jieba_words, pieces

Q = TypeVar("Q")  # a condition, as the index writes it

INT64 = 2**63
TITLE_WEIGHT = 3.0  # a word in the title against the same word in the text
EXACT_CODE, BEGUN_CODE, CITED_CODE = 10_000.0, 1_000.0, 1.0  # the code itself is found first
LOOSE_PAIRS = 3  # a word of so many pairs is found by the pairs alone; their order is its own
MASKED = "masked_"  # begins the names of the fields of the masked text
FACED = frozenset({"words", "title", "bigrams", "units", "codes", "author"})  # with a masked twin
_FEW_TERMS = 100  # more are faster asked for as a set
_DOCUMENT_NUMBER = re.compile(
    rf"(.*?[{CJK}])\W*([12][0-9]{{3}})[\W年]*第?\W*0*([1-9][0-9]*)\W*号?"
)  # folded; texts cite it as 国办发〔2011〕23号


class Occur(Enum):
    """What a clause says of the documents."""

    MUST = "must"
    SHOULD = "should"
    NOT = "must_not"


Clause = tuple[Occur, Q]


class Conditions(ABC, Generic[Q]):
    """Compiles questions and rules; how a condition is written is left to each index.

    `facts` names the fields of the access rule: True for a whole number, False for text.  With
    `face` MASKED, questions are asked of the masked text.
    """

    def __init__(self, facts: Mapping[str, bool], fold: Fold, face: str = "") -> None:
        self._facts = facts
        self._fold = fold
        self._face = face

    def field(self, name: str) -> str:
        """The field of this face that holds what `name` says."""
        return f"{self._face}{name}" if name in FACED else name

    # What an index can say ------------------------------------------------------------------------

    @abstractmethod
    def _term(self, name: str, value: str | int) -> Q:
        """Documents whose field has this value, or this word."""

    @abstractmethod
    def _terms(self, name: str, values: Sequence[str | int]) -> Q:
        """Documents whose field has one of many values."""

    @abstractmethod
    def _range(self, name: str, least: int | None, most: int) -> Q:
        """Documents whose whole number is within bounds."""

    @abstractmethod
    def _unit(self, unit: str) -> Q:
        """Documents with a unit anywhere in their text."""

    @abstractmethod
    def _following(self, tokens: Sequence[str]) -> Q:
        """Documents with these bigrams (two or more) one after the other."""

    @abstractmethod
    def _open(self, folded: str, tokens: Sequence[str]) -> Q:
        """Documents with these bigrams one after the other; of the last, only the first unit."""

    @abstractmethod
    def _scored(self, part: Q, score: float) -> Q:
        """The same documents, each with this score."""

    @abstractmethod
    def _weighted(self, part: Q, weight: float) -> Q:
        """The same documents, their scores multiplied."""

    @abstractmethod
    def _best(self, parts: Sequence[Q]) -> Q:
        """Documents of any part, with the best of their scores."""

    @abstractmethod
    def _every(self) -> Q:
        """All documents."""

    @abstractmethod
    def _none(self) -> Q:
        """No document."""

    @abstractmethod
    def _boolean(self, clauses: Sequence[Clause[Q]]) -> Q:
        """Documents that all the clauses allow; at least one of them is not NOT."""

    # Rules ----------------------------------------------------------------------------------------

    def allow(self, rule: Rule | Among) -> Q:
        """Documents that the rule grants; agrees with `kernel.access.holds`.

        Raises KeyError for a fact that the index does not carry, TypeError for AtMost on text.
        """
        match rule:
            case Eq(name, value):
                return self.equal(name, [value])
            case Among(name, values):
                return self.equal(name, sorted(values, key=str))
            case AtMost(name, most):
                return self._at_most(name, most)
            case AllOf(rules):
                return self.all([self.allow(part) for part in rules])
            case AnyOf(rules):
                return self.any([self.allow(part) for part in gathered(rules)])
        assert_never(rule)

    def equal(self, name: str, values: Sequence[str | int]) -> Q:
        """Documents whose fact has one of the values.  Raises KeyError."""
        terms: list[str | int] = []
        for value in values:
            if isinstance(value, int):
                known = self._facts[name] and -INT64 <= value < INT64
                terms += [int(value)] if known else []
            else:
                terms += [] if self._facts[name] else [f"={value}"]
        if len(terms) > _FEW_TERMS:
            return self._terms(f"fact_{name}", terms)
        return self.any([self._term(f"fact_{name}", term) for term in terms])

    def _at_most(self, name: str, most: int) -> Q:
        if not self._facts[name]:
            raise TypeError(f"fact {name!r} is no whole number")
        if most >= INT64 - 1:
            return self._every()
        if most < -INT64:
            return self._none()
        return self._range(f"fact_{name}", None, most)

    # Questions ------------------------------------------------------------------------------------

    def ask(
        self,
        query: SearchQuery,
        without_filter: str = "",
        ranks: Callable[[str], bool] = lambda word: False,
    ) -> list[Clause[Q]] | None:
        """What a document must meet to answer the question, scored; None: none can.

        `without_filter` names the facet whose own filter is left out; `ranks` tells which words
        are worth a score.
        """
        texts = [
            *map(self._word, query.words),
            *(self._phrase(self._fold(phrase)) for phrase in query.phrases),
        ]
        needed = [None if part is None else self._unscored(part) for part in texts]
        needed += map(self._code, query.codes)
        known = [part for part in needed if part is not None]
        if needed and not known and not query.without:
            return None
        clauses = [(Occur.MUST, part) for part in known]
        limits = self._limits(query, without_filter)
        clauses += [(Occur.MUST, self._unscored(part)) for part in limits]
        if known:
            clauses += [(Occur.SHOULD, part) for part in self._ranking(query, ranks)]
        refused = [self._phrase(self._fold(part)) for part in query.without]
        clauses += [(Occur.NOT, part) for part in refused if part is not None]
        return clauses

    def filtered(self, query: SearchQuery, name: str) -> Q | None:
        """Documents with one of the values wanted of a facet; None: any will do."""
        values = query.filters.get(name, ())
        if not values:
            return None
        return self.any([self._term(self.field(name), value) for value in values if value])

    def _limits(self, query: SearchQuery, without_filter: str) -> Iterator[Q]:
        for name in FACETS:
            wanted = None if name == without_filter else self.filtered(query, name)
            if wanted is not None:
                yield wanted
        if query.date_from > 0 or query.date_to < 99999999:
            yield self._range("date", query.date_from, query.date_to)

    def _ranking(self, query: SearchQuery, ranks: Callable[[str], bool]) -> Iterator[Q]:
        texts = [self._fold(text) for text in (*query.words, *query.phrases)]
        parts = [run for text in texts for run in runs(text)]
        for word in filter(ranks, dict.fromkeys(jieba_words(parts))):
            yield self._term(self.field("words"), word)
            yield self._weighted(self._term(self.field("title"), word), TITLE_WEIGHT)

    def _word(self, word: str) -> Q | None:
        """The word by its bigrams, or all the words that jieba cuts it into, each by its bigrams.

        A phrase of bigrams finds the word however the text is cut, so the word field only ranks.
        """
        needed = [part for run in runs(self._fold(word)) for part in map(self._piece, pieces(run))]
        return self.all(needed) if needed else None

    def _piece(self, units: Sequence[str]) -> Q:
        if len(units) == 1:
            return self._unit(units[0])
        pairs = run_tokens(units)[:-1]
        if len(pairs) < LOOSE_PAIRS:
            return self._in_order(pairs)
        return self.all([self._pair(pair) for pair in pairs])

    def _pair(self, pair: str) -> Q:
        return self._term(self.field("bigrams"), pair)

    def _in_order(self, tokens: Sequence[str]) -> Q:
        return self._pair(tokens[0]) if len(tokens) == 1 else self._following(tokens)

    def _phrase(self, folded: str) -> Q | None:
        tokens, open_end = phrase_tokens(folded)
        if not tokens:
            return None
        if not open_end:
            return self._in_order(tokens)
        return self._unit(tokens[0]) if len(tokens) == 1 else self._open(folded, tokens)

    def _code(self, code: str) -> Q | None:
        folded = self._fold(code)
        key = code_key(folded, self._fold)
        if not key:
            return None
        number = _DOCUMENT_NUMBER.fullmatch(folded.strip())
        spellings = [folded, f"{number[1]}({number[2]}){number[3]}号" if number else ""]
        cited = [part for part in map(self._phrase, spellings) if part is not None]
        codes = self.field("codes")
        return self._best(
            [
                self._scored(self._term(codes, f"={key}"), EXACT_CODE),
                self._scored(self._term(codes, key), BEGUN_CODE),
                *(self._scored(part, CITED_CODE) for part in cited),
            ]
        )

    # Several conditions ---------------------------------------------------------------------------

    def together(self, clauses: Iterable[Clause[Q]], granted: Iterable[Clause[Q]]) -> Q:
        """Documents that answer the question and are granted."""
        every = [*clauses, *granted]
        if not any(occur == Occur.MUST for occur, _ in every):
            every.append((Occur.MUST, self._every()))
        return self._flat(every)

    def unscored(self, clauses: Iterable[Clause[Q]]) -> list[Clause[Q]]:
        """The clauses, which say nothing of how well a document answers."""
        return [
            (occur, part if occur == Occur.NOT else self._unscored(part)) for occur, part in clauses
        ]

    def _unscored(self, part: Q) -> Q:
        return self._scored(part, 0.0)

    def all(self, parts: Sequence[Q]) -> Q:
        """Documents of every part."""
        return self._flat([(Occur.MUST, part) for part in parts]) if parts else self._every()

    def any(self, parts: Sequence[Q]) -> Q:
        """Documents of at least one part."""
        return self._flat([(Occur.SHOULD, part) for part in parts]) if parts else self._none()

    def _flat(self, clauses: Sequence[Clause[Q]]) -> Q:
        if len(clauses) == 1 and clauses[0][0] != Occur.NOT:
            return clauses[0][1]
        return self._boolean(clauses)
