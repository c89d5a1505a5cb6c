"""Field work (外勤) on a phone: what waits nearby, a photo with its step, also without a network.

Each step is a plain form.  The script keeps it in the same outbox as the reporter's page, sends
photos ahead one by one and the step after them; both can be sent again, see
`frontend/src/islands/field.ts`.  Where the person stands never leaves the phone.
"""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from liandong.base.gates import open_to
from liandong.base.middleware import WITH_PLACE
from liandong.base.viewers import viewer_of
from liandong.cases import wording
from liandong.cases.models import Case, Evidence
from liandong.cases.policies import FIELD, FIELD_STEP, Bearer
from liandong.cases.queries.cases import open_moves, waiting, whole_rows
from liandong.cases.services.photos import BadPhoto, add_photo
from liandong.cases.services.reporting import MOST_PHOTOS
from liandong.cases.services.stepping import Given, take_step
from liandong.kernel.casework import STATE
from liandong.kernel.flows import StepRefused

from .case import PARTS, case_or_404, photo_words, said_in, step_of

ACTIONS: Final = ("confirm", "not_found", "solve_on_site", "pass", "fail")
KEPT_ACTION: Final = "after"  # part of a photo whose step says nothing else


@require_safe
@open_to(FIELD)
def show_field(request: HttpRequest) -> HttpResponse:
    """What waits for this person out there, the one whose time runs out first on top."""
    viewer, now = viewer_of(request), timezone.now()
    bearer = Bearer(viewer)
    rows = []
    for one in whole_rows(waiting(viewer)):
        moves = [move for move in open_moves(one, bearer, now=now) if move.action in ACTIONS]
        if moves:
            rows.append({
                "case": one, "kind": wording.kind_word(one.kind),
                "category": wording.category_word(one.category),
                "state": wording.state_word(one.state),
                "tone": wording.TONES.get(one.state, "idle"),
                "late": one.due_at is not None and one.due_at < now,
                "steps": [step_of(one, move) for move in moves],
                "photo": one.evidence.filter(part="before", event__isnull=False).first(),
                "is_inspection": one.state == "inspecting",
            })  # fmt: skip
    context = {"rows": rows, "words": _script_words(), "most": MOST_PHOTOS}
    answer = render(request, "cases/field.html", context)
    answer.headers["Permissions-Policy"] = WITH_PLACE
    return answer


def _script_words() -> dict[str, str]:
    """What the script shows."""
    return {
        "waiting": _("待发送"), "photos": _("已收到照片 {sent} / {count}"),
        "done": _("已办：{number}"), "refused": _("没有收下：{why}"), "track": _("看事项"),
        "remove": _("删除"), "again": _("现在发送"), "badPhoto": _("照片打不开，请重新拍摄。"),
        "kept": _("已存入发件箱，有网络时自动发送。"), "busy": _("稍后自动再发。"),
        "locating": _("正在定位…"), "sorted": _("已按距离排列；位置只在这部手机上用，不保存。"),
        "noPlace": _("没有取得位置。"), "metres": _("约 {metres} 米"), "far": _("约 {km} 公里"),
        "noPhoto": _("请先拍照。"),
    }  # fmt: skip


@require_http_methods(["PUT"])
@open_to(FIELD_STEP)
def take_photo(request: HttpRequest, number: str, action: str, photo: UUID) -> HttpResponse:
    """Keep a photo ahead of its step: 201, 200 when it was there, 409 where no such step is open,
    422 for what is no photo.
    """  # fmt: skip
    case, by, now = case_or_404(request, number), viewer_of(request).name, timezone.now()
    known = Evidence.objects.filter(uuid=photo).first()
    if known is not None:
        is_same = known.case_id == case.pk and known.added_by == by
        return JsonResponse({"photo": str(photo)}, status=200 if is_same else 409)
    ahead = case.evidence.filter(event__isnull=True, added_by=by).count()
    if not _is_open(request, case, action) or ahead >= MOST_PHOTOS:
        return _refusal(409, "misplaced", _("事项已不在这一步。"))
    try:
        add_photo(
            case, request.body, part=PARTS.get(action, KEPT_ACTION), name="photo.jpg", by=by,
            now=now, uuid=photo,
        )  # fmt: skip
    except BadPhoto as bad:
        return _refusal(422, f"photo-{bad.code}", photo_words(bad))
    return JsonResponse({"photo": str(photo)}, status=201)


def _is_open(request: HttpRequest, case: Case, action: str) -> bool:
    moves = open_moves(case, Bearer(viewer_of(request)), now=timezone.now())
    return action in ACTIONS and any(one.action == action for one in moves)


@require_POST
@open_to(FIELD_STEP)
def take_field_step(request: HttpRequest, number: str, action: str) -> HttpResponse:
    """Take a step with photos sent ahead: 201, or 200 when this very step was taken before.

    409 where photos did not arrive (send them again), 422 with the sentence why it was refused.
    """
    case, viewer = case_or_404(request, number), viewer_of(request)
    try:
        ahead = [UUID(one) for one in request.POST.getlist("ahead")[:MOST_PHOTOS]]
    except ValueError:
        return _refusal(422, "photo-bad", _("填写有误。"))
    told = {"number": case.number, "track": f"/cases/{case.number}/"}
    if _was_taken(case, action, ahead, by=viewer.name):
        return JsonResponse(told)
    if not _is_open(request, case, action):
        return _refusal(422, "wrong-state", _("事项已不在这一步。"))
    try:
        take_step(
            case.pk, action, by=Bearer(viewer), now=timezone.now(),
            given=Given(said_in(request), ahead), axis=STATE,
        )  # fmt: skip
    except StepRefused as refused:
        why = wording.refusal_words(refused.reason, refused.detail)
        status = 409 if refused.reason == "unknown-evidence" else 422
        return _refusal(status, refused.reason, why)
    return JsonResponse(told, status=201)


def _was_taken(case: Case, action: str, ahead: Sequence[UUID], *, by: str) -> bool:
    """Whether the answer to this step got lost: its photos hang at an event of this person."""
    if not ahead:
        return False
    taken = case.evidence.filter(uuid__in=ahead, event__action=action, event__by=by)
    return taken.count() == len(set(ahead))


def _refusal(status: int, code: str, why: str) -> JsonResponse:
    return JsonResponse({"code": code, "why": why}, status=status)
