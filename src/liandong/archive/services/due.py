"""When a record is due for opening review (开放审核), as its columns say.

The rule is `kernel.opening`; a fonds may settle periods of its own.  A deferral that was consented
to sets the day anew.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from liandong.archive.models import IN_FORCE, Fonds, OpeningReview, OpeningState, Record
from liandong.archive.policies import OPEN
from liandong.base.rows import update_rows
from liandong.kernel.opening import NEVER, Period, due_day, period_of

_CHUNK = 1000
_NOT_AWAITING = {*IN_FORCE, OpeningState.WITHDRAWN}


def own_periods(fonds: Fonds) -> tuple[Period, ...]:
    """The periods that a fonds settled for itself, the first that fits first."""
    return tuple(
        Period(
            code=f"{fonds.number}:{row.pk}",
            years=row.years,
            category=row.category,
            field="title" if row.words else "",
            words=tuple(filter(None, row.words.split("|"))),
        )
        for row in fonds.opening_periods.all()
    )


def due_of(
    category: str,
    year: str,
    document_date: int,
    description: Mapping[str, str],
    periods: Iterable[Period],
) -> int:
    """The day (YYYYMMDD) on which the closed period of a record is over."""
    return due_day(document_date, year, period_of(category, description, periods).years)


def opening_columns(
    record: Record, periods: Iterable[Period], opening: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Columns of a record that follow from its description and its settled reviews.

    `opening` are the reviews that stand in its object, oldest first.
    """
    due = due_of(record.category, record.year, record.document_date, record.description, periods)
    last: Mapping[str, Any] = opening[-1] if opening else {}
    if last.get("state") == OpeningState.DEFERRED:
        due = last["deferred_until"]
    opened_on_the_way_in = record.level == OPEN and record.open_from != NEVER
    settled = last["state"] in _NOT_AWAITING if last else opened_on_the_way_in
    return {"open_due": due, "awaits_opening": not settled}


def follow_description(record: Record) -> None:
    """Set `open_due` (not saved) after the description changed, unless a deferral set it."""
    if not OpeningReview.objects.filter(record=record, state=OpeningState.DEFERRED).exists():
        record.open_due = due_of(
            record.category, record.year, record.document_date, record.description,
            own_periods(record.fonds),
        )  # fmt: skip


def set_due_anew(fonds: Fonds) -> int:
    """Compute the day of every record of a fonds again, after its periods changed; how many moved.

    Records whose opening was deferred keep the day that was consented to.
    """
    periods, moved, last = own_periods(fonds), 0, 0
    deferred = OpeningReview.objects.filter(
        record__fonds=fonds, state=OpeningState.DEFERRED
    ).values("record")
    rows = Record.objects.filter(fonds=fonds).exclude(pk__in=deferred).order_by("pk")
    columns = ("pk", "category", "year", "document_date", "description", "open_due")
    while chunk := list(rows.filter(pk__gt=last).only(*columns)[:_CHUNK]):
        last = chunk[-1].pk
        changed = [record for record in chunk if _moves(record, periods)]
        update_rows(changed, ["open_due"])
        moved += len(changed)
    return moved


def _moves(record: Record, periods: Sequence[Period]) -> bool:
    before = record.open_due
    record.open_due = due_of(
        record.category, record.year, record.document_date, record.description, periods
    )
    return record.open_due != before
