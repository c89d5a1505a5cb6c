"""Personal information (个人信息): found by its form and its check digits, masked, anonymised.

Plain Python and tables of the catalogue.  Knows texts and lines, no record and no page image.
Source: 个人信息保护法 (2021) arts. 4, 25, 28, 31, 73.
"""

from .finding import find_hits, find_in_texts
from .kinds import Hit, Kind, kinds
from .masking import MASK, hide_all, hides, mask, mask_text

__all__ = [
    "MASK",
    "Hit",
    "Kind",
    "find_hits",
    "find_in_texts",
    "hide_all",
    "hides",
    "kinds",
    "mask",
    "mask_text",
]
