"""Who may see a case, and what a person is to it.  The only place where this is decided."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from django.utils.translation import gettext_lazy as _

from liandong.base.gates import Policy
from liandong.base.models import Role
from liandong.kernel.access import EVERYONE, NO_ONE, AllOf, AnyOf, AtMost, Eq, Fact, Rule, holds
from liandong.kernel.casework import DISCIPLINE, OVER, Kind, kinds
from liandong.kernel.viewer import INTERNAL, Viewer

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
    chambers: frozenset[str] = frozenset()  # with a live mandate of the enterprise
    overseers: frozenset[str] = frozenset()  # units of supervision that were given the matter


def is_staff(viewer: Viewer) -> bool:
    """Whether this person works on cases at all; officers never do."""
    return bool(viewer.roles & {*STAFF, Role.DISCIPLINE}) and not viewer.officer


def may_see(viewer: Viewer) -> Rule:
    """Cases that `viewer` may see (facts: level, kind, state, requested_by, firm, chambers, lead,
    units, grid_unit, overseers).

    Whoever raised it sees it, an enterprise what was raised for it, a chamber what a live mandate
    of the enterprise covers.  The supervising and commanding
    bodies see all within their clearance, a handling unit what it leads or assists, a grid worker
    what lies in the cells of the own unit, those who file what is over.  Auditors see everything.
    What belongs to supervision is granted to none of them, but to the units that it was given to.
    """  # fmt: skip
    if viewer.officer or not viewer.is_signed_in:
        return AllOf() if viewer.officer == AUDITOR else NO_ONE
    cleared = AllOf((AtMost("level", viewer.clearance), _of_circle("")))
    grants: list[Rule] = [Eq("requested_by", viewer.name)]
    if viewer.roles & _CENTRE:
        grants.append(cleared)
    if viewer.unit:
        grants.extend(_of_unit(viewer, cleared))
    if viewer.unit and Role.DISCIPLINE in viewer.roles:
        given = (AtMost("level", viewer.clearance), Eq("overseers", viewer.unit))
        grants.append(AllOf((_of_circle(DISCIPLINE), *given)))
    if viewer.roles & {Role.ARCHIVIST, Role.DIRECTOR}:
        over = AnyOf(tuple(Eq("state", state) for state in sorted(OVER)))
        grants.append(AllOf((cleared, over)))
    return AnyOf(tuple(grants))


def _of_circle(circle: str) -> Rule:
    codes = [one.code for one in kinds().values() if one.circle == circle]
    return AnyOf(tuple(Eq("kind", code) for code in codes))


def _of_unit(viewer: Viewer, cleared: Rule) -> list[Rule]:
    ours: list[Rule] = []
    worked_on = AnyOf((Eq("lead", viewer.unit), Eq("units", viewer.unit)))
    if Role.ENTERPRISE in viewer.roles:
        ours.append(Eq("firm", viewer.unit))
    if Role.CHAMBER in viewer.roles:
        ours.append(Eq("chambers", viewer.unit))
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
    if case.kind.circle == DISCIPLINE:
        return _of_supervision(viewer, case)
    held = {
        "desk": Role.DESK in viewer.roles,
        "desk_other_unit": (
            Role.DESK in viewer.roles and bool(viewer.unit) and viewer.unit != case.desk_unit
        ),
        "verifier": bool(case.kind.verifier) and case.kind.verifier in viewer.roles,
        "dispatcher": Role.DISPATCHER in viewer.roles,
        # who verified and solved it on the spot goes on when inspection fails
        "lead_unit": (
            bool(viewer.roles & {Role.HANDLER, case.kind.verifier})
            and _is_of(viewer, case.lead_unit)
        ),
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


def _of_supervision(viewer: Viewer, case: Standing) -> frozenset[str]:
    """Supervision does every part of it by itself; who inspects is of another unit still."""
    if Role.DISCIPLINE not in viewer.roles or viewer.unit not in case.overseers:
        return frozenset()
    is_lead = _is_of(viewer, case.lead_unit)
    held = {
        "desk": True,
        "desk_other_unit": not is_lead and viewer.unit != case.desk_unit,
        "verifier": bool(case.kind.verifier),
        "dispatcher": True,
        "lead_unit": is_lead,
        "assisting_unit": viewer.unit in case.assisting,
        "duty_leader": not is_lead,
        "leader": True,
        "approver": not is_lead,
        "inspector": True,
    }
    return frozenset(name for name, is_held in held.items() if is_held)


def _is_reporter(viewer: Viewer, case: Standing) -> bool:
    if not viewer.is_signed_in:
        return False
    return _raised_by(viewer, case) or is_by_mandate(viewer, case)


def _raised_by(viewer: Viewer, case: Standing) -> bool:
    member = Role.ENTERPRISE in viewer.roles and _is_of(viewer, case.enterprise)
    return viewer.name == case.requester or member


def is_by_mandate(viewer: Viewer, case: Standing) -> bool:
    """Whether this person stands in for the enterprise, by nothing but a mandate."""
    holds_one = Role.CHAMBER in viewer.roles and viewer.unit in case.chambers
    return holds_one and not _raised_by(viewer, case)


def _is_of(viewer: Viewer, unit: str) -> bool:
    return bool(unit) and viewer.unit == unit


def may_reach(viewer: Viewer) -> Rule:
    """Cases whose contact data `viewer` may open, with a reason: facts as in `may_see`.

    The desk, whoever verifies, the lead unit and whoever inspects.  Of restricted kinds, whose
    requester is to be protected from the unit, only the desk and whoever verifies.
    """
    grants: list[Rule] = []
    if Role.DESK in viewer.roles:
        grants.append(AllOf())
    if Role.HANDLER in viewer.roles and viewer.unit:
        grants.append(AllOf((Eq("lead", viewer.unit), _of_kinds(lambda kind: kind.level < 2))))
    if Role.INSPECTOR in viewer.roles:
        grants.append(_of_kinds(lambda kind: kind.level < 2 or kind.verifier == Role.INSPECTOR))
    if Role.GRID_WORKER in viewer.roles:
        grants.append(_of_kinds(lambda kind: kind.verifier == Role.GRID_WORKER))
    if viewer.officer or not grants:
        return NO_ONE
    return AllOf((may_see(viewer), AnyOf(tuple(grants))))


def _of_kinds(is_meant: Callable[[Kind], bool]) -> Rule:
    return AnyOf(tuple(Eq("kind", kind.code) for kind in kinds().values() if is_meant(kind)))


# Enterprises and chambers -------------------------------------------------------------------------


def is_portal_user(viewer: Viewer) -> bool:
    """Whether this person raises matters for an enterprise."""
    held = viewer.roles & {Role.ENTERPRISE, Role.CHAMBER}
    return bool(held and viewer.unit) and not viewer.officer


def is_visitor(viewer: Viewer) -> bool:
    """Whether this person visits enterprises for a unit of the city."""
    return is_staff(viewer) and bool(viewer.unit) and viewer.clearance >= INTERNAL


def may_see_enterprise(viewer: Viewer) -> Rule:
    """Cards of enterprises that `viewer` may see (facts: firm, chambers).

    Who visits sees all; an enterprise its own; a chamber those whose mandate it has.
    """
    if is_visitor(viewer):
        return EVERYONE
    grants: list[Rule] = []
    if is_portal_user(viewer):
        if Role.ENTERPRISE in viewer.roles:
            grants.append(Eq("firm", viewer.unit))
        if Role.CHAMBER in viewer.roles:
            grants.append(Eq("chambers", viewer.unit))
    return AnyOf(tuple(grants))


NOW, OWN, CHAMBER, WORK, WHEN_OVER = "now", "own", "chamber", "work", "over"


def audience(kind: Kind, firm: str, chambers: frozenset[str]) -> dict[str, str]:
    """Who will see a case of this kind for this enterprise: from when or where, by role or officer.

    Not prose: each role is tried against `may_see` as a person of another unit (NOW), of the
    enterprise (OWN), of a chamber with a mandate (CHAMBER), of the unit that will lead (WORK), and
    when the matter is over (WHEN_OVER).  Roles that never see it are left out.
    """
    facts: dict[str, Fact] = {
        "level": kind.level, "kind": kind.code, "state": "submitted", "requested_by": "",
        "firm": firm, "chambers": chambers, "lead": "", "units": frozenset(), "grid_unit": "",
        "overseers": frozenset(),
    }  # fmt: skip
    led = {**facts, "state": "in_progress", "lead": "*lead"}
    tried = [(NOW, "*other", facts), (OWN, firm, facts)]
    tried += [(CHAMBER, one, facts) for one in sorted(chambers)]
    tried += [(WORK, "*lead", led), (WHEN_OVER, "*other", {**facts, "state": "closed"})]
    found: dict[str, str] = {}
    for role in (*Role.values, AUDITOR):
        for when, unit, case in tried:
            person = Viewer("*", unit, kind.level, frozenset({role}))
            if role == AUDITOR:
                person = Viewer("*", officer=AUDITOR)
            if role not in found and holds(may_see(person), case):
                found[role] = when
    return found


PORTAL: Final = Policy("use-portal", is_portal_user, _("企业经办人、商会经办人"))
DRAFT: Final = Policy("draft-demand", is_portal_user, _("起草人"), scope="draft")
DEMAND: Final = Policy(
    "see-demand",
    is_portal_user,
    _("本企业经办人、有委托的商会"),
    scope="case",
    sees=lambda viewer, today: may_see(viewer),
)
GIVE_MANDATE: Final = Policy(
    "give-mandate",
    lambda viewer: is_portal_user(viewer) and Role.ENTERPRISE in viewer.roles,
    _("企业经办人"),
    scope="mandate",
)
SEE_ENTERPRISE: Final = Policy(
    "see-enterprise",
    lambda viewer: is_visitor(viewer) or is_portal_user(viewer),
    _("办理人员；企业看本企业，商会看有委托的会员"),
    scope="enterprise",
    sees=lambda viewer, today: may_see_enterprise(viewer),
)
VISIT: Final = Policy("visit-enterprises", is_visitor, _("走访单位的人"))
SETTLE: Final = Policy(
    "settle-visit-item",
    is_visitor,
    _("该次走访的单位"),
    scope="visit",
    acts=lambda viewer, today: Eq("unit", viewer.unit),
)

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
PUBLISH: Final = Policy(
    "publish-words",
    lambda viewer: Role.DESK in viewer.roles and not viewer.officer,
    _("受理员"),
    scope="case",
    sees=lambda viewer, today: may_see(viewer),
)
_REACHES: Final = frozenset({Role.DESK, Role.HANDLER, Role.INSPECTOR, Role.GRID_WORKER})
REACH: Final = Policy(
    "reach-requesters",
    lambda viewer: bool(viewer.roles & _REACHES) and not viewer.officer,
    _("受理员、核实人、主办单位、核查员；限制级的种类只有受理员和核实人"),
    scope="case",
    sees=lambda viewer, today: may_see(viewer),
    acts=lambda viewer, today: may_reach(viewer),
)
_UNCOVERS: Final = frozenset({Role.DESK, Role.INSPECTOR})
UNCOVER: Final = Policy(
    "see-original-photos",
    lambda viewer: bool(viewer.roles & _UNCOVERS) and not viewer.officer,
    _("受理员、核查员"),
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
_READS_LEDGER: Final = STAFF | {Role.ENTERPRISE}
LEDGER_PAGES: Final = Policy(
    "see-ledger",
    lambda viewer: (
        viewer.officer == AUDITOR or (bool(viewer.roles & _READS_LEDGER) and not viewer.officer)
    ),
    _("办理闭环事项的岗位、企业、安全审计员；列出的只是本人可看的"),
)
ENTER: Final = Policy(
    "enter-ledger-progress",
    lambda viewer: Role.HANDLER in viewer.roles and not viewer.officer,
    _("承办员；主办单位由事项决定"),
    scope="case",
    sees=lambda viewer, today: may_see(viewer),
)
EVALUATE: Final = Policy(
    "evaluate-cases",
    lambda viewer: (
        viewer.officer == AUDITOR
        or (bool(viewer.roles & {Role.LEADER, Role.DESK, Role.LEDGER}) and not viewer.officer)
    ),
    _("值班领导、受理员、台账员、安全审计员"),
)
WHOLE_LEDGER: Final = Viewer(name="cli", officer=AUDITOR)
"""Who asks at the command line of the server: reads everything, does nothing."""
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
IMPORT: Final = Policy(
    "import-cases",
    lambda viewer: bool(viewer.roles & {Role.DESK, Role.LEADER}) and not viewer.officer,
    _("受理员、值班领导"),
)
BULK: Final = Policy(
    "act-on-many-cases", is_staff, _("办理事项的岗位；每件仍按本人的职责")
)  # fmt: skip
