"""Documents and writers for the tests of the search port: processes import it by name."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

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
