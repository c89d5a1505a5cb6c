"""Finds each field where GB/T 9704 puts it: heading (版头), body (主体), imprint (版记)."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

from liandong.kernel.pages import Page

from . import titles
from .layout import ExtractedField, Frame, Row, around, as_printed, fold_keeping_blanks, rows_of
from .marks import classified_mark
from .patterns import (
    as_digits,
    kind_of,
    pattern,
    read_blurred_date,
    read_date,
    read_document_number,
)

_HEAD = 0.65  # share of page 1 in which the heading stands; upward documents begin lower
_HEAD_ROWS = 16  # the same for a page without places
_FOOT = 0.88  # below it a page mark may stand
_COPY_ROWS = 6  # 份号 stands in the first rows
_ADDRESSEE_ROWS = 6  # most rows that 主送机关 takes
_IMPRINT_ROWS = 10  # most rows of 抄送机关
_ATTACHMENT_ROWS = 40  # most rows of 附件说明
_SENTENCE = re.compile("[。;!?]")
_ATTACHMENT_HEADING = re.compile(r"^附件[0-9一二三四五六七八九十]{0,3}:?$")
_ITEM = re.compile(r"^[(]?[0-9]{1,2}[.、)]")
_INSTRUCTION = re.compile("如下|现将|为了|通知|根据|印发给你们")
_SIGNED = re.compile(r"^[\u4e00-\u9fa5()·]{3,30}$")
_BODY_NAME = re.compile("(?:政府|办公室|委员会|厅|局|委|院|部|会|处|中心|馆|公司|社|所|校|组|办)$")
_PASSED = re.compile("通过|批准|公布|发布|修订|修正")


@dataclass(frozen=True, slots=True)
class Sheet:
    """A document laid out: its rows without page marks, and what has been found so far."""

    rows: Sequence[Row]
    frame: Frame
    head: int  # rows[:head] may hold the heading
    title: range  # rows of the title; empty when there is none
    imprint: int  # rows[imprint:] are 版记; len(rows) when there is none
    attachments: int  # rows[attachments:imprint] are attachments; `imprint` when there are none

    @property
    def body(self) -> range:
        """Rows between title and imprint, attachments left out."""
        return range(self.title.stop, self.attachments)


def extract_fields(pages: Sequence[Page]) -> list[ExtractedField]:
    """The fields of an official document, at most one per name, in the order of the page.

    Names are those of `catalog/official_document_fields.csv` and document_type; the date is always
    document_date.  A document of another kind gives few fields or none.  Source: GB/T 9704-2012.
    """
    if not pages:
        return []
    sheet = _lay_out(pages)
    found = [field for find in _FINDERS if (field := find(sheet)) is not None]
    mark = classified_mark(pages)
    return ([mark] if mark else []) + found


def _lay_out(pages: Sequence[Page]) -> Sheet:
    rows = [row for page in pages for row in _without_page_marks(rows_of(page))]
    frame = Frame.of(rows)
    first = pages[0]
    on_first = [row for row in rows if row.page is first]
    head = sum(1 for _ in takewhile(_in_head, on_first))
    if on_first and on_first[0].box is None:
        head = min(head, _HEAD_ROWS)
    title = titles.find_title(rows, frame, len(on_first), _after_heading(rows[:head]))
    imprint = _imprint_start(rows, title.stop)
    return Sheet(rows, frame, head, title, imprint, _attachments_start(rows, title.stop, imprint))


def _without_page_marks(rows: list[Row]) -> Iterator[Row]:
    for at, row in enumerate(rows):
        edge = row.top > _FOOT or row.top < 1 - _FOOT if row.box else _ends_page(rows, at)
        is_copy = at < _COPY_ROWS and pattern("copy_number").match(row.tight)
        if not (edge and pattern("page_mark").match(row.tight) and not is_copy):
            yield row


def _ends_page(rows: list[Row], at: int) -> bool:
    """Without places a page mark is known by its dashes, or stands first or last."""
    text = rows[at].tight
    return at in {0, len(rows) - 1} or (text[0] in "-—–" and text[-1] in "-—–")


def _in_head(row: Row) -> bool:
    return row.top < _HEAD


def _after_heading(head: Sequence[Row]) -> int:
    """Index of the first row that may belong to the title."""
    after = 0
    for at, row in enumerate(head):
        if _number_in(row) or _is_heading(row):
            after = at + 1
        elif _SENTENCE.search(row.tight):
            break
    return after


def _is_heading(row: Row) -> bool:
    text = row.tight
    return bool(
        pattern("urgency").match(text)
        or pattern("security_mark").match(text)
        or text.startswith("签发人")
        or (text.endswith("文件") and "关于" not in text and len(text) > 4)
    )


def _number_in(row: Row) -> tuple[str, float] | None:
    """The document number that stands alone in a row, or beside 签发人."""
    for cell in (*row.cells, row.tight):
        found = read_document_number(cell)
        if found is None:
            continue
        value, strength, rest = found
        if not rest or rest.startswith("签发人") or (len(rest) <= 2 and rest[0] in ")。.、，,"):
            return value, strength
    return None


def _imprint_start(rows: Sequence[Row], after: int) -> int:
    """Index of the first row of 版记: 抄送 or the printing line; len(rows) without one."""
    start = len(rows)
    for at in range(len(rows) - 1, after - 1, -1):
        if _printing_in(rows, at):
            start = at
            break
    low = max(after, start - _IMPRINT_ROWS)
    for at in range(start - 1, low - 1, -1):
        if pattern("copy_addressee").match(rows[at].tight) and not _ITEM.match(rows[at].tight):
            return at
    if start < len(rows) and start > after and _is_office_above(rows[start - 1], rows[start]):
        return start - 1
    return start


def _is_office_above(above: Row, printing: Row) -> bool:
    return bool(printing.tight[:1].isdigit() and _SIGNED.match(above.tight))


def _printing_in(rows: Sequence[Row], at: int) -> re.Match[str] | None:
    text = rows[at].tight
    found = pattern("printing").match(text)
    if found is None and at and _SIGNED.match(rows[at - 1].tight):
        found = pattern("printing").match(rows[at - 1].tight + text)
    return found


def _attachments_start(rows: Sequence[Row], after: int, imprint: int) -> int:
    """Index of the heading 附件 above the first attachment; `imprint` without one."""
    for at in range(after + 1, imprint):
        if _ATTACHMENT_HEADING.match(rows[at].tight) and rows[at].page is not rows[at - 1].page:
            return at
    dated = [at for at in range(after, imprint) if _date_row(rows[at])]
    for at in range(dated[0] + 1 if dated else imprint, imprint):
        if _ATTACHMENT_HEADING.match(rows[at].tight):
            return at
    return imprint


def _field(name: str, value: str, rows: Sequence[Row], strength: float, how: str) -> ExtractedField:
    letters = sum(len(row.tight) for row in rows) or 1
    sure = sum(row.confidence * len(row.tight) for row in rows) / letters
    boxes = [row.box for row in rows if row.box is not None and row.page is rows[0].page]
    return ExtractedField(
        name=name,
        value=value,
        page=rows[0].page.number,
        box=around(boxes) if boxes else None,
        confidence=round(strength * sure, 4),
        method=f"{rows[0].page.method.value}:{how}",
        raw="\n".join(row.raw for row in rows),
    )


# Heading ------------------------------------------------------------------------------------------


def _copy_number(sheet: Sheet) -> ExtractedField | None:
    for row in sheet.rows[: min(_COPY_ROWS, sheet.head)]:
        for cell in row.cells:
            if pattern("copy_number").match(cell):
                return _field("copy_number", as_digits(cell), [row], 0.9, "pattern")
    return None


def _urgency(sheet: Sheet) -> ExtractedField | None:
    for row in _heading_rows(sheet):
        for cell in row.cells:
            found = pattern("urgency").match(cell)
            if found:
                return _field("urgency", found["urgency"], [row], 0.95, "pattern")
    return None


def _heading_rows(sheet: Sheet) -> Sequence[Row]:
    """Rows above the title; without a title, the head of page 1."""
    return sheet.rows[: sheet.title.start if sheet.title else sheet.head]


def _issuing_body_mark(sheet: Sheet) -> ExtractedField | None:
    above = [row for row in _heading_rows(sheet) if len(row.tight) >= 4]
    above = list(takewhile(lambda row: not _number_in(row), above))
    named = [row for row in above if row.tight.endswith("文件") and row.tight != "文件"]
    if named:
        rows = [row for row in above if row.height > 0.7 * named[-1].height or row is named[-1]]
        rows = [row for row in rows if _SIGNED.match(row.tight)] or named[-1:]
        return _field("issuing_body_mark", _joined(rows), rows, 0.95, "pattern")
    large = [row for row in above if sheet.frame.is_large(row) and _SIGNED.match(row.tight)]
    if not large:
        return None
    tallest = max(large, key=lambda row: row.height)
    return _field("issuing_body_mark", as_printed(tallest.raw), [tallest], 0.8, "position")


def _joined(rows: Sequence[Row]) -> str:
    return "、".join(as_printed(row.raw) for row in rows)


def _document_number(sheet: Sheet) -> ExtractedField | None:
    stop = max(sheet.head, sheet.title.stop + 2) if sheet.title else sheet.head
    for at, row in enumerate(sheet.rows[:stop]):
        if at not in sheet.title and (found := _number_in(row)):
            value, strength = found
            return _field("document_number", value, [row], strength, "pattern")
    return None


def _order_number(sheet: Sheet) -> ExtractedField | None:
    rows = sheet.rows[: sheet.title.stop + 2 if sheet.title else sheet.head]
    for at, row in enumerate(rows):
        beneath = rows[at + 1].tight if at + 1 < len(rows) else ""
        for text, used in ((row.tight, [row]), (row.tight + beneath, rows[at : at + 2])):
            found = pattern("order_number").fullmatch(text.strip("()"))
            if found:
                number = found["no"]
                number = as_digits(number) if number[1].isascii() else number
                return _field("order_number", f"{found['org']}令{number}", used, 0.92, "pattern")
    return None


def _signer(sheet: Sheet) -> ExtractedField | None:
    for row in _heading_rows(sheet) or sheet.rows[: sheet.head]:
        found = pattern("signer").search(fold_keeping_blanks(row.raw).strip())
        names = _names(found["signer"]) if found else []
        if names:
            return _field("signer", "、".join(names), [row], 0.95, "pattern")
    return None


def _names(text: str) -> list[str]:
    """Names of people: two single characters with blanks between are one name of two."""
    names: list[str] = []
    waiting = ""
    for part in text.split():
        if len(part) == 1 and not waiting:
            waiting = part
        else:
            names.append(waiting + part)
            waiting = ""
    return names + ([waiting] if waiting else [])


# Title and body -----------------------------------------------------------------------------------


def _title(sheet: Sheet) -> ExtractedField | None:
    if not sheet.title:
        return None
    rows = [sheet.rows[at] for at in sheet.title]
    strength, how = titles.strength(rows, sheet.frame)
    return _field("title", titles.joined(rows), rows, strength, how)


def _document_type(sheet: Sheet) -> ExtractedField | None:
    rows = [sheet.rows[at] for at in sheet.title]
    kind = kind_of("".join(row.tight for row in rows))
    if not kind:
        return None
    strength, _ = titles.strength(rows, sheet.frame)
    return _field("document_type", kind, rows, strength, "pattern")


def _main_addressee(sheet: Sheet) -> ExtractedField | None:
    if not sheet.title:
        return None
    taken: list[Row] = []
    for at in sheet.body[:_ADDRESSEE_ROWS]:
        row = sheet.rows[at]
        if not taken and (_number_in(row) or row.tight.startswith("(")):
            continue
        if _SENTENCE.search(row.tight[:-1]) or not sheet.frame.is_flush(row):
            return None
        taken.append(row)
        text = "".join(one.tight for one in taken)
        if row.tight.endswith((":", "：")):
            return _addressee_of(text, taken)
        if not _goes_on(sheet, row):
            break
    return _addressee_without_colon(sheet, taken)


def _goes_on(sheet: Sheet, row: Row) -> bool:
    return sheet.frame.is_full(row) if row.box else len(row.tight) > 12


def _addressee_of(text: str, rows: Sequence[Row]) -> ExtractedField | None:
    found = pattern("main_addressee").match(text)
    if found is None or _INSTRUCTION.search(text):
        return None
    value = as_printed("".join(row.raw for row in rows)).rstrip("：:")
    return _field("main_addressee", value, rows, 0.95 if rows[0].box else 0.88, "position")


def _addressee_without_colon(sheet: Sheet, rows: Sequence[Row]) -> ExtractedField | None:
    """The colon was lost or misread: flush left, short, and the next row begins a paragraph."""
    at = sheet.title.stop + len(rows)
    if not rows or rows[0].box is None or at >= len(sheet.rows):
        return None
    text = "".join(row.tight for row in rows).rstrip(".;,")
    if sheet.frame.is_flush(sheet.rows[at]) or _INSTRUCTION.search(text) or len(text) > 120:
        return None
    if not _BODY_NAME.search(text):
        return None
    value = as_printed("".join(row.raw for row in rows)).rstrip("。.；，")
    return _field("main_addressee", value, rows, 0.6, "position")


def _date_row(row: Row) -> tuple[str, str, bool] | None:
    """YYYYMMDD, what stands before the date, and whether in brackets, of a row that is a date."""
    text = row.tight
    found = read_date(text)
    if found is None:
        return None
    date, match, _ = found
    before, after = text[: match.start()], text[match.end() :]
    if after.strip(")。."):
        return None
    bracketed = before.endswith("(") and after.startswith(")")
    before = before.rstrip("(")
    if before and not (_SIGNED.match(before) and _BODY_NAME.search(before)):
        return None
    return str(date), before, bracketed


def _dated(sheet: Sheet) -> tuple[int, str, str, float] | None:
    """Row, YYYYMMDD, signature before it on the row and strength of the document date."""
    plain = [(at, found) for at in sheet.body if (found := _date_row(sheet.rows[at]))]
    if open_ones := [pair for pair in plain if not pair[1][2]]:
        signed = [pair for pair in open_ones if pair[1][1] or _is_signed(sheet, pair[0])]
        at, (date, before, _) = (signed or open_ones)[-1]
        return at, date, before, 0.95
    if plain:
        at, (date, _, _) = plain[0]  # in brackets under the title
        return at, date, "", 0.8
    for at in reversed(sheet.body):
        blurred = read_blurred_date(sheet.rows[at].tight)
        if blurred and _stands_right(sheet, sheet.rows[at]):
            return at, str(blurred), "", 0.7
    return None


def _is_signed(sheet: Sheet, at: int) -> bool:
    above = sheet.rows[at - 1].tight if at else ""
    return bool(_SIGNED.match(above) and _BODY_NAME.search(above))


def _passed_on(sheet: Sheet) -> tuple[int, str, str, float] | None:
    """The day on which a law was passed: under its title."""
    for at in sheet.body[:6]:
        text = sheet.rows[at].tight.lstrip("(")
        found = read_date(text[:14])
        if found and found[1].start() == 0 and _passing(sheet, at):
            return at, str(found[0]), "", 0.6
    return None


def _passing(sheet: Sheet, at: int) -> bool:
    """Tell whether the row or one of the next two, to which it may run on, says 通过."""
    return any(_PASSED.search(row.tight) for row in sheet.rows[at : at + 3])


def _document_date(sheet: Sheet) -> ExtractedField | None:
    found = _dated(sheet) or (_passed_on(sheet) if sheet.title else None)
    if found is None:
        return None
    at, date, _, strength = found
    return _field("document_date", date, [sheet.rows[at]], strength, "pattern")


def _issuer_signature(sheet: Sheet) -> ExtractedField | None:
    found = _dated(sheet)
    if found is None or found[3] == 0.8:
        return None
    at, _, before, _ = found
    if before:
        return _field("issuer_signature", as_printed(before), [sheet.rows[at]], 0.85, "position")
    rows = _signatures_above(sheet, at)
    if not rows:
        return None
    named = all(_BODY_NAME.search(row.tight) for row in rows)
    return _field("issuer_signature", _joined(rows), rows, 0.93 if named else 0.7, "position")


def _signatures_above(sheet: Sheet, at: int) -> list[Row]:
    rows: list[Row] = []
    for above in range(at - 1, max(sheet.body.start, at - 5) - 1, -1):
        row = sheet.rows[above]
        if not _SIGNED.match(row.tight) or not _stands_right(sheet, row):
            break
        rows.insert(0, row)
        if row.box is None:  # without places a second row may be text
            break
    return rows


def _stands_right(sheet: Sheet, row: Row) -> bool:
    if row.box is None:
        return bool(_BODY_NAME.search(row.tight))
    middle = (sheet.frame.left + sheet.frame.right) / 2
    return (row.box.left + row.box.right) / 2 > middle and not sheet.frame.is_flush(row)


def _attachment_note(sheet: Sheet) -> ExtractedField | None:
    dated = _dated(sheet)
    stop = dated[0] if dated else sheet.body.stop
    stop -= len(_signatures_above(sheet, stop)) if dated else 0
    for at in sheet.body:
        if at >= stop:
            return None
        if pattern("attachment_note").match(sheet.rows[at].tight):
            rows = list(_attachment_rows(sheet, at, min(stop, at + _ATTACHMENT_ROWS)))
            return _field("attachment_note", _attachment_titles(rows), rows, 0.9, "pattern")
    return None


def _attachment_rows(sheet: Sheet, start: int, stop: int) -> Iterator[Row]:
    numbered = bool(_ITEM.match(sheet.rows[start].tight[3:]))
    yield sheet.rows[start]
    for at in range(start + 1, stop):
        row, above = sheet.rows[at], sheet.rows[at - 1]
        runs_on = _goes_on(sheet, above) and not _SENTENCE.search(row.tight)
        if not ((numbered and _ITEM.match(row.tight)) or runs_on):
            return
        yield row


def _attachment_titles(rows: Sequence[Row]) -> str:
    items: list[str] = []
    for row in rows:
        text = re.sub("^附件[:：]", "", as_printed(row.raw))
        bare = re.sub(r"^[0-9]{1,2}[.．、]\s*", "", text)
        if bare != text or not items:
            items.append(bare)
        else:
            items[-1] += bare
    return "；".join(item.rstrip("；。") for item in items)


def _note(sheet: Sheet) -> ExtractedField | None:
    dated = _dated(sheet)
    for at in range(dated[0] if dated else sheet.body.start, sheet.imprint):
        found = pattern("note").match(sheet.rows[at].tight)
        if found:
            value = as_printed(sheet.rows[at].raw).strip("（）")
            return _field("note", value, [sheet.rows[at]], 0.93, "pattern")
    return None


# Imprint ------------------------------------------------------------------------------------------


def _copy_addressee(sheet: Sheet) -> ExtractedField | None:
    rows: list[Row] = []
    for at in range(sheet.imprint, min(len(sheet.rows), sheet.imprint + _IMPRINT_ROWS)):
        row = sheet.rows[at]
        if _printing_in(sheet.rows, at) or (not rows and not row.tight.startswith(("抄", "分"))):
            break
        rows.append(row)
        if row.tight.endswith(("。", ".")):
            break
    text = as_printed("".join(row.raw for row in rows))
    found = re.match("(?:抄送|分送|抄报)[：:]?(.+)", text)
    if found is None:
        return None
    return _field("copy_addressee", found[1].rstrip("。."), rows, 0.95, "pattern")


def _printing(sheet: Sheet) -> ExtractedField | None:
    for at in range(len(sheet.rows) - 1, sheet.imprint - 1, -1):
        found = _printing_in(sheet.rows, at)
        date = read_date(found["date"]) if found else None
        if found and date:
            rows = [sheet.rows[at]]
            if not rows[0].tight.startswith(found["office"]):
                rows.insert(0, sheet.rows[at - 1])
            return _field("printing", f"{found['office']} {date[0]}", rows, 0.95, "pattern")
    return None


_FINDERS: tuple[Callable[[Sheet], ExtractedField | None], ...] = (
    _copy_number,
    _urgency,
    _issuing_body_mark,
    _document_number,
    _order_number,
    _signer,
    _title,
    _document_type,
    _main_addressee,
    _attachment_note,
    _issuer_signature,
    _document_date,
    _note,
    _copy_addressee,
    _printing,
)
