"""Official documents with known fields, laid out as GB/T 9704 does, and the errors of a reader.

For measurements and tests: pages are made as values (lines, boxes, confidence), no image is drawn.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from liandong.kernel.pages import Box, Line, Method, Page

DPI = 200
WIDTH, HEIGHT = 1654, 2339  # A4 at 200 dpi
LEFT, RIGHT, TOP, BOTTOM = 220, 1452, 291, 2063  # 28 mm and 37 mm; 156 × 225 mm of text
LETTER = 44  # 三号, 16 pt
TITLE = 61  # 二号, 22 pt
MARK = 100
PITCH = 80  # from line to line: 22 lines a page


@dataclass(frozen=True, slots=True)
class Document:
    """The fields of an official document as they are known before it is laid out."""

    mark: str = "滨州市人民政府办公室文件"
    number: str = "滨政办字〔2023〕15号"
    title: tuple[str, ...] = ("滨州市人民政府办公室", "关于印发任务分工方案的通知")
    addressee: str = "各县（市、区）人民政府，各市属开发区管委会，市政府各部门："
    paragraphs: tuple[str, ...] = ("现将任务分工方案印发给你们，请认真贯彻执行。",)
    attachments: tuple[str, ...] = ()
    signature: str = "滨州市人民政府办公室"
    date: str = "2023年5月6日"
    note: str = "（此件公开发布）"
    copies: str = ""
    printing: tuple[str, str] = ("", "")  # office, date
    copy_number: str = ""
    security: str = ""
    urgency: str = ""
    signer: str = ""
    attached: tuple[tuple[str, ...], ...] = ()  # pages of attachments, by their lines
    known: dict[str, str] = field(default_factory=dict)  # field → value that must be found


@dataclass
class _Sheet:
    """Lines placed one under the other, page after page."""

    pages: list[list[Line]] = field(default_factory=lambda: [[]])
    y: float = TOP

    def put(self, text: str, left: float, letter: float = LETTER) -> None:
        """One line at `left`."""
        if self.y + letter > BOTTOM:
            self.turn()
        box = Box(left, self.y, left + _wide(text, letter), self.y + letter)
        self.pages[-1].append(Line(text, box, 1.0))
        self.y += max(PITCH, letter * 1.5)

    def put_beside(self, text: str, right: float) -> None:
        """One line on the height of the last one, ending at `right`."""
        above = self.pages[-1][-1].box
        box = Box(right - _wide(text, LETTER), above.top, right, above.bottom)
        self.pages[-1].append(Line(text, box, 1.0))

    def centre(self, text: str, letter: float) -> None:
        """One line in the middle."""
        self.put(text, (LEFT + RIGHT - _wide(text, letter)) / 2, letter)

    def write(self, text: str, indent: int = 2) -> None:
        """A paragraph, 28 characters a line."""
        room = 28 - indent
        first, rest = text[:room], text[room:]
        self.put(first, LEFT + indent * LETTER)
        for start in range(0, len(rest), 28):
            self.put(rest[start : start + 28], LEFT)

    def turn(self) -> None:
        """A new page."""
        self.pages.append([])
        self.y = TOP


def _wide(text: str, letter: float) -> float:
    return sum(letter / 2 if sign.isascii() else letter for sign in text)


def lay_out(document: Document) -> list[Page]:
    """The document as clean pages, in reading order, with page marks."""
    sheet = _Sheet()
    _heading(sheet, document)
    for line in document.title:
        sheet.centre(line, TITLE)
    sheet.y += PITCH / 2
    if document.addressee:
        sheet.write(document.addressee, indent=0)
    for paragraph in document.paragraphs:
        sheet.write(paragraph)
    _ending(sheet, document)
    pages = []
    for number, lines in enumerate(sheet.pages, start=1):
        foot = Line(f"— {number} —", Box(1280, 2130, 1420, 2165), 1.0)
        pages.append(Page(number, WIDTH, HEIGHT, (*lines, foot), Method.TEXT_LAYER, dpi=DPI))
    return pages


def _heading(sheet: _Sheet, document: Document) -> None:
    for text in (document.copy_number, document.security, document.urgency):
        if text:
            sheet.put(text, LEFT)
    if document.mark:
        sheet.y = max(sheet.y, 430)
        sheet.centre(document.mark, MARK)
    if document.signer:
        sheet.put(document.number, LEFT + LETTER)
        sheet.put_beside(f"签发人：{document.signer}", RIGHT - LETTER)
    elif document.number:
        sheet.centre(document.number, LETTER)
    sheet.y += PITCH


def _ending(sheet: _Sheet, document: Document) -> None:
    if document.attachments:
        sheet.y += PITCH
        _list_attachments(sheet, document.attachments)
    sheet.y += PITCH
    if sheet.y + 2 * PITCH > BOTTOM:
        sheet.turn()
    date_left = RIGHT - 4 * LETTER - _wide(document.date, LETTER)
    if document.signature:
        middle = date_left + _wide(document.date, LETTER) / 2
        wide = _wide(document.signature, LETTER)
        sheet.put(document.signature, min(RIGHT - wide, middle - wide / 2))
    if document.date:
        sheet.put(document.date, date_left)
    if document.note:
        sheet.put(document.note, LEFT + 2 * LETTER)
    for page in document.attached:
        sheet.turn()
        for line in page:
            sheet.put(line, LEFT)
    _imprint(sheet, document)


def _list_attachments(sheet: _Sheet, names: Sequence[str]) -> None:
    if len(names) == 1:
        sheet.put(f"附件：{names[0]}", LEFT + 2 * LETTER)
        return
    for number, name in enumerate(names, start=1):
        head = "附件：" if number == 1 else ""
        sheet.put(f"{head}{number}．{name}", LEFT + (2 if number == 1 else 5) * LETTER)


def _imprint(sheet: _Sheet, document: Document) -> None:
    office, date = document.printing
    if not (office or document.copies):
        return
    sheet.y = max(sheet.y, BOTTOM - 4 * PITCH)
    small = 39  # 四号
    if document.copies:
        text = f"抄送：{document.copies}"
        for start in range(0, len(text), 30):
            sheet.put(text[start : start + 30], LEFT + small, small)
    if office:
        sheet.put(office, LEFT + small, small)
        sheet.put_beside(f"{date}印发", RIGHT - small)


# Errors of a reader -------------------------------------------------------------------------------

_CONFUSED = dict(
    zip(
        "人入泰频01日，：（）〇未己大干办字市政意通知的县区",
        "入人奉额Ol曰,:()○末已太千力宇巿攻息遍如旳具医",
        strict=True,
    )
)
_BRACKETS = {"〔": ("[", "(", "【", "〔", "I", ""), "〕": ("]", ")", "】", "〕", "1", "")}


def read_badly(pages: Sequence[Page], rate: float, chance: random.Random) -> list[Page]:
    """The pages as a poor reader gives them: `rate` is the share of characters read wrong.

    Boxes shake by some pixels, blanks come and go, brackets change or vanish, and the confidence
    of a line falls with its errors.
    """
    return [
        replace(
            page,
            method=Method.OCR,
            lines=tuple(_read_line(line, rate, chance) for line in page.lines),
        )
        for page in pages
    ]


def _read_line(line: Line, rate: float, chance: random.Random) -> Line:
    signs, wrong = [], 0
    for sign in line.text:
        read = _read_sign(sign, rate, chance)
        wrong += read != sign
        signs.append(read)
    shake = [chance.gauss(0, 3) for _ in range(4)]
    box = Box(*(edge + move for edge, move in zip(line.box, shake, strict=True)))
    sure = max(0.5, chance.uniform(0.95, 1.0) - 1.5 * wrong / max(1, len(signs)))
    return Line("".join(signs) or line.text, box, round(sure, 3))


def _read_sign(sign: str, rate: float, chance: random.Random) -> str:
    if sign in _BRACKETS and chance.random() < min(0.5, 15 * rate):
        return chance.choice(_BRACKETS[sign])
    if sign.isspace():
        return sign if chance.random() < 0.6 else ""
    if chance.random() >= rate:
        return sign
    if sign in _CONFUSED and chance.random() < 0.7:
        return _CONFUSED[sign]
    return chance.choice("的一是在不了有和人这口曰囗丨") if chance.random() < 0.7 else ""
