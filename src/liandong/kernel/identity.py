"""Papers of identity (身份证件): recognised by their number, and what of a number may be kept.

The number itself is never stored: its kind, its last four characters, and a keyed digest that tells
whether the same paper is shown again.  Source: catalog/identity_kinds.csv.
"""

import hashlib
import hmac
import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from . import catalog

_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS: Final = "10X98765432"  # by the sum modulo 11
_KEPT = 4  # characters at the end
RESIDENT = "resident_id"


class BadNumber(ValueError):
    """The text is no number of this kind of paper: `reason` is unknown-kind, form or check."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Identity:
    """What is kept of a paper of identity."""

    kind: str  # catalog/identity_kinds.csv
    last: str  # the last four characters
    digest: str  # keyed, 64 hex digits


def recognise(kind: str, number: str, *, key: bytes) -> Identity:
    """What may be kept of this number; blanks, case and full width do not matter.

    Raises BadNumber.
    """
    row = catalog.by_key("identity_kinds", "code").get(kind)
    if row is None:
        raise BadNumber("unknown-kind")
    plain = re.sub(r"[\s-]", "", unicodedata.normalize("NFKC", number)).upper()
    if not re.fullmatch(row["regex"], plain, re.ASCII):
        raise BadNumber("form")
    if kind == RESIDENT and not _checks(plain):
        raise BadNumber("check")
    said = f"{kind}:{plain}".encode()
    return Identity(kind, plain[-_KEPT:], hmac.new(key, said, hashlib.sha256).hexdigest())


def _checks(number: str) -> bool:
    """Whether the last character is the check of the seventeen before it.  GB 11643-1999"""
    total = sum(int(digit) * weight for digit, weight in zip(number, _WEIGHTS, strict=False))
    return _CHECKS[total % 11] == number[-1]


def veiled_name(name: str) -> str:
    """A name of which only the first character is told: 张＊＊."""
    return name[:1] + "＊" * (len(name) - 1)
