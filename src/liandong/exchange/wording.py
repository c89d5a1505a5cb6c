"""Codes of the room as people read them: steps, refusals, uses, grounds, notices."""

from collections.abc import Callable, Mapping
from typing import Any

from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from liandong.kernel import catalog
from liandong.kernel.flows import StepRefused

USE_WORDS: Mapping[str, Any] = {
    "look": gettext_lazy("查看"),
    "print": gettext_lazy("打印"),
    "copy": gettext_lazy("复制"),
    "data": gettext_lazy("数据"),
}
STEP_WORDS: Mapping[str, Any] = {
    "submit": gettext_lazy("提交申请"),
    "cancel": gettext_lazy("撤销申请"),
    "gather": gettext_lazy("查找档案"),
    "ask_opinion": gettext_lazy("征求意见"),
    "give_opinion": gettext_lazy("答复意见"),
    "grant": gettext_lazy("决定提供"),
    "propose": gettext_lazy("拟提供，报审定"),
    "confirm": gettext_lazy("审定提供"),
    "send_back": gettext_lazy("退回重办"),
    "refuse": gettext_lazy("决定不予提供"),
    "ask_extension": gettext_lazy("申请延期"),
    "extend": gettext_lazy("同意延期"),
    "propose_extension": gettext_lazy("拟延期，报审定"),
    "confirm_extension": gettext_lazy("审定延期"),
    "refuse_extension": gettext_lazy("不同意延期"),
    "withdraw": gettext_lazy("收回授权"),
    "give_up": gettext_lazy("申请人交回授权"),
    # of a visit
    "receive": gettext_lazy("登记"),
    "identify": gettext_lazy("核验身份"),
    "approve": gettext_lazy("同意"),
    "open_session": gettext_lazy("开启阅览"),
    "end_session": gettext_lazy("结束阅览"),
    "deliver": gettext_lazy("提供"),
    "close": gettext_lazy("办结"),
    "forward": gettext_lazy("转递"),
    "note_forwarding": gettext_lazy("记录转递进展"),
    "end_forwarding": gettext_lazy("转递办结"),
    "remove_contact": gettext_lazy("删除联系信息"),
    # of a loan
    "ask": gettext_lazy("申请借阅"),
    "hand_out": gettext_lazy("借出"),
    "renew": gettext_lazy("续借"),
    "take_back": gettext_lazy("归还"),
    "report_lost": gettext_lazy("登记遗失"),
}
STATE_TONES: Mapping[str, str] = {
    "draft": "note", "submitted": "decide", "proposed": "decide", "granted": "done",
    "refused": "rejected", "cancelled": "idle", "extending": "decide",
    "extension_proposed": "decide", "withdrawn": "rejected", "ended": "idle",
    "received": "decide", "identified": "decide", "approved": "done", "forwarded": "running",
    "closed": "idle", "asked": "decide", "lent": "running", "returned": "done", "lost": "failed",
}  # fmt: skip
_REFUSALS: Mapping[str, Any] = {
    "wrong-state": gettext_lazy("现在的状态下不能这样办，可能已有人先办了；请刷新后再看"),
    "wrong-role": gettext_lazy("您在这件申请中没有这个职责；本人的申请不能由本人决定"),
    "second-person": gettext_lazy("须由两个人决定：一人提出，另一人审定"),
    "opinion-open": gettext_lazy("须先征求形成单位的意见，并等到答复或期满"),
    "not-cleared": gettext_lazy("其中有您按职责不能阅读的档案"),
    "undecided": gettext_lazy("每一件都要选定提供或不提供；名单可能刚刚变过"),
    "ground": gettext_lazy("不提供的，每件都要选定依据"),
    "beyond-asked": gettext_lazy("不能超出申请的方式、范围和时间"),
    "past": gettext_lazy("日期已经过去，或者不晚于现在的期限"),
    "too-long": gettext_lazy("日期超过了最长期限"),
    "ended": gettext_lazy("授权已经结束，请另行申请"),
    "answered": gettext_lazy("本单位已经答复"),
    "no-terminal": gettext_lazy("请选择阅览室终端账号"),
    "busy": gettext_lazy("这个终端或这件档案正在使用"),
    "no-source": gettext_lazy("没有可以出证的申请：须已授权复制，或者查档已同意，并含这件档案"),
    "not-examined": gettext_lazy("这件档案的个人信息还没有审查，不能出具遮盖的复制件"),
    "no-such-code": gettext_lazy("有的档号没有找到，或者超出您的可阅级别"),
    "other-paper": gettext_lazy("出示的证件与登记的不是同一个"),
}
_EVIDENCE: Mapping[str, Any] = {
    "purpose": gettext_lazy("利用目的及类别"),
    "basis": gettext_lazy("依据"),
    "subject": gettext_lazy("要什么档案"),
    "uses": gettext_lazy("利用方式"),
    "until": gettext_lazy("用到哪一天"),
    "units": gettext_lazy("要征求意见的单位"),
    "opinion": gettext_lazy("意见"),
    "text": gettext_lazy("意见内容"),
    "records": gettext_lazy("提供的档案"),
    "reason": gettext_lazy("理由"),
    "ground": gettext_lazy("依据"),
    "shown": gettext_lazy("核验的证件"),
    "terminal": gettext_lazy("阅览室终端"),
    "delivery": gettext_lazy("提供方式"),
    "archive": gettext_lazy("转递的档案馆"),
    "standing": gettext_lazy("进展"),
    "condition": gettext_lazy("归还状况"),
}


def refusal_words(refused: StepRefused) -> str:
    """Why a step was not taken, in one sentence."""
    if refused.reason == "missing-evidence":
        parts = [str(_EVIDENCE.get(name, name)) for name in refused.detail.split()]
        return _("还缺：{parts}").format(parts="、".join(parts))
    return str(_REFUSALS.get(refused.reason, refused.reason))


def uses_words(uses: str) -> str:
    """look,print → 查看、打印."""
    return "、".join(str(USE_WORDS[use]) for use in uses.split(",") if use in USE_WORDS)


def named(table: str, code: str) -> str:
    """The name of a row of the catalogue in the language of the page, or the code."""
    row = catalog.by_key(table, "code").get(code)
    if row is None:
        return code
    return row["name_en" if is_english() and row.get("name_en") else "name_zh"]


def choices(table: str) -> list[tuple[str, str]]:
    """The rows of a table as choices of a form."""
    return [(row["code"], named(table, row["code"])) for row in catalog.rows(table)]


def ground_words(code: str) -> str:
    """A ground of refusal with its code, as an answer names it."""
    return f"{code} {named('opening_grounds', code)}" if code else ""


def is_english() -> bool:
    """Whether the page is in English."""
    return (get_language() or "").startswith("en")


def notice_words(kind: str, number: str, facts: Mapping[str, Any]) -> str:
    """A notice in one sentence."""
    make = _NOTICES.get(kind)
    return make({"number": number, **facts}) if make else number


_NOTICES: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "request_submitted": lambda f: _("{number} 待办理，{due} 前答复").format(**f),
    "request_proposed": lambda f: _("{number} 待您审定").format(**f),
    "request_sent_back": lambda f: _("{number} 已退回重办").format(**f),
    "opinion_asked": lambda f: _("{number} 征求本单位意见，{due} 前答复").format(**f),
    "opinion_given": lambda f: _("{number}：{unit} 已答复意见").format(**f),
    "request_granted": lambda f: _("{number} 已授权，可用到 {until}").format(**f),
    "request_refused": lambda f: _("{number} 不予提供，答复中有依据").format(**f),
    "request_withdrawn": lambda f: _("{number} 的授权已收回").format(**f),
    "extension_asked": lambda f: _("{number} 申请延期").format(**f),
    "extension_granted": lambda f: _("{number} 已延期").format(**f),
    "extension_refused": lambda f: _("{number} 未同意延期").format(**f),
    "request_late": lambda f: _("{number} 已过答复期限").format(**f),
    "share_ending": lambda f: _("{number} 的授权将于 {until} 结束").format(**f),
    "share_ended": lambda f: _("{number} 的授权已结束").format(**f),
    "visit_proposed": lambda f: _("{number} 待您审定").format(**f),
    "visit_late": lambda f: _("{number} 已过答复期限").format(**f),
    "loan_asked": lambda f: _("{number} 申请借阅实体档案").format(**f),
    "loan_approved": lambda f: _("{number} 已批准，请到馆领取").format(**f),
    "loan_refused": lambda f: _("{number} 未批准借阅").format(**f),
    "loan_due": lambda f: _("{number} 应于 {due} 前归还").format(**f),
    "loan_overdue": lambda f: _("{number} 已过归还日期 {due}").format(**f),
}
