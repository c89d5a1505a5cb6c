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
_ENOUGH, _SURE = 3.5, 6.0  # points of a name; of one that everything around it tells
_LABEL, _LABEL_BLANK, _SOME_LABEL, _ROLE, _ANY_LABEL = (
    3.0,
    2.5,
    2.1,
    1.9,
    1.2,
)  # 姓名：, 姓名, 经办医师：, 申请人…
_TITLE, _SEX, _NUMBER, _LISTED, _BEFORE, _CELL = 2.0, 3.0, 2.0, 1.5, 0.7, 0.1
_LIKELY, _NEIGHBOUR = 2.5, 0.9  # of a cell that may be a name; for another one beside it
_STRONG, _WEAK, _COMMON, _COMPOUND, _CLOSED, _GOES_ON, _ANSWERED = 1.0, 0.4, 1.0, 1.5, 1.0, 0.5, 1.2
_LONE_STRONG = 1.5  # the only character of a given name
_TOLD = frozenset({_LABEL, _LABEL_BLANK, _SOME_LABEL, _TITLE, _SEX, _NUMBER, _LISTED})
_LONGEST = 4  # characters of a Chinese name
_MOST_LISTED = 200  # names of one enumeration
_RUN = re.compile(rf"[{_CJK}]{{1,16}}")
_SPACED = re.compile(rf"([{_CJK}]) {{1,4}}([{_CJK}])(?![{_CJK}])")
_SPACED_BEFORE = re.compile(rf"(?<![{_CJK}])[{_CJK}] {{1,4}}[{_CJK}]\Z")
_DOTTED = re.compile(rf"[{_CJK}]{{2,8}}(?:·[{_CJK}]{{1,8}}){{1,3}}")
_FUNCTION = frozenset("于在系是的和与及同向由从对为将已因关成时应项")  # and seldom in a name
_NOT_LAST = frozenset("路街号县镇乡村区市省局厅委办")  # of places and bodies
_NOT_GIVEN = frozenset("某×X*")  # 张某: hidden already
_SEX_MARK = re.compile(rf"[男女](?![{_CJK}]|[{_CJK}]?\))|[男女](?=汉族|回族|满族|生于|出生|性)")
_BEFORE_SEX = re.compile(r"[ ,，、(|/\n]{0,3}(?:性别)?[ ,，、(:|/]{0,3}\Z")
_SOME_LABEL_BEFORE = re.compile(rf"[{_CJK}]{{1,6}}[人员师者主生] ?: ?(?=[{_CJK}])")
_ANY_LABEL_BEFORE = re.compile(rf"(?<![{_CJK}])[{_CJK}]{{2,8}}: ?(?=[{_CJK}])")
_LISTED_GAP = re.compile(r" ?[、,，/;；|] ?| {1,4}")
_NEXT = re.compile(r" ?[、,，/;；和与及] ?| {1,3}")
_PREVIOUS = re.compile(r" ?[、,，/和与及] ?\Z")
_NUMBER_LABEL = re.compile(
    r"[ ,，、(:\[|]?(?:的|居民|公民|有效|身份证件|身份证|身份|证件|手机|移动|联系|固定|电话|护照"
    r"|银行|储蓄|微信|卡|账|号码|号){0,5}[ ,，、(:\n\[|]{0,3}\Z"
)
_WITHOUT_PERSON = frozenset({"uscc", "org_code", "ipv4", "mac", "imei"})
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


class _Patterns(NamedTuple):
    label: re.Pattern[str]  # and what joins it to a name
    title: re.Pattern[str]
    before: re.Pattern[str]  # a word, then a surname
    ends_before: re.Pattern[str]  # the same word at the end of what stands before
    body: re.Pattern[str]  # to the end of the name of a body
    alone: re.Pattern[str]  # a cell that begins with a surname
    free: re.Pattern[str]  # a surname and two characters that mark a name
    next_label: re.Pattern[str]


def _all_given() -> str:
    return characters("given_strong") + characters("given_weak")


@cache
def _patterns() -> _Patterns:
    joint = r"(?P<joint> ?: ?\n? ?| *\n *| {1,4}| ?\(|)"
    more = "性别|民族|年龄|籍贯|职务|电话|手机|身份证|住址|地址|单位|出生|汉族|联系|来电|来访|账户"
    lead = any_of("name_before")
    strong, given = f"[{characters('given_strong')}]", f"[{_all_given()}]"
    salute = rf"(?<=[{_CJK}])[:,，] ?(?:您好|你好)"
    heads = f"[{characters('surname')}]|{characters('surname_compound')}"
    return _Patterns(
        re.compile(rf"{any_of('name_label')}(?:姓名|签字|签名)?{joint}(?=[{_CJK}])"),
        re.compile(rf"{any_of('name_title')}|{salute}|(?<=[{_CJK}]) ?[收启](?![{_CJK}])"),
        re.compile(rf"{lead}(?!于)(?={heads})"),
        re.compile(rf"{lead}\Z"),
        re.compile(rf"[{_CJK}]{{0,12}}?{any_of('organisation_end')}(?![{_CJK}])"),
        re.compile(rf"(?<![{_CJK}·])(?={heads})[{_CJK}]{{2,4}}(?![{_CJK}·])"),
        re.compile(rf"[{characters('surname')}](?:{strong}{given}|{given}{strong})"),
        re.compile(f"{more}|{any_of('name_label')}|{any_of('name_title')}"),
    )


def find_names(folded: str, text: str, numbers: Sequence[Hit]) -> list[Hit]:
    """Names in a folded text, given the numbers that were found in it; they may overlap."""
    found: dict[tuple[int, int], tuple[float, str]] = {}
    for method, names in (
        ("label", _labelled(folded)),
        ("context", _titled(folded)),
        ("context", _sexed(folded)),
        ("context", _numbered(folded, numbers)),
        ("context", _running(folded)),
        ("dictionary", _alone(folded)),
        ("dictionary", _free(folded)),
    ):
        _add(found, method, names)
    _add_listed(folded, found)
    kind = kinds()["person_name"]
    return [
        make_hit(kind, text, start, end, _confidence(points), method)
        for (start, end), (points, method) in sorted(found.items())
    ]


Found = dict[tuple[int, int], tuple[float, str]]


def _add(found: Found, method: str, names: Iterable[Name]) -> list[Name]:
    """Keep the names with enough points; those that are new."""
    fresh = []
    for name in names:
        known = found.get((name.start, name.end))
        if name.points >= _ENOUGH and (known is None or known[0] < name.points):
            found[name.start, name.end] = (name.points, method)
            if known is None:
                fresh.append(name)
    return fresh


def _add_listed(folded: str, found: Found) -> None:
    """Names beside a name in an enumeration: 张三、李四."""
    waiting = list(found)
    for _ in range(_MOST_LISTED):
        fresh = _add(found, "context", (name for span in waiting for name in _beside(folded, span)))
        waiting = [(name.start, name.end) for name in fresh]
        if not waiting:
            return


def _beside(folded: str, span: tuple[int, int]) -> Iterator[Name]:
    start, end = span
    if (more := _NEXT.match(folded, end)) is not None:
        name = read_name(folded, more.end(), _LISTED)
        if name is not None and (name.end == len(folded) or folded[name.end] not in "省市区县"):
            yield name
    if (less := _PREVIOUS.search(folded, max(0, start - 3), start)) is not None:
        yield from name_before(folded, less.start(), _LISTED)


def _confidence(points: float) -> float:
    return round(min(0.97, 0.5 + 0.45 * (points - _ENOUGH) / (_SURE - _ENOUGH)), 3)


# Where a name may stand ---------------------------------------------------------------------------


def _labelled(folded: str) -> Iterator[Name]:
    """姓名：张三, 联系人 李四, 申请人李明于…, 主治医师：王五."""
    for match in _patterns().label.finditer(folded):
        joint = match["joint"]
        if joint == "" and len(match[0]) < 2:
            continue
        points = _LABEL if ":" in joint or "(" in joint else _LABEL_BLANK if joint else _ROLE
        name = read_name(folded, match.end(), points)
        if name is not None:
            yield name
    for pattern, points in ((_SOME_LABEL_BEFORE, _SOME_LABEL), (_ANY_LABEL_BEFORE, _ANY_LABEL)):
        for match in pattern.finditer(folded):
            name = read_name(folded, match.end(), points)
            if name is not None:
                yield name


def _titled(folded: str) -> Iterator[Name]:
    """张三同志, 李明：您好."""
    for match in _patterns().title.finditer(folded):
        yield from name_before(folded, match.start(), _TITLE)


def _sexed(folded: str) -> Iterator[Name]:
    """张三，男，…"""
    for match in _SEX_MARK.finditer(folded):
        before = _BEFORE_SEX.search(folded, max(0, match.start() - 8), match.start())
        if before is not None and before[0]:  # 子女 and 妇女 are no women of that name
            yield from name_before(folded, before.start(), _SEX)


def _numbered(folded: str, numbers: Sequence[Hit]) -> Iterator[Name]:
    """张三（身份证号 …）, 张三 13812345678."""
    for hit in numbers:
        if hit.kind not in _WITHOUT_PERSON:
            label = _NUMBER_LABEL.search(folded, max(0, hit.start - 16), hit.start)
            if label is not None and label[0]:
                yield from name_before(folded, label.start(), _NUMBER)


def _running(folded: str) -> Iterator[Name]:
    """…由张三负责, 与李明联系."""
    for match in _patterns().before.finditer(folded):
        name = read_name(folded, match.end(), _BEFORE)
        if name is not None:
            yield name


def _alone(folded: str) -> Iterator[Name]:
    """A cell or a piece between marks that is a name and nothing else; several beside each other
    tell one another."""
    before: Name | None = None
    for match in _patterns().alone.finditer(folded):
        name = read_name(folded, match.start(), _CELL)
        if name is None or name.end != match.end() or name.points < _LIKELY:
            continue
        if before is not None and _LISTED_GAP.fullmatch(folded, before.end, name.start):
            yield Name(before.start, before.end, before.points + _NEIGHBOUR)
            name = Name(name.start, name.end, name.points + _NEIGHBOUR)
        yield name
        before = name


def _free(folded: str) -> Iterator[Name]:
    """A surname and two characters that mark a name, with an end after them."""
    for match in _patterns().free.finditer(folded):
        if match[0][0] in _FUNCTION and _begin_points(folded, match.start()) < _CLOSED:
            continue
        yield from name_before(folded, match.end(), _end_points(folded, match.end()))


# What a name looks like ---------------------------------------------------------------------------


def read_name(folded: str, at: int, points: float) -> Name | None:
    """The name that begins here, with its points; None when no name does."""
    dotted = _DOTTED.match(folded, at)
    if dotted is not None and points >= _LABEL_BLANK:
        return Name(at, dotted.end(), points + _COMMON + _CLOSED)
    spaced = _SPACED.match(folded, at)
    if spaced is not None:
        return _spaced_name(folded, spaced, points)
    run = _RUN.match(folded, at)
    if run is None or _is_word(folded, at, run[0], points):
        return None
    if _patterns().next_label.match(folded, at):
        return None  # 监护人 after 未成年人
    names = [_judge(folded, at, end, points) for end in _ends(run[0], at, points)]
    if names:
        return _in_full(folded, max(names, key=lambda name: (name.points, name.end)))
    if points >= _LABEL and 2 <= len(run[0]) <= _LONGEST:
        return Name(at, run.end(), points + _CLOSED)
    return None


def _in_full(folded: str, name: Name) -> Name:
    """曾根 of 曾根生承包…: rather one character too much than one of the name left over."""
    more = folded[name.end : name.end + 1]
    if name.end - name.start != 2 or more not in _tables().given or more in _FUNCTION:
        return name
    return Name(name.start, name.end + 1, name.points)


def _ends(run: str, at: int, points: float) -> Iterator[int]:
    """Where a name that begins the run may end; rare surnames are words unless much tells them."""
    tables = _tables()
    if run[:2] in tables.compounds:
        yield from (at + length for length in (3, 4) if length <= len(run))
    if run[0] in tables.surnames or (run[0] in tables.rare and points >= _SOME_LABEL):
        yield from (at + length for length in (2, 3) if length <= len(run))


def _judge(folded: str, start: int, end: int, points: float) -> Name:
    """The points of a name from here to there, judged by what follows it."""
    name, tables = folded[start:end], _tables()
    told = points in _TOLD or (points == _ROLE and _end_points(folded, end) == _CLOSED)
    own = _own_points(name, told=told)
    if own is None or (folded[end : end + 1] == _MASK and name in tables.compounds):
        return Name(start, end, 0.0)  # 欧阳*: masked already
    return Name(start, end, points + own + _end_points(folded, end))


def _own_points(name: str, *, told: bool) -> float | None:
    """The points of surname and given name; None when it is no name at all."""
    tables = _tables()
    compound = name[:2] in tables.compounds and len(name) > 2
    given = name[2:] if compound else name[1:]
    if given[-1:] in _NOT_LAST and not told:
        return None
    if not 1 <= len(given) <= 2 or any(letter in _NOT_GIVEN for letter in given):
        return None
    if name in tables.words and not told:
        return None
    surname = _COMPOUND if compound else _COMMON if name[0] in tables.surnames else 0.0
    return surname + _given_points(given, told=told)


def _given_points(given: str, *, told: bool) -> float:
    """Of the characters of a given name; unknown ones count against it unless much tells it."""
    tables = _tables()
    lone = len(given) == 1
    points = 0.0
    for letter in given:
        if letter in tables.strong:
            points += _LONE_STRONG if lone else _STRONG
        elif letter in tables.given:
            points += _STRONG if lone and told else _WEAK
        elif letter in tables.after or not told:
            points -= _STRONG
    return points


def _end_points(folded: str, end: int) -> float:
    if end >= len(folded) or not "\u3400" <= folded[end] <= "\u9fff":
        return _CLOSED
    if _patterns().next_label.match(folded, end):
        return _ANSWERED
    if folded[end] in _tables().after:
        return _GOES_ON
    return -_CLOSED


def _spaced_name(folded: str, match: re.Match[str], points: float) -> Name | None:
    """张　三, a name of two characters spread to the width of three."""
    tables, told = _tables(), points in _TOLD
    if match[1] not in tables.surnames or (match[1] + match[2] in tables.words and not told):
        return None
    fits = _STRONG if match[2] in tables.given else 0.0
    return Name(match.start(), match.end(), points + _COMMON + fits + (_GOES_ON if told else 0.0))


def _is_word(folded: str, start: int, run: str, points: float) -> bool:
    """Whether a word that is no name, or the name of a body, begins here.

    Beside a label only a whole word counts: 联系人：黄海波, but 申请人：黄海水产公司.
    """
    known = _tables().words
    begins = any(run[:length] in known for length in range(2, min(6, len(run)) + 1))
    body = len(run) > 2 and _patterns().body.match(folded, start) is not None
    if points >= _LABEL_BLANK:
        return run in known or (body and (begins or len(run) > _LONGEST))
    if run[:2] in _tables().compounds and len(run) > 2:
        return body and len(run) > _LONGEST
    return begins or (body and len(run) > _LONGEST)


def name_before(folded: str, end: int, points: float) -> Iterator[Name]:
    """The best name that ends here: before a title, a sex or a number."""
    best: Name | None = None
    for length in (4, 3, 2):
        start = end - length
        if start < 0 or not _RUN.fullmatch(folded, start, end):
            continue
        name = _ending(folded, start, end, points)
        if name is not None and (best is None or name.points > best.points):
            best = name
    spaced = _SPACED_BEFORE.search(folded, max(0, end - 7), end) if best is None else None
    if spaced is not None and (match := _SPACED.match(folded, spaced.start())) is not None:
        best = _spaced_name(folded, match, points)
    if best is not None:
        yield best


def _ending(folded: str, start: int, end: int, points: float) -> Name | None:
    """The name from here to there, judged by what stands before it."""
    tables, name = _tables(), folded[start:end]
    if not (name[0] in tables.surnames or name[0] in tables.rare or name[:2] in tables.compounds):
        return None
    own = _own_points(name, told=points in _TOLD)
    if own is None or _is_word(folded, start, name, _CELL):
        return None
    return Name(start, end, points + own + _begin_points(folded, start))


def _begin_points(folded: str, start: int) -> float:
    before = folded[max(0, start - 6) : start]
    if not before or not "\u3400" <= before[-1] <= "\u9fff":
        return _CLOSED
    if _patterns().ends_before.search(before) or _label_ends(before):
        return _GOES_ON
    return -1.5 if before[-1] in _tables().surnames else -_GOES_ON


def _label_ends(before: str) -> bool:
    return any(before.endswith(label) for label in words("name_label") if len(label) > 1)


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
