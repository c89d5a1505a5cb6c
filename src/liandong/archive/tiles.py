"""Thumbnails and deep-zoom tiles of page images, made when first asked for and kept in the cache.

The cache may be deleted at any time; its names carry the version of the record, so a new version
never shows old tiles.  What is made of an encrypted image is kept encrypted with the same key: the
tiles as one archive, of which a request opens the few chunks that it needs.
"""

import io
import math
import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings

from liandong.archive.services.contents import StoredFile, cached, keep_cached
from liandong.kernel.pages import Box
from liandong.kernel.sealed import CannotOpen

os.environ.setdefault("VIPS_BLOCK_UNTRUSTED", "1")  # only decoders that stand hostile files
import pyvips  # reads the variable

TILE = 512  # pixels
OVERLAP = 1
QUALITY = 82
_MASKED_QUALITY = 90  # tiles are made of it once more
THUMB = 240  # pixels wide
DESCRIPTION = "page.dzi"


class NoImage(Exception):
    """The page image cannot be decoded."""


def blackened(image: StoredFile, boxes: Sequence[Box], width: int, key: str) -> StoredFile:
    """A JPEG of the page image with these rectangles black, and nothing else of the original.

    Rectangles are in pixels of an image that is `width` wide; `key` names the page and the
    rectangles.  The pixels below them are gone, and with them previews that a camera put beside.
    Raises NoImage, FileNotFoundError and CannotOpen.
    """

    def make(page: Any) -> bytes:
        page = _flat(page)
        scale = page.width / width
        for box in boxes:
            left, top = math.floor(box.left * scale), math.floor(box.top * scale)
            right, bottom = math.ceil(box.right * scale), math.ceil(box.bottom * scale)
            page = page.draw_rect(0, left, top, right - left, bottom - top, fill=True)
        content: bytes = page.jpegsave_buffer(Q=_MASKED_QUALITY, strip=True)
        return content

    return _kept(image, f"masked/{key}.jpg", lambda found: make(_decoded(found, access="random")))


def open_thumb(image: StoredFile, key: str) -> BinaryIO:
    """The small JPEG of a page image; `key` names record, version and page.

    Raises NoImage, FileNotFoundError and CannotOpen.
    """

    def make(found: StoredFile) -> bytes:
        if found.sealed is None:
            small = pyvips.Image.thumbnail(str(found.find()), THUMB, height=10 * THUMB)
        else:
            small = pyvips.Image.thumbnail_buffer(found.read_bytes(), THUMB, height=10 * THUMB)
        content: bytes = small.jpegsave_buffer(Q=QUALITY, strip=True)
        return content

    return _kept(image, f"thumbs/{key}.jpg", make).open()


def open_tile(image: StoredFile, key: str, name: str) -> BinaryIO:
    """`page.dzi` or one tile `page_files/<level>/<column>_<row>.jpg` of a page image.

    Raises NoImage, FileNotFoundError for a tile that there is not, and CannotOpen.
    """
    if image.sealed is None:
        return (_tile_folder(image, key) / name).open("rb")
    archive = _kept(image, f"tiles/{key}.zip", _tile_archive)
    with archive.open() as stream, zipfile.ZipFile(stream) as tiles:
        try:
            return io.BytesIO(tiles.read(name))
        except KeyError:
            raise FileNotFoundError(name) from None


def _kept(image: StoredFile, name: str, make: Callable[[StoredFile], bytes]) -> StoredFile:
    """What `make` makes of an image, from the cache when it is there and opens."""
    one = cached(image, name)
    try:
        one.open().close()
    except (FileNotFoundError, CannotOpen):  # never made, or with a former key
        try:
            keep_cached(one, make(image))
        except pyvips.Error as error:
            raise NoImage(str(error)) from error
    return one


def _decoded(image: StoredFile, access: str) -> Any:
    if image.sealed is None:
        return pyvips.Image.new_from_file(str(image.find()), access=access)
    return pyvips.Image.new_from_buffer(image.read_bytes(), "", access=access)


def _flat(page: Any) -> Any:
    return page.flatten(background=255) if page.hasalpha() else page


def _layout() -> dict[str, Any]:
    return {"tile_size": TILE, "overlap": OVERLAP, "suffix": f".jpg[Q={QUALITY},strip]"}


def _tile_archive(image: StoredFile) -> bytes:
    page = _flat(_decoded(image, access="sequential"))
    archive: bytes = page.dzsave_buffer(
        basename="page", container="zip", compression=0, **_layout()
    )
    return archive


def _tile_folder(image: StoredFile, key: str) -> Path:
    """The folder with `page.dzi` and `page_files/`, made whole or not at all."""
    target = Path(settings.CACHE) / "tiles" / key
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(dir=target.parent))
    try:
        page = _flat(_decoded(image, access="sequential"))
        page.dzsave(str(work / "page"), **_layout())
        work.rename(target)
    except pyvips.Error as error:
        shutil.rmtree(work, ignore_errors=True)
        raise NoImage(str(error)) from error
    except OSError:  # another request was quicker
        shutil.rmtree(work, ignore_errors=True)
        if not target.exists():
            raise
    return target
