"""Who may read and change archival records.  The only place where this is decided."""

from dataclasses import dataclass

from liandong.kernel.access import AllOf, AnyOf, AtMost, Eq, Rule

OPEN, INTERNAL, RESTRICTED = 0, 1, 2  # levels: 公开, 内部, 限制


@dataclass(frozen=True, slots=True)
class Viewer:
    """The facts about a person that access depends on; nothing else may count."""

    name: str = ""  # account name, "" for a stranger
    unit: str = ""  # code of the department, "" for the public
    clearance: int = OPEN
    is_clerk: bool = False
    is_archivist: bool = False


SYSTEM = Viewer(name="system", clearance=RESTRICTED, is_archivist=True)  # command line, jobs


def may_read(viewer: Viewer, today: int) -> Rule:
    """Records that `viewer` may read on `today` (YYYYMMDD).

    The public: open records whose closed period is over.  A department: also its own records up
    to the viewer's clearance.  An archivist: everything up to the viewer's clearance.
    Source: 档案法 (2020) arts. 27, 28.
    """
    opened = AllOf((AtMost("level", OPEN), AtMost("open_from", today)))
    cleared = AtMost("level", viewer.clearance)
    if viewer.is_archivist:
        return AnyOf((opened, cleared))
    if viewer.unit:
        return AnyOf((opened, AllOf((Eq("unit", viewer.unit), cleared))))
    return opened


def may_change(viewer: Viewer) -> Rule:
    """Records whose description and text `viewer` may correct: archivists, within clearance."""
    if viewer.is_archivist:
        return AtMost("level", viewer.clearance)
    return AnyOf()
