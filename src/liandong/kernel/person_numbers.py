"""Numbers by which a person is known, written one way, so that their digests can be compared.

The number itself is never kept where only its digest is needed.
"""

from typing import Final

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
_OLD, _NEW, _MOBILE = 15, 18, 11  # characters


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
            plain = as_digits(plain).upper()[-_MOBILE:]
        case "bank_card":
            plain = as_digits(plain).upper()
        case None:
            return ""
        case _:
            plain = plain.upper()
    return plain if len(plain) >= SHORTEST else ""


def compared_as(kind: str) -> str:
    """The kind under which numbers of this kind are compared; "" when they identify nobody."""
    return NUMBERS.get(kind, "")


def _resident(plain: str) -> str:
    digits = (as_digits(plain[:-1]) + plain[-1:]).upper()
    if len(digits) == _OLD and digits.isdecimal():
        first = f"{digits[:6]}19{digits[6:]}"
        return first + resident_id_digit(first)
    return digits
