"""Every read of intake."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum

from liandong.archive.models import Fonds
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
from liandong.kernel.catalog import rows
from liandong.kernel.checks import Finding
from liandong.kernel.findings import to_json
from liandong.kernel.viewer import Viewer

PAGE_SIZE = 50


def visible_batches(viewer: Viewer) -> QuerySet[Batch]:
    """Batches that `viewer` may see, newest first."""
    rule = to_q(may_see(viewer), {"unit": "unit__code"})
    return Batch.objects.filter(rule).select_related("fonds", "unit")


def fonds_of(viewer: Viewer) -> QuerySet[Fonds]:
    """Fonds that `viewer` may hand over to: archivists all, clerks those of their unit."""
    return Fonds.objects.filter(to_q(may_see(viewer), {"unit": "unit__code"}))


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
    found = [dict(row) for row in rows]
    return sorted(found, key=lambda row: (rank[row["severity"]], row["code"]))


def findings_of(batch: Batch) -> QuerySet[ItemFinding]:
    """Every finding of a batch in the order of items, for the report."""
    return batch.findings.select_related("item").order_by("item_id", "pk")


def check_summary(batch: Batch) -> dict[str, dict[str, int]]:
    """Verdicts of the items per check code: {"YJ-1-7": {"pass": 12, "fail": 1}}."""
    summary: dict[str, dict[str, int]] = {}
    for checks in batch.items.values_list("checks", flat=True).iterator(chunk_size=500):
        for code, verdict in checks.items():
            if not isinstance(verdict, str):  # details and findings beside the verdicts
                continue
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
    papers = HandedFile.objects.filter(is_content=False).exclude(staged="")
    ended = Q(state=BatchState.ACCEPTED, pk__in=papers.values("batch"))
    return list(
        Batch.objects.filter(waiting | accepted | ended)
        .distinct()
        .order_by("pk")
        .values_list("pk", flat=True)
    )


def batch_report(batch: Batch, language: str) -> Iterator[dict[str, Any]]:
    """The report of a batch as the command line prints it: a row per item, then the summary.

    Files that belong to no item stand in the summary's findings.
    """
    after, counts, blocking = 0, dict.fromkeys(ItemState.values, 0), 0
    while rows := items_of(batch, after=after):
        for item in rows[:PAGE_SIZE]:
            counts[item.state] += 1
            blocking += item.blocking > 0 or item.state == ItemState.QUARANTINED
            yield _item_row(item, language)
        after = rows[min(len(rows), PAGE_SIZE) - 1].pk
        if len(rows) <= PAGE_SIZE:
            break
    loose = [_finding_row(row, language) for row in batch.findings.filter(item=None)]
    blocking += sum(row["severity"] == "block" for row in loose)
    yield {
        "summary": True,
        "batch": batch.pk,
        "name": batch.name,
        "kind": batch.kind,
        "state": batch.state,
        "files": batch.file_count,
        "bytes": batch.size_bytes,
        "items": batch.item_count,
        **{state: count for state, count in counts.items() if count},
        "blocking": blocking,
        "findings": loose,
    }


def _item_row(item: Item, language: str) -> dict[str, Any]:
    files = [file.path for file in item.files.all()]
    return {
        "file": files[0] if files else item.key,
        "files": files,
        "item": item.key,
        "row": item.row,
        "state": item.state,
        "code": item.code or item.description.get("archival_code", ""),
        "title": item.description.get("title", ""),
        "pages": item.page_count,
        "findings": [_finding_row(row, language) for row in item.findings.all()],
    }


def _finding_row(row: ItemFinding, language: str) -> dict[str, Any]:
    finding = Finding(row.code, row.where, row.row, row.column, row.page, row.facts)
    return to_json(finding, language)


def desk_counts(viewer: Viewer) -> dict[str, int]:
    """What waits for `viewer`: items to decide, held items, open proposals, batches at work."""
    batches = visible_batches(viewer)
    items = Item.objects.filter(batch__in=batches)
    proposals = Proposal.objects.filter(item__batch__in=batches, state=ProposalState.PROPOSED)
    return {
        "waiting": items.filter(state=ItemState.WAITING).count(),
        "held": items.filter(state=ItemState.HELD).count(),
        "quarantined": items.filter(state=ItemState.QUARANTINED).count(),
        "proposals": proposals.count(),
        "working": batches.filter(state__in=[BatchState.RECEIVED, BatchState.CHECKING]).count(),
    }


def check_table(batch: Batch, language: str) -> list[dict[str, Any]]:
    """A row per check item with its name and how often each verdict was given.

    Items count per item; what was checked for the batch as a whole counts once and has
    `expected`, `actual` and `evidence`.
    """
    names = {row["code"]: row for row in rows("four_property_checks")}
    name_column = "name_en" if language == "en" else "name_zh"
    table: dict[str, dict[str, Any]] = {}

    def row_of(code: str) -> dict[str, Any]:
        known = names.get(code, {})
        return table.setdefault(
            code,
            {
                "code": code,
                "name": known.get(name_column, code),
                "property": known.get("property", ""),
                "counts": {},
                "expected": "",
                "actual": "",
                "evidence": "",
            },
        )

    for code, counts in check_summary(batch).items():
        row_of(code)["counts"] = counts
    for result in batch.checks:
        row = row_of(result["item"])
        row["counts"][result["verdict"]] = row["counts"].get(result["verdict"], 0) + 1
        row |= {name: result.get(name, "") for name in ("expected", "actual", "evidence")}
    order = {code: position for position, code in enumerate(names)}
    return sorted(table.values(), key=lambda row: order.get(row["code"], len(order)))


def field_labels(language: str) -> dict[str, str]:
    """What the extracted fields are called, by name; the catalogue names them in Chinese only."""
    if language == "en":
        names = (row["field"] for row in rows("official_document_fields"))
        return {name: name.replace("_", " ").capitalize() for name in names}
    return {row["field"]: row["name_zh"] for row in rows("official_document_fields")}


def proposal_fields(viewer: Viewer, batch: Batch | None) -> list[tuple[str, int]]:
    """How many open proposals each field has, most first."""
    open_rows = Proposal.objects.filter(
        state=ProposalState.PROPOSED, item__batch__in=visible_batches(viewer)
    )
    if batch:
        open_rows = open_rows.filter(item__batch=batch)
    counts = open_rows.values_list("field").annotate(n=Count("pk")).order_by("-n", "field")
    return [(name, n) for name, n in counts]
