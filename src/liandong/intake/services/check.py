"""Step `check`: the four-property check (四性检测) of items, and of the batch as a whole.

`Item.checks` afterwards holds a verdict per check code, `details` with expected, actual and
evidence of every verdict that is not PASS or NOT_APPLICABLE, and what `unpack` and `identify`
found.
Source: DA/T 70-2018.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils.timezone import localtime

from liandong.archive.models import FileRole, Record, RecordFile
from liandong.base.engines import engine
from liandong.intake.models import Batch, HandedFile, Item, ItemState
from liandong.kernel.checks import Finding, Verdict
from liandong.kernel.hostility import inspect

from .checking.batches import BatchSight
from .checking.descriptions import is_blocking
from .checking.registry import as_result, check_item, check_whole
from .checking.secrecy import classified_mark
from .checking.sight import Answer, ItemSight, link_prefix
from .read import count_missing
from .steps import Done
from .unpack import zip_limits
from .unpacking.draft import finding_from_json

QUIET = frozenset({Verdict.PASS, Verdict.NOT_APPLICABLE})  # verdicts that need no details


def check(items: Sequence[Item], *, now: datetime) -> list[Done]:
    """Check these items; a mark of secrecy or a virus quarantines, known content is a duplicate."""
    files: dict[int, list[HandedFile]] = defaultdict(list)
    for file in HandedFile.objects.filter(item__in=items, is_content=True).order_by("order", "pk"):
        files[file.item_id or 0].append(file)
    sights = [_sight(item, files[item.pk], now) for item in items]
    _scan(sights)
    _open(sights)
    _look_up(items, sights)
    known = _known_contents(sights)
    return [_done(sight, known.get(sight.item.pk, "")) for sight in sights]


def _sight(item: Item, files: list[HandedFile], now: datetime) -> ItemSight:
    fonds = item.batch.fonds
    before = [*item.checks.get("unpack", []), *item.checks.get("identify", [])]
    return ItemSight(
        item=item,
        prefix=link_prefix(item.batch),
        today=localtime(now).date(),
        files=files,
        template=fonds.code_template if fonds else "",
        fonds=fonds.number if fonds else "",
        told=[finding_from_json(one) for one in before],
    )


def _scan(sights: Iterable[ItemSight]) -> None:
    """Own safety checks and the virus scanner; a file that was not scanned is named."""
    scanner = engine("antivirus")
    state = scanner.state()
    limits = zip_limits()
    for sight in sights:
        sight.scanner = state
        for file in sight.files:
            path = settings.STAGING / file.staged
            if not file.size_bytes:
                continue
            sight.hostile += inspect(path, where=file.path, limits=limits)
            if not state[0]:
                continue
            try:
                name = scanner.scan(path)
            except OSError as error:
                sight.unscanned.append(file.path)
                sight.infected.append(sight.find("4-2b", file.path, reason=str(error)[:160]))
                continue
            if name:
                sight.infected.append(sight.find("4-2a", file.path, name=name[:160]))


def _open(sights: Sequence[ItemSight]) -> None:
    """Open every file that is safe to open and count its pages."""
    safe = [
        file
        for sight in sights
        for file in sight.files
        if file.size_bytes and not _is_dangerous(file, sight)
    ]
    faults = count_missing(safe)
    for sight in sights:
        found = [faults[file.pk] for file in sight.files if file.pk in faults]
        sight.unreadable = [one for one in found if is_blocking(one)]  # `read` tells the others


def _is_dangerous(file: HandedFile, sight: ItemSight) -> bool:
    found = [*sight.hostile, *sight.infected]
    return any(one.where == file.path and is_blocking(one) for one in found)


def _look_up(items: Sequence[Item], sights: Sequence[ItemSight]) -> None:
    """What the holdings have of these codes, and of these numbers with these titles."""
    said = [item.description for item in items]
    codes = {text for one in said if (text := one.get("archival_code"))}
    numbers = {text for one in said if (text := one.get("document_number"))}
    taken = frozenset(Record.every.filter(code__in=codes).values_list("code", flat=True))
    titles = frozenset(
        Record.objects.filter(document_number__in=numbers).values_list("document_number", "title")
    )
    for sight in sights:
        sight.taken_codes, sight.taken_titles = taken, titles


def _known_contents(sights: Sequence[ItemSight]) -> dict[int, str]:
    """Code of an admitted record that has all the files of an item, by item."""
    digests = {file.sha512 for sight in sights for file in sight.files if file.size_bytes}
    held: dict[str, dict[int, str]] = defaultdict(dict)
    rows = RecordFile.objects.filter(sha512__in=digests, role=FileRole.ORIGINAL)
    for digest, record, code in rows.values_list("sha512", "record_id", "record__code"):
        held[digest][record] = code
    known: dict[int, str] = {}
    for sight in sights:
        sets = [held.get(file.sha512, {}) for file in sight.files if file.size_bytes]
        common = set.intersection(*(set(one) for one in sets)) if sets else set()
        if common:
            known[sight.item.pk] = sets[0][min(common)]
    return known


# Outcome ------------------------------------------------------------------------------------------


def _done(sight: ItemSight, same_as: str) -> Done:
    answers = check_item(sight)
    findings = [*sight.told, *(one for answer in answers.values() for one in answer.findings)]
    state = ""
    if same_as:
        findings.append(Finding("ITEM-DUPLICATE", sight.item.key, sight.item.row,
                                facts={"code": same_as}))  # fmt: skip
        state = ItemState.DUPLICATE
    if mark := classified_mark(sight.description, [file.path for file in sight.files]):
        findings.append(Finding("SEC-CLASSIFIED", mark.where, sight.item.row, mark.column,
                                facts={"mark": mark.text}))  # fmt: skip
        state = ItemState.QUARANTINED
    if any(one.code == f"{sight.prefix}-4-2a" for one in sight.infected):
        state = ItemState.QUARANTINED
    return Done(_without_repeats(findings), _detail(answers), _writer(sight.item, answers), state)


def _without_repeats(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    kept: list[Finding] = []
    seen: set[str] = set()
    for finding in findings:
        if (key := repr(finding)) not in seen:
            seen.add(key)
            kept.append(finding)
    return tuple(kept)


def _detail(answers: Mapping[str, Answer]) -> dict[str, Any]:
    return {"verdicts": {code: answer.verdict.value for code, answer in answers.items()}}


def _writer(item: Item, answers: Mapping[str, Answer]) -> Callable[[], None]:
    def save() -> None:
        kept = {name: item.checks[name] for name in ("unpack", "identify") if name in item.checks}
        item.checks = {
            **{code: answer.verdict.value for code, answer in answers.items()},
            "details": {
                code: {"expected": one.expected, "actual": one.actual, "evidence": one.evidence}
                for code, one in answers.items()
                if one.verdict not in QUIET
            },
            **kept,
        }

    return save


def verdicts_of(checks: Mapping[str, Any]) -> dict[str, str]:
    """The verdicts alone out of `Item.checks`, by check code."""
    return {code: verdict for code, verdict in checks.items() if isinstance(verdict, str)}


def check_batch(batch: Batch, *, now: datetime) -> tuple[list[dict[str, str]], list[Finding]]:
    """Rows for `Batch.checks` and findings of the batch as a whole; writes nothing."""
    answers = check_whole(BatchSight(batch))
    results = [
        {name: str(value) for name, value in asdict(as_result(code, answer)).items()}
        for code, answer in answers.items()
    ]
    return results, [finding for answer in answers.values() for finding in answer.findings]
