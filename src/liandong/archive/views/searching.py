"""The search page: conditions in the address, facets with counts, hits that open at the line."""

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from liandong.archive.queries import find, newest_records
from liandong.archive.services.looking import note_search
from liandong.archive.viewers import today_of, viewer_of
from liandong.base.gates import ANYONE, open_to
from liandong.base.params import number
from liandong.kernel.ports import FACETS, SearchQuery
from liandong.kernel.query import from_params, query_text, to_params

PAGE = 20
DEEPEST = 500  # hits that can be paged through; beyond that a narrower question finds more
ORDERS = ("relevance", "newest", "oldest")
SHOWN_VALUES = 12  # of a facet


def _facet_labels() -> dict[str, str]:
    return {
        "year": _("年度"),
        "fonds": _("全宗"),
        "category": _("门类"),
        "retention": _("保管期限"),
        "author": _("责任者"),
    }


@require_safe
@open_to(ANYONE)
def show_search(request: HttpRequest) -> HttpResponse:
    """Search over descriptions and page text, under the rule of whoever asks."""
    viewer, today = viewer_of(request), today_of(request)
    query = from_params(dict(request.GET.lists()))
    order = request.GET.get("order", "")
    order = order if order in ORDERS else "relevance"
    offset = _offset(request.GET.get("after", ""))
    asked = bool(to_params(query)) or "q" in request.GET
    context: dict[str, Any] = {
        "query_text": request.GET.get("q", ""),
        "asked": asked,
        "order": order,
    }
    if not asked:
        context["newest"] = newest_records(viewer=viewer, today=today, limit=12)
        return render(request, "archive/search.html", context)
    found = find(query, viewer=viewer, today=today, limit=PAGE, offset=offset, order=order)
    note_search(
        [*query.words, *query.phrases, *query.codes], filters=len(query.filters),
        found=found.count, offset=offset, by=viewer.name, now=timezone.now(),
    )  # fmt: skip
    shown = offset + len(found.hits)
    context |= {
        "found": found,
        "facets": _facets(query, found.facets),
        "chips": _chips(query),
        "next": shown if shown < min(found.count, DEEPEST) else "",
        "previous": max(0, offset - PAGE) if offset else None,
        "first": offset + 1,
        "words": list(query.words + query.phrases),
        "asked_query": urlencode({"q": _as_text(query)}),
        "mark": urlencode({"find": " ".join(query.words + query.phrases)}),
        "orders": [("relevance", _("相关")), ("newest", _("新的在前")), ("oldest", _("旧的在前"))],
    }
    return render(request, "archive/search.html", context)


def _offset(text: str) -> int:
    return min(number(text), DEEPEST - PAGE)


def _facets(query: SearchQuery, counted: Any) -> list[dict[str, Any]]:
    labels = _facet_labels()
    return [
        {
            "name": name,
            "label": labels[name],
            "open": name in {"year", "category", "retention"},
            "values": [
                {
                    "value": value,
                    "label": label or _("（无）"),
                    "count": count,
                    "selected": value in query.filters.get(name, ()),
                }
                for value, label, count in counted.get(name, ())[:SHOWN_VALUES]
            ],
        }
        for name in FACETS
    ]


def _as_text(query: SearchQuery) -> str:
    """The whole question as a person would type it, conditions and all."""
    names = {"year": "年度", "fonds": "全宗", "category": "门类", "retention": "保管期限",
             "author": "责任者"}  # fmt: skip
    conditions = [
        f'{names[name]}:"{value}"' if " " in value else f"{names[name]}:{value}"
        for name, values in query.filters.items()
        for value in values
        if name in names
    ]
    dates = to_params(query).get("date", [])
    return " ".join([query_text(query), *conditions, *(f"日期:{date}" for date in dates)]).strip()


def _chips(query: SearchQuery) -> list[dict[str, str]]:
    labels = _facet_labels() | {"q": _("检索词"), "date": _("日期")}
    params = to_params(query)
    chips = []
    for name, values in params.items():
        for value in values:
            rest = {**params, name: [one for one in values if one != value]}
            chips.append(
                {
                    "label": labels.get(name, name),
                    "value": value,
                    "url": f"?{urlencode(rest, doseq=True)}",
                }
            )
    return chips
