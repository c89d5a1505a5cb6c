"""Watermarks (水印): who saw it, when, for what, burned into the pixels that leave the server.

Whatever is read under a grant of use carries one; nothing switches it off.  Words are drawn with
the fonts of the machine; without a Chinese font only the Latin line (account, time, number) is
drawn, which is enough to trace a copy.
"""

import base64
import html
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from .tiles import NoImage

os.environ.setdefault("VIPS_BLOCK_UNTRUSTED", "1")  # only decoders that stand hostile files
import pyvips  # reads the variable

_SMALLEST = 200  # pixels wide: below, no word of the page can be read either
_TEXT = 15  # points on an image of _WIDTH pixels
_WIDTH = 1000
_LARGEST, _LEAST = 40, 11  # points
_QUALITY = 85
_TURN = -24  # degrees
_GAP = (70, 60)  # pixels between two stamps
_PURPOSE = 24  # characters that are shown


@dataclass(frozen=True, slots=True)
class Mark:
    """The words of a watermark."""

    who: str  # name and department, or the applicant at the desk
    account: str
    at: str  # 2026-11-25 10:00
    number: str  # of the grant
    purpose: str

    @property
    def lines(self) -> tuple[str, ...]:
        """What is drawn, one line below the other; the second is Latin alone."""
        return (self.who, f"{self.account} {self.at} {self.number}", self.purpose[:_PURPOSE])

    @property
    def sentence(self) -> str:
        """All of it on one line, for print and cover sheets."""
        return _("{who}（{account}）于 {at} 凭 {number} 利用，用途：{purpose}").format(
            who=self.who, account=self.account, at=self.at, number=self.number, purpose=self.purpose
        )


def mark(*, who: str, account: str, number: str, purpose: str, now: datetime) -> Mark:
    """The watermark of one read."""
    at = timezone.localtime(now).strftime("%Y-%m-%d %H:%M")
    return Mark(_plain(who), _plain(account), at, number, _plain(purpose))


def _plain(text: str) -> str:
    return " ".join("".join(sign for sign in text if sign.isprintable()).split())


def burned(image: bytes, words: Mark) -> bytes:
    """The image as JPEG with the watermark in its pixels; one too small to read stays as it is.

    Raises NoImage.
    """
    try:
        return _burned(pyvips.Image.new_from_buffer(image, ""), words)
    except pyvips.Error as error:
        raise NoImage(str(error)) from error


def _burned(page: Any, words: Mark) -> bytes:
    if page.hasalpha():
        page = page.flatten(background=255)
    page = page.colourspace("srgb")
    if page.width >= _SMALLEST:
        stamp = _stamp(words.lines, _points(page.width))
        across, down = page.width // stamp.width + 1, page.height // stamp.height + 1
        sheet = stamp.replicate(across, down).crop(0, 0, page.width, page.height)
        page = page.composite2(sheet, "over").flatten()
    content: bytes = page.jpegsave_buffer(Q=_QUALITY, keep="none")
    return content


def _points(width: int) -> int:
    return max(_LEAST, min(_LARGEST, round(_TEXT * width / _WIDTH)))


@lru_cache(maxsize=64)
def _stamp(lines: Sequence[str], points: int) -> "pyvips.Image":
    """One turned block of words with the space around it: half red, half grey, a third opaque.

    Two colours, so that neither a red nor a black filter takes it away.
    """
    shown = lines if has_chinese_font() else tuple(line for line in lines if line.isascii())
    colours = ("#7a1f1f", "#3c4a5c", "#7a1f1f")
    text = "\n".join(
        f"<span foreground='{colour}' alpha='34%'>{html.escape(line)}</span>"
        for line, colour in zip(shown, colours, strict=False)
        if line
    )
    block = pyvips.Image.text(text, font=f"sans {points}", dpi=96, rgba=True, align="centre")
    turned = block.rotate(_TURN)
    return turned.embed(0, 0, turned.width + _GAP[0], turned.height + _GAP[1]).copy_memory()


@lru_cache(maxsize=1)
def has_chinese_font() -> bool:
    """Whether this machine draws Chinese: two different signs look different."""
    one, other = (pyvips.Image.text(sign, font="sans 24") for sign in ("档", "查"))
    if (one.width, one.height) != (other.width, other.height):
        return True
    return bool((one - other).abs().max() > 0)


def overlay(words: Mark) -> str:
    """A picture of the watermark as a data address, for the background of a page on the screen."""
    rows = "".join(
        f"<text x='170' y='{80 + 22 * at}' text-anchor='middle'>{html.escape(line)}</text>"
        for at, line in enumerate(words.lines)
    )
    picture = (
        "<svg xmlns='http://www.w3.org/2000/svg' width='340' height='210'>"
        "<g transform='rotate(-24 170 105)' font-family='sans-serif' font-size='14' "
        f"fill='#808080' fill-opacity='.22'>{rows}</g></svg>"
    )
    return f"data:image/svg+xml;base64,{base64.b64encode(picture.encode()).decode()}"
