"""A cluster of OpenSearch as this adapter speaks to it: addresses, errors, bulk writing."""

import contextlib
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from ssl import create_default_context
from typing import Any
from urllib.parse import unquote, urlsplit

from opensearchpy import OpenSearch
from opensearchpy.exceptions import (
    ConnectionError as Unreachable,
)
from opensearchpy.exceptions import (
    NotFoundError,
    OpenSearchException,
    TransportError,
)
from opensearchpy.helpers import streaming_bulk

from liandong.kernel.ports import SearchAway, SearchRefused

__all__ = [
    "Address", "NotFoundError", "OpenSearchException", "Operation", "answered", "connect",
    "refusal", "write",
]  # fmt: skip

Operation = dict[str, Any]  # an action of the bulk helper

CHUNK, CHUNK_BYTES = 500, 8 * 2**20  # operations of one request, and their bytes
WRITE_S = 120.0  # one request may take
TRIES, FIRST_PAUSE_S, LONGEST_PAUSE_S = 8, 1, 15  # while the server has no room (429)
_NAMED = 5  # refused documents that an error names
_PREFIX = re.compile(r"[a-z][a-z0-9_]*")
_AWAY = frozenset({401, 403, 408, 429})  # and all from 500: not the fault of the question


@dataclass(frozen=True, slots=True)
class Address:
    """Where the cluster is and who asks: `https://user@host:9200,host:9200/prefix`."""

    hosts: tuple[str, ...]
    prefix: str
    user: str
    password: str = field(repr=False)

    @classmethod
    def of(cls, url: str, password: str = "") -> "Address":
        """Raises ValueError for an address of another kind."""
        part = urlsplit(url)
        who, _, where = part.netloc.rpartition("@")
        prefix = part.path.strip("/") or "liandong"
        hosts = tuple(f"{part.scheme}://{host}" for host in where.split(",") if host)
        if part.scheme not in {"http", "https"} or not hosts or not _PREFIX.fullmatch(prefix):
            raise ValueError("https://user@host:9200/prefix")
        user, _, inline = who.partition(":")
        return cls(hosts, prefix, unquote(user), password or unquote(inline))


def connect(address: Address, ca: str, timeout_s: float) -> OpenSearch:
    """A client of the cluster: certificates are always checked, by `ca` where one is named."""
    over_tls = address.hosts[0].startswith("https:")
    who = f"{address.user}:{address.password}".encode()
    return OpenSearch(
        hosts=list(address.hosts),
        headers={"authorization": f"Basic {b64encode(who).decode()}"} if address.user else {},
        ssl_context=create_default_context(cafile=ca or None) if over_tls else None,
        timeout=timeout_s,
        max_retries=len(address.hosts),  # another node, where there is one
        retry_on_timeout=False,
    )


@contextlib.contextmanager
def answered() -> Iterator[None]:
    """Say in words of the port that the server is away: raises SearchAway.

    A question that the server does not understand stays what it is: a fault of ours.
    """
    try:
        yield
    except Unreachable as error:
        raise SearchAway(f"search server: {error.error}") from error
    except TransportError as error:
        status = error.status_code
        if isinstance(status, int) and (status in _AWAY or status >= 500):
            raise SearchAway(f"search server: {status} {error.error}") from error
        raise


def write(client: OpenSearch, operations: Iterable[Operation]) -> Sequence[Operation]:
    """Send operations; those that were not done, each with `status` and `error`.

    While the server has no room for some (429) they are sent again, ever more slowly.  Only names
    that are aliases are written to: an index that is gone does not come back by a late writer.
    """
    return [
        next(iter(refused.values()))
        for done, refused in streaming_bulk(
            client,
            operations,
            chunk_size=CHUNK,
            max_chunk_bytes=CHUNK_BYTES,
            raise_on_error=False,
            yield_ok=False,
            max_retries=TRIES,
            initial_backoff=FIRST_PAUSE_S,
            max_backoff=LONGEST_PAUSE_S,
            require_alias=True,
            request_timeout=WRITE_S,
        )
        if not done
    ]


def refusal(refused: Sequence[Operation]) -> SearchRefused | SearchAway:
    """The error that names what the server did not take, and why."""
    named = "; ".join(f"{one['_id']}: {_reason(one)}" for one in refused[:_NAMED])
    text = f"{len(refused)} documents not written: {named}"
    if any(one["status"] in _AWAY or one["status"] >= 500 for one in refused):
        return SearchAway(text)
    return SearchRefused(text)


def _reason(refused: Operation) -> str:
    error = refused.get("error", "")
    if isinstance(error, dict):
        cause = error.get("caused_by") or {}
        return ": ".join(part for part in (error.get("reason"), cause.get("reason")) if part)
    return str(error)
