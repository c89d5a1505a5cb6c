"""Documents of the search port as documents of tantivy, and as lines of the journal."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from tantivy import Document, Schema, SchemaBuilder

from liandong.kernel.ports import FACETS, MaskedText, SearchDocument
from liandong.kernel.text import Fold

from .cells import Cells
from .conditions import FACED, MASKED
from .documents import Fields


def make_schema(facts: Mapping[str, bool]) -> Schema:
    """The fields of an index; `facts` are those of the access rule, True for a whole number."""
    builder = SchemaBuilder()
    builder.add_integer_field("record_id", indexed=True, fast=True)
    for face in ("", MASKED):
        for name in ("words", "title"):  # ranking
            builder.add_text_field(
                f"{face}{name}", tokenizer_name="whitespace", index_option="freq"
            )
        builder.add_text_field(
            f"{face}bigrams", tokenizer_name="whitespace", index_option="position"
        )
        builder.add_text_field(f"{face}codes", tokenizer_name="raw", index_option="basic")
    for name in (*FACETS, *(f"{MASKED}{name}" for name in FACETS if name in FACED)):
        builder.add_text_field(name, fast=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("cell", tokenizer_name="raw", index_option="basic")
    builder.add_integer_field("date", indexed=True, fast=True)
    builder.add_integer_field("oldest", fast=True)  # the date; unknown ones last
    for name, whole_number in sorted(facts.items()):
        if whole_number:
            builder.add_integer_field(f"fact_{name}", indexed=True, fast=True)
        else:
            builder.add_text_field(f"fact_{name}", tokenizer_name="raw", index_option="basic")
    return builder.build()


class Maker:
    """Makes documents of tantivy.

    `facts` names the fields of the access rule: True for a whole number, False for text.
    """

    def __init__(self, facts: Mapping[str, bool], fold: Fold) -> None:
        self._fields = Fields(facts, fold)

    def make(self, document: SearchDocument, cells: Cells) -> Document:
        """The document for the index.

        Raises KeyError for a missing fact, TypeError for one of the other kind.
        """
        made = Document()
        for name, value in self._fields.of(document):
            if isinstance(value, int):
                made.add_integer(name, value)
            else:
                for text in [value] if isinstance(value, str) else value:
                    made.add_text(name, text)
        made.add_text("cell", cells.term(document.facts))
        return made


def frozen(what: str, value: SearchDocument | int) -> str:
    """One line of the journal."""
    if isinstance(value, int):
        return json.dumps([what, value]) + "\n"
    fields = {name: getattr(value, name) for name in SearchDocument.__dataclass_fields__}
    fields["facets"] = dict(value.facets)
    fields["masked"] = asdict(value.masked) if value.masked else None
    fields["facts"] = {
        name: sorted(fact) if isinstance(fact, frozenset) else fact
        for name, fact in value.facts.items()
    }
    return json.dumps([what, fields]) + "\n"


def thawed(fields: dict[str, Any]) -> SearchDocument:
    """The document that a line of the journal holds."""
    facts = {
        name: frozenset(fact) if isinstance(fact, list) else fact
        for name, fact in fields["facts"].items()
    }
    masked = MaskedText(**fields["masked"]) if fields["masked"] else None
    return SearchDocument(**{**fields, "facts": facts, "masked": masked})
