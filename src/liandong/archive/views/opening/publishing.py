"""Publishing the catalogue of opened records, and what an archive settles for itself."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from liandong.archive.models import Fonds, OpeningPeriod, UnitSuccession
from liandong.archive.policies import SETTLE_OPENING
from liandong.archive.queries.opening import unpublished
from liandong.archive.services.opening.periods import (
    MOST_YEARS,
    BadPeriod,
    BadSuccession,
    set_periods,
    set_succession,
)
from liandong.archive.services.opening.publishing import NothingToPublish, publish
from liandong.archive.viewers import today_of, viewer_of
from liandong.base.gates import open_to
from liandong.base.models import Unit
from liandong.base.params import words
from liandong.kernel import catalog

from .wording import is_english

SHOWN = 200
_BLANK_ROWS = 3


class PublishForm(forms.Form):
    """The words of a publication."""

    title = forms.CharField(label=gettext_lazy("标题"), max_length=200)
    note = forms.CharField(
        label=gettext_lazy("说明"), max_length=500, required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
@open_to(SETTLE_OPENING)
def publish_opened(request: HttpRequest) -> HttpResponse:
    """What would be published; a POST publishes it as one numbered batch."""
    today = today_of(request)
    form = PublishForm(request.POST or None, initial={
        "title": _("{year} 年开放档案目录").format(year=today // 10_000)
    })  # fmt: skip
    if request.method == "POST" and form.is_valid():
        by = viewer_of(request).name
        try:
            made = publish(**form.cleaned_data, by=by, now=timezone.now())
        except NothingToPublish:
            form.add_error(None, _("没有待公布的开放档案"))
        else:
            messages.success(request, _("已公布第 {number} 批").format(number=made.number))
            return redirect("archive:opened_batch", made.number)
    rows = unpublished(today=today)
    context = {
        "form": form,
        "rows": rows.select_related("record").order_by("record__code")[:SHOWN],
        "count": rows.count(),
        "crumbs": [(_("开放审核"), reverse("archive:opening")), (_("公布开放目录"), "")],
    }
    return render(request, "archive/opening/publish.html", context)


# Periods and successors ---------------------------------------------------------------------------


class PeriodForm(forms.Form):
    """One class of records of a fonds and how long it is closed."""

    category = forms.CharField(label=gettext_lazy("门类"), max_length=8, required=False)
    words = forms.CharField(
        label=gettext_lazy("题名用词（| 分隔）"), max_length=200, required=False
    )
    years = forms.IntegerField(
        label=gettext_lazy("封闭年数"), min_value=0, max_value=MOST_YEARS, required=False
    )
    basis = forms.CharField(label=gettext_lazy("依据或批准文号"), max_length=200, required=False)


class SuccessionForm(forms.Form):
    """Who answers for a unit that is no more."""

    unit = forms.ModelChoiceField(label=gettext_lazy("已撤并的机构"), queryset=Unit.objects.all())
    successor = forms.ModelChoiceField(
        label=gettext_lazy("承接机构"), queryset=Unit.objects.all(), required=False,
        empty_label=gettext_lazy("无承接机构，由档案馆自行审核"),
    )  # fmt: skip
    basis = forms.CharField(label=gettext_lazy("依据"), max_length=200)


PeriodSet = forms.formset_factory(PeriodForm, extra=_BLANK_ROWS, max_num=60, absolute_max=60)


@require_http_methods(["GET", "HEAD", "POST"])
@open_to(SETTLE_OPENING)
def show_periods(request: HttpRequest) -> HttpResponse:
    """Closed periods of a fonds and successors of units; a POST replaces or adds them."""
    fonds = Fonds.objects.filter(number=words(request.GET.get("fonds"))).first()
    what = request.POST.get("what", "")
    periods = _period_set(request, fonds, what)
    succession = SuccessionForm(request.POST if what == "succession" else None, prefix="unit")
    if what == "periods" and fonds and _keep_periods(request, fonds, periods):
        return redirect(request.get_full_path())
    if what == "succession" and _keep_succession(request, succession):
        return redirect(request.get_full_path())
    context = {
        "fonds": fonds,
        "fonds_all": Fonds.objects.order_by("number"),
        "periods": periods,
        "succession": succession,
        "followed": UnitSuccession.objects.select_related("unit", "successor"),
        "defaults": [
            {**row, "name": row["name_en" if is_english() else "name_zh"]}
            for row in catalog.rows("opening_periods")
        ],
        "crumbs": [(_("开放审核"), reverse("archive:opening")), (_("封闭期与承接机构"), "")],
    }
    return render(request, "archive/opening/periods.html", context)


def _period_set(request: HttpRequest, fonds: Fonds | None, what: str) -> Any:
    if what == "periods":
        return PeriodSet(request.POST, prefix="period")
    known = fonds.opening_periods.values("category", "words", "years", "basis") if fonds else []
    return PeriodSet(initial=list(known), prefix="period")


def _keep_periods(request: HttpRequest, fonds: Fonds, forms_: Any) -> bool:
    if not forms_.is_valid():
        return False
    rows = [
        OpeningPeriod(
            category=one["category"], words=one["words"], years=one["years"], basis=one["basis"]
        )
        for one in forms_.cleaned_data
        if one and one.get("years") is not None
    ]
    try:
        moved = set_periods(fonds, rows, by=viewer_of(request).name, now=timezone.now())
    except BadPeriod:
        messages.error(request, _("每一行要有门类或题名用词，并写明依据或批准文号"))
        return False
    messages.success(request, _("已保存，{count} 件档案的到期日随之改变").format(count=moved))
    return True


def _keep_succession(request: HttpRequest, form: SuccessionForm) -> bool:
    if not form.is_valid():
        return False
    try:
        set_succession(**form.cleaned_data, by=viewer_of(request).name, now=timezone.now())
    except BadSuccession:
        form.add_error(None, _("承接关系不能绕回原机构，并须写明依据"))
        return False
    messages.success(request, _("已保存"))
    return True
