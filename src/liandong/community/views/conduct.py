"""Conduct between officials and enterprises: registers, lists, hints, reports."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from liandong.base.gates import ANYONE, open_to
from liandong.base.models import Account
from liandong.base.params import number, words
from liandong.base.viewers import viewer_of
from liandong.cases.policies import AUDITOR
from liandong.cases.queries.ties import ties_of
from liandong.cases.services.ties import KnownTie, declare_tie, end_tie
from liandong.community.forms import ContactForm, JudgeForm, TieForm, plain
from liandong.community.models import ConductHint, ContactRecord
from liandong.community.policies import (
    JUDGE_HINTS,
    REGISTER_CONTACTS,
    SEE_CONTACTS,
    SEE_TIES,
    is_official,
    supervises,
)
from liandong.community.queries import conduct as queries
from liandong.community.services import contacts
from liandong.community.wording import TONES, conduct_rules, name_of
from liandong.kernel import catalog
from liandong.kernel.viewer import Viewer


def _me(request: HttpRequest) -> Account:
    assert isinstance(request.user, Account)  # noqa: S101 - the policy lets only accounts pass
    return request.user


@require_safe
@open_to(SEE_CONTACTS)
def show_contacts(request: HttpRequest) -> HttpResponse:
    """The register, as far as this person may read it, and the hints that wait."""
    viewer = viewer_of(request)
    rows = queries.contacts(viewer)
    if after := number(request.GET.get("after")):
        rows = rows.filter(pk__lt=after)
    shown = list(rows[: queries.PAGE + 1])
    context = {
        "rows": [_row(one) for one in shown[: queries.PAGE]],
        "after": shown[queries.PAGE - 1].pk if len(shown) > queries.PAGE else "",
        "hints": _hints(viewer),
        "may_register": is_official(viewer),
        "may_judge": supervises(viewer),
    }
    return render(request, "community/contacts.html", context)


def _row(one: ContactRecord) -> dict[str, Any]:
    return {
        "contact": one,
        "kind": name_of("contact_kinds", one.kind),
        "open_hints": sum(not hint.verdict for hint in one.hints.all()),
        "is_replaced": ContactRecord.objects.filter(replaces=one).exists(),
    }


def _hints(viewer: Viewer) -> list[dict[str, Any]]:
    if not (supervises(viewer) or viewer.officer == AUDITOR):
        return []
    rows = queries.waiting_hints(viewer)[: queries.PAGE]
    return [{"hint": one, "name": name_of("conduct_hints", one.code)} for one in rows]


@require_http_methods(["GET", "HEAD", "POST"])
@open_to(REGISTER_CONTACTS)
def add(request: HttpRequest) -> HttpResponse:
    """Register a contact of my own; `replaces` names the one that it mends."""
    me, replaces = _me(request), number(request.POST.get("replaces") or request.GET.get("replaces"))
    old = queries.contact(replaces, viewer=viewer_of(request)) if replaces else None
    names = ("kind", "rule", "day", "place", "others", "purpose", "next_step")
    initial: dict[str, Any] = {"day": timezone.localdate()}
    if old:
        initial = {name: getattr(old, name) for name in names}
        initial["enterprise"] = old.enterprise.code
    form = ContactForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        said = plain(form)
        try:
            made = contacts.register(
                contacts.Contact(**said, replaces=replaces), me, now=timezone.now()
            )
        except contacts.BadContact:
            form.add_error(None, _("要更正的登记不存在、不是您的，或者已经更正过。"))
        else:
            messages.success(request, _("已登记。"))
            return redirect("community:contact", made.pk)
    context = {
        "form": form, "replaces": replaces or "", "old": old,
        "crumbs": [(_("政商交往登记"), "/conduct/"), (_("登记"), "")],
    }  # fmt: skip
    return render(request, "community/newcontact.html", context, status=422 if form.errors else 200)


def _contact(request: HttpRequest, contact_id: int) -> ContactRecord:
    one = queries.contact(contact_id, viewer=viewer_of(request))
    if one is None:
        raise Http404
    return one


@require_safe
@open_to(SEE_CONTACTS)
def show_contact(request: HttpRequest, contact_id: int) -> HttpResponse:
    """One contact with its rule, its hints and what a person said of them."""
    return _contact_page(request, _contact(request, contact_id))


def _contact_page(
    request: HttpRequest, one: ContactRecord, form: JudgeForm | None = None
) -> HttpResponse:
    viewer = viewer_of(request)
    rule = catalog.by_key("conduct_rules", "code").get(one.rule, {})
    context = {
        "contact": one,
        "crumbs": [(_("政商交往登记"), "/conduct/"), (f"{one.day:%Y-%m-%d}", "")],
        "kind": name_of("contact_kinds", one.kind),
        "rule": name_of("conduct_rules", one.rule, "rule"),
        "source": rule.get("source", ""),
        "confidence": rule.get("confidence", ""),
        "replaced_by": ContactRecord.objects.filter(replaces=one).first(),
        "is_mine": one.official_name == viewer.name,
        "hints": [
            {"hint": hint, "name": name_of("conduct_hints", hint.code),
             "tone": TONES.get(hint.verdict, "idle")}
            for hint in one.hints.all()
        ],
        "may_judge": supervises(viewer) and one.official_name != viewer.name,
        "form": form or JudgeForm(),
    }  # fmt: skip
    return render(request, "community/contact.html", context, status=422 if form else 200)


@require_POST
@open_to(JUDGE_HINTS)
def judge(request: HttpRequest, contact_id: int) -> HttpResponse:
    """Judge one hint of a contact, with a reason."""
    one, form = _contact(request, contact_id), JudgeForm(request.POST)
    hint = one.hints.filter(pk=number(request.POST.get("hint"))).first()
    if hint is None:
        messages.error(request, _("没有这条提示。"))
        return redirect("community:contact", contact_id)
    if not form.is_valid():
        return _contact_page(request, one, form)
    said = form.cleaned_data
    try:
        contacts.judge(
            hint.pk, said["verdict"], said["reason"].replace("\0", ""), by=viewer_of(request),
            now=timezone.now(),
        )  # fmt: skip
    except (contacts.NotToJudge, ConductHint.DoesNotExist):
        messages.error(request, _("这条提示已有判定，或者涉及您本人。"))
    else:
        messages.success(request, _("已判定。"))
    return redirect("community:contact", contact_id)


@require_safe
@open_to(ANYONE)
def show_rules(request: HttpRequest) -> HttpResponse:
    """What is encouraged and what is forbidden, each with its article."""
    rows = conduct_rules()
    context = {
        "parts": [
            (_("正面清单"), [row for row in rows if row["kind"] == "positive"]),
            (_("负面清单"), [row for row in rows if row["kind"] == "negative"]),
        ]
    }
    return render(request, "community/rules.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@open_to(SEE_TIES)
def show_ties(request: HttpRequest) -> HttpResponse:
    """The register of ties: my own to declare and end; supervision and auditors see all."""
    viewer = viewer_of(request)
    form = TieForm(request.POST or None)
    if request.method == "POST" and not is_official(viewer):
        messages.error(request, _("只有在岗人员可以申报。"))
        return redirect("community:ties")
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        try:
            declare_tie(
                _me(request), said["enterprise"], said["kind"], said["note"].replace("\0", ""),
                now=timezone.now(),
            )  # fmt: skip
        except KnownTie:
            form.add_error("enterprise", _("与这家企业的关系已经申报过。"))
        else:
            messages.success(request, _("已申报。办理这家企业的事项时会提醒您回避。"))
            return redirect("community:ties")
    sees_all = supervises(viewer) or viewer.officer == AUDITOR
    context = {
        "form": form, "rows": ties_of("" if sees_all else viewer.name)[:200],
        "me": viewer.name, "sees_all": sees_all, "may_declare": is_official(viewer),
    }  # fmt: skip
    return render(request, "community/ties.html", context, status=422 if form.errors else 200)


@require_POST
@open_to(REGISTER_CONTACTS)
def end(request: HttpRequest) -> HttpResponse:
    """End a tie of mine."""
    done = end_tie(
        number(words(request.POST.get("tie"))), by=viewer_of(request).name, now=timezone.now()
    )
    if done:
        messages.success(request, _("已解除。"))
    else:
        messages.error(request, _("没有这条申报。"))
    return redirect("community:ties")
