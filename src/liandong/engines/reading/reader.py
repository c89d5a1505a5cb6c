"""Reads files of any kind on this machine: pages of lines with places, and page images."""

import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import RLock
from typing import Protocol

from liandong.kernel.pages import Page
from liandong.kernel.ports import Unreadable

from . import mail, office, text
from .double_layer import double_layer_pdf
from .images import ImageFile, Pixels, Recognise, Recognised
from .kinds import Kind, kind_of
from .ofd import OfdFile
from .pdf import PdfFile

MAX_PAGES = 100_000
THICK = 16  # pages from which a PDF stays open for the next call: finding a page costs its number


class Opened(Protocol):
    """A file that is being read."""

    def __len__(self) -> int: ...
    def page(self, number: int, images: Path | None) -> Page: ...
    def text(self) -> str | None: ...
    def close(self) -> None: ...


_Stamp = tuple[str, int, int]  # path, time of change in ns, size in bytes


def _stamp(file: Path) -> _Stamp:
    facts = file.stat()
    return str(file), facts.st_mtime_ns, facts.st_size


def _close(opened: Opened) -> None:
    with suppress(Exception):  # what was read stays read
        opened.close()


class LocalReader:
    """The reader for one machine; models are loaded with the first page that needs them.

    `recognise` replaces the recognition: pixels (RGB, 8 bits) to lines.
    """

    def __init__(self, recognise: Recognise | None = None, threshold: float = 0.985) -> None:
        self._recognise_with = recognise
        self._threshold = threshold  # lines below are read again with the larger model
        self._lock = RLock()
        self._converted: tuple[_Stamp, Path] | None = None
        self._kept: tuple[_Stamp, Opened] | None = None  # a thick file is read in many calls
        self._clear = weakref.finalize(self, _forget, Path())

    def count(self, file: Path, puid: str = "") -> int:
        """Number of pages; 0 for audio and video.  Raises Unreadable."""
        with self._opened(file, puid) as opened:
            return len(opened)

    def read(
        self, file: Path, puid: str, numbers: Sequence[int], images: Path | None = None
    ) -> list[Page]:
        """The pages with these numbers (from 1), lines in reading order.

        With `images`, pages of PDF and OFD and of images that browsers do not show are rendered
        there as `0001.jpg`, …  Raises Unreadable, ValueError for a number that is no page.
        """
        with self._opened(file, puid) as opened:
            count = len(opened)
            for number in numbers:
                if not 1 <= number <= count:
                    raise ValueError(f"page {number} of {count}")
            return [opened.page(number, images) for number in numbers]

    def read_all(self, file: Path, puid: str = "", images: Path | None = None) -> list[Page]:
        """All pages.  Raises Unreadable."""
        with self._opened(file, puid) as opened:
            return [opened.page(number, images) for number in range(1, len(opened) + 1)]

    def text_of(self, file: Path, puid: str = "") -> str | None:
        """The text of a file that carries text; None when it would need recognition.

        Raises Unreadable.
        """
        with self._opened(file, puid) as opened:
            return opened.text()

    def bind(self, pages: Sequence[tuple[Page, Path]], target: Path, title: str) -> None:
        """Write a double-layer PDF (双层文件) of pages and their images.  Raises ValueError."""
        double_layer_pdf(pages, target, title)

    def close(self) -> None:
        """Close the file that was kept open and remove what was converted."""
        with self._lock:
            self._keep(None)
            self._clear()
            self._converted = None

    @contextmanager
    def _opened(self, file: Path, puid: str) -> Iterator[Opened]:
        if not file.stat().st_size:
            raise Unreadable("FILE-EMPTY")
        stamp = _stamp(file)
        opened = self._take(stamp) or self._open(file, kind_of(file, puid))
        try:
            if len(opened) > MAX_PAGES:
                raise Unreadable("FILE-TOO-LARGE", reason=f"超过 {MAX_PAGES} 页")
            yield opened
        except BaseException:
            _close(opened)
            raise
        if isinstance(opened, PdfFile) and len(opened) >= THICK:
            self._keep((stamp, opened))
        else:
            _close(opened)

    def _take(self, stamp: _Stamp) -> Opened | None:
        """The file kept open, if it is this one; nobody else has it while it is used."""
        with self._lock:
            if self._kept is None or self._kept[0] != stamp:
                return None
            (_, opened), self._kept = self._kept, None
            return opened

    def _keep(self, kept: tuple[_Stamp, Opened] | None) -> None:
        with self._lock:
            before, self._kept = self._kept, kept
        if before is not None:
            _close(before[1])

    def _open(self, file: Path, kind: Kind) -> Opened:
        if kind in _MARKUP:
            return _MARKUP[kind](file)
        match kind:
            case Kind.IMAGE:
                return ImageFile(file, self._recognise)
            case Kind.PDF:
                return PdfFile(file, self._recognise)
            case Kind.OFD:
                return OfdFile(file, self._recognise)
            case Kind.LEGACY:
                return PdfFile(self._convert(file), self._recognise)
            case Kind.SILENT:
                return text.MarkupFile([])
            case Kind.ENCRYPTED:
                raise Unreadable("FILE-ENCRYPTED")
            case _:
                raise Unreadable("FILE-NO-READER", format=file.suffix.lstrip(".").upper() or "—")

    def _recognise(self, pixels: Pixels) -> Recognised:
        with self._lock:
            if self._recognise_with is None:
                # here, so that files with text need neither models nor their libraries
                from .recognition import Recogniser

                self._recognise_with = Recogniser(self._threshold).recognise
        return self._recognise_with(pixels)

    def _convert(self, file: Path) -> Path:
        """The PDF of a legacy office file; the last one is kept, for it is read page by page."""
        key = _stamp(file)
        with self._lock:
            if self._converted is None or self._converted[0] != key:
                self.close()
                folder = Path(tempfile.mkdtemp(prefix="liandong-office-"))
                self._clear = weakref.finalize(self, _forget, folder)
                self._converted = (key, office.converted(file, folder))
            return self._converted[1]


def _forget(folder: Path) -> None:
    if folder != Path():
        shutil.rmtree(folder, ignore_errors=True)


_MARKUP: dict[Kind, Callable[[Path], Opened]] = {
    Kind.DOCX: office.open_docx,
    Kind.XLSX: office.open_xlsx,
    Kind.PPTX: office.open_pptx,
    Kind.ODF: office.open_odf,
    Kind.TEXT: text.open_text,
    Kind.HTML: text.open_html,
    Kind.EML: mail.open_eml,
    Kind.MSG: mail.open_msg,
}
