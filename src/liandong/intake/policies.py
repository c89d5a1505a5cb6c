"""Who may hand over, see and decide batches.  The only place where this is decided."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from liandong.base.gates import Policy
from liandong.kernel.access import AllOf, AnyOf, Eq, Rule
from liandong.kernel.viewer import Viewer


def may_hand_over(viewer: Viewer) -> bool:
    """A records clerk for the own unit, an archivist for any."""
    return viewer.is_archivist or (viewer.is_clerk and bool(viewer.unit))


def may_see(viewer: Viewer) -> Rule:
    """Batches `viewer` may see (fact: unit): archivists all, clerks those of their unit."""
    if viewer.is_archivist:
        return AllOf()
    if viewer.is_clerk and viewer.unit:
        return Eq("unit", viewer.unit)
    return AnyOf()


def may_decide(viewer: Viewer) -> bool:
    """Only an archivist accepts or returns items."""
    return viewer.is_archivist


def _sees(viewer: Viewer, _today: int) -> Rule:
    return may_see(viewer)


HAND_OVER: Final = Policy(
    "hand-over", may_hand_over, _("移交单位的兼职档案员、档案馆员"), "batch", _sees
)
DECIDE: Final = Policy("decide-batches", may_decide, _("档案馆员"), "batch", _sees)
UPLOAD: Final = Policy("upload", may_hand_over, _("移交单位的兼职档案员、档案馆员"), "upload")
