"""The kind of a file as far as reading goes: by its first bytes, then by PUID and name."""

import zipfile
from enum import StrEnum
from pathlib import Path

import olefile

from liandong.kernel.ports import Unreadable

from .charset import is_text

_HEAD = 4096


class Kind(StrEnum):
    """What decides which reader opens a file."""

    IMAGE = "image"
    PDF = "pdf"
    OFD = "ofd"
    DOCX = "docx"
    XLSX = "xlsx"
    PPTX = "pptx"
    ODF = "odf"
    LEGACY = "legacy"  # DOC, XLS, PPT, WPS, RTF: LibreOffice
    ENCRYPTED = "encrypted"  # an office file in an encrypted OLE package
    TEXT = "text"
    HTML = "html"
    EML = "eml"
    MSG = "msg"
    SILENT = "silent"  # audio, video: kept, no text
    OTHER = "other"


_IMAGE_HEADS = (
    b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"II*\0", b"MM\0*", b"GIF87a", b"GIF89a",
    b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51", b"BM",
)  # fmt: skip
_SILENT_SUFFIXES = frozenset(
    [
        ".mp3",
        ".mp4",
        ".wav",
        ".avi",
        ".mov",
        ".mkv",
        ".flac",
        ".wma",
        ".wmv",
        ".aac",
        ".m4a",
        ".m4v",
        ".mpg",
        ".mpeg",
        ".ogg",
        ".flv",
        ".webm",
        ".amr",
        ".3gp",
        ".ts",
        ".vob",
        ".rm",
        ".rmvb",
    ]
)
_SILENT_HEADS = (b"ID3", b"OggS", b"fLaC", b"\x1aE\xdf\xa3", b"FLV\x01", b"0&\xb2u\x8ef\xcf\x11")
_HTML_PUIDS = frozenset(
    {"fmt/96", "fmt/97", "fmt/98", "fmt/99", "fmt/100", "fmt/102", "fmt/103", "fmt/471"}
)
_EML_PUIDS = frozenset({"fmt/278", "fmt/950"})
_ZIP_MARKS = (
    ("ofd.xml", Kind.OFD), ("encryptions.xml", Kind.OFD), ("word/document.xml", Kind.DOCX),
    ("xl/workbook.xml", Kind.XLSX), ("ppt/presentation.xml", Kind.PPTX),
)  # fmt: skip
_OLE_MARKS = (
    ("EncryptedPackage", Kind.ENCRYPTED), ("WordDocument", Kind.LEGACY), ("Workbook", Kind.LEGACY),
    ("Book", Kind.LEGACY), ("PowerPoint Document", Kind.LEGACY),
    ("__properties_version1.0", Kind.MSG),
)  # fmt: skip


def kind_of(file: Path, puid: str) -> Kind:
    """The kind of a file that is not empty; its content outranks `puid` and the name.

    Raises Unreadable for a container that cannot be opened.
    """
    with file.open("rb") as stream:
        head = stream.read(_HEAD)
    if b"%PDF-" in head[:1024]:
        return Kind.PDF
    if head.startswith(b"PK\x03\x04"):
        return _zip_kind(file)
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        return _ole_kind(file)
    if head.startswith(b"{\\rtf"):
        return Kind.LEGACY
    if _is_silent(head, file):
        return Kind.SILENT
    if head.startswith(_IMAGE_HEADS) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP"):
        return Kind.IMAGE
    return _text_kind(head, file, puid)


def _is_silent(head: bytes, file: Path) -> bool:
    if head.startswith(_SILENT_HEADS) or head[4:8] == b"ftyp":
        return True
    if head[:4] == b"RIFF" and head[8:12] in (b"WAVE", b"AVI "):
        return True
    return file.suffix.lower() in _SILENT_SUFFIXES and not is_text(head, cut=True)


def _zip_kind(file: Path) -> Kind:
    try:
        with zipfile.ZipFile(file) as package:
            names = package.namelist()[:20_000]
            kind = package.read("mimetype")[:80] if "mimetype" in names else b""
    except Exception:  # noqa: BLE001 - a broken container of any sort
        by_name = {".docx": Kind.DOCX, ".xlsx": Kind.XLSX, ".pptx": Kind.PPTX, ".ofd": Kind.OFD}
        return by_name.get(file.suffix.lower(), Kind.OTHER)
    folded = {name.lstrip("/").lower() for name in names}
    for mark, found in _ZIP_MARKS:
        if mark in folded:
            return found
    if kind.startswith(b"application/vnd.oasis.opendocument") and "content.xml" in names:
        return Kind.ODF
    return Kind.OTHER


def _ole_kind(file: Path) -> Kind:
    try:
        with olefile.OleFileIO(str(file)) as ole:
            names = {path[-1] for path in ole.listdir()}
    except Exception as error:
        raise Unreadable("FILE-DAMAGED", reason="OLE 容器无法打开") from error
    for mark, kind in _OLE_MARKS:
        if mark in names:
            return kind
    return Kind.OTHER


def _text_kind(head: bytes, file: Path, puid: str) -> Kind:
    suffix = file.suffix.lower()
    if suffix == ".eml" or puid in _EML_PUIDS:
        return Kind.EML
    if not is_text(head, cut=len(head) == _HEAD):
        return Kind.IMAGE if suffix in (".pbm", ".pgm", ".ppm") else Kind.OTHER
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:200].lower()
    if puid in _HTML_PUIDS or start.startswith((b"<!doctype html", b"<html")):
        return Kind.HTML
    return Kind.HTML if suffix in (".html", ".htm", ".xhtml") else Kind.TEXT
