"""Accounts for the officers: who there is, what each holds, and asking for a change of it."""

from collections.abc import Mapping
from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from liandong.base import approvals
from liandong.base.approvals import ActRefused, Params
from liandong.base.gates import open_to
from liandong.base.models import Account, Officer, Role
from liandong.base.params import number, words
from liandong.base.people.acts import LEVELS, ON_ACCOUNTS
from liandong.base.people.policies import (
    ASK_RIGHTS,
    LOCK_ACCOUNTS,
    OPEN_ACCOUNTS,
    SEE_ACCOUNTS,
    is_security,
    is_system,
    may_ask_rights,
)
from liandong.base.people.queries import (
    STATES,
    account_by_name,
    account_list,
    open_units,
    requests_about,
    standings,
)
from liandong.base.people.services.accounts import (
    lock_account,
    open_account,
    rename_person,
    unlock_account,
)
from liandong.base.people.services.rights import refuse_last_officer
from liandong.base.people.services.sessions import live_sessions
from liandong.base.viewers import viewer_of

PAGE: Final = 50
PARAMS: Final[Mapping[str, str]] = {
    "grant_role": "role",
    "withdraw_role": "role",
    "set_clearance": "clearance",
    "move_account": "unit",
    "appoint_officer": "officer",
}
"""What each act is told besides the account; whatever else a form sends is not looked at."""


def state_words() -> dict[str, str]:
    """The states of accounts in words."""
    return {
        "open": _("在用"),
        "locked": _("已锁定"),
        "closed": _("已停用"),
        "unused": _("90 天未登录"),
        "officer": _("三员"),
    }


@never_cache
@require_safe
@open_to(SEE_ACCOUNTS)
def show_accounts(request: HttpRequest) -> HttpResponse:
    """Accounts by user name, found by text and state; keyset paging."""
    text, state = words(request.GET.get("q")), words(request.GET.get("state"))
    after = words(request.GET.get("after"))
    rows = account_list(text=text, state=state, now=timezone.now(), after=after, limit=PAGE)
    named = state_words()
    context = {
        "rows": rows[:PAGE],
        "after": rows[PAGE - 1].account.username if len(rows) > PAGE else "",
        "text": text,
        "state": state,
        "states": [(code, named[code]) for code in STATES],
        "state_words": named,
        "may_open": is_system(viewer_of(request)),
    }
    return render(request, "people/accounts.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@open_to(OPEN_ACCOUNTS)
def open_new_account(request: HttpRequest) -> HttpResponse:
    """Open an account without rights; its first password is shown once."""
    given = {name: words(request.POST.get(name)) for name in ("username", "full_name")}
    if request.method != "POST":
        return render(request, "people/new_account.html", {"given": given})
    try:
        if not given["full_name"].strip():
            raise ActRefused(_("请填写姓名。"))
        account, password = open_account(
            given["username"], full_name=given["full_name"], by=viewer_of(request).name,
            now=timezone.now(),
        )  # fmt: skip
    except ActRefused as refusal:
        context = {"given": given, "refusal": refusal.words}
        return render(request, "people/new_account.html", context)
    context = {"account": account, "words": password}
    return render(request, "people/once.html", context)


@never_cache
@require_safe
@open_to(SEE_ACCOUNTS)
def show_account(request: HttpRequest, username: str) -> HttpResponse:
    """One account: what it is and has, what waits for a decision, what may be asked for."""
    account, now, viewer = _found(username), timezone.now(), viewer_of(request)
    (standing,) = standings([account], now=now)
    context = {
        "account": account,
        "standing": standing,
        "state": state_words()[standing.state],
        "level": LEVELS[min(account.clearance, len(LEVELS) - 1)],
        "sessions": len(live_sessions(account, now=now)),
        "requests": requests_about(account),
        "asks": _asks(account) if may_ask_rights(viewer) and account.is_active else [],
        "may_lock": is_security(viewer) and viewer.name != username and account.is_active,
        "may_rename": is_system(viewer) and account.is_active,
        "crumbs": [(_("账号"), "/admin/accounts/"), (account.username, "")],
    }
    return render(request, "people/account.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@open_to(ASK_RIGHTS)
def ask_for_change(request: HttpRequest, username: str) -> HttpResponse:
    """What a change would do, and asking for it; nothing is changed here."""
    account = _found(username)
    told = request.POST if request.method == "POST" else request.GET
    code = words(told.get("act"))
    if code not in ON_ACCOUNTS:
        return redirect("base:account", username)
    params = params_of(code, username, told)
    context = {
        "account": account,
        "name": ON_ACCOUNTS[code][0],
        "hidden": {"act": code, **{key: told.get(key, "") for key in params if key != "account"}},
        "crumbs": [
            (_("账号"), "/admin/accounts/"),
            (username, f"/admin/accounts/{username}/"),
            (ON_ACCOUNTS[code][0], ""),
        ],
    }
    try:
        context["lines"] = approvals.preview(code, params)
        if request.method == "POST":
            approval = approvals.ask(
                code, params, why=words(told.get("why")), by=viewer_of(request).name,
                now=timezone.now(),
            )  # fmt: skip
            messages.success(request, _("已提交申请，等另一人审批。"))
            return redirect("base:approval", approval.pk)
    except ActRefused as refusal:
        context["refusal"] = refusal.words
    return render(request, "people/ask.html", context)


def params_of(code: str, username: str, told: Mapping[str, str]) -> Params:
    """The parameters of an act on an account, as a form tells them."""
    name = PARAMS.get(code)
    if name is None:
        return {"account": username}
    text = words(told.get(name))
    value: Any = number(text, default=-1) if name == "clearance" else text
    return {"account": username, name: value}


@require_POST
@open_to(LOCK_ACCOUNTS)
def change_lock(request: HttpRequest, username: str) -> HttpResponse:
    """Lock an account at once, or unlock it; never the own one, nor the last officer of a kind."""
    account, by, now = _found(username), viewer_of(request).name, timezone.now()
    why = words(request.POST.get("why")).strip()
    locks = request.POST.get("act") == "lock"
    try:
        if not why:
            raise ActRefused(_("请写明事由。"))
        if username == by:
            raise ActRefused(_("不能锁定或解锁自己的账号。"))
        if locks:
            refuse_last_officer(account)
            lock_account(account, why=why, by=by, now=now)
        else:
            unlock_account(account, why=why, by=by, now=now)
    except ActRefused as refusal:
        messages.error(request, str(refusal.words))
        return redirect("base:account", username)
    done = _("已锁定，登录已结束。") if locks else _("已解锁。")
    messages.success(request, done)
    return redirect("base:account", username)


@require_POST
@open_to(OPEN_ACCOUNTS)
def correct_name(request: HttpRequest, username: str) -> HttpResponse:
    """Correct the name of a person."""
    account = _found(username)
    try:
        rename_person(
            account, words(request.POST.get("full_name")), by=viewer_of(request).name,
            now=timezone.now(),
        )  # fmt: skip
    except ActRefused as refusal:
        messages.error(request, str(refusal.words))
    else:
        messages.success(request, _("姓名已改。"))
    return redirect("base:account", username)


def _found(username: str) -> Account:
    account = account_by_name(username.replace("\0", ""))
    if account is None:
        raise Http404
    return account


def _asks(account: Account) -> list[dict[str, Any]]:
    """The acts that may be asked for, each with the choices of its parameter."""
    held = set(account.posts.values_list("role", flat=True))
    choices: dict[str, list[tuple[Any, Any]]] = {
        "grant_role": [(one.value, one.label) for one in Role if one.value not in held],
        "withdraw_role": [(one.value, one.label) for one in Role if one.value in held],
        "set_clearance": [(n, level) for n, level in enumerate(LEVELS) if n != account.clearance],
        "move_account": [("", _("（无）")), *((one.code, one.name) for one in open_units())],
        "appoint_officer": [(one.value, one.label) for one in Officer],
    }
    rows = []
    for code, (name, _preview, _run) in ON_ACCOUNTS.items():
        if code in PARAMS and not choices[code]:
            continue
        if not _suits(code, account):
            continue
        given = choices.get(code, [])
        rows.append({"code": code, "name": name, "param": PARAMS.get(code), "choices": given})
    return rows


def _suits(code: str, account: Account) -> bool:
    """Whether the act makes sense for an officer, or for somebody who is none."""
    if code in {"grant_role", "set_clearance", "appoint_officer"}:
        return not account.officer
    return code != "dismiss_officer" or bool(account.officer)
