"""Forms of the room."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from .wording import USE_WORDS, choices

_DATE = {"type": "date"}


class RequestForm(forms.Form):
    """What a person asks for; with `draft` anything may be blank."""

    purpose_kind = forms.ChoiceField(label=_("目的类别"))
    purpose = forms.CharField(
        label=_("利用目的"), max_length=300, widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("为办什么事；会印在水印和审计记录里"),
    )  # fmt: skip
    legal_basis = forms.CharField(
        label=_("依据"), max_length=300, help_text=_("法律法规条款、职责规定或者文件号")
    )
    wanted = forms.CharField(
        label=_("要什么档案"), max_length=2000, required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("看不到的档案也可以申请：写档号（每行一个），或者题名、文号、年份、单位"),
    )  # fmt: skip
    query = forms.CharField(
        label=_("检索条件"), max_length=500, required=False,
        help_text=_("写法同检索框；由档案馆员办理时再查，结果逐件决定"),
    )  # fmt: skip
    uses = forms.MultipleChoiceField(
        label=_("利用方式"),
        widget=forms.CheckboxSelectMultiple,
        choices=list(USE_WORDS.items()),
    )
    whole = forms.BooleanField(
        label=_("需要不遮盖个人信息"), required=False,
        help_text=_("不选时，个人信息遮盖后提供；选了须由两个人审批"),
    )  # fmt: skip
    until = forms.DateField(
        label=_("用到哪一天"),
        widget=forms.DateInput(_DATE, format="%Y-%m-%d"),
        help_text=_("到期自动收回"),
    )
    for_unit = forms.BooleanField(
        label=_("供本单位的人使用"), required=False, help_text=_("不选时只供本人使用")
    )

    def __init__(
        self, *args: Any, may_ask_for_unit: bool, draft: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.required = field.required and not draft
        _offer(self, "purpose_kind", [("", "—"), *choices("use_purposes")])
        if not may_ask_for_unit:
            del self.fields["for_unit"]


class LoanForm(forms.Form):
    """A loan that is asked for."""

    code = forms.CharField(label=_("档号"), max_length=100)
    purpose_kind = forms.ChoiceField(label=_("目的类别"))
    purpose = forms.CharField(
        label=_("借阅目的"), max_length=300, widget=forms.Textarea(attrs={"rows": 2})
    )
    due_on = forms.DateField(label=_("归还日期"), widget=forms.DateInput(_DATE, format="%Y-%m-%d"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer(self, "purpose_kind", choices("use_purposes"))


class VisitForm(forms.Form):
    """An application of a citizen, by the fields that archives ask for."""

    name = forms.CharField(label=_("姓名"), max_length=100, help_text=_("与证件一致"))
    id_kind = forms.ChoiceField(label=_("证件类型"))
    id_number = forms.CharField(
        label=_("证件号码"),
        max_length=60,
        help_text=_("只用于核对，系统不保存号码，只留末四位和不可还原的摘要"),
    )
    phone = forms.CharField(label=_("联系电话"), max_length=40)
    address = forms.CharField(label=_("通信地址"), max_length=200, required=False)
    archive = forms.ChoiceField(label=_("向哪个档案馆查"), required=False)
    wanted = forms.CharField(
        label=_("要查什么"),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("人、事、时间、单位，知道多少写多少"),
    )
    purpose_kind = forms.ChoiceField(label=_("目的类别"))
    purpose = forms.CharField(label=_("查档用途"), max_length=300)
    delivery = forms.ChoiceField(label=_("取得方式"), widget=forms.RadioSelect)
    agreed = forms.BooleanField(label=_("我同意档案馆为办理本次查档使用以上信息，办结后按期删除"))
    website = forms.CharField(required=False, widget=forms.HiddenInput)  # people leave it blank

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        from .models import Delivery

        super().__init__(*args, **kwargs)
        _offer(self, "id_kind", choices("identity_kinds"))
        _offer(self, "purpose_kind", choices("use_purposes"))
        _offer(self, "archive", [("", _("本馆")), *choices("partner_archives")])
        _offer(self, "delivery", list(Delivery.choices))


def _offer(form: forms.Form, name: str, offered: Sequence[tuple[Any, Any]]) -> None:
    field = form.fields[name]
    if isinstance(field, forms.ChoiceField):
        field.choices = list(offered)
