"""Search: the index proposes, the database disposes, and the page that has the words is shown."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from liandong.archive.models import Fonds, Record, RecordPage
from liandong.archive.policies import may_read, may_read_whole
from liandong.base.engines import engine
from liandong.kernel import catalog
from liandong.kernel.codes import normalise_code_text, normalise_document_number
from liandong.kernel.ports import FACETS, SearchAnswer, SearchQuery
from liandong.kernel.text import find_lines, mark, matches, snippet
from liandong.kernel.viewer import Viewer

from .granting import condition, readable
from .sight import Masks, Sight, as_seen

_FIRST_PAGES = 60  # of each hit that are looked through before the rest of them
Parts = tuple[tuple[str, bool], ...]  # pieces of text; True: it is a match


@dataclass(frozen=True, slots=True)
class Snippet:
    """A part of a page that has the words, and where it is."""

    parts: Parts
    page: int  # number within the record, from 1; 0: of the description
    line: int | None  # index of the first line with a match, from 0


@dataclass(frozen=True, slots=True)
class Hit:
    """One record found."""

    record: Record
    score: float
    title: Parts
    snippets: tuple[Snippet, ...]
    thumbnail: int  # number of the page to show small; 0 when no page has an image

    def to_json(self) -> dict[str, Any]:
        """The hit as JSON-ready values, for the command line."""
        first = self.snippets[0] if self.snippets else None
        return {
            "code": self.record.code,
            "title": self.record.title,
            "document_number": self.record.document_number,
            "author": self.record.author,
            "date": self.record.document_date,
            "year": self.record.year,
            "score": round(self.score, 4),
            "page": first.page if first else None,
            "line": first.line if first else None,
            "snippet": "".join(text for text, _ in first.parts) if first else "",
        }


@dataclass(frozen=True, slots=True)
class Found:
    """The answer to a question."""

    hits: tuple[Hit, ...]
    count: int  # exact, of records that the viewer may read
    facets: Mapping[str, tuple[tuple[str, str, int], ...]]  # value, label, count; most first


def find(
    query: SearchQuery,
    *,
    viewer: Viewer,
    today: int,
    limit: int = 20,
    offset: int = 0,
    facets: Sequence[str] = FACETS,
    order: str = "relevance",
) -> Found:
    """Records that the viewer may read and that answer the question, best first.

    A fixed number of queries for any number of hits.
    """
    answer = _ask(query, viewer, today, limit, offset=offset, facets=tuple(facets), order=order)
    records = _disposed(answer, viewer, today)
    terms = (*query.words, *query.phrases)
    places = _places(records, terms)
    thumbnails = _thumbnails(list(records))
    hits = [
        _hit(records[hit.record_id], hit.score, terms, places, thumbnails)
        for hit in answer.hits
        if hit.record_id in records
    ]
    refused = len(answer.hits) - len(hits)  # the index is a moment behind the rows
    return Found(tuple(hits), answer.count - refused, _labelled(answer.facets))


def _ask(
    query: SearchQuery, viewer: Viewer, today: int, limit: int, **options: Any
) -> SearchAnswer:
    return engine("search").find(
        query,
        visible=may_read(viewer, today),
        whole=may_read_whole(viewer, today),
        limit=limit,
        **options,
    )


def _disposed(answer: SearchAnswer, viewer: Viewer, today: int) -> dict[int, Record]:
    """The records of the hits as the viewer sees them now, by key.

    One that the index still found by its whole text, and that is seen masked by now, is left out:
    being found would tell what is masked.
    """
    rows = readable(viewer, today).select_related("fonds")
    found = rows.filter(pk__in=[hit.record_id for hit in answer.hits])
    by_whole = {hit.record_id for hit in answer.hits if hit.whole}
    return {
        row.pk: row
        for row in as_seen(found, viewer=viewer, today=today)
        if row.sight == Sight.WHOLE or row.pk not in by_whole
    }


def _folding() -> Callable[[str], str]:
    """As the index folds: traditional and simplified characters are one."""
    return engine("search").fold


def _hit(
    record: Record,
    score: float,
    terms: Sequence[str],
    places: Mapping[int, Snippet],
    thumbnails: Mapping[int, frozenset[int]],
) -> Hit:
    place = places.get(record.pk) or _in_description(record, terms)
    images = thumbnails.get(record.pk, frozenset())
    shown = place.page if place and place.page in images else min(images, default=0)
    title = tuple(mark(record.title, terms, _folding()))
    return Hit(record, score, title, (place,) if place else (), shown)


def _places(records: Mapping[int, Record], terms: Sequence[str]) -> dict[int, Snippet]:
    """The best page of each record, as it is seen, that has a term."""
    if not terms or not records:
        return {}
    under_masks = Masks(records.values())
    pages = RecordPage.objects.order_by("record_id", "number")
    columns = ("record_id", "number", "text")
    first = pages.filter(record__in=records, number__lte=_FIRST_PAGES)
    found = _best_pages(under_masks.over(first.values_list(*columns)), terms)
    if rest := [pk for pk in records if pk not in found]:
        later = pages.filter(record__in=rest, number__gt=_FIRST_PAGES)
        found |= _best_pages(under_masks.over(later.values_list(*columns).iterator()), terms)
    return {pk: _snippet(text, number, terms) for pk, (_, number, text) in found.items()}


def _best_pages(
    rows: Iterable[tuple[int, int, str]], terms: Sequence[str]
) -> dict[int, tuple[int, int, str]]:
    """By record: how many of the terms the page has, its number and text; the first best page."""
    best: dict[int, tuple[int, int, str]] = {}
    for record_id, number, text in rows:
        most = best[record_id][0] if record_id in best else 0
        if most == len(terms):
            continue
        have = sum(1 for term in terms if matches(text, (term,), _folding()))
        if have > most:
            best[record_id] = (have, number, text)
    return best


def _snippet(text: str, number: int, terms: Sequence[str]) -> Snippet:
    lines = find_lines(text.split("\n"), terms, _folding())
    parts = tuple(snippet(text, terms, folding=_folding()))
    return Snippet(parts, number, lines[0] if lines else None)


def _in_description(record: Record, terms: Sequence[str]) -> Snippet | None:
    """The first field of the description, besides the title, that has a term."""
    for name, text in record.description.items():
        if name != "title" and matches(text, terms, _folding()):
            return Snippet(tuple(snippet(text, terms, folding=_folding())), 0, None)
    return None


def _thumbnails(record_ids: Sequence[int]) -> dict[int, frozenset[int]]:
    """Numbers of the pages that have an image, by record."""
    pages = RecordPage.objects.filter(record__in=record_ids).exclude(image="")
    numbers: dict[int, set[int]] = {}
    for record_id, number in pages.values_list("record_id", "number"):
        numbers.setdefault(record_id, set()).add(number)
    return {record_id: frozenset(found) for record_id, found in numbers.items()}


def _labelled(
    facets: Mapping[str, Sequence[tuple[str, int]]],
) -> dict[str, tuple[tuple[str, str, int], ...]]:
    labels = _labels() if facets else {}
    return {
        name: tuple((value, labels.get((name, value), value), count) for value, count in values)
        for name, values in facets.items()
    }


def _labels() -> dict[tuple[str, str], str]:
    known = {("fonds", number): f"{number} {title}"
             for number, title in Fonds.objects.values_list("number", "title")}  # fmt: skip
    for facet, table in (("category", "category_codes"), ("retention", "retention_periods")):
        known |= {(facet, row["code"]): row["name_zh"] for row in catalog.rows(table)}
    return known


def similar_codes(text: str, *, viewer: Viewer, today: int, limit: int = 10) -> list[Record]:
    """Records whose 档号 or 文号 is or begins with the text in any common writing, best first."""
    if not text.strip():
        return []
    rows = readable(viewer, today).select_related("fonds")
    code, number = normalise_code_text(text), normalise_document_number(text)
    exact = list(rows.filter(code=code)[:1])
    known = rows.filter(condition(may_read_whole(viewer, today)))
    exact += known.filter(document_number__in={text.strip(), number})[:limit]
    answer = _ask(replace(SearchQuery(), codes=(text,)), viewer, today, limit)
    near = _disposed(answer, viewer, today)
    ranked = as_seen({one.pk: one for one in exact}.values(), viewer=viewer, today=today)
    ranked += [near[hit.record_id] for hit in answer.hits if hit.record_id in near]
    return list({record.pk: record for record in ranked}.values())[:limit]
