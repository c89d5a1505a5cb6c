"""Personal information of records: examined by machine, decided by people.

Deny first: what is proposed is masked until a person rejects it with a reason.  Decisions stand in
the rows at once and in the OCFL object a little later, so that a rebuild knows them too.
Source: 个人信息保护法 (2021) arts. 25, 28, 51.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from liandong.archive.models import NO_LINE, HitState, PersonalHit, Record, RecordPage
from liandong.archive.policies import UNEXAMINED
from liandong.base.audit import record_act
from liandong.kernel.pages import Box
from liandong.kernel.privacy import kinds
from liandong.kernel.privacy.places import clipped

from .examining import ExaminedPage, boxes_of, examine, level_of
from .indexing import hide_until_indexed
from .jobs import INDEX_STALE, PACK_AFTER, PACK_CORRECTIONS, enqueue_after_commit
from .objects import Packed

logger = logging.getLogger(__name__)
_ROWS = 500  # of one INSERT
_CHUNK = 50  # records looked at between two questions for more
_PLACE = ("page", "field", "line", "start", "last_line", "end", "kind")
_FOUND = ("sensitive", "confidence", "method", "boxes")  # what a new examination may change
DECISIONS: Mapping[str, HitState] = {"confirm": HitState.CONFIRMED, "reject": HitState.REJECTED}
BY_PERSON = "person"  # `PersonalHit.method` of what a person marked

Place = tuple[Any, ...]


class NeedsReason(Exception):
    """Whoever rejects a hit, so that it is shown, says why."""


class NoSuchPlace(Exception):
    """The record has no such page, line, field or characters."""


class UnknownDecision(ValueError):
    """The decision is neither confirm nor reject."""


def _place(hit: PersonalHit) -> Place:
    return tuple(getattr(hit, name) for name in _PLACE)


def _day(now: datetime) -> date:
    return timezone.localtime(now).date()


# Examination --------------------------------------------------------------------------------------


def examine_packed(packed: Packed, *, now: datetime) -> list[PersonalHit]:
    """Unsaved hits of a record that is being admitted or rebuilt, with the decisions of people.

    Decisions come from its object; what a person marked and no detector finds is there too.
    """
    pages = [
        ExaminedPage(number, page["lines"], page["width"], page["height"])
        for number, page in enumerate(packed.pages, start=1)
    ]
    found = {_place(hit): hit for hit in examine(packed.description, pages, today=_day(now))}
    images = []
    for row in packed.personal:
        hit = _decision_row(row)
        if hit.line == NO_LINE:
            images.append(hit)
        elif _place(hit) in found or hit.state == HitState.CONFIRMED:
            found[_place(hit)] = hit
    return [*found.values(), *images]


@transaction.atomic
def examine_record(record_id: int, *, now: datetime) -> Record:
    """Examine the whole record again; decisions stay; the record as it is now.

    Raises Record.DoesNotExist.
    """
    record = Record.objects.select_for_update().get(pk=record_id)
    pages = [_sheet(page) for page in RecordPage.objects.filter(record=record).order_by("number")]
    found = examine(record.description, pages, today=_day(now))
    changed = _write(record, PersonalHit.objects.filter(record=record), found)
    if changed or record.personal == UNEXAMINED:
        settle(record)
    return record


def examine_all(*, now: datetime, everything: bool = False) -> Iterator[Record]:
    """Examine the records that were not examined yet, or every one; each as it is done.

    One transaction per record: killed, the command goes on where it stopped.
    """
    last = 0
    while True:
        rows = Record.objects.filter(pk__gt=last).order_by("pk")
        if not everything:
            rows = rows.filter(personal=UNEXAMINED)
        keys = list(rows.values_list("pk", flat=True)[:_CHUNK])
        if not keys:
            return
        for key in keys:
            yield examine_record(key, now=now)
        last = keys[-1]


def examine_line(page: RecordPage, line: int, before: str, *, now: datetime) -> None:
    """Examine a page again after one of its lines was corrected, in the caller's transaction.

    Marks of people move with the text around them; where the text itself changed they grow, so
    that nothing that was masked is shown.
    """
    record = Record.objects.select_for_update().get(pk=page.record_id)
    rows = PersonalHit.objects.filter(record=record, page=page.number)
    touched = [hit for hit in rows.exclude(state=HitState.PROPOSED)
               if hit.line <= line <= hit.last_line]  # fmt: skip
    rows.filter(pk__in=[hit.pk for hit in touched]).delete()  # a place may be free only now
    moved = [_moved(hit, page, line, before) for hit in touched]
    PersonalHit.objects.bulk_create([hit for hit in moved if hit], ignore_conflicts=True)
    found = examine({}, [_sheet(page)], today=_day(now), names=_known_names(record, page.number))
    _write(record, rows, found)
    settle(record)


def examine_description(record: Record, *, now: datetime) -> None:
    """Examine the description again after it changed, in the caller's transaction.

    A mark that a person made in a field that no detector finds covers the whole field from now on.
    """
    rows = PersonalHit.objects.filter(record=record, page=0)
    for hit in rows.filter(state=HitState.CONFIRMED):
        length = len(str(record.description.get(hit.field, "")))
        if length and (hit.end > length or hit.method == BY_PERSON):
            rows.filter(pk=hit.pk).update(start=0, end=length, packed=False)
    found = examine(record.description, [], today=_day(now), names=_known_names(record, 0))
    _write(record, rows, found)
    settle(record)


def _known_names(record: Record, but: int) -> frozenset[str]:
    """Names that are masked on other pages of the record."""
    rows = PersonalHit.objects.filter(record=record, kind="person_name", page__gt=0)
    hits = [hit for hit in rows.exclude(state=HitState.REJECTED) if hit.page != but]
    pages = RecordPage.objects.filter(record=record, number__in={hit.page for hit in hits})
    lines = dict(pages.values_list("number", "lines"))
    return frozenset(
        lines[hit.page][hit.line]["text"][hit.start : hit.end]
        for hit in hits
        if hit.page in lines and 0 <= hit.line == hit.last_line < len(lines[hit.page])
    )


def _moved(hit: PersonalHit, page: RecordPage, line: int, before: str) -> PersonalHit | None:
    """A decided hit with its ends where a corrected line has them now.

    None for a rejected hit whose own text changed: what stands there now is to be decided anew.
    """
    after = page.lines[line]["text"]
    head = _common(before, after)
    tail = min(_common(before[::-1], after[::-1]), len(before) - head, len(after) - head)
    change, shift = (head, len(before) - tail), len(after) - len(before)
    start = hit.start if hit.line == line else 0
    end = hit.end if hit.last_line == line else len(before)
    touched = (start < change[1] and change[0] < end) or start < change[0] == change[1] < end
    if touched and hit.state == HitState.REJECTED:
        return None
    if hit.line == line:
        hit.start = min(start, head) if touched or start < change[1] else start + shift
    if hit.last_line == line:
        hit.end = end if end <= change[0] else max(head, end + shift)
    hit.boxes, hit.packed = boxes_of(hit, _sheet(page)), False
    return hit


def _common(one: str, other: str) -> int:
    """Length of the common beginning."""
    at = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        at += 1
    return at


def _sheet(page: RecordPage) -> ExaminedPage:
    return ExaminedPage(page.number, page.lines, page.width, page.height)


def hits_for(record: Record, hits: Iterable[PersonalHit]) -> Iterator[PersonalHit]:
    """The same unsaved hits, of this saved record."""
    for hit in hits:
        hit.record = record
        yield hit


# Rows ---------------------------------------------------------------------------------------------


def _write(record: Record, rows: QuerySet[PersonalHit], found: Sequence[PersonalHit]) -> bool:
    """Make the rows of a part of a record those that were found; decisions stay.

    Whether any row changed.
    """
    known = {_place(hit): hit for hit in rows if hit.line != NO_LINE}
    wanted = {_place(hit): hit for hit in found}
    fresh = [hit for place, hit in wanted.items() if place not in known]
    gone = [
        hit.pk
        for place, hit in known.items()
        if place not in wanted and hit.state == HitState.PROPOSED
    ]
    changed = [known[place] for place in known.keys() & wanted.keys()
               if _take_over(known[place], wanted[place])]  # fmt: skip
    PersonalHit.objects.filter(pk__in=gone).delete()
    PersonalHit.objects.bulk_create(list(hits_for(record, fresh)), batch_size=_ROWS)
    PersonalHit.objects.bulk_update(changed, list(_FOUND), batch_size=_ROWS)
    return bool(gone or fresh or changed)


def _take_over(known: PersonalHit, found: PersonalHit) -> bool:
    """Update what was found of a hit; whether anything changed."""
    if known.method == BY_PERSON or all(
        getattr(known, name) == getattr(found, name) for name in _FOUND
    ):
        return False
    for name in _FOUND:
        setattr(known, name, getattr(found, name))
    return True


def settle(record: Record, *, masks_more: bool = False) -> None:
    """Write what the hits of a record make of it: its level, a new revision, a stale index.

    When the level rises or more is masked, nobody finds it before the index knows.
    """
    before = record.personal
    record.personal = level_of(PersonalHit.objects.filter(record=record))
    record.personal_revision += 1
    record.indexed_version = 0
    record.save(update_fields=["personal", "personal_revision", "indexed_version"])
    if masks_more or record.personal > before:
        hide_until_indexed([record.pk])
    else:
        enqueue_after_commit(INDEX_STALE)


# Decisions ----------------------------------------------------------------------------------------


def decide(
    hit_ids: Iterable[int], decision: str, *, by: str, now: datetime, reason: str = ""
) -> list[PersonalHit]:
    """Confirm or reject hits; those that were decided so already stay as they are.

    A decision may be taken back by the other one.  Raises UnknownDecision, NeedsReason.
    """
    state, reason = DECISIONS.get(decision), reason.strip()[:200]
    if state is None:
        raise UnknownDecision(decision)
    if state == HitState.REJECTED and not reason:
        raise NeedsReason
    waiting = PersonalHit.objects.filter(pk__in=list(hit_ids)).exclude(state=state)
    done: list[PersonalHit] = []
    ordered = waiting.order_by("record_id", "pk").values_list("record_id", "pk")
    for record_id, pairs in groupby(ordered, key=lambda pair: pair[0]):
        done += _decide_in(record_id, [pk for _, pk in pairs], state, reason, by=by, now=now)
    return done


@transaction.atomic
def _decide_in(
    record_id: int, keys: list[int], state: HitState, reason: str, *, by: str, now: datetime
) -> list[PersonalHit]:
    record = Record.objects.select_for_update().get(pk=record_id)
    hits = list(PersonalHit.objects.filter(pk__in=keys, record=record).exclude(state=state))
    if not hits:
        return []
    _pack_later(record, now=now)
    masks_more = any(hit.state == HitState.REJECTED for hit in hits)
    for hit in hits:
        hit.state, hit.reason, hit.packed = state, reason, False
        hit.decided_by, hit.decided_at = by, now
    PersonalHit.objects.bulk_update(
        hits, ["state", "reason", "packed", "decided_by", "decided_at"], batch_size=_ROWS
    )
    settle(record, masks_more=masks_more)
    facts: dict[str, str | int] = {
        "decision": state.value,
        "hits": len(hits),
        "kinds": _kinds_of(hits),
    }
    record_act(
        "decide_personal", by=by, now=now, object=f"record:{record.code}", why=reason, facts=facts
    )
    logger.info("personal.decided id=%s hits=%s state=%s by=%s", record.pk, len(hits), state, by)
    return hits


def _kinds_of(hits: Iterable[PersonalHit]) -> str:
    return ",".join(sorted({hit.kind for hit in hits}))


def _pack_later(record: Record, *, now: datetime) -> None:
    """Write decisions into the object once nobody works on the record any more."""
    if not undecided_packing(record.pk).exists():
        enqueue_after_commit(PACK_CORRECTIONS, record.pk, run_after=now + PACK_AFTER)


def undecided_packing(record_id: int) -> QuerySet[PersonalHit]:
    """Decided hits of a record that no version of its object holds yet."""
    rows = PersonalHit.objects.filter(record=record_id, packed=False)
    return rows.exclude(state=HitState.PROPOSED)


@dataclass(frozen=True, slots=True)
class Mark:
    """A place that a person marks."""

    page: int  # 0: description
    kind: str
    field: str = ""  # on page 0
    line: int = 0
    start: int = 0
    last_line: int = 0
    end: int = 0


@transaction.atomic
def add_marks(
    record_id: int, marks: Sequence[Mark], *, by: str, now: datetime
) -> list[PersonalHit]:
    """Mark text that no detector found, or confirm a hit that is there; confirmed at once.

    Raises Record.DoesNotExist, NoSuchPlace, KeyError (unknown kind); then nothing is marked.
    """
    record = Record.objects.select_for_update().get(pk=record_id)
    _pack_later(record, now=now)
    hits = [_marked(record, mark, by=by, now=now) for mark in marks]
    _note_marks(record, hits, by=by, now=now)
    return hits


@transaction.atomic
def add_area(
    record_id: int, page: int, area: Box, *, kind: str, by: str, now: datetime
) -> PersonalHit:
    """Mark a part of a page image without text: a face, a signature, a seal of a person.

    Raises Record.DoesNotExist, NoSuchPlace, KeyError (unknown kind).
    """
    record = Record.objects.select_for_update().get(pk=record_id)
    sheet = RecordPage.objects.filter(record=record, number=page).first()
    inside = clipped(area, sheet.width, sheet.height) if sheet else None
    if inside is None:
        raise NoSuchPlace
    _pack_later(record, now=now)
    hit = PersonalHit.objects.create(
        record=record, page=page, line=NO_LINE, last_line=NO_LINE, kind=kind,
        sensitive=kinds()[kind].sensitive, method=BY_PERSON, boxes=[list(inside)],
        state=HitState.CONFIRMED, decided_by=by, decided_at=now,
    )  # fmt: skip
    _note_marks(record, [hit], by=by, now=now)
    return hit


def _note_marks(record: Record, hits: Sequence[PersonalHit], *, by: str, now: datetime) -> None:
    settle(record, masks_more=True)
    facts: dict[str, str | int] = {"hits": len(hits), "kinds": _kinds_of(hits)}
    record_act("mark_personal", by=by, now=now, object=f"record:{record.code}", facts=facts)
    logger.info("personal.marked id=%s hits=%s by=%s", record.pk, len(hits), by)


def _marked(record: Record, mark: Mark, *, by: str, now: datetime) -> PersonalHit:
    sheet = _place_of(record, mark)
    place = {name: getattr(mark, name) for name in _PLACE}
    hit, _created = PersonalHit.objects.update_or_create(
        record=record,
        **place,
        defaults={
            "state": HitState.CONFIRMED, "reason": "", "packed": False,
            "decided_by": by, "decided_at": now,
        },
        create_defaults={
            "state": HitState.CONFIRMED, "decided_by": by, "decided_at": now,
            "method": BY_PERSON, "sensitive": kinds()[mark.kind].sensitive,
        },
    )  # fmt: skip
    if sheet is not None:
        hit.boxes = boxes_of(hit, sheet)
        hit.save(update_fields=["boxes"])
    return hit


def _place_of(record: Record, mark: Mark) -> ExaminedPage | None:
    """The page of a mark, None in the description; raises NoSuchPlace."""
    if mark.page == 0:
        if not 0 <= mark.start < mark.end <= len(str(record.description.get(mark.field, ""))):
            raise NoSuchPlace
        return None
    page = RecordPage.objects.filter(record=record, number=mark.page).first()
    if page is None or not 0 <= mark.line <= mark.last_line < len(page.lines):
        raise NoSuchPlace
    first, last = page.lines[mark.line]["text"], page.lines[mark.last_line]["text"]
    ordered = mark.start < mark.end or mark.line < mark.last_line
    if not (0 <= mark.start < len(first) and 0 < mark.end <= len(last) and ordered):
        raise NoSuchPlace
    return _sheet(page)


# In the object ------------------------------------------------------------------------------------


def decisions_of(record: Record) -> tuple[Mapping[str, Any], ...]:
    """What people decided of a record, JSON-ready, in the order of the text."""
    rows = PersonalHit.objects.filter(record=record).exclude(state=HitState.PROPOSED)
    return tuple(
        _decision_json(hit) for hit in rows.order_by("page", "field", "line", "start", "pk")
    )


def _decision_json(hit: PersonalHit) -> dict[str, Any]:
    names = (*_PLACE, "sensitive", "confidence", "method", "boxes", "state", "reason")
    at = hit.decided_at.isoformat() if hit.decided_at else ""
    return {name: getattr(hit, name) for name in names} | {"by": hit.decided_by, "at": at}


def _decision_row(row: Mapping[str, Any]) -> PersonalHit:
    names = (*_PLACE, "sensitive", "confidence", "method", "boxes", "state", "reason")
    return PersonalHit(
        **{name: row[name] for name in names},
        decided_by=row["by"],
        decided_at=datetime.fromisoformat(row["at"]),
        packed=True,
    )


def mark_packed(record: Record, kept: Packed) -> None:
    """Note which decisions the head of the object holds."""
    stored = {(row["state"], row["at"], *(row[name] for name in _PLACE)) for row in kept.personal}
    done = [
        hit.pk
        for hit in undecided_packing(record.pk)
        if hit.decided_at and (hit.state, hit.decided_at.isoformat(), *_place(hit)) in stored
    ]
    PersonalHit.objects.filter(pk__in=done).update(packed=True)
