"""Documents of the search port as fields of an index, whichever it is."""

from collections.abc import Iterator, Mapping

from liandong.kernel.ports import FACETS, MaskedText, SearchDocument
from liandong.kernel.text import Fold, code_prefixes, run_tokens, runs

from .conditions import FACED, MASKED
from .words import jieba_words

UNKNOWN_LAST = 99999999
RUN_END = "。"  # between the units of two runs: no unit is a mark

Field = tuple[str, int | str | list[str]]  # a whole number, a text, or several values


class Fields:
    """Makes fields of documents.

    `facts` names the fields of the access rule: True for a whole number, False for text.  With
    `units` there is a field of the single units of the text, in which runs are kept apart.
    """

    def __init__(self, facts: Mapping[str, bool], fold: Fold, *, units: bool = False) -> None:
        self._facts = facts
        self._fold = fold
        self._units = units

    def of(self, document: SearchDocument) -> Iterator[Field]:
        """The fields of a document, without empty ones.

        Raises KeyError for a missing fact, TypeError for one of the other kind.
        """
        yield "record_id", document.record_id
        author = document.facets.get("author", "")
        text = MaskedText(document.title, document.document_number, document.body, author)
        yield from self._text("", document.code, text)
        if document.masked is not None:
            yield from self._text(MASKED, document.code, document.masked)
        for name in FACETS:
            if name not in FACED and (value := document.facets.get(name, "")):
                yield name, value
        yield "date", document.date
        yield "oldest", document.date or UNKNOWN_LAST
        for name, whole_number in self._facts.items():
            yield f"fact_{name}", _fact(name, whole_number, document.facts[name])

    def _text(self, face: str, code: str, text: MaskedText) -> Iterator[Field]:
        """The words of one face."""
        title, *rest = (
            runs(self._fold(part)) for part in (text.title, code, text.document_number, text.body)
        )
        every = [*title, *(run for part in rest for run in part)]
        yield f"{face}bigrams", " ".join(token for run in every for token in run_tokens(run))
        if self._units:
            yield f"{face}units", f" {RUN_END} ".join(" ".join(run) for run in every)
        in_title = jieba_words(title)
        in_rest = jieba_words(run for part in rest for run in part)
        yield f"{face}title", " ".join(in_title)
        yield f"{face}words", " ".join([*in_title, *in_rest])
        yield f"{face}codes", list(self._keys(code, text.document_number))
        if text.author:
            yield f"{face}author", text.author

    def _keys(self, *codes: str) -> Iterator[str]:
        """Of each code the keys of its beginnings, and that of the whole, which begins with =."""
        for code in codes:
            *begun, whole = code_prefixes(code, self._fold) or [""]
            if whole:
                yield from (*begun, f"={whole}")


def _fact(
    name: str, whole_number: bool, fact: str | int | frozenset[str]
) -> int | list[str]:  # texts begin with =, so that an empty one is a value too
    if whole_number:
        if not isinstance(fact, int):
            raise TypeError(f"fact {name!r} is no whole number: {fact!r}")
        return fact
    if isinstance(fact, int):
        raise TypeError(f"fact {name!r} is no text: {fact!r}")
    return [f"={value}" for value in ([fact] if isinstance(fact, str) else sorted(fact))]
