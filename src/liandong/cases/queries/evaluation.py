"""Overall evaluation (综合评价) by unit and period: each figure with its counts and its rows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from statistics import mean, median
from typing import Any, Final

from django.db.models import Q, QuerySet

from liandong.base.models import Unit
from liandong.cases.models import Case, CaseEvent, GridCell
from liandong.kernel import catalog
from liandong.kernel.casework import ON_LEDGER, OVER
from liandong.kernel.evaluation import (
    METRICS,
    SMALL,
    Hit,
    Span,
    Story,
    hits_of,
    outcomes_of,
    read,
)
from liandong.kernel.ledger_months import Month
from liandong.kernel.viewer import Viewer

from .cases import visible

MOST_CASES: Final = 5_000
_LONGEST_LIMIT: Final = timedelta(days=100)  # no clock of a case that is over ends later than this
_COLUMNS: Final = {
    "case": "case_id", "number": "number", "at": "at", "axis": "axis", "action": "action",
    "after": "after", "unit": "unit", "sets": "sets", "facts": "facts", "before": "before",
    "by": "by", "role": "role", "round": "round",
}  # fmt: skip


class TooMany(Exception):
    """More cases than can be counted on a page; `count` says how many."""

    def __init__(self, count: int) -> None:
        super().__init__(str(count))
        self.count = count


@dataclass(frozen=True, slots=True)
class Asked:
    """Which evaluation: months from first to last, a kind ("" for all), a unit ("" for all)."""

    first: Month
    last: Month
    kind: str = ""
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Value:
    """A metric for one unit or for all: `part` of `whole`, or hidden because it is of few persons.

    For a count `whole` is the count and `part` those of a split; for a mean `middle` is the median.
    """

    part: float
    whole: int
    figure: float | None  # the ratio or the mean; None without occurrences, or for a count
    middle: float | None = None
    is_small: bool = False


@dataclass(frozen=True, slots=True)
class Measure:
    """One row of the page."""

    row: Mapping[str, str]  # of catalog/statistics_metrics.csv
    hits: Sequence[Hit]
    value: Value | None  # None: cannot be computed, `row` says why
    by_unit: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Everything that the page shows of a period."""

    asked: Asked
    measures: Sequence[Measure]
    outcomes: Mapping[str, Sequence[Hit]]  # by code of catalog/case_outcomes.csv
    units: Mapping[str, str]  # names by code, of those that occur
    cases: int

    def measure(self, code: str) -> Measure | None:
        """The measure of this code."""
        return next((one for one in self.measures if one.row["code"] == code), None)


def evaluate(asked: Asked, *, viewer: Viewer, now: datetime) -> Evaluation:
    """The figures of what `viewer` may see.  Raises TooMany."""
    grassroots = frozenset(GridCell.objects.values_list("unit__code", flat=True))
    span = Span(asked.first.start, asked.last.end, now, grassroots)
    cases = _cases(asked, span, viewer)
    if (count := cases.count()) > MOST_CASES:
        raise TooMany(count)
    stories = list(_stories(cases, span))
    found, outcomes = hits_of(stories), outcomes_of(stories)
    if asked.unit:
        outcomes = {code: _of(asked.unit, hits) for code, hits in outcomes.items()}
    measures = [_measure(row, found, asked.unit) for row in catalog.rows("statistics_metrics")]
    codes = {hit.unit for one in measures for hit in one.hits}
    names = dict(Unit.objects.filter(code__in=codes).values_list("code", "name"))
    return Evaluation(asked, measures, outcomes, names, count)


def _cases(asked: Asked, span: Span, viewer: Viewer) -> QuerySet[Case]:
    """Cases that may have an occurrence in the period."""
    recent = Q(changed_at__gte=span.start) | Q(over_at__gte=span.start - _LONGEST_LIMIT)
    open_ = ~Q(state__in=sorted(OVER)) | Q(ledger__in=sorted(ON_LEDGER))
    rows = visible(viewer).filter(recent | open_, submitted_at__lt=span.end)
    return rows.filter(kind=asked.kind) if asked.kind else rows


def _stories(cases: QuerySet[Case], span: Span) -> Iterator[Story]:
    facts = {pk: (kind, severity) for pk, kind, severity in
             cases.order_by().values_list("pk", "kind", "severity")}  # fmt: skip
    rows = CaseEvent.objects.filter(
        case__in=cases.order_by().values("pk"), at__lt=span.end, at__lte=span.now
    )
    told = rows.order_by("case_id", "number").values_list(*_COLUMNS.values())
    for key, lines in groupby(told.iterator(chunk_size=5000), key=lambda line: int(line[0])):
        events = read([dict(zip(_COLUMNS, line, strict=True)) for line in lines])
        kind, severity = facts[key]
        yield Story(kind, events, span, severity)


def _of(unit: str, hits: Sequence[Hit]) -> list[Hit]:
    return [one for one in hits if one.unit == unit]


def _measure(row: Mapping[str, str], found: Mapping[str, Sequence[Hit]], only: str) -> Measure:
    """The measure of a metric; of one unit alone it hides what is hidden beside the others."""
    if row["code"] not in METRICS:
        return Measure(row, [], None, {})
    hits = found[row["code"]]
    units = sorted({one.unit for one in hits})
    by_unit = _guarded({unit: _value(row, _of(unit, hits)) for unit in units})
    if not only:
        return Measure(row, hits, _value(row, hits), by_unit)
    value = by_unit.get(only, _value(row, []))
    return Measure(row, _of(only, hits), value, {only: value} if only in by_unit else {})


def _value(row: Mapping[str, str], hits: Sequence[Hit]) -> Value:
    part, whole = float(sum(one.counts for one in hits)), len(hits)
    is_small = row["persons"] == "Y" and 0 < whole < SMALL
    if row["unit"] == "count" or not hits:
        return Value(part, whole, None, is_small=is_small)
    if row["unit"] == "ratio":
        if row["code"] == "satisfaction_rate":
            part = sum(one.value for one in hits)
        return Value(part, whole, part / whole, is_small=is_small)
    values = [one.value for one in hits]
    return Value(part, whole, mean(values), median(values), is_small=is_small)


def _guarded(by_unit: Mapping[str, Value]) -> dict[str, Value]:
    """Where one unit alone is hidden, the next smallest too: the total would give it away."""
    small = [unit for unit, one in by_unit.items() if one.is_small]
    if len(small) != 1:
        return dict(by_unit)
    others = [unit for unit in by_unit if unit != small[0]]
    second = min(others, key=lambda unit: by_unit[unit].whole, default="")
    return {
        unit: Value(one.part, one.whole, one.figure, one.middle, is_small=True)
        if unit == second else one
        for unit, one in by_unit.items()
    }  # fmt: skip


def cases_behind(hits: Sequence[Hit], *, viewer: Viewer, before: int, limit: int) -> list[Case]:
    """The cases of hits that `viewer` may see, the newest first, below the key `before`."""
    rows = visible(viewer).filter(pk__in={one.case for one in hits})
    if before:
        rows = rows.filter(pk__lt=before)
    return list(rows.select_related("lead_unit", "grid").order_by("-pk")[:limit])


def score_counts(evaluation: Evaluation) -> dict[str, int]:
    """How many replies gave each score, disputes among them; {} when they are few."""
    measure = evaluation.measure("satisfaction_rate")
    if measure is None or measure.value is None or measure.value.is_small:
        return {}
    labels = [one.label for one in measure.hits]
    return {label: labels.count(label) for label in sorted(set(labels), reverse=True)}


def unit_rows(evaluation: Evaluation, codes: Sequence[str]) -> list[tuple[str, list[Any]]]:
    """The values of some metrics for each unit: (code, [Value or None, …])."""
    measures = [evaluation.measure(code) for code in codes]
    units = sorted({unit for one in measures if one for unit in one.by_unit if unit})
    return [(unit, [one.by_unit.get(unit) if one else None for one in measures]) for unit in units]
