"""Numbers by which a person is known, and what of a number may be kept.

A number of any writing becomes one, so that digests can be compared.  A paper of identity
(身份证件) is recognised by its number, of which only the kind, the last four characters and a keyed
digest stay, which tells whether the same paper is shown again.
Source: catalog/identity_kinds.csv, catalog/pii_kinds.csv; GB 11643-1999.
"""

import hashlib
import hmac
import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from . import catalog
from .privacy.digits import resident_id_digit
from .privacy.folding import as_digits, fold

NUMBERS: Final = {  # kinds of catalog/pii_kinds.csv by what they are compared as
    "resident_id": "resident_id",
    "resident_id_15": "resident_id",
    "hmt_residence_permit": "resident_id",
    "foreign_permanent_residence": "foreign_permanent_residence",
    "passport": "passport",
    "hkmo_permit": "hkmo_permit",
    "military_id": "military_id",
    "mobile": "mobile",
    "bank_card": "bank_card",
}
PAPERS: Final = ("resident_id", "passport", "hkmo_permit", "military_id",
                 "foreign_permanent_residence")  # fmt: skip
"""Kinds of papers by which a person is identified at the desk."""
SHORTEST: Final = 6  # characters of a number that says who somebody is
_OLD, _MOBILE = 15, 11  # characters
_KEPT = 4  # characters at the end
_RESIDENT = "resident_id"


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


def keyed_digest(kind: str, normal: str, *, key: bytes) -> str:
    """The digest by which a number is known again, 64 hex digits.  HMAC-SHA256, RFC 2104"""
    return hmac.new(key, f"{kind}:{normal}".encode(), hashlib.sha256).hexdigest()


def normal_number(kind: str, text: str) -> str:
    """The number as it is compared; "" when it is too short to be one.

    Half width, upper case, without blanks and hyphens; an identity number of 15 digits gets its
    century and check digit; a telephone number loses the country.
    """
    plain = "".join(letter for letter in fold(text) if letter.isalnum())
    match NUMBERS.get(kind):
        case "resident_id":
            plain = _resident(plain)
        case "mobile":
            plain = _digits(plain)[-_MOBILE:]
        case "bank_card":
            plain = _digits(plain)
        case None:
            return ""
        case _:
            plain = plain.upper()
    return plain if len(plain) >= SHORTEST else ""


def compared_as(kind: str) -> str:
    """The kind under which numbers of this kind are compared; "" when they identify nobody."""
    return NUMBERS.get(kind, "")


def _digits(plain: str) -> str:
    """What a reader takes for a digit in either case: a small b becomes B, and that 8."""
    return as_digits(as_digits(plain).upper())


def _resident(plain: str) -> str:
    digits = _digits(plain[:-1]) + plain[-1:].upper()
    if len(digits) == _OLD and digits.isdecimal():
        first = f"{digits[:6]}19{digits[6:]}"
        return first + resident_id_digit(first)
    return digits


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
    if kind == _RESIDENT and resident_id_digit(plain[:-1]) != plain[-1]:
        raise BadNumber("check")
    return Identity(kind, plain[-_KEPT:], keyed_digest(kind, plain, key=key))


def veiled_name(name: str) -> str:
    """A name of which only the first character is told: 张＊＊."""
    return name[:1] + "＊" * (len(name) - 1)
