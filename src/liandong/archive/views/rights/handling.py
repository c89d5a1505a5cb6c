"""One request: what the person reads, and what the handler does."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from liandong.archive.models import (
    PersonalHit,
    Record,
    RightsOutcome,
    RightsRequest,
    RightsState,
)
from liandong.archive.policies import HANDLE_RIGHTS, SEE_RIGHTS
from liandong.archive.queries import rights as reads
from liandong.archive.services.correcting import BadDescription
from liandong.archive.services.rights import requests as acts
from liandong.archive.services.rights.matching import matches
from liandong.archive.viewers import today_of, viewer_of
from liandong.archive.views.opening.wording import day_words, kind_word
from liandong.base.gates import open_to
from liandong.base.params import number, words
from liandong.kernel.flows import StepRefused

from .wording import TONES, bases_for, basis_words, outcome_word, step_refused_words, step_word


class AnswerForm(forms.Form):
    """The answer to a request."""

    outcome = forms.ChoiceField(
        label=gettext_lazy("结果"), choices=RightsOutcome.choices, widget=forms.RadioSelect
    )
    basis = forms.ChoiceField(label=gettext_lazy("依据的条款"), widget=forms.RadioSelect)
    answer = forms.CharField(
        label=gettext_lazy("答复"), max_length=4000, widget=forms.Textarea(attrs={"rows": 5})
    )
    tell = forms.BooleanField(
        label=gettext_lazy("把命中的位置告知本人"), required=False,
        help_text=gettext_lazy("只告知档号、页码和种类；须已核对身份"),
    )  # fmt: skip

    def __init__(self, *args: Any, kind: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["basis"].choices = bases_for(kind)  # type: ignore[attr-defined]  # a ChoiceField


def request_or_404(request: HttpRequest, code: str) -> RightsRequest:
    """The request, if whoever asks may see it; the same answer for hidden and for absent."""
    found = reads.request_by_number(code, viewer=viewer_of(request))
    if found is None:
        raise Http404
    return found


@require_safe
@open_to(SEE_RIGHTS)
def show_request(request: HttpRequest, code: str) -> HttpResponse:
    """What was asked and answered; for the handler what can be done now."""
    one = request_or_404(request, code)
    return _page(request, one, AnswerForm(kind=one.kind))


def _page(
    request: HttpRequest, one: RightsRequest, form: AnswerForm, hits: Any = None
) -> HttpResponse:
    viewer = viewer_of(request)
    waits = one.state in reads.WAITING
    context = {
        "one": one,
        "tone": TONES[RightsState(one.state)],
        "until": day_words(one.answer_until),
        "late": waits and one.answer_until < today_of(request),
        "paper": kind_word(one.paper) if one.paper else "",
        "outcome": outcome_word(one),
        "basis": basis_words(one.basis),
        "found": [{**row, "kind": kind_word(row["kind"])} for row in one.found],
        "steps": [{"row": row, "word": step_word(row.step)} for row in reads.steps_of(one)],
        "waits": waits,
        "may_handle": waits and viewer.is_archivist,
        "may_withdraw": waits and bool(one.account and one.account.username == viewer.name),
        "form": form,
        "hits": hits,
        "corrects": one.kind == "correction",
        "crumbs": [(_("个人信息权利"), reverse("archive:rights")), (one.number, "")],
    }
    return render(request, "archive/rights/request.html", context)


@require_POST
@open_to(HANDLE_RIGHTS)
def find_matches(request: HttpRequest, code: str) -> HttpResponse:
    """Where the number of whoever asked stands: records, pages and kinds, nothing beside it."""
    one = request_or_404(request, code)
    hits = matches(one, by=viewer_of(request).name, now=timezone.now())
    return _page(request, one, AnswerForm(kind=one.kind), _hit_rows(hits))


def _hit_rows(hits: Sequence[PersonalHit]) -> list[dict[str, Any]]:
    return [
        {"hit": hit, "code": hit.record.code, "kind": kind_word(hit.kind),
         "state": hit.get_state_display()}
        for hit in hits
    ]  # fmt: skip


@require_POST
@open_to(HANDLE_RIGHTS)
def give_answer(request: HttpRequest, code: str) -> HttpResponse:
    """Answer with the article that it rests on."""
    one = request_or_404(request, code)
    form = AnswerForm(request.POST, kind=one.kind)
    by, now = viewer_of(request).name, timezone.now()
    if form.is_valid():
        said = form.cleaned_data
        try:
            told = matches(one, by=by, now=now) if said["tell"] else []
            acts.answer(
                one.pk, said["outcome"], said["answer"], said["basis"], by=by, now=now, told=told
            )
        except acts.RetentionWins:
            form.add_error("outcome", _(
                "档案法定保存期限未届满，不能删除：请选择“不删除，限于存储和保护”"
            ))  # fmt: skip
        except StepRefused as refused:
            form.add_error(None, step_refused_words(refused))
        else:
            messages.success(request, _("已答复 {number}").format(number=one.number))
            return redirect("archive:rights_request", one.number)
    return _page(request, one, form)


@require_POST
@open_to(HANDLE_RIGHTS)
def identify(request: HttpRequest, code: str) -> HttpResponse:
    """The paper was seen, and has this number."""
    one = request_or_404(request, code)
    by, now = viewer_of(request).name, timezone.now()
    try:
        acts.identify(one.pk, words(request.POST.get("number")), by=by, now=now)
    except acts.OtherPerson:
        messages.error(request, _("证件号码与请求时填写的不一致，或请求时没有填写"))
    except StepRefused as refused:
        messages.error(request, step_refused_words(refused))
    else:
        messages.success(request, _("身份已核对"))
    return redirect("archive:rights_request", one.number)


@require_POST
@open_to(HANDLE_RIGHTS)
def extend(request: HttpRequest, code: str) -> HttpResponse:
    """Give the answer more time, with a reason."""
    one = request_or_404(request, code)
    days, why = number(request.POST.get("days")), words(request.POST.get("reason"))
    try:
        acts.extend(one.pk, days, why, by=viewer_of(request).name, now=timezone.now())
    except StepRefused as refused:
        messages.error(
            request,
            _("请写明天数和理由")
            if refused.reason == "missing-evidence"
            else step_refused_words(refused),
        )
    else:
        messages.success(request, _("期限已延长"))
    return redirect("archive:rights_request", one.number)


@require_POST
@open_to(HANDLE_RIGHTS)
def annotate(request: HttpRequest, code: str) -> HttpResponse:
    """Correct a record by an annotation; the original stays as it is."""
    one = request_or_404(request, code)
    record, text = words(request.POST.get("record")).strip(), words(request.POST.get("text"))
    by, now = viewer_of(request).name, timezone.now()
    try:
        acts.annotate(one.pk, record, text, by=by, now=now)
    except Record.DoesNotExist:
        messages.error(request, _("没有这个档号：{code}").format(code=record))
    except (StepRefused, BadDescription):
        messages.error(request, _("请写明更正的内容；已答复的请求不能再更正"))
    else:
        messages.success(request, _("已在 {code} 加注，原文保留").format(code=record))
    return redirect("archive:rights_request", one.number)


@require_POST
@open_to(SEE_RIGHTS)
def withdraw(request: HttpRequest, code: str) -> HttpResponse:
    """The person does not ask any more."""
    one = request_or_404(request, code)
    try:
        acts.withdraw_request(one.pk, by=viewer_of(request).name, now=timezone.now())
    except StepRefused as refused:
        messages.error(request, step_refused_words(refused))
    else:
        messages.success(request, _("已撤回 {number}").format(number=one.number))
    return redirect("archive:rights_request", one.number)
