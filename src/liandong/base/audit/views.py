"""Pages of the auditors: searching rows, one row, everything about an object, checks, evidence."""

import json
import tempfile
from collections.abc import Iterable, Mapping
from datetime import date
from http import HTTPStatus
from typing import Any, Final

from django.contrib import messages
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    StreamingHttpResponse,
)
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from liandong.base.gates import open_to
from liandong.base.models import AuditCheck, AuditRow, Outcome, Unit
from liandong.base.params import number, words
from liandong.base.signing import notice
from liandong.base.viewers import viewer_of
from liandong.kernel import catalog

from . import queries
from .checking import begin_check, fault_words
from .evidence import sheet_lines
from .policies import AUDIT, LOGS, PROTECTION, is_auditor
from .protection import checklist, counts
from .queries import Wanted
from .rows import rows_of
from .services import export_package, note_reading
from .tasks import check_audit

PAGE: Final = 50
MOST: Final = 100_000  # rows of one export on a page; the command line has no limit
TONES: Final = {"done": "done", "refused": "rejected", "failed": "failed"}


def _language() -> str:
    return "en" if (get_language() or "").startswith("en") else "zh"


def wanted_of(parameters: Mapping[str, str]) -> Wanted:
    """What a form asks for; what cannot be read asks for nothing."""
    text = {name: words(parameters.get(name)).strip() for name in (
        "by", "act", "object", "unit", "request", "words"
    )}  # fmt: skip
    outcome = parameters.get("outcome", "")
    return Wanted(
        **text,
        outcome=outcome if outcome in Outcome.values else "",
        since=_day(parameters.get("since")),
        until=_day(parameters.get("until")),
    )


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return None


def _shown(rows: Iterable[AuditRow]) -> list[dict[str, Any]]:
    """Rows as the pages show them: names, words, and how each stands in the chain."""
    listed = list(rows)
    links, names = queries.links_of(listed), queries.names_of(row.by for row in listed)
    units = dict(
        Unit.objects.filter(code__in={row.unit for row in listed}).values_list("code", "name")
    )
    return [
        {
            "row": row,
            "name": person_word(row.by, names),
            "act": queries.act_word(row.act, _language()),
            "roles": [role_word(one) for one in row.roles.split(",") if one],
            "unit": units.get(row.unit, row.unit),
            "tone": TONES.get(row.outcome, "idle"),
            "link": links[row.number],
        }
        for row in listed
    ]


def person_word(by: str, names: Mapping[str, str]) -> str:
    """Who did it: a name, or what stands for nobody in particular."""
    kinds = {"": _("未登录者"), "system": _("系统作业"), "cli": _("命令行")}
    return kinds.get(by) or names.get(by, by)


def role_word(code: str) -> str:
    """A role or officer in words."""
    from liandong.base.models import Officer, Role

    known = {**dict(Role.choices), **dict(Officer.choices)}
    return str(known.get(code, code))


# Searching ----------------------------------------------------------------------------------------


@never_cache
@require_safe
@open_to(LOGS)
def show_audit(request: HttpRequest) -> HttpResponse:
    """Rows by person, act, object, unit, outcome, time, request; newest first, keyset paging."""
    viewer, wanted = viewer_of(request), wanted_of(request.GET.dict())
    before, newer = number(request.GET.get("after")), number(request.GET.get("before"))
    note_reading(wanted, before=before, by=viewer.name, now=timezone.now())
    found = queries.page_of_rows(wanted, viewer=viewer, before=before, after=newer, limit=PAGE + 1)
    rows = found[-PAGE:] if newer else found[:PAGE]
    older_there = len(found) > PAGE or bool(newer)
    newer_there = (len(found) > PAGE if newer else bool(before)) and bool(rows)
    context = {
        "rows": _shown(rows),
        "wanted": wanted,
        "asked": {**wanted.as_facts(), "words": wanted.words},
        "after": rows[-1].number if rows and older_there else "",
        "before": rows[0].number if newer_there else "",
        "acts": _act_choices(),
        "outcomes": Outcome.choices,
        "is_auditor": is_auditor(viewer),
        "state": queries.audit_state(),
    }
    return render(request, "audit/rows.html", context)


def _act_choices() -> list[tuple[str, str]]:
    language = _language()
    return [(row["code"], row[f"name_{language}"]) for row in catalog.rows("audit_acts")]


@never_cache
@require_safe
@open_to(LOGS)
def show_row(request: HttpRequest, row_number: int) -> HttpResponse:
    """One row with everything in it, and how it stands in the chain."""
    viewer = viewer_of(request)
    row = queries.row_by_number(row_number, viewer=viewer)
    if row is None:
        raise Http404
    note_reading(Wanted(), row=row_number, by=viewer.name, now=timezone.now())
    (shown,) = _shown([row])
    context = {
        "shown": shown,
        "entry": row,
        "facts": facts_of(row),
        "before": queries.row_by_number(row_number - 1, viewer=viewer),
        "next": queries.row_by_number(row_number + 1, viewer=viewer),
        "is_auditor": is_auditor(viewer),
    }
    return render(request, "audit/row.html", context)


def facts_of(row: AuditRow) -> list[tuple[str, str]]:
    """The facts of a row in words; of one whose text was tampered with, the text."""
    try:
        known = json.loads(row.facts or "{}")
    except ValueError:
        return [("", row.facts)]
    if not isinstance(known, dict):
        return [("", row.facts)]
    return [(fact_word(str(name)), str(value)) for name, value in known.items()]


def fact_word(name: str) -> str:
    """A fact as a person reads it; one that has no word here stands as it is."""
    return {
        "version": _("版本"), "sight": _("所见"), "page": _("页"), "line": _("行"),
        "file": _("文件"), "files": _("文件数"), "bytes": _("字节数"), "items": _("件数"),
        "refused": _("不能处理的件数"), "filters": _("条件数"), "found": _("命中数"),
        "offset": _("从第几条起"), "words": _("检索词的摘要"), "form": _("形式"),
        "fields": _("著录项"), "checked": _("校验数"), "failed": _("不符数"),
        "faults": _("不符数"), "rows": _("行数"), "seals": _("封存数"), "first": _("自"),
        "last": _("至"), "hash": _("杂凑"), "object": _("对象"), "by": _("何人"),
        "role": _("角色"), "unit": _("单位"), "title": _("题名"), "state": _("状态"),
        "decision": _("鉴定意见"), "clause": _("依据条款"), "basis": _("依据"), "kind": _("种类"),
        "kinds": _("种类"), "outcome": _("结果"), "list": _("清册"), "number": _("编号"),
        "pages": _("页数"), "source": _("来源"), "until": _("至"), "due": _("应还日期"),
        "uses": _("利用方式"), "use": _("利用方式"), "delivery": _("取得方式"),
        "records": _("件数"), "count": _("件数"), "reason": _("理由"), "verdict": _("意见"),
        "agrees": _("同意"), "review": _("开放审核"), "step": _("环节"), "masked": _("已遮盖"),
        "sha256": "SHA-256",
    }.get(name, name)  # fmt: skip


@never_cache
@require_safe
@open_to(LOGS)
def show_object(request: HttpRequest, object_name: str) -> HttpResponse:
    """Everything that was done to one object, oldest first, and who has seen it how often."""
    viewer, wanted = viewer_of(request), Wanted(object=words(object_name))
    after = number(request.GET.get("after"))
    note_reading(wanted, by=viewer.name, now=timezone.now())
    rows = queries.history_of(wanted.object, viewer=viewer, after=after, limit=PAGE + 1)
    if not rows and not after:
        raise Http404
    context = {
        "object": wanted.object,
        "rows": _shown(rows[:PAGE]),
        "after": rows[PAGE - 1].number if len(rows) > PAGE else "",
        "readers": [
            {**one, "name": person_word(one["by"], queries.names_of([one["by"]]))}
            for one in queries.readers_of(wanted.object, viewer=viewer)
        ],
        "is_auditor": is_auditor(viewer),
    }
    return render(request, "audit/object.html", context)


# Checking and sealing -----------------------------------------------------------------------------


@require_POST
@open_to(AUDIT)
def start_check(request: HttpRequest) -> HttpResponse:
    """Check the whole chain, or watch the check that is going on."""
    check, is_new = begin_check(by=viewer_of(request).name, now=timezone.now())
    if is_new:
        check_audit.enqueue(check.pk)
    return redirect("audit:check", check.pk)


@never_cache
@require_safe
@open_to(AUDIT)
def show_check(request: HttpRequest, check_id: int) -> HttpResponse:
    """How far a check is, and what it found."""
    check = get_object_or_404(AuditCheck, pk=check_id)
    context = {
        "check": check,
        "faults": [{"words": fault_words(one), **one} for one in check.found],
        "seconds_left": _seconds_left(check),
    }
    if request.htmx:  # type: ignore[attr-defined]
        answer = render(request, "audit/check_progress.html", context)
        if check.ended_at:
            answer["HX-Refresh"] = "true"
        return answer
    return render(request, "audit/check.html", context)


def _seconds_left(check: AuditCheck) -> float | None:
    spent = (check.beat_at - check.started_at).total_seconds()
    if not check.checked or check.ended_at:
        return None
    return spent / check.checked * max(0, check.total - check.checked)


@never_cache
@require_safe
@open_to(AUDIT)
def show_seals(request: HttpRequest) -> HttpResponse:
    """Seals, newest first: what each covers, its root, who signed it."""
    before = number(request.GET.get("after"))
    found = queries.seals(before=before, limit=PAGE + 1)
    context = {
        "seals": [{"seal": one, "signature": _signature(one.signature)} for one in found[:PAGE]],
        "after": found[PAGE - 1].number if len(found) > PAGE else "",
        "notice": notice(),
        "checks": AuditCheck.objects.all()[:10],
    }
    return render(request, "audit/seals.html", context)


def _signature(text: str) -> dict[str, str]:
    try:
        known = json.loads(text or "{}")
    except ValueError:
        return {}
    return known if isinstance(known, dict) else {}


# Evidence -----------------------------------------------------------------------------------------


@require_POST
@open_to(AUDIT)
def export(request: HttpRequest) -> HttpResponseBase:
    """The rows that the form asks for: as a package that a stranger can check, or as CSV."""
    viewer, wanted, now = viewer_of(request), wanted_of(request.POST.dict()), timezone.now()
    chosen = queries.chosen_rows(wanted, viewer=viewer)
    if chosen[MOST : MOST + 1].exists():
        text = _("超过 {most} 行：请缩小范围，或用命令行 liandong audit export")
        messages.warning(request, text.format(most=f"{MOST:,}"))
        return redirect("audit:rows")
    day = timezone.localtime(now).strftime("%Y%m%d-%H%M%S")
    if request.POST.get("as") == "csv":
        note_reading(wanted, form="csv", by=viewer.name, now=now)
        answer = StreamingHttpResponse(sheet_lines(rows_of(chosen)), content_type="text/csv")
        answer["Content-Disposition"] = f'attachment; filename="audit-{day}.csv"'
        return answer
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the answer closes it
    export_package(file, wanted, viewer=viewer, by=viewer.name, now=now)
    file.seek(0)
    return FileResponse(file, as_attachment=True, filename=f"audit-{day}.zip")


# Protection level ---------------------------------------------------------------------------------


@require_safe
@open_to(PROTECTION)
def show_protection(request: HttpRequest) -> HttpResponse:
    """The checklist of protection level 3 with the state and the evidence of each line."""
    state = request.GET.get("state", "")
    rows = checklist(_language())
    context = {
        "rows": [row for row in rows if not state or row.state == state],
        "counts": counts(rows),
        "state": state,
        "now": timezone.now(),
    }
    return render(request, "audit/protection.html", context, status=HTTPStatus.OK)
