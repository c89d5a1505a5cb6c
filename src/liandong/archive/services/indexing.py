"""The search index follows the rows; it can be thrown away and made again at any time.

A record whose row changed has `indexed_version` 0 until the index holds what the row says.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from django.db import transaction
from django.db.models import Count

from liandong.archive.models import Record, RecordPage
from liandong.base.engines import engine
from liandong.kernel.ports import SearchDocument

_CHUNK = 200  # records whose text is in memory at once
_NOT_IN_BODY = frozenset({"title", "archival_code", "document_number"})  # have fields of their own


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
        done += len(before)
    return done


def index_stale(*, limit: int = 10_000) -> int:
    """Put records that changed since they were indexed, oldest first; how many."""
    stale = Record.objects.filter(indexed_version=0).order_by("id")
    return index_records(stale.values_list("id", flat=True)[:limit])


def reindex_all() -> int:
    """Fill a new index beside the old one and swap; how many records it holds.

    Memory does not grow with the holdings: rows are read by keyset.  Records that change meanwhile
    stay stale and are put again.
    """
    stamps: dict[int, tuple[int, int, int]] = {}

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


def _stamps(ids: Sequence[int]) -> dict[int, tuple[int, int, int]]:
    """What tells whether the text, the description or the masks of a record have changed."""
    rows = Record.objects.filter(pk__in=ids).annotate(corrections=Count("pages__corrections"))
    return {pk: (version, count, masks) for pk, version, count, masks in rows.values_list(
        "pk", "version", "corrections", "personal_revision"
    )}  # fmt: skip


def _mark(before: Mapping[int, tuple[int, int, int]]) -> None:
    """Note what the index holds, for records that did not change since `before`."""
    with transaction.atomic():
        locked = Record.objects.select_for_update().filter(pk__in=before.keys())
        versions = set(locked.values_list("pk", flat=True))
        now = _stamps(sorted(versions))
        by_version: dict[int, list[int]] = {}
        for pk, stamp in now.items():
            if stamp == before[pk]:
                by_version.setdefault(stamp[0], []).append(pk)
        for version, ids in by_version.items():
            Record.objects.filter(pk__in=ids).update(indexed_version=version)


def _documents(ids: Sequence[int]) -> Iterator[SearchDocument]:
    texts: dict[int, list[str]] = {}
    pages = RecordPage.objects.filter(record__in=ids).order_by("record_id", "number")
    for record_id, text in pages.values_list("record_id", "text"):
        texts.setdefault(record_id, []).append(text)
    for record in Record.objects.filter(pk__in=ids).select_related("fonds").order_by("pk"):
        yield search_document(record, texts.get(record.pk, ()))


def search_document(record: Record, texts: Sequence[str]) -> SearchDocument:
    """What the index holds of a record: description and page text, and the facts of access."""
    described = [
        text for name, text in record.description.items() if text and name not in _NOT_IN_BODY
    ]
    return SearchDocument(
        record_id=record.pk,
        code=record.code,
        document_number=record.document_number,
        title=record.title,
        body="\n".join([*described, *texts]),
        facets={
            "year": record.year,
            "fonds": record.fonds.number,
            "category": record.category,
            "retention": record.retention,
            "author": record.author,
        },
        date=record.document_date,
        facts={"level": record.level, "open_from": record.open_from, "unit": record.unit},
    )
