"""Who may see a case, and what a person is to it.  The only place where this is decided."""

from dataclasses import dataclass, field
from typing import Final

from django.utils.translation import gettext_lazy as _

from liandong.base.gates import Policy
from liandong.base.models import Role
from liandong.kernel.access import NO_ONE, AllOf, AnyOf, AtMost, Eq, Rule
from liandong.kernel.casework import OVER, Kind, kinds
from liandong.kernel.viewer import Viewer

AUDITOR: Final = "audit_admin"
_CENTRE: Final = frozenset({Role.DESK, Role.DISPATCHER, Role.INSPECTOR, Role.LEADER, Role.LEDGER})
"""Roles of the bodies that supervise and command: they see every case within their clearance."""
STAFF: Final = _CENTRE | {Role.HANDLER, Role.GRID_WORKER}


@dataclass(frozen=True, slots=True)
class Bearer:
    """Who acts: a person, whoever holds the token of this one case, or the system itself."""

    viewer: Viewer = field(default_factory=Viewer)
    holds_token: bool = False
    is_system: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """The facts of a case that decide what a person is to it."""

    kind: Kind
    requester: str  # account name, "" without one
    enterprise: str  # code of the enterprise, "" without one
    lead_unit: str
    desk_unit: str
    assisting: frozenset[str]  # units with an open sub-task


def is_staff(viewer: Viewer) -> bool:
    """Whether this person works on cases at all; officers never do."""
    return bool(viewer.roles & STAFF) and not viewer.officer


def may_see(viewer: Viewer) -> Rule:
    """Cases that `viewer` may see (facts: level, kind, state, requested_by, firm, lead, units,
    grid_unit).

    Whoever raised it sees it, an enterprise what was raised for it.  The supervising and commanding
    bodies see all within their clearance, a handling unit what it leads or assists, a grid worker
    what lies in the cells of the own unit, those who file what is over.  Auditors see everything.
    """  # fmt: skip
    if viewer.officer or not viewer.is_signed_in:
        return AllOf() if viewer.officer == AUDITOR else NO_ONE
    cleared = AtMost("level", viewer.clearance)
    grants: list[Rule] = [Eq("requested_by", viewer.name)]
    if viewer.roles & _CENTRE:
        grants.append(cleared)
    if viewer.unit:
        grants.extend(_of_unit(viewer, cleared))
    if viewer.roles & {Role.ARCHIVIST, Role.DIRECTOR}:
        over = AnyOf(tuple(Eq("state", state) for state in sorted(OVER)))
        grants.append(AllOf((cleared, over)))
    return AnyOf(tuple(grants))


def _of_unit(viewer: Viewer, cleared: Rule) -> list[Rule]:
    ours: list[Rule] = []
    worked_on = AnyOf((Eq("lead", viewer.unit), Eq("units", viewer.unit)))
    if Role.ENTERPRISE in viewer.roles:
        ours.append(Eq("firm", viewer.unit))
    if viewer.roles & {Role.HANDLER, Role.CLERK}:
        ours.append(AllOf((cleared, worked_on)))
    if Role.GRID_WORKER in viewer.roles:
        walked = [Eq("kind", one.code) for one in kinds().values() if one.verifier == "grid_worker"]
        verifying = AllOf((Eq("state", "verifying"), AnyOf(tuple(walked))))
        near = AnyOf((Eq("grid_unit", viewer.unit), Eq("lead", viewer.unit), verifying))
        ours.append(AllOf((cleared, near)))
    return ours


def standings(bearer: Bearer, case: Standing) -> frozenset[str]:
    """What whoever acts is to this case: actors of the flow table.

    Whoever raised it is its reporter and nothing else: nobody works on the own matter.
    """
    if bearer.is_system:
        return frozenset({"system"})
    viewer = bearer.viewer
    if bearer.holds_token or _is_reporter(viewer, case):
        return frozenset({"reporter"})
    if viewer.officer:
        return frozenset()
    held = {
        "desk": Role.DESK in viewer.roles,
        "desk_other_unit": (
            Role.DESK in viewer.roles and bool(viewer.unit) and viewer.unit != case.desk_unit
        ),
        "verifier": bool(case.kind.verifier) and case.kind.verifier in viewer.roles,
        "dispatcher": Role.DISPATCHER in viewer.roles,
        "lead_unit": Role.HANDLER in viewer.roles and _is_of(viewer, case.lead_unit),
        "assisting_unit": Role.HANDLER in viewer.roles and viewer.unit in case.assisting,
        "duty_leader": Role.LEADER in viewer.roles,
        "leader": Role.LEADER in viewer.roles,
        "approver": Role.LEADER in viewer.roles,
        "inspector": Role.INSPECTOR in viewer.roles,
        "ledger_officer": Role.LEDGER in viewer.roles and not _is_of(viewer, case.lead_unit),
        "records_clerk": bool(viewer.roles & {Role.CLERK, Role.ARCHIVIST}),
        "archivist": Role.ARCHIVIST in viewer.roles,
    }
    return frozenset(name for name, is_held in held.items() if is_held)


def _is_reporter(viewer: Viewer, case: Standing) -> bool:
    if not viewer.is_signed_in:
        return False
    member = Role.ENTERPRISE in viewer.roles and _is_of(viewer, case.enterprise)
    return viewer.name == case.requester or member


def _is_of(viewer: Viewer, unit: str) -> bool:
    return bool(unit) and viewer.unit == unit


LIST: Final = Policy(
    "list-cases",
    lambda viewer: viewer.is_signed_in and viewer.officer in {"", AUDITOR},
    _("已登录者；列出的只是本人可看的"),
)
SEE: Final = Policy(
    "see-cases",
    lambda viewer: viewer.is_signed_in and viewer.officer in {"", AUDITOR},
    _("诉求人、经办单位、受理与核查人员、归档人员、安全审计员"),
    scope="case",
    sees=lambda viewer, today: may_see(viewer),
)
STEP: Final = Policy(
    "take-case-step",
    lambda viewer: viewer.is_signed_in and not viewer.officer,
    _("对该事项负有职责的人"),
    scope="case",
    sees=lambda viewer, today: may_see(viewer),
)
TRIAGE: Final = Policy(
    "triage", lambda viewer: Role.DESK in viewer.roles and not viewer.officer, _("受理员")
)
_COVERS: Final = frozenset({Role.DESK, Role.GRID_WORKER})
BLUR: Final = Policy(
    "blur-photos",
    lambda viewer: bool(viewer.roles & _COVERS) and not viewer.officer,
    _("受理员、网格员"),
    scope="case",
    sees=lambda viewer, today: may_see(viewer),
)
FILE: Final = Policy(
    "file-cases",
    lambda viewer: (
        bool(viewer.roles & {Role.CLERK, Role.ARCHIVIST, Role.DESK}) and not viewer.officer
    ),
    _("归档人员、档案馆员、受理员"),
    scope="case",
    sees=lambda viewer, today: may_see(viewer),
)
_OUTSIDE: Final = frozenset({Role.GRID_WORKER, Role.INSPECTOR})
FIELD: Final = Policy(
    "field-work",
    lambda viewer: bool(viewer.roles & _OUTSIDE) and not viewer.officer,
    _("网格员、核查员"),
)
FIELD_STEP: Final = Policy(
    "take-field-step",
    lambda viewer: bool(viewer.roles & _OUTSIDE) and not viewer.officer,
    _("网格员、核查员，限本人可看的事项"),
    scope="case",
    sees=lambda viewer, today: may_see(viewer),
)
INSPECT: Final = Policy(
    "inspect-case",
    lambda viewer: Role.INSPECTOR in viewer.roles and not viewer.officer,
    _("核查员，限本人可看的事项"),
    scope="case",
    sees=lambda viewer, today: may_see(viewer),
)
BULK: Final = Policy(
    "act-on-many-cases", is_staff, _("办理事项的岗位；每件仍按本人的职责")
)  # fmt: skip
