"""What citizens use without an account: apply, follow, check a certified copy."""

from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from liandong.base.audit import record_act
from liandong.base.engines import engine
from liandong.base.gates import ANYONE, open_to
from liandong.base.middleware import origin_of
from liandong.base.models import AuditRow, Outcome
from liandong.base.params import words
from liandong.base.signing import notice
from liandong.exchange.flow import VISIT_FLOW
from liandong.exchange.forms import VisitForm
from liandong.exchange.models import CertifiedCopy, Forwarding, Visit
from liandong.exchange.queries.copies import by_code, by_content
from liandong.exchange.services import visiting
from liandong.exchange.services.people import day_of
from liandong.exchange.wording import STATE_TONES, STEP_WORDS, ground_words, named
from liandong.kernel.certified import Certified
from liandong.kernel.flows import StepRefused
from liandong.kernel.person_numbers import BadNumber
from liandong.kernel.signatures import fingerprint

from .standing import say_refusal, visit_word
from .visits import application_of, number_words

MOST_A_DAY = 30  # applications from one address
MOST_WRONG = 20  # wrong codes an hour from one address
LARGEST = 40 * 1024 * 1024  # bytes of a file that is checked


@require_http_methods(["GET", "HEAD", "POST"])
@open_to(ANYONE)
def show_application(request: HttpRequest) -> HttpResponse:
    """The public form; the answer is the receipt with number and code, shown once."""
    form = VisitForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        now = timezone.now()
        if form.cleaned_data["website"] or _is_flooded(request, "visit_receive", now, MOST_A_DAY):
            form.add_error(None, _("今天从这里提交的申请太多了，请明天再试，或者到馆办理"))
        else:
            try:
                visit, code = visiting.receive(application_of(form), now=now)
            except BadNumber as bad:
                form.add_error("id_number", number_words(bad.reason))
            else:
                return _receipt(request, visit, code)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    context = {"form": form, "days": settings.SHARE_DAYS, "keep_days": settings.CONTACT_DAYS,
               "archive": settings.ARCHIVE_NAME}  # fmt: skip
    return render(request, "exchange/apply.html", context, status=status)


def _receipt(request: HttpRequest, visit: Visit, code: str) -> HttpResponse:
    context = {"visit": visit, "code": code, "archive": settings.ARCHIVE_NAME}
    answer = render(request, "exchange/receipt.html", context)
    answer["Cache-Control"] = "no-store"
    return answer


def _is_flooded(request: HttpRequest, act: str, now: datetime, most: int) -> bool:
    """Whether strangers from this address did this too often."""
    hours = 1 if act == "visit_follow" else 24
    rows = AuditRow.objects.filter(act=act, by="", at__gt=now - timedelta(hours=hours))
    return rows.filter(origin=origin_of(request)).count() >= most


@require_http_methods(["GET", "HEAD", "POST"])
@open_to(ANYONE)
def show_progress(request: HttpRequest, no: str) -> HttpResponse:
    """Where an application stands, for whoever has number and code.

    A wrong code, an absent number and too many tries answer alike.
    """
    context: dict[str, Any] = {"number": no}
    if request.method == "POST":
        now = timezone.now()
        visit = None
        if not _is_flooded(request, "visit_follow", now, MOST_WRONG):
            visit = visiting.follow(no, words(request.POST.get("code")))
        if visit is None:
            record_act(
                "visit_follow", by="", now=now, object=f"visit:{no}", outcome=Outcome.REFUSED
            )  # fmt: skip
            context["wrong"] = True
        else:
            _cancel_if_asked(request, visit, now)
            visit.refresh_from_db()
            context |= _progress(visit, now) | {"code": words(request.POST.get("code"))}
    answer = render(request, "exchange/follow.html", context)
    answer["Cache-Control"] = "no-store"
    return answer


def _cancel_if_asked(request: HttpRequest, visit: Visit, now: datetime) -> None:
    if request.POST.get("act") != "cancel":
        return
    try:
        visiting.cancel(visit.pk, now=now)
    except StepRefused as refused:
        say_refusal(request, refused)


def _progress(visit: Visit, now: datetime) -> dict[str, Any]:
    """What the applicant is told: states and dates, no names of officials."""
    forwarding = Forwarding.objects.filter(visit=visit).first()
    days = (visit.due_on - day_of(now)).days
    shown = [(one, STEP_WORDS.get(one.step, one.step)) for one in visit.events.all()]
    return {
        "visit": visit,
        "state": visit_word(visit.state),
        "tone": STATE_TONES.get(visit.state, "idle"),
        "ground": ground_words(visit.ground),
        "events": shown,
        "days": days,
        "is_open": visiting.is_undecided(visit),
        "may_cancel": VISIT_FLOW.may("cancel", visit.state, "applicant"),
        "forwarded_to": named("partner_archives", forwarding.archive) if forwarding else "",
        "forwarding": forwarding,
    }


# Certified copies -------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@open_to(ANYONE)
def show_verify(request: HttpRequest) -> HttpResponse:
    """Check a certified copy by its code or by the file; only facts of the copy are told.

    The file is read once and not kept.
    """
    context: dict[str, Any] = {
        "code": words(request.GET.get("code")),
        "keys": [fingerprint(key) for key in engine("signer").public_keys()],
        "notice": notice(),
        "mb": LARGEST // 1024**2,
    }
    if request.method == "POST" and (file := request.FILES.get("file")):
        if (file.size or 0) > LARGEST:
            context["refused"] = _("文件太大")
        else:
            context |= _checked_file(request, file.read())
    elif context["code"]:
        copy = by_code(context["code"])
        context |= _told(copy) if copy else {"refused": _("没有这个核验码")}
        _note(request, copy)
    answer = render(request, "exchange/verify.html", context)
    answer["Cache-Control"] = "no-store"
    return answer


def _checked_file(request: HttpRequest, content: bytes) -> dict[str, Any]:
    sealed, copy, reason = by_content(content)
    _note(request, copy)
    if sealed is None:
        return {"refused": _file_words(reason)}
    ours = bytes.fromhex(sealed.signature.public_key) in engine("signer").public_keys()
    if not ours:
        return {"refused": _("签名成立，但不是本馆的钥匙签的：{key}").format(
            key=sealed.signature.key_id
        )}  # fmt: skip
    if copy is None:
        return {"unchanged": True, "facts": _facts_of(sealed), "unknown": True}
    return _told(copy) | {"unchanged": True}


def _file_words(reason: str) -> str:
    return {
        "no-seal": _("文件中没有电子签名：不是本系统出具的证明，或者签名已被去掉"),
        "torn": _("签名部分已损坏或被改动"),
        "body-changed": _("文件内容被改动过"),
    }.get(reason, _("签名不成立：内容被改动过"))


def _told(copy: CertifiedCopy) -> dict[str, Any]:
    """What anybody may know of a copy: no title, no applicant, no content."""
    return {"copy": copy, "facts": _facts(copy.facts)}


def _facts_of(sealed: Certified) -> list[dict[str, str]]:
    return _facts(dict(sealed.facts))


def _facts(said: dict[str, Any]) -> list[dict[str, str]]:
    pages = "、".join(str(number) for number in said.get("pages", []))
    rows = [
        (_("出具单位"), said.get("archive", "")),
        (_("证明编号"), said.get("number", "")),
        (_("档号"), said.get("record", "")),
        (_("原件页码"), pages),
        (_("个人信息"), _("已遮盖") if said.get("masked") else _("未遮盖")),
        (_("出具时间"), str(said.get("issued_at", ""))[:16].replace("T", " ")),
        (_("密码模块"), said.get("module", "")),
    ]
    return [{"label": label, "value": str(value)} for label, value in rows]


def _note(request: HttpRequest, copy: CertifiedCopy | None) -> None:
    """A check that found a copy leaves a row; guesses of strangers leave none."""
    if copy is not None:
        name = request.user.get_username() if request.user.is_authenticated else ""
        record_act("verify_copy", by=name, now=timezone.now(), object=f"copy:{copy.number}")
