"""Raising a matter in steps (分步填写): each step its own page, kept at every step."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from liandong.base.gates import open_to
from liandong.base.params import words
from liandong.base.viewers import viewer_of
from liandong.cases import portal_wording, wording
from liandong.cases.forms import CHECK, PAPERS, Step, StepForm, steps_of
from liandong.cases.models import Draft, DraftPaper
from liandong.cases.policies import DRAFT, PORTAL, Bearer
from liandong.cases.queries import portal
from liandong.cases.queries.mandates import may_raise_for
from liandong.cases.services import drafting
from liandong.cases.services.opening import BadReport
from liandong.cases.services.papers import ENDINGS, MOST_PAPERS, PAPER_BYTES, BadPaper
from liandong.kernel.casework import kinds


@require_http_methods(["GET", "HEAD", "POST"])
@open_to(PORTAL)
def show_new(request: HttpRequest) -> HttpResponse:
    """Choose what to raise and for whom; the drafts that wait to be gone on with."""
    viewer, refused = viewer_of(request), ""
    wanted = words(request.POST.get("kind") or request.GET.get("kind"))
    if request.method == "POST":
        enterprise = words(request.POST.get("enterprise")) or viewer.unit
        try:
            draft = drafting.begin_draft(
                wanted, enterprise, viewer=viewer, step="matter", now=timezone.now()
            )
        except drafting.BadDraft as bad:
            refused = portal_wording.draft_refusal(bad.code)
        else:
            return redirect("cases:draft", draft.uuid, steps_of(kinds()[wanted])[0].code)
    context = {
        "crumbs": [(_("企业服务"), "/biz/"), (_("提交新事项"), "")],
        "kinds": [(one.code, wording.kind_word(one.code)) for one in portal.portal_kinds()],
        "wanted": wanted or "enterprise_demand",
        "units": may_raise_for(viewer),
        "own": viewer.unit,
        "drafts": [
            {"draft": one, "kind": wording.kind_word(one.kind)} for one in portal.drafts_of(viewer)
        ],
        "refused": refused,
    }
    return render(request, "cases/new.html", context, status=422 if refused else 200)


def _draft(request: HttpRequest, uuid: UUID) -> Draft:
    draft = portal.draft_by_uuid(uuid, viewer=viewer_of(request))
    if draft is None:
        raise Http404
    return draft


@require_http_methods(["GET", "HEAD", "POST"])
@open_to(DRAFT)
def show_step(request: HttpRequest, draft: UUID, step: str) -> HttpResponse:
    """One step of a draft: what is written is kept, right or wrong, and then judged."""
    row = _draft(request, draft)
    steps = steps_of(kinds()[row.kind])
    at = next((n for n, one in enumerate(steps) if one.code == step), None)
    if at is None:
        raise Http404
    if request.method == "POST":
        return _take(request, row, steps, at)
    return _page(request, row, steps, at)


def _take(request: HttpRequest, draft: Draft, steps: list[Step], at: int) -> HttpResponse:
    step, act, now = steps[at], request.POST.get("act", "next"), timezone.now()
    if step.code == CHECK:
        return _hand_in(request, draft, steps, at)
    form = None
    if step.fields:
        said = {
            one.code: request.POST.get(one.code, "").replace("\0", "") for one in step.fields
        }  # fmt: skip
        drafting.keep_words(draft.pk, said, step=step.code, now=now)
        form = StepForm(draft.kind, step.fields, said)
    if step.code == PAPERS and not _keep_papers(request, draft):
        return redirect("cases:draft", draft.uuid, PAPERS)
    if act == "save":
        messages.success(request, _("草稿已保存，可以随时接着写。"))
        return redirect("cases:biz")
    if act == "attach":
        return redirect("cases:draft", draft.uuid, PAPERS)
    if form is not None and not form.is_valid():
        return _page(request, draft, steps, at, form)
    drafting.keep_words(draft.pk, {}, step=steps[at + 1].code, now=now)
    return redirect("cases:draft", draft.uuid, steps[at + 1].code)


def _page(
    request: HttpRequest, draft: Draft, steps: list[Step], at: int, form: StepForm | None = None
) -> HttpResponse:
    step, said = steps[at], drafting.words_of(draft)
    if form is None and step.fields:
        form = StepForm(draft.kind, step.fields, initial=said)
    faults = _faults(draft, steps, said) if step.code == CHECK else []
    context: dict[str, Any] = {
        "draft": draft,
        "kind": wording.kind_word(draft.kind),
        "crumbs": [(_("企业服务"), "/biz/"), (wording.kind_word(draft.kind), "")],
        "steps": steps,
        "step": step,
        "number": at + 1,
        "back": steps[at - 1].code if at else "",
        "form": form,
        "papers": draft.papers.all(),
        "most": MOST_PAPERS,
        "mega": PAPER_BYTES // 1024**2,
        "accept": ",".join(f".{one}" for one in ENDINGS),
        "seers": portal_wording.seer_lines(portal.seers(kinds()[draft.kind], draft.enterprise)),
    }
    if step.code == CHECK:
        context |= {"parts": [_part(draft, one, said) for one in steps if one.fields],
                    "faults": faults}  # fmt: skip
    bad = bool(faults and request.method == "POST") or (form is not None and bool(form.errors))
    return render(request, "cases/draft.html", context, status=422 if bad else 200)


def _part(draft: Draft, step: Step, said: dict[str, str]) -> dict[str, Any]:
    facts = [
        {"label": wording.field_word(draft.kind, one.code), "value": said.get(one.code, "")}
        for one in step.fields
    ]
    return {"step": step, "facts": facts}


def _faults(draft: Draft, steps: list[Step], said: dict[str, str]) -> list[dict[str, str]]:
    """Everything that is wrong with the draft, each with the field that it leads to."""
    found = []
    for step in steps:
        form = StepForm(draft.kind, step.fields, said)
        for name, errors in form.errors.items():
            label = str(form.fields[name].label) if name in form.fields else ""
            text = f"{label}：{errors[0]}" if label else str(errors[0])
            found.append({"step": step.code, "field": f"id_{name}", "text": text})
    return found


def _hand_in(request: HttpRequest, draft: Draft, steps: list[Step], at: int) -> HttpResponse:
    if _faults(draft, steps, drafting.words_of(draft)):
        return _page(request, draft, steps, at)
    try:
        case = drafting.hand_in(draft, by=Bearer(viewer_of(request)), now=timezone.now())
    except BadReport as bad:
        for one in portal_wording.fault_lines(bad.faults):
            messages.error(request, one["text"])
        return redirect("cases:draft", draft.uuid, CHECK)
    messages.success(request, _("已提交，编号 {number}。").format(number=case.number))
    return redirect("cases:demand", case.number)


# Materials ----------------------------------------------------------------------------------------


def _keep_papers(request: HttpRequest, draft: Draft) -> bool:
    """Keep what was chosen, each with its own receipt; whether all of it was taken."""
    by, now, fine = viewer_of(request).name, timezone.now(), True
    for file in request.FILES.getlist("paper"):
        if not isinstance(file, UploadedFile):
            continue
        name = file.name or "paper"
        is_large = (file.size or 0) > PAPER_BYTES
        content = b"x" * (PAPER_BYTES + 1) if is_large else file.read()
        try:
            paper = drafting.attach_paper(draft, name, content, by=by, now=now)
        except BadPaper as bad:
            fine = False
            messages.error(request, f"{name}：{portal_wording.paper_refusal(bad.code)}")
        else:
            messages.success(request, _("已收到 {name}，摘要 {digest}").format(
                name=paper.name, digest=paper.sha256[:16]
            ))  # fmt: skip
    return fine


@require_POST
@open_to(DRAFT)
def drop_paper(request: HttpRequest, draft: UUID, paper: UUID) -> HttpResponse:
    """Take a material out of the own draft."""
    row = _draft(request, draft)
    try:
        drafting.detach_paper(row, paper, by=viewer_of(request).name, now=timezone.now())
    except DraftPaper.DoesNotExist:
        raise Http404 from None
    return redirect("cases:draft", row.uuid, PAPERS)


@require_POST
@open_to(DRAFT)
def drop(request: HttpRequest, draft: UUID) -> HttpResponse:
    """Throw the own draft away."""
    drafting.drop_draft(_draft(request, draft))
    messages.success(request, _("草稿已删除。"))
    return redirect("cases:biz")
