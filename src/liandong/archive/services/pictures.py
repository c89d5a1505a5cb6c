"""The image of a page as bytes, whole or with its masks, for papers that are made of it."""

import pyvips

from liandong.archive.models import RecordFile, RecordPage
from liandong.archive.queries.sight import black_parts
from liandong.archive.tiles import NoImage, blackened

from .contents import StoredFile
from .reading import stored_file

_WIDEST = 2480  # pixels: A4 at 300 dpi
_QUALITY = 88


def page_picture(page: RecordPage, *, masked: bool) -> bytes:
    """The page image as JPEG; with `masked`, what must not be seen is black and gone.

    `page` is the row with its record.  Raises NoImage, FileNotFoundError and CannotOpen.
    """
    file = _image_file(page)
    if masked:
        boxes, state = black_parts(page)
        key = f"{page.record.object_id}/{page.record.version}/{page.number}-{state}"
        file = blackened(file, boxes, page.width, key) if boxes else file
    try:
        image = pyvips.Image.new_from_buffer(file.read_bytes(), "")
        if image.hasalpha():
            image = image.flatten(background=255)
        if image.width > _WIDEST:
            image = image.resize(_WIDEST / image.width)
        content: bytes = image.jpegsave_buffer(Q=_QUALITY, keep="none")
    except pyvips.Error as error:
        raise NoImage(str(error)) from error
    return content


def _image_file(page: RecordPage) -> StoredFile:
    names = [page.image, page.file, f"original/{page.file}"]
    rows = RecordFile.objects.filter(record=page.record_id, path__in=names)
    held = {row.path: row for row in rows}
    row = next((held[name] for name in names if name and name in held), None)
    if row is None or not page.width:
        raise NoImage(f"page {page.number} has no image")
    return stored_file(page.record, row)
