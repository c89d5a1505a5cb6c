"""Office files: DOCX, XLSX, PPTX and ODF read here; DOC, XLS, PPT, WPS through LibreOffice."""

import io
import os
import shutil
import signal
import subprocess
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from posixpath import join as join_path
from posixpath import normpath

import lxml.etree
import olefile
import openpyxl

from liandong.kernel.ports import Unreadable

from .containers import check_zip
from .text import MarkupFile, in_pages

MAX_CELLS = 2_000_000
CONVERT_S = 120  # LibreOffice gets so long for one file
_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_RELATION = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"
_ODF_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_ODF_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_LEGACY_SUFFIXES = frozenset(
    [".doc", ".dot", ".xls", ".xlt", ".ppt", ".pps", ".pot", ".wps", ".et", ".dps", ".rtf"]
)
_XLS_FILEPASS = 0x2F  # record that says the workbook is encrypted, [MS-XLS] 2.4.117


def open_docx(file: Path) -> MarkupFile:
    """Paragraphs, tables and text boxes of a Word file or template, headers and footers last."""
    names = check_zip(file)
    with _opened(file) as package:
        lines = list(_word_lines(_xml(package, "word/document.xml")))
        edges = [
            name
            for name in names
            if name.startswith(("word/header", "word/footer", "word/footnotes"))
        ]
        for name in sorted(edges):
            lines.extend(
                line for line in _word_lines(_xml(package, name)) if line not in lines[:200]
            )
    return MarkupFile(in_pages(lines))


def open_pptx(file: Path) -> MarkupFile:
    """The text of a presentation, a page per slide."""
    check_zip(file)
    with _opened(file) as package:
        targets = _relations(package, "ppt/presentation.xml")
        order = _xml(package, "ppt/presentation.xml").iter("{*}sldId")
        slides = [targets.get(slide.get(f"{_R}id", ""), "") for slide in order]
        pages = [_slide_lines(package, slide) for slide in slides if slide]
    return MarkupFile(pages or [[]])


def open_xlsx(file: Path) -> MarkupFile:
    """The cells of a workbook, a line per row, every sheet beginning a page."""
    check_zip(file)
    pages: list[list[str]] = []
    cells = 0
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl tells of extensions it leaves out
            book = openpyxl.load_workbook(file, read_only=True, data_only=True)
            for sheet in book.worksheets:
                rows: list[str] = [sheet.title]
                for row in sheet.iter_rows(values_only=True):
                    cells += max(1, len(row))  # a row number may jump over a million empty rows
                    if cells > MAX_CELLS:
                        raise Unreadable("FILE-TOO-LARGE", reason=f"单元格超过 {MAX_CELLS} 个")
                    rows.append(_row(row))
                pages.extend(in_pages(rows))
            book.close()
    except Unreadable:
        raise
    except Exception as error:
        raise Unreadable(
            "FILE-DAMAGED", reason=f"表格无法打开（{type(error).__name__}）"
        ) from error
    return MarkupFile(pages or [[]])


def open_odf(file: Path) -> MarkupFile:
    """The text of an OpenDocument file (ODT, ODS, ODP)."""
    names = check_zip(file)
    with _opened(file) as package:
        if "META-INF/manifest.xml" in names and _is_encrypted_odf(package):
            raise Unreadable("FILE-ENCRYPTED")
        root = _xml(package, "content.xml")
    lines: list[str] = []
    for element in root.iter(f"{_ODF_TEXT}p", f"{_ODF_TEXT}h", f"{_ODF_TABLE}table-row"):
        if element.tag == f"{_ODF_TABLE}table-row":
            cells = [_plain(cell) for cell in element.iter(f"{_ODF_TABLE}table-cell")]
            lines.append(" ".join(cell for cell in cells if cell))
        elif next(element.iterancestors(f"{_ODF_TABLE}table-row"), None) is None:
            lines.append(_plain(element))
    return MarkupFile(in_pages(lines))


def has_macros(file: Path) -> bool:
    """Whether an office file carries macros (VBA); False for what is no office file."""
    if zipfile.is_zipfile(file):
        try:
            return any(Path(name).name.lower() == "vbaproject.bin" for name in check_zip(file))
        except Unreadable:
            return False
    return any({"VBA", "_VBA_PROJECT_CUR", "Macros"} & set(path) for path in _ole_paths(file))


def is_encrypted(file: Path) -> bool:
    """Whether an OLE office file needs a password.

    Source: [MS-OFFCRYPTO] 2.1, [MS-DOC] 2.5.2, [MS-XLS] 2.4.117, [MS-PPT] 2.3.7.
    """
    paths = {path[-1] for path in _ole_paths(file)}
    if paths & {"EncryptedPackage", "EncryptedSummary", "EncryptedSummaryInformation"}:
        return True
    with olefile.OleFileIO(str(file)) if paths else io.BytesIO() as ole:
        if "WordDocument" in paths:
            return bool(
                _ole_bytes(ole, "WordDocument", 12)[11:12]
                and _ole_bytes(ole, "WordDocument", 12)[11] & 1
            )
        for name in ("Workbook", "Book"):
            if name in paths:
                return _has_filepass(_ole_bytes(ole, name, 4096))
    return False


def converted(file: Path, folder: Path) -> Path:
    """A PDF of a legacy office file, made in `folder` by LibreOffice with a profile of its own.

    Raises Unreadable: FILE-ENCRYPTED, FILE-NEEDS-LIBREOFFICE, FILE-DAMAGED.
    """
    if is_encrypted(file):
        raise Unreadable("FILE-ENCRYPTED")
    suffix = file.suffix.lower()
    program = shutil.which("soffice") or shutil.which("libreoffice")
    if program is None:
        raise Unreadable("FILE-NEEDS-LIBREOFFICE", format=suffix.lstrip(".").upper())
    source = (
        folder / f"source{suffix if suffix in _LEGACY_SUFFIXES else '.doc'}"
    )  # the name of the original never reaches a command line
    shutil.copyfile(file, source)
    command = [
        program, "--headless", "--norestore", "--nolockcheck", "--nodefault",
        f"-env:UserInstallation={(folder / 'profile').as_uri()}",
        "--convert-to", "pdf", "--outdir", str(folder), str(source),
    ]  # fmt: skip
    _run(command, folder)
    result = folder / "source.pdf"
    if not result.is_file():
        raise Unreadable("FILE-DAMAGED", reason="LibreOffice 无法转换")
    return result


def _run(command: list[str], folder: Path) -> None:
    environment = {**os.environ, "HOME": str(folder), "TMPDIR": str(folder)}
    program = subprocess.Popen(  # noqa: S603 - fixed words and our own paths
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # soffice starts a child that must end with it
    )
    try:
        program.wait(CONVERT_S)
    except subprocess.TimeoutExpired as error:
        raise Unreadable(
            "FILE-DAMAGED", reason=f"LibreOffice 在 {CONVERT_S} 秒内未能转换"
        ) from error
    finally:
        if program.poll() is None:
            os.killpg(program.pid, signal.SIGKILL)
            program.wait()


def _opened(file: Path) -> zipfile.ZipFile:
    return zipfile.ZipFile(file)


def _xml(package: zipfile.ZipFile, name: str) -> lxml.etree._Element:
    parser = lxml.etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
    )
    try:
        return lxml.etree.fromstring(package.read(name), parser)
    except KeyError as error:
        raise Unreadable("FILE-DAMAGED", reason=f"缺少 {name}") from error
    except Exception as error:
        raise Unreadable("FILE-DAMAGED", reason=f"{name} 无法解析") from error


def _word_lines(root: lxml.etree._Element) -> Iterator[str]:
    """Paragraphs in the order of the document; a table row is one line."""
    for element in root.iter(f"{_W}p", f"{_W}tr"):
        row = next(element.iterancestors(f"{_W}tr"), None)
        if row is not None:
            continue
        if element.tag == f"{_W}tr":
            cells = (
                " ".join(_paragraph(p) for p in cell.iter(f"{_W}p"))
                for cell in element.iter(f"{_W}tc")
            )
            yield " ".join(cell.strip() for cell in cells if cell.strip())
        else:
            yield from _paragraph(element).split("\n")


def _paragraph(element: lxml.etree._Element) -> str:
    letters: list[str] = []
    for part in element.iter(f"{_W}t", f"{_W}tab", f"{_W}br", f"{_W}cr"):
        if next(part.iterancestors(f"{_W}p"), None) is not element:
            continue  # in a text box, which has paragraphs of its own
        if next(part.iterancestors("{*}Fallback"), None) is not None:
            continue  # the same text again for old readers
        if part.tag == f"{_W}t":
            letters.append(part.text or "")
        elif part.tag == f"{_W}tab":
            letters.append(" ")
        else:
            letters.append("\n")
    return "".join(letters)


def _relations(package: zipfile.ZipFile, name: str) -> dict[str, str]:
    folder, _, base = name.rpartition("/")
    root = _xml(package, f"{folder}/_rels/{base}.rels")
    return {
        relation.get("Id", ""): normpath(join_path(folder, relation.get("Target", ""))).lstrip("/")
        for relation in root.iter(_RELATION)
    }


def _slide_lines(package: zipfile.ZipFile, name: str) -> list[str]:
    lines = (
        "".join(text.text or "" for text in paragraph.iter(f"{_A}t"))
        for paragraph in _xml(package, name).iter(f"{_A}p")
    )
    return [line for page in in_pages(lines) for line in page]


def _row(values: tuple[object, ...]) -> str:
    return " ".join(text for text in ("" if v is None else str(v).strip() for v in values) if text)


def _plain(element: lxml.etree._Element) -> str:
    return "".join(str(text) for text in element.itertext())


def _is_encrypted_odf(package: zipfile.ZipFile) -> bool:
    return any(True for _ in _xml(package, "META-INF/manifest.xml").iter("{*}encryption-data"))


def _ole_paths(file: Path) -> list[list[str]]:
    try:
        if not olefile.isOleFile(str(file)):
            return []
        with olefile.OleFileIO(str(file)) as ole:
            return list(ole.listdir(streams=True, storages=True))
    except Exception:  # noqa: BLE001 - olefile raises what a broken file makes it meet
        return []


def _ole_bytes(ole: olefile.OleFileIO, name: str, size: int) -> bytes:
    try:
        return bytes(ole.openstream(name).read(size))
    except Exception:  # noqa: BLE001 - as above
        return b""


def _has_filepass(head: bytes) -> bool:
    at = 0
    while at + 4 <= len(head):
        kind = int.from_bytes(head[at : at + 2], "little")
        if kind == _XLS_FILEPASS:
            return True
        at += 4 + int.from_bytes(head[at + 2 : at + 4], "little")
    return False
