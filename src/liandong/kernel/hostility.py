"""Own safety checks on bytes from outside: zip bombs, programs, macros, active content.

They read headers and tables of content, never run or expand anything without a limit, and do not
replace a virus scanner.  Knows files, no rows and no settings.
"""

import mmap
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from .checks import Finding
from .names import BadPath, InnerPath, inner_path, zip_entry_name

ENTRY_HEAD = 64  # bytes of a zip entry that show a program
PATH_BYTES = 900  # of a path in a zip: longer ones are shortened, no system takes them
XML_HEAD = 1 << 16  # bytes of a zip entry in which a DOCTYPE is looked for
COUNTED_BYTES = 128 << 20  # of a table of contents whose entries are counted
PROLOG_MAX = 1 << 20  # bytes of an XML file in which a DOCTYPE is looked for
LOOKED_ENTRIES = 5_000  # entries of one zip whose first bytes are read
METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})  # others unpack without a bound
DIRECTORY_ENTRY_BYTES = 1_024  # more than this per entry is no honest central directory
INFLATE_MAX = 64 << 20  # bytes of PDF object streams that are unpacked for a look
PIECE_BYTES = 16 << 20  # of a PDF that are looked at together
SMALL = 64 << 20  # bytes: smaller contents may shrink as far as they like (blank scans do)

ZIP_ERRORS = (
    zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError,
    struct.error, OverflowError,
)  # fmt: skip


class HostileZip(Exception):
    """The zip as a whole is refused; `code` is a row of `catalog/findings.csv`."""

    def __init__(self, code: str, **facts: str) -> None:
        super().__init__(f"{code} {facts}")
        self.code = code
        self.facts = facts


@dataclass(frozen=True, slots=True)
class ZipLimits:
    """How far a zip may go."""

    ratio: int  # unpacked bytes for one packed byte
    entries: int
    size_bytes: int  # of everything unpacked


# Zip ----------------------------------------------------------------------------------------------


def open_zip(file: Path, limits: ZipLimits) -> zipfile.ZipFile:
    """The opened zip, whose declared entries and sizes are within the limits.

    Python reads no more of an entry than the zip declares, so the declared sizes bound the work.
    Raises HostileZip (ZIP-DAMAGED, ZIP-ENTRIES, ZIP-BOMB, ZIP-SIZE) and OSError.
    """
    _refuse_large_directory(file, limits)
    try:
        package = zipfile.ZipFile(file)
    except ZIP_ERRORS as error:
        raise HostileZip("ZIP-DAMAGED", reason=_reason(error)) from None
    try:
        _refuse_over_limits(file, package.infolist(), limits)
    except HostileZip:
        package.close()
        raise
    return package


def _reason(error: Exception) -> str:
    return (str(error) or type(error).__name__)[:120]


def _refuse_large_directory(file: Path, limits: ZipLimits) -> None:
    """A directory with a million names costs memory before anybody can count them."""
    entries, size = _directory(file)
    if entries > limits.entries or size > limits.entries * DIRECTORY_ENTRY_BYTES:
        facts = {"entries": str(max(entries, limits.entries + 1)), "most": str(limits.entries)}
        raise HostileZip("ZIP-ENTRIES", **facts)


def _directory(file: Path) -> tuple[int, int]:
    """Entries and bytes of the table of contents: the larger of what is declared and what is there.

    Source: APPNOTE 6.3, 4.3.14 to 4.3.16.
    """
    with file.open("rb") as stream:
        stream.seek(max(0, file.stat().st_size - 65_557))
        start, tail = stream.tell(), stream.read()
        at = tail.rfind(b"PK\x05\x06")
        if at < 0 or len(tail) - at < 22:
            raise HostileZip("ZIP-DAMAGED", reason="no end of central directory")
        entries, size = struct.unpack_from("<HI", tail, at + 10)
        if at >= 20 and tail[at - 20 : at - 16] == b"PK\x06\x07":
            (place,) = struct.unpack_from("<Q", tail, at - 12)
            # Python looks right before the locator, whatever the locator says
            for seat in (min(place, start + at), max(0, start + at - 76)):
                stream.seek(seat)
                record = stream.read(56)
                if len(record) == 56 and record.startswith(b"PK\x06\x06"):
                    more, longer = struct.unpack_from("<QQ", record, 32)
                    entries, size = max(entries, more), max(size, longer)
        return max(entries, _counted(stream, start + at, size)), size


def _counted(stream: BinaryIO, end: int, size: int) -> int:
    """Heads of entries in the last `size` bytes before `end`: a small number may be declared."""
    if size > COUNTED_BYTES:
        return 0  # judged by its size
    stream.seek(max(0, end - size - 76))
    return stream.read(size + 76).count(b"PK\x01\x02")


def _refuse_over_limits(file: Path, infos: list[zipfile.ZipInfo], limits: ZipLimits) -> None:
    if len(infos) > limits.entries:
        raise HostileZip("ZIP-ENTRIES", entries=str(len(infos)), most=str(limits.entries))
    total = sum(info.file_size for info in infos)
    if total > limits.size_bytes:
        raise HostileZip("ZIP-SIZE", size=str(total), most=str(limits.size_bytes))
    packed = max(file.stat().st_size, 1)
    if total > SMALL and total > packed * limits.ratio:
        raise HostileZip("ZIP-BOMB", ratio=str(total // packed), most=str(limits.ratio))


@dataclass(frozen=True, slots=True)
class ZipEntry:
    """One file of a zip, with what is wrong with it as an entry."""

    info: zipfile.ZipInfo
    path: InnerPath  # safe and unique within the zip
    original_name: str  # as the zip has it, decoded
    fault: str = ""  # code: ZIP-PATH-ESCAPE, ZIP-SYMLINK, ZIP-ENCRYPTED, ZIP-METHOD, ZIP-SAME-NAME
    is_kept: bool = True  # its bytes can be taken out


def zip_entries(package: zipfile.ZipFile) -> Iterator[ZipEntry]:
    """The files of a zip in its order; folders are left out, nothing is ever named outside."""
    taken: set[str] = set()
    numbers: dict[str, int] = {}
    for info in package.infolist():
        name = _entry_name(info)
        if name.endswith("/") or info.is_dir():
            continue
        path, fault = _safe_path(name)
        if path in taken:
            path, fault = _free_path(path, taken, numbers), fault or "ZIP-SAME-NAME"
        taken.add(path)
        fault = _kind_fault(info) or fault
        yield ZipEntry(info, path, name, fault, fault not in _NOT_KEPT)


_NOT_KEPT = frozenset({"ZIP-SYMLINK", "ZIP-ENCRYPTED", "ZIP-METHOD"})


def _entry_name(info: zipfile.ZipInfo) -> str:
    raw = info.orig_filename
    try:
        name = zip_entry_name(raw, info.flag_bits)
    except (BadPath, UnicodeError):
        name = raw
    return name.replace("\\", "/") if "/" not in name else name


def _kind_fault(info: zipfile.ZipInfo) -> str:
    mode = info.external_attr >> 16
    if info.create_system == 3 and mode and stat.S_IFMT(mode) not in {0, stat.S_IFREG}:
        return "ZIP-SYMLINK"  # links, devices, sockets: no file of a record
    if info.flag_bits & 1:
        return "ZIP-ENCRYPTED"
    return "" if info.compress_type in METHODS else "ZIP-METHOD"


def _safe_path(name: str) -> tuple[InnerPath, str]:
    if len(name.encode("utf-8", "replace")) <= PATH_BYTES:
        try:
            return inner_path(name.removeprefix("./")), ""
        except BadPath:
            pass
    parts = [re.sub(r'[\x00-\x1f\x7f\\:*?"<>|]', "_", part) for part in name.split("/")]
    kept = [part.strip(" ~")[:80] for part in parts if part.strip(" ~") not in {"", ".", ".."}]
    safe = "/".join(kept[-8:]).encode("utf-8", "replace").decode() or "_"
    try:
        return inner_path(f"_/{safe}"), "ZIP-PATH-ESCAPE"
    except BadPath:
        return inner_path(f"_/{zlib.crc32(name.encode('utf-8', 'replace')):08x}"), "ZIP-PATH-ESCAPE"


def _free_path(path: InnerPath, taken: set[str], numbers: dict[str, int]) -> InnerPath:
    """The path with a number; `numbers` keeps the last one, or many equal names take for ever."""
    place = PurePosixPath(path)
    number = numbers.get(path, 1) + 1
    while (free := str(place.with_name(f"{place.stem[:60]} ({number}){place.suffix}"))) in taken:
        number += 1
    numbers[path] = number
    return InnerPath(free)


# Content ------------------------------------------------------------------------------------------

_PROGRAMS = (
    (b"\x7fELF", "ELF"), (b"\xfe\xed\xfa\xce", "Mach-O"), (b"\xfe\xed\xfa\xcf", "Mach-O"),
    (b"\xce\xfa\xed\xfe", "Mach-O"), (b"\xcf\xfa\xed\xfe", "Mach-O"), (b"\xca\xfe\xba\xbe", "Java"),
    (b"L\x00\x00\x00\x01\x14\x02\x00", "LNK"), (b"#!/", "script"), (b"#! /", "script"),
)  # fmt: skip
_PROGRAM_SUFFIXES = frozenset(
    {".exe", ".dll", ".com", ".scr", ".cpl", ".msi", ".lnk", ".jar", ".apk", ".pif"}
)
_SCRIPT_SUFFIXES = frozenset(
    {".bat", ".cmd", ".ps1", ".vbs", ".vbe", ".js", ".jse", ".wsf", ".hta", ".sh", ".reg"}
)
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_DOS_STUB = b"This program cannot be run in DOS mode"


def program_kind(head: bytes) -> str:
    """The kind of program that begins with these bytes (PE, ELF, Mach-O, …), or ""."""
    if head.startswith(b"MZ") and b"\0" in head[:ENTRY_HEAD]:
        return "PE"
    return next((kind for mark, kind in _PROGRAMS if head.startswith(mark)), "")


def inspect(file: Path, *, where: str, limits: ZipLimits) -> list[Finding]:
    """What is dangerous in the content of one file; `where` is its path in the hand-over.

    Never raises for bad content.  Raises OSError when the file cannot be read at all.
    """
    suffix = PurePosixPath(where).suffix.lower()
    with file.open("rb") as stream:
        head = stream.read(4096)
        if kind := program_kind(head) or ("program" if suffix in _PROGRAM_SUFFIXES else ""):
            return [Finding("SEC-EXECUTABLE", where, facts={"kind": kind})]
        found = dict.fromkeys(_faults(file, stream, head, limits))
    if suffix in _SCRIPT_SUFFIXES:
        found[("SEC-SCRIPT", "kind", suffix)] = None
    return [Finding(code, where, facts={name: fact}) for code, name, fact in found]


_Fault = tuple[str, str, str]  # code, name of the fact, fact


def _faults(file: Path, stream: BinaryIO, head: bytes, limits: ZipLimits) -> Iterator[_Fault]:
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        yield from _zip_faults(file, limits)
    elif head.startswith(_OLE):
        yield from _ole_faults(stream)
    elif b"%PDF-" in head[:1024]:
        yield from _pdf_faults(stream)
    elif head.startswith(b"{\\rtf"):
        yield from _rtf_faults(stream)
    elif has_entities(head + stream.read(PROLOG_MAX)):
        yield "SEC-XML-ENTITY", "entry", ""


def _zip_faults(file: Path, limits: ZipLimits) -> Iterator[_Fault]:
    try:
        package = open_zip(file, limits)
    except HostileZip as error:
        if error.code != "ZIP-DAMAGED":  # damage is told by whoever reads the file
            yield f"SEC-{error.code}", "ratio", next(iter(error.facts.values()))
        return
    with package:
        for entry in zip_entries(package):
            if entry.fault in {"ZIP-PATH-ESCAPE", "ZIP-SYMLINK", "ZIP-METHOD"}:
                yield f"SEC-{entry.fault}", "entry", entry.original_name[:200]
        for info in package.infolist()[:LOOKED_ENTRIES]:
            yield from _entry_faults(package, info)


_MACRO_NAMES = re.compile(
    r"(^|/)(vbaproject\.bin|vbadata\.xml|macrosheets/.+|basic/.+\.xml)$", re.IGNORECASE
)
_XML_NAMES = re.compile(r"\.(xml|rels|svg|xhtml|vml)$", re.I)


def _entry_faults(package: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[_Fault]:
    name = _entry_name(info)
    if _MACRO_NAMES.search(name):
        yield "SEC-MACRO", "entry", name[:200]
    if info.flag_bits & 1 or not info.file_size or info.compress_type not in METHODS:
        return
    is_xml = _XML_NAMES.search(name) is not None
    try:
        with package.open(info) as stream:
            head = stream.read(XML_HEAD if is_xml else ENTRY_HEAD)
    except ZIP_ERRORS:
        return  # damage is told by whoever reads the file
    if kind := program_kind(head):
        yield "SEC-EMBEDDED-EXECUTABLE", "entry", f"{name[:200]} ({kind})"
    elif is_xml and has_entities(head):
        yield "SEC-XML-ENTITY", "entry", name[:200]


def has_entities(head: bytes) -> bool:
    """Whether an XML document that begins so declares entities in its DOCTYPE."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        head = head.decode("utf-16", "replace").encode()
    head = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not head.startswith(b"<"):
        return False
    doctype = re.match(rb"<!DOCTYPE\s", head[_prolog(head) :], re.I)
    return doctype is not None and re.search(rb"<!ENTITY\s", head) is not None


def _prolog(head: bytes) -> int:
    """Where the document goes on after comments and instructions; one pass, also when unclosed."""
    at = 0
    while True:
        while head[at : at + 1].isspace():
            at += 1
        close = next((end for mark, end in _PROLOG_PARTS if head.startswith(mark, at)), b"")
        after = head.find(close, at + 2) if close else -1
        if after < 0:
            return at
        at = after + len(close)


_PROLOG_PARTS = ((b"<!--", b"-->"), (b"<?", b"?>"))


def _ole_faults(stream: BinaryIO) -> Iterator[_Fault]:
    """Names in the directory of an old office file are UTF-16 and never split: search for them."""
    with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
        for name in ("_VBA_PROJECT", "_VBA_PROJECT_CUR", "Macros"):
            if content.find(f"{name}\0".encode("utf-16-le")) >= 0:
                yield "SEC-MACRO", "entry", name
                break
        if content.find(_DOS_STUB) >= 0:
            yield "SEC-EMBEDDED-EXECUTABLE", "entry", "PE"


def _rtf_faults(stream: BinaryIO) -> Iterator[_Fault]:
    with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
        if content.find(_DOS_STUB.hex().encode()) >= 0:
            yield "SEC-EMBEDDED-EXECUTABLE", "entry", "objdata"
        elif content.find(b"\\objdata") >= 0:
            yield "SEC-EMBEDDED-OBJECT", "entry", "objdata"


# PDF ----------------------------------------------------------------------------------------------

_PDF_MARKS = (
    (re.compile(rb"/(?:JavaScript|JS)(?![A-Za-z0-9])"), "SEC-PDF-JAVASCRIPT", "/JavaScript"),
    (re.compile(rb"/S\s*/Launch(?![A-Za-z0-9])"), "SEC-PDF-LAUNCH", "/Launch"),
    (re.compile(rb"/EmbeddedFile(?![A-Za-z0-9])"), "SEC-EMBEDDED-OBJECT", "/EmbeddedFile"),
)


def _pdf_faults(stream: BinaryIO) -> Iterator[_Fault]:
    with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
        for piece in _pdf_objects(content):
            # names may be written with #4A for J
            plain = re.sub(rb"#([0-9A-Fa-f]{2})", _unescape, piece) if b"#" in piece else piece
            for pattern, code, mark in _PDF_MARKS:
                if pattern.search(plain):
                    yield code, "entry", mark


def _unescape(found: re.Match[bytes]) -> bytes:
    return bytes([int(found[1], 16)])


def _pdf_objects(content: mmap.mmap) -> Iterator[bytes]:
    """What stands between streams, and the unpacked object streams; other streams hold pixels."""
    at, left = 0, INFLATE_MAX
    while at < len(content):
        begin = content.find(b"stream", at)
        until = begin if begin >= 0 else len(content)
        for start in range(at, until, PIECE_BYTES):  # overlaps, so that no word is cut
            yield content[start : min(start + PIECE_BYTES + 64, until)]
        if begin < 0:
            return
        end = content.find(b"endstream", begin + 6)
        end = end if end >= 0 else len(content)
        if left > 0 and b"/ObjStm" in content[max(at, begin - 1024) : begin]:
            packed = content[begin + 6 : min(end, begin + 6 + INFLATE_MAX)]
            unpacked = _inflate(packed.lstrip(b"\r\n"), left)
            left -= len(unpacked)
            yield unpacked
        at = end + 9


def _inflate(packed: bytes, most: int) -> bytes:
    try:
        return zlib.decompressobj().decompress(packed, most)
    except zlib.error:
        return b""
