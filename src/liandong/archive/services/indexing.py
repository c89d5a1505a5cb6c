"""The search index follows the rows; it can be thrown away and made again at any time.

A record whose row changed has `indexed_version` 0 until the index holds what the row says.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Count, F

from liandong.archive.models import Record, RecordPage, SharedRecord
from liandong.archive.queries.sight import body_text, masked_texts_of
from liandong.base.engines import engine
from liandong.kernel.ports import MaskedText, SearchDocument

from .jobs import INDEX_STALE, enqueue_after_commit

_CHUNK = 200  # records whose text is in memory at once
Stamp = list[Any]


def index_records(record_ids: Iterable[int]) -> int:
    """Put these records into the index; how many.  Findable when this returns.

    A record that changes meanwhile stays marked as stale and is put again later.
    """
    ids, done = sorted(set(record_ids)), 0
    for at in range(0, len(ids), _CHUNK):
        chunk = ids[at : at + _CHUNK]
        before = _stamps(chunk)
        engine("search").put(list(_documents(chunk)))
        _mark(before)
        if gone := _destroyed(chunk):  # while their text was on its way
            engine("search").remove(gone)
        done += len(before)
    return done


def _destroyed(ids: Sequence[int]) -> list[int]:
    rows = Record.every.filter(pk__in=ids, destroyed_at__isnull=False)
    return list(rows.values_list("pk", flat=True))


def mark_stale(record_ids: Iterable[int]) -> None:
    """Have these records put into the index anew, soon after the transaction has committed."""
    Record.objects.filter(pk__in=set(record_ids)).update(indexed_version=0)
    enqueue_after_commit(INDEX_STALE)


def hide_until_indexed(record_ids: Iterable[int]) -> None:
    """Take records out of the index once the transaction has committed, and put them in anew.

    For what narrows access (more is masked, a level rises): until the job has run, nobody finds
    them by words that they may not know.
    """
    ids = sorted(set(record_ids))

    def hide() -> None:
        engine("search").remove(ids)
        # A job may have put them just before: by the new revision it does not take them for done.
        rows = Record.objects.filter(pk__in=ids)
        rows.update(personal_revision=F("personal_revision") + 1, indexed_version=0)

    mark_stale(ids)
    transaction.on_commit(hide, robust=True)  # the index busy: it follows by the job


def index_stale(*, limit: int = 10_000) -> int:
    """Put records that changed since they were indexed, oldest first; how many."""
    stale = Record.objects.filter(indexed_version=0).order_by("id")
    return index_records(stale.values_list("id", flat=True)[:limit])


def reindex_all() -> int:
    """Fill a new index beside the old one and swap; how many records it holds.

    Memory does not grow with the holdings: rows are read by keyset.  Records that change meanwhile
    stay stale and are put again.
    """
    stamps: dict[int, Stamp] = {}

    def documents() -> Iterator[SearchDocument]:
        for chunk in _all_ids():
            stamps.update(_stamps(chunk))
            yield from _documents(chunk)

    count: int = engine("search").rebuild(documents())
    ids = sorted(stamps)
    for at in range(0, len(ids), _CHUNK):
        _mark({pk: stamps[pk] for pk in ids[at : at + _CHUNK]})
    index_stale()
    return count


def _all_ids() -> Iterator[list[int]]:
    last = 0
    while chunk := list(
        Record.objects.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:_CHUNK]
    ):
        last = chunk[-1]
        yield chunk


def _stamps(ids: Sequence[int]) -> dict[int, Stamp]:
    """What tells whether the text, the description, the masks or the facts of access changed.

    The version of the object comes first.
    """
    rows = Record.objects.filter(pk__in=ids).annotate(
        corrections=Count("pages__corrections", distinct=True),
        named=Count("shared_records", distinct=True),
    )
    return {pk: stamp for pk, *stamp in rows.values_list(
        "pk", "version", "corrections", "personal_revision", "named", "level", "open_from", "unit"
    )}  # fmt: skip


def _mark(before: Mapping[int, Stamp]) -> None:
    """Note what the index holds, for records that did not change since `before`."""
    with transaction.atomic():
        locked = Record.objects.select_for_update().filter(pk__in=before.keys())
        versions = set(locked.values_list("pk", flat=True))
        now = _stamps(sorted(versions))
        by_version: dict[int, list[int]] = {}
        for pk, stamp in now.items():
            if stamp == before[pk]:
                by_version.setdefault(int(stamp[0]), []).append(pk)
        for version, ids in by_version.items():
            Record.objects.filter(pk__in=ids).update(indexed_version=version)


def _documents(ids: Sequence[int]) -> Iterator[SearchDocument]:
    """What the index holds of these records; a fixed number of queries."""
    texts: dict[int, list[tuple[int, str]]] = {}
    pages = RecordPage.objects.filter(record__in=ids).order_by("record_id", "number")
    for record_id, number, text in pages.values_list("record_id", "number", "text"):
        texts.setdefault(record_id, []).append((number, text))
    shares: dict[int, set[str]] = {}
    named = SharedRecord.objects.filter(record__in=ids).values_list("record_id", "grant__code")
    for record_id, code in named:
        shares.setdefault(record_id, set()).add(code)
    records = list(Record.objects.filter(pk__in=ids).select_related("fonds").order_by("pk"))
    masked = masked_texts_of(records, texts)
    for record in records:
        yield _document(
            record,
            [text for _, text in texts.get(record.pk, ())],
            frozenset(shares.get(record.pk, ())),
            masked.get(record.pk),
        )


def _document(
    record: Record, texts: Sequence[str], shares: frozenset[str], masked: MaskedText | None
) -> SearchDocument:
    """Description and page text, as they are and masked, and the facts of access.

    `shares` names every grant, also those that are over: whoever asks names the live ones.
    """
    return SearchDocument(
        record_id=record.pk,
        code=record.code,
        document_number=record.document_number,
        title=record.title,
        body=body_text(record, texts),
        facets={
            "year": record.year,
            "fonds": record.fonds.number,
            "category": record.category,
            "retention": record.retention,
            "author": record.author,
        },
        date=record.document_date,
        facts={
            "level": record.level,
            "open_from": record.open_from,
            "personal": record.personal,
            "unit": record.unit,
            "shares": shares,
        },
        masked=masked,
    )
