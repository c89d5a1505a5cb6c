"""What a case becomes: the files of its record, its description, and the acts that made it.

A redacted view that may be read, and, where the kind keeps one, a sealed annex: the contact data
as it is kept, the words without masks, the materials, each under a key of its own.  Throw the keys
away and the annex is dead while the record stands.

Source: casework design §12, rule 4; DA/T 46-2009.
"""

import base64
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.utils import timezone
from django.utils.translation import override

from liandong.archive.services.keyring import ensure_keys
from liandong.archive.services.objects import to_json
from liandong.base.engines import engine
from liandong.base.models import Unit
from liandong.cases.models import Case, CaseWords, Evidence
from liandong.intake.services.bagging import Act
from liandong.kernel.casework import EXITS
from liandong.kernel.packages.packet import PackedFile
from liandong.kernel.sealed import AES, Place, seal_bytes

from . import closing_sheet
from .photos import ORIGINAL, clean_path, evidence_urn, original_path
from .redacting import redacted
from .sealing import PATH, contact_urn

VIEW, ANNEX = "事项.json", "密封附件.json"
ANNEX_FORMAT: Final = "liandong-case-annex/1"
CATEGORY: Final = "ZY"  # 专业档案: catalog/category_codes.csv
_SECURITY: Final = {0: "公开", 1: "内部", 2: "限制"}
_LANGUAGE: Final = "zh-hans"  # records are in Chinese, whoever looks on


@dataclass(frozen=True, slots=True)
class Package:
    """Everything that is handed over of one case."""

    view: Mapping[str, Any]
    description: Mapping[str, str]
    files: tuple[PackedFile, ...]
    acts: tuple[Act, ...]
    unit: Unit | None  # that is responsible


def pack_case(case: Case, folder: Path, *, now: datetime) -> Package:
    """Write the files of a case below `folder`.  Raises CannotOpen and OSError."""
    with override(_LANGUAGE):
        view = redacted(case, now=now)
        photos = list(_photos(case))
        annex = _annex(case, now=now)
        view["files"] = [
            {"path": file.path, "part": one.part, "sha256_as_sent": one.sha256}
            for one, file in photos
        ]
        view["annex"] = annex is not None
        files = [
            _write(folder, closing_sheet.NAME, closing_sheet.closing_sheet(view)),
            _write(folder, VIEW, to_json(view)),
            *(file for _one, file in photos),
        ]
        if annex is not None:
            files.append(_write(folder, ANNEX, to_json(annex)))
        unit = responsible_unit(case)
        description = describe_case(case, view, unit)
        return Package(view, description, tuple(files), tuple(_acts(view)), unit)


def _write(folder: Path, name: str, content: bytes) -> PackedFile:
    path = folder / name
    path.write_bytes(content)
    return PackedFile(name, path)


def _photos(case: Case) -> Iterator[tuple[Evidence, PackedFile]]:
    """The pictures without metadata, in order, named by when they were taken."""
    counts: Counter[str] = Counter()
    rows = case.evidence.filter(event__isnull=False).exclude(part=Evidence.Part.PAPER)
    for one in rows.order_by("pk"):
        if clean_path(one).is_file():
            part = str(one.get_part_display())
            counts[part] += 1
            yield one, PackedFile(f"{part}/{part}-{counts[part]:02d}.jpg", clean_path(one).local())


# Description --------------------------------------------------------------------------------------


def responsible_unit(case: Case) -> Unit | None:
    """The unit that answers for the case: the lead unit, else who decided on it."""
    if case.lead_unit or case.desk_unit:
        return case.lead_unit or case.desk_unit
    acted = case.events.exclude(unit="").order_by("-number")
    code = acted.values_list("unit", flat=True).first()
    return Unit.objects.filter(code=code).first() if code else None


def describe_case(case: Case, view: Mapping[str, Any], unit: Unit | None) -> dict[str, str]:
    """The description (著录) by identifiers of `kernel.metadata`; exits are kept shorter."""
    kind, over = case.kind_of, timezone.localdate(case.over_at or case.changed_at)
    is_exit = case.state in EXITS
    notes = [
        f"并入 {view['parent']}" if view["parent"] else "",
        "含个人信息，另有密封附件" if view["annex"] else "文字中的个人信息已遮盖",
    ]
    described = {
        "title": f"{kind.name_zh}：{view['title']}"[:400],
        "document_number": case.number,
        "author": unit.name if unit else settings.ARCHIVE_NAME,
        "document_date": over.strftime("%Y%m%d"),
        "document_type": kind.name_zh[:20],
        "fonds_number": settings.CASE_FONDS,
        "archival_category": CATEGORY,
        "class_code": f"{CATEGORY}·{kind.archive_class}",
        "org_or_subject": kind.archive_class,
        "filing_year": str(over.year),
        "retention_period": kind.exit_retention if is_exit else kind.retention,
        "security_class": _SECURITY[kind.level],
        "generation_mode": "原生",
        "opening_status": "未审核",
        "annotation": "；".join(filter(None, notes)),
    }
    return {name: text for name, text in described.items() if text}


def _acts(view: Mapping[str, Any]) -> Iterator[Act]:
    for one in view["events"]:
        said = "；".join(str(text) for text in one["said"].values())
        at = datetime.fromisoformat(one["at"])
        yield Act(one["name"], one["by"], at, one["unit"], said[:500])


# The sealed annex ---------------------------------------------------------------------------------


def annex_urn(case: Case) -> str:
    """Under which name the key of the unmasked words is kept."""
    return f"urn:liandong:case:{case.uuid}:annex"


def _annex(case: Case, *, now: datetime) -> dict[str, Any] | None:
    """Contact data as kept, the words unmasked (while the contact is kept) and materials, sealed.

    None when there is nothing of it.
    """
    if not case.kind_of.keeps_annex:
        return None
    sealed = [*_contact(case, now=now), *_papers(case)]
    if not sealed:
        return None
    return {
        "format": ANNEX_FORMAT, "number": case.number, "uuid": str(case.uuid), "sealed": sealed,
    }  # fmt: skip


def _contact(case: Case, *, now: datetime) -> Iterator[dict[str, str]]:
    if case.contact is None:
        return
    urn = annex_urn(case)
    key = ensure_keys([urn], AES, now=now)[urn]
    plain = json.dumps(_words(case), ensure_ascii=False).encode()
    words = seal_bytes(plain, key, Place(urn, VIEW), engine("cipher").aead)
    yield _sealed(contact_urn(case), PATH, bytes(case.contact))
    yield _sealed(urn, VIEW, words)


def _papers(case: Case) -> Iterator[dict[str, str]]:
    """Materials as they lie: they may name anybody, so none is a file of the record."""
    for one in case.evidence.filter(event__isnull=False, part=Evidence.Part.PAPER):
        if original_path(one).is_file():
            content = original_path(one).read_bytes()
            yield _sealed(evidence_urn(case.uuid), f"{one.uuid}/{ORIGINAL}", content)


def _sealed(key: str, path: str, content: bytes) -> dict[str, str]:
    return {"key": key, "path": path, "bytes": base64.b64encode(content).decode()}


def _words(case: Case) -> dict[str, Any]:
    rows = CaseWords.objects.filter(event__case=case, erased_at__isnull=True)
    return {
        "title": case.title, "text": case.text, "form": case.form, "address": case.address,
        "said": {str(one.event.number): one.said for one in rows.select_related("event")},
    }  # fmt: skip
