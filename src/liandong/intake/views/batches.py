"""Pages of hand-over batches: list, new, detail with progress, decisions."""

import tempfile
from collections import Counter
from http import HTTPStatus
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from liandong.archive.viewers import viewer_of
from liandong.base.gates import open_to
from liandong.base.models import Account
from liandong.base.params import number, words
from liandong.intake.forms import HandOverForm
from liandong.intake.models import Batch, BatchState, Item, ItemFinding, ItemState
from liandong.intake.policies import DECIDE, HAND_OVER, may_decide
from liandong.intake.queries import (
    PAGE_SIZE,
    check_table,
    findings_by_code,
    fonds_of,
    items_of,
    page_of_batches,
    progress,
    visible_batches,
)
from liandong.intake.services.closing import note_report
from liandong.intake.services.decide import Decided, accept, check_again, send_back
from liandong.intake.services.receive import Incoming, NothingReceived, receive
from liandong.intake.services.upload import Unfinished, receive_session
from liandong.intake.tasks import drive_batch
from liandong.kernel.findings import word
from liandong.kernel.names import BadPath, inner_path
from liandong.kernel.viewer import Viewer

PREVIEWED = 200  # items of a bulk decision that are listed
AT_WORK = {BatchState.RECEIVED, BatchState.CHECKING, BatchState.ACCEPTING}


@require_safe
@open_to(HAND_OVER)
def show_batches(request: HttpRequest) -> HttpResponse:
    """Batches, newest first, with their items by state."""
    viewer = viewer_of(request)
    before = number(request.GET.get("after"))
    state = request.GET.get("state", "")
    rows = page_of_batches(
        viewer,
        before=before or None,
        state=state if state in BatchState.values else "",
    )
    shown = rows[:PAGE_SIZE]
    context = {
        "batches": shown,
        "states": BatchState.choices,
        "state": state,
        "after": shown[-1].pk if len(rows) > PAGE_SIZE else "",
    }
    return render(request, "intake/batches.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@open_to(HAND_OVER)
def show_new(request: HttpRequest) -> HttpResponse:
    """The form of a hand-over; a POST makes a batch of what was uploaded."""
    viewer = viewer_of(request)
    open_batches = visible_batches(viewer)
    initial = {"mends": request.GET.get("mends", "")}
    form = HandOverForm(
        request.POST or None, fonds=fonds_of(viewer), batches=open_batches, initial=initial
    )
    if request.method == "POST" and form.is_valid():
        batch = _receive(request, viewer, form)
        if batch is not None:
            transaction.on_commit(lambda: drive_batch.enqueue(batch.pk))
            return redirect("intake:batch", batch.pk)
    session = form["session"].value() or str(uuid4())
    props = {
        "uploadsUrl": "/transfers/uploads/", "batch": str(session), "chunk": 4 * 1024 * 1024,
        "field": "session",
    }  # fmt: skip
    context = {"form": form, "session": session, "upload": props}
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return render(request, "intake/new.html", context, status=status)


def _receive(request: HttpRequest, viewer: Viewer, form: HandOverForm) -> Batch | None:
    said = form.cleaned_data
    user = request.user
    terms: dict[str, Any] = {
        "name": said["name"], "by": viewer.name, "now": timezone.now(), "fonds": said["fonds"],
        "unit": user.unit if isinstance(user, Account) and not viewer.is_archivist else None,
        "mends": said["mends"],
    }  # fmt: skip
    if said["mends"]:
        terms["fonds"], terms["unit"] = said["mends"].fonds, said["mends"].unit
    elif viewer.is_archivist and said["fonds"]:
        terms["unit"] = said["fonds"].unit
    try:
        if request.FILES:
            return _receive_plain(request, terms)
        return receive_session(said["session"], **terms)
    except NothingReceived:
        form.add_error(None, _("还没有文件：请先选择文件或文件夹"))
    except Unfinished as error:
        form.add_error(None, _("还有 {count} 个文件没有传完").format(count=len(error.paths)))
    except BadPath as error:
        form.add_error(None, str(error))
    return None


def _receive_plain(request: HttpRequest, terms: dict[str, Any]) -> Batch:
    """A hand-over from a browser without script: all files in one form."""
    settings.STAGING.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=settings.STAGING) as name:
        files = []
        for number, sent in enumerate(request.FILES.getlist("files")):
            target = Path(name) / str(number)
            with target.open("wb") as out:
                out.writelines(sent.chunks())
            path = inner_path(str(sent.name))
            files.append(Incoming(path, target, path))
        return receive(files, **terms)


def _batch(request: HttpRequest, batch_id: int) -> Batch:
    return get_object_or_404(visible_batches(viewer_of(request)), pk=batch_id)


@require_safe
@open_to(HAND_OVER)
def show_batch(request: HttpRequest, batch_id: int) -> HttpResponse:
    """Check results: what is wrong, where, how to mend it; decisions; live progress."""
    batch = _batch(request, batch_id)
    state, code = request.GET.get("state", ""), words(request.GET.get("code"))
    rows = items_of(
        batch,
        state=state if state in ItemState.values else "",
        code=code,
        after=number(request.GET.get("after")),
    )
    shown = rows[:PAGE_SIZE]
    for item in shown:
        item.worded = [worded(row) for row in item.findings.all()]  # type: ignore[attr-defined]
    context = _progress_context(batch) | {
        "batch": batch,
        "items": shown,
        "after": shown[-1].pk if len(rows) > PAGE_SIZE else "",
        "chosen_state": state,
        "chosen_code": code,
        "state_choices": [
            (value, label, _states(batch).get(value, 0)) for value, label in ItemState.choices
        ],
        "kinds": _kinds(batch),
        "loose": [worded(row) for row in batch.findings.filter(item=None)],
        "checks": check_table(batch, page_language()),
        "may_decide": may_decide(viewer_of(request)),
        "waiting": _states(batch).get(ItemState.WAITING, 0),
        "held": _states(batch).get(ItemState.HELD, 0),
    }
    return render(request, "intake/batch.html", context)


def _states(batch: Batch) -> dict[str, int]:
    if not hasattr(batch, "_progress"):
        batch._progress = progress(batch)  # type: ignore[attr-defined]  # once per request
    return batch._progress.states  # type: ignore[attr-defined, no-any-return]


def page_language() -> str:
    """zh or en, as catalogues name their columns."""
    return "en" if (get_language() or "").startswith("en") else "zh"


def _kinds(batch: Batch) -> list[dict[str, Any]]:
    """How often each finding occurs in the items; those of the whole batch stand by themselves."""
    loose = Counter(batch.findings.filter(item=None).values_list("code", flat=True))
    rows = [row | {"n": row["n"] - loose[row["code"]]} for row in findings_by_code(batch)]
    return [row | _worded_kind(row["code"]) for row in rows if row["n"]]


def _worded_kind(code: str) -> dict[str, str]:
    message, remedy = word(code, {}, page_language())
    return {"message": message.replace("—", "…"), "remedy": remedy.replace("—", "…")}


def worded(row: ItemFinding) -> dict[str, Any]:
    """A finding with its sentences in the language of the page."""
    message, remedy = word(row.code, row.facts, page_language())
    return {
        "severity": row.severity, "code": row.code, "where": row.where, "row": row.row,
        "column": row.column, "page": row.page, "message": message, "remedy": remedy,
    }  # fmt: skip


def _progress_context(batch: Batch) -> dict[str, Any]:
    _states(batch)
    counts = batch._progress  # type: ignore[attr-defined]
    at_work = batch.state in AT_WORK or counts.todo > 0
    left = None
    if at_work and counts.done:
        spent = (timezone.now() - batch.received_at).total_seconds()
        left = spent / counts.done * counts.todo
    return {"counts": counts, "at_work": at_work, "seconds_left": left}


@require_safe
@open_to(HAND_OVER)
def show_progress(request: HttpRequest, batch_id: int) -> HttpResponse:
    """The progress alone, for htmx; when the work has ended, the page is loaded anew."""
    batch = _batch(request, batch_id)
    context = _progress_context(batch) | {"batch": batch}
    answer = render(request, "intake/progress.html", context)
    if not context["at_work"]:
        answer["HX-Refresh"] = "true"
    return answer


@require_safe
@open_to(HAND_OVER)
def show_receipt(request: HttpRequest, batch_id: int) -> HttpResponse:
    """The receipt of a hand-over: every file with size and digest, to print and sign."""
    batch = _batch(request, batch_id)
    files = batch.files.order_by("path").iterator(chunk_size=500)
    note_report(batch, form="receipt", by=viewer_of(request).name, now=timezone.now())
    return render(request, "intake/receipt.html", {"batch": batch, "files": files})


@require_POST
@open_to(DECIDE)
def decide(request: HttpRequest, batch_id: int) -> HttpResponse:
    """Accept or return chosen items, or all that wait; each item tells its outcome."""
    batch = _batch(request, batch_id)
    chosen = [number(text) for text in request.POST.getlist("item")]
    act, by, now = request.POST.get("act", ""), viewer_of(request).name, timezone.now()
    waiting = batch.items.filter(state=ItemState.WAITING)
    if act == "accept_all" and "sure" not in request.POST:
        return _preview(request, batch, waiting)
    if act == "accept_all":
        outcomes = accept(list(waiting.values_list("pk", flat=True)), by=by, now=now)
    elif act == "accept":
        outcomes = accept(_own(batch, chosen), by=by, now=now)
    elif act == "return":
        reason = words(request.POST.get("reason")).strip()
        if not reason:
            messages.error(request, _("退回必须写明原因"))
            return redirect("intake:batch", batch.pk)
        outcomes = send_back(_own(batch, chosen), reason=reason, by=by, now=now)
    else:
        outcomes = []
    _tell(request, outcomes)
    transaction.on_commit(lambda: drive_batch.enqueue(batch.pk))
    return redirect("intake:batch", batch.pk)


def _preview(request: HttpRequest, batch: Batch, waiting: QuerySet[Item]) -> HttpResponse:
    """What accepting everything would take in, before anything is done."""
    seen = ItemFinding.objects.filter(item=OuterRef("pk"), severity="warn")
    rows = waiting.annotate(warned=Exists(seen)).order_by("pk")
    context = {
        "batch": batch,
        "items": rows[:PREVIEWED],
        "count": waiting.count(),
        "warned": rows.filter(warned=True).count(),
    }
    return render(request, "intake/decide_preview.html", context)


def _own(batch: Batch, chosen: list[int]) -> list[int]:
    return list(Item.objects.filter(batch=batch, pk__in=chosen).values_list("pk", flat=True))


def _tell(request: HttpRequest, outcomes: list[Decided]) -> None:
    done = sum(not outcome.refused for outcome in outcomes)
    if done:
        messages.success(request, _("已处理 {count} 件").format(count=done))
    refused = [outcome.key for outcome in outcomes if outcome.refused]
    if refused:
        names = "、".join(refused[:5])
        text = _("{count} 件不能这样处理（状态已变或不符）：{names}")
        messages.warning(request, text.format(count=len(refused), names=names))
    if not outcomes:
        messages.warning(request, _("没有选择任何件"))


@require_POST
@open_to(HAND_OVER)
def again(request: HttpRequest, batch_id: int) -> HttpResponse:
    """Send the held items through the machine once more."""
    batch = _batch(request, batch_id)
    count = check_again(batch, by=viewer_of(request).name, now=timezone.now())
    if count:
        messages.success(request, _("{count} 件重新检测").format(count=count))
        transaction.on_commit(lambda: drive_batch.enqueue(batch.pk))
    return redirect("intake:batch", batch.pk)
