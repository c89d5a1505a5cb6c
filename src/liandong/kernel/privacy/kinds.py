"""The kinds of personal information and the words around them, as the catalogue has them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from liandong.kernel import catalog


@dataclass(frozen=True, slots=True)
class Kind:
    """One row of `catalog/pii_kinds.csv`."""

    order: int  # where two kinds fit one text equally well, the lower one wins
    code: str
    name_zh: str
    name_en: str
    form: str  # code, text, name, address, birth, hint, image, track: which detector reads it
    regex: re.Pattern[str] | None  # counts wherever it stands
    loose: re.Pattern[str] | None  # counts only beside one of the labels
    labels: tuple[str, ...]  # words beside which a value stands
    label: re.Pattern[str] | None  # matches the text before a value when it ends with a label
    check: str  # name of a check in `digits`
    mask: str  # rule of `masking`
    sensitive: bool  # 敏感个人信息.  个人信息保护法 (2021) art. 28
    direct: bool  # tells one person by itself: dropped when a table is anonymised


@dataclass(frozen=True, slots=True)
class Hit:
    """Personal information at a place of a text."""

    kind: str  # code of a row of `catalog/pii_kinds.csv`
    start: int  # in characters of the text that was examined
    end: int  # excluded
    text: str  # as it stands there, line ends included
    sensitive: bool
    confidence: float  # 0.0 to 1.0
    method: str  # check, pattern, label, context, words, dictionary, repeat, repaired

    @property
    def span(self) -> tuple[int, int]:
        """Start and end."""
        return self.start, self.end


CONNECTORS = (
    r"(?:[\s:()#=\[\]]|号码?|为|是|均为|分别为|系|编号|证件|No\.?|NO\.?|\+?86|或|拨打|请拨?打?|、)"
)
_MOST_CONNECTORS = 10


@cache
def kinds() -> Mapping[str, Kind]:
    """Every kind by its code, in order."""
    return {row["kind"]: _kind(row) for row in catalog.rows("pii_kinds")}


def _kind(row: Mapping[str, str]) -> Kind:
    labels = [label for label in row["labels"].split("|") if label]
    return Kind(
        order=int(row["order"]),
        code=row["kind"],
        name_zh=row["name_zh"],
        name_en=row["name_en"],
        form=row["form"],
        regex=re.compile(row["regex"]) if row["regex"] else None,
        loose=re.compile(row["loose"]) if row["loose"] else None,
        labels=tuple(labels),
        label=_ends_with(labels) if labels else None,
        check=row["check"],
        mask=row["mask"],
        sensitive=row["sensitive"] == "Y",
        direct=row["identifies"] == "direct",
    )


def _ends_with(labels: list[str]) -> re.Pattern[str]:
    ones = "|".join(map(re.escape, sorted(labels, key=len, reverse=True)))
    return re.compile(rf"(?:{ones}){CONNECTORS}{{0,{_MOST_CONNECTORS}}}\Z")


def of_form(form: str) -> tuple[Kind, ...]:
    """The kinds that one detector reads, in order."""
    return tuple(kind for kind in kinds().values() if kind.form == form)


@cache
def words(name: str) -> tuple[str, ...]:
    """One list of `catalog/pii_words.csv`, longest first."""
    row = catalog.by_key("pii_words", "list")[name]
    return tuple(sorted(row["words"].split("|"), key=lambda word: (-len(word), word)))


def any_of(name: str) -> str:
    """One list of words as an alternation for a regular expression, longest first."""
    return "(?:" + "|".join(map(re.escape, words(name))) + ")"


@cache
def characters(use: str) -> str:
    """One list of `catalog/name_characters.csv`: characters, or words separated by |."""
    return catalog.by_key("name_characters", "use")[use]["characters"]


def make_hit(kind: Kind, text: str, start: int, end: int, confidence: float, method: str) -> Hit:
    """A hit of this kind at these offsets of `text`."""
    return Hit(kind.code, start, end, text[start:end], kind.sensitive, confidence, method)
