"""Thumbnails and deep-zoom tiles of page images, made when first asked for and kept in the cache.

The cache may be deleted at any time; its folders carry the version of the record, so a new version
never shows old tiles.
"""

import math
import os
import secrets
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from django.conf import settings

from liandong.kernel.pages import Box

os.environ.setdefault("VIPS_BLOCK_UNTRUSTED", "1")  # only decoders that stand hostile files
import pyvips  # reads the variable

TILE = 512  # pixels
OVERLAP = 1
QUALITY = 82
_MASKED_QUALITY = 90  # tiles are made of it once more
THUMB = 240  # pixels wide


class NoImage(Exception):
    """The page image cannot be decoded."""


def blackened(image: Path, boxes: Sequence[Box], width: int, key: str) -> Path:
    """A JPEG of the page image with these rectangles black, and nothing else of the original.

    Rectangles are in pixels of an image that is `width` wide; `key` names the page and the
    rectangles.  The pixels below them are gone, and with them previews that a camera put beside.
    """
    target = Path(settings.CACHE) / "masked" / f"{key}.jpg"
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(f".{secrets.token_hex(8)}.jpg")
    try:
        page = pyvips.Image.new_from_file(str(image))
        if page.hasalpha():
            page = page.flatten(background=255)
        scale = page.width / width
        for box in boxes:
            left, top = math.floor(box.left * scale), math.floor(box.top * scale)
            right, bottom = math.ceil(box.right * scale), math.ceil(box.bottom * scale)
            page = page.draw_rect(0, left, top, right - left, bottom - top, fill=True)
        page.write_to_file(str(part), Q=_MASKED_QUALITY, strip=True)
    except pyvips.Error as error:
        part.unlink(missing_ok=True)
        raise NoImage(str(error)) from error
    part.replace(target)
    return target


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
        page = pyvips.Image.new_from_file(str(image), access="sequential")
        if page.hasalpha():
            page = page.flatten(background=255)
        page.dzsave(
            str(work / "page"), tile_size=TILE, overlap=OVERLAP, suffix=f".jpg[Q={QUALITY},strip]"
        )
        work.rename(target)
    except pyvips.Error as error:
        shutil.rmtree(work, ignore_errors=True)
        raise NoImage(str(error)) from error
    except OSError:  # another request was quicker
        shutil.rmtree(work, ignore_errors=True)
        if not target.exists():
            raise
    return target
