"""The driver of the pipeline: takes a batch as far as it goes, from wherever it stopped.

Per step and item one row (who, tool, when, input digest, outcome) in one transaction with the
step's rows and findings.  A kill between two transactions costs at most one chunk of one step.
"""

import hashlib
import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime

from django.db import transaction

from liandong import __version__
from liandong.base.engines import engine
from liandong.base.locks import hold
from liandong.base.rows import update_rows
from liandong.intake.flow import AFTER_DECISION, BEFORE_DECISION, ITEM_FLOW, STEPS
from liandong.intake.models import (
    Batch,
    BatchState,
    HandedFile,
    Item,
    ItemFinding,
    ItemState,
    StepRun,
)
from liandong.kernel.checks import Finding, Severity
from liandong.kernel.findings import severity_of

from .check import check, check_batch
from .closing import keep_papers
from .describe import describe
from .extract import extract
from .finish import admit, index, package
from .identify import identify
from .read import read
from .receive import clear_away
from .steps import Done, StepFunction, is_machine_trouble
from .unpack import unpack

log = logging.getLogger(__name__)
CHUNK = 64  # items that walk through the steps together: bounds memory and what a kill repeats
_OF_A_STEP = (  # columns of an item that a step may change
    "step", "state", "description", "checks", "page_count", "blocking", "warnings", "trouble",
    "record",
)  # fmt: skip
Clock = Callable[[], datetime]
Progress = Callable[[int, int], None]  # items done, items in all

FUNCTIONS: Mapping[str, StepFunction] = {
    "identify": identify,
    "check": check,
    "read": read,
    "extract": extract,
    "describe": describe,
    "package": package,
    "admit": admit,
    "index": index,
}


def drive(
    batch_id: int, *, by: str, clock: Clock, progress: Progress | None = None, wait: bool = False
) -> Batch:
    """Take a batch through every step that is open to it; safe to call again at any time.

    Raises locks.Busy when another process drives the same batch, unless it may `wait`.
    Raises OSError or a database error when the machine fails: call it again once that is mended.
    """
    with hold(f"batch-{batch_id}", wait=wait):
        batch = Batch.objects.select_related("fonds", "unit", "mends").get(pk=batch_id)
        if batch.state == BatchState.RECEIVED and not _unpack(batch, by=by, clock=clock):
            return batch
        if batch.state == BatchState.CHECKING:
            _walk(batch, BEFORE_DECISION, ItemState.RECEIVED, clock, progress)
            _finish_checking(batch, clock)
        if batch.accept:
            accept_waiting(batch, by=by, now=clock())
        _walk(batch, AFTER_DECISION, ItemState.ACCEPTED, clock, progress)
        _walk(batch, AFTER_DECISION[-1:], ItemState.ADMITTED, clock, None)
        close_if_done(batch, now=clock())
        if batch.state == BatchState.ACCEPTED:
            keep_papers(batch, by=by, now=clock())
            clear_away(batch)
        return batch


def _unpack(batch: Batch, *, by: str, clock: Clock) -> bool:
    try:
        findings = unpack(batch, by=by, now=clock())
    except Exception as error:
        if is_machine_trouble(error):
            raise
        log.exception("unpack failed batch=%s", batch.pk)
        findings = list(_failed("unpack", error).findings)
    links = batch.declared.get("links", [])
    findings += [Finding("FILE-LINK", path, facts={"name": path}) for path in links]
    with transaction.atomic():
        batch.findings.filter(step="unpack").delete()
        if batch.repeats:
            findings = [
                *findings,
                Finding("BATCH-REPEATED", facts={"batch": str(batch.repeats_id)}),
            ]
        _write_findings(batch, [(None, "unpack", finding) for finding in findings])
        if batch.mends:
            _keep_mended(batch)
        batch.item_count = batch.items.count()
        batch.state = BatchState.CHECKING if batch.item_count else BatchState.FAILED
        batch.failure = "" if batch.item_count else next((f.code for f in findings), "BATCH-EMPTY")
        batch.ended_at = None if batch.item_count else clock()
        batch.save()
    return bool(batch.item_count)


def _keep_mended(batch: Batch) -> None:
    """A mended hand-over brings again only what failed: the rest of its catalogue is known."""
    if batch.mends is None:
        return
    settled = batch.mends.items.filter(
        state__in=[ItemState.ADMITTED, ItemState.WAITING, ItemState.ACCEPTED, ItemState.DUPLICATE]
    ).values_list("key", flat=True)
    again = batch.items.filter(key__in=list(settled))
    batch.findings.filter(item__in=again).delete()
    again.delete()
    batch.items.filter(files__isnull=True).delete()
    mended = batch.items.values_list("key", flat=True)
    batch.mends.items.filter(
        key__in=list(mended), state__in=[ItemState.HELD, ItemState.QUARANTINED]
    ).update(
        state=ItemState.RETURNED, decided_at=batch.received_at, decided_by=batch.received_by,
        reason=f"补交：批次 {batch.pk}",
    )  # fmt: skip


def _finish_checking(batch: Batch, clock: Clock) -> None:
    results, findings = check_batch(batch, now=clock())
    with transaction.atomic():
        batch.findings.filter(step="batch").delete()
        _write_findings(batch, [(None, "batch", finding) for finding in findings])
        batch.checks = results
        batch.state = BatchState.PENDING_REVIEW
        batch.save(update_fields=["checks", "state"])


def _walk(
    batch: Batch, steps: Sequence[str], state: str, clock: Clock, progress: Progress | None
) -> None:
    total = batch.items.count()
    for items in _chunks(batch, state):
        for step in steps:
            open_to = [item for item in items if item.state == state and _next(item) == step]
            if step == "index":  # admitted a moment ago in this same walk
                open_to = [
                    item
                    for item in items
                    if item.state == ItemState.ADMITTED and item.step == "admit"
                ]
            if open_to:
                _run(step, open_to, clock)
        if progress:
            left = batch.items.filter(state=state, pk__gt=items[-1].pk).count()
            progress(total - left, total)


def _next(item: Item) -> str:
    position = STEPS.index(item.step) + 1 if item.step else 0
    return STEPS[position] if position < len(STEPS) else ""


def _chunks(batch: Batch, state: str) -> Iterator[list[Item]]:
    after = 0
    while True:
        rows = batch.items.filter(state=state, pk__gt=after)
        if state == ItemState.ADMITTED:
            rows = rows.filter(step="admit")  # admitted but not yet indexed: a kill in between
        items = list(rows.order_by("pk")[:CHUNK])
        if not items:
            return
        for item in items:
            item.batch = batch  # one object, so that its fonds and unit are read once
        yield items
        after = items[-1].pk


def _run(step: str, items: Sequence[Item], clock: Clock) -> None:
    """Do one step to a few items; when it fails as a whole, to each alone."""
    started = clock()
    inputs = {item.pk: _input_digest(item) for item in items}
    try:
        dones = FUNCTIONS[step](items, now=started)
        _write_step(step, items, dones, inputs, started, clock())
    except Exception as error:
        if is_machine_trouble(error):
            raise
        for item in items:  # what was half done in memory
            item.refresh_from_db(fields=_OF_A_STEP)
        if len(items) > 1:
            for item in items:
                _run(step, [item], clock)
            return
        log.exception("step failed step=%s item=%s", step, items[0].pk)
        if not ITEM_FLOW.may("hold", items[0].state, "machine"):
            return  # admitted, only not findable yet: tried again with the next job
        items[0].trouble = f"{step}: {type(error).__name__}: {error}"[:300]
        _write_step(step, items, [_failed(step, error)], inputs, started, clock())


def _failed(step: str, error: Exception) -> Done:
    return Done((Finding("STEP-FAILED", facts={"step": step, "error": type(error).__name__}),))


@transaction.atomic
def _write_step(
    step: str,
    items: Sequence[Item],
    dones: Sequence[Done],
    inputs: Mapping[int, str],
    started: datetime,
    ended: datetime,
) -> None:
    tool = tool_of(step)
    runs: list[StepRun] = []
    found: list[tuple[Item | None, str, Finding]] = []
    ItemFinding.objects.filter(item__in=items, step=step).delete()
    for item, done in zip(items, dones, strict=True):
        done.save()
        found += [(item, step, finding) for finding in done.findings]
        _count_findings(item, done.findings)
        item.step = step
        item.state = _state_after(step, item, done)
        runs.append(
            StepRun(
                item=item, step=step, tool=tool, started_at=started, ended_at=ended,
                input_digest=inputs[item.pk], outcome="findings" if done.findings else "done",
                detail=dict(done.detail),
            )
        )  # fmt: skip
    StepRun.objects.bulk_create(runs, ignore_conflicts=True)
    _write_findings(items[0].batch, found)
    update_rows(items, _OF_A_STEP)


def _count_findings(item: Item, findings: Sequence[Finding]) -> None:
    severities = [severity_of(finding.code) for finding in findings]
    item.blocking += severities.count(Severity.BLOCK)
    item.warnings += severities.count(Severity.WARN)


def tool_of(step: str) -> str:
    """The tool of a step with its version, for the step row and the PREMIS event."""
    if step == "identify":
        return str(engine("identifier").version)
    return f"liandong {__version__} {step}"


def _state_after(step: str, item: Item, done: Done) -> str:
    if done.state:
        return done.state
    severities = {severity_of(finding.code) for finding in done.findings}
    if Severity.BLOCK in severities:
        return ITEM_FLOW.take("hold", item.state, "machine")
    if step == BEFORE_DECISION[-1]:
        return ITEM_FLOW.take("wait", item.state, "machine")
    return item.state


def _write_findings(batch: Batch, rows: Sequence[tuple[Item | None, str, Finding]]) -> None:
    found = []
    for item, step, finding in rows:
        severity = severity_of(finding.code)
        found.append(
            ItemFinding(
                batch=batch, item=item, step=step, code=finding.code, severity=severity.value,
                where=finding.where[:1000], row=finding.row, column=finding.column[:100],
                page=finding.page, facts=dict(finding.facts),
            )
        )  # fmt: skip
    ItemFinding.objects.bulk_create(found, batch_size=500)


def _input_digest(item: Item) -> str:
    """What the step depends on: the item's bytes and its description.  SHA-256, hex."""
    text = json.dumps([item.key, item.description], ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(f"{item.uuid}{text}".encode()).hexdigest()


@transaction.atomic
def accept_waiting(batch: Batch, *, by: str, now: datetime) -> int:
    """Accept every waiting item without a person looking; returns how many."""
    return batch.items.filter(state=ItemState.WAITING).update(
        state=ItemState.ACCEPTED, decided_at=now, decided_by=by
    )


def close_if_done(batch: Batch, *, now: datetime) -> None:
    """A batch ends when every item is admitted, returned or a duplicate."""
    open_items = batch.items.exclude(state__in=ITEM_FLOW.final)
    if batch.state != BatchState.ACCEPTED and not open_items.exists():
        batch.state, batch.ended_at = BatchState.ACCEPTED, now
        batch.save(update_fields=["state", "ended_at"])
        HandedFile.objects.filter(batch=batch, item__isnull=True).update(is_content=False)
