"""What happened to the things of departments that subscribers were not told yet.

The rooms below know nothing of subscribers: the portal compares the state of every thing with the
state that was told last.  What is told are ids and states, never a title, a name or a text.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery
from django.utils.translation import gettext_lazy as _

from liandong.archive.models import ShareGrant
from liandong.base.models import Unit
from liandong.cases.models import Case
from liandong.exchange.models import RequestState, UseRequest
from liandong.intake.models import Batch, BatchState, Item, ItemState
from liandong.portal.models import Filing, Subscription, Told

EVENTS: Final[Mapping[str, Any]] = {
    "transfer.received": _("一批已接收"),
    "transfer.ended": _("一批已全部入库或退回"),
    "transfer.failed": _("一批无法打开"),
    "item.held": _("一件有问题，或已隔离"),
    "item.admitted": _("一件已入库"),
    "item.returned": _("一件已退回，或与在馆档案重复"),
    "filing.held": _("归档文件有问题，或已隔离"),
    "filing.accepted": _("归档文件已入库"),
    "filing.returned": _("归档文件已退回，或与在馆档案重复"),
    "share.granted": _("得到共享授权"),
    "share.refused": _("共享申请不予提供"),
    "share.ended": _("共享授权到期"),
    "share.withdrawn": _("共享授权被撤回"),
    "case.dispatched": _("一件事项派给本单位"),
    "case.changed": _("本单位主办的事项有变化"),
    "ping": _("试发"),
}
LOOKED_BACK: Final = timedelta(days=2)  # after its end nothing of a batch changes any more
_BATCH: Final[Mapping[str, str]] = {
    BatchState.ACCEPTED: "transfer.ended",
    BatchState.FAILED: "transfer.failed",
}
_ITEM: Final[Mapping[str, str]] = {
    ItemState.HELD: "held",
    ItemState.QUARANTINED: "held",
    ItemState.ADMITTED: "admitted",
    ItemState.RETURNED: "returned",
    ItemState.DUPLICATE: "returned",
}


@dataclass(frozen=True, slots=True)
class Change:
    """A thing in another state than the one that was told last."""

    kind: str
    thing: int
    unit_id: int
    before: str | None  # state told last, None: nothing was told
    state: str
    since: datetime  # when the thing came to be: older subscriptions are told
    events: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # event → ids and states


def changes(*, now: datetime, limit: int = 500) -> list[Change]:
    """Changes that are not told yet, oldest things first, of departments with a subscriber."""
    units = list(
        Subscription.objects.filter(stopped_at__isnull=True).values_list("unit_id", flat=True)
    )
    if not units:
        return []
    found: list[Change] = []
    for part in (_batches, _items, _shares, _refusals, _cases):
        for change in part(units, now):
            found.append(change)
            if len(found) >= limit:
                return found
    return found


def _watched(units: list[int], now: datetime) -> QuerySet[Batch]:
    """Batches that came after a subscription of their department was made, and may still change."""
    older = Subscription.objects.filter(
        unit=OuterRef("unit"), stopped_at__isnull=True, made_at__lte=OuterRef("received_at")
    )
    open_or_fresh = Q(ended_at__isnull=True) | Q(ended_at__gte=now - LOOKED_BACK)
    return Batch.objects.filter(Exists(older), open_or_fresh, unit__in=units)


def _told(kind: str) -> Subquery:
    return Subquery(Told.objects.filter(kind=kind, thing=OuterRef("pk")).values("state")[:1])


_IS_NEWS: Final = Q(told__isnull=True) | ~Q(told=F("state"))


def _batches(units: list[int], now: datetime) -> Iterator[Change]:
    rows = _watched(units, now).annotate(told=_told("batch")).filter(_IS_NEWS)
    for batch in rows.order_by("pk"):
        facts = {"batch": str(batch.uuid), "state": batch.state}
        events = {"transfer.received": facts} if batch.told is None else {}
        if batch.state in _BATCH:
            events[_BATCH[batch.state]] = facts
        yield Change(
            "batch", batch.pk, batch.unit_id or 0, batch.told, batch.state, batch.received_at,
            events,
        )  # fmt: skip


def _items(units: list[int], now: datetime) -> Iterator[Change]:
    filed = Filing.objects.filter(batch=OuterRef("batch")).values("pk")[:1]
    rows = (
        Item.objects.filter(batch__in=_watched(units, now))
        .annotate(told=_told("item"), filing_id=Subquery(filed))
        .filter(_IS_NEWS)
        .select_related("batch", "record")
    )
    filings = {
        row.pk: row for row in Filing.objects.filter(batch__in=_watched(units, now)).only(
            "uuid", "system", "document"
        )
    }  # fmt: skip
    for item in rows.order_by("pk").iterator(chunk_size=500):
        yield Change(
            "item", item.pk, item.batch.unit_id or 0, item.told, item.state,
            item.batch.received_at, _events_of(item, filings.get(item.filing_id)),
        )  # fmt: skip


def _events_of(item: Item, filing: Filing | None) -> dict[str, Mapping[str, str]]:
    word = _ITEM.get(item.state, "")
    if not word:
        return {}
    facts = {"batch": str(item.batch.uuid), "item": str(item.uuid), "state": item.state}
    if item.record is not None:
        facts["code"] = item.record.code
    events: dict[str, Mapping[str, str]] = {f"item.{word}": facts}
    if filing is not None:
        more = {
            "filing": str(filing.uuid), "system": filing.system, "document_id": filing.document,
        }  # fmt: skip
        events[f"filing.{'accepted' if word == 'admitted' else word}"] = facts | more
    return events


def _shares(units: list[int], now: datetime) -> Iterator[Change]:
    older = Subscription.objects.filter(
        unit=OuterRef("unit"), stopped_at__isnull=True, made_at__lte=OuterRef("granted_at")
    )
    fresh = Q(ends_at__gte=now - LOOKED_BACK) | Q(withdrawn_at__gte=now - LOOKED_BACK)
    rows = ShareGrant.objects.filter(Exists(older), fresh, unit__in=units, begins_at__lte=now)
    for grant in rows.annotate(told=_told("share")).order_by("pk"):
        state = (
            "withdrawn" if grant.withdrawn_at else "ended" if grant.ends_at <= now else "granted"
        )
        if state == grant.told:
            continue
        facts = {"share": grant.code, "state": state}
        events = {f"share.{state}": facts}
        if grant.told is None and state != "granted":  # told late: both, in order
            events = {"share.granted": {**facts, "state": "granted"}, **events}
        yield Change(
            "share", grant.pk, grant.unit_id or 0, grant.told, state, grant.granted_at, events
        )


def _refusals(units: list[int], now: datetime) -> Iterator[Change]:
    """Requests of departments that were refused."""
    own = Subscription.objects.filter(
        unit__code=OuterRef("asker_unit"), stopped_at__isnull=True,
        made_at__lte=OuterRef("submitted_at"),
    )  # fmt: skip
    rows = UseRequest.objects.filter(
        Exists(own), state=RequestState.REFUSED, decided_at__gte=now - LOOKED_BACK
    )
    known = dict(Unit.objects.filter(pk__in=units).values_list("code", "pk"))
    for row in rows.annotate(told=_told("request")).filter(_IS_NEWS).order_by("pk"):
        facts = {"share": row.number, "state": row.state}
        yield Change(
            "request", row.pk, known.get(row.asker_unit, 0), row.told, row.state,
            row.submitted_at or now, {"share.refused": facts},
        )  # fmt: skip


def _cases(units: list[int], now: datetime) -> Iterator[Change]:
    """Cases that the department leads: number and state, nothing of the matter."""
    older = Subscription.objects.filter(
        unit=OuterRef("lead_unit"), stopped_at__isnull=True, made_at__lte=OuterRef("changed_at")
    )
    fresh = Q(changed_at__gte=now - LOOKED_BACK)
    rows = Case.objects.filter(Exists(older), fresh, lead_unit__in=units)
    rows = rows.annotate(announced=_told("case"))
    news = Q(announced__isnull=True) | ~Q(announced=F("state"))
    for case in rows.filter(news).order_by("pk"):
        event = "case.dispatched" if case.state == "dispatched" else "case.changed"
        facts = {"case": case.number, "state": case.state}
        yield Change(
            "case", case.pk, case.lead_unit_id or 0, case.announced, case.state, case.changed_at,
            {event: facts},
        )  # fmt: skip
