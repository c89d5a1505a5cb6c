"""Names, numbers, dates and sums in running text, each with its place on the page.  Rules only.

Names of bodies and places that the caller knows are found surely; others by their suffixes.
"""

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum

from .documents.layout import fold_keeping_blanks
from .documents.patterns import date_of, number_of, pattern, strip_leading
from .pages import Box, Page


class EntityKind(StrEnum):
    """What an entity is; the value is the `field` of its proposal."""

    ORGANISATION = "org"
    PLACE = "place"
    DATE = "date"
    DOCUMENT_NUMBER = "cited_number"
    MONEY = "money"


@dataclass(frozen=True, slots=True)
class Entity:
    """One mention."""

    kind: EntityKind
    value: str  # normalised: YYYYMMDD, 〔〕, yuan with two decimals, names without blanks
    raw: str  # as it stands in the text
    page: int  # as `Page.number` says
    line: int  # index in `Page.lines` of the line where it begins, from 0
    start: int  # offset in that line, in characters
    box: Box | None  # of that line; None when the page has no places
    confidence: float  # 0.0 to 1.0: strength of the rule × confidence of the line


_KNOWN, _ANCHORED, _SUFFIX, _CHAIN = 0.95, 0.85, 0.6, 0.8  # strengths
_ORG_SUFFIX = re.compile(
    r"人民政府(?:办公[厅室])?|委员会(?:办公室)?|办公[厅室]|街道办事处|办事处|"
    r"(?:人民)?(?:检察院|法院)|研究院|研究所|派出所|有限(?:责任)?公司|集团|"
    r"(?:组织|宣传|统战|武装|财政|教育|公安|民政|司法|水利|交通运输|农业农村|商务|应急管理)部|"
    r"(?<=[\u4e00-\u9fa5]{2})(?:总局|分局|局)(?![长部面势限])|(?<=[\u4e00-\u9fa5]{2})厅(?!长)|"
    r"大学|学院|中学|小学|医院|银行|博物馆|图书馆|档案馆|商会|协会|联合会|总工会|支队|大队|合作社"
)
_BEFORE_NAME = re.compile(
    r"(?:根据|依据|按照|以及|经过|通过|报送|抄送|同意|批准|其中|包括|会同|联合|委托|隶属|由|经|和|与|及|"
    r"向|对|将|的|等|是|为|以|被|从|到|至|于|在|报|并|或|了|请|因|把|让|给|各|该|本|全|我|有关|相关|所属)"
)
_NAME_LETTERS = 22  # most characters of a body's name before its suffix
_PLACE_CHAIN = re.compile(
    r"(?:[\u4e00-\u9fa5]{2,6}?(?:省|自治区|特别行政区))?[\u4e00-\u9fa5]{2,5}?(?:市|自治州|地区|盟)"
    r"[\u4e00-\u9fa5]{2,6}?(?:县|区|旗|市)(?:[\u4e00-\u9fa5]{2,6}?(?:镇|乡|街道))?(?:[\u4e00-\u9fa5]{2,6}?(?:村|社区))?"
)
_NO_PLACE = re.compile(r"城市|本市|我市|全市|各县|全县|本县|我县|小区|园区|校区|地区|县区|市区")
_MONEY = re.compile(
    r"(?P<sum>[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?|[0-9]+(?:\.[0-9]+)?)\s?(?P<unit>[十百千万亿]{0,2})元"
)
_MONEY_CHINESE = re.compile("(?P<words>[壹贰叁肆伍陆柒捌玖拾佰仟万亿零]{2,})[元圆]整?")
_UNITS = {"十": 10, "百": 100, "千": 1000, "万": 10_000, "亿": 100_000_000}
_CAPITALS = {sign: digit for digit, sign in enumerate("零壹贰叁肆伍陆柒捌玖")}
_CAPITAL_UNITS = {"拾": 10, "佰": 100, "仟": 1000}


def find_entities(
    pages: Sequence[Page], *, organisations: Collection[str] = (), places: Collection[str] = ()
) -> list[Entity]:
    """Every mention on the pages, in order; lines that wrap are read on.

    `organisations` and `places` are names known to the caller.  Where mentions overlap, a body's
    name beats a place and a longer one a shorter one.
    """
    names = _by_beginning(organisations, EntityKind.ORGANISATION)
    for beginning, known in _by_beginning(places, EntityKind.PLACE).items():
        names[beginning] = sorted(names[beginning] + known, key=lambda name: -len(name[0]))
    anchors = frozenset(places)
    return [entity for page in pages for entity in _on_page(page, names, anchors)]


Names = Mapping[str, list[tuple[str, EntityKind]]]


def _by_beginning(
    names: Collection[str], kind: EntityKind
) -> defaultdict[str, list[tuple[str, EntityKind]]]:
    """Names by their first two characters, longest first."""
    table: defaultdict[str, list[tuple[str, EntityKind]]] = defaultdict(list)
    for name in sorted(set(names), key=lambda name: (-len(name), name)):
        if len(name) > 1:
            table[name[:2]].append((name, kind))
    return table


@dataclass(frozen=True, slots=True)
class _Running:
    """The lines of a page as one text; a line that fills its room runs into the next."""

    page: Page
    text: str
    starts: tuple[int, ...]  # offset of each line

    @classmethod
    def of(cls, page: Page) -> "_Running":
        longest = max((len(line.text) for line in page.lines), default=0)
        parts, starts, length = [], [], 0
        for line in page.lines:
            starts.append(length)
            text = fold_keeping_blanks(line.text)
            wraps = len(text) > 0.8 * longest and not re.search(r"[。:;!?]\s*$", text)
            parts.append(text if wraps else text + "\n")
            length += len(parts[-1])
        return cls(page, "".join(parts), tuple(starts))

    def entity(
        self, kind: EntityKind, value: str, span: tuple[int, int], strength: float
    ) -> Entity:
        """A mention at these offsets of the text."""
        at = bisect_right(self.starts, span[0]) - 1
        line = self.page.lines[at]
        return Entity(
            kind=kind,
            value=value,
            raw=self.text[span[0] : span[1]],
            page=self.page.number,
            line=at,
            start=span[0] - self.starts[at],
            box=line.box if self.page.width and line.box.right > line.box.left else None,
            confidence=round(strength * line.confidence, 4),
        )


def _on_page(page: Page, names: Names, anchors: frozenset[str]) -> list[Entity]:
    if not page.lines:
        return []
    running = _Running.of(page)
    found: list[tuple[int, int, Entity]] = []
    for rule in (_document_numbers, _dates, _money):
        found += _placed(rule(running))
    named = [*_known(running, names), *_by_suffix(running, anchors), *_chains(running)]
    found += _placed(iter(named))
    return _without_overlaps(found)


Span = tuple[tuple[int, int], Entity]


def _placed(spans: Iterator[Span]) -> list[tuple[int, int, Entity]]:
    return [(start, end, entity) for (start, end), entity in spans]


def _without_overlaps(found: list[tuple[int, int, Entity]]) -> list[Entity]:
    """The longest of overlapping mentions of one sort; in the order of the text."""
    starts: list[int] = []  # of what is taken, sorted; nothing taken overlaps
    taken: dict[int, tuple[int, Entity]] = {}
    ranked = sorted(found, key=lambda one: (one[0] - one[1], -one[2].confidence, one[0]))
    for start, end, entity in ranked:
        at = bisect_right(starts, start)
        free = at == 0 or taken[starts[at - 1]][0] <= start
        if free and (at == len(starts) or end <= starts[at]):
            starts.insert(at, start)
            taken[start] = end, entity
    return [taken[start][1] for start in starts]


def _document_numbers(running: _Running) -> Iterator[Span]:
    for match in pattern("document_number").finditer(running.text):
        number = number_of(match)
        if number is None or not (match["open"] and match["close"]):
            continue
        value, strength = strip_leading(number[0]), number[1]
        letters = value.partition("〔")[0]
        start = match.start() + max(0, match["org"].rfind(letters))
        sure = strength if len(letters) <= 8 else 0.6 * strength
        span = start, match.end()
        yield span, running.entity(EntityKind.DOCUMENT_NUMBER, value, span, sure)


def _dates(running: _Running) -> Iterator[Span]:
    for name, chinese in (("document_date", False), ("document_date_chinese", True)):
        for match in pattern(name).finditer(running.text):
            date = date_of(match, chinese=chinese)
            if date:
                yield match.span(), running.entity(EntityKind.DATE, str(date), match.span(), 0.95)


def _money(running: _Running) -> Iterator[Span]:
    for match in _MONEY.finditer(running.text):
        value = _sum_of(match["sum"], match["unit"])
        if value:
            yield match.span(), running.entity(EntityKind.MONEY, value, match.span(), 0.95)
    for match in _MONEY_CHINESE.finditer(running.text):
        value = f"{_in_capitals(match['words'])}.00"
        yield match.span(), running.entity(EntityKind.MONEY, value, match.span(), 0.9)


def _sum_of(digits: str, units: str) -> str:
    try:
        value = Decimal(digits.replace(",", ""))
    except InvalidOperation:
        return ""
    for unit in units:
        value *= _UNITS[unit]
    return f"{value:.2f}"


def _in_capitals(words: str) -> int:
    """壹佰贰拾万 → 1200000."""
    total = section = digit = 0
    for sign in words:
        if sign in _CAPITALS:
            digit = _CAPITALS[sign]
        elif sign in _CAPITAL_UNITS:
            section, digit = section + (digit or 1) * _CAPITAL_UNITS[sign], 0
        else:
            total, section, digit = (total + section + digit) * _UNITS[sign], 0, 0
    return total + section + digit


def _known(running: _Running, names: Names) -> Iterator[Span]:
    """Names that the caller knows; the longest at each place."""
    text = running.text
    at = 0
    while at < len(text) - 1:
        for name, kind in names.get(text[at : at + 2], ()):
            if text.startswith(name, at):
                span = at, at + len(name)
                yield span, running.entity(kind, name, span, _KNOWN)
                at = span[1] - 1
                break
        at += 1


def _by_suffix(running: _Running, anchors: frozenset[str]) -> Iterator[Span]:
    """Bodies by suffix: from a known place before it, else from the last word that leads in."""
    for match in _ORG_SUFFIX.finditer(running.text):
        left = re.search(
            rf"[\u4e00-\u9fa5]{{0,{_NAME_LETTERS}}}\Z",
            running.text[max(0, match.start() - _NAME_LETTERS) : match.start()],
        )
        before = left[0] if left else ""
        begins = [before.rfind(place) for place in anchors if place in before]
        if begins:
            before, strength = before[min(begins) :], _ANCHORED
        else:
            before, strength = _BEFORE_NAME.split(before)[-1], _SUFFIX
        if len(before) < 2 or (not begins and _NO_PLACE.search(before[:2])):
            continue
        span = match.start() - len(before), match.end()
        value = before + match[0]
        yield span, running.entity(EntityKind.ORGANISATION, value, span, strength)


def _chains(running: _Running) -> Iterator[Span]:
    """Places of two levels or more: 滨州市滨城区彭李街道."""
    for match in _PLACE_CHAIN.finditer(running.text):
        lead = max((one.end() for one in _BEFORE_NAME.finditer(match[0])), default=0)
        value = match[0][lead:]
        if _NO_PLACE.search(value) or not _PLACE_CHAIN.fullmatch(value):
            continue
        span = match.start() + lead, match.end()
        yield span, running.entity(EntityKind.PLACE, value, span, _CHAIN)


def places_in(names: Collection[str]) -> set[str]:
    """Names of provinces, cities, counties and streets that names of bodies begin with."""
    found: set[str] = set()
    for name in names:
        rest = name.removeprefix("中共")
        while match := re.match(r"[\u4e00-\u9fa5]{2,6}?(?:省|自治区|市|县|区|镇|乡|街道)", rest):
            if not _NO_PLACE.search(match[0]):
                found.add(match[0])
            rest = rest[match.end() :]
    return found
