"""Who may read, use and change archival records.  The only place where this is decided."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from liandong.base.gates import Policy
from liandong.base.models import Officer
from liandong.kernel.access import NO_ONE, AllOf, AnyOf, AtMost, Eq, Rule
from liandong.kernel.viewer import INTERNAL, OPEN, RESTRICTED, Viewer

__all__ = [
    "ASSESS",
    "COPY_MASKED",
    "COPY_RECORD",
    "CORRECT",
    "DECIDE_PERSONAL",
    "EXAMINED_CLEAN",
    "HANDLE_RIGHTS",
    "INTERNAL",
    "OPEN",
    "PERSONAL",
    "PRESERVE",
    "PRINT_RECORD",
    "READ_RECORD",
    "RESTRICTED",
    "RETAIN",
    "REVIEW_OPENING",
    "REVIEW_PERSONAL",
    "SAY_ON_OPENING",
    "SEE_RIGHTS",
    "SENSITIVE",
    "SETTLE_OPENING",
    "SYSTEM",
    "UNEXAMINED",
    "Viewer",
    "may_change",
    "may_copy",
    "may_copy_masked",
    "may_know_readers",
    "may_read",
    "may_read_whole",
    "may_review",
    "may_use",
    "may_use_whole",
]

# The fact `personal`: what was found of personal information (个人信息).
EXAMINED_CLEAN, PERSONAL, SENSITIVE, UNEXAMINED = 0, 1, 2, 9

SYSTEM = Viewer(name="system", clearance=RESTRICTED, roles=frozenset({"archivist"}))
"""The command line and jobs."""


def may_read(viewer: Viewer, today: int) -> Rule:
    """Records that `viewer` may read on `today` (YYYYMMDD), be it in the masked view.

    The public: open records whose closed period is over.  A department: also its own records up
    to the viewer's clearance.  An archivist or director: everything up to the own clearance.
    Whoever has a grant of use: the records it names.  Officers see what the public sees.
    Source: 档案法 (2020) arts. 27, 28; 档案法实施条例 (2024) art. 34.
    """
    shared = tuple(Eq("shares", share.code) for share in viewer.shares)
    return AnyOf((_opened(today), *_duty(viewer), *shared))


def may_read_whole(viewer: Viewer, today: int) -> Rule:
    """Of the records that `viewer` may read, those shown without masks.

    Where no personal information was found: all of them.  Else those of the own duty, and those
    of a grant that says so.  Source: 个人信息保护法 (2021) arts. 25, 28.
    """
    whole = tuple(Eq("shares", share.code) for share in viewer.shares if share.whole)
    clean = AllOf((AtMost("personal", EXAMINED_CLEAN), may_read(viewer, today)))
    return AnyOf((*_duty(viewer), *whole, clean))


def may_use(viewer: Viewer, use: str, today: int) -> Rule:
    """Records of which `viewer` may make this use: look, print, copy, data (see USES).

    What is open, and what is of the own duty, may be used in every way; else the grant says how.
    """
    shared = tuple(Eq("shares", share.code) for share in viewer.shares if use in share.uses)
    return AnyOf((_opened(today), *_duty(viewer), *shared))


def may_use_whole(viewer: Viewer, use: str, today: int) -> Rule:
    """Records of which `viewer` may make this use without masks.

    One and the same grant must say both: two grants together give no more than each.
    """
    whole = tuple(
        Eq("shares", share.code) for share in viewer.shares if share.whole and use in share.uses
    )
    clean = AllOf((AtMost("personal", EXAMINED_CLEAN), may_use(viewer, use, today)))
    return AnyOf((*_duty(viewer), *whole, clean))


def may_copy(viewer: Viewer, today: int) -> Rule:
    """Records whose files `viewer` may take away as they are."""
    return may_use_whole(viewer, "copy", today)


def may_copy_masked(viewer: Viewer, today: int) -> Rule:
    """Records of which `viewer` may take away a copy with masks."""
    return may_use(viewer, "copy", today)


def may_know_readers(viewer: Viewer) -> Rule:
    """Records of which `viewer` may know who has seen them: those who answer for them.

    Archivists and directors within clearance, and clerks for what their own unit formed.  Everybody
    else knows only the own looks.
    """
    answers = viewer.is_archivist or viewer.is_director or viewer.is_clerk
    return AnyOf(_duty(viewer)) if answers else NO_ONE


def may_change(viewer: Viewer) -> Rule:
    """Records whose description and text `viewer` may correct: archivists, within clearance."""
    return AtMost("level", viewer.clearance) if viewer.is_archivist else NO_ONE


def may_review(viewer: Viewer) -> Rule:
    """Records of which `viewer` may plan and review the opening: staff, within clearance."""
    if viewer.officer or not (viewer.is_archivist or viewer.is_director):
        return NO_ONE
    return AtMost("level", viewer.clearance)


def _opened(today: int) -> Rule:
    return AllOf((AtMost("level", OPEN), AtMost("open_from", today)))


def _duty(viewer: Viewer) -> tuple[Rule, ...]:
    """What a person reads by the post that the person holds."""
    cleared = AtMost("level", viewer.clearance)
    if viewer.officer or not viewer.is_signed_in:
        return ()
    if viewer.is_archivist or viewer.is_director:
        return (cleared,)
    return (AllOf((Eq("unit", viewer.unit), cleared)),) if viewer.unit else ()


READ_RECORD: Final = Policy(
    "read-record", lambda viewer: True, _("可阅读该件档案者"), "record", may_read
)
COPY_RECORD: Final = Policy(
    "copy-record",
    lambda viewer: True,
    _("可阅读该件档案全文并可复制者"),
    "record",
    may_read,
    may_copy,
)
COPY_MASKED: Final = Policy(
    "copy-masked", lambda viewer: True, _("可复制该件档案者"), "record", may_read, may_copy_masked
)
PRINT_RECORD: Final = Policy(
    "print-record",
    lambda viewer: True,
    _("可打印该件档案者"),
    "record",
    may_read,
    lambda viewer, today: may_use(viewer, "print", today),
)
CORRECT: Final = Policy(
    "correct-record",
    lambda viewer: viewer.is_archivist,
    _("档案馆员"),
    "record",
    may_read,
    lambda viewer, _today: may_change(viewer),
)
REVIEW_OPENING: Final = Policy(
    "review-opening",
    lambda viewer: viewer.is_archivist or viewer.is_director,
    _("档案馆员、档案馆负责人"),
    scope="record",
)
SAY_ON_OPENING: Final = Policy(
    "say-on-opening",
    lambda viewer: (
        viewer.is_archivist or viewer.is_director or (viewer.is_clerk and bool(viewer.unit))
    ),
    _("档案馆员、档案馆负责人、被征求意见单位的兼职档案员"),
    scope="review",
)
SETTLE_OPENING: Final = Policy(
    "settle-opening", lambda viewer: viewer.is_director, _("档案馆负责人"), scope="review"
)
HANDLE_RIGHTS: Final = Policy(
    "handle-rights", lambda viewer: viewer.is_archivist, _("档案馆员"), scope="request"
)
SEE_RIGHTS: Final = Policy(
    "see-rights",
    lambda viewer: viewer.is_signed_in and not viewer.officer,
    _("请求人本人、档案馆员、档案馆负责人"),
    scope="request",
)
ASSESS: Final = Policy(
    "assess-impact",
    lambda viewer: viewer.is_archivist or viewer.is_director,
    _("档案馆员、档案馆负责人"),
)


def may_ask_keys(viewer: Viewer) -> bool:
    """Acts on master keys are asked for by the system officer."""
    return viewer.officer == Officer.SYSTEM


def may_decide_keys(viewer: Viewer, _asker: Viewer) -> bool:
    """And decided by the security officer."""
    return viewer.officer == Officer.SECURITY


SEE_KEYS: Final = Policy(
    "see-keys", lambda viewer: bool(viewer.officer), _("系统管理员、安全保密管理员、安全审计员")
)
ASK_KEYS: Final = Policy("ask-keys", may_ask_keys, _("系统管理员"))
RETAIN: Final = Policy(
    "retain",
    lambda viewer: viewer.is_archivist or viewer.is_director,
    _("档案馆员、档案馆负责人"),
)
PRESERVE: Final = Policy("preserve", lambda viewer: viewer.is_archivist, _("档案馆员"))
REVIEW_PERSONAL: Final = Policy(
    "review-personal", lambda viewer: viewer.is_archivist, _("档案馆员")
)
DECIDE_PERSONAL: Final = Policy(
    "decide-personal",
    lambda viewer: viewer.is_archivist,
    _("档案馆员"),
    "hit",
    lambda viewer, _today: may_change(viewer),
)
