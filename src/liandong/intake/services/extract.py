"""Step `extract`: fields of official documents and names in the text, as proposals for a person.

A classified mark at the top of a file's first page quarantines the item.
Source: GB/T 9704-2012; 保守国家秘密法 art. 20; DA/T 70-2018, 元数据与内容关联.
"""

import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from difflib import SequenceMatcher
from itertools import count

from liandong.archive.models import Fonds
from liandong.base.models import Unit
from liandong.intake.models import Item, ItemPage, ItemState, Proposal, ProposalState
from liandong.kernel.checks import Finding
from liandong.kernel.dates import BadDate, PartialDate
from liandong.kernel.documents import (
    ExtractedField,
    classified_mark,
    classified_words,
    extract_fields,
)
from liandong.kernel.documents.layout import fold_line
from liandong.kernel.entities import EntityKind, find_entities, places_in
from liandong.kernel.pages import Page
from liandong.kernel.text import code_key

from .steps import Done

FIRST_PAGES = 30  # of an item, in which fields and names are looked for
LAST_PAGES = 5  # the imprint of a long document stands there
NAMES_PER_KIND = 30  # proposals of one item; a register names thousands
TRUSTED = 0.6  # below it an extracted value contradicts no catalogue
SAME_TITLE = 0.75  # share of equal characters from which two titles are about one matter
SAME_LETTERS = 0.5  # the same for the letters of two document numbers
_KNOWN_NAMES = 5_000  # of each source; the gazetteer grows by what people accept


@dataclass(slots=True)
class _Reading:
    """The pages of one item that are looked at, numbered through the item."""

    first: list[Page] = field(default_factory=list)
    last: deque[Page] = field(default_factory=lambda: deque(maxlen=LAST_PAGES))
    mark: ExtractedField | None = None
    marked_file: str = ""
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def add(self, page: Page, path: str) -> None:
        """Take the next page of the item; `path` is its file."""
        begins_file = page.number == 1
        page = replace(page, number=next(self.numbers))
        if begins_file and self.mark is None and (mark := classified_mark([page])):
            self.mark, self.marked_file = mark, path
        if len(self.first) < FIRST_PAGES:
            self.first.append(page)
        else:
            self.last.append(page)

    @property
    def pages(self) -> list[Page]:
        """What is looked at."""
        return [*self.first, *self.last]


@dataclass(frozen=True, slots=True)
class _Gazetteer:
    """Names of bodies and places that the tables hold."""

    organisations: frozenset[str]
    places: frozenset[str]


def extract(items: Sequence[Item], *, now: datetime) -> list[Done]:
    """Propose fields and names; tell what catalogue and document say differently."""
    readings = _readings(items)
    names = _gazetteer()
    return [_extract_one(item, readings.get(item.pk, _Reading()), names) for item in items]


def _readings(items: Sequence[Item]) -> dict[int, _Reading]:
    readings: dict[int, _Reading] = {}
    rows = (
        ItemPage.objects.filter(file__item__in=items, file__is_content=True)
        .order_by("file__item", "file__order", "file__path", "number")
        .values_list("file__item", "file__path", "page")
    )
    for item_id, path, page in rows.iterator(chunk_size=100):
        readings.setdefault(item_id, _Reading()).add(Page.from_json(page), path)
    return readings


def _gazetteer() -> _Gazetteer:
    units = set(Unit.objects.values_list("name", flat=True)[:_KNOWN_NAMES])
    units |= set(Fonds.objects.values_list("title", flat=True)[:_KNOWN_NAMES])
    agreed = Proposal.objects.filter(
        state__in=[ProposalState.ACCEPTED, ProposalState.EDITED],
        field__in=[EntityKind.ORGANISATION, EntityKind.PLACE],
    ).values_list("field", "decided_value")
    known = set(agreed.distinct()[:_KNOWN_NAMES])
    bodies = units | {name for kind, name in known if kind == EntityKind.ORGANISATION}
    places = places_in(units) | {name for kind, name in known if kind == EntityKind.PLACE}
    return _Gazetteer(frozenset(bodies), frozenset(places))


def _extract_one(item: Item, reading: _Reading, names: _Gazetteer) -> Done:
    pages = reading.pages
    fields = [one for one in extract_fields(pages) if one.name != "security_mark"]
    rows = [_proposal(item, one) for one in fields] + list(_named(item, pages, names))
    detail = {"proposals": len(rows), "pages": len(pages)}
    if mark := reading.mark:
        facts = {"mark": mark.value, "text": mark.raw[:60]}
        finding = Finding("SEC-MARK-IN-TEXT", reading.marked_file, page=mark.page, facts=facts)
        state = ItemState.QUARANTINED.value
        return Done((finding,), detail, save=_writer(item, []), state=state)
    findings = (*_words(pages), *_differences(item, {one.name: one for one in fields}))
    return Done(findings, detail, save=_writer(item, rows))


def _proposal(item: Item, one: ExtractedField) -> Proposal:
    return Proposal(
        item=item,
        field=one.name,
        value=one.value,
        page=one.page,
        box=list(one.box) if one.box else None,
        confidence=one.confidence,
        method=one.method,
    )


def _named(item: Item, pages: Sequence[Page], names: _Gazetteer) -> Iterator[Proposal]:
    """One proposal per different name, at its surest mention; the surest of each kind."""
    methods = {page.number: page.method.value for page in pages}
    best: dict[tuple[str, str], Proposal] = {}
    found = find_entities(pages, organisations=names.organisations, places=names.places)
    for one in found:
        known = best.get((one.kind.value, one.value))
        if known is None or known.confidence < one.confidence:
            best[one.kind.value, one.value] = Proposal(
                item=item,
                field=one.kind.value,
                value=one.value,
                page=one.page,
                box=list(one.box) if one.box else None,
                confidence=one.confidence,
                method=f"{methods[one.page]}:name",
            )
    for kind in EntityKind:
        own = [row for (of_kind, _), row in best.items() if of_kind == kind.value]
        yield from sorted(own, key=lambda row: -row.confidence)[:NAMES_PER_KIND]


def _writer(item: Item, rows: Sequence[Proposal]) -> Callable[[], None]:
    """Replaces what is still proposed; what a person decided stays and is not proposed again."""

    def save() -> None:
        own = Proposal.objects.filter(item=item)
        own.filter(state=ProposalState.PROPOSED).delete()
        decided = set(own.values_list("field", "value"))
        Proposal.objects.bulk_create(
            [row for row in rows if (row.field, row.value) not in decided], batch_size=200
        )

    return save


# Findings -----------------------------------------------------------------------------------------


def _words(pages: Sequence[Page]) -> Iterator[Finding]:
    for one in classified_words(pages):
        yield Finding("SEC-WORD-IN-TEXT", page=one.page, facts={"mark": one.value})


def has_catalogue(item: Item) -> bool:
    """Whether a person described the item: its title is not a mere file name."""
    return item.batch.kind != "bare" and (item.row is not None or item.batch.kind != "catalogue")


def _differences(item: Item, found: Mapping[str, ExtractedField]) -> Iterator[Finding]:
    """Where catalogue and document disagree by more than marks and reading errors."""
    if not has_catalogue(item):
        return
    for code, name, column, differ in (
        ("DESC-TITLE-DIFFERS", "title", "题名", titles_differ),
        ("DESC-NUMBER-DIFFERS", "document_number", "文号", numbers_differ),
        ("DESC-DATE-DIFFERS", "document_date", "日期", dates_differ),
    ):
        expected, one = item.description.get(name, "").strip(), found.get(name)
        if expected and one and one.confidence >= TRUSTED and differ(expected, one.value):
            facts = {"expected": expected[:200], "actual": one.value[:200]}
            yield Finding(code, row=item.row, column=column, page=one.page, facts=facts)


def titles_differ(catalogue: str, document: str) -> bool:
    """Neither holds the other, and a quarter of what they are about differs."""
    one, other = _letters(catalogue), _letters(document)
    if not one or not other or one in other or other in one:
        return False
    short, long = sorted((_matter(one), _matter(other)), key=len)
    matches = SequenceMatcher(None, short, long, autojunk=False).get_matching_blocks()
    shared = sum(block.size for block in matches)
    return shared < SAME_TITLE * len(short)


def _matter(letters: str) -> str:
    """What a title is about: without the issuing body before 关于 and the kind at its end."""
    _, about, matter = letters.partition("关于")
    matter = re.sub(r"的?[\u4e00-\u9fa5]{2}$", "", matter)
    return matter if about and matter else letters


def _letters(text: str) -> str:
    return re.sub(r"[\W_]", "", fold_line(text)).casefold()


def numbers_differ(catalogue: str, document: str) -> bool:
    """Another year or serial number, or letters of which less than half agree."""
    one, other = (re.findall("[0-9]+", code_key(text)) for text in (catalogue, document))
    if one[-2:] != other[-2:]:
        return True
    left, right = (
        re.sub(r"[^\u4e00-\u9fa5]", "", code_key(text)) for text in (catalogue, document)
    )
    return SequenceMatcher(None, left, right, autojunk=False).ratio() < SAME_LETTERS


def dates_differ(catalogue: str, document: str) -> bool:
    """Another day, as far as the catalogue says one; an unreadable date is another check's."""
    try:
        one, other = PartialDate.parse(catalogue), PartialDate.parse(document)
    except BadDate:
        return False
    pairs = ((one.year, other.year), (one.month, other.month), (one.day, other.day))
    return any(left and right and left != right for left, right in pairs)
