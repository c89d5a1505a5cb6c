"""Questions as one search of OpenSearch: under which rules, ranked, counted.

Documents that a rule grants whole are asked by their text, all others by their masked text.  The
filters on facets that are counted come after the counting, so that their own counts ignore them.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from liandong.kernel.access import AllOf, Rule
from liandong.kernel.ports import FACETS, SearchAnswer, SearchHit, SearchQuery
from liandong.kernel.text import Fold

from .conditions import FACED, MASKED, Clause, Occur
from .grants import alternatives, beyond
from .opensearch_conditions import Json, OpenSearchConditions

DEEPEST = 10_000  # hits beyond this rank are not shown (index.max_result_window)
MOST_VALUES = 200  # of a facet that are named
_COUNTED_VALUES = 20_000  # of a facet that are counted exactly
_LONGEST = 200  # characters of all words together: the server takes 1 024 conditions
_MOST_RANKING = 50  # words that are worth a score
_WHOLE = "whole"
_ORDERS: Mapping[str, Json] = {
    "relevance": {"_score": "desc"},
    "newest": {"date": "desc"},
    "oldest": {"oldest": "asc"},
}


class Face(NamedTuple):
    """A text by which documents are asked, and which documents are asked by it."""

    conditions: OpenSearchConditions
    within: list[Clause[Json]]


class Questions:
    """Writes questions.

    `facts` names the fields of the access rule: True for a whole number, False for text.
    """

    def __init__(self, facts: Mapping[str, bool], fold: Fold) -> None:
        self._whole, self._masked = (
            OpenSearchConditions(facts, fold, face) for face in ("", MASKED)
        )

    def written(
        self,
        query: SearchQuery,
        rules: tuple[Rule, Rule],
        ranks: tuple[int, int],
        facets: Sequence[str],
        order: str,
    ) -> Json:
        """The body of the search.

        `rules` are visible and whole.  Raises KeyError for an unknown facet or fact, ValueError
        for an unknown order.
        """
        if order not in _ORDERS:
            raise ValueError(f"unknown order: {order!r}")
        if unknown := [name for name in facets if name not in FACETS]:
            raise KeyError(unknown[0])
        say = self._whole
        faces = self._faces(*rules)
        asked = _shortened(query)
        own = [name for name in facets if asked.filters.get(name)]
        rest = {name: values for name, values in asked.filters.items() if name not in own}
        first, last = max(0, ranks[0]), min(max(0, ranks[0]) + ranks[1], DEEPEST)
        answers = [
            part
            for face in faces
            if (part := _asked(face, replace(asked, filters=rest), scored=order == "relevance"))
        ]
        filters = {name: _filter(say, faces, asked, name) for name in own}
        visible = (Occur.MUST, say.unscored([(Occur.MUST, say.allow(rules[0]))])[0][1])
        counts: Json = {}
        for name in facets:
            others = [part for other, part in filters.items() if other != name]
            for face in faces if name in FACED else faces[:1]:
                counts[face.conditions.field(name)] = _counted(face, name, others, len(faces) > 1)
        return {
            "query": say.together([(Occur.MUST, say.any(answers))], [visible]),
            "post_filter": say.all(list(filters.values())),
            "aggs": counts,
            "from": first if first < last else 0,
            "size": max(0, last - first),
            "sort": [_ORDERS[order], {"record_id": "asc"}],
            "track_total_hits": True,
            "_source": False,
        }

    def _faces(self, visible: Rule, whole: Rule) -> list[Face]:
        """The faces that some visible documents may be asked by; names every fact."""
        self._whole.allow(visible)
        granted = self._whole.allow(whole)
        inside = alternatives(AllOf((visible, whole)))
        outside = beyond(alternatives(visible), inside)
        faces = []
        if inside:
            faces.append(Face(self._whole, [(Occur.MUST, granted)] if outside else []))
        if outside:
            faces.append(Face(self._masked, [(Occur.NOT, granted)] if inside else []))
        return faces


def read(found: Mapping[str, Any], facets: Sequence[str]) -> SearchAnswer:
    """What the server answered to `Questions.written`."""
    hits = tuple(
        SearchHit(
            int(hit["_id"]), float(hit["_score"] or 0.0), _WHOLE in hit.get("matched_queries", ())
        )
        for hit in found["hits"]["hits"]
    )
    counted = {name: _values(found.get("aggregations", {}), name) for name in facets}
    return SearchAnswer(hits, int(found["hits"]["total"]["value"]), counted)


def _asked(face: Face, query: SearchQuery, *, scored: bool) -> Json | None:
    """The documents of a face that answer the question; None: none can."""
    say = face.conditions
    left = iter(range(_MOST_RANKING if scored else 0))
    clauses = say.ask(query, ranks=lambda word: next(left, None) is not None)
    if clauses is None:
        return None
    part = say.together(clauses, say.unscored(face.within))
    if say.field("words") == "words":
        part = {"bool": {"must": [part], "_name": _WHOLE}}
    return part


def _filter(
    say: OpenSearchConditions, faces: Sequence[Face], query: SearchQuery, name: str
) -> Json:
    """The filter on a facet; where the faces differ, each for its own documents."""
    kept = []
    for face in faces if name in FACED else faces[:1]:
        wanted = face.conditions.filtered(query, name)
        within = face.within if name in FACED else []
        kept.append(say.together([(Occur.MUST, wanted or say.all([]))], within))
    return say.any(kept)


def _counted(face: Face, name: str, filters: Sequence[Json], several: bool) -> Json:
    """How many documents of the face have each value, most frequent first."""
    say = face.conditions
    within = face.within if name in FACED else []
    return {
        "filter": say.together([(Occur.MUST, part) for part in filters], within),
        "aggs": {
            "values": {
                "terms": {
                    "field": say.field(name),
                    "size": _COUNTED_VALUES if several and name in FACED else MOST_VALUES,
                    "shard_size": _COUNTED_VALUES,
                    "order": [{"_count": "desc"}, {"_key": "asc"}],
                }
            }
        },
    }


def _values(counts: Mapping[str, Any], name: str) -> tuple[tuple[str, int], ...]:
    """Values of a facet over the faces, which have no document in common, most frequent first."""
    total: Counter[str] = Counter()
    for field in (name, f"{MASKED}{name}"):
        for row in counts.get(field, {}).get("values", {}).get("buckets", ()):
            total[str(row["key"])] += int(row["doc_count"])
    return tuple(sorted(total.items(), key=lambda row: (-row[1], row[0]))[:MOST_VALUES])


def _shortened(query: SearchQuery) -> SearchQuery:
    """The question with as many characters of its words as the server can take."""
    left, words = _LONGEST, []
    for word in query.words:
        words.append(word[:left])
        left -= len(words[-1])
    return replace(query, words=tuple(word for word in words if word))
