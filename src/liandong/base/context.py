"""What every page knows: its modes, its bar, the links of the bar that exist, and who asks."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import Resolver404, get_urlconf, resolve
from django.utils.translation import gettext_lazy as _

from .middleware import request_id
from .models import Account, Officer, Role
from .modes import CHOICES, modes_of
from .notices.queries import unseen
from .viewers import viewer_of

_STAFF = frozenset({Role.CLERK.value, Role.ARCHIVIST.value, Role.DIRECTOR.value})
_CASE_STAFF = frozenset(
    one.value
    for one in (
        Role.DESK, Role.GRID_WORKER, Role.DISPATCHER, Role.HANDLER, Role.INSPECTOR, Role.LEADER,
        Role.LEDGER,
    )
)  # fmt: skip
_FIRM = frozenset({Role.ENTERPRISE.value})
_PORTAL = _FIRM | {Role.CHAMBER.value}
_STATION = frozenset({Role.STATION.value})
_SUPERVISION = frozenset({Role.DISCIPLINE.value})
_READER = frozenset({Role.READER.value})
_ARCHIVIST = frozenset({Role.ARCHIVIST.value})
_ARCHIVE_STAFF = frozenset({Role.ARCHIVIST.value, Role.DIRECTOR.value})
_OFFICERS = frozenset(Officer.values)
_ADMINS = frozenset({Officer.SYSTEM.value, Officer.SECURITY.value})
_AUDITOR = frozenset({Officer.AUDIT.value})
_SECURITY = frozenset({Officer.SECURITY.value})
_LOG_READERS = frozenset({Officer.AUDIT.value, Officer.SECURITY.value})
_DECIDERS = frozenset({Role.DIRECTOR.value, Role.ARCHIVIST.value})
_AT_WORK = _STAFF | _DECIDERS | _CASE_STAFF | _STATION | _SUPERVISION
_ANYONE: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Entry:
    """A link of a bar.  `also` are paths that belong to it; `roles` empty means everyone.

    `roles` are roles and officers alike: no account is both.
    """

    label: Any  # lazy text
    path: str
    key: str = ""  # the letters to type, see `frontend/src/islands/keys.ts`
    roles: frozenset[str] = _ANYONE
    also: tuple[str, ...] = ()

    def reach(self, path: str) -> int:
        """How much of `path` this entry names, in characters: 0 when the page is none of its."""
        return max(len(start) * path.startswith(start) for start in (self.path, *self.also))

    def is_under(self, path: str) -> bool:
        """Tell whether the page at `path` belongs to this entry."""
        return self.reach(path) > 0


PUBLIC_BAR = (
    Entry(_("查档"), "/search/", "g s", also=("/records/", "/requests/")),
    Entry(_("我的利用"), "/exchange/", "g x", _READER),
    Entry(_("随手拍"), "/snap/"),
    Entry(_("驿站"), "/stations/"),
    Entry(_("企业服务"), "/biz/", also=("/enterprises/",)),
    Entry(_("展览"), "/exhibits/"),
    Entry(_("开放目录"), "/opened/"),
    Entry(_("开放数据"), "/open/"),
    Entry(_("帮助"), "/help/"),
)
STAFF_BAR = (
    Entry(_("工作台"), "/desk/", "g d", _STAFF | _CASE_STAFF),
    Entry(
        _("事项"),
        "/cases/",
        "g c",
        _STAFF | _CASE_STAFF | _SUPERVISION,
        ("/visits/", "/enterprises/"),
    ),
    Entry(_("台账"), "/ledger/", "g e", _CASE_STAFF),
    Entry(
        _("档案"),
        "/archive/",
        "g a",
        _STAFF | _DECIDERS,
        (
            "/transfers/",
            "/review/",
            "/digitise/",
            "/preservation/",
            "/retention/",
            "/jobs/",
            "/opening/",
            "/rights/",
        ),
    ),
    Entry(_("查用"), "/search/", "g s", also=("/records/", "/requests/", "/exchange/")),
    Entry(_("亲清"), "/conduct/", roles=_STAFF | _CASE_STAFF | _SUPERVISION),
    Entry(_("驿站"), "/community/stations/", roles=_STATION),
    Entry(_("队伍"), "/community/", roles=_STAFF),
    Entry(_("看板"), "/board/", roles=_STAFF),
    Entry(_("审批"), "/admin/approvals/", roles=_DECIDERS),
)
OFFICER_BAR = (
    Entry(
        _("管理"),
        "/admin/accounts/",
        roles=_OFFICERS,
        also=(
            "/admin/review/",
            "/admin/approvals/",
            "/admin/units/",
            "/admin/open-",
            "/admin/keys/",
            "/admin/apikeys/",
        ),
    ),
    Entry(_("审计"), "/audit/", "g l", _LOG_READERS),
    Entry(_("亲清"), "/conduct/", roles=_AUDITOR),
    Entry(_("查用"), "/search/", "g s", also=("/records/",)),
)
AUDIT_ROW = (
    Entry(_("审计记录"), "/audit/", roles=_LOG_READERS, also=("/audit/objects/",)),
    Entry(_("封存与校验"), "/audit/seals/", roles=_AUDITOR, also=("/audit/checks/",)),
    Entry(_("等保三级对照"), "/audit/protection/", roles=_LOG_READERS),
)
ADMIN_ROW = (
    Entry(_("账号"), "/admin/accounts/", roles=_OFFICERS, also=("/admin/open-account/",)),
    Entry(_("审批"), "/admin/approvals/", roles=_OFFICERS),
    Entry(_("机构"), "/admin/units/", roles=_ADMINS),
    Entry(_("账号核查"), "/admin/review/", roles=_OFFICERS),
    Entry(_("密钥"), "/admin/keys/", roles=_OFFICERS),
    Entry(_("接口密钥"), "/admin/apikeys/", roles=_SECURITY),
)
ARCHIVE_ROW = (
    Entry(_("移交接收"), "/transfers/", "g t", _STAFF),
    Entry(_("审核队列"), "/review/", "g q", _ARCHIVIST),
    Entry(_("全宗树"), "/archive/", roles=_STAFF | _DECIDERS),
    Entry(_("数字化流水"), "/digitise/", roles=_ARCHIVIST),
    Entry(_("长期保存"), "/preservation/", roles=_ARCHIVIST),
    Entry(_("开放审核"), "/opening/", "g o", _STAFF),
    Entry(_("个人信息权利"), "/rights/", roles=_ARCHIVE_STAFF),
    Entry(_("鉴定销毁"), "/retention/", roles=_DECIDERS),
    Entry(_("作业"), "/jobs/", roles=_ARCHIVIST),
)
CASE_ROW = (
    Entry(_("事项"), "/cases/", roles=_STAFF | _CASE_STAFF),
    Entry(_("走访"), "/visits/", "g w", _CASE_STAFF),
    Entry(_("走访计划"), "/visits/plan/", roles=_CASE_STAFF),
    Entry(_("企业"), "/enterprises/", "g f", _CASE_STAFF),
)
BIZ_ROW = (
    Entry(_("我的事项"), "/biz/", roles=_PORTAL),
    Entry(_("提交新事项"), "/biz/new/", roles=_PORTAL),
    Entry(_("商会委托"), "/biz/mandates/", roles=_FIRM),
    Entry(_("企业档案卡"), "/enterprises/", roles=_PORTAL),
    Entry(_("帮办与融资对接"), "/biz/services/"),
)
USE_ROW = (
    Entry(_("检索"), "/search/"),
    Entry(_("共享利用"), "/exchange/", "g x", _STAFF),
    Entry(_("查档篮"), "/exchange/basket/", "g b", _STAFF),
    Entry(_("查档登记"), "/exchange/visits/", "g v", _DECIDERS),
    Entry(_("出证登记"), "/exchange/copies/", roles=_DECIDERS),
    Entry(_("实体借阅"), "/exchange/loans/", roles=_STAFF),
    Entry(_("利用统计"), "/exchange/statistics/", roles=_DECIDERS),
)
CONDUCT_ROW = (
    Entry(_("政商交往登记"), "/conduct/", also=("/conduct/contacts/",)),
    Entry(_("正面与负面清单"), "/conduct/rules/"),
    Entry(_("回避关系"), "/conduct/ties/"),
    Entry(_("廉洁与作风举报"), "/conduct/reports/", roles=_SUPERVISION | _AUDITOR),
)
FOOTER_ROW = (
    Entry(_("我的上报与积分"), "/me/reports/"),
    Entry(_("廉洁与作风举报"), "/conduct/report/"),
    Entry(_("查档申请"), "/requests/new/"),
    Entry(_("核验证明"), "/verify/"),
    Entry(_("帮助"), "/help/"),
    Entry(_("隐私"), "/privacy/"),
    Entry(_("个人信息权利"), "/rights/"),
    Entry(_("显示与无障碍"), "/modes/"),
)


def _urlconf() -> str:
    return get_urlconf() or str(settings.ROOT_URLCONF)


@lru_cache(maxsize=256)
def _exists(path: str, urlconf: str) -> bool:
    try:
        resolve(path, urlconf)
    except Resolver404:
        return False
    return True


def _shown(entries: Iterable[Entry], roles: frozenset[str], here: str) -> list[dict[str, Any]]:
    """The entries whose page exists and that one of `roles` may open; the nearest one is on."""
    shown = [
        entry
        for entry in entries
        if (not entry.roles or entry.roles & roles) and _exists(entry.path, _urlconf())
    ]
    nearest = max((entry.reach(here) for entry in shown), default=0)
    return [
        {
            "label": entry.label,
            "path": entry.path,
            "key": entry.key,
            "on": 0 < entry.reach(here) == nearest,
        }
        for entry in shown
    ]


def _longest_on(links: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of links that lie below each other only the nearest is the current one."""
    on = max((link["path"] for link in links if link["on"]), key=len, default="")
    return [{**link, "on": link["path"] == on} for link in links]


def page(request: HttpRequest) -> dict[str, Any]:
    """Context of every page: `modes`, `bar`, `row`, `footer`, `face`, `trace_id`, `has_search`.

    `unseen` is how many notices the person has not seen, counted when a template asks for it.
    """
    viewer, here = viewer_of(request), request.path
    user = getattr(request, "user", None)
    roles = viewer.roles | ({viewer.officer} if viewer.officer else _ANYONE)
    bar = _bar_of(roles)
    row_label, row = _row_of(bar, here)
    return {
        "modes": modes_of(request),
        "mode_choices": CHOICES,
        "face": "public" if bar is PUBLIC_BAR else "staff",
        "bar": _shown(bar, roles, here),
        "row": _longest_on(_shown(row, roles, here)),
        "row_label": row_label,
        "footer": _shown(FOOTER_ROW, roles, here),
        "has_search": _exists("/search/", _urlconf()),
        "trace_id": request_id(request),
        "unseen": lambda: unseen(user).count() if isinstance(user, Account) else 0,
    }


def _bar_of(roles: frozenset[str]) -> tuple[Entry, ...]:
    if roles & _OFFICERS:
        return OFFICER_BAR
    return STAFF_BAR if roles & _AT_WORK else PUBLIC_BAR


def _row_of(bar: tuple[Entry, ...], here: str) -> tuple[Any, tuple[Entry, ...]]:
    """The second row of the bar: the name of its part, and its entries."""
    for start, label, row in (
        ("/cases/", _("事项工作"), CASE_ROW),
        ("/biz/", _("企业服务"), BIZ_ROW),
        ("/archive/", _("档案工作"), ARCHIVE_ROW),
        ("/search/", _("查用工作"), USE_ROW if bar is STAFF_BAR else ()),
        ("/admin/accounts/", _("管理工作"), ADMIN_ROW),
        ("/audit/", _("审计工作"), AUDIT_ROW),
        ("/conduct/", _("亲清工作"), CONDUCT_ROW),
    ):
        if any(entry.path == start and entry.is_under(here) for entry in bar):
            return label, row
    return "", ()
