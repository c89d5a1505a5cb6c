"""Words for what stands in reviews: states, verdicts, grounds, steps, and why a step is refused."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from liandong.archive.models import OpeningState, Opinion, Verdict
from liandong.archive.views.wording import date_text
from liandong.kernel import catalog
from liandong.kernel.flows import StepRefused
from liandong.kernel.opening import NEVER

TONES = {
    OpeningState.PLANNED: "idle",
    OpeningState.FIRST_REVIEW: "decide",
    OpeningState.UNIT_OPINION: "running",
    OpeningState.RE_REVIEW: "decide",
    OpeningState.FINAL: "decide",
    OpeningState.AUTHORITY_CONSENT: "running",
    OpeningState.OPENED: "done",
    OpeningState.PARTLY: "done",
    OpeningState.DEFERRED: "warn",
    OpeningState.WITHDRAWN: "failed",
    OpeningState.RECALLED: "rejected",
    OpeningState.DROPPED: "rejected",
}


def is_english() -> bool:
    """Whether the page is in English."""
    return (get_language() or "").startswith("en")


def state_word(state: str) -> str:
    """Where a review stands."""
    return str(OpeningState(state).label)


def verdict_word(verdict: str) -> str:
    """What is said of a record; "" stands for: nobody can say yet."""
    return str(Verdict(verdict).label) if verdict in Verdict.values else _("尚不能提出")


def opinion_word(opinion: str) -> str:
    """What the unit said."""
    return str(Opinion(opinion).label) if opinion else ""


def grounds_named() -> list[tuple[str, str]]:
    """Code and name of each ground on which opening may be delayed."""
    column = "description" if is_english() else "name_zh"
    return [
        (row["code"], row[column])
        for row in catalog.rows("opening_grounds")
        if row["regime"] == "archives_opening"
    ]


def ground_word(code: str) -> str:
    """`G1 国家秘密`; "" for none."""
    name = dict(grounds_named()).get(code, "")
    return f"{code} {name}" if code else ""


def step_word(step: str) -> str:
    """A step of a review as a person reads it."""
    words = {
        "plan": _("列入计划"), "propose": _("系统提出建议"), "propose_again": _("重新提出建议"),
        "first_ask": _("初审，征求意见"), "first_alone": _("初审"), "answer": _("单位意见"),
        "lapse": _("逾期未答复"), "second": _("复审"), "open": _("审定：开放"),
        "open_masked": _("审定：遮盖后开放"), "delay": _("审定：延期开放"),
        "consent": _("主管部门同意延期"), "refuse_consent": _("主管部门未同意延期"),
        "send_back": _("退回初审"), "drop": _("移出计划"), "withdraw": _("撤回开放"),
        "confirm": _("确认撤回"), "restore_open": _("恢复开放"), "restore_masked": _("恢复开放"),
        "undo": _("撤销一步"),
    }  # fmt: skip
    return words.get(step, step)


def refused_words(refused: StepRefused) -> str:
    """Why a step is refused, in a sentence."""
    words = {
        "wrong-state": _("这件档案已由他人处理，或还没到这一步"),
        "wrong-role": _("您的身份不能办理这一步"),
        "same-person": _("初审、复审、审定须由不同的人办理，您已办理过其中一步"),
        "not-examined": _("这件档案还没有检测过个人信息，不能开放"),
        "personal-data": _("这件档案有个人信息：请遮盖后开放，或先逐处否定误报"),
        "no-personal-data": _("没有要遮盖的个人信息：请选择开放，或先标出要遮盖之处"),
        "no-such-ground": _("延期开放须选定一项依据"),
    }
    if refused.reason == "missing-evidence":
        return _evidence_words(refused.detail)
    return words.get(refused.reason, refused.reason)


def _evidence_words(detail: str) -> str:
    if "consent_number" in detail:
        return _("请填写档案主管部门的同意文号")
    if "verdict" in detail:
        return _("请先选择处理意见")
    return _("请写明理由")


def day_words(day: int) -> str:
    """A day kept as YYYYMMDD; 日期不详 where none is known."""
    return date_text(day) if day and day != NEVER else _("日期不详")


def kind_word(kind: str) -> str:
    """A kind of personal data as a person reads it."""
    row = catalog.by_key("pii_kinds", "kind").get(kind)
    if row is None:
        return kind
    return row["name_en" if is_english() else "name_zh"]


def suggestion_row(one: Mapping[str, Any]) -> dict[str, Any]:
    """A suggestion with its words: what, why, where, and what it asks for."""
    named = {"MARK": _("密级标志"), "PERSONAL": _("检测到个人信息")}
    row = catalog.by_key("opening_words", "code").get(one["code"])
    why = named.get(one["code"]) or (
        row["name_en" if is_english() else "name_zh"] if row else one["code"]
    )
    effects = {"delay": _("延期"), "masked": _("遮盖"), "look": _("请看")}
    return {
        **one,
        "why": why,
        "ground_word": ground_word(one["ground"]),
        "effect_word": effects[one["effect"]],
        "tone": {"delay": "warn", "masked": "note", "look": "idle"}[one["effect"]],
    }
