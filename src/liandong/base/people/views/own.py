"""The own account: what I may do, where I am signed in, my password and my second factors."""

from contextlib import suppress
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.views import GenerateRecoveryCodesView, ViewRecoveryCodesView
from allauth.mfa.totp.views import ActivateTOTPView, DeactivateTOTPView
from allauth.mfa.webauthn.views import AddWebAuthnView, RemoveWebAuthnView
from django import forms
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from liandong.base.audit import record_act
from liandong.base.gates import SIGNED_IN, open_to
from liandong.base.models import Account, Role
from liandong.base.people.acts import LEVELS
from liandong.base.people.passwords import LONGEST, is_due, rules
from liandong.base.people.services import factors
from liandong.base.people.services.passwords import WrongPassword, change_password
from liandong.base.people.services.sessions import end_session, live_sessions, session_code
from liandong.base.people.signing.beginning import DUTIES, PASSWORD, lift
from liandong.base.people.signing.forms import use_code

from .signing import signed_in_again

DUTIES_OF_ROLES = {
    Role.CLERK: gettext_lazy("移交和著录本单位的档案，可阅本单位密级以内的档案。"),
    Role.ARCHIVIST: gettext_lazy("审核、接收、保管和更正全部档案，可阅密级以内的档案。"),
    Role.DIRECTOR: gettext_lazy("审批须两人办理的事项，可阅密级以内的档案。"),
    Role.READER: gettext_lazy("查阅已开放的档案和批准给您的档案。"),
    Role.DESK: gettext_lazy("受理、转送、并案和不予受理诉求，审核他单位的重办申请。"),
    Role.GRID_WORKER: gettext_lazy("到现场核实本单位网格内的上报，能当场解决的当场解决。"),
    Role.DISPATCHER: gettext_lazy("按派单目录把事项派给主办单位。"),
    Role.HANDLER: gettext_lazy("办理本单位主办、协办的事项。"),
    Role.INSPECTOR: gettext_lazy("核查他单位办理的结果，不能核查本人或本单位办理的事项。"),
    Role.LEADER: gettext_lazy("裁定退单，批准延期和缓办，督办和批示。"),
    Role.LEDGER: gettext_lazy("把诉求列入台账，确认后销号。"),
    Role.ENTERPRISE: gettext_lazy("为本企业提出诉求，查看进度，确认结果。"),
    Role.CHAMBER: gettext_lazy("受会员企业委托提出和查看诉求。"),
    Role.STATION: gettext_lazy("维护本单位的驿站，巡检，凭兑换码兑换积分。"),
    Role.DISCIPLINE: gettext_lazy("办理对他单位人员的廉洁与作风举报，判定亲清提示。"),
}
DUTIES_OF_OFFICERS = {
    "sys_admin": gettext_lazy("运行和设置系统、开立没有权限的账号、申请权限变更；不能看业务档案。"),
    "sec_admin": gettext_lazy("锁定账号，申请和审批权限变更；不能单独开立账号，不能看业务档案。"),
    "audit_admin": gettext_lazy("查阅和导出审计记录；不能改变数据、设置或权限。"),
}


class PasswordForm(forms.Form):
    """The present password and twice the new one."""

    old = forms.CharField(
        label=gettext_lazy("现在的密码"),
        strip=False,
        max_length=LONGEST,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    new = forms.CharField(
        label=gettext_lazy("新密码"),
        strip=False,
        max_length=LONGEST,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    again = forms.CharField(
        label=gettext_lazy("再输一次新密码"),
        strip=False,
        max_length=LONGEST,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean(self) -> dict[str, Any]:
        """Both entries are the same."""
        given = super().clean() or {}
        if given.get("new") != given.get("again"):
            self.add_error("again", _("两次输入的不一样。"))
        return given


def _me(request: HttpRequest) -> Account:
    if not isinstance(request.user, Account):
        raise Http404
    return request.user


@never_cache
@require_safe
@open_to(SIGNED_IN)
def show_me(request: HttpRequest) -> HttpResponse:
    """Profile, rights in words, sessions, factors."""
    me, now = _me(request), timezone.now()
    key = request.session.session_key
    roles = [Role(role) for role in me.posts.values_list("role", flat=True)]
    duties: list[tuple[Any, Any]] = [(role.label, DUTIES_OF_ROLES[role]) for role in roles]
    if me.officer:
        duties.append((me.get_officer_display(), DUTIES_OF_OFFICERS[me.officer]))
    sessions = [
        {"row": one, "code": session_code(one.pk), "mine": one.pk == key}
        for one in live_sessions(me, now=now)
    ]
    context = {
        "facts": _facts(me),
        "duties": duties,
        "sessions": sessions,
        "factors": list(Authenticator.objects.filter(user=me)),
        "must_have_factor": factors.must_have_factor(me),
    }
    return render(request, "people/me.html", context)


def _facts(me: Account) -> list[dict[str, Any]]:
    return [
        {"label": _("用户名"), "value": me.username},
        {"label": _("姓名"), "value": me.full_name},
        {"label": _("机构"), "value": me.unit},
        {"label": _("可阅密级"), "value": LEVELS[min(me.clearance, len(LEVELS) - 1)]},
    ]


@require_POST
@open_to(SIGNED_IN)
def end_own_session(request: HttpRequest, code: str) -> HttpResponse:
    """End one of the own sessions."""
    me = _me(request)
    if not end_session(me, code, by=me.username, now=timezone.now()):
        raise Http404
    messages.success(request, _("该处登录已结束。"))
    return redirect("base:me")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@open_to(SIGNED_IN)
def change_own_password(request: HttpRequest) -> HttpResponse:
    """A new password; every other session ends."""
    me = _me(request)
    form = PasswordForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid() and _change(request, me, form):
        messages.success(request, _("密码已更换，其他地方的登录都已结束。"))
        return redirect("/" if request.session.get(DUTIES) else "base:me")
    due = PASSWORD in request.session.get(DUTIES, []) and is_due(me, timezone.now())
    context = {"form": form, "rules": rules(), "due": due, "by_other": me.password_by_other}
    return render(request, "people/password.html", context)


def _change(request: HttpRequest, me: Account, form: PasswordForm) -> bool:
    given = form.cleaned_data
    try:
        change_password(
            me, old=given["old"], new=given["new"], by=me.username, now=timezone.now(),
            keep=str(request.session.session_key),
        )  # fmt: skip
    except WrongPassword:
        form.add_error("old", _("现在的密码不对。"))
        return False
    except ValidationError as error:
        form.add_error("new", error)
        return False
    me.refresh_from_db()
    update_session_auth_hash(request, me)
    lift(request, PASSWORD)
    signed_in_again(request)
    return True


@never_cache
@require_safe
@open_to(SIGNED_IN)
def show_factors(request: HttpRequest) -> HttpResponse:
    """The second factors, how to add and remove them."""
    me = _me(request)
    rows = list(Authenticator.objects.filter(user=me).order_by("created_at"))
    kinds = Authenticator.Type
    codes = next((row for row in rows if row.type == kinds.RECOVERY_CODES), None)
    context = {
        "app": next((row for row in rows if row.type == kinds.TOTP), None),
        "passkeys": [row for row in rows if row.type == kinds.WEBAUTHN],
        "codes_left": len(codes.wrap().get_unused_codes()) if codes else None,
        "due": factors.must_have_factor(me) and not factors.has_factor(me),
    }
    return render(request, "people/factors.html", context)


def _note(act: str, request: HttpRequest, kind: str) -> None:
    name = _me(request).username
    record_act(act, by=name, now=timezone.now(), object=f"account:{name}", facts={"kind": kind})


class AddApp(ActivateTOTPView):
    """Add an app that shows codes."""

    @transaction.atomic
    def form_valid(self, form: Any) -> HttpResponse:
        """Add it, use up the code that was given, and note it."""
        answer: HttpResponse = super().form_valid(form)
        factor = Authenticator.objects.get(user=_me(self.request), type=Authenticator.Type.TOTP)
        with suppress(ValidationError):  # its half minute is just over
            use_code(factor, form.cleaned_data["code"])
        _note("add_factor", self.request, "totp")
        return answer


class RemoveApp(DeactivateTOTPView):
    """Remove the app, where it may be removed."""

    @transaction.atomic
    def form_valid(self, form: Any) -> HttpResponse:
        """Remove it and note it."""
        _note("remove_factor", self.request, "totp")
        answer: HttpResponse = super().form_valid(form)
        return answer


class AddPasskey(AddWebAuthnView):
    """Add a passkey."""

    @transaction.atomic
    def form_valid(self, form: Any) -> HttpResponse:
        """Add it and note it."""
        _note("add_factor", self.request, "webauthn")
        answer: HttpResponse = super().form_valid(form)
        return answer


class RemovePasskey(RemoveWebAuthnView):
    """Remove a passkey, where it may be removed."""

    success_url = "/me/factors/"

    @transaction.atomic
    def form_valid(self, form: Any) -> HttpResponse:
        """Remove it and note it."""
        if not factors.may_lose(self.get_object()):
            messages.error(self.request, _("您的职责要求第二因素：请先添加另一个，再删除这一个。"))
            return redirect("mfa_index")
        _note("remove_factor", self.request, "webauthn")
        answer: HttpResponse = super().form_valid(form)
        return answer


class RenewCodes(GenerateRecoveryCodesView):
    """Make new recovery codes; those before are void."""

    @transaction.atomic
    def form_valid(self, form: Any) -> HttpResponse:
        """Make them and note it."""
        _note("renew_codes", self.request, "recovery_codes")
        answer: HttpResponse = super().form_valid(form)
        return answer


add_app = open_to(SIGNED_IN)(AddApp.as_view())
remove_app = open_to(SIGNED_IN)(RemoveApp.as_view())
add_passkey = open_to(SIGNED_IN)(AddPasskey.as_view())
remove_passkey = open_to(SIGNED_IN)(RemovePasskey.as_view())
renew_codes = open_to(SIGNED_IN)(RenewCodes.as_view())
show_codes = open_to(SIGNED_IN)(ViewRecoveryCodesView.as_view())
