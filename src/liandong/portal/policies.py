"""What other systems may do by an interface key (接口密钥), and who may give keys out.

A key never reaches further than the account that answers for it: its viewer is that account seen
as a plain member of its department, and a scope only takes away.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from liandong.archive.policies import may_copy, may_read
from liandong.base.gates import Policy
from liandong.base.models import Officer
from liandong.intake.policies import may_hand_over
from liandong.kernel.access import Rule
from liandong.kernel.viewer import Viewer

SCOPES: Final[Mapping[str, Any]] = {
    "records:search": _("检索档案"),
    "records:read": _("读取档案著录、文字与原件"),
    "transfers:write": _("移交"),
    "transfers:read": _("查看移交结果"),
    "filing:write": _("归档接口：逐件归档"),
    "shares:request": _("申请共享利用"),
    "shares:read": _("查看共享申请与授权"),
    "webhooks:manage": _("管理事件通知"),
    "reports:write": _("开放接口上报事项"),
}
BORROWED_ROLES: Final = frozenset({"clerk", "reader"})
"""What a key takes over from its account: a system is never archivist, director or officer."""


@dataclass(frozen=True, slots=True)
class Entry:
    """How an operation is entered: its policy, the scope that the key must have, and the trace."""

    policy: Policy
    scope: str  # of SCOPES
    act: str = ""  # catalog/audit_acts.csv; "": only refusals leave a row
    refuses: tuple[str, ...] = ()  # portal.api.problems that it answers besides the usual ones
    most_bytes: int = 1 << 20  # of a body in JSON
    streams: bool = False  # the body goes to the disk, and no digest of it is taken here
    keeps: bool = True  # False: a repetition asks again (the answer holds a secret)


def _key(
    code: str,
    scope: str,
    may: Callable[[Viewer], bool],
    on: str = "",
    sees: Callable[[Viewer, int], Rule] | None = None,
    acts: Callable[[Viewer, int], Rule] | None = None,
) -> Policy:
    words = format_lazy(_("持有 {scope} 权限的接口密钥"), scope=scope)
    return Policy(f"api-{code}", may, words, on, sees, acts)


def _is_member(viewer: Viewer) -> bool:
    return viewer.is_signed_in and bool(viewer.unit) and not viewer.officer


def _is_clerk(viewer: Viewer) -> bool:
    return _is_member(viewer) and viewer.is_clerk


SEARCH: Final = _key("search", "records:search", _is_member, "record", may_read)
READ: Final = _key("read", "records:read", _is_member, "record", may_read)
COPY: Final = _key("copy", "records:read", _is_member, "record", may_read, may_copy)
HAND_OVER: Final = _key("hand-over", "transfers:write", may_hand_over, "transfer")
FOLLOW: Final = _key("follow", "transfers:read", may_hand_over, "transfer")
FILE: Final = _key("file", "filing:write", may_hand_over, "filing")
ASK_USE: Final = _key("ask-use", "shares:request", _is_clerk)
SEE_USE: Final = _key("see-use", "shares:read", _is_clerk, "request")
SUBSCRIBE: Final = _key("subscribe", "webhooks:manage", _is_member, "subscription")

MANAGE_KEYS: Final = Policy(
    "manage-keys", lambda viewer: viewer.officer == Officer.SECURITY, _("安全保密管理员")
)
