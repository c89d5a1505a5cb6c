"""Identifies formats with the PRONOM signatures inside pygfried, and three rules of our own.

Why pygfried and not opf-fido: docs/adr/0030.
"""

import os
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pygfried

from liandong.engines.reading.charset import is_text
from liandong.kernel.ports import Identification

OFD = "x-liandong/ofd"  # GB/T 33190; PRONOM has no entry for it (looked up in release 125)
EEP = "x-liandong/eep"  # DA/T 48 encapsulation package as XML
PLAIN_TEXT = "x-fmt/111"

_HEAD = 65536  # bytes looked at by our own rules
_ZIP_PUIDS = frozenset({"x-fmt/263", "", "x-fmt/412", "fmt/189", "x-fmt/255"})
_XML_PUIDS = frozenset({"fmt/101", PLAIN_TEXT, ""})
_EEP_ROOT = re.compile(
    r"<(?:[\w.-]+:)?(?:电子文件封装包|电子档案封装包|EncapsulatedElectronicRecords?)[\s>/]"
)


class SignatureIdentifier:
    """Identifies by content, PRONOM signatures and container signatures first.

    Beyond PRONOM: OFD gives `x-liandong/ofd`, an encapsulation package of DA/T 48 gives
    `x-liandong/eep`, and text in GB18030, Big5 or UTF-16 is plain text.
    """

    def __init__(self, workers: int = 0) -> None:
        # Threads, 0 for as many as processors; siegfried releases the interpreter lock.
        self._workers = workers or len(os.sched_getaffinity(0))
        self._version = ""

    @property
    def version(self) -> str:
        """Tool and signature files, e.g. `siegfried 1.11.9; DROID_SignatureFile_V125.xml; …`."""
        if not self._version:
            answer = pygfried.identify_many([__file__])
            details = "; ".join(row["details"] for row in answer["identifiers"])
            self._version = f"siegfried {answer['siegfried']}; {details}"
        return self._version

    def identify(self, files: Sequence[Path]) -> list[Identification]:
        """One identification per file, in order; an empty or unknown file gives puid ""."""
        sizes = [_size(file) for file in files]
        filled = [file for file, size in zip(files, sizes, strict=True) if size]
        found: dict[str, Identification] = {}
        if filled:
            answer = pygfried.identify_many([str(file) for file in filled], workers=self._workers)
            found = {row["filename"]: _identification(row) for row in answer["files"]}
        return [
            _own_rules(file, found.get(str(file), _UNKNOWN)) if size else _UNKNOWN
            for file, size in zip(files, sizes, strict=True)
        ]


_UNKNOWN = Identification("", "", "", "")


def _size(file: Path) -> int:
    try:
        return file.stat().st_size if file.is_file() else 0
    except OSError:
        return 0


def _identification(row: "pygfried.File") -> Identification:
    matches = row["matches"]
    if not matches or matches[0]["id"] == "UNKNOWN":
        return _UNKNOWN
    best = matches[0]
    name = best["format"]
    if best["version"]:
        name = f"{name} {best['version']}"
    return Identification(
        puid=best["id"],
        name=name,
        mime=best["mime"],
        basis=_basis(best["basis"]),
        extension_mismatch=_mismatch(row, _basis(best["basis"])),
    )


def _mismatch(row: "pygfried.File", basis: str) -> bool:
    if basis == "text":  # any name fits a text, unless it promises something else
        return Path(row["filename"]).suffix.lower() in _BINARY_SUFFIXES
    return "extension mismatch" in row["matches"][0]["warning"]


# Names that promise something else than text.
_BINARY_SUFFIXES = frozenset(
    [
        ".pdf",
        ".ofd",
        ".jpg",
        ".jpeg",
        ".png",
        ".tif",
        ".tiff",
        ".jp2",
        ".bmp",
        ".gif",
        ".webp",
        ".doc",
        ".docx",
        ".xls",
        ".xlsx",
        ".ppt",
        ".pptx",
        ".wps",
        ".et",
        ".dps",
        ".zip",
        ".mp3",
        ".mp4",
        ".wav",
        ".avi",
    ]
)


def _basis(detail: str) -> str:
    for mark, basis in (
        ("container", "container"),
        ("byte match", "signature"),
        ("xml match", "signature"),
        ("riff match", "signature"),
        ("mime match", "signature"),
        ("text match", "text"),
    ):
        if mark in detail:
            return basis
    return "extension"


def _own_rules(file: Path, found: Identification) -> Identification:
    try:
        if found.puid in _ZIP_PUIDS and _is_ofd(file):
            mismatch = file.suffix.lower() != ".ofd"
            return Identification(
                OFD, "Open Fixed-layout Document", "application/ofd", "container", mismatch
            )
        if found.puid in _XML_PUIDS or found.basis in ("text", "extension"):
            return _text_rules(file, found)
    except OSError:
        return found
    return found


def _text_rules(file: Path, found: Identification) -> Identification:
    with file.open("rb") as stream:
        head = stream.read(_HEAD)
    if _is_eep(head):
        mismatch = file.suffix.lower() not in (".xml", ".eep")
        return Identification(
            EEP, "Encapsulated Electronic Records XML", "application/xml", "signature", mismatch
        )
    if not found.puid and is_text(head, cut=len(head) == _HEAD):
        mismatch = file.suffix.lower() in _BINARY_SUFFIXES
        return Identification(PLAIN_TEXT, "Plain Text File", "text/plain", "text", mismatch)
    return found


def _is_ofd(file: Path) -> bool:
    with file.open("rb") as stream:
        if stream.read(4) != b"PK\x03\x04":
            return False
    try:
        with zipfile.ZipFile(file) as package:
            names = {name.lstrip("/").lower() for name in package.namelist()[:10_000]}
    except (zipfile.BadZipFile, ValueError, EOFError, NotImplementedError, RuntimeError):
        return False
    # An encrypted OFD may keep only the list of its encryptions readable (GM/T 0099-2020).
    return "ofd.xml" in names or {"encryptions.xml", "decryptseed.dat"} <= names


def _is_eep(head: bytes) -> bool:
    if b"<" not in head[:4096]:
        return False
    for encoding in ("utf-8-sig", "gb18030", "utf-16"):
        try:
            text = head[:4096].decode(encoding, "ignore")
        except UnicodeError:
            continue
        if _EEP_ROOT.search(text):
            return True
    return False
