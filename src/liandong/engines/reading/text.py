"""Text files: plain text, CSV, HTML, and the pages that text without pages is given in."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import lxml.etree
import lxml.html

from liandong.kernel.pages import Box, Line, Method, Page
from liandong.kernel.ports import Unreadable

from .charset import decode
from .layer import clean

LINES_A_PAGE = 60
MAX_BYTES = 64 * 2**20
_NOWHERE = Box(0, 0, 0, 0)
_META_CHARSET = re.compile(
    rb"""<meta[^>]{0,200}charset\s*=\s*["']?\s*([\w-]{2,20})""", re.IGNORECASE
)
_ALIASES = {"gb2312": "gb18030", "gbk": "gb18030", "big5": "big5hkscs", "utf8": "utf-8"}
SLOW_CODECS = frozenset({"punycode", "idna", "unicode_escape", "raw_unicode_escape"})  # no charsets
_SILENT = frozenset({"script", "style", "head", "noscript", "template", "svg", "object", "iframe"})
_INLINE = frozenset(
    [
        "a",
        "abbr",
        "b",
        "bdi",
        "bdo",
        "big",
        "cite",
        "code",
        "del",
        "dfn",
        "em",
        "font",
        "i",
        "img",
        "ins",
        "kbd",
        "label",
        "mark",
        "q",
        "rp",
        "rt",
        "ruby",
        "s",
        "samp",
        "small",
        "span",
        "strike",
        "strong",
        "sub",
        "sup",
        "time",
        "tt",
        "u",
        "var",
        "wbr",
    ]
)


class MarkupFile:
    """A file of text without page images: pages of lines whose boxes are all zero."""

    def __init__(self, pages: Sequence[Sequence[str]]) -> None:
        self._pages = pages

    def __len__(self) -> int:
        return len(self._pages)

    def page(self, number: int, images: Path | None) -> Page:
        """The page; it never has an image."""
        lines = tuple(Line(text, _NOWHERE, 1.0) for text in self._pages[number - 1])
        return Page(number, 0, 0, lines, Method.MARKUP if lines else Method.NONE)

    def text(self) -> str:
        """The whole text, one line per line."""
        return "\n".join(line for page in self._pages for line in page)

    def close(self) -> None:
        """Nothing to let go of: the text is in memory."""


def in_pages(lines: Iterable[str]) -> list[list[str]]:
    """Lines cleaned, blank ones left out, LINES_A_PAGE to a page; at least one page."""
    kept = [line for line in (clean(raw).strip() for raw in lines) if line]
    return [kept[at : at + LINES_A_PAGE] for at in range(0, len(kept), LINES_A_PAGE)] or [[]]


def read_limited(file: Path) -> bytes:
    """The bytes of a text file; raises Unreadable FILE-TOO-LARGE over MAX_BYTES."""
    with file.open("rb") as stream:
        content = stream.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise Unreadable("FILE-TOO-LARGE", reason=f"文本超过 {MAX_BYTES // 2**20} MiB")
    return content


def open_text(file: Path) -> MarkupFile:
    """Plain text, CSV, Markdown, XML as written: UTF-8, UTF-16, GB18030 or Big5."""
    text, encoding = decode(read_limited(file))
    if encoding == "latin-1" and not _is_western(text):
        raise Unreadable("FILE-DAMAGED", reason="不是可识别编码的文本")
    return MarkupFile(in_pages(text.replace("\f", "\n").splitlines()))


def open_html(file: Path) -> MarkupFile:
    """The visible text of an HTML page; scripts and styles are left out, nothing is fetched."""
    return MarkupFile(in_pages(html_lines(read_limited(file))))


def html_lines(content: bytes) -> list[str]:
    """Visible text of HTML, a line per block."""
    found = _META_CHARSET.search(content[:4096])
    text = _declared(content, found[1].decode("ascii").lower()) if found else None
    if text is None:
        text = decode(content)[0]
    # lxml refuses a text that declares its encoding: the parser gets UTF-8 and is told so.
    parser = lxml.html.HTMLParser(
        encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True
    )
    try:
        root = lxml.html.document_fromstring(text.encode("utf-8", "replace"), parser=parser)
    except (lxml.etree.LxmlError, ValueError):
        return []
    return _visible(root)


def _declared(content: bytes, name: str) -> str | None:
    if name.replace("-", "_") in SLOW_CODECS:
        return None
    try:
        return content.decode(_ALIASES.get(name, name))
    except (LookupError, UnicodeError):
        return None


def _visible(root: lxml.html.HtmlElement) -> list[str]:
    lines: list[list[str]] = [[]]  # pieces: adding to one long text would copy it each time
    silent = 0
    for event, element in lxml.etree.iterwalk(root, events=("start", "end")):
        tag = element.tag if isinstance(element.tag, str) else ""
        if event == "start":
            silent += tag in _SILENT
            text = element.text
        else:
            silent -= tag in _SILENT
            text = element.tail
        if tag in ("td", "th") and event == "end":
            lines[-1].append(" ")
        elif tag not in _INLINE and tag not in ("td", "th") and lines[-1]:
            lines.append([])
        if text and not silent:
            lines[-1].append(re.sub(r"\s+", " ", text))
    return ["".join(pieces) for pieces in lines]


def _is_western(text: str) -> bool:
    """Whether a text that fits no Chinese encoding reads as one of western letters."""
    sample = text[:20_000]
    strange = sum(not (letter.isprintable() or letter in "\r\n\t\f\x1a") for letter in sample)
    high = sum(letter > "\x7f" for letter in sample)
    return strange <= len(sample) // 100 and high <= len(sample) // 4
