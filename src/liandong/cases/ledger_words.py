"""Words of the ledger (台账) in the language of the page: figures, answers, refusals."""

from typing import Any, Final

from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from liandong.kernel.casework import LEDGER
from liandong.kernel.ledger_months import ItemMonth, LedgerEvent, Stand

from . import wording

FIGURES: Final = {  # of kernel.ledger_months
    "open_before": _("月初在账"), "listed": _("本月挂账"), "relisted": _("本月重新挂账"),
    "proposed": _("本月提请销号"), "cleared": _("本月销号"), "open": _("月末在账"),
    "due": _("本月应报"), "moved": _("有进展"), "no_progress": _("报无进展"),
    "missing": _("未报"), "parked": _("缓办"), "stuck": _("停滞"),
    "past_target": _("超过目标日期"),
}  # fmt: skip
HOW: Final = {  # how each figure is counted
    "open_before": _("上月末在账、拟销号、重新挂账的"),
    "listed": _("本月列入台账的"), "relisted": _("销号后本月又挂账的"),
    "proposed": _("本月反馈结果、等企业确认的"),
    "cleared": _("本月核查通过且企业确认后销号的"),
    "open": _("月末仍在账、拟销号、重新挂账的"),
    "due": _("月初到月末都在账的，每月须报一次"),
    "moved": _("本月记过进展或反馈过结果的"), "no_progress": _("本月只报了“无进展”并说明原因的"),
    "missing": _("应报而本月没有任何填报的"), "parked": _("月末处于缓办的"),
    "stuck": _("距上次填报或挂账满一个月没有填报的"),
    "past_target": _("过了目标日期仍未销号的"),
}  # fmt: skip
TABS: Final = {
    "": _("未销号"), "listed": _("在账"), "proposed": _("拟销号"), "cleared": _("已销号"),
    "relisted": _("重新挂账"), "none": _("待挂账"),
}  # fmt: skip
ANSWERS: Final = {"missing": _("未报"), "progress": _("有进展"), "no_progress": _("无进展")}
HOLDS: Final = {"parked": _("缓办"), "stuck": _("停滞")}
OUTCOMES: Final = {  # of a row of a sheet
    "taken": (_("已记入"), "done"), "ready": (_("可以记入"), "running"),
    "known": (_("已有，不重复"), "idle"), "empty": (_("未填"), "idle"),
    "refused": (_("不收"), "failed"),
}  # fmt: skip
ROW_FAULTS: Final = {
    "number": _("没有这个编号，或者您看不到它。"),
    "month": _("月份不是本月：填报只记在填报当月。"),
    "both": _("“本月进展”和“无进展原因”只能填一个。"),
    "alone": _("只有说明，没有进展，也没有无进展原因。"),
    "long": _("文字超过 1000 字。"),
}  # fmt: skip
SHEET_FAULTS: Final = {
    "too-large": _("文件超过 5 MB。"),
    "not-xlsx": _("不是可以安全打开的 xlsx 工作簿。"),
    "columns": _("缺少这些列：{what}"),
    "too-many": _("超过 {what} 行，请分几次上传。"),
}  # fmt: skip
_COLUMNS: Final = {
    "ledger": _("台账"), "state": _("状态"), "lead": _("主办单位"), "target": _("目标日期"),
}  # fmt: skip


def refused_row(why: str, detail: str) -> str:
    """Why a row of a sheet was not taken, as a sentence."""
    if why in ROW_FAULTS:
        return str(ROW_FAULTS[why])
    return wording.refusal_words(why, detail)


def answer_words(entry: LedgerEvent, note: str) -> str:
    """An entry as it is read: the note, or why nothing moved."""
    reason = str(entry.facts.get("no_progress", ""))
    if not reason:
        return note
    words = str(_("无进展：{reason}")).format(reason=wording.reason_word("no_progress", reason))
    return f"{words}　{note}".strip()


def parked_words(stand: Stand) -> str:
    """Why an item is parked, and when that is looked at again."""
    reason = wording.reason_word("park", stand.parked_for)
    if not stand.review_on:
        return reason
    return str(_("{reason}；{day} 复核")).format(reason=reason, day=stand.review_on)


def stuck_words(stand: Stand) -> str:
    """What is known of an item that stands still: when something was last said, and what."""
    if stand.entered_at is None:
        day = f"{localtime(stand.since):%Y-%m-%d}" if stand.since else "—"
        return str(_("{day} 挂账以来没有填报")).format(day=day)
    day = f"{localtime(stand.entered_at):%Y-%m-%d}"
    if stand.reason:
        reason = wording.reason_word("no_progress", stand.reason)
        return str(_("{day} 报无进展：{reason}，之后没有填报")).format(day=day, reason=reason)
    return str(_("{day} 之后没有填报")).format(day=day)


def change_words(item: ItemMonth, units: dict[str, str]) -> list[str]:
    """What differs from a month ago, each as a phrase."""
    found = []
    for name, before, after in item.changes:
        first, then = (_value(name, one, units) for one in (before, after))
        found.append(f"{_COLUMNS[name]}：{first} → {then}")
    return found


def _value(name: str, text: str, units: dict[str, str]) -> Any:
    if name == "lead":
        return units.get(text, text) or "—"
    if name == "target":
        return text or "—"
    return wording.state_word(text, LEDGER if name == "ledger" else "state")
