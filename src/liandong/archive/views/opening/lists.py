"""Lists of opening review: what waits for me, what is due, reviews by state, the plan of a year."""

from itertools import groupby
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from liandong.archive.models import OpeningReview, OpeningState, Record
from liandong.archive.policies import REVIEW_OPENING, SAY_ON_OPENING
from liandong.archive.queries import opening as reads
from liandong.archive.services.opening.planning import Planned, plan, plan_due
from liandong.archive.viewers import today_of, viewer_of
from liandong.base.gates import open_to
from liandong.base.params import number, words

from .wording import TONES, day_words, grounds_named, state_word, verdict_word

PAGE = 50
FIRST_SHOWN = 10  # of my queue on the first page
NO_DAY = "0"


def _row(review: OpeningReview) -> dict[str, Any]:
    return {
        "review": review,
        "record": review.record,
        "due": day_words(review.due),
        "state": state_word(review.state),
        "tone": TONES[OpeningState(review.state)],
        "said": verdict_word(review.verdict or review.proposed),
    }


@require_safe
@open_to(SAY_ON_OPENING)
def show_opening(request: HttpRequest) -> HttpResponse:
    """What waits for whoever asks, what is due by fonds and year, and how reviews stand."""
    viewer, today = viewer_of(request), today_of(request)
    mine = reads.queue(viewer)
    first = reads.reviews(viewer=viewer, mine=True, limit=FIRST_SHOWN)
    counts = reads.review_counts(viewer=viewer)
    due = reads.due_counts(viewer=viewer, today=today)
    context = {
        "waiting": mine.count(),
        "first": first[0] if first else None,
        "rows": [_row(review) for review in first[:FIRST_SHOWN]],
        "is_staff": REVIEW_OPENING.may(viewer),
        "is_director": viewer.is_director,
        "due": _by_fonds(due),
        "due_total": sum(one.count for one in due),
        "this_year": today // reads.YEAR,
        "states": [
            {"state": state, "word": state_word(state), "count": counts[state]}
            for state in OpeningState.values
            if counts.get(state)
        ],
        "years": reads.plan_years(viewer=viewer),
    }
    return render(request, "archive/opening/start.html", context)


def _by_fonds(counts: list[reads.DueCount]) -> list[dict[str, Any]]:
    return [
        {
            "fonds": number_,
            "title": title,
            "years": [
                {"year": one.year, "word": str(one.year) if one.year else _("日期不详"),
                 "count": one.count}
                for one in ones
            ],
        }
        for (number_, title), group in groupby(counts, key=lambda one: (one.fonds, one.title))
        if (ones := list(group))
    ]  # fmt: skip


# Due ----------------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@open_to(REVIEW_OPENING)
def show_due(request: HttpRequest) -> HttpResponse:
    """Records that are due or soon due; a POST puts those chosen, or all of them, on the plan."""
    viewer, today = viewer_of(request), today_of(request)
    fonds, year = words(request.GET.get("fonds")), request.GET.get("year")
    if request.method == "POST":
        return _plan(request, fonds, today // reads.YEAR)
    counts = reads.due_counts(viewer=viewer, today=today)
    chosen = number(year) if year else None
    rows = reads.due_records(
        viewer=viewer, today=today, fonds=fonds, year=chosen, after=_place(request), limit=PAGE
    )
    shown = rows[:PAGE]
    last = shown[-1] if shown else None
    context = {
        "rows": [_due_row(record, today) for record in shown],
        "facets": _due_facets(counts, fonds, year),
        "after": f"{last.open_due}-{last.pk}" if last and len(rows) > PAGE else "",
        "total": sum(one.count for one in counts if _matches(one, fonds, chosen)),
        "this_year": today // reads.YEAR,
    }
    return render(request, "archive/opening/due.html", context)


def _place(request: HttpRequest) -> tuple[int, int]:
    day, _dash, key = request.GET.get("after", "").partition("-")
    return number(day), number(key)


def _due_row(record: Record, today: int) -> dict[str, Any]:
    return {
        "record": record,
        "due": day_words(record.open_due),
        "dated": day_words(record.document_date),
        "is_over": record.open_due <= today,
    }


def _matches(one: reads.DueCount, fonds: str, year: int | None) -> bool:
    return (not fonds or one.fonds == fonds) and (year is None or one.year == year)


def _due_facets(counts: list[reads.DueCount], fonds: str, year: str | None) -> list[dict[str, Any]]:
    """Fonds and years with counts; each keeps the counts of its other values."""
    by_fonds: dict[str, list[Any]] = {}
    by_year: dict[int, int] = {}
    for one in counts:
        if not year or one.year == number(year):
            row = by_fonds.setdefault(one.fonds, [f"{one.fonds} {one.title}", 0])
            row[1] += one.count
        if not fonds or one.fonds == fonds:
            by_year[one.year] = by_year.get(one.year, 0) + one.count
    years = [
        {"value": str(key), "label": str(key) if key else _("日期不详"), "count": count,
         "selected": str(key) == year}
        for key, count in sorted(by_year.items(), key=lambda pair: pair[0] or 9999)
    ]  # fmt: skip
    fondses = [
        {"value": key, "label": label, "count": count, "selected": key == fonds}
        for key, (label, count) in by_fonds.items()
    ]
    return [
        {"name": "fonds", "label": _("全宗"), "values": fondses},
        {"name": "year", "label": _("到期年份"), "values": years},
    ]


def _plan(request: HttpRequest, fonds: str, this_year: int) -> HttpResponse:
    viewer, now = viewer_of(request), timezone.now()
    year = number(request.POST.get("plan_year"), this_year)
    year = year if this_year <= year <= this_year + 1 else this_year
    if "all" in request.POST:
        done = plan_due(year, fonds=fonds, by=viewer.name, now=now)
    else:
        keys = [number(text) for text in request.POST.getlist("record")]
        done = plan(keys, year=year, by=viewer.name, now=now) if keys else Planned(0, 0)
    if done.added:
        words_ = _("已把 {count} 件列入 {year} 年计划，系统正在提出建议")
        messages.success(request, words_.format(count=done.added, year=year))
    else:
        messages.warning(request, _("没有列入任何一件：没有选中，或都已在审核中"))
    return redirect(request.get_full_path())


# Reviews ------------------------------------------------------------------------------------------


@require_safe
@open_to(SAY_ON_OPENING)
def show_reviews(request: HttpRequest) -> HttpResponse:
    """Reviews by state, fonds and year of the plan, or those that wait for me; with a batch bar."""
    viewer = viewer_of(request)
    state = request.GET.get("state", "")
    state = state if state in OpeningState.values else ""
    mine, year = "mine" in request.GET, number(request.GET.get("year"))
    rows = reads.reviews(
        viewer=viewer, state=state, fonds=words(request.GET.get("fonds")), year=year, mine=mine,
        after=number(request.GET.get("after")), limit=PAGE,
    )  # fmt: skip
    shown = rows[:PAGE]
    counts = reads.review_counts(viewer=viewer, year=year)
    context = {
        "rows": [_row(review) for review in shown],
        "after": shown[-1].pk if len(rows) > PAGE else "",
        "state": state,
        "mine": mine,
        "states": [
            (value, state_word(value), counts.get(value, 0))
            for value in OpeningState.values
            if counts.get(value) or value == state
        ],
        "grounds": grounds_named(),
    }
    return render(request, "archive/opening/reviews.html", context)


@require_safe
@open_to(REVIEW_OPENING)
def show_plan(request: HttpRequest, year: int) -> HttpResponse:
    """The plan of a year by fonds, made for paper too."""
    rows = reads.plan_rows(year, viewer=viewer_of(request))
    context = {
        "year": year,
        "rows": rows,
        "total": sum(row.total for row in rows),
        "done": sum(row.opened + row.masked + row.deferred for row in rows),
        "made_on": timezone.localtime(),
        "crumbs": [(_("开放审核"), reverse("archive:opening")), (_("年度计划"), "")],
    }
    return render(request, "archive/opening/plan.html", context)
