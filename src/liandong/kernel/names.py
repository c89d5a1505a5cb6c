"""Names of files inside packages: what may stand there, how they are decoded and compared."""

import re
import unicodedata
from collections.abc import Iterable
from typing import NewType

InnerPath = NewType("InnerPath", str)  # a path inside a package; made only by `inner_path`

_LONGEST_NAME = 255  # bytes of one name on ext4, NTFS (characters) and most others
_DEVICES = re.compile(r"(?i)(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?")
# with the marks that turn the direction of text: they make exe.fdp read as pdf.exe
_UNSAFE = re.compile('[\x00-\x1f\x7f<>:"/\\\\|?*\u200e\u200f\u202a-\u202e\u2066-\u2069]')


class BadPath(ValueError):
    """The text is no path inside a package."""


def inner_path(text: str) -> InnerPath:
    """Read a path as a manifest writes it: relative, `/` between parts, NFC.

    Raises BadPath for whatever could leave the package or name a file twice, on any system: drive
    letters, `~` and backslashes too.
    """
    parts = text.split("/")
    if any(part in {"", ".", ".."} for part in parts):
        raise BadPath(f"not a path inside a package: {text!r}")
    if "\\" in text or "\0" in text or text.startswith("~") or re.match(r"[A-Za-z]:", text):
        raise BadPath(f"leaves the package on some system: {text!r}")
    if not unicodedata.is_normalized("NFC", text) or not _is_encodable(text):
        raise BadPath(f"not in the normal form of Unicode: {text!r}")
    if any(len(part.encode()) > _LONGEST_NAME for part in parts):
        raise BadPath(f"a name longer than {_LONGEST_NAME} bytes: {text[:60]!r}…")
    return InnerPath(text)


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # lone surrogates: a name that was no UTF-8 on the disk
        return False
    return True


def safe_name(text: str, instead: str = "_") -> str:
    """A file name made of the text that every common file system takes; never "", NFC.

    Different texts may give the same name: the caller keeps them apart.
    """
    plain = text.encode("utf-8", "replace").decode("utf-8")
    plain = _UNSAFE.sub(instead, unicodedata.normalize("NFC", plain)).strip(" .")
    while len(plain.encode()) > _LONGEST_NAME - 55:  # leaves room for a counter and an extension
        plain = plain[:-1].rstrip(" .")
    if not plain or plain.startswith("~") or _DEVICES.fullmatch(plain):
        return f"{instead}{plain}"
    return plain


def decode_zip_name(raw: bytes, *, is_utf8: bool) -> str:
    """The name of a zip entry in NFC: UTF-8 by its flag, else UTF-8, GB18030 or CP437 by trial.

    Raises BadPath when the flag promises UTF-8 and the bytes are not.
    """
    utf8, gb = _decoded(raw, "utf-8"), _decoded(raw, "gb18030")
    if is_utf8 and utf8 is None:
        raise BadPath(f"the name is marked as UTF-8 and is not: {raw!r}")
    # 通知 in GBK is valid UTF-8 for two letters of other alphabets: Chinese is the better guess
    if utf8 is not None and (is_utf8 or gb is None or not _has_han(gb) or _has_han(utf8)):
        return utf8
    return gb if gb is not None else unicodedata.normalize("NFC", raw.decode("cp437"))


def _decoded(raw: bytes, encoding: str) -> str | None:
    try:
        return unicodedata.normalize("NFC", raw.decode(encoding))
    except UnicodeDecodeError:
        return None


def _has_han(text: str) -> bool:
    return re.search("[\u3400-\u9fff]", text) is not None


def zip_entry_name(name: str, flag_bits: int) -> str:
    """`decode_zip_name` for an entry as Python's zipfile names it (CP437 unless marked UTF-8)."""
    is_utf8 = bool(flag_bits & 0x800)
    return decode_zip_name(name.encode("utf-8" if is_utf8 else "cp437"), is_utf8=is_utf8)


def clashes(names: Iterable[str], *, fold_case: bool = False) -> list[tuple[str, str]]:
    """Pairs of different names that are one after NFC; with `fold_case` also by upper and lower."""
    seen: dict[str, str] = {}
    pairs = []
    for name in names:
        key = unicodedata.normalize("NFC", name)
        key = key.casefold() if fold_case else key
        if key in seen and seen[key] != name:
            pairs.append((seen[key], name))
        seen.setdefault(key, name)
    return pairs
