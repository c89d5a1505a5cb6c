"""A page that was read: its lines of text with their places, and what was measured of its image."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple, Self


class Box(NamedTuple):
    """A rectangle on the page image in pixels from the top left; right and bottom excluded."""

    left: float
    top: float
    right: float
    bottom: float


class Method(StrEnum):
    """How the text of a page came to be."""

    TEXT_LAYER = "text-layer"  # the file carries text with positions (PDF, OFD)
    OCR = "ocr"  # recognised from the page image
    MARKUP = "markup"  # the file is text without pages (TXT, HTML, office files, mail)
    NONE = "none"  # nothing to read: the page is blank or the kind of file has no text


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text in reading order."""

    text: str  # NFC
    box: Box
    confidence: float  # 0.0 to 1.0; 1.0 for text that was not recognised but present
    vertical: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a file, lines in reading order."""

    number: int  # from 1 within the file
    width: int  # of the page image the boxes refer to, in pixels; 0 when there is no image
    height: int
    lines: tuple[Line, ...]
    method: Method
    image: str = ""  # file name of the rendered image; "" when the original is the image or none is
    dpi: int = 0  # of the page image; 0 when unknown
    measures: Mapping[str, float] = field(default_factory=dict)  # see `catalog/page_measures.csv`
    look: str = ""  # perceptual hash of the image, hex, to tell repeated pages; "" when none

    @property
    def text(self) -> str:
        """The page as plain text, one line per line."""
        return "\n".join(line.text for line in self.lines)

    @property
    def confidence(self) -> float:
        """Mean confidence weighted by characters, 0.0 to 1.0; 1.0 for a page without text."""
        letters = sum(len(line.text) for line in self.lines)
        if not letters:
            return 1.0
        return sum(line.confidence * len(line.text) for line in self.lines) / letters

    def to_json(self) -> dict[str, Any]:
        """The page as JSON-ready values; `Page.from_json(page.to_json()) == page`."""
        return {
            "number": self.number,
            "width": self.width,
            "height": self.height,
            "method": self.method.value,
            "image": self.image,
            "dpi": self.dpi,
            "measures": dict(self.measures),
            "look": self.look,
            "lines": [
                {"text": line.text, "box": list(line.box), "confidence": line.confidence}
                | ({"vertical": True} if line.vertical else {})
                for line in self.lines
            ],
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote; raises KeyError or ValueError for anything else."""
        lines = tuple(
            Line(
                row["text"], Box(*row["box"]), float(row["confidence"]), row.get("vertical", False)
            )
            for row in value["lines"]
        )
        return cls(
            number=value["number"],
            width=value["width"],
            height=value["height"],
            lines=lines,
            method=Method(value["method"]),
            image=value["image"],
            dpi=value["dpi"],
            measures=dict(value["measures"]),
            look=value.get("look", ""),
        )
