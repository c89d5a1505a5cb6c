"""Cases beside each other that may be of the same matter, for the desk: a person decides."""

from typing import Any, Final

from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from liandong.base.viewers import viewer_of
from liandong.cases import wording
from liandong.cases.models import Case, Evidence
from liandong.cases.policies import TRIAGE
from liandong.cases.queries.similar import Similar, similar
from liandong.kernel.likeness import Sign

_STRONG: Final = (  # bits from which it is said so
    (12.0, gettext_lazy("很像")), (7.0, gettext_lazy("像")), (0.0, gettext_lazy("可能是")),
)  # fmt: skip


def similar_context(request: HttpRequest, case: Case) -> list[dict[str, Any]]:
    """What the template `cases/similar.html` shows; nothing but for the desk and while it is open.

    Each: the case, its words, its first photo, why it is shown, and whether it can be merged into.
    """
    viewer = viewer_of(request)
    if not TRIAGE.may(viewer) or case.is_over:
        return []
    found = similar(case, viewer=viewer)
    keys = [one.case.pk for one in found]
    photos: dict[int, Evidence] = {}
    before = Evidence.objects.filter(case__in=keys, part="before", event__isnull=False)
    for photo in before.order_by("-pk"):
        photos[photo.case_id] = photo
    return [
        {
            "case": one.case,
            "state": wording.state_word(one.case.state),
            "tone": wording.TONES.get(one.case.state, "idle"),
            "category": wording.category_word(one.case.category),
            "photo": photos.get(one.case.pk),
            "is_said": one.is_said,
            "strength": _strength(one),
            "signs": _signs(one),
            "may_merge": case.state == "submitted" and one.is_open,
        }
        for one in found
    ]


def _strength(one: Similar) -> str:
    return str(next((word for least, word in _STRONG if one.likeness.bits >= least), ""))


def _signs(one: Similar) -> list[str]:
    """Each reason as words, what was measured first."""
    like, told = one.likeness, []
    if like.metres is not None:
        told.append(_("相距 {metres} 米").format(metres=round(like.metres)))
    days = round(like.days)
    told.append(
        ngettext("相差 {days} 天", "相差 {days} 天", days).format(days=days) if days
        else _("同一天")
    )  # fmt: skip
    told += [word for sign in like.signs if (word := _sign_word(sign))]
    return told


def _sign_word(sign: Sign) -> str:
    match sign.code:
        case "place":
            return _("按这一带的多少，碰巧这么近的约 {count} 件").format(count=f"{sign.value:.2g}")
        case "text":
            return _("文字重合 {share}%").format(share=round(sign.value * 100))
        case "address":
            return _("地点文字重合 {share}%").format(share=round(sign.value * 100))
        case "picture" if sign.bits > 0:
            return _("照片相近（64 位差 {bits} 位）").format(bits=round(sign.value))
        case "category" if sign.value == 0:
            return _("类别不同")
    return ""
