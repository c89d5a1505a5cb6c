"""Words of cases in the language of the page: kinds, states, actions, reasons, outcomes."""

from collections.abc import Mapping
from typing import Any, Final

from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from liandong.kernel import catalog
from liandong.kernel.casework import Move, kinds

TONES: Final[Mapping[str, str]] = {  # of components/status.html
    "submitted": "decide", "needs_info": "decide", "verifying": "running", "accepted": "decide",
    "dispatched": "running", "returned": "decide", "in_progress": "running", "parked": "idle",
    "handled": "running", "inspecting": "running", "resolved": "done", "reopen_review": "decide",
    "closed": "done", "filed": "done", "rejected": "rejected", "merged": "idle",
    "withdrawn": "idle", "referred": "rejected", "listed": "running", "proposed": "decide",
    "cleared": "done", "relisted": "failed",
}  # fmt: skip
PUBLIC_STATES: Final[Mapping[str, Any]] = {  # what the requester reads
    "submitted": _("已收到，等待受理。"),
    "needs_info": _("需要您补充。"),
    "verifying": _("已受理，网格员正在核实。"),
    "accepted": _("已立案，等待派遣。"),
    "dispatched": _("已派给主办单位，等待签收。"),
    "returned": _("正在重新确定由谁办理。"),
    "in_progress": _("主办单位正在办理。"),
    "parked": _("暂时不能办理，到期再看。"),
    "handled": _("主办单位已办，等待核查。"),
    "inspecting": _("另一单位的人正在核查。"),
    "resolved": _("核查通过。请评价；不满意可以申请重办。"),
    "reopen_review": _("正在审核您的重办申请。"),
    "closed": _("已办结。"),
    "filed": _("已办结并归档。"),
    "rejected": _("没有受理，原因见下。"),
    "merged": _("同一问题已在办理，办结后一并告知。"),
    "withdrawn": _("已撤回。"),
    "referred": _("已转送，去向见下。"),
}
CHANNELS: Final = {
    "web": _("网页"), "desk": _("受理台"), "open311": _("开放接口"), "import": _("批量导入"),
    "field": _("现场"), "mail": _("邮件"), "portal": _("企业服务"), "visit": _("走访"),
}  # fmt: skip
SEVERITY_WORDS: Final = {
    "ordinary": _("一般"), "complex": _("复杂"), "utilities": _("水电气热"), "emergency": _("紧急"),
}  # fmt: skip
ROLE_WORDS: Final = {
    "reporter": _("诉求人"), "desk": _("受理员"), "desk_other_unit": _("他单位受理员"),
    "verifier": _("核实人"), "dispatcher": _("派遣员"), "lead_unit": _("主办单位"),
    "assisting_unit": _("协办单位"), "duty_leader": _("值班领导"), "leader": _("值班领导"),
    "approver": _("审批人"), "inspector": _("核查员"), "ledger_officer": _("台账员"),
    "records_clerk": _("归档人员"), "archivist": _("档案馆员"), "system": _("系统"),
}  # fmt: skip
FACT_WORDS: Final = {"same_as": _("上报人说是同一件")}
REFUSAL_WORDS: Final = {
    "wrong-state": _("事项已不在这一步。"),
    "wrong-role": _("您对这个事项没有这项职责。"),
    "missing-evidence": _("还缺：{what}。"),
    "bad-value": _("填写有误：{what}。"),
    "unknown-evidence": _("佐证没有收到，请重新上传。"),
}
GUARD_WORDS: Final = {
    "verification_on": _("这类事项先核实再立案。"),
    "verification_off": _("这类事项不经核实。"),
    "question_expired": _("补充时限还没有到。"),
    "parent_open": _("要并入的事项不存在、已经结束，或者就是本事项。"),
    "verifier_not_reporter": _("上报人不能核实自己的上报。"),
    "may_object": _("每轮只能在签收时限内退单一次；裁定之后不能再退。"),
    "not_lead": _("主办单位和已在协办的单位不能再请求协办。"),
    "assist_open": _("没有等待本单位答复的协办。"),
    "approver_other_unit": _("审批人不能是主办单位的人，也不能办理过本事项。"),
    "later_than_due": _("延期须在到期之前提出，新的日期须晚于原来的期限。"),
    "assists_answered": _("协办单位还没有全部答复。"),
    "inspector_independent": _("核查员不能是办理过本事项的人，也不能属于主办或协办单位。"),
    "feedback_over": _("评价窗口还没有结束。"),
    "first_dispute": _("只能申请重办一次。"),
    "ledger_kept": _("这类事项不列台账。"),
    "handed_in": _("还没有反馈结果。"),
    "inspection_passed": _("还没有通过核查。"),
    "requester_confirmed": _("诉求人还没有确认。"),
    "case_over": _("事项还没有结束。"),
    "case_open": _("事项已经结束。"),
    "escalation_open": _("没有等待本单位答复的督办。"),
    "overdue": _("处置时限还没有过。"),
    "not_urged": _("本轮已经催办过一次。"),
    "not_warned": _("这次补充已经提醒过。"),
    "requester_warned": _("按撤回处理以前须先提醒诉求人，至少早一天。"),
    "on_ledger": _("事项不在台账上。"),
    "cleared": _("事项没有销号。"),
    "asked_from_submitted": _("不是受理时提出的补充要求。"),
    "asked_from_verifying": _("不是核实时提出的补充要求。"),
    "asked_from_in_progress": _("不是办理时提出的补充要求。"),
}


def is_english() -> bool:
    """Whether the page is in English."""
    return (get_language() or "").startswith("en")


def name_of(row: Mapping[str, str]) -> str:
    """The name of a catalogue row in the language of the page."""
    return row["name_en"] if is_english() else row["name_zh"]


def kind_word(code: str) -> str:
    """The name of a kind."""
    kind = kinds().get(code)
    if kind is None:
        return code
    return kind.name_en if is_english() else kind.name_zh


def state_word(code: str, axis: str = "state") -> str:
    """The name of a value of an axis."""
    for row in catalog.rows("case_states"):
        if (row["axis"], row["code"]) == (axis, code):
            return name_of(row)
    return code


def public_state(code: str) -> str:
    """How a case stands, as a sentence to whoever raised it."""
    return str(PUBLIC_STATES.get(code, state_word(code)))


def move_word(move: Move) -> str:
    """The name of a step."""
    return move.name_en if is_english() else move.name_zh


def action_word(action: str) -> str:
    """The name of an action of the flow table."""
    rows = catalog.rows("case_transitions")
    return next((name_of(row) for row in rows if row["action"] == action), action)


def need_word(code: str) -> str:
    """The name of what a step needs, or of another fact of an event."""
    if code == "tie":
        return str(_("回避提示"))
    row = catalog.by_key("case_needs", "code").get(code)
    return name_of(row) if row else str(FACT_WORDS.get(code, code))


def outcome_word(code: str) -> str:
    """The name of an outcome, "" for none."""
    row = catalog.by_key("case_outcomes", "code").get(code)
    return name_of(row) if row else code


def outcome_text(code: str) -> str:
    """The sentence that the requester reads, "" for no outcome."""
    row = catalog.by_key("case_outcomes", "code").get(code)
    if row is None:
        return ""
    return row["text_en"] if is_english() else row["text_zh"]


def category_word(code: str) -> str:
    """The name of a problem category, "" for none."""
    for row in catalog.rows("problem_categories"):
        if row["local_code"] == code:
            name = "subclass_name" if row["subclass_name_zh"] else "class_name"
            return row[f"{name}_en" if is_english() else f"{name}_zh"]
    return code


def reason_word(action: str, code: str) -> str:
    """The name of a reason code of an action."""
    for row in catalog.rows("case_reasons"):
        if (row["action"], row["code"]) == (action, code):
            return name_of(row)
    return code


def field_word(kind: str, code: str) -> str:
    """The name of a field of the form of a kind."""
    for row in catalog.rows("case_fields"):
        if (row["kind"], row["code"]) == (kind, code):
            return name_of(row)
    return need_word(code)


def reasons_of(action: str) -> list[tuple[str, str]]:
    """Codes and names of the reasons of an action."""
    rows = catalog.rows("case_reasons")
    return [(row["code"], name_of(row)) for row in rows if row["action"] == action]


def categories() -> list[tuple[str, list[tuple[str, str]]]]:
    """Problem categories by class, those that are switched on."""
    found: dict[str, list[tuple[str, str]]] = {}
    for row in catalog.rows("problem_categories"):
        name = row["class_name_en"] if is_english() else row["class_name_zh"]
        if row["enabled"] == "Y" and row["subclass_name_zh"]:
            found.setdefault(name, []).append((row["local_code"], category_word(row["local_code"])))
    return list(found.items())


def refusal_words(reason: str, detail: str) -> str:
    """Why a step was refused, as a sentence to the person."""
    if reason == "guard":
        return str(GUARD_WORDS.get(detail, detail))
    if reason == "missing-evidence":
        what = "、".join(need_word(code) for code in detail.split())
        return str(REFUSAL_WORDS[reason]).format(what=what)
    if reason == "bad-value":
        code, _blank, text = detail.partition(" ")
        return str(REFUSAL_WORDS[reason]).format(what=f"{need_word(code)} {text}".strip())
    return str(REFUSAL_WORDS.get(reason, reason))


def notice_words(kind: str, number: str, facts: Mapping[str, Any]) -> str:
    """A notice in one sentence: to staff what is to be done, to the requester how it stands."""
    row = catalog.by_key("case_notices", "code").get(kind)
    if row is None:
        return number
    if facts.get("public"):
        return f"{number} {public_words(kind)}"
    words = name_of(row)
    if clock := catalog.by_key("case_clocks", "code").get(str(facts.get("clock", ""))):
        words = words.format(clock=name_of(clock))
    if level := facts.get("level"):
        told = _("{level}，请在 {until} 前答复")
        words = str(told).format(level=reason_word("escalate", level), until=facts.get("until"))
    return f"{number} {words}"


def public_words(kind: str) -> str:
    """What the requester is told of an action, "" when nothing."""
    row = catalog.by_key("case_notices", "code").get(kind)
    if row is None:
        return ""
    return row["public_en"] if is_english() else row["public_zh"]
