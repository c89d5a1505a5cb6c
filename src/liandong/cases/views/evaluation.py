"""Overall evaluation (综合评价): rates with their counts by unit and period, and their rows."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from liandong.base.audit import record_act
from liandong.base.gates import open_to
from liandong.base.models import Unit
from liandong.base.params import number as whole
from liandong.base.params import words
from liandong.base.tables import CSV, XLSX, csv_bytes, xlsx_bytes
from liandong.base.viewers import viewer_of
from liandong.cases import wording
from liandong.cases.policies import EVALUATE
from liandong.cases.queries.cases import PAGE
from liandong.cases.queries.evaluation import (
    Asked,
    Evaluation,
    Measure,
    TooMany,
    Value,
    cases_behind,
    evaluate,
    score_counts,
    unit_rows,
)
from liandong.kernel import catalog
from liandong.kernel.casework import kinds
from liandong.kernel.ledger_months import Month

from .lists import row_of

OF_UNITS: Final = (
    "dispatched", "response_rate", "resolution_rate", "satisfaction_rate", "on_time_handled_rate",
    "rework_rate", "wrongly_sent_down", "ledger_open", "ledger_no_progress",
)  # fmt: skip
"""Metrics of the table of units."""
_MOST_MONTHS: Final = 12


def _asked(request: HttpRequest, now: datetime) -> Asked:
    """The period of the address, this month by default; at most a year, last not before first."""
    this, kind = Month.of(now), words(request.GET.get("kind"))
    last = min(_month(request.GET.get("to"), this), this)
    first = min(_month(request.GET.get("from"), last), last)
    earliest = last
    for _step in range(_MOST_MONTHS - 1):
        earliest = earliest.before
    return Asked(
        max(first, earliest), last, kind if kind in kinds() else "", words(request.GET.get("unit"))
    )


def _month(text: str | None, default: Month) -> Month:
    try:
        return Month.parse(text or "")
    except ValueError:
        return default


@require_safe
@open_to(EVALUATE)
def show_evaluation(request: HttpRequest) -> HttpResponse:
    """The figures; `metric` or `outcome` lists the cases behind one of them."""
    viewer, now = viewer_of(request), timezone.now()
    asked = _asked(request, now)
    context: dict[str, Any] = {
        "asked": asked,
        "crumbs": [(_("事项"), "/cases/"), (_("综合评价"), "")],
        "kinds": [(code, wording.kind_word(code)) for code in kinds()],
        "units": Unit.objects.filter(closed_at__isnull=True, led_cases__isnull=False).distinct(),
        "kept": _kept(asked),
    }
    try:
        found = evaluate(asked, viewer=viewer, now=now)
    except TooMany as many:
        return render(request, "cases/evaluation.html", context | {"too_many": many.count})
    context |= {
        "found": found,
        "measures": [_told(one) for one in found.measures],
        "outcomes": [
            {"code": code, "word": wording.outcome_word(code), "count": len(hits)}
            for code, hits in found.outcomes.items()
        ],
        "scores": [(_score_word(label), count) for label, count in score_counts(found).items()],
        "head": [_name(code) for code in OF_UNITS],
        "by_unit": [
            {"code": code, "unit": found.units.get(code, code),
             "cells": [_cell(row, value) for row, value in zip(_rows(), values, strict=True)]}
            for code, values in unit_rows(found, OF_UNITS)
        ],
    }  # fmt: skip
    return render(request, "cases/evaluation.html", context | _behind(request, found, now))


def _kept(asked: Asked, **changes: str) -> str:
    kept = {"from": str(asked.first), "to": str(asked.last), "kind": asked.kind, "unit": asked.unit}
    return urlencode({name: text for name, text in (kept | changes).items() if text})


def _rows() -> list[Any]:
    table = catalog.by_key("statistics_metrics", "code")
    return [table[code] for code in OF_UNITS]


def _name(code: str) -> str:
    return wording.name_of(catalog.by_key("statistics_metrics", "code")[code])


def _score_word(label: str) -> str:
    row = catalog.by_key("case_scores", "score").get(label)
    return wording.name_of(row) if row else wording.action_word(label)


def _told(one: Measure) -> dict[str, Any]:
    english = wording.is_english()
    return {
        "code": one.row["code"],
        "name": wording.name_of(one.row),
        "row": one.row,
        "cell": _cell(one.row, one.value),
        "formula": one.row["formula_en" if english else "formula_zh"],
        "why": one.row["missing_en" if english else "missing_zh"],
    }


def _cell(row: Any, value: Value | None) -> dict[str, Any]:
    """A value as it is read: the figure, and the counts that stand behind it."""
    if value is None:
        return {"figure": "—", "counts": "", "is_linked": False, "code": row["code"]}
    told = {"code": row["code"], "is_linked": value.whole > 0 and not value.is_small}
    if value.is_small:
        return {**told, "figure": _("少于 5"), "counts": _("人数太少，不显示")}
    if row["unit"] == "count":
        is_split = row["code"] == "returned_count"
        split = _("其中成立 {n}").format(n=int(value.part)) if is_split else ""
        return {**told, "figure": str(value.whole), "counts": split}
    if value.figure is None:
        return {**told, "figure": "—", "counts": _("没有发生")}
    if row["unit"] == "ratio":
        part = f"{value.part:g}"
        return {**told, "figure": f"{value.figure:.1%}", "counts": f"{part} / {value.whole}"}
    counts = _("中位数 {middle}，{n} 次").format(middle=f"{value.middle:.1f}", n=value.whole)
    return {**told, "figure": _("{n} 工作时").format(n=f"{value.figure:.1f}"), "counts": counts}


def _behind(request: HttpRequest, found: Evaluation, now: datetime) -> dict[str, Any]:
    """The cases behind one figure; nothing for a figure that is hidden."""
    metric, outcome = words(request.GET.get("metric")), words(request.GET.get("outcome"))
    if outcome in found.outcomes:
        hits, title = found.outcomes[outcome], wording.outcome_word(outcome)
    else:
        measure = found.measure(metric)
        if measure is None or measure.value is None or measure.value.is_small:
            return {}
        hits, title = measure.hits, wording.name_of(measure.row)
        part = words(request.GET.get("part"))
        if part:
            hits = [one for one in hits if one.counts == (part == "yes")]
    rows = cases_behind(
        hits, viewer=viewer_of(request), before=whole(request.GET.get("after")), limit=PAGE + 1
    )
    return {
        "behind": title,
        "is_ratio": metric and not outcome,
        "metric": metric,
        "rows": [row_of(one, now) for one in rows[:PAGE]],
        "after": rows[PAGE - 1].pk if len(rows) > PAGE else "",
    }


@require_safe
@open_to(EVALUATE)
def send_evaluation(request: HttpRequest, form: str) -> HttpResponse:
    """The same figures as a file, for all units and for each."""
    if form not in {"xlsx", "csv"}:
        raise Http404
    viewer, now = viewer_of(request), timezone.now()
    asked = _asked(request, now)
    try:
        found = evaluate(asked, viewer=viewer, now=now)
    except TooMany:
        raise Http404 from None
    head = [_("单位"), _("指标"), _("数值"), _("计数"), _("公式"), _("来源"), _("把握程度")]
    rows = list(_lines(found))
    record_act(
        "export_evaluation", by=viewer.name, now=now,
        facts={"form": form, "from": str(asked.first), "to": str(asked.last)},
    )  # fmt: skip
    if form == "csv":
        content, mime = csv_bytes(head, rows), CSV
    else:
        content, mime = xlsx_bytes(_("综合评价"), head, rows, (26, 20, 12, 26, 50, 50, 16)), XLSX
    name = f"evaluation-{asked.first}-{asked.last}.{form}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(content, content_type=mime, headers=headers)


def _lines(found: Evaluation) -> Iterator[list[str]]:
    for one in found.measures:
        told = _told(one)
        values = [(_("全部"), told["cell"])] + [
            (found.units.get(unit, unit) or "—", _cell(one.row, value))
            for unit, value in one.by_unit.items()
        ]
        for unit, cell in values:
            yield [
                unit, told["name"], cell["figure"], cell["counts"] or told["why"],
                told["formula"], one.row["source"], one.row["confidence"],
            ]  # fmt: skip
    for code, hits in found.outcomes.items():
        yield [_("全部"), wording.outcome_word(code), str(len(hits)), "", "", "", ""]
