"""Builders for tests of the archive: admissions with originals made by code."""

from collections.abc import Sequence
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import ocfl
from PIL import Image

from liandong.archive.models import Fonds, Record
from liandong.archive.services.admission import Admission, Event, OriginalFile, ReadPage
from liandong.archive.services.admitting import admit_many
from liandong.archive.services.holdings import keep_fonds
from liandong.archive.services.packing import pack_many
from liandong.kernel.digests import digest_file
from liandong.kernel.pages import Box, Line, Method, Page

NOW = datetime(2026, 11, 22, 9, 30, 5, 123456, tzinfo=UTC)
TODAY = 20261122


def fonds(number: str = "Z109", **facts: Any) -> Fonds:
    """A fonds with its object in the store."""
    known = {"title": "临江市人民政府", **facts}
    return keep_fonds(number, by="li", now=NOW, **known)


def code(number: int = 1, fonds_number: str = "Z109") -> str:
    """An archival code of one class."""
    return f"{fonds_number}-WS·2011-Y-BGS-{number:04d}"


def description(number: int = 1, **fields: str) -> dict[str, str]:
    """A complete description."""
    return {
        "archival_code": code(number),
        "fonds_number": "Z109",
        "archival_category": "WS",
        "filing_year": "2011",
        "retention_period": "Y",
        "org_or_subject": "BGS",
        "title": f"关于防汛工作的通知之{number}",
        "document_number": f"临政发〔2011〕{number}号",
        "author": "临江市人民政府",
        "document_date": "20110506",
    } | fields


def original(folder: Path, name: str, content: bytes, mime: str = "text/plain") -> OriginalFile:
    """A file in the staging folder, as intake hands it over."""
    folder.mkdir(parents=True, exist_ok=True)
    source = folder / f"{uuid4().hex}-{name}"
    source.write_bytes(content)
    found = digest_file(source)
    return OriginalFile(
        name=name,
        source=source,
        original_name=f"移交/{name}",
        size_bytes=found.size,
        sha512=found.sha512,
        sha256=found.sha256,
        sm3=found.sm3,
        puid="x-fmt/111",
        mime=mime,
        format_name="Plain Text File",
        modified_at=NOW,
    )


def jpeg(width: int = 200, height: int = 280) -> bytes:
    """A small grey page image."""
    out = BytesIO()
    Image.new("RGB", (width, height), (240, 238, 230)).save(out, "JPEG", dpi=(200, 200))
    return out.getvalue()


def text_page(number: int, *texts: str) -> Page:
    """A page of a file that carries text."""
    lines = tuple(Line(text, Box(0, 0, 0, 0), 1.0) for text in texts)
    return Page(number, 0, 0, lines, Method.MARKUP)


def scanned_page(number: int, *texts: str, confidence: float = 0.9) -> Page:
    """A recognised page of 200 × 280 pixels."""
    lines = tuple(
        Line(text, Box(10, 20 + 30 * at, 190, 44 + 30 * at), confidence)
        for at, text in enumerate(texts)
    )
    return Page(number, 200, 280, lines, Method.OCR, dpi=200)


def admission(
    staging: Path,
    number: int = 1,
    *,
    object_id: UUID | None = None,
    originals: Sequence[OriginalFile] | None = None,
    pages: Sequence[ReadPage] | None = None,
    described: dict[str, str] | None = None,
    **facts: Any,
) -> Admission:
    """Everything of one record: a text file with one page, unless told otherwise."""
    if originals is None:
        content = f"第{number}号通知\n防汛工作从速办理".encode()
        originals = [original(staging, "通知.txt", content)]
    if pages is None:
        page = text_page(1, f"第{number}号通知", "防汛工作从速办理")
        pages = [ReadPage(originals[0].name, page)]
    known: dict[str, Any] = {
        "level": 1,
        "open_from": 99991231,
        "unit": "BGS",
        "looked_at": True,
        "by": "li",
        "at": NOW,
    }
    return Admission(
        object_id=object_id or uuid4(),
        description=described or description(number),
        originals=originals,
        pages=pages,
        events=[Event("validation", NOW, "system", "liandong", "success", {"verdicts": 3})],
        checks={"verdicts": {"YJ-1-1": "pass"}, "findings": []},
        fields=[{"field": "title", "value": "通知", "state": "accepted"}],
        **(known | facts),
    )


def scanned_admission(staging: Path, number: int = 1, pages: int = 2) -> Admission:
    """A record of one scan per page, recognised."""
    originals = [
        original(staging, f"{at:03d}.jpg", jpeg(200 + at), "image/jpeg")
        for at in range(1, pages + 1)
    ]
    read = [
        ReadPage(file.name, scanned_page(1, f"第{at}页", "防讯工作从速办理"))
        for at, file in enumerate(originals, start=1)
    ]
    return admission(staging, number, originals=originals, pages=read)


SECRETS = ("王建国", "110101199003070054", "13812345678", "18号3单元502室")
"""Personal information of nobody, as `secret_admission` has it in title, author and page."""
SECRET_LINES = (
    "关于防汛值班人员的情况说明",
    f"姓名：{SECRETS[0]}，性别：男",
    f"公民身份号码：{SECRETS[1]}",
    f"联系电话：{SECRETS[2]}",
    f"家庭住址：临江市东城区幸福路{SECRETS[3]}",
)


def secret_admission(staging: Path, number: int = 1, **facts: Any) -> Admission:
    """A record with personal information in title, author and on its one scanned page.

    The lines of the page are white on its image; every masked one must come out black.
    """
    file = original(staging, f"{SECRETS[0]}.jpg", jpeg(200, 280), "image/jpeg")
    described = description(
        number, title=f"关于{SECRETS[0]}同志防汛值班的情况说明", author=SECRETS[0],
        personal_names=SECRETS[0],
    )  # fmt: skip
    read = ReadPage(file.name, scanned_page(1, *SECRET_LINES))
    return admission(staging, number, originals=[file], pages=[read], described=described, **facts)


def admit_numbers(staging: Path, *numbers: int, **facts: Any) -> list[Record]:
    """Records with these numbers in one class, packed and admitted."""
    admissions = [admission(staging, number, **facts) for number in numbers]
    packed = pack_many(admissions)
    return admit_many(list(zip(packed, admissions, strict=True)), by="li", now=NOW)


def validate_store(store: Path) -> int:
    """How many objects ocfl-py finds in the storage root; raises unless all are valid.

    It does not know the layout 0004, so the objects are validated one by one.
    """
    declarations = sorted(store.rglob("0=ocfl_object_1.1"))
    for declaration in declarations:
        good, validator = ocfl.Object().validate(str(declaration.parent))
        assert good, str(validator)
    return len(declarations)
