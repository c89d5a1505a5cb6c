"""One record under review: its pages with the hits marked, what is proposed, and the next step."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django import forms
from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from liandong.archive.models import OpeningReview, OpeningState, PersonalHit, RecordPage, Verdict
from liandong.archive.policies import REVIEW_OPENING, REVIEW_PERSONAL, SAY_ON_OPENING, may_change
from liandong.archive.queries import opening as reads
from liandong.archive.services.opening import steps
from liandong.archive.services.opening.proposing import propose_again
from liandong.archive.services.opening.taking import Choice, standing, undo_last
from liandong.archive.viewers import may, viewer_of
from liandong.archive.views.records import image_file, image_kind
from liandong.base.gates import open_to
from liandong.base.params import number, words
from liandong.kernel.flows import StepRefused
from liandong.kernel.opening import rules_version

from .marking import hit_rows, line_parts, rectangles
from .wording import (
    TONES,
    day_words,
    ground_word,
    grounds_named,
    opinion_word,
    refused_words,
    state_word,
    step_word,
    suggestion_row,
    verdict_word,
)

_OF_TRANSFER = ("opening_opinion", "disclosure_state", "secrecy_change")
_STAGES = (
    OpeningState.FIRST_REVIEW, OpeningState.UNIT_OPINION, OpeningState.RE_REVIEW,
    OpeningState.FINAL,
)  # fmt: skip


class SayForm(forms.Form):
    """What is said otherwise than before, or to delay: with its reason, and the ground."""

    ground = forms.ChoiceField(label=gettext_lazy("依据"), widget=forms.RadioSelect)
    reason = forms.CharField(
        label=gettext_lazy("理由"), max_length=500, widget=forms.Textarea(attrs={"rows": 3})
    )

    def __init__(self, *args: Any, delays: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if delays:
            named = [(code, f"{code} {name}") for code, name in grounds_named()]
            self.fields["ground"].choices = named  # type: ignore[attr-defined]  # a ChoiceField
            self.fields["ground"].widget.attrs["autofocus"] = True
        else:
            del self.fields["ground"]
            self.fields["reason"].widget.attrs["autofocus"] = True


def review_or_404(request: HttpRequest, review_id: int) -> OpeningReview:
    """The review, if whoever asks may see it; the same answer for hidden and for absent."""
    review = reads.review_by_id(review_id, viewer=viewer_of(request))
    if review is None:
        raise Http404
    return review


# Shown --------------------------------------------------------------------------------------------


@require_safe
@open_to(SAY_ON_OPENING)
def show_review(request: HttpRequest, review_id: int) -> HttpResponse:
    """A page image with every hit marked, what rules and people said, and what may be done now."""
    viewer, review = viewer_of(request), review_or_404(request, review_id)
    pages, hits = reads.pages_in_review(review), reads.hits_in_review(review)
    current = reads.page_in_review(review, number(request.GET.get("p"), 1))
    before, after = reads.queue_around(review.pk, viewer=viewer)
    context = {
        "review": review,
        "record": review.record,
        "crumbs": [(_("开放审核"), reverse("archive:opening")), (review.record.code, "")],
        "state": state_word(review.state),
        "tone": TONES[OpeningState(review.state)],
        "stages": _stages(review),
        "facts": _facts(review),
        "suggestions": [suggestion_row(one) for one in review.suggestions],
        "proposed": verdict_word(review.proposed),
        "is_stale": review.rules not in {"", rules_version()},
        "page": _page(review, current, hits) if current else None,
        "pages": _page_links(pages, hits, current),
        "hits": hit_rows(review.record, current, hits),
        "decisions": [_decision(one) for one in reads.decisions_of(review)],
        "earlier": [
            {"review": one, "state": state_word(one.state), "ground": ground_word(one.ground)}
            for one in reads.rounds_before(review)
        ],
        "previous": before,
        "next": after,
        "is_staff": REVIEW_OPENING.may(viewer),
        "may": _may(request, review),
        "act": _act(request, review),
    }
    return render(request, "archive/opening/review.html", context)


def _stages(review: OpeningReview) -> list[dict[str, Any]]:
    """The way of a review, with who was there: the unit is left out where nobody is asked."""
    who = {
        OpeningState.FIRST_REVIEW: review.first_by,
        OpeningState.UNIT_OPINION: review.opinion_by or opinion_word(review.opinion),
        OpeningState.RE_REVIEW: review.second_by,
        OpeningState.FINAL: review.final_by,
    }
    names = {
        OpeningState.FIRST_REVIEW: _("初审"),
        OpeningState.UNIT_OPINION: _("征求意见"),
        OpeningState.RE_REVIEW: _("复审"),
        OpeningState.FINAL: _("审定"),
    }
    alone = bool(review.first_by) and not review.asked_unit
    return [
        {"name": names[stage], "by": who[stage], "here": review.state == stage}
        for stage in _STAGES
        if not (alone and stage == OpeningState.UNIT_OPINION)
    ]


def _facts(review: OpeningReview) -> list[dict[str, Any]]:
    record = review.record
    named = {
        "opening_opinion": _("到期开放意见"),
        "disclosure_state": _("政府信息公开情况"),
        "secrecy_change": _("密级变更情况"),
    }
    asked = f"{review.asked_unit}，{day_words(review.answer_until)}" if review.asked_unit else ""
    facts = [
        (_("档号"), record.code),
        (_("日期"), day_words(record.document_date)),
        (_("到期"), day_words(review.due)),
        *((named[name], record.description.get(name, "")) for name in _OF_TRANSFER),
        (_("征求意见单位与期限"), asked),
        (_("单位意见"), opinion_word(review.opinion)),
        (_("主管部门同意文号"), review.consent_number),
        (_("重新审核日期"), day_words(review.deferred_until) if review.deferred_until else ""),
        (_("开放日期"), day_words(review.open_from) if review.open_from else ""),
    ]
    return [{"label": label, "value": value} for label, value in facts if value]


def _page(review: OpeningReview, page: RecordPage, hits: Sequence[PersonalHit]) -> dict[str, Any]:
    address = reverse("archive:opening_image", args=[review.pk, page.number])
    return {
        "number": page.number,
        "width": page.width,
        "height": page.height,
        "image": address if page.width else "",
        "rectangles": rectangles(page, hits, review.suggestions),
        "lines": line_parts(page, hits, review.suggestions),
    }


def _page_links(
    pages: Sequence[RecordPage], hits: Sequence[PersonalHit], current: RecordPage | None
) -> dict[str, Any]:
    counts = Counter(hit.page for hit in hits)
    at = current.number if current else 0
    known = [page.number for page in pages]
    return {
        "all": [{"number": n, "hits": counts[n], "here": n == at} for n in known],
        "previous": max((n for n in known if n < at), default=None),
        "next": min((n for n in known if n > at), default=None),
    }


def _decision(one: Any) -> dict[str, Any]:
    return {
        "row": one,
        "step": step_word(one.step),
        "said": verdict_word(one.verdict) if one.verdict else "",
        "ground": ground_word(one.ground),
    }


def _may(request: HttpRequest, review: OpeningReview) -> dict[str, bool]:
    """Which steps besides the decision whoever asks may try from here."""
    viewer, state = viewer_of(request), review.state
    staff = REVIEW_OPENING.may(viewer)
    return {
        "propose": staff and state in {OpeningState.PLANNED, OpeningState.FIRST_REVIEW},
        "drop": viewer.is_archivist
        and state in {OpeningState.PLANNED, OpeningState.FIRST_REVIEW},
        "send_back": staff and state in {OpeningState.RE_REVIEW, OpeningState.FINAL},
        "consent": staff and state == OpeningState.AUTHORITY_CONSENT,
        "withdraw": staff and state in {OpeningState.OPENED, OpeningState.PARTLY},
        "confirm": staff and state == OpeningState.WITHDRAWN
        and review.withdrawn_by != viewer.name,
        "decide_personal": REVIEW_PERSONAL.may(viewer)
        and bool(review.record.personal) and may(may_change(viewer), review.record),
    }  # fmt: skip


def _act(request: HttpRequest, review: OpeningReview) -> dict[str, Any] | None:
    """The decision that waits for whoever asks, or None."""
    if review.state not in _STAGES:
        return None
    if not reads.queue(viewer_of(request)).filter(pk=review.pk).exists():
        return None
    titles = {
        OpeningState.FIRST_REVIEW: _("初审：我的意见"),
        OpeningState.UNIT_OPINION: _("本单位意见"),
        OpeningState.RE_REVIEW: _("复审：我的意见"),
        OpeningState.FINAL: _("审定"),
    }
    said = standing(review)
    return {
        "title": titles[OpeningState(review.state)],
        "verdict": said.verdict,
        "word": verdict_word(said.verdict),
        "ground": ground_word(said.ground),
        "reason": said.reason,
        "others": [one for one in Verdict.values if one != said.verdict],
    }


@require_safe
@open_to(SAY_ON_OPENING)
def send_image(request: HttpRequest, review_id: int, number: int) -> FileResponse:
    """The whole image of a page for those who review it; bytes that are no image go to nobody."""
    page = reads.page_in_review(review_or_404(request, review_id), number)
    if page is None:
        raise Http404
    stream = image_file(page).open_checked()
    kind = image_kind(stream.read(8))
    if not kind:
        stream.close()
        raise Http404
    stream.seek(0)
    answer = FileResponse(stream, content_type=kind)
    answer["Cache-Control"] = "private, no-store"
    answer["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return answer


# Decided ------------------------------------------------------------------------------------------


@require_POST
@open_to(SAY_ON_OPENING)
def agree(request: HttpRequest, review_id: int) -> HttpResponse:
    """Agree with what was said last, then the next review of the queue."""
    review = review_or_404(request, review_id)
    by, now = viewer_of(request).name, timezone.now()
    try:
        done = steps.decide(review.pk, Choice(), by=by, now=now)
    except StepRefused as refused:
        messages.error(request, refused_words(refused))
        return redirect("archive:opening_review", review_id)
    return _to_next(request, done)


@require_http_methods(["GET", "HEAD", "POST"])
@open_to(SAY_ON_OPENING)
def say(request: HttpRequest, review_id: int, verdict: str) -> HttpResponse:
    """Say open, masked or delay, with reason and ground; then the next review of the queue."""
    review = review_or_404(request, review_id)
    if verdict not in Verdict.values:
        raise Http404
    delays, said = verdict == Verdict.DELAY, standing(review)
    known = {"ground": said.ground, "reason": said.reason} if said.verdict == verdict else {}
    form = SayForm(request.POST or None, delays=delays, initial=known)
    if request.method == "POST" and form.is_valid():
        choice = Choice(verdict, form.cleaned_data.get("ground", ""), form.cleaned_data["reason"])
        try:
            done = steps.decide(review.pk, choice, by=viewer_of(request).name, now=timezone.now())
        except StepRefused as refused:
            form.add_error(None, refused_words(refused))
        else:
            return _to_next(request, done)
    context = {
        "review": review,
        "record": review.record,
        "form": form,
        "word": verdict_word(verdict),
        "delays": delays,
        "crumbs": [
            (_("开放审核"), reverse("archive:opening")),
            (review.record.code, reverse("archive:opening_review", args=[review.pk])),
            (verdict_word(verdict), ""),
        ],
    }
    return render(request, "archive/opening/say.html", context)


def _to_next(request: HttpRequest, done: OpeningReview) -> HttpResponse:
    """The next review that waits for whoever asks, the first again after the last."""
    words_ = _("{code}：{state}").format(code=done.record.code, state=state_word(done.state))
    messages.success(request, words_)
    viewer = viewer_of(request)
    _before, after = reads.queue_around(done.pk, viewer=viewer)
    target = after or reads.queue(viewer).values_list("pk", flat=True).first()
    return redirect("archive:opening_review", target) if target else redirect("archive:opening")


@require_POST
@open_to(SAY_ON_OPENING)
def undo(request: HttpRequest) -> HttpResponse:
    """Take back the own last step, and show that review."""
    review = undo_last(by=viewer_of(request).name, now=timezone.now())
    if review is None:
        messages.warning(request, _("没有可以撤销的：您的上一步已有人接着办理，或不能撤销"))
        return redirect("archive:opening")
    messages.success(request, _("已撤销：{code}").format(code=review.record.code))
    return redirect("archive:opening_review", review.pk)


Step = Callable[..., OpeningReview]
WITH_REASON: Mapping[str, Step] = {
    "refuse_consent": steps.refuse_consent,
    "send_back": steps.send_back,
    "drop": steps.drop,
    "withdraw": steps.withdraw,
    "restore": steps.restore,
}
WITHOUT: Mapping[str, Step] = {"confirm": steps.confirm_withdrawal, "propose": propose_again}


@require_POST
@open_to(REVIEW_OPENING)
def take_step(request: HttpRequest, review_id: int, step: str) -> HttpResponse:
    """Consent, send back, drop, withdraw and what follows from them; each says why."""
    review = review_or_404(request, review_id)
    by, now = viewer_of(request).name, timezone.now()
    try:
        if step in WITH_REASON:
            reason = words(request.POST.get("reason"))
            done = WITH_REASON[step](review.pk, reason, by=by, now=now)
        elif step in WITHOUT:
            done = WITHOUT[step](review.pk, by=by, now=now)
        elif step == "consent":
            code = words(request.POST.get("number"))
            done = steps.record_consent(review.pk, code, by=by, now=now)
        else:
            raise Http404
    except StepRefused as refused:
        messages.error(request, refused_words(refused))
    else:
        text = _("{code}：{state}")
        messages.success(
            request, text.format(code=review.record.code, state=state_word(done.state))
        )
    return redirect("archive:opening_review", review_id)
