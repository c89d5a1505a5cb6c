"""Pages with invented personal information, drawn by code."""

from datetime import date
from pathlib import Path

from PIL import Image, ImageDraw

from liandong.engines.reading.ofd.fonts import at_size, system_face
from liandong.kernel.pages import Box

TODAY = date(2026, 11, 26)


def scanned(file: Path, text: str, *, note: str = "") -> tuple[Path, Box]:
    """A page image of 1240 × 400 pixels with one line, and the place of that line.

    `note` goes into EXIF and the comment, as cameras and scanners put things there.
    """
    sheet = Image.new("RGB", (1240, 400), "white")
    face = system_face(serif=True)
    assert face is not None
    font = at_size(face, 36)
    ImageDraw.Draw(sheet).text((60, 150), text, fill="black", font=font, anchor="lt")
    if file.suffix == ".jpg":
        exif = sheet.getexif()
        exif[0x010E] = note  # ImageDescription
        sheet.save(file, "JPEG", quality=92, exif=exif, comment=note.encode(), dpi=(200, 200))
    else:
        sheet.save(file, dpi=(200, 200))
    return file, Box(60, 146, 60 + font.getlength(text), 190)
