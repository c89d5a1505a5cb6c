"""Conditions as tantivy writes them, and those on cells, which it needs to be fast."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

import tantivy
from tantivy import FieldType, Query, Schema

from liandong.kernel.access import AtMost
from liandong.kernel.text import CJK, Fold, is_cjk

from .conditions import Clause, Conditions, Occur
from .grants import Grant, Need

Known = Callable[[str], Mapping[int, int] | None]  # values of a fact, with their documents

_OPEN_END = rf"([_{CJK}].*)?"
_ESCAPED = re.compile(r"([^\w\s])")
_OCCUR = {
    Occur.MUST: tantivy.Occur.Must,
    Occur.SHOULD: tantivy.Occur.Should,
    Occur.NOT: tantivy.Occur.MustNot,
}
_RANKING = frozenset({"words", "title", "bigrams"})  # fields that know how often a word occurs


class TantivyConditions(Conditions[Query]):
    """Conditions of one schema."""

    def __init__(
        self, schema: Schema, facts: Mapping[str, bool], fold: Fold, face: str = ""
    ) -> None:
        super().__init__(facts, fold, face)
        self._schema = schema
        self._counted = {self.field(name) for name in _RANKING}

    def _term(self, name: str, value: str | int) -> Query:
        option = "freq" if name in self._counted else "basic"
        return Query.term_query(self._schema, name, value, option)

    def _terms(self, name: str, values: Sequence[str | int]) -> Query:
        return Query.term_set_query(self._schema, name, values)

    def _range(self, name: str, least: int | None, most: int) -> Query:
        return Query.range_query(self._schema, name, FieldType.Integer, least, most)

    def _unit(self, unit: str) -> Query:
        if is_cjk(unit):  # the first half of any of its pairs, or the end of a run
            return Query.regex_query(self._schema, self.field("bigrams"), f"{unit}.*")
        return self._term(self.field("words"), unit)

    def _following(self, tokens: Sequence[str]) -> Query:
        return Query.phrase_query(self._schema, self.field("bigrams"), list(tokens))

    def _open(self, folded: str, tokens: Sequence[str]) -> Query:
        last = _escape(tokens[-1]) + (".*" if is_cjk(tokens[-1]) else _OPEN_END)
        words: list[str | tuple[int, str]] = [*map(_escape, tokens[:-1]), last]
        return Query.regex_phrase_query(self._schema, self.field("bigrams"), words)

    def _scored(self, part: Query, score: float) -> Query:
        return Query.const_score_query(part, score)

    def _weighted(self, part: Query, weight: float) -> Query:
        return Query.boost_query(part, weight)

    def _best(self, parts: Sequence[Query]) -> Query:
        return Query.disjunction_max_query(list(parts))

    def _every(self) -> Query:
        return Query.all_query()

    def _none(self) -> Query:
        return Query.empty_query()

    def _boolean(self, clauses: Sequence[Clause[Query]]) -> Query:
        return Query.boolean_query([(_OCCUR[occur], part) for occur, part in clauses])

    # Cells ----------------------------------------------------------------------------------------

    def any_of(self, grants: Iterable[Grant], known: Known) -> Query:
        """Documents that at least one of the grants gives."""
        return self.any(
            [self.together((), [self._need(need, known) for need in grant]) for grant in grants]
        )

    def _need(self, need: Need, known: Known) -> Clause[Query]:
        """One need; a bound on a fact with few values as the shorter list of these values."""
        values = known(need.field) if isinstance(need, AtMost) else None
        if not isinstance(need, AtMost) or values is None:
            return Occur.MUST, self.allow(need)
        under = {value: count for value, count in values.items() if value <= need.most}
        over = values.keys() - under.keys()
        if sum(values[value] for value in over) < sum(under.values()):
            return Occur.NOT, self.equal(need.field, sorted(over))
        return Occur.MUST, self.equal(need.field, sorted(under))

    def cells(self, terms: Iterable[str]) -> Query:
        """Documents of these cells."""
        return self.any([self._term("cell", term) for term in sorted(terms)])

    def in_cells(self, wanted: Iterable[str], present: Mapping[str, int]) -> list[Clause[Query]]:
        """Documents of the wanted cells among those present, which have so many documents.

        The shorter list is asked for: that of the cells, or that of all the others.
        """
        chosen = set(wanted)
        rest = present.keys() - chosen
        if not rest:
            return []
        if sum(present[cell] for cell in rest) < sum(present[cell] for cell in chosen):
            return [(Occur.NOT, self.cells(rest))]
        return [(Occur.MUST, self.cells(chosen))]


def _escape(token: str) -> str:
    return _ESCAPED.sub(r"\\\1", token)
