"""Who may open pages of the audit.  Source: catalog/roles_three_officers.csv."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from liandong.base.gates import Policy
from liandong.base.models import Officer
from liandong.kernel.viewer import Viewer


def is_auditor(viewer: Viewer) -> bool:
    """安全审计员: reads and exports everything, and changes nothing."""
    return viewer.officer == Officer.AUDIT


def sees_logs(viewer: Viewer) -> bool:
    """安全审计员, and 安全保密管理员 for the acts of ordinary users: see `queries.visible_rows`."""
    return viewer.officer in {Officer.AUDIT, Officer.SECURITY}


AUDIT: Final = Policy("audit", is_auditor, _("安全审计员"))
LOGS: Final = Policy(
    "audit-logs", sees_logs, _("安全审计员；安全保密管理员只见普通用户的行为"), scope="audit row"
)
PROTECTION: Final = Policy("protection-level", sees_logs, _("安全审计员、安全保密管理员"))
