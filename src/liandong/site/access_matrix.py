"""The matrix of roles and addresses, and of roles and kinds of records, read from the policies.

Printed by `liandong access matrix`.  The page `docs/operate/access-matrix.md` is written by
`python -m liandong.site.access_matrix docs/operate/access-matrix.md`.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from liandong.kernel.access import Fact, holds
from liandong.kernel.viewer import INTERNAL, RESTRICTED, USES, Share, Viewer

HOME, OTHER = "BGS", "CZJ"  # the unit that formed the records of the second table, and another
FIRM, CHAMBER = "QY01", "SH01"
TODAY: Final = 20260101  # of the second table
_LATER: Final = 99991231
_GRANT: Final = Share("G1", whole=False, uses=frozenset({"look"}))

ROLES: Final[Mapping[str, Viewer]] = {  # by code; every kind of person that rules tell apart
    "stranger": Viewer(),
    "reader": Viewer("reader", roles=frozenset({"reader"})),
    "clerk": Viewer("clerk", HOME, INTERNAL, frozenset({"clerk"})),
    "other-clerk": Viewer("other-clerk", OTHER, INTERNAL, frozenset({"clerk"})),
    "archivist": Viewer("archivist", "", RESTRICTED, frozenset({"archivist"})),
    "director": Viewer("director", "", RESTRICTED, frozenset({"director"})),
    "grantee-masked": Viewer("grantee-masked", OTHER, INTERNAL, shares=(_GRANT,)),
    "grantee-whole": Viewer(
        "grantee-whole",
        OTHER,
        INTERNAL,
        shares=(Share("G2", whole=True, uses=frozenset(USES)),),
    ),
    "desk": Viewer("desk", "ZHZX", INTERNAL, frozenset({"desk"})),
    "handler": Viewer("handler", HOME, INTERNAL, frozenset({"handler"})),
    "enterprise": Viewer("enterprise", FIRM, roles=frozenset({"enterprise"})),
    "chamber": Viewer("chamber", CHAMBER, roles=frozenset({"chamber"})),
    "station": Viewer("station", "YZ", INTERNAL, frozenset({"station"})),
    "discipline": Viewer("discipline", "JW", RESTRICTED, frozenset({"discipline"})),
    "sys-admin": Viewer("sys-admin", officer="sys_admin"),
    "sec-admin": Viewer("sec-admin", officer="sec_admin"),
    "audit-admin": Viewer("audit-admin", officer="audit_admin"),
}
_NAMES: Final = {
    "stranger": "未登录者",
    "reader": "查档人",
    "clerk": "形成单位档案员",
    "other-clerk": "他单位档案员",
    "archivist": "档案馆员",
    "director": "馆负责人",
    "grantee-masked": "被授权（遮盖）",
    "grantee-whole": "被授权（全文）",
    "desk": "受理员",
    "handler": "主办单位承办员",
    "enterprise": "企业经办人",
    "chamber": "商会经办人",
    "station": "驿站人员",
    "discipline": "纪检监察员",
    "sys-admin": "系统管理员",
    "sec-admin": "安全保密管理员",
    "audit-admin": "安全审计员",
}


class Answer(StrEnum):
    """What an address answers to a role."""

    YES = "yes"
    RULE = "rule"  # the rule of the object decides: yes, 403, or 404 as if it were not there
    SIGN_IN = "sign-in"  # to the door
    NO = "no"  # 403


_SIGNS: Final = {Answer.YES: "可", Answer.RULE: "按件", Answer.SIGN_IN: "登录", Answer.NO: "—"}

RECORDS: Final[Mapping[str, Mapping[str, Fact]]] = {
    name: {"level": level, "open_from": opens, "unit": HOME, "personal": personal, "shares": named}
    for name, level, opens, personal, named in (
        ("已开放，无个人信息", 0, TODAY, 0, frozenset()),
        ("已开放，有个人信息", 0, TODAY, 1, frozenset()),
        ("已开放，未审查个人信息", 0, TODAY, 9, frozenset()),
        ("未到开放日期", 0, _LATER, 0, frozenset()),
        ("内部，无个人信息", 1, _LATER, 0, frozenset()),
        ("内部，有敏感个人信息", 1, _LATER, 2, frozenset()),
        ("限制", 2, _LATER, 0, frozenset()),
        ("限制，已授权，有敏感个人信息", 2, _LATER, 2, frozenset({"G1", "G2"})),
    )
}


@dataclass(frozen=True, slots=True)
class Row:
    """One address, or one operation of an API, and what each role gets."""

    route: str
    name: str
    methods: str  # separated by blanks, "" when the view decides
    policy: str
    scope: str
    answers: Mapping[str, Answer]  # by code of role

    def to_json(self) -> dict[str, Any]:
        """The row as JSON-ready values."""
        shown = {name: getattr(self, name) for name in ("route", "name", "methods", "policy")}
        return shown | {"scope": self.scope, **self.answers}


def answer_of(policy: Any, viewer: Viewer, *, with_object: bool) -> Answer:
    """What an address under this policy answers to a viewer; `with_object`: its path names one."""
    if not policy.may(viewer):
        return Answer.NO if viewer.is_signed_in else Answer.SIGN_IN
    return Answer.RULE if policy.scope and with_object else Answer.YES


def matrix() -> list[Row]:
    """Every address × every role, in the order of addresses; wants a ready Django."""
    from liandong.base.addresses import addresses

    rows = []
    for one in addresses():
        if one.policy is None:
            raise LookupError(f"no declared policy: {one.route}")
        answers = {
            role: answer_of(one.policy, viewer, with_object=bool(one.parameters))
            for role, viewer in ROLES.items()
        }
        methods = " ".join(method for method in one.methods if method != "HEAD")
        rows.append(Row(one.route, one.name, methods, one.policy.code, one.policy.scope, answers))
    return rows


def sights() -> dict[str, dict[str, str]]:
    """What each role sees of each kind of record, by record and role.

    nothing, withheld (all but the code), masked, whole.
    """
    from liandong.archive.policies import UNEXAMINED, may_read, may_read_whole

    found: dict[str, dict[str, str]] = {}
    for name, facts in RECORDS.items():
        found[name] = {}
        for role, viewer in ROLES.items():
            if not holds(may_read(viewer, TODAY), facts):
                found[name][role] = "nothing"
            else:
                whole = holds(may_read_whole(viewer, TODAY), facts)
                masked = "withheld" if facts["personal"] == UNEXAMINED else "masked"
                found[name][role] = "whole" if whole else masked
    return found


# The page -----------------------------------------------------------------------------------------

HEAD = """# 角色与地址

本页由 `src/liandong/site/access_matrix.py` 从各地址声明的策略生成，勿手改；重新生成：

```sh
.venv/bin/python -m liandong.site.access_matrix docs/operate/access-matrix.md
```

同样的表可用 `liandong access matrix`（加 `--json`、`--csv`）打印。没有声明策略的地址，系统不启动。
测试以每种角色真实访问每个地址，和本表、和规则逐一比较。

"""
_SIGHTS: Final = {"nothing": "—", "withheld": "仅档号", "masked": "遮盖", "whole": "全文"}


def page() -> str:
    """The page in Markdown: addresses, then kinds of records."""
    roles = " | ".join(_NAMES[role] for role in ROLES)
    rule = "---|" * len(ROLES)
    rows = "".join(
        f"| `{row.route}` | {row.methods or '—'} | {row.policy} | "
        + " | ".join(_SIGNS[row.answers[role]] for role in ROLES)
        + " |\n"
        for row in matrix()
    )
    kinds = "".join(
        f"| {name} | " + " | ".join(_SIGHTS[seen[role]] for role in ROLES) + " |\n"
        for name, seen in sights().items()
    )
    return (
        f"{HEAD}## 每个地址\n\n可：能打开；按件：能否打开由所指的那一件的规则决定，看不见的答 404；"
        f"登录：转到登录页；—：拒绝（403）并记入审计。\n\n"
        f"| 地址 | 方法 | 策略 | {roles} |\n|---|---|---|{rule}\n{rows}\n"
        f"## 看到多少\n\n档案由 {HOME} 形成。“遮盖”：文字、图像、检索和目录中的个人信息都已遮盖。"
        f"\n\n| 档案 | {roles} |\n|---|{rule}\n{kinds}"
    )


def main(arguments: list[str]) -> None:
    """Write the page to the file that is named."""
    from .cli.embedded import set_up

    set_up()
    Path(arguments[0]).write_text(page(), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
