"""Thumbnails and deep-zoom tiles of page images, made when first asked for and kept in the cache.

The cache may be deleted at any time; its folders carry the version of the record, so a new version
never shows old tiles.  What is made of an encrypted image is kept encrypted with the same key: the
tiles as one archive, of which a request opens the few chunks that it needs.
"""

import io
import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings

from liandong.archive.services.contents import StoredFile, open_sealed_file, write_sealed_file
from liandong.kernel.sealed import CannotOpen, Place

os.environ.setdefault("VIPS_BLOCK_UNTRUSTED", "1")  # only decoders that stand hostile files
import pyvips  # reads the variable

TILE = 512  # pixels
OVERLAP = 1
QUALITY = 82
THUMB = 240  # pixels wide
DESCRIPTION = "page.dzi"


class NoImage(Exception):
    """The page image cannot be decoded."""


def open_thumb(image: StoredFile, key: str) -> BinaryIO:
    """The small JPEG of a page image; `key` names record, version and page.

    Raises NoImage, FileNotFoundError and CannotOpen.
    """
    if image.sealed is None:
        return thumbnail(image.path(), key).open("rb")
    return _sealed(image, f"thumbs/{key}.jpg.sealed", _thumb_bytes)


def open_tile(image: StoredFile, key: str, name: str) -> BinaryIO:
    """`page.dzi` or one tile `page_files/<level>/<column>_<row>.jpg` of a page image.

    Raises NoImage, FileNotFoundError for a tile that there is not, and CannotOpen.
    """
    if image.sealed is None:
        return (tiles(image.path(), key) / name).open("rb")
    with (
        _sealed(image, f"tiles/{key}.zip.sealed", _tile_archive) as stream,
        zipfile.ZipFile(stream) as archive,
    ):
        try:
            return io.BytesIO(archive.read(name))
        except KeyError:
            raise FileNotFoundError(name) from None


# Plain --------------------------------------------------------------------------------------------


def thumbnail(image: Path, key: str) -> Path:
    """A JPEG of at most THUMB pixels width; `key` names record, version and page."""
    target = Path(settings.CACHE) / "thumbs" / f"{key}.jpg"
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(f".{os.getpid()}.jpg")
    try:
        pyvips.Image.thumbnail(str(image), THUMB, height=10 * THUMB).write_to_file(
            str(part), Q=QUALITY, strip=True
        )
    except pyvips.Error as error:
        raise NoImage(str(error)) from error
    part.replace(target)
    return target


def tiles(image: Path, key: str) -> Path:
    """The folder with `page.dzi` and `page_files/`, made whole or not at all."""
    target = Path(settings.CACHE) / "tiles" / key
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(dir=target.parent))
    try:
        page = _flat(pyvips.Image.new_from_file(str(image), access="sequential"))
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


def _flat(page: Any) -> Any:
    return page.flatten(background=255) if page.hasalpha() else page


def _layout() -> dict[str, Any]:
    return {"tile_size": TILE, "overlap": OVERLAP, "suffix": f".jpg[Q={QUALITY},strip]"}


# Sealed -------------------------------------------------------------------------------------------


def _sealed(image: StoredFile, name: str, make: Callable[[bytes], bytes]) -> BinaryIO:
    """What `make` makes of a sealed image, from the cache when it is there and opens."""
    assert image.sealed is not None  # noqa: S101 - callers ask
    key, place = image.sealed
    target, here = Path(settings.CACHE) / name, Place(place.object_id, f"cache/{name}")
    try:
        return open_sealed_file(target, key, here)
    except (FileNotFoundError, CannotOpen):  # never made, or with a former key
        content = make(image.read_bytes())
        write_sealed_file(target, content, key, here)
        return io.BytesIO(content)


def _thumb_bytes(image: bytes) -> bytes:
    try:
        small = pyvips.Image.thumbnail_buffer(image, THUMB, height=10 * THUMB)
        content: bytes = small.jpegsave_buffer(Q=QUALITY, strip=True)
    except pyvips.Error as error:
        raise NoImage(str(error)) from error
    return content


def _tile_archive(image: bytes) -> bytes:
    try:
        page = _flat(pyvips.Image.new_from_buffer(image, "", access="sequential"))
        archive: bytes = page.dzsave_buffer(
            basename="page", container="zip", compression=0, **_layout()
        )
    except pyvips.Error as error:
        raise NoImage(str(error)) from error
    return archive
