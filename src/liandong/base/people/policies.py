"""Who may see and change accounts, units and requests.  The only place where this is decided.

Source: catalog/roles_three_officers.csv; GB/T 22239-2019 8.1.4.2, 8.1.5.
"""

from typing import Final

from django.utils.translation import gettext_lazy as _

from liandong.base.gates import Policy
from liandong.base.models import Account, Officer
from liandong.kernel.viewer import Viewer

_ASKERS = frozenset({Officer.SYSTEM.value, Officer.SECURITY.value})


def is_system(viewer: Viewer) -> bool:
    """系统管理员: opens accounts without rights, and units."""
    return viewer.officer == Officer.SYSTEM


def is_security(viewer: Viewer) -> bool:
    """安全保密管理员: locks and unlocks, asks for and decides rights."""
    return viewer.officer == Officer.SECURITY


def may_ask_rights(viewer: Viewer) -> bool:
    """Changes of rights are asked for by the system or the security officer."""
    return viewer.officer in _ASKERS


def may_decide_rights(viewer: Viewer, asker: Viewer) -> bool:
    """And decided by a security officer; by a director where the only one of them asked."""
    if is_security(viewer):
        return True
    return viewer.is_director and is_security(asker) and _security_officers() == 1


def _security_officers() -> int:
    return Account.objects.filter(
        officer=Officer.SECURITY, is_active=True, locked_at__isnull=True
    ).count()


SEE_ACCOUNTS: Final = Policy(
    "see-accounts", lambda viewer: bool(viewer.officer), _("系统管理员、安全保密管理员、安全审计员")
)
ASK_RIGHTS: Final = Policy(
    "ask-rights", may_ask_rights, _("系统管理员、安全保密管理员")
)  # fmt: skip
OPEN_ACCOUNTS: Final = Policy("open-accounts", is_system, _("系统管理员"))
LOCK_ACCOUNTS: Final = Policy("lock-accounts", is_security, _("安全保密管理员"))
SEE_UNITS: Final = Policy(
    "see-units", lambda viewer: viewer.officer in _ASKERS, _("系统管理员、安全保密管理员")
)
KEEP_UNITS: Final = Policy("keep-units", is_system, _("系统管理员"))
SEE_APPROVALS: Final = Policy(
    "see-approvals",
    lambda viewer: bool(viewer.officer) or bool(viewer.roles - {"reader"}),
    _("三员与在岗人员，各见自己申请或可审批的"),
    scope="approval",
)
