"""Forms of the room."""

from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from liandong.base.models import Unit
from liandong.cases.models import Tie

from .models import ConductHint
from .wording import choices_of

_TIME = {"type": "time"}
_DATE = {"type": "date"}


def plain(form: forms.Form) -> dict[str, Any]:
    """What a valid form says, without NUL, which PostgreSQL refuses."""
    return {
        name: value.replace("\0", "") if isinstance(value, str) else value
        for name, value in form.cleaned_data.items()
    }


def _enterprises() -> Any:
    """Units that an account acts for as an enterprise."""
    rows = Unit.objects.filter(closed_at__isnull=True, accounts__posts__role="enterprise")
    return rows.distinct()


class StationForm(forms.Form):
    """A station as its staff keeps it."""

    code = forms.SlugField(
        label=_("编号"), max_length=24, help_text=_("小写字母、数字和短横，定了不改")
    )
    name = forms.CharField(label=_("名称"), max_length=80)
    address = forms.CharField(label=_("地址"), max_length=200)
    lat = forms.FloatField(label=_("纬度"), min_value=-90, max_value=90, help_text="WGS 84")
    lon = forms.FloatField(label=_("经度"), min_value=-180, max_value=180, help_text="WGS 84")
    is_24h = forms.BooleanField(label=_("全天开放"), required=False)
    opens_at = forms.TimeField(label=_("开门"), required=False, widget=forms.TimeInput(_TIME))
    closes_at = forms.TimeField(label=_("关门"), required=False, widget=forms.TimeInput(_TIME))
    seats = forms.IntegerField(label=_("座位"), min_value=0, max_value=500, initial=0)
    phone = forms.CharField(label=_("电话"), max_length=40, required=False)
    facilities = forms.MultipleChoiceField(
        label=_("设施"), widget=forms.CheckboxSelectMultiple, required=False
    )
    note = forms.CharField(label=_("说明"), max_length=300, required=False)
    is_open = forms.BooleanField(label=_("对外开放"), required=False, initial=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["facilities"]
        field.choices = choices_of("station_facilities")

    def clean(self) -> dict[str, Any]:
        """Hours are given, or it is open round the clock."""
        said = super().clean() or {}
        if said.get("code") == "new":
            self.add_error("code", gettext("这个编号不能用。"))
        if not said.get("is_24h") and not (said.get("opens_at") and said.get("closes_at")):
            self.add_error("opens_at", gettext("请填开门和关门时间，或者选全天开放。"))
        return said


class ContactForm(forms.Form):
    """A contact of the own account with an enterprise."""

    enterprise = forms.ModelChoiceField(Unit.objects.none(), label=_("企业"), to_field_name="code")
    kind = forms.ChoiceField(label=_("形式"))
    day = forms.DateField(
        label=_("日期"), widget=forms.DateInput(_DATE, format="%Y-%m-%d"),
        help_text=_("可以事前登记，也可以事后补记；页面会写明是哪一种"),
    )  # fmt: skip
    place = forms.CharField(label=_("地点"), max_length=200)
    others = forms.CharField(label=_("其他参加人"), max_length=300, required=False)
    purpose = forms.CharField(
        label=_("事由"), max_length=500, required=False, widget=forms.Textarea({"rows": 2})
    )
    next_step = forms.CharField(label=_("下一步"), max_length=500, required=False)
    rule = forms.ChoiceField(label=_("依据"), required=False, help_text=_("不选时按形式取"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: Any = self.fields
        fields["enterprise"].queryset = _enterprises()
        fields["kind"].choices = choices_of("contact_kinds")
        rules = [(code, f"{code} {text}") for code, text in choices_of("conduct_rules", "rule")]
        fields["rule"].choices = [("", "—"), *rules]


class TieForm(forms.Form):
    """A tie of the own account to an enterprise."""

    enterprise = forms.ModelChoiceField(Unit.objects.none(), label=_("企业"), to_field_name="code")
    kind = forms.ChoiceField(label=_("关系"), choices=Tie.Kind.choices)
    note = forms.CharField(label=_("说明"), max_length=300, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["enterprise"]
        field.queryset = _enterprises()


class JudgeForm(forms.Form):
    """What a hint amounts to."""

    verdict = forms.ChoiceField(label=_("判定"), choices=ConductHint.Verdict.choices)
    reason = forms.CharField(label=_("理由"), max_length=500, widget=forms.Textarea({"rows": 2}))


class ReportForm(forms.Form):
    """A report on the conduct of officials."""

    unit = forms.ModelChoiceField(
        Unit.objects.none(), label=_("所涉单位"), to_field_name="code",
        help_text=_("举报交给别的单位的纪检监察员，这个单位看不到"),
    )  # fmt: skip
    person = forms.CharField(label=_("所涉人员"), max_length=100, required=False)
    text = forms.CharField(
        label=_("要反映什么"), max_length=4000, widget=forms.Textarea({"rows": 5}),
        help_text=_("什么时间、什么地点、什么事。不要在这里写自己的姓名"),
    )  # fmt: skip
    name = forms.CharField(
        label=_("您的姓名"), max_length=100, required=False,
        help_text=_("加密保存；只有办理的纪检监察员写明理由后才能看，每次都留记录"),
    )  # fmt: skip
    phone = forms.CharField(label=_("联系电话"), max_length=40, required=False)
    is_secret = forms.BooleanField(label=_("要求保密"), required=False, initial=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = Unit.objects.filter(closed_at__isnull=True)
        field: Any = self.fields["unit"]
        field.queryset = rows.exclude(accounts__posts__role="enterprise").distinct()
