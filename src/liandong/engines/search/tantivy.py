"""Full-text search in a folder of this machine, by tantivy.

The folder holds one generation of the index, named in the file CURRENT.  Any number of processes
read; writers of all processes take turns by a lock.  A rebuild fills another generation and
swaps CURRENT; what is put meanwhile goes into the old one and into a journal for the new one.
"""

import contextlib
import hashlib
import json
import logging
import os
import secrets
import shutil
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tantivy import (
    DocAddress,
    Index,
    IndexWriter,
    Order,
    Query,
    Searcher,
)

from liandong.kernel.access import Rule
from liandong.kernel.ports import (
    FACETS,
    SearchAnswer,
    SearchDocument,
    SearchHit,
    SearchQuery,
)

from .characters import folding
from .conditions import MASKED, Conditions
from .documents import Maker, frozen, make_schema, thawed
from .grants import Part, parts
from .locks import IndexBusy, is_locked, locked, take_lock

__all__ = ["IndexBusy", "TantivySearch"]

SCHEMA_VERSION = 2  # raise it when the meaning of a field changes
FACTS: Mapping[str, bool] = {  # True: whole number
    "level": True, "open_from": True, "personal": True, "unit": False, "shares": False,
}  # fmt: skip
DEEPEST = 10_000  # hits beyond this rank are not shown; the count stays exact
MOST_VALUES = 200  # of a facet that are named
_COUNTED_VALUES = 20_000  # of a facet that are counted exactly
_SMALL_HEAP, _LARGE_HEAP = 15_000_000, 200_000_000  # bytes; the least that tantivy takes, a rebuild
_COMMON = 0.3  # of the documents: a word in more says next to nothing about any of them
_FEW = 10_000  # documents that cost nothing to score
_ORDERS = {
    "relevance": (None, Order.Desc),
    "newest": ("date", Order.Desc),
    "oldest": ("oldest", Order.Asc),
}

_log = logging.getLogger(__name__)


class TantivySearch:
    """The search port on tantivy.

    `facts` names the fields that access rules may use: True for whole numbers, False for text.
    Another set of facts is another index: it starts empty and wants a rebuild.
    """

    def __init__(
        self,
        folder: Path | str,
        facts: Mapping[str, bool] = FACTS,
        wait_s: float = 60.0,
        heap_bytes: int = _LARGE_HEAP,
    ) -> None:
        self._folder = Path(folder)
        self._facts = dict(facts)
        self._wait_s = wait_s
        self._heap = heap_bytes
        self._schema = make_schema(facts)
        self._fold = folding()
        self._maker = Maker(self._facts, self._fold)
        self._whole, self._masked = (
            Conditions(self._schema, self._facts, self._fold, face) for face in ("", MASKED)
        )
        stamp = json.dumps([SCHEMA_VERSION, FACETS, sorted(self._facts.items())])
        self._tag = hashlib.sha256(stamp.encode()).hexdigest()[:8]
        self._opening = threading.Lock()
        self._open: tuple[str, Index] | None = None
        self._seen: tuple[int, ...] = ()
        self._closer = ThreadPoolExecutor(1, "search-merge")
        self._asker = ThreadPoolExecutor(os.cpu_count() or 1, "search")  # hits beside counts

    def fold(self, text: str) -> str:
        """`text` as this engine compares it, of the same length."""
        return self._fold(text)

    def close(self) -> None:
        """Wait for merges; let go of the index."""
        self._closer.shutdown(wait=True)
        self._closer = ThreadPoolExecutor(1, "search-merge")
        self._asker.shutdown(wait=True)
        self._asker = ThreadPoolExecutor(os.cpu_count() or 1, "search")
        with self._opening:
            self._open, self._seen = None, ()

    # Writing --------------------------------------------------------------------------------------

    def put(self, documents: Iterable[SearchDocument]) -> None:
        """Add or replace documents by record_id; findable when this returns.

        Raises IndexBusy when another writer holds the index for longer than `wait_s`, and KeyError
        when a document lacks a fact; then nothing was written.
        """
        with self._writing() as (writer, journal):
            for document in documents:
                journal("put", document)
                writer.delete_documents_by_term("record_id", document.record_id)
                writer.add_document(self._maker.make(document))

    def remove(self, record_ids: Iterable[int]) -> None:
        """Remove documents; unknown ids are ignored.  Raises IndexBusy."""
        with self._writing() as (writer, journal):
            for record_id in record_ids:
                journal("remove", record_id)
                writer.delete_documents_by_term("record_id", record_id)

    def rebuild(self, documents: Iterable[SearchDocument]) -> int:
        """Fill a new generation, swap, and return how many documents it holds.

        The old one serves, and takes what is put, until the swap.  Raises IndexBusy when another
        rebuild is running.
        """
        self._current()
        with locked(self._folder / "REBUILD", self._wait_s):
            with self._locked():
                self._sweep()
                self._journal.write_bytes(b"")
            name = self._fresh_name()
            index = self._make(name)
            try:
                self._fill(index, documents)
                with self._locked():
                    self._catch_up(index)
                    index.reload()
                    count = index.searcher().num_docs
                    self._swap(name)
                    self._sweep()
            except BaseException:
                shutil.rmtree(self._folder / name, ignore_errors=True)
                raise
            return count

    def _fill(self, index: Index, documents: Iterable[SearchDocument]) -> None:
        writer = index.writer(self._heap, 1)
        seen: set[int] = set()
        for document in documents:
            if document.record_id in seen:
                writer.delete_documents_by_term("record_id", document.record_id)
            seen.add(document.record_id)
            writer.add_document(self._maker.make(document))
        writer.commit()
        writer.wait_merging_threads()

    def _catch_up(self, index: Index) -> None:
        """Bring what was written meanwhile into the new generation."""
        writer = index.writer(_SMALL_HEAP, 1)
        for line in self._journal.read_text("utf-8").splitlines():
            what, value = json.loads(line)
            record_id = value if what == "remove" else value["record_id"]
            writer.delete_documents_by_term("record_id", record_id)
            if what == "put":
                writer.add_document(self._maker.make(thawed(value)))
        writer.commit()
        writer.wait_merging_threads()
        self._journal.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[tuple[IndexWriter, Callable[[str, Any], None]]]:
        """A writer whose work is committed at the end, or given up on an error.

        Merges go on in the background and keep the lock until they are done.
        """
        self._current()
        lock = take_lock(self._folder / "LOCK", self._wait_s)
        lines: list[str] = []
        writer: IndexWriter | None = None
        try:
            writer = self._current().writer(_SMALL_HEAP, 1)
            if is_locked(self._folder / "REBUILD"):
                yield writer, lambda what, value: lines.append(frozen(what, value))
                with self._journal.open("a", encoding="utf-8") as file:
                    file.write("".join(lines))
            else:
                yield writer, lambda what, value: None
            writer.commit()
        except BaseException:
            if writer is not None:
                _give_up(writer)
            os.close(lock)
            raise
        self._closer.submit(_finish, writer, lock)
        self._current(reload=True)

    # Reading --------------------------------------------------------------------------------------

    def find(
        self,
        query: SearchQuery,
        *,
        visible: Rule,
        whole: Rule,
        limit: int,
        offset: int = 0,
        facets: Sequence[str] = (),
        order: str = "relevance",
    ) -> SearchAnswer:
        """Hits within `visible`, the exact count, and the counts of the facets asked for.

        Documents outside of `whole` are asked by their masked text.  Hits beyond rank `DEEPEST`
        are not shown.  A facet names at most `MOST_VALUES` values.  Raises KeyError for an unknown
        facet or fact, ValueError for an unknown order.
        """
        if order not in _ORDERS:
            raise ValueError(f"unknown order: {order!r}")
        for rule in (visible, whole):
            self._whole.allow(rule)  # names every fact, also of alternatives that are dropped
        own = [name for name in facets if query.filters.get(name)]
        shared = [_facet(name) for name in facets if name not in own]
        last = min(max(0, offset) + limit, DEEPEST)
        searcher, asked = self._searcher(), parts(visible, whole)
        ranked = self._ranked(searcher, query, asked, scored=order == "relevance")
        hits = self._asker.submit(_hits, searcher, ranked, max(0, offset), last, order)
        totals = self._totals(searcher, query, asked, ["record_id", *shared])
        counted = {name: _values(totals, name) for name in shared}
        for name in own:
            relaxed = self._totals(searcher, query, asked, [name], _facet(name))
            counted[name] = _values(relaxed, name)
        count = sum(int(total["record_id"]["value"]) for total in totals)
        return SearchAnswer(hits.result(), count, {name: counted[name] for name in facets})

    def _ranked(
        self, searcher: Searcher, query: SearchQuery, asked: Iterable[Part], *, scored: bool
    ) -> list[tuple[Query, bool]]:
        """The question put to each part, with the words that are worth a score."""
        common = max(searcher.num_docs * _COMMON, _FEW)
        found = []
        for part in asked:
            face = self._face(part)

            def ranks(word: str, field: str = face.field("words")) -> bool:
                return scored and searcher.doc_freq(field, word) <= common

            if (compiled := face.ask(query, part, ranks=ranks)) is not None:
                found.append((compiled, part.whole))
        return found

    def _totals(
        self,
        searcher: Searcher,
        query: SearchQuery,
        asked: Iterable[Part],
        names: Sequence[str],
        without_filter: str = "",
    ) -> list[Mapping[str, Any]]:
        """What `names` count in each part."""
        totals: list[Mapping[str, Any]] = []
        for part in asked:
            face = self._face(part)
            compiled = face.ask(query, part, without_filter)
            if compiled is not None:
                totals.append(searcher.aggregate(compiled, _wanted(names, face)))
        return totals

    def _face(self, part: Part) -> Conditions:
        return self._whole if part.whole else self._masked

    def count(self) -> int:
        """Number of documents in the index."""
        return self._searcher().num_docs

    # Generations ----------------------------------------------------------------------------------

    @property
    def _journal(self) -> Path:
        return self._folder / "JOURNAL"

    def _locked(self) -> contextlib.AbstractContextManager[None]:
        return locked(self._folder / "LOCK", self._wait_s)

    def _searcher(self) -> Searcher:
        return self._current().searcher()

    def _current(self, *, reload: bool = False) -> Index:
        """The index that CURRENT names, fresh: also what other processes committed."""
        with self._opening:
            name = self._name()
            if not name.startswith(f"{self._tag}-"):
                self._begin(name)
                name = self._name()
            if self._open is None or self._open[0] != name:
                self._open, self._seen = (name, self._load(name)), ()
            index = self._open[1]
            state = (self._folder / name / "meta.json").stat()
            seen = (state.st_ino, state.st_mtime_ns, state.st_size)
            if reload or seen != self._seen:
                index.reload()
                self._seen = seen
            return index

    def _name(self) -> str:
        try:
            return (self._folder / "CURRENT").read_text("utf-8").strip()
        except FileNotFoundError:
            return ""

    def _begin(self, old: str) -> None:
        """Start an empty generation: there is none, or it has other fields."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with self._locked():
            if self._name() != old:
                return  # another process did
            if old:
                _log.warning("search index of another form: rebuild it folder=%s", self._folder)
            name = self._fresh_name()
            self._make(name)
            self._swap(name)

    def _fresh_name(self) -> str:
        return f"{self._tag}-{secrets.token_hex(6)}"

    def _make(self, name: str) -> Index:
        (self._folder / name).mkdir()
        return self._load(name)

    def _load(self, name: str) -> Index:
        index = Index(self._schema, str(self._folder / name), reuse=True)
        index.config_reader("manual")
        return index

    def _swap(self, name: str) -> None:
        fresh = self._folder / f"CURRENT.{secrets.token_hex(4)}"
        with fresh.open("w", encoding="utf-8") as file:
            file.write(name)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._folder / "CURRENT")

    def _sweep(self) -> None:
        """Remove other generations; under the lock and while no rebuild but ours is running."""
        current = self._name()
        for path in self._folder.iterdir():
            if path.is_dir() and path.name != current:
                shutil.rmtree(path, ignore_errors=True)


def _give_up(writer: IndexWriter) -> None:
    """Forget what was not committed and free tantivy's own lock, also while the writer is known."""
    with contextlib.suppress(ValueError, OSError):
        writer.rollback()
    with contextlib.suppress(ValueError, OSError):
        writer.wait_merging_threads()


def _finish(writer: IndexWriter, lock: int) -> None:
    try:
        writer.wait_merging_threads()
    finally:
        os.close(lock)


def _hits(
    searcher: Searcher, parts: Sequence[tuple[Query, bool]], first: int, last: int, order: str
) -> tuple[SearchHit, ...]:
    """The hits of ranks `first` to `last` among all parts, which have no document in common."""
    if first >= last:
        return ()
    field, direction = _ORDERS[order]
    skipped = first if len(parts) == 1 else 0
    ranked: list[tuple[float, int, int, DocAddress, bool]] = []
    for part, whole in parts:
        found = searcher.search(
            part, last - skipped, count=False, order_by_field=field, offset=skipped, order=direction
        )
        sign = 1 if direction == Order.Asc else -1
        ranked += [(sign * key, at.segment_ord, at.doc, at, whole) for key, at in found.hits]
    ranked.sort(key=lambda row: row[:3])
    shown = ranked[first - skipped : last - skipped]
    ids = searcher.fast_field_values("record_id", [row[3] for row in shown])
    return tuple(
        SearchHit(int(record_id or 0), 0.0 if field else -row[0], row[4])
        for record_id, row in zip(ids, shown, strict=True)
    )


def _wanted(names: Iterable[str], face: Conditions) -> dict[str, Any]:
    """One pass over the documents: their number, and the number per value of the facets."""
    terms = {"size": _COUNTED_VALUES, "segment_size": _COUNTED_VALUES}
    return {
        name: {"value_count": {"field": name}}
        if name == "record_id"
        else {"terms": {"field": face.field(_facet(name)), **terms}}
        for name in names
    }


def _facet(name: str) -> str:
    if name not in FACETS:
        raise KeyError(name)
    return name


def _values(totals: Sequence[Mapping[str, Any]], name: str) -> tuple[tuple[str, int], ...]:
    """Values of a facet over parts that have no document in common, most frequent first."""
    counts: Counter[str] = Counter()
    for total in totals:
        for row in total[name]["buckets"]:
            counts[str(row["key"])] += int(row["doc_count"])
    ordered = sorted(counts.items(), key=lambda row: (-row[1], row[0]))
    return tuple(ordered[:MOST_VALUES])
