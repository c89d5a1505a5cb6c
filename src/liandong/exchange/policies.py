"""Who may ask, see, decide and lend.  The only place where this is decided."""

from collections.abc import Collection
from typing import Final

from django.utils.translation import gettext_lazy as _

from liandong.base.gates import Policy
from liandong.kernel.access import NO_ONE, AllOf, AnyOf, Eq, Rule
from liandong.kernel.viewer import Viewer

_HANDED_IN: Final = (
    "submitted", "proposed", "granted", "refused", "cancelled", "extending",
    "extension_proposed", "withdrawn",
)  # fmt: skip
AUDITOR: Final = "audit_admin"


def may_ask(viewer: Viewer) -> bool:
    """Everybody who is signed in; officers read and use no business data."""
    return viewer.is_signed_in and not viewer.officer


def holds(viewer: Viewer) -> bool:
    """Archivists and directors keep the holdings, and answer for them."""
    return (viewer.is_archivist or viewer.is_director) and not viewer.officer


def may_see(viewer: Viewer) -> Rule:
    """Requests that `viewer` may see (facts: asked_by, asker_unit, asked_units, state).

    The asker: the own ones, drafts too.  Handed in: those who keep the holdings and the audit
    officer see all, a clerk those of the own unit and those where the unit's opinion was asked.
    """
    if not viewer.is_signed_in:
        return NO_ONE
    handed_in = AnyOf(tuple(Eq("state", state) for state in _HANDED_IN))
    if viewer.officer:
        return handed_in if viewer.officer == AUDITOR else NO_ONE
    own = Eq("asked_by", viewer.name)
    if holds(viewer):
        return AnyOf((own, handed_in))
    if viewer.is_clerk and viewer.unit:
        unit = AnyOf((Eq("asker_unit", viewer.unit), Eq("asked_units", viewer.unit)))
        return AnyOf((own, AllOf((handed_in, unit))))
    return own


def standings(viewer: Viewer, *, asker: str, units: Collection[str]) -> frozenset[str]:
    """What `viewer` is to a request of `asker` in which `units` were asked: roles of the flow.

    Whoever asked is the asker and nothing else: nobody decides the own request.
    """
    if not may_ask(viewer):
        return frozenset()
    if viewer.name == asker:
        return frozenset({"asker"})
    held = {
        "holder": viewer.is_archivist,
        "director": viewer.is_director,
        "unit": viewer.is_clerk and bool(viewer.unit) and viewer.unit in units,
    }
    return frozenset(role for role, is_held in held.items() if is_held)


def visit_standings(viewer: Viewer) -> frozenset[str]:
    """What `viewer` is to a visit: archivists work at the desk."""
    held = {"desk": viewer.is_archivist, "director": viewer.is_director}
    return frozenset(role for role, is_held in held.items() if is_held and not viewer.officer)


def loan_standings(viewer: Viewer, *, borrower: str) -> frozenset[str]:
    """What `viewer` is to a loan: the borrower approves and takes back nothing."""
    if not may_ask(viewer):
        return frozenset()
    if viewer.name == borrower:
        return frozenset({"asker"})
    return frozenset({"approver", "keeper"}) if holds(viewer) else frozenset()


def may_see_loans(viewer: Viewer) -> Rule:
    """Loans that `viewer` may see (facts: borrowed_by, unit)."""
    if holds(viewer) or viewer.officer == AUDITOR:
        return AllOf()
    if not may_ask(viewer):
        return NO_ONE
    own = Eq("borrowed_by", viewer.name)
    if viewer.is_clerk and viewer.unit:
        return AnyOf((own, Eq("unit", viewer.unit)))
    return own


ASK: Final = Policy("ask-use", may_ask, _("已登录者（三员除外）"))
SEE_OWN: Final = Policy(
    "see-requests",
    lambda viewer: may_ask(viewer) or viewer.officer == AUDITOR,
    _("申请人及其单位、档案馆、被征求意见的单位、安全审计员"),
    scope="request",
)
STEP: Final = Policy(
    "take-request-step", may_ask, _("申请人、档案馆、被征求意见的单位"), scope="request"
)
HOLD: Final = Policy("hold", holds, _("档案馆员、档案馆负责人"))
CERTIFY: Final = Policy("certify", lambda viewer: viewer.is_archivist, _("档案馆员"))
REPORT: Final = Policy(
    "use-statistics",
    lambda viewer: holds(viewer) or viewer.officer == AUDITOR,
    _("档案馆员、档案馆负责人、安全审计员"),
)
BORROW: Final = Policy("borrow", may_ask, _("已登录者（三员除外）"), scope="loan")
