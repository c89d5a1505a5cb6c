"""Check digits and other proofs that a number is what it looks like.

Source: GB 11643-1999, GB 32100-2015, GB 11714; ISO/IEC 7812-1 (Luhn).  Texts come in half width
and upper case, without blanks.
"""

from collections.abc import Callable, Mapping
from datetime import date
from functools import cache

from liandong.kernel import catalog

_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_DIGITS = "10X98765432"
_CREDIT_LETTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_CREDIT_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
_ORG_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ORG_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_FIRST_YEAR = 1860  # nobody in a file with an identity number is older
_ID_LENGTH = 18


def resident_id_digit(first: str) -> str:
    """The check digit of an identity number, from its first 17 digits."""
    total = sum(int(digit) * weight for digit, weight in zip(first, _ID_WEIGHTS, strict=True))
    return _ID_DIGITS[total % 11]


def is_resident_id(text: str, today: date) -> bool:
    """18 characters with a real date of birth up to `today` and the right check digit."""
    right = len(text) == _ID_LENGTH and text[:-1].isdecimal() and text.isascii()
    return (
        right and birth_date(text, today) is not None and resident_id_digit(text[:-1]) == text[-1]
    )


def is_resident_id_15(text: str, today: date) -> bool:
    """15 digits with a real date of birth in 1900–1999."""
    return birth_date(text, today) is not None


def birth_date(number: str, today: date) -> date | None:
    """The date of birth in an identity number of 18 or 15 characters; None when it is not real."""
    text = number[6:14] if len(number) == _ID_LENGTH else f"19{number[6:12]}"
    try:
        born = date(int(text[:4]), int(text[4:6]), int(text[6:8]))
    except ValueError:
        return None
    return born if born.year >= _FIRST_YEAR and born <= today else None


def credit_digit(first: str) -> str:
    """The check character of a 统一社会信用代码, from its first 17 characters."""
    total = sum(
        _CREDIT_LETTERS.index(letter) * weight
        for letter, weight in zip(first, _CREDIT_WEIGHTS, strict=True)
    )
    return _CREDIT_LETTERS[(31 - total % 31) % 31]


def is_credit_code(text: str) -> bool:
    """18 characters of its alphabet with the right check character."""
    if len(text) != _ID_LENGTH or any(letter not in _CREDIT_LETTERS for letter in text):
        return False
    return credit_digit(text[:-1]) == text[-1]


def org_digit(first: str) -> str:
    """The check character of a 组织机构代码, from its first 8 characters."""
    total = sum(
        _ORG_LETTERS.index(letter) * weight
        for letter, weight in zip(first, _ORG_WEIGHTS, strict=True)
    )
    return "0123456789X0"[11 - total % 11] if total % 11 else "0"


def is_org_code(text: str) -> bool:
    """8 characters and the right check character, with or without the hyphen."""
    plain = text.replace("-", "")
    return len(plain) == len(_ORG_WEIGHTS) + 1 and org_digit(plain[:-1]) == plain[-1]


def luhn_digit(first: str) -> str:
    """The digit that makes a number pass the Luhn check when written after `first`."""
    return str((10 - _luhn_sum(first + "0")) % 10)


def is_luhn(text: str) -> bool:
    """Digits whose Luhn sum is a multiple of ten, not all the same."""
    return text.isdecimal() and len(set(text)) > 1 and _luhn_sum(text) % 10 == 0


def _luhn_sum(text: str) -> int:
    total = 0
    for at, letter in enumerate(reversed(text)):
        digit = int(letter) * (1 + at % 2)
        total += digit - 9 if digit > 9 else digit
    return total


@cache
def area_codes() -> frozenset[str]:
    """Telephone area codes with their leading 0."""
    return frozenset(catalog.by_key("area_codes", "code"))


def has_area_code(text: str) -> bool:
    """A landline number that begins with a known area code."""
    digits = "".join(letter for letter in text if letter.isdecimal())
    return digits[:3] in area_codes() or digits[:4] in area_codes()


def is_address_of_a_host(text: str) -> bool:
    """Four parts of which the first is not 0: 0.0.0.1 is a clause, a version or nothing."""
    return not text.startswith("0") and text.count(".") == 3


def has_two_digits(text: str) -> bool:
    """At least two digits: 京AABCDE is a word."""
    return sum(letter.isdecimal() for letter in text) > 1


def is_mobile(text: str) -> bool:
    """Eleven digits that are not all the same from the fourth on."""
    return len(set(text[-8:])) > 1


def is_passport(text: str) -> bool:
    """Not a letter with a date behind it: E20230513 is a number of a file."""
    digits = text[1:]
    return not (digits.isdecimal() and digits[:2] in {"19", "20"} and "01" <= digits[4:6] <= "12")


def _always(_text: str) -> bool:
    return True


CHECKS: Mapping[str, Callable[[str], bool]] = {
    "none": _always,
    "uscc": is_credit_code,
    "org_code": is_org_code,
    "luhn": is_luhn,
    "area_code": has_area_code,
    "ipv4": is_address_of_a_host,
    "plate": has_two_digits,
    "mobile": is_mobile,
    "passport": is_passport,
}
DATED: Mapping[str, Callable[[str, date], bool]] = {
    "resident_id": is_resident_id,
    "resident_id_15": is_resident_id_15,
}


def proves(check: str, text: str, today: date) -> bool:
    """Whether `text` passes the check of this name; raises KeyError for an unknown name."""
    if check in DATED:
        return DATED[check](text, today)
    return CHECKS[check](text)
