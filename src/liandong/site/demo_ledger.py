"""Demonstration of the ledger: demands over some months, one stuck, one parked, one listed again.

Everything in it is invented.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from liandong.base.models import Account
from liandong.base.viewers import viewer_of_account
from liandong.cases.models import Case
from liandong.cases.policies import Bearer
from liandong.cases.services.opening import Report, open_case
from liandong.cases.services.stepping import Given, take_step
from liandong.kernel.casework import LEDGER, STATE

_SPACE = UUID("5d1f6f0e-3a39-4f0c-9a55-0a4c6e1d0002")  # of the uuids of these demands
_Step = tuple[int, str, str, Mapping[str, str]]  # days ago, action, by whom, what is said
_ON_LEDGER = {"list", "clear"}


def _taken_in(days: int, unit: str, handler: str) -> list[_Step]:
    """Registered, dispatched, signed in and listed within a day."""
    return [
        (days, "accept_for_verification", "desk", {"category": "E0401", "severity": "complex"}),
        (days, "confirm", "desk", {"proof": "已电话核实（演示）。"}),
        (days, "dispatch", "dispatcher", {"lead_unit": unit, "clause": "派单目录（演示）"}),
        (days, "sign_in", handler, {}),
        (days, "contact", handler, {"note": "已与企业经办人联系（演示）。"}),
        (days, "list", "ledger", {"lead_unit": unit, "until": "2027-06-30"}),
    ]


def _noted(days: int, handler: str, text: str) -> _Step:
    return days, "log_progress", handler, {"note": text}


def _cleared(days: int, handler: str) -> list[_Step]:
    """Handed in, inspected, confirmed by the enterprise and cleared."""
    return [
        (days, "hand_in", handler, {"outcome": "solved", "reply": "已办结（演示）。",
                                    "proof": "验收单（演示）。"}),
        (days, "pass", "inspector", {"note": "已回访（演示）。", "proof": "回访记录（演示）。"}),
        (days, "rate", "firm", {"score": "4"}),
        (days, "clear", "ledger", {}),
    ]  # fmt: skip


_CITY, _WATER = ("SFCGJ", "handler"), ("SFSWJ", "handler2")
_DEMANDS: Sequence[tuple[str, str, Sequence[_Step]]] = (
    (
        "厂区配电容量不足", "新生产线要增容四百千伏安，等了半年。",
        [
            *_taken_in(110, *_CITY), _noted(95, "handler", "已完成现场勘察。"),
            _noted(65, "handler", "增容方案已报供电部门。"),
            _noted(35, "handler", "方案已批复，正在备料。"),
        ],
    ),
    (
        "园区污水管网接不上", "管网差一百二十米，企业只能外运。",
        [*_taken_in(100, *_WATER), _noted(75, "handler2", "已测量管线走向。")],
    ),
    (
        "临时用地手续到期", "堆场用地手续到期，续期要等规划调整。",
        [
            *_taken_in(98, *_CITY),
            (70, "park", "leader", {
                "reason": "规划调整没有完成", "reason_class": "policy", "until": "2027-03-31",
                "public_text": "规划调整批复后恢复办理。",
            }),
            (40, "no_progress", "handler", {"no_progress": "policy", "note": "规划尚在公示。"}),
            (8, "no_progress", "handler", {"no_progress": "policy", "note": "公示结束，待批。"}),
        ],
    ),
    (
        "厂门口道路破损", "修过一次，雨后又塌陷。",
        [
            *_taken_in(120, *_CITY), _noted(100, "handler", "已开挖修补。"),
            *_cleared(90, "handler"), (80, "dispute", "firm", {"reason": "雨后又塌陷。"}),
            (79, "accept_reopen", "desk2", {"reason": "现场属实。", "lead_unit": "SFCGJ"}),
            (78, "sign_in", "handler", {}), _noted(45, "handler", "已查明是雨水管渗漏。"),
            _noted(6, "handler", "雨水管正在更换。"),
        ],
    ),
    (
        "企业门前路灯不亮", "夜班职工下班路黑。",
        [
            *_taken_in(60, *_CITY), _noted(35, "handler", "已列入维修计划。"),
            *_cleared(7, "handler"),
        ],
    ),
)  # fmt: skip


def load_ledger(now: datetime) -> None:
    """The demands, by the accounts of `demo_cases`; nothing that is there is made again."""
    firm = Account.objects.select_related("unit").get(username="firm")
    for title, text, steps in _DEMANDS:
        uuid = uuid5(_SPACE, title)
        if Case.objects.filter(uuid=uuid).exists():
            continue
        form = {
            "title": title, "text": text, "contact_person": "企业经办人（演示）",
            "contact_phone": "0543-5550000",
        }  # fmt: skip
        report = Report(
            "enterprise_demand", "portal", form, uuid=uuid, requester=firm, enterprise=firm.unit
        )
        at = now - timedelta(days=steps[0][0], hours=1)
        case = open_case(report, by=Bearer(viewer_of_account(firm)), now=at).case
        for days, action, by, said in steps:
            at = max(at + timedelta(minutes=1), now - timedelta(days=days))
            take_step(
                case.pk, action, now=at, given=Given(said),
                by=Bearer(viewer_of_account(Account.objects.get(username=by))),
                axis=LEDGER if action in _ON_LEDGER else STATE,
            )  # fmt: skip
