"""The one way of a photo into the house: whatever channel it comes by, it leaves its metadata here.

The bytes as sent are sealed under a key of the case; what pages show is a picture drawn anew from
the pixels, upright, without EXIF, position, thumbnail or comment.  Bytes are stored before the row
that names them: a kill in between leaves a file without a name, never a name without a file.
"""

import hashlib
import io
from datetime import datetime
from itertools import pairwise
from typing import Final
from uuid import UUID, uuid4

from PIL import Image, ImageOps, UnidentifiedImageError

from liandong.archive.services.keyring import ensure_keys, key_of
from liandong.base.engines import engine
from liandong.cases.models import Case, Evidence
from liandong.kernel.sealed import AES, Place, open_sealed, seal_bytes

from .kept_files import KeptFile

FORMATS: Final = ("JPEG", "PNG", "WEBP")
LARGEST_BYTES: Final = 20 * 1024 * 1024
LARGEST_PIXELS: Final = 64_000_000
LONG_SIDE: Final = 2048  # pixels of the picture that is shown
QUALITY: Final = 85
LEAST_CONTRAST: Final = 8  # of 255 grey values
ORIGINAL = "original"


class BadPhoto(Exception):
    """Bytes that are no photo we take: `code` is empty, too-large, unknown-format or broken."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def keep_photo(
    content: bytes, *, case_uuid: UUID, part: str, name: str, by: str, now: datetime,
    uuid: UUID | None = None,
) -> Evidence:  # fmt: skip
    """Store a photo; the row is not saved, and has no case yet.  Raises BadPhoto and OSError."""
    clean, width, height, image_hash = redrawn(content)
    one = Evidence(
        uuid=uuid or uuid4(), part=part, name=_plain_name(name), mime="image/jpeg",
        size_bytes=len(clean), sha256=hashlib.sha256(content).hexdigest(), width=width,
        height=height, added_at=now, added_by=by, image_hash=image_hash,
    )  # fmt: skip
    urn = evidence_urn(case_uuid)
    key = ensure_keys([urn], AES, now=now)[urn]
    sealed = seal_bytes(content, key, Place(urn, f"{one.uuid}/{ORIGINAL}"), engine("cipher").aead)
    original_path(one).write(sealed)
    clean_path(one).write(clean)
    return one


def add_photo(
    case: Case, content: bytes, *, part: str, name: str, by: str, now: datetime,
    uuid: UUID | None = None,
) -> Evidence:  # fmt: skip
    """Store a photo for a case that is there, ahead of its step; sent twice it is one row."""
    known = Evidence.objects.filter(case=case, uuid=uuid).first() if uuid else None
    if known is not None:
        return known
    one = keep_photo(content, case_uuid=case.uuid, part=part, name=name, by=by, now=now, uuid=uuid)
    one.case = case
    one.save()
    return one


def drop_photo(one: Evidence) -> None:
    """Erase the files of a photo that no row names."""
    for path in (clean_path(one), public_path(one), original_path(one)):
        path.unlink()


def redrawn(content: bytes) -> tuple[bytes, int, int, str]:
    """The picture drawn anew as JPEG, its size, and its hash.  Raises BadPhoto."""
    if not content:
        raise BadPhoto("empty")
    if len(content) > LARGEST_BYTES:
        raise BadPhoto("too-large")
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as picture:
            if picture.width * picture.height > LARGEST_PIXELS:
                raise BadPhoto("too-large")
            upright = ImageOps.exif_transpose(picture)
            drawn = upright.convert("RGB")
    except UnidentifiedImageError:
        raise BadPhoto("unknown-format") from None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        raise BadPhoto("broken") from None
    drawn.thumbnail((LONG_SIDE, LONG_SIDE))
    # A new image: nothing of `info` (EXIF, XMP, ICC, comment) goes along.
    bare = Image.new("RGB", drawn.size)
    bare.paste(drawn)
    out = io.BytesIO()
    bare.save(out, "JPEG", quality=QUALITY)
    return out.getvalue(), bare.width, bare.height, image_hash_of(bare)


def image_hash_of(picture: Image.Image) -> str:
    """What stays of a picture when it is shrunk or compressed again: 64 bits as 16 hex digits.

    The difference hash (dHash, N. Krawetz 2013): of 9 by 8 grey values, whether each is brighter
    than the one to its right.  "" for a picture without contrast, which would be like any other.
    """
    grey = picture.convert("L").resize((9, 8), Image.Resampling.BOX).tobytes()
    if max(grey) - min(grey) < LEAST_CONTRAST:
        return ""
    rows = (grey[at : at + 9] for at in range(0, 72, 9))
    bits = "".join("01"[left > right] for row in rows for left, right in pairwise(row))
    return f"{int(bits, 2):016x}"


def original_of(one: Evidence) -> bytes:
    """The bytes as they were sent.  Raises FileNotFoundError and CannotOpen."""
    urn = evidence_urn(one.case.uuid)
    stream = original_path(one).open()
    place = Place(urn, f"{one.uuid}/{ORIGINAL}")
    with open_sealed(stream, key_of(urn), place, engine("cipher").aead) as plain:
        return plain.read()


def evidence_urn(case_uuid: UUID) -> str:
    """Under which name the key of the originals of a case is kept."""
    return f"urn:liandong:case:{case_uuid}:evidence"


def clean_path(one: Evidence) -> KeptFile:
    """Where the picture without metadata lies."""
    return _path(one, ".jpg")


def public_path(one: Evidence) -> KeptFile:
    """Where the blurred picture lies, once a person has confirmed it."""
    return _path(one, ".public.jpg")


def original_path(one: Evidence) -> KeptFile:
    """Where the sealed original lies."""
    return _path(one, ".sealed")


def _path(one: Evidence, ending: str) -> KeptFile:
    name = str(one.uuid)
    return KeptFile(f"{name[:2]}/{name}{ending}")


def _plain_name(name: str) -> str:
    """A file name as text: no folder, nothing that cannot be shown."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return "".join(one for one in last if one.isprintable())[:200] or "photo.jpg"
