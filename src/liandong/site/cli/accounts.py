"""`liandong account …`: who may sign in, and as what."""

from enum import StrEnum
from typing import Annotated

import typer

from .embedded import fail, set_up_with_database
from .output import _, put

app = typer.Typer(help=_("账号：开立与修改"), no_args_is_help=True)


class Post(StrEnum):
    """The roles of `base.models.Role`, named without Django."""

    CLERK = "clerk"
    ARCHIVIST = "archivist"
    READER = "reader"


@app.callback()
def _account() -> None:
    """Commands of accounts."""


@app.command(help=_("开立账号，或修改同名账号"))
def add(
    username: Annotated[str, typer.Argument(help=_("用户名"))],
    role: Annotated[
        Post | None, typer.Option(help=_("clerk 兼职档案员、archivist 档案馆员、reader 查档人"))
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
    """Open or change an account."""
    set_up_with_database()
    from django.core.exceptions import ValidationError

    from liandong.base.accounts import keep_account
    from liandong.base.models import Role

    code, _sign, title = unit.partition("=")
    try:
        account, fresh = keep_account(
            username,
            password=password,
            full_name=name,
            role=Role(role.value) if role else None,
            unit=(code, title) if code else None,
            clearance=clearance,
        )
    except ValidationError as error:
        fail(" ".join(error.messages))
    word = _("已开立账号 {name}") if fresh else _("已修改账号 {name}")
    put(word.format(name=account.username))
