"""Words for requests about personal information, and why one is refused."""

from django.utils.translation import gettext as _

from liandong.archive.models import RightsOutcome, RightsRequest, RightsState
from liandong.archive.views.opening.wording import is_english, kind_word
from liandong.kernel import catalog
from liandong.kernel.flows import StepRefused
from liandong.kernel.person_numbers import PAPERS

TONES = {
    RightsState.RECEIVED: "decide",
    RightsState.IDENTIFIED: "decide",
    RightsState.ANSWERED: "done",
    RightsState.WITHDRAWN: "rejected",
}


def papers() -> list[tuple[str, str]]:
    """Kinds of papers by which a person is identified."""
    return [(kind, kind_word(kind)) for kind in PAPERS]


def bases_for(kind: str) -> list[tuple[str, str]]:
    """The articles on which an answer to this kind of request may rest, with their sentences."""
    column = "name_en" if is_english() else "name_zh"
    return [
        (row["code"], row[column])
        for row in catalog.rows("rights_bases")
        if kind in row["kinds"].split("|")
    ]


def basis_words(code: str) -> str:
    """The sentence of an article; "" for none."""
    row = catalog.by_key("rights_bases", "code").get(code)
    return row["name_en" if is_english() else "name_zh"] if row else ""


def outcome_word(request: RightsRequest) -> str:
    """How a request was answered."""
    return str(RightsOutcome(request.outcome).label) if request.outcome else ""


def step_word(step: str) -> str:
    """A step of a request as a person reads it."""
    return {
        "ask": _("提出"),
        "identify": _("核对身份"),
        "extend": _("延长答复期限"),
        "annotate": _("以附注更正"),
        "answer": _("答复"),
        "withdraw": _("撤回"),
    }.get(step, step)


def step_refused_words(refused: StepRefused) -> str:
    """Why a step is refused, in a sentence."""
    words = {
        "wrong-state": _("这项请求已经答复或撤回"),
        "wrong-role": _("您的身份不能办理这一步"),
        "wrong-basis": _("所选条款不适用于这类请求"),
        "not-identified": _("还没有核对请求人身份，不能告知命中情况或限制处理"),
        "missing-evidence": _("请填写结果、答复和所依据的条款"),
        "same-person": _("起草人不能审定自己的评估"),
    }
    return words.get(refused.reason, refused.reason)


def bad_request_words(reason: str) -> str:
    """Why what was asked cannot stand."""
    return {
        "no-kind": _("请选择请求的种类"),
        "no-name": _("请填写姓名"),
        "no-words": _("请写明请求内容"),
        "no-number": _("请填写证件种类和完整的证件号码；系统只保存末四位和摘要"),
    }.get(reason, reason)
