"""Requests of use: lists, one request, what waits for whom, who used a grant."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Count, F, Q, QuerySet
from django.db.models.functions import ExtractYear
from django.utils import timezone

from liandong.archive.models import Record, ShareGrant
from liandong.archive.queries import page_of_record, pages_of, readable
from liandong.archive.queries.sight import Sight, as_seen, is_withheld
from liandong.base.access import Lookup, to_q
from liandong.base.models import Account, AuditRow, Notice
from liandong.exchange.models import (
    Attachment,
    BasketEntry,
    Opinion,
    RequestedRecord,
    RequestState,
    UseRequest,
)
from liandong.exchange.policies import AUDITOR, holds, may_see
from liandong.kernel.viewer import Viewer

PAGE = 50


def _asked(codes: Sequence[str | int]) -> Q:
    return Q(pk__in=Opinion.objects.filter(unit__code__in=codes).values("request"))


_LOOKUPS: Mapping[str, Lookup] = {"asked_units": _asked}


def visible(viewer: Viewer) -> QuerySet[UseRequest]:
    """Requests that `viewer` may see."""
    rows = UseRequest.objects.filter(to_q(may_see(viewer), _LOOKUPS))
    return rows.select_related("asker", "grant")


def request_by_number(number: str, *, viewer: Viewer) -> UseRequest | None:
    """The request, or None when there is none or the viewer may not see it."""
    return visible(viewer).filter(number=number).exclude(number="").first()


def draft_by_id(draft_id: int, *, viewer: Viewer) -> UseRequest | None:
    """A draft of the viewer, or None."""
    rows = UseRequest.objects.filter(state=RequestState.DRAFT, asked_by=viewer.name)
    return rows.filter(pk=draft_id).first()


def my_requests(viewer: Viewer, *, limit: int = 20) -> list[UseRequest]:
    """What the viewer asked for, newest first, drafts among them."""
    rows = UseRequest.objects.filter(asked_by=viewer.name).select_related("grant")
    return list(rows.annotate(count=Count("records")).order_by("-pk")[:limit])


def waiting(viewer: Viewer, *, limit: int = 50) -> list[UseRequest]:
    """What waits for the viewer to decide, to confirm or to give an opinion; earliest due first."""
    where = Q(pk__in=[])
    if viewer.is_archivist:
        where |= Q(state__in=[RequestState.SUBMITTED, RequestState.EXTENDING])
    if viewer.is_director:
        where |= Q(state__in=[RequestState.PROPOSED, RequestState.EXTENSION_PROPOSED])
    if viewer.is_clerk and viewer.unit:
        open_ = Opinion.objects.filter(unit__code=viewer.unit, answered_at__isnull=True)
        where |= Q(state=RequestState.SUBMITTED, pk__in=open_.values("request"))
    rows = visible(viewer).filter(where).exclude(asked_by=viewer.name)
    return list(rows.annotate(count=Count("records")).order_by("due_on", "pk")[:limit])


def live(viewer: Viewer, *, now: datetime, limit: int = 50) -> list[UseRequest]:
    """Requests with a grant that is live at this moment, the one that ends first on top."""
    rows = visible(viewer).filter(
        grant__begins_at__lte=now, grant__ends_at__gt=now, grant__withdrawn_at__isnull=True
    )
    if holds(viewer) or viewer.officer == AUDITOR:
        return list(rows.order_by("grant__ends_at")[:limit])
    own = Q(grant__account__username=viewer.name)
    if viewer.unit:
        own |= Q(grant__unit__code=viewer.unit)
    return list(rows.filter(own).order_by("grant__ends_at")[:limit])


# The list behind every number -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Filters:
    """Conditions of the list, as they stand in its address; blank ones do not count."""

    state: str = ""
    unit: str = ""
    purpose: str = ""
    use: str = ""
    year: int = 0
    timely: str = ""  # yes, no, late: answered in time, answered late, still open and late

    def apply(self, rows: QuerySet[UseRequest], *, today: date) -> QuerySet[UseRequest]:
        """The rows that meet all of them."""
        where = Q()
        where &= Q(state=self.state) if self.state else Q()
        where &= Q(asker_unit="" if self.unit == "-" else self.unit) if self.unit else Q()
        where &= Q(purpose_kind=self.purpose) if self.purpose else Q()
        where &= Q(uses__contains=self.use) if self.use else Q()
        where &= Q(submitted_at__gte=_start(self.year), submitted_at__lt=_start(self.year + 1)) \
            if self.year else Q()  # fmt: skip
        return rows.filter(where, _timely(self.timely, today))


def _start(year: int) -> datetime:
    return timezone.make_aware(datetime(year, 1, 1))  # noqa: DTZ001 - made aware at once


def _timely(word: str, today: date) -> Q:
    if word == "yes":
        return Q(decided_at__isnull=False, decided_at__date__lte=F("due_on"))
    if word == "no":
        return Q(decided_at__isnull=False, decided_at__date__gt=F("due_on"))
    if word == "late":
        return Q(state__in=["submitted", "proposed"], due_on__lt=today)
    return Q()


def listed(
    filters: Filters, *, viewer: Viewer, today: date, before: int = 0, limit: int = PAGE + 1
) -> list[UseRequest]:
    """Handed-in requests that meet the filters, newest first; `before` is the key to go on from."""
    rows = filters.apply(visible(viewer).exclude(number=""), today=today)
    if before:
        rows = rows.filter(pk__lt=before)
    return list(rows.annotate(count=Count("records")).order_by("-pk")[:limit])


def years(viewer: Viewer) -> list[int]:
    """Years in which requests were handed in, newest first."""
    rows = visible(viewer).exclude(number="").annotate(year=ExtractYear("submitted_at"))
    return sorted(set(rows.values_list("year", flat=True)), reverse=True)


# One request ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Line:
    """A record of a request as the viewer may know it."""

    row: RequestedRecord
    record: Record | None  # as it is seen; None: the viewer may not read it

    @property
    def title(self) -> str:
        """The title where the viewer may read the record, else ""."""
        return self.record.title if self.record else ""


def lines_of(request: UseRequest, *, viewer: Viewer, today: int) -> list[Line]:
    """Records of a request.

    Those who keep the holdings and the audit officer see every line.  The asker and the asker's
    department see what they named and what was granted: what the archivist found and refused would
    tell of hidden records.  A unit that was asked sees its own.
    """
    rows = list(request.records.select_related("record").order_by("code"))
    if not (holds(viewer) and viewer.name != request.asked_by) and viewer.officer != AUDITOR:
        rows = [row for row in rows if _is_known(row, request, viewer)]
    seen = seen_records([row.record_id for row in rows], viewer=viewer, today=today)
    return [Line(row, seen.get(row.record_id)) for row in rows]


def _is_known(row: RequestedRecord, request: UseRequest, viewer: Viewer) -> bool:
    if viewer.name == request.asked_by or (viewer.unit and viewer.unit == request.asker_unit):
        decided = request.decided_by != "" and row.verdict == "granted"
        return row.named or decided
    return bool(viewer.unit) and row.record.unit == viewer.unit


def seen_records(ids: Iterable[int], *, viewer: Viewer, today: int) -> dict[int, Record]:
    """These records as the viewer sees them; hidden ones are left out."""
    rows = readable(viewer, today).filter(pk__in=list(ids))
    return {row.pk: row for row in as_seen(rows, viewer=viewer, today=today)}


def data_of(records: Iterable[Record], *, viewer: Viewer, today: int) -> Iterator[dict[str, Any]]:
    """Description and page texts of records as the viewer sees them, one record at a time.

    What is withheld until it is examined has no text.
    """
    for record in records:
        seen = seen_records([record.pk], viewer=viewer, today=today).get(record.pk)
        if seen is None:
            continue
        numbers = [page.number for page in pages_of(seen, viewer=viewer, today=today, limit=5000)]
        pages = (
            page_of_record(record.pk, number, viewer=viewer, today=today) for number in numbers
        )
        yield {
            "code": seen.code,
            "title": seen.title,
            "description": seen.description,
            "masked": seen.sight != Sight.WHOLE,
            "pages": []
            if is_withheld(seen)
            else [{"number": page.number, "text": page.text} for page in pages if page],
        }


def papers_of(request: UseRequest) -> QuerySet[Attachment]:
    """Papers of a request without their bytes."""
    return request.attachments.defer("content")


def may_open_papers(request: UseRequest, viewer: Viewer) -> bool:
    """Whether the viewer may fetch the papers: the asker and those who decide.

    A letter of introduction names a person; units that are asked and auditors do without.
    """
    return viewer.name == request.asked_by or holds(viewer)


def uses_of(request: UseRequest, *, limit: int = 200) -> list[AuditRow]:
    """Who used the grant, newest first."""
    rows = AuditRow.objects.filter(object=f"share:{request.number}", act="use_share")
    return list(rows.order_by("-number")[:limit])


def use_counts(numbers: Sequence[str]) -> dict[str, int]:
    """How often each grant was used."""
    objects = [f"share:{number}" for number in numbers]
    rows = AuditRow.objects.filter(object__in=objects, act="use_share").order_by()
    counted: Iterable[tuple[str, int]] = rows.values_list("object").annotate(n=Count("pk"))
    return {name.removeprefix("share:"): count for name, count in counted}


# Basket and notices ---------------------------------------------------------------------------


def basket_of(viewer: Viewer, *, today: int) -> list[Record]:
    """What the viewer set aside and may still read, as it is seen; newest first."""
    rows = BasketEntry.objects.filter(account__username=viewer.name).order_by("-pk")
    ids = list(rows.values_list("record_id", flat=True))
    seen = seen_records(ids, viewer=viewer, today=today)
    return [seen[pk] for pk in ids if pk in seen]


def notices_of(viewer: Viewer, *, limit: int = 20) -> list[Notice]:
    """What the viewer was told and has not seen yet, newest first."""
    rows = Notice.objects.filter(
        account__username=viewer.name, room="exchange", seen_at__isnull=True
    )
    return list(rows.order_by("-pk")[:limit])


def ending(*, after: datetime, before: datetime) -> QuerySet[ShareGrant]:
    """Grants of requests that end in this span and were not withdrawn."""
    return ShareGrant.objects.filter(
        request__isnull=False, withdrawn_at__isnull=True, ends_at__gt=after, ends_at__lte=before
    )


def account_names(rows: Iterable[Any]) -> dict[str, str]:
    """Full names of the accounts that rows name in `by`."""
    names = {row.by for row in rows}
    known = Account.objects.filter(username__in=names)
    return {account.username: str(account) for account in known}
