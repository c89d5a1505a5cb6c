"""Hits of personal information that a person decides, grouped by record and page."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from django.db.models import Count, Q, QuerySet

from liandong.archive.models import NO_LINE, HitState, PersonalHit, Record, RecordPage
from liandong.kernel.pages import Box
from liandong.kernel.viewer import Viewer

from .granting import changeable
from .privacy import spans_of

GROUPS = 5  # record and page, on one page of the review
_MOST_HITS = 60  # of one group shown at once
_AROUND = 24  # characters shown before and after a hit


@dataclass(frozen=True, slots=True)
class ShownHit:
    """A hit with the words around it and its places on the image."""

    hit: PersonalHit
    before: str
    secret: str
    after: str
    boxes: tuple[Box, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """The hits of one page of one record; page 0 is the description."""

    record: Record
    page: RecordPage | None
    number: int
    hits: tuple[ShownHit, ...]


Cursor = tuple[int, int]  # record and page after which the groups stand


def hits_to_review(
    viewer: Viewer, *, kind: str = "", state: str = "", record: int = 0
) -> QuerySet[PersonalHit]:
    """Hits of the records that the viewer may change, or of one of them (its key).

    Those not decided unless a state is named.
    """
    rows = PersonalHit.objects.filter(record__in=changeable(viewer))
    rows = rows.filter(state=state if state in HitState.values else HitState.PROPOSED)
    if record:
        rows = rows.filter(record=record)
    return rows.filter(kind=kind) if kind else rows


def groups_to_review(
    viewer: Viewer, *, kind: str = "", state: str = "", record: int = 0, after: Cursor = (0, -1)
) -> tuple[list[Group], Cursor | None]:
    """Groups behind a cursor, and the cursor of the next ones; None at the end."""
    waiting = hits_to_review(viewer, kind=kind, state=state, record=record).filter(
        Q(record_id__gt=after[0]) | Q(record_id=after[0], page__gt=after[1])
    )
    places = list(
        waiting.order_by("record_id", "page")
        .values_list("record_id", "page")
        .distinct()[: GROUPS + 1]
    )
    shown = places[:GROUPS]
    groups = list(_groups(waiting, shown))
    more = len(places) > GROUPS
    return groups, shown[-1] if more else None


def _groups(waiting: QuerySet[PersonalHit], places: Sequence[Cursor]) -> Iterator[Group]:
    wanted = Q(pk__in=[])
    for record_id, number in places:
        wanted |= Q(record_id=record_id, page=number)
    records = Record.objects.select_related("fonds").in_bulk([record for record, _ in places])
    sheets = {
        (page.record_id, page.number): page
        for page in RecordPage.objects.filter(
            record__in=records, number__in={number for _, number in places}
        )
    }
    ordered = waiting.filter(wanted).order_by("record_id", "page", "field", "line", "start", "pk")
    for (record_id, number), hits in groupby(ordered, key=lambda hit: (hit.record_id, hit.page)):
        record, page = records[record_id], sheets.get((record_id, number))
        if page is not None:
            page.record = record
        shown = [_shown(hit, record, page) for hit in hits]
        yield Group(record, page, number, tuple(shown[:_MOST_HITS]))


def shown_hits(hits: Sequence[PersonalHit]) -> list[ShownHit]:
    """Hits of any records with the words around them: for the preview of a bulk decision."""
    records = Record.objects.in_bulk({hit.record_id for hit in hits})
    pages = RecordPage.objects.filter(record__in=records, number__in={hit.page for hit in hits})
    sheets = {(page.record_id, page.number): page for page in pages}
    for hit in hits:
        hit.record = records[hit.record_id]
    return [
        _shown(hit, records[hit.record_id], sheets.get((hit.record_id, hit.page))) for hit in hits
    ]


def _shown(hit: PersonalHit, record: Record, page: RecordPage | None) -> ShownHit:
    boxes = tuple(Box(*box) for box in hit.boxes)
    if hit.line == NO_LINE:
        return ShownHit(hit, "", "", "", boxes)
    texts = _texts(hit, record, page)
    spans = list(spans_of(hit, texts))
    if not spans:
        return ShownHit(hit, "", "", "", boxes)
    secret = "\n".join(texts[line][start:end] for line, start, end in spans)
    (first, start, _), (last, _, end) = spans[0], spans[-1]
    return ShownHit(
        hit, texts[first][max(0, start - _AROUND) : start], secret,
        texts[last][end : end + _AROUND], boxes,
    )  # fmt: skip


def _texts(hit: PersonalHit, record: Record, page: RecordPage | None) -> list[str]:
    if hit.page == 0:
        return [str(record.description.get(hit.field, ""))]
    lines: Sequence[Mapping[str, Any]] = page.lines if page else ()
    return [line["text"] for line in lines]


def kinds_to_review(viewer: Viewer, *, state: str = "", record: int = 0) -> list[tuple[str, int]]:
    """Kinds with how many hits wait, most first."""
    waiting = hits_to_review(viewer, state=state, record=record)
    rows = waiting.values("kind").annotate(hits=Count("pk"))
    return sorted(rows.values_list("kind", "hits"), key=lambda pair: (-pair[1], pair[0]))


def places_of_text(page: RecordPage, text: str) -> list[tuple[int, int, int, int]]:
    """Where `text` stands on a page: line, start, last line, end.  It may run over a line end."""
    wanted = "".join(text.split())
    if not wanted:
        return []
    letters = [
        (line, at)
        for line, row in enumerate(page.lines)
        for at, letter in enumerate(row["text"])
        if not letter.isspace()
    ]
    plain = "".join(page.lines[line]["text"][at] for line, at in letters)
    found, start = [], plain.find(wanted)
    while start >= 0:
        (line, at), (last, end) = letters[start], letters[start + len(wanted) - 1]
        found.append((line, at, last, end + 1))
        start = plain.find(wanted, start + len(wanted))
    return found
