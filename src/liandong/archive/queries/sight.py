"""How much of a record a person sees (遮盖): nothing, the masked view, or the whole.

The only place where this is decided.  Pages, lists, search, images, downloads, exports and the API
show what comes out of here and nothing else.  A record in the masked view is a copy of the row that
cannot be saved, with the masks over its title, author and description.
"""

import copy
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum

from django.db.models import BooleanField, Case, Value, When
from django.utils.translation import gettext as _

from liandong.archive.models import PersonalHit, Record, RecordFile, RecordPage
from liandong.archive.policies import EXAMINED_CLEAN, UNEXAMINED, may_read, may_read_whole
from liandong.base.viewers import may
from liandong.kernel.pages import Box
from liandong.kernel.ports import MaskedText
from liandong.kernel.viewer import Viewer

from .granting import condition, readable
from .privacy import (
    boxes_to_black,
    hits_of,
    hits_of_many,
    mask_state,
    masked_description,
    masked_lines,
    masked_texts,
)

_SUFFIX = re.compile(r"\.[a-zA-Z0-9]{1,5}$")
_MASKED_COLUMNS = ("title", "author", "document_number")


class Sight(StrEnum):
    """What of a record a person sees."""

    NOTHING = "nothing"  # as if it were not there
    MASKED = "masked"  # personal information masked; what is not examined yet is withheld
    WHOLE = "whole"


def sights(record_ids: Iterable[int], *, viewer: Viewer, today: int) -> dict[int, Sight]:
    """What the viewer sees of these records; hidden and absent ones are left out.  One query."""
    whole = Case(
        When(condition(may_read_whole(viewer, today)), then=Value(True)),
        default=Value(False),
        output_field=BooleanField(),
    )
    rows = readable(viewer, today).filter(pk__in=set(record_ids)).annotate(sees_whole=whole)
    return {
        pk: Sight.WHOLE if sees_whole else Sight.MASKED
        for pk, sees_whole in rows.order_by().values_list("pk", "sees_whole")
    }


def sight_of(record_id: int, *, viewer: Viewer, today: int) -> Sight:
    """What the viewer sees of one record."""
    return sights([record_id], viewer=viewer, today=today).get(record_id, Sight.NOTHING)


def sight_of_everybody(record: Record, *, today: int) -> Sight:
    """What even a stranger sees of a record that was read before: that much is no secret."""
    anybody = Viewer()
    if may(may_read_whole(anybody, today), record):
        return Sight.WHOLE
    return Sight.MASKED if may(may_read(anybody, today), record) else Sight.NOTHING


# Records ------------------------------------------------------------------------------------------


def as_seen(records: Iterable[Record], *, viewer: Viewer, today: int) -> list[Record]:
    """The records as the viewer sees them, each with its `sight`; hidden ones are left out.

    Two queries for any number of records.
    """
    rows = list(records)
    known = sights([row.pk for row in rows], viewer=viewer, today=today)
    masked = [row for row in rows if known.get(row.pk) == Sight.MASKED]
    hits = hits_of_many(masked) if masked else {}
    return [_seen(row, known[row.pk], hits.get(row.pk, ())) for row in rows if row.pk in known]


def _seen(record: Record, sight: Sight, hits: Iterable[PersonalHit]) -> Record:
    if sight == Sight.WHOLE:
        record.sight = sight.value
        return record
    return masked_record(record, hits)


def masked_record(record: Record, hits: Iterable[PersonalHit]) -> Record:
    """A copy of the row with its masks on, which cannot be saved."""
    shown = copy.copy(record)
    shown.sight = Sight.MASKED.value
    shown.description = masked_description(record, hits)
    for name in _MASKED_COLUMNS:
        setattr(shown, name, _under_masks(record, shown.description, name))
    if not shown.title:
        shown.title = _("（个人信息尚未审查，题名暂不显示）")
    shown.save = _refuse_to_save  # type: ignore[method-assign]  # masks must never become the row
    return shown


def _under_masks(record: Record, shown: Mapping[str, str], name: str) -> str:
    """The column as the masked description has it; one that does not copy it is withheld."""
    held, described = str(getattr(record, name)), str(record.description.get(name, ""))
    return str(shown.get(name, ""))[: len(held)] if described.startswith(held) else ""


def _refuse_to_save(*_args: object, **_options: object) -> None:
    raise TypeError("a masked record is for reading only")


def is_withheld(record: Record) -> bool:
    """Whether this record, as it is seen, shows no text and no image until it is examined."""
    return record.sight != Sight.WHOLE and record.personal == UNEXAMINED


def files_as_seen(files: Iterable[RecordFile], record: Record) -> list[RecordFile]:
    """Files of a record that was read for a viewer: names and digests may tell what is masked."""
    rows = list(files)
    if record.sight == Sight.WHOLE:
        return rows
    return [_nameless(row, number) for number, row in enumerate(rows, start=1)]


def _nameless(row: RecordFile, number: int) -> RecordFile:
    shown = copy.copy(row)
    shown.path = f"{row.role}/{number}{_suffix(row.path)}"
    shown.content_path = shown.sha512 = shown.sha256 = shown.sm3 = ""
    shown.save = _refuse_to_save  # type: ignore[method-assign]  # masks must never become the row
    return shown


def _suffix(path: str) -> str:
    return match.group() if (match := _SUFFIX.search(path)) else ""


# Pages --------------------------------------------------------------------------------------------


def page_as_seen(page: RecordPage, *, viewer: Viewer, today: int) -> RecordPage | None:
    """The page and its record as the viewer sees them, or None; `record` must be loaded."""
    sight = sight_of(page.record_id, viewer=viewer, today=today)
    if sight == Sight.NOTHING:
        return None
    if sight == Sight.WHOLE:
        page.record.sight = sight.value
        return page
    return masked_page(page)


def masked_page(page: RecordPage) -> RecordPage:
    """A copy of the page with its masks on, which cannot be saved."""
    hits = hits_of(page.record)
    shown = copy.copy(page)
    shown.lines = masked_lines(page, hits)
    shown.text = "\n".join(line["text"] for line in shown.lines)
    shown.record = masked_record(page.record, hits)
    shown.save = _refuse_to_save  # type: ignore[method-assign]  # masks must never become the row
    return shown


class Masks:
    """The masks of some records that were read for a viewer, put over the text of their pages."""

    def __init__(self, records: Iterable[Record]) -> None:
        self._records = {one.pk: one for one in records}
        masked = [one for one in self._records.values() if one.sight != Sight.WHOLE]
        self._hits: dict[tuple[int, int], list[PersonalHit]] = {}
        for hits in hits_of_many(masked).values() if masked else ():
            for hit in hits:
                self._hits.setdefault((hit.record_id, hit.page), []).append(hit)

    def over(self, rows: Iterable[tuple[int, int, str]]) -> Iterator[tuple[int, int, str]]:
        """Record, number and text of pages, as they are seen; withheld ones are left out."""
        for record_id, number, text in rows:
            if is_withheld(self._records[record_id]):
                continue
            hits = self._hits.get((record_id, number))
            shown = "\n".join(masked_texts(text.split("\n"), hits)) if hits else text
            yield record_id, number, shown


def mask_names(record: Record, pages: Iterable[RecordPage]) -> dict[int, str]:
    """Names of the masked images by page number; none where the record is seen whole.  One query.

    Another decision about a hit gives another name, so that no cache shows an old mask.
    """
    if record.sight == Sight.WHOLE:
        return {}
    hits, names = hits_of(record), {}
    for page in pages:
        page.record = record
        names[page.number] = mask_state(page, hits)
    return names


def black_parts(page: RecordPage) -> tuple[list[Box], str]:
    """What of the page image must not be seen in the masked view, and the name of just that."""
    hits = hits_of(page.record, page=page.number)
    return boxes_to_black(page, hits), mask_state(page, hits)


# Search -------------------------------------------------------------------------------------------

NOT_IN_BODY = frozenset({"title", "archival_code", "document_number"})  # have fields of their own


def body_text(record: Record, texts: Iterable[str]) -> str:
    """The words of a record besides its title and codes: description, then pages."""
    described = [
        str(text) for name, text in record.description.items() if text and name not in NOT_IN_BODY
    ]
    return "\n".join([*described, *texts])


def masked_texts_of(
    records: Sequence[Record], texts: Mapping[int, Sequence[tuple[int, str]]]
) -> dict[int, MaskedText]:
    """By which words those find the records who see them masked; none where nobody does.

    `texts` are numbers and texts of pages, by record.  One query.
    """
    known = [record for record in records if record.personal != EXAMINED_CLEAN]
    hits = hits_of_many(known) if known else {}
    shown = [masked_record(record, hits.get(record.pk, ())) for record in known]
    masks = Masks(shown)
    return {record.pk: _masked_text(record, masks, texts.get(record.pk, ())) for record in shown}


def _masked_text(record: Record, masks: Masks, pages: Iterable[tuple[int, str]]) -> MaskedText:
    texts = [text for *_, text in masks.over((record.pk, number, text) for number, text in pages)]
    return MaskedText(
        title=record.description.get("title", ""),  # not the sentence that stands for it
        document_number=record.document_number,
        body=body_text(record, texts),
        author=record.author,
    )
