"""Acts on accounts and units that need two persons; registered when the application starts.

What each changes is told before it is asked for and again before it is decided.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from liandong.base.approvals import Act, ActRefused, Params, register
from liandong.base.models import Account, Officer, Role, Unit

from . import policies
from .services import accounts, factors, passwords, rights, units

LEVELS: Final = (_("公开"), _("内部"), _("限制"))  # by kernel.viewer level
Doing = Callable[..., str]


def account_of(params: Params) -> Account:
    """The account that an act is about.  Raises ActRefused."""
    found = Account.objects.filter(username=str(params.get("account", ""))).first()
    if found is None:
        raise ActRefused(_("没有这个账号。"))
    return found


def unit_of(params: Params) -> Unit | None:
    """The unit that an act names, None for "".  Raises ActRefused for one that is not there."""
    code = str(params.get("unit", ""))
    found = Unit.objects.filter(code=code).first()
    if code and found is None:
        raise ActRefused(_("没有这个机构。"))
    return found


def _who(account: Account) -> str:
    return f"{account.full_name or account.username}（{account.username}）"


def _standing(account: Account) -> list[Any]:
    """What the account is and has now: every preview ends with it."""
    roles = [str(Role(role).label) for role in account.posts.values_list("role", flat=True)]
    if account.officer:
        roles.append(str(Officer(account.officer).label))
    level = LEVELS[min(account.clearance, len(LEVELS) - 1)]
    lines: list[Any] = [
        _("现在：{roles}；可阅密级 {level}；机构 {unit}。").format(
            roles="、".join(roles) or _("没有角色"), level=level, unit=account.unit or _("无")
        )
    ]
    if account.password_by_other or account.last_login is None:
        lines.append(_("注意：本人还没有登录并改过密码。"))
    return lines


def _role_of(params: Params) -> Role:
    try:
        return Role(str(params.get("role", "")))
    except ValueError:
        raise ActRefused(_("没有这个角色。")) from None


def _officer_of(params: Params) -> Officer:
    try:
        return Officer(str(params.get("officer", "")))
    except ValueError:
        raise ActRefused(_("没有这一职责。")) from None


def _level_of(params: Params) -> int:
    level = params.get("clearance")
    if not isinstance(level, int) or not 0 <= level < len(LEVELS):
        raise ActRefused(_("没有这一密级。"))
    return level


def _must_be_open(account: Account) -> None:
    if not account.is_active:
        raise ActRefused(_("该账号已停用。"))


def _preview_grant(params: Params) -> list[Any]:
    account, role = account_of(params), _role_of(params)
    _must_be_open(account)
    if account.officer:
        raise ActRefused(_("三员不得兼任业务角色：该账号是{officer}。").format(
            officer=account.get_officer_display()
        ))  # fmt: skip
    if account.posts.filter(role=role).exists():
        raise ActRefused(_("该账号已是{role}。").format(role=role.label))
    return [
        _("{who}将成为{role}。").format(who=_who(account), role=role.label),
        *_standing(account),
    ]


def _preview_withdraw(params: Params) -> list[Any]:
    account, role = account_of(params), _role_of(params)
    if not account.posts.filter(role=role).exists():
        raise ActRefused(_("该账号不是{role}。").format(role=role.label))
    return [
        _("{who}将不再是{role}，并须重新登录。").format(who=_who(account), role=role.label),
        *_standing(account),
    ]


def _preview_clearance(params: Params) -> list[Any]:
    account, level = account_of(params), _level_of(params)
    _must_be_open(account)
    if account.officer and level:
        raise ActRefused(_("三员没有可阅密级。"))
    if level == account.clearance:
        raise ActRefused(_("可阅密级已是这一级。"))
    line = _("{who}的可阅密级将由 {before} 改为 {after}。").format(
        who=_who(account), before=LEVELS[min(account.clearance, 2)], after=LEVELS[level]
    )
    return [line, *_standing(account)]


def _preview_move(params: Params) -> list[Any]:
    account, unit = account_of(params), unit_of(params)
    _must_be_open(account)
    if unit and unit.closed_at:
        raise ActRefused(_("该机构已撤销。"))
    if unit == account.unit:
        raise ActRefused(_("该账号已在这个机构。"))
    line = _("{who}将由 {before} 调到 {after}，从此可阅该机构的档案，不再可阅原机构的。").format(
        who=_who(account), before=account.unit or _("无"), after=unit or _("无")
    )
    return [line, *_standing(account)]


def _preview_appoint(params: Params) -> list[Any]:
    account, officer = account_of(params), _officer_of(params)
    _must_be_open(account)
    if account.officer:
        raise ActRefused(_("三员由不同的人担任：该账号已是{officer}。").format(
            officer=account.get_officer_display()
        ))  # fmt: skip
    if account.posts.exists() or account.clearance:
        raise ActRefused(_("三员不得兼任业务角色：请先收回该账号的角色和密级。"))
    line = _("{who}将成为{officer}，从此不能担任任何业务角色。").format(
        who=_who(account), officer=officer.label
    )
    return [line, *_standing(account)]


def _preview_dismiss(params: Params) -> list[Any]:
    account = account_of(params)
    if not account.officer:
        raise ActRefused(_("该账号不是三员之一。"))
    rights.refuse_last_officer(account)
    line = _("{who}将不再是{officer}，并须重新登录。").format(
        who=_who(account), officer=account.get_officer_display()
    )
    return [line, *_standing(account)]


def _preview_close(params: Params) -> list[Any]:
    account = account_of(params)
    _must_be_open(account)
    rights.refuse_last_officer(account)
    line = _("{who}将停用：失去全部角色、密级和登录会话，用户名不再给别人。").format(
        who=_who(account)
    )
    return [line, *_standing(account)]


def _preview_factors(params: Params) -> list[Any]:
    account = account_of(params)
    _must_be_open(account)
    if not factors.has_factor(account):
        raise ActRefused(_("该账号没有第二因素。"))
    line = _("{who}的动态口令、通行密钥和恢复码将全部删除，下次登录只凭密码。").format(
        who=_who(account)
    )
    return [line, *_standing(account)]


def _preview_password(params: Params) -> list[Any]:
    account = account_of(params)
    _must_be_open(account)
    line = _("{who}将得到一次性密码，原密码作废；密码只在批准时显示一次，由审批人转交本人。")
    return [line.format(who=_who(account)), *_standing(account)]


def _preview_close_unit(params: Params) -> list[Any]:
    unit = unit_of(params)
    if unit is None:
        raise ActRefused(_("没有这个机构。"))
    units.refuse_closing(unit)
    return [_("{unit}（{code}）将撤销：档案仍归它，账号不能再调入。").format(
        unit=unit.name, code=unit.code
    )]  # fmt: skip


def _grant(params: Params, *, by: str, asked_by: str, now: datetime) -> str:
    rights.grant_role(account_of(params), _role_of(params), by=by, now=now)
    return ""


def _withdraw(params: Params, *, by: str, asked_by: str, now: datetime) -> str:
    rights.withdraw_role(account_of(params), _role_of(params), by=by, now=now)
    return ""


def _clear(params: Params, *, by: str, asked_by: str, now: datetime) -> str:
    rights.set_clearance(account_of(params), _level_of(params), by=by, now=now)
    return ""


def _move(params: Params, *, by: str, asked_by: str, now: datetime) -> str:
    rights.move_account(account_of(params), unit_of(params), by=by, now=now)
    return ""


def _appoint(params: Params, *, by: str, asked_by: str, now: datetime) -> str:
    rights.appoint_officer(account_of(params), _officer_of(params), by=by, now=now)
    return ""


def _dismiss(params: Params, *, by: str, asked_by: str, now: datetime) -> str:
    rights.dismiss_officer(account_of(params), by=by, now=now)
    return ""


def _close(params: Params, *, by: str, asked_by: str, now: datetime) -> str:
    accounts.close_account(account_of(params), why="", by=by, now=now)
    return ""


def _reset_factors(params: Params, *, by: str, asked_by: str, now: datetime) -> str:
    factors.reset_factors(account_of(params), by=by, now=now)
    return ""


def _reset_password(params: Params, *, by: str, asked_by: str, now: datetime) -> str:
    return passwords.give_password(account_of(params), by=by, now=now)


def _close_unit(params: Params, *, by: str, asked_by: str, now: datetime) -> str:
    unit = unit_of(params)
    if unit is None:
        raise ActRefused(_("没有这个机构。"))
    units.close_unit(unit, by=by, now=now)
    return ""


def _about_account(params: Params) -> str:
    return f"account:{params.get('account', '')}"


def _about_unit(params: Params) -> str:
    return f"unit:{params.get('unit', '')}"


ON_ACCOUNTS: Final[Mapping[str, tuple[Any, Callable[[Params], list[Any]], Doing]]] = {
    "grant_role": (_("授予角色"), _preview_grant, _grant),
    "withdraw_role": (_("收回角色"), _preview_withdraw, _withdraw),
    "set_clearance": (_("改可阅密级"), _preview_clearance, _clear),
    "move_account": (_("调整机构"), _preview_move, _move),
    "appoint_officer": (_("任命三员"), _preview_appoint, _appoint),
    "dismiss_officer": (_("免去三员"), _preview_dismiss, _dismiss),
    "reset_password": (_("重设密码"), _preview_password, _reset_password),
    "reset_factors": (_("清除第二因素"), _preview_factors, _reset_factors),
    "close_account": (_("停用账号"), _preview_close, _close),
}


def register_acts() -> None:
    """Make the acts of accounts and units known."""
    for code, (name, preview, run) in ON_ACCOUNTS.items():
        _register(code, name, preview, run, _about_account)
    _register("close_unit", _("撤销机构"), _preview_close_unit, _close_unit, _about_unit)


def _register(
    code: str,
    name: Any,
    preview: Callable[[Params], list[Any]],
    run: Doing,
    about: Callable[[Params], str],
) -> None:
    register(
        Act(
            code=code,
            name=name,
            may_ask=policies.may_ask_rights,
            may_decide=policies.may_decide_rights,
            preview=preview,
            run=run,
            object_of=about,
        )
    )
