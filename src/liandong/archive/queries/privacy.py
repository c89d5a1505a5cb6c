"""What of a record is masked (个人信息): lines, description, text and parts of the page image.

For whoever may read a record but not `may_read_whole`: ask for the hits once, then mask.  A record
that was not examined yet shows nothing of its pages.  Hits say where; the secret is in the page.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.db.models import QuerySet

from liandong.archive.models import NO_LINE, HitState, PersonalHit, Record, RecordPage
from liandong.archive.policies import UNEXAMINED
from liandong.kernel.pages import Box
from liandong.kernel.privacy import MASK, hide_all, mask

MASKING = (HitState.PROPOSED, HitState.CONFIRMED)  # deny first: only a rejected hit shows
_SHOWN_OF_A_LINE = ("text", "box", "confidence", "vertical")  # never what was recognised before


def hits_of(record: Record, *, page: int | None = None) -> list[PersonalHit]:
    """The hits of a record that mask, in the order of the text; of one page (0: description)."""
    rows = PersonalHit.objects.filter(record=record, state__in=MASKING)
    return list(_ordered(rows if page is None else rows.filter(page=page)))


def hits_of_many(records: Iterable[Record | int]) -> dict[int, list[PersonalHit]]:
    """The hits that mask, by the key of their record: for lists and the index, in one query."""
    keys = [one.pk if isinstance(one, Record) else one for one in records]
    found: dict[int, list[PersonalHit]] = {}
    for hit in _ordered(PersonalHit.objects.filter(record__in=keys, state__in=MASKING)):
        found.setdefault(hit.record_id, []).append(hit)
    return found


def _ordered(rows: QuerySet[PersonalHit]) -> QuerySet[PersonalHit]:
    return rows.order_by("record_id", "page", "field", "line", "start", "pk")


def masked_lines(page: RecordPage, hits: Iterable[PersonalHit]) -> list[dict[str, Any]]:
    """The lines of a page as `RecordPage.lines` has them, with every hit masked.

    As many lines of the same lengths; what recognition had read before a correction is left out.
    Empty while the record is not examined.
    """
    if page.record.personal == UNEXAMINED:
        return []
    texts = masked_texts([line["text"] for line in page.lines], _on(page, hits))
    return [
        {name: line[name] for name in _SHOWN_OF_A_LINE if name in line} | {"text": text}
        for line, text in zip(page.lines, texts, strict=True)
    ]


def masked_text(page: RecordPage, hits: Iterable[PersonalHit]) -> str:
    """The text of a page, one line per line, with every hit masked; "" while not examined."""
    return "\n".join(line["text"] for line in masked_lines(page, hits))


def secret_lines(page: RecordPage, hits: Iterable[PersonalHit]) -> frozenset[int]:
    """Indexes of the lines of a page in which something is masked."""
    return frozenset(
        at
        for hit in _on(page, hits)
        if hit.line != NO_LINE
        for at in range(hit.line, min(hit.last_line, len(page.lines) - 1) + 1)
    )


def masked_description(record: Record, hits: Iterable[PersonalHit]) -> dict[str, str]:
    """The description of a record with every hit masked, by identifier; the title is among it.

    Empty while the record is not examined, but for its code.
    """
    known: Mapping[str, str] = record.description
    if record.personal == UNEXAMINED:
        return {name: known[name] for name in ("archival_code",) if name in known}
    by_field: dict[str, list[PersonalHit]] = {}
    for hit in hits:
        if hit.record_id == record.pk and hit.page == 0:
            by_field.setdefault(hit.field, []).append(hit)
    return {
        name: masked_texts([str(text)], by_field[name])[0] if name in by_field else text
        for name, text in known.items()
    }


def boxes_to_black(page: RecordPage, hits: Iterable[PersonalHit]) -> list[Box]:
    """Rectangles of the page image that must not be seen, in its pixels.

    The whole page while the record is not examined, and for a hit whose place is not known.
    """
    if not page.width:
        return []
    whole = Box(0, 0, page.width, page.height)
    if page.record.personal == UNEXAMINED:
        return [whole]
    boxes = [
        Box(*box)
        for hit in _on(page, hits)
        for box in (hit.boxes or [[0, 0, page.width, page.height]])
    ]
    return [whole] if whole in boxes else boxes


def mask_state(page: RecordPage, hits: Iterable[PersonalHit]) -> str:
    """What is black on the page image, as 16 hex digits: part of the address of a masked image.

    Another decision gives another address, so no cache shows an image of yesterday's masks.
    """
    boxes = sorted(tuple(round(edge, 1) for edge in box) for box in boxes_to_black(page, hits))
    return hashlib.sha256(repr(boxes).encode()).hexdigest()[:16]


def _on(page: RecordPage, hits: Iterable[PersonalHit]) -> list[PersonalHit]:
    return [
        hit
        for hit in hits
        if hit.record_id == page.record_id and hit.page == page.number and hit.state in MASKING
    ]


# Texts --------------------------------------------------------------------------------------------


def masked_texts(texts: Sequence[str], hits: Iterable[PersonalHit]) -> list[str]:
    """Lines with these hits masked; as many and as long as before."""
    letters = [list(text) for text in texts]
    for hit in hits:
        spans = list(spans_of(hit, texts))
        if not spans:  # a part of the image, or a line that is gone
            continue
        secret = "\n".join(texts[line][start:end] for line, start, end in spans)
        for (line, start, _end), shown in zip(spans, _shown(hit, secret), strict=True):
            for at, letter in enumerate(shown, start=start):
                if letter == MASK:
                    letters[line][at] = MASK
    return ["".join(line) for line in letters]


def _shown(hit: PersonalHit, secret: str) -> list[str]:
    """What is shown of a secret, line by line; what a person marked is hidden in any case."""
    shown = mask(hit.kind, secret)
    if shown == secret and hit.method == "person":
        shown = hide_all(secret)
    return shown.split("\n")


def spans_of(hit: PersonalHit, texts: Sequence[str]) -> Iterator[tuple[int, int, int]]:
    """Line, start and end of each part of a hit, within the lines that there are."""
    if hit.line == NO_LINE:
        return
    for line in range(hit.line, min(hit.last_line, len(texts) - 1) + 1):
        start = hit.start if line == hit.line else 0
        end = hit.end if line == hit.last_line else len(texts[line])
        if start < (end := min(end, len(texts[line]))):
            yield line, start, end
