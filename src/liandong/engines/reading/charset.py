"""The encoding of a text file, decided by strict decoding and how common its characters are."""

import codecs
import re
from collections.abc import Iterator
from functools import lru_cache

# The most frequent characters of modern and classical Chinese, simplified and traditional.  A text
# decoded in the wrong encoding turns into rare characters, so that their share tells the two apart.
_COMMON = frozenset(
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发"
    "后作里用道行所然家种事成方多经么去法学如都同现当没动面起看定天分还进好小部其些主样理心她本前"
    "开但因只从想实日军者意无力它与长把机十民第公此已工使情明性知全三又关点正业外将两高间由问很最重"
    "并物手应战向头文体政美相见被利什二等产或新己制身果加西斯月话合回特代内信表化老给世位次度门任常"
    "先海通教儿原东声提立及比员解水名真论处走义各入几口认条平系气题活尔更别打女变四神总何电数安少报"
    "才结反受目太量再感建务做接必场件计管期市直德资命山金指克许统区保至队形社便空决治展马科司五基眼"
    "書這個們來為國說時會對於著過發後種經麼動還進樣從實軍無與長機關點業將兩間問並應戰頭體見產話給"
    "門東聲員論處義幾認條係氣題爾別變總電數報結當開現學場計務資統區隊決馬號縣鄉濱州檔案館辦局省"
    "滨县乡档馆办号书局通知规定人民政府委员会责任单位关于印发，。、；：（）《》「」“”　！？"
    "之乎者也曰"
)
_DOUBLE = re.compile("[^\x00-\x7f]")
_CONTROL = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]")
_SAMPLE = 20_000  # characters that are scored


def decode(content: bytes) -> tuple[str, str]:
    """The text and the name of its encoding: utf-8, utf-16, gb18030, big5, or latin-1.

    latin-1 is the last resort and means that nothing fitted: such text is probably not text.
    A mark at the start of the content decides; then strict UTF-8; then the better of GB18030 and
    Big5 by the share of frequent characters.
    """
    for mark, codec, name in (
        (codecs.BOM_UTF8, "utf-8", "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le", "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16-be", "utf-16"),
    ):
        if content.startswith(mark):
            return content[len(mark) :].decode(codec, "replace"), name
    if (unmarked := _unmarked_utf16(content)) is not None:
        return content.decode(unmarked, "replace"), "utf-16"
    try:
        return content.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        pass
    guesses = [(_score(text), text, name) for text, name in _chinese(content)]
    if guesses:
        _, text, name = max(guesses, key=lambda guess: guess[0])
        return text, name
    return content.decode("latin-1"), "latin-1"


def is_text(content: bytes, *, cut: bool = False) -> bool:
    """Whether the content is text in an encoding known here; with `cut`, its end may be missing."""
    for tail in range(4 if cut else 1):
        part = content[: len(content) - tail] if tail else content
        text, name = decode(part)
        if name != "latin-1":
            return not _CONTROL.search(text) and (name.startswith("utf") or _score(text) > 0)
    return False


def _unmarked_utf16(content: bytes) -> str | None:
    sample = content[:4000]
    if len(content) < 4 or len(content) % 2 or 0 not in sample:
        return None
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    name = "utf-16-le" if odd > even else "utf-16-be"
    try:
        text = content.decode(name)
    except UnicodeDecodeError:
        return None
    return name if not _CONTROL.search(text[:_SAMPLE]) and _looks_written(text) else None


def _looks_written(text: str) -> bool:
    """Whether most characters of an unmarked UTF-16 text are ASCII or frequent ones."""
    sample = text[:_SAMPLE]
    return 2 * sum(letter < "\x80" or letter in _COMMON for letter in sample) >= len(sample)


def _chinese(content: bytes) -> Iterator[tuple[str, str]]:
    for codec, name in (("gb18030", "gb18030"), ("big5hkscs", "big5")):
        try:
            text = content.decode(codec)
        except UnicodeDecodeError:
            continue
        if not _CONTROL.search(text[:_SAMPLE]):
            yield text, name


def _score(text: str) -> float:
    """Share of frequent characters among those that are not ASCII, less that of odd ones."""
    letters = _DOUBLE.findall(text[:_SAMPLE])
    if not letters:
        return 0.0
    good = sum(1.0 if letter in _COMMON else 0.5 * _is_everyday(letter) for letter in letters)
    odd = sum(
        not ("\u3000" <= letter <= "\u9fff" or "\uff00" <= letter <= "\uffef") for letter in letters
    )
    return (good - odd) / len(letters)


@lru_cache(maxsize=20_000)
def _is_everyday(letter: str) -> bool:
    """Whether the character is in the first level of GB 2312 or of Big5 (about 5 000 each)."""
    try:
        lead = letter.encode("gb2312")[0]
        if 0xB0 <= lead <= 0xD7:
            return True
    except UnicodeEncodeError:
        pass
    try:
        return 0xA4 <= letter.encode("big5")[0] <= 0xC6
    except UnicodeEncodeError:
        return False
