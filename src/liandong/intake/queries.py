"""Every read of intake."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum

from liandong.archive.policies import Viewer
from liandong.base.access import to_q
from liandong.intake.models import (
    Batch,
    BatchState,
    HandedFile,
    Item,
    ItemFinding,
    ItemState,
    Proposal,
    ProposalState,
)
from liandong.intake.policies import may_see

PAGE_SIZE = 50


def visible_batches(viewer: Viewer) -> QuerySet[Batch]:
    """Batches that `viewer` may see, newest first."""
    rule = to_q(may_see(viewer), {"unit": "unit__code"})
    return Batch.objects.filter(rule).select_related("fonds", "unit")


def page_of_batches(viewer: Viewer, *, before: int | None = None, state: str = "") -> list[Batch]:
    """One page of batches with counts of their items by state, below id `before`.

    Returns up to PAGE_SIZE + 1 rows: the last one only says that there is more.
    """
    batches = visible_batches(viewer)
    if before:
        batches = batches.filter(pk__lt=before)
    if state:
        batches = batches.filter(state=state)
    counts = {f"n_{name}": Count("items", filter=Q(items__state=name)) for name in ItemState.values}
    rows = list(batches.order_by("-pk")[: PAGE_SIZE + 1].values_list("pk", flat=True))
    return list(
        Batch.objects.filter(pk__in=rows)
        .select_related("fonds", "unit")
        .annotate(**counts)
        .order_by("-pk")
    )


@dataclass(frozen=True, slots=True)
class BatchProgress:
    """How far a batch is: items by state, and how many the machine has not finished."""

    states: dict[str, int]
    total: int
    todo: int  # items the machine still works on
    pages_read: int
    pages_known: int

    @property
    def done(self) -> int:
        return self.total - self.todo


def progress(batch: Batch) -> BatchProgress:
    """The counts behind the progress bar, three queries."""
    states = dict(batch.items.values_list("state").annotate(n=Count("pk")).order_by())
    known = batch.files.aggregate(n=Sum("page_count"))["n"] or 0
    read = HandedFile.objects.filter(batch=batch).aggregate(n=Count("pages"))["n"]
    unindexed = batch.items.filter(state=ItemState.ADMITTED, step="admit").count()
    todo = states.get(ItemState.RECEIVED, 0) + states.get(ItemState.ACCEPTED, 0) + unindexed
    return BatchProgress(states, sum(states.values()), todo, read, known)


def items_of(batch: Batch, *, state: str = "", code: str = "", after: int = 0) -> list[Item]:
    """One page of items with files and findings; PAGE_SIZE + 1 rows, keyset by id."""
    items = batch.items.filter(pk__gt=after)
    if state:
        items = items.filter(state=state)
    if code:
        items = items.filter(findings__code=code).distinct()
    return list(
        items.order_by("pk")
        .select_related("record")
        .prefetch_related("files", "findings")[: PAGE_SIZE + 1]
    )


def findings_by_code(batch: Batch) -> list[dict[str, Any]]:
    """How often each finding occurs, blocking first: {"code","severity","n"}."""
    rows = batch.findings.values("code", "severity").annotate(n=Count("pk"))
    rank = {"block": 0, "warn": 1, "note": 2}
    return sorted(rows, key=lambda row: (rank[row["severity"]], row["code"]))


def findings_of(batch: Batch) -> QuerySet[ItemFinding]:
    """Every finding of a batch in the order of items, for the report."""
    return batch.findings.select_related("item").order_by("item_id", "pk")


def check_summary(batch: Batch) -> dict[str, dict[str, int]]:
    """Verdicts of the items per check code: {"YJ-1-7": {"pass": 12, "fail": 1}}."""
    summary: dict[str, dict[str, int]] = {}
    for checks in batch.items.values_list("checks", flat=True).iterator(chunk_size=500):
        for code, result in checks.items():
            verdict = result if isinstance(result, str) else result["verdict"]
            row = summary.setdefault(code, {})
            row[verdict] = row.get(verdict, 0) + 1
    return summary


def open_proposals(
    viewer: Viewer, *, batch: Batch | None = None, after: tuple[float, int] | None = None,
    least: float = 0.0, field: str = "",
) -> list[Proposal]:  # fmt: skip
    """One page of open proposals, surest first; PAGE_SIZE + 1 rows, keyset by (confidence, id)."""
    rows = Proposal.objects.filter(
        state=ProposalState.PROPOSED, confidence__gte=least, item__batch__in=visible_batches(viewer)
    )
    if batch:
        rows = rows.filter(item__batch=batch)
    if field:
        rows = rows.filter(field=field)
    if after:
        rows = rows.filter(Q(confidence__lt=after[0]) | Q(confidence=after[0], pk__gt=after[1]))
    return list(
        rows.select_related("item", "item__batch", "item__record").order_by("-confidence", "pk")[
            : PAGE_SIZE + 1
        ]
    )


def unfinished_batches() -> Sequence[int]:
    """Batches that the machine has not brought to a halt, oldest first."""
    waiting = Q(state__in=[BatchState.RECEIVED, BatchState.CHECKING])
    accepted = Q(items__state=ItemState.ACCEPTED) | Q(
        items__state=ItemState.ADMITTED, items__step="admit"
    )
    return list(
        Batch.objects.filter(waiting | accepted)
        .distinct()
        .order_by("pk")
        .values_list("pk", flat=True)
    )
