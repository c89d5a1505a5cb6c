"""Personal names in context: after a label, before a title or a sex, beside a number, or alone.

No model: a surname, characters that names are made of, and what stands around give points; a name
needs enough of them.  Words that begin like a name (高兴, 方法) and names of bodies give none.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import NamedTuple

from .kinds import Hit, any_of, characters, kinds, make_hit, words

_CJK = "\u3400-\u4dbf\u4e00-\u9fff"
_ENOUGH = 3.5  # points
_SURE = 6.0  # points of a name that is told by everything around it
_BEFORE_LABEL, _LABEL, _LABEL_BLANK, _GLUED, _TITLE, _SEX, _NUMBER = (
    1.0,
    3.0,
    2.5,
    1.0,
    2.0,
    3.0,
    2.0,
)
_STRONG, _WEAK, _COMMON, _CLOSED = 1.0, 0.5, 1.0, 1.0
_LONE_STRONG = 1.5  # the only character of a given name
_LONGEST = 4  # characters of a Chinese name
_RUN = re.compile(rf"[{_CJK}]{{1,8}}")
_SPACED = re.compile(rf"([{_CJK}]) {{1,4}}([{_CJK}])(?![{_CJK}])")
_DOTTED = re.compile(rf"[{_CJK}]{{2,8}}(?:·[{_CJK}]{{1,8}}){{1,3}}")
_SURNAME_ONLY = frozenset("某×X*")
_SEX_AFTER = re.compile(r"[ ,，、(]{0,3}(?:性别[: ]?)?[男女](?![\u4e00-\u9fff])")
_SEX_MARK = re.compile(rf"[男女](?![{_CJK}]|[{_CJK}]?\))|[男女](?=汉族|回族|满族|生于|出生|性)")
_MASK = "*"


class Name(NamedTuple):
    """A possible name."""

    start: int
    end: int
    points: float


class _Tables(NamedTuple):
    surnames: frozenset[str]
    rare: frozenset[str]
    compounds: frozenset[str]
    strong: frozenset[str]
    given: frozenset[str]
    words: frozenset[str]
    after: frozenset[str]


@cache
def _tables() -> _Tables:
    strong = frozenset(characters("given_strong"))
    return _Tables(
        frozenset(characters("surname")),
        frozenset(characters("surname_rare")),
        frozenset(characters("surname_compound").split("|")),
        strong,
        strong | frozenset(characters("given_weak")),
        frozenset(words("not_name")),
        frozenset(word for word in words("name_after") if len(word) == 1),
    )


@cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    """A label and what joins it to a name; a word before a name; a title; an end of a body."""
    joint = r"(?P<joint> ?: ?\n? ?| *\n *| {1,4}| ?\(|)"
    label = re.compile(rf"{any_of('name_label')}(?:姓名|签字|签名)?{joint}(?=[{_CJK}])")
    return (
        label,
        re.compile(rf"{any_of('name_before')}\Z"),
        re.compile(any_of("name_title")),
        re.compile(rf"[{_CJK}]{{0,12}}?{any_of('organisation_end')}(?![{_CJK}])"),
    )


def find_names(folded: str, text: str, numbers: Sequence[Hit]) -> list[Hit]:
    """Names in a folded text, given the numbers that were found in it; they may overlap."""
    found: dict[tuple[int, int], tuple[float, str]] = {}
    for method, names in (
        ("label", _labelled(folded)),
        ("context", _titled(folded)),
        ("context", _sexed(folded)),
        ("context", _numbered(folded, numbers)),
        ("dictionary", _alone(folded)),
    ):
        for name in names:
            known = found.get((name.start, name.end))
            if name.points >= _ENOUGH and (known is None or known[0] < name.points):
                found[name.start, name.end] = (name.points, method)
    kind = kinds()["person_name"]
    return [
        make_hit(kind, text, start, end, _confidence(points), method)
        for (start, end), (points, method) in sorted(found.items())
    ]


def _confidence(points: float) -> float:
    return round(min(0.97, 0.5 + 0.45 * (points - _ENOUGH) / (_SURE - _ENOUGH)), 3)


# Where a name may stand ---------------------------------------------------------------------------


def _labelled(folded: str) -> Iterator[Name]:
    """姓名：张三, 联系人 李四、王五, 申请人李明于…"""
    for match in _patterns()[0].finditer(folded):
        joint, at = match["joint"], match.end()
        glued = joint == ""
        if glued and len(match[0]) < 2:
            continue
        points = _LABEL if ":" in joint or "(" in joint else _GLUED if glued else _LABEL_BLANK
        yield from _list_of_names(folded, at, points, needs_surname=":" not in joint)


def _list_of_names(folded: str, at: int, points: float, *, needs_surname: bool) -> Iterator[Name]:
    """The name at this place, and those after it in an enumeration."""
    for _ in range(50):
        name = read_name(folded, at, points, needs_surname=needs_surname)
        if name is None:
            return
        yield name
        more = re.compile(
            r" ?[、,，/;；] ?| {1,3}(?=[\u4e00-\u9fff]{2,4}(?![\u4e00-\u9fff]))"
        ).match(folded, name.end)
        if more is None or name.points < _ENOUGH:
            return
        at, points, needs_surname = more.end(), min(points, _LABEL_BLANK), True


def _titled(folded: str) -> Iterator[Name]:
    """张三同志, 李明先生."""
    for match in _patterns()[2].finditer(folded):
        yield from name_before(folded, match.start(), _TITLE)


def _sexed(folded: str) -> Iterator[Name]:
    """张三，男，…"""
    for match in _SEX_MARK.finditer(folded):
        end = match.start()
        while end > 0 and folded[end - 1] in " ,，、(:" and match.start() - end < 3:
            end -= 1
        if folded.endswith("性别", 0, end):
            end -= 2
        while end > 0 and folded[end - 1] in " ,，、(\n" and match.start() - end < 6:
            end -= 1
        yield from name_before(folded, end, _SEX)


_NUMBER_LABEL = re.compile(
    r"(?:[ ,，、(:\[]|的|居民|公民|有效)?(?:身份证|身份证件|手机|联系|电话|证件|护照|银行卡|账|卡)"
    r"?(?:号码|号|电话)?[ ,，、(:\n\[]{0,3}\Z"
)


def _numbered(folded: str, numbers: Sequence[Hit]) -> Iterator[Name]:
    """张三（身份证号 …）, 张三 13812345678."""
    for hit in numbers:
        if hit.kind in {"uscc", "org_code", "ipv4", "mac", "imei"}:
            continue
        before = folded[max(0, hit.start - 16) : hit.start]
        label = _NUMBER_LABEL.search(before)
        cut = len(before) - label.start() if label else 0
        if cut:
            yield from name_before(folded, hit.start - cut, _NUMBER)


def _alone(folded: str) -> Iterator[Name]:
    """A cell or a piece between marks that is a name and nothing else."""
    for match in re.finditer(rf"(?<![{_CJK}·])[{_CJK}]{{2,4}}(?![{_CJK}·])", folded):
        name = read_name(folded, match.start(), 0.0, needs_surname=True)
        if name is not None and name.end == match.end():
            yield name


# What a name looks like ---------------------------------------------------------------------------


def read_name(folded: str, at: int, points: float, *, needs_surname: bool) -> Name | None:
    """The name that begins here, with its points; None when no name does."""
    dotted = _DOTTED.match(folded, at)
    if dotted is not None and points >= _LABEL_BLANK:
        return Name(at, dotted.end(), points + _COMMON + _CLOSED)
    spaced = _SPACED.match(folded, at)
    if spaced is not None:
        return _spaced_name(folded, spaced, points)
    run = _RUN.match(folded, at)
    if run is None or _is_word(folded, at, run.end()):
        return None
    best = max(
        (_judge(folded, at, end, points) for end in _ends(run[0], at)),
        key=lambda name: name.points,
        default=None,
    )
    if (
        best is None
        and not needs_surname
        and 2 <= len(run[0]) <= _LONGEST
        and _is_closed(folded, run.end())
    ):
        return Name(at, run.end(), points + _CLOSED)  # a rare surname, told by its label alone
    return best


def _ends(run: str, at: int) -> Iterator[int]:
    """Where a name that begins the run may end."""
    tables = _tables()
    if run[:2] in tables.compounds:
        yield from (at + length for length in (3, 4) if length <= len(run))
    if run[0] in tables.surnames or run[0] in tables.rare:
        yield from (at + length for length in (2, 3) if length <= len(run))


def _spaced_name(folded: str, match: re.Match[str], points: float) -> Name | None:
    """张　三, a name of two characters spread to the width of three."""
    tables = _tables()
    if match[1] not in tables.surnames or (match[1] + match[2]) in tables.words:
        return None
    fits = _STRONG if match[2] in tables.given else 0.0
    return Name(match.start(), match.end(), points + _COMMON + fits + (_WEAK if points else 0.0))


def _judge(folded: str, start: int, end: int, points: float) -> Name:
    """The points of a name from here to there."""
    tables, name = _tables(), folded[start:end]
    compound = name[:2] in tables.compounds and len(name) > 2
    given = name[2:] if compound else name[1:]
    if name in tables.words or any(letter in _SURNAME_ONLY for letter in given):
        return Name(start, end, 0.0)
    points += _COMMON * (1.5 if compound else 1.0 if name[0] in tables.surnames else 0.0)
    points += _given_points(given)
    if _is_closed(folded, end):
        points += _CLOSED
    elif folded[end] in tables.after or _begins_label(folded, end):
        points += _WEAK
    else:
        points -= _CLOSED
    if folded[end : end + 1] == _MASK and name in tables.compounds:
        return Name(start, end, 0.0)  # 欧阳*: masked already
    return Name(start, end, points)


def _given_points(given: str) -> float:
    tables = _tables()
    if len(given) == 1:
        return (
            _LONE_STRONG if given in tables.strong else _WEAK if given in tables.given else -_WEAK
        )
    points = 0.0
    for letter in given:
        points += _STRONG if letter in tables.strong else _WEAK if letter in tables.given else -1.0
    return points


def _is_closed(folded: str, end: int) -> bool:
    """Whether no Chinese character goes on here."""
    return end >= len(folded) or not "\u3400" <= folded[end] <= "\u9fff"


@cache
def _label_heads() -> re.Pattern[str]:
    more = "性别|民族|年龄|籍贯|职务|电话|手机|身份证|住址|地址|单位|出生|汉族|联系"
    return re.compile(f"{more}|{any_of('name_label')}|{any_of('name_title')}")


def _begins_label(folded: str, at: int) -> bool:
    return _label_heads().match(folded, at) is not None


def _is_word(folded: str, start: int, end: int) -> bool:
    """Whether a word that is no name, or the name of a body, begins here."""
    run, tables = folded[start:end], _tables()
    if any(run[:length] in tables.words for length in range(2, min(6, len(run)) + 1)):
        return True
    return len(run) > _LONGEST and _patterns()[3].match(folded, start) is not None


def name_before(folded: str, end: int, points: float) -> Iterator[Name]:
    """The best name that ends here: before a title, a sex or a number."""
    if end < 2 or folded[end - 1] == "\n":
        return
    best: Name | None = None
    for length in (2, 3, 4):
        start = end - length
        if start < 0 or not _RUN.fullmatch(folded, start, end):
            break
        name = _ending(folded, start, end, points)
        if name is not None and (best is None or name.points > best.points):
            best = name
    spaced = re.compile(rf"(?<![{_CJK}])[{_CJK}] {{1,4}}[{_CJK}]\Z").search(
        folded, max(0, end - 7), end
    )
    if spaced is not None:
        match = _SPACED.match(folded, spaced.start())
        best = best or (_spaced_name(folded, match, points) if match else None)
    if best is not None:
        yield best


def _ending(folded: str, start: int, end: int, points: float) -> Name | None:
    """The name from here to there, judged by what stands before it too."""
    tables, name = _tables(), folded[start:end]
    if not (name[0] in tables.surnames or name[0] in tables.rare or name[:2] in tables.compounds):
        return None
    compound = name[:2] in tables.compounds
    given = name[2:] if compound else name[1:]
    if not 1 <= len(given) <= 2 or name in tables.words or _is_word(folded, start, end):
        return None
    if any(letter in _SURNAME_ONLY for letter in given):
        return None
    points += _COMMON * (1.5 if compound else 1.0 if name[0] in tables.surnames else 0.0)
    points += _given_points(given)
    before = folded[max(0, start - 4) : start]
    if not before or not "\u3400" <= before[-1] <= "\u9fff":
        points += _CLOSED
    elif _patterns()[1].search(before):
        points += _WEAK
    else:
        points -= _WEAK
    return Name(start, end, points)


def find_repeats(folded: str, text: str, names: Iterable[str]) -> Iterator[Hit]:
    """Further places of names that are known from elsewhere in the same record."""
    known: dict[str, list[str]] = {}
    for name in sorted(set(names), key=lambda name: (-len(name), name)):
        known.setdefault(name[:2], []).append(name)
    if not known:
        return
    kind = kinds()["person_name"]
    firsts = "".join(sorted({re.escape(head[0]) for head in known}))
    at = 0
    for match in re.finditer(f"[{firsts}]", folded):
        if match.start() < at:
            continue
        for name in known.get(folded[match.start() : match.start() + 2], ()):
            if folded.startswith(name, match.start()):
                at = match.start() + len(name)
                yield make_hit(kind, text, match.start(), at, 0.8, "repeat")
                break
