"""The checklist of protection level 3 (等保三级): what is done, by whom, and where one can see it.

Source: GB/T 22239-2019, 8.1.4 and 8.1.5, as the catalogue remembers them.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext_lazy as _

from liandong.kernel import catalog

STATES: Final = {
    "done": (_("已实现"), "done"),
    "deployment": (_("由部署落实"), "decide"),
    "not_done": (_("未实现"), "failed"),
}
KINDS: Final = (  # how a piece of evidence begins: what it is
    ("src/", _("代码")),
    ("tests/", _("测试")),
    ("docs/", _("文档")),
    ("deploy/", _("部署")),
    ("benchmarks/", _("测量")),
    ("requirements/", _("依赖")),
    ("/", _("页面")),
    ("liandong ", _("命令")),
    ("LIANDONG_", _("设置")),
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where one can see that a line is met."""

    kind: object  # lazy word of KINDS
    text: str

    @property
    def is_page(self) -> bool:
        """Whether it is an address of this installation that opens as it stands."""
        return self.text.startswith("/") and "<" not in self.text


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the checklist, in one language."""

    clause: str
    topic: str
    requirement: str
    state: str  # of STATES
    words: str
    evidence: tuple[Evidence, ...]

    @property
    def state_word(self) -> object:
        """The state in words."""
        return STATES[self.state][0]

    @property
    def tone(self) -> str:
        """The tone of `components/status.html`."""
        return STATES[self.state][1]


def checklist(language: str) -> list[Line]:
    """Every line in the order of the clauses; `language` is zh or en."""
    return [_line(row, language) for row in catalog.rows("mlps3_checklist")]


def _line(row: Mapping[str, str], language: str) -> Line:
    english = language == "en"
    return Line(
        clause=row["clause"],
        topic=row["topic"] if english else row["topic_zh"],
        requirement=row["requirement"] if english else row["requirement_zh"],
        state=row["state"],
        words=row["words_en"] if english else row["words_zh"],
        evidence=tuple(evidence(row["evidence"])),
    )


def evidence(text: str) -> Iterable[Evidence]:
    """The pieces of a cell, which `;` parts.  Raises ValueError for one of no kind."""
    for piece in re.split(r"\s*;\s*", text) if text else ():
        kind = next((word for start, word in KINDS if piece.startswith(start)), None)
        if kind is None:
            raise ValueError(piece)
        yield Evidence(kind, piece)


def counts(lines: Iterable[Line]) -> list[tuple[str, object, str, int]]:
    """State, word, tone and number of lines, in the order of STATES."""
    found = Counter(line.state for line in lines)
    return [(state, word, tone, found[state]) for state, (word, tone) in STATES.items()]
