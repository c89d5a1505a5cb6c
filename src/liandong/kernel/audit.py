"""The audit chain (审计链): what a row's hash covers.  Plain values in, hex out.

Each row's hash covers the hash of the row before, so that a row that was changed, removed, added
or moved breaks the chain at its place.  The stand-alone verifier repeats these few lines.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Final

FIELDS: Final = (
    "number", "at", "by", "roles", "unit", "act", "object", "outcome", "why", "origin", "request",
    "facts", "previous",
)  # fmt: skip
ALGORITHMS: Final = ("sm3", "sha256")


def row_bytes(row: Mapping[str, str | int]) -> bytes:
    """What is hashed: the fields in the order of FIELDS as one JSON array in UTF-8.

    `at` is ISO 8601 in UTC with microseconds; `number` is a whole number, all the rest is text.
    """
    return json.dumps(
        [row[name] for name in FIELDS], ensure_ascii=False, separators=(",", ":")
    ).encode()


def row_hash(row: Mapping[str, str | int], algorithm: str) -> str:
    """The hash of a row as it is stored: `algorithm:hex`.  Raises ValueError for another one."""
    if algorithm not in ALGORITHMS:
        raise ValueError(f"unknown algorithm: {algorithm!r}")
    return f"{algorithm}:{hashlib.new(algorithm, row_bytes(row)).hexdigest()}"
