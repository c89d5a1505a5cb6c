"""Consents, withdrawn as easily as given, and the register of impact assessments."""

from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import ProtectedError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from liandong.archive.models import ConsentRecord, ImpactAssessment, LegalBasis
from liandong.archive.policies import ASSESS, HANDLE_RIGHTS, SEE_RIGHTS
from liandong.archive.queries import rights as reads
from liandong.archive.services.rights import registers as acts
from liandong.archive.viewers import viewer_of
from liandong.archive.views.opening.wording import day_words
from liandong.base.gates import open_to
from liandong.base.params import words
from liandong.kernel.flows import StepRefused

from .wording import papers, step_refused_words


class ConsentForm(forms.Form):
    """One consent to one purpose."""

    name = forms.CharField(label=gettext_lazy("姓名"), max_length=100)
    paper = forms.ChoiceField(label=gettext_lazy("证件种类"), required=False)
    number = forms.CharField(label=gettext_lazy("证件号码"), max_length=40, required=False)
    purpose = forms.CharField(label=gettext_lazy("处理目的"), max_length=300)
    basis = forms.ChoiceField(label=gettext_lazy("法律依据"), choices=LegalBasis.choices)
    kinds = forms.CharField(label=gettext_lazy("个人信息种类"), max_length=500)
    notice = forms.CharField(label=gettext_lazy("告知书版本"), max_length=100)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        none = [("", _("（不填）")), *papers()]
        self.fields["paper"].choices = none  # type: ignore[attr-defined]  # a ChoiceField


def _long(label: Any, most: int = 4000) -> forms.CharField:
    return forms.CharField(label=label, max_length=most, widget=forms.Textarea(attrs={"rows": 4}))


class AssessmentForm(forms.Form):
    """What an assessment says.  个人信息保护法 (2021) art. 56."""

    title = forms.CharField(label=gettext_lazy("处理活动"), max_length=200)
    purpose = _long(gettext_lazy("目的、方式是否合法、正当、必要"))
    kinds = forms.CharField(label=gettext_lazy("个人信息种类"), max_length=500)
    risks = _long(gettext_lazy("对个人权益的影响及安全风险"))
    measures = _long(gettext_lazy("保护措施是否合法、有效并与风险相适应"))
    conclusion = _long(gettext_lazy("结论"), 2000)


# Consents -----------------------------------------------------------------------------------------


@require_safe
@open_to(SEE_RIGHTS)
def show_consents(request: HttpRequest) -> HttpResponse:
    """The own consents, each with one button to withdraw it; for a handler the register."""
    viewer = viewer_of(request)
    handler = reads.is_handler(viewer)
    context = {
        "rows": reads.consents(viewer, mine=not handler),
        "is_handler": handler,
        "form": ConsentForm() if viewer.is_archivist else None,
        "crumbs": [(_("个人信息权利"), reverse("archive:rights")), (_("同意记录"), "")],
    }
    return render(request, "archive/rights/consents.html", context)


@require_POST
@open_to(HANDLE_RIGHTS)
def register_consent(request: HttpRequest) -> HttpResponse:
    """Register a consent that a person gave at the desk, informed by a notice."""
    form = ConsentForm(request.POST)
    if form.is_valid():
        acts.give_consent(**form.cleaned_data, by=viewer_of(request).name, now=timezone.now())
        messages.success(request, _("已登记"))
        return redirect("archive:consents")
    viewer = viewer_of(request)
    context = {
        "rows": reads.consents(viewer, mine=False),
        "is_handler": True,
        "form": form,
        "crumbs": [(_("个人信息权利"), reverse("archive:rights")), (_("同意记录"), "")],
    }
    return render(request, "archive/rights/consents.html", context)


@require_POST
@open_to(SEE_RIGHTS)
def withdraw_consent(request: HttpRequest, consent_id: int) -> HttpResponse:
    """Withdraw a consent."""
    try:
        acts.withdraw_consent(consent_id, by=viewer_of(request).name, now=timezone.now())
    except ConsentRecord.DoesNotExist:
        raise Http404 from None
    messages.success(request, _("已撤回同意；撤回之前已经进行的处理不受影响"))
    return redirect("archive:consents")


# Impact assessments -------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@open_to(ASSESS)
def show_assessments(request: HttpRequest) -> HttpResponse:
    """The register; a POST adds an assessment."""
    form = AssessmentForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        replaces = reads.assessment_by_number(words(request.POST.get("replaces")))
        made = acts.assess(
            form.cleaned_data, by=viewer_of(request).name, now=timezone.now(), replaces=replaces
        )
        messages.success(request, _("已登记 {number}").format(number=made.number))
        return redirect("archive:assessment", made.number)
    context = {
        "rows": reads.assessments(),
        "form": form,
        "crumbs": [(_("个人信息权利"), reverse("archive:rights")), (_("影响评估"), "")],
    }
    return render(request, "archive/rights/assessments.html", context)


def _assessment_or_404(code: str) -> ImpactAssessment:
    found = reads.assessment_by_number(code)
    if found is None:
        raise Http404
    return found


@require_safe
@open_to(ASSESS)
def show_assessment(request: HttpRequest, code: str) -> HttpResponse:
    """One assessment, made for paper too."""
    one, viewer = _assessment_or_404(code), viewer_of(request)
    fields = AssessmentForm.base_fields
    context = {
        "one": one,
        "parts": [(fields[name].label, getattr(one, name)) for name in fields if name != "title"],
        "kept_until": day_words(acts.kept_until(one)),
        "may_approve": viewer.is_director and one.approved_at is None and one.by != viewer.name,
        "may_remove": viewer.is_director,
        "crumbs": [
            (_("个人信息权利"), reverse("archive:rights")),
            (_("影响评估"), reverse("archive:assessments")),
            (one.number, ""),
        ],
    }
    return render(request, "archive/rights/assessment.html", context)


@require_POST
@open_to(ASSESS)
def change_assessment(request: HttpRequest, code: str, step: str) -> HttpResponse:
    """Approve an assessment, or remove one that is old enough."""
    one = _assessment_or_404(code)
    by, now = viewer_of(request).name, timezone.now()
    try:
        match step:
            case "approve":
                acts.approve(one.pk, by=by, now=now)
                messages.success(request, _("已审定 {number}").format(number=one.number))
            case "remove":
                acts.remove_assessment(one.pk, by=by, now=now)
                messages.success(request, _("已删除 {number}").format(number=one.number))
                return redirect("archive:assessments")
            case _:
                raise Http404
    except acts.TooEarly as early:
        messages.error(request, _("评估报告至少保存三年，{day} 之前不能删除").format(
            day=day_words(early.until)
        ))  # fmt: skip
    except ProtectedError:
        messages.error(request, _("后面的评估引用了它，不能删除"))
    except StepRefused as refused:
        messages.error(request, step_refused_words(refused))
    return redirect("archive:assessment", one.number)
