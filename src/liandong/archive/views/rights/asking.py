"""Asking about one's own personal information: online, or at the desk."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from liandong.archive.models import RightsKind, RightsState
from liandong.archive.policies import HANDLE_RIGHTS, SEE_RIGHTS
from liandong.archive.queries import rights as reads
from liandong.archive.services.rights.requests import Asked, BadRequest, ask
from liandong.archive.viewers import today_of, viewer_of
from liandong.archive.views.opening.wording import day_words
from liandong.base.gates import ANYONE, open_to
from liandong.base.params import number

from .wording import TONES, bad_request_words, papers

PAGE = 50


class AskForm(forms.Form):
    """What a person asks."""

    kind = forms.ChoiceField(label=gettext_lazy("请求"), choices=RightsKind.choices)
    name = forms.CharField(label=gettext_lazy("姓名"), max_length=100)
    paper = forms.ChoiceField(
        label=gettext_lazy("证件种类"), required=False,
        help_text=gettext_lazy("用来查找与您有关的信息；系统只保存号码的末四位和摘要，不保存号码"),
    )  # fmt: skip
    number = forms.CharField(
        label=gettext_lazy("证件号码"), max_length=40, required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )  # fmt: skip
    contact = forms.CharField(label=gettext_lazy("联系方式"), max_length=200, required=False)
    about = forms.CharField(
        label=gettext_lazy("涉及的档案"), max_length=300, required=False,
        help_text=gettext_lazy("知道的话，写档号或题名"),
    )  # fmt: skip
    words = forms.CharField(
        label=gettext_lazy("请求内容"), max_length=2000, widget=forms.Textarea(attrs={"rows": 5})
    )

    def __init__(self, *args: Any, at_desk: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = papers() if at_desk else [("", _("（不填）")), *papers()]
        self.fields["paper"].choices = choices  # type: ignore[attr-defined]  # a ChoiceField
        self.fields["paper"].required = self.fields["number"].required = at_desk


@require_safe
@open_to(ANYONE)
def show_rights(request: HttpRequest) -> HttpResponse:
    """What rights a person has, and what whoever asks has asked before."""
    viewer, today = viewer_of(request), today_of(request)
    rows = [
        {
            "request": one,
            "tone": TONES[RightsState(one.state)],
            "until": day_words(one.answer_until),
        }
        for one in reads.own_requests(viewer)
    ]
    context = {
        "rows": rows,
        "kinds": RightsKind.choices,
        "is_handler": reads.is_handler(viewer),
        "counts": reads.rights_counts(viewer=viewer, today=today),
    }
    return render(request, "archive/rights/start.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@open_to(SEE_RIGHTS)
def new_request(request: HttpRequest) -> HttpResponse:
    """Ask online, for oneself."""
    return _ask(request, at_desk=False)


@require_http_methods(["GET", "HEAD", "POST"])
@open_to(HANDLE_RIGHTS)
def new_at_desk(request: HttpRequest) -> HttpResponse:
    """Take a request down at the desk, where the paper is seen."""
    return _ask(request, at_desk=True)


def _ask(request: HttpRequest, *, at_desk: bool) -> HttpResponse:
    kind = request.GET.get("kind", "")
    known = {"kind": kind if kind in RightsKind.values else RightsKind.ACCESS}
    form = AskForm(request.POST or None, at_desk=at_desk, initial=known)
    if request.method == "POST" and form.is_valid():
        by, now = viewer_of(request).name, timezone.now()
        try:
            made = ask(Asked(**form.cleaned_data), by=by, now=now, at_desk=at_desk)
        except BadRequest as bad:
            form.add_error("number" if bad.reason == "no-number" else None,
                           bad_request_words(bad.reason))  # fmt: skip
        else:
            messages.success(request, _("已受理，编号 {number}，{day} 前答复").format(
                number=made.number, day=day_words(made.answer_until)
            ))  # fmt: skip
            return redirect("archive:rights_request", made.number)
    context = {
        "form": form,
        "at_desk": at_desk,
        "crumbs": [(_("个人信息权利"), reverse("archive:rights")), (_("提出请求"), "")],
    }
    return render(request, "archive/rights/new.html", context)


@require_safe
@open_to(HANDLE_RIGHTS)
def show_requests(request: HttpRequest) -> HttpResponse:
    """Requests that wait, the first to be answered first."""
    viewer, today = viewer_of(request), today_of(request)
    state = request.GET.get("state", "")
    state = state if state in {*RightsState.values, "late"} else ""
    day, _dash, key = request.GET.get("after", "").partition("-")
    rows = reads.requests_to_handle(
        viewer=viewer, today=today, state=state, after=(number(day), number(key)), limit=PAGE
    )
    shown = rows[:PAGE]
    last = shown[-1] if shown else None
    context = {
        "rows": [
            {"request": one, "tone": TONES[RightsState(one.state)],
             "until": day_words(one.answer_until),
             "late": one.answer_until < today and one.state in reads.WAITING}
            for one in shown
        ],
        "after": f"{last.answer_until}-{last.pk}" if last and len(rows) > PAGE else "",
        "state": state,
        "states": RightsState.choices,
        "counts": reads.rights_counts(viewer=viewer, today=today),
        "crumbs": [(_("个人信息权利"), reverse("archive:rights")), (_("办理"), "")],
    }  # fmt: skip
    return render(request, "archive/rights/requests.html", context)
