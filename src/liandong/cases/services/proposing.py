"""Number plates are proposed for covering: lines of text in a photo that read like a plate.

Read on this machine by the reader of the archive.  It misses plates that it cannot read: far away,
slanted, dirty, at night, in two rows, plates of e-bikes (no letter after the place), and plates cut
off.  It finds no faces.  So it only proposes: a person looks at every photo and confirms.
Source: GA 36 (a province, a letter, five or six letters or digits), from memory, medium confidence.
"""

import re
from datetime import datetime
from typing import Final

from django.db import transaction

from liandong.base.engines import engine
from liandong.cases.models import Evidence
from liandong.kernel.pages import Box

from .blurring import MOST_REGIONS, cut
from .photos import clean_path

_PROVINCES: Final = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_PLATE: Final = re.compile(rf"([{_PROVINCES}][A-Z]|^.?[A-Z])[·•.\-]?[A-Z0-9]{{4,6}}", re.ASCII)
_JPEG: Final = "fmt/43"
_MARGIN: Final = 0.15  # of the height of the line, on each side


def reads_like_plate(text: str) -> bool:
    """Whether a line has a number plate in it; one letter of the place may be misread."""
    plain = "".join(text.split()).upper()
    found = _PLATE.search(plain)
    return found is not None and any(one.isdigit() for one in found.group())


def propose_plates(evidence_id: int, *, now: datetime) -> int:
    """Add a region for every plate that is read and not marked yet; how many were added.

    A photo that was confirmed already is left alone.  Raises Evidence.DoesNotExist, Unreadable and
    FileNotFoundError.
    """
    path = clean_path(Evidence.objects.get(pk=evidence_id)).local()
    (page,) = engine("reader").read(path, _JPEG, [1], None)
    boxes = [line.box for line in page.lines if reads_like_plate(line.text)]
    with transaction.atomic():
        one = Evidence.objects.select_for_update(of=("self",)).get(pk=evidence_id)
        if one.blurred_at is not None:
            return 0
        known = len(one.regions)
        for box in boxes:
            if not _is_marked(box, one) and len(one.regions) < MOST_REGIONS:
                one.regions = [*one.regions, list(cut(_around(box), one))]
        one.save(update_fields=["regions"])
        return len(one.regions) - known


def _around(box: Box) -> tuple[int, int, int, int, str]:
    more = (box.bottom - box.top) * _MARGIN
    left, top = round(box.left - more), round(box.top - more)
    return left, top, round(box.right + more) - left, round(box.bottom + more) - top, "plate"


def _is_marked(box: Box, one: Evidence) -> bool:
    """Whether a region that is there covers the line."""
    return any(
        x <= box.left and y <= box.top and box.right <= x + width and box.bottom <= y + height
        for x, y, width, height, _kind in one.regions
    )
