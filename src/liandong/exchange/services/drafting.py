"""A request before it is decided: kept as a draft, with papers, and handed in."""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import transaction

from liandong.archive.models import Record
from liandong.archive.queries import readable
from liandong.base.audit import record_act
from liandong.base.models import Account
from liandong.base.viruses import has_virus
from liandong.exchange.models import Attachment, RequestedRecord, RequestState, UseRequest
from liandong.kernel import catalog
from liandong.kernel.calendars import catalogue_calendar
from liandong.kernel.flows import StepRefused
from liandong.kernel.names import safe_name
from liandong.kernel.viewer import USES

from .notices import holders, tell
from .numbering import take_number
from .people import day_of, today_number, viewer_by
from .steps import object_of, taking

MOST_RECORDS = 500  # of one request
MOST_PAPERS = 5
PAPER_BYTES = 5 * 1024 * 1024
_PAPER_MARKS = (b"%PDF-", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person asks for; a draft may leave anything blank."""

    purpose_kind: str = ""
    purpose: str = ""
    legal_basis: str = ""
    wanted: str = ""
    query: str = ""
    uses: tuple[str, ...] = ()
    whole: bool = False
    until: date | None = None
    for_unit: bool = False
    record_ids: tuple[int, ...] = ()


class PaperRefused(Exception):
    """A paper is not taken: `reason` is too-many, too-large, empty, kind or virus."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@transaction.atomic
def save_draft(asked: Asked, *, by: str, now: datetime, draft_id: int | None = None) -> UseRequest:
    """Keep what was written so far; the new or changed draft.

    Records that the person may not read are left out.  Raises UseRequest.DoesNotExist for a draft
    of somebody else or one that was handed in.
    """
    viewer = viewer_by(by, now=now)
    if draft_id is None:
        asker = Account.objects.get(username=by)
        request = UseRequest(asker=asker, asked_by=by, asker_unit=viewer.unit, created_at=now)
    else:
        drafts = UseRequest.objects.select_for_update().filter(state=RequestState.DRAFT)
        request = drafts.get(pk=draft_id, asked_by=by)
    _write(request, asked, may_ask_for_unit=viewer.is_clerk and bool(viewer.unit))
    request.save()
    rows = readable(viewer, today_number(now)).filter(pk__in=asked.record_ids[:MOST_RECORDS])
    request.records.all().delete()
    _name_records(request, list(rows))
    return request


def _write(request: UseRequest, asked: Asked, *, may_ask_for_unit: bool) -> None:
    known = catalog.by_key("use_purposes", "code")
    request.purpose_kind = asked.purpose_kind if asked.purpose_kind in known else ""
    request.purpose, request.legal_basis = asked.purpose.strip(), asked.legal_basis.strip()
    request.wanted, request.query = asked.wanted.strip(), asked.query.strip()
    request.uses = ",".join(use for use in USES if use in asked.uses)
    request.whole, request.until = asked.whole, asked.until
    request.for_unit = asked.for_unit and may_ask_for_unit


def _name_records(request: UseRequest, records: Sequence[Record]) -> None:
    RequestedRecord.objects.bulk_create(
        [
            RequestedRecord(request=request, record=record, code=record.code, named=True)
            for record in records
        ]
    )


def submit(draft_id: int, *, by: str, now: datetime) -> UseRequest:
    """Hand a draft in: it gets its number and the day by which it is to be answered.

    Raises StepRefused: missing-evidence names what is blank (purpose, basis, subject, uses, until);
    past or too-long for the day until which the use is wanted.
    """
    draft = UseRequest.objects.get(pk=draft_id)
    today = day_of(now)
    with taking("submit", draft_id, by=by, now=now, given=_given(draft)) as taken:
        request = taken.request
        _check_until(request.until, today)
        request.number = take_number("LY", today.year)
        request.submitted_at = now
        request.due_on = catalogue_calendar().add_workdays(today, settings.SHARE_DAYS)
        taken.why = request.purpose
        taken.facts = {
            "number": request.number, "records": request.records.count(), "uses": request.uses,
            "whole": int(request.whole), "until": str(request.until),
        }  # fmt: skip
        tell(
            holders(), "request_submitted", number=request.number,
            path=f"/exchange/{request.number}/", now=now, facts={"due": str(request.due_on)},
        )  # fmt: skip
    return request


def _given(draft: UseRequest) -> Collection[str]:
    """Which parts of a draft are there."""
    parts = {
        "purpose": draft.purpose and draft.purpose_kind,
        "basis": draft.legal_basis,
        "subject": draft.wanted or draft.query or draft.records.exists(),
        "uses": draft.uses,
        "until": draft.until,
    }
    return {name for name, value in parts.items() if value}


def _check_until(until: date | None, today: date) -> None:
    if until is None or until < today:
        raise StepRefused("submit", "past", str(until))
    if until > today + timedelta(days=settings.SHARE_MAX_DAYS):
        raise StepRefused("submit", "too-long", str(settings.SHARE_MAX_DAYS))


def cancel(request_id: int, *, by: str, now: datetime) -> UseRequest:
    """Take a request back before it is decided.  Raises StepRefused."""
    with taking("cancel", request_id, by=by, now=now) as taken:
        pass
    return taken.request


@transaction.atomic
def attach(request_id: int, name: str, content: bytes, *, by: str, now: datetime) -> Attachment:
    """Keep a paper with a draft.  It is never opened here: only its first bytes are looked at.

    Raises PaperRefused, and UseRequest.DoesNotExist unless it is the person's own draft.
    """
    drafts = UseRequest.objects.select_for_update().filter(state=RequestState.DRAFT)
    request = drafts.get(pk=request_id, asked_by=by)
    if request.attachments.count() >= MOST_PAPERS:
        raise PaperRefused("too-many")
    if len(content) > PAPER_BYTES:
        raise PaperRefused("too-large")
    if not content:
        raise PaperRefused("empty")
    if not content.startswith(_PAPER_MARKS):
        raise PaperRefused("kind")
    if has_virus(content):
        raise PaperRefused("virus")
    digest = hashlib.sha256(content).hexdigest()
    paper = Attachment.objects.create(
        request=request, name=_plain_name(name), size_bytes=len(content), sha256=digest,
        content=content, added_at=now, added_by=by,
    )  # fmt: skip
    facts: dict[str, str | int] = {"sha256": digest, "bytes": len(content)}
    record_act("attach_paper", by=by, now=now, object=object_of(request), facts=facts)
    return paper


def _plain_name(name: str) -> str:
    last = name.replace("\\", "/").rsplit("/", 1)[-1].replace("\0", "")
    return safe_name(last[:200]) or "paper"


@transaction.atomic
def detach(request_id: int, paper_id: int, *, by: str, now: datetime) -> None:
    """Take a paper out of a draft.  Raises UseRequest.DoesNotExist, Attachment.DoesNotExist."""
    drafts = UseRequest.objects.filter(state=RequestState.DRAFT, asked_by=by)
    request = drafts.get(pk=request_id)
    paper = request.attachments.get(pk=paper_id)
    record_act(
        "detach_paper", by=by, now=now, object=object_of(request), facts={"sha256": paper.sha256}
    )
    paper.delete()
