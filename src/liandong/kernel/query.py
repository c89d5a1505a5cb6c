r"""What a person types into the search box, as a `SearchQuery`, and back.

The grammar, and nothing else, is syntax; all the rest is text, and no input is an error:
`word`, `"phrase"` (also “…” and 「…」), `-word`, `NOT word`, `非 word`, `年度:2011`,
`日期:2010..2012`, an archival code (档号) or document number (文号) in any common form, and
`\` before a character that shall only be itself.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from .ports import FACETS, SearchQuery
from .text import CJK, fold

MOST_TEXT = 4000  # characters of a question that are read
MOST_PARTS = 64  # words, phrases, … of each kind, and values of each filter
EARLIEST, LATEST = 0, 99999999  # no bound

FIELDS: Mapping[str, str] = {  # what may stand before the colon, folded
    "年度": "year", "年份": "year", "year": "year",
    "全宗": "fonds", "全宗号": "fonds", "fonds": "fonds",
    "门类": "category", "档案门类": "category", "门类代码": "category", "category": "category",
    "保管期限": "retention", "期限": "retention", "retention": "retention",
    "责任者": "author", "作者": "author", "发文机关": "author", "author": "author",
    "日期": "date", "文件日期": "date", "成文日期": "date", "形成日期": "date", "date": "date",
    "档号": "code", "文号": "code", "发文字号": "code", "code": "code",
}  # fmt: skip
_RETENTION = {"永久": "Y", "长期": "LONG", "短期": "SHORT"}  # catalog/retention_periods.csv
_TERM = re.compile(r"(?:定期)?[dD]?([0-9]{1,3})年?")
_WIDTH = {0xFF01 + step: 0x21 + step for step in range(94)} | {0x3000: 0x20}
_QUOTES = {'"': '"', "“": "”", "「": "」", "『": "』"}
_SIGN = re.compile(r"\\.?|.", re.DOTALL)  # a character, or an escaped one with its backslash
_NOT = re.compile(r"(?:-(?=[^\s-])|(?:NOT|非)\s+(?=\S))")
_AND = re.compile(r"(?:AND|且)(?=\s+\S)")
_FIELD = re.compile(rf"({'|'.join(sorted(FIELDS, key=len, reverse=True))}):[ \t]*(?=\S)")
_LISTED = re.compile(r"[,，、;；]")

# On folded text: lower case, brackets are ( ), dots are ·, dashes are -.
_END = r"(?=[\s,;!?。、\"“”「」]|$)"
_GAP = r"[\s·._-]*+"
_MARK = r"(?:\s?[-·._]\s?)"
_PLACE = rf"(?:[0-9a-z{CJK}]|{_MARK}(?=[0-9a-z{CJK}]))"
_CODES = tuple(
    re.compile(pattern + _END)
    for pattern in (
        # 国办发〔2011〕23号, 国办发(2011)第23
        rf"[{CJK}a-z0-9]{{0,19}}[{CJK}]\s*\(\s*[12][0-9]{{3}}\s*\)\s*第?\s*[0-9]{{1,5}}(?:\s*号)?",
        # 国办发2011年23号, 国办发2011第23号, 国办发2011 23号
        rf"[{CJK}a-z0-9]{{0,19}}[{CJK}]\s*[12][0-9]{{3}}(?:\s*年\s*第?|\s*第|\s)\s*[0-9]{{1,5}}\s*号",
        # Z109-WS·2011-Y-BGS-0001 with any or no separators, also with blanks only
        rf"[a-z]?[0-9]{{3,4}}{_GAP}[a-z]{{2}}{_GAP}[12][0-9]{{3}}{_GAP}(?:y|d[0-9]{{1,3}})"
        rf"(?:{_GAP}[a-z]{{2,10}})?(?:{_GAP}[0-9]{{1,6}})(?:[\s·._-]++[0-9]{{1,6}})?",
        # Z109-WS·2011·Y·办公室-0001, C015-WY·TZGG·2019·D10-00001, the beginning of a code
        rf"[a-z]?[0-9]{{3,4}}{_MARK}?[a-z]{{2}}{_MARK}{_PLACE}*[0-9a-z{CJK}]",
        rf"[a-z]?[0-9]{{3,4}}{_MARK}[a-z]{{2}}(?=[0-9]){_PLACE}*[0-9a-z{CJK}]",
    )
)

_DATES = tuple(
    re.compile(pattern)
    for pattern in (
        r"([0-9]{4})年?",
        r"([0-9]{4})(?:[-./年])([0-9]{1,2})月?",
        r"([0-9]{4})(?:[-./年])([0-9]{1,2})[-./月]([0-9]{1,2})日?",
        r"([0-9]{4})([0-9]{2})",
        r"([0-9]{4})([0-9]{2})([0-9]{2})",
    )
)
_RANGE = re.compile(r"([^.…~至到]*(?:\.[^.…~至到]+)*)(?:\.{2,}|…|~|至|到)(.*)")
_LONGEST_DATE = 40  # characters of a date or range
_YEARS = re.compile(r"([0-9]{4})年?-([0-9]{4})年?")


def parse(text: str) -> SearchQuery:
    """Read what a person typed.  Never raises; what is no syntax is text."""
    return _Reading(text[:MOST_TEXT]).run()


@dataclass
class _Reading:
    """One pass over the text; `folded` has the same length."""

    text: str
    at: int = 0
    parts: dict[str, list[str]] = field(default_factory=dict)
    dates: tuple[int, int] = (EARLIEST, LATEST)

    def __post_init__(self) -> None:
        self.folded = fold(self.text)
        self.closers: dict[str, list[int]] = {close: [] for close in _QUOTES.values()}
        for found in _SIGN.finditer(self.text):  # of places where a quote ends
            if found[0] in self.closers:
                self.closers[found[0]].append(found.start())

    def run(self) -> SearchQuery:
        while self._skip_blanks():
            self._read_part()
        return SearchQuery(
            words=self._of("words"),
            phrases=self._of("phrases"),
            without=self._of("without"),
            codes=self._of("codes"),
            filters={name: self._of(name) for name in FACETS if self._of(name)},
            date_from=self.dates[0],
            date_to=self.dates[1],
        )

    def _of(self, kind: str) -> tuple[str, ...]:
        return tuple(self.parts.get(kind, ()))

    def _add(self, kind: str, value: str) -> None:
        values = self.parts.setdefault(kind, [])
        if value.strip() and value not in values and len(values) < MOST_PARTS:
            values.append(value)

    def _skip_blanks(self) -> bool:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1
        return self.at < len(self.text)

    def _read_part(self) -> None:
        if match := _AND.match(self.text, self.at):
            self.at = match.end()
        elif match := _NOT.match(self.text, self.at):
            self.at = match.end()
            self._add("without", self._quoted() or self._code() or self._word())
        elif phrase := self._quoted():
            self._add("phrases", phrase)
        elif not self._read_field():
            code = self._code()
            self._add("codes" if code else "words", code or self._word())

    def _quoted(self) -> str:
        """The text in quotes here; "" and no step when there is none."""
        close = self._closing(self.at)
        if close < 0:
            return ""
        inside = _plain(self.text[self.at + 1 : close])
        self.at = close + 1
        return inside if inside.strip() else ""

    def _closing(self, start: int) -> int:
        close = _QUOTES.get(self.text[start]) if start < len(self.text) else None
        places = self.closers[close] if close else []
        at = bisect_right(places, start)
        return places[at] if at < len(places) else -1

    def _code(self) -> str:
        for pattern in _CODES:
            if match := pattern.match(self.folded, self.at):
                self.at = match.end()
                return self.text[match.start() : match.end()]
        return ""

    def _word(self) -> str:
        start = self.at
        while self.at < len(self.text) and not self.text[self.at].isspace():
            if self.at > start and self._closing(self.at) > 0:
                break
            self.at += 2 if self.text[self.at] == "\\" else 1
        self.at = min(self.at, len(self.text))
        return _plain(self.text[start : self.at])

    def _read_field(self) -> bool:
        match = _FIELD.match(self.folded, self.at)
        if match is None:
            return False
        before, self.at = self.at, match.end()
        name = FIELDS[match[1]]
        if name == "code":
            self._add("codes", self._quoted() or self._code() or self._word())
            return True
        quoted = self._quoted()
        values = [quoted] if quoted else _LISTED.split(self._word())
        if name == "date":
            return self._read_date(values, before)
        for value in values:
            for known in _values(name, value):
                self._add(name, known)
        return True

    def _read_date(self, values: Sequence[str], before: int) -> bool:
        dates = date_range(values[0]) if len(values) == 1 else None
        if dates is None:
            self.at = before
            return False
        self.dates = dates
        return True


def _plain(text: str) -> str:
    """Without the escapes; a last lone backslash is itself."""
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)


def _values(name: str, typed: str) -> Iterable[str]:
    """Values of a filter as records carry them, from what was typed."""
    value = typed.translate(_WIDTH).strip()
    if name == "year":
        return _year_values(value)
    if name == "retention":
        if term := _TERM.fullmatch(value):
            return [f"D{int(term[1])}"]
        return [_RETENTION.get(value, value.upper())]
    if name in ("fonds", "category"):
        return [value.upper()]
    return [value]


def _year_values(value: str) -> Iterable[str]:
    dates = date_range(value)
    if dates is None or not EARLIEST < dates[0] <= dates[1] < LATEST:
        return [value]
    first, last = dates[0] // 10000, dates[1] // 10000
    return [str(year) for year in range(first, min(last, first + MOST_PARTS) + 1)]


def date_range(typed: str) -> tuple[int, int] | None:
    """First and last day (YYYYMMDD) of a date or range; None when it is neither.

    `2011`, `2011-05`, `2011年5月1日`, `20110501`, `2010..2012`, `2010-2012`, `2010..`, `..2012`.
    Months and days may be 00: parts of a date that are not known.
    """
    if len(typed) > _LONGEST_DATE:
        return None
    value = typed.translate(_WIDTH).strip()
    years = _YEARS.fullmatch(value)
    span = years or _RANGE.fullmatch(value)
    left, right = (span[1].strip(), span[2].strip()) if span else (value, value)
    if not (left or right):
        return None
    first = _day(left, "00", "00") if left else EARLIEST
    last = _day(right, "12", "31") if right else LATEST
    return None if first is None or last is None else (first, last)


def _day(text: str, month: str, day: str) -> int | None:
    for pattern in _DATES:
        if match := pattern.fullmatch(text):
            parts = [part for part in match.groups() if part]
            year, month, day = (parts + [month, day][len(parts) - 1 :])[:3]
            return int(f"{year}{month:0>2}{day:0>2}")
    return None


# Conditions in a URL ------------------------------------------------------------------------------


def to_params(query: SearchQuery) -> dict[str, list[str]]:
    """The parameters of a URL; `from_params(to_params(query)) == query`.

    `q` holds the text, each facet its values, `date` the range.  Empty ones are left out.
    """
    text = query_text(query)
    params = {"q": [text]} if text else {}
    params |= {name: list(query.filters[name]) for name in FACETS if query.filters.get(name)}
    if (query.date_from, query.date_to) != (EARLIEST, LATEST):
        first = "" if query.date_from == EARLIEST else f"{query.date_from:08d}"
        last = "" if query.date_to == LATEST else f"{query.date_to:08d}"
        params["date"] = [f"{first}..{last}"]
    return params


def from_params(params: Mapping[str, Sequence[str] | str]) -> SearchQuery:
    """The question in the parameters of a URL.  Never raises; unknown ones are ignored.

    Filters typed into `q` count beside the parameters.  Dates: `date`, or `from` and `to`.
    """
    query = parse(" ".join(_given(params, "q")))  # its blanks may be escaped: parse reads them
    filters = {
        name: tuple(dict.fromkeys([*query.filters.get(name, ()), *_listed(params, name)]))
        for name in FACETS
    }
    dates = [f"{_first(params, 'from')}..{_first(params, 'to')}", _first(params, "date")]
    for dated in filter(None, map(date_range, dates)):
        query = replace(query, date_from=dated[0], date_to=dated[1])
    return replace(
        query, filters={name: values[:MOST_PARTS] for name, values in filters.items() if values}
    )


def _given(params: Mapping[str, Sequence[str] | str], name: str) -> list[str]:
    value = params.get(name, ())
    return [value] if isinstance(value, str) else list(value)


def _listed(params: Mapping[str, Sequence[str] | str], name: str) -> list[str]:
    return [one.strip() for one in _given(params, name) if one.strip()]


def _first(params: Mapping[str, Sequence[str] | str], name: str) -> str:
    return next(iter(_listed(params, name)), "")


def query_text(query: SearchQuery) -> str:
    """The words, phrases, exclusions and codes as a person would type them."""
    plain = " ".join(
        [
            *query.words,
            *(f'"{phrase}"' for phrase in query.phrases),
            *(f'-"{part}"' if re.search(r"\s", part) else f"-{part}" for part in query.without),
            *query.codes,
        ]
    )
    bare = replace(query, filters={}, date_from=EARLIEST, date_to=LATEST)
    return plain if parse(plain) == bare else _explicit(query)


def _explicit(query: SearchQuery) -> str:
    """The same with every part marked, for parts that look like syntax."""
    return " ".join(
        [
            *("".join(f"\\{letter}" for letter in word) for word in query.words),
            *(_quote(phrase) for phrase in query.phrases),
            *(f"-{_quote(part)}" for part in query.without),
            *(f"code:{_quote(code)}" for code in query.codes),
        ]
    )


def _quote(text: str) -> str:
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'
