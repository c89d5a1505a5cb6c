"""Home addresses: after a label, or with the number of a flat; kept to the street when masked."""

import re
from collections.abc import Iterator
from functools import cache

from .kinds import Hit, any_of, kinds, make_hit

_CJK = "\u4e00-\u9fff"
_VALUE = r"[^\n，,。；;、|:<>\"“”《》*]{3,60}"
_MORE_LINE = re.compile(
    r" *\n *(?=[^\n，,。；;、|:]{0,30}?[0-9一二三四五六七八九十]+(?:号|室|单元|栋|幢|楼|组|户))"
    r"[^\n，,。；;、|:]{0,30}(?:号|室|单元|栋|幢|楼|组|户)[0-9A-Za-z]*"
)
_ENDS = re.compile(
    r" *(?:电话|邮编|邮政编码|联系|手机|身份证|姓名|性别|职业|户主|法定代表人|\(|$| {2,}).*\Z"
)
_DETAIL = re.compile(
    r"[0-9一二三四五六七八九十百]+(?:号|室|组|户|栋|幢|单元|弄|队|排|座|楼|层)|[0-9]+-[0-9]+|[^\s]{2,}村|小区|花园|公寓|家属院|宿舍"
)
_NUMBERED = re.compile(
    r"[0-9一二三四五六七八九十百]{1,8}(?:号楼|号|室|组|户|栋|幢|单元|弄|队|座)(?:[0-9]+(?![0-9年月日]))?"
)
_PLACE = re.compile(r"省|市|区|县|旗|镇|乡|街|路|巷|村|道|胡同|弄|小区|社区|屯|庄")
_FLAT = re.compile(
    r"(?<![0-9A-Za-z一二三四五六七八九十])[0-9A-Za-z一二三四五六七八九十]{1,6}(?:室|单元|号楼|栋|幢)"
    r"(?:[0-9A-Za-z一二三四五六七八九十\-]{1,6}(?:室|号|单元|层|户)?){0,4}"
)
_HEAD = re.compile(rf"[{_CJK}0-9A-Za-z\-]{{4,60}}\Z")
_LEAD = re.compile(
    r".*(?:位于|居住在|居住于|暂住|现住|家住|住在|住|寄往|送到|送至|投递至|寄至|迁至|迁往|前往|至|到|在|于|是|为|系|址)"
)
_OFFICE = re.compile(
    r"政府|委员会|公司|会议|办公|大厦|法院|检察院|学校|医院|档案馆|派出所|银行|中心|大学|局|窗口|展厅|机房"
)
_KEPT = (
    re.compile(rf"[{_CJK}0-9]{{1,12}}?(?:大道|路|大街|街(?!道)|胡同|巷|弄(?=[0-9]))"),
    re.compile(rf"[{_CJK}]{{1,10}}?(?:街道办事处|街道|镇|乡|苏木)"),
    re.compile(rf"[{_CJK}]{{1,10}}?(?:区|县|旗|市)"),
)


@cache
def _labels() -> re.Pattern[str]:
    """Offices before homes, so that 单位地址 is not taken for 地址."""
    home = any_of("address_label")
    joint = r"(?P<joint> ?: ?\n? ?| *\n *| {1,4}|为|在|于|)"
    office = any_of("office_address_label")
    return re.compile(rf"(?P<office>{office})|(?P<home>{home}){joint}")


def find_addresses(folded: str, text: str) -> Iterator[Hit]:
    """Addresses in a folded text; they may overlap."""
    for start, end, confidence, method in (*_labelled(folded), *_with_flat(folded)):
        value = folded[start:end]
        if kept_length(value) < len(value.rstrip()) and _DETAIL.search(value):
            yield make_hit(kinds()["address"], text, start, end, confidence, method)


Place = tuple[int, int, float, str]


def _labelled(folded: str) -> Iterator[Place]:
    value = re.compile(_VALUE)
    for match in _labels().finditer(folded):
        if match["office"] or _labels().match(folded, match.end()):
            continue  # an office, or one label above another
        found = value.match(folded, match.end())
        if found is None:
            continue
        end = found.start() + len(_ENDS.sub("", found[0]).rstrip())
        if end == found.end() and (more := _MORE_LINE.match(folded, end)):
            end = more.end()
        if ":" in match["joint"] or "\n" in match["joint"]:
            yield found.start(), _first_blank(folded, found.start(), end), 0.85, "label"
        elif _PLACE.search(folded, found.start(), min(end, found.start() + 20)):
            numbers = list(_NUMBERED.finditer(folded, found.start(), end))
            if numbers:
                yield found.start(), numbers[-1].end(), 0.75, "label"


def _first_blank(folded: str, start: int, end: int) -> int:
    """Where a value ends that has its house number before a blank."""
    at = folded.find(" ", start, end)
    while at >= 0 and not _DETAIL.search(folded, start, at):
        at = folded.find(" ", at + 1, end)
    return at if at >= 0 else end


def _with_flat(folded: str) -> Iterator[Place]:
    """…路1号A座907室 without a label; not of an office."""
    for match in _FLAT.finditer(folded):
        head = _HEAD.search(folded, max(0, match.start() - 60), match.start())
        if head is None:
            continue
        lead = _LEAD.match(head[0])
        start = head.start() + (lead.end() if lead else 0)
        value = folded[start : match.end()]
        if _PLACE.search(value) and not _OFFICE.search(value) and len(value) > 6:
            yield start, match.end(), 0.7, "pattern"


def kept_length(value: str) -> int:
    """How many characters of an address say no more than the street, township or county."""
    for pattern in _KEPT:
        end = 0
        for match in pattern.finditer(value):
            if match.start() == end:
                end = match.end()
            elif not end:
                end = match.end() if pattern is _KEPT[0] else 0
        if end:
            return end
    return 0
