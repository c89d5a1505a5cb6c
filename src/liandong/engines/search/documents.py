"""Documents of the search port as documents of tantivy, and as lines of the journal."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from tantivy import Document, Schema, SchemaBuilder

from liandong.kernel.ports import FACETS, MaskedText, SearchDocument
from liandong.kernel.text import code_prefixes, run_tokens, runs

from .cells import Cells
from .conditions import FACED, MASKED, Fold, jieba_words

_UNKNOWN_LAST = 99999999


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
        self._facts = facts
        self._fold = fold

    def make(self, document: SearchDocument, cells: Cells) -> Document:
        """The document for the index.

        Raises KeyError for a missing fact, TypeError for one of the other kind.
        """
        made = Document()
        made.add_integer("record_id", document.record_id)
        author = document.facets.get("author", "")
        text = MaskedText(document.title, document.document_number, document.body, author)
        self._add_text(made, "", document.code, text)
        if document.masked is not None:
            self._add_text(made, MASKED, document.code, document.masked)
        for name in FACETS:
            if name not in FACED and (value := document.facets.get(name, "")):
                made.add_text(name, value)
        made.add_text("cell", cells.term(document.facts))
        made.add_integer("date", document.date)
        made.add_integer("oldest", document.date or _UNKNOWN_LAST)
        for name, whole_number in self._facts.items():
            self._add_fact(made, name, whole_number, document.facts[name])
        return made

    def _add_text(self, made: Document, face: str, code: str, text: MaskedText) -> None:
        """The words of one face."""
        title, *rest = (
            runs(self._fold(part)) for part in (text.title, code, text.document_number, text.body)
        )
        every = [*title, *(run for part in rest for run in part)]
        pairs = " ".join(token for run in every for token in run_tokens(run))
        made.add_text(f"{face}bigrams", pairs)
        in_title = jieba_words(title)
        in_rest = jieba_words(run for part in rest for run in part)
        made.add_text(f"{face}title", " ".join(in_title))
        made.add_text(f"{face}words", " ".join([*in_title, *in_rest]))
        for one in (code, text.document_number):
            *begun, whole = code_prefixes(one, self._fold) or [""]
            for key in [*begun, f"={whole}"] if whole else []:
                made.add_text(f"{face}codes", key)
        if text.author:
            made.add_text(f"{face}author", text.author)

    def _add_fact(
        self, made: Document, name: str, whole_number: bool, fact: str | int | frozenset[str]
    ) -> None:
        if whole_number:
            if not isinstance(fact, int):
                raise TypeError(f"fact {name!r} is no whole number: {fact!r}")
            made.add_integer(f"fact_{name}", fact)
            return
        if isinstance(fact, int):
            raise TypeError(f"fact {name!r} is no text: {fact!r}")
        for value in [fact] if isinstance(fact, str) else sorted(fact):
            made.add_text(f"fact_{name}", f"={value}")


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
