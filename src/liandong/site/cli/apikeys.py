"""`liandong apikey …`: interface keys of departments."""

from datetime import timedelta
from typing import Annotated

import typer

from .embedded import clock, fail, set_up_with_database
from .output import _, put, put_json, say

app = typer.Typer(help=_("接口密钥：签发、更换、停用"), no_args_is_help=True)


@app.command(help=_("签发一把，密钥只显示这一次"))
def create(
    name: Annotated[str, typer.Argument(help=_("用途"))],
    account: Annotated[str, typer.Option(help=_("答责账号，密钥属于它的机构"))],
    scope: Annotated[list[str], typer.Option(help=_("权限，可写多个"))],
    days: Annotated[int, typer.Option(min=1, max=366, help=_("有效天数"))] = 180,
    network: Annotated[list[str] | None, typer.Option(help=_("来源网段，可写多个"))] = None,
    per_minute: Annotated[int, typer.Option(help=_("每分钟次数，0 按系统设置"))] = 0,
) -> None:
    """Issue a key of the department of an account; the token is the only line on stdout."""
    set_up_with_database()
    from liandong.base.models import Account
    from liandong.portal.services.keys import BadTerms, issue_key

    holder = Account.objects.filter(username=account).select_related("unit").first()
    if holder is None or holder.unit is None:
        fail(_("没有这个账号，或账号不属于任何机构：{name}").format(name=account))
    now = clock()
    try:
        issued = issue_key(
            name=name, unit=holder.unit, account=holder, scopes=scope, by="cli", now=now,
            expires_at=now + timedelta(days=days), networks=network or (), per_minute=per_minute,
        )  # fmt: skip
    except BadTerms as error:
        fail(_("不能这样签发：{reason}").format(reason=error))
    say(_("编号 {code}，{day} 到期").format(code=issued.key.code, day=issued.key.expires_at.date()))
    put(issued.token)


@app.command("list", help=_("列出"))
def list_keys(
    as_json: Annotated[bool, typer.Option("--json", help=_("每行一个 JSON 对象"))] = False,
) -> None:
    """One line per key, newest first."""
    set_up_with_database()
    from liandong.portal.queries.keys import all_keys, state_of

    for key in all_keys():
        state = state_of(key, now=clock())
        if as_json:
            put_json({
                "code": key.code, "name": key.name, "unit": key.unit.code, "state": state,
                "account": key.account.username, "scopes": key.scopes.split(","),
                "networks": key.networks, "expires_at": key.expires_at,
                "last_used_at": key.last_used_at,
            })  # fmt: skip
        else:
            put(f"{key.code}  {state:8}{key.expires_at:%Y-%m-%d}  {key.unit.code:10}{key.name}")


@app.command(help=_("更换：签发同样的一把，旧的再用一天"))
def rotate(code: Annotated[str, typer.Argument(help=_("编号"))]) -> None:
    """A new key on the same terms; the token is the only line on stdout."""
    set_up_with_database()
    from liandong.portal.models import ApiKey
    from liandong.portal.services.keys import rotate_key

    try:
        issued = rotate_key(code, by="cli", now=clock())
    except ApiKey.DoesNotExist:
        fail(_("没有这把有效的密钥：{code}").format(code=code))
    say(_("编号 {code}，{day} 到期").format(code=issued.key.code, day=issued.key.expires_at.date()))
    put(issued.token)


@app.command(help=_("立即停用"))
def revoke(code: Annotated[str, typer.Argument(help=_("编号"))]) -> None:
    """End a key at once."""
    set_up_with_database()
    from liandong.portal.models import ApiKey
    from liandong.portal.services.keys import revoke_key

    try:
        put(revoke_key(code, by="cli", now=clock()).code)
    except ApiKey.DoesNotExist:
        fail(_("没有这把密钥：{code}").format(code=code))
