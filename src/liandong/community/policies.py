"""Who may keep stations, redeem, and read the registers of conduct.  Decided nowhere else."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from liandong.base.gates import Policy
from liandong.base.models import Role
from liandong.cases.policies import AUDITOR
from liandong.cases.policies import may_see as may_see_case
from liandong.kernel.access import NO_ONE, AllOf, AnyOf, Eq, Rule
from liandong.kernel.viewer import Viewer

_FROM_OUTSIDE: Final = frozenset({Role.READER, Role.ENTERPRISE, Role.CHAMBER})


def is_official(viewer: Viewer) -> bool:
    """Whether this person acts for a body: any post but those of people from outside."""
    return bool(viewer.unit and viewer.roles - _FROM_OUTSIDE) and not viewer.officer


def is_station_staff(viewer: Viewer) -> bool:
    """Whether this person keeps the stations of the own unit."""
    return Role.STATION in viewer.roles and bool(viewer.unit) and not viewer.officer


def supervises(viewer: Viewer) -> bool:
    """Whether this person is of supervision (纪检监察)."""
    return Role.DISCIPLINE in viewer.roles and bool(viewer.unit) and not viewer.officer


def may_keep(viewer: Viewer) -> Rule:
    """Stations that `viewer` keeps (fact: operator_code)."""
    return Eq("operator_code", viewer.unit) if is_station_staff(viewer) else NO_ONE


def may_see_contact(viewer: Viewer) -> Rule:
    """Contacts that `viewer` may read (facts: official_name, firm).

    Auditors and supervision read all, officials their own, a firm what names it.
    """
    if viewer.officer:
        return AllOf() if viewer.officer == AUDITOR else NO_ONE
    if supervises(viewer):
        return AllOf()
    grants: list[Rule] = []
    if is_official(viewer):
        grants.append(Eq("official_name", viewer.name))
    if Role.ENTERPRISE in viewer.roles and viewer.unit:
        grants.append(Eq("firm", viewer.unit))
    return AnyOf(tuple(grants))


def may_see_report(viewer: Viewer) -> Rule:
    """Reports on conduct: the cases of their circle (facts of `cases.policies.may_see`)."""
    if not (supervises(viewer) or viewer.officer == AUDITOR):
        return NO_ONE
    return AllOf((Eq("kind", "conduct_report"), may_see_case(viewer)))


def may_know_complainant(viewer: Viewer, *, desk_unit: str, lead_unit: str) -> bool:
    """Whether this person may learn who complained, giving a reason.

    The unit that handles it; before it is dispatched the unit that took it in; auditors.
    """
    if viewer.officer:
        return viewer.officer == AUDITOR
    return supervises(viewer) and viewer.unit == (lead_unit or desk_unit)


KEEP_STATIONS: Final = Policy(
    "keep-stations", is_station_staff, _("驿站人员，只及本单位的驿站"), scope="station",
    sees=lambda viewer, today: may_keep(viewer),
)  # fmt: skip
SEE_CONTACTS: Final = Policy(
    "see-contacts",
    lambda viewer: (
        is_official(viewer) or viewer.officer == AUDITOR
        or (Role.ENTERPRISE in viewer.roles and bool(viewer.unit))
    ),
    _("本人登记的；企业看涉及自己的；纪检监察员、安全审计员看全部"),
    scope="contact",
    sees=lambda viewer, today: may_see_contact(viewer),
)  # fmt: skip
REGISTER_CONTACTS: Final = Policy("register-contacts", is_official, _("有单位的在岗人员"))
SEE_TIES: Final = Policy(
    "see-ties",
    lambda viewer: is_official(viewer) or viewer.officer == AUDITOR,
    _("在岗人员看自己的；纪检监察员、安全审计员看全部"),
)
JUDGE_HINTS: Final = Policy("judge-hints", supervises, _("纪检监察员"), scope="contact",
                            sees=lambda viewer, today: may_see_contact(viewer))  # fmt: skip
SEE_REPORTS: Final = Policy(
    "see-conduct-reports",
    lambda viewer: supervises(viewer) or viewer.officer == AUDITOR,
    _("被举报人所在单位以外的纪检监察员、安全审计员"),
    scope="conduct report",
    sees=lambda viewer, today: may_see_report(viewer),
)
