"""Conditions as OpenSearch writes them (query DSL), and the fields that they ask."""

from collections.abc import Mapping, Sequence
from typing import Any

from liandong.kernel.ports import FACETS
from liandong.kernel.text import runs

from .conditions import FACED, MASKED, Clause, Conditions, Occur
from .documents import RUN_END

Json = dict[str, Any]

_LONGEST_VALUE = 8_191  # characters of a facet value: Lucene takes 32 766 bytes
_KEYWORD: Json = {"type": "keyword", "norms": False}


def mapping(facts: Mapping[str, bool]) -> Json:
    """The fields of an index; `facts` are those of the access rule, True for a whole number.

    Texts come cut into tokens, joined by blanks: an analyzer that splits at blanks is all that the
    server needs.  No source is kept: the database has it.
    """
    words = {"type": "text", "analyzer": "whitespace", "index_options": "freqs"}
    places = {"type": "text", "analyzer": "whitespace", "norms": False}
    fields: Json = {"record_id": {"type": "long"}, "date": {"type": "integer"}}
    fields["oldest"] = {"type": "integer"}
    for face in ("", MASKED):
        fields |= {f"{face}{name}": words for name in ("words", "title")}
        fields |= {f"{face}{name}": places for name in ("bigrams", "units")}
        fields[f"{face}codes"] = {**_KEYWORD, "doc_values": False}
    for name in (*FACETS, *(f"{MASKED}{name}" for name in FACETS if name in FACED)):
        fields[name] = {**_KEYWORD, "ignore_above": _LONGEST_VALUE}
    for name, whole_number in facts.items():
        fields[f"fact_{name}"] = {"type": "long"} if whole_number else _KEYWORD
    return {"dynamic": "strict", "_source": {"enabled": False}, "properties": fields}


class OpenSearchConditions(Conditions[Json]):
    """Conditions of an index with the fields of `mapping`."""

    def _term(self, name: str, value: str | int) -> Json:
        return {"term": {name: {"value": value}}}

    def _terms(self, name: str, values: Sequence[str | int]) -> Json:
        return {"terms": {name: list(values)}}

    def _range(self, name: str, least: int | None, most: int) -> Json:
        return {"range": {name: {"lte": most} if least is None else {"gte": least, "lte": most}}}

    def _unit(self, unit: str) -> Json:
        return self._term(self.field("units"), unit)

    def _following(self, tokens: Sequence[str]) -> Json:
        return {"match_phrase": {self.field("bigrams"): {"query": " ".join(tokens)}}}

    def _open(self, folded: str, tokens: Sequence[str]) -> Json:
        units = f" {RUN_END} ".join(" ".join(run) for run in runs(folded))
        return {"match_phrase": {self.field("units"): {"query": units}}}

    def _scored(self, part: Json, score: float) -> Json:
        return {"constant_score": {"filter": part, "boost": score}}

    def _weighted(self, part: Json, weight: float) -> Json:
        return {"bool": {"must": [part], "boost": weight}}

    def _best(self, parts: Sequence[Json]) -> Json:
        return {"dis_max": {"queries": list(parts)}}

    def _every(self) -> Json:
        return {"match_all": {}}

    def _none(self) -> Json:
        return {"match_none": {}}

    def _boolean(self, clauses: Sequence[Clause[Json]]) -> Json:
        parts: dict[str, list[Json]] = {}
        for occur, part in clauses:
            unscored = part.get("constant_score", {})
            if occur == Occur.MUST and unscored.get("boost") == 0.0:
                parts.setdefault("filter", []).append(unscored["filter"])  # the server may keep it
            else:
                parts.setdefault(occur.value, []).append(part)
        return {"bool": parts}
