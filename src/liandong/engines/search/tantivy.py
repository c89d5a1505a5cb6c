"""Full-text search in a folder of this machine, by tantivy.

The folder holds one generation of the index, named in the file CURRENT.  Any number of processes
read; writers of all processes take turns by a lock.  A rebuild fills another generation and
swaps CURRENT; what is put meanwhile goes into the old one and into a journal for the new one.
"""

import contextlib
import json
import logging
import os
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tantivy import Index, IndexWriter

from liandong.kernel.access import Rule
from liandong.kernel.ports import SearchAnswer, SearchDocument, SearchQuery

from .asking import Questions, View, view_of
from .cells import Cells
from .characters import folding
from .form import DATED, FACTS, stamp
from .locks import IndexBusy, is_locked, locked, take_lock
from .tantivy_documents import Maker, frozen, make_schema, thawed

__all__ = ["IndexBusy", "TantivySearch"]

_SMALL_HEAP, _LARGE_HEAP = 15_000_000, 200_000_000  # bytes; the least that tantivy takes, a rebuild
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Generation:
    """One index and how its documents are put into cells."""

    name: str
    index: Index
    cells: Cells


class TantivySearch:
    """The search port on tantivy.

    `facts` names the fields that access rules may use: True for whole numbers, False for text.
    Another set of facts is another index: it starts empty and wants a rebuild.  Days up to `day`
    (YYYYMMDD, 0: that on which a generation is begun) are one cell; answers do not depend on it.
    """

    def __init__(
        self,
        folder: Path | str,
        facts: Mapping[str, bool] = FACTS,
        wait_s: float = 60.0,
        heap_bytes: int = _LARGE_HEAP,
        day: int = 0,
    ) -> None:
        self._folder = Path(folder)
        self._facts = dict(facts)
        self._wait_s = wait_s
        self._heap = heap_bytes
        self._day = day
        self._schema = make_schema(facts)
        self._fold = folding()
        self._maker = Maker(self._facts, self._fold)
        self._questions = Questions(self._schema, self._facts, self._fold)
        self._tag = stamp(self._facts)
        self._opening = threading.Lock()
        self._open: tuple[Generation, View] | None = None
        self._seen: tuple[int, ...] = ()
        self._closer = ThreadPoolExecutor(1, "search-merge")

    def fold(self, text: str) -> str:
        """`text` as this engine compares it, of the same length."""
        return self._fold(text)

    def close(self) -> None:
        """Wait for merges; let go of the index."""
        self._closer.shutdown(wait=True)
        self._closer = ThreadPoolExecutor(1, "search-merge")
        self._questions.close()
        self._questions = Questions(self._schema, self._facts, self._fold)
        with self._opening:
            self._open, self._seen = None, ()

    # Writing --------------------------------------------------------------------------------------

    def put(self, documents: Iterable[SearchDocument]) -> None:
        """Add or replace documents by record_id; findable when this returns.

        Raises IndexBusy when another writer holds the index for longer than `wait_s`, and KeyError
        when a document lacks a fact; then nothing was written.
        """
        with self._writing() as (writer, cells, journal):
            for document in documents:
                journal("put", document)
                writer.delete_documents_by_term("record_id", document.record_id)
                writer.add_document(self._maker.make(document, cells))

    def remove(self, record_ids: Iterable[int]) -> None:
        """Remove documents; unknown ids are ignored.  Raises IndexBusy."""
        with self._writing() as (writer, _cells, journal):
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
            fresh = self._make(name)
            try:
                self._fill(fresh, documents)
                with self._locked():
                    self._catch_up(fresh)
                    fresh.index.reload()
                    count = fresh.index.searcher().num_docs
                    self._swap(name)
                    self._sweep()
            except BaseException:
                shutil.rmtree(self._folder / name, ignore_errors=True)
                raise
            return count

    def _fill(self, fresh: Generation, documents: Iterable[SearchDocument]) -> None:
        writer = fresh.index.writer(self._heap, 1)
        seen: set[int] = set()
        for document in documents:
            if document.record_id in seen:
                writer.delete_documents_by_term("record_id", document.record_id)
            seen.add(document.record_id)
            writer.add_document(self._maker.make(document, fresh.cells))
        writer.commit()
        writer.wait_merging_threads()

    def _catch_up(self, fresh: Generation) -> None:
        """Bring what was written meanwhile into the new generation."""
        writer = fresh.index.writer(_SMALL_HEAP, 1)
        for line in self._journal.read_text("utf-8").splitlines():
            what, value = json.loads(line)
            record_id = value if what == "remove" else value["record_id"]
            writer.delete_documents_by_term("record_id", record_id)
            if what == "put":
                writer.add_document(self._maker.make(thawed(value), fresh.cells))
        writer.commit()
        writer.wait_merging_threads()
        self._journal.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[tuple[IndexWriter, Cells, Callable[[str, Any], None]]]:
        """A writer whose work is committed at the end, or given up on an error.

        Merges go on in the background and keep the lock until they are done.
        """
        self._current()
        lock = take_lock(self._folder / "LOCK", self._wait_s)
        lines: list[str] = []
        writer: IndexWriter | None = None
        try:
            generation, _view = self._current()
            writer = generation.index.writer(_SMALL_HEAP, 1)
            if is_locked(self._folder / "REBUILD"):
                yield (
                    writer,
                    generation.cells,
                    lambda what, value: lines.append(frozen(what, value)),
                )
                with self._journal.open("a", encoding="utf-8") as file:
                    file.write("".join(lines))
            else:
                yield writer, generation.cells, lambda what, value: None
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

        Documents outside of `whole` are asked by their masked text.  Hits beyond rank
        `asking.DEEPEST` are not shown.  A facet names at most `asking.MOST_VALUES` values.
        Raises KeyError for an unknown facet or fact, ValueError for an unknown order.
        """
        return self._questions.find(
            self._view(), query, (visible, whole), (offset, limit), facets, order
        )

    def count(self) -> int:
        """Number of documents in the index."""
        return self._view().searcher.num_docs

    def state(self) -> str:
        """Name and version."""
        return f"tantivy {version('tantivy')}"

    # Generations ----------------------------------------------------------------------------------

    @property
    def _journal(self) -> Path:
        return self._folder / "JOURNAL"

    def _locked(self) -> contextlib.AbstractContextManager[None]:
        return locked(self._folder / "LOCK", self._wait_s)

    def _view(self) -> View:
        """What is committed now, also by other processes."""
        return self._current()[1]

    def _current(self, *, reload: bool = False) -> tuple[Generation, View]:
        """The generation that CURRENT names, and what is committed in it."""
        with self._opening:
            name = self._name()
            if not name.startswith(f"{self._tag}-"):
                self._begin(name)
                name = self._name()
            generation, view = self._open or (None, None)
            if generation is None or generation.name != name:
                generation, view, self._seen = self._load(name), None, ()
            state = (self._folder / name / "meta.json").stat()
            seen = (state.st_ino, state.st_mtime_ns, state.st_size)
            if view is None or reload or seen != self._seen:
                generation.index.reload()
                view = view_of(generation.index.searcher(), generation.cells)
                self._seen = seen
            self._open = (generation, view)
            return self._open

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
        """The form of the index, the day up to which days share a cell, and chance."""
        day = self._day or int(time.strftime("%Y%m%d"))
        return f"{self._tag}-{day}-{secrets.token_hex(6)}"

    def _make(self, name: str) -> Generation:
        (self._folder / name).mkdir()
        return self._load(name)

    def _load(self, name: str) -> Generation:
        index = Index(self._schema, str(self._folder / name), reuse=True)
        index.config_reader("manual")
        numbers = [fact for fact, whole_number in self._facts.items() if whole_number]
        return Generation(name, index, Cells(numbers, DATED, int(name.split("-")[1])))

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
