"""Archival codes (档号) and document numbers (文号): parse, print, compose, normalise.

A fonds names its template, a row of `catalog/archival_code_templates.csv`.  Parsing is strict, for
admission; normalising is generous, for searching and for names of files.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from . import catalog

PAGE_FILES = "page_file_name"  # the row that is no template of a code


class BadCode(ValueError):
    """The text is not an archival code of this template.  `str(error)` says why, in one line."""


@dataclass(frozen=True, slots=True)
class ArchivalCode:
    """The archival code (档号) of one item, e.g. `Z109-WS·2011-Y-BGS-0001`.

    Parts that its template does not have are "" or 0.  Source: DA/T 22-2015, 档号; DA/T 13-2022.
    """

    template: str  # form of the template
    fonds: str  # 全宗号
    category: str = ""  # 档案门类代码, 2 letters
    subject: str = ""  # further parts of 类别号 before the year, joined by ·
    year: int = 0  # 年度
    retention: str = ""  # 保管期限代码: Y, D30, D10, …
    org: str = ""  # 机构（问题）代码
    catalogue: str = ""  # 目录号
    volume: int = 0  # 案卷号, 组号 or 册号, from 1
    number: int = 1  # 件号, from 1 within its class

    def __str__(self) -> str:
        return template(self.template).print(self)


@dataclass(frozen=True, slots=True)
class CodeTemplate:
    """One form of archival code; `parse` and `str` are inverses."""

    form: str
    shape: str  # for people: {全宗号}-{档案门类代码}·{年度}-…
    pattern: re.Pattern[str]
    layout: str  # for `str.format`
    number_width: int  # digits of the item number; larger numbers are longer
    volume_width: int  # 0: the template has no volume
    example: str

    @property
    def parts(self) -> frozenset[str]:
        """Names of the parts that `compose` needs besides the number."""
        return frozenset(_FIELDS[part] for part in self.pattern.groupindex if part != "item")

    def parse(self, text: str) -> ArchivalCode:
        """Read a code exactly as printed; raises BadCode.

        `parse(str(code)) == code`, and `str(parse(text)) == text` for every text accepted.
        """
        found = self.pattern.fullmatch(text)
        if found is None:
            raise BadCode(f"not a code of the form {self.shape}: {text!r}")
        part = found.groupdict("")
        volume, number = int(part.get("file") or 0), int(part["item"])
        if number == 0 or (self.volume_width and volume == 0):
            raise BadCode(f"numbers begin at 1: {text!r}")
        return ArchivalCode(
            template=self.form,
            fonds=part["fonds"],
            category=part.get("cat", ""),
            subject=part.get("sub", ""),
            year=int(part.get("year") or 0),
            retention=part.get("ret", ""),
            org=part.get("org", ""),
            catalogue=part.get("catalogue", ""),
            volume=volume,
            number=number,
        )

    def compose(
        self,
        *,
        fonds: str,
        number: int,
        category: str = "",
        year: int | str = 0,
        retention: str = "",
        org: str = "",
        catalogue: str = "",
        volume: int = 0,
    ) -> ArchivalCode:
        """The code of these parts; parts that the template lacks are left out.

        `category` may go deeper: `ZY·JC`.  Raises BadCode when a part is missing or malformed.
        """
        category, _, subject = category.partition("·")
        if str(year) and not re.fullmatch("[0-9]{1,4}", str(year)):
            raise BadCode(f"no year: {year!r}")
        code = ArchivalCode(
            template=self.form,
            fonds=fonds,
            category=category,
            subject=subject,
            year=int(year or 0),
            retention=retention,
            org=org,
            catalogue=catalogue,
            volume=volume,
            number=number,
        )
        return self.parse(self.print(code))

    def print(self, code: ArchivalCode) -> str:
        """The code as printed, not checked."""
        return self.layout.format(
            fonds=code.fonds,
            cat=code.category,
            sub=code.subject,
            year=f"{code.year:04d}",
            ret=code.retention,
            org=code.org,
            catalogue=code.catalogue,
            file=f"{code.volume:0{self.volume_width or 1}d}",
            item=f"{code.number:0{self.number_width}d}",
        )


_FIELDS: Mapping[str, str] = {
    "fonds": "fonds",
    "cat": "category",
    "sub": "subject",
    "year": "year",
    "ret": "retention",
    "org": "org",
    "catalogue": "catalogue",
    "file": "volume",
    "item": "number",
}


@cache
def templates() -> Mapping[str, CodeTemplate]:
    """Every template by its form, in the order of the catalogue."""
    return {
        row["form"]: CodeTemplate(
            form=row["form"],
            shape=row["template"],
            pattern=re.compile(row["regex"]),
            layout=row["print"],
            number_width=int(row["number_width"]),
            volume_width=int(row["volume_width"] or 0),
            example=row["example"],
        )
        for row in catalog.rows("archival_code_templates")
        if row["form"] != PAGE_FILES
    }


def template(form: str) -> CodeTemplate:
    """The template of this form; raises KeyError."""
    return templates()[form]


def detect(text: str) -> list[str]:
    """Forms of all templates of which `text` is a code, in the order of the catalogue."""
    return [form for form, shape in templates().items() if _fits(shape, text)]


def _fits(shape: CodeTemplate, text: str) -> bool:
    try:
        shape.parse(text)
    except BadCode:
        return False
    return True


def class_of(code: ArchivalCode) -> str:
    """The lowest class, in which item numbers run without gap or repeat: `Z109-WS·2011-Y-BGS`.

    Source: DA/T 22-2015, 件号.
    """
    return str(code).rsplit("-", 1)[0]


def split_page_stem(stem: str, form: str) -> tuple[ArchivalCode, int] | None:
    """Read the name of a page file or folder, without its extension, by the fonds' own template.

    `档号-页号` gives the code and the page from 1; a bare 档号 gives page 0; anything else None.
    Look-alike dots and hyphens are accepted: file systems and people change them.
    The template decides: `…-D30-0001-0003` is page 3 in one fonds and item 3 in another.
    Source: DA/T 31-2017, naming.
    """
    text, shape = normalise_code_text(stem), template(form)
    if _fits(shape, text):
        return shape.parse(text), 0
    found = _page_pattern().fullmatch(text)
    if found is None or not _fits(shape, found["code"]) or int(found["page"]) == 0:
        return None
    return shape.parse(found["code"]), int(found["page"])


@cache
def _page_pattern() -> re.Pattern[str]:
    return re.compile(catalog.by_key("archival_code_templates", "form")[PAGE_FILES]["regex"])


# Normalising, for searching -----------------------------------------------------------------------

_DOTS = ".・•‧∙⋅･．。●"
_HYPHENS = "‐‑‒–—―−－﹣﹘_＿~～"
_CODE_SIGNS = str.maketrans(dict.fromkeys(_DOTS, "·") | dict.fromkeys(_HYPHENS, "-"))


def half_width(text: str) -> str:
    """The text with full-width letters, digits and signs as ASCII; nothing else changes."""
    return "".join(
        chr(ord(sign) - 0xFEE0) if "！" <= sign <= "～" else " " if sign == "\u3000" else sign
        for sign in text
    )


def normalise_code_text(text: str) -> str:
    """A code as it would be printed, for searching: idempotent; never used for admission.

    Look-alike dots become ·, dashes become -, letters upper case, full-width half-width; blanks go.
    """
    plain = half_width(unicodedata.normalize("NFC", text)).translate(_CODE_SIGNS)
    return unicodedata.normalize("NFC", "".join(plain.split()).upper())


_YEAR_IN_BRACKETS = re.compile(r"[\[({<〔【〖﹝「『《〈]([0-9]{4})年?[\])}>〕】〗﹞」』》〉]")
_SERIAL = re.compile(r"(〔[0-9]{4}〕)第?0*([1-9][0-9]*)[号號]?")


def normalise_document_number(text: str) -> str:
    """A document number (文号) as printed: `滨政办字[2023] 15 号` → `滨政办字〔2023〕15号`.

    Text that is no such number comes back half-width and without blanks.  Idempotent.
    Source: GB/T 9704-2012, 发文字号 (〔〕, no 第, no leading zero).
    """
    plain = "".join(half_width(unicodedata.normalize("NFC", text)).split())
    return _SERIAL.sub(r"\1\2号", _YEAR_IN_BRACKETS.sub(r"〔\1〕", plain))


def is_document_number(text: str) -> bool:
    """Whether the normalised text has the form 机关代字〔年〕序号号."""
    return re.fullmatch(r"[^\s〔〕]+〔[0-9]{4}〕[1-9][0-9]*号", text) is not None
