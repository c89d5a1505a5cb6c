"""Certified copies: issued for a granted request or an approved visit, registered, revoked.

Source: 档案法实施条例 (2024) art. 32.
"""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from liandong.archive.models import Record, RecordPage
from liandong.archive.policies import EXAMINED_CLEAN, UNEXAMINED
from liandong.archive.queries.sight import masked_page
from liandong.archive.services.pictures import page_picture
from liandong.base.audit import record_act
from liandong.base.engines import engine
from liandong.base.models import Account
from liandong.base.signing import notice
from liandong.exchange.models import (
    CertifiedCopy,
    CopyBytes,
    RequestState,
    UseRequest,
    Verdict,
    Visit,
    VisitState,
)
from liandong.kernel.certified import seal
from liandong.kernel.flows import StepRefused
from liandong.kernel.person_numbers import veiled_name

from .certificate import Certificate, make_pdf
from .numbering import take_number
from .people import day_of, viewer_by
from .weighing import within_duty

MOST_PAGES = 60
_SIGNS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"  # none that is read for another
_CODE = 16  # signs of a verification code: 78 bits


@dataclass(frozen=True, slots=True)
class Source:
    """What a copy is issued for."""

    number: str
    applicant: str  # veiled
    purpose: str
    whole: bool


def source_of(number: str, record: Record, *, now: datetime) -> Source:
    """The request or visit for which a copy of this record may be issued.

    A request: its grant is live, names the record and allows copies.  A visit: it is approved and
    names the record.  Raises StepRefused: no-source.
    """
    request = UseRequest.objects.filter(number=number).exclude(number="").first()
    if request is not None and request.state == RequestState.GRANTED:
        named = request.records.filter(record=record, verdict=Verdict.GRANTED).exists()
        if named and request.time_left(now) and "copy" in request.granted_uses.split(","):
            who = veiled_name(str(request.asker))
            return Source(number, who, request.purpose, request.granted_whole)
    visit = Visit.objects.filter(number=number, state=VisitState.APPROVED).first()
    if visit is not None and visit.records.filter(record=record, verdict=Verdict.GRANTED).exists():
        return Source(number, veiled_name(visit.name), visit.purpose, visit.whole)
    raise StepRefused("issue", "no-source", number)


def issue(
    record_id: int,
    numbers: Sequence[int],
    *,
    source: str,
    by: str,
    now: datetime,
    address: str = "",
) -> CertifiedCopy:
    """Make, sign and register a copy of these pages; masked unless the source may see the whole.

    `address` is that of the page where codes are checked.  Raises Record.DoesNotExist; StepRefused:
    wrong-role, not-cleared, no-source, not-examined, missing-evidence; NoImage; OSError (the key).
    """
    viewer = viewer_by(by, now=now)
    record = Record.objects.select_related("fonds").get(pk=record_id)
    if not viewer.is_archivist or viewer.officer:
        raise StepRefused("issue", "wrong-role")
    if not within_duty(viewer, [record], now=now):
        raise StepRefused("issue", "not-cleared")
    reason = source_of(source, record, now=now)
    masked = record.personal != EXAMINED_CLEAN and not reason.whole
    if masked and record.personal == UNEXAMINED:
        raise StepRefused("issue", "not-examined")
    pages = _pages(record, numbers)
    pictures = [(page.number, page_picture(page, masked=masked)) for page in pages]
    title = masked_page(pages[0]).record.title if masked else record.title
    with override("zh-hans"):  # a paper for Chinese offices, whatever the page is in
        return _register(
            record, pages, pictures, title, reason, masked=masked, by=by, now=now, address=address
        )


def _pages(record: Record, numbers: Sequence[int]) -> list[RecordPage]:
    wanted = sorted(set(numbers))[:MOST_PAGES]
    held = RecordPage.objects.select_related("record", "record__fonds").filter(record=record)
    pages = list(held.filter(number__in=wanted).order_by("number"))
    if not pages:
        raise StepRefused("issue", "missing-evidence", "records")
    return pages


@transaction.atomic
def _register(
    record: Record,
    pages: Sequence[RecordPage],
    pictures: Sequence[tuple[int, bytes]],
    title: str,
    source: Source,
    *,
    masked: bool,
    by: str,
    now: datetime,
    address: str,
) -> CertifiedCopy:
    number, code = take_number("CZ", day_of(now).year), _fresh_code()
    account = Account.objects.filter(username=by).first()
    facts: dict[str, Any] = {
        "number": number, "code": code, "archive": settings.ARCHIVE_NAME, "record": record.code,
        "title": title, "pages": [page.number for page in pages], "of_pages": record.page_count,
        "masked": masked, "applicant": source.applicant, "source": source.number,
        "purpose": source.purpose, "issued_at": timezone.localtime(now).isoformat("T", "seconds"),
        "issued_by": str(account or by), "module": engine("signer").module,
        "is_certified": engine("signer").is_certified, "notice": notice(),
    }  # fmt: skip
    link = f"{address}?code={code}" if address else ""
    content, said = seal(
        make_pdf(_certificate(facts, link), pictures), facts,
        stamp=lambda said: engine("time_stamper").stamp(said, now=now), sign=engine("signer").sign,
    )  # fmt: skip
    copy = CertifiedCopy.objects.create(
        number=number, code=code, record=record, pages=facts["pages"], masked=masked,
        source=source.number, facts=said, sha256=hashlib.sha256(content).hexdigest(),
        size_bytes=len(content), issued_at=now, issued_by=by,
    )  # fmt: skip
    keep_until = now + timedelta(days=settings.COPY_DAYS)
    CopyBytes.objects.create(copy=copy, content=content, keep_until=keep_until)
    record_act(
        "issue_copy", by=by, now=now, object=f"copy:{number}", why=source.purpose,
        facts={"record": record.code, "pages": len(pages), "source": source.number,
               "masked": int(masked), "sha256": copy.sha256},
    )  # fmt: skip
    return copy


def _fresh_code() -> str:
    signs = "".join(secrets.choice(_SIGNS) for _unused in range(_CODE))
    return "-".join(signs[at : at + 4] for at in range(0, _CODE, 4))


def _certificate(facts: dict[str, Any], link: str) -> Certificate:
    pages = "、".join(str(number) for number in facts["pages"])
    text = _(
        "兹证明：所附复制件共 {n} 页，与本馆所藏档案《{title}》相应页面一致。{masked}"
        "依据《中华人民共和国档案法实施条例》第三十二条出具。"
    ).format(
        n=len(facts["pages"]), title=facts["title"],
        masked=_("依法遮盖的个人信息以黑块显示。") if facts["masked"] else "",
    )  # fmt: skip
    rows = [
        (_("档号"), facts["record"]),
        (_("原件页码"), _("{pages}（原件共 {n} 页）").format(pages=pages, n=facts["of_pages"])),
        (_("申请人"), f"{facts['applicant']}（{facts['source']}）"),
        (_("用途"), facts["purpose"]),
        (_("出具单位"), facts["archive"]),
        (_("经办"), facts["issued_by"]),
        (_("出具时间"), facts["issued_at"][:16].replace("T", " ")),
    ]
    notices = [
        facts["notice"],
        _("印模只是图形标记；本证明的真伪以文件末尾的电子签名为准。打印件请凭核验码核对。"),
    ]
    return Certificate(
        facts["archive"], facts["number"], facts["code"], rows, text, link,
        [one for one in notices if one],
    )  # fmt: skip


@transaction.atomic
def collect(copy_id: int, *, by: str, now: datetime) -> bytes | None:
    """The file, while it is kept; None afterwards.  Each time leaves an audit row."""
    kept = CopyBytes.objects.filter(copy=copy_id, keep_until__gt=now).select_related("copy").first()
    if kept is None:
        return None
    record_act("collect_copy", by=by, now=now, object=f"copy:{kept.copy.number}")
    return bytes(kept.content)


@transaction.atomic
def revoke(copy_id: int, *, why: str, by: str, now: datetime) -> CertifiedCopy:
    """Say that a copy stands no more: pages that check it tell so from now on.

    Raises StepRefused: wrong-role, wrong-state, missing-evidence.
    """
    copy = CertifiedCopy.objects.select_for_update().get(pk=copy_id)
    viewer = viewer_by(by, now=now)
    if viewer.officer or not (viewer.is_archivist or viewer.is_director):
        raise StepRefused("revoke", "wrong-role")
    if copy.revoked_at is not None:
        raise StepRefused("revoke", "wrong-state")
    if not why.strip():
        raise StepRefused("revoke", "missing-evidence", "reason")
    copy.revoked_at, copy.revoked_by, copy.revoked_why = now, by, why.strip()[:300]
    copy.save(update_fields=["revoked_at", "revoked_by", "revoked_why"])
    CopyBytes.objects.filter(copy=copy).delete()
    record_act("revoke_copy", by=by, now=now, object=f"copy:{copy.number}", why=why)
    return copy


def drop_old_files(*, now: datetime) -> int:
    """Forget the files of copies whose time of keeping is over; the register stays.  How many."""
    return CopyBytes.objects.filter(keep_until__lte=now).delete()[0]
