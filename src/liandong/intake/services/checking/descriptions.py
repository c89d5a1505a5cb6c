"""Checks of the description of one item: values, archival code, duplicates, mandatory elements."""

import re
import unicodedata
from collections.abc import Iterator, Mapping

from liandong.kernel.checks import Finding, Severity
from liandong.kernel.codes import ArchivalCode, BadCode, detect, template
from liandong.kernel.dates import BadDate, PartialDate
from liandong.kernel.findings import severity_of
from liandong.kernel.metadata import check_value, fields, retention_code

from .sight import Answer, ItemSight, judge, not_applicable, told

MANDATORY = ("title", "author", "document_date", "retention_period")  # at hand-over; DA/T 18-2022
NO_CATALOGUE = "没有目录，著录由本系统提出"
_BAD_IN_NAMES = re.compile(r'[\x00-\x1f\x7f\\:*?"<>|]')
_BY_CODE = {
    "META-TOO-LONG": "1-2a",
    "META-NOT-A-NUMBER": "1-3a",
    "META-NOT-A-DATE": "1-3a",
    "META-NOT-IN-LIST": "1-4a",
}


def _value_check(sight: ItemSight, suffix: str) -> Answer:
    if not sight.is_described:
        return not_applicable(NO_CATALOGUE)
    findings = []
    for name, text in sight.description.items():
        if name not in fields() or not text:
            continue
        for code, facts in check_value(name, text):
            if _BY_CODE.get(code) == suffix:
                findings.append(sight.find(suffix, column=fields()[name].name_zh, **facts))
    return judge(findings, evidence="DA/T 46-2009; DA/T 18-2022")


def lengths(sight: ItemSight) -> Answer:
    """Every value is as long as it may be."""
    return _value_check(sight, "1-2a")


def forms(sight: ItemSight) -> Answer:
    """Every value has the type and form of its element."""
    return _value_check(sight, "1-3a")


def domains(sight: ItemSight) -> Answer:
    """Every value with a list is on it."""
    return _value_check(sight, "1-4a")


def plausibility(sight: ItemSight) -> Answer:
    """No date after today, no filing year before the document, at least one page."""
    if not sight.is_described:
        return not_applicable(NO_CATALOGUE)
    return judge(list(_implausible(sight)))


def _implausible(sight: ItemSight) -> Iterator[Finding]:
    today = int(f"{sight.today:%Y%m%d}")
    day = _date(sight.description.get("document_date", ""))
    text = sight.description.get("filing_year", "")
    year = int(text) if re.fullmatch("[0-9]{4}", text) else 0
    if day and day.number > today:
        yield sight.find("1-5a", column="日期", value=str(day), today=f"{sight.today:%Y%m%d}")
    if year > sight.today.year:
        yield sight.find("1-5b", column="年度", value=text)
    if day and year and year < day.year:
        yield sight.find("1-5c", column="年度", value=text, date=str(day))
    if sight.description.get("page_count", "") == "0":
        yield sight.find("1-5d", column="页数")


def _date(text: str) -> PartialDate | None:
    try:
        return PartialDate.parse(text)
    except BadDate:
        return None


def special_characters(sight: ItemSight) -> Answer:
    """No control, private-use or unassigned characters; no signs that systems refuse in names."""
    findings = []
    for name, text in sight.description.items():
        if signs := _odd_signs(text):
            column = fields()[name].name_zh if name in fields() else name
            findings.append(sight.find("1-6a", column=column, field=column, signs=signs))
    for file in sight.files:
        name = file.original_name or file.path
        if found := {*_BAD_IN_NAMES.findall(name), *_odd_list(name)}:
            signs = " ".join(sorted(f"U+{ord(sign):04X}" for sign in found))[:100]
            findings.append(sight.find("1-6b", file.path, signs=signs))
    return judge(findings)


def _odd_list(text: str) -> list[str]:
    return [
        sign
        for sign in dict.fromkeys(text)
        if sign == "\ufffd" or unicodedata.category(sign) in {"Cc", "Co", "Cn", "Cs"}
    ]


def _odd_signs(text: str) -> str:
    return " ".join(f"U+{ord(sign):04X}" for sign in _odd_list(text) if sign not in "\n\t")[:100]


def archival_code(sight: ItemSight) -> Answer:
    """The code fits the fonds' own template and agrees with the other elements."""
    text = sight.description.get("archival_code", "")
    if not text:
        return not_applicable("无档号，入库时编制")
    forms = [sight.template] if sight.template else detect(text)
    code = _parsed(text, forms[0]) if forms else None
    shape = template(sight.template).shape if sight.template else "DA/T 22, DA/T 13"
    if code is None:
        finding = sight.find("1-7a", column="档号", code=text[:100], shape=shape)
        return judge([finding], expected=shape, actual=text[:100])
    findings = [
        sight.find("1-7b", column=column, code=text, part=part, value=value)
        for column, part, value in _differing_parts(code, sight.description)
    ]
    if sight.fonds and code.fonds != sight.fonds:
        findings.append(sight.find("1-7c", column="档号", code=text, fonds=sight.fonds))
    return judge(findings, expected=shape, evidence="DA/T 22-2015; DA/T 13-2022")


def _parsed(text: str, form: str) -> ArchivalCode | None:
    try:
        return template(form).parse(text)
    except BadCode:
        return None


def _differing_parts(
    code: ArchivalCode, description: Mapping[str, str]
) -> Iterator[tuple[str, str, str]]:
    """(column, part in the code, value beside it) of the parts that contradict each other."""
    number = description.get("item_number", "")
    pairs = (
        ("全宗号", code.fonds, description.get("fonds_number", "")),
        ("年度", str(code.year or ""), description.get("filing_year", "")),
        ("保管期限", code.retention, retention_code(description.get("retention_period", ""))),
        ("件号", str(code.number), str(int(number)) if number.isdecimal() else ""),
    )
    for column, part, value in pairs:
        if part and value and part != value:
            yield column, part, value


def duplicates(sight: ItemSight) -> Answer:
    """The code is not in the holdings or twice in the catalogue; nor number and title together."""
    code = sight.description.get("archival_code", "")
    number = sight.description.get("document_number", "")
    title = sight.description.get("title", "")
    findings = []
    if code and code in sight.taken_codes:
        findings.append(sight.find("1-8a", column="档号", code=code))
    if number and title and (number, title) in sight.taken_titles:
        findings.append(sight.find("1-8b", column="文号", number=number))
    before = told(sight.told, "CAT-DUPLICATE-CODE", "T93-DUPLICATE-CODE")
    answer = judge([*findings, *before])
    return Answer(answer.verdict, actual=answer.actual, findings=tuple(findings))


def mandatory(sight: ItemSight) -> Answer:
    """Title, author, date and retention period have values.  Source: DA/T 18-2022, 必著."""
    if not sight.is_described:
        return not_applicable(NO_CATALOGUE)
    findings = []
    for name in MANDATORY:
        if sight.description.get(name) or (name == "retention_period" and _has_retention(sight)):
            continue
        field = fields()[name].name_zh
        findings.append(
            sight.find("2-4a" if name == "title" else "2-4b", column=field, field=field)
        )
    return judge(findings, expected="、".join(fields()[name].name_zh for name in MANDATORY))


def _has_retention(sight: ItemSight) -> bool:
    text = sight.description.get("archival_code", "")
    codes = (_parsed(text, form) for form in detect(text))
    return any(code is not None and code.retention for code in codes)


def attachments(sight: ItemSight) -> Answer:
    """Attachments that the description states are there: one file can hold them, so ask."""
    stated = sight.description.get("attachment", "")
    if not stated:
        return not_applicable("未著录附件")
    if len(sight.files) > 1:
        return judge([], expected=stated[:200], actual=f"{len(sight.files)} 个文件")
    return judge([sight.find("2-8a", column="附件", stated=stated[:100])], expected=stated[:200])


def is_blocking(finding: Finding) -> bool:
    """Whether this finding holds its item."""
    return severity_of(finding.code) is Severity.BLOCK
