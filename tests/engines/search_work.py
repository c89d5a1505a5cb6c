"""Documents and writers for the tests of the search port: processes import it by name."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from liandong.engines.search.opensearch import OpenSearchIndex
from liandong.engines.search.tantivy import TantivySearch
from liandong.kernel.ports import MaskedText, SearchDocument


def made(
    record_id: int,
    title: str = "通知",
    body: str = "",
    *,
    code: str = "",
    number: str = "",
    date: int = 20110501,
    facets: Mapping[str, str] | None = None,
    facts: Mapping[str, Any] | None = None,
    masked: MaskedText | None = None,
) -> SearchDocument:
    """A document with only the fields that matter."""
    known = {"level": 0, "open_from": 0, "personal": 0, "unit": "", "shares": frozenset()}
    known |= dict(facts or {})
    return SearchDocument(record_id, code, number, title, body, facets or {}, date, known, masked)


@contextmanager
def index_on(address: str, **options: Any) -> Iterator[OpenSearchIndex]:
    """The adapter with indexes of its own, which are removed at the end."""
    prefix = f"t{uuid4().hex[:12]}"
    index = OpenSearchIndex(f"{address}/{prefix}", **{"timeout_s": 60.0, **options})
    yield index
    index._client.indices.delete(index=f"{prefix}-*")
    index.close()


def put_ten(folder: str, start: int) -> None:
    search = TantivySearch(folder)
    for number in range(start, start + 10):
        search.put([made(number)])
    search.close()


def put_forever(folder: str, mark: str) -> None:
    TantivySearch(folder).put(endless(mark))


def rebuild_forever(folder: str, mark: str) -> None:
    TantivySearch(folder).rebuild(endless(mark))


def endless(mark: str) -> Iterator[SearchDocument]:
    number = 10
    while True:
        number += 1
        yield made(number)
        if number == 3000:
            Path(mark).touch()


def rebuild_on_server_forever(url: str, mark: str) -> None:
    OpenSearchIndex(url).rebuild(endless(mark))
