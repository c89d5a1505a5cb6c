"""XML from outside, read with the standard library's expat: no DOCTYPE, no entity, no depth.

A DOCTYPE is where external files, entity bombs and most other attacks begin; no package needs one.
"""

import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

MOST_DEPTH = 64
MOST_BYTES = 64 << 20  # of a document that is read into memory as a tree
MOST_ELEMENTS = 2_000_000
MOST_TOKEN = 1 << 20  # bytes of one tag or comment: expat reads an unfinished one again and again
_BLOCK = 1 << 16


class HostileXml(ValueError):
    """The document has what no honest one needs: DOCTYPE, entities, extreme depth or size."""


class BrokenXml(ValueError):
    """The document is not well-formed; `str(error)` gives the reason and the line."""


@dataclass(slots=True)
class Element:
    """One element: names without prefix, text of its own (children's text not included)."""

    name: str
    namespace: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    children: list["Element"] = field(default_factory=list)
    text: str = ""

    def find(self, name: str) -> "Element | None":
        """The first child of this name."""
        return next(self.all(name), None)

    def all(self, name: str) -> Iterator["Element"]:
        """Every child of this name, in order."""
        return (child for child in self.children if child.name == name)

    def text_of(self, name: str) -> str:
        """Stripped text of the first child of this name, "" without one."""
        child = self.find(name)
        return child.text.strip() if child is not None else ""

    def walk(self) -> Iterator["Element"]:
        """This element and all below it, in document order."""
        stack = [self]
        while stack:
            element = stack.pop()
            yield element
            stack.extend(reversed(element.children))


Start = Callable[[str, str, dict[str, str]], None]
End = Callable[[str], None]
Text = Callable[[str], None]


def scan(
    stream: BinaryIO, *, start: Start, end: End, text: Text, most_bytes: int | None = MOST_BYTES
) -> None:
    """Call `start(name, namespace, attributes)`, `text` and `end(name)` while reading.

    Memory stays at one block.  Raises HostileXml, BrokenXml, and whatever the callbacks raise.
    """
    parser = _guarded_parser(start, end)
    parser.CharacterDataHandler = text
    read = 0
    try:
        while block := stream.read(_BLOCK):
            read += len(block)
            if most_bytes is not None and read > most_bytes:
                raise HostileXml(f"larger than {most_bytes} bytes")
            parser.Parse(block, False)
            if read - parser.CurrentByteIndex > MOST_TOKEN + _BLOCK:
                raise HostileXml(f"a tag or comment larger than {MOST_TOKEN} bytes")
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise BrokenXml(f"line {error.lineno}: {expat.ErrorString(error.code)}") from None
    except (LookupError, UnicodeError) as error:  # an encoding that Python does not know
        raise BrokenXml(str(error)) from None
    except ValueError as error:
        if isinstance(error, (HostileXml, BrokenXml)) or type(error) is not ValueError:
            raise
        raise BrokenXml(str(error)) from None  # "multi-byte encodings are not supported"


def _guarded_parser(start: Start, end: End) -> expat.XMLParserType:
    parser = expat.ParserCreate(namespace_separator="\x1f")
    parser.buffer_text = True
    parser.buffer_size = _BLOCK
    depth = elements = 0

    def refuse(*_: object) -> int:
        raise HostileXml("DOCTYPE or entity")

    def begin(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth, elements
        depth, elements = depth + 1, elements + 1
        if depth > MOST_DEPTH:
            raise HostileXml(f"deeper than {MOST_DEPTH} elements")
        if elements > MOST_ELEMENTS:
            raise HostileXml(f"more than {MOST_ELEMENTS} elements")
        namespace, _, name = tag.rpartition("\x1f")
        start(
            name, namespace, {key.rpartition("\x1f")[2]: text for key, text in attributes.items()}
        )

    def finish(tag: str) -> None:
        nonlocal depth
        depth -= 1
        end(tag.rpartition("\x1f")[2])

    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.ExternalEntityRefHandler = refuse
    parser.SkippedEntityHandler = refuse
    parser.StartElementHandler = begin
    parser.EndElementHandler = finish
    return parser


def read_tree(source: bytes | Path | BinaryIO, *, most_bytes: int = MOST_BYTES) -> Element:
    """The root element of a document.  Raises HostileXml, BrokenXml and, for a path, OSError."""
    if isinstance(source, Path):
        with source.open("rb") as stream:
            return read_tree(stream, most_bytes=most_bytes)
    if isinstance(source, bytes):
        return read_tree(io.BytesIO(source), most_bytes=most_bytes)
    top = Element("")
    stack = [top]
    pieces: list[list[str]] = [[]]

    def start(name: str, namespace: str, attributes: dict[str, str]) -> None:
        element = Element(name, namespace, attributes)
        stack[-1].children.append(element)
        stack.append(element)
        pieces.append([])

    def end(_: str) -> None:
        stack.pop().text = "".join(pieces.pop())

    def text(piece: str) -> None:
        pieces[-1].append(piece)

    scan(source, start=start, end=end, text=text, most_bytes=most_bytes)
    return top.children[0]


# Writing ------------------------------------------------------------------------------------------


class XmlWriter:
    """Writes indented UTF-8 XML; the same calls give the same bytes.

    Characters that XML 1.0 cannot hold (most control signs) are left out.
    """

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write
        self._open: list[str] = []
        write(b'<?xml version="1.0" encoding="UTF-8"?>\n')

    def open(self, name: str, **attributes: str) -> None:
        """Begin an element that has children."""
        self._line(f"<{name}{_attributes(attributes)}>")
        self._open.append(name)

    def close(self) -> None:
        """End the innermost open element."""
        name = self._open.pop()
        self._line(f"</{name}>")

    def leaf(self, name: str, text: str = "", **attributes: str) -> None:
        """An element with text only."""
        content = text if _PLAIN.fullmatch(text) else escape(_allowed(text), {"\r": "&#13;"})
        self._line(f"<{name}{_attributes(attributes) if attributes else ''}>{content}</{name}>")

    def raw(self, content: bytes) -> None:
        """Bytes as they are: base64, or part of another document of ours."""
        self._write(content)

    def _line(self, text: str) -> None:
        self._write(("  " * len(self._open) + text + "\n").encode())


# Most text needs no change: one match tells.
_PLAIN = re.compile("[\t\n\x20-%'-;=?-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]*")
_PLAIN_VALUE = re.compile("[\x20!#-%'-;=?-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]*")
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _attributes(attributes: dict[str, str]) -> str:
    return "".join(
        f' {name}="{text}"'
        if _PLAIN_VALUE.fullmatch(text)
        else f" {name}={quoteattr(_allowed(text))}"
        for name, text in attributes.items()
    )


def _allowed(text: str) -> str:
    return text if text.isprintable() else _NOT_XML.sub("", text)
