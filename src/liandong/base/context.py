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
from .models import Role
from .modes import CHOICES, modes_of
from .viewers import viewer_of

_STAFF = frozenset({Role.CLERK.value, Role.ARCHIVIST.value, Role.DIRECTOR.value})
_ARCHIVIST = frozenset({Role.ARCHIVIST.value})
_ARCHIVE_STAFF = frozenset({Role.ARCHIVIST.value, Role.DIRECTOR.value})
_ANYONE: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Entry:
    """A link of a bar.  `also` are paths that belong to it; `roles` empty means everyone."""

    label: Any  # lazy text
    path: str
    key: str = ""  # the letters to type, see `frontend/src/islands/keys.ts`
    roles: frozenset[str] = _ANYONE
    also: tuple[str, ...] = ()

    def is_under(self, path: str) -> bool:
        """Tell whether the page at `path` belongs to this entry."""
        return any(path.startswith(start) for start in (self.path, *self.also))


PUBLIC_BAR = (
    Entry(_("查档"), "/search/", "g s", also=("/records/",)),
    Entry(_("随手拍"), "/snap/"),
    Entry(_("企业服务"), "/biz/"),
    Entry(_("展览"), "/exhibits/"),
    Entry(_("开放目录"), "/opened/"),
    Entry(_("开放数据"), "/open/"),
    Entry(_("帮助"), "/help/"),
)
STAFF_BAR = (
    Entry(_("工作台"), "/desk/", "g d", _STAFF),
    Entry(_("事项"), "/cases/", "g c", _STAFF),
    Entry(_("台账"), "/ledger/", roles=_STAFF),
    Entry(
        _("档案"),
        "/archive/",
        "g a",
        _STAFF,
        (
            "/transfers/",
            "/review/",
            "/digitise/",
            "/preservation/",
            "/jobs/",
            "/opening/",
            "/rights/",
        ),
    ),
    Entry(_("查用"), "/search/", "g s", also=("/records/", "/requests/")),
    Entry(_("队伍"), "/community/", roles=_STAFF),
    Entry(_("看板"), "/board/", roles=_STAFF),
)
ARCHIVE_ROW = (
    Entry(_("移交接收"), "/transfers/", "g t", _STAFF),
    Entry(_("审核队列"), "/review/", "g q", _ARCHIVIST),
    Entry(_("全宗树"), "/archive/", roles=_STAFF),
    Entry(_("数字化流水"), "/digitise/", roles=_ARCHIVIST),
    Entry(_("长期保存"), "/preservation/", roles=_ARCHIVIST),
    Entry(_("开放审核"), "/opening/", "g o", _STAFF),
    Entry(_("个人信息权利"), "/rights/", roles=_ARCHIVE_STAFF),
    Entry(_("作业"), "/jobs/", roles=_ARCHIVIST),
)
FOOTER_ROW = (
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
    """The entries whose page exists and that one of `roles` may open."""
    return [
        {"label": entry.label, "path": entry.path, "key": entry.key, "on": entry.is_under(here)}
        for entry in entries
        if (not entry.roles or entry.roles & roles) and _exists(entry.path, _urlconf())
    ]


def page(request: HttpRequest) -> dict[str, Any]:
    """Context of every page: `modes`, `bar`, `row`, `footer`, `face`, `trace_id`, `has_search`."""
    roles = viewer_of(request).roles
    is_staff_face = bool(roles & _STAFF)
    bar = STAFF_BAR if is_staff_face else PUBLIC_BAR
    archive = next(entry for entry in STAFF_BAR if entry.path == "/archive/")
    here = request.path
    in_archive = is_staff_face and archive.is_under(here)
    return {
        "modes": modes_of(request),
        "mode_choices": CHOICES,
        "face": "staff" if is_staff_face else "public",
        "bar": _shown(bar, roles, here),
        "row": _shown(ARCHIVE_ROW, roles, here) if in_archive else [],
        "footer": _shown(FOOTER_ROW, roles, here),
        "has_search": _exists("/search/", _urlconf()),
        "trace_id": request_id(request),
    }
