"""Patterns of the catalogue, and values read through the errors of recognition."""

import re
from functools import cache

from liandong.kernel import catalog
from liandong.kernel.dates import BadDate, PartialDate

_AS_DIGIT = str.maketrans("OoQ〇○零lI|ZzSB", "0000001112258")
_LABEL = re.compile(r"^(?:发文字号|文件编号|文号|编号):")
# What running text puts before the letters of a document number (standards.md 8.3).
_LEADING_WORDS = re.compile(
    r"^.*(?:根据|依据|按照|依照|参照|遵照|以及|印发|转发|下发|贯彻|落实|执行|废止|关于|文件|见附|号)"
)
_LEADING_SIGN = re.compile(r"^[和与及据见按以对由将经](?=[\u4e00-\u9fa5]{2})")


@cache
def pattern(name: str) -> re.Pattern[str]:
    """The compiled regex of a row of official_document_fields.csv; read on `fold_line` text."""
    return re.compile(catalog.by_key("official_document_fields", "field")[name]["regex"])


def as_digits(text: str) -> str:
    """Letters that recognition confuses with digits, as digits."""
    return text.translate(_AS_DIGIT)


def read_date(text: str) -> tuple[PartialDate, re.Match[str], bool] | None:
    """The last whole date in folded text, where it stands, and whether in Chinese numerals."""
    found: tuple[PartialDate, re.Match[str], bool] | None = None
    for name, chinese in (("document_date", False), ("document_date_chinese", True)):
        for match in pattern(name).finditer(text):
            date = _date_of(match, chinese=chinese)
            if date and (found is None or match.start() > found[1].start()):
                found = date, match, chinese
    return found


_BLURRED = re.compile(
    r"(?P<y>(?:19|[2Zz][0OoQ])[0-9OoQlI]{2}).(?P<m>[1lI][0-2Ool]|[0OoQ]?[1-9lI])[^0-9](?P<d>3[01lOI]|[12lI][0-9OoQlI]|[0OoQ]?[1-9lI])[^0-9]?"
)
_BLURRED_CHINESE = re.compile(
    r"(?P<y>[一二].{1,2}[〇零○Oo0一二三四五六七八九])[^一二三四五六七八九十](?P<m>十[一二]?|元|[一二三四五六七八九])"
    r"[^一二三四五六七八九十](?P<d>[一二三]?十[一二三四五六七八九]?|[一二三四五六七八九])[^一二三四五六七八九十]?"
)


def read_blurred_date(text: str) -> PartialDate | None:
    """The date that a whole folded line is, though 年, 月 or 日 were read as other characters."""
    for shape, chinese in ((_BLURRED, False), (_BLURRED_CHINESE, True)):
        match = shape.fullmatch(text)
        if match:
            return _date_of(match, chinese=chinese)
    return None


def date_of(match: re.Match[str], *, chinese: bool) -> PartialDate | None:
    """The date of a match of one of the two date patterns; None when there is no such day."""
    return _date_of(match, chinese=chinese)


def _date_of(match: re.Match[str], *, chinese: bool) -> PartialDate | None:
    year, month, day = match["y"], match["m"], match["d"]
    if chinese:
        year = re.sub("[Oo0○零]", "〇", year)
        text = f"{year}年{month.replace('元', '一')}月{day}日"
    else:
        text = f"{as_digits(year)}-{as_digits(month)}-{as_digits(day)}"
    try:
        return PartialDate.parse(text)
    except BadDate:
        return None


def read_document_number(text: str) -> tuple[str, float, str] | None:
    """Value, strength and rest of a folded line that begins with a document number (发文字号).

    Strength falls when brackets were lost or digits had to be guessed.  Source: GB/T 9704-2012.
    """
    text = _LABEL.sub("", text).lstrip("(")
    match = pattern("document_number").match(text)
    if match is None:
        return None
    number = number_of(match)
    return number and (*number, text[match.end() :])


def number_of(match: re.Match[str]) -> tuple[str, float] | None:
    """Value and strength of a match of the document number pattern; None when it is none."""
    org, year, serial = match["org"], as_digits(match["year"]), as_digits(match["no"])
    opened, closed = match["open"], match["close"]
    org = _LEADING_WORDS.sub("", org)
    if not opened and org[-1:] in {"I", "l"}:
        opened, org = org[-1], org[:-1]
    if not re.search("[\u4e00-\u9fa5]", org) or not serial.strip("0"):
        return None
    strength = _bracket_strength(opened, closed)
    if (year, serial) != (match["year"], match["no"]):
        strength *= 0.9
    return f"{org}〔{year}〕{int(serial)}号", strength


def _bracket_strength(opened: str, closed: str) -> float:
    if (opened, closed) == ("〔", "〕"):
        return 0.98
    real = [sign for sign in (opened, closed) if sign and sign not in "Il1|Jj"]
    return (0.6, 0.82, 0.95)[len(real)]


def strip_leading(number: str) -> str:
    """A document number cited in running text, without a leading 和, 与, 据 and the like."""
    return _LEADING_SIGN.sub("", number)


@cache
def kinds() -> dict[str, str]:
    """Names of document types (文种) by every word that ends a title; longest words first."""
    words: dict[str, str] = {}
    for row in catalog.rows("document_types"):
        for word in re.split("[（）]", row["name_zh"]):
            if word:
                words[word] = row["name_zh"]
    return dict(sorted(words.items(), key=lambda pair: -len(pair[0])))


def kind_of(title: str) -> str:
    """The document type that a folded title ends with, as the catalogue names it; "" if none."""
    found = pattern("title").search(title)
    return kinds().get(found["kind"], "") if found else ""
