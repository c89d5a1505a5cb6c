"""Reads the fields of official documents (公文) off their pages.

Rules only: it proposes, a person decides.

Source: GB/T 9704-2012; patterns are rows of `catalog/official_document_fields.csv`.
"""

from .extraction import extract_fields
from .layout import ExtractedField
from .marks import classified_mark, classified_words

__all__ = ["ExtractedField", "classified_mark", "classified_words", "extract_fields"]
