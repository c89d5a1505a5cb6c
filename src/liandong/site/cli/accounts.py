"""`liandong account …`: who may sign in, and as what."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from .embedded import clock, fail, set_up_with_database
from .output import _, put, put_json, say

app = typer.Typer(help=_("账号：开立、锁定、三员、核查"), no_args_is_help=True)
BY = "cli"
Name = Annotated[str, typer.Argument(help=_("用户名"))]
Json = Annotated[bool, typer.Option("--json", help=_("每行一个 JSON 对象"))]


class Post(StrEnum):
    """The roles of `base.models.Role`, named without Django."""

    CLERK = "clerk"
    ARCHIVIST = "archivist"
    DIRECTOR = "director"
    READER = "reader"


@app.callback()
def _account() -> None:
    """Commands of accounts."""


@app.command(help=_("开立账号，或修改同名账号；三员设立后不再授权"))
def add(
    username: Name,
    role: Annotated[
        Post | None,
        typer.Option(
            help=_("clerk 兼职档案员、archivist 档案馆员、director 档案馆负责人、reader 查档人")
        ),
    ] = None,
    name: Annotated[str, typer.Option(help=_("姓名"))] = "",
    unit: Annotated[str, typer.Option(help=_("机构代码，可写成 代码=名称"))] = "",
    clearance: Annotated[
        int | None, typer.Option(min=0, max=2, help=_("可阅密级：0 公开、1 内部、2 限制"))
    ] = None,
    password: Annotated[
        str,
        typer.Option(
            prompt=_("口令"), hide_input=True, confirmation_prompt=True,
            help=_("不写时询问；也可放在环境变量 NEW_PASSWORD 中"), envvar="NEW_PASSWORD",
        ),
    ] = "",
) -> None:  # fmt: skip
    """Open or change an account; its password is changed at the first sign-in."""
    set_up_with_database()
    from django.core.exceptions import ValidationError

    from liandong.base.approvals import ActRefused
    from liandong.base.models import Role
    from liandong.base.people.services.bootstrap import keep_account

    code, _sign, title = unit.partition("=")
    try:
        account, fresh = keep_account(
            username,
            password=password,
            by=BY,
            now=clock(),
            full_name=name,
            role=Role(role.value) if role else None,
            unit=(code, title) if code else None,
            clearance=clearance,
        )
    except ValidationError as error:
        fail(" ".join(error.messages))
    except ActRefused as refusal:
        fail(str(refusal.words))
    word = _("已开立账号 {name}") if fresh else _("已修改账号 {name}")
    put(word.format(name=account.username))


@app.command("list", help=_("列出账号"))
def list_accounts(as_json: Json = False) -> None:
    """Every account with what it holds."""
    set_up_with_database()
    from liandong.base.models import Account
    from liandong.base.people.queries import standings

    for one in standings(Account.objects.all(), now=clock()):
        _put(one, as_json=as_json)


@app.command(help=_("在用账号核查：谁有什么权限，何时登录过"))
def review(as_json: Json = False) -> None:
    """Every account in use, those unused for 90 days marked."""
    set_up_with_database()
    from liandong.base.people.queries import account_review

    for one in account_review(now=clock()):
        _put(one, as_json=as_json)


@app.command(help=_("锁定账号：立即结束其登录"))
def lock(username: Name, why: Annotated[str, typer.Option(help=_("事由"))] = "") -> None:
    """Shut an account out."""
    account = _found(username)
    from liandong.base.people.services.accounts import lock_account

    lock_account(account, why=why, by=BY, now=clock())
    put(_("已锁定账号 {name}").format(name=username))


@app.command(help=_("解锁账号，包括因登录失败的锁定"))
def unlock(username: Name, why: Annotated[str, typer.Option(help=_("事由"))] = "") -> None:
    """Let an account in again."""
    account = _found(username)
    from liandong.base.people.services.accounts import unlock_account

    unlock_account(account, why=why, by=BY, now=clock())
    put(_("已解锁账号 {name}").format(name=username))


@app.command(help=_("为缺少的三员各开一个账号，一次性口令只显示这一次"))
def officers() -> None:
    """Make the officers that are missing."""
    set_up_with_database()
    from liandong.base.people.services.accounts import make_officers

    made = make_officers(by=BY, now=clock())
    if not made:
        say(_("三员都已设立"))
    for officer, (username, password) in made.items():
        put(f"{username}\t{password}\t{officer.label}")


def _found(username: str) -> Any:
    set_up_with_database()
    from liandong.base.people.queries import account_by_name

    account = account_by_name(username)
    if account is None:
        fail(_("没有账号 {name}").format(name=username))
    return account


def _put(standing: Any, *, as_json: bool) -> None:
    """One account on a line."""
    account = standing.account
    row = {
        "account": account.username,
        "name": account.full_name,
        "unit": account.unit.code if account.unit else "",
        "roles": list(standing.roles),
        "clearance": account.clearance,
        "factors": list(standing.factors),
        "state": standing.state,
        "unused": standing.unused,
        "last_sign_in": account.last_login.isoformat() if account.last_login else "",
    }
    if as_json:
        put_json(row)
        return
    cells = [row["account"], row["name"], row["unit"], "、".join(standing.roles) or "—"]
    cells += [str(row["clearance"]), row["state"], (row["last_sign_in"] or "—")[:16]]
    put("\t".join([*map(str, cells), "▲" if standing.unused else ""]).rstrip())
