"""What is due for appraisal, what is frozen, and destruction lists, as a viewer may see them.

A list is there for whoever may read every record on it, destroyed ones included.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery

from liandong.archive.models import (
    Appraisal,
    Decision,
    DestructionItem,
    DestructionList,
    HeldRecord,
    Hold,
    ListState,
    Record,
)
from liandong.archive.policies import may_read
from liandong.kernel.viewer import Viewer

from .granting import condition, readable

OPEN_STATES = (
    ListState.PROPOSED, ListState.APPROVED, ListState.HALF_SIGNED, ListState.SIGNED,
    ListState.EXECUTING,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Due:
    """A record whose period has ended, or is not known."""

    record: Record
    frozen: bool
    decision: str  # of the last appraisal, "" for none


def due_records(
    *, viewer: Viewer, today: int, fonds: str = "", after: str = "", limit: int = 50
) -> list[Due]:
    """Records to be appraised by code, after the code `after`; one more than `limit` when more."""
    rows = _due(viewer, today, fonds).filter(code__gt=after)
    rows = _with_state(rows, today).select_related("fonds").order_by("code")[: limit + 1]
    return [_row(one) for one in rows]


def due_count(*, viewer: Viewer, today: int, fonds: str = "") -> int:
    """How many of the records that the viewer may read are to be appraised."""
    return _due(viewer, today, fonds).count()


def to_be_listed(*, viewer: Viewer, today: int, fonds: str = "", limit: int = 2000) -> list[Due]:
    """Records that were appraised for destruction and are on no list."""
    rows: Any = _with_state(_unlisted(viewer, today, fonds), today)
    chosen = rows.filter(decided=Decision.DESTROY, retain_until__lt=today)
    return [_row(one) for one in chosen.select_related("fonds").order_by("code")[:limit]]


def _unlisted(viewer: Viewer, today: int, fonds: str) -> QuerySet[Record]:
    listed = DestructionItem.objects.filter(
        record=OuterRef("pk"), destruction__state__in=OPEN_STATES
    )
    rows = readable(viewer, today).exclude(Exists(listed))
    return rows.filter(fonds__number=fonds) if fonds else rows


def _due(viewer: Viewer, today: int, fonds: str) -> QuerySet[Record]:
    return _unlisted(viewer, today, fonds).filter(retain_until__lt=today)


def _with_state(rows: QuerySet[Record], today: int) -> QuerySet[Record]:
    held = HeldRecord.objects.filter(record=OuterRef("pk")).filter(_live(today))
    last = Appraisal.objects.filter(record=OuterRef("pk")).order_by("-pk").values("decision")[:1]
    return rows.annotate(frozen=Exists(held), decided=Subquery(last))


def _live(today: int) -> Q:
    return Q(hold__released_at__isnull=True, hold__begins__lte=today, hold__until__gte=today)


def _row(record: Record) -> Due:
    frozen, decided = getattr(record, "frozen"), getattr(record, "decided")  # noqa: B009 - annotated
    return Due(record, bool(frozen), decided or "")


def records_with_codes(
    codes: Sequence[str], *, viewer: Viewer, today: int
) -> tuple[list[Record], list[str]]:
    """The records with these archival codes, and the codes that are none the viewer may read."""
    found = {one.code: one for one in readable(viewer, today).filter(code__in=codes)}
    return [found[code] for code in codes if code in found], [
        code for code in codes if code not in found
    ]


# Holds --------------------------------------------------------------------------------------------


def holds(*, viewer: Viewer, today: int, limit: int = 200) -> list[Hold]:
    """Holds with a record that the viewer may read, newest first; `seen` counts those only."""
    own = Q(held_records__record__in=readable(viewer, today))
    rows = Hold.objects.annotate(seen=Count("held_records", filter=own, distinct=True))
    return list(rows.filter(seen__gt=0).order_by("-pk")[:limit])


def hold_by_id(hold_id: int, *, viewer: Viewer, today: int) -> Hold | None:
    """A hold of which the viewer may read every record that is here, or None."""
    hidden = HeldRecord.objects.filter(hold=OuterRef("pk"), record__destroyed_at__isnull=True)
    hidden = hidden.exclude(record__in=readable(viewer, today))
    return Hold.objects.exclude(Exists(hidden)).filter(pk=hold_id).first()


# Destruction lists --------------------------------------------------------------------------------


def destruction_lists(*, viewer: Viewer, today: int, limit: int = 200) -> list[DestructionList]:
    """Lists, newest first, with the number of their records as `size`."""
    rows = _visible(viewer, today).annotate(size=Count("items"))
    return list(rows.select_related("fonds").order_by("-pk")[:limit])


def destruction_list(list_id: int, *, viewer: Viewer, today: int) -> DestructionList | None:
    """One list, or None."""
    return _visible(viewer, today).select_related("fonds").filter(pk=list_id).first()


def items_of(one: DestructionList) -> list[DestructionItem]:
    """The records of a list that was read under a rule, destroyed ones included."""
    return list(one.items.select_related("record").order_by("record__code"))


def _visible(viewer: Viewer, today: int) -> QuerySet[DestructionList]:
    seen = Record.every.filter(condition(may_read(viewer, today)))
    hidden = DestructionItem.objects.filter(destruction=OuterRef("pk")).exclude(record__in=seen)
    return DestructionList.objects.exclude(Exists(hidden))
