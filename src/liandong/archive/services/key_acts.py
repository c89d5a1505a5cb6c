"""Acts on master keys that need two persons: asked for on a page, carried out by a command.

The files of the keys are no part of the database, so deciding only approves; the command spends the
approval and then does it.  Killed in between, `rewrap` goes on with a rotation, and a destruction
is asked for again.  Source: GB/T 22239-2019 8.1.4.2; catalog/roles_three_officers.csv.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from liandong.archive.policies import may_ask_keys, may_decide_keys
from liandong.base.approvals import Act, ActRefused, Params, register, spend
from liandong.kernel.sealed import ALGORITHMS, MasterKey

from .keyring import destroy_master, master_keys, refuse_used, rotate_master

ROTATE, DESTROY = "rotate_key", "destroy_key"
Progress = Callable[[int, int], None]  # done, total


def rotate_approved(
    number: int, *, by: str, now: datetime, progress: Progress
) -> tuple[MasterKey, int]:
    """Carry out an approved rotation; the new key and how many data keys it wraps.

    Raises NotWaiting, OSError.
    """
    with transaction.atomic():
        algorithm = spend(number, ROTATE, by=by, now=now).params["algorithm"]
    return rotate_master(algorithm, by=by, now=now, progress=progress)


def destroy_approved(number: int, *, by: str, now: datetime) -> str:
    """Carry out an approved destruction of a master key; its id.

    Raises NotWaiting, StillUsed and MasterLost, and then the approval is still there.
    """
    with transaction.atomic():
        key: str = spend(number, DESTROY, by=by, now=now).params["key"]
        refuse_used(key)
    destroy_master(key, by=by, now=now)
    return key


def _preview_rotation(params: Params) -> Sequence[Any]:
    algorithm = ALGORITHMS.get(str(params.get("algorithm", "")))
    if algorithm is None:
        raise ActRefused(_("没有这种算法。"))
    count = sum(use.objects for use in master_keys() if use.key.algorithm == algorithm.name)
    return [
        _("新建 {words} 主密钥，以后的档案用它。").format(words=algorithm.words),
        _("{count} 个数据密钥改由它保护，档案内容不改写。").format(count=count),
        _("批准后由命令执行：liandong key rotate --approval 编号。"),
    ]


def _preview_destruction(params: Params) -> Sequence[Any]:
    use = next((one for one in master_keys() if one.key.id == params.get("key")), None)
    if use is None or use.key.state == "destroyed":
        raise ActRefused(_("没有这个主密钥。"))
    if use.key.state == "current" or use.objects:
        raise ActRefused(_("它正在使用，或还有数据密钥用它：先轮换。"))
    return [
        _("主密钥 {key} 不可恢复地销毁。").format(key=use.key.id),
        _("凡由它保护的旧密钥副本，随之不能再打开。"),
        _("批准后由命令执行：liandong key destroy --approval 编号。"),
    ]


_ACTS: Final = (
    (ROTATE, _("轮换主密钥"), _preview_rotation, "algorithm"),
    (DESTROY, _("销毁主密钥"), _preview_destruction, "key"),
)


def register_acts() -> None:
    """Make the acts known."""
    for code, name, preview, param in _ACTS:
        register(
            Act(
                code=code,
                name=name,
                may_ask=may_ask_keys,
                may_decide=may_decide_keys,
                preview=preview,
                run=None,
                object_of=_about(param),
            )
        )


def _about(param: str) -> Callable[[Params], str]:
    return lambda params: f"key:{params.get(param, '')}"
