"""The audit chain (审计链): what hashes, codes and seals of rows cover.  Plain values in, hex out.

Each row's hash covers the hash of the row before, so that a row that was changed, removed, added
or moved breaks the chain at its place.  A code with a secret key says that this installation wrote
the row.  A seal (封存) covers a range of rows, and the seal before.  `kernel.verify_audit` repeats
all this without us.  Source: RFC 2104 (HMAC); RFC 6962, 2.1 (tree).
"""

import hashlib
import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Final

from .digests import new_sm3

FIELDS: Final = (
    "number", "at", "by", "roles", "unit", "act", "object", "outcome", "why", "origin", "request",
    "facts", "cells", "previous", "mac",
)  # fmt: skip
CELLS: Final = FIELDS[1:12]
SEAL_FIELDS: Final = (
    "number", "day", "at", "first", "last", "count", "last_hash", "root", "faults", "previous",
    "mac",
)  # fmt: skip
ALGORITHMS: Final = ("sm3", "sha256")

Row = Mapping[str, str | int]


def cell_sums(row: Row) -> str:
    """CRC-32 of each cell in the order of CELLS, eight hex digits each.

    They prove nothing; they tell which cell it was, once the hash has told that one was changed.
    """
    return "".join(f"{zlib.crc32(str(row[name]).encode()):08x}" for name in CELLS)


def row_hash(row: Row, algorithm: str) -> str:
    """The hash of a row as it is stored: `algorithm:hex`.

    What is hashed is the fields in the order of FIELDS as one JSON array in UTF-8.  `at` is
    ISO 8601 in UTC with microseconds; `number` is a whole number, all the rest is text.
    Raises ValueError for an algorithm that is not in ALGORITHMS.
    """
    return digest(_array(row, FIELDS), algorithm)


def row_code(row: Row, key: bytes, algorithm: str) -> str:
    """The keyed code of a row, `mac`: of every field before it."""
    return code_of(_array(row, FIELDS[:-1]), key, algorithm)


def seal_hash(seal: Row, algorithm: str) -> str:
    """The hash of a seal: its fields in the order of SEAL_FIELDS, as for a row."""
    return digest(_array(seal, SEAL_FIELDS), algorithm)


def seal_code(seal: Row, key: bytes, algorithm: str) -> str:
    """The keyed code of a seal, `mac`: of every field before it."""
    return code_of(_array(seal, SEAL_FIELDS[:-1]), key, algorithm)


def digest(content: bytes, algorithm: str) -> str:
    """`algorithm:hex` of bytes.  Raises ValueError for an algorithm that is not in ALGORITHMS."""
    return f"{algorithm}:{_digest(content, algorithm).hex()}"


def algorithm_of(hash_text: str) -> str:
    """The algorithm that a stored hash names; raises ValueError for one that we do not know."""
    algorithm = hash_text.partition(":")[0]
    if algorithm not in ALGORITHMS:
        raise ValueError(f"unknown algorithm: {algorithm!r}")
    return algorithm


def _array(row: Row, names: Iterable[str]) -> bytes:
    values = [row[name] for name in names]
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode()


def _digest(content: bytes, algorithm: str) -> bytes:
    if algorithm not in ALGORITHMS:
        raise ValueError(f"unknown algorithm: {algorithm!r}")
    made = new_sm3() if algorithm == "sm3" else hashlib.sha256()
    made.update(content)
    return bytes.fromhex(made.hexdigest())


# Keyed codes --------------------------------------------------------------------------------------

_BLOCK = 64  # bytes, of SM3 and of SHA-256


@cache
def key_name(key: bytes) -> str:
    """How a key is called, so that a code tells which one made it: it says nothing of the key."""
    return _hmac(key, b"liandong audit key", "sha256").hex()[:8]


def code_of(content: bytes, key: bytes, algorithm: str) -> str:
    """The code (HMAC) of bytes: `key name:hex`."""
    return f"{key_name(key)}:{_hmac(key, content, algorithm).hex()}"


def _hmac(key: bytes, content: bytes, algorithm: str) -> bytes:
    inner, outer = _pads(key, algorithm)
    return _digest(outer + _digest(inner + content, algorithm), algorithm)


@cache
def _pads(key: bytes, algorithm: str) -> tuple[bytes, bytes]:
    padded = (_digest(key, algorithm) if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
    return bytes(one ^ 0x36 for one in padded), bytes(one ^ 0x5C for one in padded)


# The tree under a seal ----------------------------------------------------------------------------


class Tree:
    """The root over row hashes, fed one by one; holds one node per level."""

    def __init__(self, algorithm: str) -> None:
        self.algorithm = algorithm
        self.count = 0
        self._peaks: list[tuple[int, bytes]] = []  # leaves under it, node; largest first

    def add(self, row_hash: str) -> None:
        """Take the hash of the next row."""
        node, size = _leaf(row_hash, self.algorithm), 1
        while self._peaks and self._peaks[-1][0] == size:
            node, size = _node(self._peaks.pop()[1], node, self.algorithm), size * 2
        self._peaks.append((size, node))
        self.count += 1

    def root(self) -> str:
        """The root as `algorithm:hex`; of no row at all, the digest of nothing."""
        if not self._peaks:
            return digest(b"", self.algorithm)
        node = self._peaks[-1][1]
        for _, left in reversed(self._peaks[:-1]):
            node = _node(left, node, self.algorithm)
        return f"{self.algorithm}:{node.hex()}"


def proofs(hashes: Sequence[str], places: Iterable[int], algorithm: str) -> list[list[str]]:
    """What proves that the rows at these places (from 0) are under the root of these hashes.

    For each, the nodes beside the way up, lowest first: `<hex` stands on the left, `>hex` on the
    right.
    """
    levels = [[_leaf(one, algorithm) for one in hashes]]
    while len(levels[-1]) > 1:
        levels.append(_level_above(levels[-1], algorithm))
    return [_steps(levels, place) for place in places]


def _steps(levels: Sequence[Sequence[bytes]], place: int) -> list[str]:
    steps = []
    for level in levels:
        beside = place ^ 1
        if beside < len(level):
            steps.append(f"{'<' if beside < place else '>'}{level[beside].hex()}")
        place //= 2
    return steps


def _level_above(level: Sequence[bytes], algorithm: str) -> list[bytes]:
    pairs = [_node(level[at], level[at + 1], algorithm) for at in range(0, len(level) - 1, 2)]
    return [*pairs, *level[len(pairs) * 2 :]]  # a node without a neighbour goes up as it is


def _leaf(row_hash: str, algorithm: str) -> bytes:
    return _digest(b"\0" + row_hash.encode(), algorithm)


def _node(left: bytes, right: bytes, algorithm: str) -> bytes:
    return _digest(b"\1" + left + right, algorithm)
