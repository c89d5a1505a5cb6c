"""Words of the enterprise pages in the language of the page: faults, mandates, who will see it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from liandong.base.models import Officer, Role
from liandong.kernel.casework import kinds
from liandong.kernel.deadlines import Limit
from liandong.kernel.explanations import unit_words

from . import wording
from .models import Mandate
from .policies import AUDITOR, CHAMBER, NOW, OWN, WHEN_OVER, WORK
from .queries.portal import Seer
from .queries.tracking import Told

_WHEN: Final[Mapping[str, Any]] = {
    NOW: gettext_lazy("提交后"), OWN: gettext_lazy("本企业"), CHAMBER: gettext_lazy("受委托的商会"),
    WORK: gettext_lazy("派遣后，主办和协办单位"), WHEN_OVER: gettext_lazy("办结后"),
}  # fmt: skip
_FAULTS: Final[Mapping[tuple[str, str], Any]] = {
    ("chamber", "unknown"): gettext_lazy("请选择商会。"),
    ("scope", "unknown"): gettext_lazy("请选择委托事项。"),
    ("valid_from", "missing"): gettext_lazy("请填写起始日。"),
    ("valid_until", "missing"): gettext_lazy("请填写终止日。"),
    ("valid_until", "past"): gettext_lazy("终止日不能早于起始日，也不能早于今天。"),
    ("enterprise", "no-mandate"): gettext_lazy("没有该企业的有效委托，不能代为提交。"),
    ("enterprise", "unknown"): gettext_lazy("请选择企业。"),
    ("enterprise", "missing"): gettext_lazy("请选择企业。"),
    ("unit", "unknown"): gettext_lazy("您的账号没有所属单位，或者单位已撤销。"),
    ("visited_on", "missing"): gettext_lazy("请填写走访日期。"),
    ("visited_on", "later"): gettext_lazy("走访日期不能晚于今天。"),
    ("needs", "missing"): gettext_lazy("请写一条需求，或者写情况。"),
    ("needs", "too-many"): gettext_lazy("一次走访最多记 30 条。"),
    ("needs", "too-long"): gettext_lazy("每条不超过 1000 字。"),
    ("employee_needs", "too-long"): gettext_lazy("每条不超过 1000 字。"),
    ("became", "case"): gettext_lazy("已转为事项，不能再改。"),
    ("became", "unknown"): gettext_lazy("请选择怎样处理。"),
    ("starts_on", "missing"): gettext_lazy("请填写起始日。"),
    ("ends_on", "missing"): gettext_lazy("请填写终止日。"),
    ("ends_on", "before"): gettext_lazy("终止日不能早于起始日。"),
    ("kind", "unknown"): gettext_lazy("这一条不能转为这种事项。"),
}  # fmt: skip


def fault_lines(
    faults: Iterable[tuple[str, str]], names: Mapping[str, str] | None = None
) -> list[dict[str, str]]:
    """Faults as sentences, each with the field it belongs to; `names` are words of other fields."""
    return [{"name": name, "text": _fault(name, code, names or {})} for name, code in faults]


def _fault(name: str, code: str, names: Mapping[str, str]) -> str:
    if code == "crowded":
        return _(
            "{enterprise}：这一时段已有其他走访计划，请换时间或与其合并，不增加企业负担。"
        ).format(enterprise=names.get(name, name))
    if (name, code) in _FAULTS:
        return str(_FAULTS[name, code])
    what = names.get(name, wording.need_word(name))
    if code == "missing":
        return _("{field}：请填写。").format(field=what)
    return _("{field}：填写有误。").format(field=what)


def draft_refusal(code: str) -> str:
    """Why a draft was not begun."""
    return {
        "kind": _("请选择要提交的事项。"),
        "enterprise": _("没有该企业的有效委托，不能代为提交。"),
        "too-many": _("草稿太多，请先提交或删除一些。"),
    }.get(code, code)


def paper_refusal(code: str) -> str:
    """Why a material was not taken."""
    return {
        "empty": _("是空文件"), "too-large": _("文件太大"), "too-many": _("材料已满"),
        "kind": _("只收 PDF、OFD、docx、xlsx、JPEG、PNG"), "broken": _("图片打不开"),
        "virus": _("病毒检测未通过"),
    }.get(code, code)  # fmt: skip


# Mandates -----------------------------------------------------------------------------------------


def scope_word(scope: str) -> str:
    """What a mandate is for."""
    return wording.kind_word(scope) if scope in kinds() else _("全部事项")


def mandate_word(mandate: Mandate, today: date) -> str:
    """How a mandate stands on a day."""
    if mandate.withdrawn_at:
        return _("已撤回")
    if mandate.valid_until < today:
        return _("已到期")
    return _("有效") if mandate.is_live(today) else _("未生效")


# Who will see it ----------------------------------------------------------------------------------


def seer_lines(seers: Sequence[Seer]) -> list[dict[str, str]]:
    """Who will see a case, a line for each moment or place, as the access rule has it."""
    lines, comma = [], ", " if wording.is_english() else "、"
    for when, word in _WHEN.items():
        mine = [one for one in seers if one.when == when]
        if not mine:
            continue
        names = comma.join(dict.fromkeys(name for one in mine for name in one.names))
        who = comma.join(_role(one) for one in mine)
        lines.append({"when": f"{word}（{names}）" if names else str(word), "who": who})
    return lines


def _role(seer: Seer) -> str:
    return str(Officer(AUDITOR).label if seer.role == AUDITOR else Role(seer.role).label)


# One demand ---------------------------------------------------------------------------------------


def told_words(told: Told) -> dict[str, Any]:
    """An event of the public story in words."""
    facts = []
    for code, text in told.said:
        shown = wording.reason_word("refer", text) if code == "route" else text
        value = f"{text} / 5" if code == "score" else shown
        facts.append({"label": wording.need_word(code), "value": value})
    return {"at": told.at, "word": wording.action_word(told.action), "facts": facts}


def scores(among: Iterable[int]) -> list[tuple[int, str]]:
    """Degrees of content with their words."""
    known = {5: _("很满意"), 4: _("满意"), 3: _("基本满意"), 2: _("不满意"), 1: _("很不满意")}
    return [(one, known[one]) for one in among]


def limit_word(limit: Limit, language: str) -> str:
    """A limit in words: 7 个工作日."""
    zh, en = unit_words(limit.unit)
    return f"{limit.amount} {en}" if language == "en" else f"{limit.amount} {zh}"
