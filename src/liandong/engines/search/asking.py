"""Questions put to what tantivy has committed: under which rules, ranked, counted.

Documents are asked in parts that have none in common: those that a rule grants whole by their
text, the others by their masked text, and each grant of the rule by itself.
"""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from tantivy import DocAddress, Order, Query, Schema, Searcher

from liandong.kernel.access import Rule
from liandong.kernel.ports import FACETS, SearchAnswer, SearchHit, SearchQuery
from liandong.kernel.text import Fold

from .cells import Cells
from .conditions import MASKED, Clause, Occur
from .grants import Grant, beyond, sides
from .tantivy_conditions import TantivyConditions

DEEPEST = 10_000  # hits beyond this rank are not shown; the count stays exact
MOST_VALUES = 200  # of a facet that are named
_COUNTED_VALUES = 20_000  # of a facet that are counted exactly
_COMMON = 0.3  # of the documents: a word in more says next to nothing about any of them
_FEW = 10_000  # documents that cost nothing to score
_MOST_PLANS = 500  # of rules that are remembered until the next commit
_ORDERS = {
    "relevance": (None, Order.Desc),
    "newest": ("date", Order.Desc),
    "oldest": ("oldest", Order.Asc),
}


class Asked(NamedTuple):
    """Documents asked in one go: their face, and what they must meet besides the question."""

    face: TantivyConditions
    within: list[Clause[Query]]
    whole: bool


class View(NamedTuple):
    """What was committed at one moment: neither cells nor documents that came later are in it."""

    searcher: Searcher
    cells: Cells
    present: Mapping[str, int]  # cells with how many documents they have at most
    plans: dict[tuple[Rule, Rule], list[Asked]]  # by visible and whole


def view_of(searcher: Searcher, cells: Cells) -> View:
    """A view of what the searcher sees."""
    return View(searcher, cells, dict(searcher.terms_with_prefix("cell", "")), {})


class Questions:
    """Answers questions under rules, from any view of an index of this schema."""

    def __init__(self, schema: Schema, facts: Mapping[str, bool], fold: Fold) -> None:
        self._whole, self._masked = (
            TantivyConditions(schema, facts, fold, face) for face in ("", MASKED)
        )
        self._aside = ThreadPoolExecutor(os.cpu_count() or 1, "search")  # hits beside counts

    def close(self) -> None:
        """Wait for what is being asked."""
        self._aside.shutdown(wait=True)

    def find(
        self,
        view: View,
        query: SearchQuery,
        rules: tuple[Rule, Rule],
        ranks: tuple[int, int],
        facets: Sequence[str],
        order: str,
    ) -> SearchAnswer:
        """Hits of these ranks, the exact count, and the counts of the facets asked for.

        `rules` are visible and whole.  Raises KeyError for an unknown facet or fact, ValueError
        for an unknown order.
        """
        if order not in _ORDERS:
            raise ValueError(f"unknown order: {order!r}")
        for rule in rules:
            self._whole.allow(rule)  # names every fact, also of alternatives that are dropped
        own = [name for name in facets if query.filters.get(name)]
        shared = [_facet(name) for name in facets if name not in own]
        first, last = max(0, ranks[0]), min(max(0, ranks[0]) + ranks[1], DEEPEST)
        plan = self._plan(view, *rules)
        ranked = self._ranked(view.searcher, query, plan, scored=order == "relevance")
        hits = self._aside.submit(_hits, view.searcher, ranked, first, last, order)
        totals = self._totals(view.searcher, query, plan, ["record_id", *shared])
        counted = {name: _values(totals, name) for name in shared}
        for name in own:
            relaxed = self._totals(view.searcher, query, plan, [name], _facet(name))
            counted[name] = _values(relaxed, name)
        count = sum(int(total["record_id"]["value"]) for total in totals)
        return SearchAnswer(hits.result(), count, {name: counted[name] for name in facets})

    def _plan(self, view: View, visible: Rule, whole: Rule) -> list[Asked]:
        """What of the index is asked under the rules, in at most four parts.

        Of each face: the cells that are granted as they are, which are lists that the index has;
        and what grants give of other cells.  A union of both would cost thrice.
        """
        plan = view.plans.get((visible, whole))
        if plan is None:
            plan = list(self._parts(view, *sides(visible, whole)))
            if len(view.plans) < _MOST_PLANS:
                view.plans[visible, whole] = plan
        return plan

    def _parts(
        self, view: View, inside: Sequence[Grant], outside: Sequence[Grant]
    ) -> Iterator[Asked]:
        """Documents that `inside` gives by their text, the others of `outside` masked."""
        cells, present = view.cells, view.present.keys()
        clear = cells.granted(inside, present)
        some = cells.undecided(inside, present - clear)
        if clear:
            yield self._asked(view, True, cells=clear)
        if some:
            yield self._asked(view, True, grants=some, without=clear)
        veiled = cells.granted(outside, present - clear)
        rest = beyond(cells.undecided(outside, present - clear - veiled), some)
        if veiled:
            yield self._asked(view, False, cells=veiled, others=some)
        if rest:
            yield self._asked(view, False, grants=rest, without=clear | veiled, others=some)

    def _asked(
        self,
        view: View,
        whole: bool,
        *,
        cells: frozenset[str] = frozenset(),
        grants: Sequence[Grant] = (),
        without: frozenset[str] = frozenset(),
        others: Sequence[Grant] = (),
    ) -> Asked:
        """All of some cells, or what grants give outside of some; without what others give."""

        def known(name: str) -> dict[int, int] | None:
            return view.cells.values(name, view.present)

        face = self._whole if whole else self._masked
        within = face.in_cells(cells, view.present) if cells else []
        if grants:
            within.append((Occur.MUST, face.any_of(grants, known)))
        if without:
            within.append((Occur.NOT, face.cells(without)))
        if others:
            within.append((Occur.NOT, face.any_of(others, known)))
        return Asked(face, face.unscored(within), whole)

    def _ranked(
        self, searcher: Searcher, query: SearchQuery, plan: Sequence[Asked], *, scored: bool
    ) -> list[tuple[Query, bool]]:
        """The question put to each part, with the words that are worth a score."""
        common = max(searcher.num_docs * _COMMON, _FEW)
        compiled: dict[str, list[Clause[Query]] | None] = {}
        found = []
        for asked in plan:
            words = asked.face.field("words")

            def ranks(word: str, field: str = words) -> bool:
                return scored and searcher.doc_freq(field, word) <= common

            if words not in compiled:
                compiled[words] = asked.face.ask(query, ranks=ranks)
            clauses = compiled[words]
            if clauses is not None:
                found.append((asked.face.together(clauses, asked.within), asked.whole))
        return found

    def _totals(
        self,
        searcher: Searcher,
        query: SearchQuery,
        plan: Sequence[Asked],
        names: Sequence[str],
        without_filter: str = "",
    ) -> list[Mapping[str, Any]]:
        """What `names` count in each part."""
        compiled = {
            face.field("words"): face.ask(query, without_filter)
            for face in {asked.whole: asked.face for asked in plan}.values()
        }
        totals: list[Mapping[str, Any]] = []
        for asked in plan:
            clauses = compiled[asked.face.field("words")]
            if clauses is not None:
                every = asked.face.together(clauses, asked.within)
                totals.append(searcher.aggregate(every, _wanted(names, asked.face)))
        return totals


def _hits(
    searcher: Searcher, parts: Sequence[tuple[Query, bool]], first: int, last: int, order: str
) -> tuple[SearchHit, ...]:
    """The hits of ranks `first` to `last` among all parts, which have no document in common."""
    if first >= last:
        return ()
    field, direction = _ORDERS[order]
    skipped = first if len(parts) == 1 else 0
    ranked: list[tuple[float, int, int, DocAddress, bool]] = []
    for part, whole in parts:
        found = searcher.search(
            part, last - skipped, count=False, order_by_field=field, offset=skipped, order=direction
        )
        sign = 1 if direction == Order.Asc else -1
        ranked += [(sign * key, at.segment_ord, at.doc, at, whole) for key, at in found.hits]
    ranked.sort(key=lambda row: row[:3])
    shown = ranked[first - skipped : last - skipped]
    ids = searcher.fast_field_values("record_id", [row[3] for row in shown])
    return tuple(
        SearchHit(int(record_id or 0), 0.0 if field else -row[0], row[4])
        for record_id, row in zip(ids, shown, strict=True)
    )


def _wanted(names: Iterable[str], face: TantivyConditions) -> dict[str, Any]:
    """One pass over the documents: their number, and the number per value of the facets."""
    terms = {"size": _COUNTED_VALUES, "segment_size": _COUNTED_VALUES}
    return {
        name: {"value_count": {"field": name}}
        if name == "record_id"
        else {"terms": {"field": face.field(_facet(name)), **terms}}
        for name in names
    }


def _facet(name: str) -> str:
    if name not in FACETS:
        raise KeyError(name)
    return name


def _values(totals: Sequence[Mapping[str, Any]], name: str) -> tuple[tuple[str, int], ...]:
    """Values of a facet over parts that have no document in common, most frequent first."""
    counts: Counter[str] = Counter()
    for total in totals:
        for row in total[name]["buckets"]:
            counts[str(row["key"])] += int(row["doc_count"])
    ordered = sorted(counts.items(), key=lambda row: (-row[1], row[0]))
    return tuple(ordered[:MOST_VALUES])
