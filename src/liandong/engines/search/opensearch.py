"""Full-text search on a cluster of OpenSearch, for more than one machine.

An alias names the index that serves.  A rebuild fills another index, which an alias of its own
makes known to writers everywhere: they write to both, and the one being filled does not overwrite
what they wrote.  What is removed meanwhile leaves an empty document, which the serving alias does
not show.  Then one request swaps the alias.
"""

import logging
import re
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from typing import Any

from liandong.kernel.access import Rule
from liandong.kernel.ports import SearchAnswer, SearchAway, SearchDocument, SearchQuery

from .characters import folding
from .documents import Fields
from .form import FACTS, stamp
from .locks import IndexBusy
from .opensearch_conditions import mapping
from .opensearch_questions import Questions, read
from .opensearch_server import (
    CHUNK,
    Address,
    NotFoundError,
    OpenSearchException,
    Operation,
    answered,
    connect,
    refusal,
    write,
)

__all__ = ["OpenSearchIndex"]

_log = logging.getLogger(__name__)

_SHOWN = {"exists": {"field": "record_id"}}  # neither heartbeats nor what was removed meanwhile
_HEARTBEAT = "heartbeat"  # a document by which a rebuild shows that it goes on
_AHEAD = 2  # requests of a rebuild on their way while the next is made
_TAKEN = "another rebuild took the index away"
_ATTEMPTS = 5  # when another process swaps just now


class OpenSearchIndex:
    """The search port on OpenSearch 2 and later.

    `url` is `https://user@host:9200/prefix`; several hosts of one cluster are joined by commas.
    All indexes and aliases begin with the prefix.  `facts` are as of tantivy.  An interrupted
    rebuild is known by its silence for `wait_s`; `timeout_s` is the longest that a question takes.
    """

    def __init__(
        self,
        url: str,
        password: str = "",
        ca: str = "",
        shards: int = 1,
        facts: Mapping[str, bool] = FACTS,
        wait_s: float = 30.0,
        timeout_s: float = 10.0,
    ) -> None:
        address = Address.of(url, password)
        self._client = connect(address, ca, timeout_s)
        self._facts = dict(facts)
        self._shards = shards
        self._wait_s = wait_s
        self._fold = folding()
        self._fields = Fields(self._facts, self._fold, units=True)
        self._questions = Questions(self._facts, self._fold)
        self._prefix = address.prefix
        self._alias = f"{address.prefix}-{stamp(self._facts)}"

    def fold(self, text: str) -> str:
        """`text` as this engine compares it, of the same length."""
        return self._fold(text)

    def close(self) -> None:
        """Let go of connections."""
        self._client.close()

    # Writing --------------------------------------------------------------------------------------

    def put(self, documents: Iterable[SearchDocument]) -> None:
        """Add or replace documents by record_id; findable when this returns.

        Raises KeyError when a document lacks a fact; then nothing was written.  Raises SearchAway,
        or SearchRefused naming documents: others may have been written, and all may be put again.
        """
        made = [self._made(document) for document in documents]

        def operations(filling: Sequence[str]) -> Iterator[Operation]:
            for alias in (self._alias, *filling):
                for fields in made:
                    yield {"_index": alias, "_id": fields["record_id"], "_source": fields}

        self._write(operations)

    def remove(self, record_ids: Iterable[int]) -> None:
        """Remove documents; unknown ids are ignored.  Raises SearchAway."""
        ids = list(record_ids)

        def operations(filling: Sequence[str]) -> Iterator[Operation]:
            for record_id in ids:
                yield {"_op_type": "delete", "_index": self._alias, "_id": record_id}
                for alias in filling:  # so that the rebuild does not bring it back
                    yield {"_index": alias, "_id": record_id, "_source": {}}

        self._write(operations)

    @answered()
    def _write(self, operations: Callable[[Sequence[str]], Iterable[Operation]]) -> None:
        """Write to the serving index and to those being filled, and show it.

        Where a rebuild swaps meanwhile, all is written once more.
        """
        for attempt in range(_ATTEMPTS):
            refused = write(self._client, operations(self._filling()))
            left = [one for one in refused if not _is_gone(one)]
            if left:
                raise refusal(left)
            if all(_is_unknown(one) for one in refused):
                break
            if attempt == _ATTEMPTS - 1:
                raise refusal(refused)
        self._client.indices.refresh(index=self._alias)

    def _made(self, document: SearchDocument) -> dict[str, Any]:
        return dict(self._fields.of(document))

    # Rebuilding -----------------------------------------------------------------------------------

    @answered()
    def rebuild(self, documents: Iterable[SearchDocument]) -> int:
        """Fill a new index, swap, and return how many documents it holds.

        The old one serves, and takes what is put, until the swap.  Raises IndexBusy when another
        rebuild is running, SearchAway, SearchRefused.
        """
        self._filling()
        self._sweep()
        name = f"{self._alias}-{secrets.token_hex(6)}"
        filling = f"{self._alias}.filling.{secrets.token_hex(6)}"
        self._make(name, {filling: {}})
        try:
            self._fill(filling, documents)
            self._client.indices.refresh(index=name)
            self._client.indices.put_settings(index=name, body={"auto_expand_replicas": "0-1"})
            old = self._swap(name, filling)
        except BaseException:
            with suppress(OpenSearchException):  # away: the next rebuild removes it
                self._take_away(name, filling)
            raise
        self._clean(name)
        if old:
            self._client.indices.delete(index=old, ignore_unavailable=True)
        return self.count()

    def _fill(self, filling: str, documents: Iterable[SearchDocument]) -> None:
        """Send all documents; making them and sending them go on at once."""
        seen: set[int] = set()
        coming = iter(documents)
        sent: list[Future[Sequence[Operation]]] = []
        with ThreadPoolExecutor(_AHEAD, "search-fill") as sender:
            while chunk := [self._created(filling, one, seen) for one in islice(coming, CHUNK - 1)]:
                chunk.append({"_index": filling, "_id": _HEARTBEAT, "_source": {}})
                sent.append(sender.submit(write, self._client, chunk))
                if len(sent) > _AHEAD:
                    _check(sent.pop(0).result())
            for rest in sent:
                _check(rest.result())

    def _created(self, filling: str, document: SearchDocument, seen: set[int]) -> Operation:
        """What others wrote meanwhile is newer, and stays."""
        again = document.record_id in seen
        seen.add(document.record_id)
        return {
            "_op_type": "index" if again else "create",
            "_index": filling, "_id": document.record_id, "_source": self._made(document),
        }  # fmt: skip

    def _swap(self, name: str, filling: str) -> Sequence[str]:
        """The filled index serves from now on; the names of what served before.

        Raises IndexBusy, and changes nothing, when the filled index was taken away.
        """
        old = list(self._client.indices.get_alias(name=self._alias))
        actions = [
            {"remove": {"index": name, "alias": filling, "must_exist": True}},
            {"add": {"index": name, "alias": self._alias, "filter": _SHOWN}},
            *({"remove": {"index": one, "alias": self._alias}} for one in old),
        ]
        try:
            self._client.indices.update_aliases(body={"actions": actions})
        except NotFoundError as error:
            if name not in self._client.indices.get_alias(name=self._alias):
                raise IndexBusy(_TAKEN) from error
        return old

    def _take_away(self, name: str, filling: str) -> None:
        """Remove an index that is being filled; nothing where it serves by now or is gone.

        Without its alias it cannot come to serve any more, whatever request is on its way.
        """
        alias = {"index": name, "alias": filling, "must_exist": True}
        with suppress(NotFoundError):
            self._client.indices.update_aliases(body={"actions": [{"remove": alias}]})
            self._client.indices.delete(index=name)

    def _clean(self, name: str) -> None:
        """Remove heartbeats and what stands for removed documents, unless put again meanwhile."""
        hidden = {"bool": {"must_not": [_SHOWN]}}
        while True:
            found = self._client.search(
                index=name,
                body={"query": hidden, "size": CHUNK, "seq_no_primary_term": True},
            )["hits"]["hits"]
            refused = write(
                self._client,
                (
                    {
                        "_op_type": "delete", "_index": self._alias, "_id": hit["_id"],
                        "if_seq_no": hit["_seq_no"], "if_primary_term": hit["_primary_term"],
                    }
                    for hit in found
                ),
            )  # fmt: skip
            self._client.indices.refresh(index=name)
            if len(found) < CHUNK or len(refused) == len(found):
                return

    def _sweep(self) -> None:
        """Remove what interrupted rebuilds left, and indexes of another form.

        Raises IndexBusy when a rebuild shows signs of life.
        """
        known = self._known()
        filled = {
            alias: name
            for name, aliases in known.items()
            for alias in aliases
            if alias.startswith(f"{self._alias}.filling.")
        }
        before = [self._heartbeat(alias) for alias in filled]
        if filled:
            time.sleep(self._wait_s)
        if before != [self._heartbeat(alias) for alias in filled]:
            raise IndexBusy(f"another rebuild is running: {', '.join(filled)}")
        for alias, name in filled.items():
            _log.info("search.swept index=%s", name)
            self._take_away(name, alias)
        for name, aliases in known.items():
            if self._alias not in aliases and name not in filled.values():
                _log.info("search.swept index=%s", name)
                self._client.indices.delete(index=name, ignore_unavailable=True)

    def _heartbeat(self, filling: str) -> int:
        try:
            return int(self._client.get(index=filling, id=_HEARTBEAT)["_version"])
        except NotFoundError:
            return 0

    # Reading --------------------------------------------------------------------------------------

    @answered()
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
        `opensearch_questions.DEEPEST` are not shown.  Raises KeyError for an unknown facet or
        fact, ValueError for an unknown order, SearchAway.
        """
        body = self._questions.written(query, (visible, whole), (offset, limit), facets, order)
        found = self._asking(
            lambda: self._client.search(
                index=self._alias, body=body, allow_partial_search_results=False
            )
        )
        return read(found, facets)

    @answered()
    def count(self) -> int:
        """Number of documents in the index.  Raises SearchAway."""
        found = self._asking(lambda: self._client.count(index=self._alias))
        if found["_shards"]["failed"]:
            raise SearchAway(f"search server: {found['_shards']['failed']} shards do not answer")
        return int(found["count"])

    @answered()
    def state(self) -> str:
        """Name and version of the server, how many nodes there are, how our indexes fare.

        green: all is kept as often as wanted; yellow: at least once; red: not all is there.
        Raises SearchAway.
        """
        told = self._client.info()["version"]
        health = self._client.cluster.health(index=f"{self._prefix}-*")
        name = f"{told.get('distribution', 'elasticsearch')} {told['number']}"
        return f"{name}, {health['number_of_nodes']} nodes, {health['status']}"

    def _asking(self, ask: Callable[[], Any]) -> Any:
        """Ask again where there is no index yet, or a rebuild swaps just now."""
        for _ in range(_ATTEMPTS):
            try:
                return ask()
            except NotFoundError:
                self._begin()
        raise SearchAway(f"search server: no index {self._alias}")

    # Indexes --------------------------------------------------------------------------------------

    def _known(self) -> dict[str, set[str]]:
        """The indexes of this prefix with their aliases."""
        form = re.compile(rf"{re.escape(self._prefix)}-[0-9a-f]{{8}}-[0-9a-f]{{12}}")
        found = self._client.indices.get_alias(index=f"{self._prefix}-*")
        return {name: set(told["aliases"]) for name, told in found.items() if form.fullmatch(name)}

    def _filling(self) -> list[str]:
        """The aliases of the indexes that are being filled; one that serves is there."""
        found = self._client.indices.get_alias(name=f"{self._alias}*")
        aliases = {alias for told in found.values() for alias in told["aliases"]}
        if self._alias not in aliases:
            self._begin()
        return sorted(aliases - {self._alias})

    def _begin(self) -> None:
        """Make an empty index that serves, where there is none; one process does."""
        if self._known():
            _log.warning("search index of another form: rebuild it prefix=%s", self._prefix)
        try:
            self._make(f"{self._alias}-{0:012x}", {self._alias: {"filter": _SHOWN}})
        except Exception as error:
            if getattr(error, "error", "") != "resource_already_exists_exception":
                raise

    def _make(self, name: str, aliases: Mapping[str, Any]) -> None:
        """An empty index; it shows what was written when it is told to, and not before."""
        settings = {
            "number_of_shards": self._shards, "number_of_replicas": 0, "refresh_interval": "-1",
        }  # fmt: skip
        body = {"settings": settings, "mappings": mapping(self._facts), "aliases": dict(aliases)}
        self._client.indices.create(index=name, body=body)


def _check(refused: Sequence[Operation]) -> None:
    """Raises what kept documents from being written; those that others wrote do not count."""
    left = [one for one in refused if one["status"] != 409]
    if any(_is_gone(one) for one in left):
        raise IndexBusy(_TAKEN)
    if left:
        raise refusal(left)


def _is_gone(refused: Operation) -> bool:
    """The alias is not there (any more), or the document to be removed never was."""
    return int(refused["status"]) == 404


def _is_unknown(refused: Operation) -> bool:
    return _is_gone(refused) and "error" not in refused
