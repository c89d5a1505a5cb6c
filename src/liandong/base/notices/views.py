"""The list of notices of the person who is signed in, and how that person wants to be told."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from liandong.base.gates import SIGNED_IN, open_to
from liandong.base.models import Account, Notice
from liandong.base.params import number, words

from . import services
from .queries import PAGE, choice_of, hours_of, listed, unseen
from .words import words_of


def _me(request: HttpRequest) -> Account:
    if not isinstance(request.user, Account):
        raise Http404
    return request.user


@never_cache
@require_safe
@open_to(SIGNED_IN)
def show_notices(request: HttpRequest) -> HttpResponse:
    """What I was told: the unseen, or all of it."""
    me, all_of_it = _me(request), request.GET.get("all") == "1"
    rows = listed(me, before=number(request.GET.get("after")), all_of_it=all_of_it)
    shown, choice = rows[:PAGE], choice_of(me)
    context = {
        "rows": [_row(one) for one in shown],
        "after": shown[-1].pk if len(rows) > PAGE else "",
        "all_of_it": all_of_it,
        "count": unseen(me).count(),
        "choice": choice,
        "hours": [(hour, hour in hours_of(choice)) for hour in range(24)],
        "has_mail": bool(settings.MAIL_SERVER),
        "crumbs": [(_("我的账号"), "/me/"), (_("提醒"), "")],
    }
    return render(request, "notices/notices.html", context)


def _row(one: Notice) -> dict[str, Any]:
    return {"row": one, "words": words_of(one.room, one.kind, one.number, one.facts)}


@require_POST
@open_to(SIGNED_IN)
def see(request: HttpRequest) -> HttpResponse:
    """Take all notices as seen, or open one."""
    me, now = _me(request), timezone.now()
    if not (pk := number(request.POST.get("notice"))):
        services.mark_seen(me, now=now)
        return redirect("base:notices")
    one = services.see_one(me, pk, now=now)
    return redirect(one.path if one else "base:notices")


@require_POST
@open_to(SIGNED_IN)
def choose(request: HttpRequest) -> HttpResponse:
    """Keep how I want to be told."""
    given = request.POST
    try:
        quiet = parse_date(words(given.get("quiet_until")))
    except ValueError:
        quiet = None
    try:
        services.choose(
            _me(request), by_mail="by_mail" in given, by_sms="by_sms" in given,
            phone=words(given.get("phone"))[:20], quiet_until=quiet,
            hours=[int(one) for one in given.getlist("hours") if one.isdecimal()],
        )  # fmt: skip
    except services.BadChoice as bad:
        messages.error(request, {
            "hours": _("请至少选一个时间。"), "phone": _("收短信须填 11 位手机号码。"),
        }[bad.field])  # fmt: skip
    else:
        messages.success(request, _("已保存。"))
    return redirect("base:notices")
