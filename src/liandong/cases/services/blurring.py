"""Faces and plates of a photo are covered before anybody outside sees it, and a person says so.

Nothing finds faces: OpenCV 5 no longer ships the cascades, and a model would be a download; plates
are proposed (`proposing`).  A person marks the rest and confirms; the machine only covers what was
marked.  The picture in between, clean but not covered, is for those who work on the case.
Source: casework design §12 (3).
"""

import io
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.db import transaction
from PIL import Image

from liandong.base.audit import record_act
from liandong.cases.models import Case, Evidence

from .photos import QUALITY, clean_path, public_path

KINDS: Final = ("face", "plate", "other")
_CELLS: Final = {"face": 4}  # averages along a side; others become one: few letters can be guessed
MOST_REGIONS: Final = 50
SMALLEST: Final = 4  # pixels of a side

Region = tuple[int, int, int, int, str]  # x, y, width, height in pixels of the clean picture; kind


class BadRegion(Exception):
    """A region that cannot be marked: `code` is kind, outside, too-small or too-many."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def mark(evidence_id: int, region: Region, *, by: str, now: datetime) -> None:
    """Add a region, cut to the picture; a confirmation before it ends.  Raises BadRegion."""
    with transaction.atomic():
        one = _locked(evidence_id)
        regions = [*one.regions, list(cut(region, one))]
        if len(regions) > MOST_REGIONS:
            raise BadRegion("too-many")
        _set(one, regions, by=by, now=now)


def unmark(evidence_id: int, position: int, *, by: str, now: datetime) -> None:
    """Take a region away by its place in the list; a confirmation before it ends."""
    with transaction.atomic():
        one = _locked(evidence_id)
        regions = [row for number, row in enumerate(one.regions) if number != position]
        _set(one, regions, by=by, now=now)


def confirm(evidence_id: int, *, by: str, now: datetime) -> None:
    """Write the picture for the public: a person has seen that nothing else needs covering.

    Raises OSError, and FileNotFoundError where the clean picture is gone.
    """
    with transaction.atomic():
        one = _locked(evidence_id)
        public_path(one).write(covered(clean_path(one).read_bytes(), one.regions))
        one.blurred_at, one.blurred_by = now, by
        one.save(update_fields=["blurred_at", "blurred_by"])
        _log("blur_photo", one, by=by, now=now)


def withdraw(evidence_id: int, *, by: str, now: datetime) -> None:
    """Take the picture for the public back; logged."""
    with transaction.atomic():
        one = _locked(evidence_id)
        _set(one, one.regions, by=by, now=now)


def covered(content: bytes, regions: Sequence[Sequence[int | str]]) -> bytes:
    """The picture as JPEG with averages in place of each region; what was there is gone."""
    with Image.open(io.BytesIO(content), formats=("JPEG",)) as picture:
        drawn = picture.convert("RGB")
    for x, y, width, height, kind in regions:
        box = (int(x), int(y), int(x) + int(width), int(y) + int(height))
        cells = _CELLS.get(str(kind), 1)
        part = drawn.crop(box).resize((cells, cells), Image.Resampling.BOX)
        drawn.paste(part.resize((int(width), int(height)), Image.Resampling.NEAREST), box)
    out = io.BytesIO()
    drawn.save(out, "JPEG", quality=QUALITY)
    return out.getvalue()


def _locked(evidence_id: int) -> Evidence:
    return Evidence.objects.select_for_update(of=("self",)).get(pk=evidence_id)


def cut(region: Region, one: Evidence) -> Region:
    """The part of a region that lies on the picture.  Raises BadRegion."""
    x, y, width, height, kind = region
    if kind not in KINDS:
        raise BadRegion("kind")
    left, top = max(0, x), max(0, y)
    right, bottom = min(one.width, x + width), min(one.height, y + height)
    if left >= one.width or top >= one.height or right <= 0 or bottom <= 0:
        raise BadRegion("outside")
    if right - left < SMALLEST or bottom - top < SMALLEST:
        raise BadRegion("too-small")
    return left, top, right - left, bottom - top, kind


def _set(one: Evidence, regions: Sequence[object], *, by: str, now: datetime) -> None:
    """Keep the regions; whatever was confirmed was another picture."""
    one.regions = list(regions)
    if one.blurred_at is not None:
        one.blurred_at, one.blurred_by = None, ""
        public_path(one).unlink()
        _log("unblur_photo", one, by=by, now=now)
    one.save(update_fields=["regions", "blurred_at", "blurred_by"])


def _log(act: str, one: Evidence, *, by: str, now: datetime) -> None:
    case: Case = one.case
    facts = {"photo": str(one.uuid), "regions": len(one.regions)}
    record_act(act, by=by, now=now, object=f"case:{case.number}", facts=facts)
